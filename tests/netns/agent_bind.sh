#!/bin/bash
# SPDX-License-Identifier: ISC
#
# agent_bind.sh - bind_interface and bind_address: by which link and from which address datagrams leave, what is said
# while there is no such link or address, and that it carries soon after they are back; metric: whose route wins
#
#   A  a0 198.51.100.1  ---- veth ----  198.51.100.2 b0  B   192.0.2.2, port 51822: the far end
#      a1 203.0.113.1   ---- veth ----  203.0.113.2  b1      wB 10.9.0.2
#
# A's routes prefer a0. ADIT_LONG=1: judges that it carries within 2 s of the link's return, on a quiet machine.
. "$(dirname "$0")/agent_lab.sh"
P=bi$$
agent_lab_start
need nft

second_link() {
	link A a1 B b1
	addr A a1 203.0.113.1/24 2001:db8:2::1/64
	addr B b1 203.0.113.2/24 2001:db8:2::2/64
	second_routes
}
second_routes() {
	ip -n "$P-A" route add 192.0.2.2 via 203.0.113.2 dev a1 metric 200
	ip -n "$P-A" route replace 192.0.2.2 via 203.0.113.2 dev a1 table 51
}
ip -n "$P-B" addr add 192.0.2.2/32 dev lo
ip -n "$P-A" route add 192.0.2.2 via 198.51.100.2 dev a0 metric 100
ip -n "$P-A" rule add from 203.0.113.1 lookup 51
second_link
on B nft -f - <<'END'
table inet t {
	counter first { }
	counter second { }
	counter second_source { }
	counter six { }
	chain in {
		type filter hook prerouting priority -300;
		udp dport 51822 iifname "b0" counter name first
		udp dport 51822 iifname "b1" counter name second
		udp dport 51822 ip saddr 203.0.113.1 counter name second_source
		udp dport 51822 ip6 saddr 2001:db8:2::7 counter name six
	}
}
END
counted() { on B nft -j list counter inet t "$1" | jq '[.nftables[].counter.packets // empty] | add'; }
# ways: which of the counters moves while something is sent
ways() {
	on B nft reset counters >/dev/null
	on A ping -q -c 5 -i 0.05 -W 2 10.9.0.2 >/dev/null || echo lost
	for c in first second second_source six; do [ "$(counted $c)" -ge 5 ] && echo $c; done
	return 0
}
by() { equal "$1" "$(ways | paste -sd ' ')" "$2"; }

# office [LINE...]: keys of the network
office() {
	config "$(printf '%s\n' "$@")" | sed "s/$B4:51822/192.0.2.2:51822/"
}
state() { "$ADIT" status --json --control "$CONTROL" 2>/dev/null | jq -r '.networks[0] | "\(.state) \(.reason)"'; }
is() { [[ $(state) == "$1" ]]; }
why() { "$ADIT" status --json --control "$CONTROL" | jq -r '.networks[0].why'; }
becomes() {
	wait_for "$3" is "$2" || true
	equal "$1" "$(state)" "$2"
}
reload() { on A "$ADIT" reload; }
# soon "what": it carries, and with ADIT_LONG within 2 s
soon() {
	local start
	start=$(now_ms)
	check "$1" wait_for 10 answers_agent
	[ -n "${ADIT_LONG:-}" ] && expr_true "within 2 s" "$(($(now_ms) - start)) < 2000"
	return 0
}

# ---- which way --------------------------------------------------------------------------------------

office >"$CONFIG"
agent
check "it carries" carries
by "without either: as the routes say" first
office 'bind_interface = "a1"' >"$CONFIG"
check "bind_interface by a reload" reload
check "it carries" carries
by "by that interface, with its address" "second second_source"
office 'bind_address = "203.0.113.1"' >"$CONFIG"
check "bind_address by a reload" reload
check "it carries" carries
by "from that address, and so by its rule" "second second_source"
equal "nothing else listens" "$(on A ss -Hlun | awk '{ print $4 }' | grep -vc '^203.0.113.1:')" 0
office 'bind_address = "203.0.113.1"' 'bind_interface = "a1"' 'listen_port = 51999' >"$CONFIG"
check "both, and a port" reload
check "it carries" carries
by "both" "second second_source"
equal "the port" "$(on A ss -Hlun 'sport = :51999' | awk '{ print $4 }')" "203.0.113.1%a1:51999"

# The next agent is left sockets, and takes those that are bound as its file says.
replace() { # WHAT WAYS LINE...
	local old=$AGENT what=$1 ways=$2
	shift 2
	office "$@" 'listen_port = 51999' >"$CONFIG"
	agent --replace
	check "$what: another agent takes over" wait_for 10 gone "$old"
	soon "$what: it carries"
	by "$what: the way" "$ways"
}
socket_of() { on A ss -Hlune "sport = :51999 and src 0.0.0.0" | grep -o 'ino:[0-9]*'; }
replace "neither any more" first
SOCKET=$(socket_of)
replace "as before" first
check "there is a socket" test -n "$SOCKET"
equal "by the socket that was left" "$(socket_of)" "$SOCKET"
replace "bind_interface" "second second_source" 'bind_interface = "a1"'
replace "another one" first 'bind_interface = "a0"'

