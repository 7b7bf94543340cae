#!/bin/bash
# SPDX-License-Identifier: ISC
#
# udp_clients.sh - a thousand UDP clients, a pool of a hundred ports; large answers; what becomes of idle clients
#
# Topology: inside.sh. ADIT_UDP_TIMEOUT=60 is the long form: the default time after which a client is forgotten (4).
. "$(dirname "$0")/lib.sh"
. "$(dirname "$0")/inside.sh"
lab_start
inside_start
inside_servers "$FW/www" http dns echo

# ---- a thousand clients --------------------------------------------------------------------------------
forward_up pool.log 9080 127.0.0.1:4000:10.9.0.2:4000:UDP "${ENDS[@]}" --udp-pool 100 --udp-per-client 4096 -i 127.0.0.1:9080
while read -r word rest; do
	case $word in
	ok) ok "${rest#- }" ;;
	not) not_ok "${rest#ok - }" ;;
	*) diag "${word#\#} $rest" ;;
	esac
done < <(on A timeout 120 "$PYTHON" "$LIB/udp_clients.py" 4000 9080 1000 100 2>&1; echo "# status $?")
stop "$FWPID"

# ---- idle clients -----------------------------------------------------------------------------------------
T=${ADIT_UDP_TIMEOUT:-4}
limits=(--udp-timeout "$T" --udp-unreplied 2)
[ "$T" = 60 ] && limits=() # what is so without options
forward_up idle.log 9080 127.0.0.1:4000:10.9.0.2:4000:UDP 127.0.0.1:4001:10.9.0.2:4001:UDP "${ENDS[@]}" "${limits[@]}" -i 127.0.0.1:9080
client() { # asks, waits, and asks again from the same socket: "same" or "other" port inside
	on A "$PYTHON" -c "
import socket, sys, time
s = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
s.connect(('127.0.0.1', 4000)); s.settimeout(10)
ports = set()
for wait in sys.argv[1:]:
    time.sleep(float(wait)); s.send(b'0 x'); ports.add(s.recv(99))
print('same' if len(ports) == 1 else 'other')" "$@"
}
mappings() { metric adit_forward_connections 'udp 127.0.0.1:4000'; }
equal "a client that goes on keeps its port" "$(client 0 $((T / 2)) $((T / 2)) $((T / 2)))" same
equal "its mapping is there" "$(mappings)" 1
start=$(now_ms)
none() { [ "$(mappings)" = 0 ]; }
check "after $T s without a datagram it is gone" wait_for $((T + 5)) none
[ "$T" = 60 ] && expr_true "not before" "$(now_ms) - $start > 50000"
equal "and counted" "$(metric adit_forward_udp_mappings_total 'expired')" 1
equal "who comes back later has another port" "$(client 0 $((T + 1)).5)" other
# an answer for a client that is forgotten already: nobody listens at 4001, and 2 s (30 s) are short
on A "$PYTHON" -c "
import socket
s = socket.socket(socket.AF_INET, socket.SOCK_DGRAM); s.connect(('127.0.0.1', 4001)); s.send(b'0 x')"
none_unreplied() { [ "$(metric adit_forward_connections 'udp 127.0.0.1:4001')" = 0 ]; }
[ "$T" = 60 ] && U=30 || U=2
check "who was never answered is forgotten after $U s" wait_for $((U + 5)) none_unreplied
stop "$FWPID"

