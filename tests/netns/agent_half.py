#!/usr/bin/env python3
# SPDX-License-Identifier: ISC
"""agent_half.py ADIT FOLDER FAR-KEY ENDPOINT IFACE1 IFACE2 ROUNDS [SEED]

Kills an agent half way through its work, ROUNDS times, and compares the machine with what it was. It runs in the
namespace that the agent changes; FOLDER holds the keys. At the moment of a kill both processes are stopped, what the
journals say is compared with what is there, and then one or both get SIGKILL. A line for each thing that is wrong,
then one of figures: rounds=10 half=7 killed_network=3 killed_helper=2 killed_both=5 wiped=3 next_start=2 bad=0.
"""
import json
import os
import random
import re
import shutil
import signal
import socket
import subprocess
import sys
import time

ROUTES = 1200
PATIENCE = 30
JOURNAL_FIRST = ("start", "connect", "reload")


def run(*cmd):
    return subprocess.run(cmd, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, text=True).stdout


# --- the machine -------------------------------------------------------------------------------

UNSTEADY = ("stable_secret", "tcp_fastopen_key", "mc_forwarding", "route/flush", "neigh/", "/udp_mem", "/tcp_mem")


def sysctls():
    found = {}
    for family in ("ipv4", "ipv6"):
        for folder, _, files in os.walk(f"/proc/sys/net/{family}"):
            for name in files:
                path = f"{folder}/{name}"
                if any(word in path for word in UNSTEADY):
                    continue
                try:
                    with open(path) as f:
                        found[path] = f.read()
                except OSError:
                    pass
    return found


def resolver():
    with open("/etc/resolv.conf", "rb") as f:
        return f.read()


def machine():
    """All that an agent may change, as lines; sysctls apart."""
    looks = [("link", "-d", "-o", "link"), ("addr", "-o", "addr"), ("route", "route", "show", "table", "all"),
             ("route 6", "-6", "route", "show", "table", "all"), ("rule", "rule"), ("rule 6", "-6", "rule")]
    seen = {name: run("ip", *args).splitlines() for name, *args in looks}
    seen["nft"] = run("nft", "list", "ruleset").splitlines()
    seen["resolv.conf"] = [repr(resolver())]
    seen["etc"] = sorted(os.listdir("/etc"))
    return seen


def differences(before, now):
    for name in before:
        for line in before[name]:
            if line not in now[name]:
                yield f"{name}: missing: {line}"
        for line in now[name]:
            if line not in before[name]:
                yield f"{name}: left: {line}"
        if sorted(before[name]) == sorted(now[name]) and before[name] != now[name]:
            yield f"{name}: in another order"


# --- journals ----------------------------------------------------------------------------------

def journals(state):
    """{plan: [steps, each as its words]} of what is on disk."""
    plans = {}
    for name in os.listdir(state) if os.path.isdir(state) else ():
        if name.endswith(".journal"):
            with open(f"{state}/{name}") as f:
                lines = f.read().splitlines()
            plans[name[:-8]] = [x.split() for x in lines if x.split()[0] in STEPS]
    return plans


class There:
    """What is on the machine, to compare a journal's steps with."""

    def __init__(self, resolver_before):
        self.links = {x.split(": ")[1] for x in run("ip", "-o", "link").splitlines()}
        self.addrs = {(x.split()[1], x.split()[3]) for x in run("ip", "-o", "addr").splitlines()}
        self.tables = {x.split()[-1] for x in run("nft", "list", "tables").splitlines()}
        self.rules = {re.match(r"(\d+):", x).group(1) for x in
                      run("ip", "rule").splitlines() + run("ip", "-6", "rule").splitlines()}
        self.routes = set()
        for family in ("-4", "-6"):
            for line in run("ip", family, "route", "show", "table", "all").splitlines():
                words = line.split()
                kind = words.pop(0) if words[0] == "unreachable" else ""
                table = words[words.index("table") + 1] if "table" in words else "254"
                dst = {"default": "0.0.0.0/0" if family == "-4" else "::/0"}.get(words[0], words[0])
                if "/" not in dst:
                    dst += "/32" if family == "-4" else "/128"
                self.routes.add((kind, dst, table))
        self.resolver = resolver() != resolver_before


def sysctl_is(path, value):
    with open(f"/proc/sys/{path}") as f:
        return f.read().strip() == value


