#!/bin/bash
# SPDX-License-Identifier: ISC
#
# rekey.sh - sessions renewed after 120 s under traffic, with every peer program and the kernel at once
#
#   A  a0 198.51.100.1 -- b0 .2  B wireguard-go     A: adit twice
#      a1 203.0.113.1  -- c0 .2  C boringtun           wA 10.9.0.1: it initiates, and so renews
#      a2 192.0.2.1    -- d0 .2  D gotatun             wE 10.8.0.1: the peer initiates, and so renews
#      k0 198.18.0.1   -- tap .2 guest, Linux 6.1      each peer is .2, .3, .4, .5 in both
#
# A ping every 50 ms and TCP at 20 Mbit/s in each session (the guest: the ping alone); none of it
# may be lost. TCP writes 4 KiB at a time: a burst of more is too much for the receive buffer that
# boringtun's sockets have, whoever sends it. ADIT_SECONDS: how long (260: two rekeys each).
. "$(dirname "$0")/../netns/lib.sh"
. "$(dirname "$0")/guest.sh"
lab_start
need tcpdump
SECS=${ADIT_SECONDS:-260}
PING=$(readlink -f "$(command -v ping)")
guest_start "$(command -v wg)" "$PING"
on A ip addr add 198.18.0.1/24 dev k0
guest "ip addr add 198.18.0.2/24 dev eth0"
ip -n "$P-A" addr del 198.51.100.1/24 dev k0 # how the test talks to the guest is no matter of the tunnel
B4=198.18.0.2
wait_for 5 guest true || { not_ok "the guest has its address"; done_testing; }

WA=${W}a WE=${W}e PUBA=$(key a) PUBE=$(key e)
device_up A "$WA" adit && device_up A "$WE" adit || { not_ok "our two devices start"; done_testing; }
wg set "$WA" private-key "$TMP/a.key" listen-port 51821
wg set "$WE" private-key "$TMP/e.key" listen-port 51831
inner A "$WA" 10.9.0.1/24
inner A "$WE" 10.8.0.1/24

names=()
# known N NAME PUB OUTER: our two devices get to know peer N
known() {
	names[$1]=$2
	pubs[$1]=$3
	wg set "$WA" peer "$3" endpoint "$4:51822" allowed-ips "10.9.0.$1/32"
	wg set "$WE" peer "$3" allowed-ips "10.8.0.$1/32"
}
pubs=() spaces=()
# program N NAME NS DEV ADEV NET: peer N runs in a namespace of its own
program() {
	local n=$1 kind=$2 ns=$3
	if ! peer_program "$kind"; then
		skip "$kind" "$PEER_WHY"
		return
	fi
	space "$ns"
	link A "$5" "$ns" "$4"
	addr A "$5" "$6.1/24"
	addr "$ns" "$4" "$6.2/24"
	device_up "$ns" "$W$n" "$kind" || { not_ok "$kind starts"; return; }
	key "$n" >/dev/null
	wg set "$W$n" private-key "$TMP/$n.key" listen-port 51822 peer "$PUBA" allowed-ips 10.9.0.1/32 \
		peer "$PUBE" endpoint "$6.1:51831" allowed-ips 10.8.0.1/32
	inner "$ns" "$W$n" "10.9.0.$n/24" "10.8.0.$n/24"
	spaces[n]=$ns
	known "$n" "$kind" "$(key "$n")" "$6.2"
}
program 2 wireguard-go B b0 a0 198.51.100
program 3 boringtun C c0 a1 203.0.113
program 4 gotatun D d0 a2 192.0.2
key 5 >/dev/null
if guest_sh "ip link add wg0 type wireguard || exit 1
	echo '$(cat "$TMP/5.key")' >/tmp/key
	wg set wg0 private-key /tmp/key listen-port 51822 peer '$PUBA' allowed-ips 10.9.0.1/32 \
		peer '$PUBE' endpoint 198.18.0.1:51831 allowed-ips 10.8.0.1/32 || exit 1
	ip addr add 10.9.0.5/24 dev wg0; ip addr add 10.8.0.5/24 dev wg0; ip link set wg0 up" >"$TMP/wg0"; then
	known 5 "the kernel" "$(key 5)" 198.18.0.2