addr A a1 2001:db8:2::7/64
office 'bind_address = "2001:db8:2::7"' | sed 's/192.0.2.2:/[2001:db8:2::2]:/' >"$CONFIG"
check "IPv6" reload
check "it carries" carries
by "from that one of two addresses" "second six"

# ---- the interface goes, and comes back ---------------------------------------------------------------

office 'bind_interface = "a1"' >"$CONFIG"
check "bind_interface alone" reload
check "it carries" carries
ip -n "$P-A" link set a1 down
check_not "the link is down: nothing arrives" answers_agent
ip -n "$P-A" link set a1 up
second_routes
soon "the link is up: it carries"
by "by it" "second second_source"
ip -n "$P-A" link del a1
becomes "it is deleted" "error no_route" 10
equal "which is said" "$(why)" "bind_interface: there is no interface a1"
on B nft reset counters >/dev/null
on A ping -q -c 3 -i 0.2 -W 1 10.9.0.2 >/dev/null
equal "no datagram leaves by another" "$(counted first)" 0
second_link
soon "it is there again: it carries"
becomes "and says so" "up ok" 10
by "by it" "second second_source"
stop "$AGENT"

# ---- not there at the start -----------------------------------------------------------------------------

ip -n "$P-A" link del a1
agent
becomes "no such interface at the start" "error no_route" 10
equal "it is said" "$(why)" "bind_interface: there is no interface a1"
second_link
soon "it comes: it carries"
by "by it" "second second_source"
stop "$AGENT"
office 'bind_address = "203.0.113.9"' >"$CONFIG"
agent
becomes "no such address at the start" "error no_route" 10
equal "it is said, too" "$(why)" "bind_address: this machine does not have 203.0.113.9"
addr A a1 203.0.113.9/24
soon "it comes: it carries"
ip -n "$P-A" addr del 203.0.113.9/24 dev a1
becomes "it goes" "error no_route" 10
equal "which is said" "$(why)" "bind_address: this machine does not have 203.0.113.9"
addr A a1 203.0.113.9/24
soon "it comes back: it carries"
stop "$AGENT"

# ---- a forward -------------------------------------------------------------------------------------------

{
	config | sed '/^\[network.office\]/,$d'
	config_web | sed "s/$B4:51822/192.0.2.2:51822/; s/^addresses = .*/&\nbind_address = \"203.0.113.1\"/"
	echo 'persistent_keepalive_secs = 1'
} >"$CONFIG"
on B nft reset counters >/dev/null
agent
came() { [ "$(counted second_source)" -ge 3 ]; }
check "a forward sends from its bind_address" wait_for 10 came
equal "and from no other" "$(counted first)" 0
stop "$AGENT"

# ---- metric ---------------------------------------------------------------------------------------------

two() { # METRIC-OF-OFFICE METRIC-OF-OTHER
	office "metric = $1" | sed 's|"10.88.0.0/16"|"10.88.0.0/16", "10.50.0.0/16"|'
	cat <<-END
		[network.other]
		enable = true
		interface = "${W}o"
		private_key_path = "c.key"
		addresses = ["10.9.0.3/32"]
		metric = $2

		[[network.other.peers]]
		public_key = "$(key b)"
		endpoint = "192.0.2.2:51822"
		allowed_ips = ["10.50.0.0/16", "10.60.0.0/16"]
	END
}
way() { on A ip route get "$1" 2>&1 | grep -o 'dev [^ ]*'; }
two 100 200 >"$CONFIG"
agent
wait_for 10 has_handshake "$WA" "$(key b)"
wait_for 10 has_handshake "${W}o" "$(key b)"
equal "of two networks the lower metric wins" "$(way 10.50.1.1)" "dev $WA"
equal "the other has what is its own" "$(way 10.60.1.1)" "dev ${W}o"
equal "both are there" "$(on A ip route show 10.50.0.0/16 | grep -o 'metric [0-9]*' | sort | paste -sd ' ')" "metric 100 metric 200"
two 300 200 >"$CONFIG"
check "a reload turns it round" reload
equal "and the other wins" "$(way 10.50.1.1)" "dev ${W}o"
check "it goes down" on A "$ADIT" disconnect other
equal "then the first has it" "$(way 10.50.1.1)" "dev $WA"
ip -n "$P-A" route add 10.50.0.0/16 via 198.51.100.2 metric 250
equal "somebody's own route of a lower metric wins" "$(way 10.50.1.1)" "dev a0"
two 50 200 >"$CONFIG"
check "below that" reload
equal "ours wins" "$(way 10.50.1.1)" "dev $WA"
ip -n "$P-A" route add default via 198.51.100.2 metric 150
office 'table = "main"' 'metric = 400' | sed 's|"10.88.0.0/16"|"0.0.0.0/0"|' >"$CONFIG"
check "a default route of ours in the main table" reload
equal "above the metric of the machine's: that one wins" "$(way 8.8.8.8)" "dev a0"
sed -i 's/^metric = .*/metric = 10/' "$CONFIG"
check "below it" reload
equal "ours wins" "$(way 8.8.8.8)" "dev $WA"
ip -n "$P-A" route del 10.50.0.0/16 via 198.51.100.2 metric 250
check "stop" on A timeout 30 "$ADIT" stop
equal "the machine's own stays" "$(on A ip route show default)" "default via 198.51.100.2 dev a0 metric 150 "
done_testing
