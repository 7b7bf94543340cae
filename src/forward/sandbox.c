/* SPDX-License-Identifier: ISC */
/* sandbox.c - capabilities and new privileges; then files (sandbox_landlock.c) and calls (sandbox_calls.c) */
#include "forward/sandbox.h"

#include <errno.h>
#include <linux/capability.h>
#include <stdio.h>
#include <string.h>
#include <sys/prctl.h>
#include <unistd.h>

#include "forward/sandbox_parts.h"
#include "host/process.h"

static int drop_capabilities(uint32_t keep)
{
	uint32_t left = 0;
	int r;

	adit_process_bound_capabilities(0);
	r = adit_process_keep_capabilities(keep, &left);
	return r ? r : left ? -EBUSY : 0;
}

static void missing(struct sandbox_report *r, const char *what, int error)
{
	size_t len = strlen(r->why);

	snprintf(r->why + len, sizeof(r->why) - len, "%s%s: %s", len ? "; " : "", what,
		 error == -EBUSY                             ? "they are in use" :
		 error == -ENOSYS || error == -EOPNOTSUPP ? "not in this kernel or build" :
							    strerror(-error));
}

int sandbox_enter(const struct sandbox_config *cfg, struct sandbox_report *ret)
{
	int r;

	*ret = (struct sandbox_report){ 0 };
	r = drop_capabilities(cfg->keep | (cfg->network ? 1u << CAP_NET_ADMIN | 1u << CAP_NET_BIND_SERVICE : 0));
	ret->capabilities = !r;
	if (r)
		missing(ret, r == -EBUSY ? "capabilities for the network" : "capabilities", r);
	ret->no_new_privs = prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) == 0;
	if (!ret->no_new_privs)
		missing(ret, "no new privileges", -errno);
	r = sandbox_landlock(cfg);
	if (r > 0)
		ret->landlock = (unsigned)r;
	else
		missing(ret, "Landlock", r);
	r = sandbox_calls(cfg);
	ret->seccomp = !r;
	if (r)
		missing(ret, "seccomp", r);
	return ret->capabilities || ret->no_new_privs || ret->seccomp || ret->landlock ? 0 : -EPERM;
}

char *sandbox_describe(const struct sandbox_report *r, char *buf, size_t len)
{
	char landlock[32] = "";

	if (r->landlock)
		snprintf(landlock, sizeof(landlock), "landlock %u", r->landlock);
	snprintf(buf, len, "%s%s%s%s%s%s%s", r->seccomp ? "seccomp" : "", r->seccomp && landlock[0] ? ", " : "", landlock,
		 (r->seccomp || landlock[0]) && r->capabilities ? ", " : "", r->capabilities ? "no capabilities" : "",
		 (r->seccomp || landlock[0] || r->capabilities) && r->no_new_privs ? ", " : "",
		 r->no_new_privs ? "no new privileges" : "");
	if (!buf[0])
		snprintf(buf, len, "none");
	return buf;
}
