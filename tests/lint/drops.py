#!/usr/bin/env python3
# SPDX-License-Identifier: ISC
"""drops.py TOP [--write]: doc/drops.md is the table of base/drop.h, and every reason is given somewhere in the source."""
import os
import re
import sys

from tap import check, done, read, tracked

REASON = re.compile(r'X\((\w+), (\w+),\s+"([^"]+)"\)')
DIRECTIONS = {"in": "received", "hs": "handshake", "out": "sent"}
HEAD = """# Why a packet was dropped

One counter a reason; the name is the same in the source, in `adit show`, in the UAPI's statistics and here. This page is
written from src/base/drop.h by `python3 tests/lint/drops.py . --write`, and a test compares the two.

| reason | when | means |
|---|---|---|
"""


def reasons(top):
    # REASON(name, ...) of the header: X(name, direction, "text") once each
    return REASON.findall(re.sub(r"\\\n\s*", "", read(top, "src/base/drop.h").split("#define ADIT_DROPS(X)")[1]))


def page(found):
    return HEAD + "".join(f"| `{n}` | {DIRECTIONS[d]} | {t} |\n" for n, d, t in found)


def main(top, write):
    found = reasons(top)
    if write:
        with open(os.path.join(top, "doc/drops.md"), "w") as f:
            f.write(page(found))
        return
    source = "".join(read(top, n) for n in tracked(top, ".c") if n.startswith("src/"))
    check("the table was found", [] if len(found) > 30 else [f"{len(found)} reasons"])
    check("doc/drops.md is the table of base/drop.h", [] if read(top, "doc/drops.md") == page(found)
          else ["run: python3 tests/lint/drops.py . --write"])
    check("every reason is given somewhere", (n for n, _, _ in found if f"ADIT_DROP_{n}" not in re.findall(r"ADIT_DROP_\w+", source)))
    done()


if __name__ == "__main__":
    main(sys.argv[1], "--write" in sys.argv)
