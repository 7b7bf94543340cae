#!/bin/bash
# SPDX-License-Identifier: ISC
#
# bench.sh BUILD [OPTION...] - builds the peers and our handshake counter, then bench/run.py OPTION...;
# without options but --quick bench/forward.py too

set -eu
cd "$(dirname "$0")/.."
build=$1
shift
scripts/setup.sh test
scripts/build.sh "$build" -- all bench/handshakes
scripts/peers.sh || echo "bench: goes on without what could not be built" >&2
export ADIT=${ADIT:-$PWD/$build/src/cli/adit} ADIT_HANDSHAKES=$PWD/$build/bench/handshakes
rc=0
python3 bench/run.py "$@" || rc=$?
[ $# -gt 0 ] && [ "$*" != --quick ] && exit $rc
python3 bench/forward.py "$@" || rc=$?
exit $rc
