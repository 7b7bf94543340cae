#!/bin/bash
# SPDX-License-Identifier: ISC
#
# forward_outage.sh - connections through adit forward outlive what happens on the way: a far end that is gone and
# comes back, a name that moves, a NAT that forgets, a server that does not read
#
#   topology: forward_lab.sh, and a second far end
#   B  203.0.113.2  --.
#                      R  DNS: far.test has a TTL of 5 s; NAT
#   C  192.0.2.2    --'
#   ADIT_OUTAGE  seconds the far end is gone, and a server stopped (5; the long form is 30 or 60)
. "$(dirname "$0")/lib.sh"
. "$(dirname "$0")/forward_lab.sh"
forward_lab_start nft
OUTAGE=${ADIT_OUTAGE:-5}
space C
link R rc C c0
addr R rc 192.0.2.254/24
addr C c0 192.0.2.2/24
ip -n "$P-C" route add default via 192.0.2.254
mkdir -p "/etc/netns/$P-A"
trap 'rm -rf "$BIN" "/etc/netns/$P-A"; cleanup' EXIT
echo "nameserver 198.51.100.254" >"/etc/netns/$P-A/resolv.conf"
far_up

# echo: lines come back. sink: counts, and answers after the end of file. source: 20 MB
cat >"$TMP/servers.py" <<'END'
import socket, sys, threading
blob = bytes(range(256)) * 80000
def echo(c):
    while d := c.recv(65536):
        c.sendall(d)
def sink(c):
    n = 0
    while d := c.recv(65536):
        n += len(d)
    c.sendall(b"%d" % n)
def source(c):
    c.sendall(blob)
def run(handler, c):
    try:
        handler(c)
    except OSError as e:
        print(handler.__name__, e, flush=True)
    c.close()
def serve(port, handler):
    s = socket.create_server(("0.0.0.0", port))
    while True:
        threading.Thread(target=run, args=(handler, s.accept()[0]), daemon=True).start()
for port, handler in ((7, echo), (9, sink)):
    threading.Thread(target=serve, args=(port, handler), daemon=True).start()
serve(19, source)
END
run_bg B "$TMP/servers.log" "$PYTHON" "$TMP/servers.py"
SERVERS=$BGPID
run_bg C "$TMP/servers-c.log" "$PYTHON" "$TMP/servers.py"
wait_for 5 listening B 19
wait_for 5 listening C 19
forward fw.log 7007:10.9.0.2:7 7009:10.9.0.2:9 7019:10.9.0.2:19 2222:10.9.0.2:22 "${FORWARD_ENDS[@]}" --log info
wait_for 5 listening A 7007

# steady.py SECONDS: an echo ten times a second over one connection; prints the longest gap in ms, and how it ended
cat >"$TMP/steady.py" <<'END'
import select, socket, sys, time
c = socket.create_connection(("127.0.0.1", 7007), 10)
begin = last = time.monotonic()
gap, n = 0, 0
try:
    while time.monotonic() < begin + float(sys.argv[1]):
        c.sendall(b"line\n")
        wait = 0.1
        while select.select([c], [], [], wait)[0]:
            if not c.recv(65536):
                raise OSError("end of file")
            gap, last, n, wait = max(gap, time.monotonic() - last), time.monotonic(), n + 1, 0.02
        if n == 3:
            print("up", flush=True)
    how = "open"
except OSError as e:
    how = str(e)
print(int(max(gap, time.monotonic() - last) * 1000), how)
END
# a steady connection for so many seconds, while CMD is run
steady() { # SECONDS CMD...
	local seconds=$1
	shift
	: >"$TMP/steady"
	on A "$PYTHON" "$TMP/steady.py" "$seconds" >"$TMP/steady" 2>&1 &
	local pid=$!
	PIDS+=("$pid")
	wait_for 10 grep -q up "$TMP/steady" || return 1
	"$@"
	wait $pid
	tail -n 1 "$TMP/steady"
}
gap() { tail -n 1 "$TMP/steady" | cut -d' ' -f1; }

