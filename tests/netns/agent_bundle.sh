#!/bin/bash
# SPDX-License-Identifier: ISC
#
# agent_bundle.sh - adit bundle: with an agent and without one, nothing of what may not be known to strangers is in it
#
#   A  a0 198.51.100.1  ------ veth ------  198.51.100.2 b0  B
#      agent: office, whose keys are in the file itself, with names and addresses planted everywhere
. "$(dirname "$0")/agent_lab.sh"
agent_lab_start
(umask 077; wg genpsk >"$TMP/psk")
wg set "$WB" peer "$(key a)" preshared-key "$TMP/psk"
ip -n "$P-A" link add spynet0 type veth peer name spynet1
ip -n "$P-A" link set spynet0 up
ip -n "$P-A" route add 203.0.113.64/26 dev spynet0
ip -n "$P-A" rule add to 203.0.113.99 lookup 177
mac=$(on A cat /sys/class/net/a0/address 2>/dev/null || ip -n "$P-A" -o link show a0 | sed 's/.*ether \([^ ]*\).*/\1/')
(umask 077; cat >"$CONFIG" <<END
[agent]
control_socket = "$CONTROL"
state_dir = "$STATE"
[network.hideout]
enable = true
interface = "$WA"
private_key = "$(cat "$TMP/a.key")"
addresses = ["10.9.0.1/24", "fd09::1/64"]
dns = ["203.0.113.53", "secretcorp.example"]
[[network.hideout.peers]]
name = "matahari"
public_key = "$(key b)"
preshared_key = "$(cat "$TMP/psk")"
endpoint = "$B4:51822"
allowed_ips = ["10.9.0.2/32", "10.88.0.0/16", "fd09::2/128"]
[network.cellar]
enable = true
type = "forward"
private_key_path = "c.key"
addresses = ["10.9.0.3/32"]
socks5 = "kingpin:sesame@127.0.0.1:1080"
local = ["127.0.0.1:8080:vault:80"]
[[network.cellar.peers]]
name = "goldfinger"
public_key = "$(key b)"
endpoint = "bunker.invalid:51822"
allowed_ips = ["10.9.0.2/32"]
END
)
planted=("$(cat "$TMP/a.key")" "$(cat "$TMP/c.key")" "$(cat "$TMP/psk")" "$(key b)" "$(wg pubkey <"$TMP/a.key")"
	hideout matahari cellar goldfinger secretcorp kingpin sesame vault bunker spynet
	10.9.0. 10.88. fd09: 198.51.100. 203.0.113. 2001:db8 "$mac" "$(hostname)")
# What of it is in a file.
leaks() {
	local p
	for p in "${planted[@]}"; do
		[ -n "$p" ] && grep -qiF -e "$p" "$1" && echo "$p"
	done
}
bundle() { on A "$ADIT" bundle -c "$CONFIG" "$@"; }

agent
check "an agent runs" carries
up_now() { on A "$ADIT" status --json | jq -e '.networks[] | select(.state == "up" and .rx_packets > 0)'; }
check "a network is up" wait_for 10 up_now
on A "$ADIT" status --json >"$TMP/status" 2>&1
on A "$ADIT" config show "$CONFIG" --json >>"$TMP/status" 2>&1
on A ip -d addr >>"$TMP/status"
on A ip rule >>"$TMP/status"
on A ip route >>"$TMP/status"
on A ip -6 route >>"$TMP/status"
hostname >>"$TMP/status"
equal "what is planted is to be seen, but for secrets" "$(leaks "$TMP/status" | wc -l)" $((${#planted[@]} - 5))
check "adit bundle -o" bundle -o "$TMP/bundle"
equal "its mode" "$(stat -c %a "$TMP/bundle")" 600
equal "nothing that was planted is in it" "$(leaks "$TMP/bundle")" ""
for part in kernel version configuration "status, peers, drops" events doctor links "routes of IPv4" "rules of IPv6"; do
	check "it has a part: $part" grep -q "^=== $part" "$TMP/bundle"
done
# part TITLE: its text
part() { awk -v t="=== $1" '/^=== / { on = index($0, t) == 1; next } on' "$TMP/bundle"; }
part "status, peers, drops" >"$TMP/part"
check "the status is still JSON" jq -e '.networks | length == 2' "$TMP/part"
check "with state, reason, counts and drops" jq -e '.networks[] | select(.state == "up") | .rx_packets > 0' "$TMP/part"
name=$(jq -r '.networks[] | select(.state == "up").name' "$TMP/part")
settings() { part configuration | grep '^{' | jq -e "$1"; }
check "a network has one name everywhere" settings ".network[\"$name\"].enable"
check "events tell of it" grep -q "$name" <(part events)
check "the routes show which are ours" grep -q "dev link-[0-9]* proto 97" <(part "routes of IPv4")
bundle >"$TMP/bundle"
equal "and to standard output" "$(leaks "$TMP/bundle")" ""

# a file with mistakes, which quote what is in it; its own name is one of the planted
sed -e 's/^mtu.*//; s/^interface = .*/&\nlan = "matahari"\nmtuu = "secretcorp"/' -e 's/^endpoint = "198.*/endpoint = "bunker"/' "$CONFIG" >"$TMP/secretcorp.toml"
chmod 600 "$TMP/secretcorp.toml"
stop "$AGENT"
on A "$ADIT" bundle -c "$TMP/secretcorp.toml" >"$TMP/bundle"
equal "no agent, and a configuration with mistakes: nothing planted either" "$(leaks "$TMP/bundle")" ""
check "it says that no agent runs" grep -q "no agent runs" "$TMP/bundle"
check "and where the mistakes are" grep -q ':[0-9]*:[0-9]*: ' <(part configuration)
# the one is named in a mistake of the other
cat >"$TMP/secretcorp.toml" <<END
[network.hideout]
interface = "wg7"
private_key_path = "a.key"
[network.cellar]
interface = "wg7"
private_key_path = "c.key"
END
on A "$ADIT" check "$TMP/secretcorp.toml" >"$TMP/out" 2>&1
check "mistakes name networks" grep -q 'network [a-z]* has this' "$TMP/out"
on A "$ADIT" bundle -c "$TMP/secretcorp.toml" >"$TMP/bundle"
equal "not so in the bundle" "$(leaks "$TMP/bundle")" ""
bundle >"$TMP/bundle"
equal "no agent: nothing that was planted" "$(leaks "$TMP/bundle")" ""
check "the configuration is in it" settings ".network | length == 2"
on A "$ADIT" bundle --nonsense >/dev/null 2>&1
equal "mistakes in its arguments are status 2" $? 2
done_testing
