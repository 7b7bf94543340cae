#!/usr/bin/env python3
# SPDX-License-Identifier: ISC
"""tcp_differential.py - our TCP against the kernel's, through a TUN, in the network namespace it is started in.

tcp_differential.py NETSTACK_HOST OFFLOADS wan|local [ONLY]

Prints "pass WHAT", "fail WHAT" and "# ..." lines; ONLY runs the cases whose name contains it.
"""
import errno
import hashlib
import os
import random
import select
import socket
import struct
import subprocess
import sys
import threading
import time

MTU = 1420
TUN = "t0"
STACK = {4: "10.77.0.2", 6: "fd77::2"}
KERNEL = {4: "10.77.0.1", 6: "fd77::1"}
FAR = {4: "10.78.0.2", 6: "fd78::2"}
SO_RCVBUFFORCE = 33
ETH_P_ALL = 3  # any other shows only what comes in
LIMIT = 90  # seconds a single thing may take
TCP_INFO_OPTIONS = {"timestamps": 1, "sack": 2, "window_scale": 4, "ecn": 8}


class Failure(Exception):
    pass


def expect(what, good, *why):
    if not good:
        raise Failure("%s%s" % (what, (": " + " ".join(str(w) for w in why)) if why else ""))


def sh(command):
    subprocess.run(command, shell=True, check=True)


class Stack:
    """netstack_host: what it was told, what it said."""

    def __init__(self, program, offloads, profile):
        self.p = subprocess.Popen([program, TUN, offloads, str(MTU), profile, STACK[4], STACK[6]], bufsize=0,
                                  stdin=subprocess.PIPE, stdout=subprocess.PIPE)
        self.buf = b""
        self.said = []
        self.next = 1
        self.wait("ready")

    def tell(self, *words):
        self.p.stdin.write((" ".join(str(w) for w in words) + "\n").encode())

    def read(self, timeout):
        if not select.select([self.p.stdout], [], [], timeout)[0]:
            return False
        got = os.read(self.p.stdout.fileno(), 1 << 16)
        if not got:
            raise Failure("the stack has ended with status %s" % self.p.wait())
        self.buf += got
        *lines, self.buf = self.buf.split(b"\n")
        self.said += [line.decode() for line in lines]
        return True

    def wait(self, *prefix, limit=LIMIT):
        """The first line that starts so (taken out), as words."""
        want, end = " ".join(str(w) for w in prefix), time.monotonic() + limit
        while True:
            for line in self.said:
                if line == want or line.startswith(want + " "):
                    self.said.remove(line)
                    return line.split()
            left = end - time.monotonic()
            if left <= 0 or not self.read(left):
                raise Failure("the stack did not say '%s' but %s" % (want, self.said[-5:]))

    def silent(self, *prefix, seconds):
        try:
            self.wait(*prefix, limit=seconds)
        except Failure:
            return True
        return False

    def info(self, conn):
        self.tell("info", conn)
        return dict(w.split("=") for w in self.wait(conn, "info")[2:])

    def connect(self, address, port):
        conn, self.next = self.next, self.next + 1
        self.tell("connect", conn, address, port)
        return conn

    def end(self):
        self.p.stdin.close()
        try:
            self.wait("end")
        finally:
            status = self.p.wait(LIMIT)
        expect("the stack ends with nothing allocated", status == 0, status)


stack = None
rng = random.Random(1)
next_port = 5000


def port():
    global next_port
    next_port += 1
    return next_port


def tcp(family):
    s = socket.socket(socket.AF_INET if family == 4 else socket.AF_INET6, socket.SOCK_STREAM)
    s.settimeout(LIMIT)
    s.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
    return s


def listen(at, how=""):
    stack.tell("listen", at, how)
    stack.wait("listening", at)


def to_stack(family, how=""):
    """The kernel connects. Returns (socket, connection)."""
    at = port()
    listen(at, how)
    s = tcp(family)
    s.connect((STACK[family], at))
    return s, int(accepted(at))


def accepted(at):
    end = time.monotonic() + LIMIT
    while time.monotonic() < end:
        for line in stack.said:
            words = line.split()
            if words[0] == "accept" and words[2] == str(at):
                stack.said.remove(line)
                stack.wait(words[1], "connected")
                return words[1]
        stack.read(0.2)
    raise Failure("the stack accepted nothing")


def from_stack(family, address=None):
    """The stack connects. Returns (socket, connection)."""
    listener = tcp(family)
    listener.bind(("" if family == 4 else "::", 0))
    listener.listen()
    conn = stack.connect(address or KERNEL[family], listener.getsockname()[1])
    s, _ = listener.accept()
    s.settimeout(LIMIT)
    listener.close()
    stack.wait(conn, "connected")
    return s, conn


