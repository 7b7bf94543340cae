#!/bin/bash
# SPDX-License-Identifier: ISC
# keeper.sh - what is changed on the machine is undone: in order, by difference, after kill -9 at every
# step; and what somebody else removes comes back
#
# In a mount and network namespace of its own, with a copy of /etc and an empty /run:
#
#   198.51.100.1  e0 -- e1   forwarding set here and there, tables and rules of others
#   ka1, ka2: TUNs of keeper_tool, plans made up from seeds
#
# ADIT_KILLS=all kills at every step of several changes; else at each of one, and some of the others.
. "$(dirname "$0")/lib.sh"
apart -mn

need unshare nft
lab_start
TOOL=${ADIT_TOOLS:-$ROOT/build/tests/netns}/keeper_tool
[ -x "$TOOL" ] || skip_all "keeper_tool is not built"
DIR=$TMP/state
KILLS=${ADIT_KILLS:-few}

# --- a machine with a life of its own ---------------------------------------------------------------

copy_of_etc "$TMP/etc"
mount --bind "$TMP/etc" /etc && mount -t tmpfs none /run || skip_all "cannot mount here"
printf 'nameserver 192.0.2.53\nsearch home.example\n' >/etc/resolv.conf
sysctl -qw net.ipv6.conf.all.accept_dad=0 net.ipv6.conf.default.accept_dad=0
ip link set lo up
ip link add e0 type veth peer name e1 || skip_all "cannot make links here"
sysctl -qw net.ipv4.conf.e0.forwarding=1 net.ipv4.conf.all.accept_redirects=0 net.ipv6.conf.e1.forwarding=1
for l in e0 e1; do ip link set $l addrgenmode none up; done
ip addr add 198.51.100.1/24 dev e0
ip addr add 2001:db8::1/64 dev e0 nodad
ip route add default via 198.51.100.254
ip -6 route add default via 2001:db8::fe
ip route add unreachable 203.0.113.0/24 table 77
ip rule add priority 500 fwmark 7 lookup 77
nft add table inet mine
nft add chain inet mine out '{ type filter hook output priority 5; }'

state() {
	ip -o link
	ip -o addr
	ip route show table all
	ip -6 route show table all
	ip rule
	ip -6 rule
	nft list ruleset
	grep -rs . /proc/sys/net/ipv[46]/conf /proc/sys/net/ipv4/ip_forward | grep -v stable_secret
	cat /etc/resolv.conf
	ls /etc
}
same_state() { [ "$(state)" = "$BEFORE" ]; }
# the kernel takes IPv6 routes away a moment after their link
restored() {
	wait_for 3 same_state && return
	diff <(echo "$BEFORE") <(state)
}
tool() { "$TOOL" run "$DIR"; }
keeper_cleanup() { "$TOOL" cleanup "$DIR" "$@"; }
nothing_kept() { [ -z "$(find "$DIR" -type f ! -name .lock 2>/dev/null)" ]; }
sleep 0.5
BEFORE=$(state)

# --- one after the other ------------------------------------------------------------------------------

tun_lines() { printf 'tun ka1\ntun ka2\n'; }
out=$( (tun_lines
	for seed in $(seq 1 12); do echo "random ka$((seed % 2 + 1)) $seed"; done
	echo "sh nft list tables"
	echo "undoall") | tool)
equal "random plans, each from the one before, and undone" "$(grep -c '^random: ok' <<<"$out")" 12
check "undone" grep -q '^undoall: ok' <<<"$out"
check "all as before" restored
check "no journal is left" nothing_kept

out=$( (tun_lines
	printf 'random ka1 5\nrandom ka2 6\nundo ka1\nsh sysctl -n net.ipv4.ip_forward\nundo ka2\n') | tool)
equal "what both want is undone by the last" "$(grep -v : <<<"$out")" 1
check "and as it was before the first" restored

# --- whole or nothing -----------------------------------------------------------------------------------

