#!/bin/bash
# SPDX-License-Identifier: ISC
#
# forward_reverse.sh - a machine that offers services inside with adit forward -r: what the network sees of it
#
#   topology: forward_lab.sh; B asks, nobody's adit forward in A answers
#   ADIT_MB     size of the file (50; the long form is 1024)
#   ADIT_PORTS  TCP ports that are scanned: 1 to this one (10000; the long form is 65535)
. "$(dirname "$0")/lib.sh"
. "$(dirname "$0")/forward_lab.sh"
forward_lab_start nginx sha256sum
far_up
MB=${ADIT_MB:-50} PORTS=${ADIT_PORTS:-10000}

# ---- services of this machine ----
mkdir "$TMP/www" && chmod 755 "$TMP" "$TMP/www"
head -c "${MB}M" /dev/urandom >"$TMP/www/blob"
SUM=$(sha256sum <"$TMP/www/blob")
echo hello >"$TMP/www/index.html"
cat >"$TMP/nginx.conf" <<END
daemon off; master_process off; pid $TMP/nginx.pid; error_log $TMP/nginx.err; user root;
events { worker_connections 1024; }
http {
	access_log off; client_body_temp_path $TMP/n1; proxy_temp_path $TMP/n2;
	fastcgi_temp_path $TMP/n3; uwsgi_temp_path $TMP/n4; scgi_temp_path $TMP/n5;
	server { listen 127.0.0.1:9080; root $TMP/www; }
}
END
run_bg A "$TMP/nginx.log" nginx -c "$TMP/nginx.conf" -e "$TMP/nginx.err"
# datagrams come back reversed; a TCP connection gets the digest of all it sent
cat >"$TMP/here.py" <<'END'
import hashlib, socket, threading
def udp():
    s = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
    s.bind(("127.0.0.1", 9053))
    while True:
        d, a = s.recvfrom(65536)
        s.sendto(d[::-1], a)
def digest(c):
    h = hashlib.sha256()
    while d := c.recv(1 << 18):
        h.update(d)
    c.sendall(h.hexdigest().encode())
    c.close()
threading.Thread(target=udp, daemon=True).start()
s = socket.create_server(("127.0.0.1", 9001))
while True:
    threading.Thread(target=digest, args=(s.accept()[0],), daemon=True).start()
END
run_bg A "$TMP/here.log" "$PYTHON" "$TMP/here.py"
wait_for 5 listening A 9080
wait_for 5 listening A 9001
# a name of two addresses: UDP is served at the second
mkdir -p "/etc/netns/$P-A"
trap 'rm -rf /etc/netns/"$P"-A; cleanup' EXIT
printf '127.0.0.1 localhost both.test\n::1 localhost both.test\n' >"/etc/netns/$P-A/hosts"
forward fw.log -r 80:127.0.0.1:9080 -r 9001:127.0.0.1:9001 -r 53:127.0.0.1:9053:UDP -r 81:127.0.0.1:1 -r 54:127.0.0.1:1:UDP \
	-r "[fd09::1]:82:127.0.0.1:9080" -r 61053:both.test:9053:UDP "${FORWARD_ENDS[@]}" --keep-alive 1 --log warn
fetch() { on B curl -sS -m "$((60 + MB / 5))" "$@"; }
check "a handshake" wait_for 10 has_handshake "$WB" "$(key a)"

# ---- TCP ----
equal "a page over IPv4" "$(fetch http://10.9.0.1/ 2>&1)" hello
equal "a page over IPv6" "$(fetch 'http://[fd09::1]/' 2>&1)" hello
equal "on one address only: there" "$(fetch 'http://[fd09::1]:82/' 2>&1)" hello
refused() { fetch "$1" 2>&1 | grep -Eq "refused|Could not connect|Couldn't connect"; }
check "  and not on the other" refused http://10.9.0.1:82/
check "a port whose service is down here is refused there" refused http://10.9.0.1:81/
equal "$MB MB down" "$(fetch http://10.9.0.1/blob | sha256sum)" "$SUM"
first=$(rss_kb "$FWPID")
equal "$MB MB down over IPv6" "$(fetch 'http://[fd09::1]/blob' | sha256sum)" "$SUM"
equal "$MB MB up, and the answer after the end of file" "$(on B timeout $((60 + MB / 5)) nc -N 10.9.0.1 9001 <"$TMP/www/blob")" "${SUM%% *}"
expr_true "memory is flat, kB" "$(rss_kb "$FWPID") <= 1.25 * $first + 8192" # buffers of both directions stay for a while

