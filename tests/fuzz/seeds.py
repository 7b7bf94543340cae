#!/usr/bin/env python3
# SPDX-License-Identifier: ISC
"""Writes the hand-made seeds of tests/fuzz/corpus: one small file for each thing worth starting from."""
import os
import struct

TOP = os.path.join(os.path.dirname(os.path.abspath(__file__)), "corpus")


def seed(target, name, data):
    os.makedirs(os.path.join(TOP, target), exist_ok=True)
    with open(os.path.join(TOP, target, name), "wb") as f:
        f.write(data if isinstance(data, bytes) else data.encode())


def chunk(data):
    return struct.pack("<H", len(data)) + data


KEY = "a1" * 32
for name, text in {
    "v4": "192.0.2.1", "v6": "2001:db8::1", "mapped": "::ffff:192.0.2.1", "full": "1:2:3:4:5:6:7:8",
    "prefix4": "10.1.2.3/8", "prefix6": "fe80::1/10", "path4": "192.0.2.1:51820", "path6": "[2001:db8::1]:1",
    "zone": "[fe80::1%eth0]:51820", "zone-number": "[fe80::1%3]:51820", "zeros": "010.0.0.1", "port": "1.2.3.4:65536",
}.items():
    seed("addr", name, text)

seed("allowedips", "overlap", bytes([0, 0, 10, 0, 0, 8, 8, 0, 10, 1, 0, 16, 16, 0, 10, 1, 5, 32, 4, 0, 10, 1, 5, 6]))
seed("allowedips", "moves", bytes([0, 0, 10, 0, 0, 8, 8, 0, 10, 0, 0, 8, 6, 14, 3, 0, 10, 0, 0, 8, 4, 0, 10, 0, 0]))
seed("allowedips", "v6", bytes([0, 1, 0xfd, 0, 1, 64, 8, 1, 0xfd, 0, 1, 128, 4, 1, 0xfd, 0, 1, 0x87, 4, 1, 0xfd, 0, 1]))

seed("handshake", "talk", bytes([0, 0, 8, 0x80, 8, 3, 0x45] * 3))
seed("handshake", "rekey", bytes([1, 0, 8, 3, 0x41, 0x80, 8, 5, 0xcc, 0, 8, 3, 0x81, 0, 8, 3, 0x81]))
seed("handshake", "bad-link", bytes([0, 6, 0x3d, 0, 9, 3, 0x85, 0x80, 9, 3, 0x85, 0, 0xff, 3, 0x8a]))
seed("handshake", "replay", bytes([0, 0, 8, 3, 0x81, 7, 0x80, 7, 0xa1, 7, 0xe2, 3, 0x41, 7, 3]))
seed("handshake", "successor", bytes([1, 0, 8, 3, 0x81, 0x8f, 1, 0, 8, 0x80, 8, 3, 0x81, 0x0f, 1, 0, 8]))
seed("handshake", "remove-add", bytes([1, 0, 15, 9, 1, 0, 8, 3, 0x81, 0x89, 0, 0, 8, 3, 0xc3]))
seed("handshake", "keys-and-clocks", bytes([0, 0, 8, 3, 0x81, 14, 1, 0, 8, 14, 0x7e, 3, 0xc7, 0x8e, 0x80, 0, 8]))
seed("handshake", "key-under-limit", bytes([1, 0, 15, 9, 1, 0, 8, 3, 0x81, 0x91, 0x91, 0x91, 0, 0xfe, 0x89, 0, 0, 8, 3, 0xc3]))
seed("handshake", "roam", bytes([0, 0, 8, 3, 0x81, 10, 0, 0, 8, 3, 0x42, 0x80, 8, 0x8a, 0, 0x80, 8]))

