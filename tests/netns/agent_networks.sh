#!/bin/bash
# SPDX-License-Identifier: ISC
#
# agent_networks.sh - what an agent says of its networks: states, reasons, each with its cure; names, moves, peers live
#
#   A  a0 198.51.100.1, 2001:db8:1::1  ---- veth ----  198.51.100.2, 2001:db8:1::2 b0  B
#      agent: office 10.9.0.1                          far end wB 10.9.0.2, port 51822; names.py on port 53
#
# ADIT_LONG=1: the long pauses, too.
. "$(dirname "$0")/agent_lab.sh"
P=nw$$
agent_lab_start
need nft nc
resolver_of A "$B4"
: >"$TMP/names"
run_bg B "$TMP/names.err" $PYTHON "$LIB/names.py" "$B4" "$TMP/names" "$TMP/asked"
NAMES=$BGPID
wait_for 5 grep -q listening "$TMP/asked"
SHIFT=${ADIT_TOOLS:-}/libclock_shift.so
[ -e "$SHIFT" ] || { SHIFT=$TMP/clock_shift.so; cc -shared -fPIC -D_GNU_SOURCE -o "$SHIFT" "$LIB/clock_shift.c"; }

# office ENDPOINT [LINE...]: the configuration with that endpoint (TOML) and more keys of the peer
office() {
	local endpoint=$1 line
	shift
	cat <<-END
		[agent]
		control_socket = "$CONTROL"
		state_dir = "$STATE"

		[network.office]
		enable = true
		interface = "$WA"
		private_key_path = "a.key"
		addresses = ["10.9.0.1/24", "fd09::1/64"]
		${NETWORK_MORE:-}

		[[network.office.peers]]
		name = "far"
		public_key = "${FAR_KEY:-$(key b)}"
		endpoint = $endpoint
		allowed_ips = ["10.9.0.2/32", "fd09::2/128"]
	END
	for line; do echo "$line"; done
}
NUMBER="\"$B4:51822\""
status() { "$ADIT" status --json --control "$CONTROL" 2>/dev/null; }
now_is() { status | jq -r '.networks[0] | "\(.state) \(.reason)"'; }
is() { [[ $(now_is) == "$1" ]]; }
# becomes "what" "STATE REASON" SECONDS: waits for it, and asks for the exit status, which is 3 where a network does not carry
becomes() {
	wait_for "$3" is "$2" || true
	equal "$1" "$(now_is), status $(exit_of)" "$2, status $([[ $2 == up* ]] && echo 0 || echo 3)"
}
# pause LONG SHORT: seconds
pause() { sleep "$([ -n "${ADIT_LONG:-}" ] && echo "$1" || echo "$2")"; }
agent_stop() { stop "$AGENT"; }
far_stop() { stop "$FARPID"; }
peer_reason() { status | jq -r '.networks[0].peers[0].reason'; }
exit_of() { "$ADIT" status --control "$CONTROL" >/dev/null 2>&1; echo $?; }
talk() { on A ping -q -i 0.5 -c "${1:-20}" -W 1 10.9.0.2 >/dev/null 2>&1 & PIDS+=($!); }
# block NFT-EXPRESSION: B loses what matches, of what comes
block() { on B nft "add table inet t; add chain inet t in { type filter hook input priority 0; }; add rule inet t in $1 drop"; }
unblock() { on B nft delete table inet t; }

# ---- up, and idle ---------------------------------------------------------------------------

office "$NUMBER" >"$CONFIG"
agent
becomes "it comes up" "up ok" 10
check "it carries" carries
check "wg(8) shows the peer's handshake" has_handshake "$WA" "$(key b)"
equal "and its port" "$(wg show "$WA" listen-port)" "$(status | jq '.networks[0].listen_port')"
pause 150 18
equal "idle: it stays up" "$(now_is)" "up ok"
equal "and nothing was said about it" "$(grep -c 'office: stale' "$TMP/agent.log")" 0

# ---- data is lost while handshakes pass -----------------------------------------------------

