/* SPDX-License-Identifier: ISC */
/* dns.c - which way DNS servers are set on this machine, and who does it */
#include "host/dns.h"

#include <errno.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/inotify.h>
#include <unistd.h>

#include "host/dns_backend.h"

/* In order of preference. */
static const struct adit_dns_ops *const ways[] = {
	&adit_dns_resolved,
	&adit_dns_resolvconf,
	&adit_dns_file,
};
#define WAY_CNT (sizeof(ways) / sizeof(ways[0]))

static const struct adit_dns_ops *choose(const char **why)
{
	size_t i;

	for (i = 0; i < WAY_CNT; i++)
		if (!ways[i]->unfit(why))
			return ways[i];
	*why = "there is no systemd-resolved, no resolvconf, and " ADIT_RESOLV_CONF " is no file";
	return NULL;
}

const char *adit_dns_backend(void)
{
	const char *why;
	const struct adit_dns_ops *way = choose(&why);

	return way ? way->name : "none";
}

const char *adit_dns_backend_why(void)
{
	const char *why;

	choose(&why);
	return why;
}

/* The way a step names, and the step read. */
static int read_step(const struct adit_step *step, struct adit_dns *dns, const struct adit_dns_ops **way, char *err,
		     size_t err_len)
{
	size_t i;
	int r = adit_dns_parse(dns, step->ifname, step->text, err, err_len);

	if (r)
		return r;
	for (i = 0; i < WAY_CNT; i++) {
		if (!strcmp(ways[i]->name, dns->backend)) {
			*way = ways[i];
			return 0;
		}
	}
	snprintf(err, err_len, "DNS of %s: there is no way to set servers on this machine (%s)", step->ifname,
		 adit_dns_backend_why());
	return -EOPNOTSUPP;
}

int adit_dns_set(const struct adit_step *step, char *err, size_t err_len)
{
	const struct adit_dns_ops *way;
	struct adit_dns dns;
	int r = read_step(step, &dns, &way, err, err_len);

	return r ? r : way->set(&dns, err, err_len);
}

int adit_dns_unset(const struct adit_step *step, char *err, size_t err_len)
{
	const struct adit_dns_ops *way;
	struct adit_dns dns;
	int r = read_step(step, &dns, &way, err, err_len);

	return r ? r : way->unset(&dns, err, err_len);
}

int adit_dns_intact(const struct adit_step *step, char *err, size_t err_len)
{
	const struct adit_dns_ops *way;
	struct adit_dns dns;
	int r = read_step(step, &dns, &way, err, err_len);

	return r ? r : way->intact(&dns, err, err_len);
}

#define FOLDER_EVENTS (IN_MOVED_TO | IN_CREATE | IN_DELETE | IN_CLOSE_WRITE | IN_ONLYDIR)

/* The folder, as the file itself is replaced. */
int adit_dns_watch(void)
{
	int fd = inotify_init1(IN_CLOEXEC | IN_NONBLOCK);
	char path[PATH_MAX];
	int r;

	if (fd < 0)
		return -errno;
	if (inotify_add_watch(fd, "/etc", FOLDER_EVENTS) < 0) {
		r = -errno;
		close(fd);
		return r;
	}
	/* Where it is a mount point; and where a symlink leads to. */
	inotify_add_watch(fd, ADIT_RESOLV_CONF, IN_CLOSE_WRITE | IN_MOVE_SELF | IN_DELETE_SELF);
	if (realpath(ADIT_RESOLV_CONF, path)) {
		*strrchr(path, '/') = '\0';
		inotify_add_watch(fd, path, FOLDER_EVENTS);
	}
	return fd;
}

int adit_dns_leftovers(bool (*keep)(void *user, const char *ifname), void *user, char *err, size_t err_len)
{
	int first = 0, done = 0, r;
	size_t i;

	for (i = 0; i < WAY_CNT; i++) {
		if (!ways[i]->leftovers)
			continue;
		r = ways[i]->leftovers(keep, user, err, err_len);
		if (r < 0 && !first)
			first = r;
		done |= r > 0;
	}
	return first ? first : done;
}
