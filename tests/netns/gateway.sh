#!/bin/bash
# SPDX-License-Identifier: ISC
# A gateway's table and the table of replies, by themselves. guard_lab.sh draws the machines; the tunnel is
#
#   A (t0 10.99.0.1, fd99::1, MTU 1420) -- T (10.99.0.2, fd99::2)
#
# whose other end knows no way back to C: only what A translates is answered.

# shellcheck source=tests/netns/guard_lab.sh
. "$(dirname "$0")/guard_lab.sh"
lab_start
need_tool
need socat conntrack
guard_topology
space T
link A t0 T t1
addr A t0 10.99.0.1/24 fd99::1/64
addr T t1 10.99.0.2/24 fd99::2/64
ip -n "$P-A" link set t0 mtu 1420
for ns in T C; do
	run_bg $ns /dev/null socat TCP6-LISTEN:4000,fork,reuseaddr,ipv6only=0 PIPE
	wait_for 5 listening $ns 4000
done
for to in 10.99.0.2 fd99::2 192.168.77.2 fd77::2; do wait_for 5 answers A $to; done

# What T and C see: whose addresses, what segment sizes, what source ports.
eyes() {
	on "$1" nft -f - <<-RULES
		table inet eyes {
			counter a4 {}
			counter a6 {}
			counter c4 {}
			counter c6 {}
			counter t4 {}
			counter t6 {}
			counter fits4 {}
			counter fits6 {}
			counter large {}
			counter own_port {}
			counter other_port {}
			chain in {
				type filter hook prerouting priority 0;
				ip saddr { 10.99.0.1, 192.168.77.1 } counter name a4
				ip6 saddr { fd99::1, fd77::1 } counter name a6
				ip saddr 192.168.77.2 counter name c4
				ip6 saddr fd77::2 counter name c6
				ip saddr 10.99.0.2 counter name t4
				ip6 saddr fd99::2 counter name t6
				ip protocol tcp tcp option maxseg size 1380 counter name fits4
				ip6 nexthdr tcp tcp option maxseg size 1360 counter name fits6
				tcp option maxseg size > 1380 counter name large
				udp dport 4000 udp sport 51820 counter name own_port
				udp dport 4000 udp sport != 51820 counter name other_port
			}
		}
	RULES
}
seen() { on "$1" nft list counter inet eyes "$2" | awk '/packets/ { print $2 }'; }
# sees NS COUNTER CMD...: how many more
sees() {
	local ns=$1 counter=$2 before
	shift 2
	before=$(seen "$ns" "$counter")
	"$@" >/dev/null 2>&1
	echo $(($(seen "$ns" "$counter") - before))
}
eyes T
eyes C
# hello NS ADDRESS: a connection that says a word and hears it
hello() { [ "$(echo word | on "$1" timeout 3 socat -t 2 - "TCP:$2:4000,connect-timeout=2")" = word ]; }

# ---- without ---------------------------------------------------------------------------------------

expr_true "without a gateway T sees C: IPv4" "$(sees T c4 answers C 10.99.0.2) > 0"
expr_true "without a gateway T sees C: IPv6" "$(sees T c6 answers C fd99::2) > 0"
for to in 10.99.0.2 [fd99::2]; do check_not "and cannot answer: $to" hello C "$to"; done
expr_true "a source port stays" "$(sees T own_port probe C udp4 to4=10.99.0.2 from=51820) > 0"

# ---- masquerade --------------------------------------------------------------------------------------

tool_start
answered ok "set gateway t0 forward masquerade port=51820"
answered yes "intact gateway t0 forward masquerade port=51820"
for to in 10.99.0.2 fd99::2; do check "masquerade: C is answered by $to" reaches C $to; done
for to in 10.99.0.2 [fd99::2]; do check "masquerade: TCP from C to $to" hello C "$to"; done
equal "masquerade: T never sees C, IPv4" "$(sees T c4 reaches C 10.99.0.2)" 0
equal "masquerade: T never sees C, IPv6" "$(sees T c6 reaches C fd99::2)" 0
ip -n "$P-T" route add 192.168.77.0/24 via 10.99.0.1
ip -n "$P-T" route add fd77::/64 via fd99::1
for to in 192.168.77.2 fd77::2; do check "masquerade: T is answered by $to" reaches T $to; done
equal "masquerade: C never sees T, IPv4" "$(sees C t4 reaches T 192.168.77.2)" 0
equal "masquerade: C never sees T, IPv6" "$(sees C t6 reaches T fd77::2)" 0
check "masquerade: A itself" reaches A 10.99.0.2

# ---- our own WireGuard's port ------------------------------------------------------------------------

on A conntrack -F >/dev/null 2>&1
equal "a client cannot have WireGuard's port: IPv4" "$(sees T own_port probe C udp4 to4=10.99.0.2 from=51820)" 0
equal "a client cannot have WireGuard's port: IPv6" "$(sees T own_port probe C udp6 to6=fd99::2 from=51820)" 0
equal "  but is translated" "$(sees T other_port probe C udp4 to4=10.99.0.2 from=51820)" 1
expr_true "WireGuard itself has it" "$(sees T own_port probe A udp4 udp6 to4=10.99.0.2 to6=fd99::2 from=51820) == 2"
equal "another port stays as it is" "$(on A nft list chain inet adit-gw-t0 postrouting | grep -c 'masquerade to :1024-51819')" 2
answered ok "set gateway t0 masquerade port=20000,40000,2000"
check "the widest range without any of ours" on A sh -c "nft list chain inet adit-gw-t0 postrouting | grep -q 'masquerade to :40001-65535'"
answered ok "set gateway t0 masquerade"
on A conntrack -F >/dev/null 2>&1
expr_true "without port it could have" "$(sees T own_port probe C udp4 to4=10.99.0.2 from=51820) == 1"

