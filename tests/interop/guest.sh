# SPDX-License-Identifier: ISC
# shellcheck shell=bash
# guest.sh - a Linux 6.1 guest joined to namespace A; sourced after lib.sh

# guest_start FILE...: A's k0 198.51.100.1, 2001:db8:1::1; the guest's eth0 198.51.100.2, 2001:db8:1::2
guest_start() {
	local why
	why=$("$ROOT/scripts/kernel-guest.sh" prepare 2>&1) || skip_all "${why##*$'\n'}"
	space A
	on A ip tuntap add dev k0 mode tap vnet_hdr
	ip -n "$P-A" link set k0 up
	addr A k0 198.51.100.1/24 2001:db8:1::1/64
	A4=198.51.100.1 A6=2001:db8:1::1 B4=198.51.100.2 B6=2001:db8:1::2
	run_bg A "$TMP/guest.log" "$ROOT/scripts/kernel-guest.sh" run k0 $B4 "$@"
	GUEST=$BGPID
	if ! wait_for 60 grep -q "guest ready" "$TMP/guest.log" || ! wait_for 10 guest true; then
		not_ok "the guest starts"
		tail -n 20 "$TMP/guest.log" | indent
		done_testing
	fi
	guest ip addr add $B6/64 dev eth0
	wait_for 5 answers A $B6
}
# guest CMD...: runs it in the guest; the exit code is its own
guest() { guest_sh "$*"; }
guest_sh() {
	local out
	out=$({ echo "($1) 2>&1"; echo 'echo "::$?"'; } | on A timeout "${2:-90}" nc -N -w 90 "$B4" 7777) || return 1
	printf '%s\n' "${out%::*}"
	return "${out##*::}"
}
