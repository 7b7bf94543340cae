#!/bin/bash
# SPDX-License-Identifier: ISC
#
# replay.sh - a recorded tunnel played again, bent, and from elsewhere: nothing comes of it
#
#   A  198.51.100.1 -- R (records, replays) -- 203.0.113.2  B
#      wA 10.9.0.1 ========= tunnel ========== 10.9.0.2 wB
. "$(dirname "$0")/lib.sh"
lab_start
need tcpdump
topology_router
# one datagram, one frame: what is captured must be what a wire carries
ip -n "$P-A" link set a0 gso_max_segs 1
ip -n "$P-B" link set b0 gso_max_segs 1

run_bg R "$TMP/tcpdump.log" tcpdump --immediate-mode -i rb -U -w "$TMP/capture" udp port 51822
DUMP=$BGPID
wait_for 5 grep -q "listening on" "$TMP/tcpdump.log"
pair -i adit adit || { not_ok "two devices start"; done_testing; }
check "the tunnel works" reaches A 10.9.0.2
check "a transfer to record" transfer A B 10.9.0.2 1
check "small packets to record" on A ping -q -n -i 0.01 -c 50 10.9.0.2
sleep 0.3
stop $DUMP INT
lab payloads "$TMP/capture" 51822 >"$TMP/all"
grep " 04" "$TMP/all" >"$TMP/data"
grep " 01" "$TMP/all" >"$TMP/initiation"
DATA=$(wc -l <"$TMP/data")
expr_true "data messages captured" "$DATA > 100"
equal "initiations captured" "$(wc -l <"$TMP/initiation")" 1

inside() { on B cat "/sys/class/net/$WB/statistics/rx_packets"; }
quiet() { # the counters of B at rest
	echo "$(inside) $(endpoint_of "$WB" "$PUBA") $(handshake_of "$WB" "$PUBA")"
}
settle() { wait_for 3 eval '[ "$(transfer_of "$WB" "$PUBA")" = "$(sleep 0.3; transfer_of "$WB" "$PUBA")" ]'; }
# play "what" REASON EXPECTED TIMES FILE OPTIONS...: nothing happens, and B counts it
play() {
	local what=$1 reason=$2 want=$3 times=$4 file=$5 before
	shift 5
	settle
	before=$(quiet)
	local count=0
	[ -z "$ADIT_STANDIN" ] && count=$(drops "$WB" "$reason")
	on R "$PYTHON" "$LIB/lab.py" replay "$times" "$B4" 51822 "$@" <"$file" >"$TMP/sent" 2>&1
	equal "$what: sent" "$(cat "$TMP/sent")" $((times * $(wc -l <"$file")))
	settle
	equal "$what: nothing arrives inside, endpoint and handshake unchanged" "$(quiet)" "$before"
	if adit_only "$what: counted as $reason"; then
		wait_for 2 drops_equal "$WB" "$reason" $((count + want))
		equal "$what: counted as $reason" $(($(drops "$WB" "$reason") - count)) "$want"
	fi
}
play "data, three times, same source" replayed $((3 * DATA)) 3 "$TMP/data" raw 198.51.100.1 51821
play "data, three times, another source" replayed $((3 * DATA)) 3 "$TMP/data" source 203.0.113.254 9999
play "data with flipped bits" auth_failed $((3 * DATA)) 3 "$TMP/data" flip source 203.0.113.254 9999
play "data with flipped bits, same source" auth_failed $((3 * DATA)) 3 "$TMP/data" flip raw 198.51.100.1 51821
play "the initiation, ten times, same source" replayed_timestamp 10 10 "$TMP/initiation" raw 198.51.100.1 51821
play "the initiation, ten times, another source" replayed_timestamp 10 10 "$TMP/initiation" source 203.0.113.254 9999
play "the initiation with a flipped bit" bad_mac1 10 10 "$TMP/initiation" flip source 203.0.113.254 9999
check "the tunnel works afterwards" reaches A 10.9.0.2
equal "and the endpoint is A's" "$(endpoint_of "$WB" "$PUBA")" "$A4:51821"

# What no message looks like.
if adit_only "malformed datagrams are counted"; then
	junk() { # REASON HEX
		local before
		before=$(drops "$WB" "$1")
		echo "x $2" | on R "$PYTHON" "$LIB/lab.py" replay 5 "$B4" 51822 >"$TMP/sent"
		check "malformed: $1" wait_for 2 drops_equal "$WB" "$1" $((before + 5))
	}
	junk short 0400
	junk bad_type "07000000$(printf '00%.0s' {1..40})"
	junk bad_type "04000001$(printf '00%.0s' {1..40})"
	junk bad_length "01000000$(printf '00%.0s' {1..100})"
	junk unknown_index "04000000ffffffff$(printf '00%.0s' {1..40})"
fi
done_testing
