#!/bin/bash
# SPDX-License-Identifier: ISC
#
# forward_service.sh - adit forward as a service: in the background, under a manager, reloads of everything, two peers
#
#   topology: forward_lab.sh, and a second far end
#   B  203.0.113.2  --.
#      10.9.0.2        R
#   C  192.0.2.2    --'
#      10.9.1.2
. "$(dirname "$0")/lib.sh"
. "$(dirname "$0")/forward_lab.sh"
forward_lab_start
space C
link R rc C c0
addr R rc 192.0.2.254/24
addr C c0 192.0.2.2/24
ip -n "$P-C" route add default via 192.0.2.254
far_up
WC=${W}c
key c >/dev/null
device_up C "$WC" || { not_ok "the second far end starts"; done_testing; }
wg set "$WC" private-key "$TMP/c.key" listen-port 51823 peer "$(key a)" allowed-ips 10.9.0.1/32
inner C "$WC" 10.9.1.2/24
ip -n "$P-C" route add 10.9.0.0/24 dev "$WC"
for n in B C; do
	mkdir -p "$TMP/www-$n" && echo "$n" >"$TMP/www-$n/index.html"
	run_bg $n "$TMP/http-$n.log" "$PYTHON" -m http.server -d "$TMP/www-$n" 80
	wait_for 5 listening $n 80
done
page() { on A curl -sS -m "${2:-10}" "http://127.0.0.1:$1/" 2>&1; }
page_is() { [ "$(page "$1" 3)" = "$2" ]; }
no_page() { ! page "$1" 2 >/dev/null; }

# conf: what the variables say
OUR=a PORTB=51822 PSK='' SECOND=1 ADDRESS=10.9.0.1 OUTSIDE='' EXTRA=''
write_conf() {
	cat >"$BIN/new" <<-END
		[Interface]
		Address = $ADDRESS/32
		PrivateKey = $(cat "$TMP/$OUR.key")
		$OUTSIDE
		[Peer]
		PublicKey = $(key b)
		Endpoint = $B4:$PORTB
		AllowedIPs = 10.9.0.0/24
		PersistentKeepalive = 1
		${PSK:+PresharedKey = $PSK}
		$([ -n "$SECOND" ] && printf '[Peer]\nPublicKey = %s\nEndpoint = 192.0.2.2:51823\nAllowedIPs = 10.9.1.0/24\n' "$(key c)")
		[TCPClientTunnel]
		BindAddress = 127.0.0.1:8080
		Target = 10.9.0.2:80
		[TCPClientTunnel]
		BindAddress = 127.0.0.1:8081
		Target = 10.9.1.2:80
		$EXTRA
	END
	chown nobody "$BIN/new" && chmod 600 "$BIN/new" && mv "$BIN/new" "$BIN/x.conf"
}
write_conf

# ---- in the background ----
nobody "$BIN/adit" forward -d -c "$BIN/x.conf" --control "$BIN/control" >"$TMP/daemon.out" 2>&1
equal "-d ends with status 0" $? 0
check "  and it listens by then" listening A 8080
equal "  two peers: the first" "$(page 8080)" B
equal "  the second" "$(page 8081)" C
DAEMON=$(on A ss -Hltnp "sport = :8080" | sed -n 's/.*pid=\([0-9]*\).*/\1/p')
PIDS+=("$DAEMON")
equal "  of a session of its own, without a terminal" "$(ps -o tty= -p "$DAEMON" | tr -d ' ')" "?"
equal "  status names both peers" "$(forward_status | jq '.peers | length')" 2
check "  in text" grep -q "$(key c)" <(nobody "$BIN/adit" forward status --control "$BIN/control")
nobody "$BIN/adit" forward -d -c "$BIN/x.conf" --control "$BIN/control2" >"$TMP/daemon.out" 2>&1
equal "a second one cannot listen: status 1" $? 1
check "  and says why" grep -q "127.0.0.1:8080.*another program listens there" "$TMP/daemon.out" || indent "$TMP/daemon.out"
kill -TERM "$DAEMON"
check "SIGTERM ends it" wait_for 5 gone "$DAEMON"
check_not "  its socket is gone" test -e "$BIN/control"

# ---- under a manager, that is told ----
cat >"$TMP/manager.py" <<'END'
import os, socket, sys
path = sys.argv[1]
s = socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM)
s.bind(path)
os.chmod(path, 0o777)
while True:
    print(s.recv(1000).decode().split("\n")[0], flush=True)
END
run_bg A "$TMP/told" "$PYTHON" "$TMP/manager.py" "$BIN/notify"
wait_for 5 test -S "$BIN/notify"
export NOTIFY_SOCKET=$BIN/notify
forward service.log -c "$BIN/x.conf" --log info
unset NOTIFY_SOCKET
told() { [ "$(xargs <"$TMP/told")" = "$1" ]; }
check "READY once it listens" wait_for 5 told "READY=1"
equal "  it does" "$(page 8080)" B
reloaded() { # COUNT: so many reloads have ended
	[ "$(grep -c '^READY' "$TMP/told")" = $(($1 + 1)) ]
}
n=0
reload() { # WHAT: says that it was told
	n=$((n + 1))
	write_conf
	kill -HUP "$FWPID"
	wait_for 10 reloaded $n || { not_ok "$1: reloaded"; indent "$TMP/service.log"; }
}

