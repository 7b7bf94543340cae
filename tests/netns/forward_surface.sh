#!/bin/bash
# SPDX-License-Identifier: ISC
#
# forward_surface.sh - options, variables and keys that no other test of adit forward has: each is taken, and does something
#
# Topology: inside.sh. Beside its servers 10.9.0.2 and fd09::2 tell at port 81 who asks.
. "$(dirname "$0")/lib.sh"
. "$(dirname "$0")/inside.sh"
lab_start
need openssl tcpdump
inside_start
echo hello >"$FW/www/index.html"
inside_servers "$FW/www" http dns echo
run_bg B "$TMP/who.log" "$PYTHON" -c "
import socket
l = socket.create_server(('::', 81), family=socket.AF_INET6, dualstack_ipv6=True)
while True:
    c, a = l.accept()
    c.sendall(a[0].replace('::ffff:', '').encode() + b'\n')
    c.close()"
wait_for 5 listening B 81
(umask 077; wg genpsk >"$TMP/psk")
wg set "$WB" peer "$(key a)" preshared-key "$TMP/psk"
status_of() { nobody "$FW/adit" forward status --json --control "$1" 2>&1; }
mkdir -p "$FW/run" "$FW/sockets" "$FW/else" "$FW/home/.config"

equal "-v" "$("$FW/adit" forward -v)" "adit forward, version $("$ADIT" version | awk 'NR == 1 { print $2 }')"

# ---- variables and options ---------------------------------------------------------------------------
run_bg A "$TMP/local.log" "$PYTHON" -c "
import os, socket, threading
def serve(s, text):
    while True:
        c = s.accept()[0]
        c.sendall(text)
        c.close()
s = socket.socket(socket.AF_UNIX)
s.bind('$FW/else/server')
os.chmod('$FW/else/server', 0o777)
s.listen()
threading.Thread(target=serve, args=(s, b'of a Unix socket\n'), daemon=True).start()
for port in 9201, 9202:
    t = threading.Thread(target=serve, args=(socket.create_server(('127.0.0.1', port)), b'%d\n' % port))
    t.start()"
wait_for 5 listening A 9202
run_bg B "$TMP/syn.pcap" tcpdump -n -l -i "$WB" 'tcp[13] & 0x12 == 2'
chown -R nobody "$FW/run" "$FW/sockets" "$FW/else" "$FW/home"
FWENV=(ONETUN_PRIVATE_KEY_FILE="$FW/a.key" ONETUN_PRESHARED_KEY="$(cat "$TMP/psk")" ONETUN_ENDPOINT_ADDR="$B4:51822"
	ONETUN_ENDPOINT_PUBLIC_KEY="$(key b)" "ONETUN_SOURCE_PEER_IP=10.9.0.1,fd09::1" ONETUN_KEEP_ALIVE=7 ONETUN_MTU=1300
	"ONETUN_REMOTE_PORT_FORWARD_1=9100:unix:$FW/else/server" "ONETUN_REMOTE_PORT_FORWARD_2=9101-9102:127.0.0.1:9201-9202")
forward_up variables.log 1090 --mixed 'user:p@ss@127.0.0.1:1090' 127.0.0.1:8080:10.9.0.2:80 '127.0.0.2:8080:[fd09::2]:81' \
	"unix:$FW/sockets/web:10.9.0.2:80" --sni 4443 --control "$FW/run/control"
