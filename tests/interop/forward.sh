#!/bin/bash
# SPDX-License-Identifier: ISC
#
# forward.sh - adit forward with wireguard-go, boringtun and adit device at the far end: nginx, ab, a browser,
# slow readers and slow writers
#
# Topology: ../netns/inside.sh. ADIT_FARS: the far ends (wireguard-go boringtun adit). ADIT_REQUESTS: short
# connections (1000; the long form 10000), ADIT_ONCE: at once (300; 2000), ADIT_MB: a transfer (20; 1024).
. "$(dirname "$0")/../netns/lib.sh"
. "$(dirname "$0")/../netns/inside.sh"
lab_start
need nginx ab openssl nc
N=${ADIT_REQUESTS:-1000} ONCE=${ADIT_ONCE:-300} MB=${ADIT_MB:-20}
CHROMIUM=$(command -v chromium || true)
ulimit -n 8192

# ---- what runs inside, whatever the far end is -----------------------------------------------------
site() {
	mkdir -p "$TMP/nginx" "$FW/site"
	openssl req -x509 -newkey ec -pkeyopt ec_paramgen_curve:P-256 -nodes -days 2 -subj "/CN=inner.example" \
		-addext "subjectAltName=DNS:inner.example" -keyout "$TMP/nginx/key.pem" -out "$TMP/nginx/cert.pem" 2>/dev/null
	head -c 300000 /dev/urandom >"$FW/site/part"
	echo hello >"$FW/site/small"
	cat >"$FW/site/page.html" <<-END
		<html><body><p id=r>not yet</p><script>
		Promise.all([...Array(40).keys()].map(i => fetch('/part?' + i).then(r => r.arrayBuffer())
			.then(b => b.byteLength))).then(l => {
			document.getElementById('r').textContent = l.length + ' parts, ' + l.reduce((a, b) => a + b) + ' bytes';
		}).catch(e => { document.getElementById('r').textContent = 'failed: ' + e; });
		</script></body></html>
	END
	cat >"$TMP/nginx/nginx.conf" <<-END
		daemon off;
		pid $TMP/nginx/pid;
		error_log $TMP/nginx/error.log;
		worker_processes 1;
		worker_rlimit_nofile 16384;
		events { worker_connections 8192; }
		http {
			access_log off;
			default_type text/html;
			sendfile on;
			server {
				listen [::]:8000 ipv6only=off backlog=4096;
				listen [::]:443 ssl http2 ipv6only=off;
				ssl_certificate cert.pem;
				ssl_certificate_key key.pem;
				root $FW/site;
			}
		}
	END
	on B sysctl -qw net.core.somaxconn=4096
	run_bg B "$TMP/nginx.log" nginx -p "$TMP/nginx" -c "$TMP/nginx/nginx.conf"
	wait_for 5 listening B 8000 || { not_ok "nginx starts"; cat "$TMP/nginx.log" "$TMP/nginx/error.log"; done_testing; }
}

# far KIND: the far end made anew
far() {
	stop "$DEVPID"
	if ! device_up B "$WB" "$1"; then
		skip "$1" "cannot be had here"
		return 1
	fi
	wg set "$WB" private-key "$TMP/b.key" listen-port 51822 peer "$(key a)" allowed-ips 10.9.0.1/32,fd09::1/128
	inner B "$WB" 10.9.0.2/24 fd09::2/64
}

# requests WHAT N C URL [ARG...]: ab, all of them answered
requests() {
	local what=$1 n=$2 c=$3 url=$4
	shift 4
	on A timeout 170 ab -q -n "$n" -c "$c" -s 120 "$@" "$url" >"$TMP/ab.log" 2>&1
	equal "$what" "$(awk '/^(Complete|Failed) requests|^Non-2xx/ { print $NF }' "$TMP/ab.log" | xargs)" "$n 0" ||
		{ grep -A 1 '^Failed\|longest' "$TMP/ab.log"; metric adit_dropped_packets_total; grep ^adit_dropped "$TMP/metrics"; } | indent
}

slow_writer() { # a client that sends 20 kB in 4 s, and gets the SHA-256 of it
	on A "$PYTHON" -c "
import hashlib, os, socket, time
data = os.urandom(20000)
s = socket.create_connection(('127.0.0.1', 8080), 20)
s.sendall(b'PUT /x HTTP/1.1\r\nHost: x\r\nContent-Length: 20000\r\nConnection: close\r\n\r\n')
for i in range(0, 20000, 500):
    s.sendall(data[i:i + 500]); time.sleep(0.1)
a = b''
while d := s.recv(4096):
    a += d
print('same' if a.endswith(hashlib.sha256(data).hexdigest().encode()) else a)"
}

