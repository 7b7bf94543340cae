#!/bin/bash
# SPDX-License-Identifier: ISC
#
# agent_kinds.sh - several networks of an agent beside each other: static, overlaps, one that fails, what a reload moves
# between them, a resolver that may not be there, names under a killswitch, names of interfaces
#
#   A  a0 198.51.100.1  ------ veth ------  198.51.100.2 b0  B
#      agent: office 10.9.0.1, lab (static) 10.8.0.1       far end wB 10.9.0.2; adit static 10.8.0.2; names.py
. "$(dirname "$0")/agent_lab.sh"
no_resolvconf
P=nw$$
agent_lab_start
need nft nc
resolver_of A "$B4"
echo "vpn.example $B4" >"$TMP/names"
run_bg B "$TMP/names.err" $PYTHON "$LIB/names.py" "$B4" "$TMP/names" "$TMP/asked"
SA=${W}s SB=${W}t

head_of() { printf '[agent]\ncontrol_socket = "%s"\nstate_dir = "%s"\n' "$CONTROL" "$STATE"; }
# wireguard NAME IFACE KEY ADDRESS ENDPOINT ALLOWED [MORE]: KEY's peer is the far end
wireguard() {
	cat <<-END
		[network.$1]
		enable = true
		interface = "$2"
		private_key_path = "$3.key"
		addresses = ["$4"]
		${7:-}
		[[network.$1.peers]]
		public_key = "$(key b)"
		endpoint = "$5"
		allowed_ips = $6
	END
}
key sa >/dev/null
key sb >/dev/null
status() { "$ADIT" status --json --control "$CONTROL" 2>/dev/null; }
of() { status | jq -r --arg n "$1" ".networks[] | select(.name == \$n) | $2"; }
is() { [ "$(of "$1" '"\(.state) \(.reason)"')" = "$2" ]; }
becomes() { # "what" NETWORK "STATE REASON" SECONDS
	wait_for "$4" is "$2" "$3" || true
	equal "$1" "$(of "$2" '"\(.state) \(.reason)"')" "$3"
}
reload() { "$ADIT" reload --control "$CONTROL" "$@" >"$TMP/said" 2>&1; }
far_of_static() {
	cat >"$TMP/far.toml" <<-END
		[network.far]
		type = "static"
		interface = "$SB"
		listen = "0.0.0.0:1194"
		secret_path = "$TMP/sb.key"
		addresses = ["10.8.0.2/24"]
		mtu = 1400
		[network.far.peers]
		"10.8.0.1" = { pub_key = "$(key sa)", sock_addr = "$A4:1194" }
	END
	run_bg B "$TMP/far.log" "$ADIT" static -c "$TMP/far.toml" --state-dir "$TMP/far-state"
	FARSTATIC=$BGPID
}

# ---- static, and one that fails beside it ---------------------------------------------------

{ head_of; config_static; wireguard office "$WA" a 10.9.0.1/24 "$B4:51822" '["10.9.0.2/32"]'
	wireguard bad "${W}x" none 10.7.0.1/24 "$B4:51822" '["10.7.0.2/32"]'; } >"$CONFIG"
agent
becomes "one whose key file is missing: its reason" bad "error key_file" 10
becomes "another is up" office "up ok" 10
becomes "static: nothing was said yet" lab "up ok" 10
on A ping -q -c 3 -i 0.3 -W 1 10.8.0.2 >/dev/null 2>&1
becomes "static: nobody is there" lab "handshaking icmp_unreachable" 10
far_of_static
check "static: it carries once there is" wait_for 15 answers A 10.8.0.2
becomes "and is up" lab "up ok" 10
check "its packets are counted" test "$(of lab .rx_bytes)" -gt 0
cp "$TMP/c.key" "$TMP/none.key"
becomes "the missing key comes: tried again by itself" bad "up ok" 45

# ---- overlaps, and prefixes that move -------------------------------------------------------

cp "$CONFIG" "$TMP/before.toml"
{ head_of; config_static; wireguard office "$WA" a 10.9.0.1/24 "$B4:51822" '["10.9.0.2/32", "10.66.0.0/16"]'
	wireguard other "${W}o" c 10.9.0.3/32 "$B4:51822" '["10.66.0.0/16"]'; } >"$CONFIG"
