#!/bin/bash
# SPDX-License-Identifier: ISC
# doctor.sh - adit doctor finds what is broken, and says nothing where nothing is
#
#   A  a0 198.51.100.1 -- ra R rb -- b0 203.0.113.2  B
#   doctor, WA                       WB, a DNS server that answers anything
. "$(dirname "$0")/lib.sh"
need nft socat setpriv prlimit unshare
P=dn$$
lab_start
topology_router
pair adit adit || { not_ok "two devices start"; done_testing; }
run_bg B "$TMP/dns.log" socat UDP4-LISTEN:53,fork EXEC:cat
check "the two know each other" reaches A 10.9.0.2

RESOLV=$TMP/resolv.conf
STATE=$TMP/state
mkdir -m 755 "$STATE"
echo "nameserver $B4" >"$RESOLV"
# doctor ARG...: in A, with a resolv.conf of our own; what it says is in TMP/out, its status in STATUS
WRAP=()
doctor() {
	on A unshare -m --propagation private sh -c 'mount --bind "$0" /etc/resolv.conf && exec "$@"' "$RESOLV" ${WRAP[@]+"${WRAP[@]}"} \
		"$ADIT" doctor --state-dir "$STATE" "$@" >"$TMP/out" 2>&1
	STATUS=$?
}
# config LINE...: a network of that interface; more lines go into [network.office]
config() {
	{
		printf '[network.office]\ninterface = "%s"\nprivate_key_path = "%s"\n' "$WA" "$TMP/a.key"
		[ $# -gt 0 ] && printf '%s\n' "$@"
		printf '[[network.office.peers]]\npublic_key = "%s"\nendpoint = "%s:51822"\nallowed_ips = ["%s"]\n' "$PUBB" "${ENDPOINT:-$B4}" "${ALLOWED:-10.9.0.2/32}"
	} >"$TMP/adit.toml"
}
# says "what" LEVEL CHECK PATTERN
says() {
	if grep -Eq "^$2 +$3 +.*$4" "$TMP/out"; then
		ok "$1"
	else
		not_ok "$1"
		diag "want: $2 $3 ... $4"
		indent "$TMP/out"
	fi
}
advises() { check "$1" grep -Eq -- "-> .*$2" "$TMP/out"; }
status() { equal "$1" "$STATUS" "$2"; }

# --- all is well -------------------------------------------------------------------------------

config 'mtu = 1420'
doctor -c "$TMP/adit.toml"
status "all is well: status 0" 0
check_not "all is well: no problem" grep -q ^problem "$TMP/out"
says "the way's MTU is measured" ok endpoints 'packets of 1500 bytes arrive'
says "the DNS server answers" ok dns "answer: $B4"
doctor -c "$TMP/adit.toml" --json
check "JSON: levels and checks" jq -e '.schema == 1 and (.findings | length) > 10 and ([.findings[].level] | all(. == "ok" or . == "warning"))' "$TMP/out"
doctor "$WA"
says "a device that runs, without a configuration" ok endpoints "$WA: $B4:51822: packets of 1500"
doctor nothing
status "an unknown network is a mistake of usage" 2
doctor --colour
status "so is an unknown option" 2
echo 'x = [' >"$TMP/wrong.toml"
doctor -c "$TMP/wrong.toml"
says "a configuration with mistakes" problem config 'has mistakes'
status "a problem: status 1" 1
doctor -c "$TMP/nope.toml"
says "a configuration that is not there" problem config 'nope.toml cannot be read: No such file'
status "  status 1" 1

# --- the way to the endpoint ---------------------------------------------------------------------

ip -n "$P-R" link set rb mtu 1400
doctor -c "$TMP/adit.toml"
says "a narrow way, of which routers tell" problem endpoints 'may have 1400 bytes, and those of a tunnel of MTU 1420 have up to 1480'
advises "what to set" 'mtu = 1340'
config 'mtu = 1340'
doctor -c "$TMP/adit.toml"
says "it fits then" ok endpoints 'packets of 1400 bytes arrive'
ip -n "$P-R" link set rb mtu 1500
on R nft 'add table inet hole; add chain inet hole f { type filter hook forward priority 0; }; add rule inet hole f meta length > 1400 drop'
doctor -c "$TMP/adit.toml"
says "a black hole above the tunnel's packets" warning endpoints 'of more than 1400 bytes vanish'
config 'mtu = 1420'
doctor -c "$TMP/adit.toml"
says "a black hole that swallows them" problem endpoints 'may have 1400 bytes \(larger ones vanish'
on R nft 'delete table inet hole'

# IPv6, measured just so
ENDPOINT="[$B6]" config 'mtu = 1420'
ip -n "$P-R" link set rb mtu 1400
doctor -c "$TMP/adit.toml"
says "IPv6: a narrow way" problem endpoints 'may have 1400 bytes, and those of a tunnel of MTU 1420 have up to 1500'
ip -n "$P-R" link set rb mtu 1500
config 'mtu = 1420'

on A nft 'add table inet wall; add chain inet wall o { type filter hook output priority 0; policy drop; }; add rule inet wall o udp dport 53 accept'
doctor -c "$TMP/adit.toml"
says "a firewall in the way" problem endpoints "firewall lets nothing out to $B4:51822"
says "and which chain it is" warning firewall 'inet wall o'
on A nft 'delete table inet wall'
on A nft 'add table ip in4; add chain ip in4 i { type filter hook input priority 0; policy drop; }; add rule ip in4 i ct state established accept'
doctor -c "$TMP/adit.toml"
says "what guards this machine only is fine for who calls" ok firewall 'no chain of others drops'
on A nft 'delete table ip in4'

stop "$PIDB"
doctor -c "$TMP/adit.toml"
says "nobody at the endpoint" problem endpoints "nobody listens at $B4:51822"
ip -n "$P-A" route del default via 198.51.100.254
doctor -c "$TMP/adit.toml"
says "no route" problem endpoints "no way to $B4:51822"
says "nor to the DNS server" problem dns "no way to the DNS server $B4"
ip -n "$P-A" route add default via 198.51.100.254

# --- routing ---------------------------------------------------------------------------------------

config 'forward = true'
on A sysctl -qw net.ipv4.ip_forward=0
doctor -c "$TMP/adit.toml"
says "a gateway whose kernel does not forward" problem forwarding 'office is a gateway, but the kernel forwards no IPv4'
on A sysctl -qw net.ipv4.ip_forward=1 net.ipv6.conf.all.forwarding=1
on A nft 'add table ip fw; add chain ip fw f { type filter hook forward priority 0; policy drop; }'
doctor -c "$TMP/adit.toml"
says "forwarding is on" ok forwarding 'as the gateway office needs it'
says "but a chain drops it" warning firewall 'dropped at forward \(ip fw f\)'
on A nft 'delete table ip fw'
on A sysctl -qw net.ipv4.ip_forward=0 net.ipv6.conf.all.forwarding=0

ALLOWED=0.0.0.0/0 config
on A sysctl -qw net.ipv4.conf.all.rp_filter=1 net.ipv4.conf.all.src_valid_mark=0
doctor -c "$TMP/adit.toml"
says "a strict filter under a full tunnel" problem rp_filter 'answers of the peer of office'
on A sysctl -qw net.ipv4.conf.all.src_valid_mark=1
doctor -c "$TMP/adit.toml"
says "which marks make a warning" warning rp_filter 'strict reverse path filters'
on A sysctl -qw net.ipv4.conf.all.rp_filter=0 net.ipv4.conf.a0.rp_filter=0 net.ipv4.conf.default.rp_filter=0
for f in $(on A sh -c 'ls /proc/sys/net/ipv4/conf'); do on A sysctl -qw "net.ipv4.conf.$f.rp_filter=0"; done
doctor -c "$TMP/adit.toml"
says "without it nothing is said" ok rp_filter 'no strict'
config

on A ip tuntap add dnvpn0 mode tun
ip -n "$P-A" link set dnvpn0 up
doctor -c "$TMP/adit.toml"
says "another tunnel, which harms nobody" ok others 'dnvpn0 \(tun\)'
ip -n "$P-A" route add 0.0.0.0/1 dev dnvpn0
ip -n "$P-A" route add 128.0.0.0/1 dev dnvpn0
doctor -c "$TMP/adit.toml"
says "another tunnel that takes all" warning others 'takes all traffic: dnvpn0'
ip -n "$P-A" link del dnvpn0
ip -n "$P-A" rule add not fwmark 7 table 7777 priority 77
doctor -c "$TMP/adit.toml"
says "somebody's rule" warning others '77: not fwmark 7 lookup 7777'
ip -n "$P-A" rule del priority 77

# --- names -------------------------------------------------------------------------------------------

ENDPOINT=name.invalid config
doctor -c "$TMP/adit.toml"
says "a name without an address" problem endpoints 'the name of name.invalid:51822 has no address'
config 'dns = ["10.77.0.1"]'
doctor -c "$TMP/adit.toml"
says "a DNS server outside the allowed IPs" warning dns '10.77.0.1 of office is outside'
config
echo "nameserver $A4" >"$RESOLV"
doctor -c "$TMP/adit.toml"
says "a DNS server that is none" warning dns "$A4 does not answer: Connection refused"
printf '#+ gone0 servers=10.0.0.1 default=yes\nnameserver %s\n' "$B4" >"$RESOLV"
doctor -c "$TMP/adit.toml"
says "what a killed process left" problem dns 'still has the servers of gone0'
advises "how to mend it" 'adit cleanup'
: >"$RESOLV"
doctor -c "$TMP/adit.toml"
says "no DNS server at all" warning dns 'names no DNS server'
echo "nameserver $B4" >"$RESOLV"

# --- this machine -------------------------------------------------------------------------------------

WRAP=(sh -c 'mount -t tmpfs none /dev/net && exec "$@"' sh)
doctor -c "$TMP/adit.toml"
says "no TUN device" problem tun 'there is no /dev/net/tun'
WRAP=(setpriv --bounding-set=-net_admin)
doctor -c "$TMP/adit.toml"
says "root without the right" problem tun 'CAP_NET_ADMIN is missing'
WRAP=(setpriv --reuid=65534 --regid=65534 --clear-groups)
doctor
says "no root" warning tun 'takes root'
says "no root: it says what it may not see" warning firewall 'may not be looked at'
status "no root is no problem" 0
WRAP=(setpriv '--bounding-set=-ipc_lock,-sys_resource' prlimit --memlock=0:0)
doctor -c "$TMP/adit.toml"
says "memory that cannot be locked" problem memory 'keys may be swapped'
WRAP=()
faketime=$(ls /usr/lib/*/faketime/libfaketime.so.1 2>/dev/null | head -n 1)
if [ -n "$faketime" ]; then
	WRAP=(env "LD_PRELOAD=$faketime" FAKETIME=@2001-01-01\ 00:00:00 FAKETIME_DONT_FAKE_MONOTONIC=1)
	doctor -c "$TMP/adit.toml"
	says "a clock of long ago" problem clock '2001-01-01 .*long past'
	touch "$STATE"
	WRAP=(env "LD_PRELOAD=$faketime" FAKETIME=-2d FAKETIME_DONT_FAKE_MONOTONIC=1 NO_FAKE_STAT=1)
	doctor -c "$TMP/adit.toml"
	says "a clock that was set back" problem clock 'was written [0-9]+ h later'
	WRAP=()
else
	skip "a clock of long ago" "libfaketime is not installed"
fi
chmod 777 "$STATE"
doctor -c "$TMP/adit.toml"
says "a state directory that others may write" problem state 'others may write'
chmod 755 "$STATE"
mount -t tmpfs -o size=64k,mode=755 none "$STATE"
head -c 64k /dev/zero >"$STATE/full" 2>/dev/null
doctor -c "$TMP/adit.toml"
says "one that is full" problem state 'is full'
mount -o remount,ro "$STATE"
doctor -c "$TMP/adit.toml"
says "one that is read-only" problem state 'read-only'
umount "$STATE"
done_testing
