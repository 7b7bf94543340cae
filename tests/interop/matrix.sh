# SPDX-License-Identifier: ISC
# shellcheck shell=bash
# matrix.sh - what is tried against each peer program; sourced by wireguard-go.sh, boringtun.sh, gotatun.sh
#
#   A  198.51.100.1 -- R -- 203.0.113.2  B        A: adit, B: the peer program
#      wA 10.9.0.1 fd09::1 == tunnel == 10.9.0.2 fd09::2 wB

# ready PEER: topology; skips everything when the peer cannot be had
ready() {
	lab_start
	peer_program "$1" || skip_all "$PEER_WHY"
	diag "peer: $PEER"
	topology_router
}
begin() { # pair's arguments; a fresh pair
	[ -n "${PIDA:-}" ] && unpair
	pair "$@" || { not_ok "both devices start"; done_testing; }
}
# initiated WHO FAMILY: the first packet comes from that side, which alone knows an endpoint
initiated() {
	local dst=10.9.0.2 from=A
	[ "$2" = 6 ] && dst=fd09::2
	if [ "$1" = peer ]; then
		from=B dst=${dst/%2/1}
	fi
	reaches $from $dst
}
# only_knows WHO: removes the endpoint on the other side
only_knows() {
	if [ "$1" = adit ]; then
		wg set "$WB" peer "$PUBA" remove
		wg set "$WB" peer "$PUBA" ${PSK:+preshared-key "$PSK"} allowed-ips 10.9.0.1/32,fd09::1/128
	else
		wg set "$WA" peer "$PUBB" remove
		wg set "$WA" peer "$PUBB" ${PSK:+preshared-key "$PSK"} allowed-ips 10.9.0.2/32,fd09::2/128
	fi
}

# Each side first, outer v4 and v6, inner v4 and v6, with PSK.
handshakes() { # KIND
	local outer first
	PSK=$(psk)
	for outer in 4 6; do
		for first in adit peer; do
			if [ $outer = 6 ]; then begin -6 -p adit "$1"; else begin -p adit "$1"; fi
			PSK=$(psk)
			only_knows $first
			check "outer v$outer, $first first: inner v4" initiated $first 4
			check "outer v$outer, $first first: inner v6" initiated $first 6
		done
	done
	PSK=
}

figures() { # KIND SECONDS MEGABYTES
	local s=$2 mb=$3
	begin -p adit "$1"
	check "iperf3 forward" iperf A B 10.9.0.2 -t "$s"
	expr_true "forward, Mbit/s" "$(mbits) >= $(at_least 20)"
	check "iperf3 -R" iperf A B fd09::2 -t "$s" -R
	expr_true "reverse, Mbit/s" "$(mbits) >= $(at_least 20)"
	check "iperf3 --bidir -P 8" iperf A B 10.9.0.2 -t "$s" --bidir -P 8
	check "iperf3 -u -b 0" iperf_udp A B 10.9.0.2 -t "$s" -b 0 -l 1340
	expr_true "UDP arrived, Mbit/s" "$(mbits) >= $(at_least 5)"
	check "$mb MB to the peer, equal sha256" transfer A B 10.9.0.2 "$mb"
	check "$mb MB from the peer, equal sha256" transfer B A fd09::1 "$mb"
}

# Ten pings on a fresh pair, counted by us in UDP payload bytes; PADS=no for a peer that does not pad.
counters() { # KIND PADS
	local rx tx want
	begin adit "$1"
	# 92 + 10 * (84 [padded to 96] + 32)
	[ "$2" = yes ] && want=1372 || want=1252
	ten_pings 10.9.0.2 $want
	read -r rx tx < <(transfer_of "$WA" "$PUBB")
	equal "ten pings, v4: received" "$rx" $want
	expr_true "ten pings, v4: sent" "$tx == 1428 || $tx == 1460"
	begin adit "$1"
	# 92 + 10 * (104 [padded to 112] + 32)
	[ "$2" = yes ] && want=1532 || want=1452
	ten_pings fd09::2 $want
	read -r rx tx < <(transfer_of "$WA" "$PUBB")
	equal "ten pings, v6: received" "$rx" $want
	expr_true "ten pings, v6: sent" "$tx == 1588 || $tx == 1620"
}

