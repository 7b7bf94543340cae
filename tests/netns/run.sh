#!/bin/bash
# SPDX-License-Identifier: ISC
#
# run.sh - adit run: a program inside the tunnel, as nobody; signals, jobs, and what leaks
#
#   A (nobody)  a0 198.51.100.1 -- ra R rb -- 203.0.113.2 b0  B  adit device
#     `- a namespace of its own:               wB 10.9.0.2 fd09::2
#        adit0 10.9.0.1 fd09::1    tunnel        a web server, dnsmasq, sshd
. "$(dirname "$0")/lib.sh"
lab_start
need setpriv unshare curl nc tcpdump nft
[ -z "$ADIT_STANDIN" ] || skip_all "adit run is adit's own"
"$ADIT" help run >/dev/null 2>&1 || skip_all "this build has no adit run"

bin_for_nobody
mknod -m 666 "$BIN/tun" c 10 200 || skip_all "cannot make a device node"
# every process of a run has this in its environment
export ADIT_RUN_TEST=$P.$RANDOM$RANDOM

topology_router
far_end

conf=$BIN/x.conf
cat >"$conf" <<END
[Interface]
PrivateKey = $(cat "$TMP/a.key")
Address = 10.9.0.1/24, fd09::1/64
DNS = 10.9.0.2, inside.test
[Peer]
PublicKey = $(key b)
Endpoint = $B4:51822
AllowedIPs = 0.0.0.0/0, ::/0
END
chown nobody "$conf" && chmod 600 "$conf"

# nobody CMD...: in A, with a /dev/net/tun that nobody may open
nobody() {
	# shellcheck disable=SC2016
	ip netns exec "$P-A" unshare -m bash -c 'mount --bind "$0/tun" /dev/net/tun && cd "$0" && exec "$@"' "$BIN" \
		setpriv --reuid 65534 --regid 65534 --clear-groups "$@"
}
run() { nobody timeout 30 "$BIN/adit" run -c "$conf" -- "$@"; }
processes() { grep -lzsx "ADIT_RUN_TEST=$ADIT_RUN_TEST" /proc/[0-9]*/environ 2>/dev/null | cut -d/ -f3 | while read -r pid; do
	[ "$pid" = $$ ] || [ "$(readlink "/proc/$pid/ns/net" 2>/dev/null)" = "$OWN_NET" ] || gone "$pid" || echo "$pid"
done; }
OWN_NET=$(readlink /proc/self/ns/net)
no_process() { [ -z "$(spaces_of_ours)" ]; }
# Processes of ours that live in a network namespace that is neither the test's nor of the topology.
spaces_of_ours() {
	local pid net
	for pid in $(processes); do
		net=$(stat -Lc %i "/proc/$pid/ns/net" 2>/dev/null) || continue
		stat -Lc %i /run/netns/"$P"-* | grep -qx "$net" || echo "$pid"
	done
}
nothing_left() { wait_for 5 no_process || { ps -o pid,args -p "$(spaces_of_ours | paste -sd,)"; return 1; }; }

nobody unshare -Urn true 2>"$TMP/err" || { not_ok "nobody may make namespaces here ($(cat "$TMP/err"))"; done_testing; }

# ---- services at the far end ----
mkdir "$TMP/www"
head -c 20M /dev/urandom >"$TMP/www/blob"
echo hello >"$TMP/www/index.html"
run_bg B "$TMP/http.log" "$PYTHON" -m http.server --bind 10.9.0.2 -d "$TMP/www" 80
# what everything that is not WireGuard would have to pass
run_bg R "$TMP/tcpdump.log" tcpdump -n -l -p -i ra -w "$TMP/wire.pcap" -U
wait_for 5 listening B 80
wait_for 5 grep -q listening "$TMP/tcpdump.log"

# ---- programs ----
equal "curl by IPv4" "$(run curl -sS -m 20 http://10.9.0.2/ 2>&1)" hello
sum=$(sha256sum <"$TMP/www/blob")
equal "curl of 20 MB" "$(run curl -sS -m 25 http://10.9.0.2/blob | sha256sum)" "$sum"
check "ping by IPv4" run ping -c 2 -i 0.2 -W 2 10.9.0.2
check "ping by IPv6" run ping -c 2 -i 0.2 -W 2 fd09::2
equal "who it is" "$(run id -u) $(run id -g)" "65534 65534"
# shellcheck disable=SC2016
equal "files are the caller's" "$(run bash -c 'echo written >"$0" && stat -c %U "$0"; rm "$0"' "/tmp/$P.mine" 2>&1)" nobody
equal "standard input and output" "$(echo through | run cat)" through
equal "no other interface is there" "$(run ip -o link | awk '{ sub(/[:@].*/, "", $2); print $2 }' | xargs)" "lo adit0"
equal "no privilege is there" "$(run grep CapEff /proc/self/status | awk '{ print $2 }')" 0000000000000000
equal "no descriptor of ours is there" "$(run bash -c 'ls /proc/self/fd | wc -l')" "$(nobody bash -c 'ls /proc/self/fd | wc -l')"

