#!/bin/bash
# SPDX-License-Identifier: ISC
#
# rootless.sh - adit forward as nobody, with no capability and no TUN: onetun's command line, wireproxy's file
#
#   A (nobody)  a0 198.51.100.1 -- ra R rb -- 203.0.113.2 b0  B  adit device
#     adit forward: 10.9.0.1 fd09::1   tunnel      wB 10.9.0.2 fd09::2; python3 http.server, nc
. "$(dirname "$0")/lib.sh"
lab_start
need setpriv curl nc python3 sha256sum
[ -z "$ADIT_STANDIN" ] || skip_all "adit forward is adit's own"

bin_for_nobody
chown nobody "$BIN"

topology_router
far_end
install -o nobody -m 600 "$TMP/a.key" "$BIN/a.key"

nobody() { ip netns exec "$P-A" setpriv --reuid 65534 --regid 65534 --clear-groups "$@"; }
# as_nobody LOG CMD...: in the background; its pid is in $PID
as_nobody() {
	run_bg A "$1" setpriv --reuid 65534 --regid 65534 --clear-groups "${@:2}"
	PID=$!
}
here() { listening A "$1"; }
code() { curl -s -o /dev/null -m 10 -w '%{http_code}' "$@"; }

mkdir "$TMP/www"
head -c "${ADIT_MB:-50}M" /dev/urandom >"$TMP/www/blob"
echo hello >"$TMP/www/index.html"
sum=$(sha256sum <"$TMP/www/blob")
run_bg B "$TMP/http.log" "$PYTHON" -m http.server --bind :: -d "$TMP/www" 80
wait_for 5 listening B 80

# ---- onetun's command line -------------------------------------------------------------------
as_nobody "$TMP/onetun.log" env ONETUN_ENDPOINT_PUBLIC_KEY="$(key b)" "$BIN/adit" forward 127.0.0.1:8080:10.9.0.2:80 \
	"[::1]:8081:[fd09::2]:80" 127.0.0.1:8082:10.9.0.2:82:TCP,UDP 127.0.0.1:8083:10.9.0.2:1 127.0.0.1:8084:10.9.0.9:80 \
	--endpoint-addr "$B4:51822" --private-key-file "$BIN/a.key" --source-peer-ip 10.9.0.1,fd09::1 --keep-alive 1 \
	--max-transmission-unit 1420 --log info -r 8090:127.0.0.1:8091 --control "$BIN/none.sock"
onetun=$PID
check "it listens" wait_for 5 here 8080
equal "a page over IPv4" "$(on A curl -sS -m 10 http://127.0.0.1:8080/ 2>&1)" hello
equal "a page over IPv6" "$(on A curl -sS -m 10 'http://[::1]:8081/' 2>&1)" hello
equal "${ADIT_MB:-50} MB down, over IPv4" "$(on A curl -sS -m 60 http://127.0.0.1:8080/blob | sha256sum)" "$sum"
equal "${ADIT_MB:-50} MB down, over IPv6" "$(on A curl -sS -m 60 'http://[::1]:8081/blob' | sha256sum)" "$sum"
run_bg B "$TMP/up.sum" sh -c 'nc -l -N 10.9.0.2 82 | sha256sum'
wait_for 5 listening B 82
on A timeout 60 nc -N 127.0.0.1 8082 <"$TMP/www/blob"
check "${ADIT_MB:-50} MB up, then end of file" wait_for 5 grep -q "${sum%% *}" "$TMP/up.sum"
on B "$PYTHON" -c "
import socket
s = socket.socket(socket.AF_INET, socket.SOCK_DGRAM); s.bind(('10.9.0.2', 82)); s.settimeout(8)
d, a = s.recvfrom(2000); s.sendto(d[::-1], a)" &
sleep 0.5
equal "a datagram and its answer" "$(on A "$PYTHON" -c "
import socket
s = socket.socket(socket.AF_INET, socket.SOCK_DGRAM); s.settimeout(5)
s.sendto(b'olleh', ('127.0.0.1', 8082)); print(s.recv(2000).decode())")" hello
# an answer that begins only after end of file, and the other way round
run_bg B "$TMP/half.log" "$PYTHON" -c "
import socket
l = socket.create_server(('10.9.0.2', 83)); c, _ = l.accept(); n = 0
while True:
    d = c.recv(65536)
    if not d: break
    n += len(d)
