#!/usr/bin/env python3
# SPDX-License-Identifier: ISC
"""abuse.py SERVER ADIT: a 10 MB line, one byte a second, silent and slow callers, 10,000 connections, callers without
a role; who asks honestly is answered meanwhile. ADIT_LONG=1 also judges how soon (p99 under 50 ms, or five times that of
an idle one)."""
import contextlib
import grp
import json
import multiprocessing
import os
import resource
import select
import socket
import subprocess
import sys
import tempfile
import threading
import time

from lab import Agent, check, done, equal, skip, wait_for

LONG = bool(os.environ.get("ADIT_LONG"))


def resident(agent):
    """Bytes; 0 under a sanitizer, whose own memory it would be"""
    with open(f"/proc/{agent.process.pid}/statm", encoding="ascii") as f:
        size, pages = (int(v) * resource.getpagesize() for v in f.read().split()[:2])
    return pages if size < 1 << 40 else 0


def times(agent, goes_on=lambda: False):
    """The 99th of 100 times, in ms, of 200 questions and of more while it goes on"""
    took = []
    while len(took) < 200 or goes_on():
        start = time.monotonic()
        reply = agent.ask(action="status")
        if reply["ok"]:
            took.append(time.monotonic() - start)
        elif reply["error"]["code"] == "busy":  # the abuse is this user's, too
            time.sleep(0.2)
        else:
            raise RuntimeError(reply)
    took.sort()
    return took[len(took) * 99 // 100] * 1000


def judge(what, agent, idle, goes_on=lambda: False):
    """All questions are answered; how soon is for the long form, on a machine that has time."""
    p99, limit = times(agent, goes_on), max(50, 5 * idle)
    print(f"# {what}: p99 {p99:.1f} ms, idle {idle:.1f} ms")
    check(f"{what}: every status is answered" + (f", p99 under {limit:.0f} ms" if LONG else ""), not LONG or p99 < limit, p99)


@contextlib.contextmanager
def meanwhile(work):
    end = threading.Event()
    thread = threading.Thread(target=work, args=(end,))
    thread.start()
    try:
        yield
    finally:
        end.set()
        thread.join()


def long_lines(agent):
    got = agent.raw(b'{"action":"' + b"x" * 10_000_000 + b'"}\n')
    check("10 MB in one line: refused in one line", got.count(b"\n") == 1 and b'"too_long"' in got, got[:300])
    line = b'{"action":"hello"}'
    got = agent.raw(line + b" " * (65535 - len(line)) + b"\n")
    check("65,536 bytes with the newline are taken", b'"ok":true' in got, got[:100])
    got = agent.raw(line + b" " * (65536 - len(line)) + b"\n")
    check("65,537 are not", b'"too_long"' in got, got[:100])
    got = agent.raw(line + b"\n" + line + b"\n\n  \n" + line)
    equal("three lines, the last without its newline: three replies", got.count(b'"ok":true'), 3)
    got = agent.raw(b"\0" * 1000 + b"\n" + b"\xff\xfe\n" + b"[" * 60000 + b"\n" + line + b"\n")
    equal("zeros, no UTF-8, 60,000 brackets: three refusals and a reply", (got.count(b'"bad_request"'), got.count(b'"ok":true')), (3, 1))


def one_byte_a_second(agent, idle):
    slow = [agent.connect() for _ in range(40)]

    def drip(end):
        while not end.wait(0.2):
            for s in slow:
                with contextlib.suppress(OSError):
                    s.send(b"{")
    with meanwhile(drip):
        judge("40 who send a byte now and then", agent, idle)
    for s in slow:
        s.close()


def silent_readers(agent, idle):
    """They ask for much and read nothing."""
    deaf = []
    for _ in range(20):
        s = agent.connect()
        s.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4096)
        s.setblocking(False)
        with contextlib.suppress(BlockingIOError):
            s.send(b'{"action":"status"}\n' * 3000)
        deaf.append(s)
    before = resident(agent)
    judge("20 who read nothing", agent, idle)
    check("their replies do not pile up", resident(agent) - before < 8 << 20, resident(agent) - before)
    ended = wait_for(lambda: all(hung_up(s) for s in deaf), 60)
    check("and they are let go", ended)
    for s in deaf:
        s.close()


