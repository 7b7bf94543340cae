/* SPDX-License-Identifier: ISC */
/*
 * space_why.c - why namespaces are forbidden here, and what to do: each system
 * that forbids them answers with the same few errno, so the cause is looked up
 */
#include "forward/space.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

/* A number in a file; -1: no such file. */
static long number_in(const char *path)
{
	FILE *f = fopen(path, "re");
	long v = -1;

	if (!f)
		return -1;
	if (fscanf(f, "%ld", &v) != 1)
		v = -1;
	fclose(f);
	return v;
}

/* A seccomp filter is on this process: containers have one. */
static bool filtered(void)
{
	FILE *f = fopen("/proc/self/status", "re");
	char line[128];
	int mode = 0;

	if (!f)
		return false;
	while (fgets(line, sizeof(line), f))
		if (sscanf(line, "Seccomp: %d", &mode) == 1)
			break;
	fclose(f);
	return mode == 2;
}

static int say(int r, char *err, size_t err_len, const char *sentence)
{
	snprintf(err, err_len, "%s", sentence);
	return r;
}

static int why_exhausted(const char *kind, int r, char *err, size_t err_len)
{
	char path[64];
	long max;

	snprintf(path, sizeof(path), "/proc/sys/user/max_%s_namespaces", kind);
	max = number_in(path);
	if (max == 0)
		snprintf(err, err_len, "%s namespaces are turned off here: as root, sysctl -w user.max_%s_namespaces=10000",
			 kind, kind);
	else
		snprintf(err, err_len,
			 "no more %s namespaces may be made here (user.max_%s_namespaces is %ld, of this user or of one "
			 "of the namespaces around): as root, raise it with sysctl", kind, kind, max);
	return r;
}

static bool apparmor(void)
{
	return number_in("/proc/sys/kernel/apparmor_restrict_unprivileged_userns") > 0;
}

static const char apparmor_text[] =
	"AppArmor forbids user namespaces to programs without a profile, as Ubuntu 24.04 does: as root, install the "
	"profile shown in adit-run(1), or sysctl -w kernel.apparmor_restrict_unprivileged_userns=0";

static int why_forbidden(int r, char *err, size_t err_len)
{
	if (number_in("/proc/sys/kernel/unprivileged_userns_clone") == 0)
		return say(r, err, err_len, "user namespaces are only for root here: as root, sysctl -w "
			   "kernel.unprivileged_userns_clone=1");
	if (filtered())
		return say(r, err, err_len, "a seccomp filter forbids namespaces, as that of a container does: use adit "
			   "forward, which needs none, or start the container with --security-opt seccomp=unconfined "
			   "--device /dev/net/tun");
	if (apparmor())
		return say(r, err, err_len, apparmor_text);
	return say(r, err, err_len, "the system forbids user namespaces (a chroot, SELinux, or a security module does): "
		   "use adit forward, which needs none, or run it as root");
}

static int why_tun(int r, char *err, size_t err_len)
{
	switch (-r) {
	case ENOENT:
	case ENODEV:
	case ENXIO:
		return say(r, err, err_len, "there is no /dev/net/tun: as root, modprobe tun, or give it to the container "
			   "(--device /dev/net/tun)");
	case EACCES:
		return say(r, err, err_len, "/dev/net/tun may not be opened: as root, chmod 666 /dev/net/tun, as udev does "
			   "(a TUN still takes rights in its network namespace)");
	case EPERM:
		if (!access("/dev/net/tun", R_OK | W_OK))
			return say(r, err, err_len, apparmor() ? apparmor_text : "the system forbids TUN devices in a "
				   "namespace, as a container's device rules do: give it the device (--device "
				   "/dev/net/tun), or use adit forward, which needs none");
		return say(r, err, err_len, "/dev/net/tun may not be opened: as root, chmod 666 /dev/net/tun, as udev does, "
			   "or give it to the container (--device /dev/net/tun)");
	}
	return r; /* said already */
}

static int why_namespace(const char *kind, int r, char *err, size_t err_len)
{
	switch (-r) {
	case ENOSPC:
	case EUSERS:
		return why_exhausted(kind, r, err, err_len);
	case EPERM:
	case EACCES:
		return why_forbidden(r, err, err_len);
	case EINVAL:
	case ENOSYS:
		snprintf(err, err_len, "this kernel has no %s namespaces: use adit forward, which needs none", kind);
		return r;
	}
	snprintf(err, err_len, "cannot make a %s namespace: %s", kind, strerror(-r));
	return r;
}

int space_why(enum space_step step, int r, char *err, size_t err_len)
{
	switch (step) {
	case SPACE_USER:
		return why_namespace("user", r, err, err_len);
	case SPACE_MAP:
		if (apparmor())
			return say(r, err, err_len, apparmor_text);
		snprintf(err, err_len, "cannot keep this user inside a user namespace: %s", strerror(-r));
		return r;
	case SPACE_NET:
		return why_namespace(number_in("/proc/sys/user/max_mnt_namespaces") == 0 ? "mnt" : "net", r, err, err_len);
	case SPACE_MOUNT:
		if (apparmor())
			return say(r, err, err_len, apparmor_text);
		snprintf(err, err_len, "mounts are forbidden inside a namespace here: %s", strerror(-r));
		return r;
	case SPACE_TUN:
		return why_tun(r, err, err_len);
	}
	return r;
}
