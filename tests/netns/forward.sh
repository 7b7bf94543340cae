#!/bin/bash
# SPDX-License-Identifier: ISC
#
# forward.sh - adit forward as nobody, without any capability and without a TUN, against adit device
#
#   A  a0 198.51.100.1  ------ veth ------  198.51.100.2 b0  B
#      adit forward (10.9.0.3 fd09::3)      wB 10.9.0.2 fd09::2: a web server, a DNS server, echo
. "$(dirname "$0")/lib.sh"
lab_start
need curl python3 setpriv nc
topology_direct
FW=$TMP/fw
mkdir -p "$FW/www" && cp "$ADIT" "$FW/adit" && chmod 711 "$TMP" && chown -R nobody "$FW"

# ---- the far end ----
key a >/dev/null
key b >/dev/null
cp "$TMP/a.key" "$FW/a.key" && chown nobody "$FW/a.key" && chmod 600 "$FW/a.key"
device_up B "${W}b" adit || { not_ok "the far end starts"; done_testing; }
wg set "${W}b" private-key "$TMP/b.key" listen-port 51822 peer "$(key a)" allowed-ips 10.9.0.3/32,fd09::3/128
inner B "${W}b" 10.9.0.2/24 fd09::2/64
head -c 20M /dev/urandom >"$FW/www/big"
echo hello >"$FW/www/small"
SUM=$(sha256sum <"$FW/www/big")
run_bg B "$TMP/http.log" python3 -m http.server -d "$FW/www" -b :: 80
cat >"$TMP/servers.py" <<'EOF'
"""DNS for inner.example, and on port 7 a TCP server that answers only after the end of file."""
import socket, struct, threading

def dns():
    s = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
    s.bind(("0.0.0.0", 53))
    while True:
        d, a = s.recvfrom(2000)
        i = d.index(b"\0", 12)
        known = b"\5inner\7example" == d[12:i].lower()
        v4 = d[i + 1:i + 3] == b"\0\1"
        r = d[:2] + struct.pack(">HHHHH", 0x8580 if known else 0x8583, 1, 1 if known and v4 else 0, 0, 0) + d[12:i + 5]
        if known and v4:
            r += b"\xc0\x0c\0\1\0\1\0\0\0\x3c\0\4" + socket.inet_aton("10.9.0.2")
        s.sendto(r, a)

def late(c):
    n = 0
    while True:
        d = c.recv(65536)
        if not d:
            break
        n += len(d)
    c.sendall(b"%d bytes\n" % n)
    c.close()

threading.Thread(target=dns, daemon=True).start()
s = socket.create_server(("0.0.0.0", 7))
while True:
    threading.Thread(target=late, args=(s.accept()[0],), daemon=True).start()
EOF
run_bg B "$TMP/servers.log" python3 "$TMP/servers.py"
wait_for 5 listening B 80
wait_for 5 listening B 7

# forward LOG ARG...: as nobody in A; sets FWPID
forward() {
	local log=$1
	shift
	: >"$TMP/$log"
	ip netns exec "$P-A" setpriv --reuid=65534 --regid=65534 --clear-groups --inh-caps=-all --bounding-set=-all \
		env MYKEY="$(cat "$TMP/a.key")" "$FW/adit" forward "$@" >"$TMP/$log" 2>&1 </dev/null &
	FWPID=$!
	PIDS+=("$FWPID")
}
fetch() { on A curl -sS -m 20 "$@"; }
sum() { fetch "$@" | sha256sum; }
ENDS=(--endpoint-addr "$B4:51822" --source-peer-ip "10.9.0.3,fd09::3" --endpoint-public-key "$(key b)")

# ---- onetun's command line ----
forward onetun.log 127.0.0.1:8080:10.9.0.2:80 '[::1]:8081:[fd09::2]:80' 127.0.0.1:5353:10.9.0.2:53:TCP,UDP \
	7007:10.9.0.2:7 8099:10.9.0.2:99 -r 9000:127.0.0.1:9001 "${ENDS[@]}" --private-key "$(cat "$TMP/a.key")" \
	--control "$FW/control" -i 127.0.0.1:9080 --pcap "$FW/x.pcapng" --log debug
