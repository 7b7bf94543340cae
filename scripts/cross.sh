#!/bin/bash
# SPDX-License-Identifier: ISC
#
# cross.sh - the cores and their tests (unit, vectors, sim, fuzz corpora) on a big-endian machine, by qemu-user
#
# Debian's s390x packages are unpacked into build-s390x/root; the system gets no foreign architecture.

set -eu
cd "$(dirname "$0")/.."
scripts/setup.sh build test cross
dir=$PWD/build-s390x
root=$dir/root
libraries=$root/usr/lib/s390x-linux-gnu
packages=(libssl-dev libssl3 libsodium-dev libsodium23 libcmocka-dev libcmocka0)

fetch() {
	local apt=$dir/apt
	mkdir -p "$apt/state/lists/partial" "$apt/cache/archives/partial" "$apt/debs"
	local options=(-qq -o APT::Architecture=s390x -o APT::Architectures::=s390x -o Dir::State="$apt/state"
		-o Dir::Cache="$apt/cache" -o Dir::State::status=/dev/null -o APT::Sandbox::User=root)
	apt-get "${options[@]}" update
	(cd "$apt/debs" && apt-get "${options[@]}" download "${packages[@]}")
	for deb in "$apt"/debs/*.deb; do dpkg -x "$deb" "$root.part"; done
	mv "$root.part" "$root" # whole, or not there
	rm -rf "$apt"
}

[ -d "$root" ] || fetch
# cmocka writes a skipped case as "not ok N # SKIP", which Meson takes for a failure
cat >"$dir/run" <<RUN
#!/bin/bash
set -o pipefail
qemu-s390x -L /usr/s390x-linux-gnu -E LD_LIBRARY_PATH='$libraries' "\$@" | sed -u 's/^not \(ok [0-9]* # SKIP\)/\1/'
RUN
chmod +x "$dir/run"
cat >"$dir/cross.ini" <<INI
[binaries]
c = 's390x-linux-gnu-gcc'
ar = 's390x-linux-gnu-ar'
strip = 's390x-linux-gnu-strip'
pkgconfig = 'pkg-config'
exe_wrapper = ['$dir/run']

[properties]
pkg_config_libdir = '$libraries/pkgconfig'
sys_root = '$root'

[built-in options]
c_args = ['-isystem', '$root/usr/include', '-isystem', '$root/usr/include/s390x-linux-gnu']
c_link_args = ['-L$libraries', '-Wl,-rpath-link,$libraries']

[host_machine]
system = 'linux'
cpu_family = 's390x'
cpu = 'z196'
endian = 'big'
INI
if [ ! -f "$dir/build/build.ninja" ]; then
	meson setup --cross-file "$dir/cross.ini" -Dcores_only=true "$dir/build" >"$dir/setup.log" 2>&1 || {
		cat "$dir/setup.log" >&2
		exit 1
	}
fi
ninja -C "$dir/build" >"$dir/ninja.log" 2>&1 || {
	grep -v '^\[' "$dir/ninja.log" >&2
	exit 1
}
meson test -C "$dir/build" --no-rebuild --timeout-multiplier 10 --print-errorlogs </dev/null
