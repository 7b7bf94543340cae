#!/usr/bin/env python3
# SPDX-License-Identifier: ISC
"""manual.py TOP BINARY: the manual names every command, option and drop reason that the program has, and no other."""
import re
import subprocess
import sys

from drops import reasons
from tap import check, done, read


def said(binary, *arguments):
    return subprocess.run([binary, *arguments], capture_output=True, text=True, check=True).stdout


def commands(binary):
    """{name: (synopsis, [option line, ...])} from the program's own help."""
    found = {}
    for name in re.findall(r"^  adit (\w+)", said(binary, "help"), re.MULTILINE):
        text = said(binary, name, "--help")
        options = re.findall(r"^  (-[\w-]+(?:, --[\w-]+)?)", text.partition("\nOptions:\n")[2].partition("\n\n")[0], re.MULTILINE)
        found[name] = (re.search(r"^Usage: adit \w+ ?(.*)$", text, re.MULTILINE)[1], [o for o in options if "--help" not in o])
    return found


def mdoc(option):
    """`-f, --foreground` as mdoc writes it."""
    return " , ".join("Fl " + word[1:] for word in option.split(", "))


def main(top, binary):
    page = read(top, "man/adit.1")
    synopsis, _, body = page.partition(".Sh DESCRIPTION")
    table = commands(binary)
    items = set(re.findall(r"^\.It Cm (\w+)", body, re.MULTILINE))
    check("the table was read", [] if len(table) >= 10 else [f"{len(table)} commands"])
    check("every command stands in the synopsis", (n for n in table if f"\n.Cm {n}\n" not in synopsis))
    check("every command is described", sorted(set(table) - items))
    check("nothing is described that is not there", sorted(items - set(table)))
    check("every option is described", (f"{n} {o}" for n, (_, options) in table.items() for o in options
                                        if mdoc(o) not in body.partition(f".It Cm {n}")[2]))
    check("every operand stands in the synopsis", (f"{n} {w}" for n, (usage, _) in table.items()
                                                   for w in re.findall(r"[A-Z][A-Za-z.]+", usage)
                                                   if w not in synopsis.partition(f"\n.Cm {n}\n")[2]))
    device = read(top, "man/adit-device.8")
    check("every drop reason is in adit-device(8)", (n for n, _, _ in reasons(top) if not re.search(rf"\b{n}\b", device)))
    done()


if __name__ == "__main__":
    main(*sys.argv[1:3])
