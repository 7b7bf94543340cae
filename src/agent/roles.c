/* SPDX-License-Identifier: ISC */
/* roles.c - who is at the other end of a Unix socket, and what he may */
#include "agent/roles.h"

#include <errno.h>
#include <grp.h>
#include <stdlib.h>
#include <sys/socket.h>

#define OVERFLOW_UID 65534
#define GROUPS_MAX   65536

const char *agent_role_name(enum agent_role role)
{
	switch (role) {
	case AGENT_ROLE_NONE:
		return "none";
	case AGENT_ROLE_OBSERVER:
		return "observer";
	case AGENT_ROLE_OPERATOR:
		return "operator";
	case AGENT_ROLE_ADMIN:
		return "admin";
	}
	return "none";
}

static bool is_member(gid_t group, const gid_t *groups, size_t cnt)
{
	for (size_t i = 0; group != AGENT_NO_GROUP && i < cnt; i++)
		if (groups[i] == group)
			return true;
	return false;
}

enum agent_role agent_role_of(const struct agent_role_rules *rules, uid_t uid, const gid_t *groups, size_t group_cnt)
{
	if (uid == OVERFLOW_UID || uid == (uid_t)-1)
		return AGENT_ROLE_NONE;
	if (uid == 0 || uid == rules->owner)
		return AGENT_ROLE_ADMIN;
	if (is_member(rules->operators, groups, group_cnt))
		return AGENT_ROLE_OPERATOR;
	if (is_member(rules->observers, groups, group_cnt))
		return AGENT_ROLE_OBSERVER;
	return AGENT_ROLE_NONE;
}

/* The caller's other groups after the first, which is its own; their number. */
static size_t other_groups(int fd, gid_t **groups, gid_t own)
{
	socklen_t len = 0;
	size_t cnt = 1;

	if (getsockopt(fd, SOL_SOCKET, SO_PEERGROUPS, NULL, &len) < 0 && errno != ERANGE)
		len = 0;
	if (len > GROUPS_MAX * sizeof(gid_t))
		len = GROUPS_MAX * sizeof(gid_t);
	*groups = malloc(sizeof(gid_t) + len);
	if (!*groups)
		return 0;
	(*groups)[0] = own;
	if (len && !getsockopt(fd, SOL_SOCKET, SO_PEERGROUPS, *groups + 1, &len))
		cnt += len / sizeof(gid_t);
	return cnt;
}

int agent_caller_of(struct agent_caller *ret, int fd, const struct agent_role_rules *rules)
{
	struct ucred cred;
	socklen_t len = sizeof(cred);
	gid_t *groups;
	size_t cnt;

	*ret = (struct agent_caller){ .uid = (uid_t)-1, .role = AGENT_ROLE_NONE };
	if (getsockopt(fd, SOL_SOCKET, SO_PEERCRED, &cred, &len) < 0)
		return -errno;
	cnt = other_groups(fd, &groups, cred.gid);
	ret->uid = cred.uid;
	ret->pid = cred.pid;
	ret->role = agent_role_of(rules, cred.uid, groups, cnt);
	free(groups);
	return 0;
}

int agent_role_group(gid_t *ret, const char *name)
{
	const struct group *g;

	*ret = AGENT_NO_GROUP;
	if (!name[0])
		return 0;
	g = getgrnam(name);
	if (!g)
		return -ENOENT;
	*ret = g->gr_gid;
	return 0;
}
