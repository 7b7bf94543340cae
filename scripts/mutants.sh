#!/bin/bash
# SPDX-License-Identifier: ISC
#
# mutants.sh [PATTERN] - are the tests awake? Each one-line fault of tests/mutants/mutants.txt must be caught by its test
#
# Works on a copy of the tree in a temporary directory. PATTERN: only the faults whose "FILE : TEST" contains it.

set -eu
cd "$(dirname "$0")/.."
scripts/setup.sh build test
copy=$(mktemp -d)
trap 'rm -rf "$copy"' EXIT
mkdir "$copy/tree"
git ls-files --cached --others --exclude-standard | while read -r f; do [ ! -e "$f" ] || echo "$f"; done >"$copy/files"
tar -c -T "$copy/files" | tar -x -C "$copy/tree"
if ! meson setup -Dbuildtype=debugoptimized -Dwerror_always=false "$copy/tree" "$copy/build" >"$copy/log" 2>&1; then
	cat "$copy/log" >&2
	exit 1
fi
python3 tests/mutants/mutants.py "$copy/tree" "$copy/build" "$@"