def send_all(s, size):
    block, digest = rng.randbytes(1 << 20), hashlib.sha256()
    while size:
        part = block[:size]
        s.sendall(part)
        digest.update(part)
        size -= len(part)
    return digest.hexdigest()


def receive_all(s, pause=0):
    digest, size, buf = hashlib.sha256(), 0, bytearray(1 << 18)
    while True:
        n = s.recv_into(buf)
        if not n:
            return size, digest.hexdigest()
        digest.update(memoryview(buf)[:n])
        size += n
        if pause:
            time.sleep(pause)


def check_received(conn, size, digest, limit=LIMIT):
    words = stack.wait(conn, "eof", limit=limit)
    expect("the stack received all", words[2:] == [str(size), digest], words[2:], "not", size, digest)


def check_sent(conn, got):
    words = stack.wait(conn, "sent")
    expect("the kernel received all", (words[2], words[3]) == (str(got[0]), got[1]), got, "not", words[2:])


class Other(threading.Thread):
    def __init__(self, f, *args):
        super().__init__(daemon=True)
        self.f, self.args, self.result, self.error = f, args, None, None
        self.start()

    def run(self):
        try:
            self.result = self.f(*self.args)
        except Exception as e:  # said where it is waited for
            self.error = e

    def get(self, limit=LIMIT):
        self.join(limit)
        if self.error:
            raise self.error
        expect("a transfer ends in %d s" % limit, not self.is_alive())
        return self.result


class Capture:
    """TCP headers on the TUN, as the kernel sees them."""

    def __init__(self, family):
        self.family = family
        self.s = socket.socket(socket.AF_PACKET, socket.SOCK_DGRAM, socket.htons(ETH_P_ALL))
        self.s.bind((TUN, 0))
        self.s.setsockopt(socket.SOL_SOCKET, SO_RCVBUFFORCE, 1 << 28)
        self.s.settimeout(0.3)

    def segments(self):
        """(from the stack?, flags, window, tos, {option: bytes}) of all that was seen."""
        seen = []
        while True:
            try:
                p, _ = self.s.recvfrom(70000)
            except (TimeoutError, socket.timeout):
                return seen
            if p[0] >> 4 != self.family:
                continue
            hdr = (p[0] & 15) * 4 if self.family == 4 else 40
            if (p[9] if self.family == 4 else p[6]) != 6:
                continue
            source = p[12:16] if self.family == 4 else p[8:24]
            ours = source == socket.inet_pton(socket.AF_INET if self.family == 4 else socket.AF_INET6,
                                              STACK[self.family])
            t = p[hdr:]
            tos = p[1] if self.family == 4 else (p[0] << 4 | p[1] >> 4) & 255
            seen.append((ours, t[13], struct.unpack("!H", t[14:16])[0], tos, options(t[20:(t[12] >> 4) * 4])))


def options(o):
    found = {}
    while o and o[0]:
        if o[0] == 1:
            o = o[1:]
            continue
        found[o[0]] = o[2:o[1]]
        o = o[o[1]:]
    return found


def kernel_options(s):
    info = s.getsockopt(socket.IPPROTO_TCP, socket.TCP_INFO, 104)
    return {name for name, bit in TCP_INFO_OPTIONS.items() if info[5] & bit}


# --- the cases -------------------------------------------------------------------------------------

cases = []


def case(f):
    cases.append(f)
    return f


def both_directions(family, s, conn, size, limit=LIMIT):
    s.settimeout(limit)
    receiver = Other(receive_all, s)
    stack.tell("send", conn, size)
    stack.tell("shutdown", conn)
    digest = send_all(s, size)
    s.shutdown(socket.SHUT_WR)
    check_received(conn, size, digest, limit)
    check_sent(conn, receiver.get(limit))
    s.close()
    stack.tell("close", conn)


@case
def what_a_syn_offers(family):
    want = MTU - (40 if family == 4 else 60)
    for connect in (to_stack, from_stack):
        capture = Capture(family)
        s, conn = connect(family)
        expect("the kernel has all options", kernel_options(s) >= {"timestamps", "sack", "window_scale"},
               kernel_options(s))
        info = stack.info(conn)
        expect("the stack has all options", info["sack"] == info["timestamps"] == info["window_scale"] == "1", info)
        expect("a full segment is the MTU less headers and timestamps", int(info["mss"]) == want - 12, info["mss"])
        syns = [seg for seg in capture.segments() if seg[0] and seg[1] & 2]
        expect("the stack's SYN was seen", syns)
        o = syns[0][4]
        expect("MSS %d is in it" % want, 2 in o and struct.unpack("!H", o[2])[0] == want, o)
        expect("window scale, SACK, timestamps are in it", 3 in o and 4 in o and 8 in o, o)
        s.close()
        stack.tell("close", conn)


