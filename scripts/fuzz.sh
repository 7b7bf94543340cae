#!/bin/bash
# SPDX-License-Identifier: ISC
#
# fuzz.sh [SECONDS [TARGET...]] - each fuzz target for SECONDS under clang's libFuzzer, ASan and UBSan
#
# Starts from tests/fuzz/corpus; what is found on the way stays in build-fuzz/corpus for the next run. A crash stops the
# run and names its input. BUILD_FUZZ= sets another build directory.

set -eu
cd "$(dirname "$0")/.."
scripts/setup.sh build test lint # clang is with lint
seconds=${1:-60}
shift || true
dir=${BUILD_FUZZ:-build-fuzz}
targets=("$@")
if [ ${#targets[@]} -eq 0 ]; then
	for file in tests/fuzz/corpus/*; do targets+=("${file##*/}"); done
fi
if [ ! -f "$dir/build.ninja" ]; then
	CC=clang meson setup -Dfuzzers=true -Dbuildtype=debugoptimized -Db_sanitize=address,undefined -Db_lundef=false \
		-Dc_args=-fsanitize=fuzzer-no-link "$dir" >/dev/null
fi
ninja -C "$dir" "${targets[@]/#/tests/fuzz/fuzz-}" >"$dir/ninja.log" 2>&1 || {
	grep -v '^\[' "$dir/ninja.log" >&2
	exit 1
}
export UBSAN_OPTIONS=halt_on_error=1:print_stacktrace=1 ASAN_OPTIONS=abort_on_error=1
failed=0
for target in "${targets[@]}"; do
	mkdir -p "$dir/corpus/$target"
	log=$dir/$target.log
	if "$dir/tests/fuzz/fuzz-$target" -max_total_time="$seconds" -max_len=4096 -timeout=20 -rss_limit_mb=2048 \
		-artifact_prefix="$dir/$target-" "$dir/corpus/$target" "tests/fuzz/corpus/$target" >"$log" 2>&1; then
		printf '%-12s %9s executions, %s edges\n' "$target" \
			"$(sed -n 's/^Done \([0-9]*\) runs.*/\1/p' "$log")" "$(grep -o 'cov: [0-9]*' "$log" | tail -n 1 | cut -d' ' -f2)"
	else
		failed=1
		printf '%-12s FAILED\n' "$target"
		grep -vE '^#[0-9]+|^INFO|^NEW_FUNC' "$log" | head -n 30
		grep 'Test unit written' "$log" || true
	fi
done
exit "$failed"