# ---- UDP ----
turned() { # PORT: a datagram comes back
	[ "$(on B "$PYTHON" -c '
import socket, sys
s = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
s.settimeout(1)
s.sendto(b"abc", ("10.9.0.1", int(sys.argv[1])))
print(s.recv(9).decode())' "$1" 2>/dev/null)" = cba ]
}
check "a name's second address is tried when the first refuses" wait_for 10 turned 61053
cat >"$TMP/ask.py" <<'END'
import socket, sys, threading
# each of 20 clients asks 20 different things, and must see its own answers, from the address it asked
def ask(to, n, wrong):
    s = socket.socket(socket.AF_INET6 if ":" in to else socket.AF_INET, socket.SOCK_DGRAM)
    s.settimeout(2)
    for i in range(20):
        want = b"%d %d " % (n, i) + b"x" * (i * 170)
        for _ in range(5):
            s.sendto(want, (to, 53))
            try:
                got, where = s.recvfrom(65536)
                while got[::-1] != want and got[::-1].split()[0] == b"%d" % n and int(got[::-1].split()[1]) < i:
                    got, where = s.recvfrom(65536)  # late, of one that was asked twice
                break
            except TimeoutError:
                got = where = None
        if not got or got[::-1] != want or where[:2] != (to, 53):
            wrong.append((n, i, got and got[:10], where))
wrong = []
threads = [threading.Thread(target=ask, args=(sys.argv[1], n, wrong)) for n in range(20)]
for t in threads: t.start()
for t in threads: t.join()
print(wrong or "all right")
END
equal "400 datagrams up to 3 kB over IPv4" "$(on B "$PYTHON" "$TMP/ask.py" 10.9.0.1)" "all right"
equal "  over IPv6" "$(on B "$PYTHON" "$TMP/ask.py" fd09::1)" "all right"

# ---- ICMP ----
check "ping" on B ping -n -q -c 5 -i 0.05 -W 2 10.9.0.1
check "ping over IPv6" on B ping -n -q -c 5 -i 0.05 -W 2 fd09::1
check "ping of 8000 bytes" on B ping -n -q -c 3 -i 0.05 -W 2 -s 8000 10.9.0.1
check "ping of 8000 bytes over IPv6" on B ping -n -q -c 3 -i 0.05 -W 2 -s 8000 fd09::1
cat >"$TMP/probe.py" <<'END'
"""probe.py HOST: what each kind of knock is answered with"""
import errno, socket, sys
to = sys.argv[1]
family = socket.AF_INET6 if ":" in to else socket.AF_INET
def udp(port, payload=b"x"):
    s = socket.socket(family, socket.SOCK_DGRAM)
    s.connect((to, port))
    s.settimeout(3)
    s.send(payload)
    try:
        return "answer" if s.recv(100) else "empty"
    except TimeoutError:
        return "nothing"
    except OSError as e:
        return errno.errorcode[e.errno]
def tcp(port):
    s = socket.socket(family)
    s.settimeout(5)
    try:
        s.connect((to, port))
        return "open"
    except TimeoutError:
        return "nothing"
    except OSError as e:
        return errno.errorcode[e.errno]
print("udp", udp(53), udp(99), "tcp", tcp(80), tcp(81), tcp(99))
END
answers="udp answer ECONNREFUSED tcp open ECONNREFUSED ECONNREFUSED"
equal "open and closed ports: answer, port unreachable, reset" "$(on B "$PYTHON" "$TMP/probe.py" 10.9.0.1)" "$answers"
equal "  over IPv6" "$(on B "$PYTHON" "$TMP/probe.py" fd09::1)" "$answers"

# ---- a trace ends at us, by UDP, ICMP and TCP ----
if command -v traceroute >/dev/null; then
	trace() { on B traceroute -n -q 1 -w 3 -m 3 "$@" 2>"$TMP/trace.err" | awk 'NR > 1 && NF > 1 { print $2 }' | xargs; }
	for how in "" -I "-T -p 80" "-T -p 99"; do
		# shellcheck disable=SC2086
		equal "traceroute $how" "$(trace $how 10.9.0.1)" 10.9.0.1
		# shellcheck disable=SC2086
		equal "traceroute $how over IPv6" "$(trace $how fd09::1)" fd09::1
	done
else
	skip "traceroute" "it is not installed"
fi

# ---- a port scan ----
before=$(rss_kb "$FWPID")
if command -v nmap >/dev/null; then
	scan() { on B timeout 300 nmap -n -Pn --min-rate 2000 --max-retries 8 -oG - "$@" 2>"$TMP/nmap.err"; }
	open_ports() { sed -n 's/.*Ports: //p' | tr ',' '\n' | awk -F/ '$2 == "open" { print $1 }' | xargs; }
	equal "$PORTS TCP ports by SYN: open are" "$(scan -sS -p "1-$PORTS" 10.9.0.1 | tee "$TMP/nmap.syn" | open_ports)" "80 9001"
	equal "  the rest are closed, none is silent" "$(grep -c "Ignored State: closed ($((PORTS - 2)))" "$TMP/nmap.syn")" 1 || indent "$TMP/nmap.syn"
	equal "$PORTS TCP ports by connecting" "$(scan -sT -p "1-$PORTS" 10.9.0.1 | open_ports)" "80 9001"
	equal "1000 TCP ports over IPv6" "$(scan -6 -sS -p 1-1000 fd09::1 | open_ports)" "80 82"
	# port unreachable is held to 100 a second
	equal "100 UDP ports: those that are not closed, nor have a service that is down" "$(on B timeout 100 nmap -n -Pn --max-rate 60 -oG - -sU -p 1-100 10.9.0.1 2>&1 | tee "$TMP/nmap.udp" |
		sed -n 's/.*Ports: //p' | tr ',' '\n' | awk -F/ '{ print $1 }' | xargs)" 53 || indent "$TMP/nmap.udp"
	for odd in -sF -sX -sN -sA; do # FIN; FIN, PSH and URG; nothing; ACK
		equal "odd segments, nmap $odd: all ports" "$(scan $odd -p 70-99 10.9.0.1 | grep -Eo 'State: [a-z|]+' | xargs)" \
			"$([ $odd = -sA ] && echo 'State: unfiltered' || echo 'State: closed')" || { scan $odd -p 70-99 10.9.0.1 | indent; }
	done
else
	skip "a port scan" "no nmap"
fi
expr_true "memory is flat after it, kB" "$(rss_kb "$FWPID") <= $before + 4096"
none_open() { forward_status | jq -e '[.services[] | select(.service | startswith("remote tcp")) | .open] | add == 0'; }
check "no connection is left" wait_for 10 none_open
equal "a page afterwards" "$(fetch http://10.9.0.1/ 2>&1)" hello
check "it still runs" kill -0 "$FWPID"
done_testing
