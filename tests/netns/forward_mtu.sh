#!/bin/bash
# SPDX-License-Identifier: ISC
#
# forward_mtu.sh - how large segments are: what is offered, a path that narrows inside or outside the tunnel with
# and without ICMP, and reports that are not believed
#
#   topology: forward_lab.sh; inside, behind B:
#   wB 10.9.0.2 fd09::2  B  bc -- c0  C 10.20.0.2 fd20::2: takes bytes, answers with their digest
#   ADIT_MB  megabytes of a transfer (20; the long form is 100)
. "$(dirname "$0")/lib.sh"
. "$(dirname "$0")/forward_lab.sh"
forward_lab_start tcpdump nft
MB=${ADIT_MB:-20}
space C
link B bc C c0
addr B bc 10.20.0.1/24 fd20::1/64
addr C c0 10.20.0.2/24 fd20::2/64
ip -n "$P-C" route add default via 10.20.0.1
ip -n "$P-C" route add default via fd20::1
on B sysctl -qw net.ipv4.ip_forward=1 net.ipv6.conf.all.forwarding=1
far_up ADIT_OFFLOAD=-tso,-uso,-gro # one segment is one packet of the TUN

# DIGEST PORT: bytes come in, their digest goes out. BLOB PORT: bytes go out
cat >"$TMP/digest.py" <<'END'
import hashlib, socket, threading
def serve(c):
    h = hashlib.sha256()
    while d := c.recv(1 << 18):
        h.update(d)
    c.sendall(h.hexdigest().encode())
    c.close()
s = socket.create_server(("::", 9), family=socket.AF_INET6, dualstack_ipv6=True)
while True:
    threading.Thread(target=serve, args=(s.accept()[0],), daemon=True).start()
