#!/bin/bash
# SPDX-License-Identifier: ISC
#
# kernel_backend.sh - adit forward --backend kernel, as nobody: Linux's TCP in a namespace carries the forwards
#
#   A  127.0.0.1:8080 --- namespace with adit0 10.9.0.1 fd09::1 === tunnel === wB 10.9.0.2 fd09::2  B
. "$(dirname "$0")/lib.sh"
lab_start
need setpriv unshare curl
[ -z "$ADIT_STANDIN" ] || skip_all "adit forward is adit's own"
"$ADIT" help forward >/dev/null 2>&1 || skip_all "this build has no adit forward"
bin_for_nobody
mknod -m 666 "$BIN/tun" c 10 200 || skip_all "cannot make a device node"
topology_direct
far_end
conf=$BIN/x.conf
cat >"$conf" <<END
[Interface]
PrivateKey = $(cat "$TMP/a.key")
Address = 10.9.0.1, fd09::1
DNS = 10.9.0.2
[Peer]
PublicKey = $(key b)
Endpoint = $B4:51822
AllowedIPs = 10.9.0.2/32, fd09::2/128
END
chown nobody "$conf" && chmod 600 "$conf"
mkdir "$TMP/www"
head -c 20M /dev/urandom >"$TMP/www/blob"
# with room for 200 that come at once
run_bg B "$TMP/http.log" "$PYTHON" -c "
import functools, http.server, socket
class Server(http.server.ThreadingHTTPServer):
    request_queue_size, address_family = 512, socket.AF_INET6
Server(('::', 80), functools.partial(http.server.SimpleHTTPRequestHandler, directory='$TMP/www')).serve_forever()"
run_bg A "$TMP/http2.log" "$PYTHON" -m http.server --bind 127.0.0.1 -d "$TMP/www" 8099
wait_for 5 listening B 80
wait_for 5 listening A 8099
dns=
if command -v dnsmasq >/dev/null; then
	dns=127.0.0.1:8083:web.inside.test:80
	run_bg B "$TMP/dns.log" dnsmasq -k -C /dev/null --no-hosts --no-resolv --user=root --listen-address=10.9.0.2 \
		--bind-interfaces --address=/web.inside.test/10.9.0.2 --pid-file=
fi
# shellcheck disable=SC2016,SC2086
run_bg A "$TMP/forward.log" unshare -m bash -c 'mount --bind "$0/tun" /dev/net/tun && cd / && exec "$@"' "$BIN" \
	setpriv --reuid 65534 --regid 65534 --clear-groups "$BIN/adit" forward -c "$conf" --backend kernel \
	127.0.0.1:8080:10.9.0.2:80 '127.0.0.1:8081:[fd09::2]:80' 127.0.0.1:8082:10.9.0.2:81 $dns -r 9000:127.0.0.1:8099
pid=$BGPID
if ! wait_for 10 listening A 8082; then
	not_ok "it starts as nobody"
	indent "$TMP/forward.log"
	done_testing
fi
ok "it starts as nobody"
sum=$(sha256sum <"$TMP/www/blob")
get() { on "$1" curl -sS -m 20 "$2" | sha256sum; }
equal "20 MB by IPv4" "$(get A http://127.0.0.1:8080/blob)" "$sum"
equal "20 MB by IPv6" "$(get A http://127.0.0.1:8081/blob)" "$sum"
equal "20 MB the other way round" "$(get B http://10.9.0.1:9000/blob)" "$sum"
[ -n "$dns" ] && equal "a name that is known inside only" "$(get A http://127.0.0.1:8083/blob)" "$sum"
on A curl -sS -m 10 http://127.0.0.1:8082/ >/dev/null 2>"$TMP/err"
rc=$?
# 7 where the reset comes before connect returns
expr_true "a closed port inside is a reset here: curl says" "$rc == 56 || $rc == 7" || indent "$TMP/err"
many() { on A bash -c 'for i in {1..200}; do curl -sS -m 120 -o /dev/null http://127.0.0.1:8080/ & done; wait' 2>&1; }
equal "200 at once: failures" "$(many | tee "$TMP/many" | wc -l)" 0 || indent "$TMP/many"
# half-close: the whole answer comes after our end of file
echo all of it >"$TMP/answer"
# shellcheck disable=SC2016
run_bg B "$TMP/half.log" bash -c 'socat TCP-LISTEN:81,reuseaddr SYSTEM:"cat >/dev/null; cat $0"' "$TMP/answer"
if command -v socat >/dev/null && wait_for 5 listening B 81; then
	equal "an answer after end of file" "$(on A timeout 10 nc -N 127.0.0.1 8082 </dev/null)" "all of it"
else
	skip "an answer after end of file" "no socat"
fi
helpers() { pgrep -P "$pid" | wc -l; }
equal "one helper" "$(helpers)" 1
helper=$(pgrep -P "$pid")
kill -KILL "$pid"
wait "$pid" 2>/dev/null
check "and none after kill -9" wait_for 5 gone "$helper"
# where namespaces are forbidden: one sentence
# shellcheck disable=SC2016
on A setpriv --reuid 65534 --regid 65534 --clear-groups unshare -U --map-current-user --keep-caps bash -c 'echo 0 >/proc/sys/user/max_user_namespaces && cd / && exec "$@"' - \
	setpriv --inh-caps=-all --bounding-set=-all "$BIN/adit" forward -s -c "$conf" --backend kernel 8084:10.9.0.2:80 \
	>"$TMP/forbidden" 2>&1
rc=$?
expr_true "user namespaces turned off: status" "$rc == 1 || $rc == 4" || indent "$TMP/forbidden"
equal "  one line" "$(wc -l <"$TMP/forbidden")" 1 || indent "$TMP/forbidden"
check "  that says why and what to do" grep -q "user namespaces are turned off here: as root, sysctl" "$TMP/forbidden" || indent "$TMP/forbidden"
done_testing
