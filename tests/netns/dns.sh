#!/bin/bash
# SPDX-License-Identifier: ISC
# dns.sh - which resolver is asked: set, changed, undone byte by byte; trampled, read-only, killed
#
# In a mount and network namespace of its own, with a copy of /etc and an empty /run:
#
#   /etc/resolv.conf <- dns_tool set|unset -> resolvconf
#                                          -> D-Bus of our own -> resolved_stub.py
#   dn0, dn1: TUNs
#   127.0.0.61, 127.0.0.62 <- the resolvers of adit forward and adit agent, in their sandboxes
. "$(dirname "$0")/lib.sh"
apart -mn

need unshare cmp chattr strace
lab_start
TOOL=${ADIT_TOOLS:-$ROOT/build/tests/netns}/dns_tool
[ -x "$TOOL" ] || skip_all "dns_tool is not built"
SERVERS="servers=10.6.0.1,fd06::1 domains=corp.example,~lab.example default=yes"
CONF=/etc/resolv.conf

# --- a machine of our own ----------------------------------------------------------------------

mkdir "$TMP/run" "$TMP/keep"
copy_of_etc "$TMP/etc" resolvconf.conf dbus-1
sed -i 's/^hosts:.*/hosts: files dns/' "$TMP/etc/nsswitch.conf"
mount --bind "$TMP/etc" /etc && mount --bind "$TMP/run" /run || skip_all "cannot mount here"
ip link set lo up
ip tuntap add dn0 mode tun && ip tuntap add dn1 mode tun || skip_all "cannot make a TUN here"

hide_resolvconf() {
	for f in /usr/sbin/resolvconf /sbin/resolvconf /usr/bin/resolvconf /bin/resolvconf; do
		[ -e $f ] && mount --bind "$TMP/keep/nothing" "$(readlink -f $f)"
	done
	return 0
}
show_resolvconf() {
	while umount "$(readlink -f /usr/sbin/resolvconf)" 2>/dev/null; do :; done
	return 0
}
dns() { "$TOOL" "$@"; }
# before TEXT: what resolv.conf shall be again in the end
before() {
	rm -f $CONF
	printf "$1" >$CONF
	chmod "${2:-644}" $CONF
	cp -p $CONF "$TMP/keep/before"
}
as_before() { cmp $CONF "$TMP/keep/before" && [ "$(stat -Lc %a:%u $CONF)" = "$(stat -c %a:%u "$TMP/keep/before")" ]; }
nothing_else() { [ -z "$(find /etc -maxdepth 1 -name 'resolv.conf?*')" ]; }
answer() { "$TOOL" "$@" | cut -d' ' -f1; }
nameservers() { awk '$1 == "nameserver" { printf "%s%s", sep, $2; sep = "," }' $CONF; }
search() { awk '$1 == "search" { print $2, $3 }' $CONF; }

# killed_at CALL NUMBER set|unset: the tool is killed as it makes that system call
killed_at() {
	(strace -o "$TMP/strace.out" -e trace="$1" -e inject="$1:signal=KILL:when=$2" "$TOOL" "$3" dn0 "file $SERVERS"; true) >/dev/null 2>&1
	grep -q 'killed by SIGKILL' "$TMP/strace.out"
}

# --- the file ----------------------------------------------------------------------------------

: >"$TMP/keep/nothing"
hide_resolvconf
before 'nameserver 192.0.2.53\noptions edns0 timeout:2\nsearch home.example\n'
equal "without others, the file is written" "$(dns backend | cut -d' ' -f1)" file
check "file: set" dns set dn0 "file $SERVERS"
equal "file: our servers, and only ours" "$(nameservers)" 10.6.0.1,fd06::1
equal "file: domains to search, and no routed ones" "$(search)" "corp.example "
check "file: options are kept" grep -qx 'options edns0 timeout:2' $CONF
check "file: everybody may read it" test "$(stat -c %a $CONF)" = 644
equal "file: intact" "$(answer intact dn0 "file $SERVERS")" 1
equal "file: other settings are not taken for these" "$(answer intact dn0 "file servers=10.6.0.9")" 0
check "file: changed" dns set dn0 "file servers=10.6.0.2 default=yes"
equal "file: to the new server" "$(nameservers)" 10.6.0.2
check "file: a second link that is not the default" dns set dn1 "file servers=10.7.0.1 domains=b.example default=no"
equal "file: its servers follow" "$(nameservers)" 10.6.0.2,10.7.0.1
check "file: the first link goes" dns unset dn0 "file servers=10.6.0.2"
equal "file: what was there before follows a link that is not the default" "$(nameservers)" 10.7.0.1,192.0.2.53
check "file: the second link goes" dns unset dn1 "file servers=10.7.0.1"
check "file: as before, byte by byte" as_before
check "file: nothing else is left" nothing_else

