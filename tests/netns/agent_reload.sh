#!/bin/bash
# SPDX-License-Identifier: ISC
#
# agent_reload.sh - random reloads of many peers while data flows through one that stays as it is
#
#   A  a0 198.51.100.1  ------ veth ------  198.51.100.2 b0  B
#      agent: office 10.9.0.1                 far end wB 10.9.0.2, iperf3
#
# ADIT_ROUNDS (20) reloads of ADIT_MANY (1000) peers; the seed is ADIT_SEED. After each one `wg showconf` and the
# routes are those of a model.
. "$(dirname "$0")/agent_lab.sh"
P=nw$$
agent_lab_start
MANY=${ADIT_MANY:-1000} ROUNDS=${ADIT_ROUNDS:-20} SEED=${ADIT_SEED:-$RANDOM}
diag "seed $SEED"
MODEL=$TMP/model.json
model() { $PYTHON "$LIB/reload_model.py" "$1" "$MODEL" "${@:2}"; }

jq -n --arg head "[agent]
control_socket = \"$CONTROL\"
state_dir = \"$STATE\"
[network.office]
enable = true
interface = \"$WA\"
private_key_path = \"a.key\"
listen_port = 51821
addresses = [\"10.9.0.1/24\"]" --arg fixed "[[network.office.peers]]
name = \"far\"
public_key = \"$(key b)\"
endpoint = \"$B4:51822\"
allowed_ips = [\"10.9.0.2/32\"]" --arg key "$(key b)" --arg private "$(cat "$TMP/a.key")" --arg endpoint "$B4:51822" '{
	head: $head, fixed: $fixed, stays: {
		Interface: {ListenPort: "51821", PrivateKey: $private},
		($key): {AllowedIPs: "10.9.0.2/32", Endpoint: $endpoint}
	}}' >"$MODEL"
(umask 077 && : >"$CONFIG")
model new "$MANY" "$SEED"
model toml >"$CONFIG"
agent
check "it carries" carries
peers() { [ "$(wg show "$WA" peers | wc -l)" = $((MANY + 1)) ]; }
check "$MANY peers and one" wait_for 20 peers

routes() { ip -n "$P-A" route show dev "$WA" | awk '$1 ~ /^10\.1[0-9][0-9]\./ { print $1 }' | sort; }
same_conf() { wg showconf "$WA" >"$TMP/showconf" && model compare "$TMP/showconf"; }
same_routes() { diff <(model routes | sort) <(routes); }
check "wg showconf is the model" same_conf
check "the routes are the model's" same_routes
check "a reload of the same file changes nothing" "$ADIT" reload --control "$CONTROL"
check "wg showconf is still the model" same_conf

before=$(handshake_of "$WA" "$(key b)")
iperf_server B
on A timeout $((ROUNDS * 20 + 60)) iperf3 -J -c 10.9.0.2 -p "$IPERF_PORT" -b 100M -t $((ROUNDS * 15 + 30)) \
	>"$TMP/iperf.json" 2>&1 &
CLIENT=$!
PIDS+=("$CLIENT")
sleep 2
wrong=0 failed=0 slowest=0
for ((i = 1; i <= ROUNDS; i++)); do
	model change $((SEED + i))
	model toml >"$CONFIG"
	begin=$(now_ms)
	"$ADIT" reload --control "$CONTROL" >"$TMP/reload.out" 2>&1 || { failed=$((failed + 1)); indent "$TMP/reload.out"; }
	took=$(($(now_ms) - begin))
	[ $took -gt $slowest ] && slowest=$took
	sleep 0.1
	{ same_conf && same_routes; } >"$TMP/differs" 2>&1 || { wrong=$((wrong + 1)); diag "round $i"; head -n 5 "$TMP/differs" | indent; }
done
diag "the slowest reload took $slowest ms"
equal "reloads that failed, of $ROUNDS" $failed 0
equal "reloads after which it was not the model" $wrong 0
after=$(handshake_of "$WA" "$(key b)")
# A session is renewed every 120 s by itself: no more than that.
renewals=$(((after - before + 60) / 120))
expr_true "the peer that stayed made no handshake but its renewals" "$after == $before || ($after - $before) >= 119 * $renewals && $renewals > 0"
sleep 3
kill -INT "$(pgrep -P "$CLIENT")"
wait "$CLIENT" 2>/dev/null
check "the stream lived" jq -e '.intervals | length > 3' "$TMP/iperf.json"
worst=$(jq '[.intervals[1:][].sum.retransmits] | max' "$TMP/iperf.json")
expr_true "no burst of retransmits: the worst second had" "$worst <= 20"
equal "seconds without data" "$(dead_seconds)" 0
equal "nothing of the peer was dropped for want of it" "$(drops "$WA" no_peer)" 0
agent_stop() { stop "$AGENT"; }
agent_stop
check_not "the end: the TUN is gone" on A ip link show "$WA"
done_testing
