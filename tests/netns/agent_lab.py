#!/usr/bin/env python3
# SPDX-License-Identifier: ISC
"""agent_lab.py notify PATH LOG | freeze PID THREAD-NAME | peers N

notify: a service manager's socket; each message is a line of LOG, its newlines are spaces.
freeze: holds the one thread of that name by ptrace until standard input ends.
peers:  N peers of a configuration, as TOML.
"""
import base64
import ctypes
import os
import socket
import sys


def notify(path, log):
    s = socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM)
    s.bind(path)
    os.chmod(path, 0o666)
    with open(log, "w", buffering=1) as out:
        print("listening", file=out)
        while True:
            print(s.recv(65536).decode().replace("\n", " "), file=out)


def thread(pid, name):
    for tid in os.listdir(f"/proc/{pid}/task"):
        with open(f"/proc/{pid}/task/{tid}/comm") as f:
            if f.read().strip() == name:
                return int(tid)
    sys.exit(f"no thread {name}")


def freeze(pid, name):
    PTRACE_DETACH, PTRACE_INTERRUPT, PTRACE_SEIZE = 17, 0x4207, 0x4206
    libc = ctypes.CDLL(None, use_errno=True)
    libc.ptrace.argtypes = [ctypes.c_long, ctypes.c_long, ctypes.c_void_p, ctypes.c_void_p]
    tid = thread(pid, name)
    if libc.ptrace(PTRACE_SEIZE, tid, None, None) or libc.ptrace(PTRACE_INTERRUPT, tid, None, None):
        sys.exit(os.strerror(ctypes.get_errno()))
    os.waitpid(tid, 0x40000000)  # __WALL
    print("frozen", flush=True)
    sys.stdin.read()
    libc.ptrace(PTRACE_DETACH, tid, None, None)


def peers(cnt):
    for i in range(cnt):
        key = base64.b64encode(os.urandom(31) + b"\x40").decode()
        print(f'[[network.office.peers]]\npublic_key = "{key}"\nallowed_ips = ["10.77.{i // 256}.{i % 256}/32"]')


if __name__ == "__main__":
    {"notify": lambda a: notify(*a), "freeze": lambda a: freeze(int(a[0]), a[1]), "peers": lambda a: peers(int(a[0]))}[
        sys.argv[1]](sys.argv[2:])
