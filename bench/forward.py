#!/usr/bin/env python3
# SPDX-License-Identifier: ISC
"""Compares programs that forward ports into a WireGuard network, through the same far end.

    ADIT=/path/to/adit bench/forward.py --only adit,onetun --tests up1,down1,http --far wireguard-go --rounds 3

    [A: client -> 127.0.0.1 -> forwarder] ---- veth ---- [B: far end (a device on a TUN), iperf3, nginx]
                                            (badlink in B for the tests `cell`)

`device` is adit device in place of a forwarder: what the tunnel alone can do. `kernel` is adit forward --backend kernel,
Linux's TCP. Rounds are interleaved and ratios are taken inside one round. Needs root; ab and nginx for http. Writes
bench/out/forward.json and forward.txt. Exit 1 when a sample of adit failed.
"""
import argparse
import json
import os
import selectors
import socket
import statistics
import subprocess
import sys
import tempfile
import time

sys.path.insert(0, os.path.dirname(os.path.abspath(__file__)))
from lab import INNER, OUTER, Lab, LabError, cpu_seconds, memory_kb, sh, wait_for
from programs import PEERS, PORT, TOP, Device, adit_binary, locked, programs

LINK_PORT, LOCAL, SOCKS, HTTP, SINK = PORT + 1, 5301, 5380, 5390, 5399
RTTS, LOSSES, REORDERS = (1, 20, 100, 300), (0, 0.1, 1, 3), (0, 1)
# wireproxy's own modules are not served by the module proxy: what was measured of it elsewhere, Gbit/s and MB
WIREPROXY = "cannot be built from the module proxy; known figures: 0.4-0.5 Gbit/s up, 1.8-2.0 down, 0.5 with ten streams, 228 MB"
PAGE = 1024


class Forwarder:
    """One program in A, its ports open."""

    def __init__(self, lab, name, keys, endpoint, folder):
        self.lab, self.name, self.folder = lab, name, folder
        self.host = INNER["B"] if name == "device" else "127.0.0.1"
        self.device = None
        if name == "device":
            self.device = Device(lab, programs()["adit"], "A")
            conf = (f"[Interface]\nPrivateKey = {keys['A'][0]}\n[Peer]\nPublicKey = {keys['B'][1]}\n"
                    f"Endpoint = {endpoint}\nAllowedIPs = {INNER['B']}/32\n")
            sh("wg", "setconf", self.device.iface, "/dev/stdin", stdin=conf)
            self.device.address()
            self.pid = self.device.pid
            return
        self.process = lab.start("A", self._argv(keys, endpoint), env={"ADIT_KERNEL_CC": "cubic"})
        self.pid = self.process.pid
        wait_for(f"{name}: its port", 10, lambda: lab.listening(self.process, LOCAL), self.process)

    def _argv(self, keys, endpoint):
        ports = [f"127.0.0.1:{p}:{INNER['B']}:{p}" for p in (LOCAL, HTTP, SINK)]
        if self.name == "onetun":
            ports[0] += ":TCP,UDP"
            return [os.path.join(PEERS, locked("onetun")[2]), *ports, "--endpoint-addr", endpoint, "--endpoint-public-key",
                    keys["B"][1], "--private-key", keys["A"][0], "--source-peer-ip", INNER["A"], "--log", "error"]
        conf = os.path.join(self.folder, "x.conf")
        with open(os.open(conf, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600), "w") as f:
            f.write(f"[Interface]\nPrivateKey = {keys['A'][0]}\nAddress = {INNER['A']}/32\nMTU = 1420\n[Peer]\n"
                    f"PublicKey = {keys['B'][1]}\nEndpoint = {endpoint}\nAllowedIPs = {INNER['B']}/32\n")
        argv = [adit_binary(), "forward", "-c", conf, "--log", "error"]
        if self.name == "kernel":
            return [*argv, "--backend", "kernel", *ports]
        return [*argv, "--socks5", f"127.0.0.1:{SOCKS}", ports[0] + ":TCP,UDP", *ports[1:]]

    def stop(self):
        if self.device:
            self.device.stop()
        else:
            self.lab.stop(self.process)