inner = bytes([0x45, 0, 0, 28, 0, 0, 0, 0, 64, 17, 0, 0, 10, 0, 9, 1, 10, 0, 1, 1]) + bytes(8)
for name, how in {"v1": 2, "v1-roaming": 6, "v2": 0, "v2-roaming": 5, "v2-stale": 12}.items():
    seed("static", name + "-talk", bytes([how] + [0, 8, 0x80, 8, 3, 0x45] * 3))
    seed("static", name + "-restart", bytes([how, 0, 8, 3, 0x45, 7, 0x45, 0x80, 8, 3, 0x81, 0x87, 0, 6, 3, 6, 9, 3, 0x81, 0, 8]))
    seed("static", name + "-bad-link", bytes([how, 5, 0x3d, 0, 9, 3, 0x85, 0x80, 9, 6, 0x83, 11, 2, 10, 0x90, 3, 0x8a]))
    seed("static", name + "-moves", bytes([how, 0, 8, 3, 0x45, 8, 0, 0, 8, 3, 0x45, 0x88, 0, 0x80, 8, 9, 0, 3, 0xc2]))
    seed("static", name + "-sealed", bytes([how, 0, 8, 0x80, 8, 3, 0x45, 13, 3]) + chunk(inner) + bytes([13, 40]) +
         chunk(inner[:20]) + bytes([14, 1]) + chunk(b"") + bytes([12, 1]) + chunk(b"\x23\0\0\0" + bytes(40)))
    seed("static", name + "-exchange", bytes([how, 5, 0xff, 0x80, 8, 3, 0x41, 15, 6]) + chunk(bytes(80)) +
         bytes([5, 0, 15, 15]) + chunk(b"\1" * 80) + bytes([3, 0x45, 15, 3]) + chunk(b"\2" * 80))

WG_KEY = "AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAE="
for name, text in {
    "file": "\0[Interface]\nPrivateKey = " + WG_KEY + "\nAddress = 10.0.0.2/32, fd00::2\nDNS = 10.0.0.1, x.example\n"
            "CheckAlive = 10.0.0.1\n[Peer]\nPublicKey = " + WG_KEY + "\nEndpoint = h:1\nAllowedIPs = 0.0.0.0/0\n"
            "[Socks5]\nBindAddress = :1080\nUsername = u\nPassword = $S\n[http]\nBindAddress = `127.0.0.1:1`\n"
            "[TCPServerTunnel]\nListenPort = 1\nTarget = unix:/x\n[UDPProxyTunnel]\nBindAddress = *:1\nTarget = h:1\n",
    "import": "\x42[Socks5]\nBindAddress = 1\n[Interface]\nMTU=1\n", "bad-lines": "\0[a\nb\n=\n[x] y\nz = `\n\tMtu : 1\n",
    "spec": "\1127.0.0.1:8080:10.0.0.2:80:TCP,UDP", "range": "\x01[::1]:1-9:h:2-10", "unix": "\1unix:/x:[fd00::1]:80",
    "many": "\x011-65535:h:1-65535", "remote": "\x0210.0.0.1:80:unix:/y", "proxy": "\3u:p@[::1]:1", "target": "\4[fd00::1]:22",
    "level": "\5warn,a=debug/x",
}.items():
    seed("forward", name, text)

for name, text in {
    "agent": '[agent]\nmetrics = "127.0.0.1:9586" # c\n[network.office]\nenable = true\nmtu = 1_420\n'
             'dns = ["10.100.0.2", "~corp.example",]\n[[network.office.peers]]\nname = "é"\n[[network.office.peers]]\n'
             'persistent_keepalive_secs = 25\n[network.lab.peers]\n"10.0.0.2" = { pub_key = "...", a.b = 0x1f }\n',
    "strings": 'a = "\\u00e9\\U0001F600\\n"\nb = \'C:\\\'\nc = """\nx \\\n  y"""""\nd = \'\'\'\r\n\'x\'\'\'\n',
    "numbers": "a = [0, -1, 0xff, 0o7, 0b1, 9223372036854775807, 1.5, -0.0, 1e5, 6.6_2E-34, inf, -nan]\n",
    "times": "a = [1979-05-27, 07:32:00.5, 1979-05-27 07:32:00Z, 1979-05-27T07:32:60.123456789-08:30]\n",
    "tables": "a.b.c = 1\n[a.d]\n[x.y]\n[x]\n[[l]]\n[l.m]\n[[l.n]]\n[[l]]\n",
    "twice": "a = 1\na = 2\n[b]\n[b]\nc = {d = 1, d = 2}\n[c.e]\n[[a]]\n",
    "broken": 'a = x\nb\n[c\nd = "x\ne = [1,\n[f]\ng = {h = 1,\ni = """\nj = 2023-02-30\nk = "\\q"\n',
}.items():
    seed("config_toml", name, text)