block 'udp dport 51822 @th,64,8 4'
talk 60
becomes "data is dropped, handshakes pass: stale" "stale no_data" 20
equal "the peer has the same reason" "$(peer_reason)" no_data
unblock
becomes "the cure: up by itself" "up ok" 10

# ---- all is dropped -------------------------------------------------------------------------

block 'udp dport 51822'
talk 60
becomes "all is dropped: stale" "stale no_reply" 25
unblock
becomes "the cure: up by itself" "up ok" 15

# ---- a new agent, and nobody there ----------------------------------------------------------

agent_stop
block 'udp dport 51822'
agent
becomes "nothing comes back" "handshaking no_reply" 10
unblock
becomes "the cure: up by itself" "up ok" 15
agent_stop
far_stop
agent
becomes "a refused port" "handshaking icmp_unreachable" 5
far_end
becomes "the cure: up by itself" "up ok" 15

# ---- keys -----------------------------------------------------------------------------------

agent_stop
wg set "$WB" peer "$(key a)" preshared-key "$(psk)"
agent
becomes "the preshared key differs" "handshaking key_mismatch" 10
wg set "$WB" peer "$(key a)" preshared-key /dev/null
becomes "the cure: up by itself" "up ok" 15

# The far end calls, since it knows where we are: so its messages say which key is wrong.
agent_stop
key x >/dev/null
NETWORK_MORE='listen_port = 51821'
FAR_KEY=$(key x) office "$NUMBER" >"$CONFIG"
far_stop
far_end
wg set "$WB" peer "$(key a)" endpoint "$A4:51821" persistent-keepalive 1
agent
becomes "the peer's public key is wrong: somebody unknown calls" "handshaking unknown_peer" 15
office "$NUMBER" >"$CONFIG"
check "the cure: reload" "$ADIT" reload --control "$CONTROL"
becomes "up" "up ok" 15
agent_stop
wg set "$WB" peer "$(key a)" remove peer "$(key x)" endpoint "$A4:51821" persistent-keepalive 1 allowed-ips 10.9.0.1/32
agent
becomes "our key is not the one they know" "handshaking bad_mac1" 15
wg set "$WB" peer "$(key x)" remove peer "$(key a)" allowed-ips 10.9.0.1/32,fd09::1/128
becomes "the cure: up by itself" "up ok" 15
NETWORK_MORE=

# ---- the clock ------------------------------------------------------------------------------

agent_stop
office "$NUMBER" >"$CONFIG"
head -c 4096 /dev/zero | tr '\0' ' ' >"$TMP/shift"
printf -- '-86400' | dd of="$TMP/shift" conv=notrunc status=none
AGENT_ENV=(LD_PRELOAD="$SHIFT" CLOCK_SHIFT="$TMP/shift")
agent
becomes "the clock was set back by a day" "handshaking clock_suspect" 15
printf '      0' | dd of="$TMP/shift" conv=notrunc status=none
becomes "the cure: it is right again" "up ok" 15
printf -- '-86400' | dd of="$TMP/shift" conv=notrunc status=none
check "set back under way: told" wait_for 5 grep -q 'clock was set back' "$TMP/agent.log"
check "what runs goes on" carries
AGENT_ENV=()

# ---- names ----------------------------------------------------------------------------------

agent_stop
office '"vpn.example:51822"' >"$CONFIG"
agent
becomes "a name that does not exist" "resolving dns_failed" 10
echo "vpn.example 198.51.100.77 2001:db8:1::2" >"$TMP/names"
becomes "the cure: it does, with one dead address and one of the other family" "up ok" 20
equal "the one that answered was taken" "$(endpoint_of "$WA" "$(key b)")" "[$B6]:51822"
addr B b0 198.51.100.3/24
block 'ip6 saddr 2001:db8:1::1 udp dport 51822'
echo "vpn.example 198.51.100.3" >"$TMP/names"
talk 100
moved() { [ "$(endpoint_of "$WA" "$(key b)")" = "198.51.100.3:51822" ]; }
check "the name moves, the old place is dead: it goes there" wait_for 15 moved
check "and carries" carries
unblock
stop "$NAMES"
equal "without its name server it stays where it is" "$(now_is)" "up ok"
agent_stop
office "[\"198.51.100.77:51822\", \"[$B6]:51822\", \"$B4:1\"]" >"$CONFIG"
agent
becomes "a list: who answers first wins" "up ok" 10
equal "it is that one" "$(endpoint_of "$WA" "$(key b)")" "[$B6]:51822"

