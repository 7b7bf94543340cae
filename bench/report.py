# SPDX-License-Identifier: ISC
"""The table, the targets and the files that a run leaves behind."""
import json
import os
import statistics

import svg

BASE = "wireguard-go"
# metric of each test: (key, unit, more is better)
HEAD = {
    **{f"tcp{n}{r}": ("gbps", "Gb/s", True) for n in (1, 4, 32) for r in ("", "r")},
    **{f"udp{n}": ("kpps", "kpps", True) for n in (64, 512, 1340)},
    "rtt": ("p50_us", "us", False),
    "rttload": ("p50_us", "us", False),
    "handshakes": ("per_second", "/s", True),
}
NAMES = {
    "tcp1": "TCP x1", "tcp1r": "TCP x1 reverse", "tcp4": "TCP x4", "tcp4r": "TCP x4 reverse", "tcp32": "TCP x32",
    "tcp32r": "TCP x32 reverse", "udp64": "UDP 64 B", "udp512": "UDP 512 B", "udp1340": "UDP 1340 B",
    "rtt": "round trip, idle, median", "rttload": "round trip, under load, median", "handshakes": "handshakes",
}
# (text, test, metric, against, must be, at least?, aim)
TARGETS = [
    ("TCP x1 against wireguard-go", "tcp1", "gbps", BASE, 2.2, True, 3),
    ("TCP x4 against wireguard-go", "tcp4", "gbps", BASE, 2.8, True, 4),
    ("UDP flood 1340 B against wireguard-go", "udp1340", "kpps", BASE, 3.5, True, 5),
    ("64 B packets/s against wireguard-go", "udp64", "kpps", BASE, 4.0, True, 6),
    ("idle round trip against wireguard-go", "rtt", "p50_us", BASE, 0.6, False, 0.4),
    ("idle round trip against boringtun", "rtt", "p50_us", "boringtun", 1.0, False, None),
]
# adit static against adit's own device: (text, program, test)
STATIC_TARGETS = [
    ("static v2 TCP x1 against adit device", "static", "tcp1"), ("static v2 TCP x4 against adit device", "static", "tcp4"),
    ("static v2 UDP 1340 B against adit device", "static", "udp1340"),
    ("static v1 TCP x1 against adit device", "static-v1", "tcp1"),
]
EXTRA = [
    ("TCP CPU s/GB", "tcp1", "cpu_s_per_gb"), ("UDP 64 B loss %", "udp64", "loss_percent"),
    ("UDP 512 B loss %", "udp512", "loss_percent"), ("UDP 1340 B loss %", "udp1340", "loss_percent"),
    ("UDP 1340 B Gb/s", "udp1340", "gbps"), ("UDP 64 B read by iperf3 kpps", "udp64", "iperf_kpps"),
    ("UDP 1340 B read by iperf3 kpps", "udp1340", "iperf_kpps"), ("UDP 1340 B out of order", "udp1340", "out_of_order"),
    ("idle round trip p90 us", "rtt", "p90_us"), ("idle round trip p99 us", "rtt", "p99_us"),
    ("loaded round trip p99 us", "rttload", "p99_us"), ("handshake CPU us", "handshakes", "cpu_us_each"),
    ("handshakes, of what X25519 allows", "handshakes", "of_x25519"),
]


def headline(test, value):
    key, unit, _ = HEAD[test]
    return f"{value[key]:.4g} {unit}"


def values(result, test, program, key):
    """One per round; None where the sample failed."""
    return [x.get(key) for x in result["samples"].get(test, {}).get(program, [])]


def summary(numbers):
    numbers = [x for x in numbers if x is not None]
    if not numbers:
        return None
    return {"median": statistics.median(numbers), "min": min(numbers), "max": max(numbers), "n": len(numbers)}


def ratios(result, test, program, key, against):
    """Of the same round only."""
    pairs = zip(values(result, test, program, key), values(result, test, against, key))
    return summary([a / b for a, b in pairs if a is not None and b])


def over_all(result, program, key, pick):
    found = [x[key] for t in result["samples"].values() for x in t.get(program, []) if key in x]
    return pick(found) if found else None


def table(headings, rows):
    rows = [headings] + rows
    widths = [max(len(r[i]) for r in rows) for i in range(len(headings))]
    lines = ["  ".join(c.ljust(w) if i == 0 else c.rjust(w) for i, (c, w) in enumerate(zip(r, widths))).rstrip()
             for r in rows]
    return "\n".join([lines[0], "  ".join("-" * w for w in widths)] + lines[1:]) + "\n"


def number(x):
    return "-" if x is None else f"{x:.0f}" if abs(x) >= 100 else f"{x:.3g}"


def spread(s):
    return "-" if not s else f"{number(s['median'])} ({number(s['min'])}-{number(s['max'])})"


