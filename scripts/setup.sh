#!/bin/bash
# SPDX-License-Identifier: ISC
#
# setup.sh GROUP... - installs what scripts/packages.txt lists for the groups and this system lacks
#
# Quick and offline when nothing is missing. Not root: prints the command to run, and exit 1.

set -eu
here=$(cd "$(dirname "$0")" && pwd)
if ! command -v dpkg-query >/dev/null; then
	echo "setup: not a Debian system; $here/packages.txt says what is needed" >&2
	exit 0
fi
architecture=$(dpkg --print-architecture)
missing=()
while read -r group package only _; do
	case $group in '' | '#'*) continue ;; esac
	[[ " $* " == *" $group "* ]] || continue
	[[ $only != \[* || $only == "[$architecture]" ]] || continue
	[ "$(dpkg-query -W -f='${db:Status-Status}' "$package" 2>/dev/null)" = installed ] || missing+=("$package")
done <"$here/packages.txt"
[ ${#missing[@]} -gt 0 ] || exit 0

if [ "$(id -u)" != 0 ]; then
	echo "setup: missing: ${missing[*]}. Run:" >&2
	echo "  sudo sh -c 'apt-get update && apt-get install -y --no-install-recommends ${missing[*]}'" >&2
	exit 1
fi
echo "setup: installing ${missing[*]}"
export DEBIAN_FRONTEND=noninteractive
log=$(mktemp)
trap 'rm -f "$log"' EXIT
if ! { apt-get update && apt-get install -y --no-install-recommends "${missing[@]}"; } </dev/null >"$log" 2>&1; then
	tail -n 20 "$log" >&2
	echo "setup: could not install: ${missing[*]}" >&2
	exit 1
fi