seed("config_toml", "bytes", b"\xef\xbb\xbfa = 1\r\nb = '\xff'\n# \x00\nc = \"\xed\xa0\x80\"\r")
for name, text in {
    "static": '{"secret": "...", "peers": {"10.0.0.2": {"pub_key": "...", "sock_addr": "192.0.2.2:1194"}}}\n',
    "strings": '["é", "\\u00e9\\ud83d\\ude00", "\\"\\\\\\/\\b\\f\\n\\r\\t", ""]', "deep": "[" * 64 + "]" * 64, "deeper": "[" * 66,
    "numbers": "[0, -0, 9223372036854775807, -9223372036854775808, 1.5, -1E+5, 1e-400, 1e400]", "words": " [ true,false , null ]",
    "broken": '{"a": 1,\n "a": 2\n "b": tru, "c": [01, +1, 1.],\n "d" 5, \'e\': "\\q\\ud800", "f": "x\n}', "comment": "{} // c",
}.items():
    seed("config_json", name, text)
seed("config_json", "bytes", b'\xef\xbb\xbf["\xff", "\xc0\x80", "\x01"]\x00')

ip4 = bytes([0x45, 0, 0, 28, 0, 0, 0, 0, 64, 17, 0, 0, 10, 0, 2, 1, 10, 0, 1, 1]) + bytes(8)
ip6 = bytes([0x60, 0, 0, 0, 0, 8, 17, 64, 0xfd] + [0] * 6 + [2]) + bytes(24) + bytes(8)
seed("message", "sealed", bytes([2]) + chunk(ip4) + bytes([2]) + chunk(b"") + bytes([2]) + chunk(ip6))
seed("message", "too-long", bytes([2]) + chunk(ip4[:2] + b"\1\0" + ip4[4:]) + bytes([2]) + chunk(ip4[:2] + b"\0\1"))
seed("message", "source", bytes([2]) + chunk(ip4[:14] + bytes([3]) + ip4[15:]) + bytes([0xc2]) + chunk(ip4))
seed("message", "nearly-right", bytes([3, 0, 8, 0, 3, 1, 8, 0, 3, 2, 8, 0, 3, 1, 0, 0xff]))
seed("message", "raw", bytes([0]) + chunk(struct.pack("<IIQ", 4, 1, 1) + bytes(16)) + bytes([0]) + chunk(b"\1\0\0\0"))
seed("message", "forged", b"".join(bytes([1 | k << 3]) + chunk(bytes(20)) for k in range(3)))
seed("message", "initiation", bytes([6, 4, 0, 0, 0, 7 | 5 << 3, 6, 4, 1, 120, 1, 4, 1, 0, 0]))
seed("message", "broken-tag", bytes([5]) + chunk(ip4) + chunk(ip4 + bytes(1)) + chunk(ip4))
seed("message", "buffer", bytes([5]) + chunk(ip4) + chunk(ip4) + chunk(ip4 + bytes(30)) + chunk(b"") + bytes([4, 0, 0, 0]))

conf = f"""[Interface]
PrivateKey = yAnz5TF+lXXJte14tji3zlMNq+hd2rYUIgJBgB3fBmk=
Address = 10.0.0.1/24, fd00::1/64
ListenPort = 51820
MTU = 1420
DNS = 1.1.1.1
Table = off
FwMark = 0xca6c
PostUp = echo %i
[Peer] # a comment
PublicKey = xTIBA5rboUvnH4htodjb6e697QjLERt1NAB4mZqp8Dg=
PresharedKey = AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAE=
AllowedIPs = 0.0.0.0/0, ::/0
Endpoint = [2001:db8::1]:51820
PersistentKeepalive = 25
"""
seed("quickconf", "whole", conf)
seed("quickconf", "crlf", conf.replace("\n", "\r\n"))
seed("quickconf", "cut", conf[:200])
seed("quickconf", "unknown", "[Interface]\nAdress = 1.2.3.4\n[Foo]\n=\nx\n[Peer\n")
seed("quickconf", "zero", b"[Interface]\nMTU = 1\x00420\n")

for kind in range(4):
    seed("super", f"kind{kind}", bytes([kind, 1, 0, 0, 200, 0, 40, 0x45, 0x10]) + bytes(range(160)))
seed("super", "unmended", bytes([0, 0, 20, 40, 0xb0, 4, 9]) + bytes([0x45]) + bytes(31) + b"\x50" + bytes(100))
seed("super", "segment-of-one", bytes([1, 1, 0, 0, 1, 0, 0]) + bytes(220))

