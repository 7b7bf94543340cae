/* SPDX-License-Identifier: ISC */
/*
 * roles.h - who is at the other end of a Unix socket, and what he may
 *
 *   observer  sees states, rates and reasons, but not where peers are in the world
 *   operator  besides: endpoints; connects and disconnects
 *   admin     everything: configuration, peers, captures, the end
 *
 * Admin are root and who started the agent; operators and observers are members
 * of the groups that the configuration names. 65534, which stands for everybody
 * whom this namespace does not know, is nobody.
 */
#ifndef ADIT_AGENT_ROLES_H
#define ADIT_AGENT_ROLES_H

#include <stdbool.h>
#include <stddef.h>
#include <sys/types.h>

enum agent_role { AGENT_ROLE_NONE, AGENT_ROLE_OBSERVER, AGENT_ROLE_OPERATOR, AGENT_ROLE_ADMIN };
const char *agent_role_name(enum agent_role role);

#define AGENT_NO_GROUP ((gid_t)-1)

struct agent_role_rules {
	uid_t owner; /* who started the agent */
	gid_t operators, observers; /* AGENT_NO_GROUP: none */
};

struct agent_caller {
	uid_t uid;
	pid_t pid;
	enum agent_role role;
};

enum agent_role agent_role_of(const struct agent_role_rules *rules, uid_t uid, const gid_t *groups, size_t group_cnt);
/* As the kernel noted it when the caller connected. 0 or -errno; the role is AGENT_ROLE_NONE then. */
int agent_caller_of(struct agent_caller *ret, int fd, const struct agent_role_rules *rules);
/* The group of that name; "": none. -ENOENT: there is no such group. */
int agent_role_group(gid_t *ret, const char *name);

#endif
