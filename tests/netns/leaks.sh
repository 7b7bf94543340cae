#!/bin/bash
# SPDX-License-Identifier: ISC
# A full tunnel with a killswitch by the agent, and everything that may happen to it, while all kinds of packets are sent
# to the Internet without a pause. guard_lab.sh draws the machines; B is the peer, and 203.0.113.200 and 2001:db8:2::200
# behind it are what is asked for, through the tunnel or, if something leaks, beside it.
#   ADIT_HOLD   seconds that a fault lasts (1)
#   ADIT_OUTER  4 or 6: how the tunnel's datagrams go (4)

# shellcheck source=tests/netns/guard_lab.sh
. "$(dirname "$0")/guard_lab.sh"
lab_start
need nft socat pgrep
guard_topology
HOLD=${ADIT_HOLD:-1}
[ "${ADIT_OUTER:-4}" = 6 ] && ENDPOINT=$ENDPOINT6 RIGHT="ip6 daddr 2001:db8:2::2" || ENDPOINT=$ENDPOINT4 RIGHT="ip daddr 203.0.113.2"
CONF=$TMP/agent.toml
IFN=${W}a
export ADIT_CONTROL=$TMP/control.sock
ip -n "$P-B" addr add 203.0.113.200/24 dev b0
ip -n "$P-B" addr add 2001:db8:2::200/64 dev b0 nodad
PUBA=$(key a) PUBB=$(key b)
device_up B "${W}b" adit || { not_ok "the peer starts"; done_testing; }
wg set "${W}b" private-key "$TMP/b.key" listen-port 51822 peer "$PUBA" allowed-ips 10.9.0.1/32,fd09::1/128
inner B "${W}b" 10.9.0.2/24 fd09::2/64
run_bg B /dev/null socat TCP6-LISTEN:4000,fork,reuseaddr,ipv6only=0 PIPE

# config [LINE [LAN]]: with one more line for the network
config() {
	(umask 077; cat >"$CONF") <<-CONF
		[agent]
		control_socket = "$ADIT_CONTROL"
		state_dir = "$TMP/state"

		[network.full]
		enable = true
		interface = "$IFN"
		private_key_path = "$TMP/a.key"
		addresses = ["10.9.0.1/32", "fd09::1/128"]
		killswitch = true
		lan = "${2:-block}"
		${1:-}

		[[network.full.peers]]
		public_key = "$PUBB"
		endpoint = "$ENDPOINT"
		allowed_ips = ["0.0.0.0/0", "::/0"]
	CONF
}

KINDS="tcp udp icmp dns bound endpoint forwarded other"
PROBES= BEHIND=
for f in 4 6; do
	PROBES="$PROBES tcp$f,port=4000 udp$f,port=4001 icmp$f dns$f tcp$f,port=4005,dev=a0 udp$f,port=4005,dev=a0"
	PROBES="$PROBES udp$f,port=51822,to4=$B4,to6=$B6 multicast$f,dev=a0 frag$f,source6=$A6"
	BEHIND="$BEHIND tcp$f udp$f icmp$f"
done
WIREGUARD="0x1000000, 0x2000000, 0x3000000, 0x4000000" # how its messages begin
# A counter for each cell, and one for whatever else leaves.
router_counts() {
	local name
	{
		echo "table netdev cells {"
		for name in $KINDS; do echo "counter ${name}4 {}; counter ${name}6 {}"; done
		cat <<-RULES
			chain in {
				type filter hook ingress device ra priority -400;
				icmpv6 type { nd-router-solicit, nd-router-advert, nd-neighbor-solicit, nd-neighbor-advert } accept
				$RIGHT udp dport { 51822, 51823 } @th,64,32 { $WIREGUARD } accept
				ip saddr 192.168.77.2 counter name forwarded4 accept
				ip6 saddr fd77::2 counter name forwarded6 accept
				meta protocol ip th dport 51822 counter name endpoint4 accept
				meta protocol ip th dport 4005 counter name bound4 accept
				ip protocol icmp counter name icmp4 accept
				ip protocol udp udp dport 53 counter name dns4 accept
				ip protocol tcp tcp dport 4000 counter name tcp4 accept
				ip protocol udp udp dport 4001 counter name udp4 accept
				meta protocol ip counter name other4 accept
				meta protocol ip6 th dport 51822 counter name endpoint6 accept
				meta protocol ip6 th dport 4005 counter name bound6 accept
				meta l4proto icmpv6 counter name icmp6 accept
				ip6 nexthdr udp udp dport 53 counter name dns6 accept
				ip6 nexthdr tcp tcp dport 4000 counter name tcp6 accept
				ip6 nexthdr udp udp dport 4001 counter name udp6 accept
				meta protocol ip6 counter name other6 accept
			}
		RULES
		echo "}"
	} | on R nft -f -
}
# All of them: NAME COUNT
cells() { on R nft list counters table netdev cells | awk '/counter/ { n = $2 } /packets/ { print n, $2 }'; }
cell() { awk -v n="$1" '$1 == n { print $2 }' "$2"; }

