#!/bin/bash
# SPDX-License-Identifier: ISC
#
# up_files.sh - hooks, --confirm, SaveConfig, adit save and adit strip; names that lead nowhere
#
#   A  a0 198.51.100.1  ------ veth ------  198.51.100.2 b0  B
#      Q  10.9.0.1  (adit up)  tunnel   (adit device)  wB 10.9.0.2
. "$(dirname "$0")/lib.sh"
lab_start
[ -z "$ADIT_STANDIN" ] || skip_all "adit up is adit's own"
need wg-quick cmp
P=ud$$
topology_direct
far_end
Q=${W}q
CONF=$TMP/$Q.conf
export ADIT_STATE_DIR=$TMP/state
umask 077

# conf [LINES [MORE-PEERS]]
conf() {
	cat >"$CONF" <<-END
		[Interface]
		PrivateKey = $(cat "$TMP/a.key")
		Address = 10.9.0.1/24, fd09::1/64
		${1:-}
		[Peer] # the far end
		PublicKey = $(key b)
		Endpoint = $B4:51822
		AllowedIPs = 10.9.0.2/32, fd09::2/128, 10.50.0.0/16
		${2:-}
	END
}
up() { on A "$ADIT" up "$@" "$CONF"; }
down() { on A "$ADIT" down "$@" "$Q"; }
state() {
	on A ip -o link
	on A ip -o addr
	on A ip route show table all
	on A ip -6 route show table all
	on A ip rule
	ip netns pids "$P-A"
	find "$ADIT_STATE_DIR" /var/run/wireguard -name "$Q*" 2>/dev/null
}
same_state() { [ "$(state)" = "$BEFORE" ]; }
restored() {
	wait_for 3 same_state && return
	diff <(echo "$BEFORE") <(state)
}
# status "what" WANT CMD...: the exit status; output in TMP/out
status() {
	local what=$1 want=$2 r
	shift 2
	"$@" >"$TMP/out" 2>&1
	r=$?
	equal "$what" "$r" "$want" || indent "$TMP/out"
}
says() { check "  and says: $1" grep -q -- "$1" "$TMP/out"; }
BEFORE=$(state)

# --- what cannot be done ---------------------------------------------------------------------------

conf
status "up of a device that does not start" 1 on A env ADIT_THREADS=none "$ADIT" up "$CONF"
says "adit device: ADIT_THREADS=none is not a number"
equal "  and adit up adds no reason of its own" "$(grep "^adit up" "$TMP/out")" "adit up: $Q: the device did not start"
mkdir "$TMP/ro"
read_only() { on A sh -c 'mount -t tmpfs -o ro none "$0" && exec "$@"' "$TMP/ro" "$ADIT" "$@"; }
status "up with a state directory that is read-only" 1 read_only up --state-dir "$TMP/ro/state" "$CONF"
says "ro/state: Read-only file system$"
status "cleanup there" 1 read_only cleanup --state-dir "$TMP/ro/state"
says "Read-only file system$"
bin_for_nobody
status "who is not root" 4 on A setpriv --reuid 65534 --regid 65534 --clear-groups "$BIN/adit" cleanup --state-dir "$TMP/state"
says "Permission denied (this takes root)$"
check "everything is as before" restored

# --- strip ---------------------------------------------------------------------------------------

conf "DNS = 10.0.0.1 # ours
  mtu=1400
table= off
Post Up = x
PostUp = echo 1; echo 2 = 3
ListenPort=51821  # a comment
SaveConfig=false
# Address = 10.0.0.9" "DNS = of a peer
[interface]
address=10.0.0.3
[Other]
Address = 10.0.0.4"
printf '\tFwMark = 7\r\n  Address = 1.2.3.4/32\r\n[Interface]\nMTU\n=\nAddress' >>"$CONF"
check "strip: as wg-quick" diff <(wg-quick strip "$CONF") <("$ADIT" strip "$CONF")
check "strip: what it prints wg takes" grep -q '^ListenPort=51821' <("$ADIT" strip "$CONF")
differ=0
for seed in $(seq "${ADIT_STRIPS:-25}"); do
	"$PYTHON" - "$seed" >"$CONF" <<-'END'
		import random, sys
		r = random.Random(int(sys.argv[1]))
		words = ["[Interface]", "[Peer]", "[interface] ", "Address", "DNS", "MTU", "PostUp", "PreDown", "SaveConfig = true",
		         "Table", "PublicKey", "ListenPort", "=", " = ", "#", " ", "\t", "10.0.0.1/24", "a b", "\r", "\\", "*", "$x", "'", '"']
		print("[Interface]")
		for _ in range(40):
		    print("".join(r.choice(words) for _ in range(r.randint(0, 4))), end=r.choice(["\n", "\n", " = 1\n"]))
	END
	wg-quick strip "$CONF" >"$TMP/strip.quick" 2>/dev/null || continue # SaveConfig neither true nor false
	"$ADIT" strip "$CONF" >"$TMP/strip.adit"
	cmp -s "$TMP/strip.quick" "$TMP/strip.adit" || { differ=$((differ + 1)); diff "$TMP/strip.quick" "$TMP/strip.adit" | cat -A | head -n 5 | indent; }
