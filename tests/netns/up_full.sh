#!/bin/bash
# SPDX-License-Identifier: ISC
#
# up_full.sh - one wg-quick file by wg-quick and by adit up: the same split tunnel, the same full tunnel, and all as before
#
#   A  198.51.100.1 -- R 198.51.100.254 -- 203.0.113.2  B    web server in B on 192.0.2.80 and 2001:db8:80::1,
#      Q =============== tunnel ========================= wB  which R does not route
#
# In a mount namespace with an /etc of its own, so that resolv.conf can be judged to the byte.
. "$(dirname "$0")/lib.sh"
apart -m
lab_start
[ -z "$ADIT_STANDIN" ] || skip_all "adit up is adit's own"
need wg-quick curl cmp nft
[ -e /sys/module/wireguard ] && skip_all "this kernel has WireGuard: wg-quick would use it"

# --- a machine of our own ----------------------------------------------------------------------

mkdir "$TMP/etc" "$TMP/state"
cp -a /etc/{passwd,group,hosts,nsswitch.conf,ld.so.cache,alternatives,iproute2} "$TMP/etc/" 2>/dev/null
for f in /usr/sbin/resolvconf /usr/bin/resolvconf; do # wg-quick's file has no DNS; ours writes resolv.conf itself
	[ -e "$f" ] && : >"$TMP/nothing" && mount --bind "$TMP/nothing" "$(readlink -f "$f")"
done
mount --bind "$TMP/etc" /etc || skip_all "cannot mount here"
printf '# of this machine\nnameserver 192.0.2.53\nsearch before.example' >/etc/resolv.conf
export ADIT_STATE_DIR=$TMP/state

P=ud$$
topology_router
addr B lo 192.0.2.80/32 2001:db8:80::1/128
far_end
mkdir "$TMP/www"
head -c 200000 /dev/urandom >"$TMP/www/page"
run_bg B "$TMP/www.log" "$PYTHON" -m http.server 80 --bind :: --directory "$TMP/www"
wait_for 10 listening B 80

umask 077
Q=${W}q
CONF=$TMP/$Q.conf
mkdir "$TMP/bin"
ln -s "$ADIT" "$TMP/bin/adit-wg"
# conf ALLOWED-IPS [ENDPOINT [LINES]]
conf() {
	cat >"$CONF" <<-END
		[Interface]
		PrivateKey = $(cat "$TMP/a.key")
		ListenPort = 51821
		Address = 10.9.0.1/24, fd09::1/64
		${3:-}
		[Peer]
		PublicKey = $(key b)
		Endpoint = ${2:-$B4:51822}
		AllowedIPs = $1
		PersistentKeepalive = 25
	END
}
quick() { on A env PATH="$TMP/bin:$PATH" WG_QUICK_USERSPACE_IMPLEMENTATION=adit-wg wg-quick "$1" "$CONF"; }
up() { on A "$ADIT" up "$@" "$CONF"; }
down() { on A "$ADIT" down "$CONF"; }
alone() { [ -z "$(ip netns pids "$P-A")" ]; }

