#!/bin/bash
# SPDX-License-Identifier: ISC
#
# first_network.sh - examples/first-network.sh does what it says, and leaves the machine as before
#
#   A  a0 198.51.100.1  ------ veth ------  198.51.100.2 b0  B
#      first0 10.77.0.1                     the other machine, by its file: 10.77.0.2
. "$(dirname "$0")/lib.sh"
lab_start
[ -n "$ADIT_STANDIN" ] && skip_all "the program under test is a stand-in"
P=fn$$
topology_direct
machine() {
	on A ip -o link
	on A ip -o addr
	on A ip route show table all
	on A ip -6 route show table all
	on A ip rule
	on A ip -6 rule
	on A sysctl -a 2>/dev/null | grep -E '^net\.ipv[46]\.conf' | grep -v stable_secret
}
# What the example runs while its network is up: the other machine comes, and sends.
cat >"$TMP/other" <<END
#!/bin/sh
ADIT_STATE_DIR=$TMP/other.state ip netns exec $P-B "$ADIT" up "$TMP/first/other.conf" && ip netns exec $P-B ping -c 3 -i 0.2 -W 5 10.77.0.1
END
chmod +x "$TMP/other"
machine >"$TMP/before"
example() { on A env ADIT="$ADIT" ADDRESS="$A4" "$ROOT/examples/first-network.sh" "$TMP/first" "$@" >"$TMP/out" 2>&1; }
check "the example comes to its end" example "$TMP/other" || indent "$TMP/out"
check "keys that only root may read" test "$(stat -c %a "$TMP/first/this.key" "$TMP/first/other.key" | xargs)" = "600 600"
for part in keys "what this machine allows" start statistics stop; do
	check "it says: $part" grep -qx "== $part" "$TMP/out"
done
check "doctor speaks of TUN devices" grep -qE '^(ok|warning|problem) +tun ' "$TMP/out"
check "the other machine got through" grep -q ' 0% packet loss' "$TMP/out"
check "the statistics show it: up, and its peer" eval 'grep -qE "^first .*up" "$TMP/out" && grep -q other "$TMP/out"'
check_not "no private key is shown" grep -qF -f "$TMP/first/this.key" "$TMP/out"
as_before() { machine >"$TMP/now"; cmp "$TMP/before" "$TMP/now"; }
check "this machine is as before" wait_for 5 as_before || diff "$TMP/before" "$TMP/now" | indent
keys=$(cat "$TMP/first/this.key")
check "a second time" example true
equal "with the same keys" "$(cat "$TMP/first/this.key")" "$keys"
check_not "a command that fails fails it" example false
check "and stops the network all the same" wait_for 5 as_before
check "each" grep -qx "== stop" "$TMP/out"
ADIT_STATE_DIR=$TMP/other.state on B "$ADIT" down "$TMP/first/other.conf" >/dev/null 2>&1
done_testing