def main_table(result):
    names = list(result["programs"])
    rows = []
    for test in result["samples"]:
        key, unit, _ = HEAD[test]
        row = [f"{NAMES[test]} {unit}"]
        for p in names:
            text = spread(summary(values(result, test, p, key)))
            ratio = ratios(result, test, p, key, BASE)
            row.append(text + (f" x{ratio['median']:.2f}" if ratio and p != BASE else ""))
        rows.append(row)
    return table(["median (min-max) xratio"] + names, rows) if rows else ""


def extra_table(result):
    names = list(result["programs"])
    rows = []
    for text, test, key in EXTRA:
        cells = [summary(values(result, test, p, key)) for p in names]
        if any(cells):
            rows.append([text] + [number(c["median"]) if c else "-" for c in cells])
    for text, key, pick in (("peak memory MB", "peak_mb", max), ("memory at start MB", "start_mb", statistics.median),
                            ("start ms", "start_ms", statistics.median)):
        cells = [over_all(result, p, key, pick) for p in names]
        if any(c is not None for c in cells):
            rows.append([text] + [number(c) for c in cells])
    sizes = [result["programs"][p]["stripped_bytes"] for p in names]
    rows.append(["binary, stripped, MB"] + [number(s / 1e6 if s else None) for s in sizes])
    return table(["also (medians)"] + names, rows)


def peers_table(result):
    rows = []
    for count, row in result["peers"].items():
        for p, r in row.items():
            if "load_s" in r:
                rows.append([f"{int(count):,} {p}", number(r["load_s"]), number(r["list_s"]), number(r["rss_mb"]),
                             number(r["bytes_per_peer"]), number(r["idle_cpu_percent"]), ""])
            else:
                rows.append([f"{int(count):,} {p}"] + ["-"] * 5 + [r.get("skipped") or r["error"]])
    return table(["peers", "load s", "list s", "MB", "B/peer", "idle CPU %", "note"], rows) if rows else ""


def targets(result):
    rows = []
    for text, test, key, against, must, at_least, aim in TARGETS:
        r = ratios(result, test, "adit", key, against)
        if r:
            ok = r["median"] >= must if at_least else r["median"] <= must
            rows.append([text, f"{'>=' if at_least else '<='} {must}", f"{r['median']:.2f} ({r['min']:.2f}-{r['max']:.2f})",
                         "-" if aim is None else str(aim), "reached" if ok else "NOT reached"])
    for text, program, test in STATIC_TARGETS:
        r = ratios(result, test, program, HEAD[test][0], "adit")
        if r:
            rows.append([text, ">= 0.9", f"{r['median']:.2f} ({r['min']:.2f}-{r['max']:.2f})", "1",
                         "reached" if r["median"] >= 0.9 else "NOT reached"])
    for text, value, must, at_least, aim in (
            ("peak memory MB", over_all(result, "adit", "peak_mb", max), 10, False, 6),
            ("handshakes, of what X25519 alone allows",
             (summary(values(result, "handshakes", "adit", "of_x25519")) or {}).get("median"), 0.85, True, None),
            ("1,000,000 peers MB", result["peers"].get("1000000", {}).get("adit", {}).get("rss_mb"), 1100, False, None)):
        if value is not None:
            ok = value >= must if at_least else value <= must
            rows.append([text, f"{'>=' if at_least else '<='} {must}", number(value), "-" if aim is None else str(aim),
                         "reached" if ok else "NOT reached"])
    return table(["target", "must", "is", "aim", ""], rows) if rows else ""


def text(result):
    m = result["machine"]
    head = [f"{m['cpu']}, {m['cpus']} CPUs for both ends, load and sink; Linux {m['kernel']}; {result['began']}",
            f"{result['rounds']} interleaved rounds of {result['seconds']} s; xratio: median of the ratios to {BASE} in "
            "the same round", f"command: {result['command']}"]
    head += [f"  {name}: {p['version']}" for name, p in result["programs"].items()]
    head += [f"  {name}: left out, {why}" for name, why in result["skipped"].items()]
    errors = [f"  failed: {t} {p}: {x['error']}" for t, row in result["samples"].items() for p, xs in row.items()
              for x in xs if "error" in x]
    parts = ["\n".join(head + errors) + "\n", main_table(result), extra_table(result), peers_table(result),
             targets(result)]
    return "\n".join(p for p in parts if p)


def write(result, out):
    with open(os.path.join(out, "result.json"), "w") as f:
        json.dump(result, f, indent=1)
    said = text(result)
    with open(os.path.join(out, "table.txt"), "w") as f:
        f.write(said)
    for group, tests in svg.GROUPS.items():
        bars = {t: {p: summary(values(result, t, p, HEAD[t][0])) for p in result["programs"]} for t in tests
                if t in result["samples"]}
        if bars:
            unit = HEAD[next(iter(bars))][1]
            with open(os.path.join(out, group + ".svg"), "w") as f:
                f.write(svg.bars(f"{svg.TITLES[group]} ({unit})", {NAMES[t]: b for t, b in bars.items()}, unit,
                                 result["machine"]))
    print("\n" + said, flush=True)
    print(f"wrote {out}/result.json, table.txt and the plots", flush=True)
