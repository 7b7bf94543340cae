/* SPDX-License-Identifier: ISC */
/* sysctl.c - settings of the kernel's network below /proc/sys */
#include "host/sysctl.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#define ROOT "/proc/sys/"

/* --- text -------------------------------------------------------------------- */

/* A journal or a request says what is written here: only the network's, and no way out of there. */
static bool path_valid(const char *path)
{
	return !strncmp(path, "net/", 4) && !strstr(path, "..") && !strstr(path, "//") &&
	       strspn(path, "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789_=+.-/") == strlen(path);
}

/* The next word into buf; false where there is none, or it is too long. */
static bool next_word(const char **text, char *buf, size_t size)
{
	size_t len = strcspn(*text, " ");

	if (!len || len >= size)
		return false;
	memcpy(buf, *text, len);
	buf[len] = '\0';
	*text += len;
	*text += **text == ' ';
	return true;
}

int adit_sysctl_parse(struct adit_sysctl *ret, const char *text)
{
	struct adit_sysctl s;

	if (!next_word(&text, s.path, sizeof(s.path)) || !next_word(&text, s.value, sizeof(s.value)) ||
	    !next_word(&text, s.was, sizeof(s.was)) || !path_valid(s.path))
		return -EINVAL;
	s.sides = text;
	*ret = s;
	return 0;
}

/* --- one setting --------------------------------------------------------------- */

static int open_path(const char *path, int flags)
{
	char full[sizeof(ROOT) + ADIT_SYSCTL_PATH_LEN];
	int fd;

	if (!path_valid(path) || snprintf(full, sizeof(full), ROOT "%s", path) >= (int)sizeof(full))
		return -EINVAL;
	fd = open(full, flags | O_CLOEXEC | O_NOFOLLOW);
	return fd < 0 ? -errno : fd;
}

int adit_sysctl_read(const char *path, char value[ADIT_SYSCTL_VALUE_LEN])
{
	int fd = open_path(path, O_RDONLY);
	ssize_t n;

	if (fd < 0)
		return fd;
	n = read(fd, value, ADIT_SYSCTL_VALUE_LEN - 1);
	n = n < 0 ? -errno : n;
	close(fd);
	if (n < 0)
		return (int)n;
	value[n] = '\0';
	value[strcspn(value, " \t\n")] = '\0';
	return 0;
}

int adit_sysctl_write(const char *path, const char *value)
{
	int fd = open_path(path, O_WRONLY), r = 0;

	if (fd < 0)
		return fd;
	if (write(fd, value, strlen(value)) < 0)
		r = -errno;
	close(fd);
	return r;
}

/* --- what goes with another ------------------------------------------------------ */

/* If the setting at path will not be `then`, once the one it goes with is undone, it is noted. */
static void note_side(FILE *out, const char *path, const char *then)
{
	char now[ADIT_SYSCTL_VALUE_LEN];

	if (!adit_sysctl_read(path, now) && strcmp(now, then))
		fprintf(out, " %s=%s", path, now);
}

/* Forwarding of one family for all interfaces, which the kernel copies to each. */
static void note_forwarding(FILE *out, const char *conf, const char *path, const char *was)
{
	char dir[64], side[ADIT_SYSCTL_PATH_LEN];
	const struct dirent *e;
	DIR *d;

	snprintf(dir, sizeof(dir), ROOT "%s", conf);
	d = opendir(dir);
	while (d && (e = readdir(d))) {
		if (e->d_name[0] == '.' || !strcmp(e->d_name, "all") ||
		    snprintf(side, sizeof(side), "%s/%s/forwarding", conf, e->d_name) >= (int)sizeof(side))
			continue;
		if (strcmp(side, path))
			note_side(out, side, was);
	}
	if (d)
		closedir(d);
}

static void note_sides(FILE *out, const char *path, const char *was)
{
	if (!strcmp(path, "net/ipv4/ip_forward") || !strcmp(path, "net/ipv4/conf/all/forwarding")) {
		note_forwarding(out, "net/ipv4/conf", path, was);
		/* A router heeds no redirects: the kernel turns them the other way round. */
		note_side(out, "net/ipv4/conf/all/accept_redirects", strcmp(was, "0") ? "0" : "1");
	} else if (!strcmp(path, "net/ipv6/conf/all/forwarding")) {
		note_forwarding(out, "net/ipv6/conf", path, was);
	}
}

char *adit_sysctl_text(const char *path, const char *value, int *err)
{
	char was[ADIT_SYSCTL_VALUE_LEN], *text = NULL;
	size_t len;
	FILE *out;

	*err = adit_sysctl_read(path, was);
	if (*err)
		return NULL;
	out = open_memstream(&text, &len);
	if (out) {
		fprintf(out, "%s %s %s", path, value, was);
		if (strcmp(value, was))
			note_sides(out, path, was);
		if (fclose(out) == 0 && text)
			return text;
		free(text);
	}
	*err = -ENOMEM;
	return NULL;
}

/* "PATH=VALUE PATH=VALUE"; one whose interface is gone is fine. */
static int restore_sides(const char *sides)
{
	char word[ADIT_SYSCTL_PATH_LEN + ADIT_SYSCTL_VALUE_LEN], *value;
	int r, first = 0;

	while (next_word(&sides, word, sizeof(word))) {
		value = strrchr(word, '=');
		if (!value)
			continue;
		*value++ = '\0';
		r = adit_sysctl_write(word, value);
		if (r && r != -ENOENT && !first)
			first = r;
	}
	return first;
}

int adit_sysctl_undo(const struct adit_sysctl *s)
{
	char now[ADIT_SYSCTL_VALUE_LEN];
	int r = adit_sysctl_read(s->path, now);

	if (r)
		return r == -ENOENT ? 0 : r;
	if (strcmp(now, s->value) && strcmp(now, s->was))
		return 0; /* somebody else's by now */
	if (strcmp(now, s->was))
		r = adit_sysctl_write(s->path, s->was);
	return r ? r : restore_sides(s->sides);
}
