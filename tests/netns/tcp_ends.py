# SPDX-License-Identifier: ISC
"""tcp_ends.py WAY HOST PORT WHAT [FILE] - one connection through a forward (WAY is its port), SOCKS5 or an HTTP proxy
(WAY is socks5:PORT, http:PORT), and a word about how it ended

early   reads to the end of file, then sends FILE and its own: the SHA-256 of what came
fate    sends 5 bytes and resets
linger  sends a byte: "reset", or what came instead
none    only connects: "connected", "reset", "reply N", "status N"; with a second word "in time" unless it took over 90 s
"""
import hashlib
import socket
import struct
import sys
import time


def connect(way, host, port):
    kind, _, at = way.rpartition(":")
    s = socket.create_connection(("127.0.0.1", int(at)), 100)
    if kind == "socks5":
        s.sendall(b"\5\1\0\5\1\0\1" + socket.inet_aton(host) + port.to_bytes(2, "big"))
        s.recv(2, socket.MSG_WAITALL)
        reply = s.recv(10, socket.MSG_WAITALL)
        if reply[1]:
            return s, "reply %d" % reply[1]
    elif kind == "http":
        s.sendall(b"CONNECT %s:%d HTTP/1.1\r\nHost: x\r\n\r\n" % (host.encode(), port))
        head = b""
        while not head.endswith(b"\r\n\r\n"):
            d = s.recv(1)
            if not d:
                break
            head += d
        if head.split()[1:2] != [b"200"]:
            return s, "status %s" % head.split()[1].decode()
    return s, None


def early(s):
    h = hashlib.sha256()
    while d := s.recv(1 << 16):
        h.update(d)
    with open(sys.argv[5], "rb") as f:
        s.sendfile(f)
    s.shutdown(socket.SHUT_WR)
    s.recv(1)
    return h.hexdigest()


def fate(s):
    s.sendall(b"12345")
    time.sleep(0.3)  # or the reset overtakes them in the kernel
    s.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
    s.close()
    return "done"


def linger(s):
    s.sendall(b"1")
    return repr(s.recv(10))


def none(s):
    s.settimeout(100)
    d = s.recv(10)
    return repr(d) if d else "end of file"


def main():
    way, host, port, what = sys.argv[1], sys.argv[2], int(sys.argv[3]), sys.argv[4]
    begun = time.monotonic()
    try:
        s, refused = connect(way, host, port)
        word = refused or globals()[what](s)
    except ConnectionResetError:
        word = "reset"
    except TimeoutError:
        word = "timeout"
    print(word, "in time" if what == "none" and time.monotonic() - begun < 90 else "")


main()