@case
def transfer_half_closed_by_the_kernel(family):
    s, conn = to_stack(family)
    digest = send_all(s, 20_000_001)
    s.shutdown(socket.SHUT_WR)
    check_received(conn, 20_000_001, digest)
    time.sleep(0.2)  # half-closed for a while; then the other half is of use
    stack.tell("send", conn, 5_000_003)
    stack.tell("shutdown", conn)
    check_sent(conn, receive_all(s))
    s.close()
    stack.tell("close", conn)


@case
def transfer_half_closed_by_the_stack(family):
    s, conn = from_stack(family)
    stack.tell("send", conn, 20_000_001)
    stack.tell("shutdown", conn)
    check_sent(conn, receive_all(s))
    time.sleep(0.2)
    digest = send_all(s, 5_000_003)
    s.close()
    check_received(conn, 5_000_003, digest)
    stack.tell("close", conn)


@case
def transfer_both_ways_at_once(family):
    both_directions(family, *to_stack(family), 15_000_000)
    both_directions(family, *from_stack(family), 15_000_000)


@case
def empty_connections(family):
    s, conn = to_stack(family)
    s.close()
    check_received(conn, 0, hashlib.sha256().hexdigest())
    stack.tell("close", conn)
    s, conn = from_stack(family)
    stack.tell("close", conn)
    expect("the kernel sees the end", s.recv(1) == b"")
    s.close()


@case
def echo_in_small_pieces(family):
    s, conn = to_stack(family)
    stack.tell("echo", conn)
    s.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
    for n in list(range(1, 60)) + [1367, 1368, 1369, 1380, 1381, 65535]:
        data, got = rng.randbytes(n), b""
        s.sendall(data)
        while len(got) < n:
            part = s.recv(1 << 16)
            expect("the echo goes on", part)
            got += part
        expect("%d bytes come back" % n, got == data)
    s.shutdown(socket.SHUT_WR)
    expect("the echo ends", s.recv(1) == b"")
    s.close()
    stack.tell("close", conn)


@case
def reset_by_the_kernel(family):
    s, conn = to_stack(family)
    s.sendall(b"x")
    s.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
    s.close()
    expect("the stack is told", stack.wait(conn, "error")[2] == "ECONNRESET")


@case
def reset_by_the_stack(family):
    for how in ("abort", "close"):
        s, conn = to_stack(family, "paused")
        s.sendall(b"unread")
        time.sleep(0.1)
        stack.tell(how, conn)  # closing with bytes unread resets, too (RFC 2525 2.17)
        try:
            expect("%s resets" % how, s.recv(1) == b"never")
        except OSError as e:
            expect("%s resets" % how, e.errno == errno.ECONNRESET, e)
        s.close()


def refused(family, at, want):
    s = tcp(family)
    try:
        s.connect((STACK[family], at))
        raise Failure("port %d is open" % at)
    except OSError as e:
        expect("connect says %s" % errno.errorcode[want], e.errno == want, e)
    s.close()


@case
def refused_both_ways(family):
    refused(family, port(), errno.ECONNREFUSED)
    for name, want in (("ECONNREFUSED", errno.ECONNREFUSED), ("EHOSTUNREACH", errno.EHOSTUNREACH)):
        at = port()
        stack.tell("refuse", at, name)
        stack.wait("listening", at)
        refused(family, at, want)
    closed = tcp(family)
    closed.bind((KERNEL[family], 0))
    conn = stack.connect(KERNEL[family], closed.getsockname()[1])
    expect("the stack is refused", stack.wait(conn, "error")[2] == "ECONNREFUSED")
    closed.close()


@case
def zero_window_of_the_stack(family):
    capture = Capture(family)
    s, conn = to_stack(family, "paused")
    data = rng.randbytes(1 << 20) * 23
    size = len(data)
    s.setblocking(False)
    sent, last = 0, time.monotonic()
    while time.monotonic() - last < 1 and sent < size:
        try:
            sent += s.send(data[sent:sent + (1 << 18)])
            last = time.monotonic()
        except BlockingIOError:
            time.sleep(0.02)
    expect("the kernel is held back", sent < size, sent)
    expect("a window of nothing was seen", any(ours and not flags & 6 and window == 0
                                               for ours, flags, window, _, _ in capture.segments()))
    stack.tell("resume", conn)
    s.setblocking(True)
    s.settimeout(LIMIT)
    s.sendall(data[sent:])
    s.shutdown(socket.SHUT_WR)
    check_received(conn, size, hashlib.sha256(data).hexdigest())
    s.close()
    stack.tell("close", conn)