# everything that may change: to the byte
state() {
	on A ip -o link 2>/dev/null
	on A ip -o addr 2>/dev/null
	on A ip route show table all
	on A ip -6 route show table all
	on A ip rule
	on A ip -6 rule
	on A nft list ruleset
	on A sysctl -a -r '^net\.ipv[46]\.' 2>/dev/null | grep -vE 'stable_secret|/nf_conntrack|tcp_fastopen_key'
	ip netns pids "$P-A"
	find "$ADIT_STATE_DIR" /var/run/wireguard -name "$Q*" 2>/dev/null
	find /etc
	cat /etc/resolv.conf
}
same_state() { [ "$(state)" = "$BEFORE" ]; }
restored() {
	wait_for 3 same_state && return
	diff <(echo "$BEFORE") <(state)
}
# What the two are compared by. Our routes and rules say whose they are; a TUN gives itself a link-local address
# under wg-quick, which WireGuard's own link has not, nor ours.
view() {
	{
		on A ip -o addr show dev "$Q" | sed 's/^[0-9]*: //'
		on A ip -o link show dev "$Q" | grep -o 'mtu [0-9]*'
		on A ip -4 route show table all | sort
		on A ip -6 route show table all | sort
		on A ip -4 rule
		on A ip -6 rule
		wg showconf "$Q"
	} | sed 's/ proto 97//' | grep -v "fe80::.*$Q\|$Q.*fe80::"
}
# where packets go: to the endpoint, the LAN, the Internet, the tunnel; as anybody's, and with the tunnel's mark
ways() {
	local d mark
	for mark in 0 51820; do
		for d in "$B4" "$B6" 198.51.100.254 2001:db8:1::fe 192.0.2.80 2001:db8:80::1 10.9.0.7 fd09::7 8.8.8.8 127.0.0.1; do
			echo "$mark $d: $(on A ip route get "$d" mark $mark 2>&1 | sed 's/ proto 97//; s/ pref medium//; s/ *$//' | xargs)"
		done
	done
}
fetched() { on A curl -sf "-$1" -m 8 -o "$TMP/page" "http://$2/page" && cmp "$TMP/page" "$TMP/www/page"; }
# sysctls as they were: wg-quick leaves one
sysctl_back() { on A sysctl -qw net.ipv4.conf.all.src_valid_mark=0; }
# compare "what" VIEW...: by wg-quick, by adit up
compare() {
	local what=$1 f
	shift
	check "$what: wg-quick up" quick up
	for f; do $f >"$TMP/$f.quick"; done
	check "$what: wg-quick down" quick down
	wait_for 5 alone
	sysctl_back
	check "$what: adit up" up
	for f; do
		$f >"$TMP/$f.adit"
		check "$what: the same $f" diff "$TMP/$f.quick" "$TMP/$f.adit"
	done
}
BEFORE=$(state)

# --- a split tunnel ------------------------------------------------------------------------------

conf "10.9.0.0/24, 192.0.2.80/32, fd09::/64, 2001:db8:80::1/128, 10.50.0.0/16, 10.0.0.0/8" "" "MTU = 1380"
compare "split" view ways
check "split: curl -4 through it" fetched 4 192.0.2.80
check "split: curl -6 through it" fetched 6 "[2001:db8:80::1]"
check "split: adit down" down
check "split: everything as before" restored
conf "192.0.2.80/32" "" "Table = 4711"
compare "Table = 4711, MTU of the way" view
check "Table: adit down" down
check "Table: everything as before" restored

# --- a full tunnel -------------------------------------------------------------------------------

conf "0.0.0.0/0, ::/0"
compare "full" view ways
check "full: curl -4 through it" fetched 4 192.0.2.80
check "full: curl -6 through it" fetched 6 "[2001:db8:80::1]"
check "full: the LAN is reached beside it" reaches A 198.51.100.254
equal "full: src_valid_mark" "$(on A sysctl -n net.ipv4.conf.all.src_valid_mark)" 1
# A neighbour that learned our inner address is not answered there (wg-quick's table, and ours).
on R ip route add 10.9.0.1/32 via 198.51.100.1
check_not "full: our inner address is nobody's on the LAN" answers R 10.9.0.1
on R ip route del 10.9.0.1/32
check "full: adit down" down
check "full: everything as before, sysctls too" restored
conf "0.0.0.0/0, ::/0" "[$B6]:51822" "FwMark = 0x4d2"
compare "full, by IPv6, with a mark" view ways
check "full, by IPv6: curl -4" fetched 4 192.0.2.80
check "full, by IPv6: curl -6" fetched 6 "[2001:db8:80::1]"
check "full, by IPv6: adit down" down
check "full, by IPv6: everything as before" restored
conf "::/0"
compare "full of IPv6 only" view ways
check "full of IPv6 only: adit down" down
check "full of IPv6 only: everything as before" restored

