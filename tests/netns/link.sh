#!/bin/bash
# SPDX-License-Identifier: ISC
#
# link.sh - the interface goes down, moves, is renamed, deleted; the socket file is removed
#
#   A  a0 198.51.100.1  ------ veth ------  198.51.100.2 b0  B
#      wA 10.9.0.1           tunnel         wB 10.9.0.2            I: where wA moves to
. "$(dirname "$0")/lib.sh"
lab_start
topology_direct
space I
pair adit adit || { not_ok "two devices start"; done_testing; }
check "the tunnel works" reaches A 10.9.0.2
sock_a=/var/run/wireguard/$WA.sock

# Down under load: no CPU; up: goes on.
run_bg A "$TMP/flood.log" ping -n -q -f -w 20 10.9.0.2
pinger=$BGPID
sleep 0.5
ip -n "$P-A" link set "$WA" down
sleep 0.3
ticks=$(cpu_ticks "$PIDA")
sleep 2
expr_true "down under load: CPU in 2 s, in ticks of 10 ms" "$(($(cpu_ticks "$PIDA") - ticks)) <= 4"
equal "the port is closed while down" "$(on A ss -Hlun 'sport = :51821' | wc -l)" 0
check "wg still answers" wg show "$WA" dump
ip -n "$P-A" link set "$WA" up
check "up again: data within 6 s" wait_for 6 answers A 10.9.0.2
stop $pinger INT
ticks=$(cpu_ticks "$PIDA")
sleep 2
expr_true "idle: CPU in 2 s, in ticks" "$(($(cpu_ticks "$PIDA") - ticks)) <= 2"

# The underlay goes away and comes back.
ip -n "$P-A" link set a0 down
on A ping -n -q -c 3 -i 0.2 -W 1 -w 2 10.9.0.2 >/dev/null
check_not "without an underlay nothing passes" answers A 10.9.0.2
ip -n "$P-A" link set a0 up
check "the underlay is back: data within 3 s" wait_for 3 answers A 10.9.0.2

# MTU under way.
check "a larger MTU works at once" eval 'ip -n "$P-A" link set "$WA" mtu 9000 && ip -n "$P-B" link set "$WB" mtu 9000 && wait_for 3 on A ping -n -q -c 1 -W 1 -M do -s 8972 10.9.0.2'
check "and a small one" eval 'ip -n "$P-A" link set "$WA" mtu 1280 && ip -n "$P-B" link set "$WB" mtu 1280 && wait_for 3 on A ping -n -q -c 1 -W 1 -M do -s 1252 10.9.0.2'

# To another namespace and back: data goes on, the underlay stays where it was.
ip -n "$P-A" link set "$WA" netns "$P-I"
addr I "$WA" 10.9.0.1/24
ip -n "$P-I" link set "$WA" up
check "moved to another namespace: data goes on" wait_for 6 answers I 10.9.0.2
check "wg still answers there" wg show "$WA"
check "it can move back" ip -n "$P-I" link set "$WA" netns "$P-A"
inner A "$WA" 10.9.0.1/24
check "and goes on" wait_for 6 answers A 10.9.0.2
# Down while it is elsewhere.
ip -n "$P-A" link set "$WA" netns "$P-I"
addr I "$WA" 10.9.0.1/24
ip -n "$P-I" link set "$WA" up
check "moved again" wait_for 6 answers I 10.9.0.2

# Deleted: the program ends within a second, its socket goes.
ip -n "$P-I" link del "$WA"
check "ip link del: the program ends within a second" wait_for 1 gone "$PIDA"
check "its socket is gone" test ! -e "$sock_a"
wait "$PIDA" 2>/dev/null

# The socket file removed: the program ends, the link goes.
check "a removed socket file is noticed" eval 'rm "/var/run/wireguard/$WB.sock"; wait_for 2 gone "$PIDB"'
check_not "its link is gone" ip -n "$P-B" link show "$WB"

# Signals.
for sig in TERM INT; do
	device_up A "$WA" adit || { not_ok "starts for $sig"; continue; }
	kill -$sig "$DEVPID"
	check "$sig ends it within a second" wait_for 1 gone "$DEVPID"
	check "$sig: no socket, no link" eval '[ ! -e "$sock_a" ] && ! ip -n "$P-A" link show "$WA"'
done

# The name is in use.
device_up A "$WA" adit
first=$DEVPID
if [ -n "$ADIT_STANDIN" ]; then
	skip "a second device of the same name is refused" "the program under test is a stand-in"
else
	on A timeout 5 "$ADIT" device -f "$WA" >"$TMP/out" 2>&1
	equal "a second device of the same name is refused" $? 1
	check "with a message that names it" grep -q "$WA" "$TMP/out"
	check "the first one is unharmed" wg show "$WA"
	check "not foreground: returns when the socket is there" eval 'on A timeout 5 "$ADIT" device "$W"d && wg show "$W"d'
	check "and ip link del ends it" eval 'ip -n "$P-A" link del "$W"d; wait_for 2 test ! -e "/var/run/wireguard/$W"d.sock'
fi
stop "$first"
done_testing
