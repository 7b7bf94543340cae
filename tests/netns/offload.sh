#!/bin/bash
# SPDX-License-Identifier: ISC
#
# offload.sh - every offload and cipher switched off in turn: the same data, in the same order
#
#   A  a0 198.51.100.1  ------ veth ------  198.51.100.2 b0  B
#      wA 10.9.0.1 fd09::1   tunnel         wB 10.9.0.2 fd09::2
. "$(dirname "$0")/lib.sh"
lab_start
[ -n "$ADIT_STANDIN" ] && skip_all "the program under test is a stand-in"
topology_direct

try() { # "what" VAR=VALUE
	pair adit adit "$2" || { not_ok "$1: starts"; return; }
	check "$1: out, v4" transfer A B 10.9.0.2 8
	check "$1: in, v4" transfer B A 10.9.0.1 8
	check "$1: out, v6" transfer A B fd09::2 8
	check "$1: in, v6" transfer B A fd09::1 8
	check "$1: UDP out" iperf_udp A B 10.9.0.2 -b 400M -l 1340 -n 10M
	equal "$1: UDP out of order" "$(jq '[.end.streams[].udp.out_of_order // 0] | add' "$TMP/iperf.json")" 0
	check "$1: UDP in" iperf_udp A B fd09::2 -b 400M -l 1340 -n 10M -R
	equal "$1: UDP in, out of order" "$(jq '[.end.streams[].udp.out_of_order // 0] | add' "$TMP/iperf.json")" 0
	expr_true "$1: UDP arrived, Mbit/s" "$(mbits) >= $(at_least 10)"
	check "$1: a datagram in fragments inside" on A ping -n -q -c 2 -i 0.1 -W 1 -s 6000 10.9.0.2
}
for o in tso uso gso gro csum; do
	try "without $o" "ADIT_OFFLOAD=-$o"
	check_not "without $o: not in use" grep -qw "$o" <<<"$(lab get "$WA" adit_offloads_used)"
	unpair
done
try "without any" ADIT_OFFLOAD=none
diag "in use: $(lab get "$WA" adit_offloads_used)"
unpair
try "with OpenSSL's cipher" ADIT_AEAD=openssl
equal "with OpenSSL's cipher: in use" "$(lab get "$WA" adit_aead)" openssl
unpair
try "strict checksums" ADIT_STRICT_CHECKSUM=1
# a UDP datagram with a wrong checksum, made by hand
on A "$PYTHON" - <<'END'
import socket, struct
s = socket.socket(socket.AF_INET, socket.SOCK_RAW, socket.IPPROTO_RAW)
data = struct.pack(">HHHH", 9, 9, 12, 0x1234) + b"abcd"
head = struct.pack(">BBHHHBBH4s4s", 0x45, 0, 20 + len(data), 0, 0, 64, 17, 0,
                   socket.inet_aton("10.9.0.1"), socket.inet_aton("10.9.0.2"))
for _ in range(3):
    s.sendto(head + data, ("10.9.0.2", 0))
END
check "strict checksums: a wrong one is dropped with the reason" wait_for 2 drops_equal "$WA" bad_checksum 3
unpair

# Descriptors from outside instead of our own: a TUN and a listening socket.
PUBA=$(key a) PUBB=$(key b) WA=${W}a WB=${W}b
mkdir -p /var/run/wireguard
cat >"$TMP/given.py" <<'END'
import fcntl, os, socket, struct, sys
name, adit = sys.argv[1:]
tun = os.open("/dev/net/tun", os.O_RDWR)
fcntl.ioctl(tun, 0x400454ca, struct.pack("16sH22x", name.encode(), 0x0001 | 0x1000 | 0x4000))  # TUN, no header, vnet_hdr
s = socket.socket(socket.AF_UNIX)
os.umask(0o077)
s.bind("/var/run/wireguard/%s.sock" % name)
s.listen(5)
os.set_inheritable(tun, True)
os.set_inheritable(s.fileno(), True)
os.environ.update(WG_TUN_FD=str(tun), WG_UAPI_FD=str(s.fileno()))
os.execv(adit, [adit, "device", "-f", name])
END
run_bg A "$TMP/given" "$PYTHON" "$TMP/given.py" "$WA" "$ADIT"
given=$BGPID
if wait_for 5 sock_ready "$WA" && device_up B "$WB" adit; then
	wg set "$WA" private-key "$TMP/a.key" listen-port 51821 peer "$PUBB" endpoint $B4:51822 allowed-ips 10.9.0.2/32
	wg set "$WB" private-key "$TMP/b.key" listen-port 51822 peer "$PUBA" allowed-ips 10.9.0.1/32
	inner A "$WA" 10.9.0.1/24
	inner B "$WB" 10.9.0.2/24
	check "given descriptors: the tunnel works" reaches A 10.9.0.2
	check "given descriptors: a transfer" transfer A B 10.9.0.2 8
else
	not_ok "given descriptors: starts"
	indent "$TMP/given"
fi
stop "$given"
done_testing