equal "the MTU: of the way to the endpoint, less 80" "$(run ip -o link show adit0 | grep -o 'mtu [0-9]*')" "mtu 1420"
sed '/^\[Interface/a MTU = 1300' "$conf" >"$BIN/mtu.conf" && chown nobody "$BIN/mtu.conf" && chmod 600 "$BIN/mtu.conf"
equal "  of the file" "$(nobody timeout 30 "$BIN/adit" run -c "$BIN/mtu.conf" -- ip -o link show adit0 | grep -o 'mtu [0-9]*')" \
	"mtu 1300"
sed '/^DNS/d' "$conf" >"$BIN/nodns.conf" && chown nobody "$BIN/nodns.conf" && chmod 600 "$BIN/nodns.conf"
equal "without DNS: the machine's resolv.conf" "$(nobody timeout 30 "$BIN/adit" run -c "$BIN/nodns.conf" -- cat /etc/resolv.conf)" \
	"$(cat /etc/resolv.conf)"
equal "with DNS: its servers and search domains alone" "$(run grep -v '^#' /etc/resolv.conf | sort | xargs)" \
	"nameserver 10.9.0.2 search inside.test"
equal "hosts are looked up by files and DNS alone" "$(run sed -n 's/^hosts: *//p' /etc/nsswitch.conf)" "files dns"

# ---- names ----
if command -v dnsmasq >/dev/null && command -v dig >/dev/null; then
	run_bg B "$TMP/dns.log" dnsmasq -k -C /dev/null --no-hosts --no-resolv --user=root --listen-address=10.9.0.2 \
		--bind-interfaces --address=/web.inside.test/10.9.0.2 --pid-file=
	wait_for 5 on B dig +time=1 +tries=1 @10.9.0.2 web.inside.test
	equal "dig asks the DNS server inside" "$(run dig +short +time=3 web.inside.test)" 10.9.0.2
	equal "a name by the C library" "$(run curl -sS -m 20 http://web.inside.test/ 2>&1)" hello
	equal "a search domain" "$(run getent ahostsv4 web | awk 'NR == 1 { print $1 }')" 10.9.0.2
	# a resolver of the outer machine, behind sockets that any program may ask
	cat >"$TMP/resolver.py" <<-'END'
		import os, socket, struct, sys, threading
		def where(c):  # does who asks live in our network, or in one of his own?
		    pid = struct.unpack("3i", c.getsockopt(socket.SOL_SOCKET, socket.SO_PEERCRED, 12))[0]
		    try:
		        return os.readlink(f"/proc/{pid}/ns/net") == os.readlink("/proc/self/ns/net") and "outside" or "inside"
		    except OSError:
		        return "gone"
		def serve(path, log):
		    os.makedirs(os.path.dirname(path), exist_ok=True)
		    s = socket.socket(socket.AF_UNIX)
		    s.bind(path)
		    os.chmod(path, 0o777)
		    s.listen(8)
		    while True:
		        c, _ = s.accept()
		        with open(log, "a") as f:
		            f.write(where(c) + " " + path + "\n")
		        c.close()
		for path in sys.argv[2:]:
		    threading.Thread(target=serve, args=(path, sys.argv[1])).start()
	END
	: >"$TMP/asked" && chmod 666 "$TMP/asked"
	# shellcheck disable=SC2016
	outer='mount -t tmpfs none /run && "$1" "$2/resolver.py" "$2/asked" /run/nscd/socket /run/systemd/resolve/io.systemd.Resolve \
		/run/dbus/system_bus_socket & sleep 1; mount --bind "$3/tun" /dev/net/tun; cd "$3"
		ask() { setpriv --reuid 65534 --regid 65534 --clear-groups "$@" >/dev/null; }
		ask getent ahosts other.test
		ask ./adit run -c x.conf -- getent ahosts other.test
		for s in nscd/socket systemd/resolve/io.systemd.Resolve dbus/system_bus_socket; do
			ask ./adit run -c x.conf -- nc -NU /run/$s </dev/null 2>/dev/null
		done
		kill %1'
	ip netns exec "$P-A" unshare -m bash -c "$outer" - "$PYTHON" "$TMP" "$BIN" >"$TMP/out" 2>"$TMP/err"
	expr_true "the resolver sockets of the outer machine are asked outside" "$(grep -c ^outside "$TMP/asked") > 0"
	equal "  and cannot be reached inside" "$(grep -vc ^outside "$TMP/asked")" 0
