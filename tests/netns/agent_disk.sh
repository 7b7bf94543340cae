#!/bin/bash
# SPDX-License-Identifier: ISC
#
# agent_disk.sh - a state directory that is full, or fails at any moment: a network fails whole and says why, the one that runs flows
#
#   A  a0 198.51.100.1  ------ veth ------  198.51.100.2 b0  B
#      agent: office, which runs; second, which comes later
. "$(dirname "$0")/agent_lab.sh"
apart -m
need strace
agent_lab_start
mkdir "$STATE"
mount -t tmpfs -o size=64k none "$STATE" || skip_all "cannot mount here"
trap 'umount -l "$STATE"; cleanup' EXIT
{
	config
	cat <<-END

		[network.second]
		enable = false
		interface = "${W}b"
		forward = true
		private_key_path = "c.key"
		addresses = ["10.9.0.3/32"]

		[[network.second.peers]]
		public_key = "$(key b)"
		endpoint = "$B4:51822"
		allowed_ips = ["10.89.0.0/16"]
	END
} >"$CONFIG"
full() { ! dd if=/dev/zero of="$STATE/full" bs=1k 2>/dev/null; }
second_there() { ip -n "$P-A" link show "${W}b"; }
reason_of() { on A "$ADIT" status --json | jq -r --arg n "$1" '.networks[] | select(.name == $n) | .reason'; }
second_says() { [ "$(reason_of second)" = "$1" ]; }

agent
check "office carries" carries
HELPER=$(helper_of "$AGENT")
machine >"$TMP/machine.before"
check "the state directory is full" full
sed -i '/^ *full$/d' "$TMP/machine.before"
on A "$ADIT" connect second >"$TMP/out" 2>&1
check_not "connect fails" test $? = 0
check "and says why" wait_for 10 second_says state_dir
check_not "nothing of it is there" second_there
same_but_full() { same_machine | grep '^[<>]' | grep -vx '> full'; }
equal "nothing of the machine is changed" "$(same_but_full)" ""
check "the network that runs flows" carries
equal "and is well" "$(reason_of office)" ok
rm "$STATE/full"
check "with room again it comes by itself, or is asked to" wait_for 30 second_there || on A "$ADIT" connect second
check "it is well" wait_for 30 second_says ok

# ---- no room from one moment on -----------------------------------------------------------------

on A "$ADIT" disconnect second >"$TMP/out"
check "and goes again" wait_for 10 eval '! second_there'
machine >"$TMP/machine.before"
failures=0 refused=0 half=0 lost=0
traced() { grep -q '^TracerPid:[[:space:]]*[1-9]' "/proc/$HELPER/status"; }
for call in fsync rename write; do
	for ((n = 1; n < 50; n++)); do
		strace -f -qq -o "$TMP/strace" -e trace=$call -e "inject=$call:error=ENOSPC:when=$n+" -p "$HELPER" 2>/dev/null &
		STRACE=$!
		wait_for 5 traced
		on A timeout 20 "$ADIT" connect second >"$TMP/out" 2>&1
		if ! second_says ok; then
			refused=$((refused + 1))
			second_says state_dir || diag "$call $n: $(reason_of second)"
			wait_for 5 same_machine || { half=$((half + 1)); diag "$call $n, refused:"; same_machine | indent; }
		fi
		answers_agent >/dev/null || lost=$((lost + 1))
		kill $STRACE
		wait $STRACE 2>/dev/null
		on A "$ADIT" disconnect second >"$TMP/out" 2>&1
		wait_for 5 same_machine || { half=$((half + 1)); diag "$call $n, disconnected:"; same_machine | indent; }
		grep -q INJECTED "$TMP/strace" || break
		failures=$((failures + 1))
	done
done
expr_true "no room at each fsync, rename and write" "$failures >= 5"
expr_true "most make connect fail" "$refused >= 3"
equal "each connect is done whole or not at all, and undone" $half 0
equal "the network that runs flows" $lost 0

# ---- what cannot be undone -----------------------------------------------------------------------

said_of() { on A "$ADIT" status --json | jq -r --arg n "$1" '.networks[] | select(.name == $n) | "\(.state) \(.reason)"'; }
second_is() { [ "$(said_of second)" = "$1" ]; }
forwards() { [ "$(on A cat /proc/sys/net/ipv4/ip_forward)" = 1 ]; }
is_as_before() { wait_for 10 same_machine; }
no_lock() { rm -f "$STATE/.lock" && mkdir "$STATE/.lock"; }
lock_again() { rmdir "$STATE/.lock" && touch "$STATE/.lock"; }
on A "$ADIT" connect second >"$TMP/out"
check "second forwards" wait_for 10 forwards
no_lock
on A "$ADIT" disconnect second >"$TMP/out" 2>&1
equal "it cannot be undone: disconnect fails" $? 1
check "and says what stays" grep -q 'its changes of this machine are in force still: .*directory' "$TMP/out"
equal "it is not down" "$(said_of second)" "error host"
check "for it is in force" forwards
check "the log says so" grep -q 'second: its changes of this machine are in force still' "$TMP/agent.log"
check_not "a second disconnect fails, too" on A "$ADIT" disconnect second
lock_again
check "it is tried again by itself" wait_for 60 second_is 'down not_asked'
check "and all is undone" is_as_before
on A "$ADIT" connect second >"$TMP/out"
no_lock
check_not "once more" on A "$ADIT" disconnect second
on A "$ADIT" connect second >"$TMP/out" 2>&1
lock_again
check "connect goes on from there" wait_for 60 second_is 'up ok'
check "and disconnect undoes it" on A "$ADIT" disconnect second
check "all of it" is_as_before

# ---- the end ------------------------------------------------------------------------------------

check "second once more" on A "$ADIT" connect second
check "full again" full
stop "$AGENT"
rm -f "$STATE/full"
check_not "the end takes no room: nothing of either is left" on A ip link show "${W}b"
equal "no journal" "$(find "$STATE" -type f ! -name .lock)" ""
done_testing
