#!/bin/bash
# SPDX-License-Identifier: ISC
#
# static_attack.sh - what is bent, old, reflected or another's is never delivered, and counted; who is where
#
#   A  198.51.100.1 -- R (records, replays) -- 203.0.113.2  B
#      wa 10.9.0.1 ========= tunnel ========== 10.9.0.2 wb
. "$(dirname "$0")/lib.sh"
. "$(dirname "$0")/static_lab.sh"
lab_start
need tcpdump
topology_router
ip -n "$P-A" link set a0 gso_max_segs 1 # one datagram, one frame
ip -n "$P-B" link set b0 gso_max_segs 1
key c >/dev/null

total() { status "$1" '[.drops[]] | add // 0'; }
# the tunnel at rest: keepalives have been sent, everything has been read
settle() { wait_for 5 eval '[ "$(status "$WB" "[.rx_datagrams, .tx_datagrams]")" = "$(sleep 0.7; status "$WB" "[.rx_datagrams, .tx_datagrams]")" ]'; }
# play "what" NS HOST PORT_IFACE REASON FILE OPTIONS...: sent from R; nothing comes out of the tunnel in NS, and each is counted
play() {
	local what=$1 ns=$2 host=$3 dev=$4 reason=$5 file=$6 before count all
	shift 6
	settle
	before="$(inside "$ns" "$dev") $(status "$dev" '.peers[0].endpoint')"
	count=$(static_drops "$dev" "$reason") all=$(total "$dev")
	on R "$PYTHON" "$LIB/lab.py" replay 2 "$host" 1194 "$@" <"$file" >"$TMP/sent" 2>&1
	equal "$what: sent" "$(cat "$TMP/sent")" $((2 * $(wc -l <"$file")))
	wait_for 5 static_drops_are "$dev" "$reason" $((count + 2 * $(wc -l <"$file")))
	equal "$what: counted as $reason" $(($(static_drops "$dev" "$reason") - count)) $((2 * $(wc -l <"$file")))
	equal "$what: as nothing else" $(($(total "$dev") - all)) $((2 * $(wc -l <"$file")))
	equal "$what: nothing arrives inside, the address is the same" "$(inside "$ns" "$dev") $(status "$dev" '.peers[0].endpoint')" "$before"
}
# B's table has a third peer, whom nobody runs: 10.9.0.9
start() { # WIRE [LINE...]
	static_config A "$@"
	static_config B "$@"
	echo "\"10.9.0.9\" = { pub_key = \"$(key c)\", sock_addr = \"$A4:9\" }" >>"$TMP/B.toml"
	WA=${W}a WB=${W}b PUBA=$(key a) PUBB=$(key b)
	run_bg R "$TMP/tcpdump" tcpdump --immediate-mode -i rb -U -w "$TMP/capture" udp port 1194
	DUMP=$BGPID
	wait_for 5 grep -q "listening on" "$TMP/tcpdump"
	static_up A && PIDA=$SPID && static_up B && PIDB=$SPID
}
record() {
	check "$1: a transfer to record" transfer A B 10.9.0.2 1
	check "$1: small packets to record" on A ping -q -n -i 0.01 -c 20 10.9.0.2
	settle
	stop $DUMP INT
	lab payloads "$TMP/capture" any >"$TMP/all"
	grep "^$A4," "$TMP/all" >"$TMP/fromA"
	grep "^$B4," "$TMP/all" | head -n 100 >"$TMP/fromB"
}
foreign_source() { # WIRE: A sends as 10.9.0.9, which is another peer's in B's table
	local before count
	ip -n "$P-A" addr add 10.9.0.9/32 dev "$WA"
	settle
	before=$(inside B "$WB") count=$(static_drops "$WB" source_not_allowed)
	on A ping -q -n -c 5 -i 0.05 -W 1 -I 10.9.0.9 10.9.0.2 >/dev/null
	equal "$1: another peer's inner source: nothing arrives inside" "$(inside B "$WB")" "$before"
	equal "$1: counted as source_not_allowed" $(($(static_drops "$WB" source_not_allowed) - count)) 5
	ip -n "$P-A" addr del 10.9.0.9/32 dev "$WA"
}

# ---- v2 -------------------------------------------------------------------------------------------------

check "v2: two tunnels" start v2 4
check "v2: data" reaches A 10.9.0.2
record v2
grep ",1194 23" "$TMP/fromA" >"$TMP/data"
grep ",1194 21" "$TMP/all" | head -n 1 >"$TMP/hello"
expr_true "v2: data messages captured" "$(wc -l <"$TMP/data") > 100"
equal "v2: a hello captured" "$(wc -l <"$TMP/hello")" 1
play "v2: replayed" B "$B4" "$WB" replayed "$TMP/data" raw $A4 1194
play "v2: replayed from elsewhere" B "$B4" "$WB" replayed "$TMP/data" source 203.0.113.254 9999
play "v2: a bit flipped" B "$B4" "$WB" auth_failed "$TMP/data" flip raw $A4 1194
head -n 100 "$TMP/data" >"$TMP/some"
play "v2: a byte short" B "$B4" "$WB" auth_failed "$TMP/some" cut 1 raw $A4 1194
play "v2: reflected" A "$A4" "$WA" unknown_index "$TMP/some" raw $B4 1194
foreign_source v2
check "v2: data afterwards" reaches A 10.9.0.2