for text in 'nameserver 192.0.2.53' '' '\n\n' '#= looks like ours\n#~ too\n#!\n# adit 0: and this\nnameserver 192.0.2.9\n' \
	'nameserver 192.0.2.53\r\n\tx\0y\377\n\n'; do
	before "$text" 640
	dns set dn0 "file $SERVERS" >/dev/null && dns unset dn0 "file $SERVERS" >/dev/null
	check "file: undone byte by byte, with its mode: '$text'" as_before
done

rm $CONF
check "file: where there was none" dns set dn0 "file $SERVERS"
check "file: readable for all" test "$(stat -c %a $CONF)" = 644
dns unset dn0 "file $SERVERS" >/dev/null
check "file: there is none again" test ! -e $CONF

mkdir -p /run/manager
before 'nameserver 192.0.2.53\n'
mv $CONF /run/manager/resolv.conf
ln -s ../run/manager/resolv.conf $CONF
dns set dn0 "file $SERVERS" >/dev/null
check "symlink: it stays one" test -L $CONF
equal "symlink: what it opens to is written" "$(nameservers)" 10.6.0.1,fd06::1
dns unset dn0 "file $SERVERS" >/dev/null
check "symlink: as before" as_before
check "symlink: still one" test -L $CONF
rm $CONF
ln -s /nonexistent/resolv.conf $CONF
check_not "symlink to nothing: refused" dns set dn0 "file $SERVERS"
equal "symlink to nothing: nothing to undo" "$(answer unset dn0 "file $SERVERS")" 0
equal "symlink to nothing: no way is offered" "$(dns backend | cut -d' ' -f1)" none
rm -rf $CONF /run/manager

# --- somebody else writes it ---------------------------------------------------------------------

before 'nameserver 192.0.2.53\n'
dns set dn0 "file $SERVERS" >/dev/null
echo 'nameserver 203.0.113.1' >$CONF
cp -p $CONF "$TMP/keep/before"
equal "trampled: it is noticed" "$(answer intact dn0 "file $SERVERS")" -ESTALE
equal "trampled: undoing says so" "$(answer unset dn0 "file $SERVERS")" -ESTALE
check "trampled: what the other wrote stays" as_before
equal "trampled: nothing is left over" "$(answer leftovers)" 0
check "trampled: still what the other wrote" as_before

before 'nameserver 192.0.2.53\n'
dns set dn0 "file $SERVERS" >/dev/null
echo 'nameserver 203.0.113.1' >>$CONF # one line more in ours
cp -p $CONF "$TMP/keep/before"
equal "edited: noticed" "$(answer intact dn0 "file $SERVERS")" -ESTALE
dns unset dn0 "file $SERVERS" >/dev/null
check "edited: the edit stays" as_before
before 'nameserver 192.0.2.53\n'
dns set dn0 "file $SERVERS" >/dev/null
rm $CONF
dns unset dn0 "file $SERVERS" >/dev/null
check "removed: not restored" test ! -e $CONF

# --- it cannot be written ------------------------------------------------------------------------

before 'nameserver 192.0.2.53\n'
if chattr +i $CONF 2>/dev/null; then
	check_not "immutable: an error" dns set dn0 "file $SERVERS"
	chattr -i $CONF
	check "immutable: nothing half done" as_before
	check "immutable: nothing else is left" nothing_else
else
	skip "immutable: an error" "this file system has no immutable files"
fi
before 'nameserver 192.0.2.53\n'
mount -o remount,bind,ro "$TMP/etc" /etc
equal "read-only file system: an error" "$(answer set dn0 "file $SERVERS")" -EROFS
check "read-only: nothing half done" as_before
mount -o remount,bind,rw "$TMP/etc" /etc
check "read-only: nothing else is left" nothing_else
mount --bind "$TMP/keep/nothing" $CONF && mount -o remount,bind,ro $CONF
equal "a read-only file in a folder that is not: an error" "$(answer set dn0 "file $SERVERS")" -EROFS
umount $CONF
check "there, too, nothing else is left" nothing_else

