#!/bin/bash
# SPDX-License-Identifier: ISC
#
# allowedips.sh - who may use which inner address, and what a sender without a peer is told
#
#   B  203.0.113.2 --- b1 A c1 --- 192.0.2.2  C
#      wB 10.9.0.2 ====  wA 10.9.0.1  ==== wC 10.9.0.5      A: B may use 10.9.0.0/24, C 10.9.0.5/32
. "$(dirname "$0")/lib.sh"
lab_start
space A B C
link A b1 B b0
link A c1 C c0
addr A b1 203.0.113.1/24
addr A c1 192.0.2.1/24
addr B b0 203.0.113.2/24
addr C c0 192.0.2.2/24
WA=${W}a WB=${W}b WC=${W}c PUBA=$(key a) PUBB=$(key b) PUBC=$(key c)
device_up A "$WA" adit || { not_ok "a device starts"; done_testing; }
PIDA=$DEVPID
device_up B "$WB" adit || { not_ok "a device starts"; done_testing; }
device_up C "$WC" adit || { not_ok "a device starts"; done_testing; }
wg set "$WA" private-key "$TMP/a.key" listen-port 51821 \
	peer "$PUBB" endpoint 203.0.113.2:51822 allowed-ips 10.9.0.0/24,fd09::/64 \
	peer "$PUBC" endpoint 192.0.2.2:51823 allowed-ips 10.9.0.5/32,fd09::5/128
wg set "$WB" private-key "$TMP/b.key" listen-port 51822 peer "$PUBA" endpoint 203.0.113.1:51821 allowed-ips 0.0.0.0/0,::/0
wg set "$WC" private-key "$TMP/c.key" listen-port 51823 peer "$PUBA" endpoint 192.0.2.1:51821 allowed-ips 0.0.0.0/0,::/0
inner A "$WA" 10.9.0.1/24 fd09::1/64 10.10.0.1/24 fd10::1/64
inner B "$WB" 10.9.0.2/24 10.9.0.5/32 fd09::2/64 fd09::5/128
inner C "$WC" 10.9.0.5/24 fd09::5/64

inside() { on A cat "/sys/class/net/$WA/statistics/rx_packets"; }
spoof() { # ADDRESS OWN
	on B ping -n -q -c 5 -i 0.05 -W 1 -I "$2" "$1"
}
check "B as itself" reaches B 10.9.0.1
check "C as itself" reaches C 10.9.0.1
check "B as itself, v6" spoof fd09::1 fd09::2
check "C as itself, v6" reaches C fd09::1
before=$(inside)
check_not "B with C's address is dropped" spoof 10.9.0.1 10.9.0.5
check_not "B with C's address is dropped, v6" spoof fd09::1 fd09::5
equal "nothing came in" "$(inside)" "$before"
if adit_only "counted as source_not_allowed"; then
	check "counted as source_not_allowed" drops_at_least "$WA" source_not_allowed 10
fi

allowed() { wg show "$WA" allowed-ips | awk -v k="$1" '$1 == k { $1 = ""; print substr($0, 2) }'; }
check "the more specific address moves to B" wg set "$WA" peer "$PUBB" allowed-ips 10.9.0.0/24,fd09::/64,10.9.0.5/32
equal "C has lost it" "$(allowed "$PUBC")" "fd09::5/128"
check "B may use it now" spoof 10.9.0.1 10.9.0.5
check_not "C may not" on C ping -n -q -c 2 -i 0.1 -W 1 10.9.0.1
check "it moves back" wg set "$WA" peer "$PUBC" allowed-ips 10.9.0.5/32,fd09::5/128
check "C may again" wait_for 3 answers C 10.9.0.1
check_not "B may not" spoof 10.9.0.1 10.9.0.5
check "host bits are masked" wg set "$WA" peer "$PUBC" allowed-ips 10.9.0.5/32,10.99.3.7/16
equal "as listed" "$(allowed "$PUBC" | tr ' ' '\n' | grep 10.99)" "10.99.0.0/16"

# No peer, or one without an endpoint: the sender is told at once.
told() { # NS ADDRESS WORDS
	local start end
	start=$(now_ms)
	on A ping -n -c 1 -W 3 "$1" >"$TMP/ping" 2>&1
	end=$(now_ms)
	cat "$TMP/ping"
	grep -qiE "$2" "$TMP/ping" && [ $((end - start)) -lt 1000 ]
}
if adit_only "ICMP unreachable"; then
	check "no peer: host unreachable at once" told 10.10.0.9 "Destination Host Unreachable"
	check "no peer: address unreachable at once, v6" told fd10::9 "unreachable: Address unreachable"
	check "counted as no_peer" drops_at_least "$WA" no_peer 2
	wg set "$WA" peer "$(key lost)" allowed-ips 10.10.0.8/32,fd10::8/128
	check "no endpoint: host unreachable at once" told 10.10.0.8 "Destination Host Unreachable"
	check "no endpoint: address unreachable at once, v6" told fd10::8 "unreachable: Address unreachable"
	check "counted as no_endpoint" drops_at_least "$WA" no_endpoint 2
	refused() { # UDP sockets hear of it too
		on A timeout 3 "$PYTHON" - "$1" <<-'END'
			import socket, sys
			s = socket.socket(socket.AF_INET6 if ":" in sys.argv[1] else socket.AF_INET, socket.SOCK_DGRAM)
			s.setsockopt(*((41, 25) if ":" in sys.argv[1] else (0, 11)), 1)
			s.settimeout(2)
			s.connect((sys.argv[1], 9))
			s.send(b"x")
			try:
			    s.recv(1)
			except OSError as e:
			    sys.exit(0 if e.errno == 113 else "errno %s" % e)
		END
	}
	check "a UDP socket gets EHOSTUNREACH" refused 10.10.0.9
	check "a UDP socket gets EHOSTUNREACH, v6" refused fd10::9
	dont() { # no error about multicast
		! on A ping -n -c 1 -W 1 -I "$WA" 224.0.0.9 | grep -qi unreachable
	}
	check "multicast gets no answer" dont
fi
done_testing
