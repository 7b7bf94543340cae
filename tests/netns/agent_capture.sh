#!/bin/bash
# SPDX-License-Identifier: ISC
#
# agent_capture.sh - adit capture shows what a network drops, and why; with --keylog the keys of its handshakes, to
# admins alone, which the status says; and tshark reads the datagrams outside with them
#
#   A  a0 198.51.100.1  ------ veth ------  198.51.100.2 b0  B
#      agent: office (wireguard) 10.9.0.1, lab (static)       wB 10.9.0.2
. "$(dirname "$0")/agent_lab.sh"
agent_lab_start
need socat jq tcpdump tshark
AGENT_MORE='user = "nobody"'
SA=${W}s
key sa >/dev/null
{
	config
	config_static
} >"$CONFIG"

asked() { on A socat -t 5 - "UNIX:$CONTROL" <<<"$1" | head -n 1; }
as() { on A setpriv --reuid "$1" --regid 0 --clear-groups socat -t 5 - "UNIX:$CONTROL" <<<"$2"; } # UID REQUEST
told() { [ "$(asked '{"action":"networks"}' | jq -c ".result.networks[] | select(.name == \"office\") | [.captures, .keylog.uid]")" = "$1" ]; }
logged() { grep -q "$1" "$TMP/agent.log"; }
# comments FILE: one line a packet with a comment: DIRECTION COMMENT SOURCE DESTINATION
comments() { $PYTHON "$LIB/lab.py" comments "$1"; }
shows() { comments "$TMP/c.pcapng" | grep -qxF "$1"; }
lines_of() { grep -c "^$1 = [A-Za-z0-9+/]\{43\}=$" "$TMP/keys"; }
enough() { [ "$(lines_of "$1")" -ge "$2" ]; }

agent
check "office carries" carries

# ---- who may -------------------------------------------------------------------------------------

KEYLOG='{"id":"1","action":"capture","network":"office","keylog":true}'
equal "no key log for a stranger" "$(as 65534 "$KEYLOG" | head -n 1 | jq -r .error.code)" denied
check "nobody's keys were logged" told '[0,null]'
touch "$TMP/there"
check_not "no key log over another file" on A timeout 20 "$ADIT" capture office -w "$TMP/x.pcapng" --keylog "$TMP/there"
check_not "which stays as it was" test -s "$TMP/there"
check "and is over" wait_for 10 told '[0,null]'

# ---- drops and keys --------------------------------------------------------------------------------

run_bg A "$TMP/outer.log" tcpdump -i a0 --immediate-mode -U -w "$TMP/outer.pcap" udp port 51822
OUTER=$BGPID
check "tcpdump looks on outside" wait_for 10 grep -q 'listening on' "$TMP/outer.log"
run_bg A "$TMP/capture.log" "$ADIT" capture office -w "$TMP/c.pcapng" --keylog "$TMP/keys"
CAPTURE=$BGPID
check "the status says who looks on, and who has the keys" wait_for 10 told '[1,0]'
check "in words too" grep -q 'keys are logged by uid 0' <(on A "$ADIT" status)
check "and the log" logged 'keys are logged by uid 0'
check "a session begins anew, and its keys are logged" wait_for 20 enough LOCAL_EPHEMERAL_PRIVATE_KEY 1
equal "for nobody else" "$(stat -c %a "$TMP/keys")" 600
equal "our key" "$(grep -m 1 LOCAL_STATIC "$TMP/keys")" "LOCAL_STATIC_PRIVATE_KEY = $(<"$TMP/a.key")"
equal "the peer's" "$(grep -m 1 REMOTE_STATIC "$TMP/keys")" "REMOTE_STATIC_PUBLIC_KEY = $(key b)"
equal "there is no preshared one" "$(lines_of PRESHARED_KEY)" 0
on A ip route add 10.77.0.0/24 dev "$WA"
on B ip addr add 10.66.0.1/32 dev "$WB"
on A ip route add 10.78.0.0/24 dev "$WA"
on A wg set "$WA" peer "$(key nobody)" allowed-ips 10.78.0.0/24 endpoint 198.51.100.77:9
on A ping -c 1 -W 1 10.78.0.1 >/dev/null
on A wg set "$WA" peer "$(key nobody)" remove
on A ping -c 1 -W 1 10.77.0.1 >/dev/null
on B ping -c 1 -W 1 -I 10.66.0.1 10.9.0.1 >/dev/null
check "a packet for which there is no peer" wait_for 10 shows 'out no_peer 10.9.0.1 10.77.0.1'
check "a packet that waited for a session" shows 'out peer_removed 10.9.0.1 10.78.0.1'
check "a source that the peer may not have" wait_for 10 shows 'in source_not_allowed 10.66.0.1 10.9.0.1'
for _ in 1 2 3; do # one at a time: of what leaves as one super-packet tshark reads the first
	wait_for 5 answers A 10.9.0.2
done
read_packets() { [ "$(tcpdump -n -r "$TMP/c.pcapng" 'host 10.9.0.2' 2>/dev/null | grep -c 'ICMP echo re')" -ge 6 ]; }
check "what passes stands beside it" wait_for 10 read_packets
equal "and is not called dropped" "$(comments "$TMP/c.pcapng" | grep -c '10\.9\.0\.2')" 0
kill "$CAPTURE"
wait "$CAPTURE"
check "the status says when it is over" wait_for 10 told '[0,null]'
check "and so does the log" logged 'no keys are logged any more'
before=$(wc -l <"$TMP/keys")
on A "$ADIT" disconnect office >/dev/null
on A "$ADIT" connect office >/dev/null
check "the network goes on" carries
equal "no key is logged any more" "$(wc -l <"$TMP/keys")" "$before"
kill "$OUTER"
wait "$OUTER"
check_not "no key in the log" grep -qF "$(<"$TMP/a.key")" "$TMP/agent.log"
cat >"$TMP/ours.py" <<'END'
import base64, subprocess, sys
keys = [line.split(" = ")[1] for line in open(sys.argv[1]) if line.startswith("LOCAL_EPHEMERAL")]
public = [base64.b64decode(subprocess.run(["wg", "pubkey"], input=k, capture_output=True, text=True).stdout) for k in keys]
outside = open(sys.argv[2], "rb").read()
sys.exit(not any(b"\1\0\0\0" + outside[i - 4:i] + p in outside for p in public for i in [outside.find(p)]))
END
check "the ephemeral key is that of an initiation that was sent" "$PYTHON" "$TMP/ours.py" "$TMP/keys" "$TMP/outer.pcap"
inside() { tshark -n -r "$TMP/outer.pcap" -o "wg.keylog_file:$TMP/keys" -d udp.port==51822,wg -Y 'wg && icmp && ip.dst == 10.9.0.2' 2>/dev/null | wc -l; }
check "tshark sees the packets inside" test "$(inside)" -ge 3

# ---- a preshared key; and the network ends first ----------------------------------------------------------

(umask 077; wg genpsk >"$TMP/psk")
on A wg set "$WA" peer "$(key b)" preshared-key "$TMP/psk"
wg set "$WB" peer "$(key a)" preshared-key "$TMP/psk"
rm "$TMP/keys"
run_bg A "$TMP/capture.log" "$ADIT" capture office -w "$TMP/c.pcapng" --keylog "$TMP/keys"
CAPTURE=$BGPID
check "a preshared key is logged" wait_for 20 enough PRESHARED_KEY 1
equal "behind its session's" "$(grep -A 1 LOCAL_EPHEMERAL "$TMP/keys" | sed -n 2p)" "PRESHARED_KEY = $(<"$TMP/psk")"
on A "$ADIT" disconnect office >/dev/null
check "a capture ends with its network" wait_for 10 gone "$CAPTURE"
check "the agent runs on" told '[0,null]'

# ---- a static network ---------------------------------------------------------------------------------------

check_not "has no keys for Wireshark" on A timeout 20 "$ADIT" capture lab -w "$TMP/lab.pcapng" --keylog "$TMP/lab.keys"
check_not "so there is no such file" test -e "$TMP/lab.keys"
run_bg A "$TMP/capture.log" "$ADIT" capture lab -w "$TMP/lab.pcapng"
CAPTURE=$BGPID
on_lab() { [ "$(asked '{"action":"networks"}' | jq '.result.networks[] | select(.name == "lab").captures')" = 1 ]; }
check "a capture of it is shown" wait_for 10 on_lab
on A ip route add 10.79.0.0/24 dev "$SA"
on A ping -c 1 -W 1 10.79.0.1 >/dev/null
lab_shows() { comments "$TMP/lab.pcapng" | grep -qxF "$1"; }
check "and what it drops" wait_for 10 lab_shows 'out no_peer 10.8.0.1 10.79.0.1'
kill "$CAPTURE"
wait "$CAPTURE"
on A timeout 30 "$ADIT" stop >/dev/null
done_testing