class Far:
    """The far end in B: a device, and what it serves. With `cell` a bad link stands before it."""

    def __init__(self, lab, kind, keys, folder, link=None):
        self.lab, self.others = lab, []
        self.device = Device(lab, programs()[kind], "B")
        conf = (f"[Interface]\nPrivateKey = {keys['B'][0]}\nListenPort = {PORT}\n[Peer]\nPublicKey = {keys['A'][1]}\n"
                f"AllowedIPs = {INNER['A']}/32\n")
        sh("wg", "setconf", self.device.iface, "/dev/stdin", stdin=conf)
        self.device.address()
        self.endpoint = f"{OUTER['B']}:{PORT}"
        self.link = None
        if link:
            self.link = lab.start("B", [badlink(folder), f"{OUTER['B']}:{LINK_PORT}", self.endpoint, *link])
            self.endpoint = f"{OUTER['B']}:{LINK_PORT}"
        self._start(LOCAL, ["iperf3", "-s", "-p", str(LOCAL)])
        self._start(SINK, [sys.executable, os.path.abspath(__file__), "--sink"])
        site = os.path.join(folder, "page")
        with open(site, "w") as f:
            f.write("x" * PAGE)
        with open(os.path.join(folder, "nginx.conf"), "w") as f:
            f.write(f"daemon off; worker_processes 1; pid {folder}/nginx.pid; error_log stderr; user root;\n"
                    f"events {{ worker_connections 4096; }}\nhttp {{ access_log off; server {{ listen {HTTP} backlog=4096; "
                    f"root {folder}; }} }}\n")
        self._start(HTTP, ["nginx", "-c", os.path.join(folder, "nginx.conf"), "-p", folder])

    def _start(self, port, argv):
        try:
            p = self.lab.start("B", argv)
            self.others.append(p)
            wait_for(argv[0], 5, lambda: self.lab.listening(p, port), p)
        except (LabError, FileNotFoundError):
            pass  # the test that needs it says so

    def stop(self):
        for p in self.others + ([self.link] if self.link else []):
            self.lab.stop(p)
        self.device.stop()


def badlink(folder):
    built = os.path.join(os.path.dirname(adit_binary() or ""), "../../tests/netns/badlink")
    if os.access(built, os.X_OK):
        return built
    out = os.path.join(folder, "badlink")
    if not os.path.exists(out):
        sh("cc", "-O2", "-D_GNU_SOURCE", "-o", out, os.path.join(TOP, "tests/netns/badlink.c"))
    return out


def sink():
    """Accepts connections and keeps them; the end of what one sends is answered by a byte."""
    listener, sel = socket.create_server(("", SINK), backlog=4096), selectors.DefaultSelector()
    sel.register(listener, selectors.EVENT_READ)
    while True:
        for key, _ in sel.select():
            if key.fileobj is listener:
                sel.register(listener.accept()[0], selectors.EVENT_READ)
            elif not key.fileobj.recv(1 << 20):
                sel.unregister(key.fileobj)
                key.fileobj.sendall(b".")
                key.fileobj.close()


def first_megabyte(host):
    """Seconds from connecting until the far end has said that it has it all."""
    began = time.monotonic()
    s = socket.create_connection((host, SINK), 60)
    s.sendall(bytes(1000000))
    s.shutdown(socket.SHUT_WR)
    return time.monotonic() - began if s.recv(1) == b"." else 0


# --- tests ----------------------------------------------------------------------------


def iperf(far, fwd, seconds, *options):
    out = far.lab.run("A", ["iperf3", "-J", "-c", fwd.host, "-p", str(LOCAL), "-t", str(seconds), *options], seconds + 40)
    r = json.loads(out)
    if "error" in r:
        raise LabError("iperf3: " + r["error"])
    return r["end"]


