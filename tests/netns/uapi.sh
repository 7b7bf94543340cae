#!/bin/bash
# SPDX-License-Identifier: ISC
#
# uapi.sh - bad input on the socket and the command line: a clear answer, the device unharmed
#
#   A  a0 198.51.100.1  ------ veth ------  198.51.100.2 b0  B
#      wA 10.9.0.1           tunnel         wB 10.9.0.2
. "$(dirname "$0")/lib.sh"
lab_start
topology_direct
pair adit adit || { not_ok "two devices start"; done_testing; }
check "the tunnel works" reaches A 10.9.0.2
K=$(printf 'ab%.0s' {1..32})

# TEXT (printf) -> the errno of the answer
answer() { printf "$1" | timeout 10 "$PYTHON" "$LIB/lab.py" set "$WA" | tail -n 2 | tr -d '\n'; }
refused() { # "what" TEXT ERRNO
	equal "$1" "$(answer "$2")" "errno=$3"
}
refused "unknown device key" 'set=1\nbogus=1\n\n' -22
refused "unknown peer key" "set=1\npublic_key=$K\nbogus=1\n\n" -22
refused "a boolean that is not true" 'set=1\nreplace_peers=yes\n\n' -22
refused "short private key" 'set=1\nprivate_key=abcd\n\n' -22
refused "long private key" "set=1\nprivate_key=${K}00\n\n" -22
refused "private key that is not hex" "set=1\nprivate_key=${K/ab/zz}\n\n" -22
refused "short public key" 'set=1\npublic_key=abcd\n\n' -22
refused "port out of range" 'set=1\nlisten_port=65536\n\n' -22
refused "port that is no number" 'set=1\nlisten_port=12a\n\n' -22
refused "port below zero" 'set=1\nlisten_port=-1\n\n' -22
refused "fwmark too large" 'set=1\nfwmark=4294967296\n\n' -22
refused "endpoint without a port" "set=1\npublic_key=$K\nupdate_only=true\nendpoint=192.0.2.1\n\n" -22
refused "endpoint that is a name" "set=1\npublic_key=$K\nendpoint=example.com:5\n\n" -22
refused "allowed IP with /33" "set=1\npublic_key=$K\nallowed_ip=192.0.2.0/33\n\n" -22
refused "allowed IP that is none" "set=1\npublic_key=$K\nallowed_ip=hello/8\n\n" -22
refused "keepalive too large" "set=1\npublic_key=$K\npersistent_keepalive_interval=65536\n\n" -22
refused "protocol version 2" "set=1\npublic_key=$K\nprotocol_version=2\n\n" -22
refused "a line without =" 'set=1\nprivate_key\n\n' -71
refused "taken port" 'set=1\nlisten_port=51821\n\n' 0
lab set "$WA" <<<"set=1
public_key=$K
remove=true
" >/dev/null
equal "peers that refused lines made are gone, ours stayed" "$(wg show "$WA" peers)" "$PUBB"

refused "a set without lines" 'set=1\n\n' 0
refused "two requests on one connection" 'set=1\n\n' 0
two=$("$PYTHON" - "$WA" <<'END'
import socket, sys
s = socket.socket(socket.AF_UNIX)
s.settimeout(5)
s.connect("/var/run/wireguard/%s.sock" % sys.argv[1])
s.sendall(b"set=1\n\nget=1\n\n")
got = b""
while got.count(b"errno=") < 2:
    part = s.recv(65536)
    if not part:
        break
    got += part
print(got.count(b"errno=0\n\n"))
END
)
equal "two requests at once get two answers" "$two" 2

# Cut off, endless, and in crumbs.
abuse() { # python body with s connected
	timeout 20 "$PYTHON" -c 'import socket, sys, time
s = socket.socket(socket.AF_UNIX)
s.settimeout(8)
s.connect("/var/run/wireguard/%s.sock" % sys.argv[1])
'"$1" "$WA"
}
check "a request that ends in the middle" abuse 's.sendall(b"set=1\nlisten_por"); s.close()'
check "a line of 10 MB ends in an error or a closed connection" abuse '
try:
    for _ in range(160):
        s.sendall(b"set=1\nprivate_key=" if _ == 0 else b"a" * 65536)
    s.sendall(b"\n\n")
    reply = s.recv(65536)
