#!/bin/bash
# SPDX-License-Identifier: ISC
# The killswitch's table by itself: what may leave and what may not, replaced under traffic, flushed by others, its
# owner killed. guard_lab.sh draws the machines; the guarded interface is
#
#   A (t0 10.99.0.1, fd99::1) -- T (10.99.0.2, fd99::2), the tunnel's other end

# shellcheck source=tests/netns/guard_lab.sh
. "$(dirname "$0")/guard_lab.sh"
lab_start
need_tool
guard_topology
space T
link A t0 T t1
addr A t0 10.99.0.1/24 fd99::1/64
addr T t1 10.99.0.2/24 fd99::2/64
ip -n "$P-T" route add default via 10.99.0.1
ip -n "$P-T" route add default via fd99::1
for ns in B T C; do # TCP finds a listener, so that a connection is one
	run_bg $ns /dev/null "$PYTHON" "$LIB/lab.py" echo :: 4000
done
ip -n "$P-B" addr add 203.0.113.200/24 dev b0
ip -n "$P-B" addr add 2001:db8:2::200/64 dev b0 nodad
# Everybody has met: only the rows about neighbour discovery begin cold.
for to in $B4 $B6 10.99.0.2 fd99::2 192.168.77.2 fd77::2; do wait_for 5 answers A $to; done
for to in $B4 $B6; do wait_for 5 answers C $to; done
wait_for 5 answers B fd77::2
count_start

G4="to4=$B4" G6="to6=$B6"
RIGHT="mark=51820 port=51822"
# what is sent by whom; each must count without a guard, and not with one
ROWS="
A tcp4
A tcp6
A udp4
A udp6
A icmp4
A icmp6
A dns4
A dns6
A dnstcp4
A dnstcp6
A raw4
A raw6
A tcp4 dev=a0
A tcp6 dev=a0
A udp4 dev=a0
A udp6 dev=a0
A icmp4 dev=a0
A icmp6 dev=a0
A dns4 dev=a0
A dns6 dev=a0
A udp4 size=4000
A udp6 size=4000
A frag4 source6=$A6
A frag6 source6=$A6
A frag4 mark=51820 port=51822
A frag6 mark=51820 port=51822 source6=$A6
A multicast4 dev=a0
A multicast6 dev=a0
A broadcast4 dev=a0
A udp4 mark=51820
A udp6 mark=51820
A udp4 mark=51820 port=51823
A udp6 mark=51820 port=51823
A udp4 mark=51820 port=51822 to4=203.0.113.200
A udp6 mark=51820 port=51822 to6=2001:db8:2::200
A tcp4 mark=51820 port=51822
A tcp6 mark=51820 port=51822
A icmp4 mark=51820
A icmp6 mark=51820
A udp4 mark=51821 port=51823
A dns4 mark=51820
A dns6 mark=51820
A udp4 from=68 port=67
A udp6 from=546 port=547
A solicit6 dev=a0 hops=64
C tcp4
C tcp6
C udp4
C udp6
C icmp4
C icmp6
C dns4
C dns6
C udp4 size=4000
C udp6 size=4000
C frag4
C frag6 source6=fd77::2
"
# counted_of COUNTERS NS PROBE...: how many packets more
counted_of() {
	local before counters=$1
	shift
	# shellcheck disable=SC2086
	before=$(counted $counters)
	probe "$@" >"$TMP/probe.out"
	# shellcheck disable=SC2086
	echo $(($(counted $counters) - before))
}
# sends NS PROBE...: how many packets the router counts more
sends() { counted_of "leak4 leak6 ndp right" "$@"; }
sends_leak() { counted_of "leak4 leak6" "$@"; }

# ---- the counter counts ------------------------------------------------------------------------

silent=
while read -r row; do
	[ -n "$row" ] || continue
	# shellcheck disable=SC2086
	[ "$(sends $row)" -gt 0 ] || silent="$silent [$row: $(tr '\n' ' ' <"$TMP/probe.out")]"
done <<<"$ROWS"
equal "without a guard the router counts every row" "$silent" ""

# ---- what may leave ------------------------------------------------------------------------------