done
equal "strip: random files that differ" $differ 0
status "strip: no such file" 1 "$ADIT" strip "$TMP/none.conf"

# --- hooks -----------------------------------------------------------------------------------------

hooks="PreUp = ip link show %i >/dev/null 2>&1 && echo there >>$TMP/hooks; echo PreUp %i >>$TMP/hooks
PostUp = ip link show %i | grep -q mtu; echo PostUp %i \$((1 + 1)) >>$TMP/hooks
PostUp = echo again %i%i >>$TMP/hooks
PreDown = ip link show %i >/dev/null; echo PreDown %i >>$TMP/hooks
PostDown = ! ip link show %i >/dev/null 2>&1; echo PostDown >>$TMP/hooks"
conf "$hooks"
status "hooks are not run" 0 up
equal "but named" "$(grep -o ":[0-9]*:1: P[a-zA-Z]* is not run" "$TMP/out" | xargs)" \
	":4:1: PreUp is not run :5:1: PostUp is not run :6:1: PostUp is not run :7:1: PreDown is not run :8:1: PostDown is not run"
status "down" 0 down
says "PreDown is not run"
check_not "none ran" test -e "$TMP/hooks"
check "everything is as before" restored
status "--hooks" 0 up --hooks
equal "they ran, in order" "$(xargs <"$TMP/hooks")" "PreUp $Q PostUp $Q 2 again $Q$Q"
status "down by name, which knows of them" 0 down
equal "those of down ran" "$(xargs <"$TMP/hooks")" "PreUp $Q PostUp $Q 2 again $Q$Q PreDown $Q PostDown"
check "everything is as before" restored
conf "PostUp = true
PostUp = false; true"
status "a PostUp that fails" 1 up --hooks
says "$Q.conf:5:1: PostUp failed (exit status 1)"
check "everything is undone" restored
conf "PreUp = exit 7"
status "a PreUp that fails" 1 up --hooks
says "PreUp failed (exit status 7)"
check "nothing has changed" restored
conf "PostUp = touch $TMP/begun; sleep 77"
run_bg A "$TMP/out" "$ADIT" up --hooks "$CONF"
pid=$BGPID
wait_for 10 test -e "$TMP/begun"
kill -TERM "$pid"
check "SIGTERM while a hook runs ends both" wait_for 10 gone "$pid"
says "PostUp failed (signal 15)"
check "everything is undone" restored
conf "PreDown = touch $TMP/planted"
up >/dev/null 2>&1
sed -i 's/^done/hooks\ndone/' "$ADIT_STATE_DIR/$Q.up"
chown 65534 "$ADIT_STATE_DIR/$Q.up"
status "down with a record that somebody else may write" 0 on A "$ADIT" down "$CONF"
check_not "runs no hooks by it" test -e "$TMP/planted"
conf "PreDown = false"
up --hooks >/dev/null 2>&1
status "a PreDown that fails" 1 down
check "keeps nothing up" restored

# --- confirmation -----------------------------------------------------------------------------------

conf
status "--confirm, nobody does" 1 up --confirm 1s
says "not confirmed"
check "everything is undone" restored
run_bg A "$TMP/out" "$ADIT" up --confirm 60s "$CONF"
pid=$BGPID
waits() { [ -S "$ADIT_STATE_DIR/$Q.confirm" ]; }
check "--confirm waits" wait_for 10 waits
check "and it works meanwhile" reaches A 10.9.0.2
check "--confirmed" "$ADIT" up --confirmed "$Q"
check "ends the waiting" wait_for 5 gone "$pid"
wait "$pid"
equal "with success" $? 0
check "it stays up" reaches A 10.9.0.2
check_not "--confirmed with nobody waiting" "$ADIT" up --confirmed "$Q"
down >/dev/null
check "everything is as before" restored
run_bg A "$TMP/out" "$ADIT" up --confirm 60s "$CONF"
pid=$BGPID
wait_for 10 waits
status "down while it waits" 0 down
check "ends the waiting" wait_for 5 gone "$pid"
check "everything is as before" restored
run_bg A "$TMP/out" "$ADIT" up --confirm=3 "$CONF"
pid=$BGPID
wait_for 10 waits
kill -KILL "$pid"
wait "$pid" 2>/dev/null
check "the one at the terminal is killed: undone all the same" wait_for 10 same_state
# at_terminal KEYS: adit up --confirm 60s on a terminal of its own, which is sent KEYS
at_terminal() {
	on A timeout 30 "$PYTHON" - "$1" "$ADIT" up --confirm 60s "$CONF" <<-'END'
		import os, pty, sys
		pid, fd = pty.fork()
		if pid == 0:
		    os.execv(sys.argv[2], sys.argv[2:])
		seen = b""
		while b"confirm within" not in seen:
		    seen += os.read(fd, 1000)
		os.write(fd, sys.argv[1].encode())
		sys.exit(os.waitstatus_to_exitcode(os.waitpid(pid, 0)[1]))
	END
}
status "Enter at a terminal" 0 at_terminal $'\n'
check "it stays up" reaches A 10.9.0.2
down >/dev/null
status "Ctrl-C at a terminal" 1 at_terminal $'\x03'
check "everything is undone" restored
status "a time that is none" 2 up --confirm soon