# Steps of netstack.c: op (segment 0, call 3, time 4, icmp 5, raw 6, merged 7; flow in the upper half), then its bytes.
ESTABLISH = bytes([0x30, 0x02, 0x80, 0x30, 0x10, 0])
for name, steps in {
    "data": [0, 0x10, 4, 5, 3, 0, 50, 4, 0x80, 0, 0x10, 4, 5, 4, 0x85],
    "reset": [0, 0x04, 1, 8, 0, 0x04, 0], "syn-again": [0, 0x02, 1, 9, 4, 0xc8, 0, 0x12, 0],
    "close-both": [3, 1, 0, 0, 0x11, 0, 4, 0x88, 0, 0x10, 0], "close-first": [0, 0x11, 0, 3, 1, 0, 0, 0x10, 0, 4, 0xff],
    "closing": [3, 1, 0, 0, 0x11, 3, 0, 8, 0, 0x10, 0], "abort": [3, 0, 40, 3, 3, 0, 0, 0x10, 4, 9],
    "zero-window": [0, 0x10, 16, 0, 0, 3, 0, 90, 4, 0xc8, 4, 0xd8, 0, 0x10, 16, 0xff, 0xff, 4, 0x88],
    "holes": [0, 0x10, 5, 0x43, 10, 0, 0x10, 5, 0x53, 10, 0, 0x10, 4, 30, 4, 0x61],
    "sack": [3, 0, 200, 0, 0x10, 64, 12, 0, 1, 1, 5, 10, 0, 0, 5, 0, 0, 0, 9, 0, 4, 0x88],
    "refused": [0x33, 4, 1, 0x30, 0x02, 0x80, 0x33, 2, 0], "dial": [0x33, 5, 0, 0x30, 0x12, 0x80, 0x30, 0x10, 4, 9],
    "too-big": [3, 0, 200, 5, 0, 4, 4, 5, 0x14], "unreachable": [3, 0, 200, 5, 0, 1, 4, 0, 0, 4, 0xff],
    "merged": [7, 200, 8, 3, 0, 8, 7, 200, 8, 3, 1, 8, 4, 0x61], "memory": [0x13, 11, 1, 3, 0, 255, 7, 255, 19, 0, 0, 8, 4, 0xa8],
    "mtu": [3, 0, 250, 3, 6, 0, 4, 0x88], "small": [0x13, 7, 30, 0x13, 8, 200, 4, 0x11],
    "options": [3, 9, 7, 3, 0, 10, 3, 0, 10, 4, 0xff, 4, 0xff], "ack-beyond": [3, 0, 10, 0, 0x10, 2, 0x23, 4, 9],
    "ack-old": [3, 0, 10, 0, 0x10, 0, 0, 0x10, 6, 0x24, 10, 4, 9], "fin-reset": [0, 0x11, 0, 0, 0x04, 0, 4, 9],
    "fin-behind": [0, 0x11, 5, 0x23, 5, 0, 0x10, 4, 5, 4, 9, 0, 0x10, 4, 5], "old-text": [0, 0x10, 4, 5, 0, 0x10, 5, 0x24, 9, 4, 9],
    "beyond": [0, 0x10, 5, 0x27, 200, 0, 0x10, 5, 0x25, 200, 4, 9], "paws": [0x20, 0x10, 0, 0x20, 0x10, 0x24, 0xff, 5, 4, 9],
}.items():
    seed("netstack", name, bytes([1]) + bytes(steps))
    seed("netstack", name + "-late", bytes([3]) + ESTABLISH + bytes(x + 0x30 if i == 0 else x for i, x in enumerate(steps)))
seed("netstack", "udp", bytes([1, 6, 1]) + chunk(bytes([1, 0, 0, 53, 0, 12, 0, 0]) + b"data"))
seed("netstack", "echo", bytes([1, 6, 0]) + chunk(bytes([8, 0, 0, 0, 0, 1, 0, 1]) + b"data"))
seed("netstack", "fragment", bytes([1, 6, 9]) + chunk(bytes([1, 2, 0x20, 0, 0, 53, 0, 16]) + bytes(16)) + bytes([4, 0xff, 4, 0xff]))

