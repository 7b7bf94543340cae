#!/bin/bash
# SPDX-License-Identifier: ISC
#
# pathmtu61.sh - our program on Linux 6.1, whose path is narrower for one peer only
#
#   guest  198.51.100.2 -- tap -- 198.51.100.1 A -- 203.0.113.2 B   the way to B takes 1300 bytes
#   wg0    10.9.0.2               (the router)  '-- 192.0.2.2   C   the way to C takes 1500
#          === tunnel === wB 10.9.0.3, wC 10.9.0.4; the tunnels' MTU stays 1420
#
# The guest hears of the 1300 bytes from the router by ICMP alone. ADIT_MB: megabytes to B (4).
. "$(dirname "$0")/../netns/lib.sh"
. "$(dirname "$0")/guest.sh"
lab_start
need strace
[ -n "$ADIT_STANDIN" ] && skip_all "the program under test is a stand-in"
PING=$(readlink -f "$(command -v ping)") STRACE=$(readlink -f "$(command -v strace)")
guest_start "$(command -v wg)" "$ADIT" "$PING" "$STRACE"
MB=${ADIT_MB:-4}

space B C
link A rb B b0
link A rc C c0
addr A rb 203.0.113.254/24 2001:db8:2::fe/64
addr B b0 203.0.113.2/24 2001:db8:2::2/64
addr A rc 192.0.2.254/24 2001:db8:3::fe/64
addr C c0 192.0.2.2/24 2001:db8:3::2/64
on A sysctl -qw net.ipv4.ip_forward=1 net.ipv6.conf.all.forwarding=1
for n in B C; do
	[ $n = B ] && v4=203.0.113.254 v6=2001:db8:2::fe || v4=192.0.2.254 v6=2001:db8:3::fe
	ip -n "$P-$n" route add default via $v4
	ip -n "$P-$n" route add default via $v6
done
guest "ip route add default via $A4; ip route add default via $A6"

WB=${W}b WC=${W}c PUBG=$(key g) PUBB=$(key b) PUBC=$(key c)
device_up B "$WB" adit && device_up C "$WC" adit || { not_ok "two devices start here"; done_testing; }
wg set "$WB" private-key "$TMP/b.key" listen-port 51822 peer "$PUBG" allowed-ips 10.9.0.2/32
wg set "$WC" private-key "$TMP/c.key" listen-port 51823 peer "$PUBG" allowed-ips 10.9.0.2/32
inner B "$WB" 10.9.0.3/24
inner C "$WC" 10.9.0.4/24

begin() { # B_ENDPOINT C_ENDPOINT: a fresh device in the guest
	guest_sh "ip link del wg0 2>/dev/null; sleep 1; ip route flush cache; ip -6 route flush cache
		$ADIT device wg0 >/tmp/log 2>&1 </dev/null; sleep 1
		echo '$(cat "$TMP/g.key")' >/tmp/key
		wg set wg0 private-key /tmp/key listen-port 51821 peer '$PUBB' endpoint $1 allowed-ips 10.9.0.3/32 \
			peer '$PUBC' endpoint $2 allowed-ips 10.9.0.4/32 || exit 1
		ip addr add 10.9.0.2/24 dev wg0; ip link set wg0 up
		ping -q -c 3 -W 3 10.9.0.3 && ping -q -c 3 -W 3 10.9.0.4"
}
# from_guest NS ADDRESS MEGABYTES: equal sha256
from_guest() {
	local pid
	NSPORT=$((NSPORT + 1))
	ip netns exec "$P-$1" nc -d -l -p $NSPORT >"$TMP/back.$1" &
	pid=$!
	PIDS+=($pid)
	wait_for 5 listening "$1" $NSPORT
	guest_sh "dd if=/dev/urandom of=/tmp/back.$1 bs=1M count=$3 2>/dev/null; sha256sum </tmp/back.$1
		nc -w 60 $2 $NSPORT </tmp/back.$1; rm /tmp/back.$1" "${ADIT_TRANSFER:-240}" >"$TMP/sum.$1"
	wait_for 10 gone $pid
	ls -l "$TMP/back.$1"
	grep -q "$(sha256sum <"$TMP/back.$1" | awk '{ print $1 }')" "$TMP/sum.$1"
}
to_guest() { # NS MEGABYTES
	local pid
	head -c "$2M" /dev/urandom >"$TMP/blob"
	guest_sh "nc -l -p 9000 </dev/null | sha256sum >/tmp/sum; cat /tmp/sum" "${ADIT_TRANSFER:-240}" >"$TMP/sum" &
	pid=$!
	sleep 1
	lab pace 8000000 "$TMP/blob" | on "$1" timeout "${ADIT_TRANSFER:-240}" nc -N -w 60 10.9.0.2 9000
	wait $pid
	grep -q "$(sha256sum <"$TMP/blob" | awk '{ print $1 }')" "$TMP/sum"
}
# To both at once, with A's device in the guest under strace.
both_traced() {
	local traced
	guest_sh "p=\$(ps | awk '/adit device wg0/ && !/awk/ { print \$1; exit }')
		$STRACE -f -q -o /tmp/strace -p \$p -e trace=sendmsg,sendmmsg >/dev/null 2>&1 </dev/null &
		for i in 1 2 3 4 5 6 7 8 9 10 11 12 13 14 15 16 17 18 19 20; do
			sleep 1; cat /proc/\$p/task/*/status | grep -q '^TracerPid:[^1-9]*\$' || exit 0
		done; exit 1" || return 1 # each of its threads is looked on at
	from_guest B 10.9.0.3 1 >"$TMP/both" 2>&1 &
	traced=$!
	from_guest C 10.9.0.4 1 || return 1
	wait $traced || return 1
	guest_sh "kill -INT \$(ps | awk '/strace -f/ && !/awk/ { print \$1 }'); sleep 1; grep -c . /tmp/strace" >/dev/null
	guest_sh "cat /tmp/strace" 120 >"$TMP/strace"
}

ip -n "$P-A" link set rb mtu 1300
ip -n "$P-B" link set b0 mtu 1300
for family in 4 6; do
	t="v$family, ICMP from a router"
	b=203.0.113.2 c=192.0.2.2 eb=$b:51822 ec=$c:51823
	[ $family = 6 ] && b=2001:db8:2::2 c=2001:db8:3::2 eb=[$b]:51822 ec=[$c]:51823
	check "$t: a device in the guest" begin "$eb" "$ec" || continue
	# IPv4 datagrams of a tunnel may be fragmented, and then no router says a word: another program
	# of the guest, whose may not, brings the message that narrows the path for all of them.
	[ $family = 4 ] && guest "$PING -n -c 2 -W 1 -M do -s 1400 $b" >/dev/null
	check "$t: $MB MB to B arrive whole" from_guest B 10.9.0.3 "$MB"
	check "$t: the guest has learnt 1300" guest "$PING -n -c 1 -W 1 -M do -s 1400 $b 2>&1 | grep 'local error.*1300'"
	check "$t: $MB MB from B arrive whole" to_guest B "$MB"
	check "$t: large pings to B" guest "$PING -n -q -c 3 -W 3 -M do -s 1392 10.9.0.3"
	check "$t: to B and C at once" both_traced
	expr_true "$t: C keeps its trains" "$(segments_to "$TMP/strace" $c) > 3"
	equal "$t: and B has none" "$(segments_to "$TMP/strace" $b)" 0
	expr_true "$t: but single datagrams" "$(sends_to "$TMP/strace" $b) > 100"
	check "$t: adit show names the fall-back for B" guest "$ADIT show wg0 | grep -F $b | grep -i gso"
done
done_testing
