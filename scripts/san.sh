#!/bin/bash
# SPDX-License-Identifier: ISC
#
# san.sh - unit, vectors, sim and fuzz corpora under ASan+UBSan, then the same but the corpora under TSan

set -eu
cd "$(dirname "$0")/.."
scripts/setup.sh build test
export ASAN_OPTIONS=abort_on_error=1:detect_stack_use_after_return=1
export UBSAN_OPTIONS=halt_on_error=1:print_stacktrace=1 TSAN_OPTIONS=halt_on_error=1:second_deadlock_stack=1
# TSan of today's compilers cannot place its shadow under the widest address randomisation of new kernels.
fixed=()
setarch "$(uname -m)" -R true 2>/dev/null && fixed=(setarch "$(uname -m)" -R)

run() { # DIRECTORY SANITIZERS SUITE...
	local dir=$1 san=$2 suite list=()
	shift 2
	for suite; do list+=(--suite "$suite"); done
	echo "== $san: $*"
	scripts/build.sh "$dir" -Dbuildtype=debugoptimized -Db_sanitize="$san" -Db_lundef=false
	${fixed[@]+"${fixed[@]}"} meson test -C "$dir" --no-rebuild --no-suite slow --timeout-multiplier 4 \
		--print-errorlogs "${list[@]}" </dev/null
}
run build-asan address,undefined unit vectors sim fuzz
run build-tsan thread unit vectors sim
