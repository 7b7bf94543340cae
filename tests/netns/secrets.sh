#!/bin/bash
# SPDX-License-Identifier: ISC
#
# secrets.sh - the device's memory is searched for planted keys: there before, gone after
#
#   A  a0 198.51.100.1  ------ veth ------  198.51.100.2 b0  B
#      wA 10.9.0.1           tunnel         wB 10.9.0.2
#
# Keys are searched as bytes, as hex (UAPI text) and as base64. The scan that must find nothing is
# the one that found the key before (control). Private and preshared keys are planted by wg; the keys
# of a session are told by a far end of our own (initiator.c), which has derived them too.
. "$(dirname "$0")/lib.sh"
lab_start
need strace
[ -n "$ADIT_STANDIN" ] && skip_all "the program under test is a stand-in"
INITIATOR=$(tool initiator) || { not_ok "the initiator compiles"; done_testing; }
topology_direct
pair -p adit adit || { not_ok "two devices start"; done_testing; }
check "the tunnel works" reaches A 10.9.0.2

hex() { base64 -d <"$1" | od -An -tx1 | tr -d ' \n'; }
ascii() { printf '%s' "$1" | od -An -tx1 | tr -d ' \n'; }
PRIV=$(hex "$TMP/a.key")
PSK=$(hex "$TMP/psk")
# found KEYHEX FILE: which forms of a key are in A's memory
found() {
	lab scan "$PIDA" "$1" "$(ascii "$1")" "$(ascii "$1" | tr 'a-f' 'A-F')" "$(ascii "$(cat "$2")")" | sed 's/.*/found/' | tr -d '\n'
}
# session: initiator.c is a peer of A; sets RECEIVE_KEY, SEND_KEY (A's) and CHAIN_KEY
session() {
	local priv pub
	read -r priv pub < <("$INITIATOR" keys 1)
	PUBI=$pub
	wg set "$WA" peer "$PUBI" allowed-ips 10.9.0.50/32 || return 1
	echo "$priv 10.9.0.50" | on B timeout 20 "$INITIATOR" session "$A4" 51821 "$PUBA" 10.9.0.1 >"$TMP/session" || return 1
	read -r RECEIVE_KEY SEND_KEY CHAIN_KEY <"$TMP/session"
	[ ${#RECEIVE_KEY} = 64 ] && [ ${#SEND_KEY} = 64 ] && [ ${#CHAIN_KEY} = 64 ]
}
session_found() { # which of the session's keys are in A's memory
	lab scan "$PIDA" "$RECEIVE_KEY" "$SEND_KEY" "$CHAIN_KEY" |
		sed "s/$RECEIVE_KEY/receive/; s/$SEND_KEY/send/; s/$CHAIN_KEY/chain/" | sort | tr '\n' ' '
}
no_session_found() { [ -z "$(session_found)" ]; }
raw() { lab scan "$PIDA" "$1" >/dev/null; }

wg show "$WA" dump >/dev/null # keys go through text buffers
wg showconf "$WA" >"$TMP/a.conf"
wg setconf "$WA" "$TMP/a.conf"
check "the tunnel works after setconf" wait_for 6 answers A 10.9.0.2
check "control: the private key is found" raw "$PRIV"
check "control: the preshared key is found" raw "$PSK"
text() { # forms of text only
	lab scan "$PIDA" "$(ascii "$1")" "$(ascii "$(cat "$2")")" | sed 's/.*/found/' | tr -d '\n'
}
equal "no text form of the private key is left behind" "$(text "$PRIV" "$TMP/a.key")" ""
equal "no text form of the preshared key is left behind" "$(text "$PSK" "$TMP/psk")" ""

check "a session whose keys are known" session
equal "control: both its keys are found, what they were derived from is not" "$(session_found)" "receive send "
check "its peer is removed" wg set "$WA" peer "$PUBI" remove
# what a data thread's ciphers were last set up with may stay for a second
check "peer removed: the session's keys are gone" wait_for 3 no_session_found

check "a session whose keys are known" session
equal "control: both its keys are found" "$(session_found)" "receive send "
ip -n "$P-A" link set "$WA" down
check "interface down: the session's keys are gone" wait_for 3 no_session_found
ip -n "$P-A" link set "$WA" up
check "the tunnel works again" wait_for 6 answers A 10.9.0.2

check "the peer is removed" wg set "$WA" peer "$PUBB" remove
equal "peer removed: its preshared key is gone" "$(found "$PSK" "$TMP/psk")" ""
check "and the private key is still found: the scan works" raw "$PRIV"
check "the private key is taken away" wg set "$WA" private-key /dev/null
equal "private key unset: gone" "$(found "$PRIV" "$TMP/a.key")" ""

# At exit: stopped in front of exit_group.
wg setconf "$WA" "$TMP/a.conf"
check "the tunnel works again" wait_for 6 answers A 10.9.0.2
check "control: the private key is found again" raw "$PRIV"
check "control: the preshared key is found again" raw "$PSK"
check "a session whose keys are known" session
equal "control: both its keys are found" "$(session_found)" "receive send "
strace -f -q -o "$TMP/strace" -p "$PIDA" -e trace=exit_group -e inject=exit_group:delay_enter=4000000 2>/dev/null &
PIDS+=($!)
wait_for 5 grep -q '^TracerPid:[[:space:]]*[1-9]' "/proc/$PIDA/status"
kill -TERM "$PIDA"
at_exit() { grep -q exit_group "$TMP/strace" || [ "$(awk '{ print $1 }' "/proc/$PIDA/syscall" 2>/dev/null)" = 231 ]; }
check "it stops at exit_group" wait_for 3 at_exit
check "and its memory is readable there" lab scan "$PIDA" "$(ascii exit)"
equal "at exit: the private key is gone" "$(found "$PRIV" "$TMP/a.key")" ""
equal "at exit: the preshared key is gone" "$(found "$PSK" "$TMP/psk")" ""
equal "at exit: the session's keys are gone" "$(session_found)" ""
check "it ends" wait_for 8 gone "$PIDA"
wait "$PIDA" 2>/dev/null

# No core, whatever the limit says. The control is a program without such care.
if cores_in "$TMP/cores"; then
	device_up A "$WA" "prlimit --core=unlimited env -C $TMP/cores $ADIT device -f ${W}a"
	wg setconf "$WA" "$TMP/a.conf"
	kill -ABRT "$DEVPID"
	wait "$DEVPID" 2>/dev/null
	equal "no core is written" "$(ls "$TMP/cores")" ""
fi
# Nothing in the log either.
check_not "no key in the log" grep -qFf <(cat "$TMP/a.key" "$TMP/psk"; echo "$PRIV"; echo "$PSK") "$TMP/$WA.log"
done_testing
