#!/bin/bash
# SPDX-License-Identifier: ISC
#
# linux61.sh - our program on Linux 6.1's own TUN, in qemu, against our program here
#
#   A  k0 198.51.100.1, 2001:db8:1::1  --- tap ---  eth0 198.51.100.2, 2001:db8:1::2  guest
#      wA 10.9.0.1 fd09::1  ============ tunnel ============  wg0 10.9.0.2 fd09::2
. "$(dirname "$0")/../netns/lib.sh"
. "$(dirname "$0")/guest.sh"
lab_start
program=$ADIT
device="$ADIT device"
if [ -n "$ADIT_STANDIN" ]; then
	peer_program wireguard-go || skip_all "$PEER_WHY"
	program=$PEER device=$PEER
fi
guest_start "$(command -v wg)" "$program"

WA=${W}a PUBA=$(key a) PUBB=$(key b)
PSK=$(cat "$(psk)")
device_up A "$WA" adit || { not_ok "a device starts"; done_testing; }
wg set "$WA" private-key "$TMP/a.key" listen-port 51821 \
	peer "$PUBB" preshared-key "$(psk)" endpoint $B4:51822 allowed-ips 10.9.0.2/32,fd09::2/128
inner A "$WA" 10.9.0.1/24 fd09::1/64

check "the program starts in the guest and goes to the background" guest_sh "true
	$device wg0 >/tmp/log 2>&1 </dev/null; cat /tmp/log; sleep 1; wg show wg0"
check "wg configures it" guest_sh "echo '$(cat "$TMP/b.key")' >/tmp/key; echo '$PSK' >/tmp/psk
	wg set wg0 private-key /tmp/key listen-port 51822 peer '$PUBA' preshared-key /tmp/psk allowed-ips 10.9.0.1/32,fd09::1/128 || exit 1
	ip addr add 10.9.0.2/24 dev wg0; ip addr add fd09::2/64 dev wg0; ip link set wg0 up"
check "v4 from here" on A ping -n -q -c 3 -i 0.1 -W 3 10.9.0.2
check "v4 from the guest" guest ping -q -c 3 -W 3 10.9.0.1
check "v6 from here" on A ping -n -q -c 3 -i 0.1 -W 3 fd09::2
check "v6 from the guest" guest ping -q -c 3 -W 3 fd09::1
check "full size" on A ping -n -q -c 3 -i 0.1 -W 3 -M do -s 1392 10.9.0.2

if adit_only "offloads"; then
	guest_sh "$ADIT show wg0" >"$TMP/show"
	indent "$TMP/show"
	check "adit show works there" test -s "$TMP/show"
	raw=$(guest_sh "printf 'get=1\n\n' >/tmp/q; exec 3<>/dev/null; $ADIT show wg0 --json")
	check "no USO on 6.1, and it is said" eval '! jq -r ".. | .offloads_used? // .used? // empty | tostring" <<<"$raw" | grep -qi uso'
fi

MB=${ADIT_MB:-16}
to_guest() { # ADDRESS MEGABYTES
	local pid
	head -c "$2M" /dev/urandom >"$TMP/blob"
	guest_sh "nc -l -p 9000 </dev/null | sha256sum >/tmp/sum; cat /tmp/sum" 90 >"$TMP/sum" &
	pid=$!
	sleep 1
	lab pace 8000000 "$TMP/blob" | on A timeout 60 nc -N -w 20 "$1" 9000
	wait $pid
	cat "$TMP/sum"
	grep -q "$(sha256sum <"$TMP/blob" | awk '{ print $1 }')" "$TMP/sum"
}
from_guest() { # FAMILY ADDRESS MEGABYTES
	local pid
	ip netns exec "$P-A" nc "-$1" -d -l -p 9001 >"$TMP/back" &
	pid=$!
	PIDS+=($pid)
	guest_sh "dd if=/dev/urandom of=/tmp/back bs=1M count=$3; sha256sum </tmp/back; nc -w 5 $2 9001 </tmp/back; rm /tmp/back" 90 >"$TMP/sum"
	wait_for 10 gone $pid
	cat "$TMP/sum"
	ls -l "$TMP/back"
	grep -q "$(sha256sum <"$TMP/back" | awk '{ print $1 }')" "$TMP/sum"
}
check "$MB MB to the guest, v4" to_guest 10.9.0.2 "$MB"
check "$MB MB from the guest, v4" from_guest 4 10.9.0.1 "$MB"
check "$((MB / 2)) MB to the guest, v6" to_guest fd09::2 $((MB / 2))
check "$((MB / 2)) MB from the guest, v6" from_guest 6 fd09::1 $((MB / 2))

# The path from the guest narrows to 1300 bytes by a route of its own: GSO must give way there too.
check "a route with MTU 1300" guest_sh "ip route add $A4/32 dev eth0 mtu 1300; ip route get $A4"
check "path MTU 1300: $((MB / 2)) MB from the guest" from_guest 4 10.9.0.1 $((MB / 2))
check "path MTU 1300: $((MB / 2)) MB to the guest" to_guest 10.9.0.2 $((MB / 2))
check "path MTU 1300: full size" guest ping -q -c 3 -s 1392 -W 3 10.9.0.1
if adit_only "path MTU 1300: adit show in the guest"; then
	guest_sh "$ADIT show wg0" | indent
fi
check "ip link del ends it there" guest_sh 'ip link del wg0; sleep 1; ! test -e /var/run/wireguard/wg0.sock'
done_testing
