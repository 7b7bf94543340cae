#!/bin/bash
# SPDX-License-Identifier: ISC
#
# libadit.sh - the examples, built by pkg-config against the installed library, against adit device
#
#   A (nobody)  a0 198.51.100.1 ------ veth ------ 198.51.100.2 b0  B  adit device
#     fetch, echo-server: 10.9.0.1                 wB 10.9.0.2: a web server, nc
. "$(dirname "$0")/lib.sh"
lab_start
need meson cc pkg-config nc setpriv python3
[ -z "$ADIT_STANDIN" ] || skip_all "libadit is adit's own"
build=$(cd "$(dirname "$ADIT")/../.." && pwd)
DESTDIR=$TMP/inst meson install -C "$build" --no-rebuild --quiet >"$TMP/install.log" 2>&1 || {
	not_ok "it installs"
	indent "$TMP/install.log"
	done_testing
}
PKG_CONFIG_PATH=$(dirname "$(find "$TMP/inst" -name adit.pc)")
LD_LIBRARY_PATH=$(dirname "$PKG_CONFIG_PATH")
export PKG_CONFIG_PATH LD_LIBRARY_PATH PKG_CONFIG_SYSROOT_DIR=$TMP/inst
BIN=$(mktemp -d "${TMPDIR:-/tmp}/adit-lib.XXXXXX") || exit 1
trap 'rm -rf "$BIN"; cleanup' EXIT
chown nobody "$BIN"
cp -a "$LD_LIBRARY_PATH"/libadit.so* "$BIN"

# build NAME PACKAGE...
build() {
	local source=$ROOT/examples/$1.c
	[ -e "$source" ] || source=$TMP/$1.c
	# shellcheck disable=SC2046
	PKG_CONFIG_SYSROOT_DIR=$TMP/inst cc -Wall -Wextra -Werror -o "$BIN/$1" "$source" \
		$(pkg-config --cflags --libs adit) "${@:2}"
}
check "echo-server builds by pkg-config" build echo-server
check "fetch builds by pkg-config" build fetch -lcurl
# the first program of the tour in the documentation
awk '/^```c$/ { c = 1; next } /^```$/ && c { exit } c' "$ROOT/doc/libadit.md" >"$TMP/tour.c"
check "the tour's program builds" build tour
equal "the library exports its interface alone" "$(nm -D --defined-only "$BIN/libadit.so.0" | grep -vc ' adit_\| ADIT_0')" 0

cat >"$TMP/burst.c" <<'END'
/* FILE ADDRESS: 300 datagrams of 60000 bytes as fast as the descriptor takes them, then it is closed */
#include <adit/adit.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

int main(int argc, char **argv)
{
	struct adit_options o = { .size = sizeof(o), .config_file = argc > 1 ? argv[1] : NULL };
	static char data[60000];
	char err[256] = "";
	struct adit *net;
	int fd, i = 0;

	if (adit_open(&net, &o, err, sizeof(err)) < 0 || (fd = adit_dial(net, "udp", argv[2], 10000)) < 0)
		return fprintf(stderr, "%s\n", err), 1;
	for (; i < 300; i++) {
		memset(data, i, sizeof(data));
		if (send(fd, data, sizeof(data), 0) != sizeof(data))
			return perror("send"), 1;
	}
	close(fd);
	getchar(); /* until what is on its way has come */
	adit_close(net);
	return 0;
}
END
check "a program with datagrams builds" build burst

topology_direct
far_end
cat >"$BIN/x.conf" <<END
[Interface]
PrivateKey = $(cat "$TMP/a.key")
Address = 10.9.0.1/32
[Peer]
PublicKey = $(key b)
Endpoint = 198.51.100.2:51822
AllowedIPs = 10.9.0.0/24
PersistentKeepalive = 1
END
chown nobody "$BIN/x.conf" && chmod 600 "$BIN/x.conf"
mkdir "$TMP/www"
head -c 20M /dev/urandom >"$TMP/www/blob"
sum=$(sha256sum <"$TMP/www/blob")
run_bg B "$TMP/http.log" "$PYTHON" -m http.server --bind 10.9.0.2 -d "$TMP/www" 80
wait_for 5 listening B 80

nobody() { setpriv --reuid 65534 --regid 65534 --clear-groups env LD_LIBRARY_PATH="$BIN" "$@"; }
fetch() { ip netns exec "$P-A" setpriv --reuid 65534 --regid 65534 --clear-groups env LD_LIBRARY_PATH="$BIN" timeout 30 "$BIN/fetch" "$BIN/x.conf" "$@"; }
equal "20 MB by libcurl on a descriptor of ours" "$(fetch 10.9.0.2:80 http://10.9.0.2/blob | sha256sum)" "$sum"
equal "20 MB by the tour's program" "$(ip netns exec "$P-A" setpriv --reuid 65534 --regid 65534 --clear-groups env LD_LIBRARY_PATH="$BIN" \
	timeout 30 "$BIN/tour" "$BIN/x.conf" 10.9.0.2:80 'GET /blob HTTP/1.0' | sed '1,/^\r$/d' | sha256sum)" "$sum"
check_not "a closed port" fetch 10.9.0.2:81 http://10.9.0.2/blob
check_not "no configuration" nobody "$BIN/fetch" "$BIN/none.conf" 10.9.0.2:80 http://10.9.0.2/
# the stack's queue holds four of these datagrams: the rest has to wait for its room
run_bg B "$TMP/burst.log" "$PYTHON" -c "
import socket
s = socket.socket(socket.AF_INET, socket.SOCK_DGRAM); s.setsockopt(socket.SOL_SOCKET, 33, 64 << 20)
s.bind(('10.9.0.2', 9)); s.settimeout(20); print('bound', flush=True)
n = 0
while n < 300:
    d = s.recv(65536); n += d == bytes([n & 255]) * 60000
print('all', flush=True)"
wait_for 5 grep -q bound "$TMP/burst.log"
mkfifo "$TMP/burst.in"
ip netns exec "$P-A" setpriv --reuid 65534 --regid 65534 --clear-groups env LD_LIBRARY_PATH="$BIN" timeout 60 \
	"$BIN/burst" "$BIN/x.conf" 10.9.0.2:9 <"$TMP/burst.in" >"$TMP/burst.err" 2>&1 &
PIDS+=($!)
exec 9>"$TMP/burst.in"
check "300 datagrams of 60 kB, none lost, and all in order" wait_for 40 grep -q all "$TMP/burst.log" || indent "$TMP/burst.err"
exec 9>&-

for network in tcp udp; do
	run_bg A "$TMP/echo.log" setpriv --reuid 65534 --regid 65534 --clear-groups env LD_LIBRARY_PATH="$BIN" "$BIN/echo-server" "$BIN/x.conf" $network :7
	server=$BGPID
	wait_for 5 grep -q "listening on port 7" "$TMP/echo.log"
	wait_for 5 has_handshake "$WB" "$(key a)"
	sleep 1.2 # its keepalive tells the far end where it is
	if [ $network = tcp ]; then
		equal "20 MB echoed, half-close included" "$(on B timeout 30 nc -N 10.9.0.1 7 <"$TMP/www/blob" | sha256sum)" "$sum"
	else
		equal "a datagram echoed" "$(on B "$PYTHON" -c "
import socket
s = socket.socket(socket.AF_INET, socket.SOCK_DGRAM); s.settimeout(5)
s.sendto(b'hello', ('10.9.0.1', 7)); print(s.recv(2000).decode())")" hello
	fi
	check "who it was" grep -q "^10.9.0.2:" "$TMP/echo.log"
	stop "$server"
done
done_testing