# ---- a NAT that forgets ----
if on R nft -f - 2>"$TMP/nat.err" <<'END'
table ip nat {
	chain post { type nat hook postrouting priority srcnat; oif "rb" udp dport 51822 masquerade to :40000-40999; }
}
END
then
	stop "$FWPID"
	forward fw.log 7007:10.9.0.2:7 7009:10.9.0.2:9 7019:10.9.0.2:19 2222:10.9.0.2:22 "${FORWARD_ENDS[@]}" --log info
	wait_for 5 listening A 7007
	rebind() {
		endpoint_of "$WB" "$(key a)" >"$TMP/before"
		on R nft -f - <<-'END'
			flush chain ip nat post
			add rule ip nat post oif "rb" udp dport 51822 masquerade to :50000-50999
		END
		on R conntrack -D -p udp >/dev/null 2>&1
	}
	if command -v conntrack >/dev/null; then
		steady 6 rebind >/dev/null
		check "a NAT gives another port: the connection is open" grep -q open "$TMP/steady"
		expr_true "  and hardly waits, ms" "$(gap) < 8000"
		check_not "  it was another" grep -qx "$(endpoint_of "$WB" "$(key a)")" "$TMP/before"
	else
		skip "a NAT gives another port" "no conntrack"
	fi
	on R nft delete table ip nat
	on R conntrack -D -p udp >/dev/null 2>&1
else
	skip "a NAT gives another port" "no NAT here: $(head -n 1 "$TMP/nat.err")"
fi

# ---- a server that does not read, a client that does not read ----
cat >"$TMP/upload.py" <<'END'
import socket
c = socket.create_connection(("127.0.0.1", 7009), 10)
c.settimeout(200)
print("up", flush=True)
c.sendall(bytes(60 << 20))
c.shutdown(socket.SHUT_WR)
print(c.recv(100).decode())
END
on A "$PYTHON" "$TMP/upload.py" >"$TMP/upload" 2>&1 &
UPLOAD=$!
PIDS+=($UPLOAD)
wait_for 5 grep -q up "$TMP/upload"
kill -STOP "$SERVERS"
sleep "$OUTAGE"
kill -CONT "$SERVERS"
wait $UPLOAD
equal "a server stops for $OUTAGE s in an upload: all arrives" "$(tail -n 1 "$TMP/upload")" $((60 << 20))
cat >"$TMP/download.py" <<'END'
import hashlib, socket, sys, time
c = socket.create_connection(("127.0.0.1", 7019), 10)
c.settimeout(60)
time.sleep(float(sys.argv[1]))
n = 0
while d := c.recv(1 << 16):
    n += len(d)
print(n)
END
equal "a client does not read for $OUTAGE s in a download: all arrives" "$(on A "$PYTHON" "$TMP/download.py" "$OUTAGE" 2>&1)" $((256 * 80000))

# ---- the far end is killed, and comes back with the same keys ----
if command -v sshd >/dev/null; then
	ssh-keygen -q -t ed25519 -N '' -f "$TMP/host" && ssh-keygen -q -t ed25519 -N '' -f "$TMP/id"
	mkdir -p /run/sshd
	cat >"$TMP/sshd.conf" <<-END
		ListenAddress 0.0.0.0:22
		HostKey $TMP/host
		AuthorizedKeysFile $TMP/id.pub
		StrictModes no
		PermitRootLogin yes
		UsePAM no
		PidFile none
	END
	run_bg B "$TMP/sshd.log" "$(command -v sshd)" -D -e -f "$TMP/sshd.conf"
	wait_for 5 listening B 22
	coproc SSH { ip netns exec "$P-A" ssh -F none -i "$TMP/id" -p 2222 -o StrictHostKeyChecking=no -o UserKnownHostsFile=/dev/null \
		-o LogLevel=ERROR root@127.0.0.1 'while read -r line; do echo "got $line"; done' 2>"$TMP/ssh.err"; }
	PIDS+=("$SSH_PID")
	say() { # LINE SECONDS
		local answer
		echo "$1" >&"${SSH[1]}"
		read -r -t "$2" -u "${SSH[0]}" answer
		echo "$answer"
	}
	equal "ssh" "$(say one 10)" "got one"
	kill -KILL "$FARPID"
	wait "$FARPID" 2>/dev/null
	rm -f "/var/run/wireguard/$WB.sock"
	echo two >&"${SSH[1]}" # typed while nobody is there
	sleep "$OUTAGE"
	far_up
	back=$(now_ms)
	read -r -t 90 -u "${SSH[0]}" answer
	equal "the far end gone for $OUTAGE s: what was typed arrives" "$answer" "got two"
	diag "$(($(now_ms) - back)) ms after it came back"
	equal "  ssh goes on" "$(say three 10)" "got three"
	kill "$SSH_PID"