# netstack_pair.c: two bytes of configuration, then op (time 0, open 2, link 3, end 4; stream and side above), its bytes.
for name, steps in {
    "hello": [2, 2, 5, 5, 0, 0x91], "half": [2, 2 + 4, 0x93, 0, 0, 0xa1, 4, 0, 0, 0, 0x91],
    "loss": [3, 0, 1, 0x1a, 30, 2, 2, 0xb8, 0x78, 0, 0xaf], "reorder": [3, 0, 8, 0x1a, 30, 0x55, 2, 0, 0xb8, 0, 0, 0xaf],
    "dup-corrupt": [3, 1, 20, 9, 40, 40, 3, 0, 20, 9, 40, 40, 2, 2, 0xa8, 0xa8, 0, 0xaf],
    "mtu": [2, 2, 0xb8, 0, 0, 0x45, 3, 2, 32, 9, 5, 0, 0xaf], "blackhole": [2, 0, 0xb8, 0, 0, 0x45, 3, 0, 32, 9, 5, 0, 0xaf],
    "outage": [2, 2, 0xb8, 0xb8, 0, 0x45, 3, 4, 128, 9, 0, 0xaf, 3, 0, 0, 9], "stop": [2, 2, 0xa8, 0, 12, 1, 0, 0, 0xaf, 12, 1, 255],
    "abort": [2, 2, 0xa8, 0xa8, 0, 0x45, 4, 7, 7], "close": [2, 2, 0xa8, 0xa8, 0, 0x45, 12, 7, 3, 0, 0xaf],
    "held": [2, 0xc2, 5, 5, 0, 0xa1, 4, 4, 0], "many": [2, 2, 0x98, 5, 2, 1, 0x98, 5, 2, 3, 5, 0x98, 2, 0, 5, 0x98, 0, 0xaf],
    "both-lossy": [3, 0, 1, 0x1a, 60, 3, 1, 1, 0x1a, 60, 2, 2, 0xb8, 0xb8, 0, 0xaf, 4, 1, 0x70, 0, 0xaf, 0, 0xaf],
    "both-tight": [3, 0, 3, 0x1a, 40, 0x49, 3, 1, 3, 0x1a, 40, 0x49, 2, 2, 0xb8, 0xb8, 12, 1, 0x51, 0, 0xaf, 12, 1, 0x81, 0, 0xaf],
    "ecn": [3, 0, 66, 9, 0x31, 1, 2, 2, 0xb8, 0, 0, 0xaf], "set-mtu": [2, 2, 0xb8, 0xb8, 0, 0x45, 4, 6, 1, 12, 6, 0x55, 0, 0xaf],
}.items():
    seed("netstack_pair", name, bytes([0, 0]) + bytes(steps))
    seed("netstack_pair", name + "-merged", bytes([0x1b, 1]) + bytes(steps))
    seed("netstack_pair", name + "-small", bytes([0x02, 5]) + bytes(steps))

seed("gro", "tcp", bytes([0]) + bytes([2, 0x40, 0] * 10 + [0xe2, 4, 0]))
seed("gro", "udp", bytes([1]) + bytes([0, 0, 0] * 10 + [0xa0, 0, 0, 0, 0, 0]))
seed("gro", "mixed", bytes([1]) + bytes([2, 0x40, 0, 3, 0x40, 0, 0, 0, 0, 1, 0, 0, 6, 1, 0, 0x12, 2, 4] * 8))
seed("gro", "refused", bytes([3]) + bytes([2, 0x40, 0] * 5 + [0, 0, 0] * 5))
seed("gro", "no-df", bytes([1]) + bytes([2, 0x40, 4] * 5 + [2, 0x40, 6, 2, 0x40, 4]))
seed("gro", "ip-options", bytes([1]) + bytes([2, 0x40, 0] * 3 + [2, 0xf8, 0] + [2, 0x40, 0] * 3 + [0, 0, 0, 0, 0xf8, 0, 0, 0, 0]))
seed("gro", "strict", bytes([5]) + bytes([2, 0x40, 0] * 5 + [0, 0, 0] * 5))

peer = f"public_key={KEY}\nendpoint=[fe80::1%3]:51820\npersistent_keepalive_interval=25\nreplace_allowed_ips=true\n" \
       f"allowed_ip=10.0.0.0/8\nallowed_ip=-fd00::/64\npreshared_key={KEY}\nprotocol_version=1\n"
