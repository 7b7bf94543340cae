#!/bin/bash
# SPDX-License-Identifier: ISC
#
# static.sh - two static tunnels: both wires, IPv4 and IPv6 outside and inside; what a file may say, and the end
#
#   A  a0 198.51.100.1 2001:db8:1::1  -- veth --  198.51.100.2 2001:db8:1::2 b0  B
#      wa 10.9.0.1 fd09::1 ========= tunnel ========= 10.9.0.2 fd09::2 wb
#
# ADIT_MB: size of each transfer in MB (16). With 256 and more the throughput is compared with adit device's.
. "$(dirname "$0")/lib.sh"
. "$(dirname "$0")/static_lab.sh"
lab_start
topology_direct
MB=${ADIT_MB:-16}
[ "$MB" -gt 100 ] && ADIT_TRANSFER=$((MB / 10))

# ---- traffic --------------------------------------------------------------------------------------

for wire in v2 v1; do
	for outer in 4 6; do
		what="wire $wire, outer IPv$outer"
		check "$what: both ends start" static_pair $wire $outer || done_testing
		check "$what: ping, IPv4" reaches A 10.9.0.2
		check "$what: ping, IPv6" reaches B fd09::1
		check "$what: iperf3 from A" iperf A B 10.9.0.2 -t 1
		diag "$(mbits) Mbit/s"
		check "$what: iperf3 from B, IPv6" iperf A B fd09::2 -t 1 -R
		diag "$(mbits) Mbit/s"
		check "$what: $MB MB from A, IPv6: equal sha256" transfer A B fd09::2 "$MB"
		check "$what: $MB MB from B, IPv4: equal sha256" transfer B A 10.9.0.1 "$MB"
		equal "$what: nothing was dropped for its authenticity" \
			"$(static_drops "$WB" auth_failed) $(static_drops "$WA" auth_failed)" "0 0"
		static_unpair
	done
done
equal "the interfaces are gone" "$(ip -n "$P-A" -o link | grep -c "$W")$(ip -n "$P-B" -o link | grep -c "$W")" 00
equal "and their control sockets" "$(ls /run/adit/static-"$PIDA".sock /run/adit/static-"$PIDB".sock 2>/dev/null)" ""

# ---- beside the device: the same cores, the same path, one after another ----------------------------

if [ "$MB" -ge 256 ]; then
	pair adit adit || not_ok "two devices start"
	DA=$PIDA DB=$PIDB
	# the same addresses cannot be there twice, so the devices get others
	for n in 1 2; do
		dev=$([ $n = 1 ] && echo "$WA" || echo "$WB") ns=$([ $n = 1 ] && echo A || echo B)
		ip -n "$P-$ns" addr flush dev "$dev"
		inner $ns "$dev" 10.8.0.$n/24
		ip -n "$P-$ns" link set "$dev" mtu 1400
		wg set "$dev" peer "$([ $n = 1 ] && echo "$PUBB" || echo "$PUBA")" allowed-ips 10.8.0.$((3 - n))/32
	done
	W=${W}s
	for wire in v2 v1; do
		check "wire $wire beside adit device" static_pair $wire 4
		ratios=()
		for _ in 1 2 3 4 5; do
			# device, ours, ours, device: neighbours in time are compared, on a machine that changes by the second
			device=0 ours=0
			for address in 10.8.0.2 10.9.0.2 10.9.0.2 10.8.0.2; do
				iperf A B $address -t 2 >/dev/null || continue
				[ $address = 10.8.0.2 ] && device=$((device + $(mbits))) || ours=$((ours + $(mbits)))
			done
			diag "adit device $((device / 2)) Mbit/s, adit static $wire $((ours / 2))"
			ratios+=("$(awk "BEGIN { print $device ? $ours / $device : 0 }")")
		done
		expr_true "wire $wire: at least 0.9 of the device's throughput (median of 5)" \
			"$(printf '%s\n' "${ratios[@]}" | sort -n | sed -n 3p) >= 0.9"
		static_unpair
	done
	stop "$DA"
	stop "$DB"
fi

# ---- files ------------------------------------------------------------------------------------------

