# SPDX-License-Identifier: ISC
"""One function a kind of measurement; each returns {metric: value} of one sample."""
import json
import re
import subprocess
import time

from lab import LabError, cpu_seconds, memory_kb, wait_for

IPERF_PORT = 5201


def percentile(sorted_values, p):
    return sorted_values[min(len(sorted_values) - 1, int(len(sorted_values) * p / 100))]


def iperf(tunnel, seconds, *options):
    """One iperf3 run from A to B; returns its JSON."""
    lab = tunnel.lab
    server = lab.start("B", ["iperf3", "-s", "-1", "-p", str(IPERF_PORT)])
    try:
        wait_for("iperf3 server", 5, lambda: lab.listening(server, IPERF_PORT), server)
        out = lab.run("A", ["iperf3", "-J", "-c", tunnel.address["B"], "-p", str(IPERF_PORT), "-t", str(seconds),
                            *options], seconds + 30)
        result = json.loads(out)
        if "error" in result:
            raise LabError("iperf3: " + result["error"])
        return result
    finally:
        lab.stop(server)


def tcp(tunnel, seconds, streams, reverse=False):
    cpu = [cpu_seconds(p) for p in tunnel.pids()]
    began = time.monotonic()
    r = iperf(tunnel, seconds, "-C", "cubic", "-P", str(streams), *(["-R"] if reverse else []))
    wall = time.monotonic() - began
    got = r["end"]["sum_received"]
    sample = {"gbps": got["bits_per_second"] / 1e9, "retransmits": r["end"]["sum_sent"].get("retransmits", 0)}
    if cpu:
        used = sum(cpu_seconds(p) for p in tunnel.pids()) - sum(cpu)
        sample["cpu_s_per_gb"] = used / (got["bytes"] / 1e9)
        sample["cores"] = used / wall
    return sample


def udp(tunnel, seconds, size):
    """A flood of single datagrams (iperf3 sends them without GSO).

    iperf3's own receive buffer loses part of each burst, so what came out of the tunnel is counted at the interface.
    One super-packet counts as one packet there, but its bytes are all counted and its headers (28) once, hence the
    division. (It agrees with what the kernel says: datagrams iperf3 read and RcvbufErrors.)
    """
    before = tunnel.counters("B")
    r = iperf(tunnel, seconds, "-u", "-b", "0", "-l", str(size))
    after = tunnel.counters("B")
    header = 28 if tunnel.ends else 42
    packets, size_sum = after[0] - before[0], after[1] - before[1]
    out = max(0, size_sum - header * packets) / size
    end = r["end"]["sum"]
    sent = end["packets"]
    return {
        "kpps": out / end["seconds"] / 1e3,
        "gbps": out * size * 8 / end["seconds"] / 1e9,
        "offered_kpps": sent / end["seconds"] / 1e3,
        "loss_percent": 100 * max(0, sent - out) / sent if sent else 0,
        "iperf_kpps": max(0, sent - end["lost_packets"]) / end["seconds"] / 1e3,
        "iperf_loss_percent": end["lost_percent"],
        "out_of_order": r["end"]["streams"][0]["udp"].get("out_of_order", 0),
    }


def pings(tunnel, count, spacing="0.005"):
    out = tunnel.lab.run("A", ["ping", "-n", "-i", spacing, "-c", str(count), "-W", "1", tunnel.address["B"]],
                         count * float(spacing) * 4 + 20)
    times = sorted(float(x) * 1e3 for x in re.findall(r"time=([\d.]+) ms", out))
    if not times:
        raise LabError("no ping came back")
    sample = {f"p{p}_us": percentile(times, p) for p in (50, 90, 99)}
    sample.update(min_us=times[0], max_us=times[-1], lost=count - len(times))
    return sample


def rtt(tunnel, seconds):
    pings(tunnel, 20)  # caches and neighbours
    return pings(tunnel, max(100, int(seconds / 0.005)))


def rtt_load(tunnel, seconds):
    """Pings beside one TCP stream of full speed."""
    lab = tunnel.lab
    server = lab.start("B", ["iperf3", "-s", "-1", "-p", str(IPERF_PORT)])
    client = None
    try:
        wait_for("iperf3 server", 5, lambda: lab.listening(server, IPERF_PORT), server)
        client = lab.start("A", ["iperf3", "-c", tunnel.address["B"], "-p", str(IPERF_PORT), "-t",
                                 str(seconds * 3 + 2), "-C", "cubic"], stdout=subprocess.DEVNULL)
        time.sleep(0.3)
        return pings(tunnel, max(50, int(seconds / 0.01)), "0.01")
    finally:
        for p in (client, server):
            if p:
                lab.stop(p)


def memory(tunnel):
    """Peak and start memory of the two devices after a measurement."""
    if not tunnel.ends:
        return {}
    peaks = {end: memory_kb(d.pid) / 1024 for end, d in tunnel.ends.items()}
    return {
        "peak_mb": max(peaks.values()),
        "peak_mb_a": peaks["A"],
        "peak_mb_b": peaks["B"],
        "start_mb": max(d.start_kb for d in tunnel.ends.values()) / 1024,
        "start_ms": max(d.start_seconds for d in tunnel.ends.values()) * 1e3,
    }
