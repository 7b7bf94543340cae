#!/bin/bash
# SPDX-License-Identifier: ISC
#
# agent.sh - the agent's two processes: rights, readiness, the watchdog, signals, and what is left when either is killed
#
#   A  a0 198.51.100.1  ------ veth ------  198.51.100.2 b0  B
#      agent: office (wireguard) 10.9.0.1, web (forward) 10.9.0.3 -> 127.0.0.1:8080      wB 10.9.0.2
. "$(dirname "$0")/agent_lab.sh"
agent_lab_start
need nc
mkdir "$TMP/www"
run_bg B "$TMP/http.log" $PYTHON -m http.server -b 10.9.0.2 8000 -d "$TMP/www"
$PYTHON "$LIB/agent_lab.py" notify "$TMP/notify" "$TMP/told" &
PIDS+=($!)
wait_for 5 grep -q listening "$TMP/told"
AGENT_ENV=(NOTIFY_SOCKET="$TMP/notify" WATCHDOG_USEC=2000000)
AGENT_MORE='user = "nobody"'
{ config; config_web; } >"$CONFIG"
machine >"$TMP/machine.before"

told() { grep -q "$1" "$TMP/told"; }
count_told() { grep -c "$1" "$TMP/told"; }
more_told() { [ "$(count_told "$1")" -gt "$2" ]; }
page() { on A curl -sf -m 5 -o /dev/null http://127.0.0.1:8080/; }

# ---- start ----------------------------------------------------------------------------------

agent
check "READY is said" wait_for 20 told '^READY=1'
equal "once both networks are up, though nobody asked for a page" "$(sed -n '/^STATUS=/h; /^READY=1/{x;p;q}' "$TMP/told")" "STATUS=2 networks up"
check "office carries" carries
check "web carries" wait_for 10 page
check "the watchdog is fed" wait_for 5 told '^WATCHDOG=1'
check "wg(8) sees the network" grep -q . <(on A wg show "$WA" latest-handshakes)
HELPER=$(helper_of "$AGENT")
caps() { grep -E '^Cap(Inh|Prm|Eff|Bnd|Amb)' "/proc/$1/status" | awk '{ print $2 }' | sort -u | tr '\n' ' '; }
field() { awk -v f="$2:" '$1 == f { print $2 }' "/proc/$1/status"; }
equal "the network process has no capability" "$(caps "$AGENT")" "0000000000000000 "
equal "and is another user" "$(field "$AGENT" Uid)" "$(id -u nobody)"
equal "no new privileges" "$(field "$AGENT" NoNewPrivs) $(field "$HELPER" NoNewPrivs)" "1 1"
check "the calls of both are filtered" test "$(field "$AGENT" Seccomp) $(field "$HELPER" Seccomp)" = "2 2" -o -z "$(ldd "$ADIT" | grep libseccomp)"
equal "the helper has those for the network, and to read files" "$(field "$HELPER" CapEff)" "0000000000003404"
equal "and no other in reserve" "$(field "$HELPER" CapBnd)" "0000000000003404"
check "nobody may read their memory" [ "$(stat -c %u "/proc/$AGENT/mem") $(stat -c %u "/proc/$HELPER/mem")" = "0 0" ]
check_not "a second agent is refused" on A "$ADIT" agent -c "$CONFIG" --state-dir "$STATE"
check "and the first one goes on" answers_agent

# ---- the watchdog ---------------------------------------------------------------------------

mkfifo "$TMP/hold"
$PYTHON "$LIB/agent_lab.py" freeze "$AGENT" adit-data0 <"$TMP/hold" >"$TMP/frozen" 2>&1 &
FREEZE=$!
PIDS+=($FREEZE)
exec 9>"$TMP/hold"
if wait_for 5 grep -q frozen "$TMP/frozen"; then
	sleep 1.2 # an answer from before may still be reported
	n=$(count_told '^WATCHDOG')
	sleep 3
	equal "a data thread hangs: the watchdog is not fed" "$(count_told '^WATCHDOG')" "$n"
	exec 9>&-
	wait $FREEZE
	check "it goes on: fed again" wait_for 5 more_told '^WATCHDOG' "$n"
	check "and the network carries" carries
else
	exec 9>&-
	skip "a data thread hangs: the watchdog is not fed" "ptrace is not allowed here: $(tail -n 1 "$TMP/frozen")"
fi

# ---- SIGHUP ---------------------------------------------------------------------------------

handshake() { on A wg show "$WA" latest-handshakes | awk -v k="$(key b)" '$1 == k { print $2 }'; }
before=$(handshake)
{ config; agent_tool peers 3; config_web; } >"$CONFIG"
kill -HUP "$AGENT"
peers() { [ "$(on A wg show "$WA" peers | wc -l)" = "$1" ]; }
check "SIGHUP: three peers more" wait_for 10 peers 4
check "the manager is told" wait_for 5 told '^RELOADING=1 MONOTONIC_USEC='
equal "the peer that did not change keeps its session" "$(handshake)" "$before"
check "and answers" answers_agent
{ config 'nonsense = 1'; config_web; } >"$CONFIG"
kill -HUP "$AGENT"
check "SIGHUP with a mistake: the line is named" wait_for 10 grep -q 'agent.toml:[0-9]*:[0-9]*:.*nonsense' "$TMP/agent.log"
check "and what ran still runs" peers 4
check "both" page
{ config; config_web; } >"$CONFIG"

# ---- ends -----------------------------------------------------------------------------------

ended() { gone "$AGENT" && gone "$HELPER"; }
started_at=$(now_ms)
kill -TERM "$AGENT"
check "SIGTERM: it ends" wait_for 5 gone "$AGENT"
[ "${ADIT_PATIENCE:-3}" = 1 ] && expr_true "within 2 s" "$(($(now_ms) - started_at)) < 2000"
wait "$AGENT"
equal "with status 0" $? 0
check "STOPPING is said" told '^STOPPING=1'
check "the machine is as before" same_machine

agent
check "started again: office carries" carries
HELPER=$(helper_of "$AGENT")
kill -KILL "$AGENT"
check "kill -9 of the network process: the helper ends too" wait_for 10 ended
check "and the machine is as before" wait_for 5 same_machine

agent
check "started again: office carries" carries
HELPER=$(helper_of "$AGENT")
kill -KILL "$HELPER"
check "kill -9 of the helper: the network process ends too" wait_for 10 ended
wait "$AGENT"
equal "with status 1" $? 1
agent
check "the next start carries" carries
stop "$AGENT"
check "and leaves the machine as before" same_machine

agent
check "started again: office carries" carries
HELPER=$(helper_of "$AGENT")
kill -KILL "$HELPER" "$AGENT"
check "kill -9 of both" wait_for 10 ended
mkdir -p /run/adit
python3 -c 'import socket, sys; socket.socket(socket.AF_UNIX).bind(sys.argv[1])' "/run/adit/$P.sock" # as of one that was killed
check "adit cleanup" on A "$ADIT" cleanup --state-dir "$STATE"
check "it takes away sockets that nobody serves" [ ! -e "/var/run/wireguard/$WA.sock" -a ! -e "/run/adit/$P.sock" ]
rm -f "$CONTROL" "$CONTROL.next" # of a place it does not know: replaced by the next start
check "and the machine is as before" same_machine

# ---- mistakes -------------------------------------------------------------------------------

status() { "$@" >"$TMP/out" 2>&1; echo $?; }
status_is_0() { "$@" >"$TMP/out" 2>&1; }
{ config 'mtu = 1'; config_web; } >"$CONFIG"
equal "a wrong configuration: status 78" "$(status on A "$ADIT" agent -c "$CONFIG")" 78
check "and the place" grep -qE 'agent.toml:[0-9]+:[0-9]+: ' "$TMP/out"
{ config; config_web; } >"$CONFIG"
equal "a dry run" "$(status on A "$ADIT" agent -c "$CONFIG" --dry-run)" 0
check "prints the plan" grep -qE '^addr .* 10\.9\.0\.1/24$' "$TMP/out"
check "and changes nothing" same_machine
equal "--confirm 1s, and nobody does: status 1" "$(status on A "$ADIT" agent -c "$CONFIG" --confirm 1s)" 1
check "and all is undone" same_machine

# ---- without root -----------------------------------------------------------------------------

bin_for_nobody
chmod 644 "$TMP"/*.toml
rootless() { on A setpriv --reuid "$(id -u nobody)" --regid "$(id -g nobody)" --clear-groups "$@"; }
CONTROL=$BIN/run/control.sock
mkdir "$BIN/run"
install -m 600 -o nobody "$TMP/c.key" "$BIN/c.key"
chown nobody "$BIN/run"
AGENT_MORE=
config >"$BIN/both.toml"
equal "without root, a network that takes rights: status 4" "$(status rootless "$BIN/adit" agent -c "$BIN/both.toml")" 4
check "and one sentence" grep -q 'office.*run as root' "$TMP/out"
{ printf '[agent]\ncontrol_socket = "%s"\n' "$CONTROL"; config_web; } >"$BIN/web.toml"
ip netns exec "$P-A" setpriv --reuid "$(id -u nobody)" --regid "$(id -g nobody)" --clear-groups "$BIN/adit" agent -c "$BIN/web.toml" >"$TMP/rootless.log" 2>&1 &
ROOTLESS=$!
PIDS+=($ROOTLESS)
check "without root, a network of type forward carries" wait_for 15 page
# what fails is named where somebody looks, not in a log alone
sed -i 's/127.0.0.1:8080/127.0.0.1:80/' "$BIN/web.toml"
low='tcp 127\.0\.0\.1:80 .*cannot listen.*higher'
check_not "a reload to a port that takes rights" status_is_0 on A "$ADIT" reload --control "$CONTROL"
check "  says which and what to do" grep -qE "network web: $low" "$TMP/out" || indent "$TMP/out"
check "  and what ran still runs" page
stop $ROOTLESS
run_bg A "$TMP/rootless2.log" setpriv --reuid "$(id -u nobody)" --regid "$(id -g nobody)" --clear-groups "$BIN/adit" agent -c "$BIN/web.toml"
ROOTLESS=$BGPID
low_port() { on A "$ADIT" status --json --control "$CONTROL" 2>/dev/null | jq -r '.. | .why? // empty' | grep -qE "^$low"; }
check "a start on it: the status says the same" wait_for 10 low_port
stop "$ROOTLESS"
done_testing