equal "--mixed: SOCKS5" "$(fetch --socks5-hostname 127.0.0.1:1090 --proxy-user 'user:p@ss' http://10.9.0.2/)" hello
equal "--mixed: HTTP on the same port" "$(fetch -x 'http://user:p%40ss@127.0.0.1:1090' http://10.9.0.2/)" hello
check_not "--mixed: SOCKS5 with another password" fetch --socks5-hostname user:p@127.0.0.1:1090 http://10.9.0.2/
equal "--mixed: HTTP without one" "$(http_code -x http://127.0.0.1:1090 http://10.9.0.2/)" 407
check_not "--mixed: no password is in the list of processes" grep -qF 'p@ss' "/proc/$FWPID/cmdline"
check "--sni listens" listening A 4443
equal "one port on two addresses: the first" "$(fetch http://127.0.0.1:8080/)" hello
equal "  the second" "$(on A nc -d 127.0.0.2 8080)" fd09::1
equal "a Unix socket here" "$(fetch --unix-socket "$FW/sockets/web" http://x/)" hello
equal "  its mode" "$(stat -c %a "$FW/sockets/web")" 600
equal "ONETUN_REMOTE_PORT_FORWARD_1, to a Unix socket" "$(on B nc -d -w 10 10.9.0.1 9100)" "of a Unix socket"
equal "ONETUN_REMOTE_PORT_FORWARD_2, a range" "$(on B nc -d -w 10 10.9.0.1 9101; on B nc -d -w 10 fd09::1 9102)" "9201
9202"
check "ONETUN_PRESHARED_KEY: a handshake" has_handshake "$WB" "$(key a)"
equal "ONETUN_KEEP_ALIVE" "$(status_of "$FW/run/control" | jq '.peers[0].keepalive')" 7
check "ONETUN_MTU: the MSS of a SYN" wait_for 5 grep -q "mss 1260" "$TMP/syn.pcap" || indent "$TMP/syn.pcap"
on A setpriv --reuid 1 --regid 1 --clear-groups "$FW/adit" forward status --control "$FW/run/control" >"$TMP/other" 2>&1
equal "status for another user: 4" $? 4 || indent "$TMP/other"
check "  root may ask" on A "$FW/adit" forward status --control "$FW/run/control"
equal "the sandbox: seccomp" "$(awk '/^Seccomp:/ { print $2 }' "/proc/$FWPID/status")" 2
equal "  no new privileges" "$(awk '/^NoNewPrivs/ { print $2 }' "/proc/$FWPID/status")" 1
stop "$FWPID"
check_not "the Unix socket is gone at the end" test -e "$FW/sockets/web"
status_of "$FW/run/control" >/dev/null
equal "status without a forwarder: 3" $? 3

# ---- log lines ----
# the far end is not there, so something goes wrong that a warning or debug line tells
lines() { # LEVEL: how many of each, of one start
	forward_up "log-$1.log" 8081 8081:10.9.0.2:80 --log "$1"
	stop "$FWPID"
	awk '{ print $2 }' "$TMP/log-$1.log" | sort -u | xargs
}
equal "--log warn: nothing to say" "$(lines warn)" ""
equal "--log onetun=info,off" "$(lines onetun=info,off)" info:
unset_here="XDG_RUNTIME_DIR is not set"
check "  without a place for it: no control socket" grep -q "no control socket: $unset_here; --control PATH" "$TMP/log-onetun=info,off.log"
nobody env -u XDG_RUNTIME_DIR "$FW/adit" forward status 2>"$TMP/status.err"
equal "  status: 3" $? 3
check "  says the same reason" grep -q "$unset_here" "$TMP/status.err"

# ---- a file's keys, in the background from a folder of its own -------------------------------------------
openssl req -x509 -newkey ec -pkeyopt ec_paramgen_curve:P-256 -nodes -days 2 -subj /CN=proxy \
	-addext subjectAltName=IP:127.0.0.1 -keyout "$FW/proxy.key" -out "$FW/proxy.pem" 2>/dev/null
