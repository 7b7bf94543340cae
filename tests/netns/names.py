#!/usr/bin/env python3
# SPDX-License-Identifier: ISC
"""names.py ADDRESS FILE LOG: a DNS server on ADDRESS port 53. FILE has lines "NAME ADDRESS..."; it is read again for
each question, TTL is 1 s, a name that is not there does not exist. LOG gets a line for each question: NAME TYPE FROM."""
import ipaddress
import socket
import struct
import sys


def question(msg):
    labels, at = [], 12
    while msg[at]:
        labels.append(msg[at + 1:at + 1 + msg[at]].decode())
        at += 1 + msg[at]
    return ".".join(labels).lower(), struct.unpack_from("!H", msg, at + 1)[0], at + 5


def answer(msg, names):
    name, kind, end = question(msg)
    known = name in names
    wanted = {1: 4, 28: 6}.get(kind)
    found = [ipaddress.ip_address(a) for a in names.get(name, [])]
    found = [a for a in found if a.version == wanted]
    out = msg[:2] + struct.pack("!HHHHH", 0x8580 if known else 0x8583, 1, len(found), 0, 0) + msg[12:end]
    for a in found:
        out += struct.pack("!HHHIH", 0xC00C, kind, 1, 1, len(a.packed)) + a.packed
    return name, kind, out


def main(address, path, log):
    s = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
    s.bind((address, 53))
    with open(log, "a", buffering=1) as out:
        print("listening", file=out)
        while True:
            msg, source = s.recvfrom(4096)
            with open(path) as f:
                names = {w[0].lower(): w[1:] for w in map(str.split, f) if w}
            name, kind, reply = answer(msg, names)
            print(name, {1: "A", 28: "AAAA"}.get(kind, kind), source[0], file=out)
            s.sendto(reply, source)


main(*sys.argv[1:])
