/* SPDX-License-Identifier: ISC */
/* helper_rights.c - the rights of the two processes */
#include "agent/helper_rights.h"

#include <errno.h>
#include <grp.h>
#include <linux/capability.h>
#include <pwd.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "forward/sandbox.h"

/* What may never come back: before the rest, as it takes a right itself. */
static void limit_bounds(uint32_t keep)
{
	prctl(PR_CAP_AMBIENT, PR_CAP_AMBIENT_CLEAR_ALL, 0, 0, 0);
	for (int cap = 0; cap <= 63; cap++)
		if (cap > 31 || !(keep & (UINT32_C(1) << cap)))
			prctl(PR_CAPBSET_DROP, cap, 0, 0, 0); /* as far as we may and the kernel knows it */
}

static int limit_capabilities(uint32_t keep)
{
	struct __user_cap_header_struct header = { .version = _LINUX_CAPABILITY_VERSION_3 };
	struct __user_cap_data_struct caps[_LINUX_CAPABILITY_U32S_3];

	if (syscall(SYS_capget, &header, caps) < 0)
		return -errno;
	caps[0].effective = caps[0].permitted &= keep;
	caps[0].inheritable = 0;
	memset(&caps[1], 0, sizeof(caps[1]));
	return syscall(SYS_capset, &header, caps) < 0 ? -errno : 0;
}

#define KEPT (UINT32_C(1) << CAP_NET_ADMIN | UINT32_C(1) << CAP_NET_BIND_SERVICE | UINT32_C(1) << CAP_DAC_READ_SEARCH)

int helper_rights_keep(void)
{
	if (prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) < 0)
		return -errno;
	limit_bounds(KEPT);
	return limit_capabilities(KEPT);
}

/* Sysctls, resolv.conf and who else writes it (resolvconf), UAPI sockets, TUN. */
int helper_rights_confine(const char *const *folders, char *err, size_t err_len)
{
	struct sandbox_config c = { .write = { "/proc/sys", "/etc", "/run", "/var/run", "/dev", "/tmp" },
				    .programs = true, .keep = KEPT };
	struct sandbox_report report;
	unsigned n = 6;
	int r;

	while (*folders && n < SANDBOX_PATHS_MAX - 1)
		c.write[n++] = *folders++;
	r = sandbox_enter(&c, &report);
	if (!r && (!report.landlock || !report.seccomp || !report.no_new_privs))
		r = -EOPNOTSUPP;
	if (r)
		snprintf(err, err_len, "the helper is not wholly confined: %s", report.why);
	return r;
}

static int become(const char *user, char *err, size_t err_len)
{
	const struct passwd *pw;

	errno = 0;
	pw = getpwnam(user);
	if (!pw) {
		snprintf(err, err_len, "user = \"%s\": there is no such user on this machine", user);
		return -ENOENT;
	}
	if (initgroups(user, pw->pw_gid) < 0 || setresgid(pw->pw_gid, pw->pw_gid, pw->pw_gid) < 0 ||
	    setresuid(pw->pw_uid, pw->pw_uid, pw->pw_uid) < 0) {
		int r = -errno;

		snprintf(err, err_len, "cannot become the user %s: %s", user, strerror(-r));
		return r;
	}
	return 0;
}

int helper_rights_drop(const char *user, char *err, size_t err_len)
{
	const uint32_t to_change = UINT32_C(1) << CAP_SETUID | UINT32_C(1) << CAP_SETGID;
	int r = 0;

	limit_bounds(0);
	if (*user && geteuid() == 0) {
		r = limit_capabilities(to_change);
		if (!r)
			r = become(user, err, err_len);
		if (r)
			return r;
	}
	r = limit_capabilities(0);
	if (!r && prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) < 0)
		r = -errno;
	if (r)
		snprintf(err, err_len, "cannot give up capabilities: %s", strerror(-r));
	prctl(PR_SET_DUMPABLE, 0, 0, 0, 0); /* another user made it dumpable again */
	return r;
}