except (BrokenPipeError, ConnectionResetError):
    reply = b""
sys.exit(0 if reply == b"" or b"errno=-" in reply else repr(reply))'
check "an unknown operation closes" abuse '
s.sendall(b"dance=1\n\n")
reply = s.recv(100)
sys.exit(0 if reply == b"" or b"errno=-" in reply else repr(reply))'
check "one byte at a time" abuse '
for b in b"get=1\n\n":
    s.sendall(bytes([b]))
    time.sleep(0.01)
reply = b""
while b"errno=0\n\n" not in reply:
    reply += s.recv(65536)'
check "bytes that are no text" abuse '
s.sendall(bytes(range(256)) * 40)
try:
    s.recv(100)
except ConnectionResetError:
    pass'
check "a connection that says nothing holds nobody up" abuse '
t = socket.socket(socket.AF_UNIX)
t.settimeout(5)
t.connect("/var/run/wireguard/%s.sock" % sys.argv[1])
t.sendall(b"get=1\n\n")
sys.exit(0 if t.recv(100) else 1)'
check "a reader that stops reading holds nobody up" abuse '
s.sendall(b"get=1\n\n" * 2000)
t = socket.socket(socket.AF_UNIX)
t.settimeout(5)
t.connect("/var/run/wireguard/%s.sock" % sys.argv[1])
t.sendall(b"get=1\n\n")
sys.exit(0 if t.recv(100) else 1)'
check "the program lives" kill -0 "$PIDA"
check "the tunnel works" reaches A 10.9.0.2
equal "the configuration is the same" "$(wg show "$WA" private-key) $(wg show "$WA" listen-port)" "$(cat "$TMP/a.key") 51821"

# The socket is for root.
equal "socket: mode" "$(stat -c %a "/var/run/wireguard/$WA.sock")" 700
if adit_only "command line"; then
	says() { # "what" EXIT WORD ARGS...
		local what=$1 code=$2 word=$3 got
		shift 3
		on A timeout 5 "$@" >"$TMP/out" 2>&1 </dev/null
		got=$?
		if [ $got = "$code" ] && grep -qi -- "$word" "$TMP/out"; then
			ok "$what"
		else
			not_ok "$what"
			diag "exit $got, want $code and the word '$word'"
			indent "$TMP/out"
		fi
	}
	says "no interface name" 2 "usage\|iface" "$ADIT" device -f
	says "name too long" 2 "name" "$ADIT" device -f thisnameistoolong
	says "name with a slash" 2 "name" "$ADIT" device -f a/b
	says "unknown option" 2 "bogus" "$ADIT" device --bogus x
	says "unknown command" 2 "dance" "$ADIT" dance
	says "show of nothing" 3 "nosuch" "$ADIT" show nosuch
	mkdir "$TMP/dev"
	says "no /dev/net/tun" 1 "/dev/net/tun" unshare -m sh -c 'mount --bind "$1" /dev/net && exec "$2" device -f '"$W"'z' sh "$TMP/dev" "$ADIT"
	chmod 755 "$TMP"
	if on A setpriv --reuid 65534 --regid 65534 --clear-groups test -x "$ADIT"; then
		says "no permission" 4 "root\|permi\|CAP_NET_ADMIN" setpriv --reuid 65534 --regid 65534 --clear-groups "$ADIT" device -f "${W}z"
	else
		skip "no permission" "another user cannot reach $ADIT"
	fi
	if command -v strace >/dev/null; then
		check "wg(8) asks before it listens, and takes the socket away: it makes another" device_up A "${W}z" \
			"strace -f -o $TMP/strace -e trace=listen -e inject=listen:delay_enter=500000:when=1 $ADIT device -f ${W}z"
		equal "  it listened twice" "$(grep -c 'listen(' "$TMP/strace")" 2
	else
		skip "wg(8) asks before it listens" "strace is not installed"
	fi
	check "bad words in ADIT_OFFLOAD are refused" eval '! on A env ADIT_OFFLOAD=-bogus timeout 5 "$ADIT" device -f "$W"z'
fi
done_testing