else
	skip "dig and names" "no dnsmasq, or no dig"
fi
# what the machine's resolv.conf says is not touched
equal "the machine's resolv.conf is as it was" "$(nobody cat /etc/resolv.conf)" "$(cat /etc/resolv.conf)"

# ---- ssh ----
if command -v sshd >/dev/null; then
	ssh-keygen -q -t ed25519 -N '' -f "$TMP/host" && ssh-keygen -q -t ed25519 -N '' -f "$BIN/id"
	chown nobody "$BIN/id"
	mkdir -p /run/sshd "$TMP/ssh" && cp "$BIN/id.pub" "$TMP/ssh/authorized" && chmod 755 "$TMP"
	cat >"$TMP/sshd.conf" <<-END
		ListenAddress 10.9.0.2:22
		HostKey $TMP/host
		AuthorizedKeysFile $TMP/ssh/authorized
		StrictModes no
		PermitRootLogin yes
		UsePAM no
		PidFile none
	END
	run_bg B "$TMP/sshd.log" "$(command -v sshd)" -D -e -f "$TMP/sshd.conf"
	wait_for 5 listening B 22
	equal "ssh" "$(run ssh -F none -i "$BIN/id" -o StrictHostKeyChecking=no -o UserKnownHostsFile=/dev/null -o LogLevel=ERROR \
		root@10.9.0.2 'echo there' 2>&1)" there
else
	skip "ssh" "no sshd"
fi

# ---- exit status ----
status() { "$@" >"$TMP/out" 2>"$TMP/err"; echo $?; }
equal "status 0" "$(status run true)" 0
equal "status 37" "$(status run sh -c 'exit 37')" 37
# shellcheck disable=SC2016
equal "ended by a signal" "$(status run sh -c 'kill -TERM $$')" 143
equal "not found" "$(status run no-such-program-here)" 127
check "  says so" grep -q "adit run: no-such-program-here: No such file" "$TMP/err"
equal "not executable" "$(status run /etc/passwd)" 126
equal "no file" "$(status nobody "$BIN/adit" run -c /nonexistent -- true)" 125
equal "no option c" "$(status nobody "$BIN/adit" run -- true)" 125
equal "no command" "$(status nobody "$BIN/adit" run -c "$conf")" 125
check "nothing is left" nothing_left

# ---- signals ----
# running: a sleeping COMMAND in the background; RUNPID is adit run, COMMAND its grandchild
running() {
	: >"$TMP/out"
	nobody "$BIN/adit" run -c "$conf" -- bash -c "$1" >"$TMP/out" 2>"$TMP/err" &
	BGPID=$!
	PIDS+=($BGPID)
	wait_for 10 grep -q up "$TMP/out"
	RUNPID=$(pgrep -P "$BGPID")
	KEEPER=$(pgrep -P "$RUNPID")
	COMMAND=$(pgrep -P "$KEEPER")
}
running 'trap "echo heard; exit 9" USR1; echo up; while :; do sleep 0.1; done'
kill -USR1 "$RUNPID"
wait "$BGPID"
equal "SIGUSR1 is passed on" "$? $(grep -c heard "$TMP/out")" "9 1"
running 'echo up; exec sleep 100'
kill -TERM "$RUNPID"
wait "$BGPID"
equal "SIGTERM ends it" $? 143
stopped() { [[ $(<"/proc/$1/stat") == *") T "* ]]; }
not_stopped() { ! stopped "$1"; }
running 'echo up; exec sleep 100'
kill -STOP "$COMMAND"
check "adit run stops when COMMAND does" wait_for 3 stopped "$RUNPID"
kill -CONT "$COMMAND"
check "and goes on when COMMAND does" wait_for 3 not_stopped "$RUNPID"
kill -STOP "$COMMAND"
wait_for 3 stopped "$RUNPID"
kill -CONT "$RUNPID"
check "COMMAND goes on when adit run does" wait_for 3 not_stopped "$COMMAND"
kill -KILL "$RUNPID"
wait "$BGPID"
check "kill -9 of adit run leaves nothing" nothing_left
running 'sleep 100 & setsid sleep 100 & echo up; wait'
kill -KILL "$COMMAND"
wait "$BGPID"
equal "kill -9 of COMMAND" $? 137
check "  leaves nothing, its children neither" nothing_left
running 'sleep 100 & setsid sleep 100 & echo up; wait'
kill -KILL "$KEEPER"
wait "$BGPID"
equal "kill -9 of the keeper" $? 137
check "  leaves nothing" nothing_left
running 'setsid sleep 100 & echo up; sleep 100'
kill -STOP "$COMMAND"
wait_for 3 stopped "$RUNPID"
kill -KILL "$RUNPID"
check "kill -9 of a stopped adit run leaves nothing" nothing_left

