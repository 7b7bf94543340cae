# SPDX-License-Identifier: ISC
"""socks.py PROXY:PORT USER PASSWORD HOST PORT - a ProxyCommand: standard input and output by SOCKS5, with half-close"""
import os
import socket
import sys
import threading


def connect(proxy, user, password, host, port):
    s = socket.create_connection(proxy, 20)
    s.sendall(b"\5\1\2")
    assert s.recv(2, socket.MSG_WAITALL) == b"\5\2"
    s.sendall(b"\1" + bytes([len(user)]) + user.encode() + bytes([len(password)]) + password.encode())
    assert s.recv(2, socket.MSG_WAITALL) == b"\1\0", "wrong password"
    s.sendall(b"\5\1\0\3" + bytes([len(host)]) + host.encode() + port.to_bytes(2, "big"))
    reply = s.recv(4, socket.MSG_WAITALL)
    assert reply[1] == 0, "reply %d" % reply[1]
    s.recv({1: 6, 4: 18}[reply[3]], socket.MSG_WAITALL)
    s.settimeout(None)
    return s


def up(s):
    while d := os.read(0, 1 << 16):
        s.sendall(d)
    s.shutdown(socket.SHUT_WR)


if __name__ == "__main__":
    at, name, secret, to, number = sys.argv[1:]
    sock = connect((at.split(":")[0], int(at.split(":")[1])), name, secret, to, int(number))
    threading.Thread(target=up, args=(sock,), daemon=True).start()
    while data := sock.recv(1 << 16):
        while data:
            data = data[os.write(1, data):]
