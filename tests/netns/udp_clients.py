# SPDX-License-Identifier: ISC
"""udp_clients.py PORT METRICS CLIENTS POOL - clients of a UDP forward to inside.py's echo server, as TAP without a plan

A client is a socket with payloads of its own. What it may receive is what it has sent, once.
"""
import random
import re
import resource
import select
import socket
import sys
import time
import urllib.request

PORT, METRICS, CLIENTS, POOL = (int(a) for a in sys.argv[1:5])
failed = 0
resource.setrlimit(resource.RLIMIT_NOFILE, (8192, 8192))


def ok(good, what):
    global failed
    failed += not good
    print("%s - %s" % ("ok" if good else "not ok", what), flush=True)


def metrics():
    return urllib.request.urlopen("http://127.0.0.1:%d/metrics" % METRICS, timeout=10).read().decode()


def counter(name, label=""):
    text = metrics()
    return sum(int(v) for v in re.findall(r'^%s{service="udp 127.0.0.1:%d [^}]*%s[^}]*} (\d+)$' % (name, PORT, label), text, re.M))


def events():
    n = {e: counter("adit_forward_udp_mappings_total", e) for e in ("reclaimed", "exhausted", "expired")}
    n["opened"] = counter("adit_forward_connections_total", "opened")
    return n


class Client:
    made = 0

    def __init__(self):
        self.s = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
        self.s.connect(("127.0.0.1", PORT))
        self.s.setblocking(False)
        self.number = Client.made
        Client.made += 1
        self.sent, self.answered, self.strange, self.ports = [], [], 0, []

    def send(self, delay):
        text = "%d client %d datagram %d %016x" % (delay, self.number, len(self.sent), random.getrandbits(64))
        self.sent.append(text)
        self.s.send(text.encode())

    def receive(self):
        try:
            text, port = self.s.recv(2000).decode().split(" from ")
        except BlockingIOError:
            return
        if text in self.sent and text not in self.answered:
            self.answered.append(text)
            self.ports.append(port)
        else:
            self.strange += 1


def receive(clients, seconds, wanted=None):
    """Until `wanted` answers have come in all, or for so long."""
    poll, at = select.poll(), {c.s.fileno(): c for c in clients}
    for fd in at:
        poll.register(fd, select.POLLIN)
    end = time.monotonic() + seconds
    while time.monotonic() < end and (wanted is None or sum(len(c.answered) for c in clients) < wanted):
        for fd, _ in poll.poll(max(0, 1000 * min(0.25, end - time.monotonic()))):
            at[fd].receive()


def crossed(clients):
    return sum(c.strange for c in clients)


# A pool, one client at a time: ports are taken from who was silent longest.
first = [Client() for _ in range(POOL)]
for c in first:
    c.send(0)
receive(first, 10, POOL)
ok(sum(len(c.answered) for c in first) == POOL, "%d clients get an answer each" % POOL)
ok(len({p for c in first for p in c.ports}) == POOL, "from a port of their own")
before = events()
for c in first[POOL // 2:]:
    c.send(0)
receive(first, 10, POOL + POOL // 2)
ok(all(len(set(c.ports)) == 1 for c in first), "which stays theirs")
more = [Client() for _ in range(POOL // 2)]
for c in more:
    c.send(0)
receive(more, 10, POOL // 2)
ok(sum(len(c.answered) for c in more) == POOL // 2, "as many again as half the pool are answered too")
now = events()
ok(now["reclaimed"] - before["reclaimed"] == POOL // 2 and now["exhausted"] == before["exhausted"],
   "half the ports were reclaimed, nothing dropped")
for c in first[POOL // 2:]:
    c.send(0)
receive(first, 10, 2 * POOL)
ok(all(len(c.ports) == 3 and len(set(c.ports)) == 1 for c in first[POOL // 2:]), "from those used least recently")
ok(not {p for c in more for p in c.ports} & {p for c in first for p in c.ports}, "and a reclaimed port is not given at once")

# All at once, answers up to a second late. The ones before rest now, or are in use.
time.sleep(2.5)
before, begun = events(), time.monotonic()
clients = [Client() for _ in range(CLIENTS)]
for c in clients:
    c.send(random.randrange(1000))
took = time.monotonic() - begun
receive(clients, 2)
now = {e: n - before[e] for e, n in events().items()}
answered = [c for c in clients if c.answered]
print("# %d clients in %.2f s: %d answered, %s" % (CLIENTS, took, len(answered), now))
ok(crossed(clients + first + more) == 0, "no answer reached another client")
ok(now["reclaimed"] >= POOL, "at least a whole pool was reclaimed")
ok(now["exhausted"] >= 1, "datagrams were dropped and counted while ports rest")
# a kernel that is short of time may have dropped some before they came to us
ok(now["exhausted"] + now["reclaimed"] == now["opened"] or took > 1.5, "each client but the dropped took one port")
ok(len(answered) >= POOL // 2, "a pool full of clients got answers")
sockets = int(re.search(r"^adit_udp_sockets (\d+)$", metrics(), re.M).group(1))
ok(POOL <= sockets <= 2 * POOL, "a pool of ports is in use, and at most as many rest (%d)" % sockets)

# All of them again and again: everyone's turn comes, and nothing crosses.
rounds = 0
while rounds < 2:
    rounds += 1
    for c in random.sample(clients, POOL):
        c.send(random.randrange(1000))
    receive(clients, 2.2)
ok(crossed(clients) == 0, "nor in %d rounds more" % rounds)
sys.exit(failed > 0)
