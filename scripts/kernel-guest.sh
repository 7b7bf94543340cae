#!/bin/bash
# SPDX-License-Identifier: ISC
#
# kernel-guest.sh - a Linux 6.1 guest in qemu: the kernel's own WireGuard and TUN, for the tests
#
#   scripts/kernel-guest.sh prepare               gets Debian's 6.1 cloud kernel (once), makes the base initramfs
#   scripts/kernel-guest.sh run TAP ADDRESS FILE...
#       boots it with its network card on TAP (in the caller's namespace) and ADDRESS/24 on eth0;
#       FILEs are copied in under their own names, programs with their shared libraries.
#       Runs until killed. Port 7777 of ADDRESS takes shell scripts and answers with their output.
#
# The kernel is kept in ADIT_KERNEL (default /var/cache/adit-kernel), outside the tree. Software
# emulation only: /dev/kvm is not needed. Exit 1 and one sentence when the guest cannot be had.

set -u
script=$(readlink -f "$0")
cache=${ADIT_KERNEL:-/var/cache/adit-kernel}
modules=(virtio_pci virtio_net wireguard tun veth sch_netem nf_tables nft_ct nft_reject_inet nft_fib_inet nft_masq nft_chain_nat)
PATH=$PATH:/usr/sbin:/sbin

fail() {
	echo "kernel guest: $*" >&2
	exit 1
}

prepare() {
	local p deb pkg version dir m f
	for p in qemu-system-x86_64 busybox depmod modprobe dpkg; do
		command -v $p >/dev/null || fail "$p is not installed"
	done
	[ "$(uname -m)" = x86_64 ] || fail "needs an x86-64 machine"
	mkdir -p "$cache" && cd "$cache" && exec 8>lock && flock 8 || fail "cannot write $cache" # several tests may ask at once
	# this script makes the initramfs: a change of it makes a new one
	[ -e vmlinuz ] && [ base.cpio -nt "$script" ] && return
	deb=$(ls linux-image-6.1*-cloud-amd64*.deb 2>/dev/null | sort -V | tail -n 1)
	if [ -z "$deb" ]; then
		pkg=$(apt-cache pkgnames linux-image-6.1. | grep -E '^linux-image-6\.1\.[0-9]+-[0-9]+-cloud-amd64$' | sort -V | tail -n 1)
		[ -n "$pkg" ] || fail "apt knows no linux-image-6.1.*-cloud-amd64 (apt-get update?)"
		echo "kernel guest: getting $pkg (about 30 MB)" >&2
		apt-get -q=2 download "$pkg" 2>/dev/null || fail "cannot download $pkg"
		deb=$(ls "$pkg"_*.deb)
	fi
	rm -rf x base base.cpio vmlinuz
	dpkg -x "$deb" x || fail "cannot unpack $deb"
	version=$(basename x/lib/modules/*)
	depmod -b "$cache/x" "$version" 2>/dev/null
	dir=base/lib/modules
	mkdir -p base/bin base/dev base/proc base/sys base/tmp base/run base/etc base/var $dir
	ln -s ../run base/var/run
	: >base/order
	# in the order in which they depend on each other, each once
	for m in "${modules[@]}"; do
		modprobe -d "$cache/x" -S "$version" --show-depends "$m" | awk '$1 == "insmod" { print $2 }'
	done | awk '!seen[$0]++' | while read -r f; do
		cp "$f" $dir/
		basename "$f" >>base/order
	done
	cp "$(command -v busybox)" base/bin/busybox
	for p in sh ls cat echo mkdir mount umount insmod nc ping sleep sha256sum head dd ps kill grep sed awk wc uname \
		poweroff setsid test true ip tail cut tr date stat dmesg free timeout env seq rm od tc; do
		busybox "$p" --help >/dev/null 2>&1
		ln -s busybox "base/bin/$p"
	done
	cat >base/init <<-'END'
		#!/bin/sh
		export PATH=/bin:/sbin:/usr/bin:/usr/sbin
		mount -t proc proc /proc
		mount -t sysfs sys /sys
		mount -t devtmpfs dev /dev
		while read -r m; do insmod /lib/modules/$m; done </order
		mkdir -p /dev/net
		[ -c /dev/net/tun ] || mknod /dev/net/tun c 10 200
		echo 0 >/proc/sys/net/ipv6/conf/all/accept_dad
		echo 0 >/proc/sys/net/ipv6/conf/default/accept_dad
		echo 0 >/proc/sys/net/ipv6/conf/eth0/accept_dad
		echo 0 >/proc/sys/net/ipv4/icmp_ratelimit
		ip link set lo up
		ip link set eth0 up
		ip addr add $(sed 's/.*guest=\([^ ]*\).*/\1/' /proc/cmdline)/24 dev eth0
		echo guest ready
		exec nc -ll -p 7777 -e /bin/sh
	END
	chmod +x base/init
	(cd base && find . | busybox cpio -o -H newc 2>/dev/null) >base.cpio.new || fail "cannot pack the initramfs"
	cp x/boot/vmlinuz-"$version" vmlinuz
	rm -rf x base
	mv base.cpio.new base.cpio
}

# Copies a file into the tree, and, for a program, the libraries that ldd names.
add() {
	local lib
	mkdir -p "$2/$(dirname "$1")"
	cp -L "$1" "$2/$1"
	ldd "$1" 2>/dev/null | grep -oE '/[^ ]+' | while read -r lib; do
		mkdir -p "$2/$(dirname "$lib")"
		cp -Ln "$lib" "$2/$lib"
	done
}

run() {
	local tap=$1 address=$2 work f
	shift 2
	work=$(mktemp -d "${TMPDIR:-/tmp}/adit-guest.XXXXXX")
	for f; do
		add "$f" "$work/root"
	done
	cp "$cache/base.cpio" "$work/initrd"
	if [ $# -gt 0 ]; then
		(cd "$work/root" && find . | busybox cpio -o -H newc 2>/dev/null) >>"$work/initrd"
	fi
	exec 9<"$work/initrd" # so that nothing is left on disk, however it ends
	rm -rf "$work"
	exec qemu-system-x86_64 -accel tcg,thread=multi -cpu max -smp 2 -m 512 -nographic -no-reboot -monitor none \
		-kernel "$cache/vmlinuz" -initrd /dev/fd/9 -append "console=ttyS0 quiet panic=-1 guest=$address" \
		-netdev "tap,id=n0,ifname=$tap,script=no,downscript=no" -device virtio-net-pci,netdev=n0,mac=02:00:5e:00:00:02 \
		</dev/null
}

case ${1:-} in
prepare) prepare ;;
run)
	[ $# -ge 3 ] || fail "run TAP ADDRESS FILE..."
	(prepare) || exit 1
	shift
	run "$@"
	;;
*) sed -n '4,16s/^# \{0,1\}//p' "$0"; exit 2 ;;
esac
