#!/usr/bin/env python3
# SPDX-License-Identifier: ISC
"""mutants.py TREE BUILD [PATTERN] - applies each fault of mutants.txt to a copy of the tree and runs the test that must
catch it. TREE is a copy that may be changed, BUILD its build directory. PATTERN: only faults whose FILE : TEST contains it."""
import os
import re
import subprocess
import sys

SEEDS = {"sim": 10, "netsim": 16, "random": 300}
TIMEOUT = 120


class Mutant:
    def __init__(self, file, test):
        self.file, self.test, self.old, self.new, self.line = file, test, [], [], 0


def read_list(path):
    mutants = []
    for number, line in enumerate(open(path), 1):
        line = line.rstrip("\n")
        head = re.fullmatch(r"(src/\S+) : (.+)", line)
        if head:
            mutants.append(Mutant(*head.groups()))
            mutants[-1].line = number
        elif line.startswith(("- ", "+ ")):
            (mutants[-1].old if line[0] == "-" else mutants[-1].new).append(line[2:])
        elif line and not line.startswith("#"):
            sys.exit(f"{path}:{number}: neither a head nor code")
    return mutants


def target(test):
    kind, _, name = test.partition(" ")
    return {"sim": "tests/sim/sim", "random": "tests/sim/sim", "netsim": "tests/netsim/netsim",
            "unit": f"tests/unit/{name}_test", "fuzz": f"tests/fuzz/fuzz-{name}"}[kind]


def passes(tree, build, test):
    kind, _, name = test.partition(" ")
    command = [os.path.join(build, target(test))]
    if kind in SEEDS:
        command += [name or kind, "1", str(SEEDS[kind])]
    elif kind == "fuzz":
        command += [os.path.join(tree, "tests/fuzz/corpus", name)]
    try:
        return subprocess.run(command, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL, timeout=TIMEOUT).returncode == 0
    except subprocess.TimeoutExpired:
        return False


def compile_targets(build, targets):
    r = subprocess.run(["ninja", "-C", build, *targets], capture_output=True, text=True)
    return "" if r.returncode == 0 else r.stdout


def mutated(source, m):
    """The source with the fault in it, or None where its lines do not stand there once."""
    source, old, new = "\n" + source, "\n" + "\n".join(m.old) + "\n", "\n" + "\n".join(m.new) + "\n"
    return source.replace(old, new)[1:] if source.count(old) == 1 else None


def try_mutant(tree, build, m, passes=passes):
    """Returns what is wrong, or None when the test caught the fault."""
    path = os.path.join(tree, m.file)
    source = open(path).read()
    fault = mutated(source, m)
    if fault is None:
        return "the code does not stand there once"
    with open(path, "w") as f:
        f.write(fault)
    try:
        error = compile_targets(build, [target(m.test)])
        if error:
            return "does not compile: " + error[-800:]
        return f"{m.test} does not notice" if passes(tree, build, m.test) else None
    finally:
        with open(path, "w") as f:
            f.write(source)


def main(tree, build, pattern=""):
    mutants = [m for m in read_list(os.path.join(tree, "tests/mutants/mutants.txt"))
               if pattern in f"{m.file} : {m.test}"]
    tests = sorted({m.test for m in mutants})
    error = compile_targets(build, sorted({target(t) for t in tests}))
    if error:
        sys.exit("without a fault: " + error[-2000:])
    for test in tests:
        if not passes(tree, build, test):
            sys.exit(f"{test} fails without a fault")
    failed = 0
    print(f"1..{len(mutants)}")
    for number, m in enumerate(mutants, 1):
        wrong = try_mutant(tree, build, m)
        failed += wrong is not None
        print(f"{'not ok' if wrong else 'ok'} {number} - {m.file} : {m.test} (line {m.line})", flush=True)
        if wrong:
            print("# " + wrong.replace("\n", "\n# "), flush=True)
    print(f"# {len(mutants) - failed} of {len(mutants)} faults caught")
    sys.exit(failed > 0)


if __name__ == "__main__":
    main(*sys.argv[1:])
