#!/bin/bash
# SPDX-License-Identifier: ISC
#
# outer.sh - the outer header: DSCP, ECN, DF, checksums, mark
#
#   A  198.51.100.1 -- R (may mark congestion) -- 203.0.113.2  B
#      wA 10.9.0.1 fd09::1 ======= tunnel ======= 10.9.0.2 fd09::2 wB
. "$(dirname "$0")/lib.sh"
lab_start
need tcpdump nft
[ -n "$ADIT_STANDIN" ] && skip_all "the program under test is a stand-in"
topology_router

# seen NS DEV COUNT FILTER CMD...: what tcpdump -v says of COUNT packets while CMD runs
seen() {
	local ns=$1 dev=$2 n=$3 filter=$4 pid
	shift 4
	rm -f "$TMP/seen.log"
	ip netns exec "$P-$ns" timeout 4 tcpdump --immediate-mode -n -v -i "$dev" -c "$n" "$filter" >"$TMP/seen" 2>"$TMP/seen.log" &
	pid=$!
	PIDS+=($pid)
	wait_for 3 grep -q "listening on" "$TMP/seen.log"
	"$@" >/dev/null 2>&1
	wait $pid
	cat "$TMP/seen"
}
# ping_tos TOS ADDRESS [COUNT]
ping_tos() { on A ping -n -q -Q "$1" -c "${3:-2}" -i 0.05 -W 1 "$2"; }
# what tcpdump says of a traffic class: "tos 0x2,ECT(0)" or "class 0x02"
has_class() { # FAMILY VALUE (two hex digits)
	if [ "$1" = 4 ]; then
		grep -qE "tos 0x(0*)${2#0}[,)]" "$TMP/seen"
	elif [ "$2" = 00 ]; then
		! grep -q "class 0x" "$TMP/seen" && grep -q "IP6" "$TMP/seen"
	else
		grep -q "class 0x$2" "$TMP/seen"
	fi
}

for family in 4 6; do
	dst=10.9.0.2 filter="ip and udp dst port 51822"
	outer=()
	if [ $family = 6 ]; then
		outer=(-6)
		filter="ip6 and udp dst port 51822"
	fi
	# one datagram each, so that what is seen is the ping
	pair ${outer[@]+"${outer[@]}"} adit adit || { not_ok "two devices start"; done_testing; }
	t="outer v$family"
	seen B b0 1 "$filter" ping_tos 0 $dst >/dev/null
	check "$t: the initiation is AF41" has_class $family 88
	check "the tunnel works" reaches A $dst
	seen B b0 2 "$filter and greater 120" ping_tos 0xb8 $dst >/dev/null
	check "$t: DSCP of the inside stays inside" has_class $family 00
	seen B b0 2 "$filter and greater 120" ping_tos 0xba $dst >/dev/null
	check "$t: ECT(0) is copied, without the DSCP" has_class $family 02
	seen B b0 2 "$filter and greater 120" ping_tos 0x01 $dst >/dev/null
	check "$t: ECT(1) is copied" has_class $family 01
	seen B b0 2 "$filter and greater 120" ping_tos 0x03 $dst >/dev/null
	check "$t: CE of the inside leaves as ECT(0)" has_class $family 02
	seen B b0 2 "$filter and greater 120" ping_tos 0 $dst >/dev/null
	check "$t: not ECT stays so" has_class $family 00
	if [ $family = 4 ]; then
		check_not "$t: DF is not set" grep -q "flags \[DF\]" "$TMP/seen"
		check "$t: the TTL is the system's" grep -q "ttl 63" "$TMP/seen"
	fi
	check_not "$t: UDP has a checksum" grep -qi "no cksum" "$TMP/seen"

	# R marks congestion on what goes to B.
	if [ $family = 4 ]; then mark="ip ecn set ce"; else mark="ip6 ecn set ce"; fi
	on R nft -f - <<-END
		table inet congest {
			chain forward {
				type filter hook forward priority 0;
				udp dport 51822 $mark
			}
		}
	END
	seen B "$WB" 1 "icmp and dst 10.9.0.2" ping_tos 0x02 $dst >/dev/null
	check "$t: congestion outside marks an ECT packet inside" grep -q "tos 0x3" "$TMP/seen"
	seen B "$WB" 1 "icmp and dst 10.9.0.2" ping_tos 0 $dst >/dev/null
	check "$t: what is not ECT arrives all the same, unmarked" grep -q "tos 0x0" "$TMP/seen"
	on R nft delete table inet congest
	check "$t: the tunnel works again" reaches A $dst

	# The mark decides the route: without it there is none.
	ip -n "$P-A" -$family route del default
	if [ $family = 4 ]; then gw=198.51.100.254; else gw=2001:db8:1::fe; fi
	ip -n "$P-A" -$family route add default via $gw table 77
	ip -n "$P-A" -$family rule add fwmark 0x77 table 77
	check_not "$t: no route without the mark" answers A $dst
	wg set "$WA" fwmark 0x77
	check "$t: the mark is set live" wait_for 3 answers A $dst
	wg set "$WA" fwmark 0x78
	check_not "$t: another mark has no route" answers A $dst
	wg set "$WA" fwmark 0x77
	check "$t: and back" wait_for 3 answers A $dst
	ip -n "$P-A" -$family rule del fwmark 0x77
	ip -n "$P-A" -$family route add default via $gw
	unpair
done
done_testing
