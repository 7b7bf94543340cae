#!/usr/bin/env python3
# SPDX-License-Identifier: ISC
"""planted.py TREE BUILD [SECONDS] - plants each fault of planted.txt in a copy of the tree and lets its fuzzer look for
it. TREE is a copy that may be changed, BUILD its build directory (fuzzers)."""
import os
import subprocess
import sys
import tempfile
import time

import mutants


def survives(tree, build, test, seconds):
    """Whether the fuzzer, starting from the corpus, finds nothing."""
    name = test.split(" ", 1)[1]
    with tempfile.TemporaryDirectory() as found:
        r = subprocess.run([os.path.join(build, mutants.target(test)), f"-max_total_time={seconds}", "-max_len=4096",
                            "-timeout=20", f"-artifact_prefix={found}/", found, os.path.join(tree, "tests/fuzz/corpus", name)],
                           stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
    return r.returncode == 0


def main(tree, build, seconds="60"):
    plants = mutants.read_list(os.path.join(tree, "tests/mutants/planted.txt"))
    missed = 0
    print(f"1..{len(plants)}")
    for number, plant in enumerate(plants, 1):
        took = []

        def passes(tree, build, test):
            start = time.monotonic()
            survived = survives(tree, build, test, seconds)
            took.append(time.monotonic() - start)
            return survived

        wrong = mutants.try_mutant(tree, build, plant, passes)
        missed += wrong is not None
        after = f", after {took[0]:.0f} s" if took else ""
        print(f"{'not ok' if wrong else 'ok'} {number} - {plant.test}: {plant.file}{after}", flush=True)
        if wrong:
            print("# " + wrong.replace("\n", "\n# "), flush=True)
    sys.exit(missed > 0)


main(*sys.argv[1:])
