#!/bin/bash
# SPDX-License-Identifier: ISC
#
# roaming.sh - addresses and ports change under traffic; answers come from the address that was asked
#
#   A  a0 198.51.100.1 (later .7) -- R -- 203.0.113.2 b0  B
#      wA 10.9.0.1 ============= tunnel ============ 10.9.0.2 wB
. "$(dirname "$0")/lib.sh"
lab_start
topology_router
pair adit adit || { not_ok "two devices start"; done_testing; }
check "the tunnel works" reaches A 10.9.0.2

# A moves while TCP and a ping every 20 ms run.
iperf_server B
on A iperf3 -J -c 10.9.0.2 -p $IPERF_PORT -t 6 -i 1 -C cubic >"$TMP/iperf.json" 2>&1 &
client=$!
PIDS+=($client)
on A ping -n -D -i 0.02 -w 5 10.9.0.2 >"$TMP/ping" 2>&1 &
pinger=$!
PIDS+=($pinger)
sleep 1.5
ip -n "$P-A" addr add 198.51.100.7/24 dev a0
ip -n "$P-A" addr del 198.51.100.1/24 dev a0
ip -n "$P-A" addr add 198.51.100.7/24 dev a0 2>/dev/null
ip -n "$P-A" route replace default via 198.51.100.254
endpoint_is() { [ "$(endpoint_of "$1" "$2")" = "$3" ]; }
check "A's address changes: the endpoint moves in B within 2 s" wait_for 2 endpoint_is "$WB" "$PUBA" 198.51.100.7:51821
wait $pinger
wait $client
expr_true "longest time without an answer, ms" "$(lab gap "$TMP/ping") < 2000"
check_not "TCP went on" jq -e .error "$TMP/iperf.json"
expr_true "seconds without data" "$(dead_seconds) <= 2"
stop $IPERF_SERVER

# The port changes on a NAT: R rewrites the source from now on.
need nft
on R nft -f - <<'END'
table ip nat {
	chain post {
		type nat hook postrouting priority 100;
		oifname "rb" udp dport 51822 snat to 203.0.113.254:4444
	}
}
END
check "behind a NAT: the endpoint moves in B" wait_for 8 eval 'answers A 10.9.0.2; endpoint_is "$WB" "$PUBA" 203.0.113.254:4444'
check "and data goes both ways" reaches B 10.9.0.1
on R nft delete table ip nat
check "the NAT goes away" wait_for 8 eval 'answers A 10.9.0.2; endpoint_is "$WB" "$PUBA" 198.51.100.7:51821'

# B gets a second address and is asked there: the answer must come from it, or A's endpoint would move.
ip -n "$P-B" addr add 203.0.113.9/24 dev b0
ip -n "$P-B" addr add 2001:db8:2::9/64 dev b0 nodad
for ep in 203.0.113.9:51822 203.0.113.2:51822 "[2001:db8:2::9]:51822" "[2001:db8:2::2]:51822"; do
	wg set "$WA" peer "$PUBB" endpoint "$ep"
	check "asked at $ep: data" reaches A 10.9.0.2 5
	equal "asked at $ep: answered from there" "$(endpoint_of "$WA" "$PUBB")" "$ep"
done
# The same for a new handshake.
wg set "$WA" peer "$PUBB" remove
wg set "$WA" peer "$PUBB" endpoint 203.0.113.9:51822 allowed-ips 10.9.0.2/32,fd09::2/128
check "a handshake with the second address" reaches A 10.9.0.2
equal "answered from there" "$(endpoint_of "$WA" "$PUBB")" 203.0.113.9:51822
# The address that was asked disappears: the other one takes over.
ip -n "$P-B" addr del 203.0.113.9/24 dev b0
check "the asked address is deleted: B still reaches A" wait_for 8 answers B 10.9.0.1
equal "and A's endpoint follows" "$(endpoint_of "$WA" "$PUBB")" 203.0.113.2:51822
done_testing