# In halves wg-quick leads the tunnel into itself; here they are a default route.
conf "0.0.0.0/1, 128.0.0.0/1, ::/1, 8000::/1"
check "in halves: adit up" up
check "in halves: curl -4 through it" fetched 4 192.0.2.80
check "in halves: curl -6 through it" fetched 6 "[2001:db8:80::1]"
check "in halves: adit down" down
check "in halves: everything as before" restored

# Beside others: the table is taken, there is a rule before main's.
ip -n "$P-A" route add blackhole 192.0.2.66 table 51820
ip -n "$P-A" rule add to 192.0.2.77 lookup 99 priority 1000
BEFORE=$(state)
conf "0.0.0.0/0, ::/0"
compare "beside others" view
equal "beside others: the next free table" "$(wg show "$Q" fwmark)" 0xca6d
check "beside others: curl -4 through it" fetched 4 192.0.2.80
check "beside others: adit down" down
check "beside others: everything as before" restored
ip -n "$P-A" route del blackhole 192.0.2.66 table 51820
ip -n "$P-A" rule del priority 1000
BEFORE=$(state)

# --- DNS ---------------------------------------------------------------------------------------

conf "0.0.0.0/0, ::/0" "" "DNS = 10.9.0.53, corp.example
DNS = fd09::53, lab.example"
check "DNS: adit up" up
equal "DNS: servers" "$(awk '$1 == "nameserver" { print $2 }' /etc/resolv.conf | xargs)" "10.9.0.53 fd09::53"
equal "DNS: domains" "$(awk '$1 == "search" { print $2, $3 }' /etc/resolv.conf)" "corp.example lab.example"
check "DNS: adit down" down
check "DNS: resolv.conf and everything as before" restored
conf "0.0.0.0/0" "" "DNS = 10.9.0.53, corp_example!"
on A "$ADIT" up "$CONF" >"$TMP/out" 2>&1
equal "DNS: a word that is neither" "$?: $(cat "$TMP/out")" \
	"78: $CONF:5:1: DNS: neither an address nor a domain: \"corp_example!\""
check "DNS: nothing has changed" restored

# --- killed ----------------------------------------------------------------------------------------

nobody_left() {
	local pid
	for pid in $(ip netns pids "$P-A"); do kill -KILL "$pid" 2>/dev/null; done
	alone
}
cleanup_all() { on A "$ADIT" cleanup; }
no_link() { ! on A ip link show "$Q"; }
# All threads have ended, and the TUN went with the last.
kill_device() { wait_for 5 nobody_left && wait_for 5 no_link; }
conf "0.0.0.0/0, ::/0" "" "DNS = 10.9.0.53"
up >/dev/null
kill_device
check "killed: adit down" down
check "killed: everything as before" restored
up >/dev/null
kill_device
check "killed: adit up again" up
check "killed: curl -4 through it" fetched 4 192.0.2.80
kill_device
check "killed: adit cleanup" cleanup_all
check "killed: everything as before, after cleanup" restored
traces=0
for i in $(seq "${ADIT_ROUNDS:-12}"); do
	run_bg A /dev/null "$ADIT" up "$CONF"
	sleep 0.0$((RANDOM % 10))$((RANDOM % 10))
	kill -KILL "$BGPID" 2>/dev/null
	wait "$BGPID" 2>/dev/null
	kill_device
	if [ $((i % 2)) = 0 ]; then down; else cleanup_all; fi >"$TMP/out" 2>&1
	restored >"$TMP/diff" || { traces=$((traces + 1)); indent "$TMP/diff" "$TMP/out"; down >/dev/null 2>&1; }
done
equal "kill -9 of everything at random moments of adit up: traces left" $traces 0
done_testing
