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
#include <unistd.h>

#include "forward/sandbox.h"
#include "host/process.h"

/* Raw sockets: its doctor measures ways with echo requests. */
#define KEPT                                                                                                     \
	(UINT32_C(1) << CAP_NET_ADMIN | UINT32_C(1) << CAP_NET_BIND_SERVICE | UINT32_C(1) << CAP_NET_RAW | \
	 UINT32_C(1) << CAP_DAC_READ_SEARCH)

int helper_rights_keep(void)
{
	if (prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) < 0)
		return -errno;
	adit_process_bound_capabilities(KEPT);
	return adit_process_keep_capabilities(KEPT, NULL);
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

	adit_process_bound_capabilities(0);
	if (*user && geteuid() == 0) {
		r = adit_process_keep_capabilities(to_change, NULL);
		if (!r)
			r = become(user, err, err_len);
		if (r)
			return r;
	}
	r = adit_process_keep_capabilities(0, NULL);
	if (!r && prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) < 0)
		r = -errno;
	if (r)
		snprintf(err, err_len, "cannot give up capabilities: %s", strerror(-r));
	prctl(PR_SET_DUMPABLE, 0, 0, 0, 0); /* another user made it dumpable again */
	return r;
}
