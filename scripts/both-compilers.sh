#!/bin/bash
# SPDX-License-Identifier: ISC
#
# both-compilers.sh - builds everything with gcc and with clang; a warning is an error

set -eu
cd "$(dirname "$0")/.."
for cc in gcc clang; do
	CC=$cc scripts/build.sh "build-$cc" -Dwerror_always=true
	echo "$cc: no warning ($($cc --version | head -n 1))"
done
