#!/bin/bash
# SPDX-License-Identifier: ISC
#
# flood.sh - a flooder beside honest peers
#
#   F  203.0.113.2  --+
#                     +-- A  198.51.100.1 = 203.0.113.1 = 192.0.2.1, wA 10.9.0.1
#   B  198.51.100.2 --+      wB 10.9.0.2 is connected and sends; new peers in C come during the flood
#   C  192.0.2.2    --+
#
# ADIT_TRIES: how many new peers connect (5; 20 in the long run). ADIT_ROUNDS: measured rounds of 7 s.
# Live traffic keeps 80 % of what it has while the flood hits a closed port: judged in the long form, where ADIT_ROUNDS
# is given. The short one, on machines that are busy, sees only that it is not stopped, by one round, or three.
. "$(dirname "$0")/lib.sh"
lab_start
need tcpdump
space A B C F
link A a0 B b0
link A a1 F f0
link A a2 C c0
addr A a0 198.51.100.1/24
addr B b0 198.51.100.2/24
addr A a1 203.0.113.1/24
addr F f0 203.0.113.2/24
addr A a2 192.0.2.1/24
addr C c0 192.0.2.2/24
A4=198.51.100.1 A6=none B4=198.51.100.2 B6=none
FLOOD=$(tool flood) || { not_ok "the flooder compiles"; done_testing; }
SHARE=${ADIT_ROUNDS:+0.8}
SHARE=${SHARE:-0.3} TRIES=${ADIT_TRIES:-5} ROUNDS=${ADIT_ROUNDS:-3} RATE=20000
pair adit adit || { not_ok "two devices start"; done_testing; }
for i in $(seq "$TRIES"); do
	wg set "$WA" peer "$(key c"$i")" allowed-ips 10.9.1."$i"/32
done
check "the tunnel works" reaches A 10.9.0.2

# Random datagrams: no reply whatever.
on F "$FLOOD" random 203.0.113.1 51821 $RATE 2 >"$TMP/flood"
diag "$(cat "$TMP/flood")"
expr_true "random datagrams: sent" "$(jq .sent "$TMP/flood") > $RATE"
equal "random datagrams: no reply" "$(jq .received "$TMP/flood")" 0
check "the tunnel works" reaches A 10.9.0.2

# Initiations with valid mac1, next to iperf3; the same flood at a closed port for comparison.
#
# What else runs on the machine changes the rate from second to second by more than the flood does.
# So one iperf3 runs all the time, and the flood changes its target under it, a second at a time: a
# round is four such slots, closed, ours, ours, closed, and its ratio compares neighbours in time. A
# slow second of the machine spoils one round, in one direction or the other; the median of all
# rounds has no such preference, which the best of them would have.
# slot PORT: bytes a second that B -> A brought during a flood of that port
slot() {
	local from bytes start flooder
	on F "$FLOOD" initiation 203.0.113.1 "$1" $RATE 1.3 "$PUBA" >"$TMP/flood.$1" &
	flooder=$!
	PIDS+=($flooder)
	sleep 0.2
	start=${EPOCHREALTIME/./} from=$(received)
	sleep 1
	bytes=$(($(received) - from))
	SLOT=$((bytes * 1000000 / (${EPOCHREALTIME/./} - start)))
	wait $flooder
}
received() { on A cat "/sys/class/net/$WA/statistics/rx_bytes"; }
rss=$(rss_kb "$PIDA")
iperf_server A
run_bg B "$TMP/iperf.live" iperf3 -c 10.9.0.1 -p $IPERF_PORT -C cubic -t $((ROUNDS * 8 + 30))
LIVE=$BGPID
wait_for 5 eval '[ "$(received)" -gt 50000000 ]'
ratios=() cookies=0 in=0 out=0
for _ in $(seq "$ROUNDS"); do
	closed=0 open=0
	for port in 9 51821 51821 9; do
		slot $port
		if [ $port = 9 ]; then
			closed=$((closed + SLOT))
		else
			open=$((open + SLOT))
			cookies=$((cookies + $(jq .cookies "$TMP/flood.$port")))
			in=$((in + $(jq .sent_bytes "$TMP/flood.$port"))) out=$((out + $(jq .received_bytes "$TMP/flood.$port")))
		fi
	done
	ratios+=("$(awk "BEGIN { print $closed ? $open / $closed : 0 }")")
	diag "Mbit/s with the flood at a closed port $((closed / 250000)), at ours $((open / 250000)): ratio ${ratios[-1]}; $(cat "$TMP/flood.51821")"
	enough "$SHARE" "${ratios[@]}" && break
