#!/bin/bash
# SPDX-License-Identifier: ISC
#
# basic.sh - two devices: every combination of outer and inner family, traffic of each kind
#
#   A  a0 198.51.100.1  ------ veth ------  198.51.100.2 b0  B
#      wA 10.9.0.1 fd09::1   tunnel         wB 10.9.0.2 fd09::2
. "$(dirname "$0")/lib.sh"
lab_start
topology_direct

traffic() { # what address
	check "$1: iperf3 forward" iperf A B "$2" -t 1
	expr_true "$1: forward moved data, Mbit/s" "$(mbits) >= $(at_least 10)"
	check "$1: iperf3 -R" iperf A B "$2" -t 1 -R
	expr_true "$1: reverse moved data, Mbit/s" "$(mbits) >= $(at_least 10)"
}

pair -p adit adit || { not_ok "two devices start"; done_testing; }
check "outer v4, inner v4: ping" reaches A 10.9.0.2
check "outer v4, inner v6: ping" reaches B fd09::1
traffic "outer v4, inner v4" 10.9.0.2
check "bidirectional, 8 streams" iperf A B 10.9.0.2 -t 2 --bidir -P 8
check "UDP as fast as it goes" iperf_udp A B 10.9.0.2 -t 2 -b 0 -l 1340
expr_true "UDP arrived, Mbit/s" "$(mbits) >= $(at_least 10)"
equal "UDP out of order" "$(jq '[.end.streams[].udp.out_of_order] | add' "$TMP/iperf.json")" 0
check "50 MB with equal sha256, A to B" transfer A B 10.9.0.2 50
check "50 MB with equal sha256, B to A over v6" transfer B A fd09::1 50
unpair

pair -6 -p adit adit || { not_ok "two devices start over v6"; done_testing; }
check "outer v6, inner v4: ping" reaches A 10.9.0.2
check "outer v6, inner v6: ping" reaches B fd09::1
traffic "outer v6, inner v6" fd09::2
unpair

# A PSK that differs must not connect.
pair adit adit
(umask 077; wg genpsk >"$TMP/other.psk")
wg set "$WA" peer "$PUBB" preshared-key "$TMP/other.psk"
check_not "one side with a PSK: no session" answers A 10.9.0.2
unpair

# Ten pings on a fresh pair, counted in UDP payload bytes. A initiates: tx 148, rx 92. Ten echoes of
# 84 bytes pad to 96, 128 each on the wire: tx 148 + 1280 = 1428, or 1460 when a keepalive confirmed
# the session first; rx 92 + 1280 = 1372. Over IPv6 ten echoes of 104 bytes pad to 112, 144 each.
counted() { # what address rx tx
	wg set "$WA" peer "$PUBB" persistent-keepalive 0
	ten_pings "$2" "$3"
	local rx tx
	read -r rx tx < <(transfer_of "$WA" "$PUBB")
	equal "$1: received bytes" "$rx" "$3"
	expr_true "$1: sent bytes are $4 or $(($4 + 32))" "$tx == $4 || $tx == $4 + 32"
}
pair adit adit
counted "ten pings, v4" 10.9.0.2 1372 1428
unpair
pair adit adit
counted "ten pings, v6" fd09::2 1532 1588
unpair
done_testing
