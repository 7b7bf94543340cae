#!/bin/bash
# SPDX-License-Identifier: ISC
# shell.sh TOP: every shell script passes shellcheck, and is executable where it is started by name

cd "$1" || exit 1
if ! command -v shellcheck >/dev/null; then
	echo "1..0 # SKIP shellcheck is not installed"
	exit 0
fi
n=0 failed=0
while read -r script; do
	n=$((n + 1))
	if out=$(shellcheck -x -S warning "$script" 2>&1); then
		echo "ok $n - $script"
	else
		failed=1
		echo "not ok $n - $script"
		sed 's/^/# /' <<<"$out"
	fi
done < <({ git ls-files -co --exclude-standard '*.sh' .ci/run 2>/dev/null || find scripts tests .ci -name '*.sh' -o -name run; } | sort)
echo "1..$n"
exit $failed