# A mount point cannot be replaced: it is written in place, as in containers.
before 'nameserver 192.0.2.53\nsearch home.example\n'
cp -p $CONF "$TMP/keep/mounted"
mount --bind "$TMP/keep/mounted" $CONF
check "mount point: set" dns set dn0 "file $SERVERS"
equal "mount point: ours" "$(nameservers)" 10.6.0.1,fd06::1
check "mount point: changed to something shorter" dns set dn0 "file servers=10.6.0.1"
equal "mount point: that one" "$(answer intact dn0 "file servers=10.6.0.1")" 1
dns unset dn0 "file $SERVERS" >/dev/null
check "mount point: as before" as_before
dns set dn0 "file $SERVERS" >/dev/null
check "mount point: killed before the end is cut off" killed_at ftruncate 1 unset
check "mount point: even then the servers are those from before" test "$(nameservers)" = 192.0.2.53
equal "mount point: clean-up sees to the rest" "$(answer leftovers)" 1
check "mount point: as before, byte by byte" as_before
umount $CONF

# A disk without room: nothing is changed, and undoing works nevertheless.
mount -t tmpfs -o size=16k none /etc
printf 'nameserver 192.0.2.53\n' >$CONF
cp -p $CONF "$TMP/keep/before"
dns set dn0 "file $SERVERS" >/dev/null
dd if=/dev/zero of=/etc/full bs=1k count=64 >/dev/null 2>&1
dns unset dn0 "file $SERVERS" >/dev/null
check "full disk: undone" as_before
equal "full disk: set in place, where the file's own room is enough" "$(answer set dn0 "file $SERVERS")" 0
dns unset dn0 "file $SERVERS" >/dev/null
check "full disk: undone again" as_before
umount /etc

# --- locked by others ---------------------------------------------------------------------------

before 'nameserver 192.0.2.53\n'
dns set dn0 "file $SERVERS" >/dev/null
exec {lock}</etc
check "locked: somebody keeps the lock" flock -n $lock
equal "locked: set all the same" "$(answer set dn0 "file servers=10.6.0.2 default=yes")" 0
equal "locked: to the new server" "$(nameservers)" 10.6.0.2
dns unset dn0 "file servers=10.6.0.2 default=yes" >/dev/null
check "locked: undone" as_before
exec {lock}<&-

# --- killed ---------------------------------------------------------------------------------------

# At every system call of setting, and of undoing, that could change a file.
kills=0 bad=0
for what in set unset; do
	for call in openat flock write fchmod fchown fsync rename unlink close; do
		for n in 1 2 3 4 5 6 7 8 9 10 11 12; do
			before 'nameserver 192.0.2.53\nsearch home.example\n'
			[ $what = unset ] && dns set dn0 "file $SERVERS" >/dev/null
			killed_at $call $n $what || break
			kills=$((kills + 1))
			[ -s $CONF ] || { bad=$((bad + 1)); diag "$what $call $n: no servers at all"; }
			dns leftovers >/dev/null
			as_before && nothing_else && [ "$(answer leftovers)" = 0 ] || { bad=$((bad + 1)); diag "$what $call $n: not as before"; }
		done
	done
done
expr_true "killed at each step of setting and undoing" "$kills >= 20"
equal "each time clean-up left it as before, and a second one did nothing" $bad 0
before 'nameserver 192.0.2.53\n'
dns set dn0 "file $SERVERS" >/dev/null
dns set dn1 "file servers=10.7.0.1" >/dev/null
equal "clean-up leaves alone what lives" "$(answer leftovers dn1)" 1
equal "only that" "$(grep -c '^#+' $CONF)" 1
dns leftovers >/dev/null
check "and without it, as before" as_before

# --- resolvconf -------------------------------------------------------------------------------------

