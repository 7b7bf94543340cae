#!/bin/bash
# SPDX-License-Identifier: ISC
#
# config.sh - unmodified `wg` against a device that carries traffic
#
#   A  a0 198.51.100.1  ------ veth ------  198.51.100.2 b0  B
#      wA 10.9.0.1           tunnel         wB 10.9.0.2
. "$(dirname "$0")/lib.sh"
lab_start
topology_direct
pair -p adit adit || { not_ok "two devices start"; done_testing; }
check "the tunnel works" reaches A 10.9.0.2
wg set "$WA" fwmark 0x1234 peer "$PUBB" persistent-keepalive 25
wg set "$WA" peer "$(key spare)" allowed-ips 10.77.0.0/16,fd77::/64,10.78.1.2/32 persistent-keepalive 11

# showconf, setconf and dump agree with each other
sorted() { sort "$1"; }
wg showconf "$WA" >"$TMP/first.conf"
check "showconf has the spare peer" grep -q "^PublicKey = $(key spare)" "$TMP/first.conf"
check "setconf takes what showconf gave" wg setconf "$WA" "$TMP/first.conf"
wg showconf "$WA" >"$TMP/second.conf"
equal "showconf is the same afterwards" "$(sort "$TMP/second.conf")" "$(sort "$TMP/first.conf")"
check "syncconf takes it" wg syncconf "$WA" "$TMP/first.conf"
wg showconf "$WA" >"$TMP/second.conf"
equal "and changes nothing" "$(sort "$TMP/second.conf")" "$(sort "$TMP/first.conf")"
equal "dump: fwmark and port" "$(wg show "$WA" dump | head -n 1 | cut -f 3,4)" "51821	0x1234"
equal "dump: one line for each peer and the device" "$(wg show "$WA" dump | wc -l)" 3
equal "wg show interfaces lists it" "$(wg show interfaces | tr ' ' '\n' | grep -cx "$WA")" 1
equal "fwmark off" "$(wg set "$WA" fwmark 0 && wg show "$WA" fwmark)" off
equal "the clamped private key comes back" "$(wg show "$WA" private-key)" "$(cat "$TMP/a.key")"
check "a peer's allowed IPs can be removed one by one" wg set "$WA" peer "$(key spare)" allowed-ips 10.77.0.0/16
equal "what is left" "$(wg show "$WA" allowed-ips | awk -v k="$(key spare)" '$1 == k { $1 = ""; print }')" " 10.77.0.0/16"
check "a peer can be removed" wg set "$WA" peer "$(key spare)" remove
equal "and is gone" "$(wg show "$WA" peers | wc -l)" 1

# under traffic
check "the tunnel works after setconf" wait_for 6 answers A 10.9.0.2
wg showconf "$WA" >"$TMP/a.conf"
iperf_server B
on A iperf3 -J -c 10.9.0.2 -p $IPERF_PORT -t 8 -i 1 -C cubic >"$TMP/iperf.json" 2>&1 &
client=$!
PIDS+=($client)
sleep 1
age=$(handshake_of "$WA" "$PUBB")
read -r _ before < <(transfer_of "$WA" "$PUBB")
check "addconf under traffic" wg addconf "$WA" "$TMP/a.conf"
check "syncconf under traffic" wg syncconf "$WA" "$TMP/a.conf"
equal "the handshake is the same" "$(handshake_of "$WA" "$PUBB")" "$age"
sleep 0.5
read -r _ after < <(transfer_of "$WA" "$PUBB")
expr_true "bytes sent went on counting" "$after > $before"
sleep 1
check "setconf under traffic" wg setconf "$WA" "$TMP/a.conf"
check "a new session within 5 s" wait_for 5 has_handshake "$WA" "$PUBB"
wait $client
check_not "the transfer survived setconf" jq -e .error "$TMP/iperf.json"
expr_true "seconds without data" "$(dead_seconds) <= 5"
stop $IPERF_SERVER

# errors
reply=$(printf 'set=1\nbogus=1\n\n' | lab set "$WA")
equal "an unknown key is -22" "$reply" "errno=-22"
on A "$PYTHON" -c 'import socket, time
s = socket.socket(socket.AF_INET, socket.SOCK_DGRAM); s.bind(("0.0.0.0", 40000)); print("bound", flush=True); time.sleep(60)' \
	>"$TMP/bound" &
PIDS+=($!)
wait_for 5 grep -q bound "$TMP/bound"
message=$(wg set "$WA" listen-port 40000 2>&1)
check "a taken port is refused in words" grep -q "Address already in use" <<<"$message"
equal "the old port stays" "$(wg show "$WA" listen-port)" 51821
check "and the tunnel works" reaches A 10.9.0.2
check "the port can move under way" wg set "$WA" listen-port 41821
check "and the tunnel works from the new port" wait_for 6 answers A 10.9.0.2
equal "the peer has followed" "$(endpoint_of "$WB" "$PUBA")" "198.51.100.1:41821"
check "port 0 picks one" wg set "$WA" listen-port 0
expr_true "a port above 0" "$(wg show "$WA" listen-port) > 0"
check "the tunnel works from it" reaches A 10.9.0.2
done_testing