def tcp(far, fwd, seconds, streams, *options):
    cpu, began = cpu_seconds(fwd.pid), time.monotonic()
    end = iperf(far, fwd, seconds, "-C", "cubic", "-P", str(streams), *options)
    bits = end["sum_received"]["bits_per_second"] + end.get("sum_received_bidir_reverse", {}).get("bits_per_second", 0)
    if not bits:
        raise LabError("nothing came through")
    return {"gbps": bits / 1e9, "cores": (cpu_seconds(fwd.pid) - cpu) / (time.monotonic() - began)}


def udp(far, fwd, seconds):
    end = iperf(far, fwd, seconds, "-u", "-b", "1G", "-l", "1340")["sum"]
    return {"gbps": end["bits_per_second"] * (1 - end["lost_percent"] / 100) / 1e9, "loss_percent": end["lost_percent"]}


def http(far, fwd, seconds):
    out = far.lab.run("A", ["ab", "-q", "-r", "-t", str(seconds), "-n", "1000000", "-c", "64",
                            f"http://{fwd.host}:{HTTP}/page"], seconds + 40)
    value = {}
    for line in out.splitlines():
        words = line.split()
        if line.startswith("Requests per second"):
            value["rps"] = float(words[3])
        elif line.startswith("Failed requests"):
            value["failed"] = int(words[2])
        elif words[:1] in (["50%"], ["99%"]):
            value["p" + words[0][:2] + "_ms"] = int(words[1])
    if value.get("failed"):
        raise LabError(f"{value['failed']} requests failed")
    return value


def socks(far, fwd, seconds):
    """The time of a page by SOCKS5, a connection each."""
    del seconds  # 200 pages
    if fwd.name != "adit":
        raise LabError("has no SOCKS5")
    out = far.lab.run("A", ["curl", "-sS", "-o", "/dev/null", "-w", "%{http_code} %{time_total}\\n", "--socks5",
                            f"127.0.0.1:{SOCKS}", f"http://{INNER['B']}:{HTTP}/page#[1-200]"], 30)
    lines = [x.split() for x in out.splitlines()]
    if not lines or any(x[0] != "200" for x in lines):
        raise LabError("a page did not come")
    return {"ms": statistics.median(float(x[1]) for x in lines) * 1e3}


def idle(far, fwd, seconds):
    """Memory of idle connections, and CPU with nothing to do."""
    before, n = memory_kb(fwd.pid, "VmRSS"), 1000
    holder = far.lab.start("A", [sys.executable, "-c",
                                 f"import resource, socket, time; resource.setrlimit(resource.RLIMIT_NOFILE, (4096, 4096))\n"
                                 f"k = [socket.create_connection(('{fwd.host}', {SINK})) for _ in range({n})]\n"
                                 "print('up', flush=True); time.sleep(100)"], stdout=subprocess.PIPE)
    try:
        if holder.stdout.readline() != b"up\n":
            raise LabError("1000 connections did not come about")
        time.sleep(1)
        grown = memory_kb(fwd.pid, "VmRSS") - before
        cpu = cpu_seconds(fwd.pid)
        time.sleep(seconds)
        return {"kb_per_flow": grown / n, "cpu_percent": 100 * (cpu_seconds(fwd.pid) - cpu) / seconds}
    finally:
        far.lab.stop(holder)


TESTS = {f"{d}{n}": (lambda far, fwd, s, n=n, o=o: tcp(far, fwd, s, n, *o))
         for d, o in (("up", ()), ("down", ("-R",)), ("both", ("--bidir",))) for n in (1, 10, 128)}
TESTS.update(udp=udp, http=http, socks=socks, idle=idle)
UNITS = {"udp": ("gbps", "Gbit/s"), "http": ("rps", "/s"), "socks": ("ms", "ms"), "idle": ("kb_per_flow", "kB/flow")}


