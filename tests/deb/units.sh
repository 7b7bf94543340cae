#!/bin/bash
# SPDX-License-Identifier: ISC
# units.sh - systemd takes the units, and adit takes the command lines in them

set -u
cd "$(dirname "$0")/../.." || exit 1
ADIT=${ADIT:-${ADIT_BUILD:-build}/src/cli/adit}
TMP=$(mktemp -d "${TMPDIR:-/tmp}/adit-units.XXXXXX")
trap 'rm -rf "$TMP"' EXIT
n=0 failed=0
# report "what" STATUS FILE
report() {
	n=$((n + 1))
	if [ "$2" = 0 ]; then
		echo "ok $n - $1"
	else
		echo "not ok $n - $1"
		sed 's/^/# /' "$3"
		failed=1
	fi
}

"$ADIT" help --dump >"$TMP/table"
for unit in contrib/systemd/*.service.in; do
	name=$(basename "$unit" .in)
	sed "s,@bindir@,$(dirname "$ADIT")," "$unit" >"$TMP/${name/@/@office}"
done
export SYSTEMD_UNIT_PATH=$TMP: # they name each other
for unit in contrib/systemd/*.service.in; do
	name=$(basename "$unit" .in)
	file=$TMP/${name/@/@office}
	if command -v systemd-analyze >/dev/null; then
		systemd-analyze verify --man=no "$file" >"$TMP/out" 2>&1 && ! grep -q "^${name%@*}.*:" "$TMP/out"
		report "systemd takes $name" $? "$TMP/out"
	else
		n=$((n + 1))
		echo "ok $n - systemd takes $name # SKIP no systemd-analyze"
	fi
	# each command, and each of its long options, is one of the table
	: >"$TMP/out"
	sed -n 's,^Exec[A-Za-z]*=-\{0\,1\}@bindir@/adit ,,p' "$unit" | while read -r command rest; do
		grep -q "^command	$command	" "$TMP/table" || echo "adit $command: no such command"
		for word in $rest; do
			[[ $word == --?* ]] || continue
			grep -Eq "^option	$command	([^	]*, *)?$word(	|,|$)" "$TMP/table" || echo "adit $command: no option $word"
		done
	done >"$TMP/out"
	[ ! -s "$TMP/out" ]
	report "adit takes what $name asks" $? "$TMP/out"
done

if command -v systemd-sysusers >/dev/null; then
	mkdir -p "$TMP/root/etc"
	systemd-sysusers --root="$TMP/root" "$PWD/contrib/sysusers.d/adit.conf" >"$TMP/out" 2>&1 &&
		grep -q '^adit:' "$TMP/root/etc/passwd" && grep -q '^adit-ro:' "$TMP/root/etc/group"
	report "sysusers makes the user and the groups" $? "$TMP/out"
	systemd-tmpfiles --root="$TMP/root" --create "$PWD/contrib/tmpfiles.d/adit.conf" >"$TMP/out" 2>&1
	[ -d "$TMP/root/run/adit" ] && [ -d "$TMP/root/var/lib/adit" ]
	report "tmpfiles makes the folders" $? "$TMP/out"
fi
"$ADIT" check contrib/adit.toml >"$TMP/out" 2>&1
report "the configuration that is installed is right" $? "$TMP/out"
echo "1..$n"
exit $failed
