#!/bin/bash
# SPDX-License-Identifier: ISC
#
# wgquick.sh - wg-quick brings up a full tunnel, adit up a split one (up_full.sh compares them); down leaves everything as it was
#
#   A  198.51.100.1 -- R -- 203.0.113.2  B    web server in B on 192.0.2.80 and 2001:db8:80::1,
#      wq ============ tunnel ========== wB   which R does not route
. "$(dirname "$0")/lib.sh"
lab_start
need wg-quick curl
[ -e /sys/module/wireguard ] && skip_all "this kernel has WireGuard: wg-quick would use it"
export ADIT_STATE_DIR=$TMP/state
topology_router
addr B lo 192.0.2.80/32 2001:db8:80::1/128
PUBA=$(key a) PUBB=$(key b) WB=${W}b
device_up B "$WB" adit || { not_ok "a device starts in B"; done_testing; }
wg set "$WB" private-key "$TMP/b.key" listen-port 51822 \
	peer "$PUBA" allowed-ips 10.9.0.1/32,fd09::1/128
inner B "$WB" 10.9.0.2/24 fd09::2/64
mkdir "$TMP/www"
head -c 200000 /dev/urandom >"$TMP/www/page"
run_bg B "$TMP/www.log" "$PYTHON" -m http.server 80 --bind :: --directory "$TMP/www"
wait_for 10 listening B 80

umask 077
Q=${W}q
conf() { # FILE ALLOWED-IPS
	cat >"$1" <<-END
		[Interface]
		PrivateKey = $(cat "$TMP/a.key")
		Address = 10.9.0.1/24, fd09::1/64
		MTU = 1380

		[Peer]
		PublicKey = $PUBB
		Endpoint = $B4:51822
		AllowedIPs = $2
	END
}
state() {
	on A ip -d -o link show | sed 's/ promiscuity.*//'
	on A ip -o addr show | sed 's/ valid_lft.*//'
	on A ip -4 route show table all
	on A ip -6 route show table all | sed 's/ expires [^ ]*//'
	on A ip -4 rule show
	on A ip -6 rule show
	on A nft list ruleset 2>/dev/null
	on A iptables-save 2>/dev/null | grep -v '^#'
}
sysctls() { on A sysctl -a -r '^net\.ipv[46]\.(conf|ip_)' 2>/dev/null | grep -v stable_secret; }
fetched() { on A curl -sf "-$1" -m 8 -o "$TMP/page" "http://$2/page" && cmp "$TMP/page" "$TMP/www/page"; }
alone() { [ -z "$(ip netns pids "$P-A")" ]; }

# The name wg-quick is told; it must find it as a program.
mkdir "$TMP/bin"
if [ -n "$ADIT_STANDIN" ]; then
	printf '#!/bin/sh\nexec %s device "$@"\n' "$ADIT" >"$TMP/bin/adit-wg"
	chmod +x "$TMP/bin/adit-wg"
else
	ln -s "$ADIT" "$TMP/bin/adit-wg"
fi
quick() { # IMPLEMENTATION up|down FILE
	on A env PATH="$TMP/bin:$PATH" WG_QUICK_USERSPACE_IMPLEMENTATION="$1" wg-quick "$2" "$3"
}

state >"$TMP/state.before"
sysctls >"$TMP/sysctl.before"
conf "$TMP/$Q.conf" "0.0.0.0/0, ::/0"
if peer_program wireguard-go; then
	quick "$PEER" up "$TMP/$Q.conf" >"$TMP/go.log" 2>&1 && quick "$PEER" down "$TMP/$Q.conf" >>"$TMP/go.log" 2>&1
	wait_for 5 alone
	sysctls >"$TMP/sysctl.go"
	while IFS== read -r name value; do # back to the beginning for our turn
		[ "$(on A sysctl -n "$name")" = "${value# }" ] || on A sysctl -qw "$name=${value# }"
	done < <(diff "$TMP/sysctl.go" "$TMP/sysctl.before" | sed -n 's/^> //p' | sed 's/ = /=/')
fi
check "wg-quick up, default routes of both families" quick adit-wg up "$TMP/$Q.conf"
check "the MTU is what the file says" grep -q "mtu 1380" <(on A ip link show "$Q")
check "curl -4 through the tunnel" fetched 4 192.0.2.80
check "curl -6 through the tunnel" fetched 6 "[2001:db8:80::1]"
check "the mark is set" test "$(wg show "$Q" fwmark)" != off
check "wg-quick save writes what runs" quick adit-wg save "$TMP/$Q.conf"
check "and it has the peer" grep -q "$PUBB" "$TMP/$Q.conf"
check "wg-quick down" quick adit-wg down "$TMP/$Q.conf"
check "no process is left" wait_for 2 alone
check "no socket is left" test ! -e "/var/run/wireguard/$Q.sock"
state >"$TMP/state.after"
sysctls >"$TMP/sysctl.after"
check "links, addresses, routes, rules, firewall as before" diff "$TMP/state.before" "$TMP/state.after"
if [ -e "$TMP/sysctl.go" ]; then
	check "sysctls as wg-quick with wireguard-go leaves them" diff "$TMP/sysctl.go" "$TMP/sysctl.after"
else
	skip "sysctls as wg-quick with wireguard-go leaves them" "no wireguard-go: $PEER_WHY"
fi

if adit_only "adit up and down"; then
	sysctls >"$TMP/sysctl.before"
	conf "$TMP/$Q.conf" "10.9.0.0/24, 192.0.2.80/32, fd09::/64, 2001:db8:80::1/128"
	check "adit up: a split tunnel" on A "$ADIT" up "$TMP/$Q.conf"
	check "the addresses are there" grep -q 10.9.0.1/24 <(on A ip -o addr show "$Q")
	check "a route is there" grep -q "dev $Q" <(on A ip -4 route get 192.0.2.80)
	check "the MTU is what the file says, again" grep -q "mtu 1380" <(on A ip link show "$Q")
	check "curl -4 through it" fetched 4 192.0.2.80
	check "curl -6 through it" fetched 6 "[2001:db8:80::1]"
	check_not "a second up of the same file is refused" on A "$ADIT" up "$TMP/$Q.conf"
	check "and harms nothing" fetched 4 192.0.2.80
	check "adit down" on A "$ADIT" down "$TMP/$Q.conf"
	check "no process is left of adit up" wait_for 2 alone
	check "no socket is left of adit up" test ! -e "/var/run/wireguard/$Q.sock"
	state >"$TMP/state.after"
	sysctls >"$TMP/sysctl.after"
	check "everything as before" diff "$TMP/state.before" "$TMP/state.after"
	check "sysctls too" diff "$TMP/sysctl.before" "$TMP/sysctl.after"

	check_not "down of what is not up is refused" on A "$ADIT" down "$TMP/$Q.conf"
fi
done_testing
