#!/bin/bash
# SPDX-License-Identifier: ISC
#
# static_flood.sh - a flooder whose datagrams come from everywhere, beside a live tunnel
#
#   F  203.0.113.2, 10.66.0.0/16 --+
#                                  +-- A  198.51.100.1 = 203.0.113.1, wa 10.9.0.1
#   B  198.51.100.2 ---------------+      wb 10.9.0.2 is connected and sends
#
# ADIT_RATE: datagrams a second of the flood (20000). ADIT_ROUNDS: measured rounds of 6 s for each flood.
# Live traffic keeps 80 % of what it has while the flood hits a closed port: judged in the long form, where ADIT_ROUNDS
# is given. The short one, on machines that are busy, sees only that it is not stopped, by one round, or three.
. "$(dirname "$0")/lib.sh"
. "$(dirname "$0")/static_lab.sh"
lab_start
need tcpdump
space A B F
link A a0 B b0
link A a1 F f0
addr A a0 198.51.100.1/24
addr B b0 198.51.100.2/24
addr A a1 203.0.113.1/24
addr F f0 203.0.113.2/24
A4=198.51.100.1 A6=none B4=198.51.100.2 B6=none
ip -n "$P-A" route add 10.66.0.0/16 via 203.0.113.2
on A sysctl -qw net.ipv4.conf.all.rp_filter=0 net.ipv4.conf.a1.rp_filter=0
FLOOD=$(tool flood) || { not_ok "the flooder compiles"; done_testing; }
SHARE=${ADIT_ROUNDS:+0.8}
SHARE=${SHARE:-0.3} RATE=${ADIT_RATE:-20000} ROUNDS=${ADIT_ROUNDS:-3}

# What A's link to the flooder has carried: bytes from it, bytes to it, datagrams from A's tunnel to it.
from_flooder() { on A cat /sys/class/net/a1/statistics/rx_bytes; }
to_flooder() { on A cat /sys/class/net/a1/statistics/tx_bytes; }
received() { on A cat "/sys/class/net/$WA/statistics/rx_bytes"; }

# slot PORT [HEX]: SLOT = bytes a second that B -> A brought during a flood of that port (see flood.sh)
slot() {
	local from start flooder
	on F "$FLOOD" spoofed 203.0.113.1 "$1" "$RATE" 1.3 ${2:+"$2"} >"$TMP/flood.$1" &
	flooder=$!
	PIDS+=($flooder)
	sleep 0.2
	start=${EPOCHREALTIME/./} from=$(received)
	sleep 1
	SLOT=$((($(received) - from) * 1000000 / (${EPOCHREALTIME/./} - start)))
	wait $flooder
}
# under "what" [HEX]: measured rounds; each is closed, ours, ours, closed, and its ratio compares neighbours in time
under() {
	local what=$1 hex=${2:-} ratios=() closed open rss sent=0 in out in0 out0
	rss=$(rss_kb "$PIDA") in=0 out=0
	iperf_server A
	run_bg B "$TMP/iperf.live" iperf3 -c 10.9.0.1 -p $IPERF_PORT -C cubic -t $((ROUNDS * 10 + 30))
	LIVE=$BGPID
	wait_for 10 eval '[ "$(received)" -gt 50000000 ]'
	for _ in $(seq "$ROUNDS"); do
		closed=0 open=0
		for port in 9 1194 1194 9; do
			in0=$(from_flooder) out0=$(to_flooder)
			slot $port "$hex"
			if [ $port = 9 ]; then
				closed=$((closed + SLOT))
			else
				open=$((open + SLOT)) sent=$((sent + $(jq .sent "$TMP/flood.1194")))
				in=$((in + $(from_flooder) - in0)) out=$((out + $(to_flooder) - out0))
			fi
		done
		ratios+=("$(awk "BEGIN { print $closed ? $open / $closed : 0 }")")
		diag "Mbit/s with the flood at a closed port $((closed / 250000)), at ours $((open / 250000)): ratio ${ratios[-1]}"
		enough "$SHARE" "${ratios[@]}" && break
	done
	check "$what: iperf3 ran all the time" kill -0 "$LIVE"
	stop "$LIVE"
	stop "$IPERF_SERVER"
	diag "$what: $((sent / ${#ratios[@]} / 2 * 10 / 13)) datagrams a second; $in bytes came in, $out went out"
	expr_true "$what: live traffic keeps its share (median of ${#ratios[@]} rounds)" "$(printf '%s\n' "${ratios[@]}" | median) >= $SHARE"
	expr_true "$what: the flood is as fast as said" "$sent / ${#ratios[@]} / 2.6 >= 0.5 * $RATE"
	expr_true "$what: bytes out are at most bytes in" "$out <= $in"
	expr_true "$what: memory stays flat: KiB more" "$(rss_kb "$PIDA") - $rss <= 1024"
	OUT=$out
}

