#!/bin/bash
# SPDX-License-Identifier: ISC
#
# agent_replace.sh - adit start and stop; an agent that takes over from another one while connections go on
#
#   A  a0 198.51.100.1  ------ veth ------  198.51.100.2 b0  B
#      agent: office (wireguard) 10.9.0.1                       wB 10.9.0.2
. "$(dirname "$0")/agent_lab.sh"
agent_lab_start
config >"$CONFIG"
machine >"$TMP/machine.before"
status() { "$@" >"$TMP/out" 2>&1; echo $?; }

# ---- start and stop ---------------------------------------------------------------------------

equal "start returns when the networks are up" "$(status on A "$ADIT" start --config "$CONFIG")" 0
check "office carries" carries
equal "a second one is refused" "$(status on A "$ADIT" start --config "$CONFIG")" 1
equal "nothing of the caller stays open" "$(on A timeout 20 sh -c "\"$ADIT\" stop >/dev/null 2>&1; \"$ADIT\" start --config \"$CONFIG\" | cat; echo closed")" closed
check "office carries again" carries
equal "stop" "$(status on A "$ADIT" stop)" 0
check "leaves the machine as before" wait_for 5 same_machine
equal "stop without an agent: status 5" "$(status on A "$ADIT" stop)" 5

# The same in JSON, with a resolver that cannot be reached.
config 'dns = ["10.100.0.2"]' |
	$PYTHON -c 'import json, sys, tomllib; json.dump(tomllib.load(sys.stdin.buffer), sys.stdout)' >"$TMP/agent.json"
equal "JSON: start" "$(status on A "$ADIT" start --config "$TMP/agent.json")" 0
check "JSON: it warns of the resolver" grep -q 'agent.json:1:[0-9]*: warning: network.office.dns\[0\]: ' "$TMP/out"
check "JSON: office carries" carries
equal "JSON: status" "$(status on A "$ADIT" status)" 0
check "JSON: the resolver is not set, it says" grep -q '^  dns: 10.100.0.2: not set: ' "$TMP/out"
equal "JSON: stop" "$(status on A "$ADIT" stop)" 0
check "JSON: leaves the machine as before" wait_for 5 same_machine

sed -i "s/$B4:51822/$B4:51829/" "$CONFIG"
equal "start with a peer that does not answer: status 3" "$(status on A "$ADIT" start --config "$CONFIG" --wait 2s)" 3
check "and it says which network, and why" grep -q 'office: handshaking: ' "$TMP/out"
equal "the agent goes on trying" "$(status on A "$ADIT" status)" 3
equal "stop" "$(status on A "$ADIT" stop)" 0
check "leaves the machine as before" wait_for 5 same_machine

# ---- an agent takes over ------------------------------------------------------------------------

config >"$CONFIG"
agent
OLD=$AGENT
check "office carries" carries
traffic_begins
for round in 1 2 3; do
	agent --replace
	check "$round: the one before ends" wait_for 10 gone "$OLD"
	wait "$OLD"
	equal "$round: with status 0" $? 0
	check "$round: the new one serves" wait_for 10 on A "$ADIT" status
	check "$round: it took the session over" grep -q '1 session taken over' "$TMP/agent.log"
	OLD=$AGENT
done
traffic_lived
equal "the stream never stood still for a second" "$(dead_seconds "$TMP/stream.json")" 0
lost() { awk '/packets transmitted/ { print $1 - $4 }' "$TMP/pings"; }
diag "lost $(lost) of 300"

# With every handshake lost on the way, only the session that was handed over carries.
no_handshakes
agent --replace
check "no handshake passes: the one before ends" wait_for 10 gone "$OLD"
serves() { [ "$(status on A "$ADIT" status)" != 5 ]; }
check "the new one serves" wait_for 10 serves
check "and carries by the session it was left" answers_agent
check "control: handshakes were tried and lost" wait_for 10 eval '[ "$(initiations)" -gt 0 ]'
handshakes_again

# Who is not asked for properly, or goes away, changes nothing.
half=$($PYTHON - "$CONTROL.next" <<'END'
import socket, sys
s = socket.socket(socket.AF_UNIX, socket.SOCK_SEQPACKET)
s.connect(sys.argv[1])
s.send(b"x" * 200)
s.settimeout(20)
print(len(s.recv(100)))
END
)
equal "a stranger to the protocol is hung up on" "$half" 0
check "and the agent goes on" carries
check_not "another user is refused" on A setpriv --reuid "$(id -u nobody)" --clear-groups "$PYTHON" -c "
import socket
s = socket.socket(socket.AF_UNIX, socket.SOCK_SEQPACKET)
s.connect('$CONTROL.next')"
stop "$AGENT"
check "at the end the machine is as before" same_machine