reload
equal "two networks want the same prefix: refused" $? 1
check "and explained" grep -qE 'networks (office|other) and (office|other) have the same prefix' "$TMP/said"
equal "what ran still runs" "$(of office .state) $(of bad .name)" "up bad"
{ head_of; config_static; wireguard office "$WA" a 10.9.0.1/24 "$B4:51822" '["10.9.0.2/32", "10.66.0.0/16"]'
	wireguard other "${W}o" c 10.9.0.3/32 "$B4:51822" '["10.66.7.0/24"]'; } >"$CONFIG"
reload --dry-run
check "a dry run says what would change" grep -q 'network other: added' "$TMP/said"
check "and what would go" grep -q 'network bad: removed' "$TMP/said"
equal "and changes nothing" "$(of other .state)" ""
check "the reload" reload
becomes "a narrower prefix within a wider one is fine" other "up ok" 10
check "the status explains who gets it" grep -q '10.66.7.0/24 of other lies within' <(status)
check "the kernel agrees" grep -q "dev ${W}o" <(on A ip route get 10.66.7.1)
equal "the one that was removed is gone" "$(of bad .state)" ""
check_not "with its interface" on A ip link show "${W}x"
{ head_of; config_static; wireguard office "$WA" a 10.9.0.1/24 "$B4:51822" '["10.9.0.2/32", "10.66.7.0/24"]'
	wireguard other "${W}o" c 10.9.0.3/32 "$B4:51822" '["10.66.0.0/16"]'; } >"$CONFIG"
check "two networks exchange their prefixes" reload
check "the kernel agrees" grep -q "dev $WA" <(on A ip route get 10.66.7.1)
check "on both" grep -q "dev ${W}o" <(on A ip route get 10.66.8.1)
becomes "one is up" office "up ok" 15
becomes "so is the other" other "up ok" 15
{ head_of; config_static; wireguard office "$WA" a 10.9.0.1/24 "$B4:51822" '["10.9.0.2/32", "10.66.0.0/16"]' |
	sed 's/^enable.*/enable = false/'
	wireguard other "${W}o" c 10.9.0.3/32 "$B4:51822" '["10.66.7.0/24"]'; } >"$CONFIG"
check "they exchange them again, and one shall not run any more" reload
equal "it does not" "$(of office '"\(.state) \(.wanted)"')" "down false"
becomes "the other does" other "up ok" 15
stop "$AGENT"

# ---- a resolver that may not be there -------------------------------------------------------

resolv() { on A cat /etc/resolv.conf; }
was=$(resolv)
{ head_of; wireguard office "$WA" a 10.9.0.1/24 "$B4:51822" '["10.9.0.2/32"]' 'dns = ["10.100.0.2"]'; } >"$CONFIG"
agent
becomes "a resolver outside of allowed_ips: up" office "up ok" 10
check "the status says that it is not set, and why" grep -q '10.100.0.2.*not set' <(of office .dns)
equal "the machine's own is untouched" "$(resolv)" "$was"
addr B b0 10.100.0.2/32
ip -n "$P-A" route add 10.100.0.2 via "$B4"
run_bg B "$TMP/names2.err" $PYTHON "$LIB/names.py" 10.100.0.2 "$TMP/names" "$TMP/asked2"
is_set() { resolv | grep -q '^nameserver 10.100.0.2'; }
check "once it answers it is set" wait_for 15 is_set
sed -i 's/^addresses = .*/&\nmtu = 1400/' "$CONFIG"
check "a reload of other things" reload
check "leaves it set" is_set
equal "and the status knows" "$(of office .dns)" 10.100.0.2
sed -i "s|^state_dir = .*|state_dir = \"$TMP/other\"|" "$CONFIG"
check "a reload with another state_dir" reload
check "which is said to wait" grep -q 'a change of state_dir takes effect when the agent is started again' "$TMP/agent.log"
sed -i 's/^mtu = 1400/mtu = 1390/' "$CONFIG"
check "a reload of other things again" reload
equal "notes go where they went" "$(find "$TMP/other" "$STATE" -maxdepth 0 2>/dev/null)" "$STATE"
equal "and each reload says so" "$(grep -c 'change of state_dir' "$TMP/agent.log")" 2
stop "$AGENT"
equal "and as before at the end" "$(resolv)" "$was"

# ---- names under a killswitch ---------------------------------------------------------------