# ---- v1: from sources it does not know, and never answers -----------------------------------------------

for roaming in false true; do
	what="v1, roaming = $roaming"
	check "$what: two tunnels" static_pair v1 4 "roaming = $roaming"
	check "$what: data" reaches A 10.9.0.2
	run_bg F "$TMP/tcpdump" tcpdump --immediate-mode -i f0 -c 1 -U -w "$TMP/replies" src host 203.0.113.1 and udp src port 1194
	DUMP=$BGPID
	wait_for 5 grep -q "listening on" "$TMP/tcpdump"
	under "$what, random datagrams"
	check "$what: no reply whatever" kill -0 "$DUMP"
	stop $DUMP INT
	# with roaming some are tried against the keys, as far as the limit goes; the rest is not looked at
	seen=$(status "$WA" '[.drops.unknown_source // 0, .drops.unknown_limited // 0] | add')
	expr_true "$what: the flood is counted, and what the kernel refused of it" \
		"$seen > 0 && $seen + $(static_drops "$WA" flood_refused) > $RATE"
	check "$what: data afterwards" reaches A 10.9.0.2
	equal "$what: and from B's address" "$(status "$WA" .peers[0].endpoint)" "$B4:1194"
	static_unpair
done

# ---- v2: random, and an old hello of the peer's from everywhere --------------------------------------------

run_bg B "$TMP/tcpdump" tcpdump --immediate-mode -i b0 -U -w "$TMP/capture" udp port 1194
DUMP=$BGPID
wait_for 5 grep -q "listening on" "$TMP/tcpdump"
check "v2: two tunnels" static_pair v2 4 "roaming = true"
check "v2: data, B says hello" wait_for 10 answers B 10.9.0.1
# the hello that is B's: whoever spoke first said it
wait_for 5 eval 'lab payloads "$TMP/capture" any | grep -q " 21"'
stop "$PIDB" KILL
check "v2: B again" static_up B
PIDB=$SPID
check "v2: data" wait_for 10 answers B 10.9.0.1
sleep 0.5
stop $DUMP INT
HELLO=$(lab payloads "$TMP/capture" any | awk -v from="$B4," 'index($1, from) == 1 && substr($2, 1, 8) == "21000000" { print $2; exit }')
equal "v2: a hello of B's is recorded" "${#HELLO}" 200
under "v2, random datagrams"
under "v2, an old hello" "$HELLO"
expr_true "v2, an old hello: it is answered, counted as rate_limited, or refused" \
	"$(status "$WA" '[.drops.rate_limited // 0, .drops.flood_refused // 0, .answers_sent] | add') > $RATE"
answers=$(status "$WA" .answers_sent)
diag "v2: $answers answers in all, drops $(status "$WA" '.drops | tostring')"
check "v2: data afterwards" reaches A 10.9.0.2
equal "v2: and from B's address" "$(status "$WA" .peers[0].endpoint)" "$B4:1194"
done_testing
