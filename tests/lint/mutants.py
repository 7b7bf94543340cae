#!/usr/bin/env python3
# SPDX-License-Identifier: ISC
"""mutants.py TOP - the lines that tests/mutants/mutants.txt makes faults of still stand in the sources, and the tests are there."""
import os
import sys

from tap import check, done

top = sys.argv[1]
sys.path.insert(0, os.path.join(top, "tests/mutants"))
from mutants import mutated, read_list  # noqa: E402

LIST = os.path.join(top, "tests/mutants/mutants.txt")
FILES = {"unit": "tests/unit/{}_test.c", "fuzz": "tests/fuzz/{}.c"}


def moved():
    for m in read_list(LIST):
        if mutated(open(os.path.join(top, m.file)).read(), m) is None:
            yield f"mutants.txt:{m.line}: the code does not stand once in {m.file}"


def unknown():
    for m in read_list(LIST):
        kind, _, name = m.test.partition(" ")
        if kind in FILES and not os.path.exists(os.path.join(top, FILES[kind].format(name))):
            yield f"mutants.txt:{m.line}: there is no {FILES[kind].format(name)}"


check("every fault has its line", moved())
check("every fault has its test", unknown())
done()