@case
def zero_window_of_the_kernel(family):
    s, conn = from_stack(family)
    s.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 1 << 16)
    stack.tell("send", conn, 20_000_000)
    stack.tell("shutdown", conn)
    time.sleep(2.5)  # several probes
    expect("the window is shut", int(stack.info(conn)["snd_wnd"]) < 4 * MTU, stack.info(conn)["snd_wnd"])
    expect("the connection lives", stack.silent(conn, "error", seconds=0.1))
    check_sent(conn, receive_all(s))
    s.close()
    stack.tell("close", conn)


@case
def slow_reader(family):
    s, conn = from_stack(family)
    s.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 1 << 14)
    stack.tell("send", conn, 4_000_000)
    stack.tell("shutdown", conn)
    check_sent(conn, receive_all(s, pause=0.001))
    s.close()
    stack.tell("close", conn)


@case
def options_of_less(family):
    """A peer that does without: one option at a time, with losses."""
    for name in ("tcp_timestamps", "tcp_sack", "tcp_window_scaling"):
        sh("sysctl -qw net.ipv4.%s=0" % name)
        try:
            stack.tell("link", 4, 5, 0, 0)
            both_directions(family, *to_stack(family), 1_000_000)
            both_directions(family, *from_stack(family), 1_000_000)
        finally:
            stack.tell("link", 0, 0, 0, 0)
            sh("sysctl -qw net.ipv4.%s=1" % name)


@case
def loss_and_reordering(family):
    for delay, loss, reorder in ((0, 10, 0), (10, 10, 0), (20, 30, 0), (20, 0, 20), (20, 10, 10)):
        stack.tell("link", delay, loss, reorder, 0)
        try:
            both_directions(family, *to_stack(family), 3_000_000)
            both_directions(family, *from_stack(family), 3_000_000)
        finally:
            stack.tell("link", 0, 0, 0, 0)


@case
def heavy_loss(family):
    """Whoever loses a SYN takes a second for the round trip: five tries of the kernel's in a row then last 93 s."""
    stack.tell("link", 4, 120, 0, 0)
    try:
        both_directions(family, *to_stack(family), 60_000, limit=4 * LIMIT)
        both_directions(family, *from_stack(family), 60_000, limit=4 * LIMIT)
    finally:
        stack.tell("link", 0, 0, 0, 0)


@case
def congestion_marks(family):
    sh("sysctl -qw net.ipv4.tcp_ecn=1")
    try:
        for connect in (to_stack, from_stack):
            capture = Capture(family)
            s, conn = connect(family)
            expect("ECN is agreed on", "ecn" in kernel_options(s), connect.__name__)
            stack.tell("link", 6, 0, 0, 250)  # of some 60 trains: that none is marked does not happen
            both_directions(family, s, conn, 4_000_000)
            stack.tell("link", 0, 0, 0, 0)
            seen = [seg for seg in capture.segments() if not seg[1] & 2]
            for ours in (True, False):
                who = "the stack" if ours else "the kernel"
                mine = [seg for seg in seen if seg[0] == ours]
                expect(who + " sends what may be marked", any(seg[3] & 3 for seg in mine))
                expect(who + " tells of marks", any(seg[1] & 0x40 for seg in mine))
                expect(who + " says that it sends less", any(seg[1] & 0x80 for seg in mine))
    finally:
        stack.tell("link", 0, 0, 0, 0)
        sh("sysctl -qw net.ipv4.tcp_ecn=2")


@case
def mtu_falls_in_mid_flow(family):
    for connect in (to_stack, from_stack):
        s, conn = connect(family)
        stack.tell("link", 6, 0, 0, 0)
        mover = Other(both_directions, family, s, conn, 8_000_000)
        time.sleep(0.15)
        sh("ip link set %s mtu 1300" % TUN)
        stack.tell("mtu", 1300)
        try:
            mover.get()
        finally:
            stack.tell("link", 0, 0, 0, 0)
            stack.tell("mtu", MTU)
            sh("ip link set %s mtu %d" % (TUN, MTU))


