#!/usr/bin/env python3
# SPDX-License-Identifier: ISC
"""Runs user-space WireGuard programs in turn, in the same namespaces, and compares them.

    ADIT=/path/to/adit bench/run.py --only adit,wireguard-go --tests tcp1,udp64 --rounds 3

Needs root, iperf3, ping, wg and ip. Rounds are interleaved (every program once, then every program again), and a ratio is
taken inside one round, because machines drift. Writes bench/out/: result.json (every raw value), table.txt, *.svg.
"""
import argparse
import json
import os
import sys
import time

sys.path.insert(0, os.path.dirname(os.path.abspath(__file__)))
import measure
import report
import scale
from handshakes import handshakes
from lab import Lab, LabError
from programs import TOP, Tunnel, adit_binary, programs

TCP_TESTS = {f"tcp{n}{r}": (lambda t, s, n=n, r=r: measure.tcp(t, s, n, r == "r")) for n in (1, 4, 32) for r in ("", "r")}
UDP_TESTS = {f"udp{n}": (lambda t, s, n=n: measure.udp(t, s, n)) for n in (64, 512, 1340)}
TUNNEL_TESTS = {**TCP_TESTS, **UDP_TESTS, "rtt": measure.rtt, "rttload": measure.rtt_load}
TESTS = [*TUNNEL_TESTS, "handshakes", "peers"]


def options():
    p = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    p.add_argument("--only", help="programs: " + ",".join(programs()))
    p.add_argument("--tests", help="tests: " + ",".join(TESTS))
    p.add_argument("--rounds", type=int, help="default 5; 1 with --quick")
    p.add_argument("--seconds", type=float, help="of each measurement; default 4; 1 with --quick")
    p.add_argument("--quick", action="store_true", help="everything once and short, under 3 minutes")
    p.add_argument("--peers", help="sizes of the peers test; default 1000,100000,1000000")
    p.add_argument("--out", default=os.path.join(TOP, "bench/out"))
    o = p.parse_args()
    o.rounds = o.rounds or (1 if o.quick else 5)
    o.seconds = o.seconds or (1 if o.quick else 4)
    o.sizes = [int(x) for x in (o.peers or ("1000" if o.quick else "1000,100000,1000000")).split(",")]
    known = programs()
    o.only = chosen(p, o.only, list(known))
    o.tests = chosen(p, o.tests, TESTS)
    if os.geteuid():
        p.exit(1, "bench: it makes network namespaces; run it as root\n")
    return o


def chosen(parser, text, known):
    names = text.split(",") if text else known
    for name in names:
        if name not in known:
            parser.error(f"unknown: {name} (known: {','.join(known)})")
    return [x for x in known if x in names]


def sample(lab, program, test, seconds):
    if test == "handshakes":
        return handshakes(lab, program, seconds)
    with Tunnel(lab, program) as tunnel:
        value = TUNNEL_TESTS[test](tunnel, max(1, round(seconds)))
        value.update(measure.memory(tunnel))
        return value


def run_rounds(lab, o, todo, result):
    for number in range(o.rounds):
        order = todo[number % len(todo):] + todo[:number % len(todo)]
        for test in o.tests:
            if test == "peers":
                continue
            line = []
            for program in order:
                if not program.does(test, o.quick):
                    continue
                try:
                    value = sample(lab, program, test, o.seconds)
                    line.append(f"{program.name} {report.headline(test, value)}")
                except LabError as e:
                    value = {"error": str(e)}
                    line.append(f"{program.name} failed: {e}")
                result["samples"].setdefault(test, {}).setdefault(program.name, []).append(value)
            print(f"round {number + 1}/{o.rounds} {test}: {'; '.join(line)}", flush=True)


def machine():
    with open("/proc/cpuinfo") as f:
        cpu = next((x.split(":", 1)[1].strip() for x in f if x.startswith("model name")), os.uname().machine)
    with open("/proc/meminfo") as f:
        memory = int(f.readline().split()[1]) // 1024
    return {"cpu": cpu, "cpus": len(os.sched_getaffinity(0)), "memory_mb": memory, "kernel": os.uname().release,
            "system": " ".join(os.uname()[:1] + os.uname()[3:])}


def main():
    o = options()
    todo = []
    result = {"began": time.strftime("%Y-%m-%dT%H:%M:%SZ", time.gmtime()), "command": " ".join(sys.argv),
              "rounds": o.rounds, "seconds": o.seconds, "machine": machine(), "programs": {}, "skipped": {},
              "samples": {}, "peers": {}}
    for name in o.only:
        program = programs()[name]
        reason = program.missing()
        if reason:
            result["skipped"][name] = reason
            print(f"skip {name}: {reason}", flush=True)
            continue
        todo.append(program)
        result["programs"][name] = {"version": program.version(), "path": program.binary,
                                    "stripped_bytes": program.size()}
    if not todo:
        sys.exit("bench: no program to measure")
    with Lab() as lab:
        run_rounds(lab, o, todo, result)
        if "peers" in o.tests:
            scale.run(lab, [p for p in todo if p.does("peers", o.quick)], o.sizes, o.quick, result)
    result["ended"] = time.strftime("%Y-%m-%dT%H:%M:%SZ", time.gmtime())
    os.makedirs(o.out, exist_ok=True)
    report.write(result, o.out)
    failed = [x for t in result["samples"].values() for p in t.values() for x in p if "error" in x]
    if failed and adit_binary():
        print(f"{len(failed)} samples failed", flush=True)
    ours = [x for t in result["samples"].values() for p in ("adit", "static", "static-v1") for x in t.get(p, [])]
    sys.exit(1 if any("error" in x for x in ours) else 0)


if __name__ == "__main__":
    try:
        main()
    except LabError as e:
        sys.exit(f"bench: {e}")
    except KeyboardInterrupt:
        sys.exit(130)
