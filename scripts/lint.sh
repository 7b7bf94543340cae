#!/bin/bash
# SPDX-License-Identifier: ISC
#
# lint.sh BUILD - the lint suite, then builds by gcc and clang in which a warning is an error

set -eu
cd "$(dirname "$0")/.."
scripts/setup.sh build test lint
scripts/build.sh "$1"
meson test -C "$1" --no-rebuild --print-errorlogs --suite lint </dev/null
exec scripts/both-compilers.sh