done
check "iperf3 ran all the time" kill -0 "$LIVE"
stop "$LIVE"
stop "$IPERF_SERVER"
expr_true "live traffic keeps its share (median of ${#ratios[@]} rounds)" "$(printf '%s\n' "${ratios[@]}" | median) >= $SHARE"
expr_true "the flood is as fast as said: a second" "$in / 148 / ${#ratios[@]} / 2.6 >= 0.5 * $RATE"
expr_true "cookies start" "$cookies > 0"
expr_true "bytes out are at most bytes in" "$out <= $in"
expr_true "memory stays flat: KiB more" "$(rss_kb "$PIDA") - $rss <= 1024"
if adit_only "the flood is counted"; then
	expr_true "the flood is counted: cookies asked for" "$(drops "$WA" cookie_required) > 1000"
fi

# New peers during the flood. Each gets a device of its own in C.
on C sysctl -qw net.ipv4.conf.all.rp_filter=0
run_bg C "$TMP/tcpdump.log" tcpdump --immediate-mode -i c0 -U -w "$TMP/cookies" "udp src port 51821 and udp[4:2] = 72"
DUMP=$BGPID
for i in $(seq "$TRIES"); do
	device_up C "${W}c$i" adit || { not_ok "a new device starts"; done_testing; }
	wg set "${W}c$i" private-key "$TMP/c$i.key" peer "$PUBA" endpoint 192.0.2.1:51821 allowed-ips 10.9.0.0/24
	ip -n "$P-C" link set "${W}c$i" up
done
run_bg F "$TMP/tcpdump.f" tcpdump --immediate-mode -i f0 -c 10 -U -w "$TMP/cookies.f" "udp src port 51821 and udp[4:2] = 72"
wait_for 5 grep -q "listening on" "$TMP/tcpdump.f"
run_bg F "$TMP/flood" "$FLOOD" initiation 203.0.113.1 51821 $RATE $((TRIES * 2 + 10)) "$PUBA"
flooder=$BGPID
sleep 1
connected=0
for first in $(seq 1 5 "$TRIES"); do # five at a time: more would meet the limit of one source
	last=$((first + 4 < TRIES ? first + 4 : TRIES))
	start=$(now_ms)
	for i in $(seq "$first" $last); do
		wg set "${W}c$i" peer "$PUBA" persistent-keepalive 25 # sends at once: initiates
	done
	for i in $(seq "$first" $last); do
		wait_for 6 eval 'has_handshake "${W}c$i" "$PUBA" || [ $(($(now_ms) - start)) -gt 6000 ]'
		has_handshake "${W}c$i" "$PUBA" && connected=$((connected + 1))
	done
done
diag "$connected of $TRIES new peers connected within 6 s"
expr_true "new peers connect within 6 s: 19 of 20" "$connected >= $TRIES * 19 / 20 - ($TRIES < 20 ? 0.05 : 0)"
stop $flooder
stop $DUMP INT

# Cookie replies played again: one that this peer once got (if it was asked for a cookie at all),
# and what the flooder got, which no one here waits for.
cookie_drops() {
	[ -n "$ADIT_STANDIN" ] && { echo 0; return; }
	echo $(($(drops "$1" unexpected_cookie) + $(drops "$1" bad_cookie) + $(drops "$1" unknown_index)))
}
# again IFACE PEER ADDRESS PORT FILE: five times each
again() {
	local before count
	before="$(endpoint_of "$1" "$2") $(handshake_of "$1" "$2")"
	count=$(cookie_drops "$1")
	on A "$PYTHON" "$LIB/lab.py" replay 5 "$3" "$4" <"$5" >"$TMP/sent"
	sleep 0.3
	equal "$6: nothing changes" "$(endpoint_of "$1" "$2") $(handshake_of "$1" "$2")" "$before"
	if adit_only "$6: counted"; then
		equal "$6: counted" "$(($(cookie_drops "$1") - count))" $((5 * $(wc -l <"$5")))
	fi
}
port=$(wg show "${W}c1" listen-port)
lab payloads "$TMP/cookies" "$port" | grep " 03" >"$TMP/own"
if [ -s "$TMP/own" ]; then
	again "${W}c1" "$PUBA" 192.0.2.2 "$port" "$TMP/own" "a peer's own cookie reply again"
fi
lab payloads "$TMP/cookies.f" any | grep " 03" | head -n 10 >"$TMP/theirs"
expr_true "cookie replies captured at the flooder" "$(wc -l <"$TMP/theirs") > 0"
again "$WB" "$PUBA" "$B4" 51822 "$TMP/theirs" "the flooder's cookie replies"
check "the tunnel works afterwards" reaches A 10.9.0.2
equal "and its endpoint is B's" "$(endpoint_of "$WA" "$PUBB")" "$B4:51822"
done_testing
