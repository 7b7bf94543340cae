#!/bin/bash
# SPDX-License-Identifier: ISC
#
# demo.sh - adit demo works as root and without, and leaves nothing behind however it ends
#
#   runner --- adit demo --- script (PID namespace) --- host A ---- host B
#   (this test's network namespace and empty /run)        (namespaces without names)
. "$(dirname "$0")/lib.sh"
lab_start
need unshare setpriv
[ -z "$ADIT_STANDIN" ] || skip_all "adit demo is adit's own"
"$ADIT" help demo >/dev/null 2>&1 || skip_all "this build has no demo"
space A
BIN=$(mktemp -d "${TMPDIR:-/tmp}/adit-demo.XXXXXX") || exit 1
trap 'rm -rf "$BIN"; cleanup' EXIT
chmod 755 "$BIN"
install -m 755 "$ADIT" "$BIN/adit"
# every process of a run has this in its environment
export ADIT_DEMO_RUN=$P.$RANDOM$RANDOM

# demo CMD...: in namespace A, with an empty /run of its own whose files are listed afterwards
enter() { ip netns exec "$P-A" unshare -m bash -c 'mount -t tmpfs none /run && mount -t tmpfs none /dev/shm && rm -rf /run/mount && cd "$0" && "$@"
	r=$?; find /run /dev/shm -mindepth 1 >"$0/../files"; exit $r' "$TMP/cwd" "$@"; }
mkdir "$TMP/cwd"
processes() { grep -lzsx "ADIT_DEMO_RUN=$ADIT_DEMO_RUN" /proc/[0-9]*/environ 2>/dev/null | cut -d/ -f3 | while read -r pid; do
	[ "$(readlink "/proc/$pid/exe" 2>/dev/null)" = "$BIN/adit" ] && echo "$pid"
done; }
no_process() { [ -z "$(processes)" ]; }
links() { on A ip -o link; on A ip -o addr; on A ip route show table all; }
nothing_left() {
	wait_for 3 no_process || { echo "processes: $(processes | xargs)"; return 1; }
	[ "$(links)" = "$BEFORE" ] || { diff <(echo "$BEFORE") <(links); return 1; }
	[ -z "$(ls -A "$TMP/cwd")" ] || { ls -A "$TMP/cwd"; return 1; }
	[ ! -s "$TMP/files" ] || { cat "$TMP/files"; return 1; }
}
BEFORE=$(links)

# as root
enter timeout 60 "$BIN/adit" demo >"$TMP/out" 2>&1
equal "the demo's exit status" $? 0 || indent "$TMP/out"
equal "every step is there" "$(awk '$1 == "ok" { print $2, $3 }' "$TMP/out" | awk '{ sub(/ [0-9w].*/, ""); print }' | xargs)" \
	"devices handshake ping HTTP page on the TCP bare TCP inside rootless"
check "no colours but on a terminal" bash -c '! grep -q "$(printf "\033")" "$1"' - "$TMP/out"
diag "$(grep Took "$TMP/out")"
check "nothing is left" nothing_left
enter timeout 60 "$BIN/adit" demo --json >"$TMP/json" 2>"$TMP/err"
equal "--json: exit status" $? 0 || indent "$TMP/json" "$TMP/err"
check "  JSON that says ok" jq -e '.ok == true and .schema == 1' "$TMP/json"
check "  figures of both" jq -e '[.ping_ms, .page_ms, .tcp_bits_per_second | .bare, .tunnel] | all(. > 0)' "$TMP/json"
check "  the page seen in clear on the bare link, and only there" \
	jq -e '.page_frames_in_clear.bare > 0 and .page_frames_in_clear.tunnel == 0 and .page_frames.tunnel > 0' "$TMP/json"
check "  adit forward: the page, not in clear, and no capability" \
	jq -e '.forward | .page_bytes > 0 and .page_frames > 0 and .page_frames_in_clear == 0 and (.confined | contains("no capabilities"))' "$TMP/json"
check "nothing is left" nothing_left

# without root, in a user namespace
as_nobody() { setpriv --reuid 65534 --regid 65534 --clear-groups "$@"; }
if as_nobody unshare -Ur true 2>/dev/null; then
	mknod "$BIN/tun" c 10 200 && chmod 666 "$BIN/tun"
	unshare -m bash -c 'mount --bind "$1/tun" /dev/net/tun && cd / &&
		exec setpriv --reuid 65534 --regid 65534 --clear-groups timeout 60 "$1/adit" demo --json' - "$BIN" >"$TMP/json" 2>"$TMP/err"
	equal "without root: exit status" $? 0 || indent "$TMP/json" "$TMP/err"
	check "  and it says so" jq -e '.ok == true and .privileged == false' "$TMP/json"
	check "nothing is left" nothing_left
	rm "$BIN/tun"
else
	skip "without root" "user namespaces are not allowed here"
fi

# what cannot work says why
unshare -m bash -c 'mount -t tmpfs none /dev/net && exec "$1/adit" demo' - "$BIN" >"$TMP/out" 2>&1
equal "no /dev/net/tun: exit status" $? 1
check "  one sentence" grep -q "^adit demo: there is no /dev/net/tun: load it (modprobe tun)" "$TMP/out"
unshare -m bash -c 'mknod "$1/tun" c 10 200 && chmod 600 "$1/tun" && mount --bind "$1/tun" /dev/net/tun && rm "$1/tun" && cd / &&
	exec setpriv --reuid 65534 --regid 65534 --clear-groups "$1/adit" demo' - "$BIN" >"$TMP/out" 2>&1
equal "a /dev/net/tun we may not open: exit status" $? 4
rm -f "$BIN/tun"
check "  one sentence" grep -q "^adit demo: may not open /dev/net/tun: run it as root" "$TMP/out"
"$BIN/adit" demo --colour >"$TMP/out" 2>&1
equal "unknown option: exit status" $? 2

: >"$TMP/files"
# the search for what is left does find them while they run
run_bg A "$TMP/out" "$BIN/adit" demo
four_processes() { [ "$(processes | wc -l)" -eq 4 ]; }
check "a running demo has four processes" wait_for 3 four_processes
kill -KILL "$BGPID"
wait "$BGPID" 2>/dev/null
check "and none after a kill -9 of the first" nothing_left

# ended at any moment
running() { [ "$(processes | wc -l)" -ge 2 ]; }
# interrupt SIGNAL MILLISECONDS: sets STATUS
interrupt() {
	run_bg A "$TMP/out" "$BIN/adit" demo
	[ "$1" = KILL ] || wait_for 10 running # not ip-netns(8), which says nothing
	sleep "$(printf '%d.%03d' $(($2 / 1000)) $(($2 % 1000)))"
	kill "-$1" "$BGPID" 2>/dev/null
	wait "$BGPID" 2>/dev/null
	STATUS=$?
}
traces=0
for i in 1 2 3 4 5 6 7 8 9 10; do
	# half of them while namespaces, links and tunnels are being made
	interrupt KILL $((i % 2 ? RANDOM % 60 : RANDOM % 4500))
	nothing_left >"$TMP/left" || { traces=$((traces + 1)); indent "$TMP/left"; }
done
equal "kill -9 at ten moments: traces left" $traces 0
for s in INT TERM HUP; do
	interrupt $s $((100 + RANDOM % 2000))
	equal "SIG$s: exit status" $STATUS $((128 + $(kill -l $s)))
	check "  it says so" grep -q "adit demo: interrupted, and cleaned up" "$TMP/out"
	check "  and nothing is left" nothing_left
done

# Ctrl-C on a terminal goes to all of its processes
cat >"$TMP/terminal.py" <<'END'
import os, pty, sys
pid, fd = pty.fork()
if pid == 0:
    os.environ["TERM"] = "xterm"
    os.execv(sys.argv[1], [sys.argv[1], "demo"])
shown = b""
try:
    while b"TCP inside" not in shown:  # the bar moves
        shown += os.read(fd, 4096)
    os.write(fd, b"\x03")
    while True:
        shown += os.read(fd, 4096)
except OSError:
    pass
status = os.waitpid(pid, 0)[1]
print(b"\033[32m" in shown, b"[#" in shown or b"[." in shown, os.WIFEXITED(status) and os.WEXITSTATUS(status))
END
equal "Ctrl-C: colours and a bar before, status 130" "$(on A timeout 60 "$PYTHON" "$TMP/terminal.py" "$BIN/adit")" "True True 130"
check "nothing is left" nothing_left
done_testing