# ---- segment sizes -----------------------------------------------------------------------------------

answered ok "set gateway t0 forward masquerade port=51820"
expr_true "without mss_clamp a SYN asks for more than fits" "$(sees T large hello C 10.99.0.2) > 0"
answered ok "set gateway t0 forward masquerade mss_clamp port=51820"
answered yes "intact gateway t0 forward masquerade mss_clamp port=51820"
equal "mss_clamp: SYN, IPv4" "$(sees T fits4 hello C 10.99.0.2)" 1
equal "mss_clamp: SYN, IPv6" "$(sees T fits6 hello C '[fd99::2]')" 1
equal "mss_clamp: the answer, IPv4" "$(sees C fits4 hello C 10.99.0.2)" 1
equal "mss_clamp: the answer, IPv6" "$(sees C fits6 hello C '[fd99::2]')" 1
equal "mss_clamp: nothing larger" "$(sees T large hello C 10.99.0.2)" 0
equal "mss_clamp: the other way" "$(sees C fits4 hello T 192.168.77.2)" 1
# smaller ones stay
ip -n "$P-C" route change default via 192.168.77.1 advmss 1000
equal "mss_clamp: never enlarges" "$(sees T fits4 hello C 10.99.0.2)" 0
ip -n "$P-C" route change default via 192.168.77.1
# the path's MTU, not only the link's
ip -n "$P-A" route add 10.99.0.2/32 dev t0 mtu 1300
equal "mss_clamp: fits the path" "$(sees T fits4 hello C 10.99.0.2)" 0
check "  and passes" hello C 10.99.0.2
ip -n "$P-A" route del 10.99.0.2/32 dev t0
# whole NS ADDRESS: much there and back
whole() { [ "$(head -c 300000 /dev/zero | on "$1" timeout 10 socat -t 5 - "TCP:$2:4000" | wc -c)" = 300000 ]; }
check "a long connection: IPv4" whole C 10.99.0.2
check "a long connection: IPv6" whole C '[fd99::2]'

# ---- somebody's edits ---------------------------------------------------------------------------------

GATEWAY="gateway t0 forward masquerade mss_clamp port=51820"
edited() {
	local what=$1
	shift
	on A nft "$@"
	answered no "intact $GATEWAY"
	answered yes changed
	answered ok "set $GATEWAY"
	answered yes "intact $GATEWAY"
}
edited "a rule less" flush chain inet adit-gw-t0 mangle
edited "a rule more" insert rule inet adit-gw-t0 forward drop
edited "a chain more" add chain inet adit-gw-t0 more
edited "a hook elsewhere" delete chain inet adit-gw-t0 forward \; add chain inet adit-gw-t0 forward '{ type filter hook forward priority 5; }'
edited "asleep" add table inet adit-gw-t0 '{ flags dormant; }'
edited "gone" delete table inet adit-gw-t0
edited "everything" flush ruleset
check "and it works" reaches C 10.99.0.2
answered "Invalid argument: not what a gateway does: forwards" "set gateway t0 forwards"
answered ok "unset $GATEWAY"
answered ok "unset $GATEWAY"
equal "nothing is left" "$(on A nft list ruleset)" ""

# ---- replies --------------------------------------------------------------------------------------------

# A neighbour that asks for an inner address: C, by A's other interface.
check "without replies a neighbour finds our inner address: IPv4" reaches C 10.99.0.1
check "without replies a neighbour finds our inner address: IPv6" reaches C fd99::1
REPLIES="replies t0 51820 10.99.0.1,fd99::1"
answered ok "set $REPLIES"
answered yes "intact $REPLIES"
for to in 10.99.0.1 fd99::1; do
	check_not "a neighbour does not: $to" answers C $to
	check "the tunnel's other end does: $to" reaches T $to
	check "we ourselves do: $to" reaches A $to
done
check "and our address out there is found" reaches C 192.168.77.1
# Strict reverse path filters, and everything but what is marked goes into the tunnel: what comes back for a marked
# socket comes by an interface it would not be sent by without its mark.
on A sysctl -qw net.ipv4.conf.all.rp_filter=1 net.ipv4.conf.a0.rp_filter=1 net.ipv4.conf.all.src_valid_mark=1
ip -n "$P-A" route add default dev t0 table 51820
ip -n "$P-A" rule add not fwmark 51820 table 51820 priority 100
ip -n "$P-A" rule add table main suppress_prefixlength 0 priority 99
run_bg B /dev/null socat UDP4-RECVFROM:51822,fork PIPE
echo_back() { probe A ask4 mark=51820 port=51822 wait=1 | grep -q sent; }
check "an answer to a marked socket passes a strict reverse path filter" wait_for 3 echo_back
answered ok "unset $REPLIES"
on A conntrack -F >/dev/null 2>&1
check_not "  without it, it does not" echo_back
answered ok "set replies gw-x 0 10.1.1.1"
answered ok "set gateway x masquerade"
answered yes "intact replies gw-x 0 10.1.1.1"
answered yes "intact gateway x masquerade"
done_testing
