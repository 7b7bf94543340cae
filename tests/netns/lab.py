#!/usr/bin/env python3
# SPDX-License-Identifier: ISC
"""lab.py - what the network tests do better in Python than in shell.

lab.py get IFACE [KEY]            raw UAPI get; with KEY the values of that key, one a line
lab.py set IFACE < REQUEST        sends stdin as it is, prints the reply
lab.py drop IFACE REASON          the counter of a drop reason (0 when never counted)
lab.py drops IFACE                every drop counter that is not 0
lab.py hold IFACE COUNT SECONDS   opens COUNT UAPI connections and keeps them open
lab.py gap PINGLOG                longest time without an answer in `ping -D` output, in ms
lab.py pace BYTES_PER_SECOND FILE writes FILE to stdout no faster than that
lab.py payloads PCAP PORT|any     UDP payloads sent to PORT, one hex line each: SOURCE HEX
lab.py nonces PCAP PORT|any LEN TEXT  datagrams to PORT, how many begin with LEN bytes seen before, how many hold TEXT
lab.py comments PCAPNG            packets with a comment, a line each: in|out COMMENT SOURCE DESTINATION
lab.py say ADDR PORT TEXT SECONDS [RATE] datagrams of 64 bytes full of TEXT, from one socket
lab.py replay TIMES HOST PORT [flip] [cut N] [source ADDR PORT | raw ADDR PORT] < lines of `payloads`
                                  source: an own address; raw: any IPv4 address
lab.py echo ADDR PORT             UDP echo server
lab.py sweep ADDR PORT MAX        UDP echo client: inner packets of every size up to MAX
lab.py scan PID HEX...            which of the byte strings are in the memory of PID
lab.py relay ADDR PORT HOST PORT CONTROL  a UDP relay that can change its own port
"""
import os
import re
import select
import socket
import struct
import sys
import time


def uapi_open(ifname):
    s = socket.socket(socket.AF_UNIX)
    s.settimeout(60)
    s.connect("/var/run/wireguard/%s.sock" % ifname)
    return s


def uapi(ifname, request, until=b"\n\n"):
    """The reply up to its end, or up to the first `until`: a million peers are a lot of text."""
    with uapi_open(ifname) as s:
        s.sendall(request)
        parts, tail = [], b""
        while until not in tail and not tail.endswith(b"\n\n"):
            part = s.recv(1 << 18)
            if not part:
                break
            parts.append(part)
            tail = tail[-64:] + part
    return b"".join(parts).decode("ascii", "replace")


def pairs(ifname):
    for line in uapi(ifname, b"get=1\n\n").splitlines():
        key, sep, value = line.partition("=")
        if sep:
            yield key, value


def drop_counters(ifname):
    """Drop counters of the device: keys adit_drop_REASON."""
    found = {}
    for line in uapi(ifname, b"get=1\n\n", b"\npublic_key=").splitlines():
        key, _, value = line.partition("=")
        if key == "public_key":
            break
        if key.startswith("adit_drop_"):
            found[key[len("adit_drop_"):]] = int(value)
    return found


def cmd_get(ifname, key=None):
    if key is None:
        sys.stdout.write(uapi(ifname, b"get=1\n\n"))
        return 0
    values = [v for k, v in pairs(ifname) if k == key]
    print("\n".join(values))
    return 0 if values else 1


def cmd_set(ifname):
    sys.stdout.write(uapi(ifname, sys.stdin.buffer.read()))


def cmd_drop(ifname, reason):
    print(drop_counters(ifname).get(reason, 0))


def cmd_drops(ifname):
    for reason, count in sorted(drop_counters(ifname).items()):
        if count:
            print(reason, count)


def cmd_hold(ifname, count, seconds):
    held, refused = [], 0
    end = time.monotonic() + float(seconds)
    for _ in range(int(count)):
        s = socket.socket(socket.AF_UNIX)
        s.setblocking(False)
        try:
            s.connect("/var/run/wireguard/%s.sock" % ifname)
            held.append(s)
        except OSError:
            refused += 1
    print("held", len(held), "refused", refused, flush=True)
    time.sleep(max(0.0, end - time.monotonic()))


def cmd_gap(path):
    stamps = [float(m.group(1)) for m in re.finditer(r"^\[([0-9.]+)\] \d+ bytes", open(path).read(), re.M)]
    if len(stamps) < 2:
        print(999999)
        return 1
    print(int(1000 * max(b - a for a, b in zip(stamps, stamps[1:]))))
    return 0


