#!/bin/bash
# SPDX-License-Identifier: ISC
#
# up_down.sh - adit up and adit down: a split tunnel comes, works, and goes without a trace
#
#   A  a0 198.51.100.1  ------ veth ------  198.51.100.2 b0  B
#      wA 10.9.0.1  (adit up)  tunnel   (adit device)  wB 10.9.0.2
#         fd09::1                                         fd09::2, and 10.50.0.1
. "$(dirname "$0")/lib.sh"
lab_start
[ -z "$ADIT_STANDIN" ] || skip_all "adit up is adit's own"
topology_direct
export ADIT_STATE_DIR=$TMP/state
NAME=${W}a
CONF=$TMP/$NAME.conf
PUBA=$(key a) PUBB=$(key b)

# config EXTRA_INTERFACE_LINES ALLOWED_IPS
config() {
	(
		umask 077
		cat >"$CONF" <<-END
			[Interface]
			PrivateKey = $(cat "$TMP/a.key")
			ListenPort = 51821
			Address = 10.9.0.1/24, fd09::1/64
			$1
			[Peer]
			PublicKey = $PUBB
			AllowedIPs = ${2:-10.9.0.2/32, fd09::2/128, 10.50.0.0/16}
			Endpoint = $B4:51822
			PersistentKeepalive = 25
		END
	)
}
up() { on A "$ADIT" up "$CONF"; }
down() { on A "$ADIT" down "$NAME"; }
# everything adit up may change, and what it leaves in the file system
state() {
	on A ip -o link
	on A ip -o addr
	on A ip route show table all
	on A ip -6 route show table all
	on A ip rule
	on A ip -6 rule
	command -v nft >/dev/null && on A nft list ruleset
	ip netns pids "$P-A"
	find /var/run/wireguard "$ADIT_STATE_DIR" -name "$NAME*" 2>/dev/null
}
# the kernel takes IPv6 routes away a moment after their link
same_state() { [ "$(state)" = "$BEFORE" ]; }
restored() {
	wait_for 3 same_state && return
	diff <(echo "$BEFORE") <(state)
}
# status "what" WANT CMD...: the exit status; output in TMP/out
status() {
	local what=$1 want=$2 r
	shift 2
	"$@" >"$TMP/out" 2>&1
	r=$?
	equal "$what" "$r" "$want" || indent "$TMP/out"
}
says() { check "  and says so" grep -q -- "$1" "$TMP/out"; }
device_pid() { ip netns pids "$P-A" | head -n 1; }
no_link() { ! on A ip link show "$NAME"; }
kill_device() {
	kill -KILL "$(device_pid)"
	wait_for 3 no_link # all its threads are gone, and the TUN with the last
}

device_up B "${W}b" adit || { not_ok "the other end starts"; done_testing; }
wg set "${W}b" private-key "$TMP/b.key" listen-port 51822 peer "$PUBA" allowed-ips 10.9.0.1/32,fd09::1/128
inner B "${W}b" 10.9.0.2/24 fd09::2/64 10.50.0.1/32
BEFORE=$(state)

# there and back
config "MTU = 1400"
status "--dry-run" 0 on A "$ADIT" up --dry-run "$CONF"
equal "prints the plan" "$(cat "$TMP/out")" "tun $NAME
mtu $NAME 1400
addr $NAME 10.9.0.1/24
addr $NAME fd09::1/64
up $NAME
route $NAME 10.50.0.0/16 254"
check "and changes nothing" restored
status "up" 0 up
check "IPv4 through the tunnel" reaches A 10.9.0.2
check "IPv6 through the tunnel" reaches A fd09::2
check "by the route of an allowed IP" reaches A 10.50.0.1
equal "routes: what the addresses bring, and the rest" "$(on A ip -4 route show dev "$NAME" | awk '{ print $1 }' | sort | xargs)" \
	"10.50.0.0/16 10.9.0.0/24"
equal "MTU of the file" "$(on A cat "/sys/class/net/$NAME/mtu" 2>/dev/null || on A ip -o link show "$NAME" | grep -o 'mtu [0-9]*' | cut -c5-)" 1400
equal "no address but the file's" "$(on A ip -o addr show dev "$NAME" | awk '{ print $4 }' | xargs)" "10.9.0.1/24 fd09::1/64"
equal "one process" "$(ip netns pids "$P-A" | wc -l)" 1
equal "which ps and pgrep find by name" "$(cat "/proc/$(device_pid)/comm")" adit
status "up again" 1 up
says "is up already"
status "down" 0 down
check "everything is as before" restored
status "down again" 1 down
says "is not up"

# MTU of the way to the endpoint
ip -n "$P-A" link set a0 mtu 1460
config ""
status "up without MTU" 0 up
equal "the way's MTU less 80" "$(on A ip -o link show "$NAME" | grep -o 'mtu [0-9]*')" "mtu 1380"
status "down by the file's path" 0 on A "$ADIT" down "$CONF"
ip -n "$P-A" link set a0 mtu 1500
check "everything is as before" restored

# tables
config "Table = off"
status "Table = off" 0 up
equal "no route" "$(on A ip route show dev "$NAME" proto 97)" ""
down
config "Table = 1234" "10.9.0.2/32, 0.0.0.0/0"
status "Table = 1234" 0 up
equal "the routes are there" "$(on A ip route show table 1234 | awk '{ print $1, $3 }' | sort | xargs)" "10.9.0.2 $NAME default $NAME"
down
check "everything is as before" restored