probes_start() {
	# shellcheck disable=SC2086
	run_bg A "$TMP/tries" "$PYTHON" "$LIB/probe.py" $PROBES every=0.01 wait=0.02 to4=203.0.113.200 to6=2001:db8:2::200
	PROBER=$BGPID
	# shellcheck disable=SC2086
	run_bg C "$TMP/tries.c" "$PYTHON" "$LIB/probe.py" $BEHIND every=0.02 wait=0.02 to4=203.0.113.200 to6=2001:db8:2::200
	PROBERC=$BGPID
}
probes_end() {
	kill "$PROBER" "$PROBERC"
	wait "$PROBER" "$PROBERC" 2>/dev/null
	cat "$TMP/tries.c" >>"$TMP/tries"
}

FROM=A # or A C: a gateway
inner_flows() {
	local ns
	for ns in $FROM; do
		answers "$ns" 203.0.113.200 && answers "$ns" 2001:db8:2::200 || return
	done
}
agent_start() {
	run_bg A "$TMP/agent.log" "$ADIT" agent -c "$CONF"
	AGENT=$BGPID
}
# Both processes of the agent; the helper alone.
agent_pids() { echo "$AGENT $(pgrep -P "$AGENT" | xargs)"; }
helper_pid() { pgrep -P "$AGENT"; }

# during NAME FAULT CURE: a row of the matrix
during() {
	local name=$1 fault=$2 cure=$3 f kind few
	if ! wait_for 5 inner_flows; then
		not_ok "$name: inner traffic flows before"
		tail -n 5 "$TMP/agent.log" | indent
		return
	fi
	ok "$name: inner traffic flows before"
	cells >"$TMP/before"
	probes_start
	sleep 0.3
	$fault
	sleep "$HOLD"
	$cure
	check "$name: inner traffic flows after" wait_for 5 inner_flows
	probes_end
	sleep 0.2
	cells >"$TMP/after"
	few=$(awk '$2 < 3' "$TMP/tries" | xargs)
	equal "$name: every kind was tried" "$few $(wc -l <"$TMP/tries")" " $(wc -w <<<"$PROBES $BEHIND")"
	for f in 4 6; do
		for kind in $KINDS; do
			equal "$name: $kind over IPv$f: leaked" \
				"$(($(cell "$kind$f" "$TMP/after") - $(cell "$kind$f" "$TMP/before")))" 0
		done
	done
}

# ---- the router counts ----------------------------------------------------------------------------

wait_for 5 inner_flows || not_ok "the Internet is there"
router_counts
probes_start
sleep 0.7
probes_end
cells >"$TMP/before"
for f in 4 6; do
	for kind in $KINDS; do
		expr_true "without a tunnel the router counts $kind over IPv$f" "$(cell "$kind$f" "$TMP/before") > 0"
	done
done

# ---- the matrix -------------------------------------------------------------------------------------

config
agent_start
tunnel_carries() { inner_flows && [ "$(handshake_of "${W}b" "$PUBA")" -gt 0 ]; }
check "the agent brings the tunnel up" wait_for 10 tunnel_carries || { indent "$TMP/agent.log"; done_testing; }
nothing() { :; }
# Waited for: else bash tells of it.
reap() { wait "$AGENT" 2>/dev/null; }
# shellcheck disable=SC2046
kill_all() { kill -KILL $(agent_pids); reap; }
kill_network() { kill -KILL "$AGENT"; reap; }
kill_helper() { kill -KILL "$(helper_pid)"; }
again() {
	wait_for 10 gone "$AGENT" || kill -KILL "$AGENT"
	reap
	agent_start
}
during "kill -9 of both processes" kill_all again
during "kill -9 of the network process" kill_network again
during "kill -9 of the helper" kill_helper again
# shellcheck disable=SC2046
freeze() { kill -STOP $(agent_pids); }
# shellcheck disable=SC2046
thaw() { kill -CONT $(agent_pids); }
during "SIGSTOP" freeze thaw
link_del() { ip -n "$P-A" link del "$IFN"; }
during "ip link del" link_del nothing
flush_nft() { on A nft flush ruleset; }
if [ -n "$(on A nft list table inet adit 2>/dev/null | grep -E 'flags')" ]; then
	during "nft flush ruleset" flush_nft nothing
