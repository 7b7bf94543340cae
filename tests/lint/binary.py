#!/usr/bin/env python3
# SPDX-License-Identifier: ISC
"""binary.py BINARY BUILDTYPE LIBRARY: hardening flags took effect, the stripped program is at most 2 MB, and libadit is free of the GPL."""
import os
import platform
import subprocess
import sys
import tempfile

from tap import check, done, skip

MOST = 2 * 1000 * 1000


def readelf(binary, *options):
    return subprocess.run(["readelf", "-W", *options, binary], capture_output=True, text=True, check=True).stdout


def segment(headers, name):
    return next((x for x in headers.splitlines() if x.split()[:1] == [name]), "")


def stripped_size(binary):
    with tempfile.TemporaryDirectory() as d:
        out = os.path.join(d, "stripped")
        subprocess.run(["strip", "-o", out, binary], check=True)
        return os.stat(out).st_size


def main(binary, buildtype, library):
    headers, dynamic, symbols = readelf(binary, "-l"), readelf(binary, "-d"), readelf(binary, "--dyn-syms")
    check("position independent", [] if "DYN" in readelf(binary, "-h") and "PIE" in dynamic else ["not PIE"])
    check("relocations read-only, bound at start", [] if segment(headers, "GNU_RELRO") and "NOW" in dynamic else ["no full RELRO"])
    check("stack not executable", [] if " RW " in segment(headers, "GNU_STACK") else [segment(headers, "GNU_STACK")])
    check("no segment both writable and executable", (x for x in headers.splitlines() if x.split()[:1] == ["LOAD"] and "RWE" in x))
    check("stack protector", [] if "__stack_chk_fail" in symbols else ["__stack_chk_fail is not imported"])
    if buildtype == "release":
        check("fortified", [] if "_chk@" in symbols.replace("__stack_chk_fail@", "") else ["no *_chk function is imported"])
        size = stripped_size(binary)
        check("stripped: at most 2 MB", [] if size <= MOST else [f"{size} bytes"])
        print(f"# {size} bytes stripped")
    else:
        skip("fortified", f"a {buildtype} build")
        skip("stripped: at most 2 MB", f"a {buildtype} build")
    if platform.machine() == "x86_64":
        code = subprocess.run(["objdump", "-d", "--no-show-raw-insn", binary], capture_output=True, text=True, check=True).stdout
        count = code.count("endbr64")
        check("indirect branches land on endbr64 (CET)", [] if count > 100 else [f"only {count} landing pads"])
    else:
        skip("indirect branches land on endbr64 (CET)", platform.machine())
    needed = [x for x in readelf(library, "-d").splitlines() if "NEEDED" in x]
    check("libadit links nothing under the GPL", [x for x in needed if "nftnl" in x] if needed else ["it links nothing at all"])
    check("no run path", (x for x in dynamic.splitlines() if "RPATH" in x or "RUNPATH" in x))
    done()


if __name__ == "__main__":
    main(*sys.argv[1:4])
