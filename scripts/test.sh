#!/bin/bash
# SPDX-License-Identifier: ISC
#
# test.sh [-f] [BUILD] - builds, runs every suite but the slow tests, counts single cases
#
# -f: only unit, vectors, sim and lint (make check). Last line: N passed, N failed, N skipped.

set -u
cd "$(dirname "$0")/.." || exit 1
suites=(unit vectors sim fuzz lint api browse netns interop)
if [ "${1:-}" = -f ]; then
	suites=(unit vectors sim lint)
	shift
fi
build=${1:-build}
scripts/setup.sh build test && scripts/build.sh "$build" || {
	echo "0 passed, 1 failed, 0 skipped"
	exit 1
}
arguments=()
for s in "${suites[@]}"; do
	arguments+=(--suite "$s")
done
rm -f "$build/meson-logs/testlog.json"
# More than there are processors: most tests wait for most of their time.
meson test -C "$build" --no-rebuild --num-processes $((3 * $(nproc))) --timeout-multiplier 3 --no-suite slow \
	"${arguments[@]}" </dev/null
rc=$?
exec python3 scripts/summary.py "$build/meson-logs/testlog.json" $rc