show_resolvconf
if [ -x /usr/sbin/resolvconf ] && /usr/sbin/resolvconf --version 2>/dev/null | grep -q openresolv; then
	before 'nameserver 192.0.2.53\n'
	equal "resolvconf is preferred to the file" "$(dns backend | cut -d' ' -f1)" resolvconf
	check "resolvconf: set" dns set dn0 "resolvconf $SERVERS"
	equal "resolvconf: ours" "$(nameservers)" 10.6.0.1,fd06::1
	equal "resolvconf: intact" "$(answer intact dn0 "resolvconf $SERVERS")" 1
	check "resolvconf: changed" dns set dn0 "resolvconf servers=10.6.0.2 default=yes"
	equal "resolvconf: to the new server" "$(nameservers)" 10.6.0.2
	equal "resolvconf: the old settings are not in force" "$(answer intact dn0 "resolvconf $SERVERS")" 0
	check "resolvconf: a second link" dns set dn1 "resolvconf servers=10.7.0.1 default=no"
	check "resolvconf: unset" dns unset dn0 "resolvconf servers=10.6.0.2"
	equal "resolvconf: the second link remains" "$(nameservers)" 10.7.0.1
	equal "resolvconf: clean-up finds the record of a killed process" "$(answer leftovers)" 1
	equal "resolvconf: and then nothing" "$(answer leftovers)" 0
	check "resolvconf: as before" as_before
	equal "resolvconf: undone twice" "$(answer unset dn1 "resolvconf servers=10.7.0.1")" 0
	dns set dn0 "resolvconf $SERVERS" >/dev/null
	echo 'nameserver 203.0.113.1' >$CONF
	equal "resolvconf: trampled is noticed" "$(answer intact dn0 "resolvconf $SERVERS")" -ESTALE
	dns unset dn0 "resolvconf $SERVERS" >/dev/null
	rm -f /etc/resolv.conf.bak
	before 'nameserver 192.0.2.53\n'
	mount -o remount,bind,ro "$TMP/etc" /etc
	check_not "resolvconf: read-only is an error" dns set dn0 "resolvconf $SERVERS"
	mount -o remount,bind,rw "$TMP/etc" /etc
	check "resolvconf: and nothing half done" as_before
	equal "resolvconf: no record either" "$(ls /run/resolvconf/interfaces 2>/dev/null)" ""
	SECONDS_HUNG=$((70000 + $$))
	printf '#!/bin/sh\nsleep %s &\nwait\n' $SECONDS_HUNG >"$TMP/hangs"
	chmod 755 "$TMP/hangs"
	mount --bind "$TMP/hangs" "$(readlink -f /usr/sbin/resolvconf)"
	check "resolvconf: one that hangs is an error in the end" grep -q 'timed out' <<<"$(dns set dn0 "resolvconf $SERVERS" 2>&1)"
	nobody_hangs() { ! pgrep -fx "sleep $SECONDS_HUNG"; }
	check "resolvconf: and what it started is ended" wait_for 5 nobody_hangs
	umount "$(readlink -f /usr/sbin/resolvconf)"
else
	skip "resolvconf" "openresolv is not installed"
fi

# --- systemd-resolved --------------------------------------------------------------------------------

LOG=$TMP/resolved.log
stub() { # stub [FAILING_METHOD]: sets STUB
	: >"$LOG"
	"$PYTHON" "$LIB/resolved_stub.py" "$LOG" "$@" >"$TMP/stub.out" 2>&1 &
	STUB=$!
	PIDS+=($STUB)
	wait_for 10 grep -q ready "$LOG"
}
calls() { tr '\n' ';' <"$LOG" | sed 's/^ready;//'; }
if command -v dbus-daemon >/dev/null && "$PYTHON" -c 'import dbus, gi' 2>/dev/null; then
	export DBUS_SYSTEM_BUS_ADDRESS=unix:path=$TMP/bus
	dbus-daemon --session --nofork --nopidfile --address="$DBUS_SYSTEM_BUS_ADDRESS" >"$TMP/bus.log" 2>&1 &
	PIDS+=($!)
	wait_for 10 test -S "$TMP/bus"
	hide_resolvconf
	before 'nameserver 127.0.0.53\n'
	equal "resolved: not chosen while it does not run" "$(dns backend | cut -d' ' -f1)" file
	check "resolved: the stub runs" stub
	equal "resolved: chosen" "$(dns backend | cut -d' ' -f1)" resolved
	before 'nameserver 192.0.2.53\n'
	equal "resolved: not chosen where programs do not ask it" "$(dns backend | cut -d' ' -f1)" file
	check "resolved: set" dns set dn0 "resolved $SERVERS"
	equal "resolved: it was told servers, domains and the default" "$(calls)" \
		"SetLinkDNS 10.6.0.1 fd06::1;SetLinkDomains corp.example ~lab.example ~.;SetLinkDefaultRoute yes;FlushCaches;"
	equal "resolved: intact" "$(answer intact dn0 "resolved $SERVERS")" 1
	equal "resolved: other servers are somebody else's" "$(answer intact dn0 "resolved servers=10.6.0.9")" -ESTALE
	: >"$LOG"
	dns set dn0 "resolved servers=10.6.0.1 domains=~corp.example default=no" >/dev/null
	equal "resolved: only some domains" "$(calls)" \
		"SetLinkDNS 10.6.0.1;SetLinkDomains ~corp.example;SetLinkDefaultRoute no;FlushCaches;"
	stop $STUB
	check "resolved: started anew" stub
	equal "resolved: it has forgotten, and that is said" "$(answer intact dn0 "resolved $SERVERS")" 0
	check "resolved: told again" dns set dn0 "resolved $SERVERS"
	equal "resolved: in force again" "$(answer intact dn0 "resolved $SERVERS")" 1
	: >"$LOG"
	check "resolved: undone" dns unset dn0 "resolved $SERVERS"
	equal "resolved: by RevertLink" "$(calls)" "RevertLink;"
	check "resolved: resolv.conf was never touched" as_before
	stop $STUB
	equal "resolved: without it there is nothing to undo" "$(answer unset dn0 "resolved $SERVERS")" 0
	check_not "resolved: without it setting fails" dns set dn0 "resolved $SERVERS"
	stub SetLinkDefaultRoute
	check_not "resolved: one call fails, all fails" dns set dn0 "resolved $SERVERS"
	equal "resolved: and nothing half done" "$(calls)" \
		"SetLinkDNS 10.6.0.1 fd06::1;SetLinkDomains corp.example ~lab.example ~.;SetLinkDefaultRoute yes;RevertLink;"
	stop $STUB