# ---- a shell with job control, on a terminal ----
cat >"$TMP/shell.py" <<'END'
import os, pty, re, select, struct, sys, termios, fcntl, time
# outer shell > adit run > inner shell: jobs stop and go on in both
pid, fd = pty.fork()
if pid == 0:
    os.environ.update(TERM="dumb", PS1="outer$ ", HISTFILE="/dev/null")
    os.execvp("bash", ["bash", "--norc", "--noediting", "-i"])
shown = b""
def until(what, seconds=15):
    global shown
    end = time.monotonic() + seconds
    while not re.search(what, shown):
        left = end - time.monotonic()
        if left <= 0 or not select.select([fd], [], [], left)[0]:
            print("not shown:", what, shown[-400:])
            sys.exit(1)
        shown += os.read(fd, 4096)
    shown = shown[re.search(what, shown).end():]
def say(text):
    os.write(fd, text)
until(rb"outer\$ ")
say(b"PS1='inner$ ' %s run -c %s -- bash --norc --noediting -i\n" % (sys.argv[1].encode(), sys.argv[2].encode()))
until(rb"inner\$ ")
say(b"stty size; tty | cut -c1-5\n")
until(rb"/dev/")
until(rb"inner\$ ")
fcntl.ioctl(fd, termios.TIOCSWINSZ, struct.pack("HHHH", 33, 77, 0, 0))
say(b"stty size\n"); until(rb"33 77"); until(rb"inner\$ ")
say(b"sleep 100\n"); time.sleep(0.5)
say(b"\x1a"); until(rb"Stopped"); until(rb"inner\$ ")       # Ctrl-Z inside
say(b"fg\n"); until(rb"sleep 100"); time.sleep(0.3)
say(b"\x03"); until(rb"inner\$ ")                           # Ctrl-C inside
say(b"suspend\n"); until(rb"Stopped"); until(rb"outer\$ ")  # the whole job
say(b"echo here$((1+1))\n"); until(rb"here2"); until(rb"outer\$ ")
say(b"fg\n"); time.sleep(0.5); say(b"echo again$((1+1))\n"); until(rb"again2"); until(rb"inner\$ ")
say(b"exit 7\n"); until(rb"outer\$ ")
say(b"echo status $?\n"); until(rb"status 7"); until(rb"outer\$ ")
# a program without job control of its own: Ctrl-Z stops the job, Ctrl-C ends it
say(b"%s run -c %s -- sleep 100\n" % (sys.argv[1].encode(), sys.argv[2].encode())); time.sleep(1)
say(b"\x1a"); until(rb"Stopped"); until(rb"outer\$ ")
say(b"fg\n"); time.sleep(0.5)
say(b"\x03"); until(rb"outer\$ ")
say(b"echo status $?\n"); until(rb"status 130"); until(rb"outer\$ ")
say(b"exit\n")
print("all")
END
equal "a shell with job control" "$(nobody timeout 90 "$PYTHON" "$TMP/shell.py" "$BIN/adit" "$conf")" all
check "nothing is left" nothing_left

# ---- what was seen on the way ----
sleep 0.3
stop "$(pgrep -f "tcpdump.*$TMP/wire.pcap" | head -1)" INT
packets() { tcpdump -n -r "$TMP/wire.pcap" "$@" 2>/dev/null | wc -l; }
expr_true "WireGuard was on the way, packets" "$(packets udp port 51822) > 100"
equal "and nothing else but neighbours" "$(packets not udp port 51822 and not arp and not 'icmp6 and ip6[40] >= 130')" 0