# killed
config ""
up >/dev/null
kill_device
status "down after the device was killed" 0 down
check "everything is as before" restored
up >/dev/null
kill_device
status "up after the device was killed" 0 up
check "and it works" reaches A 10.9.0.2
kill -STOP "$(device_pid)"
status "down of a device that does not react" 0 down
check "everything is as before" restored

# fails half-way
ip -n "$P-A" route add 10.50.0.0/16 dev a0
BEFORE=$(state)
status "a route that is taken" 1 up
says "route $NAME 10.50.0.0/16 254: File exists"
check "everything is undone" restored
ip -n "$P-A" route del 10.50.0.0/16
BEFORE=$(state)
run_bg A "$TMP/nc.log" nc -u -4 -l -p 51821
taken() { on A ss -Hlun "sport = :51821" | grep -q .; }
wait_for 5 taken
status "a port that is taken" 1 up
says "ListenPort 51821 is in use"
stop "$BGPID"
check "everything is as before" restored
ip -n "$P-A" link add "$NAME" type veth peer name "${W}x"
status "a name that is taken" 1 up
says "adit up did not make it"
status "down leaves it alone" 1 down
check "it is still there" on A ip link show "$NAME"
ip -n "$P-A" link del "$NAME"

# a device that adit up did not make is nobody's to take down, whatever is in the state directory
resolver_of A 192.0.2.53 # nor has a clean-up anything to do with this machine's
device_up A "$NAME" adit
inner A "$NAME" 10.9.0.1/24
lives() { kill -0 "$DEVPID" && [ -S "/var/run/wireguard/$NAME.sock" ] && on A ip link show "$NAME"; }
begun() { (umask 077; printf 'adit-up 1\nfile %s\nmark 0\n' "$CONF" >"$ADIT_STATE_DIR/$NAME.up"); }
spared() { # WHAT NS
	status "  adit cleanup, $1" 0 on "$2" "$ADIT" cleanup
	check "  leaves it" lives
}
status "down of a device of somebody else's" 1 down
says "adit up did not make"
check_not "  leaves no record" [ -e "$ADIT_STATE_DIR/$NAME.up" ]
spared "here" A
: >"$ADIT_STATE_DIR/$NAME.up"
spared "with an empty record, there" B
check_not "  and forgets that" [ -e "$ADIT_STATE_DIR/$NAME.up" ]
begun
status "down where adit up was killed before it had a device" 1 down
says "adit up did not make"
status "up then" 1 up
says "adit up did not make it"
spared "then" A
begun
spared "then, there" B
device_down "$DEVPID"
wait_for 3 no_link
check "everything is as before" restored
config ""
up >/dev/null
DEVPID=$(device_pid)
rm "$ADIT_STATE_DIR/$NAME.journal"
spared "of what is up and has lost its journal" A
sed -i '/^done/d' "$ADIT_STATE_DIR/$NAME.up"
spared "of what is half up in another network namespace" B
status "adit cleanup of what is half up" 0 on A "$ADIT" cleanup
check "everything is as before" restored

# the file
config "Adress = 10.9.0.1/24
MTU = 9"
status "mistakes in the file" 78 up
says "$NAME.conf:5:1: Adress: unknown key in \[Interface\] (did you mean Address?)"
says "$NAME.conf:6:7: MTU: "
status "no such file" 1 on A "$ADIT" up "$TMP/none.conf"
status "a file of another name" 2 on A "$ADIT" up "$TMP/$NAME.txt/x"
config ""
wg pubkey <"$TMP/a.key" >"$TMP/a.pub"
printf '[Peer]\nPublicKey = %s\n[Peer]\nPublicKey = %s\nAllowedIPs = 10.50.0.0/16\n' "$(cat "$TMP/a.pub")" "$(key nobody)" >>"$CONF"
status "our own key, and one prefix of two peers" 0 up
says "$NAME.conf:[0-9]*:1: warning: PublicKey: this peer's is our own"
says "$NAME.conf:15:14: warning: AllowedIPs: 10.50.0.0/16 is another peer's, too, in line 8"
down
check "everything is as before" restored
config ""
chmod 644 "$CONF"
status "a file that everybody can read" 0 up
says "warning: it holds keys"
down
check "everything is as before" restored

# adit up killed or interrupted anywhere: down finds and undoes it
traces=0
for i in 1 2 3 4 5 6 7 8 9 10 11 12; do
	run_bg A /dev/null "$ADIT" up "$CONF"
	pid=$BGPID
	sleep 0.0$((RANDOM % 9))$((RANDOM % 10))
	kill -KILL "$pid" 2>/dev/null
	wait "$pid" 2>/dev/null
	down >"$TMP/out" 2>&1
	restored >"$TMP/diff" || { traces=$((traces + 1)); indent "$TMP/diff" "$TMP/out"; down >/dev/null 2>&1; }
done
equal "kill -9 of adit up at twelve moments: traces left" $traces 0
traces=0
for i in 1 2 3 4 5 6; do
	run_bg A /dev/null "$ADIT" up "$CONF"
	pid=$BGPID
	sleep 0.0$((RANDOM % 9))$((RANDOM % 10))
	kill -TERM "$pid" 2>/dev/null
	# it comes to its end, or takes back what it did
	wait "$pid" 2>/dev/null && down >"$TMP/out" 2>&1
	restored >"$TMP/diff" || { traces=$((traces + 1)); indent "$TMP/diff" "$TMP/out"; }
done
equal "SIGTERM at six moments: traces left" $traces 0
done_testing