else
	skip "resolved" "needs dbus-daemon, python3-dbus and python3-gi"
fi

# --- by adit up, with its device ----------------------------------------------------------------------

# A file of wg-quick; its peer is beyond a link that leads nowhere.
up_file() {
	printf '[Interface]\nPrivateKey = %s\nAddress = 10.6.0.2/32\nDNS = %s\n[Peer]\nPublicKey = %s\nEndpoint = 198.51.100.2:51820\nAllowedIPs = 10.6.0.0/24\n' \
		"$(cat "$TMP/dn.key")" "$1" "$(key far)" >"$TMP/${W}u.conf"
	chmod 600 "$TMP/${W}u.conf"
}
# the device of the interface, as a program of this namespace
device_pid() { ss -Hxlp "src /var/run/wireguard/${W}u.sock" | sed -n 's/.*pid=\([0-9]*\).*/\1/p' | head -n 1; }
no_device() { ! ip link show "${W}u" >/dev/null 2>&1; }
kill_device() {
	local pid
	pid=$(device_pid)
	kill -KILL "$pid"
	wait_for 10 gone "$pid" && wait_for 10 no_device
}
# The last of its threads may hold what says that it lives a moment longer than the first.
cleaned() { ! { "$ADIT" cleanup || echo "left"; } | grep -q '^left'; }
if [ -z "${ADIT_STANDIN:-}" ] && "$ADIT" help --dump 2>/dev/null | grep -q '^option	up	--state-dir'; then
	export ADIT_STATE_DIR=$TMP/state
	ip link add dn2 type veth peer name dn3 && ip addr add 198.51.100.1/24 dev dn2 && ip link set dn2 up
	key dn >/dev/null
	key far >/dev/null
	mkdir -p /run/wireguard
	hide_resolvconf
	before 'nameserver 192.0.2.53\n'
	up_file '10.6.0.1, corp.example'
	check "adit up sets the file's DNS" "$ADIT" up "$TMP/${W}u.conf"
	equal "adit up: the server" "$(nameservers)" 10.6.0.1
	equal "adit up: the domain" "$(search)" "corp.example "
	check "adit down" "$ADIT" down "$TMP/${W}u.conf"
	check "adit down: as before, byte by byte" as_before
	check "adit down: nothing else is left" nothing_else

	"$ADIT" up "$TMP/${W}u.conf" >/dev/null 2>&1
	kill_device
	check "its device killed: clean-up" wait_for 10 cleaned
	check "its device killed: as before" as_before
	"$ADIT" cleanup >/dev/null 2>&1
	check "its device killed: a second clean-up changes nothing" as_before

	"$ADIT" up "$TMP/${W}u.conf" >/dev/null 2>&1
	kill_device
	rm -rf "$ADIT_STATE_DIR"
	check "killed, and its journals wiped: clean-up" wait_for 10 cleaned
	check "killed, and its journals wiped: as before" as_before

	check "trampled while up: adit up" "$ADIT" up "$TMP/${W}u.conf"
	echo 'nameserver 203.0.113.1' >$CONF
	cp -p $CONF "$TMP/keep/before"
	check "trampled while up: adit down" "$ADIT" down "$TMP/${W}u.conf"
	check "trampled while up: what the other wrote stays" as_before

	before 'nameserver 192.0.2.53\n'
	mount -o remount,bind,ro "$TMP/etc" /etc
	check_not "read-only: adit up fails" "$ADIT" up "$TMP/${W}u.conf"
	mount -o remount,bind,rw "$TMP/etc" /etc
	check "read-only: nothing half done: the file" as_before
	check "read-only: nothing half done: the link" no_device
	equal "read-only: nothing half done: the routes" "$(ip route show 10.6.0.0/24)" ""
	unset ADIT_STATE_DIR
