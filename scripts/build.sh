#!/bin/bash
# SPDX-License-Identifier: ISC
#
# build.sh DIRECTORY [MESON-OPTION...] [-- TARGET...] - sets a build directory up once and brings it up to date

set -eu
cd "$(dirname "$0")/.."
scripts/setup.sh build
dir=$1
shift
options=()
while [ $# -gt 0 ] && [ "$1" != -- ]; do
	options+=("$1")
	shift
done
[ $# -eq 0 ] || shift
if [ ! -f "$dir/build.ninja" ]; then
	rm -rf "$dir"
	mkdir "$dir"
	meson setup ${options[@]+"${options[@]}"} "$dir" >"$dir/setup.log" 2>&1 || {
		cat "$dir/setup.log" >&2
		rm -rf "$dir"
		exit 1
	}
fi
# Quiet when it goes well: the demo and the tests should be what is seen.
log=$dir/ninja.log
if ! ninja -C "$dir" "$@" >"$log" 2>&1; then
	grep -v '^\[' "$log" >&2 || cat "$log" >&2
	exit 1
fi