# The third route is somebody else's.
ip route add 10.50.3.0/24 dev e0
BEFORE_THIS=$BEFORE BEFORE=$(state)
out=$(tool <<-END
	tun ka1
	apply ka1
	tun ka1
	up ka1
	route ka1 10.50.1.0/24 254
	rule ka1 4 9700 254 700 -1 0.0.0.0/0
	sysctl ka1 net/ipv4/ip_forward 1 0
	dns ka1 file servers=10.50.0.1
	route ka1 10.50.3.0/24 254
	.
	drop ka1
END
)
check "a step that fails is named" grep -q '^apply: -EEXIST: route ka1 10.50.3.0/24 254: File exists' <<<"$out"
check "and nothing of the plan stays" restored
check "nor a journal" nothing_kept
for step in "mtu e0 1300" "addr e0 10.50.9.1/24" "up e0" "route e0 10.50.9.0/24 254"; do
	out=$(printf 'tun ka1\napply ka1\n%s\n.\ndrop ka1\n' "$step" | tool)
	check "a link that is no TUN is not touched: $step" grep -q '^apply: -EEXIST' <<<"$out"
done
check "nothing of it was" restored
out=$(tool <<-END
	tun ka1
	apply ka1
	tun ka1
	up ka1
	route ka1 10.50.1.0/24 254
	route ka1 10.50.2.0/24 254
	sysctl ka1 net/ipv4/conf/all/src_valid_mark 1 0
	.
	sh ip route show table all proto 97 >$TMP/was; sysctl -n net.ipv4.conf.all.src_valid_mark >>$TMP/was; cat $DIR/ka1.journal >>$TMP/was
	apply ka1
	tun ka1
	up ka1
	route ka1 10.50.1.0/24 254 5
	rule ka1 4 9700 254 700 -1 0.0.0.0/0
	sysctl ka1 net/ipv4/ip_forward 1 0
	dns ka1 file servers=10.50.0.1
	route ka1 10.50.3.0/24 254
	.
	sh ip route show table all proto 97 >$TMP/is; sysctl -n net.ipv4.conf.all.src_valid_mark >>$TMP/is; cat $DIR/ka1.journal >>$TMP/is
	sh ip rule show priority 9700 >>$TMP/is
	undo ka1
	drop ka1
END
)
check "a change that fails leaves the plan before in force" cmp "$TMP/was" "$TMP/is"
check "which is undone as ever" restored
ip route del 10.50.3.0/24 dev e0
BEFORE=$BEFORE_THIS

# --- somebody else ----------------------------------------------------------------------------------------

out=$(tool <<-END
	tun ka1
	apply ka1
	tun ka1
	addr ka1 10.50.0.1/24
	addr ka1 fd50::1/64
	mtu ka1 1380
	up ka1
	route ka1 10.51.0.0/16 254
	route ka1 fd51::/48 254
	unreachable ka1 0.0.0.0/0 700 4294967295
	unreachable ka1 ::/0 700 4294967295
	rule ka1 4 9700 254 700 -1 0.0.0.0/0
	rule ka1 6 9701 700 !700 -1 ::/0
	guard ka1 700 lan=allow to=198.51.100.9:51820
	replies ka1 700 10.50.0.1
	gateway ka1 forward masquerade
	dns ka1 file servers=10.50.0.9
	.
	quiet 300
	sh echo == route; ip route del 10.51.0.0/16
	wait mended route ka1 10.51.0.0/16
	sh echo == route 6; ip -6 route del fd51::/48
	wait mended route ka1 fd51::/48
	sh echo == replaced; ip route replace 10.51.0.0/16 dev e0
	wait broken route ka1 10.51.0.0/16
	sh ip route del 10.51.0.0/16 dev e0
	wait mended route ka1 10.51.0.0/16
	sh echo == unreachable; ip route del unreachable default table 700
	wait mended unreachable ka1 0.0.0.0/0
	sh echo == rule; ip rule del priority 9700
	wait mended rule ka1 4 9700
	sh echo == rule 6; ip -6 rule del priority 9701
	wait mended rule ka1 6 9701
	sh echo == address; ip addr del 10.50.0.1/24 dev ka1
	wait mended addr ka1 10.50.0.1/24
	sh echo == address 6; ip addr del fd50::1/64 dev ka1
	wait mended addr ka1 fd50::1/64
	sh echo == mtu; ip link set ka1 mtu 1300
	wait mended mtu ka1 1380
	sh echo == down; ip link set ka1 down
	wait mended route ka1 fd51::/48
	sh echo == table; nft delete table inet adit-ka1
	wait mended replies ka1
	sh echo == table gw; nft flush table inet adit-gw-ka1
	wait mended gateway ka1
	sh echo == flush; nft flush ruleset
	wait mended replies ka1
	sh nft add table inet mine; nft add chain inet mine out '{ type filter hook output priority 5; }'
	sh echo == dns; echo nameserver 192.0.2.99 >/etc/resolv.conf
	wait trampled dns ka1
	sh echo == gone; ip link del ka1
	wait gone tun ka1
	drop ka1
	tun ka1
	wait mended route ka1 fd51::/48
	sh cat /etc/resolv.conf; printf 'nameserver 192.0.2.53\\nsearch home.example\\n' >/etc/resolv.conf
	undo ka1
END
)
came() { awk -v what="== $1" '$0 == what { on = 1; next } /^==/ { on = 0 } on && /^wait: came/ { n++ } END { exit !n }' <<<"$out"; }
for what in route "route 6" replaced unreachable rule "rule 6" address "address 6" mtu down table "table gw" flush gone; do
	check "comes back: $what" came "$what"
