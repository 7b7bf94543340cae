# SPDX-License-Identifier: ISC
# shellcheck shell=bash
# lib.sh - the lab: namespaces, devices, peers, traffic, TAP
#
# A test sources this file, builds its topology, checks, and calls done_testing. Everything made
# here carries the run's prefix and is removed on any exit. Environment:
#   ADIT         the program under test (default: ADIT_BUILD/src/cli/adit)
#   ADIT_STANDIN set when ADIT is some other WireGuard program: what only adit has is skipped
#   ADIT_PEERS   where scripts/peers.sh keeps the peers (default /var/cache/adit-peers)
#   ADIT_TOOLS   where flood and initiator are built (default: built on first use)
#   ADIT_TRANSFER seconds a transfer by nc may take (25)
#   ADIT_PATIENCE by what wait_for multiplies its limits: 3, as machines are busy; 1 judges the times too
#   ADIT_KEEP    set to keep the temporary directory
#
# on A CMD...   runs CMD in namespace A.

set -u
export LC_ALL=C
LIB=$(cd "$(dirname "${BASH_SOURCE[0]}")" && pwd)
ROOT=$(cd "$LIB/../.." && pwd)
PATH=$PATH:/usr/sbin:/sbin
ADIT=${ADIT:-${ADIT_BUILD:-$ROOT/build}/src/cli/adit}
ADIT_STANDIN=${ADIT_STANDIN:-}
export ADIT_PEERS=${ADIT_PEERS:-/var/cache/adit-peers}
PYTHON=/usr/bin/python3
[ -x $PYTHON ] || PYTHON=python3

P=adl$$            # prefix of namespaces
W=w$$              # prefix of interfaces: UAPI sockets are per name, not per namespace
TMP=
TESTS=0
FAILED=0
SPACES=()
PIDS=()
NSPORT=5200

# ---- TAP ------------------------------------------------------------------------------------

diag() { printf '# %s\n' "$*"; }
indent() { sed 's/^/# /' "$@"; }
ok() { TESTS=$((TESTS + 1)); echo "ok $TESTS - $*"; }
not_ok() { TESTS=$((TESTS + 1)); FAILED=$((FAILED + 1)); echo "not ok $TESTS - $*"; }
skip() { TESTS=$((TESTS + 1)); echo "ok $TESTS - $1 # SKIP $2"; }
skip_all() { echo "1..0 # SKIP $*"; exit 0; }

# check "what" CMD...: ok if CMD succeeds; its output is shown only when it does not
check() {
	local what=$1
	shift
	if "$@" >"$TMP/check.out" 2>&1; then
		ok "$what"
	else
		not_ok "$what"
		diag "failed: $*"
		tail -n 15 "$TMP/check.out" | indent
		return 1
	fi
}
check_not() {
	local what=$1
	shift
	if "$@" >"$TMP/check.out" 2>&1; then
		not_ok "$what"
		diag "succeeded, and should not: $*"
		return 1
	fi
	ok "$what"
}
# equal "what" GOT WANT
equal() {
	if [ "$2" = "$3" ]; then
		ok "$1"
	else
		not_ok "$1"
		diag "got:  $2"
		diag "want: $3"
		return 1
	fi
}
# expr_true "what" EXPRESSION: awk arithmetic, for figures with fractions
expr_true() {
	if awk "BEGIN { exit !($2) }" 2>/dev/null; then
		ok "$1 ($2)"
	else
		not_ok "$1 ($2)"
		return 1
	fi
}
# Checks of what only adit has are skipped for a stand-in.
adit_only() {
	[ -z "$ADIT_STANDIN" ] && return 0
	skip "$1" "the program under test is a stand-in"
	return 1
}

done_testing() {
	echo "1..$TESTS"
	[ $FAILED -eq 0 ]
	exit
}

# ---- beginning and end ----------------------------------------------------------------------

cleanup() {
	local pid ns
	trap '' INT TERM HUP
	exec 2>/dev/null # bash tells of every job that a signal ended
	for pid in ${PIDS[@]+"${PIDS[@]}"}; do
		kill -CONT "$pid" 2>/dev/null
		kill "$pid" 2>/dev/null
	done
	for ns in ${SPACES[@]+"${SPACES[@]}"}; do
		for pid in $(ip netns pids "$ns" 2>/dev/null); do
			kill -CONT "$pid" 2>/dev/null
			kill -KILL "$pid" 2>/dev/null
		done
		ip netns del "$ns" 2>/dev/null
	done
	for pid in ${PIDS[@]+"${PIDS[@]}"}; do
		kill -KILL "$pid" 2>/dev/null
	done
	wait 2>/dev/null
	rm -f /var/run/wireguard/"$W"[!0-9]*.sock # not those of a run whose number begins with ours
	[ -n "${ADIT_KEEP:-}" ] && diag "kept $TMP" || rm -rf "$TMP"
}

