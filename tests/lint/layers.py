#!/usr/bin/env python3
# SPDX-License-Identifier: ISC
"""layers.py TOP: every #include "dir/..." under src/ points down, as the table of ARCHITECTURE.md says."""
import re
import sys

from tap import check, done, read, tracked

LAYERS = {  # folder: what it may include besides itself
    "base": "",
    "config": "base",
    "crypto": "base",
    "wg": "base crypto",
    "static": "base crypto",
    "netstack": "base crypto",
    "pktio": "base",
    "relay": "base crypto netstack pktio",
    "tunnel": "base crypto wg static netstack pktio",
    "host": "base",
    "device": "base config crypto wg tunnel pktio host",
    "forward": "base crypto wg tunnel netstack relay pktio host",
    "lib": "base crypto wg tunnel netstack relay forward",
    "statictun": "base config crypto static tunnel pktio host",
    "agent": "base config crypto wg static tunnel netstack relay pktio host device forward statictun",
    "cli": "base config crypto wg tunnel pktio host device forward statictun agent",
}
CORES = ("base", "config", "crypto", "wg", "static", "netstack")
INCLUDE = re.compile(r'^\s*#\s*include\s+"([^"]+)"', re.MULTILINE)
FEATURE = re.compile(r"^\s*#\s*define\s+(_GNU_SOURCE|_DEFAULT_SOURCE|_POSIX_C_SOURCE|_XOPEN_SOURCE)\b", re.MULTILINE)


def upward(top, name):
    folder = name.split("/")[1]
    for include in INCLUDE.findall(read(top, name)):
        target = include.split("/")[0] if "/" in include else None
        if target is None:
            yield f'{name}: "{include}" must be written with its folder'
        elif target != folder and target not in LAYERS[folder].split():
            yield f"{name}: {folder} must not include {include}"


def own_header_first(top, name):
    header = name[len("src/"):-2] + ".h"
    includes = re.findall(r'^\s*#\s*include\s+([<"][^>"]+[>"])', read(top, name), re.MULTILINE)
    if f'"{header}"' in includes and includes[0] != f'"{header}"':
        yield f"{name}: its own header {header} comes first"


def main(top):
    sources = [n for n in tracked(top, ".c", ".h") if n.startswith("src/")]
    known = [n for n in sources if n.split("/")[1] in LAYERS]
    check("every folder of src has its layer", (f"{n}: folder not in the table" for n in sources if n not in known))
    check("includes point down", (x for n in known for x in upward(top, n)))
    check("own header first", (x for n in known if n.endswith(".c") for x in own_header_first(top, n)))
    check("cores use no feature macros", (f"{n}: {m}" for n in known if n.split("/")[1] in CORES and "crypto" not in n
                                          for m in FEATURE.findall(read(top, n))))
    check("tests found something to look at", [] if len(sources) > 10 else ["fewer than 10 files in src"])
    done()


if __name__ == "__main__":
    main(sys.argv[1])