else
	skip "ssh" "no sshd"
fi
stop "$FWPID"

# ---- the endpoint's name gets another address: the far end has moved to another machine ----
if command -v dnsmasq >/dev/null; then
	echo "203.0.113.2 far.test" >"$TMP/hosts"
	run_bg R "$TMP/dns.log" dnsmasq -k -C /dev/null --no-hosts --no-resolv --user=root --listen-address=198.51.100.254 \
		--bind-interfaces --addn-hosts="$TMP/hosts" --local-ttl=5 --pid-file= --log-queries --log-facility=-
	DNS=$BGPID
	forward name.log 7007:10.9.0.2:7 "${FORWARD_ENDS[@]/#$B4:51822/far.test:51822}" --log info
	line() { [ "$(echo line | on A timeout 2 nc -w 1 127.0.0.1 7007)" = line ]; }
	check "an endpoint by name" wait_for 10 line
	stop "$FARPID" KILL
	rm -f "/var/run/wireguard/$WB.sock"
	WB=${W}c
	device_up C "$WB" adit
	wg set "$WB" private-key "$TMP/b.key" listen-port 51822 peer "$(key a)" allowed-ips 10.9.0.1/32,fd09::1/128
	inner C "$WB" 10.9.0.2/24 fd09::2/64
	echo "192.0.2.2 far.test" >"$TMP/hosts"
	kill -HUP "$DNS"
	moved=$(now_ms)
	check "its address changes: data again" wait_for 60 line
	took=$(($(now_ms) - moved))
	expr_true "  in less than 15 s and the TTL, ms" "$took < 20000"
	check "  which is said" grep -q "endpoint far.test:51822 moved to 192.0.2.2:51822" "$TMP/name.log" || indent "$TMP/name.log"
	asked=$(grep -c "query\[A\] far.test" "$TMP/dns.log")
	sleep 3
	equal "  while it answers nobody asks for the name" "$(grep -c "query\[A\] far.test" "$TMP/dns.log")" "$asked"
	stop "$FWPID"
	# adit run follows it back
	cat >"$TMP/run.conf" <<-END
		[Interface]
		PrivateKey = $(cat "$TMP/a.key")
		Address = 10.9.0.1/24
		[Peer]
		PublicKey = $(key b)
		Endpoint = far.test:51822
		AllowedIPs = 10.9.0.2/32
	END
	chmod 600 "$TMP/run.conf"
	run_bg A "$TMP/run.up" "$ADIT" run -c "$TMP/run.conf" -- bash -c 'while sleep 0.2; do echo line | nc -w 1 10.9.0.2 7; done'
	check "adit run: an endpoint by name" wait_for 10 grep -q line "$TMP/run.up"
	stop "$DEVPID" KILL
	rm -f "/var/run/wireguard/$WB.sock"
	far_up
	echo "203.0.113.2 far.test" >"$TMP/hosts"
	kill -HUP "$DNS"
	: >"$TMP/run.up"
	moved=$(now_ms)
	check "  its address changes: data again" wait_for 30 grep -q line "$TMP/run.up"
else
	skip "an endpoint by name" "no dnsmasq"
fi
done_testing
