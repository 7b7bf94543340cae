# SPDX-License-Identifier: ISC
# shellcheck shell=bash
# inside.sh - for tests of adit forward: a far end with servers behind it, and adit as nobody
#
#   A (nobody)  a0 198.51.100.1  ------ veth ------  198.51.100.2 b0  B
#     adit forward: 10.9.0.1 fd09::1    tunnel       wB 10.9.0.2 fd09::2 10.9.0.4: inside.py
#
# Sourced after lib.sh. Where a program of another make shall be the far end: ADIT_FAR=wireguard-go, boringtun.
# What runs as nobody reads and writes in $FW alone.

FW=
FWPID=
FAR=${ADIT_FAR:-adit}

# inside_start: both ends, with keys, and their folder; nothing is forwarded yet
inside_start() {
	need curl setpriv python3 sha256sum
	[ -z "$ADIT_STANDIN" ] || skip_all "adit forward is adit's own"
	topology_direct
	FW=$TMP/fw
	mkdir -p "$FW/www"
	chmod 711 "$TMP"
	install -m 755 "$ADIT" "$FW/adit"
	far_end "$FAR"
	addr B "$WB" 10.9.0.4/24
	KEY=$(cat "$TMP/a.key")
	install -o nobody -m 600 "$TMP/a.key" "$FW/a.key"
	chown -R nobody "$FW"
	# a line a setting, as onetun's users have it
	ENDS=(--endpoint-addr "$B4:51822" --source-peer-ip "10.9.0.1,fd09::1" --endpoint-public-key "$(key b)"
		--private-key-file "$FW/a.key")
}

# inside_servers ARG...: inside.py in B, and waits until all listen
inside_servers() {
	run_bg B "$TMP/inside.log" "$PYTHON" "$LIB/inside.py" "$@"
	wait_for 10 grep -q ready "$TMP/inside.log" || { not_ok "servers inside start"; indent "$TMP/inside.log"; done_testing; }
}

nobody() {
	ip netns exec "$P-A" setpriv --reuid=65534 --regid=65534 --clear-groups --inh-caps=-all --bounding-set=-all "$@"
}
# forward LOG ARG...: adit forward as nobody in A; sets FWPID. Variables: FWENV=(NAME=VALUE ...)
FWENV=()
forward() {
	local log=$1
	shift
	run_bg A "$TMP/$log" setpriv --reuid=65534 --regid=65534 --clear-groups --inh-caps=-all --bounding-set=-all \
		env ${FWENV[@]+"${FWENV[@]}"} "$FW/adit" forward "$@"
	FWPID=$BGPID
}
# forward_up LOG PORT ARG...: and waits until PORT listens
forward_up() {
	local log=$1 port=$2
	shift 2
	forward "$log" "$@"
	wait_for 10 listening A "$port" && return
	not_ok "adit forward listens on $port"
	indent "$TMP/$log"
	done_testing
}
fetch() { on A curl -sS -m "${ADIT_TRANSFER:-60}" "$@" 2>&1; }
http_code() { on A curl -s -o /dev/null -m "${ADIT_TRANSFER:-60}" -w '%{http_code}' "$@"; }
sum_of() { sha256sum | cut -d ' ' -f 1; }
# blob MB: $FW/www/blob, and SUM
blob() {
	head -c "$1M" /dev/urandom >"$FW/www/blob"
	SUM=$(sum_of <"$FW/www/blob")
}
# metric NAME [LABELS]: a value from port 9080, 0 where there is none; labels as a regular expression
metric() {
	fetch http://127.0.0.1:9080/metrics >"$TMP/metrics"
	sed -n "s/^$1\({[^}]*${2:-}[^}]*}\)\{0,1\} //p" "$TMP/metrics" | awk '{ n += $1 } END { printf "%.0f\n", n }'
}