def cmd_pace(rate, path):
    rate, sent, start = float(rate), 0, time.monotonic()
    with open(path, "rb") as f:
        while True:
            part = f.read(65536)
            if not part:
                return
            sys.stdout.buffer.write(part)
            sys.stdout.buffer.flush()
            sent += len(part)
            time.sleep(max(0.0, start + sent / rate - time.monotonic()))


# ---- captures ---------------------------------------------------------------------------------

def datagrams(path, port):
    """(source, payload) of each UDP datagram to port in an Ethernet capture."""
    data = open(path, "rb").read()
    order = "<" if data[:4] in (b"\xd4\xc3\xb2\xa1", b"\x4d\x3c\xb2\xa1") else ">"
    at = 24
    while at + 16 <= len(data):
        size = struct.unpack_from(order + "I", data, at + 8)[0]
        frame = data[at + 16:at + 16 + size]
        at += 16 + size
        kind = struct.unpack_from(">H", frame, 12)[0] if len(frame) > 14 else 0
        if kind == 0x0800 and frame[14 + 9] == 17:
            ihl = (frame[14] & 15) * 4
            src, udp = socket.inet_ntoa(frame[26:30]), 14 + ihl
        elif kind == 0x86dd and frame[14 + 6] == 17:
            src, udp = socket.inet_ntop(socket.AF_INET6, frame[22:38]), 54
        else:
            continue
        sport, dport, length = struct.unpack_from(">HHH", frame, udp)
        if port is None or dport == port:
            yield "%s,%d" % (src, sport), frame[udp + 8:udp + length]


def cmd_payloads(path, port):
    for source, payload in datagrams(path, None if port == "any" else int(port)):
        print(source, payload.hex())


def cmd_nonces(path, port, length, text):
    seen, count, again, plain = set(), 0, 0, 0
    for _, payload in datagrams(path, None if port == "any" else int(port)):
        nonce = bytes(payload[:int(length)])
        count += 1
        again += nonce in seen
        plain += text.encode() in payload
        seen.add(nonce)
    print(count, again, plain)


def cmd_comments(path):
    with open(path, "rb") as f:
        text = f.read()
    at = 0
    while at + 12 <= len(text):
        kind, size = struct.unpack_from("=II", text, at)
        block, at = text[at:at + size], at + size
        if kind != 6 or len(block) < size:
            continue
        caplen, = struct.unpack_from("=I", block, 20)
        packet, options, options_at = block[28:28 + caplen], {}, 28 + (caplen + 3 & ~3)
        while options_at + 4 <= size - 4:
            code, n = struct.unpack_from("=HH", block, options_at)
            options[code] = block[options_at + 4:options_at + 4 + n]
            options_at += 4 + (n + 3 & ~3)
        if 1 in options:
            family, begin, n = (socket.AF_INET, 12, 4) if packet[0] >> 4 == 4 else (socket.AF_INET6, 8, 16)
            print({1: "in", 2: "out"}[options[2][0] & 3], options[1].decode(),
                  *(socket.inet_ntop(family, packet[i:i + n]) for i in (begin, begin + n)))


def cmd_say(addr, port, text, seconds, rate="50000"):
    s = udp_socket(addr)
    s.connect((addr, int(port)))
    body = (text.encode() * 64)[:64]
    sent, start = 0, time.monotonic()
    while time.monotonic() - start < float(seconds):
        for _ in range(64):
            try:
                s.send(body)
            except OSError:
                pass
        sent += 64
        time.sleep(max(0.0, start + sent / float(rate) - time.monotonic()))
    print(sent)


def cmd_replay(times, host, port, *options):
    options = list(options)
    flip = "flip" in options
    cut = int(options[options.index("cut") + 1]) if "cut" in options else 0
    v6 = ":" in host
    s = socket.socket(socket.AF_INET6 if v6 else socket.AF_INET, socket.SOCK_DGRAM)
    if "source" in options:
        i = options.index("source")
        s.bind((options[i + 1], int(options[i + 2])))
    raw = None
    if "raw" in options:
        i = options.index("raw")
        raw = options[i + 1], int(options[i + 2])
        s = socket.socket(socket.AF_INET, socket.SOCK_RAW, socket.IPPROTO_RAW)
    lines = [line.split() for line in sys.stdin if line.strip()]
    sent = 0
    for _ in range(int(times)):
        for n, (_, payload) in enumerate(lines):
            data = bytearray.fromhex(payload)
            if flip:  # past the header: what is authenticated, not what is looked up
                data[16 + (n * 7) % (len(data) - 16)] ^= 1 << (n % 8)
            if cut:
                del data[-cut:]
            if raw:  # no UDP checksum: allowed in IPv4; the kernel fills the header's own
                udp = struct.pack(">HHHH", raw[1], int(port), 8 + len(data), 0)
                ip = struct.pack(">BBHHHBBH4s4s", 0x45, 0, 28 + len(data), 0, 0, 64, 17, 0,
                                 socket.inet_aton(raw[0]), socket.inet_aton(host))
                s.sendto(ip + udp + bytes(data), (host, 0))
            else:
                s.sendto(bytes(data), (host, int(port)))
            sent += 1
            if sent % 32 == 0:
                time.sleep(0.002)
    print(sent)