END
# sends the first half, says so, waits for a line, sends the rest, compares the digest
cat >"$TMP/send.py" <<'END'
import hashlib, os, socket, sys
half = os.urandom(1 << 20) * (int(sys.argv[2]) // 2)
s = socket.create_connection(("127.0.0.1", int(sys.argv[1])), 30)
s.settimeout(90)
s.sendall(half)
print("half", flush=True)
sys.stdin.readline()
s.sendall(half)
s.shutdown(socket.SHUT_WR)
got = b""
while d := s.recv(100):
    got += d
print("equal" if got.decode() == hashlib.sha256(half + half).hexdigest() else "not equal", flush=True)
END
run_bg C "$TMP/digest.log" "$PYTHON" "$TMP/digest.py"
run_bg A "$TMP/digest-a.log" "$PYTHON" "$TMP/digest.py"
wait_for 5 listening C 9
wait_for 5 listening A 9
begin() { # LOG
	forward "$1" 7004:10.20.0.2:9 "7006:[fd20::2]:9" 7014:10.9.0.2:9 -r 9:127.0.0.1:9 "${FORWARD_ENDS[@]}" --log warn
	wait_for 5 listening A 7004
}
# transfer_while PORT NS CMD...: CMD is run half-way
transfer_while() {
	local port=$1 answer from to
	shift
	coproc SEND { ip netns exec "$P-A" timeout 120 "$PYTHON" "$TMP/send.py" "$port" "$MB" 2>"$TMP/send.err"; }
	local pid=$SEND_PID
	exec {from}<&"${SEND[0]}" {to}>&"${SEND[1]}" # bash closes its own when it ends
	read -r -t 60 -u "$from" answer || return 1
	"$@"
	echo go >&"$to"
	read -r -t 100 -u "$from" answer || answer="nothing in 100 s"
	wait "$pid" 2>/dev/null
	exec {from}<&- {to}>&-
	[ "$answer" = equal ] || { echo "$answer"; cat "$TMP/send.err"; return 1; }
}

# ---- what is offered ----
run_bg B "$TMP/syn.txt" tcpdump -n -l -i "$WB" '(tcp[tcpflags] & tcp-syn != 0) or (ip6[6] = 6 and ip6[53] & 2 != 0)'
SYN=$BGPID
wait_for 5 grep -q listening "$TMP/syn.txt"
begin offer.log
transfer_while 7004 true >/dev/null
transfer_while 7006 true >/dev/null
on B timeout 10 nc -zw 5 10.9.0.1 9
on B timeout 10 nc -zw 5 fd09::1 9
sleep 0.3
stop "$SYN" INT
offered() { sed -n "s/.* IP6\\? $1.*Flags \[$2E\\?W\\?\].*mss \([0-9]*\).*/\1/p" "$TMP/syn.txt" | sort -u | xargs; }
equal "the MSS in our SYN over IPv4" "$(offered 10.9.0.1 S)" 1380
equal "  over IPv6" "$(offered fd09::1 S)" 1360
equal "the MSS in our SYN, ACK over IPv4" "$(offered 10.9.0.1 'S\.')" 1380
equal "  over IPv6" "$(offered fd09::1 'S\.')" 1360

# ---- inside, a path that narrows half-way ----
told() { on B nft list table inet count | awk '/packets/ { for (i = 1; i < NF; i++) if ($i == "packets") n += $(i + 1) } END { print n }'; }
on B nft -f - <<'END'
table inet count {
	chain output {
		type filter hook output priority 0;
		icmp type destination-unreachable icmp code frag-needed counter
		icmpv6 type packet-too-big counter
	}
}
END
narrow_inside() { ip -n "$P-B" link set bc mtu 1280; }
for v in 4 6; do
	before=$(told)
	check "MTU 1280 half-way, IPv$v: $MB MB arrive" transfer_while 700$v narrow_inside
	expr_true "  ICMP said so" "$(told) > $before"
	ip -n "$P-B" link set bc mtu 1500
done
stop "$FWPID"
hole_inside() {
	on B nft -f - <<-'END'
		table inet hole {
			chain forward { type filter hook forward priority 0; meta length > 1300 drop; }
			chain output {
				type filter hook output priority 0;
				icmp type destination-unreachable drop
				icmpv6 type packet-too-big drop
			}
		}
	END
}
for v in 4 6; do
	begin hole$v.log
	check "above 1300 dropped half-way, no ICMP, IPv$v: $MB MB arrive" transfer_while 700$v hole_inside
	stop "$FWPID"
	on B nft delete table inet hole
done

# ---- outside: the router's link, then a router that says nothing ----
narrow_outside() {
	ip -n "$P-R" link set rb mtu 1280
	ip -n "$P-B" link set b0 mtu 1280
}
begin outside.log
check "outside, MTU 1280 half-way: $MB MB arrive" transfer_while 7004 narrow_outside
ip -n "$P-R" link set rb mtu 1500
ip -n "$P-B" link set b0 mtu 1500
stop "$FWPID"
hole_outside() {
	on R nft -f - <<-'END'
		table inet hole {
			chain forward { type filter hook forward priority 0; meta length > 1300 drop; }
			chain output { type filter hook output priority 0; icmp type destination-unreachable drop; }
		}
	END
}
ip -n "$P-A" link set a0 gso_max_segs 1 # so that R sees single datagrams
begin hole-outside.log
check "outside, above 1300 dropped half-way, no ICMP: $MB MB arrive" transfer_while 7004 hole_outside
on R nft delete table inet hole
stop "$FWPID"

# ---- reports that are not believed ----
# forge.py IFACE MTU WHERE: answers large segments, or what is so many bytes behind them, with "too big"; then prints
# the largest packet of later ones
cat >"$TMP/forge.py" <<'END'
import socket, struct, sys, time
iface, mtu, off = sys.argv[1], int(sys.argv[2]), int(sys.argv[3])
def sight():
    s = socket.socket(socket.AF_PACKET, socket.SOCK_DGRAM, socket.htons(3))
    s.bind((iface, 3))
    s.settimeout(10)
    return s
def summed(b):
    s = sum(struct.unpack("!%dH" % (len(b) // 2), b))
    while s >> 16:
        s = (s & 0xffff) + (s >> 16)
    return ~s & 0xffff
def large(see):
    while True:
        p, where = see.recvfrom(70000)
        if where[2] != socket.PACKET_OUTGOING and p[0] >> 4 == 4 and p[12:16] == socket.inet_aton("10.9.0.1") and len(p) > 200:
            return p
see, tell = sight(), socket.socket(socket.AF_INET, socket.SOCK_RAW, socket.IPPROTO_ICMP)
for i in range(100):
    p = bytearray(large(see)[:28])
    struct.pack_into("!I", p, 24, struct.unpack_from("!I", p, 24)[0] + off & 0xffffffff)
    m = struct.pack("!BBHHH", 3, 4, 0, 0, mtu) + p
    tell.sendto(m[:2] + struct.pack("!H", summed(m)) + m[4:], ("10.9.0.1", 0))
time.sleep(0.5)  # what is on its way
see, end, most = sight(), time.monotonic() + 1, 0
while time.monotonic() < end:
    most = max(most, len(large(see)))
print(most)
END
# a sender that does not stop until it is told to
cat >"$TMP/steady.py" <<'END'
import socket, time
s = socket.create_connection(("127.0.0.1", 7014), 10)
while True:
    s.sendall(bytes(100000))
    time.sleep(0.01)
END
run_bg B "$TMP/digest-b.log" "$PYTHON" "$TMP/digest.py"
wait_for 5 listening B 9
begin forged.log
run_bg A "$TMP/steady.log" "$PYTHON" "$TMP/steady.py"
forged() { on B timeout 30 "$PYTHON" "$TMP/forge.py" "$WB" "$@" 2>&1; }
equal "too big, 68 bytes: below the floor, not believed" "$(forged 68 10000)" 1420
equal "too big for a segment that is not in flight: not believed" "$(forged 1200 1000000000)" 1420
believed() { # what is still in flight when the report comes is a matter of luck
	for ((i = 0; i < 20; i++)); do
		[ "$(forged 1200 $((i % 4 * 10000)))" = 1200 ] && return
	done
	return 1
}
check "too big, 1200 bytes, of what is in flight: believed" believed
stop "$FWPID"
done_testing
