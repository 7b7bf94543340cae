#!/bin/bash
# SPDX-License-Identifier: ISC
#
# coverage.sh - line coverage by unit, vectors and sim; fails when src/wg or src/netstack has less than 90 %

set -eu
cd "$(dirname "$0")/.."
scripts/setup.sh build test cover
scripts/build.sh build-cov -Dbuildtype=debug -Db_coverage=true -Dc_args=-fprofile-update=atomic
find build-cov -name '*.gcda' -delete
meson test -C build-cov --no-rebuild --no-suite slow --timeout-multiplier 4 --suite unit --suite vectors --suite sim \
	</dev/null
gcovr --gcov-ignore-parse-errors -r . --object-directory build-cov --filter 'src/' --exclude-unreachable-branches
for part in src/wg src/netstack; do
	echo "$part alone:"
	gcovr --gcov-ignore-parse-errors -r . --object-directory build-cov --filter "$part/" --fail-under-line 90
done
