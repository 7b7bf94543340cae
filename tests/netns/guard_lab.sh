# SPDX-License-Identifier: ISC
# shellcheck shell=bash
# guard_lab.sh - what the tests of the killswitch and of gateways share: a machine, one behind it, a router that counts
#
#   C (192.168.77.2, fd77::2)      a machine behind A, and A's LAN
#   |
#   A (c0 192.168.77.1, fd77::1)   the machine under test
#   |  a0 198.51.100.1, 2001:db8:1::1
#   R                              counts every IP packet that A sends it
#   |
#   B (203.0.113.2, 2001:db8:2::2) the Internet, and the peer's endpoint, port 51822

# shellcheck source=tests/netns/lib.sh
. "$(dirname "${BASH_SOURCE[0]}")/lib.sh"
P=gb$$
ENDPOINT4=203.0.113.2:51822 ENDPOINT6=[2001:db8:2::2]:51822
export ENDPOINT4 ENDPOINT6

guard_topology() {
	topology_router
	space C
	link A c0 C k0
	addr A c0 192.168.77.1/24 fd77::1/64
	addr C k0 192.168.77.2/24 fd77::2/64
	ip -n "$P-C" route add default via 192.168.77.1
	ip -n "$P-C" route add default via fd77::1
	ip -n "$P-R" route add 192.168.77.0/24 via 198.51.100.1
	ip -n "$P-R" route add fd77::/64 via 2001:db8:1::1
	on A sysctl -qw net.ipv4.ip_forward=1 net.ipv6.conf.all.forwarding=1
	# Nobody asks who is there by himself; what a test sends is all there is.
	on C sysctl -qw net.ipv6.conf.all.router_solicitations=0
}

# A router's counters, on the link from A: what leaks, and beside it what may come. fe80::/10 to ff02::16 are A's
# listener reports of before a guard.
count_start() {
	on R nft -f - <<-RULES
		table netdev count {
			counter ndp {}
			counter right {}
			counter leak4 {}
			counter leak6 {}
			chain in {
				type filter hook ingress device ra priority -400;
				icmpv6 type { nd-router-solicit, nd-router-advert, nd-neighbor-solicit, nd-neighbor-advert } counter name ndp accept
				ip daddr 203.0.113.2 udp dport 51822 counter name right accept
				ip6 daddr 2001:db8:2::2 udp dport 51822 counter name right accept
				meta protocol ip counter name leak4 accept
				meta protocol ip6 counter name leak6 accept
			}
		}
	RULES
}
# counted NAME...: their sum
counted() {
	on R nft list counters table netdev count |
		awk -v names=" $* " '/counter/ { n = $2 } /packets/ && index(names, " " n " ") { sum += $2 } END { print sum + 0 }'
}
leaked() { counted leak4 leak6; }

probe() {
	local ns=$1
	shift
	on "$ns" "$PYTHON" "$LIB/probe.py" "$@"
}

# ---- the tool that sets guards ----------------------------------------------------------------

# tool_start: in A; ask LINE gives its answer in ANSWER
tool_start() {
	coproc TOOL { exec ip netns exec "$P-A" "${ADIT_TOOLS:?is where nft_tool was built}/nft_tool"; } 2>/dev/null
	# shellcheck disable=SC2153 # coproc sets it
	TOOLPID=$TOOL_PID
	PIDS+=("$TOOLPID")
	exec {TOOLIN}<&"${TOOL[0]}" {TOOLOUT}>&"${TOOL[1]}"
}
# tool_end [SIGNAL]
tool_end() {
	exec {TOOLIN}<&- {TOOLOUT}>&-
	kill "-${1:-TERM}" "$TOOLPID" 2>/dev/null
	wait "$TOOLPID" 2>/dev/null
	return 0
}
ask() {
	ANSWER=
	echo "$*" >&"$TOOLOUT"
	read -r -t $((20 * ${ADIT_PATIENCE:-3})) ANSWER <&"$TOOLIN"
}
# answered WANT LINE...: one check
answered() {
	local want=$1
	shift
	ask "$@"
	equal "$*: $want" "$ANSWER" "$want"
}
need_tool() {
	need nft
	[ -x "${ADIT_TOOLS:-}/nft_tool" ] || skip_all "nft_tool is not built (no libnftnl)"
}
