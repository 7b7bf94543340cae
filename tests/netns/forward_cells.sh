#!/bin/bash
# SPDX-License-Identifier: ISC
#
# forward_cells.sh - our TCP and Linux's over the same bad link with the same seed: four cells of the benchmark's matrix
#
#   iperf3 -- 127.0.0.1 -- adit forward, --backend stack and kernel -- bad link, 50 Mbit/s -- adit device -- iperf3
#
# ADIT_ROUNDS: how often each is measured; the medians are then judged (0.9 of Linux's rate, 1.2 of its time for the first
# megabyte at 100 ms). Without, one round of 3 s, which sees only that nothing stands.
. "$(dirname "$0")/lib.sh"
lab_start
need iperf3 python3
[ -z "$ADIT_STANDIN" ] || skip_all "adit forward is adit's own"
SHARE=${ADIT_ROUNDS:+0.9} TIMES=${ADIT_ROUNDS:+1.2}
SECONDS_EACH=${ADIT_ROUNDS:+8}
check "four cells are measured" "$PYTHON" "$ROOT/bench/forward.py" --only adit,kernel --far adit --out "$TMP" \
	--tests cell:20:0:0,cell:20:1:0,cell:100:1:0,cell:100:0:1 --rounds "${ADIT_ROUNDS:-1}" --cell-seconds "${SECONDS_EACH:-3}"
indent "$TMP/forward.txt"
# median CELL PROGRAM FIELD
median_of() { jq "[.samples.adit[\"$1\"].$2[].$3] | sort | .[length / 2 | floor]" "$TMP/forward.json"; }
for cell in cell:20:0:0 cell:20:1:0 cell:100:1:0 cell:100:0:1; do
	expr_true "$cell: Mbit/s next to Linux's" \
		"$(median_of $cell adit mbps) >= ${SHARE:-0.3} * $(median_of $cell kernel mbps)"
	case $cell in cell:100:*) expr_true "  seconds for the first megabyte next to Linux's" \
		"$(median_of $cell adit first_megabyte_s) <= ${TIMES:-4} * $(median_of $cell kernel first_megabyte_s)" ;; esac
done
done_testing
