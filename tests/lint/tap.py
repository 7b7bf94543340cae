# SPDX-License-Identifier: ISC
"""TAP for the lint checks, and the files they look at."""
import os
import subprocess
import sys

_results = []


def check(name, complaints):
    """One case: it passes when there is nothing to complain about."""
    complaints = list(complaints)
    _results.append(not complaints)
    print(f"{'not ' if complaints else ''}ok {len(_results)} - {name}")
    for line in complaints[:40]:
        print(f"# {line}")


def skip(name, reason):
    _results.append(True)
    print(f"ok {len(_results)} - {name} # SKIP {reason}")


def done():
    print(f"1..{len(_results)}")
    sys.exit(0 if all(_results) else 1)


def tracked(top, *endings):
    """Files of the tree, as git sees them where there is a repository (untracked ones included)."""
    p = subprocess.run(["git", "-C", top, "ls-files", "-co", "--exclude-standard"], capture_output=True, text=True)
    if p.returncode == 0:
        names = p.stdout.splitlines()
    else:  # an unpacked archive
        names = [os.path.relpath(os.path.join(d, f), top) for d, _, fs in os.walk(top) for f in fs]
        names = [n for n in names if not n.startswith(("build", ".git/"))]
    return sorted(n for n in set(names) if (not endings or n.endswith(endings)) and os.path.isfile(os.path.join(top, n)))


def read(top, name):
    with open(os.path.join(top, name), encoding="utf-8", errors="replace") as f:
        return f.read()
