#!/bin/bash
# SPDX-License-Identifier: ISC
#
# deb.sh [FOLDER] - builds the Debian packages from the tree as it stands, and puts them into FOLDER (build/deb)
#
# The build is of a copy: what debhelper writes beside the sources stays out of the tree.

set -eu
cd "$(dirname "$0")/.."
scripts/setup.sh build deb
out=${1:-build/deb}
mkdir -p "$out"
out=$(cd "$out" && pwd)
copy=$(mktemp -d "${TMPDIR:-/tmp}/adit-deb.XXXXXX")
trap 'rm -rf "$copy"' EXIT
mkdir "$copy/adit"
{ git ls-files -co --exclude-standard 2>/dev/null || find . -type f -not -path './build*' -not -path './.git/*'; } |
	while read -r file; do [ -f "$file" ] && printf '%s\0' "$file"; done | tar -cf - --null -T - | tar -xf - -C "$copy/adit"
log=$out/build.log
if ! (cd "$copy/adit" && DEB_BUILD_OPTIONS="${DEB_BUILD_OPTIONS:-parallel=$(nproc)}" dpkg-buildpackage -b -us -uc) >"$log" 2>&1; then
	tail -n 30 "$log" >&2
	exit 1
fi
rm -f "$out"/*.deb
mv "$copy"/*.deb "$out"/
ls "$out"/*.deb