stop "$PIDB" KILL
check "v2: B is killed and started again" static_up B
PIDB=$SPID
check "v2: data after it" wait_for 10 answers B 10.9.0.1
play "v2: replayed after a restart" B "$B4" "$WB" unknown_index "$TMP/data" raw $A4 1194
# An old hello is answered, since who says it may have restarted; what is answered is not used.
settle
sessions=$(status "$WB" .sessions) before=$(inside B "$WB")
on R "$PYTHON" "$LIB/lab.py" replay 3 "$B4" 1194 source 203.0.113.254 9999 <"$TMP/hello" >"$TMP/sent"
settle
equal "v2: an old hello makes no session" "$(status "$WB" .sessions) $(inside B "$WB")" "$sessions $before"
check "v2: data afterwards" reaches A 10.9.0.2
static_unpair

# ---- v1: what it can tell apart ----------------------------------------------------------------------------

check "v1: two tunnels" start v1 4
check "v1: data" reaches A 10.9.0.2
record v1
head -n 200 "$TMP/fromA" >"$TMP/data"
play "v1: a bit flipped" B "$B4" "$WB" auth_failed "$TMP/data" flip raw $A4 1194
play "v1: a byte short" B "$B4" "$WB" auth_failed "$TMP/data" cut 1 raw $A4 1194
play "v1: from a source nobody is at" B "$B4" "$WB" unknown_source "$TMP/data" source 203.0.113.254 9999
play "v1: reflected" A "$A4" "$WA" source_not_allowed "$TMP/data" raw $B4 1194
foreign_source v1
check "v1: data afterwards" reaches A 10.9.0.2
static_unpair

# ---- stale, roaming ------------------------------------------------------------------------------------------

ip -n "$P-A" addr add 198.51.100.77/24 dev a0
for wire in v2 v1; do
	check "$wire, roaming, timeout 3 s: two tunnels" start $wire 4 "roaming = true" "peer_timeout_secs = 3"
	check "$wire: data" reaches A 10.9.0.2
	record "$wire"
	head -n 50 "$TMP/fromA" >"$TMP/some"
	before=$(static_drops "$WB" auth_failed)
	on R "$PYTHON" "$LIB/lab.py" replay 1 "$B4" 1194 flip raw 198.51.100.77 1194 <"$TMP/some" >"$TMP/sent"
	sleep 0.3
	equal "$wire: what does not open moves no address" "$(status "$WB" .peers[0].endpoint)" "$A4:1194"
	# A's way to B leads from its other address now; its socket stays the same
	on A ip route change default via 198.51.100.254 src 198.51.100.77
	check "$wire: A from another address: data" wait_for 10 answers A 10.9.0.2
	check "$wire: its address has moved" wait_for 5 peer_is "$WB" endpoint 198.51.100.77:1194
	check "$wire: and the log says so" logged B "peer 10.9.0.1.* moved to 198.51.100.77:1194"
	stop "$PIDA"
	check "$wire: A is gone: stale" wait_for 15 peer_is "$WB" stale true
	equal "$wire: its address is the configured one again" "$(status "$WB" .peers[0].endpoint)" "$A4:1194"
	check "$wire: and the log says so" logged B "peer 10.9.0.1.* stale, nothing heard for 3 s"
	on A ip route change default via 198.51.100.254
	check "$wire: A again" static_up A
	PIDA=$SPID
	check "$wire: data" wait_for 10 answers A 10.9.0.2
	check "$wire: not stale any more" wait_for 5 peer_is "$WB" stale false
	check "$wire: and the log says so" logged B "peer 10.9.0.1.* heard again"
	static_unpair

	check "$wire, no roaming: two tunnels" start $wire 4 "peer_timeout_secs = 3"
	stop $DUMP INT
	check "$wire: data" reaches A 10.9.0.2
	on A ip route change default via 198.51.100.254 src 198.51.100.77
	on A ping -q -n -i 0.2 -c 10 -W 1 10.9.0.2 >/dev/null
	equal "$wire: A from another address: B's table does not move" "$(status "$WB" .peers[0].endpoint)" "$A4:1194"
	check_not "$wire: nor is there a word of it" logged B "moved"
	on A ip route change default via 198.51.100.254
	check "$wire: A from its own: data" wait_for 10 answers A 10.9.0.2
	static_unpair
done
done_testing
