#!/usr/bin/env python3
# SPDX-License-Identifier: ISC
"""probe.py KIND[,KEY=VALUE...]... KEY=VALUE...: tries to send packets, each in its own way, and says what became of it.

Kinds end in 4 or 6: tcp udp ask icmp dns dnstcp raw frag multicast broadcast dhcp solicit.
    to4= to6=    where to (203.0.113.2, 2001:db8:2::2)
    port=        TCP and UDP (4000)
    from=        source port
    mark= dev=   SO_MARK, SO_BINDTODEVICE
    flood=       seconds of UDP as fast as it goes
    every=       again and again, with that many seconds between, until SIGTERM; then how often each was tried
    size=        bytes of payload
    wait=        seconds for an answer (0.3)
Prints "KIND sent" or "KIND refused: why", and of floods how many were tried.
"""
import errno
import os
import signal
import socket
import struct
import sys
import time

SO_BINDTODEVICE, SO_MARK, ICMP_ECHO, ICMP6_ECHO = 25, 36, 8, 128
ALL_ROUTERS = "ff02::2"


def options(sock, opt):
    if "mark" in opt:
        sock.setsockopt(socket.SOL_SOCKET, SO_MARK, int(opt["mark"]))
    if "dev" in opt:
        sock.setsockopt(socket.SOL_SOCKET, SO_BINDTODEVICE, opt["dev"].encode())
    if "from" in opt:
        sock.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        sock.bind(("", int(opt["from"])))
    sock.settimeout(float(opt.get("wait", 0.3)))
    return sock


def make(v6, kind, proto, opt):
    return options(socket.socket(socket.AF_INET6 if v6 else socket.AF_INET, kind, proto), opt)


def tcp(v6, to, opt, port=None):
    with make(v6, socket.SOCK_STREAM, 0, opt) as s:
        try:
            s.connect((to, port or int(opt.get("port", 4000))))
        except TimeoutError:
            pass  # the SYN went out, or a rule took it


def udp(v6, to, opt, port=None):
    with make(v6, socket.SOCK_DGRAM, 0, opt) as s:
        s.sendto(b"x" * int(opt.get("size", 20)), (to, port or int(opt.get("port", 4000))))


def ask(v6, to, opt):
    """A datagram that is answered, or an error."""
    with make(v6, socket.SOCK_DGRAM, 0, opt) as s:
        s.connect((to, int(opt.get("port", 4000))))
        s.send(b"word")
        s.recv(100)


def checksum(data):
    total = sum(struct.unpack(f"!{len(data) // 2}H", data))
    total = (total & 0xffff) + (total >> 16)
    return ~(total + (total >> 16)) & 0xffff


def icmp(v6, to, opt):
    proto = socket.IPPROTO_ICMPV6 if v6 else socket.IPPROTO_ICMP
    head = struct.pack("!BBHHH", ICMP6_ECHO if v6 else ICMP_ECHO, 0, 0, 7, 1)
    if not v6:
        head = head[:2] + struct.pack("!H", checksum(head)) + head[4:]
    with make(v6, socket.SOCK_RAW, proto, opt) as s:
        s.sendto(head, (to, 0))


def raw(v6, to, opt):
    """A protocol that nobody knows."""
    with make(v6, socket.SOCK_RAW, 253, opt) as s:
        s.sendto(b"x" * 20, (to, 0))


def frag(v6, to, opt):
    """The second fragment of a datagram, alone: its first bytes are no ports."""
    if v6:
        body = struct.pack("!BBHI", socket.IPPROTO_UDP, 0, 64 << 3, 99) + struct.pack("!HHHH", 1, int(opt.get("port", 4000)), 8, 0)
        source = socket.inet_pton(socket.AF_INET6, opt["source6"])
        packet = struct.pack("!IHBB", 6 << 28, len(body), 44, 64) + source + socket.inet_pton(socket.AF_INET6, to) + body
        with make(True, socket.SOCK_RAW, socket.IPPROTO_RAW, opt) as s:
            s.sendto(packet, (to, 0))
        return
    body = struct.pack("!HHHH", 1, int(opt.get("port", 4000)), 8, 0)
    packet = struct.pack("!BBHHHBBH4s4s", 0x45, 0, 28, 99, 64, 64, socket.IPPROTO_UDP, 0, bytes(4), socket.inet_aton(to)) + body
    with make(False, socket.SOCK_RAW, socket.IPPROTO_RAW, opt) as s:
        s.sendto(packet, (to, 0))