# ---- as root ----
root() { ip netns exec "$P-A" timeout 30 "$ADIT" run -c "$conf" -- "$@"; }
equal "as root" "$(root curl -sS -m 20 http://10.9.0.2/ 2>&1)" hello
equal "  who stays root" "$(root id -u)" 0
sed '/^\[Interface/a FwMark = 7' "$conf" >"$BIN/mark.conf" && chmod 600 "$BIN/mark.conf"
equal "  with a mark" "$(ip netns exec "$P-A" timeout 30 "$ADIT" run -c "$BIN/mark.conf" curl -sS -m 20 http://10.9.0.2/ 2>&1)" hello
check "  nothing is left" nothing_left

# ---- where it is forbidden: one sentence, 125 ----
forbidden() { # what pattern CMD...
	local what=$1 pattern=$2
	shift 2
	equal "$what: status" "$(status "$@")" 125
	equal "  one line" "$(wc -l <"$TMP/err")" 1
	check "  that says why and what to do" grep -Eq "$pattern" "$TMP/err" || indent "$TMP/err"
}
# shellcheck disable=SC2016
forbidden "user namespaces turned off" "user namespaces are turned off here: as root, sysctl -w user.max_user_namespaces" \
	nobody unshare -U --map-current-user --keep-caps bash -c 'echo 0 >/proc/sys/user/max_user_namespaces && exec "$@"' - \
	setpriv --inh-caps=-all --bounding-set=-all "$BIN/adit" run -c "$conf" -- true
# shellcheck disable=SC2016
forbidden "no TUN device" "there is no /dev/net/tun: as root, modprobe tun" \
	unshare -m bash -c 'mount -t tmpfs none /dev/net && exec "$@"' - "$BIN/adit" run -c "$conf" -- true
# shellcheck disable=SC2016
forbidden "a TUN device of root's" "/dev/net/tun may not be opened: as root, chmod 666" \
	unshare -m bash -c 'chmod 600 "$1/tun" && mount --bind "$1/tun" /dev/net/tun && shift && cd / && exec "$@"' - "$BIN" \
	setpriv --reuid 65534 --regid 65534 --clear-groups "$BIN/adit" run -c "$conf" -- true
chmod 666 "$BIN/tun"
# in_chroot [NAME=VALUE]: a chroot may not make user namespaces, and what it finds in /proc/sys/kernel is this alone
in_chroot() {
	# shellcheck disable=SC2016
	unshare -m bash -c 'cd "$2" && mkdir -p root && mount --rbind / root && mount -t tmpfs none root/proc/sys/kernel || exit 1
		[ -z "$1" ] || echo "${1#*=}" >"root/proc/sys/kernel/${1%=*}"
		exec chroot root setpriv --reuid 65534 --regid 65534 --clear-groups "$2/adit" run -c "$2/x.conf" -- true' - "$1" "$BIN"
}
forbidden "a chroot" "the system forbids user namespaces .a chroot.*use adit forward" in_chroot ""
forbidden "AppArmor's sysctl" "AppArmor forbids user namespaces.*as root, install the profile shown in adit-run" \
	in_chroot apparmor_restrict_unprivileged_userns=1
forbidden "Debian's older sysctl" "only for root here: as root, sysctl -w kernel.unprivileged_userns_clone=1" \
	in_chroot unprivileged_userns_clone=0
if command -v "$PYTHON" >/dev/null && "$PYTHON" -c 'import ctypes' 2>/dev/null; then
	# as a container's filter does: unshare(2) is refused
	cat >"$TMP/filter.py" <<-'END'
		import ctypes, os, struct, sys
		libc = ctypes.CDLL(None, use_errno=True)
		NR = {"x86_64": 272, "aarch64": 97}[os.uname().machine]  # unshare
		prog = b"".join(struct.pack("HBBI", *x) for x in (
		    (0x20, 0, 0, 0), (0x15, 0, 1, NR), (0x06, 0, 0, 0x00050001), (0x06, 0, 0, 0x7fff0000)))
		buf = ctypes.create_string_buffer(prog, len(prog))
		class Prog(ctypes.Structure):
		    _fields_ = [("len", ctypes.c_ushort), ("filter", ctypes.c_void_p)]
		p = Prog(len(prog) // 8, ctypes.addressof(buf))
		if libc.prctl(38, 1, 0, 0, 0) or libc.prctl(22, 2, ctypes.byref(p), 0, 0):
		    sys.exit("no filter")
		os.execv(sys.argv[1], sys.argv[1:])
	END
	forbidden "a seccomp filter" "a seccomp filter forbids namespaces.*use adit forward" \
		nobody "$PYTHON" "$TMP/filter.py" "$BIN/adit" run -c "$conf" -- true
else
	skip "a seccomp filter" "python3 has no ctypes"
fi
done_testing