wait_for 5 listening A 9080
wait_for 5 test -S "$FW/control"
equal "a page over IPv4" "$(fetch http://127.0.0.1:8080/small)" hello
equal "and over IPv6" "$(fetch 'http://[::1]:8081/small')" hello
equal "20 MB arrive as they were" "$(sum http://127.0.0.1:8080/big)" "$SUM"
check_not "no key is in the list of processes" grep -q "$(cat "$TMP/a.key")" "/proc/$FWPID/cmdline"
equal "it has no capability" "$(awk '/^Cap(Prm|Eff|Bnd)/ { print $2 }' "/proc/$FWPID/status" | sort -u)" 0000000000000000
check_not "it has no TUN" bash -c "ls -l /proc/$FWPID/fd | grep -q net/tun"
equal "an answer after the end of file" "$(head -c 100000 /dev/zero | on A timeout 10 nc -N 127.0.0.1 7007)" "100000 bytes"
refused() {
	on A python3 - <<'EOF'
import socket
try: # the reset may come while connect() still waits to run
    s = socket.create_connection(("127.0.0.1", 8099), 10)
    print("data" if s.recv(1) else "end of file")
except ConnectionResetError:
    print("reset")
EOF
}
equal "a closed port inside resets the client, with no byte" "$(refused)" reset
dns_answer() {
	on A python3 - <<'EOF'
import socket
s = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
s.settimeout(5)
s.sendto(b"\0\1\1\0\0\1\0\0\0\0\0\0\5inner\7example\0\0\1\0\1", ("127.0.0.1", 5353))
print(socket.inet_ntoa(s.recv(512)[-4:]))
EOF
}
equal "a datagram and its answer" "$(dns_answer)" 10.9.0.2
ip netns exec "$P-A" nc -l -N 127.0.0.1 9001 <<<"from here" >"$TMP/reverse.in" &
PIDS+=($!)
wait_for 5 listening A 9001
equal "a reverse forward" "$(echo "from there" | on B timeout 10 nc -N 10.9.0.3 9000)" "from here"
equal "  both ways" "$(cat "$TMP/reverse.in")" "from there"
check "ping is answered" reaches B 10.9.0.3
check "over IPv6 too" reaches B fd09::3
check_not "a closed port of ours refuses" on B timeout 5 nc -z 10.9.0.3 9999
equal "healthz" "$(fetch http://127.0.0.1:9080/healthz)" ok
fetch http://127.0.0.1:9080/metrics >"$TMP/metrics"
check "metrics have the peer" grep -q "^wireguard_received_bytes_total{.*public_key=\"$(key b)\"" "$TMP/metrics"
equal "status tells the same connections" \
	"$("$ADIT" forward status --json --control "$FW/control" | jq '.services[0].opened')" \
	"$(sed -n 's/^adit_forward_connections_total{service="tcp 127.0.0.1:8080.*result="opened"} //p' "$TMP/metrics")"
equal "its socket is ours alone" "$(stat -c %a "$FW/control")" 600
stop "$FWPID"
check_not "the socket is gone at the end" test -e "$FW/control"
check "the capture can be read" bash -c "tcpdump -nr '$FW/x.pcapng' 2>/dev/null | grep -q '10.9.0.2.80 > 10.9.0.3'"