# ---- the machine moves ----------------------------------------------------------------------

agent_stop
office "$NUMBER" >"$CONFIG"
agent
becomes "up again" "up ok" 10
check "it carries" carries
ip -n "$P-A" link set a0 down
sleep 2
ip -n "$P-A" link set a0 up
check "the link was down: it carries soon after" wait_for 3 answers_agent
ip -n "$P-A" addr del 198.51.100.1/24 dev a0
addr A a0 198.51.100.9/24
check "another address: it carries soon after" wait_for 3 answers_agent
far_knows() { [[ $(endpoint_of "$WB" "$(key a)") == 198.51.100.9:* ]]; }
check "the far end has followed" wait_for 5 far_knows
ip -n "$P-A" addr del 198.51.100.9/24 dev a0
addr A a0 198.51.100.1/24
check "and back" wait_for 3 answers_agent
kill -STOP "$AGENT"
pause 200 5
kill -CONT "$AGENT"
check "it was stopped for a while: it carries soon after" wait_for 3 answers_agent
before=$(cat "/sys/class/net/$WA/ifindex" 2>/dev/null || on A cat "/sys/class/net/$WA/ifindex")
ip -n "$P-A" link del "$WA"
remade() { local i; i=$(on A cat "/sys/class/net/$WA/ifindex") && [ "$i" != "$before" ]; }
check "the TUN is deleted: it is made anew" wait_for 5 remade
becomes "and up" "up ok" 10
check "and carries" carries

# ---- peers live -----------------------------------------------------------------------------

before=$(handshake_of "$WA" "$(key b)")
ask() { printf '%s\n' "$1" | nc -N -U -w 5 "$CONTROL"; }
ask "{\"id\":1,\"action\":\"peer.add\",\"network\":\"office\",\"peer\":{\"public_key\":\"$(key live)\",\"allowed_ips\":[\"10.77.0.0/16\"]}}" >"$TMP/reply"
check "a peer is added live" jq -e .ok "$TMP/reply"
equal "wg(8) has it" "$(wg show "$WA" allowed-ips | awk -v k="$(key live)" '$1 == k { print $2 }')" 10.77.0.0/16
check "its route is there" grep -q "dev $WA" <(ip -n "$P-A" route get 10.77.1.1)
ask "{\"id\":2,\"action\":\"peer.remove\",\"network\":\"office\",\"public_key\":\"$(key live)\"}" >"$TMP/reply"
check "and removed" jq -e .ok "$TMP/reply"
equal "wg(8) does not have it" "$(wg show "$WA" peers | wc -l)" 1
check_not "its route is gone" grep -q "dev $WA" <(ip -n "$P-A" route get 10.77.1.1 2>/dev/null)
equal "the other one kept its session" "$(handshake_of "$WA" "$(key b)")" "$before"

