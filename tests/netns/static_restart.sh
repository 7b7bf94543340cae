#!/bin/bash
# SPDX-License-Identifier: ISC
#
# static_restart.sh - one end is killed and started again, or its clock is a year back: data again, without anybody's help
#
#   A  198.51.100.1  ------ veth ------  198.51.100.2  B
#      wa 10.9.0.1 ======= tunnel ======= 10.9.0.2 wb
#
# ADIT_GAP: within how many ms of the start data has to flow again (6000; the manual promises 2000).
. "$(dirname "$0")/lib.sh"
. "$(dirname "$0")/static_lab.sh"
lab_start
topology_direct
GAP=${ADIT_GAP:-6000}
fake=$(ls /usr/lib/*/faketime/libfaketime.so.1 2>/dev/null | head -n 1)

# restart "what" NS SENDER ADDRESS [VAR=VALUE...]: NS's end anew; then the first ping of SENDER that is answered
restart() {
	local what=$1 ns=$2 sender=$3 address=$4 start gap pid
	shift 4
	[ "$ns" = A ] && pid=$PIDA || pid=$PIDB
	stop "$pid" KILL
	check "$what: starts" static_up "$ns" "$@" || return
	[ "$ns" = A ] && PIDA=$SPID || PIDB=$SPID
	start=$(now_ms)
	check "$what: data" wait_for 20 on "$sender" ping -q -n -c 1 -W 0.3 "$address"
	gap=$(($(now_ms) - start))
	expr_true "$what: ms until data from the other end" "$gap <= $GAP"
}
for wire in v2 v1; do
	check "$wire: two tunnels" static_pair $wire 4
	check "$wire: data" reaches A 10.9.0.2
	restart "$wire: A killed, A sends" A A 10.9.0.2
	restart "$wire: A killed, B sends" A B 10.9.0.1
	restart "$wire: B killed, A sends" B A 10.9.0.2
	if [ -n "$fake" ]; then
		restart "$wire: A with its clock a year back" A B 10.9.0.1 LD_PRELOAD="$fake" FAKETIME=-365d \
			FAKETIME_DONT_FAKE_MONOTONIC=1
		restart "$wire: and with the right clock again" A A 10.9.0.2
	else
		skip "$wire: A with its clock a year back" "libfaketime is not installed"
	fi
	static_unpair
done
done_testing
