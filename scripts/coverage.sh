#!/bin/bash
# SPDX-License-Identifier: ISC
#
# coverage.sh - line coverage by unit, vectors and sim; fails when src/wg has less than 90 %

set -eu
cd "$(dirname "$0")/.."
scripts/setup.sh build test cover
scripts/build.sh build-cov -Dbuildtype=debug -Db_coverage=true -Dc_args=-fprofile-update=atomic
find build-cov -name '*.gcda' -delete
meson test -C build-cov --no-rebuild --no-suite slow --timeout-multiplier 4 --suite unit --suite vectors --suite sim \
	</dev/null
gcovr --gcov-ignore-parse-errors -r . --object-directory build-cov --filter 'src/' --exclude-unreachable-branches
echo "src/wg alone:"
exec gcovr --gcov-ignore-parse-errors -r . --object-directory build-cov --filter 'src/wg/' --fail-under-line 90
