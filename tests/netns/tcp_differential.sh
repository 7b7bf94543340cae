#!/bin/bash
# SPDX-License-Identifier: ISC
#
# tcp_differential.sh - our TCP against the kernel's: the same things done to both ends
#
#   netstack_host === t0 A 10.77.0.1 -- 10.78.0.1 a0/b0 10.78.0.2 B, by a link of 1300 bytes
#   10.77.0.2 fd77::2      fd77::1      fd78::1             fd78::2
#
# tcp_differential.sh [OFFLOADS PROFILE]: all or none of the TUN's offloads, and a profile of netstack_host: wan, local.
# Without them: all three that are of use.
. "$(dirname "$0")/lib.sh"
lab_start
HOST=${ADIT_TOOLS:-${ADIT_BUILD:-$ROOT/build}/tests/netns}/netstack_host
[ -x "$HOST" ] || skip_all "no $HOST: it is built by meson"

begin() {
	space A B
	link A a0 B b0
	addr A a0 10.78.0.1/24 fd78::1/64
	addr B b0 10.78.0.2/24 fd78::2/64
	ip -n "$P-A" link set a0 mtu 1300
	ip -n "$P-B" link set b0 mtu 1300
	ip -n "$P-B" route add default via 10.78.0.1
	ip -n "$P-B" route add default via fd78::1
	on A sysctl -qw net.ipv4.ip_forward=1 net.ipv6.conf.all.forwarding=1
}
begin
runs=("$*")
[ $# -gt 0 ] || runs=("all wan" "none wan" "all local")
for how in "${runs[@]}"; do
	read -r offloads profile <<<"$how"
	while read -r verdict what; do
		case $verdict in
		pass) ok "offloads $offloads, $profile: $what" ;;
		fail) not_ok "offloads $offloads, $profile: $what" ;;
		*) echo "$verdict $what" ;;
		esac
	done < <(FAR=$P-B on A timeout 800 "$PYTHON" "$LIB/tcp_differential.py" "$HOST" "$offloads" "$profile" ${ADIT_ONLY:-} ||
		echo "fail the whole run ends well")
done
done_testing