fi

# --- by the agent ----------------------------------------------------------------------------------------

resolver_is() { [ "$(nameservers)" = "$1" ]; }
# agent: in the background, with one network; sets AGENT
agent() {
	cat >"$TMP/agent.toml" <<END
[agent]
control_socket = "$TMP/control.sock"
state_dir = "$TMP/agent"
[network.office]
enable = true
interface = "${W}g"
private_key_path = "$TMP/dn.key"
addresses = ["10.6.0.2/32"]
dns = ["10.6.0.1", "corp.example"]
[[network.office.peers]]
public_key = "$(key far)"
endpoint = "198.51.100.2:51820"
allowed_ips = ["10.6.0.0/24"]
END
	: >"$TMP/agent.log"
	"$ADIT" agent -c "$TMP/agent.toml" >"$TMP/agent.log" 2>&1 &
	AGENT=$!
	PIDS+=($AGENT)
}
all_of() { pgrep -P "$1"; echo "$1"; }
if [ -z "${ADIT_STANDIN:-}" ] && "$ADIT" help --dump 2>/dev/null | grep -q '^command	agent	'; then
	before 'nameserver 192.0.2.53\n'
	agent
	check "agent: the file has the network's server" wait_for 15 resolver_is 10.6.0.1
	stop $AGENT
	check "agent: as before once it has ended" as_before
	agent
	wait_for 15 resolver_is 10.6.0.1
	# shellcheck disable=SC2046
	kill -KILL $(all_of $AGENT)
	wait $AGENT 2>/dev/null
	agent
	check "agent and helper killed: the one after it starts" wait_for 15 grep -q handshaking "$TMP/agent.log"
	check "agent and helper killed: the server is still the network's" wait_for 15 resolver_is 10.6.0.1
	stop $AGENT
	check "agent and helper killed: as before after the next one's end" as_before
	agent
	check "agent: once more" wait_for 15 resolver_is 10.6.0.1
	wait_for 15 grep -q handshaking "$TMP/agent.log" # all is in force: what comes now is trampling
	echo 'nameserver 203.0.113.1' >$CONF
	cp -p $CONF "$TMP/keep/before"
	check "agent: a trampled file is reported" wait_for 15 grep -q 'dns .*somebody else' "$TMP/agent.log" || indent "$TMP/agent.log"
	sleep 1
	check "agent: and not fought" as_before
	stop $AGENT
	check "agent: nor replaced at the end" as_before
	before 'nameserver 192.0.2.53\n'
	mount -o remount,bind,ro "$TMP/etc" /etc
	agent
	check "agent: read-only: the network fails, and it is said" wait_for 15 grep -q 'office: error.*Read-only' "$TMP/agent.log" || indent "$TMP/agent.log"
	equal "agent: read-only: nothing half done" "$(ip route show 10.6.0.0/24; ip -o addr show to 10.6.0.2)" ""
	mount -o remount,bind,rw "$TMP/etc" /etc
	check "agent: read-only: nor to the file" as_before
	check "agent: it can be written again: set, unaided" wait_for 60 resolver_is 10.6.0.1
	stop $AGENT
	check "agent: as before at the end" as_before
	if [ -n "${DBUS_SYSTEM_BUS_ADDRESS:-}" ] && stub; then
		before 'nameserver 127.0.0.53\n'
		agent
		check "agent: resolved is told" wait_for 15 grep -q 'SetLinkDNS 10.6.0.1' "$LOG"
		wait_for 15 grep -q handshaking "$TMP/agent.log" # else it ends amid the calls, and the next try finds only the file
		stop $STUB
		check "agent: resolved is started anew" stub
		check "agent: it is told again" wait_for 30 grep -q 'SetLinkDNS 10.6.0.1' "$LOG"
		stop $AGENT
		check "agent: the link's servers are taken back, or went with the link" grep -q RevertLink "$LOG"
		check "agent: resolv.conf was never touched" as_before
		stop $STUB
	fi
