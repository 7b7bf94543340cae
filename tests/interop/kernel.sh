#!/bin/bash
# SPDX-License-Identifier: ISC
#
# kernel.sh - against the kernel's own WireGuard, Linux 6.1 in qemu
#
#   A  k0 198.51.100.1, 2001:db8:1::1  --- tap ---  eth0 198.51.100.2, 2001:db8:1::2  guest
#      wA 10.9.0.1 fd09::1  ============ tunnel ============  wg0 10.9.0.2 fd09::2
. "$(dirname "$0")/../netns/lib.sh"
. "$(dirname "$0")/guest.sh"
lab_start
guest_start "$(command -v wg)"

WA=${W}a PUBA=$(key a) PUBB=$(key b)
PSK=$(cat "$(psk)")
device_up A "$WA" adit || { not_ok "a device starts"; done_testing; }
inner A "$WA" 10.9.0.1/24 fd09::1/64

# fresh v4|v6 adit|kernel: a new session of the outer family, where only that side knows the endpoint
fresh() {
	local a b ep=
	[ "$1" = v4 ] && a=$A4 b=$B4 || a=[$A6] b=[$B6]
	wg set "$WA" private-key "$TMP/a.key" listen-port 51821 peer "$PUBB" remove || return 1
	[ "$2" = adit ] && ep="endpoint $b:51822"
	# shellcheck disable=SC2086
	wg set "$WA" peer "$PUBB" preshared-key "$(psk)" $ep allowed-ips 10.9.0.2/32,fd09::2/128 || return 1
	ep=
	[ "$2" = kernel ] && ep="endpoint $a:51821"
	guest_sh "ip link del wg0; ip link add wg0 type wireguard || exit 1
		echo '$(cat "$TMP/b.key")' >/tmp/key; echo '$PSK' >/tmp/psk
		wg set wg0 private-key /tmp/key listen-port 51822 peer '$PUBA' preshared-key /tmp/psk $ep \
			allowed-ips 10.9.0.1/32,fd09::1/128 || exit 1
		ip addr add 10.9.0.2/24 dev wg0; ip addr add fd09::2/64 dev wg0; ip link set wg0 up" >/dev/null
}
from() { # SIDE FAMILY: three pings begun by that side
	local a=10.9.0.1 b=10.9.0.2
	[ "$2" = v6 ] && a=fd09::1 b=fd09::2
	if [ "$1" = adit ]; then
		on A ping -n -q -c 3 -i 0.05 -W 3 $b
	else
		guest ping -q -c 3 -W 3 $a
	fi
}
equal "the guest's kernel" "$(guest uname -r | cut -d. -f 1,2)" 6.1
for outer in v4 v6; do
	for first in adit kernel; do
		t="outer $outer, $first first"
		check "$t: configured" fresh $outer $first
		check "$t: inner v4" from $first v4
		check "$t: inner v6" from $first v6
	done
done

# Bytes: ten pings on a fresh session that we begin, as on a link between two kernels.
counted() { # FAMILY RX TX
	local rx tx b=10.9.0.2
	[ "$1" = v6 ] && b=fd09::2
	fresh v4 adit
	ten_pings $b "$2"
	read -r rx tx < <(transfer_of "$WA" "$PUBB")
	equal "ten pings, $1: received" "$rx" "$2"
	expr_true "ten pings, $1: sent" "$tx == $3 || $tx == $3 + 32"
}
counted v4 1372 1428
counted v6 1532 1588

# Each way at a bounded rate: software emulation. ADIT_MB=64 for the long run.
MB=${ADIT_MB:-16}
blob() { [ -e "$TMP/blob" ] || head -c "${MB}M" /dev/urandom >"$TMP/blob"; }
to_guest() {
	local pid sum
	blob
	guest_sh "nc -l -p 9000 </dev/null | sha256sum >/tmp/sum; cat /tmp/sum" 90 >"$TMP/sum" &
	pid=$!
	sleep 1
	lab pace 12000000 "$TMP/blob" | on A timeout 60 nc -N -w 20 10.9.0.2 9000
	wait $pid
	cat "$TMP/sum"
	[ "$(awk '{ print $1 }' "$TMP/sum")" = "$(sha256sum <"$TMP/blob" | awk '{ print $1 }')" ]
}
from_guest() {
	local pid
	ip netns exec "$P-A" nc -4 -d -l -p 9001 >"$TMP/back" &
	pid=$!
	PIDS+=($pid)
	guest_sh "dd if=/dev/urandom of=/tmp/back bs=1M count=$((MB / 2)); sha256sum </tmp/back; nc -w 5 10.9.0.1 9001 </tmp/back; rm /tmp/back" 90 >"$TMP/sum"
	wait_for 10 gone $pid
	cat "$TMP/sum"
	ls -l "$TMP/back"
	grep -q "$(sha256sum <"$TMP/back" | awk '{ print $1 }')" "$TMP/sum"
}
check "$MB MB to the kernel, equal sha256" to_guest
check "$((MB / 2)) MB from the kernel, equal sha256" from_guest

