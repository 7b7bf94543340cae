#!/bin/bash
# SPDX-License-Identifier: ISC
#
# agent_half.sh - an agent that is killed while a plan is half applied, or half undone: the machine is as before
#
#   A  a0 198.51.100.1  ------ veth ------  198.51.100.2 b0  B
#      office: a split tunnel of 1,200 routes; travel: a full one with a killswitch and DNS
#
# agent_half.py does it: it starts, connects, reloads, disconnects and ends, and kills the network process, the helper
# or both at a random moment of each. In a mount namespace of its own, with a copy of /etc. ADIT_ROUNDS=100 kills that
# often; ADIT_HALF says how many of them shall hit a plan half way (0.2); ADIT_SEED makes the same choices.
. "$(dirname "$0")/agent_lab.sh"
apart -m
need nft
# before the lab, which makes namespaces in /run
OWN=$(mktemp -d "${TMPDIR:-/tmp}/adit-half.XXXXXX")
mkdir "$OWN/run"
copy_of_etc "$OWN/etc" ssl
: >"$OWN/nothing"
mount --bind "$OWN/etc" /etc && mount --bind "$OWN/run" /run || skip_all "cannot mount here"
# once: a mount upon the mount would hold the file
[ ! -e /usr/sbin/resolvconf ] || mount --bind "$OWN/nothing" "$(readlink -f /usr/sbin/resolvconf)"
agent_lab_start
trap 'cleanup; umount -l /run /etc; rm -rf "$OWN"' EXIT
ROUNDS=${ADIT_ROUNDS:-10}
printf '# of this machine\nnameserver 192.0.2.53\nsearch before.example' >/etc/resolv.conf
on A sysctl -qw net.ipv4.conf.a0.forwarding=1
ip -n "$P-A" route add default via 198.51.100.254
ip -n "$P-A" route add blackhole 203.0.113.0/24 table 77
ip -n "$P-A" rule add priority 500 fwmark 7 lookup 77
on A nft add table inet mine

on A "$PYTHON" "$LIB/agent_half.py" "$ADIT" "$TMP" "$(key b)" "$B4:51822" "$WA" "${W}f" "$ROUNDS" "${ADIT_SEED:-}" >"$TMP/out" 2>&1
grep '^#' "$TMP/out"
figure() { grep -o " $1=[0-9]*" "$TMP/out" | tail -n 1 | cut -d= -f2; }
check "every round came to its end" grep -q "^rounds=$ROUNDS " "$TMP/out" || tail -n 20 "$TMP/out" | indent
diag "$(tail -n 1 "$TMP/out")"
equal "each time the machine is as before, and a second clean-up does nothing" "$(figure bad)" 0
expr_true "kills hit a plan half way" "$(figure half) >= $ROUNDS * ${ADIT_HALF:-0.2}"
done_testing