{ head_of; wireguard office "$WA" a 10.9.0.1/24 vpn.example:51822 '["0.0.0.0/0", "::/0"]' 'killswitch = true'; } >"$CONFIG"
: >"$TMP/asked"
agent
becomes "a full tunnel with a killswitch, to a name" office "up ok" 15
check "it carries" carries
check "the name was asked for outside" grep -q "vpn.example A $A4" "$TMP/asked"
leaves() { on A "$PYTHON" -c 'import socket, sys
s = socket.socket(socket.AF_INET, socket.SOCK_DGRAM); s.bind((sys.argv[1], 0)); s.settimeout(1)
s.setsockopt(socket.SOL_SOCKET, 25, b"a0\0"); s.sendto(b"\0\1\1\0\0\1\0\0\0\0\0\0\3vpn\7example\0\0\1\0\1", (sys.argv[2], 53)); s.recv(512)' "$A4" "$B4"; }
check_not "who is not marked does not get out, not even by the device" leaves
ip -n "$P-A" link del "$WA"
becomes "the TUN is deleted: up again" office "up ok" 15
check_not "and nothing leaves" leaves
check "it carries again" carries
echo "not a key" >"$TMP/a.key"
ip -n "$P-A" link del "$WA"
becomes "it cannot be made again: blocked" office "blocked key_file" 10
equal "there is nothing to capture then" "$(echo '{"action":"capture","network":"office"}' | nc -N -U -w 5 "$CONTROL" | jq -r .error.code)" not_connected
becomes "and the agent lives" office "blocked key_file" 10
check_not "and nothing leaves meanwhile" leaves
check "disconnect lets go" "$ADIT" disconnect --control "$CONTROL" office
check "all is open again" leaves
stop "$AGENT"

# ---- names of interfaces that a killswitch holds --------------------------------------------

unnamed() { wireguard "$@" | sed '/^interface/d'; }
cp "$TMP/c.key" "$TMP/a.key"
{ head_of; unnamed office "" c 10.9.0.3/24 "$B4:51822" '["0.0.0.0/0", "::/0"]' 'killswitch = true'
	unnamed late "" c 10.66.0.1/24 "$B4:51822" '["0.0.0.0/0", "::/0"]' 'killswitch = true' | sed 's/^enable.*/enable = false/'
	unnamed third "" c 10.67.0.1/24 "$B4:51822" '["10.67.0.0/16"]' | sed 's/^enable.*/enable = false/'; } >"$CONFIG"
agent
becomes "a network without a name for its interface" office "up ok" 15
equal "it has the first" "$(of office .interface)" adit0
check_not "nothing leaves" leaves
"$ADIT" connect --control "$CONTROL" late >/dev/null 2>&1
becomes "another wants the same addresses: refused" late "error overlap" 10
check "and changes nothing: the first carries" carries
equal "it has no interface" "$(of late .interface)" null
"$ADIT" connect --control "$CONTROL" third >/dev/null 2>&1
equal "a third one has the next name" "$(of third .interface)" adit1
check "the refused one is told to stop" "$ADIT" disconnect --control "$CONTROL" late
equal "the first runs" "$(of office .interface)" adit0
check "and carries" carries
check_not "and still nothing leaves" leaves
stop "$AGENT"
check "all is open again" leaves
sed -i '0,/^killswitch = true/s///' "$CONFIG"
agent
becomes "a full tunnel without a killswitch" office "up ok" 15
check "its machine is open" leaves
"$ADIT" connect --control "$CONTROL" late >/dev/null 2>&1
becomes "one with a killswitch is refused beside it" late "error overlap" 10
check "and stops nothing: not the tunnel's traffic" carries
check "nor other traffic" leaves
stop "$AGENT"

cp "$TMP/c.key" "$TMP/d.key"
{ head_of; wireguard office tun0 d 10.9.0.3/24 "$B4:51822" '["0.0.0.0/0", "::/0"]' 'killswitch = true'
	config_static | sed '/^interface/d; s/^enable.*/enable = false/'; } >"$CONFIG"
agent
becomes "a killswitch of an interface tun0" office "up ok" 15
echo "not a key" >"$TMP/d.key"
ip -n "$P-A" link del tun0
becomes "it holds when its tunnel cannot be made again" office "blocked key_file" 10
"$ADIT" connect --control "$CONTROL" lab >"$TMP/said" 2>&1
equal "a static network that gets the same name: refused" "$(of lab '"\(.state) \(.reason)"')" "error tun"
check "and told why" grep -q 'tun0 is in use by another network, whose killswitch holds' "$TMP/said"
check_not "nothing leaves" leaves
stop "$AGENT"
done_testing
