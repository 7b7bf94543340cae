# SPDX-License-Identifier: ISC
# shellcheck shell=bash
# static_lab.sh - static tunnels for the tests: configurations, starting, what they tell
#
# A: ${W}a 10.9.0.1 fd09::1, UDP port 1194 of A's addresses; B: ${W}b 10.9.0.2 fd09::2, likewise. Source lib.sh first.

# static_config NS WIRE OUTER [LINE...]: writes TMP/NS.toml for A or B, known to the other one at its OUTER (4 or 6)
# address; further lines go between the keys and the table. A peer without an address: OUTER none.
static_config() {
	local ns=$1 wire=$2 outer=$3 name=${1,,} other=B n=1 at="" key
	shift 3
	[ "$ns" = B ] && other=A n=2
	case $outer$other in
	4A) at=", sock_addr = \"$A4:1194\"" ;;
	4B) at=", sock_addr = \"$B4:1194\"" ;;
	6A) at=", sock_addr = \"[$A6]:1194\"" ;;
	6B) at=", sock_addr = \"[$B6]:1194\"" ;;
	esac
	key "$name" >/dev/null
	key=$(key "${other,,}")
	{
		echo "interface = \"$W$name\""
		echo "wire = \"$wire\""
		echo "secret_path = \"$name.key\""
		echo "addresses = [\"10.9.0.$n/24\", \"fd09::$n/64\"]"
		echo "mtu = 1400"
		[ $# -gt 0 ] && printf '%s\n' "$@"
		echo "[peers]"
		echo "\"10.9.0.$((3 - n))\" = { pub_key = \"$key\"$at }"
		echo "\"fd09::$((3 - n))\" = { pub_key = \"$key\"$at }"
	} >"$TMP/$ns.toml"
}
# static_up NS [VAR=VALUE...]: runs TMP/NS.toml there, waits until it is up; sets SPID
static_up() {
	local ns=$1
	shift
	rm -f "$TMP/$ns.log" # an earlier run was up too
	run_bg "$ns" "$TMP/$ns.log" env "$@" "$ADIT" static -c "$TMP/$ns.toml" --state-dir "$TMP/state-$ns"
	SPID=$BGPID
	wait_for 15 eval 'grep -q " is up: " "$TMP/$ns.log" || gone $SPID'
	grep -q " is up: " "$TMP/$ns.log" && return 0
	diag "adit static in $ns did not start:"
	tail -n 5 "$TMP/$ns.log" | indent
	return 1
}
# static_pair WIRE OUTER [LINE...]: both ends; sets WA WB PIDA PIDB PUBA PUBB
static_pair() {
	WA=${W}a WB=${W}b PUBA=$(key a) PUBB=$(key b)
	static_config A "$@"
	static_config B "$@"
	static_up A || return 1
	PIDA=$SPID
	static_up B || return 1
	PIDB=$SPID
}
static_unpair() {
	stop "$PIDA"
	stop "$PIDB"
}

# status IFACE [JQ]: of a running tunnel
status() { "$ADIT" static status "$1" --json | jq -r "${2:-.}"; }
static_drops() { status "$1" ".drops.$2 // 0"; }
static_drops_are() { [ "$(static_drops "$1" "$2")" -eq "$3" ]; }
peer_is() { [ "$(status "$1" ".peers[0].$2")" = "$3" ]; }
# inside NS IFACE: packets that came out of the tunnel
inside() { on "$1" cat "/sys/class/net/$2/statistics/rx_packets"; }
# logged NS PATTERN: in the log of the run that is on
logged() { grep -Eq -- "$2" "$TMP/$1.log"; }