done
check "a resolver that somebody else set is reported" came dns
check "and left to him" grep -qx 'nameserver 192.0.2.99' <<<"$out"
slow=$(awk '/^==/ { what = $0 } /^wait: came/ && $3 > 1000 { print what, $3 }' <<<"$out")
[ "${ADIT_PATIENCE:-3}" = 1 ] && equal "each within a second" "$slow" ""
check "and undone" restored || { echo "$out" | tail -40 | indent; }

out=$(tool <<-END
	tun ka1
	apply ka1
	tun ka1
	up ka1
	route ka1 10.51.0.0/16 254
	.
	sh (for i in \$(seq 100); do ip route del 10.51.0.0/16 2>/dev/null; sleep 0.05; done) & echo \$! >$TMP/del
	wait broken again and again
	sh kill \$(cat $TMP/del)
	undo ka1
END
)
check "what goes again and again is said to be broken" grep -q '^wait: came' <<<"$out"
equal "after a few times" "$(grep -c '^mended' <<<"$out")" 5
check "and undone, too" restored

# --- owners ----------------------------------------------------------------------------------------------

guarded() { printf 'tun ka1\napply ka1\ntun ka1\nup ka1\nroute ka1 10.51.0.0/16 254\nrule ka1 4 9700 254 700 -1 0.0.0.0/0\nguard ka1 700 lan=block to=198.51.100.9:51820\n.\n'; }
guard_there() { nft list table inet adit | grep -q 198.51.100.9; }
mkfifo "$TMP/in"
"$TOOL" run "$DIR" <"$TMP/in" >"$TMP/owner.out" 2>&1 &
OWNER=$!
PIDS+=($OWNER)
exec 7>"$TMP/in"
# ka1 without a table of guards, which only its owner may change
(tun_lines; printf 'apply ka1\ntun ka1\nup ka1\nroute ka1 10.51.0.0/16 254\nsysctl ka1 net/ipv4/ip_forward 1 0\n.\nrandom ka2 8\n') >&7
two_plans() { grep -q '^random: ok' "$TMP/owner.out"; }
check "a keeper runs" wait_for 10 two_plans
IN_FORCE=$(state)
keeper_cleanup >"$TMP/out" 2>&1
equal "clean-up leaves a living owner's plans alone" "$(cut -d: -f1 "$TMP/out" | sort | xargs)" "left ka1 left ka2"
equal "all of them" "$(state)" "$IN_FORCE"
check "nobody else changes them" grep -q '^apply: -EBUSY' <<<"$(printf 'apply ka1\nup ka1\n.\n' | tool)"
printf 'leave ka1\n' >&7
check "a plan is left to its TUN" wait_for 10 grep -q '^leave: ok' "$TMP/owner.out"
keeper_cleanup >"$TMP/out" 2>&1
check "and lives with it" grep -q '^left ka1' "$TMP/out"
equal "all of it" "$(state)" "$IN_FORCE"
out=$(printf 'adopt ka1\nundo ka1\n' | tool)
check "until another takes it over and undoes it" grep -q '^undo: ok' <<<"$out" || indent <<<"$out"
kill -KILL $OWNER
wait $OWNER 2>/dev/null
exec 7>&-
keeper_cleanup >"$TMP/out" 2>&1
check "of a dead owner all is undone" restored
keeper_cleanup >"$TMP/out" 2>&1
equal "a second clean-up has nothing to say" "$(cat "$TMP/out")" ""