c.sendall(b'%d' % n); c.close()"
wait_for 5 listening B 83
stop "$onetun"
as_nobody "$TMP/onetun2.log" "$BIN/adit" forward 8080:10.9.0.2:80 8083:10.9.0.2:83 8085:10.9.0.2:1 8086:10.9.0.9:80 \
	--endpoint-addr "$B4:51822" --endpoint-public-key "$(key b)" --private-key "$(cat "$TMP/a.key")" \
	--source-peer-ip 10.9.0.1 --keep-alive 1 -r 8090:127.0.0.1:8091 --control "$BIN/ctl.sock"
second=$PID
wait_for 5 here 8083
check_not "no key on the command line that ps shows" grep -qF "$(cat "$TMP/a.key")" "/proc/$second/cmdline"
equal "half-close: the whole answer after end of file" "$(head -c 3000000 /dev/zero | on A timeout 20 nc -N 127.0.0.1 8083)" 3000000
equal "closed port: reset, not one byte" "$(on A "$PYTHON" -c "
import socket
try: # the reset may come before connect returns
	s = socket.create_connection(('127.0.0.1', 8085), 5); s.settimeout(8)
	print(len(s.recv(10)))
except ConnectionResetError: print('reset')")" reset
run_bg A "$TMP/local.log" "$PYTHON" -m http.server --bind 127.0.0.1 -d "$TMP/www" 8091
wait_for 5 here 8091
equal "reverse: a page from inside" "$(on B curl -sS -m 10 http://10.9.0.1:8090/ 2>&1)" hello
equal "reverse: ${ADIT_MB:-50} MB from inside" "$(on B curl -sS -m 60 http://10.9.0.1:8090/blob | sha256sum)" "$sum"
check "ping from inside" on B ping -c 2 -i 0.2 -W 2 10.9.0.1
check "ping of 4000 bytes from inside" on B ping -c 2 -i 0.2 -W 2 -s 4000 10.9.0.1
equal "a port that is closed inside: refused at once" "$(on B "$PYTHON" -c "
import socket
try: socket.create_connection(('10.9.0.1', 99), 5)
except OSError as e: print(type(e).__name__)")" ConnectionRefusedError
check "status says what runs" nobody "$BIN/adit" forward status --control "$BIN/ctl.sock"
status=$(nobody "$BIN/adit" forward status --json --control "$BIN/ctl.sock")
check "status in JSON" jq -e . <<<"$status"
equal "no capability" "$(awk '/^CapEff/ { print $2 }' "/proc/$second/status")" 0000000000000000
equal "no new privileges" "$(awk '/^NoNewPrivs/ { print $2 }' "/proc/$second/status")" 1
equal "no TUN is open" "$(find "/proc/$second/fd" -lname '*net/tun' | wc -l)" 0
stop "$second"

# ---- wireproxy's file ---------------------------------------------------------------------------
cat >"$BIN/wp.conf" <<END
[Interface]
Address = 10.9.0.1/32, fd09::1/128
PrivateKey = \$ADIT_TEST_KEY
MTU = 1420
CheckAlive = 10.9.0.2
CheckAliveInterval = 1

[Peer]
PublicKey = $(key b)
Endpoint = $B4:51822
PersistentKeepalive = 1

[TCPClientTunnel]
BindAddress = 127.0.0.1:25565
Target = 10.9.0.2:80

[TCPServerTunnel]
ListenPort = 3422
Target = 127.0.0.1:8091

[Socks5]
BindAddress = 127.0.0.1:25344
Username = user
Password = pass