STEPS = {
    "tun": None, "mtu": None, "up": None,  # they come and go with the link
    "addr": lambda t, w: (w[1], w[2]) in t.addrs,
    "route": lambda t, w: ("", w[2], w[3]) in t.routes,
    "unreachable": lambda t, w: ("unreachable", w[2], w[3]) in t.routes,
    "rule": lambda t, w: w[3] in t.rules,
    "sysctl": lambda t, w: sysctl_is(w[2], w[3]),
    "guard": lambda t, w: "adit" in t.tables,
    "replies": lambda t, w: f"adit-{w[1]}" in t.tables,
    "gateway": lambda t, w: f"adit-gw-{w[1]}" in t.tables,
    "dns": lambda t, w: t.resolver,
}


def half_way(state, there):
    """A plan of which some is in force, and some is not."""
    for steps in journals(state).values():
        told = [STEPS[w[0]](there, w) for w in steps if STEPS[w[0]]]
        if any(told) and not all(told):
            return True
    return False


# --- the agent ---------------------------------------------------------------------------------

class Lab:
    def __init__(self, adit, folder, far, endpoint, one, two, seed):
        self.adit, self.folder, self.far, self.endpoint = adit, folder, far, endpoint
        self.names = {"office": one, "travel": two}
        self.state, self.run_dir = f"{folder}/state", f"{folder}/run"
        self.control, self.config = f"{self.run_dir}/control.sock", f"{folder}/half.toml"
        self.random = random.Random(seed)
        self.agent = self.helper = None
        self.took = dict.fromkeys(("start", "connect", "reload", "disconnect", "end"), PATIENCE)
        self.gateway = True

    def write_config(self, enable):
        """Other routes each time, so that a reload has a difference to apply."""
        rnd = self.random

        def routes(second):
            return "".join(f', "10.{second + i // 250}.{i % 250}.0/24"' for i in
                           sorted(rnd.sample(range(2 * ROUTES), ROUTES)))

        peer = 'public_key = "%s"\nendpoint = "%s"\n' % (self.far, self.endpoint)
        with open(self.config + ".new", "w") as f:
            f.write(f"""[agent]
control_socket = "{self.control}"
state_dir = "{self.state}"
[network.office]
enable = {enable}
interface = "{self.names['office']}"
private_key_path = "a.key"
addresses = ["10.9.0.1/24", "fd09::1/64"]
{rnd.choice(["", "forward = true", "forward = true" + chr(10) + "masquerade = true"]) if self.gateway else ""}
[[network.office.peers]]
{peer}allowed_ips = ["10.9.0.2/32", "fd09::2/128"{routes(100)}]
[network.travel]
enable = {enable}
interface = "{self.names['travel']}"
private_key_path = "c.key"
addresses = ["10.9.0.3/32"]
killswitch = {rnd.choice(["true", "true", "false"]) if self.gateway else "true"}
lan = "{rnd.choice(["allow", "block"])}"
dns = ["10.9.0.53", "corp.example"]
[[network.travel.peers]]
{peer}allowed_ips = ["0.0.0.0/0", "::/0"{routes(120)}]
""")
        os.rename(self.config + ".new", self.config)

    def start(self):
        os.makedirs(self.run_dir, exist_ok=True)
        self.log = open(f"{self.folder}/half.log", "w")
        self.agent = subprocess.Popen([self.adit, "agent", "-c", self.config], stdin=subprocess.DEVNULL, stdout=self.log,
                                      stderr=self.log)
        self.helper = None

    def find_helper(self):
        try:
            with open(f"/proc/{self.agent.pid}/task/{self.agent.pid}/children") as f:
                found = f.read().split()
        except OSError:
            found = []
        self.helper = int(found[0]) if found else self.helper
        return self.helper

    def dial(self):
        end = time.monotonic() + PATIENCE
        while time.monotonic() < end:
            s = socket.socket(socket.AF_UNIX)
            try:
                s.connect(self.control)
                s.settimeout(PATIENCE)
                return s
            except OSError:
                s.close()
                time.sleep(0.005)
        raise SystemExit("# the agent does not answer:\n" + open(f"{self.folder}/half.log").read()[-2000:])

    @staticmethod
    def say(s, action, **more):
        s.sendall(json.dumps({"id": "1", "action": action, **more}).encode() + b"\n")

    def ask(self, action, **more):
        s = self.dial()
        self.say(s, action, **more)
        reply = s.makefile().readline()
        s.close()
        return reply

    def settled(self):
        """Networks that are wanted have done what they can do to this machine."""
        end = time.monotonic() + PATIENCE
        while time.monotonic() < end:
            reply = json.loads(self.ask("status"))
            if all(n["state"] in ("up", "handshaking", "stale", "down") for n in reply["result"]["networks"]):
                return
            time.sleep(0.02)

    def signal(self, pid, number):
        try:
            os.kill(pid, number)
        except ProcessLookupError:
            pass

    def ended(self):
        end = time.monotonic() + PATIENCE
        while time.monotonic() < end:
            if self.agent.poll() is not None and not (self.helper and os.path.exists(f"/proc/{self.helper}")):
                return True
            time.sleep(0.005)
        for pid in (self.agent.pid, self.helper):
            self.signal(pid, signal.SIGKILL)
        return False

    # --- what is under way when it is killed

    def begin(self, what):
        """Brings about what `what` starts from, then starts it. Returns what waits for its end."""
        self.write_config("true" if what == "start" else "false")
        self.written_before = {}
        self.start()
        if what == "start":
            return self.settled
        network = self.random.choice(["office", "travel"])
        if what != "connect":
            for name in self.names:
                self.ask("connect", network=name)
        s = self.dial()
        self.written_before = self.written()
        if what == "reload":
            self.write_config("false")
            self.say(s, "reload")
        elif what == "end":
            self.say(s, "shutdown")
            return lambda: self.agent.wait(PATIENCE)
        else:
            self.say(s, what, network=network)
        return lambda: s.recv(65536)

    def written(self):
        """When the journals were written, each."""
        found = {}
        for entry in os.scandir(self.state) if os.path.isdir(self.state) else ():
            if entry.name.endswith(".journal"):
                found[entry.name] = os.stat(entry.path).st_mtime_ns if os.path.exists(entry.path) else 0
        return found

    def journalled(self, limit):
        """Waits until it writes a journal: right after that it changes the machine."""
        end = time.monotonic() + limit
        while time.monotonic() < end and not self.written().items() - self.written_before.items():
            time.sleep(0.0005)

    def measure(self):
        """How long each takes at best when nobody disturbs it; from its journal on, where it begins with one."""
        for what in [*self.took] * 2:
            wait = self.begin(what)
            if what in JOURNAL_FIRST:
                self.journalled(PATIENCE)
            at = time.monotonic()
            wait()
            self.took[what] = min(self.took[what], time.monotonic() - at)
            self.find_helper()
            self.signal(self.agent.pid, signal.SIGTERM)
            self.ended()

    def stop(self):
        pids = [p for p in (self.find_helper(), self.agent.pid) if p]
        for pid in pids:
            self.signal(pid, signal.SIGSTOP)
        return pids, half_way(self.state, There(self.resolver))

    def kill(self, whom, looks, step):
        """Stops it, and lets it go on a little while no plan is half way, as often as looks says. Returns whether one was."""
        pids, half = self.stop()
        while not half and looks > 1:
            for pid in pids:
                self.signal(pid, signal.SIGCONT)
            time.sleep(random.random() * step)  # the seed is for what every round does
            pids, half = self.stop()
            looks -= 1
        doomed = {"network": [self.agent.pid], "helper": pids[:1], "both": pids}[whom]
        for pid in doomed:
            self.signal(pid, signal.SIGKILL)
        for pid in pids:
            self.signal(pid, signal.SIGCONT)
        return half

    # --- judging

    def remember(self):
        self.resolver = resolver()
        self.before, self.sysctls = machine(), sysctls()
        time.sleep(0.2)
        again = sysctls()
        self.sysctls = {k: v for k, v in self.sysctls.items() if again.get(k) == v}

    def wrong(self, but=(), holds=False):
        """holds: a killswitch stands, until its network is taken up again or is cleaned up."""
        wrong = [x for x in differences(self.before, machine()) if not (holds and x.startswith("nft: left: "))]
        for path, was in self.sysctls.items():
            if path in but:
                continue
            try:
                with open(path) as f:
                    value = f.read()
            except OSError:
                value = "(gone)"
            if value != was:
                wrong.append(f"{path}: {value.strip()}, was {was.strip()}")
        for folder, _, files in os.walk(self.state):
            wrong += [f"left: {folder}/{x}" for x in files if x != ".lock"]
        return wrong

    def as_before(self, but=(), holds=False):
        end = time.monotonic() + 5  # the kernel takes IPv6 routes away a moment after their link
        while (wrong := self.wrong(but, holds)) and time.monotonic() < end:
            time.sleep(0.05)
        return wrong

    def cleanup(self):
        done = subprocess.run([self.adit, "cleanup", "--state-dir", self.state], stdout=subprocess.PIPE,
                              stderr=subprocess.STDOUT, text=True)
        return done.stdout + (f"status {done.returncode}\n" if done.returncode else "")

    def by_cleanup(self):
        said = self.cleanup()
        wrong = self.as_before()
        wrong = wrong and [*wrong, "clean-up said: " + said]
        again = self.cleanup()
        if again != "nothing to clean up\n":
            wrong.append("a second clean-up: " + again)
        return wrong + self.as_before()

    def by_next_start(self, wipe_state):
        """What sysctls were stands in the journal alone: without it they are put back by hand."""
        steps = [w for plan in journals(self.state).values() for w in plan]
        lost = {f"/proc/sys/{w[2]}" for w in steps if w[0] == "sysctl"} if wipe_state else set()
        guarded = any(w[0] == "guard" for w in steps)
        shutil.rmtree(self.run_dir)
        if wipe_state:
            shutil.rmtree(self.state, ignore_errors=True)
        self.write_config("false")
        self.start()
        self.settled()
        wrong = [x for x in self.as_before(lost, holds=guarded) if not x.startswith("left: " + self.state)]
        if wrong:
            wrong.insert(0, "the next start leaves")
        self.write_config("true")
        self.ask("reload")
        self.settled()
        self.find_helper()
        self.signal(self.agent.pid, signal.SIGTERM)
        if not self.ended() or self.agent.returncode:
            wrong.append(f"the next one does not end well: {self.agent.returncode}")
        wrong += self.as_before(lost)
        for path in lost & self.sysctls.keys():
            with open(path, "w") as f:
                f.write(self.sysctls[path])
        return wrong + self.as_before()

    def round(self, number, count):
        rnd = self.random
        what = rnd.choice(sorted(self.took))
        whom = rnd.choice(["network", "helper", "both", "both"])
        how = ("clean-up", "clean-up", "the next start", "the next start without its state")[number % 4]
        self.gateway = not how.endswith("state")
        looks = rnd.choice([1, 12, 12])  # most aim at a plan half way: on a busy machine chance alone hits few
        step = min(0.2 * self.took[what], 0.04)
        delay = rnd.random() * (step if looks > 1 else 0.85 * self.took[what])  # the last of it is no change of the machine
        self.begin(what)
        if what in JOURNAL_FIRST and rnd.random() < 0.9:
            self.journalled(5 * self.took[what])
        time.sleep(delay)
        half = self.kill(whom, looks, step)
        count["half"] += half
        count["killed_" + whom] += 1
        wrong = [] if self.ended() else ["one of the two lives on"]
        if how == "clean-up":
            wrong += self.by_cleanup()
        else:
            count["next_start"] += 1
            count["wiped"] += how.endswith("state")
            wrong += self.by_next_start(how.endswith("state"))
        if wrong:
            count["bad"] += 1
            print(f"# round {number}: {what}, {whom} killed{' half way' if half else ''}, {how}:")
            for line in wrong[:12]:
                print("#  ", line)
            self.cleanup()
            for path, was in self.sysctls.items():  # so that the next round starts from what was
                try:
                    if open(path).read() != was:
                        open(path, "w").write(was)
                except OSError:
                    pass


def main(adit, folder, far, endpoint, one, two, rounds, seed=None):
    seed = int(seed or random.randrange(1 << 32))
    print(f"# seed {seed}", flush=True)
    lab = Lab(adit, folder, far, endpoint, one, two, seed)
    lab.write_config("true")  # a first life: folders are made
    lab.start()
    lab.settled()
    lab.find_helper()
    lab.signal(lab.agent.pid, signal.SIGTERM)
    lab.ended()
    lab.remember()
    lab.measure()
    print("# undisturbed: " + ", ".join(f"{k} {v * 1000:.0f} ms" for k, v in lab.took.items()), flush=True)
    wrong = lab.as_before()
    for line in wrong:
        print("# undisturbed:", line)
    count = dict.fromkeys(("half", "killed_network", "killed_helper", "killed_both", "next_start", "wiped"), 0)
    count["bad"] = bool(wrong)
    for number in range(int(rounds)):
        lab.round(number, count)
        sys.stdout.flush()
    print(f"rounds={rounds} " + " ".join(f"{k}={int(v)}" for k, v in count.items()))


if __name__ == "__main__":
    main(*sys.argv[1:])