# Two killswitches of two processes that live: the table is the first one's.
if nft list table inet adit 2>/dev/null; then diag "a table is left"; fi
mkfifo "$TMP/in2"
"$TOOL" run "$DIR" <"$TMP/in2" >"$TMP/owner2.out" 2>&1 &
OWNER=$!
PIDS+=($OWNER)
exec 7>"$TMP/in2"
guarded >&7
check "a killswitch stands" wait_for 10 grep -q '^apply: ok' "$TMP/owner2.out"
if nft list table inet adit | grep -q 'flags owner'; then
	IN_FORCE=$(state)
	out=$(guarded | sed 's/ka1/ka2/; s/10\.51/10.52/' | tool)
	check "another process gets no second one" grep -q '^apply: -EPERM: guard ka2' <<<"$out"
	equal "and changes nothing" "$(state)" "$IN_FORCE"
else
	skip "another process gets no second one" "this kernel knows no owner of a table"
fi
printf 'undo ka1\ndrop ka1\n' >&7
exec 7>&-
wait $OWNER
check "undone" restored

# Two processes share a sysctl, rules and a route, and come and go as they like.
coming_and_going() { # NAME
	local i
	echo "tun $1"
	for i in $(seq 15); do
		printf 'apply %s\ntun %s\nup %s\nsysctl %s net/ipv4/ip_forward 1 0\nrule %s 4 9600 254 0 0 0.0.0.0/0\n' \
			"$1" "$1" "$1" "$1" "$1"
		printf 'unreachable %s 10.99.0.0/16 7000 9\n.\nsh ip rule show priority 9600 | grep -q 9600 && sysctl -n net.ipv4.ip_forward && ip route show table 7000\nundo %s\ntun %s\n' \
			"$1" "$1" "$1"
	done
}
coming_and_going ka1 | tool >"$TMP/one" 2>&1 &
coming_and_going ka2 | tool >"$TMP/two" 2>&1
wait $!
for f in one two; do
	equal "process $f: applied and undone" "$(grep -cE '^(apply|undo): ok' "$TMP/$f")" 30
	equal "process $f: what both want is there while one wants it" "$(grep -c '^1$' "$TMP/$f") $(grep -c '^unreachable' "$TMP/$f")" "15 15"
done
check "and gone with the last" restored

# The command.
{ (tun_lines; printf 'random ka1 7\nrandom ka2 8\ndie\n') | tool; } >/dev/null 2>&1
IN_FORCE=$(state)
"$ADIT" cleanup --state-dir "$DIR" --dry-run --json >"$TMP/dry.json"
check "adit cleanup --dry-run --json is JSON and says what it would do" \
	jq -e '.dry_run and (.changes | length > 5) and all(.changes[]; .what == "would")' "$TMP/dry.json"
equal "and does nothing" "$(state)" "$IN_FORCE"
check "adit cleanup" "$ADIT" cleanup --state-dir "$DIR"
check "undoes it" restored
equal "a second one says so" "$("$ADIT" cleanup --state-dir "$DIR")" "nothing to clean up"
"$ADIT" cleanup --nonsense >/dev/null 2>&1
equal "mistakes in its arguments are status 2" $? 2

# A killswitch stays until it is meant.
{ (guarded; echo die) | tool; } >/dev/null 2>&1
check "killed: the killswitch stands" guard_there
keeper_cleanup guards >"$TMP/out"
check "clean-up that keeps it" guard_there
check_not "undoes the rest" grep -q 9700 <<<"$(ip rule)"
keeper_cleanup guards >"$TMP/out"
equal "a second one does nothing" "$(cat "$TMP/out")" "left ka1: the killswitch"
out=$( (guarded; echo "sh nft list table inet adit"; echo undoguarded; echo "sh nft list tables"; echo undoall) | tool)
check "the next start takes it over" grep -q '^apply: ok' <<<"$out"
check "and keeps it where it is asked to" grep -q '^undoguarded: ok' <<<"$out"
check "undone in the end" restored

