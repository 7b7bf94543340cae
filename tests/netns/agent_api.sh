#!/bin/bash
# SPDX-License-Identifier: ISC
#
# agent_api.sh - what a real agent says to those who ask: by its sockets, by HTTP, to wg(8), and in a capture; it says no
# secret, and packets do not wait for who asks
#
#   A  a0 198.51.100.1  ------ veth ------  198.51.100.2 b0  B
#      agent: office (wireguard) 10.9.0.1                     wB 10.9.0.2
#
# ADIT_MANY: peers of a large network (2000; the long form 10000, which judges that a ping waits no 20 ms longer)
. "$(dirname "$0")/agent_lab.sh"
agent_lab_start
need curl socat jq
mkdir -p "/etc/netns/$P-A" # the machine's own may change meanwhile
trap 'rm -rf "/etc/netns/$P-A"; cleanup' EXIT
echo "nameserver $B4" >"/etc/netns/$P-A/resolv.conf"
MANY=${ADIT_MANY:-2000}
AGENT_MORE='user = "nobody"
metrics = "127.0.0.1:9586"
page = true'
PSK=$(wg genpsk)
with_psk() { printf '[[network.office.peers]]\npublic_key = "%s"\npreshared_key = "%s"\n' "$(key other)" "$PSK"; }
(umask 077; { config; agent_tool peers "$((MANY - 1))"; with_psk; } >"$CONFIG")

asked() { on A socat -t 5 - "UNIX:$CONTROL" <<<"$1" | tee -a "$TMP/replies" | head -n 1; }
web() { on A curl -s -m 20 "$@" | tee -a "$TMP/replies"; }
code() { on A curl -s -m 20 -o /dev/null -w '%{http_code}' "$@"; }
as() { # UID GID REQUEST
	on A setpriv --reuid "$1" --regid "$2" --clear-groups socat -t 5 - "UNIX:$CONTROL" <<<"$3" 2>&1 | tee -a "$TMP/replies"
}
logged() { grep -q "$1" "$TMP/agent.log"; }

agent
check "office carries" carries
check "wait says that it is up" on A "$ADIT" wait office --timeout 20
check "status: 0" on A "$ADIT" status office
equal "the first line is the reply" "$(asked '{"id":"1","action":"status","network":"office","peers":false}' | jq -c '[.id, .ok, .result.networks[0].state]')" \
	'["1",true,"up"]'
equal "of all peers" "$(asked '{"action":"peers","network":"office"}' | jq '.result.peers | length')" "$((MANY + 1))"
check "the age of the handshake" [ "$(asked '{"action":"status"}' | jq '[.result.networks[0].peers[] | select(.name == "far")][0].handshake_age_ms < 60000')" = true ]

# ---- a second agent ---------------------------------------------------------------------------------

second() { # CONTROL-SOCKET LINES COMMAND: says why it does not start
	printf '[agent]\ncontrol_socket = "%s"\nstate_dir = "%s"\n%s\n' "$1" "$TMP/second" "$2" >"$TMP/second.toml"
	on A timeout -k 5 60 "$ADIT" "$3" -c "$TMP/second.toml" 2>&1 | sed 's/ (.*//'
}
for command in agent start; do
	equal "adit $command: control_socket is taken" "$(second "$CONTROL" "" $command)" \
		"adit $command: an agent serves this control socket already"
	equal "adit $command: status_socket" "$(second "$TMP/2/control.sock" "status_socket = \"$CONTROL\"" $command)" \
		"adit $command: status_socket: $CONTROL: Address already in use"
	equal "adit $command: http_socket" "$(second "$TMP/2/control.sock" "http_socket = \"$CONTROL\"" $command)" \
		"adit $command: http_socket: $CONTROL: Address already in use"
	equal "adit $command: metrics" "$(second "$TMP/2/control.sock" 'metrics = "127.0.0.1:9586"' $command)" \
		"adit $command: metrics: 127.0.0.1:9586: Address already in use"
done
check "the first one goes on" answers_agent

# ---- the same figures everywhere ------------------------------------------------------------------