PUBB=$(key b)
run_check() { timeout 5 "$ADIT" static -c "$@" --check >"$TMP/out" 2>&1; }
# refused STATUS CMD...: with that exit status, and not by the clock
refused() {
	local want=$1
	shift
	"$@"
	equal "  status $want" $? "$want"
}
cat >"$TMP/faults.toml" <<END
[network.lab]
type = "static"
interface = "a name with blanks"
listen = "0.0.0.0:99999"
secret_path = "nothing.key"
addresses = ["10.9.0.1/33", "fd09::1/64"]
mtu = 70000
wire = "v3"
roamin = true
peer_timeout_secs = "60"
[network.lab.peers]
"10.9.0.300" = { pub_key = "$PUBB", sock_addr = "$B4:1194" }
"fd09::2" = { pub_key = "abc", sock_addr = "$B4:1194" }
END
ok "a file with ten faults"
refused 78 run_check "$TMP/faults.toml"
equal "  ten lines, each with its place" "$(grep -Ec '^[^:]*faults.toml:[0-9]+:[0-9]+: network\.lab\.[^ ]+: .' "$TMP/out") of $(wc -l <"$TMP/out")" "10 of 10"
equal "  in these lines of the file" "$(cut -d: -f2 "$TMP/out" | xargs)" "3 4 5 6 7 8 9 10 12 13"
equal "  the mistyped key and what was meant" "$(grep -c 'roamin: .*roaming' "$TMP/out")" 1
[ $FAILED = 0 ] || indent "$TMP/out"
umask 077
key a >/dev/null
sed -e "s/a name with blanks/${W}f/" -e 's/:99999/:1194/' -e 's/nothing.key/a.key/' -e 's/0\.1\/33/0.1\/24/' -e 's/70000/1400/' \
	-e 's/"v3"/"v2"/' -e 's/roamin /roaming /' -e 's/"60"/60/' -e 's/10\.9\.0\.300/10.9.0.2/' -e "s|\"abc\"|\"$PUBB\"|" "$TMP/faults.toml" >"$TMP/A.toml"
check "the same file mended: --check" run_check "$TMP/A.toml"
check "the same file mended runs" static_up A
equal "  its interface has the addresses" "$(ip -n "$P-A" -o addr show dev "${W}f" scope global | awk '{ print $4 }' | xargs)" "10.9.0.1/24 fd09::1/64"
equal "  and the MTU" "$(on A cat "/sys/class/net/${W}f/mtu")" 1400
equal "  status: its network" "$(status "${W}f" .network)" lab
stop "$SPID" INT

sed 's/a\.key/open.key/' "$TMP/A.toml" >"$TMP/open.toml"
install -m 644 "$TMP/a.key" "$TMP/open.key"
ok "a key file of mode 0644"
refused 78 run_check "$TMP/open.toml"
check "  says so" grep -q 'open.toml:5:15: network.lab.secret_path: .*chmod 600' "$TMP/out"
mkfifo "$TMP/pipe"
sed 's/a\.key/pipe/' "$TMP/A.toml" >"$TMP/pipe.toml"
ok "a FIFO in the place of the key file"
refused 78 run_check "$TMP/pipe.toml"
check "  says so" grep -q 'secret_path: .*not a plain file' "$TMP/out"
ok "a FIFO in the place of the configuration"
refused 78 run_check "$TMP/pipe"

json() { # MODE
	rm -f "$TMP/A.json"
	cat >"$TMP/A.json" <<-END
		{"secret": "$(cat "$TMP/a.key")",
		 "addresses": ["10.9.0.1/24"], "mtu": 1400,
		 "peers": {"10.9.0.2": {"pub_key": "$PUBB", "sock_addr": "$B4:1194"}}}
	END
	chmod "$1" "$TMP/A.json"
}
json 644
ok "JSON with a key in it, mode 0644"
refused 78 run_check "$TMP/A.json"
json 600
check "JSON, mode 0600" run_check "$TMP/A.json"
static_config B v2 4
check "TOML in B" static_up B
PIDB=$SPID
run_bg A "$TMP/A.log" "$ADIT" static -c "$TMP/A.json" "${W}j"
check "JSON in A, the interface named on the command line: data" wait_for 10 answers A 10.9.0.2

# ---- what stands in the way ---------------------------------------------------------------------------

cp "$TMP/B.toml" "$TMP/busy.toml"
sed -i "s/${W}b/${W}c/" "$TMP/busy.toml"
ok "the same one again"
refused 1 on B timeout 20 "$ADIT" static -c "$TMP/B.toml" 2>"$TMP/out"
check "  says that it runs" grep -q "a static tunnel called ${W}b runs already" "$TMP/out"
ok "an interface of something else"
sed "s/${W}b/lo/" "$TMP/B.toml" >"$TMP/lo.toml"
refused 1 on B timeout 20 "$ADIT" static -c "$TMP/lo.toml" 2>"$TMP/out"
equal "  says so, and not to delete it" "$(cat "$TMP/out")" "adit lo: the name lo is in use by another interface: choose another"
ok "a port that is taken"
refused 1 on B timeout 20 "$ADIT" static -c "$TMP/busy.toml" 2>"$TMP/out"
check "  says so" grep -q "port 1194 is in use" "$TMP/out"
equal "  and leaves nothing" "$(ip -n "$P-B" -o link | grep -c "${W}c")" 0
ip -n "$P-B" link del "${W}b"
check "ip link del ends it" wait_for 5 gone "$PIDB"
check "  and says why" logged B "the interface is gone"
ok "without the right to make a TUN"
refused 4 setpriv --bounding-set=-net_admin "$ADIT" static -c "$TMP/B.toml" 2>"$TMP/out"
done_testing
