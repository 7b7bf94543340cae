#!/usr/bin/env python3
# SPDX-License-Identifier: ISC
"""agent_lab.py notify PATH LOG | freeze PID THREAD-NAME | peers N | search WHERE KEYS

notify: a service manager's socket; each message is a line of LOG, its newlines are spaces.
freeze: holds the one thread of that name by ptrace until standard input ends.
peers:  N peers of a configuration, as TOML.
search: which keys are in a process (its number) or a file, by lines of KEYS: NAME HEX; other forms as NAME:FORM.
"""
import base64
import ctypes
import mmap
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


def memory(pid):
    with open(f"/proc/{pid}/maps") as maps, open(f"/proc/{pid}/mem", "rb", 0) as mem:
        for line in maps:
            low, high = (int(x, 16) for x in line.split()[0].split("-"))
            try:
                mem.seek(low)
                yield mem.read(high - low)
            except (OSError, OverflowError):
                pass  # not to be read: guard pages, the kernel's own


def content(path):
    with open(path, "rb") as f:
        yield mmap.mmap(f.fileno(), 0, prot=mmap.PROT_READ)


def search(where, keys):
    needles = {}
    for name, text in (line.split() for line in open(keys)):
        raw = bytes.fromhex(text)
        needles |= {name: raw, name + ":hex": text.encode(), name + ":HEX": text.upper().encode(),
                    name + ":base64": base64.b64encode(raw)[:42]}  # the last sign may have another end
    found = set()
    for part in memory(where) if where.isdigit() else content(where):
        found |= {name for name, b in needles.items() if part.find(b) >= 0}
    print(*sorted(found))


if __name__ == "__main__":
    {"notify": lambda a: notify(*a), "freeze": lambda a: freeze(int(a[0]), a[1]), "peers": lambda a: peers(int(a[0])),
     "search": lambda a: search(*a)}[sys.argv[1]](sys.argv[2:])
