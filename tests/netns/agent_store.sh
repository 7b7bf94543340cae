#!/bin/bash
# SPDX-License-Identifier: ISC
#
# agent_store.sh - `systemctl restart` while connections go on: what the agent leaves in systemd's store of descriptors
# (systemd_standin.py), what the next one takes, and what it must not take
#
#   A  a0 198.51.100.1  ------ veth ------  198.51.100.2 b0  B
#      agent: office (wireguard) 10.9.0.1                       wB 10.9.0.2
. "$(dirname "$0")/agent_lab.sh"
agent_lab_start
command -v dbus-daemon >/dev/null && "$PYTHON" -c 'import dbus, gi' 2>/dev/null || skip_all "no D-Bus for Python"
AGENT_MORE='user = "nobody"'
config >"$CONFIG"
machine >"$TMP/machine.before"

export DBUS_SYSTEM_BUS_ADDRESS=unix:path=$TMP/bus
dbus-daemon --session --nofork --nopidfile --address="$DBUS_SYSTEM_BUS_ADDRESS" >"$TMP/bus.log" 2>&1 &
PIDS+=($!)
wait_for 10 test -S "$TMP/bus"
mkfifo "$TMP/orders"
run_bg A "$TMP/agent.log" "$PYTHON" "$LIB/systemd_standin.py" "$TMP" \
	"\"$ADIT\" cleanup --keep-killswitch --state-dir \"$STATE\"" "$ADIT" agent -c "$CONFIG"
STANDIN=$BGPID
LOG=$TMP/manager.log
check "systemd's stand-in runs" wait_for 10 grep -q ready "$LOG"

count() { grep -c "$1" "$2"; }
# order WORD...: and wait until it is done
order() {
	local n
	n=$(count '^done' "$LOG")
	echo "$*" >"$TMP/orders"
	wait_for 10 more_done "$n"
}
more_done() { [ "$(count '^done' "$LOG")" -gt "$1" ]; }
serves() { on A "$ADIT" status; [ $? != 5 ]; }
ready_after() { [ "$(tail -n +"$1" "$LOG" | count '^told READY=1' -)" -gt 0 ]; }
# starts_by WORD...: an order after which another process is started; waits until it is ready
starts_by() {
	local lines
	lines=$(($(wc -l <"$LOG") + 1))
	order "$@" && wait_for 20 ready_after "$lines"
}
is_inactive() { [ "$(tail -n 2 "$LOG" | count '^inactive' -)" = 1 ]; }
ends_by() { order "$@" && wait_for 20 is_inactive; }
starts() { grep '^starts' "$LOG" | tail -n 1; }
taken() { count '1 session taken over' "$TMP/agent.log"; }
refused() { count 'nothing is taken over' "$TMP/agent.log"; }

# ---- restarts under traffic -----------------------------------------------------------------------

check "it starts" starts_by start
equal "with an empty store" "$(starts)" "starts 0"
check "office carries" carries
traffic_begins
for round in 1 2 3; do
	check "$round: a restart" starts_by restart
	equal "$round: the session is taken over" "$(taken)" $round
	equal "$round: the one before ended with 0" "$(grep '^ended' "$LOG" | tail -n 1)" "ended 0"
done
# a TUN and two sockets for each thread, the sessions, the messages
check "the store came whole" eval '[ $((($(starts | cut -d" " -f2) - 2) % 3)) = 0 ]'
traffic_lived

# With every handshake lost on the way, only the session that was left carries.
no_handshakes
check "a restart without handshakes" order restart
check "carries by the session that was left" wait_for 20 eval '[ "$(taken)" = 4 ] && answers_agent'
check "control: handshakes were tried and lost" wait_for 10 eval '[ "$(initiations)" -gt 0 ]'

# ---- the same store twice; kill -9 -------------------------------------------------------------------

order again
check "a restart of which copies are kept" order restart
check "takes the session over" wait_for 20 eval '[ "$(taken)" = 5 ] && answers_agent'
before=$(initiations)
order kill
check "kill -9: what was used is offered again, and refused" wait_for 20 eval '[ "$(refused)" = 1 ]'
state() { grep '^state' "$LOG" | tail -n "$1" | head -n 1; }
check "what it was told the first time was there" [ "$(state 2)" != "state 0" ]
equal "and is gone since it was read" "$(state 1)" "state 0"
check "the next one serves" wait_for 10 serves
equal "no session was taken" "$(taken)" 5
check "it has to shake hands" wait_for 10 eval '[ "$(initiations)" -gt "$before" ]'
check_not "and nothing carries without" answers_agent
handshakes_again
check "then it carries" carries
order kill
check "kill -9 of one that runs: its store is empty" wait_for 20 eval '[ "$(count "^ended -9" "$LOG")" = 2 ] && [ "$(starts)" = "starts 0" ]'
check "and it carries again" carries
equal "no session was taken" "$(taken)" 5

# ---- stores that are not whole ------------------------------------------------------------------------

order lose
check "a descriptor is lost: it starts all the same" starts_by restart
equal "and takes nothing" "$(refused) $(taken)" "2 5"
check "it carries" carries
order garbage
check "descriptors of nobody under our names: it starts all the same" starts_by restart
equal "and takes nothing" "$(refused) $(taken)" "3 5"
check "it carries" carries
order max 2
check "a store that is too small: it starts all the same" starts_by restart
check "the one before undid everything" grep -q 'does not keep what the next agent would need' "$TMP/agent.log"
equal "nothing is left in it" "$(starts)" "starts 0"
check "it carries" carries
order max 4096

# ---- what is no restart -----------------------------------------------------------------------------------

check "stop" ends_by stop
check "leaves the machine as before" wait_for 10 same_machine
check "it starts" starts_by start
check "and carries" carries
echo '[network' >"$CONFIG"
check "a restart with a configuration that is broken" ends_by restart
check "leaves the machine as before" wait_for 10 same_machine

# A full tunnel with a killswitch: the same table, mark and rules.
on B ip addr add 203.0.113.9/32 dev lo
config 'killswitch = true' | sed 's|"10.88.0.0/16"|"0.0.0.0/0", "::/0"|' >"$CONFIG"
check "a full tunnel" starts_by start
check "carries" wait_for 10 on A ping -c 1 -W 1 203.0.113.9
rules() { on A ip rule; on A ip -6 rule; on A ip route show table all; on A nft list ruleset; }
# Its own routes are no way to the endpoint: asked for as such they would make it smaller each time.
mtu() { on A cat "/sys/class/net/$WA/mtu"; }
equal "its MTU is the way's less 80" "$(mtu)" 1420
for round in 1 2 3; do
	check "a reload" on A "$ADIT" reload
done
equal "after three reloads, too" "$(mtu)" 1420
rules >"$TMP/rules"
check "a restart" starts_by restart
equal "and after a restart" "$(mtu)" 1420
equal "takes the session over" "$(taken)" 6
check "the rules are the same" diff "$TMP/rules" <(rules)
check "and it carries" on A ping -c 1 -W 5 203.0.113.9
# What is no more in the configuration is not left behind.
{ printf '[agent]\ncontrol_socket = "%s"\nstate_dir = "%s"\n' "$CONTROL" "$STATE"; config_web; } >"$CONFIG"
check "a restart without that network" starts_by restart
without_sockets() { machine | grep -vF "$CONTROL"; }
check "what the network changed is undone" wait_for 15 eval 'diff "$TMP/machine.before" <(without_sockets)'
check "stop" ends_by stop
check "and at the end the machine is as before" wait_for 10 same_machine
stop "$STANDIN"
done_testing