# conf STRATEGY [LINE...]: the file
conf() {
	cat >"$FW/home/.config/wireproxy.conf" <<-END
		[Interface]
		Address = 10.9.0.1/32, fd09::1/128
		PrivateKey = $KEY
		DNS = 10.9.0.2, example
		ListenPort = 51888
		[Peer]
		PublicKey = $(key b)
		PresharedKey = $(cat "$TMP/psk")
		Endpoint = $B4:51822
		[Mixed]
		BindAddress = 127.0.0.1:1091
		CertFile = proxy.pem
		KeyFile = proxy.key
		[TCPClientTunnel]
		BindAddress = 127.0.0.1:8081
		Target = inner:81
		[TCPClientTunnel]
		BindAddress = unix:$FW/sockets/$2
		Target = 10.9.0.2:80
		[UDPServerTunnel]
		ListenPort = 9300
		Target = 127.0.0.1:9301
		UnrepliedTimeout = 1
		[UDPProxyTunnel]
		BindAddress = 127.0.0.1:4000
		Target = 10.9.0.2:4000
		InactivityTimeout = 3
		UnrepliedTimeout = 1
		PortPool = 50
		PortsPerClient = 2
		[Resolve]
		ResolveStrategy = $1
	END
	chown nobody "$FW/home/.config/wireproxy.conf" && chmod 600 "$FW/home/.config/wireproxy.conf"
}
chown nobody "$FW/proxy.key" "$FW/proxy.pem"
# shellcheck disable=SC2016
daemon() { # NAME=VALUE...: found by HOME; sets FWPID
	nobody env HOME="$FW/home" bash -c 'cd "$0" && exec ./adit forward -d "$@"' "$FW" --control run/ctl --pcap x.pcapng \
		-i 127.0.0.1:9080 >"$TMP/daemon.log" 2>&1 </dev/null
	equal "-d with ~/.config/wireproxy.conf: status" $? 0 || indent "$TMP/daemon.log"
	FWPID=$(on A ss -Hltnp 'sport = :9080' 2>/dev/null | sed -n 's/.*pid=\([0-9]*\).*/\1/p')
	PIDS+=("$FWPID")
}
conf ipv4 web
daemon
check "names of the command line are of the folder where it began: --control" test -S "$FW/run/ctl"
check "  --pcap" test -e "$FW/x.pcapng"
equal "CertFile and KeyFile, of a folder by name" "$(fetch -x https://127.0.0.1:1091 --proxy-cacert "$FW/proxy.pem" http://10.9.0.2/)" hello
equal "a domain of DNS, and ResolveStrategy ipv4" "$(on A nc -d -w 10 127.0.0.1 8081)" 10.9.0.1
equal "ListenPort" "$(status_of "$FW/run/ctl" | jq .listen_port)" 51888
equal "  the far end sees it" "$(endpoint_of "$WB" "$(key a)")" "$A4:51888"
datagrams() { # COUNT PORT: answers to one client address by so many sockets
	on A "$PYTHON" -c "
import socket, sys
socks = [socket.socket(socket.AF_INET, socket.SOCK_DGRAM) for _ in range(int(sys.argv[1]))]
for s in socks:
    s.connect(('127.0.0.1', 4000)); s.settimeout(10); s.send(b'0 x'); s.recv(99)
print(len(socks))" "$1"
}
mappings() { metric adit_forward_udp_mappings_total "udp 127.0.0.1:4000[^}]*event=\"$1\""; }
equal "HTTP: another path" "$(http_code http://127.0.0.1:9080/x)" 404
equal "  another method" "$(http_code -X POST http://127.0.0.1:9080/metrics)" 405
equal "  HEAD" "$(fetch -I http://127.0.0.1:9080/healthz | head -1 | tr -d '\r')" "HTTP/1.1 200 OK"
command -v promtool >/dev/null && check "promtool finds nothing in /metrics" \
	bash -c 'ip netns exec "$0-A" curl -sS http://127.0.0.1:9080/metrics | promtool check metrics' "$P"
equal "four sockets of one client" "$(datagrams 4)" 4
equal "  PortsPerClient = 2: the oldest two lost theirs, counted" "$(mappings reclaimed)" 2
expired() { [ "$(mappings expired)" = 2 ]; }
check "  InactivityTimeout: the others expire, counted" wait_for 10 expired
udp_answerer 9301
equal "[UDPServerTunnel]" "$(on B "$PYTHON" -c "
import socket
s = socket.socket(socket.AF_INET, socket.SOCK_DGRAM); s.settimeout(10); s.sendto(b'x', ('10.9.0.1', 9300)); print(s.recv(99).decode())")" "from here"
# what the stack drops is in the capture with its reason
on B "$PYTHON" -c "
import socket, struct
s = socket.socket(socket.AF_INET, socket.SOCK_RAW, socket.IPPROTO_UDP)
s.sendto(struct.pack('>HHHH', 9, 9300, 12, 1) + b'evil', ('10.9.0.1', 0))"
commented() { grep -aq checksum_wrong "$FW/x.pcapng"; }
check "--pcap: the reason of a drop" wait_for 10 commented
check "  it is counted" test "$(metric adit_dropped_packets_total checksum_wrong)" = 1
# a reload makes and removes Unix sockets
conf ipv4 web2
kill -HUP "$FWPID"
check "a Unix socket of a reload" wait_for 10 test -S "$FW/sockets/web2"
equal "  works" "$(fetch --unix-socket "$FW/sockets/web2" http://x/)" hello
check_not "  the one before is gone" test -e "$FW/sockets/web"
stop "$FWPID"
check_not "all are gone at the end" test -e "$FW/sockets/web2"
check_not "  the control socket, too" test -e "$FW/run/ctl"
conf ipv6 web
daemon
equal "ResolveStrategy ipv6" "$(on A nc -d -w 10 127.0.0.1 8081)" fd09::1
stop "$FWPID"