for cut in (0, 6, 39):
    head = chr(cut)
    seed("uapi", f"get-{cut}", head + "get=1\n\n")
    seed("uapi", f"set-{cut}", head + f"set=1\nprivate_key={KEY}\nlisten_port=51820\nfwmark=0x10\nreplace_peers=true\n{peer}\n")
seed("uapi", "several", f"\5get=1\n\nset=1\n{peer}public_key=02{KEY[2:]}\nremove=true\n\nget=1\n\n")
seed("uapi", "errors", "\5set=1\nlisten_port=7\n\nset=1\nbogus=1\n\nset=1\nx\n\nget=1\nx\n\n")
seed("uapi", "cut-off", f"\3set=1\n{peer}allowed_ip=10.0.0.0/2")
seed("uapi", "created-then-changed", f"\5set=1\npublic_key=a2{KEY[2:]}\nendpoint=[::1]:1\npersistent_keepalive_interval=5\n")
seed("uapi", "long", "\7set=1\n" + "a" * 1200 + "\n\n")

# Heads and bodies of HTTP/1; the first byte is the target's.
GET = b"GET http://a.example/x HTTP/1.1\r\nHost: a.example\r\n"
CHUNKS = b"5\r\nhello\r\nA;x=y\r\n0123456789\r\n0\r\nT: v\r\n\r\nNEXT"
for name, first, text in (
    ("get", 0, GET + b"\r\nNEXT"), ("get-cut", 4, GET + b"\r\n"), ("tight", 2, b"GET / HTTP/1.1\r\nA: b\r\n\r\n"),
    ("connect", 8, b"CONNECT a.example:443 HTTP/1.1\r\n\r\n\x16\x03\x01"),
    ("chunked", 20, b"POST / HTTP/1.1\r\nTransfer-Encoding: chunked\r\n\r\n" + CHUNKS),
    ("length", 12, b"PUT / HTTP/1.1\r\nContent-Length: 5\r\n\r\nhelloNEXT"),
    ("both", 0, b"PUT / HTTP/1.1\r\nContent-Length: 5\r\nTransfer-Encoding: chunked\r\n\r\n"),
    ("twice", 0, b"PUT / HTTP/1.1\r\nContent-Length: 5\r\nContent-Length: 5\r\n\r\n"),
    ("folded", 0, GET + b"A: b\r\n c\r\n\r\n"), ("lf", 0, GET.replace(b"\r", b"") + b"\n"), ("blank", 0, GET + b"A : b\r\n\r\n"),
    ("ok", 1, b"HTTP/1.1 200 OK\r\nContent-Length: 3\r\n\r\nabc"), ("close", 5, b"HTTP/1.0 200 OK\r\n\r\nabc"),
    ("ok-chunked", 9, b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n" + CHUNKS),
    ("no-content", 1, b"HTTP/1.1 204 \r\nContent-Length: 3\r\n\r\nabc"),
):
    seed("http1", name, bytes([first]) + text)

for name, data in {
    "greeting": b"\x00\x05\x02\x00\x02", "auth": b"\x01\x01\x04user\x04pass", "connect4": b"\x02\x05\x01\x00\x01\x0a\x09\x00\x02\x00\x50GET",
    "connect6": b"\x02\x05\x01\x00\x04" + bytes(15) + b"\x01\x00\x50", "name": b"\x02\x05\x01\x00\x03\x09a.example\x01\xbb",
    "number": b"\x02\x05\x01\x00\x03\x0810.9.0.2\x00\x50", "associate": b"\x02\x05\x03\x00\x01" + bytes(6), "type": b"\x02\x05\x01\x00\x02\x00\x00",
    "udp4": b"\x03\x00\x00\x00\x01\x0a\x09\x00\x02\x00\x35data", "udp-name": b"\x03\x00\x00\x00\x03\x01a\x00\x35data",
    "fragment": b"\x03\x00\x00\x01\x01\x0a\x09\x00\x02\x00\x35data", "nul": b"\x02\x05\x01\x00\x03\x03a\x00b\x00\x50",
}.items():
    seed("socks5", name, data)


def hello(name, kind=0, extensions=b""):
    """A ClientHello in one record."""
    host = bytes([kind]) + struct.pack(">H", len(name)) + name
    exts = struct.pack(">HHH", 0, len(host) + 2, len(host)) + host if name else b""
    exts = extensions + exts
    body = b"\x03\x03" + bytes(32) + b"\x00" + b"\x00\x02\x13\x01" + b"\x01\x00" + struct.pack(">H", len(exts)) + exts
    message = b"\x01" + struct.pack(">I", len(body))[1:] + body
    return message


def records(message, size):
    parts = [message[i:i + size] for i in range(0, len(message), size)]
    return b"".join(b"\x16\x03\x01" + struct.pack(">H", len(p)) + p for p in parts)


seed("sni", "name", records(hello(b"a.example"), 16000))
seed("sni", "split", records(hello(b"a.example"), 11))
seed("sni", "upper", records(hello(b"A.Example"), 30) + b"\x14\x03\x03\x00\x01\x01")
seed("sni", "none", records(hello(b""), 16000))
seed("sni", "address", records(hello(b"10.9.0.2"), 16000))
seed("sni", "other-kind", records(hello(b"a.example", 1), 16000))
seed("sni", "ech", records(hello(b"a.example", 0, b"\xfe\x0d\x00\x04abcd"), 16000))
seed("sni", "http", b"GET / HTTP/1.1\r\n\r\n")
seed("sni", "server", b"\x16\x03\x03\x00\x04\x02\x00\x00\x00")

WORDS = {
    "<priv>": "c2VjcmV0IG9mIHRoZSBjb25maWd1cmF0aW9uIGZpbGU=", "<own>": "5QDdYLmkAB1fTnOJzQSWljLLJWaH9WbCScyPe0hkNWs=",
    "<pub>": "zo060cy2M+x7cMF4FKXHbs0CloUFDTRHRboFhw5YfVk=", "<pub2>": "Xf7dO2vUf2+ijuFdlp1bsOpTd01Ii9r53xxuASSz7yI=",
    "<pub3>": "rAGyIJ6GNU+4UyN7XeD0+rE8f8v0M6YcAZNpYX/s8Qs=", "<psk>": "CQkJCQkJCQkJCQkJCQkJCQkJCQkJCQkJCQkJCQkJCQk=",
    "<low>": "A" * 43 + "=",
}
PIECES = {
    "wg": '[network.a]\nprivate_key = "<priv>"\n', "peer": '[[network.a.peers]]\npublic_key = "<pub>"\n',
    "forward": '[network.a]\ntype = "forward"\nprivate_key = "<priv>"\naddresses = ["10.0.0.2/32"]\n',
    "static": '[network.a]\ntype = "static"\nsecret = "<priv>"\n', "quick": "[Interface]\nPrivateKey = <priv>\n",
    "line": '[network.a.peers]\n"10.0.0.2" = { pub_key = "<pub>", sock_addr = "192.0.2.2:1194" }\n',
}


def configurations(name):
    """The documents of a list of tests/config, each a list of (file, text)."""
    with open(os.path.join(TOP, "../../config", name), encoding="utf-8") as f:
        for block in f.read().split("\n\n"):
            files = []
            for line in block.splitlines():
                if line.startswith("@ "):
                    files.append([line.split()[1], ""])
                elif line[:1] in (">", "="):
                    if not files:
                        files.append(["x.toml", ""])
                    files[-1][1] += PIECES[line[2:]] if line[0] == "=" else line[2:] + "\n"
            if files:
                yield files


for name, step in (("good", 2), ("network", 12), ("peer", 12), ("machine", 10), ("forward", 8), ("static", 6), ("quick", 5),
                   ("cross", 4), ("json", 4), ("agent", 10)):
    for i, files in enumerate(configurations(f"agent-{name}.txt")):
        if i % step:
            continue
        kind = {"toml": 0, "json": 1, "conf": 2}[files[0][0].rsplit(".", 1)[1]]
        parts = {"q.conf": "", "conf.d/1.toml": "", "r.conf": "", "conf.d/2.toml": ""}
        for path, text in files[1:]:
            base = path.rsplit("/", 1)[-1]
            key = base if base in parts else "conf.d/1.toml" if base.endswith(".toml") else "q.conf"
            parts[key] = text
        text = files[0][1].replace("d/q.conf", "q.conf").replace("/q.conf", "q.conf").replace("wg0.conf", "q.conf")
        text = "\xff".join([text] + (list(parts.values()) if len(files) > 1 else []))
        for word, key in WORDS.items():
            text = text.replace(word, key)
        seed("agent_settings", f"{name}-{i:03}", bytes([kind]) + text.encode("latin-1", "replace"))
