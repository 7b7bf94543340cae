#!/bin/bash
# SPDX-License-Identifier: ISC
#
# guard61.sh - the killswitch on Linux 6.1, which cannot keep a table through `nft flush ruleset`: it is put back
#
#   A  k0 198.51.100.1, .77, 2001:db8:1::77  --- tap ---  eth0 198.51.100.2, 2001:db8:1::2  guest
#      wA 10.9.0.1  ====== tunnel, to .77 port 51821 ======  wg0 10.9.0.2
#
# The guest is steered from 198.51.100.1, which its guard leaves out; everything else that A gets is counted.
. "$(dirname "$0")/../netns/lib.sh"
. "$(dirname "$0")/guest.sh"
lab_start
need nft
TOOL=${ADIT_TOOLS:-}/nft_tool
[ -x "$TOOL" ] || skip_all "nft_tool is not built (no libnftnl)"
NFT=$(command -v nft)
guest_start "$(command -v wg)" "$ADIT" "$TOOL" "$NFT"
addr A k0 198.51.100.77/24 2001:db8:1::77/64
on A nft -f - <<-RULES
	table netdev count {
		counter leak {}
		counter right {}
		chain in {
			type filter hook ingress device k0 priority 0;
			ip daddr 198.51.100.1 accept
			icmpv6 type { nd-router-solicit, nd-neighbor-solicit, nd-neighbor-advert } accept
			ip daddr 198.51.100.77 udp dport 51821 counter name right accept
			meta protocol { ip, ip6 } counter name leak
		}
	}
RULES
count() { on A nft list counter netdev count "$1" | awk '/packets/ { print $2 }'; }
# leaks: what comes when the guest tries everything
TRY="ping -c 1 -W 1 198.51.100.77; ping -c 1 -W 1 2001:db8:1::77; ping -I eth0 -c 1 -W 1 198.51.100.77
	echo x | nc -u -w 1 198.51.100.77 4000; echo x | nc -w 1 198.51.100.77 4000; echo x | nc -w 1 2001:db8:1::77 4000"
leaks() {
	local before
	before=$(count leak)
	guest_sh "$TRY" >/dev/null
	echo $(($(count leak) - before))
}
expr_true "without a guard it counts" "$(leaks) >= 4"

GUARD="guard wg0 51820 lan=block to=198.51.100.77:51821,[2001:db8:1::77]:51821 exclude=198.51.100.1"
# tool LINE...: answers of one tool, on one line
tool() {
	guest_sh "$TOOL <<'END'
$(printf '%s\n' "$@")
END
" | xargs
}
equal "6.1 cannot keep it by itself" "$(tool keeps)" no
equal "the guard stands" "$(tool "set $GUARD" "intact $GUARD")" "ok yes"
equal "replies and a gateway, too" "$(tool "set replies wg0 51820 10.9.0.2,fd09::2" "intact replies wg0 51820 10.9.0.2,fd09::2" \
	"set gateway wg0 forward masquerade mss_clamp port=51820" "intact gateway wg0 forward masquerade mss_clamp port=51820")" \
	"ok yes ok yes"
equal "leaked, its maker gone" "$(leaks)" 0
equal "taken up by the next, and changed" "$(tool "keep $GUARD" "intact $GUARD" "set guard wg1 7 lan=block" "intact $GUARD")" "ok yes ok yes"
equal "leaked" "$(leaks)" 0
guest_sh ": >/tmp/said
	{ echo 'set $GUARD'; until [ -s /tmp/said ]; do sleep 0.1; done; nft flush ruleset
	echo wait; echo 'intact $GUARD'; echo 'set $GUARD'; echo 'intact $GUARD'
	} | $TOOL >/tmp/said; cat /tmp/said" >"$TMP/out"
equal "flushed by others: noticed, and put back" "$(xargs <"$TMP/out")" "ok yes no ok yes"
equal "leaked after that" "$(leaks)" 0
equal "removed" "$(tool "keep $GUARD" "unset $GUARD" "delete adit-wg0" "delete adit-gw-wg0" tables)" "ok ok ok ok ok"
expr_true "and it counts again" "$(leaks) >= 4"

# The agent does the same.
WA=${W}a PUBA=$(key a) PUBB=$(key b)
device_up A "$WA" adit || { not_ok "a device starts"; done_testing; }
wg set "$WA" private-key "$TMP/a.key" listen-port 51821 peer "$PUBB" allowed-ips 10.9.0.2/32
inner A "$WA" 10.9.0.1/24
guest_sh "umask 077; echo '$(cat "$TMP/b.key")' >/tmp/b.key; cat >/tmp/agent.toml <<'END'
[agent]
control_socket = \"/tmp/control.sock\"
state_dir = \"/tmp/state\"
[network.full]
enable = true
interface = \"wg0\"
private_key_path = \"/tmp/b.key\"
addresses = [\"10.9.0.2/32\"]
killswitch = true
lan = \"block\"
exclude = [\"198.51.100.1/32\"]
[[network.full.peers]]
public_key = \"$PUBA\"
endpoint = \"198.51.100.77:51821\"
allowed_ips = [\"0.0.0.0/0\", \"::/0\"]
END
$ADIT agent -c /tmp/agent.toml >/tmp/agent.log 2>&1 </dev/null &" >"$TMP/out"
check "the agent's tunnel carries" wait_for 30 guest ping -c 1 -W 2 10.9.0.1 || { guest cat /tmp/agent.log | indent; done_testing; }
equal "the agent: leaked" "$(leaks)" 0
stands() { guest_sh "nft list chain inet adit output | grep -q reject"; }
check "the agent's guard stands" stands
check_not "flushed by others" guest_sh "nft add table inet bystander; nft flush ruleset; nft list table inet bystander"
check "and comes back" wait_for 10 stands
# What a socket bound to the device gets out meanwhile: a packet whenever the last one was answered or refused.
BEFORE=$(count leak)
guest_sh "(sleep 1; nft flush ruleset) & i=0
	while [ \$i -lt 100 ]; do ping -q -c 1 -W 1 -I eth0 198.51.100.77 >/dev/null 2>&1; i=\$((i + 1)); sleep 0.03; done; wait" >"$TMP/out"
MEANWHILE=$(($(count leak) - BEFORE))
check "and once more" wait_for 10 stands
expr_true "of 100 packets of a bound socket meanwhile it lets out" "$MEANWHILE <= 20"
equal "and nothing leaks" "$(leaks)" 0
check "and the tunnel carries" wait_for 10 guest ping -c 1 -W 2 10.9.0.1
done_testing
