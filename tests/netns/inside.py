# SPDX-License-Identifier: ISC
"""inside.py FOLDER [SERVER...] - servers behind the far end; a line "ready" once all listen.

http   80    GET and HEAD of FOLDER's files; PUT and POST answer with the SHA-256 of what came; keep-alive
dns    53    inner.example, two.example (A, AAAA); big.example TXT, 4 kB
late   7     (and 4000) counts bytes, and answers only after the end of file
early  8     sends FOLDER/blob and its end of file first, then answers with nothing, but writes to FOLDER/early
             the SHA-256 of what comes until the client's end of file
linger 9     reads one byte and resets (SO_LINGER 0)
fate   10    writes to FOLDER/fate how the connection ended: "eof" or "reset", and after how many bytes
stall  11    accepts and reads nothing
echo   4000  UDP: answers each datagram after as many ms as its first word says, with " from PORT" at its end
"""
import hashlib
import heapq
import http.server
import os
import socket
import struct
import sys
import threading
import time

FOLDER = sys.argv[1]
SO_RCVBUFFORCE = 33


class Handler(http.server.BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"

    def log_message(self, *args):
        pass

    def answer(self, body):
        self.send_response(200)
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def do_HEAD(self):
        self.do_GET()

    def do_GET(self):
        try:
            with open(os.path.join(FOLDER, os.path.basename(self.path.split("?")[0]) or "index.html"), "rb") as f:
                self.send_response(200)
                self.send_header("Content-Length", str(os.fstat(f.fileno()).st_size))
                self.end_headers()
                if self.command == "GET":
                    self.wfile.flush()
                    self.connection.sendfile(f)
        except FileNotFoundError:
            self.send_error(404)

    def do_PUT(self):
        left, h = int(self.headers["Content-Length"]), hashlib.sha256()
        while left:
            d = self.rfile.read(min(left, 1 << 20))
            if not d:
                return
            left -= len(d)
            h.update(d)
        self.answer(h.hexdigest().encode())

    do_POST = do_PUT


class Web(http.server.ThreadingHTTPServer):
    address_family = socket.AF_INET6
    request_queue_size = 1024
    daemon_threads = True

    def handle_error(self, request, client_address):
        pass  # clients that go away are what some tests are about


def serve_http():
    threading.Thread(target=Web(("::", 80), Handler).serve_forever, daemon=True).start()


def dns_answer(d):
    end = d.index(b"\0", 12)
    name, kind = d[12:end].lower(), struct.unpack(">H", d[end + 1:end + 3])[0]
    hosts = {b"\5inner\7example": ("10.9.0.2", "fd09::2"), b"\3two\7example": ("10.9.0.4", None)}
    data = []
    if name in hosts and kind == 1:
        data = [socket.inet_pton(socket.AF_INET, hosts[name][0])]
    elif name in hosts and kind == 28 and hosts[name][1]:
        data = [socket.inet_pton(socket.AF_INET6, hosts[name][1])]
    elif name == b"\3big\7example" and kind == 16:
        data = [b"\xc8" + bytes([65 + i]) * 200 for i in range(20)]
    known = name in hosts or name == b"\3big\7example"
    r = d[:2] + struct.pack(">HHHHH", 0x8580 if known else 0x8583, 1, len(data), 0, 0) + d[12:end + 5]
    for x in data:
        r += b"\xc0\x0c" + struct.pack(">HHIH", kind, 1, 60, len(x)) + x
    return r


def udp_server(port, work):
    s = socket.socket(socket.AF_INET6, socket.SOCK_DGRAM)
    s.setsockopt(socket.SOL_SOCKET, SO_RCVBUFFORCE, 8 << 20)
    # answers leave from the address that was asked
    s.setsockopt(socket.IPPROTO_IPV6, socket.IPV6_V6ONLY, 0)
    s.setsockopt(socket.IPPROTO_IPV6, socket.IPV6_RECVPKTINFO, 1)
    s.bind(("::", port))
    threading.Thread(target=work, args=(s,), daemon=True).start()


def receive(s):
    d, control, _, a = s.recvmsg(65536, 256)
    return d, [(level, kind, data) for level, kind, data in control if kind == socket.IPV6_PKTINFO], a


def serve_dns():
    def work(s):
        while True:
            d, control, a = receive(s)
            s.sendmsg([dns_answer(d)], control, 0, a)

    udp_server(53, work)


def serve_echo():
    def work(s):
        waiting, lock = [], threading.Condition()

        def answer():
            while True:
                with lock:
                    while not waiting or waiting[0][0] > time.monotonic():
                        lock.wait(max(0, waiting[0][0] - time.monotonic()) if waiting else None)
                    _, _, d, control, a = heapq.heappop(waiting)
                s.sendmsg([d + b" from %d" % a[1]], control, 0, a)

        threading.Thread(target=answer, daemon=True).start()
        n = 0
        while True:
            d, control, a = receive(s)
            n += 1
            with lock:
                heapq.heappush(waiting, (time.monotonic() + int(d.split()[0]) / 1000, n, d, control, a))
                lock.notify()

    udp_server(4000, work)


def tcp_server(port, work):
    l = socket.create_server(("::", port), family=socket.AF_INET6, dualstack_ipv6=True, backlog=1024)

    def run():
        while True:
            threading.Thread(target=work, args=(l.accept()[0],), daemon=True).start()

    threading.Thread(target=run, daemon=True).start()


def serve_late():
    def work(c):
        n = 0
        while d := c.recv(1 << 16):
            n += len(d)
        c.sendall(b"%d bytes\n" % n)
        c.close()

    tcp_server(7, work)
    tcp_server(4000, work)


def serve_early():
    def work(c):
        with open(os.path.join(FOLDER, "blob"), "rb") as f:
            c.sendfile(f)
        c.shutdown(socket.SHUT_WR)
        h = hashlib.sha256()
        while d := c.recv(1 << 16):
            h.update(d)
        with open(os.path.join(FOLDER, "early"), "w") as f:
            f.write(h.hexdigest() + "\n")
        c.close()

    tcp_server(8, work)


def serve_linger():
    def work(c):
        c.recv(1)
        c.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
        c.close()

    tcp_server(9, work)


def serve_fate():
    def work(c):
        n, how = 0, "eof"
        try:
            while d := c.recv(1 << 16):
                n += len(d)
        except ConnectionResetError:
            how = "reset"
        with open(os.path.join(FOLDER, "fate"), "w") as f:
            f.write("%s %d\n" % (how, n))

    tcp_server(10, work)


def serve_stall():
    tcp_server(11, lambda c: threading.Event().wait())


for what in sys.argv[2:]:
    globals()["serve_" + what]()
print("ready", flush=True)
threading.Event().wait()