# ---- SOCKS5 UDP ASSOCIATE -------------------------------------------------------------------------------------
forward_up socks.log 9080 --socks5 127.0.0.1:1080 -r 5000:127.0.0.1:5000:UDP -r 5001:127.0.0.1:5001:UDP "${ENDS[@]}" -i 127.0.0.1:9080
associate() { # HOST PORT HEX [COUNT]: the answer to a datagram by the proxy
	on A "$PYTHON" -c "
import ipaddress, socket, sys
host, port, data, count = sys.argv[1], int(sys.argv[2]), bytes.fromhex(sys.argv[3]), int(sys.argv[4])
c = socket.create_connection(('127.0.0.1', 1080), 10)
c.sendall(b'\5\1\0'); assert c.recv(2, socket.MSG_WAITALL) == b'\5\0'
c.sendall(b'\5\3\0\1' + bytes(6)); r = c.recv(10, socket.MSG_WAITALL); assert r[1] == 0, r
s = socket.socket(socket.AF_INET, socket.SOCK_DGRAM); s.settimeout(10)
try:
    a = ipaddress.ip_address(host); a = bytes([1 if a.version == 4 else 4]) + a.packed
except ValueError:
    a = b'\3' + bytes([len(host)]) + host.encode()
for i in range(count):
    s.sendto(b'\0\0\0' + a + port.to_bytes(2, 'big') + data, ('127.0.0.1', int.from_bytes(r[8:], 'big')))
    d = s.recv(65535)
d = d[10 if d[3] == 1 else 22:]
if data == b'0 a': # the echo server tells which port it saw
    print(d.split()[-1].decode())
    for other in sys.argv[5:]:
        s.sendto(b'\0\0\0\1' + ipaddress.ip_address(other).packed + port.to_bytes(2, 'big') + data, ('127.0.0.1', int.from_bytes(r[8:], 'big')))
        d = s.recv(65535)
        print(ipaddress.ip_address(d[4:8]), d.split()[-1].decode())
    sys.exit()
print(len(d), d[:2].hex(), *sorted({bytes([b]).decode() for b in d[60:] if 65 <= b <= 84}), sep='')
" "$1" "$2" "$3" "${4:-1}" "${@:5}"
}
BIG=beef01000001000000000000036269670765786d61706c650000100001
BIG=${BIG/0765786d61706c65/076578616d706c65} # big.example TXT
equal "a DNS answer of 4 kB, in fragments" "$(associate 10.9.0.2 53 $BIG)" "4289beefABCDEFGHIJKLMNOPQRST"
equal "over IPv6" "$(associate fd09::2 53 $BIG)" "4289beefABCDEFGHIJKLMNOPQRST"
equal "a hundred of them" "$(associate 10.9.0.2 53 $BIG 100)" "4289beefABCDEFGHIJKLMNOPQRST"
equal "a datagram of 4 kB to inside, and back" "$(associate 10.9.0.2 4000 "30$(printf '20%.0s' {1..4000})" | cut -c 1-8)" 40123020
equal "bytes are counted once, in" "$(metric adit_forward_bytes_total 'socks5[^}]*direction="in"')" $((102 * 4289 + 4012))
equal "and out" "$(metric adit_forward_bytes_total 'socks5[^}]*direction="out"')" $((102 * 29 + 4001))

# a fragment (its third byte is not 0) is refused, and nothing else is
on A "$PYTHON" -c "
import socket
c = socket.create_connection(('127.0.0.1', 1080), 10)
c.sendall(b'\5\1\0'); c.recv(2, socket.MSG_WAITALL)
c.sendall(b'\5\3\0\1' + bytes(6)); r = c.recv(10, socket.MSG_WAITALL)
s = socket.socket(socket.AF_INET, socket.SOCK_DGRAM); s.settimeout(10)
to = ('127.0.0.1', int.from_bytes(r[8:], 'big'))
head = b'\1' + socket.inet_aton('10.9.0.2') + (4000).to_bytes(2, 'big') + b'0 a'
s.sendto(b'\0\0\1' + head, to); s.sendto(b'\0\0\0' + head, to); s.recv(99)"
equal "a fragment of SOCKS5 is refused and counted" "$(metric adit_forward_udp_mappings_total 'socks5[^}]*event="refused"')" 1

several=$(associate 10.9.0.2 4000 302061 1 10.9.0.4 10.9.0.2)
port=${several%%$'\n'*}
equal "one port inside for all destinations, and answers by their address" "$several" "$port
10.9.0.4 $port
10.9.0.2 $port"

# ---- errors ------------------------------------------------------------------------------------------------------
ask_back() { # PORT: a client inside asks our reverse forward
	on B "$PYTHON" -c "
import socket, sys
s = socket.socket(socket.AF_INET, socket.SOCK_DGRAM); s.connect(('10.9.0.1', int(sys.argv[1]))); s.settimeout(5)
try:
    s.send(b'1'); print(s.recv(99).decode())
except OSError as e:
    print(type(e).__name__)" "$1"
}
udp_answerer 5000
equal "reverse: a datagram and its answer" "$(ask_back 5000)" "from here"
equal "reverse: a closed port here is port unreachable inside" "$(ask_back 5001)" ConnectionRefusedError
stop "$FWPID"
done_testing
