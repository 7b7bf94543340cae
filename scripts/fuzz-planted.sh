#!/bin/bash
# SPDX-License-Identifier: ISC
#
# fuzz-planted.sh [SECONDS] - can the fuzzers find anything? Each looks for a fault planted for it, 60 s at most
#
# Works on a copy of the tree in a temporary directory; the faults stand in tests/mutants/planted.txt.

set -eu
cd "$(dirname "$0")/.."
scripts/setup.sh build test lint # clang is with lint
copy=$(mktemp -d)
trap 'rm -rf "$copy"' EXIT
mkdir "$copy/tree"
git ls-files --cached --others --exclude-standard | while read -r f; do [ ! -e "$f" ] || echo "$f"; done >"$copy/files"
tar -c -T "$copy/files" | tar -x -C "$copy/tree"
if ! CC=clang meson setup -Dfuzzers=true -Dbuildtype=debugoptimized -Db_sanitize=address,undefined -Db_lundef=false \
	-Dwerror_always=false -Dc_args=-fsanitize=fuzzer-no-link "$copy/tree" "$copy/build" >"$copy/log" 2>&1; then
	cat "$copy/log" >&2
	exit 1
fi
export UBSAN_OPTIONS=halt_on_error=1 ASAN_OPTIONS=abort_on_error=1
python3 -B tests/mutants/planted.py "$copy/tree" "$copy/build" "${1:-60}"