# ---- as root: a mark -----------------------------------------------------------------------------------
sed 's/^ListenPort.*/&\nFwMark = 0x77/' "$FW/home/.config/wireproxy.conf" >"$TMP/mark.conf"
sed -i "s,proxy.pem,$FW/proxy.pem,; s,proxy.key,$FW/proxy.key," "$TMP/mark.conf"
chmod 600 "$TMP/mark.conf"
run_bg A "$TMP/mark.log" "$ADIT" forward -c "$TMP/mark.conf" --control "$TMP/control"
FWPID=$BGPID
wait_for 10 listening A 8081 || indent "$TMP/mark.log"
check "FwMark" grep -q 'fwmark:0x77' <(on A ss -Hlune 'sport = :51888' 2>/dev/null)
stop "$FWPID"

# ---- where a container's filter is, and no TUN -------------------------------------------------------------
# What Docker's default profile forbids, and what an older one does not know, as errors; root has its usual capabilities.
cat >"$FW/filter.py" <<'END'
import ctypes, os, sys
lib = ctypes.CDLL("libseccomp.so.2")
lib.seccomp_init.restype = ctypes.c_void_p
ctx = ctypes.c_void_p(lib.seccomp_init(ctypes.c_uint32(0x7fff0000)))
def refuse(error, names):
    for name in names.split():
        number = lib.seccomp_syscall_resolve_name(name.encode())
        if number >= 0:
            lib.seccomp_rule_add(ctx, ctypes.c_uint32(0x00050000 | error), number, 0)
refuse(1, """acct add_key bpf clock_adjtime clock_settime delete_module fanotify_init finit_module fsconfig fsmount fsopen
    get_mempolicy init_module io_uring_enter io_uring_register io_uring_setup ioperm iopl kcmp kexec_file_load kexec_load keyctl
    lookup_dcookie mbind mount move_mount move_pages name_to_handle_at nfsservctl open_by_handle_at open_tree perf_event_open
    personality pivot_root process_vm_readv process_vm_writev ptrace quotactl reboot request_key set_mempolicy setdomainname
    sethostname setns settimeofday swapoff swapon sysfs syslog umount2 unshare userfaultfd ustat vhangup
    landlock_create_ruleset landlock_add_rule landlock_restrict_self""")
refuse(38, "clone3 openat2 close_range epoll_pwait2 faccessat2 futex_waitv memfd_secret statx")
if lib.seccomp_load(ctx):
    sys.exit("no filter")
os.execv(sys.argv[1], sys.argv[1:])
END
usual=-all,+chown,+dac_override,+fsetid,+fowner,+mknod,+net_raw,+setgid,+setuid,+setfcap,+setpcap,+net_bind_service,+sys_chroot
if "$PYTHON" -c 'import ctypes; ctypes.CDLL("libseccomp.so.2")' 2>/dev/null; then
	wg set "$WB" peer "$(key a)" preshared-key /dev/null
	for who in root nobody; do
		[ $who = root ] && as=(setpriv "--bounding-set=$usual,+kill,+audit_write") ||
			as=(setpriv --reuid 65534 --regid 65534 --clear-groups)
		# shellcheck disable=SC2016
		run_bg A "$TMP/container-$who.log" unshare -m bash -c 'mount -t tmpfs none /dev/net && ulimit -l 64 && exec "$@"' - \
			"${as[@]}" "$PYTHON" "$FW/filter.py" "$FW/adit" forward "${ENDS[@]}" 8082:10.9.0.2:80 -r 9103:127.0.0.1:9201 \
			--socks5 1092 --control "$FW/control-$who"
		FWPID=$BGPID
		check "a container's filter and no /dev/net/tun, $who: it starts" wait_for 10 listening A 8082 ||
			indent "$TMP/container-$who.log"
		equal "  a page" "$(fetch http://127.0.0.1:8082/)" hello
		equal "  through SOCKS5" "$(fetch --socks5-hostname 127.0.0.1:1092 'http://[fd09::2]/')" hello
		equal "  from inside" "$(on B nc -d -w 10 10.9.0.1 9103)" 9201
		check "  it says what is in force" grep -q 'sandbox: seccomp, no capabilities' "$TMP/container-$who.log" ||
			indent "$TMP/container-$who.log"
		stop "$FWPID"
	done
else
	skip "a container's filter" "no libseccomp, or python3 without ctypes"
fi
done_testing