# The kernel as a picky peer: a small MTU, every size, its own rekey and roaming.
check "large pings both ways" eval 'on A ping -n -q -c 3 -i 0.2 -W 2 -M do -s 1392 10.9.0.2 && guest ping -q -c 3 -s 1392 10.9.0.1'
sizes() {
	local s
	for s in 1 2 3 4 7 8 15 16 17 31 32 33 63 64 65 100 127 128 129 500 1000 1279 1280 1281 1390 1391 1392; do
		on A ping -n -q -c 1 -W 3 -s $s 10.9.0.2 || return 1
	done
}
check "packets of many sizes" sizes
check "the kernel's port moves: our endpoint follows" eval 'guest wg set wg0 listen-port 51900 && guest ping -q -c 2 -W 3 10.9.0.1 && [ "$(endpoint_of "$WA" "$PUBB")" = "$B4:51900" ]'
check "our port moves: the kernel follows" eval 'wg set "$WA" listen-port 51901 && on A ping -n -q -c 2 -i 0.3 -W 3 10.9.0.2 && guest wg show wg0 endpoints | grep -q 51901'
check "the kernel's interface down and up" eval 'guest "ip link set wg0 down; ip link set wg0 up" && wait_for 8 guest ping -q -c 1 -W 2 10.9.0.1'

# MTU, and the kernel's entry for us removed and added, under a running ping.
check "MTU 1280 in the kernel" eval 'guest ip link set wg0 mtu 1280 && guest ping -q -c 2 -s 1252 -W 3 10.9.0.1 && on A ping -n -q -c 2 -i 0.2 -W 3 -s 1392 10.9.0.2'
check "MTU 1420 again" eval 'guest ip link set wg0 mtu 1420 && on A ping -n -q -c 2 -i 0.2 -W 3 -M do -s 1392 10.9.0.2'
run_bg A "$TMP/under" ping -n -q -i 0.05 -c 1200 10.9.0.2
UNDER=$BGPID
wg set "$WA" peer "$PUBB" remove
wg set "$WA" peer "$PUBB" preshared-key "$(psk)" endpoint "$B4:51900" allowed-ips 10.9.0.2/32,fd09::2/128
check "our peer removed and added under traffic: a new session" wait_for 6 answers A 10.9.0.2
# entry AT: the kernel has no entry for us, then a new one
entry() { guest "wg set wg0 peer $PUBA remove; wg set wg0 peer $PUBA preshared-key /tmp/psk endpoint $1 allowed-ips 10.9.0.1/32,fd09::1/128"; }
check "the kernel's removed and added" entry "$A4:51901"
check "a new session" wait_for 6 guest ping -q -c 1 -W 2 10.9.0.1
check "the ping goes on" kill -0 $UNDER
stop $UNDER INT

# The kernel asks at each of our addresses, and must be answered from there: that is where it then sees us.
ip -n "$P-A" addr add 198.51.100.9/24 dev k0
ip -n "$P-A" addr add 2001:db8:1::9/64 dev k0 nodad
for at in 198.51.100.9 "$A4" "[2001:db8:1::9]" "[$A6]"; do
	wg set "$WA" peer "$PUBB" remove
	wg set "$WA" peer "$PUBB" preshared-key "$(psk)" allowed-ips 10.9.0.2/32,fd09::2/128
	entry "$at:51901" >/dev/null
	check "the kernel asks at $at: a session and data" guest ping -q -c 3 -W 3 10.9.0.1
	equal "and is answered from there" "$(guest wg show wg0 endpoints | awk '{ print $2 }')" "$at:51901"
done
done_testing