def hung_up(s):
    p = select.poll()
    p.register(s, select.POLLHUP)
    return any(e & (select.POLLHUP | select.POLLERR) for _, e in p.poll(0))


def slow_subscriber(agent):
    with agent.connect() as s:
        s.sendall(b'{"action":"events.subscribe","snapshot":false}\n')
        s.recv(4096)
        for _ in range(700):
            agent.ask(action="connect", network="web")
            agent.ask(action="disconnect", network="web")
        lines = s.makefile()
        last = agent.ask(action="networks")["result"]["last_event"]
        seen, lagged = 0, False
        while seen < last:
            line = json.loads(lines.readline())
            lagged |= "lagged" in line
            seen = max(seen, line.get("event", {}).get("seq", 0))
        check("a subscriber who was away is told what he missed, or has it all", lagged or seen == last, lagged, seen, last)


def pile(agent, total):
    """Opens so many, and holds as many of them as it may."""
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    resource.setrlimit(resource.RLIMIT_NOFILE, (min(hard, 12000), hard))
    held = []
    for _ in range(total):
        held.append(agent.connect())
        if len(held) > min(hard, 12000) - 200:
            held.pop(0).close()
    os._exit(0)


def many_connections(agent, idle):
    process = multiprocessing.get_context("fork").Process(target=pile, args=(agent, 10000))
    process.start()
    judge("while 10,000 connect and say nothing", agent, idle, process.is_alive)
    process.join(100)
    equal("10,000 were there", process.exitcode, 0)
    judge("after that", agent, idle)
    descriptors = len(os.listdir(f"/proc/{agent.process.pid}/fd"))
    check("no more than its share of them is held", descriptors < 600, descriptors)


def flood_of_questions(agent):
    with agent.connect() as s:
        s.settimeout(60)
        lines = s.makefile()
        threading.Thread(target=lambda: s.sendall(b'{"action":"wait","network":"office"}\n' * 6000), daemon=True).start()
        answers = [json.loads(lines.readline()) for _ in range(6000)]
    busy = [a for a in answers if not a["ok"]]
    check("6,000 questions at once: some are told to come back", busy and all(a["error"]["code"] == "busy" and a["error"]["retryable"] for a in busy), len(busy))
    time.sleep(1.2)
    check("a second later they may", agent.ask(action="hello")["ok"])


def crowd(agent):
    """Eight at once, each with its own questions and changes: every reply has its request's id, in order"""
    wrong = []

    def one(nr):
        actions = [{"action": "status", "peers": False}, {"action": "connect", "network": "web"}, {"action": "peers", "network": "office"},
                   {"action": "reload", "dry_run": True}, {"action": "disconnect", "network": "web"}, {"action": "nothing"}]
        with agent.connect() as s:
            lines = s.makefile()
            for i in range(0, 90, 3):
                ask = [{"id": f"{nr}-{i + k}", **actions[(nr + i + k) % len(actions)]} for k in range(3)]
                s.sendall("".join(json.dumps(a) + "\n" for a in ask).encode())
                for a in ask:
                    reply = json.loads(lines.readline())
                    if reply["id"] != a["id"] or reply["ok"] != (a["action"] != "nothing"):
                        wrong.append((a, reply))
    threads = [threading.Thread(target=one, args=(nr,)) for nr in range(8)]
    for t in threads:
        t.start()
    for t in threads:
        t.join(60)
    equal("eight at once: every reply is the one to its request", wrong, [])


def descriptors_run_out(server):
    with Agent(server) as agent:
        subprocess.run(["prlimit", f"--pid={agent.process.pid}", "--nofile=24:24"], check=True)
        held = [agent.connect() for _ in range(60)]
        check("out of descriptors: the newest is answered all the same", agent.ask(action="hello")["ok"])
        for s in held:
            s.close()
        check("and afterwards", agent.ask(action="hello")["ok"])