on A ping -q -i 0.01 -c 50 -s 1000 10.9.0.2 >/dev/null
sleep 0.5
read -r RX TX < <(on A wg show "$WA" transfer | awk -v k="$(key b)" '$1 == k { print $2, $3 }')
web http://127.0.0.1:9586/metrics >"$TMP/metrics"
metric() { grep "^wireguard_$1_bytes_total{.*$(key b)" "$TMP/metrics" | awk '{ print $NF }'; }
equal "metrics and wg show transfer agree" "$(metric received) $(metric sent)" "$RX $TX"
equal "so does status" "$(asked '{"action":"status"}' | jq -r '.result.networks[0].peers[] | select(.name == "far") | "\(.rx_bytes) \(.tx_bytes)"')" "$RX $TX"
if command -v promtool >/dev/null; then
	equal "promtool has nothing to say" "$(promtool check metrics <"$TMP/metrics" 2>&1)" ""
else
	skip "promtool has nothing to say" "prometheus is not installed"
fi
equal "readyz" "$(web http://127.0.0.1:9586/readyz)" ready
equal "Host: evil" "$(code -H 'Host: evil' http://127.0.0.1:9586/metrics)" 403
equal "Origin: evil" "$(code -H 'Origin: http://evil' http://127.0.0.1:9586/api/v1/status)" 403
equal "the page" "$(code http://127.0.0.1:9586/)" 200

# ---- who may ----------------------------------------------------------------------------------------

check "65534 is refused" [ "$(as 65534 0 '{"id":"1","action":"disconnect","network":"office"}' | jq -r .error.code)" = denied ]
check "and that is logged" wait_for 5 logged 'uid 65534'
check "the kernel refuses others" grep -q 'Permission denied' <(as 65534 65534 '{"action":"status"}')
check "the network runs on" answers_agent

# ---- peers, live -------------------------------------------------------------------------------------

handshake() { on A wg show "$WA" latest-handshakes | awk -v k="$(key b)" '$1 == k { print $2 }'; }
before=$(handshake)
NEW=$(key new)
equal "peer.add" "$(asked "{\"action\":\"peer.add\",\"network\":\"office\",\"peer\":{\"public_key\":\"$NEW\",\"allowed_ips\":[\"10.99.0.0/24\"]}}" | jq .ok)" true
check "wg(8) sees it" grep -qF "$NEW" <(on A wg show "$WA" peers)
equal "peer.remove" "$(asked "{\"action\":\"peer.remove\",\"network\":\"office\",\"public_key\":\"$NEW\"}" | jq .ok)" true
check_not "it is gone" grep -qF "$NEW" <(on A wg show "$WA" peers)
equal "a peer with a session keeps it" "$(handshake)" "$before"

# ---- doctor and cleanup, by a child of the helper ------------------------------------------------------

# Memory for keys: another limit holds for the agent than for a command.
findings() { jq -c '[.findings[] | select(.check != "memory") | [.check, .level]]'; }
asked '{"action":"doctor"}' >"$TMP/doctor.api"
on A "$ADIT" doctor -c "$CONFIG" --state-dir "$STATE" --json >"$TMP/doctor.command"
equal "doctor says what the command says" "$(jq .result "$TMP/doctor.api" | findings)" "$(findings <"$TMP/doctor.command")"
equal "so does the size that packets may have" "$(jq -r '.result.findings[] | select(.check == "endpoints").text' "$TMP/doctor.api")" \
	"$(jq -r '.findings[] | select(.check == "endpoints").text' "$TMP/doctor.command")"
as 1000 0 '{"action":"doctor"}' >"$TMP/doctor.stranger"
equal "not to everybody" "$(jq -r .error.code "$TMP/doctor.stranger")" denied
# The tunnel of a process that was killed has a journal; what has none has our marks.
no_link() { ! on A ip link show "$1" >/dev/null 2>&1; }
leftovers() { on A ip rule | grep -c 'lookup 4747' || true; }
machine >"$TMP/machine.before"
sed "s|^PrivateKey.*|PrivateKey = $(<"$TMP/c.key")|" >"$TMP/${W}d.conf" <<END
[Interface]
PrivateKey =
Address = 10.70.0.1/24

[Peer]
PublicKey = $(key b)
AllowedIPs = 0.0.0.0/0
END
chmod 600 "$TMP/${W}d.conf"
check "adit up" on A env ADIT_STATE_DIR="$STATE" "$ADIT" up "$TMP/${W}d.conf"
equal "what lives stays" "$(asked '{"action":"cleanup"}' | jq -r --arg w "${W}d" '[.result.changes[] | select(.network == $w).what] | unique | join(" ")')" left
for pid in $(ip netns pids "$P-A"); do
	grep -qz "${W}d" "/proc/$pid/cmdline" && kill -KILL "$pid"