tool_start
ask keeps
KEEPS=$ANSWER
diag "the kernel keeps a killswitch by itself: $KEEPS"
GUARD="guard t0 51820 lan=block to=$ENDPOINT4,$ENDPOINT6"
answered ok "set $GUARD"
answered yes "intact $GUARD"
while read -r row; do
	[ -n "$row" ] || continue
	# shellcheck disable=SC2086
	equal "blocked: $row" "$(sends_leak $row)" 0
done <<<"$ROWS"
# Repeated SYNs and the like come later.
BEFORE=$(leaked)
sleep 1.2
equal "and nothing comes after" "$(leaked)" "$BEFORE"
# shellcheck disable=SC2086
{
probe A udp4 tcp4 udp6 tcp6 wait=5 >"$TMP/said"
equal "programs are told at once" "$(grep -c refused "$TMP/said")" 4
equal "marked, to the endpoint: IPv4" "$(counted_of right A udp4 $RIGHT)" 1
equal "marked, to the endpoint: IPv6" "$(counted_of right A udp6 $RIGHT)" 1
equal "not marked, to the endpoint: IPv4" "$(counted_of right A udp4 port=51822)" 0
equal "not marked, to the endpoint: IPv6" "$(counted_of right A udp6 port=51822)" 0
equal "a datagram larger than the link, to the endpoint" "$(counted_of "leak4 right" A udp4 $RIGHT size=2000)" 2
# A router's entry that nobody knows: neighbour discovery and the packet itself must pass
ip -n "$P-A" neigh flush dev a0
sends A udp6 $RIGHT >"$TMP/cold"
expr_true "a neighbour that is not known: solicitation and datagram pass" "$(cat "$TMP/cold") >= 2"
expr_true "a router is asked for" "$(sends A solicit6 dev=a0) > 0"
expr_true "DHCP" "$(sends A dhcp4 dev=a0) > 0"
expr_true "DHCPv6" "$(sends A dhcp6 dev=a0) > 0"
}
for ip in 10.99.0.2 fd99::2; do
	check "through the guarded interface: $ip" reaches A $ip
	check "forwarded into it, and back: $ip" reaches C $ip
done
for ip in 127.0.0.1 ::1 198.51.100.1 fd77::1; do check "lo: $ip" reaches A $ip; done
for ip in 192.168.77.2 fd77::2; do check_not "the LAN is blocked: $ip" answers A $ip; done
# What comes through the tunnel by itself is no answer.
for ip in 192.168.77.2 fd77::2; do check_not "forwarded out of it, begun there: $ip" answers T $ip; done

# ---- the words -----------------------------------------------------------------------------------

GUARD="$GUARD dns=203.0.113.2,2001:db8:2::2 exclude=203.0.113.200,2001:db8:2::200/128"
answered ok "set $GUARD"
# shellcheck disable=SC2086
for kind in dns4 dns6 dnstcp4 dnstcp6; do
	expr_true "dns: marked $kind" "$(sends A $kind mark=51820) > 0"
	equal "dns: not marked $kind" "$(sends_leak A $kind)" 0
	equal "dns: marked $kind to another" "$(sends_leak A $kind mark=51820 to4=203.0.113.254 to6=2001:db8:2::fe)" 0
done
expr_true "exclude: IPv4" "$(sends A tcp4 to4=203.0.113.200) > 0"
expr_true "exclude: IPv6" "$(sends A icmp6 to6=2001:db8:2::200) > 0"
equal "exclude: its neighbour" "$(sends_leak A icmp4 to4=203.0.113.201)" 0
answered ok "set guard t0 51820 lan=allow to=$ENDPOINT4,$ENDPOINT6"
for ip in 192.168.77.2 fd77::2; do check "lan=allow: $ip" reaches A $ip; done
on C nft -f - <<-RULES
	table inet seen {
		counter dns {}
		chain in {
			type filter hook input priority 0;
			meta l4proto { tcp, udp } th dport { 53, 853 } counter name dns
		}
	}