[http]
BindAddress = 127.0.0.1:25345
Username = user
Password = pass

[UDPProxyTunnel]
BindAddress = 127.0.0.1:25353
Target = 10.9.0.2:53
InactivityTimeout = 60
END
chown nobody "$BIN/wp.conf" && chmod 600 "$BIN/wp.conf"
check "its file is found right" nobody env ADIT_TEST_KEY="$(cat "$TMP/a.key")" "$BIN/adit" forward -n -c "$BIN/wp.conf"
as_nobody "$TMP/wireproxy.log" env ADIT_TEST_KEY="$(cat "$TMP/a.key")" "$BIN/adit" forward -c "$BIN/wp.conf" \
	-i 127.0.0.1:9080 --control "$BIN/wp.sock"
third=$PID
check "it listens with a file" wait_for 5 here 25344
check "a handshake" wait_for 5 has_handshake "$WB" "$(key a)"
equal "SOCKS5" "$(on A curl -sS -m 10 --socks5-hostname user:pass@127.0.0.1:25344 http://10.9.0.2/ 2>&1)" hello
equal "SOCKS5 to IPv6" "$(on A curl -sS -m 10 --socks5-hostname user:pass@127.0.0.1:25344 'http://[fd09::2]/' 2>&1)" hello
check_not "SOCKS5 with a wrong password" on A curl -sS -m 10 --socks5-hostname user:no@127.0.0.1:25344 http://10.9.0.2/
equal "SOCKS5: a closed port is reply 5" "$(on A curl -sS -m 10 --socks5-hostname user:pass@127.0.0.1:25344 http://10.9.0.2:1/ 2>&1 | grep -c '(5)')" 1
equal "HTTP, absolute URI" "$(on A curl -sS -m 10 -x http://user:pass@127.0.0.1:25345 http://10.9.0.2/ 2>&1)" hello
equal "HTTP CONNECT" "$(on A curl -sS -m 10 -p -x http://user:pass@127.0.0.1:25345 http://10.9.0.2/ 2>&1)" hello
equal "HTTP without a password" "$(on A bash -c "$(declare -f code); code -x http://127.0.0.1:25345 http://10.9.0.2/")" 407
equal "HTTP: a closed port is 502" "$(on A bash -c "$(declare -f code); code -x http://user:pass@127.0.0.1:25345 http://10.9.0.2:1/")" 502
equal "${ADIT_MB:-50} MB by SOCKS5" "$(on A curl -sS -m 60 --socks5-hostname user:pass@127.0.0.1:25344 http://10.9.0.2/blob | sha256sum)" "$sum"
equal "a reverse tunnel of the file" "$(on B curl -sS -m 10 http://10.9.0.1:3422/ 2>&1)" hello
check "metrics" on A sh -c 'curl -sS -m 5 http://127.0.0.1:9080/metrics | grep -q ^wireguard_'
ready() { [ "$(on A curl -s -o /dev/null -m 5 -w '%{http_code}' http://127.0.0.1:9080/readyz)" = 200 ]; }
check "ready once the ping is answered" wait_for 8 ready
echo "[TCPClientTunnel]
BindAddress = 127.0.0.1:25566
Target = 10.9.0.2:80" >>"$BIN/wp.conf"
kill -HUP "$third"
check "a forward that a reload brings" wait_for 5 here 25566
equal "... works" "$(on A curl -sS -m 10 http://127.0.0.1:25566/ 2>&1)" hello
stop "$third"

# ---- standard input and output --------------------------------------------------------------------
equal "one connection for standard input and output" "$(printf 'GET / HTTP/1.0\r\n\r\n' | nobody timeout 20 env \
	ADIT_TEST_KEY="$(cat "$TMP/a.key")" "$BIN/adit" forward -s --stdio 10.9.0.2:80 --endpoint-addr "$B4:51822" \
	--endpoint-public-key "$(key b)" --private-key-file "$BIN/a.key" --source-peer-ip 10.9.0.1 | tail -n 1)" hello
done_testing