# Packets of every size, one process at each end.
sizes() {
	local a
	for a in 10.9.0.2 fd09::2; do
		rm -f "$TMP/echo"
		run_bg B "$TMP/echo" "$PYTHON" "$LIB/lab.py" echo $a 7007
		local echo=$BGPID
		wait_for 5 grep -q ready "$TMP/echo"
		check "packets of every size up to the MTU, to $a" on A "$PYTHON" "$LIB/lab.py" sweep $a 7007 1420
		stop $echo
	done
}
mtu_change() {
	check "MTU 1280 on our side" eval 'ip -n "$P-A" link set "$WA" mtu 1280; on A ping -n -q -c 2 -i 0.1 -W 2 -M do -s 1252 10.9.0.2'
	check "and a transfer" transfer A B 10.9.0.2 5
	check "MTU 1420 again" eval 'ip -n "$P-A" link set "$WA" mtu 1420; on A ping -n -q -c 2 -i 0.1 -W 2 -M do -s 1392 10.9.0.2'
}

endpoint_is() { [ "$(endpoint_of "$1" "$2")" = "$3" ]; }
roaming() {
	check "before roaming" reaches A 10.9.0.2
	ip -n "$P-A" addr add 198.51.100.7/24 dev a0
	ip -n "$P-A" addr del 198.51.100.1/24 dev a0
	ip -n "$P-A" addr add 198.51.100.7/24 dev a0 2>/dev/null
	ip -n "$P-A" route replace default via 198.51.100.254
	check "we roam: data within 6 s" wait_for 6 answers A 10.9.0.2
	check "we roam: the peer's endpoint follows" wait_for 2 endpoint_is "$WB" "$PUBA" 198.51.100.7:51821
	ip -n "$P-A" addr add 198.51.100.1/24 dev a0
	ip -n "$P-A" addr del 198.51.100.7/24 dev a0
	ip -n "$P-A" addr add 198.51.100.1/24 dev a0 2>/dev/null
	ip -n "$P-A" route replace default via 198.51.100.254
	check "we are back" wait_for 6 answers A 10.9.0.2
	case $PEER in
	"$ADIT_PEERS"/*) ;;
	*)	# wireguard-go of 2022, between two of which it is the same
		skip "the peer roams" "the system's $(basename "$PEER") keeps a source address that is gone"
		return
		;;
	esac
	ip -n "$P-B" addr add 203.0.113.7/24 dev b0
	ip -n "$P-B" addr del 203.0.113.2/24 dev b0
	ip -n "$P-B" addr add 203.0.113.7/24 dev b0 2>/dev/null
	ip -n "$P-B" route replace default via 203.0.113.254
	check "the peer roams: data within 6 s" wait_for 6 answers B 10.9.0.1
	check "the peer roams: our endpoint follows" wait_for 2 endpoint_is "$WA" "$PUBB" 203.0.113.7:51822
	ip -n "$P-B" addr add 203.0.113.2/24 dev b0
	ip -n "$P-B" addr del 203.0.113.7/24 dev b0
	ip -n "$P-B" addr add 203.0.113.2/24 dev b0 2>/dev/null
	ip -n "$P-B" route replace default via 203.0.113.254
	check "the peer is back" wait_for 6 answers B 10.9.0.1
}

# A has two addresses of each family. The peer asks at each of them, and every answer, of the
# handshake and of data, must come from the one that was asked: it is where the peer then sees us.
asked() { # KIND
	asked_at "$1" 198.51.100.9 "$A4"
	asked_at -6 "$1" "[2001:db8:1::9]" "[$A6]"
}
# One family in one life of the peer: wireguard-go that has sent over IPv4 may cut an IPv6 endpoint
# to its first four bytes (its pooled net.UDPAddr is copied into before it is made longer).
asked_at() { # [-6] KIND ADDRESS...
	local outer=() kind at
	[ "$1" = -6 ] && outer=(-6) && shift
	kind=$1
	shift
	begin ${outer[@]+"${outer[@]}"} -i adit "$kind"
	wg set "$WA" peer "$PUBB" remove
	wg set "$WA" peer "$PUBB" allowed-ips 10.9.0.2/32,fd09::2/128
	ip -n "$P-A" addr add 198.51.100.9/24 dev a0
	ip -n "$P-A" addr add 2001:db8:1::9/64 dev a0 nodad
	for at in "$@"; do
		# removed and added, since boringtun cannot change a peer
		wg set "$WB" peer "$PUBA" remove
		wg set "$WB" peer "$PUBA" endpoint "$at:51821" allowed-ips 10.9.0.1/32,fd09::1/128
		check "the peer asks at $at: a session and data" reaches B 10.9.0.1 5
		equal "and is answered from there" "$(endpoint_of "$WB" "$PUBA")" "$at:51821"
	done
	ip -n "$P-A" addr del 198.51.100.9/24 dev a0
	ip -n "$P-A" addr del 2001:db8:1::9/64 dev a0
}

keepalive() { # KIND
	begin adit "$1"
	# removed and added, since boringtun cannot change a peer
	wg set "$WB" peer "$PUBA" remove
	wg set "$WB" peer "$PUBA" endpoint "$A4:51821" allowed-ips 10.9.0.1/32,fd09::1/128 persistent-keepalive 1
	check "the peer's keepalive makes a session" wait_for 7 has_handshake "$WA" "$PUBB"
	local rx rx2 tx tx2
	read -r rx _ < <(transfer_of "$WA" "$PUBB")
	sleep 2.5
	read -r rx2 _ < <(transfer_of "$WA" "$PUBB")
	expr_true "and goes on: bytes" "$rx2 - $rx >= 64"
	begin adit "$1"
	wg set "$WA" peer "$PUBB" persistent-keepalive 1
	check "our keepalive makes a session" wait_for 7 has_handshake "$WB" "$PUBA"
	read -r _ tx < <(transfer_of "$WA" "$PUBB")
	sleep 2.5
	read -r _ tx2 < <(transfer_of "$WA" "$PUBB")
	expr_true "and goes on: bytes" "$tx2 - $tx >= 64"
}

# Under traffic: a peer removed and added on either side, and so a new session each time. What is
# lost meanwhile TCP sends again.
under_traffic() {
	iperf_server B
	on A timeout 60 iperf3 -J -c 10.9.0.2 -p $IPERF_PORT -t 8 -i 1 -C cubic >"$TMP/iperf.json" 2>&1 &
	local client=$!
	PIDS+=($client)
	sleep 1
	wg set "$WA" peer "$PUBB" remove
	wg set "$WA" peer "$PUBB" endpoint "$B4:51822" allowed-ips 10.9.0.2/32,fd09::2/128
	check "our peer removed and added under traffic: a new session" wait_for 6 has_handshake "$WA" "$PUBB"
	sleep 1
	wg set "$WA" peer "$(key other)" allowed-ips 10.77.0.0/16 endpoint 203.0.113.99:5
	wg set "$WA" peer "$(key other)" remove
	wg set "$WB" peer "$PUBA" remove
	wg set "$WB" peer "$PUBA" endpoint "$A4:51821" allowed-ips 10.9.0.1/32,fd09::1/128
	# it has something to say, so need not wait for us to notice in 15 s
	check "the peer's entry for us removed and added: a new session" wait_for 6 answers B 10.9.0.1
	wait $client
	stop $IPERF_SERVER
	check_not "TCP lives through all of it" jq -e .error "$TMP/iperf.json"
	expr_true "seconds without data" "$(dead_seconds) <= 5"
}