def reads_slowly(server):
    """The end was asked for, and one has much to read still, which he does a little at a time"""
    with Agent(server) as agent, agent.connect() as slow:
        end = threading.Event()

        def sip():
            while not end.wait(0.1):
                with contextlib.suppress(OSError):
                    slow.recv(2048)
        slow.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4096)
        slow.setblocking(False)
        with contextlib.suppress(BlockingIOError):
            slow.send(b'{"action":"status"}\n' * 3000)
        reader = threading.Thread(target=sip)
        reader.start()
        check("the end is promised", agent.ask(action="shutdown")["ok"])
        check("it comes, though somebody reads slowly", wait_for(lambda: not agent.alive(), 30))
        end.set()
        reader.join()


HOLD = """import os, socket, sys
held = []
while len(held) < 400:
    s = socket.socket(socket.AF_UNIX)
    s.connect(sys.argv[1])
    try:
        s.sendall(b'{"action":"events.subscribe","snapshot":false}\\n')
        s.recv(4096)
    except OSError:
        pass
    held.append(s)
print("held", flush=True)
sys.stdin.read()
"""


def many_observers(server):
    """Two of them hold 400 subscriptions each: more than there are places"""
    if os.geteuid() != 0:
        skip("observers of other users", "this takes root")
        return
    group = grp.getgrgid(1)
    with tempfile.TemporaryDirectory(dir="/tmp") as folder:
        os.chmod(folder, 0o755)
        path = folder + "/status.sock"
        with Agent(server, "--status", path, "--observers", group.gr_name) as agent:
            holders = [subprocess.Popen(["/usr/bin/python3", "-c", HOLD, path], stdin=subprocess.PIPE, stdout=subprocess.PIPE, user=uid,
                                        group=group.gr_gid, extra_groups=[]) for uid in (1234, 1235)]
            for h in holders:
                h.stdout.readline()
            reply = {}
            with contextlib.suppress(OSError, ValueError):
                reply = agent.ask(action="hello")
            check("observers have every place: an admin has one all the same", reply.get("ok"), reply)
            for h in holders:
                h.communicate()


def strangers(server):
    if os.geteuid() != 0:
        skip("callers of other users", "this takes root")
        return
    with Agent(server) as agent:
        equal("the socket's mode", oct(os.stat(agent.control).st_mode & 0o777), "0o660")

        def as_user(uid, gid, script=None):
            code = script or ("import socket,sys\ns=socket.socket(socket.AF_UNIX)\ns.settimeout(20)\ntry:\n s.connect(sys.argv[1])\n"
                              "except PermissionError:\n print('EACCES'); sys.exit()\n"
                              "s.sendall(b'{\"id\":\"1\",\"action\":\"shutdown\"}\\n')\nprint(s.makefile().readline())")
            return subprocess.run(["/usr/bin/python3", "-c", code, agent.control], capture_output=True, text=True, user=uid, group=gid,
                                  extra_groups=[]).stdout
        equal("65534 of another group: the kernel says no", as_user(65534, 65534), "EACCES\n")
        reply = json.loads(as_user(65534, 0))
        equal("65534 of our group is refused", (reply["ok"], reply["error"]["code"]), (False, "denied"))
        check("and the attempt is logged", "uid 65534" in open(agent.log, encoding="utf-8").read(), open(agent.log, encoding="utf-8").read())
        equal("1234 of our group, too", json.loads(as_user(1234, 0))["error"]["code"], "denied")
        check("nothing was done", agent.alive())
        check("the log is not filled by them", open(agent.log, encoding="utf-8").read().count("refused") < 8)


def main(server):
    with Agent(server) as agent:
        idle = times(agent)
        crowd(agent)
        long_lines(agent)
        one_byte_a_second(agent, idle)
        silent_readers(agent, idle)
        slow_subscriber(agent)
        many_connections(agent, idle)
        flood_of_questions(agent)
        check("it is alive, and no larger than 64 MiB", agent.alive() and resident(agent) < 64 << 20, resident(agent))
    descriptors_run_out(server)
    reads_slowly(server)
    many_observers(server)
    strangers(server)
    done()


main(sys.argv[1])
