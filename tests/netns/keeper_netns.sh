#!/bin/bash
# SPDX-License-Identifier: ISC
# keeper_netns.sh - two network namespaces with one state directory and one resolv.conf: a plan of the one is
# neither overwritten nor undone from the other while its namespace lives, and what is in files comes back after its end
#
#   here                          there: another namespace, by a mount (ip netns add) or by a process
#   keeper_tool, adit cleanup     keeper_tool; a plan of ka1 with DNS and a sysctl, whose owner was killed
#
# In a mount and network namespace of its own, with a copy of /etc.
. "$(dirname "$0")/lib.sh"
apart -mn

need unshare nsenter
lab_start
TOOL=${ADIT_TOOLS:-$ROOT/build/tests/netns}/keeper_tool
[ -x "$TOOL" ] || skip_all "keeper_tool is not built"
DIR=$TMP/state
copy_of_etc "$TMP/etc"
mount --bind "$TMP/etc" /etc || skip_all "cannot mount here"
printf 'nameserver 192.0.2.53\n' >/etc/resolv.conf
cp /etc/resolv.conf "$TMP/resolv.before"
sysctl -qw net.ipv4.ip_forward=1

: >"$TMP/space"
there() { nsenter --net="$TMP/space" "$@"; }
new_there() { unshare -n mount --bind /proc/thread-self/ns/net "$TMP/space"; }
plan() {
	printf 'tun ka1\napply ka1\ntun ka1\nup ka1\nroute ka1 10.50.%s.0/24 254\nsysctl ka1 net/ipv4/ip_forward 1 0\n' "$1"
	printf 'dns ka1 file servers=10.50.%s.1\n.\n' "$1"
}
killed_there() { (plan 1; echo die) | there "$TOOL" run "$DIR" 2>&1; }
ours() { grep -q '^nameserver 10.50.1.1' /etc/resolv.conf; }
same_journal() { cmp "$TMP/journal" "$DIR/ka1.journal"; }
here() { plan 2 | "$TOOL" run "$DIR"; }
refused() { grep -q '^apply: -EXDEV: ka1 is in force in another network namespace' <<<"$1"; }
spared() { # WHAT OUTPUT-OF-CLEANUP
	check "$1: a clean-up here leaves it, and says so" grep -q '^left ka1: .*another network namespace' <<<"$2"
	check "$1: its journal is untouched" same_journal
	check "$1: and its DNS" ours
}

# --- one that lives, its owner killed -------------------------------------------------------------

new_there || skip_all "cannot mount a namespace here"
killed_there >/dev/null
cp "$DIR/ka1.journal" "$TMP/journal"
check "a plan there, whose owner was killed" ours
out=$("$TOOL" cleanup "$DIR")
spared "mounted" "$out"
check "a plan of that name here: refused" refused "$(here)"
check "its journal is untouched" same_journal
check "adopting it: refused" grep -q '^adopt: -EXDEV' <<<"$(echo "adopt ka1" | "$TOOL" run "$DIR")"
(umask 077; printf '[Interface]\nPrivateKey = %s\n' "$("$ADIT" genkey)" >"$TMP/ka1.conf")
check "adit up: refused" grep -q 'ka1 is in force in another network namespace' <<<"$("$ADIT" up --state-dir "$DIR" "$TMP/ka1.conf" 2>&1)"
check_not "without a note of its own" [ -e "$DIR/ka1.up" ]
check "adit cleanup says the same" grep -q 'another network namespace' <<<"$("$ADIT" cleanup --state-dir "$DIR")"
check "its journal is untouched" same_journal
nsenter --net="$TMP/space" sleep 60 &
SLEEPER=$!
in_there() { [ "$(stat -Lc %i /proc/$SLEEPER/ns/net)" = "$(stat -Lc %i "$TMP/space")" ]; }
check "a process is in it" wait_for 5 in_there
umount "$TMP/space"
out=$("$TOOL" cleanup "$DIR")
spared "in use by a process" "$out"
out=$(setpriv --bounding-set -all,+net_admin,+dac_override --inh-caps -all "$TOOL" cleanup "$DIR")
spared "looked at with few rights" "$out"
out=$(nsenter --net="/proc/$SLEEPER/ns/net" "$TOOL" cleanup "$DIR")
check "a clean-up there undoes it" grep -q '^undone ka1: dns' <<<"$out"
check "the DNS is as before" cmp "$TMP/resolv.before" /etc/resolv.conf
check_not "the journal is gone" [ -e "$DIR/ka1.journal" ]
kill $SLEEPER
wait $SLEEPER 2>/dev/null

# --- one that is gone -----------------------------------------------------------------------------

gone_there() {
	new_there || return
	killed_there >/dev/null
	umount "$TMP/space"
}
check "a plan in a namespace that ends" gone_there
check "its DNS is left" ours
out=$("$TOOL" cleanup "$DIR" guards)
check "a clean-up undoes that" grep -q '^undone ka1: dns' <<<"$out"
check "the DNS is as before" cmp "$TMP/resolv.before" /etc/resolv.conf
check_not "the journal is gone" [ -e "$DIR/ka1.journal" ]
equal "nothing else of this machine is touched" "$(sysctl -n net.ipv4.ip_forward)" 1
check "again a plan in a namespace that ends" gone_there
out=$( (plan 2; echo "sh cat /etc/resolv.conf"; echo "undo ka1") | "$TOOL" run "$DIR")
check "its name can be had here" grep -q '^apply: ok' <<<"$out"
check "with our DNS" grep -q '^nameserver 10.50.2.1' <<<"$out"
check_not "and without its" grep -q '10.50.1.1' <<<"$out"
check "undone, all is as before" cmp "$TMP/resolv.before" /etc/resolv.conf
equal "the sysctl, too" "$(sysctl -n net.ipv4.ip_forward)" 1
done_testing