# The state directory fails: a peer is added whole or not at all, and removed so.
ADD_LIVE="{\"action\":\"peer.add\",\"network\":\"office\",\"peer\":{\"public_key\":\"$(key live)\",\"allowed_ips\":[\"10.77.0.0/16\"]}}"
REMOVE_LIVE="{\"action\":\"peer.remove\",\"network\":\"office\",\"public_key\":\"$(key live)\"}"
no_lock() { rm -f "$STATE/.lock" && mkdir "$STATE/.lock"; }
lock_again() { rmdir "$STATE/.lock" && touch "$STATE/.lock"; }
has_live() { wg show "$WA" peers | grep -qF "$(key live)"; }
routes_live() { ip -n "$P-A" route get 10.77.1.1 2>/dev/null | grep -q "dev $WA"; }
succeeds() { ask "$1" | jq -e .ok; }
no_lock
check_not "a peer that cannot be added" succeeds "$ADD_LIVE"
check_not "is not there" has_live
check_not "nor is its route" routes_live
lock_again
check "it can be tried again" succeeds "$ADD_LIVE"
check "it is there" has_live
check "so is its route" routes_live
no_lock
check_not "one that cannot be removed" succeeds "$REMOVE_LIVE"
check "is there still" has_live
check "so is its route" routes_live
warns() { [ "$(status | jq -r '.networks[0].warning != null')" = "$1" ]; }
check "which the status warns of" wait_for 15 warns true
lock_again
check "until the plan is in force" wait_for 15 warns false
check "it can be tried again" succeeds "$REMOVE_LIVE"
check_not "it is gone" has_live
check_not "so is its route" routes_live
check "the other one carries" carries

# A configured one that was removed: no reload brings it back.
cp "$CONFIG" "$TMP/without.toml"
live_peer() { printf '\n[[network.office.peers]]\nname = "live"\npublic_key = "%s"\nallowed_ips = ["10.77.0.0/16"]\n' "$(key live)"; }
live_peer >>"$CONFIG"
reload_with() { sed -i '/^mtu/d' "$CONFIG" && sed -i "s/^addresses = .*/&\nmtu = $1/" "$CONFIG" && "$ADIT" reload --control "$CONTROL"; }
check "a peer is configured" "$ADIT" reload --control "$CONTROL"
check "it is there" has_live
check "so is its route" routes_live
check "it is removed" succeeds "$REMOVE_LIVE"
check_not "it is gone" has_live
check "a reload of nothing" "$ADIT" reload --control "$CONTROL"
check "a reload of something else" reload_with 1390
equal "which is in force" "$(status | jq '.networks[0].mtu')" 1390
check_not "it is still gone" has_live
check_not "so is its route" routes_live
check "it is added" succeeds "$ADD_LIVE"
check "it is there" has_live
check "a reload with it" reload_with 1380
check "leaves it" has_live
check "and its route" routes_live
check "it is removed once more" succeeds "$REMOVE_LIVE"
cp "$TMP/without.toml" "$CONFIG"
check "the files have it no more" "$ADIT" reload --control "$CONTROL"
live_peer >>"$CONFIG"
check "and again" "$ADIT" reload --control "$CONTROL"
check "so it is there" has_live
check "removed" succeeds "$REMOVE_LIVE"
"$ADIT" disconnect --control "$CONTROL" office >/dev/null
"$ADIT" connect --control "$CONTROL" office --wait >/dev/null
check "the network began anew: it is there" has_live
cp "$TMP/without.toml" "$CONFIG"
check "back to one peer" "$ADIT" reload --control "$CONTROL"
check "which carries" carries
before=$(handshake_of "$WA" "$(key b)")

# ---- a reload that fails --------------------------------------------------------------------

on A nc -u -l -p 51999 >/dev/null 2>&1 &
PIDS+=($!)
taken() { on A ss -Hlun 'sport = :51999' | grep -q .; }
wait_for 5 taken
shown() { wg showconf "$WA"; ip -n "$P-A" route show dev "$WA"; }
shown >"$TMP/shown"
{ NETWORK_MORE='listen_port = 51999' office "$NUMBER"; agent_tool peers 3; } >"$CONFIG"
"$ADIT" reload --control "$CONTROL" >"$TMP/said" 2>&1
equal "a reload with a port that is taken fails" $? 1
check "and says so" grep -q '51999 is in use.*(what ran still runs)$' "$TMP/said"
check "the old port and the old peers are in use" diff "$TMP/shown" <(shown)
equal "the state is as before" "$(now_is)" "up ok"
check "it carries" carries
equal "by the same session" "$(handshake_of "$WA" "$(key b)")" "$before"

agent_stop
check_not "the end: the TUN is gone" on A ip link show "$WA"
done_testing