RULES
probe A dns4 dns6 dnstcp4 dnstcp6 to4=192.168.77.2 to6=fd77::2 >/dev/null
probe A udp4 udp6 tcp4 tcp6 to4=192.168.77.2 to6=fd77::2 port=853 >/dev/null
equal "lan=allow: but no names are told to it" "$(on C nft list counter inet seen dns | awk '/packets/ { print $2 }')" 0
equal "lan=allow: multicast" "$(counted_of leak4 A multicast4 dev=a0)" 1
# A LAN that says it has public addresses
equal "lan=allow: a link with addresses of the Internet, IPv4" "$(sends_leak A tcp4 udp4 icmp4 to4=198.51.100.254)" 0
equal "lan=allow: a link with addresses of the Internet, IPv6" "$(sends_leak A tcp6 udp6 icmp6 to6=2001:db8:1::fe)" 0
equal "lan=allow: the Internet" "$(sends_leak A tcp4 udp4 icmp4 tcp6 udp6 icmp6)" 0
answered ok "set guard t9 7 lan=block to=203.0.113.200:1"
check_not "two guards: the LAN is blocked by either" answers A 192.168.77.2
equal "two guards: the first one's endpoint" "$(counted_of right A udp4 mark=51820 port=51822)" 1
equal "two guards: the second one's endpoint" "$(sends_leak A udp4 mark=7 port=1 to4=203.0.113.200)" 1
equal "two guards: no mixing" "$(sends_leak A udp4 mark=51820 port=1 to4=203.0.113.200)" 0
check "two guards: through the first one's interface" reaches A 10.99.0.2
answered ok "unset guard t9 7 lan=block"
check "one guard again: the LAN" reaches A 192.168.77.2
answered ok "set guard t9 7 lan=block to=[fe80::1%2]:51822"
check "an endpoint of a link" on A sh -c "nft list chain inet adit own | grep -q 'fe80::1 . 51822'"
answered "Invalid argument: what a guard allows cannot be read: lan=perhaps" "set guard t9 7 lan=perhaps"
answered ok "unset guard t9 7 lan=block"

# ---- re-routed after our hook: the last chain sees where it really goes ------------------------------

answered ok "set guard t0 51820 lan=block to=$ENDPOINT4,$ENDPOINT6"
ip -n "$P-A" route add default dev t0 table 100
ip -n "$P-A" -6 route add default dev t0 table 100
for f in -4 -6; do ip -n "$P-A" $f rule add not fwmark 99 table 100 priority 100; done
on A nft -f - <<-RULES
	table inet other {
		chain reroute {
			type route hook output priority 50;
			udp dport 4000 meta mark set 99
		}
	}
RULES
equal "re-routed out of the tunnel by others: IPv4" "$(sends_leak A udp4)" 0
equal "re-routed out of the tunnel by others: IPv6" "$(sends_leak A udp6)" 0
ask "unset guard t0 51820 lan=block"
expr_true "  and without a guard it does get out" "$(sends_leak A udp4) > 0"
on A nft delete table inet other
for f in -4 -6; do ip -n "$P-A" $f rule del priority 100; done

# ---- replaced under traffic --------------------------------------------------------------------------

answered ok "set guard t0 51820 lan=block to=$ENDPOINT4,$ENDPOINT6"
BEFORE=$(leaked)
run_bg A "$TMP/flood" "$PYTHON" "$LIB/probe.py" flood4 flood="${ADIT_SECONDS:-2}"
FLOOD=$BGPID
run_bg C "$TMP/flood.c" "$PYTHON" "$LIB/probe.py" flood6 flood="${ADIT_SECONDS:-2}"
FLOODC=$BGPID
replaced=0
until gone "$FLOOD"; do
	ask "set guard t0 51820 lan=block to=203.0.113.9:$((replaced % 1000 + 1)),$ENDPOINT4"
	[ "$ANSWER" = ok ] && replaced=$((replaced + 1))
done
wait "$FLOOD" "$FLOODC" 2>/dev/null
diag "$replaced times replaced; $(head -n 1 "$TMP/flood"); forwarded: $(head -n 1 "$TMP/flood.c")"
expr_true "the table was replaced, again and again" "$replaced >= 20"
equal "replaced under traffic: leaked" "$(($(leaked) - BEFORE))" 0