done
check "its device is killed" wait_for 10 no_link "${W}d"
asked '{"action":"cleanup"}' >"$TMP/cleanup.dead"
check "cleanup by its journal" jq -e --arg w "${W}d" '[.result.changes[] | select(.network == $w and .what == "undone" and (.text | contains("rule")))] | length > 1' "$TMP/cleanup.dead"
check "all of it is undone" same_machine
on A ip rule add pref 20999 lookup 4747 proto 97
on A ip route add unreachable 192.0.2.0/24 table 4747 proto 97
check "cleanup: what it would do" [ "$(asked '{"action":"cleanup","dry_run":true}' | jq '[.result.changes[] | select(.what == "would")] | length')" -ge 2 ]
equal "and does not" "$(leftovers)" 1
asked '{"action":"cleanup"}' >"$TMP/cleanup.api"
of_others='(.text | startswith("socket /run/adit/"))' # of what other tests have killed
equal "cleanup says what it undid" "$(jq "[.result.changes[] | select(.what == \"undone\" and ($of_others | not))] | length" "$TMP/cleanup.api")" 2
equal "and that what the agent holds stays" "$(jq -r --arg w "$WA" '[.result.changes[] | select(.network == $w).what] | unique | join(" ")' "$TMP/cleanup.api")" left
check "the machine is as before, the network too" same_machine
check "it carries" answers_agent
equal "a second one finds nothing" "$(asked '{"action":"cleanup"}' | jq "[.result.changes[] | select(.what != \"left\" and ($of_others | not))] | length")" 0
equal "not for everybody" "$(as 65534 0 '{"action":"cleanup"}' | jq -r .error.code)" denied

# ---- what a reload changes of the agent itself ------------------------------------------------------------

cp "$CONFIG" "$TMP/config.was"
sed -i "s|^metrics = .*|metrics = \"127.0.0.1:9587\"\nlog_level = \"debug\"\nstatus_socket = \"$TMP/status.sock\"|; s|^user = .*|user = \"daemon\"|; s|^page = .*|page = false|" "$CONFIG"
waiting='agent: status_socket: needs a restart|agent: user: needs a restart'
changed='agent: log_level: changed|agent: metrics: changed|agent: page: changed'
own() { on A "$ADIT" reload "$@" | grep '^agent:' | paste -sd '|'; }
equal "a dry run says what would change" "$(own --dry-run)" "$changed|$waiting"
equal "and changes nothing" "$(code http://127.0.0.1:9586/)" 200
run_bg A "$TMP/holder.log" $PYTHON -c 'import socket, time; s = socket.create_server(("127.0.0.1", 9587)); print("holds", flush=True); time.sleep(600)'
wait_for 10 grep -q holds "$TMP/holder.log"
reload_taken() { on A "$ADIT" reload >"$TMP/taken" 2>&1; }
check_not "a port that is taken fails the reload" reload_taken
check "with its reason" grep -q '127.0.0.1:9587.*in use' "$TMP/taken"
equal "what was served is served" "$(code http://127.0.0.1:9586/)" 200
equal "the level is as it was" "$(on A "$ADIT" log)" info
stop "$BGPID"
equal "a reload says what changed, and what waits" "$(own)" "$changed|$waiting"
check "so does the log" logged 'a change of status_socket, user takes effect when the agent is started again'
equal "metrics have moved" "$(code http://127.0.0.1:9587/metrics) $(code http://127.0.0.1:9586/metrics)" "200 000"
equal "the page is off" "$(code http://127.0.0.1:9587/)" 404
equal "the level is another" "$(on A "$ADIT" log)" debug
equal "what waits is said until it is so" "$(own)" "$waiting"
cp "$TMP/config.was" "$CONFIG"
equal "and back" "$(own)" "$changed"
equal "metrics, too" "$(code http://127.0.0.1:9586/metrics)" 200
check "it carries all the while" answers_agent

# ---- capture -----------------------------------------------------------------------------------------

run_bg A "$TMP/capture.log" "$ADIT" capture office -w "$TMP/c.pcapng" --count 6
CAPTURE=$BGPID
seen() { [ "$(asked '{"action":"networks"}' | jq '.result.networks[0].captures')" = "$1" ]; }
check "a capture is shown" wait_for 10 seen 1
reaches A 10.9.0.2 5 >/dev/null
wait "$CAPTURE"
equal "and when it is over" "$(wait_for 10 seen 0; echo $?)" 0
equal "requests and replies are in the file" "$(tcpdump -n -r "$TMP/c.pcapng" 2>/dev/null | grep -c 'ICMP echo re')" 6
check "it is noted who captured" logged 'capture by uid 0'

# ---- abuse, while packets pass --------------------------------------------------------------------------

on A ping -q -i 0.05 -c 200 10.9.0.2 >"$TMP/ping" &
PING=$!
PIDS+=("$PING")
cat >"$TMP/abuse.py" <<'END'
import os, socket, sys
path, held, line = sys.argv[1], [], b'{"action":"' + b"x" * 10_000_000 + b'"}\n'
s = socket.socket(socket.AF_UNIX)
s.connect(path)
try:
    s.sendall(line)
except OSError:
    pass
for i in range(5000):
    s = socket.socket(socket.AF_UNIX)
    s.connect(path)
    try:
        s.send(b"{")
    except OSError:
        pass
    held.append(s)
    if len(held) > 500:
        held.pop(0).close()
END
check "10 MB in a line, 5,000 connections" on A "$PYTHON" "$TMP/abuse.py" "$CONTROL"
for _ in 1 2 3; do
	check "a scrape of all peers meanwhile" [ "$(web http://127.0.0.1:9586/metrics | grep -c '^wireguard_sent_bytes_total{')" = $((MANY + 1)) ]
	check "status meanwhile" [ "$(asked '{"action":"status"}' | jq .ok)" = true ]
done
wait "$PING"
equal "no packet was lost meanwhile" "$(grep -o '[0-9]* received' "$TMP/ping")" "200 received"
diag "$(grep rtt "$TMP/ping")"

# What a hold of the device costs shows in every round; what other work of the machine costs does not.
if [ -n "${ADIT_MANY:-}" ]; then
	worst() { awk -F/ '/^rtt/ { split($6, a, "."); print a[1] }' "$1"; }
	least=1000 idle=1000
	for _ in 1 2 3 4 5 6; do
		on A ping -q -i 0.01 -c 200 10.9.0.2 >"$TMP/ping.idle"
		[ "$(worst "$TMP/ping.idle")" -lt "$idle" ] && idle=$(worst "$TMP/ping.idle")
		on A ping -q -i 0.01 -c 200 10.9.0.2 >"$TMP/ping.scrape" &
		PING=$!
		while kill -0 $PING 2>/dev/null; do web http://127.0.0.1:9586/metrics >/dev/null; sleep 0.5; done
		[ "$(worst "$TMP/ping.scrape")" -lt "$least" ] && least=$(worst "$TMP/ping.scrape")
	done
	expr_true "scrapes of $MANY peers delay no ping by 20 ms" "$least < $idle + 20"
fi

# ---- the end -----------------------------------------------------------------------------------------

for words in status "status --json" "peers office --json" "config show $CONFIG" "reload --json" "events --json"; do
	# shellcheck disable=SC2086 # words
	on A "$ADIT" $words >>"$TMP/replies" 2>&1
done
printf 'allowed_ips = ["10.76.0.0/16]\n' >>"$CONFIG"
on A "$ADIT" reload >>"$TMP/replies" 2>&1
equal "a reload of a file with a mistake" $? 78
check "events say all that" grep -q 'peer.remove by uid 0' <(on A "$ADIT" events)
on A "$ADIT" events --follow --json >"$TMP/followed" 2>/dev/null &
FOLLOW=$!
PIDS+=("$FOLLOW")
check "stop" on A timeout 30 "$ADIT" stop
check "who follows ends too" wait_for 10 gone "$FOLLOW"
equal "status without an agent: 5" "$(on A "$ADIT" status >/dev/null 2>&1; echo $?)" 5
check_not "no socket is left" test -e "$CONTROL"
hex() { base64 -d | od -An -tx1 | tr -d ' \n'; }
for secret in "$(<"$TMP/a.key")" "$PSK"; do
	check_not "no key in any reply or log" grep -qF -e "${secret%=}" -e "$(hex <<<"$secret")" "$TMP/replies" "$TMP/agent.log" "$TMP/metrics"
done
done_testing
