#!/bin/bash
# SPDX-License-Identifier: ISC
#
# netstack_icmp.sh - the kernel's ping, UDP and a path of one hop against our stack behind a TUN
#
#   netstack_host 10.77.0.2 fd77::2 === t0 A 10.77.0.1 fd77::1
. "$(dirname "$0")/lib.sh"
lab_start
need ping
HOST=${ADIT_TOOLS:-${ADIT_BUILD:-$ROOT/build}/tests/netns}/netstack_host
[ -x "$HOST" ] || skip_all "no $HOST: it is built by meson"

space A
mkfifo "$TMP/say"
# shellcheck disable=SC2094 # one program reads what this script writes
on A "$HOST" t0 all 1420 wan 10.77.0.2 fd77::2 <>"$TMP/say" >"$TMP/heard" 2>&1 &
PIDS+=($!)
wait_for 5 grep -q ready "$TMP/heard"
ip -n "$P-A" addr add 10.77.0.1/24 dev t0
ip -n "$P-A" addr add fd77::1/64 dev t0 nodad
ip -n "$P-A" link set t0 mtu 1420 up

# What a datagram to a port nobody has leads to
closed_port() {
	on A "$PYTHON" - "$1" <<-'END'
		import socket, sys
		s = socket.socket(socket.AF_INET6 if ":" in sys.argv[1] else socket.AF_INET, socket.SOCK_DGRAM)
		s.settimeout(5)
		s.connect((sys.argv[1], 4999))
		s.send(b"anybody?")
		try:
		    s.recv(100)
		except ConnectionRefusedError:
		    sys.exit(0)
		sys.exit("no answer said that the port is closed")
	END
}

# First fragments of datagrams that never become whole, from one source, for a moment.
fragments() {
	on A "$PYTHON" - <<-'END'
		import socket, struct
		s = socket.socket(socket.AF_INET, socket.SOCK_RAW, socket.IPPROTO_RAW)
		for i in range(20000):
		    head = struct.pack("!BBHHHBBH4s4s", 0x45, 0, 0, i & 0xffff, 0x2000 | i % 100, 64, 17, 0,
		                       socket.inet_aton("10.77.0.1"), socket.inet_aton("10.77.0.2"))
		    s.sendto(head + bytes(800), ("10.77.0.2", 0))
	END
}

for to in 10.77.0.2 fd77::2; do
	for size in 0 56 1372 1392 1393 4000 60000; do
		check "$to: ping with $size bytes" on A ping -q -c 3 -i 0.05 -W 2 -s $size $to
	done
	check "$to: 500 at once" on A ping -q -f -c 500 -W 2 $to
	check "$to: UDP to a closed port is refused" closed_port $to
	check_not "$to: a stranger's address is not answered" on A ping -q -c 1 -W 1 "${to%2}9"
done
check "a flood of fragments" fragments
check "whole packets in fragments go through afterwards" on A ping -q -c 3 -i 0.05 -W 2 -s 4000 10.77.0.2
echo stats >"$TMP/say"
wait_for 5 grep -q ^stats "$TMP/heard"
memory=$(sed -n 's/^stats.*memory=//p' "$TMP/heard")
expr_true "memory stays bounded" "$memory < 1500000"
done_testing