@case
def path_mtu(family):
    """Behind the kernel is a link of 1300 bytes: it says so by ICMP."""
    listener = Far(family)
    conn = stack.connect(FAR[family], listener.port)
    stack.wait(conn, "connected")
    stack.tell("send", conn, 3_000_000)
    stack.tell("shutdown", conn)
    check_sent(conn, listener.get())
    want = 1300 - (40 if family == 4 else 60) - 12
    stack.wait(conn, "eof")
    expect("segments fit the path", int(listener.mss) <= want, listener.mss)
    stack.tell("close", conn)


class Far:
    """A receiver in the namespace behind this one."""

    def __init__(self, family):
        self.p = subprocess.Popen(["ip", "netns", "exec", os.environ["FAR"], sys.executable, __file__, "receive",
                                   str(family)], stdout=subprocess.PIPE, text=True)
        self.port = self.p.stdout.readline().strip()
        self.mss = 0

    def get(self):
        out = self.p.communicate(timeout=LIMIT)[0].split()
        self.mss = out[2]
        return int(out[0]), out[1]


def receive_main(family):
    listener = tcp(family)
    listener.bind(("" if family == 4 else "::", 0))
    listener.listen()
    print(listener.getsockname()[1], flush=True)
    s, _ = listener.accept()
    s.settimeout(LIMIT)
    size, digest = receive_all(s)
    rcv_mss = struct.unpack("I", s.getsockopt(socket.IPPROTO_TCP, socket.TCP_INFO, 104)[20:24])[0]
    s.close()
    print(size, digest, rcv_mss)


@case
def a_port_used_again(family):
    """TIME-WAIT on either side does not stop a new connection from the same ports (RFC 6191)."""
    at, mine = port(), 40000 + family
    listen(at)
    for first_to_close in ("stack", "kernel", "stack"):
        s = tcp(family)
        s.bind(("", mine) if family == 4 else ("::", mine))
        s.connect((STACK[family], at))
        conn = int(accepted(at))
        if first_to_close == "stack":
            stack.tell("close", conn)
            expect("the kernel sees the end", s.recv(1) == b"")
            s.close()
        else:
            s.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
            s.close()  # a reset leaves no TIME-WAIT at the kernel
            stack.wait(conn, "error")
        time.sleep(0.05)


@case
def many_at_once(family):
    at, cnt = port(), 300
    listen(at)
    socks = []
    for _ in range(cnt):
        s = tcp(family)
        s.connect((STACK[family], at))
        socks.append(s)
    conns = [int(accepted(at)) for _ in range(cnt)]
    expect("each is one", len(set(conns)) == cnt)
    for conn in conns:
        stack.tell("send", conn, 10_000)
        stack.tell("shutdown", conn)
    sums = {receive_all(s) for s in socks}
    expect("all are whole", {size for size, _ in sums} == {10_000} and len(sums) == cnt)
    for s, conn in zip(socks, conns):
        s.close()
        stack.wait(conn, "eof")
        stack.tell("close", conn)


@case
def nothing_is_left(family):
    end = time.monotonic() + LIMIT
    while True:
        stack.tell("stats")
        n = dict(w.split("=") for w in stack.wait("stats")[1:])
        if n["flows"] == "0":
            break
        expect("no connection is left", time.monotonic() < end, n)
        time.sleep(0.2)


def main():
    global stack
    if sys.argv[1] == "receive":
        receive_main(int(sys.argv[2]))
        return
    program, offloads, profile = sys.argv[1:4]
    only = sys.argv[4] if len(sys.argv) > 4 else ""
    stack = Stack(program, offloads, profile)
    sh("ip addr add %s/24 dev %s; ip addr add %s/64 dev %s nodad; ip link set %s up mtu %d" %
       (KERNEL[4], TUN, KERNEL[6], TUN, TUN, MTU))
    for f in cases:
        for family in (4, 6):
            name = "%s, IPv%d" % (f.__name__.replace("_", " "), family)
            if only not in f.__name__:
                continue
            began = time.monotonic()
            try:
                f(family)
                print("pass %s" % name, flush=True)
            except (Failure, OSError, subprocess.SubprocessError) as e:
                print("fail %s\n# %s: %s" % (name, type(e).__name__, e), flush=True)
                if stack.p.poll() is not None:
                    return
            if os.environ.get("ADIT_TIMES"):
                print("# %.2f s" % (time.monotonic() - began), flush=True)
    try:
        stack.end()
        print("pass nothing is allocated at the end")
    except (Failure, subprocess.SubprocessError) as e:
        print("fail nothing is allocated at the end\n# %s" % e)


if __name__ == "__main__":
    main()
