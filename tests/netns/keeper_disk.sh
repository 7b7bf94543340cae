#!/bin/bash
# SPDX-License-Identifier: ISC
# keeper_disk.sh - journals on a disk that is full, or fails at any moment: a change fails whole, and
# what runs goes on
#
# In a mount and network namespace of its own, with an empty /run; the state directory is a file system of 64 KiB.
# ADIT_KILLS=all fails each open, too.
. "$(dirname "$0")/lib.sh"
apart -mn

need unshare nft strace
lab_start
TOOL=${ADIT_TOOLS:-$ROOT/build/tests/netns}/keeper_tool
[ -x "$TOOL" ] || skip_all "keeper_tool is not built"
DIR=$TMP/state
mkdir "$DIR"
mount -t tmpfs -o size=64k none "$DIR" || skip_all "cannot mount here"
copy_of_etc "$TMP/etc"
mount --bind "$TMP/etc" /etc && mount -t tmpfs none /run || skip_all "cannot mount here"
printf 'nameserver 192.0.2.53\n' >/etc/resolv.conf
ip link set lo up

# in no order, as what is made again comes last; without numbers of links, which grow, and TUNs without a plan
cat >"$TMP/state.sh" <<'END'
# the kernel makes the route to an address of its own a moment after the address
own() { ip -6 -o addr show up | sed 's/^[0-9]*: \([^ ]*\) *inet6 \([^/ ]*\).*/local \2 dev \1/'; }
routed() { ip -6 route show table local | sed -n 's/^\(local [^ ]* dev [^ ]*\).*/\1/p'; }
n=0
while [ $((n += 1)) -lt 40 ] && own | grep -qvxF "$(routed)"; do sleep 0.05; done
{
ip -o link | sed 's/^[0-9]*: //' | grep -v 'state DOWN'
ip -o addr | sed 's/^[0-9]*: //; s/ tentative//'
ip route show table all
ip -6 route show table all
ip rule
ip -6 rule
nft list ruleset
grep -rs . /proc/sys/net/ipv[46]/conf /proc/sys/net/ipv4/ip_forward | grep -v -e stable_secret -e conf/ka
grep -v '^# adit [0-9a-f]*:' /etc/resolv.conf
} | sort
END
state() { sh "$TMP/state.sh"; }
same_state() { [ "$(state)" = "$BEFORE" ]; }
restored() {
	wait_for 3 same_state && return
	diff <(echo "$BEFORE") <(state)
}
tool() { "$TOOL" run "$DIR"; }
sleep 0.2
BEFORE=$(state)

# --- full ------------------------------------------------------------------------------------------------

out=$(tool <<-END
	tun ka1
	tun ka2
	random ka1 7
	sh sh $TMP/state.sh >$TMP/one
	sh dd if=/dev/zero of=$DIR/full bs=1k 2>/dev/null; true
	random ka2 8
	sh sh $TMP/state.sh >$TMP/full
	random ka1 9
	sh sh $TMP/state.sh >$TMP/full1
	sh rm $DIR/full
	random ka2 8
	sh dd if=/dev/zero of=$DIR/full bs=1k 2>/dev/null; true
	undo ka2
	undo ka1
END
)
check "full: the plan is refused" grep -q '^random: -ENOSPC: cannot write the journal' <<<"$out"
equal "so is a change of what is in force" "$(grep -c '^random: -ENOSPC' <<<"$out")" 2
check "before anything is changed" cmp "$TMP/one" "$TMP/full"
check "by either" cmp "$TMP/one" "$TMP/full1"
equal "with room again it is done" "$(grep -c '^random: ok' <<<"$out")" 2
equal "to undo takes no room" "$(grep -c '^undo: ok' <<<"$out")" 2
check "all as before" restored
rm -f "$DIR/full"

mount -o remount,ro "$DIR"
out=$(printf 'tun ka1\nrandom ka1 7\n' | tool)
check "read-only: refused" grep -q '^random: -EROFS' <<<"$out"
check "and nothing is changed" restored
mount -o remount,rw "$DIR"

# --- fails at any moment -------------------------------------------------------------------------------------

# What may be in force in the end: each of three changes, whole, or not at all.
in_force() { # NUMBER PLAN...
	local n=$1
	shift
	{
		printf 'tun ka1\ntun ka2\n'
		for p; do echo "random $p"; done
		printf 'sh sh %s >%s\nundoall\n' "$TMP/state.sh" "$TMP/whole$n"
	} | tool >/dev/null
}
in_force 0
in_force 1 "ka1 7"
in_force 2 "ka2 8"
in_force 3 "ka1 9"
in_force 4 "ka1 7" "ka2 8"
in_force 5 "ka1 7" "ka1 9"
in_force 6 "ka2 8" "ka1 9"
in_force 7 "ka1 7" "ka2 8" "ka1 9"
check "the plans can be told apart" test "$(sha256sum "$TMP"/whole* | cut -d' ' -f1 | sort -u | wc -l)" -ge 6
whole() {
	local f
	for f in "$TMP"/whole*; do cmp -s "$f" "$TMP/now" && return; done
	for f in "$TMP"/whole*; do diff "$f" "$TMP/now" >"$TMP/diff.$(basename "$f")"; done
	wc -l "$TMP"/diff.whole* | sort -n | head -1
	cat "$(wc -l "$TMP"/diff.whole* | sort -n | awk 'NR == 1 { print $2 }')"
}
failures=0 bad=0 refused=0
for call in write fsync rename openat; do
	stride=1
	[ $call = openat ] && [ "${ADIT_KILLS:-few}" != all ] && stride=4
	for ((n = 1; n < 200; n += stride)); do
		rm -f "$TMP/now"
		printf 'tun ka1\ntun ka2\nrandom ka1 7\nrandom ka2 8\nrandom ka1 9\nsh sh %s >%s\nundoall\n' "$TMP/state.sh" "$TMP/now" |
			strace -o "$TMP/strace.out" -e trace=$call -e inject="$call:error=ENOSPC:when=$n" \
				"$TOOL" run "$DIR" >"$TMP/out" 2>&1
		grep -q INJECTED "$TMP/strace.out" || break
		failures=$((failures + 1))
		grep -q -- '^random: -' "$TMP/out" && refused=$((refused + 1))
		if [ -e "$TMP/now" ] && whole >"$TMP/diff" && [ -s "$TMP/diff" ]; then
			bad=$((bad + 1))
			diag "$call $n: by half: $(grep INJECTED "$TMP/strace.out")"
			indent "$TMP/diff"
			indent "$TMP/out"
		fi
		"$TOOL" cleanup "$DIR" >"$TMP/out" 2>&1
		restored >"$TMP/diff" || { bad=$((bad + 1)); diag "$call $n:"; indent "$TMP/diff"; }
	done
done
expr_true "no room at each write, fsync, rename and open" "$failures >= 30"
expr_true "most make a change fail" "$refused >= 10"
equal "each change is done whole or not at all, and undone" $bad 0

done_testing
