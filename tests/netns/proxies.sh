#!/bin/bash
# SPDX-License-Identifier: ISC
#
# proxies.sh - a wireproxy file with every section and key of its documentation, and the programs people use with it
#
# Topology: inside.sh. Inside are inner.example (10.9.0.2) and two.example (10.9.0.4), which only the DNS server
# there knows; sshd; a TLS server for each name. ADIT_MB: megabytes through each proxy (8).
. "$(dirname "$0")/lib.sh"
. "$(dirname "$0")/inside.sh"
lab_start
need openssl ssh sshd nc
inside_start
blob "${ADIT_MB:-8}"
echo hello >"$FW/www/index.html"
inside_servers "$FW/www" http dns late echo

# ---- certificates: of the proxy, and of two servers inside ------------------------------------------
cert() { # NAME ALT...
	openssl req -x509 -newkey ec -pkeyopt ec_paramgen_curve:P-256 -nodes -days 2 -subj "/CN=$1" \
		-addext "subjectAltName=$2" -keyout "$FW/$1.key" -out "$FW/$1.pem" 2>/dev/null
}
cert proxy IP:127.0.0.1
cert inner.example DNS:inner.example
cert two.example DNS:two.example
cat "$FW/inner.example.pem" "$FW/two.example.pem" >"$FW/ca.pem"
chown nobody "$FW"/*.key "$FW"/*.pem
tls_server() { # NAME ADDRESS
	run_bg B "$TMP/$1.log" openssl s_server -www -quiet -cert "$FW/$1.pem" -key "$FW/$1.key" -accept "$2:443"
}
tls_server inner.example 10.9.0.2
tls_server two.example 10.9.0.4

# ---- sshd --------------------------------------------------------------------------------------------
mkdir -p /run/sshd
ssh-keygen -q -t ed25519 -N '' -f "$TMP/host"
ssh-keygen -q -t ed25519 -N '' -f "$FW/id"
chown nobody "$FW/id"
cp "$FW/id.pub" "$TMP/authorized"
cat >"$TMP/sshd.conf" <<END
Port 22
ListenAddress 10.9.0.2
HostKey $TMP/host
AuthorizedKeysFile $TMP/authorized
PidFile none
StrictModes no
UsePAM no
PermitRootLogin yes
END
run_bg B "$TMP/sshd.log" "$(command -v sshd)" -D -e -f "$TMP/sshd.conf"
wait_for 5 listening B 22
wait_for 5 listening B 443

# ---- the file: what stands in wireproxy's documentation, each key with a value ---------------------
(umask 077; wg genpsk >"$TMP/psk")
wg set "$WB" peer "$(key a)" preshared-key "$TMP/psk"
wg_part() {
	cat <<END
[Interface]
Address = 10.9.0.1/32, fd09::1/128 # The subnet should be /32 and /128 for IPv4 and v6 respectively
MTU = 1420
PrivateKey = \$MY_WIREGUARD_PRIVATE_KEY
DNS = 10.9.0.2
ListenPort = 51877
CheckAlive = 10.9.0.2, fd09::2
CheckAliveInterval = 1

[Peer]
PublicKey = $(key b)
PresharedKey = $(cat "$TMP/psk")
Endpoint = localhost.lab:51822
PersistentKeepalive = 25
AllowedIPs = 0.0.0.0/0, ::/0
END
}
services_part() {
	cat <<END
# TCPClientTunnel is a tunnel listening on your machine,
[TCPClientTunnel]
BindAddress = 127.0.0.1:25565
Target = inner.example:80

[TCPServerTunnel]
ListenPort = 3422
Target = localhost:25545

[UDPProxyTunnel]
BindAddress = 127.0.0.1:5353
Target = 10.9.0.2:53
InactivityTimeout = 60

[Socks5]
BindAddress = 127.0.0.1:25344
Username = user
# Avoid using spaces in the password field
Password = \$SOCKS_PASSWORD

[http]
BindAddress = 127.0.0.1:25345
Username = user
Password = \$\$dollar

[http]
BindAddress = 127.0.0.1:25346
CertFile = $FW/proxy.pem
KeyFile = $FW/proxy.key

[SNI]
BindAddress = 127.0.0.1:25443

[Resolve]
ResolveStrategy = auto
END
}
{ wg_part; services_part; } | sed "s/localhost.lab/$B4/" >"$FW/w.conf"
# the same with the network in a file of its own, and lower case
wg_part | sed "s/localhost.lab/$B4/" >"$FW/wg0.conf"
{ echo "WGConfig = wg0.conf"; services_part | sed 's/^BindAddress/bindaddress/; s/^\[http\]/[HTTP]/; s/^\[Socks5\]/[socks5]/'; } >"$FW/import.conf"
chown nobody "$FW"/*.conf
chmod 600 "$FW"/*.conf
FWENV=("MY_WIREGUARD_PRIVATE_KEY=$KEY" "SOCKS_PASSWORD=pa\$s")

for f in w import; do
	equal "$f.conf: the check finds nothing" "$(nobody env "${FWENV[@]}" "$FW/adit" forward -n -c "$FW/$f.conf" 2>&1)" "Config OK"
done
# in the background: the command returns when everything listens
nobody env "${FWENV[@]}" "$FW/adit" forward -d -s -c "$FW/import.conf" --control "$FW/control" >"$TMP/import.log" 2>&1 </dev/null
equal "-d: status 0" $? 0
check "-d: it listens at once" listening A 25344
equal "an imported network: a page" "$(fetch --socks5-hostname 'user:pa$s@127.0.0.1:25344' http://inner.example/)" hello
equal "-s: it says nothing" "$(wc -c <"$TMP/import.log")" 0
check "status asks it" nobody "$FW/adit" forward status --control "$FW/control"
FWPID=$(ip netns pids "$P-A")
equal "-d: a session of its own" "$(awk '{ print $1 == $6 }' "/proc/$FWPID/stat")" 1
kill "$FWPID"
check "it ends" wait_for 10 gone "$FWPID"
forward_up w.log 25344 -c "$FW/w.conf" -i localhost:9080

# ---- curl ---------------------------------------------------------------------------------------------
S=(--socks5-hostname 'user:pa$s@127.0.0.1:25344')
H=(-x 'http://user:%24dollar@127.0.0.1:25345')
T=(-x https://127.0.0.1:25346 --proxy-cacert "$FW/proxy.pem")
for how in S H T; do
	declare -n proxy=$how
	case $how in
	S) what="SOCKS5" ;;
	H) what="HTTP proxy" ;;
	T) what="HTTP proxy by TLS" ;;
	esac
	equal "$what: a name that only DNS inside knows" "$(fetch "${proxy[@]}" http://inner.example/)" hello
	equal "$what: an IPv6 address" "$(fetch "${proxy[@]}" 'http://[fd09::2]/')" hello
	equal "$what: ${ADIT_MB:-8} MB down" "$(fetch "${proxy[@]}" http://inner.example/blob | sum_of)" "$SUM"
	equal "$what: up" "$(fetch "${proxy[@]}" -T "$FW/www/blob" http://inner.example/x)" "$SUM"
	equal "$what: by CONNECT, to a TLS server" "$(http_code "${proxy[@]}" --cacert "$FW/ca.pem" https://two.example/)" 200
	equal "$what: ten requests on one connection" "$(fetch "${proxy[@]}" -o /dev/null -w '%{http_code} %{num_connects}\n' \
		'http://inner.example/index.html?[1-10]' | sort | uniq -c | xargs)" "9 200 0 1 200 1"
done
equal "SOCKS5 to an address" "$(fetch --socks5 'user:pa$s@127.0.0.1:25344' http://10.9.0.4/)" hello
equal "SOCKS5, wrong password" "$(fetch --socks5-hostname user:no@127.0.0.1:25344 http://inner.example/ | grep -c 'rejected')" 1
equal "SOCKS5, closed port: reply 5" "$(fetch "${S[@]}" http://10.9.0.2:1/ | grep -c '(5)')" 1
equal "SOCKS5, no such name: reply 4" "$(fetch "${S[@]}" http://nowhere.example/ | grep -c '(4)')" 1
equal "HTTP, no password" "$(http_code -x http://127.0.0.1:25345 http://inner.example/)" 407
equal "HTTP, closed port" "$(http_code "${H[@]}" http://10.9.0.2:1/)" 502
equal "HTTP, HEAD" "$(fetch -I "${H[@]}" http://inner.example/ | tr -d '\r' | grep -c '^Content-Length: 6$')" 1
equal "HTTP, POST" "$(fetch "${H[@]}" -d abc http://inner.example/)" "$(printf abc | sum_of)"
equal "plain HTTP to the TLS proxy gets no page" "$(http_code -x http://127.0.0.1:25346 http://inner.example/)" 000

# ---- SNI --------------------------------------------------------------------------------------------------
sni() { http_code --cacert "$FW/ca.pem" --connect-to "::127.0.0.1:25443" "$@"; }
equal "SNI: curl to one name" "$(sni https://inner.example/)" 200
equal "SNI: and to another" "$(sni https://two.example/)" 200
equal "SNI: TLS 1.2" "$(sni --tls-max 1.2 https://two.example/)" 200
check "SNI: the certificate is the server's" bash -c "ip netns exec '$P-A' openssl s_client -connect 127.0.0.1:25443 \
	-servername two.example </dev/null 2>/dev/null | grep -q 'subject=CN = two.example'"
check "SNI: no name, an alert" bash -c "ip netns exec '$P-A' openssl s_client -connect 127.0.0.1:25443 -noservername \
	</dev/null 2>&1 | grep -q 'unrecognized name'"

# ---- ssh ---------------------------------------------------------------------------------------------------
via() { # PROXYCOMMAND
	nobody timeout 30 ssh -F none -o BatchMode=yes -o StrictHostKeyChecking=no -o UserKnownHostsFile=/dev/null \
		-o LogLevel=ERROR -i "$FW/id" -o ProxyCommand="$1" root@inner.example "${2:-echo at \$SSH_CONNECTION}" 2>&1
}
install -m 644 "$LIB/socks.py" "$FW/socks.py" # the tree may be where nobody may not look
check "ssh through SOCKS5" grep -q "at 10.9.0.1 .* 10.9.0.2 22" <<<"$(via "$PYTHON $FW/socks.py 127.0.0.1:25344 user 'pa\$s' %h %p")"
equal "ssh through SOCKS5: ${ADIT_MB:-8} MB" "$(via "$PYTHON $FW/socks.py 127.0.0.1:25344 user 'pa\$s' %h %p" "cat $FW/www/blob" | sum_of)" "$SUM"
STDIO="env MY_WIREGUARD_PRIVATE_KEY='$KEY' $FW/adit forward -s -c $FW/stdio.conf"
sed 's/^ListenPort = 51877$//' "$FW/wg0.conf" >"$FW/stdio-net.conf"
printf 'WGConfig = stdio-net.conf\n[STDIOTunnel]\nTarget = inner.example:22\n' >"$FW/stdio.conf"
chown nobody "$FW"/stdio*.conf
stop "$FWPID" # one key, one place
check "ssh with [STDIOTunnel] as ProxyCommand" grep -q "at 10.9.0.1 .* 10.9.0.2 22" <<<"$(via "$STDIO")"
STDIO="env MY_WIREGUARD_PRIVATE_KEY='$KEY' $FW/adit forward -s -c $FW/stdio-net.conf --stdio %h:%p"
check "ssh with --stdio as ProxyCommand" grep -q "at 10.9.0.1 .* 10.9.0.2 22" <<<"$(via "$STDIO")"
chmod 644 "$FW/stdio-net.conf" # a warning, but not with -s
equal "ssh with --stdio: ${ADIT_MB:-8} MB" "$(via "$STDIO" "cat $FW/www/blob" | sum_of)" "$SUM"

# ---- health --------------------------------------------------------------------------------------------------
forward_up health.log 9080 -c "$FW/w.conf" -i localhost:9080
ready() { [ "$(http_code http://localhost:9080/readyz)" = "$1" ]; }
check "readyz: 200 once all addresses answer" wait_for 10 ready 200
check "readyz: both addresses with the time of the last answer" bash -c "jq -e '(.[\"10.9.0.2\"] > 1700000000) and
	(.[\"fd09::2\"] > 1700000000)' <<<'$(fetch http://localhost:9080/readyz)'"
equal "healthz" "$(fetch http://localhost:9080/healthz)" ok
check "metrics: the peer, and a handshake" awk "BEGIN { exit !($(metric wireguard_latest_handshake_seconds) > 0 || $(metric wireguard_received_bytes_total) > 0) }"
run_bg A "$TMP/back.log" "$PYTHON" -m http.server --bind 127.0.0.1 -d "$FW/www" 25545
wait_for 5 listening A 25545
equal "TCPServerTunnel: from inside to a name here" "$(on B curl -sS -m 20 http://10.9.0.1:3422/ 2>&1)" hello
equal "TCPClientTunnel to a name" "$(fetch http://127.0.0.1:25565/)" hello
ip -n "$P-B" addr del fd09::2/64 dev "$WB"
check "readyz: 503 when one of them is silent" wait_for 15 ready 503
stop "$FWPID"
done_testing
