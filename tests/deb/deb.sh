#!/bin/bash
# SPDX-License-Identifier: ISC
# deb.sh - the Debian packages: what is in them; with ADIT_CHROOT=1 a real build, installed, upgraded and purged
#
# Without it they are made of what ADIT_BUILD has built. The chroot is made by debootstrap once and kept in
# ADIT_CHROOTS (/var/cache/adit-chroot); a run sees it through an overlay, in a network namespace of its own.

set -u
export LC_ALL=C
TOP=$(cd "$(dirname "$0")/../.." && pwd)
BUILD=${ADIT_BUILD:-$TOP/build}
CHROOTS=${ADIT_CHROOTS:-/var/cache/adit-chroot}
n=0 failed=0
ok() { n=$((n + 1)); echo "ok $n - $1"; }
not_ok() {
	n=$((n + 1)) failed=1
	echo "not ok $n - $1"
	[ $# -lt 2 ] || head -n 30 "$2" | sed 's/^/# /'
}
skip_all() { echo "1..0 # SKIP $*"; exit 0; }
# check "what" CMD...
check() {
	local what=$1
	shift
	if "$@" >"$TMP/check" 2>&1; then ok "$what"; else not_ok "$what" "$TMP/check"; fi
}
for p in dpkg-buildpackage dh dpkg-deb; do
	command -v $p >/dev/null || skip_all "$p is not installed (scripts/setup.sh deb)"
done
dpkg-checkbuilddeps "$TOP/debian/control" 2>/dev/null || skip_all "not everything that the build needs is installed"
TMP=$(mktemp -d "${TMPDIR:-/tmp}/adit-debtest.XXXXXX")
ROOT=$TMP/root
cleanup() {
	mountpoint -q "$ROOT/proc" && umount "$ROOT/proc"
	mountpoint -q "$ROOT" && umount "$ROOT"
	mountpoint -q "$TMP/overlay" && umount "$TMP/overlay"
	rm -rf "$TMP"
}
trap cleanup EXIT
trap 'exit 130' INT TERM HUP

# --- the packages ------------------------------------------------------------------------------

if [ -n "${ADIT_CHROOT:-}" ]; then
	"$TOP/scripts/deb.sh" "$TMP/deb" >"$TMP/out" 2>&1
else
	[ "$(meson introspect --buildoptions "$BUILD" 2>/dev/null | python3 -c 'import json, sys
print(next(o["value"] for o in json.load(sys.stdin) if o["name"] == "prefix"))')" = /usr/local ] || skip_all "the build is not for /usr/local"
	ADIT_BUILT=$BUILD DEB_BUILD_OPTIONS="nostrip noautodbgsym" "$TOP/scripts/deb.sh" "$TMP/deb" >"$TMP/out" 2>&1
fi
[ -e "$TMP/deb/adit_0.1.0_$(dpkg --print-architecture).deb" ]
if [ $? = 0 ]; then
	ok "the packages are built"
else
	not_ok "the packages are built" "$TMP/out"
	echo "1..$n"
	exit 1
fi
deb() { ls "$TMP/deb/$1"_*.deb; }
for p in adit libadit0 libadit-dev; do
	dpkg-deb -c "$(deb $p)" | awk '{ sub("^[.]", "", $6); print $6 }' >"$TMP/$p.list"
done
for f in /usr/bin/adit /usr/bin/adit-wg /etc/adit/adit.toml /lib/systemd/system/adit.service /lib/systemd/system/adit@.service \
	/usr/lib/tmpfiles.d/adit.conf /usr/lib/sysusers.d/adit.conf /usr/share/man/man1/adit.1.gz \
	/usr/share/bash-completion/completions/adit.bash /usr/share/zsh/vendor-completions/_adit \
	/usr/share/fish/vendor_completions.d/adit.fish /usr/share/doc/adit/copyright; do
	check "adit has $f" grep -qx "$f" "$TMP/adit.list"
done
(cd "$TOP" && ls man/*.[1-8]) | while read -r page; do grep -q "/$(basename "$page").gz$" "$TMP/adit.list" || echo "$page"; done >"$TMP/out"
if [ -s "$TMP/out" ]; then not_ok "adit has every manual page" "$TMP/out"; else ok "adit has every manual page"; fi
if grep -v -E '^/(etc|lib|usr)?/?(adit|systemd|bin|lib|share|include)?(/|$)' "$TMP/adit.list" >"$TMP/out" || grep local "$TMP/adit.list" >"$TMP/out"; then
	not_ok "nothing lies elsewhere" "$TMP/out"
else
	ok "nothing lies elsewhere"
fi
check "libadit0 has the library" grep -q '/libadit.so.0$' "$TMP/libadit0.list"
check "libadit-dev has the header" grep -qx /usr/include/adit/adit.h "$TMP/libadit-dev.list"
check "and what pkg-config reads" grep -q 'pkgconfig/adit.pc$' "$TMP/libadit-dev.list"
dpkg-deb -e "$(deb adit)" "$TMP/control"
check "the configuration is the administrator's" grep -qx /etc/adit/adit.toml "$TMP/control/conffiles"
dpkg-deb --fsys-tarfile "$(deb adit)" | tar -xO ./lib/systemd/system/adit.service >"$TMP/unit"
check "the unit starts what is installed" grep -q '^ExecStart=/usr/bin/adit agent' "$TMP/unit"
if grep -E '^Depends:.*[ ,](libsystemd0|systemd|nftables|iptables|python3|bash)([ ,]|$)' "$TMP/control/control" >"$TMP/out"; then
	not_ok "it needs libraries and adduser only" "$TMP/out"
else
	ok "it needs libraries and adduser only"
fi
if command -v lintian >/dev/null; then
	tags=()
	[ -n "${ADIT_CHROOT:-}" ] || tags=(--suppress-tags "unstripped-binary-or-object,unstripped-static-library")
	check "lintian finds nothing" lintian --allow-root --fail-on error,warning "${tags[@]}" "$(deb adit)" "$(deb libadit0)" "$(deb libadit-dev)"
else
	n=$((n + 1))
	echo "ok $n - lintian finds nothing # SKIP lintian is not installed"
fi

finish() {
	echo "1..$n"
	exit $failed
}
[ -n "${ADIT_CHROOT:-}" ] || finish

# --- in a system of its own ---------------------------------------------------------------------------

skip_rest() {
	n=$((n + 1))
	echo "ok $n - installed and purged # SKIP $*"
	finish
}
[ "$(id -u)" = 0 ] || skip_rest "needs root"
command -v debootstrap >/dev/null || skip_rest "debootstrap is not installed"
read -r mirror suite < <(apt-get indextargets --format '$(REPO_URI) $(RELEASE)' 'Created-By: Packages' | grep -v -e security -e updates | head -n 1)
base=$CHROOTS/$suite
in_root() { unshare -n chroot "$1" /usr/bin/env -i PATH=/usr/sbin:/usr/bin:/sbin:/bin LC_ALL=C DEBIAN_FRONTEND=noninteractive "${@:2}"; }
if [ ! -e "$base/complete" ]; then
	rm -rf "$base"
	mkdir -p "$base"
	# What the packages need is part of the system: what they leave behind is theirs alone.
	needs=$(sed -n 's/^Depends: //p' "$TMP/control/control" | sed 's/([^)]*)//g; s/ //g')
	debootstrap --variant=minbase --include="$needs" "$suite" "$base/root" "$mirror" >"$TMP/out" 2>&1 || {
		tail -n 3 "$TMP/out" | sed 's/^/# /'
		rm -rf "$base"
		skip_rest "debootstrap failed"
	}
	: >"$base/complete"
fi
mkdir "$ROOT" "$TMP/overlay"
mount -t tmpfs none "$TMP/overlay" && mkdir "$TMP/overlay/upper" "$TMP/overlay/work" &&
	mount -t overlay -o "lowerdir=$base/root,upperdir=$TMP/overlay/upper,workdir=$TMP/overlay/work" none "$ROOT" 2>"$TMP/out" ||
	skip_rest "no overlay here: $(cat "$TMP/out")"
mount -t proc none "$ROOT/proc"
# Every file with its content, but dpkg's own notes, logs, adduser's lock and the second copies of passwd and group.
picture() {
	(cd "$ROOT" && find . -xdev \( -path ./proc -o -path ./var/lib/dpkg -o -path ./var/log -o -path ./var/cache -o -path ./root -o -path ./run/adduser \) -prune \
		-o \( -type f -printf '%p %m %U %G ' -exec sh -c 'md5sum <"$1"' sh {} \; -o -printf '%p %m %U %G %l\n' \) |
		grep -v -E '^\./etc/(passwd|group|shadow|gshadow|subuid|subgid)- |^\./etc/ld.so.cache ' | sort)
}
install_debs() { cp "$@" "$ROOT/root/" && in_root "$ROOT" sh -c 'dpkg -i /root/*.deb && rm /root/*.deb'; }

picture >"$TMP/before"
check "installed" install_debs "$(deb adit)" "$(deb libadit0)" "$(deb libadit-dev)"
check "the program runs" in_root "$ROOT" adit version
check "its configuration is right" in_root "$ROOT" adit check
check "there is the user" in_root "$ROOT" sh -c 'test "$(id -u adit)" -lt 1000 && getent group adit-ro'
check "dpkg finds every file as it was" in_root "$ROOT" dpkg --verify adit libadit0 libadit-dev
check "installed a second time" install_debs "$(deb adit)"

# A newer one, over a configuration that somebody changed.
dpkg-deb -R "$(deb adit)" "$TMP/newer"
sed -i 's/^Version: .*/Version: 0.1.1/' "$TMP/newer/DEBIAN/control"
dpkg-deb -b "$TMP/newer" "$TMP/newer.deb" >/dev/null
echo '# mine' >>"$ROOT/etc/adit/adit.toml"
touch "$ROOT/etc/adit/office.key"
check "upgraded" install_debs "$TMP/newer.deb"
check "to the newer one" in_root "$ROOT" sh -c 'dpkg-query -W -f "\${Version}" adit | grep -qx 0.1.1'
check "the changed configuration stays" grep -qx '# mine' "$ROOT/etc/adit/adit.toml"
check "and back to the older one" install_debs "$(deb adit)"
check "removed" in_root "$ROOT" dpkg -r adit
check "the program is gone" test ! -e "$ROOT/usr/bin/adit"
check "the configuration is not" grep -qx '# mine' "$ROOT/etc/adit/adit.toml"
rm "$ROOT/etc/adit/office.key" # a key that somebody made is never removed
check "purged" in_root "$ROOT" dpkg -P adit libadit0 libadit-dev
picture >"$TMP/after"
if diff "$TMP/before" "$TMP/after" >"$TMP/out"; then ok "nothing is left"; else not_ok "nothing is left" "$TMP/out"; fi
check "installed once more" install_debs "$(deb adit)" "$(deb libadit0)"
: >"$ROOT/etc/adit/office.key"
in_root "$ROOT" dpkg -P adit libadit0 >/dev/null 2>&1
check "a key of the administrator outlives a purge" test -e "$ROOT/etc/adit/office.key"
finish