else
	skip "nft flush ruleset" "this kernel cannot keep a table through it (before 6.9)"
fi
halves() {
	local p
	for p in 0.0.0.0/1 128.0.0.0/1; do ip -n "$P-A" route "$1" $p via 198.51.100.254; done
	for p in ::/1 8000::/1; do ip -n "$P-A" -6 route "$1" $p via 2001:db8:1::fe; done
}
halves_add() { halves add; }
halves_del() { halves del; }
during "routes of half the Internet each" halves_add halves_del
mtu_is() { on A ip -o link show "$IFN" | grep -q "mtu $1 "; }
reloads() {
	local line
	for line in 'mtu = 1380' 'exclude = ["198.18.0.0/15"]' 'listen_port = 51999' 'fwmark = 4242' ''; do
		config "$line"
		kill -HUP "$AGENT"
		[ "$line" != 'mtu = 1380' ] || check "reload: takes effect" wait_for 5 mtu_is 1380
		sleep 0.4
	done
}
during "reload" reloads nothing

# The next agent takes over: its killswitch must be its own then, or the next flush removes it.
replace() {
	local old=$AGENT
	run_bg A "$TMP/agent.log" "$ADIT" agent -c "$CONF" --replace
	AGENT=$BGPID
	wait_for 10 gone "$old" || not_ok "the agent before ends"
	wait "$old" 2>/dev/null
}
during "another agent takes over" replace nothing
during "nft flush ruleset after that" flush_nft nothing

# The peer speaks from another port: what is let out to it moves, once that is authenticated.
roam() {
	wg set "${W}b" listen-port "$1"
	wait_for 5 answers B 10.9.0.1
}
there() { roam 51823; }
back() { roam 51822; }
during "the peer moves" there nothing
during "the peer moves back" back nothing

# ---- more that others do -----------------------------------------------------------------------------

rules_del() {
	local f
	for f in -4 -6; do
		while ip -n "$P-A" $f rule del protocol 97 2>/dev/null; do :; done
	done
}
during "rules deleted" rules_del nothing
link_down() { ip -n "$P-A" link set "$IFN" down; }
during "ip link set down" link_down nothing
table_flush() { for f in -4 -6; do ip -n "$P-A" $f route flush table all proto 97; done; }
during "routes flushed" table_flush nothing

# ---- a gateway ----------------------------------------------------------------------------------------------

# The machine behind is reached by the LAN's ranges, and multicast of the link may leave then.
PROBES=$(sed 's/multicast[46],dev=a0//g' <<<"$PROBES")
FROM="A C"
GATEWAY='forward = true
masquerade = true
mss_clamp = true'
config "$GATEWAY" allow
kill -HUP "$AGENT"
during "gateway: kill -9 of both processes" kill_all again
during "gateway: ip link del" link_del nothing
during "gateway: nft flush ruleset" flush_nft nothing
reload_gateway() { config "$GATEWAY
mtu = 1380" allow && kill -HUP "$AGENT"; }
during "gateway: reload" reload_gateway nothing

# ---- the end ----------------------------------------------------------------------------------------------

cells >"$TMP/before"
kill_all
check_not "killed: closed" answers A 203.0.113.200
check_not "killed: closed, IPv6" answers A 2001:db8:2::200
opened() {
	check "$1: the Internet is there" inner_flows
	cells >"$TMP/after"
	expr_true "$1: and the router counts it" "$(cell icmp4 "$TMP/after") > $(cell icmp4 "$TMP/before")"
	equal "$1: no table of ours is left" "$(on A nft list tables | grep -c adit)" 0
	equal "$1: no rule, no route" "$(on A sh -c "ip rule; ip -6 rule; ip route show table all; ip -6 route show table all" | grep -c 'proto 97')" 0
}
check "adit cleanup" on A "$ADIT" cleanup --state-dir "$TMP/state"
opened "adit cleanup"
agent_start
check "the agent again" wait_for 10 inner_flows
stop "$AGENT"
opened "SIGTERM"
done_testing