# A child that is not yet what it shall be (between fork and exec) has our traps: what ends it must not clean up.
interrupted() {
	[ "$BASHPID" = $$ ] && exit 130
	kill -KILL "$BASHPID"
}

# copy_of_etc FOLDER [MORE...]: what programs read in /etc, to be mounted over it
copy_of_etc() {
	local f to=$1
	mkdir "$to" || return 1
	shift
	for f in passwd group hosts nsswitch.conf ld.so.cache ld.so.conf alternatives "$@"; do
		[ ! -e "/etc/$f" ] || cp -a "/etc/$f" "$to/"
	done
}
# cores_in FOLDER: a control, that a program without care leaves a core there; 1 where the kernel's pattern leads elsewhere
cores_in() {
	local pattern victim
	pattern=$(cat /proc/sys/kernel/core_pattern)
	case $pattern in
	\|* | /*) skip "no core is written" "core_pattern is $pattern, and not ours to change"; return 1 ;;
	esac
	mkdir -m 777 "$1"
	(cd "$1" && exec prlimit --core=unlimited sleep 30) &
	victim=$!
	sleep 0.2
	kill -ABRT $victim
	wait $victim 2>/dev/null
	check "control: a core is written" compgen -G "$1/*core*"
	rm -f "$1"/*
}

# apart -m | -mn: the script goes on in a mount (and network) namespace of its own
apart() {
	[ -z "${ADIT_APART:-}" ] || return 0
	[ "$(id -u)" = 0 ] || skip_all "needs root (namespaces)"
	unshare "$1" --propagation private true 2>/dev/null || skip_all "cannot make namespaces here"
	exec env ADIT_APART=1 unshare "$1" --propagation private "$0"
}
# no_resolvconf: the script goes on where there is no resolvconf(8), which has one record in /run for all namespaces
no_resolvconf() {
	local f
	if [ -z "${ADIT_NO_RESOLVCONF:-}" ]; then
		unshare -m true 2>/dev/null || skip_all "cannot make namespaces here"
		exec env ADIT_NO_RESOLVCONF=1 unshare -m --propagation slave "$0"
	fi
	for f in /usr/sbin/resolvconf /usr/bin/resolvconf; do
		[ ! -e $f ] || mount --bind /dev/null $f || exit 1
	done
}
# resolver_of NS ADDRESS: the resolv.conf of namespace NS; removed at the end
resolver_of() {
	mkdir -p "/etc/netns/$P-$1"
	trap 'rm -rf /etc/netns/"$P"-*; cleanup' EXIT
	echo "nameserver $2" >"/etc/netns/$P-$1/resolv.conf"
}

# need PROGRAM...: skips the whole test when one is missing
need() {
	local p
	for p; do
		command -v "$p" >/dev/null || skip_all "$p is not installed"
	done
}

lab_start() {
	[ "$(id -u)" = 0 ] || skip_all "needs root (namespaces and TUN devices)"
	[ -c /dev/net/tun ] || skip_all "no /dev/net/tun"
	need ip wg iperf3 jq ping ss
	[ -x "$ADIT" ] || skip_all "no program under test: $ADIT"
	ip netns add "$P-probe" 2>/dev/null || skip_all "cannot make network namespaces here"
	ip netns del "$P-probe"
	TMP=$(mktemp -d "${TMPDIR:-/tmp}/adit-lab.XXXXXX")
	trap cleanup EXIT
	trap interrupted INT TERM HUP
	diag "program under test: $ADIT"
}

# wait_for SECONDS CMD...: polls until CMD succeeds, ADIT_PATIENCE times as long
wait_for() {
	local end=$((${EPOCHREALTIME/./} + $1 * 1000000 * ${ADIT_PATIENCE:-3}))
	shift
	until "$@" >/dev/null 2>&1; do
		[ ${EPOCHREALTIME/./} -ge $end ] && return 1
		sleep 0.05
	done
}
# The clock for gaps: milliseconds.
now_ms() { echo $((${EPOCHREALTIME/./} / 1000)); }
# run_bg NS LOG CMD...: in the background, ended at exit; sets BGPID. LOG is emptied before it runs: who waits for a line of
# it does not find the one of the run before.
run_bg() {
	local ns=$1 log=$2
	shift 2
	: >"$log"
	ip netns exec "$P-$ns" "$@" >"$log" 2>&1 </dev/null &
	BGPID=$!
	PIDS+=("$BGPID")
}
# A process of ours that has ended stays a zombie until waited for.
gone() { [ ! -e "/proc/$1/stat" ] || [[ $(<"/proc/$1/stat") == *") Z "* ]]; } 2>/dev/null
# stop PID [SIGNAL]: ends a process of ours and waits for it
stop() {
	kill "-${2:-TERM}" "$1" 2>/dev/null
	wait_for 5 gone "$1" || kill -KILL "$1" 2>/dev/null
	wait "$1" 2>/dev/null
	return 0
}

# ---- topology -------------------------------------------------------------------------------

on() {
	local ns=$1
	shift
	ip netns exec "$P-$ns" "$@"
}
space() {
	local n
	for n; do
		ip netns add "$P-$n" || exit 1
		SPACES+=("$P-$n")
		ip -n "$P-$n" link set lo up
		# replies of tests come in bursts; no test wants ICMP held back by the rate limit
		on "$n" sysctl -qw net.ipv4.icmp_ratelimit=0 net.ipv6.icmp.ratelimit=0 net.ipv6.conf.all.accept_dad=0 \
			net.ipv6.conf.default.accept_dad=0
	done
}
# link NS1 DEV1 NS2 DEV2
link() {
	ip link add "$2" netns "$P-$1" type veth peer name "$4" netns "$P-$3" || exit 1
	ip -n "$P-$1" link set "$2" up
	ip -n "$P-$3" link set "$4" up
}
# addr NS DEV ADDRESS...
addr() {
	local ns=$1 dev=$2 a
	shift 2
	for a; do
		case $a in
		*:*) ip -n "$P-$ns" addr add "$a" dev "$dev" nodad ;;
		*) ip -n "$P-$ns" addr add "$a" dev "$dev" ;;
		esac
	done
}

# A (198.51.100.1, 2001:db8:1::1) -- veth -- B (198.51.100.2, 2001:db8:1::2)
topology_direct() {
	space A B
	link A a0 B b0
	addr A a0 198.51.100.1/24 2001:db8:1::1/64
	addr B b0 198.51.100.2/24 2001:db8:1::2/64
	A4=198.51.100.1 A6=2001:db8:1::1 B4=198.51.100.2 B6=2001:db8:1::2
}
# A (198.51.100.1) -- a0/ra R rb/b0 -- B (203.0.113.2); v6 2001:db8:1::1, 2001:db8:2::2
topology_router() {
	space A R B
	link A a0 R ra
	link R rb B b0
	addr A a0 198.51.100.1/24 2001:db8:1::1/64
	addr R ra 198.51.100.254/24 2001:db8:1::fe/64
	addr R rb 203.0.113.254/24 2001:db8:2::fe/64
	addr B b0 203.0.113.2/24 2001:db8:2::2/64
	on R sysctl -qw net.ipv4.ip_forward=1 net.ipv6.conf.all.forwarding=1
	ip -n "$P-A" route add default via 198.51.100.254
	ip -n "$P-A" route add default via 2001:db8:1::fe
	ip -n "$P-B" route add default via 203.0.113.254
	ip -n "$P-B" route add default via 2001:db8:2::fe
	A4=198.51.100.1 A6=2001:db8:1::1 B4=203.0.113.2 B6=2001:db8:2::2
}

# ---- devices --------------------------------------------------------------------------------

# peer_program KIND: path of a peer program, built when missing; fails with PEER_WHY set
peer_program() {
	PEER_WHY=
	PEER=$("$ROOT/scripts/peers.sh" "$1" 2>"$TMP/peers.log") && [ -x "$PEER" ] && return 0
	PEER_WHY=$(tail -n 1 "$TMP/peers.log")
	return 1
}
sock_ready() { [ -S "/var/run/wireguard/$1.sock" ] && wg show "$1" >/dev/null 2>&1; }
# device_up NS IFACE [KIND] [VAR=VALUE...]: starts a device, waits for its socket; sets DEVPID
device_up() {
	local ns=$1 ifn=$2 kind=${3:-adit}
	local -a cmd
	shift 2
	[ $# -gt 0 ] && shift
	case $kind in
	adit) cmd=("$ADIT" device -f "$ifn") ;;
	wireguard-go) peer_program "$kind" && cmd=("$PEER" -f "$ifn") ;;
	boringtun | gotatun) peer_program "$kind" && cmd=("$PEER" -f --disable-drop-privileges "$ifn") ;;
	*) cmd=($kind) ;; # a whole command line of the test's own
	esac
	[ ${#cmd[@]} -gt 0 ] || { diag "no $kind: $PEER_WHY"; return 1; }
	run_bg "$ns" "$TMP/$ifn.log" env "$@" "${cmd[@]}"
	DEVPID=$BGPID
	if ! wait_for 10 sock_ready "$ifn"; then
		diag "$kind on $ifn did not start:"
		tail -n 5 "$TMP/$ifn.log" | indent
		return 1
	fi
}
device_down() {
	stop "$1"
}

# key NAME: makes TMP/NAME.key and prints the public key
key() {
	if [ ! -e "$TMP/$1.key" ]; then
		(umask 077; wg genkey >"$TMP/$1.key")
		wg pubkey <"$TMP/$1.key" >"$TMP/$1.pub"
	fi
	cat "$TMP/$1.pub"
}
psk() {
	[ -e "$TMP/psk" ] || (umask 077; wg genpsk >"$TMP/psk")
	echo "$TMP/psk"
}
# inner NS IFACE ADDRESS...: addresses, up
inner() {
	local ns=$1 dev=$2
	shift 2
	addr "$ns" "$dev" "$@"
	ip -n "$P-$ns" link set "$dev" up
}
# A device opens its port a moment after its interface is up; who calls earlier calls again 5 s later.
udp_open() { on "$1" ss -Hlun "sport = :$2" | grep -q .; }
# udp_answerer PORT: says "from here" to every datagram at 127.0.0.1 of A
udp_answerer() {
	run_bg A "$TMP/answer.log" "$PYTHON" -c "
import socket
s = socket.socket(socket.AF_INET, socket.SOCK_DGRAM); s.bind(('127.0.0.1', $1))
while True:
    d, a = s.recvfrom(99); s.sendto(b'from here', a)"
	wait_for 5 udp_open A "$1"
}

# far_end [PROGRAM [VAR=VALUE...]]: B's device ${W}b, 10.9.0.2 and fd09::2, port 51822, whose only peer has A's key and
# is 10.9.0.1 and fd09::1. A second time: the same keys. Sets WB FARPID.
far_end() {
	WB=${W}b
	key a >/dev/null
	key b >/dev/null
	device_up B "$WB" "$@" || { not_ok "the far end starts"; done_testing; }
	FARPID=$DEVPID
	wg set "$WB" private-key "$TMP/b.key" listen-port 51822 peer "$(key a)" allowed-ips 10.9.0.1/32,fd09::1/128
	inner B "$WB" 10.9.0.2/24 fd09::2/64
	wait_for 5 udp_open B 51822
}
# bin_for_nobody: a folder BIN with the program, which nobody may use and $TMP is not; removed at the end
bin_for_nobody() {
	BIN=$(mktemp -d "${TMPDIR:-/tmp}/adit-bin.XXXXXX") || exit 1
	trap 'rm -rf "$BIN"; cleanup' EXIT
	chmod 755 "$BIN"
	install -m 755 "$ADIT" "$BIN/adit"
}

# pair [-p] [-6] [-i] KIND_A KIND_B [ENV...]: two devices in A and B that know each other.
#   A: ${W}a 10.9.0.1 fd09::1 port 51821, B: ${W}b 10.9.0.2 fd09::2 port 51822
#   -p with PSK, -6 outer IPv6, -i only A knows the endpoint; ENV goes to A's device
# Sets WA WB PIDA PIDB PUBA PUBB.
pair() {
	local psk=() ea eb v6= only= o
	OPTIND=1
	while getopts p6i o; do
		case $o in
		p) psk=(preshared-key "$(psk)") ;;
		6) v6=1 ;;
		i) only=1 ;;
		*) return 1 ;;
		esac
	done
	shift $((OPTIND - 1))
	local ka=$1 kb=$2
	shift 2
	ea=$A4:51821 eb=$B4:51822
	[ -n "$v6" ] && ea=[$A6]:51821 eb=[$B6]:51822
	WA=${W}a WB=${W}b PUBA=$(key a) PUBB=$(key b)
	device_up A "$WA" "$ka" "$@" || return 1
	PIDA=$DEVPID
	device_up B "$WB" "$kb" || return 1
	PIDB=$DEVPID
	wg set "$WA" private-key "$TMP/a.key" listen-port 51821 \
		peer "$PUBB" ${psk[@]+"${psk[@]}"} endpoint "$eb" allowed-ips 10.9.0.2/32,fd09::2/128 || return 1
	[ -n "$only" ] && ea= || ea="endpoint $ea"
	# shellcheck disable=SC2086
	wg set "$WB" private-key "$TMP/b.key" listen-port 51822 \
		peer "$PUBA" ${psk[@]+"${psk[@]}"} $ea allowed-ips 10.9.0.1/32,fd09::1/128 || return 1
	inner A "$WA" 10.9.0.1/24 fd09::1/64
	inner B "$WB" 10.9.0.2/24 fd09::2/64
	wait_for 5 udp_open A 51821 && wait_for 5 udp_open B 51822
}
unpair() {
	device_down "$PIDA"
	device_down "$PIDB"
	rm -f "$TMP/a.key" "$TMP/b.key" "$TMP/psk"
}

handshake_of() { wg show "$1" latest-handshakes | awk -v k="$2" '$1 == k { print $2 }'; }
endpoint_of() { wg show "$1" endpoints | awk -v k="$2" '$1 == k { print $2 }'; }
transfer_of() { wg show "$1" transfer | awk -v k="$2" '$1 == k { print $2, $3 }'; }
# ten_pings ADDRESS RX: A pings ten times, no more (-w would go on until ten are answered), until WA has received RX bytes
ten_pings() {
	on A ping -n -q -i 0.05 -c 10 -W 9 "$1" >/dev/null
	wait_for 3 eval '[[ $(transfer_of "$WA" "$PUBB") == "'"$2"' "* ]]'
}
has_handshake() { [ "$(handshake_of "$1" "$2")" -gt 0 ]; }
# reaches NS ADDRESS [COUNT]: all pings are answered within time
reaches() { on "$1" ping -n -q -i 0.05 -c "${3:-3}" -W 2 -w 7 "$2"; }
# answers NS ADDRESS: one ping is answered
answers() { on "$1" ping -n -q -c 1 -W 1 "$2"; }

# ---- figures --------------------------------------------------------------------------------

lab() { "$PYTHON" "$LIB/lab.py" "$@"; }
# drops IFACE REASON: the counter of one reason
drops() { lab drop "$1" "$2"; }
drops_at_least() { [ "$(drops "$1" "$2")" -ge "$3" ]; }
drops_equal() { [ "$(drops "$1" "$2")" -eq "$3" ]; }
# note IFACE: what `adit show` says of fall-backs
show() { "$ADIT" show "$1"; }
shows() { show "$1" | grep -Eiq -- "$2"; }
rss_kb() { awk '/^VmRSS/ { print $2 }' "/proc/$1/status"; }
# CPU of a process so far, in clock ticks (10 ms)
cpu_ticks() { sed 's/.*) //' "/proc/$1/stat" | awk '{ print $12 + $13 }'; }

# What an strace of sendmsg and sendmmsg shows for one address: messages, and those with UDP_SEGMENT.
messages_to() { sed 's/msg_name=/\n&/g' "$1" | grep -F "\"$2\""; }
sends_to() { messages_to "$@" | wc -l; }
segments_to() { messages_to "$@" | grep -cE 'UDP_SEGMENT|SOL_UDP, cmsg_type=0x67'; }

listening() { on "$1" ss -Hltn "sport = :$2" | grep -q .; }
# iperf_server NS: sets IPERF_PORT
iperf_server() {
	NSPORT=$((NSPORT + 1))
	IPERF_PORT=$NSPORT
	run_bg "$1" "$TMP/iperf-server.log" iperf3 -s -1 -p $IPERF_PORT
	IPERF_SERVER=$BGPID
	wait_for 5 listening "$1" $IPERF_PORT
}
# iperf CLIENT_NS SERVER_NS ADDRESS ARGS...: JSON in TMP/iperf.json
iperf() {
	local c=$1 s=$2 a=$3 r
	shift 3
	iperf_server "$s" || return 1
	on "$c" timeout 60 iperf3 -J -c "$a" -p $IPERF_PORT -C cubic "$@" >"$TMP/iperf.json" 2>"$TMP/iperf.err" ||
		on "$c" true # the JSON says why
	stop $IPERF_SERVER
	! jq -e '.error' "$TMP/iperf.json"
}
# the same for UDP, where -C has no meaning
iperf_udp() {
	local c=$1 s=$2 a=$3
	shift 3
	iperf_server "$s" || return 1
	on "$c" timeout 60 iperf3 -J -c "$a" -p $IPERF_PORT -u "$@" >"$TMP/iperf.json" 2>"$TMP/iperf.err"
	stop $IPERF_SERVER
	! jq -e '.error' "$TMP/iperf.json"
}
median() { sort -n | awk '{ v[NR] = $1 } END { print NR ? (v[int((NR + 1) / 2)] + v[int(NR / 2) + 1]) / 2 : 0 }'; }
# enough LEAST RATIO...: rounds of a measurement are enough in its short form (without ADIT_ROUNDS) once their median is good
enough() { [ -z "${ADIT_ROUNDS:-}" ] && awk "BEGIN { exit !($(printf '%s\n' "${@:2}" | median) >= $1) }"; }
# received Mbit/s of the last run
mbits() { jq '[.end.sum_received.bits_per_second, .end.sum_received_bidir_reverse.bits_per_second] | map(. // 0) | add / 1e6 | floor' "$TMP/iperf.json"; }
# at_least N: the least rate that is asked for: N, where time is judged; else that something arrives
at_least() { [ "${ADIT_PATIENCE:-3}" = 1 ] && echo "$1" || echo 1; }
# dead_seconds [FILE]: the longest run of seconds without data, in the last run
dead_seconds() { jq '[.intervals[].sum.bytes] | map(if . == 0 then 1 else 0 end) | reduce .[] as $x ([0, 0]; if $x == 1 then [.[0] + 1, ([.[1], .[0] + 1] | max)] else [0, .[1]] end) | .[1]' "${1:-$TMP/iperf.json}"; }

# transfer FROM_NS TO_NS ADDRESS MEGABYTES [RATE_BYTES]: nc with equal sha256
transfer() {
	local from=$1 to=$2 a=$3 mb=$4 rate=${5:-} sum v
	NSPORT=$((NSPORT + 1))
	[ "$(stat -c %s "$TMP/blob" 2>/dev/null)" = $((mb << 20)) ] || head -c ${mb}M /dev/urandom >"$TMP/blob"
	rm -f "$TMP/blob.in"
	case $a in *:*) v=-6 ;; *) v=-4 ;; esac
	ip netns exec "$P-$to" nc $v -d -l -p $NSPORT >"$TMP/blob.in" </dev/null &
	local pid=$!
	PIDS+=($pid)
	wait_for 5 listening "$to" $NSPORT || return 1
	if [ -n "$rate" ]; then
		lab pace "$rate" "$TMP/blob" | on "$from" timeout "${ADIT_TRANSFER:-25}" nc -N -w 10 "$a" $NSPORT
	else
		on "$from" timeout "${ADIT_TRANSFER:-25}" nc -N -w 10 "$a" $NSPORT <"$TMP/blob"
	fi
	wait_for 5 gone $pid || { stop $pid; echo "receiver did not end"; return 1; }
	sum=$(sha256sum <"$TMP/blob")
	echo "sent $sum, received $(sha256sum <"$TMP/blob.in") $(stat -c %s "$TMP/blob.in")"
	[ "$(sha256sum <"$TMP/blob.in")" = "$sum" ]
}

# tool NAME: path of a C program of this folder, compiled on first use when meson did not
tool() {
	local t=${ADIT_TOOLS:-}/$1
	if [ -n "${ADIT_TOOLS:-}" ] && [ -x "$t" ]; then
		echo "$t"
		return
	fi
	t=$TMP/$1.tool # tests keep its output beside it
	[ -x "$t" ] || ${CC:-cc} -O2 -D_GNU_SOURCE -o "$t" "$LIB/$1.c" -lcrypto >&2 || return 1
	echo "$t"
}
