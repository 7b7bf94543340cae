#!/bin/bash
# SPDX-License-Identifier: ISC
#
# restart.sh - killed and started again; the wall clock leaps
#
#   A  a0 198.51.100.1  ------ veth ------  198.51.100.2 b0  B
#      wA 10.9.0.1           tunnel         wB 10.9.0.2
. "$(dirname "$0")/lib.sh"
lab_start
topology_direct
pair adit adit || { not_ok "two devices start"; done_testing; }
check "the tunnel works" reaches A 10.9.0.2
wg showconf "$WA" >"$TMP/a.conf"

again() { # SIGNAL: ends A's device and starts it anew with the same configuration
	kill -"$1" "$PIDA"
	wait "$PIDA" 2>/dev/null
	device_up A "$WA" adit || return 1
	PIDA=$DEVPID
	wg setconf "$WA" "$TMP/a.conf" && inner A "$WA" 10.9.0.1/24 fd09::1/64
}
check "kill -9, start: the stale socket is replaced" again KILL
check "data from A within 6 s" wait_for 6 answers A 10.9.0.2
check "kill -9, start once more" again KILL
# B still sends with the old session: A must find out how to answer.
check "data within 6 s again" wait_for 6 answers A 10.9.0.2
check "TERM, start" again TERM
check "data within 6 s after TERM" wait_for 6 answers A 10.9.0.2
equal "B's endpoint is A's" "$(endpoint_of "$WB" "$PUBA")" "$A4:51821"

# The responder forgets: its peer must notice within 15 s of unanswered data, so not waited for here;
# the responder initiating is enough.
wg showconf "$WB" >"$TMP/b.conf"
kill -KILL "$PIDB"
wait "$PIDB" 2>/dev/null
device_up B "$WB" adit
PIDB=$DEVPID
wg setconf "$WB" "$TMP/b.conf"
inner B "$WB" 10.9.0.2/24 fd09::2/64
check "the other side killed: it initiates, data within 6 s" wait_for 6 answers B 10.9.0.1

# Wall clock 400 days ahead, and back, for A only.
fake=$(ls /usr/lib/*/faketime/libfaketime.so.1 2>/dev/null | head -n 1)
if [ -z "$fake" ]; then
	skip "wall clock 400 days ahead and back" "libfaketime is not installed"
	done_testing
fi
kill -KILL "$PIDA"
wait "$PIDA" 2>/dev/null
echo "+0d" >"$TMP/clock"
device_up A "$WA" adit LD_PRELOAD="$fake" FAKETIME_TIMESTAMP_FILE="$TMP/clock" FAKETIME_NO_CACHE=1 \
	FAKETIME_DONT_FAKE_MONOTONIC=1 || { not_ok "starts with a false clock"; done_testing; }
PIDA=$DEVPID
wg setconf "$WA" "$TMP/a.conf"
inner A "$WA" 10.9.0.1/24 fd09::1/64
check "A with a clock of its own" wait_for 6 answers A 10.9.0.2
fresh() { # a new handshake from A: the interface goes down and up, which ends A's sessions
	ip -n "$P-A" link set "$WA" down
	sleep 0.1
	ip -n "$P-A" link set "$WA" up
	wait_for "$1" answers A 10.9.0.2
}
# A new handshake would have a new receiver index; the count of handshake bytes shows it best.
echo "+400d" >"$TMP/clock"
check "400 days ahead: the session lives" reaches A 10.9.0.2 10
check "400 days ahead: a new handshake works" fresh 6
check "its time is of A's clock" eval '[ "$(handshake_of "$WA" "$PUBB")" -gt $(($(date +%s) + 399 * 86400)) ]'
check "B's time is of B's clock" eval '[ "$(handshake_of "$WB" "$PUBA")" -le $(date +%s) ]'
echo "+0d" >"$TMP/clock"
check "400 days back: the session lives" reaches A 10.9.0.2 10
check "400 days back: a new handshake works, or the reason is said" eval 'fresh 6 || { [ -z "$ADIT_STANDIN" ] && shows "$WA" "clock|timestamp"; }'
check "an hour further back" eval 'echo "-1h" >"$TMP/clock"; fresh 6 || { [ -z "$ADIT_STANDIN" ] && shows "$WA" "clock|timestamp"; }'
done_testing
