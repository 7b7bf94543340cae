/* SPDX-License-Identifier: ISC */
/* netns.c - network namespaces: which is ours, and does another one live? */
#include "host/netns.h"

#include <ctype.h>
#include <dirent.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>

static unsigned long long inode_of(const char *process, const char *file)
{
	char path[64];
	struct stat st;

	snprintf(path, sizeof(path), "/proc/%.20s/%s", process, file);
	return stat(path, &st) < 0 ? 0 : (unsigned long long)st.st_ino;
}

static struct adit_netns netns_of(const char *process)
{
	return (struct adit_netns){ inode_of(process, "ns/net"), inode_of(process, "net/dev") };
}

struct adit_netns adit_netns_own(void)
{
	return netns_of("self");
}

/* What both know is the same. Numbers are used again: two hardly both. */
bool adit_netns_same(const struct adit_netns *a, const struct adit_netns *b)
{
	const bool self = a->self && b->self, proc = a->proc && b->proc;

	return (self || proc) && (!self || a->self == b->self) && (!proc || a->proc == b->proc);
}

static bool has_process(const struct adit_netns *ns)
{
	const struct dirent *e;
	bool found = false;
	DIR *d = opendir("/proc");

	while (d && !found && (e = readdir(d))) {
		struct adit_netns its;

		if (!isdigit((unsigned char)e->d_name[0]))
			continue;
		its = netns_of(e->d_name);
		found = adit_netns_same(ns, &its);
	}
	if (d)
		closedir(d);
	return found;
}

/* A file of nsfs is mounted: its fourth word is "net:[4026532281]". */
static bool is_mounted(const struct adit_netns *ns)
{
	FILE *f = ns->self ? fopen("/proc/self/mountinfo", "re") : NULL;
	char line[4096], word[40];
	bool found = false;

	snprintf(word, sizeof(word), " net:[%llu] ", ns->self);
	while (f && !found && fgets(line, sizeof(line), f))
		found = strstr(line, word) != NULL;
	if (f)
		fclose(f);
	return found;
}

bool adit_netns_lives(const struct adit_netns *ns)
{
	return is_mounted(ns) || has_process(ns);
}