# --- killed at every step ---------------------------------------------------------------------------------

# before_kill: lines that bring about what the armed ones change
killed_there() { (tun_lines; cat "$TMP/armed") | "$TOOL" kill "$1" "$DIR" >/dev/null 2>&1; }
kills=0 bad=0 half=0
# kill_all NAME STRIDE WIPED: kills what $TMP/armed says at each STRIDEth call
kill_all() {
	local n
	for ((n = 1; ; n += $2)); do
		killed_there $n || break
		kills=$((kills + 1))
		nothing_kept || half=$((half + 1))
		[ "$3" = wiped ] && rm -rf "$DIR"
		keeper_cleanup >"$TMP/out" 2>&1 || { bad=$((bad + 1)); diag "$1, call $n: clean-up: $(tail -1 "$TMP/out")"; }
		restored >"$TMP/diff" || { bad=$((bad + 1)); diag "$1, call $n:"; indent "$TMP/diff"; }
		nothing_kept || { bad=$((bad + 1)); diag "$1, call $n: $(ls "$DIR")"; }
		keeper_cleanup >"$TMP/out" 2>&1
		[ -s "$TMP/out" ] && { bad=$((bad + 1)); diag "$1, call $n: a second clean-up: $(tail -1 "$TMP/out")"; }
	done
	keeper_cleanup >/dev/null 2>&1 # after the last one, which was not killed
}
few() { [ "$KILLS" = all ] && echo 1 || echo "$1"; }
printf 'arm\nrandom ka1 7\n' >"$TMP/armed"
kill_all apply 1 kept
expr_true "killed at each step of applying a plan" "$kills >= 30"
equal "each time clean-up leaves all as before, and a second one does nothing" $bad 0
kills=0 bad=0
printf 'random ka1 7\narm\nundo ka1\n' >"$TMP/armed"
kill_all undo 1 kept
expr_true "killed at each step of undoing it" "$kills >= 15"
equal "each time all as before" $bad 0
kills=0 bad=0
printf 'random ka2 9\nrandom ka1 8\narm\nrandom ka1 10\n' >"$TMP/armed"
kill_all change "$(few 5)" kept
expr_true "killed while a plan is changed beside another" "$kills >= 5"
equal "each time all as before" $bad 0
expr_true "most of them left a plan half done" "$half >= 40"
# Without a journal the marks tell, but of sysctls nobody knows what they were.
kills=0 bad=0
cat >"$TMP/armed" <<-END
	arm
	apply ka1
	tun ka1
	addr ka1 10.50.0.1/24
	up ka1
	route ka1 10.51.0.0/16 254
	unreachable ka1 0.0.0.0/0 700 4294967295
	unreachable ka1 ::/0 700 4294967295
	rule ka1 4 9700 254 700 -1 0.0.0.0/0
	rule ka1 6 9701 700 !700 -1 ::/0
	guard ka1 700 lan=allow to=198.51.100.9:51820
	replies ka1 700 10.50.0.1
	gateway ka1 forward masquerade
	dns ka1 file servers=10.50.0.9
	.
END
kill_all wiped "$(few 2)" wiped
expr_true "killed, and the state directory is lost" "$kills >= 8"
equal "each time clean-up finds all by our marks" $bad 0

# Clean-up itself is killed, and the next one goes on.
kills=0 bad=0
for ((n = 1; ; n += $(few 2))); do
	{ (tun_lines; printf 'random ka1 7\nrandom ka2 6\ndie\n') | tool; } >/dev/null 2>&1
	"$TOOL" killcleanup $n "$DIR" >"$TMP/out" 2>&1 || break
	kills=$((kills + 1))
	keeper_cleanup >"$TMP/out" 2>&1
	restored >"$TMP/diff" || { bad=$((bad + 1)); diag "clean-up, call $n:"; indent "$TMP/diff"; }
done
expr_true "clean-up killed at its steps" "$kills >= 10"
equal "and the next one goes on" $bad 0
keeper_cleanup >/dev/null 2>&1

done_testing
