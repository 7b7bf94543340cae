#!/bin/bash
# SPDX-License-Identifier: ISC
#
# agent_secrets.sh - the agent's two processes, a core of each, its log and a bundle are searched for planted keys
#
#   A  a0 198.51.100.1  ------ veth ------  198.51.100.2 b0  B
#      agent: office 10.9.0.1                       wB 10.9.0.2; initiator.c as 10.9.0.50
#
# Private and preshared keys are planted by the configuration; the keys of a session are told by a far end of our own, which
# has derived them too. Each is searched as bytes, as hex and as base64; what finds nothing has found something (control).
. "$(dirname "$0")/agent_lab.sh"
agent_lab_start
INITIATOR=$(tool initiator) || { not_ok "the initiator compiles"; done_testing; }
(umask 077; wg genpsk >"$TMP/psk")
wg set "$WB" peer "$(key a)" preshared-key "$TMP/psk"
read -r THEIRS PUBI < <("$INITIATOR" keys 1)
AGENT_MORE='user = "nobody"'
{
	config 'listen_port = 51821'
	echo 'preshared_key_path = "psk"'
	printf '[[network.office.peers]]\npublic_key = "%s"\nallowed_ips = ["10.9.0.50/32"]\n' "$PUBI"
} >"$CONFIG"

# search WHERE: which keys are there, in which form; WHERE is the number of a process or a file
search() { $PYTHON "$LIB/agent_lab.py" search "$1" "$TMP/keys"; }
clean() { [ -z "$(search "$1")" ]; }
hex() { base64 -d <"$1" | od -An -tx1 | tr -d ' \n'; }
session() {
	echo "$THEIRS 10.9.0.50" | on B timeout 20 "$INITIATOR" session "$A4" 51821 "$(key a)" 10.9.0.1 >"$TMP/session" || return 1
	read -r RECEIVE SEND CHAIN <"$TMP/session"
	printf '%s %s\n' private "$(hex "$TMP/a.key")" preshared "$(hex "$TMP/psk")" receive "$RECEIVE" send "$SEND" chain "$CHAIN" >"$TMP/keys"
}
# core "what" PID: as gdb's gcore writes it, which may read all memory
core() {
	command -v gcore >/dev/null || { skip "$1" "gdb is not installed"; return; }
	gcore -o "$TMP/core" "$2" >"$TMP/gcore" 2>&1
	check "control: a core of the $1 is written" grep -qaF "$CONFIG" "$TMP/core.$2"
	equal "no key is in it" "$(search "$TMP/core.$2")" ""
	rm -f "$TMP/core.$2"
}

# ---- connected --------------------------------------------------------------------------------

agent
check "office carries" carries
HELPER=$(helper_of "$AGENT")
check "a session whose keys are known" session
equal "control: what it works with is in the network process, as bytes alone" "$(search "$AGENT")" \
	"preshared private receive send"
equal "nothing is in the helper" "$(search "$HELPER")" ""
core "network process" "$AGENT"
core "helper" "$HELPER"

# ---- disconnected -----------------------------------------------------------------------------

check "a bundle" on A "$ADIT" bundle -c "$CONFIG" -o "$TMP/bundle"
check "disconnect" on A "$ADIT" disconnect office
check "disconnected: no key is in the network process" wait_for 5 clean "$AGENT" || diag "$(search "$AGENT")"
equal "nor in the helper" "$(search "$HELPER")" ""
core "network process without a network" "$AGENT"
equal "nor in the log" "$(search "$TMP/agent.log")" ""
equal "nor in the bundle" "$(search "$TMP/bundle")" ""
check "connect" on A "$ADIT" connect office
check "it carries again" carries
stop "$AGENT"

# ---- no core, whatever the limit says -----------------------------------------------------------

if cores_in "$TMP/cores"; then
	AGENT_ENV=(prlimit --core=unlimited env -C "$TMP/cores")
	agent
	check "office carries" carries
	HELPER=$(helper_of "$AGENT")
	limits() { awk '/^Max core/ { print $5, $6 }' "/proc/$AGENT/limits" "/proc/$HELPER/limits" | xargs; }
	equal "both have set it to nothing" "$(limits)" "0 0 0 0"
	kill -ABRT "$AGENT"
	wait "$AGENT" 2>/dev/null
	equal "by SIGABRT" $? 134
	wait_for 10 gone "$HELPER"
	agent
	check "office carries again" carries
	HELPER=$(helper_of "$AGENT")
	kill -ABRT "$HELPER"
	wait_for 10 gone "$HELPER"
	wait "$AGENT" 2>/dev/null
	equal "no core is written of either" "$(ls "$TMP/cores")" ""
fi
done_testing