def unit(test):
    return UNITS.get(test, ("mbps", "Mbit/s") if test.startswith("cell") else ("gbps", "Gbit/s"))


def sample(lab, o, keys, name, far_kind, test):
    cell = test.startswith("cell")
    link = None
    if cell:
        rtt, loss, reorder = test.split(":")[1:]
        link = ["--delay", str(float(rtt) / 2), "--loss", loss, "--reorder", reorder, "--rate", str(o.rate), "--seed", str(o.seed)]
    with tempfile.TemporaryDirectory(prefix="adit-bench-") as folder:
        os.chmod(folder, 0o755)
        far = Far(lab, far_kind, keys, folder, link)
        try:
            fwd = Forwarder(lab, name, keys, far.endpoint, folder)
            try:
                if cell:
                    first = float(lab.run("A", [sys.executable, os.path.abspath(__file__), "--first", fwd.host], 70))
                    if not first:
                        raise LabError("the first megabyte did not arrive")
                    end = iperf(far, fwd, o.cell_seconds, "-C", "cubic")
                    value = {"mbps": end["sum_received"]["bits_per_second"] / 1e6, "first_megabyte_s": first}
                else:
                    value = TESTS[test](far, fwd, o.seconds)
                value["peak_mb"] = memory_kb(fwd.pid) / 1024
                return value
            finally:
                fwd.stop()
        finally:
            far.stop()


# --- report ---------------------------------------------------------------------------


def table(result):
    lines = [f"{result['machine']}, {result['rounds']} rounds of {result['seconds']} s; medians, and adit's share of each in the same round", ""]
    for far, tests in result["samples"].items():
        lines.append(f"far end: {far}")
        for test, programs_ in tests.items():
            metric, text = unit(test)
            words = []
            for name, values in programs_.items():
                good = [v[metric] for v in values if metric in v]
                if not good:
                    words.append(f"{name} -")
                    continue
                word = f"{name} {statistics.median(good):.3g} {text}"
                peaks = [v["peak_mb"] for v in values if "peak_mb" in v]
                if peaks:
                    word += f" {max(peaks):.0f} MB"
                mine = programs_.get("adit", [])
                shares = [a[metric] / b[metric] for a, b in zip(mine, values) if metric in a and b.get(metric)]
                if name != "adit" and shares:
                    word += f" (x{statistics.median(shares):.2f})"
                words.append(word)
            lines.append(f"  {test:16} " + "; ".join(words))
    lines += [f"not measured: {n}: {why}" for n, why in result["skipped"].items()]
    return "\n".join(lines) + "\n"


def options():
    cells = [f"cell:{r}:{loss}:{re}" for r in RTTS for loss in LOSSES for re in REORDERS]
    p = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    p.add_argument("--sink", action="store_true", help=argparse.SUPPRESS)
    p.add_argument("--first", metavar="HOST", help=argparse.SUPPRESS)
    p.add_argument("--only", default="adit,onetun,kernel,device", help="of adit, onetun, kernel, device")
    p.add_argument("--far", default="wireguard-go,adit", help="far ends")
    p.add_argument("--tests", help=",".join(TESTS) + ",cells, or one cell as cell:RTT_MS:LOSS_PERCENT:REORDER_PERCENT")
    p.add_argument("--rounds", type=int)
    p.add_argument("--seconds", type=int)
    p.add_argument("--cell-seconds", type=int, help="default 8; 4 with --quick")
    p.add_argument("--rate", type=float, default=50, help="Mbit/s of the bad link")
    p.add_argument("--seed", type=int, default=1)
    p.add_argument("--quick", action="store_true", help="everything once and short, two cells")
    p.add_argument("--out", default=os.path.join(TOP, "bench/out"))
    o = p.parse_args()
    o.rounds = o.rounds or (1 if o.quick else 5)
    o.seconds = o.seconds or (1 if o.quick else 4)
    o.cell_seconds = o.cell_seconds or (4 if o.quick else 8)
    some = ["cell:20:1:0", "cell:100:1:0"]
    # onetun does not carry ten streams, and its time limits alone would take minutes
    quick = "up1,up10,down1,http,socks,cells"
    if o.quick and o.only == p.get_default("only"):
        o.only = "adit,kernel,device"
    o.tests = (o.tests or (quick if o.quick else ",".join([*TESTS, "cells"]))).split(",")
    o.tests = [t for x in o.tests for t in ((some if o.quick else cells) if x == "cells" else [x])]
    o.only, o.far = o.only.split(","), o.far.split(",")
    for t in o.tests:
        if t not in TESTS and len(t.split(":")) != 4:
            p.error(f"unknown test: {t}")
    return o