inside_start
blob "$MB"
inside_servers "$FW/www" http dns
site
for KIND in ${ADIT_FARS:-wireguard-go boringtun adit}; do
	far "$KIND" || continue
	forward_up "$KIND.log" 9080 8080:10.9.0.2:80 8000:10.9.0.2:8000 '[::1]:8000:[fd09::2]:8000' --socks5 1080 --http 3128 \
		"${ENDS[@]}" -i 127.0.0.1:9080
	equal "$KIND: a page" "$(fetch http://127.0.0.1:8000/small)" hello
	equal "$KIND: $MB MB down" "$(fetch http://127.0.0.1:8080/blob | sum_of)" "$SUM"
	equal "$KIND: $MB MB up" "$(fetch -T "$FW/www/blob" http://127.0.0.1:8080/x)" "$SUM"
	requests "$KIND: $N short connections" "$N" 50 http://127.0.0.1:8000/small
	requests "$KIND: over IPv6" $((N / 10)) 20 'http://[::1]:8000/small'
	requests "$KIND: through the HTTP proxy" $((N / 4)) 50 http://10.9.0.2:8000/small -X 127.0.0.1:3128
	requests "$KIND: $ONCE connections at once" $((ONCE * 2)) "$ONCE" http://127.0.0.1:8000/small
	requests "$KIND: $ONCE kept alive, each with 300 kB" "$ONCE" "$((ONCE / 10))" http://127.0.0.1:8000/part -k
	equal "$KIND: a slow writer" "$(slow_writer)" same
	equal "$KIND: a slow reader" "$(fetch --limit-rate 100k http://127.0.0.1:8000/part | sum_of)" "$(sum_of <"$FW/site/part")"
	still() { [ "$(metric adit_tcp_connections)" = 0 ]; }
	check "$KIND: no connection is left" wait_for 20 still
	stop "$FWPID"
done

# ---- a browser ---------------------------------------------------------------------------------------------
browse() { # URL ARG...
	mkdir -p "$FW/home"
	chown nobody "$FW/home"
	rm -rf "$FW/home/profile"
	nobody env HOME="$FW/home" timeout 100 "$CHROMIUM" --headless=new --no-sandbox --disable-gpu --disable-dev-shm-usage \
		--disable-background-networking --no-first-run --user-data-dir="$FW/home/profile" --ignore-certificate-errors \
		--virtual-time-budget=30000 --dump-dom "${@:2}" "$1" 2>"$TMP/chromium.log" |
		sed -n 's/.*<p id="r">\(.*\)<\/p>.*/\1/p'
}
if [ -z "$CHROMIUM" ]; then
	skip "a browser" "chromium is not installed"
	done_testing
fi
conf=$FW/browser.conf
cat >"$conf" <<END
[Interface]
Address = 10.9.0.1/32, fd09::1/128
PrivateKey = $KEY
DNS = 10.9.0.2
[Peer]
PublicKey = $(key b)
Endpoint = $B4:51822
[Socks5]
BindAddress = 127.0.0.1:1080
[http]
BindAddress = 127.0.0.1:3128
[SNI]
BindAddress = 127.0.0.1:4443
END
chown nobody "$conf"
chmod 600 "$conf"
forward_up browser.log 1080 -c "$conf"
ALL="40 parts, 12000000 bytes"
equal "Chromium through SOCKS5" "$(browse http://inner.example:8000/page.html --proxy-server=socks5://127.0.0.1:1080)" "$ALL"
equal "Chromium through SOCKS5, TLS" "$(browse https://inner.example/page.html --proxy-server=socks5://127.0.0.1:1080)" "$ALL"
equal "Chromium through the HTTP proxy" "$(browse http://inner.example:8000/page.html --proxy-server=http://127.0.0.1:3128)" "$ALL"
equal "Chromium through the HTTP proxy, TLS" "$(browse https://inner.example/page.html --proxy-server=http://127.0.0.1:3128)" "$ALL"
equal "Chromium through the SNI proxy" \
	"$(browse https://inner.example/page.html '--host-resolver-rules=MAP inner.example:443 127.0.0.1:4443')" "$ALL"
stop "$FWPID"
done_testing