else
	not_ok "the kernel's WireGuard in the guest"
fi
[ ${#names[@]} -gt 0 ] || skip_all "no peer at all"

# Who initiates: seen on the wire at A, by the port of ours.
run_bg A "$TMP/dump.log" tcpdump -l --immediate-mode -n -i any "udp[8:4] = 0x01000000"
DUMP=$BGPID
wait_for 5 grep -q "listening on" "$TMP/dump.log"
count=$((SECS * 20))
for n in "${!names[@]}"; do
	run_bg A "$TMP/ping.9.$n" ping -n -q -i 0.05 -c $count -W 2 "10.9.0.$n"
	waiting+=("$BGPID")
	if [ "$n" = 5 ]; then
		guest_sh "$PING -n -q -i 0.05 -c $count -W 2 10.8.0.1 >/tmp/ping 2>&1 </dev/null &" >/dev/null
		continue
	fi
	ns=${spaces[n]}
	run_bg "$ns" "$TMP/ping.8.$n" ping -n -q -i 0.05 -c $count -W 2 10.8.0.1
	waiting+=("$BGPID")
	iperf_server "$ns"
	run_bg A "$TMP/tcp.9.$n" iperf3 -J -c "10.9.0.$n" -p $IPERF_PORT -t "$SECS" -i 1 -b 20M -l 4K
	waiting+=("$BGPID")
	iperf_server A
	run_bg "$ns" "$TMP/tcp.8.$n" iperf3 -J -c 10.8.0.1 -p $IPERF_PORT -t "$SECS" -i 1 -b 20M -l 4K
	waiting+=("$BGPID")
done

# Sessions are counted as changes of the handshake's time.
declare -A sessions last
end=$(($(now_ms) + SECS * 1000))
while [ "$(now_ms)" -lt $end ]; do
	sleep 2
	for dev in "$WA" "$WE"; do
		while read -r pub at; do
			[ "$at" = "${last[$dev$pub]:-0}" ] && continue
			last[$dev$pub]=$at
			sessions[$dev$pub]=$((${sessions[$dev$pub]:-0} + 1))
		done < <(wg show "$dev" latest-handshakes)
	done
done
for pid in "${waiting[@]}"; do
	wait_for 20 gone "$pid"
done
stop $DUMP INT
if [ -n "${names[5]:-}" ]; then
	guest_sh "sleep 3; cat /tmp/ping" >"$TMP/ping.8.5"
fi

want=$((1 + (SECS - 5) / 121))
# initiations DIRECTION PORT ADDRESS: seen on the wire; `Out` are ours
initiations() { grep -E " $1 +IP " "$TMP/dump.log" | grep -F "$2" | grep -Fc "$3"; }
outer=([2]=198.51.100.2 [3]=203.0.113.2 [4]=192.0.2.2 [5]=198.18.0.2)
for n in "${!names[@]}"; do
	for who in 9 8; do
		[ $who = 9 ] && t="${names[n]}, adit renews" dev=$WA || t="${names[n]}, the peer renews" dev=$WE
		expr_true "$t: sessions in $SECS s" "${sessions[$dev${pubs[n]}]:-0} >= $want"
		if [ $who = 9 ]; then
			ours=$(initiations Out .51821 "${outer[n]}") theirs=$(initiations In .51821 "${outer[n]}")
			expr_true "$t: initiations of ours, of the peer's" "$ours >= $want && $theirs == 0"
		else
			ours=$(initiations Out .51831 "${outer[n]}") theirs=$(initiations In .51831 "${outer[n]}")
			expr_true "$t: initiations of ours, of the peer's" "$ours == 0 && $theirs >= $want"
		fi
		check "$t: not a ping is lost" grep -E "^$count packets.* $count received" "$TMP/ping.$who.$n"
		[ -e "$TMP/tcp.$who.$n" ] || continue
		check_not "$t: TCP ends well" jq -e .error "$TMP/tcp.$who.$n"
		equal "$t: seconds without data" "$(dead_seconds "$TMP/tcp.$who.$n")" 0
		diag "retransmitted: $(jq .end.sum_sent.retransmits "$TMP/tcp.$who.$n")"
	done
done
done_testing
