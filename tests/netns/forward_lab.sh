# SPDX-License-Identifier: ISC
# shellcheck shell=bash
# forward_lab.sh - what the tests of adit forward share, after lib.sh: a router on the way, nobody, a far end
#
#   A (nobody)  a0 198.51.100.1 -- ra R rb -- 203.0.113.2 b0  B  adit device, port 51822
#     adit forward: 10.9.0.1 fd09::1   tunnel      wB 10.9.0.2 fd09::2

# forward_lab_start PROGRAM...: the topology, without the far end
forward_lab_start() {
	lab_start
	[ -z "$ADIT_STANDIN" ] || skip_all "adit forward is adit's own"
	need setpriv python3 curl "$@"
	bin_for_nobody
	chown nobody "$BIN" # the control socket is made here
	topology_router
	key a >/dev/null
	key b >/dev/null
	install -o nobody -m 600 "$TMP/a.key" "$BIN/a.key"
	WB=${W}b
	FORWARD_ENDS=(--endpoint-addr "$B4:51822" --endpoint-public-key "$(key b)" --private-key-file "$BIN/a.key"
		--source-peer-ip "10.9.0.1,fd09::1")
}
# far_up [VAR=VALUE...]: the far end, in B
far_up() { far_end adit "$@"; }
nobody() { ip netns exec "$P-A" setpriv --reuid 65534 --regid 65534 --clear-groups "$@"; }
# forward LOG ARG...: adit forward in A, in the background; sets FWPID
forward() {
	run_bg A "$TMP/$1" setpriv --reuid 65534 --regid 65534 --clear-groups --inh-caps=-all --bounding-set=-all \
		"$BIN/adit" forward --control "$BIN/control" "${@:2}"
	FWPID=$BGPID
	wait_for 10 test -S "$BIN/control" && return
	not_ok "adit forward starts"
	indent "$TMP/$1"
	done_testing
}
forward_status() { nobody "$BIN/adit" forward status --json --control "$BIN/control"; }
