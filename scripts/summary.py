#!/usr/bin/env python3
# SPDX-License-Identifier: ISC
"""summary.py TESTLOG MESON-STATUS: counts the TAP cases in Meson's test log, says what was skipped and what failed.

A program that ends badly (crash, time limit, fewer cases than its plan) counts as one more failure.
"""
import collections
import json
import re
import sys

CASE = re.compile(r"^(not )?ok\b\s*\d*\s*-?\s*(.*)$")
PLAN = re.compile(r"^1\.\.(\d+)\s*(?:#\s*skip\w*\s*(.*))?$", re.IGNORECASE)
SKIP = re.compile(r"^(.*?)\s*#\s*skip\w*\s*(.*)$", re.IGNORECASE)


class Count:
    def __init__(self):
        self.passed, self.failed, self.skipped = 0, [], []


def count_tap(count, name, text):
    """Returns how many cases there were; None when the whole program was skipped."""
    seen = 0
    for line in text.splitlines():
        plan = PLAN.match(line)
        if plan and plan[1] == "0":
            count.skipped.append((name, plan[2] or "no reason given"))
            return None
        case = CASE.match(line)
        if not case:
            continue
        seen += 1
        skip = SKIP.match(case[2])
        if skip:  # cmocka writes `not ok N # SKIP test_name`
            count.skipped.append((f"{name}: {skip[1]}" if skip[1] else name, skip[2] or "no reason given"))
        elif case[1]:
            count.failed.append(f"{name}: {case[2]}")
        else:
            count.passed += 1
    return seen


def count_test(count, entry):
    name, text = entry["name"].split(" / ")[-1], entry.get("stdout") or ""
    result, before = entry["result"], len(count.failed)
    is_tap = any(PLAN.match(x) for x in text.splitlines())
    seen = count_tap(count, name, text) if is_tap else 0
    if result in ("FAIL", "ERROR", "TIMEOUT", "INTERRUPT", "UNEXPECTEDPASS"):
        if len(count.failed) == before:
            why = (entry.get("stderr") or text).strip().splitlines()[-1:] or [""]
            count.failed.append(f"{name}: {result.lower()} {why[0]}".rstrip())
    elif not seen and seen is not None:
        if result == "SKIP":
            count.skipped.append((name, "see its log"))
        else:
            count.passed += 1


def main():
    count, suites, slowest, broken = Count(), collections.Counter(), [], int(sys.argv[2])
    try:
        with open(sys.argv[1]) as f:
            entries = [json.loads(x) for x in f if x.strip()]
    except (OSError, ValueError) as e:
        print(f"no test log: {e}")
        entries = []
    for entry in entries:
        before = count.passed
        count_test(count, entry)
        suites[entry["name"].split(" / ")[0].split(":")[-1]] += count.passed - before
        slowest.append((entry.get("duration", 0), entry["name"].split(" / ")[-1]))
    if (broken or not entries) and not count.failed:
        count.failed.append("the test run itself")
    print("\npassed by suite: " + ", ".join(f"{s} {n}" for s, n in suites.items()))
    print("slowest: " + ", ".join(f"{n} {t:.0f} s" for t, n in sorted(slowest, reverse=True)[:5]))
    for reason, cases in group(count.skipped).items():
        print(f"skipped: {reason} ({len(cases)}: {', '.join(cases[:4])}{', ...' if len(cases) > 4 else ''})")
    for line in count.failed:
        print("failed: " + line)
    print(f"{count.passed} passed, {len(count.failed)} failed, {len(count.skipped)} skipped")
    return 1 if count.failed else 0


def group(skipped):
    by = collections.OrderedDict()
    for name, reason in skipped:
        by.setdefault(reason, []).append(name)
    return by


if __name__ == "__main__":
    sys.exit(main())
