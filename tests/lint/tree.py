#!/usr/bin/env python3
# SPDX-License-Identifier: ISC
"""tree.py TOP: licence lines, words that do not belong, lengths, and tests that nobody runs."""
import re
import sys

from tap import check, done, read, tracked

CODE = (".c", ".h", ".py", ".sh", ".build", ".md", ".txt", "Makefile", ".lock", ".ci/run")
FILE_LINES, FUNCTION_LINES = 800, 100
LEFT_OPEN = re.compile(r"\b(" + "|".join(("TO" + "DO", "FIX" + "ME", "X" + "XX", "HA" + "CK")) + r")\b")
NUMBERED = re.compile(r"\b(issue|ticket|pull request) ?#?\d+|\(#\d+\)", re.IGNORECASE)
HOSTS = re.compile("|".join(map(re.escape, ("proxy." + "golang.org", "crates" + ".io", "pypi" + ".org", "deb." + "debian.org"))))
PATH = re.compile(r"(?:^|[\s\"'=(`:])/([a-z]+)/[a-z]", re.MULTILINE)
USUAL = set("path etc usr var run proc sys dev tmp bin sbin lib net api org nonexistent".split())


def matches(top, names, pattern, allowed=()):
    for name in names:
        for number, line in enumerate(read(top, name).splitlines(), 1):
            for m in pattern.finditer(line):
                if not (m.groups() and m.group(1) in allowed):
                    yield f"{name}:{number}: {m.group(0).strip()}"


def without_licence(top, names):
    for name in names:
        if name.endswith((".md", ".lock", "LICENSE")):
            continue
        if not any("SPDX-License-Identifier: ISC" in x for x in read(top, name).splitlines()[:3]):
            yield name


def long_functions(top, name):
    start, title = None, ""
    for number, line in enumerate(read(top, name).splitlines(), 1):
        if re.match(r"[A-Za-z_].*\(", line):
            title = line
        if line.startswith("{"):
            start = number
        elif line.startswith("}") and start:
            if number - start > FUNCTION_LINES:
                yield f"{name}:{start}: {number - start} lines: {title[:70]}"
            start = None


def unregistered(top, folder, ending, helpers=()):
    build = "".join(read(top, f"tests/{folder}/{name}") for name in ("meson.build",)
                    if tracked(top, f"tests/{folder}/{name}"))
    for name in tracked(top, ending):
        parts = name.split("/")
        stem = parts[-1][:-len(ending)]
        if parts[:2] == ["tests", folder] and len(parts) == 3 and parts[-1] not in helpers:
            if not re.search(rf"\b{re.escape(stem)}\b", build):
                yield name


def lost_references(top, names):
    """Files that a document names and nobody has; src/ and tests/ may be left out. What a program includes is not meant."""
    there = set(tracked(top))
    for name in names:
        for path in re.findall(r"\b(?:[\w-]+/)+[\w-]+\.(?:c|h|sh|py|md|txt|lock)\b", re.sub(r"#include <.*>", "", read(top, name))):
            if "NAME" not in path and not ({path, "src/" + path, "tests/" + path} & there or path.startswith("bench/out/")):
                yield f"{name}: {path}"


def main(top):
    names = tracked(top, *CODE)
    sources = [n for n in names if n.endswith((".c", ".h"))]
    check("every source names its licence", without_licence(top, [n for n in names if n.endswith(CODE[:5] + ("Makefile",))]))
    check("nothing is left open in the source", matches(top, names, LEFT_OPEN))
    check("no numbers of somebody's tracker", matches(top, [n for n in names if n != "CHANGELOG.md"], NUMBERED))
    check("no host of a package registry", matches(top, names, HOSTS))
    check("no path of one machine", matches(top, names, PATH, USUAL))
    check(f"no file over {FILE_LINES} lines", (f"{n}: {c}" for n in sources if not n.startswith("tests/vectors/") for c in [read(top, n).count(chr(10))]
                                              if c > FILE_LINES))
    check(f"no function over {FUNCTION_LINES} lines", (x for n in sources if n.endswith(".c") for x in long_functions(top, n)))
    check("no trailing blanks in the sources", matches(top, sources, re.compile(r"[ \t]+$")))
    check("documents name files that exist", lost_references(top, [n for n in names if n.endswith(".md")]))
    for folder, ending, helpers in (("unit", "_test.c", ()), ("netns", ".sh", ("lib.sh", "agent_lab.sh", "forward_lab.sh", "guard_lab.sh", "inside.sh", "static_lab.sh")), ("interop", ".sh", ("lib.sh", "guest.sh", "matrix.sh")),
                                    ("fuzz", ".c", ())):
        check(f"every test of tests/{folder} is run", unregistered(top, folder, ending, helpers))
    done()


if __name__ == "__main__":
    main(sys.argv[1])
