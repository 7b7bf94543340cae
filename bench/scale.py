# SPDX-License-Identifier: ISC
"""Many peers on one idle device: load time, memory, listing time, idle CPU."""
import os
import signal
import time

from lab import INNER, LabError, cpu_seconds, memory_kb
from programs import Device, uapi

# What a program cannot do, by its own source.
LIMITS = {"wireguard-go": (65536, "it holds at most 65,536 peers")}


def peers_text(count):
    keys = os.urandom(32 * count).hex()
    block = "public_key={}\nallowed_ip=10.{}.{}.{}/32\n"
    yield f"set=1\nprivate_key={os.urandom(32).hex()}\nreplace_peers=true\n".encode()
    for first in range(0, count, 10000):
        yield "".join(block.format(keys[64 * i:64 * i + 64], 100 + (i >> 16), i >> 8 & 255, i & 255)
                      for i in range(first, min(count, first + 10000))).encode()
    yield b"\n"


def measure(lab, program, count, idle_seconds):
    device = Device(lab, program, "A")
    try:
        before = memory_kb(device.pid, "VmRSS")
        text = b"".join(peers_text(count))
        began = time.monotonic()
        uapi(device.iface, text)
        load = time.monotonic() - began
        del text
        lab_ns = lab.ns["A"]
        os.system(f"ip -n {lab_ns} addr add {INNER['A']}/8 dev {device.iface}; ip -n {lab_ns} link set {device.iface} up")
        began = time.monotonic()
        listed = uapi(device.iface, b"get=1\n\n").count(b"\npublic_key=")
        listing = time.monotonic() - began
        time.sleep(0.5)
        cpu = cpu_seconds(device.pid)
        time.sleep(idle_seconds)
        after = memory_kb(device.pid, "VmRSS")
        return {"load_s": load, "list_s": listing, "listed": listed, "rss_mb": after / 1024,
                "bytes_per_peer": (after - before) * 1024 / count, "peak_mb": memory_kb(device.pid) / 1024,
                "idle_cpu_percent": (cpu_seconds(device.pid) - cpu) / idle_seconds * 100}
    finally:
        device.stop()


def hopeless(program, count, result):
    """Why it is not even tried: its own limit, or this machine's memory by what a smaller count cost."""
    most, reason = LIMITS.get(program.name, (count, None))
    if count > most:
        return reason
    costs = [r[program.name].get("bytes_per_peer", 0) for r in result["peers"].values() if program.name in r]
    need = max(costs, default=0) * count
    if need > available_memory() * 0.6:
        return f"{max(costs):.0f} bytes a peer would need {need / 1e9:.0f} GB"
    return None


def available_memory():
    with open("/proc/meminfo") as f:
        return next(int(x.split()[1]) for x in f if x.startswith("MemAvailable")) * 1024


def run(lab, todo, sizes, quick, result):
    for count in sizes:
        row = result["peers"].setdefault(str(count), {})
        for program in todo:
            if program.name == "veth":
                continue
            reason = hopeless(program, count, result)
            if reason:
                row[program.name] = {"skipped": reason}
                print(f"peers {count}: {program.name} skipped: {reason}", flush=True)
                continue
            signal.signal(signal.SIGALRM, _too_long)
            signal.alarm(60 if quick else 300)
            try:
                row[program.name] = measure(lab, program, count, 1 if quick else 5)
            except (LabError, OSError) as e:
                row[program.name] = {"error": str(e) or type(e).__name__}
            finally:
                signal.alarm(0)
            print(f"peers {count}: {program.name} {brief(row[program.name])}", flush=True)


def _too_long(*_):
    raise LabError("not done in time; stopped")


def brief(r):
    if "error" in r or "skipped" in r:
        return r.get("error") or r["skipped"]
    return (f"load {r['load_s']:.2f} s, list {r['list_s']:.2f} s ({r['listed']}), {r['rss_mb']:.1f} MB, "
            f"{r['bytes_per_peer']:.0f} B/peer, idle {r['idle_cpu_percent']:.1f} % CPU")
