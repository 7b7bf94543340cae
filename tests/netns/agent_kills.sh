#!/bin/bash
# SPDX-License-Identifier: ISC
#
# agent_kills.sh - an agent that is killed while it connects, reloads and disconnects: the machine is as before
#
#   A  a0 198.51.100.1  ------ veth ------  198.51.100.2 b0  B
#      agent: office, by turns a split tunnel, a full one with a killswitch and DNS, a gateway
#
# In a mount namespace of its own, with a copy of /etc and an empty /run. ADIT_KILLS=150 kills that often.

. "$(dirname "$0")/agent_lab.sh"
apart -m
need nft jq
# before the lab, which makes namespaces in /run
OWN=$(mktemp -d "${TMPDIR:-/tmp}/adit-kills.XXXXXX")
mkdir "$OWN/run"
copy_of_etc "$OWN/etc" ssl
: >"$OWN/nothing"
mount --bind "$OWN/etc" /etc && mount --bind "$OWN/run" /run || skip_all "cannot mount here"
for f in /usr/sbin/resolvconf /sbin/resolvconf; do
	[ -s $f ] && mount --bind "$OWN/nothing" "$(readlink -f $f)"
done
printf 'nameserver 192.0.2.53\nsearch home.example\n' >/etc/resolv.conf
agent_lab_start
trap 'cleanup; umount -l /run /etc; rm -rf "$OWN"' EXIT
KILLS=${ADIT_KILLS:-12}
on A sysctl -qw net.ipv4.conf.a0.forwarding=1
ip -n "$P-A" route add default via 198.51.100.254
RANDOM=1

# Many routes, so that a plan takes its time.
many=$(for i in $(seq 2500); do printf ', "10.%d.%d.0/24"' $((100 + i / 250)) $((i % 250)); done)
split() { config | sed "s|^allowed_ips = \(.*\)\]|allowed_ips = \1$many]|"; }
full() {
	config 'killswitch = true
lan = "allow"
dns = ["10.9.0.2", "corp.example"]' | sed "s|^allowed_ips.*|allowed_ips = [\"0.0.0.0/0\", \"::/0\"$many]|"
}
gateway() {
	config 'forward = true
masquerade = true
mss_clamp = true
table = 51999' | sed "s|^allowed_ips = \(.*\)\]|allowed_ips = \1$many]|"
}
some_config() { case $((RANDOM % 4)) in 0) split ;; 1 | 2) full ;; 3) gateway ;; esac >"$CONFIG.new" && mv "$CONFIG.new" "$CONFIG"; }
up_now() { [ "$(on A "$ADIT" status --json 2>/dev/null | jq -r '.. | .state? // empty' | head -1)" = up ]; }
serves() { on A "$ADIT" status; }
clean() { on A "$ADIT" cleanup --state-dir "$STATE"; }
no_sockets() { rm -f "$CONTROL" "$CONTROL.next" "/var/run/wireguard/$WA.sock"; } # nobody serves them
ended() { gone "$AGENT" && { [ -z "$HELPER" ] || gone "$HELPER"; }; }
# What outlives its link: journalled, and in force.
lasting='^(unreachable|rule|sysctl|guard|dns)'
journalled() { cat "$STATE"/*.journal 2>/dev/null | grep -cE "$lasting"; }
in_force() { on A "$ADIT" cleanup --state-dir "$STATE" --dry-run 2>/dev/null | sed -n 's/^would [^:]*: //p' | grep -cE "$lasting"; }

some_config
agent
HELPER=
check "it runs" wait_for 20 up_now || { indent "$TMP/agent.log"; done_testing; }
stop "$AGENT"
no_sockets
machine >"$TMP/machine.before" # after a first life: folders are made
grep -v -e '\.lock$' "$TMP/machine.before" >"$TMP/x" && mv "$TMP/x" "$TMP/machine.before"

half=0 journals=0 bad=0 again=0 alone=0
# strike: waits, not long, until a plan is being changed
strike() {
	local end=$((${EPOCHREALTIME/./} + 1500000))
	until [ "$STATE/$WA.journal" -nt "$TMP/mark" ] || [ ${EPOCHREALTIME/./} -ge $end ]; do :; done
}
# pause MS: without a process, which takes longer than what is meant to be hit
mkfifo "$TMP/silence"
exec 8<>"$TMP/silence"
pause() { read -r -t "0.$(printf '%03d' "$1")" -u 8; }
change() {
	case $((RANDOM % 4)) in
	0) on A "$ADIT" disconnect office >/dev/null 2>&1 & disown $! ;;
	1) (on A "$ADIT" disconnect office; on A "$ADIT" connect office) >/dev/null 2>&1 & disown $! ;;
	*) some_config && kill -HUP "$AGENT" ;;
	esac
}
# One life of an agent: it starts, does what it is asked to, and is killed.
live_and_die() {
	local n=$1 i
	some_config
	touch "$TMP/mark"
	agent
	disown "$AGENT" # bash would tell of its end
	for ((i = 0; i < n % 3; i++)); do
		wait_for 3 serves
		touch "$TMP/mark"
		change
	done
	[ $((n % 5)) = 0 ] || strike
	pause $((n % 3 ? RANDOM % 4 : RANDOM % 30))
	HELPER=
	{ read -r HELPER _ <"/proc/$AGENT/task/$AGENT/children" || HELPER=$(helper_of "$AGENT"); } 2>/dev/null
	case $((RANDOM % 6)) in
	0) kill -KILL "$AGENT" ;;
	1) kill -KILL ${HELPER:-$AGENT} ;;
	*) kill -KILL $HELPER "$AGENT" ;;
	esac 2>/dev/null
	wait_for 10 ended || { bad=$((bad + 1)); diag "kill $n: one of them lives on"; kill -KILL $HELPER "$AGENT" 2>/dev/null; }
}
as_before() {
	no_sockets
	same_machine && [ -z "$(find "$STATE" -type f ! -name .lock)" ]
}
for ((n = 1; n <= KILLS; n++)); do
	live_and_die "$n"
	j=$(journalled) f=$(in_force)
	[ "$j" -gt 0 ] && journals=$((journals + 1))
	[ "$f" -lt "$j" ] && half=$((half + 1))
	if [ $((n % 4)) = 0 ]; then # nobody cleans up but the next start; what is in /run is lost
		rm -rf /run/adit
		alone=$((alone + 1))
		agent
		HELPER=
		wait_for 20 up_now || { bad=$((bad + 1)); diag "kill $n: the next start does not come up"; indent "$TMP/agent.log"; }
		stop "$AGENT"
	else
		clean >"$TMP/cleanup" 2>&1 || { bad=$((bad + 1)); diag "kill $n: clean-up fails"; indent "$TMP/cleanup"; }
	fi
	wait_for 5 as_before || { bad=$((bad + 1)); diag "kill $n:"; same_machine | indent; }
	[ "$(clean)" = "nothing to clean up" ] || { again=$((again + 1)); diag "kill $n: a second clean-up does something"; }
done
diag "$KILLS kills, $journals with a plan in its journal, $half of it not all in force, $alone left to the next start"
equal "each time the machine is as before" $bad 0
equal "a second clean-up does nothing" $again 0
expr_true "many kills hit a plan in force" "$journals >= $KILLS / 4"
expr_true "and many one that is half applied or half undone" "$half >= $KILLS / 12"
done_testing
