#!/bin/bash
# SPDX-License-Identifier: ISC
#
# pathmtu.sh - a path that is narrower for one peer only
#
#   A  198.51.100.1 -- R -- 203.0.113.2  B     the way to B takes 1300 bytes
#                      '--- 192.0.2.2    C     the way to C takes 1500
#   wA 10.9.0.1 === tunnel === wB 10.9.0.2, wC 10.9.0.3; the tunnels' MTU stays 1420
. "$(dirname "$0")/lib.sh"
MB=${ADIT_MB:-20}
lab_start
need strace
topology_router
space C
link R rc C c0
addr R rc 192.0.2.254/24 2001:db8:3::fe/64
addr C c0 192.0.2.2/24 2001:db8:3::2/64
ip -n "$P-C" route add default via 192.0.2.254
ip -n "$P-C" route add default via 2001:db8:3::fe
WA=${W}a WB=${W}b WC=${W}c PUBA=$(key a) PUBB=$(key b) PUBC=$(key c)

begin() { # 4|6
	local b=$B4:51822 c=192.0.2.2:51823
	[ "$1" = 6 ] && b=[$B6]:51822 c=[2001:db8:3::2]:51823
	device_up A "$WA" adit && PIDA=$DEVPID && device_up B "$WB" adit && PIDB=$DEVPID && device_up C "$WC" adit || return 1
	PIDC=$DEVPID
	wg set "$WA" private-key "$TMP/a.key" listen-port 51821 \
		peer "$PUBB" endpoint "$b" allowed-ips 10.9.0.2/32 peer "$PUBC" endpoint "$c" allowed-ips 10.9.0.3/32
	wg set "$WB" private-key "$TMP/b.key" listen-port 51822 peer "$PUBA" allowed-ips 10.9.0.1/32
	wg set "$WC" private-key "$TMP/c.key" listen-port 51823 peer "$PUBA" allowed-ips 10.9.0.1/32
	inner A "$WA" 10.9.0.1/24
	inner B "$WB" 10.9.0.2/24
	inner C "$WC" 10.9.0.3/24
	{ reaches A 10.9.0.2 && reaches A 10.9.0.3; } >"$TMP/begin" 2>&1
}
end() {
	stop "$PIDA"
	stop "$PIDB"
	stop "$PIDC"
}
narrow() { # FAMILY HOW: the path to B narrows after the session began, by a route of A or by R's link
	case $2 in
	route)
		ip -n "$P-A" route add "$B4/32" via 198.51.100.254 mtu 1300
		ip -n "$P-A" route add "$B6/128" via 2001:db8:1::fe mtu 1300
		;;
	fragments | icmp)
		ip -n "$P-R" link set rb mtu 1300
		ip -n "$P-B" link set b0 mtu 1300
		# R fragments a tunnel's IPv4 datagrams, and says nothing. Another program of A's, whose may not
		# be fragmented, brings the ICMP message that narrows the path for all of them.
		[ "$1$2" = 4icmp ] && on A ping -n -q -c 2 -i 0.1 -W 0.3 -M do -s 1400 "$B4" >/dev/null
		;;
	esac
}
widen() {
	ip -n "$P-A" route del "$B4/32" 2>/dev/null
	ip -n "$P-A" route del "$B6/128" 2>/dev/null
	ip -n "$P-A" route flush cache
	ip -n "$P-R" link set rb mtu 1500
	ip -n "$P-B" link set b0 mtu 1500
}
attached() { grep -q '^TracerPid:[[:space:]]*[1-9]' "/proc/$PIDA/status"; }
# To both at once, with A's device under strace: what it shows is in TMP/strace.
both_traced() {
	strace -f -q -o "$TMP/strace" -p "$PIDA" -e trace=sendmsg,sendmmsg 2>/dev/null &
	local tracer=$!
	PIDS+=($tracer)
	wait_for 5 attached
	iperf_server B
	on A timeout 20 iperf3 -c 10.9.0.2 -p $IPERF_PORT -t 2 -C cubic >"$TMP/iperf.b" 2>&1 &
	local to_b=$!
	PIDS+=($to_b)
	sleep 0.5
	transfer A C 10.9.0.3 2 >/dev/null
	wait $to_b
	stop $IPERF_SERVER
	kill -INT $tracer
	wait $tracer 2>/dev/null
}

for case in "4 route" "4 fragments" "4 icmp" "6 route" "6 icmp"; do
	read -r family how <<<"$case"
	case $how in
	route) t="v$family, narrowed by a route" ;;
	fragments) t="v$family, R fragments" ;;
	icmp) t="v$family, narrowed by ICMP from R" ;;
	esac
	if ! begin $family; then
		not_ok "$t: three devices start"
		end
		continue
	fi
	narrow $family "$how"
	check "$t: $MB MB to B arrive whole" transfer A B 10.9.0.2 "$MB"
	check "$t: $MB MB from B arrive whole" transfer B A 10.9.0.1 "$MB"
	check "$t: large pings to B" on A ping -n -q -c 3 -i 0.1 -W 1 -M do -s 1392 10.9.0.2
	check "$t: UDP of full size to B" iperf_udp A B 10.9.0.2 -b 20M -l 1340 -t 1
	expr_true "$t: UDP arrived, Mbit/s" "$(mbits) >= $(at_least 15)"
	check "$t: $MB MB to C arrive whole" transfer A C 10.9.0.3 "$MB"
	if adit_only "$t: C keeps its trains"; then
		b=$B4 c=192.0.2.2
		[ $family = 6 ] && b=$B6 c=2001:db8:3::2
		both_traced
		expr_true "$t: C keeps its trains" "$(segments_to "$TMP/strace" $c) > 3"
		diag "notes: $(lab get "$WA" adit_note | tr '\n' ';')"
		if [ "$how" != fragments ]; then
			expr_true "$t: B meanwhile gets single datagrams" \
				"$(sends_to "$TMP/strace" "$b") > 100 && $(segments_to "$TMP/strace" "$b") == 0"
			check "$t: adit show names the fall-back for B" shows "$WA" "$b"
		fi
	fi
	widen
	end
done
done_testing