# A full tunnel with a killswitch: the same table, mark and rules, and never a moment without.
on B ip addr add 203.0.113.9/32 dev lo
config 'killswitch = true' | sed 's|"10.88.0.0/16"|"0.0.0.0/0", "::/0"|' >"$CONFIG"
agent
OLD=$AGENT
check "a full tunnel carries" wait_for 10 on A ping -c 1 -W 1 203.0.113.9
rules() { on A ip rule; on A ip -6 rule; on A ip route show table all; on A nft list ruleset; }
rules >"$TMP/rules"
run_bg A "$TMP/pings" ping -i 0.02 -c 100 203.0.113.9
PINGS=$BGPID
agent --replace
check "another one takes it over" wait_for 10 gone "$OLD"
wait $PINGS
diag "$(tail -n 2 "$TMP/pings" | head -n 1)"
check "the rules are the same" diff "$TMP/rules" <(rules)
check "and it carries" on A ping -c 1 -W 5 203.0.113.9
# Another name in the file, by a reload and by a restart: the killswitch goes on, and has no hole in between.
full() { config 'killswitch = true' | sed 's|"10.88.0.0/16"|"0.0.0.0/0", "::/0"|'; }
check "a packet counter on B" on B nft -f - <<'END'
table inet t {
	counter clear { }
	chain in {
		type filter hook prerouting priority -300;
		iifname "b0" ip protocol icmp counter name clear
	}
}
END
in_the_clear() { on B nft -j list counter inet t clear | jq '[.nftables[].counter.packets // empty] | add'; }
tun_names() { on A ip -o link show type tun | awk -F': ' '{ print $2 }' | paste -sd ' '; }
guarded_by() { on A nft list ruleset | grep -o "\"${W}[a-z0-9]*\"" | sort -u | tr -d '"' | paste -sd ' '; }
on A ip route add default via "$B4" dev a0 onlink
run_bg A "$TMP/pings" ping -q -i 0.01 203.0.113.9
PINGS=$BGPID
was=$WA
WA=${W}n
full >"$CONFIG"
check "another interface name, by a reload" on A "$ADIT" reload
check "it carries" on A ping -c 1 -W 5 203.0.113.9
equal "by the interface of that name alone" "$(tun_names)" "$WA"
equal "which alone is let through" "$(guarded_by)" "$WA"
OLD=$AGENT
WA=$was
full >"$CONFIG"
agent --replace
check "another interface name, by a restart" wait_for 10 gone "$OLD"
check "it carries" wait_for 10 on A ping -c 1 -W 1 203.0.113.9
equal "by the interface of that name alone" "$(tun_names)" "$WA"
equal "which alone is let through" "$(guarded_by)" "$WA"
check "and its control socket serves" wait_for 10 on A "$ADIT" status
kill "$PINGS"
equal "nothing was in the clear meanwhile" "$(in_the_clear)" 0

# What was stopped by hand stays so; what the file says anew holds.
wanted() { "$ADIT" status --json --control "$CONTROL" 2>/dev/null | jq -r '.networks[0].state'; }
is_wanted() { [ "$(wanted)" = "$1" ]; }
check "disconnected" on A "$ADIT" disconnect office
OLD=$AGENT
agent --replace
check "another agent" wait_for 10 gone "$OLD"
check "it stays so" wait_for 10 is_wanted down
OLD=$AGENT
full | sed 's/^enable = true/enable = false/' >"$CONFIG"
agent --replace
check "another agent, and enable = false" wait_for 10 gone "$OLD"
check "connected by hand" on A "$ADIT" connect office
OLD=$AGENT
agent --replace
check "another agent" wait_for 10 gone "$OLD"
check "it stays so" wait_for 10 is_wanted up
OLD=$AGENT
full >"$CONFIG"
agent --replace
check "another agent, and enable = true" wait_for 10 gone "$OLD"
check "it goes on" wait_for 10 is_wanted up
OLD=$AGENT
full | sed 's/^enable = true/enable = false/' >"$CONFIG"
agent --replace
check "another agent, and enable = false" wait_for 10 gone "$OLD"
check "it is down" wait_for 10 is_wanted down
on A ping -c 1 -W 1 203.0.113.9 >/dev/null
equal "control: in the clear it is seen" "$(in_the_clear)" 1
on B nft delete table inet t
on A ip route del default
check "the machine is as before" wait_for 10 eval 'diff "$TMP/machine.before" <(machine | grep -vF "$CONTROL")'
OLD=$AGENT
full >"$CONFIG"
agent --replace
check "another agent, and enable = true" wait_for 10 gone "$OLD"
check "it is up" wait_for 10 is_wanted up
equal "by its name" "$(tun_names)" "$WA"
# What is no more in the configuration is not left behind.
OLD=$AGENT
{ printf '[agent]\ncontrol_socket = "%s"\nstate_dir = "%s"\n' "$CONTROL" "$STATE"; config_web; } >"$CONFIG"
agent --replace
check "one without that network takes over" wait_for 10 gone "$OLD"
without_sockets() { machine | grep -vF "$CONTROL"; }
check "what the network changed is undone" wait_for 15 eval 'diff "$TMP/machine.before" <(without_sockets)'
stop "$AGENT"
check "and at the end the machine is as before" same_machine
config >"$CONFIG"
# A machine that has been up for a month: milliseconds of more than 31 bits. The helper is waited for.
if on A unshare --time --monotonic 2592000 true 2>/dev/null; then
	AGENT_ENV=(unshare --time --monotonic 2592000)
	config 'killswitch = true' | sed 's|"10.88.0.0/16"|"0.0.0.0/0", "::/0"|' >"$CONFIG"
	agent
	OLD=$AGENT
	check "after a month of uptime: a full tunnel carries" wait_for 10 on A ping -c 1 -W 1 203.0.113.9
	agent --replace
	check "another one takes it over" wait_for 10 gone "$OLD"
	check "and serves" wait_for 10 on A "$ADIT" status
	stop "$AGENT"
	check "its end is the helper's end: the machine is as before" same_machine
	AGENT_ENV=()
	config >"$CONFIG"
else
	diag "no time namespaces here"
fi
check "nobody to take over from: it starts all the same" eval 'agent --replace; carries'
stop "$AGENT"
check "and leaves the machine as before" same_machine
done_testing