def multicast(v6, to, opt):
    with make(v6, socket.SOCK_DGRAM, 0, opt) as s:
        if v6:
            s.sendto(b"x", ("ff02::fb", 5353, 0, socket.if_nametoindex(opt["dev"])))
        else:
            s.setsockopt(socket.IPPROTO_IP, socket.IP_MULTICAST_TTL, 4)
            s.sendto(b"x", ("224.0.0.251", 5353))


def broadcast(v6, to, opt):
    with make(v6, socket.SOCK_DGRAM, 0, opt) as s:
        s.setsockopt(socket.SOL_SOCKET, socket.SO_BROADCAST, 1)
        s.sendto(b"x", ("255.255.255.255", int(opt.get("port", 4000))))


def dhcp(v6, to, opt):
    opt = dict(opt, **{"from": "546" if v6 else "68"})
    with make(v6, socket.SOCK_DGRAM, 0, opt) as s:
        s.setsockopt(socket.SOL_SOCKET, socket.SO_BROADCAST, 1)
        if v6:
            s.sendto(b"x", ("ff02::1:2", 547, 0, socket.if_nametoindex(opt["dev"])))
        else:
            s.sendto(b"x", ("255.255.255.255", 67))


def solicit(v6, to, opt):
    """A router solicitation."""
    with make(True, socket.SOCK_RAW, socket.IPPROTO_ICMPV6, opt) as s:
        s.setsockopt(socket.IPPROTO_IPV6, socket.IPV6_MULTICAST_HOPS, int(opt.get("hops", 255)))
        s.sendto(struct.pack("!BBHI", 133, 0, 0, 0), (ALL_ROUTERS, 0, 0, socket.if_nametoindex(opt["dev"])))


def flood(v6, to, opt):
    tried = refused = 0
    end = time.monotonic() + float(opt["flood"])
    with make(v6, socket.SOCK_DGRAM, 0, opt) as s:
        s.setblocking(False)
        where, data = (to, int(opt.get("port", 4000))), b"x" * 20
        while time.monotonic() < end:
            for _ in range(100):
                tried += 1
                try:
                    s.sendto(data, where)
                except OSError:
                    refused += 1
    print(f"flood {tried} tried {refused} refused", flush=True)


KINDS = {
    "tcp": tcp, "udp": udp, "ask": ask, "icmp": icmp, "raw": raw, "frag": frag, "multicast": multicast, "broadcast": broadcast,
    "dhcp": dhcp, "solicit": solicit, "flood": flood,
    "dns": lambda v6, to, opt: udp(v6, to, opt, 53),
    "dnstcp": lambda v6, to, opt: tcp(v6, to, opt, 53),
}


def attempt(name, opt):
    """What became of it: None, or an error."""
    kind, *own = name.split(",")
    opt = opt | dict(x.split("=", 1) for x in own)
    v6 = kind[-1] == "6"
    to = opt.get("to6", "2001:db8:2::2") if v6 else opt.get("to4", "203.0.113.2")
    try:
        KINDS[kind[:-1]](v6, to, opt)
        return None
    except OSError as e:
        return errno.errorcode.get(e.errno, e)


def again_and_again(names, opt):
    tries, stopped = dict.fromkeys(names, 0), []
    signal.signal(signal.SIGTERM, lambda *_: stopped.append(True))
    while not stopped:
        for name in names:
            attempt(name, opt)
            tries[name] += 1
        time.sleep(float(opt["every"]))
    for name in names:
        print(name, tries[name], flush=True)


def main(arguments):
    opt = dict(a.split("=", 1) for a in arguments if "=" in a.split(",")[0])
    names = [a for a in arguments if "=" not in a.split(",")[0]]
    if "every" in opt:
        again_and_again(names, opt)
        return
    for name in names:
        why = attempt(name, opt)
        print(f"{name} refused: {why}" if why else f"{name} sent", flush=True)


if __name__ == "__main__":
    main(sys.argv[1:])
    os._exit(0)
