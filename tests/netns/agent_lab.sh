# SPDX-License-Identifier: ISC
# shellcheck shell=bash
# agent_lab.sh - an agent in namespace A, its far end in B, and a look at what it leaves on the machine
. "$(dirname "${BASH_SOURCE[0]}")/lib.sh"
P=ag$$

link_of() { on A ip -o link show "$WA" | sed 's/: .*//'; }
agent_tool() { $PYTHON "$LIB/agent_lab.py" "$@"; }

# agent_lab_start: A and B, the far end, folders and keys
agent_lab_start() {
	lab_start
	[ -n "$ADIT_STANDIN" ] && skip_all "the program under test is a stand-in"
	topology_direct
	far_end
	key c >/dev/null
	wg set "$WB" peer "$(key c)" allowed-ips 10.9.0.3/32
	WA=${W}a
	export ADIT_CONTROL=$TMP/control.sock
	CONTROL=$ADIT_CONTROL
	STATE=$TMP/state
	CONFIG=$TMP/agent.toml
	chmod 755 "$TMP"
}
# config [EXTRA]: office is wireguard, web is forward; EXTRA goes into office
config() {
	cat <<END
[agent]
control_socket = "$CONTROL"
state_dir = "$STATE"
${AGENT_MORE:-}

[network.office]
enable = true
interface = "$WA"
private_key_path = "a.key"
addresses = ["10.9.0.1/24"]
${1:-}

[[network.office.peers]]
name = "far"
public_key = "$(key b)"
endpoint = "$B4:51822"
allowed_ips = ["10.9.0.2/32", "10.88.0.0/16"]
END
}
# lab is static, $SA, to sb's peer at $B4
config_static() {
	cat <<END

[network.lab]
enable = true
type = "static"
interface = "$SA"
listen = "0.0.0.0:1194"
secret_path = "sa.key"
addresses = ["10.8.0.1/24"]
mtu = 1400
[network.lab.peers]
"10.8.0.2" = { pub_key = "$(key sb)", sock_addr = "$B4:1194" }
END
}
config_web() {
	cat <<END

[network.web]
enable = true
type = "forward"
private_key_path = "c.key"
addresses = ["10.9.0.3/32"]
local = ["127.0.0.1:8080:10.9.0.2:8000"]

[[network.web.peers]]
public_key = "$(key b)"
endpoint = "$B4:51822"
allowed_ips = ["10.9.0.2/32"]
END
}
# agent [ARGUMENT...]: in the foreground of namespace A; sets AGENT
agent() {
	: >"$TMP/agent.log"
	run_bg A "$TMP/agent.log" env ${AGENT_ENV[@]+"${AGENT_ENV[@]}"} "$ADIT" agent -c "$CONFIG" "$@"
	AGENT=$BGPID
}
AGENT_ENV=()
answers_agent() { on A ping -c 1 -W 1 10.9.0.2; }
carries() { wait_for 10 answers_agent; }
helper_of() { pgrep -P "$1" 2>/dev/null | head -n 1; }
# traffic_begins: a stream and pings from A, and the link that they take
traffic_begins() {
	LINK=$(link_of)
	iperf_server B
	run_bg A "$TMP/stream.json" timeout 60 iperf3 -J -c 10.9.0.2 -p "$IPERF_PORT" -t 8 -b 20M
	STREAM=$BGPID
	run_bg A "$TMP/pings" ping -i 0.02 -c 300 10.9.0.2
	PINGS=$BGPID
	sleep 1
}
# traffic_lived: to its end, by the same link; each change may take 300 ms: 15 pings
traffic_lived() {
	equal "it is the same interface" "$(link_of)" "$LINK"
	wait "$STREAM"
	equal "the stream lived" $? 0
	wait "$PINGS"
	diag "pings: $(tail -n 2 "$TMP/pings" | head -n 1)"
	expr_true "no gap is longer than 300 ms" "$(longest_gap "$TMP/pings") <= 16 * ${ADIT_PATIENCE:-3}"
}
# machine: all that an agent could have changed in namespace A
machine() {
	on A ip -o addr 2>&1 | sed 's/ *valid_lft.*//; s/\\.*//'
	on A ip -o link | sed 's/^[0-9]*: //; s/\\.*//'
	on A ip route show table all
	on A ip -6 route show table all
	on A ip rule
	on A ip -6 rule
	on A nft list ruleset 2>/dev/null
	on A sysctl -a 2>/dev/null | grep -E '^net\.ipv[46]\.(conf\.(all|default|a0|lo)|ip_forward)' | grep -vE 'stable_secret|mc_forwarding'
	cat /etc/resolv.conf
	ls "$STATE" 2>/dev/null
	[ -e "/var/run/wireguard/$WA.sock" ] && echo "$WA.sock"
	ls "$CONTROL" "$CONTROL.next" 2>/dev/null
	return 0
}
same_machine() {
	machine >"$TMP/machine.now"
	diff "$TMP/machine.before" "$TMP/machine.now"
}
# no_handshakes: from now on none reaches B, so that only a session that is there carries; lifted by handshakes_again
no_handshakes() {
	on B nft -f - <<'END'
table inet nohandshake {
	chain input {
		type filter hook input priority 0
		udp dport 51822 @th,64,8 1 counter drop
	}
}
END
}
handshakes_again() { on B nft delete table inet nohandshake; }
initiations() { on B nft list table inet nohandshake | sed -n 's|.*packets \([0-9]*\).*|\1|p'; }
# longest_gap FILE: the most replies in a row that ping's output lacks, and one
longest_gap() { awk -F'[= ]' '/icmp_seq=/ { for (i = 1; i < NF; i++) if ($i == "icmp_seq") { s = $(i + 1); if (s - last > max) max = s - last; last = s } } END { print max + 0 }' "$1"; }