# ---- others, and the end of its owner ------------------------------------------------------------------

GUARD="guard t0 51820 lan=block to=$ENDPOINT4,$ENDPOINT6"
answered ok "set $GUARD"
if [ "$KEEPS" = yes ]; then
	on A nft add table inet bystander
	on A nft flush ruleset
	check_not "nft flush ruleset flushes" on A nft list table inet bystander
	answered yes "intact $GUARD"
	equal "after nft flush ruleset" "$(sends_leak A tcp4 udp4 icmp4 dns4 tcp6 udp6 icmp6 dns6)" 0
	check_not "nobody else can delete it" on A nft delete table inet adit
	check_not "or change it" on A nft insert rule inet adit output accept
	on A "$ADIT_TOOLS/nft_tool" <<<"set $GUARD" >"$TMP/second"
	equal "a second owner is told" "$(cat "$TMP/second")" "Operation not permitted: another process that lives owns the table"
	on A "$ADIT_TOOLS/nft_tool" <<<"unset $GUARD" >"$TMP/second"
	equal "and cannot remove it" "$(cat "$TMP/second")" "Operation not permitted: another process that lives owns the table"
fi
tool_end KILL
equal "its owner killed" "$(sends_leak A tcp4 udp4 icmp4 dns4 tcp6 udp6 icmp6 dns6)" 0
equal "  the endpoint is open still" "$(counted_of right A udp4 mark=51820 port=51822)" 1
tool_start
ask "keep $GUARD"
[ "$KEEPS" = no ] || answered no "intact $GUARD" # nobody's
answered ok "set $GUARD"
answered yes "intact $GUARD"
if [ "$KEEPS" = yes ]; then
	on A nft flush ruleset
	answered yes "intact $GUARD"
fi
tool_end KILL

# Nobody's table, changed by somebody: seen, and made as it should be under traffic.
changed() {
	local what=$1
	shift
	on A nft "$@" || not_ok "cannot: nft $*"
	tool_start
	ask "keep $GUARD"
	answered no "intact $GUARD"
	BEFORE=$(leaked)
	run_bg A "$TMP/flood" "$PYTHON" "$LIB/probe.py" flood4 flood=0.3
	ask "set $GUARD"
	wait "$BGPID" 2>/dev/null
	equal "mended: $what" "$ANSWER" ok
	answered yes "intact $GUARD"
	equal "  leaked meanwhile" "$(($(leaked) - BEFORE))" 0
	equal "  one table" "$(on A nft list tables | xargs)" "table inet adit"
	tool_end KILL
}
changed "a rule more" insert rule inet adit ways oifname '"t5"' accept
changed "a rule less" flush chain inet adit lan \; flush chain inet adit own
changed "a chain more" add chain inet adit extra '{ type filter hook output priority -5; }'
changed "another policy" chain inet adit output '{ policy accept; }'
changed "all rules" flush table inet adit
on A nft flush ruleset
# a table of our name that is no killswitch
for flags in "" "flags dormant;"; do
	on A nft -f - <<-RULES
		table inet adit {
			$flags
			chain output {
				type filter hook output priority 0;
			}
		}
	RULES
	[ -n "$flags" ] || tool_start
	answered ok "set $GUARD"
	answered yes "intact $GUARD"
	[ -n "$flags" ] || answered ok "unset $GUARD"
done

# ---- news, and the end -----------------------------------------------------------------------------------

ask changed
answered no changed
answered ok "set $GUARD"
answered no changed
answered ok "set replies t0 51820 10.99.0.1,fd99::1"
answered no changed
on A nft add table inet bystander
answered no changed
on A nft delete table inet adit-t0
answered yes wait
answered ok "delete adit-t0"
answered ok "unset $GUARD"
answered yes "intact $GUARD" # none is wanted, none is there
equal "no guard, no table" "$(on A nft list tables | xargs)" "table inet bystander"
expr_true "no guard: all may leave" "$(sends_leak A udp4) > 0"
done_testing