# ---- wireproxy's file ----
write_file() {
	cat >"$FW/w.conf" <<EOF
[Interface]
Address = 10.9.0.3/32, fd09::3/128
PrivateKey = \$MYKEY
DNS = 10.9.0.2
CheckAlive = 10.9.0.2
CheckAliveInterval = 1
[Peer]
PublicKey = $(key b)
Endpoint = $B4:51822
[TCPClientTunnel]
BindAddress = 127.0.0.1:$1
Target = inner.example:80
[TCPClientTunnel]
BindAddress = unix:$FW/web
Target = 10.9.0.2:80
[TCPServerTunnel]
ListenPort = 3422
Target = localhost:9001
[Socks5]
BindAddress = 127.0.0.1:1080
Username = user
Password = pass
[http]
BindAddress = 127.0.0.1:3128
Username = user
Password = pass
[SNI]
BindAddress = 127.0.0.1:4443
[Resolve]
ResolveStrategy = auto
EOF
	chown nobody "$FW/w.conf" && chmod 600 "$FW/w.conf"
}
write_file 8080
equal "a file is checked" "$(ip netns exec "$P-A" env MYKEY="$(cat "$TMP/a.key")" "$ADIT" forward -n -c "$FW/w.conf")" "Config OK"
forward wireproxy.log -c "$FW/w.conf" -i localhost:9080 --control "$FW/control"
wait_for 5 test -S "$FW/control"
equal "a name that only the tunnel's DNS knows" "$(fetch http://127.0.0.1:8080/small)" hello
equal "SOCKS5" "$(fetch --socks5-hostname user:pass@127.0.0.1:1080 http://inner.example/small)" hello
check_not "  with a wrong password" fetch --socks5-hostname user:no@127.0.0.1:1080 http://inner.example/small
equal "an HTTP proxy" "$(fetch -x http://user:pass@127.0.0.1:3128 http://inner.example/small)" hello
equal "  by CONNECT" "$(fetch -p -x http://user:pass@127.0.0.1:3128 http://inner.example/small)" hello
equal "  with a wrong password" "$(fetch -o /dev/null -w '%{http_code}' -x http://user:no@127.0.0.1:3128 http://inner.example/)" 407
equal "a Unix socket" "$(fetch --unix-socket "$FW/web" http://x/small)" hello
ready_status() { fetch -o /dev/null -w '%{http_code}' http://127.0.0.1:9080/readyz >"$TMP/ready" && grep -qx "$1" "$TMP/ready"; }
check "readyz while the address answers" wait_for 5 ready_status 200

# ---- reload ----
on A curl -sS -m 30 --limit-rate 8M http://127.0.0.1:8080/big -o "$TMP/slow" &
SLOW=$!
wait_for 5 test -s "$TMP/slow"
write_file 8082
kill -HUP "$FWPID"
check "a new forward listens after SIGHUP" wait_for 5 listening A 8082
check_not "the old one does not" listening A 8080
equal "a forward that stayed works" "$(fetch --socks5-hostname user:pass@127.0.0.1:1080 http://10.9.0.2/small)" hello
wait $SLOW
equal "the connection of the old one went on" "$(sha256sum <"$TMP/slow")" "$SUM"
sed -i 's/^DNS = .*/DNS = 10.9.0.4\nMTU = 1300/' "$FW/w.conf"
kill -HUP "$FWPID"
check "what takes a restart is named" wait_for 5 grep -q "MTU: the change takes a restart" "$TMP/wireproxy.log"
check "  each of it" grep -q "DNS: the change takes a restart" "$TMP/wireproxy.log"
echo "Nonsense" >>"$FW/w.conf"
kill -HUP "$FWPID"
check "a wrong file is refused, with its place" wait_for 5 grep -q "w.conf:[0-9]*:1: neither a section" "$TMP/wireproxy.log"
equal "and nothing changed" "$(fetch http://127.0.0.1:8082/small)" hello
ip -n "$P-B" link set "${W}b" down
check "readyz when the address is silent" wait_for 10 ready_status 503
ip -n "$P-B" link set "${W}b" up
stop "$FWPID"

# ---- standard input and output, and what cannot be ----
# short ARG...: one that ends by itself, as nobody
short() {
	ip netns exec "$P-A" setpriv --reuid=65534 --regid=65534 --clear-groups --bounding-set=-all \
		timeout 30 "$FW/adit" forward "$@" --private-key-file "$FW/a.key" "${ENDS[@]}"
}
equal "standard input and output" "$(printf 'abc' | short -s --stdio 10.9.0.2:7)" "3 bytes"
short -s --stdio 10.9.0.2:99 </dev/null >"$TMP/stdio.log" 2>&1
equal "  refused: status 1" $? 1
ip netns exec "$P-A" sysctl -qw net.ipv4.ip_unprivileged_port_start=1024
short 80:10.9.0.2:80 >"$TMP/low.log" 2>&1
equal "a low port: status 4" $? 4
check "  and a sentence" grep -q "127.0.0.1:80 " "$TMP/low.log"
done_testing