def missing(name):
    binary = os.path.join(PEERS, locked("onetun")[2]) if name == "onetun" else adit_binary()
    return None if binary and os.access(binary, os.X_OK) else f"not built: {binary} (make, scripts/peers.sh)"


def pairs(o, result):
    """(far end, test, programs): a cell is Linux's TCP against ours, with our own far end."""
    for far in o.far:
        if programs()[far].missing():
            result["skipped"]["far end " + far] = programs()[far].missing()
            continue
        for test in o.tests:
            names = [n for n in o.only if n not in result["skipped"]]
            if test.startswith("cell"):
                if far != "adit":
                    continue
                names = [n for n in names if n in ("adit", "kernel")]
            elif o.quick and far == "adit" and test != "up1":
                continue
            elif test == "udp":
                names = [n for n in names if n not in ("kernel", "device")]
            elif test == "socks":
                names = [n for n in names if n == "adit"]
            yield far, test, names


def main():
    o = options()
    if o.sink:
        sink()
    if o.first:
        print(first_megabyte(o.first))
        return
    if os.geteuid():
        sys.exit("bench: it makes network namespaces; run it as root")
    result = {"began": time.strftime("%Y-%m-%dT%H:%M:%SZ", time.gmtime()), "command": " ".join(sys.argv), "rounds": o.rounds,
              "seconds": o.seconds, "machine": f"{os.uname().release}, {len(os.sched_getaffinity(0))} CPUs",
              "skipped": {"wireproxy": WIREPROXY}, "samples": {}}
    result["skipped"].update({n: missing(n) for n in o.only if missing(n)})
    with Lab() as lab:
        keys = {}
        for end in INNER:
            private = sh("wg", "genkey").strip()
            keys[end] = (private, sh("wg", "pubkey", stdin=private).strip())
        for number in range(o.rounds):
            for far, test, names in pairs(o, result):
                line = []
                for name in names[number % max(1, len(names)):] + names[:number % max(1, len(names))]:
                    try:
                        value = sample(lab, o, keys, name, far, test)
                        line.append(f"{name} {value.get(unit(test)[0], 0):.3g}")
                    except (LabError, FileNotFoundError, ValueError) as e:
                        value = {"error": str(e)}
                        line.append(f"{name} failed: {str(e)[:120]}")
                    result["samples"].setdefault(far, {}).setdefault(test, {}).setdefault(name, []).append(value)
                print(f"round {number + 1}/{o.rounds} {far} {test}: {'; '.join(line)} {unit(test)[1]}", flush=True)
    os.makedirs(o.out, exist_ok=True)
    with open(os.path.join(o.out, "forward.json"), "w") as f:
        json.dump(result, f, indent=1)
    with open(os.path.join(o.out, "forward.txt"), "w") as f:
        f.write(table(result))
    print(table(result), end="")
    bad = [v for t in result["samples"].values() for p in t.values() for v in p.get("adit", []) if "error" in v]
    sys.exit(1 if bad else 0)


if __name__ == "__main__":
    try:
        main()
    except LabError as e:
        sys.exit(f"bench: {e}")
    except KeyboardInterrupt:
        sys.exit(130)