# --- save ------------------------------------------------------------------------------------------

conf "ListenPort = 51821
MTU = 1400
FwMark = 0x99
PostUp = true # a hook
Table = off" "PersistentKeepalive = 25"
up >/dev/null 2>&1
key c >/dev/null
wg set "$Q" peer "$(key c)" preshared-key "$(psk)" allowed-ips 10.77.0.0/16,fd77::/64 endpoint "[$B6]:4711"
wg set "$Q" peer "$(wg genkey | wg pubkey)"
ip -n "$P-A" addr add 10.99.0.1/32 dev "$Q"
ip -n "$P-A" link set mtu 1390 dev "$Q"
cp "$CONF" "$TMP/conf.before"
check "wg-quick save" on A wg-quick save "$CONF"
cp "$CONF" "$TMP/conf.quick"
cp "$TMP/conf.before" "$CONF"
chmod 644 "$CONF"
check "adit save" on A "$ADIT" save "$CONF"
check "the same file" diff "$TMP/conf.quick" "$CONF"
equal "mode 0600" "$(stat -c %a "$CONF")" 600
before=$(wg showconf "$Q")
down >/dev/null 2>&1
status "up from what was saved" 0 up
equal "brings the same back" "$(wg showconf "$Q")" "$before"
down >/dev/null 2>&1
status "save of what is not up" 1 on A "$ADIT" save "$CONF"
check "everything is as before" restored
sha=$(sha256sum <"$CONF")
device_up A "$Q" adit
status "save of a device that adit up did not make" 1 on A "$ADIT" save "$CONF"
says "adit up did not make this interface"
equal "the file stays as it was" "$(sha256sum <"$CONF")" "$sha"
device_down "$DEVPID"
check "everything is as before" restored
up >/dev/null 2>&1
wg set "$Q" private-key /dev/null
check "save of a device that has lost its key" on A "$ADIT" save "$CONF"
check "keeps the file's" grep -qxF "PrivateKey = $(cat "$TMP/a.key")" "$CONF"
down >/dev/null 2>&1
check "everything is as before" restored

conf "SaveConfig = true
DNS = 10.9.0.53, corp.example" "# lost"
ln -sf "$Q.conf" "$TMP/link.conf"
sed -i '/^DNS/d' "$CONF"
up >/dev/null
wg set "$Q" peer "$(key c)" allowed-ips 10.78.0.0/16
status "down with SaveConfig" 0 down
check "the peer that was added is in the file" grep -q "AllowedIPs = 10.78.0.0/16" "$CONF"
check "SaveConfig too" grep -q "^SaveConfig = true$" "$CONF"
check "everything is as before" restored
up >/dev/null
sha=$(sha256sum <"$CONF")
mkdir "$CONF.new"
status "a file that cannot be written" 1 down
check "stays as it was" test "$sha" = "$(sha256sum <"$CONF")"
check "and all stays up" reaches A 10.9.0.2
rmdir "$CONF.new"
status "down in the end" 0 down
check "everything is as before" restored
conf "SaveConfig = true"
up >/dev/null
kill -KILL "$(ip netns pids "$P-A" | head -n 1)"
sha=$(sha256sum <"$CONF")
status "down with SaveConfig of a killed device" 0 down
says "nothing runs that could be saved"
equal "the file stays as it was" "$(sha256sum <"$CONF")" "$sha"
check "everything is as before" restored

# --- endpoints -----------------------------------------------------------------------------------

nowhere=$(printf 'x%.0s' {1..70}).example # longer than a name can be: no resolver is asked
sed -i "s/^Endpoint = .*/Endpoint = $nowhere:51822/; s/^SaveConfig.*//" "$CONF"
status "an endpoint whose name leads nowhere, and no other" 75 up
says "warning: Endpoint: $nowhere:51822"
check "nothing has changed" restored
conf "" "[Peer]
PublicKey = $(key c)
Endpoint = $nowhere:51822
AllowedIPs = 10.79.0.0/16"
status "beside one that leads somewhere" 0 up
says "warning: Endpoint: $nowhere:51822"
check "the other works" reaches A 10.9.0.2
status "--dry-run changes nothing and needs no lock" 0 up --dry-run
down >/dev/null
check "everything is as before" restored
done_testing
