# SPDX-License-Identifier: ISC
"""lab.py - TAP, an agent over invented networks, and somebody who asks it"""
import contextlib
import json
import os
import shutil
import socket
import subprocess
import sys
import tempfile
import time

failed = tests = 0
TMP = tempfile.mkdtemp(prefix="adit-api-")


def check(what, good, *why):
    global failed, tests
    tests += 1
    print(f"{'ok' if good else 'not ok'} {tests} - {what}", flush=True)
    if not good:
        failed += 1
        for line in why:
            print("#", str(line)[:2000].replace("\n", "\n# "), flush=True)
    return good


def equal(what, have, want):
    return check(what, have == want, f"have {have!r}", f"want {want!r}")


def skip(what, why):
    global tests
    tests += 1
    print(f"ok {tests} - {what} # SKIP {why}", flush=True)


def skip_all(why):
    print(f"1..0 # SKIP {why}")
    shutil.rmtree(TMP)
    sys.exit(0)


def done():
    print(f"1..{tests}")
    shutil.rmtree(TMP)
    sys.exit(failed > 0)


def wait_for(what, seconds=20):
    end = time.monotonic() + seconds
    while time.monotonic() < end:
        value = what()
        if value:
            return value
        time.sleep(0.02)
    return what()


def free_port():
    with socket.socket() as s:
        s.bind(("127.0.0.1", 0))
        return s.getsockname()[1]


class Agent:
    """made_up_server with a control socket, and HTTP when a port is wanted"""

    def __init__(self, server, *args, http=False):
        self.dir = tempfile.mkdtemp(dir=TMP)
        os.chmod(TMP, 0o755)
        os.chmod(self.dir, 0o755)
        self.control = self.dir + "/control.sock"
        self.log = self.dir + "/log"
        self.port = free_port() if http else 0
        args = [server, "--control", self.control, *(["--http", f"127.0.0.1:{self.port}"] if http else []), *args]
        with open(self.log, "w") as log:
            self.process = subprocess.Popen(args, stdout=subprocess.PIPE, stderr=log)
        if not self.process.stdout.readline().startswith(b"ready"):
            raise RuntimeError(open(self.log).read())

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.process.terminate()
        self.process.wait(20)

    def alive(self):
        return self.process.poll() is None

    def connect(self, path=None):
        s = socket.socket(socket.AF_UNIX)
        s.connect(path or self.control)  # blocking: with a timeout it would fail where the queue is full
        s.settimeout(30)
        return s

    def ask(self, path=None, **request):
        with contextlib.closing(self.connect(path)) as s:
            with contextlib.suppress(BrokenPipeError):  # it was let go, and told why
                s.sendall(json.dumps(request).encode() + b"\n")
            return json.loads(s.makefile().readline())

    def raw(self, data):
        """All that comes back until the end."""
        with contextlib.closing(self.connect()) as s:
            with contextlib.suppress(BrokenPipeError, ConnectionResetError):
                s.sendall(data)
                s.shutdown(socket.SHUT_WR)
            got = b""
            with contextlib.suppress(ConnectionResetError):
                while part := s.recv(65536):
                    got += part
            return got

    def http(self, target, *fields, method="GET", host=None):
        """status, fields by lower-case name, body"""
        with contextlib.closing(socket.create_connection(("127.0.0.1", self.port), 30)) as s:
            head = [f"{method} {target} HTTP/1.1", f"Host: {host or f'127.0.0.1:{self.port}'}", *fields]
            s.sendall("\r\n".join(head).encode() + b"\r\n\r\n")
            got = b""
            while part := s.recv(65536):
                got += part
        head, _, body = got.partition(b"\r\n\r\n")
        first, *rest = head.decode().split("\r\n")
        return int(first.split()[1]), {k.lower(): v.strip() for k, _, v in (r.partition(":") for r in rest)}, body
