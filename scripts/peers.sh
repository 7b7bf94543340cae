#!/bin/bash
# SPDX-License-Identifier: ISC
#
# peers.sh - the WireGuard programs we test and measure against, at pinned versions
#
#   scripts/peers.sh            builds what is missing, lists program and version of each
#   scripts/peers.sh NAME       the same for one; prints its path only
#
# Versions are in bench/peers.lock. Programs are kept in ADIT_PEERS (default
# /var/cache/adit-peers), outside the tree, and built once. Where Go is missing
# or too old, Debian's wireguard-go stands in. Exit 1 and one sentence on
# stderr when a peer cannot be had.

set -u
root=$(cd "$(dirname "$0")/.." && pwd)
cache=${ADIT_PEERS:-/var/cache/adit-peers}
lock=$root/bench/peers.lock

say() { echo "peers: $*" >&2; }

build_go() { # module version program
	command -v go >/dev/null || { say "Go is not installed"; return 1; }
	say "building $1 $2 (about half a minute)"
	mkdir -p "$cache/$(dirname "$3")" &&
		GOTOOLCHAIN=local GOFLAGS=-mod=mod GOBIN=$cache/$(dirname "$3") nice timeout 300 go install "$1@$2" >&2
}

build_cargo() { # crate version program
	command -v cargo >/dev/null || { say "cargo is not installed"; return 1; }
	say "building $1 $2 (about two minutes)"
	nice timeout 580 cargo install --quiet --locked --root "$cache/${3%%/*}" "$1" --version "$2" >&2
}

path_of() { # name: builds it when missing, prints its path
	local name kind module version program fallback
	while read -r name kind module version program; do
		[ "$name" = "$1" ] || continue
		# the version is part of what is cached: a new pin builds anew
		if [ -x "$cache/$program" ] && [ "$(cat "$cache/$program.version" 2>/dev/null || echo "$version")" = "$version" ]; then
			echo "$cache/$program"
			return 0
		fi
		if "build_$kind" "$module" "$version" "$program" && [ -x "$cache/$program" ]; then
			echo "$version" >"$cache/$program.version"
			echo "$cache/$program"
			return 0
		fi
		if [ "$name" = wireguard-go ] && fallback=$(command -v wireguard-go); then
			say "using the system's $fallback ($("$fallback" --version 2>&1 | head -n 1))"
			echo "$fallback"
			return 0
		fi
		say "no $name: cannot build $module $version here"
		return 1
	done < <(grep -v '^#' "$lock")
	say "no peer named $1 in $lock"
	return 1
}

mkdir -p "$cache" && exec 8>"$cache/lock" && flock 8 # several tests may ask at once
if [ $# -eq 1 ]; then
	path_of "$1"
	exit
fi
rc=0
while read -r name _ _ version _; do
	p=$(path_of "$name") || { rc=1; continue; }
	printf '%-14s %-40s %s\n' "$name" "$version" "$p"
done < <(grep -v '^#' "$lock")
exit $rc