# a connection of the first peer that goes on through all that does not concern it
cat >"$TMP/steady.py" <<'END'
import socket, sys, time
c = socket.create_connection(("127.0.0.1", 8085), 10)
c.settimeout(20)
while True:
    c.sendall(b"x")
    if c.recv(1) != b"x":
        raise SystemExit("ended")
    print("up", flush=True)
    time.sleep(0.05)
END
run_bg B "$TMP/echo.log" "$PYTHON" -c "
import socket
s = socket.create_server(('10.9.0.2', 7))
print('ready', flush=True)
c, _ = s.accept()
while d := c.recv(100): c.sendall(d)"
wait_for 10 grep -q ready "$TMP/echo.log"
EXTRA="[TCPClientTunnel]
BindAddress = 127.0.0.1:8085
Target = 10.9.0.2:7"
reload "a forward more"
check "RELOADING and READY" told "READY=1 RELOADING=1 READY=1"
check "a forward more listens" listening A 8085
run_bg A "$TMP/steady.log" "$PYTHON" "$TMP/steady.py"
STEADY=$BGPID
wait_for 10 grep -q up "$TMP/steady.log"
steady() { ! gone "$STEADY"; }
EXTRA="[TCPClientTunnel]
BindAddress = 127.0.0.1:8086
Target = 10.9.0.2:80"
reload "a forward changed"
check "a forward that is changed listens" page_is 8086 B
check_not "  where it was no longer" listening A 8085
check "  its connection goes on" steady
SECOND=
reload "a peer less"
check "a peer less: nothing passes" no_page 8081
equal "  status" "$(forward_status | jq '.peers | length')" 1
equal "  the other goes on" "$(page 8080)" B
SECOND=1
reload "the peer again"
check "the peer again: a page" wait_for 10 page_is 8081 C
check "  the connection of the first went on" steady
PSK=$(wg genpsk)
wg set "$WB" peer "$(key a)" preshared-key /dev/stdin <<<"$PSK"
reload "a preshared key"
wg set "$WB" peer "$(key a)" endpoint 198.51.100.1:1 # what it has of the old session is of no use
check "a preshared key: a page" wait_for 20 page_is 8080 B
wg set "$WB" listen-port 51899
PORTB=51899
reload "another endpoint"
check "another endpoint: a page" wait_for 20 page_is 8080 B
check "  the connection went on" steady
ADDRESS=10.9.0.3
wg set "$WB" peer "$(key a)" allowed-ips 10.9.0.3/32
wg set "$WC" peer "$(key a)" allowed-ips 10.9.0.3/32
reload "another address"
check "another address inside: a page" wait_for 10 page_is 8080 B
check "  of the second" wait_for 10 page_is 8081 C
key d >/dev/null
for w in "$WB" "$WC"; do
	wg set "$w" peer "$(key a)" remove
	wg set "$w" peer "$(key d)" allowed-ips 10.9.0.3/32
done
wg set "$WB" peer "$(key d)" preshared-key /dev/stdin <<<"$PSK"
OUR=d
reload "a private key"
check "another private key: a page" wait_for 20 page_is 8080 B
check "  of the second" wait_for 20 page_is 8081 C
equal "  status says its public key" "$(forward_status | jq -r .public_key)" "$(key d)"
# What fails is tried again by each reload, until it succeeds.
run_bg A "$TMP/taken.log" "$PYTHON" -c "
import socket, time
s = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
s.bind(('', 51777))
print('taken', flush=True)
time.sleep(600)"
TAKER=$BGPID
wait_for 10 grep -q taken "$TMP/taken.log"
failures() { grep -c "reloaded, but $1 change" "$TMP/service.log"; }
OUTSIDE="ListenPort = 51777"
reload "a port that is taken"
equal "a port that is taken: the reload fails" "$(failures 1)" 1
reload "it still is"
equal "  the next one, too" "$(failures 1)" 2
OUTSIDE="$OUTSIDE
FwMark = 7"
reload "and a mark"
equal "  and a mark that nobody may set" "$(failures 2)" 1
reload "both again"
equal "  both again" "$(failures 2)" 2
stop "$TAKER"
OUTSIDE="ListenPort = 51777"
reload "a port that was taken"
check "once the port is free: it is ours" on A sh -c 'ss -Hlun "sport = :51777" | grep -q 51777'
equal "  and nothing fails" "$(failures '[0-9]*')" 4
OUTSIDE=
reload "no port"
check "the port removed: that takes a restart" grep -q 'ListenPort, removed: the change takes a restart' "$TMP/service.log"
EXTRA="[TCPClientTunnel]
BindAddress = nonsense"
reload "a mistake"
check "a mistake in the file: named with its place" grep -Eq "x.conf:[0-9]+:[0-9]+: .*BindAddress" "$TMP/service.log" || indent "$TMP/service.log"
equal "  and all goes on" "$(page 8080)" B
stop "$FWPID"
check "STOPPING at the end" grep -qx STOPPING=1 "$TMP/told"
equal "  nothing was said twice" "$(sort "$TMP/told" | uniq -c | awk '/RELOADING/ { print $1 }')" $n
done_testing
