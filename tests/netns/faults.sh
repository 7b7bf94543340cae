#!/bin/bash
# SPDX-License-Identifier: ISC
#
# faults.sh - the kernel says no: injected errors at the system calls, few descriptors
#
#   A  a0 198.51.100.1  ------ veth ------  198.51.100.2 b0  B
#      wA 10.9.0.1           tunnel         wB 10.9.0.2
. "$(dirname "$0")/lib.sh"
lab_start
need strace
topology_direct
pair adit adit || { not_ok "two devices start"; done_testing; }
check "the tunnel works" reaches A 10.9.0.2

attached() { grep -q '^TracerPid:[[:space:]]*[1-9]' "/proc/$PIDA/status"; }
# inject SPEC [STRACE ARGS...]: attaches to A's device
inject() {
	local spec=$1
	shift
	: >"$TMP/strace"
	strace -f -q -o "$TMP/strace" -p "$PIDA" "$@" -e inject="$spec" 2>"$TMP/strace.err" &
	STRACE=$!
	PIDS+=($STRACE)
	wait_for 5 attached
}
detach() {
	kill -INT $STRACE 2>/dev/null
	wait $STRACE 2>/dev/null
}
injected() { grep -c INJECTED "$TMP/strace"; }
notes() { lab get "$WA" adit_note; }

# One call in five fails on the way, for the length of a transfer.
# EIO comes last: it means that the device cannot segment, and ends GSO for good.
for err in EINVAL EMSGSIZE ENOBUFS EPERM EIO; do
	inject "sendmsg,sendmmsg:error=$err:when=3+5" -e trace=sendmsg,sendmmsg
	check "$err on every fifth send: a transfer ends whole" transfer A B 10.9.0.2 4
	detach
	expr_true "$err was injected, times" "$(injected) > 0"
	check "$err: the tunnel works afterwards" reaches A 10.9.0.2
	kill -0 "$PIDA" 2>/dev/null || { not_ok "$err: the program lives"; done_testing; }
	case $err in
	EINVAL) named="EINVAL|Invalid argument" ;;
	EMSGSIZE) named="EMSGSIZE|Message too long" ;;
	EIO) named="EIO|Input/output" ;;
	*) continue ;; # nothing falls back: the datagram is sent again, or is lost
	esac
	if adit_only "$err: adit show names the fall-back"; then
		check "$err: adit show names the fall-back" shows "$WA" "$named"
	fi
done
# All calls fail for a moment.
inject "sendmsg,sendmmsg:error=ENOBUFS:when=1..200" -e trace=sendmsg,sendmmsg
on A ping -n -q -c 20 -i 0.02 -W 1 10.9.0.2 >/dev/null
detach
check "ENOBUFS on every send for a while: goes on at once" reaches A 10.9.0.2
inject "recvmsg,recvmmsg:error=ECONNREFUSED:when=2+3" -e trace=recvmsg,recvmmsg
check "ECONNREFUSED on receiving: a transfer ends whole" transfer B A 10.9.0.1 4
detach
inject "write,writev:error=EINVAL:when=4+9" -e trace=write,writev -P /dev/net/tun
check "EINVAL on the TUN write: a transfer ends whole" transfer B A 10.9.0.1 4
detach
expr_true "EINVAL on the TUN write was injected, times" "$(injected) > 0"
if adit_only "EINVAL on the TUN write: the fall-back is named"; then
	check "EINVAL on the TUN write: the fall-back is named" eval "notes | tee /dev/stderr | grep -i tun"
fi
inject "read,readv:error=EINTR:when=4+9" -e trace=read,readv -P /dev/net/tun
check "EINTR on the TUN read: a transfer ends whole" transfer A B 10.9.0.2 4
detach
check "the tunnel works afterwards" reaches A 10.9.0.2
unpair

# 24 descriptors and 500 connections to the UAPI socket.
pair "prlimit --nofile=24 $ADIT device -f ${W}a" adit || { not_ok "starts with 24 descriptors"; done_testing; }
check "24 descriptors: the tunnel works" reaches A 10.9.0.2
run_bg A "$TMP/hold" "$PYTHON" "$LIB/lab.py" hold "$WA" 500 5
wait_for 3 grep -q held "$TMP/hold"
diag "500 connections: $(cat "$TMP/hold")"
ticks=$(cpu_ticks "$PIDA")
on A ping -n -q -i 0.02 -c 150 -W 1 10.9.0.2 >"$TMP/ping" 2>&1
used=$(($(cpu_ticks "$PIDA") - ticks))
check "no ping is lost meanwhile" grep -q " 0% packet loss" "$TMP/ping"
expr_true "no spin: CPU in 3 s, in ticks of 10 ms" "$used <= 60"
check "then wg is answered again" wait_for 8 eval 'timeout 1 wg show "$WA" dump'
check "the tunnel works afterwards" reaches A 10.9.0.2
done_testing
