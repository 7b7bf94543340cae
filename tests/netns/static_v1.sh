#!/bin/bash
# SPDX-License-Identifier: ISC
#
# static_v1.sh - wire v1: a program that is not ours, nonces, and the end of a key
#
#   A  198.51.100.1  -- veth --  198.51.100.2  B
#      wa 10.9.0.1 == tunnel ==  10.9.0.2 wb: first a tunnel of 60 lines of Python, then ours
#
# ADIT_PACKETS: how many datagrams are captured and compared (50000).
. "$(dirname "$0")/lib.sh"
. "$(dirname "$0")/static_lab.sh"
lab_start
need tcpdump
[ -x /usr/bin/python3 ] && /usr/bin/python3 -c "import cryptography" 2>/dev/null || skip_all "python3-cryptography is not installed"
topology_direct
PACKETS=${ADIT_PACKETS:-50000}

# ---- a home-made tunnel -----------------------------------------------------------------------------

python_peer() { # OWN_HOST_OF_A
	key b >/dev/null
	run_bg B "$TMP/python.log" /usr/bin/python3 "$LIB/static_peer.py" "${W}b" 10.9.0.2/24,fd09::2/64 1194 "$TMP/b.key" \
		"$(key a)" "$1" 1194
	PYTHON_PEER=$BGPID
	wait_for 10 grep -q ready "$TMP/python.log"
}
for outer in 4 6; do
	static_config A v1 $outer
	check "outer IPv$outer: ours in A" static_up A
	PIDA=$SPID
	check "outer IPv$outer: Python's in B" python_peer "$([ $outer = 4 ] && echo $A4 || echo $A6)"
	check "outer IPv$outer: ping from ours, IPv4" reaches A 10.9.0.2
	check "outer IPv$outer: ping from Python's, IPv6" reaches B fd09::1
	check "outer IPv$outer: 4 MB from ours" transfer A B 10.9.0.2 4
	check "outer IPv$outer: 4 MB from Python's" transfer B A fd09::1 4
	equal "outer IPv$outer: each opened all of the other's" "$(static_drops "${W}a" auth_failed) $(grep -c 'does not open' "$TMP/python.log")" "0 0"
	stop "$PYTHON_PEER"
	stop "$PIDA"
done

# ---- what is on the wire ------------------------------------------------------------------------------

ip -n "$P-A" link set a0 gso_max_segs 1 # one datagram, one frame
check "ours at both ends" static_pair v1 4
check "data" reaches A 10.9.0.2
TEXT=neitherwasthissealednorwasitread
run_bg B "$TMP/sink" "$PYTHON" "$LIB/lab.py" echo 10.9.0.2 9999
wait_for 5 grep -q ready "$TMP/sink"
run_bg B "$TMP/tcpdump" tcpdump --immediate-mode -i b0 -B 65536 -c "$PACKETS" -w "$TMP/capture" udp dst port 1194
DUMP=$BGPID
wait_for 5 grep -q "listening on" "$TMP/tcpdump"
run_bg A "$TMP/said" "$PYTHON" "$LIB/lab.py" say 10.9.0.2 9999 $TEXT 110 20000
SAY=$BGPID
check "$PACKETS datagrams are captured" wait_for 110 gone $DUMP
stop $SAY
stop $DUMP INT
read -r count again plain < <(lab nonces "$TMP/capture" any 12 $TEXT)
expr_true "they are read" "$count >= $PACKETS"
equal "no nonce comes twice" "$again" 0
equal "none holds what was sent" "$plain" 0
rm -f "$TMP/capture"

# ---- the count of sealed packets ------------------------------------------------------------------------

sealed() { status "${W}a" '.peers[0].sealed'; }
counts() { # the file of A's key
	find "$TMP/state-A" -name 'static-v1-*' ! -name '*.lock'
}
stored() { awk -v key="$PUBB" '$1 == key { print $2 }' "$(counts)"; }
before=$(sealed)
expr_true "the count on disk is ahead of what was sealed" "$(stored) > $before"
kill -KILL "$PIDA"
wait "$PIDA" 2>/dev/null
check "kill -9, and again" static_up A
PIDA=$SPID
expr_true "the count does not fall" "$(sealed) >= $before"
check "data again" wait_for 10 answers A 10.9.0.2
before=$(sealed)
stop "$PIDA"
expr_true "a clean end stores what was sealed, and no more" "$(stored) >= $before && $(stored) < $before + 1000"

set_count() { # COUNT: what an old key would have
	stop "$PIDA"
	sed -i "s|^$PUBB .*|$PUBB $1|" "$(counts)"
	static_up A
	local r=$?
	PIDA=$SPID
	return $r
}
check "a key that has sealed 2^31 - 20 packets" set_count $((2 ** 31 - 20))
check "  data" reaches A 10.9.0.2 5
check_not "  no warning yet" logged A "warning: half"
check "  20 packets more" reaches A 10.9.0.2 20
check "  warned" wait_for 5 logged A "peer 10.9.0.2.*warning: half of what its key is good for"
equal "  once" "$(grep -c "warning: half" "$TMP/A.log")" 1
check "  and status says so" eval 'status "${W}a" ".peers[0].problem" | grep -q "^half"'
check "  data goes on" reaches A 10.9.0.2
check "a key that has sealed 2^32 - 20 packets" set_count $((2 ** 32 - 20))
check "  data" reaches A 10.9.0.2 5
on A ping -q -n -i 0.05 -c 30 -W 1 10.9.0.2 >/dev/null
check "  it stops" wait_for 5 logged A "peer 10.9.0.2.*key_used_up: 2\^32 packets"
check_not "  no data goes out" answers A 10.9.0.2
equal "  all is sealed and not one more" "$(sealed)" $((2 ** 32))
expr_true "  the rest is counted as key_used_up" "$(static_drops "${W}a" key_used_up) > 5"
check "  and status says so" eval 'status "${W}a" ".peers[0].problem" | grep -q "^key used up"'
check "  another start" set_count "$(stored)"
check_not "  no data goes out after it either" answers A 10.9.0.2
expr_true "  counted" "$(static_drops "${W}a" key_used_up) > 0"

stop "$PIDA"
fails() { # STATUS PATTERN: adit static in A ends with that and says so
	on A timeout 20 "$ADIT" static -c "$TMP/A.toml" --state-dir "$TMP/state-A" >"$TMP/out" 2>&1
	[ $? = "$1" ] && grep -q "$2" "$TMP/out"
}
FILE=$(counts)
cp "$FILE" "$TMP/counts"
echo "nonsense" >>"$FILE"
check "a damaged count: it does not start" fails 1 "is damaged"
cp "$TMP/counts" "$FILE"
exec 9<>"$FILE.lock"
flock 9
check "a second program with that key: it does not start" fails 1 "another program counts this key"
exec 9>&-
done_testing