# ---- traffic ------------------------------------------------------------------------------------

def udp_socket(addr):
    return socket.socket(socket.AF_INET6 if ":" in addr else socket.AF_INET, socket.SOCK_DGRAM)


def cmd_echo(addr, port):
    s = udp_socket(addr)
    s.bind((addr, int(port)))
    print("ready", flush=True)
    while True:
        data, peer = s.recvfrom(65535)
        s.sendto(data, peer)


def cmd_sweep(addr, port, largest):
    """Every UDP payload size whose inner packet is at most `largest`; lost ones are sent again."""
    s = udp_socket(addr)
    s.connect((addr, int(port)))
    header = 48 if ":" in addr else 28
    bad = []
    waiting = {}
    sizes = list(range(0, int(largest) - header + 1))

    def body(n):
        return (b"%08d" % n + bytes((n + i) & 255 for i in range(n)))[:n]

    for patience in (1, 1, 3, 10):
        s.settimeout(patience)
        for start in range(0, len(sizes), 16):
            chunk = sizes[start:start + 16]
            waiting = {n: body(n) for n in chunk}
            for n in chunk:
                s.send(waiting[n])
            end = time.monotonic() + patience
            while waiting and time.monotonic() < end:
                try:
                    data = s.recv(65535)
                except socket.timeout:
                    break
                if waiting.get(len(data)) == data:
                    del waiting[len(data)]
            bad += waiting
        if not bad:
            print("every size up to", sizes[-1] + header)
            return 0
        sizes, bad = bad, []
    print("no answer for payloads", sizes)
    return 1


# ---- memory -------------------------------------------------------------------------------------

def cmd_scan(pid, *needles):
    """Prints each needle that is found; the exit code says whether any was."""
    found = set()
    wanted = [(n, bytes.fromhex(n)) for n in needles]
    longest = max(len(b) for _, b in wanted)
    with open("/proc/%s/maps" % pid) as maps, open("/proc/%s/mem" % pid, "rb", 0) as mem:
        for line in maps:
            fields = line.split()
            low, high = (int(x, 16) for x in fields[0].split("-"))
            if "r" not in fields[1] or line.rstrip().endswith(("[vvar]", "[vsyscall]", "[vvar_vclock]")):
                continue
            at, tail = low, b""
            while at < high:
                try:
                    mem.seek(at)
                    part = mem.read(min(1 << 20, high - at))
                except (OSError, ValueError, OverflowError):
                    part = b""
                if not part:
                    at += 1 << 20
                    tail = b""
                    continue
                block = tail + part
                for name, b in wanted:
                    if b in block:
                        found.add(name)
                tail = block[-(longest - 1):]
                at += len(part)
    for name in sorted(found):
        print(name)
    return 0 if found else 1


# ---- a relay that sees everything -----------------------------------------------------------------

def cmd_relay(listen, port, host, hport, control):
    """UDP relay between two peers, obeying words written to a control file:
    `swap` forwards from a new source port on (the peer seems to roam), `drop` holds everything."""
    front = udp_socket(listen)
    front.bind((listen, int(port)))
    back = udp_socket(host)
    client, seen = None, ""
    print("ready", flush=True)
    while True:
        try:
            word = open(control).read().strip()
        except OSError:
            word = ""
        if word != seen:
            seen = word
            if word.startswith("swap"):
                back.close()
                back = udp_socket(host)
        ready, _, _ = select.select([front, back], [], [], 0.1)
        if front in ready:
            data, client = front.recvfrom(65535)
            if word != "drop":
                back.sendto(data, (host, int(hport)))
        if back in ready:
            data = back.recv(65535)
            if client and word != "drop":
                front.sendto(data, client)


def main():
    name = "cmd_" + (sys.argv[1] if len(sys.argv) > 1 else "")
    if name not in globals():
        sys.exit(__doc__)
    try:
        sys.exit(globals()[name](*sys.argv[2:]) or 0)
    except (OSError, ValueError) as e:
        sys.exit("lab.py %s: %s" % (sys.argv[1], e))


main()