fi

# --- who asks: a file of another inode is there from one moment to the next ----------------------------------

serve() { # NUMBER: a server that knows no name, and logs them
	: >"$TMP/none"
	"$PYTHON" "$LIB/names.py" "127.0.0.$1" "$TMP/none" "$TMP/asked-$1" >"$TMP/names-$1.log" 2>&1 &
	PIDS+=($!)
	wait_for 10 grep -q listening "$TMP/asked-$1"
}
replace_by() { # NUMBER: as DHCP clients do it
	echo "nameserver 127.0.0.$1" >$CONF.next
	mv $CONF.next $CONF
}
NAMES=0
# asks NUMBER: a name that nobody has asked for is asked of this server
asks() {
	NAMES=$((NAMES + 1))
	curl -s -m 1 --socks5-hostname 127.0.0.1:1080 "http://n$NAMES.example/" >/dev/null
	grep -q "^n$NAMES\.example" "$TMP/asked-$1"
}
follows() { # WHO LOG
	check "$1: the first server is asked" wait_for 15 asks 61
	check "$1: in its sandbox" grep -q 'sandbox: .*landlock' "$2" || indent "$2"
	replace_by 62
	check "$1: the file replaced: the second" wait_for 20 asks 62
	replace_by 61
	check "$1: once more: the first again" wait_for 20 asks 61
	kill -STOP "$FIRST" # from here on one lookup or another is under way at any time
	asks 61
	replace_by 62
	check "$1: replaced while lookups are under way: the second" wait_for 20 asks 62
	check "$1: which is asked again what was under way" wait_for 5 grep -q "^n$((NAMES - 1))\\.example" "$TMP/asked-62"
	kill -CONT "$FIRST"
}
forward_asks() {
	"$ADIT" forward --private-key-file "$TMP/dn.key" --endpoint-addr 127.0.0.1:9 --endpoint-public-key "$(key far)" \
		--source-peer-ip 10.6.0.2 --socks5 127.0.0.1:1080 --log info >"$TMP/forward.log" 2>&1 &
	FORWARD=$!
	PIDS+=($FORWARD)
}
agent_asks() {
	cat >"$TMP/agent.toml" <<END
[agent]
control_socket = "$TMP/control.sock"
state_dir = "$TMP/agent"
[network.office]
enable = true
type = "forward"
private_key_path = "$TMP/dn.key"
addresses = ["10.6.0.2/32"]
socks5 = "127.0.0.1:1080"
[[network.office.peers]]
public_key = "$(key far)"
endpoint = "127.0.0.1:9"
allowed_ips = ["10.6.0.0/24"]
END
	"$ADIT" agent -c "$TMP/agent.toml" >"$TMP/agent.log" 2>&1 &
	AGENT=$!
	PIDS+=($AGENT)
}
if [ -z "${ADIT_STANDIN:-}" ] && command -v curl >/dev/null; then
	serve 61
	FIRST=$!
	serve 62
	before 'nameserver 127.0.0.61\n'
	forward_asks
	follows "adit forward" "$TMP/forward.log"
	(umask 77 && wg genkey >"$TMP/next.key" && mv "$TMP/next.key" "$TMP/dn.key")
	kill -HUP $FORWARD
	check "adit forward: a replaced key, too, is read by a reload" wait_for 10 grep -q 'reloaded$' "$TMP/forward.log" || indent "$TMP/forward.log"
	stop $FORWARD
	before 'nameserver 127.0.0.61\n'
	agent_asks
	follows "adit agent" "$TMP/agent.log"
	stop $AGENT
	before 'nameserver 192.0.2.53\n'
fi

# --- words --------------------------------------------------------------------------------------------

for text in 'file servers=x' 'file' 'file servers=10.0.0.1 domains=a/b' 'file servers=10.0.0.1 more=1' 'none servers=10.0.0.1'; do
	check_not "refused: $text" dns set dn0 "$text"
done
check "refused, and untouched" as_before
done_testing
