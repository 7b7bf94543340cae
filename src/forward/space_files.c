/* SPDX-License-Identifier: ISC */
/*
 * space_files.c - what names are looked up by, inside
 *
 * DOC: A program asks the C library, and that asks whom it finds: a cache or
 * a resolver of the outer machine behind a Unix socket (nscd, nss-resolve,
 * D-Bus, Avahi), or the servers of resolv.conf. Network namespaces do not stop
 * a socket that is a file. So their folders are covered by empty ones,
 * nsswitch.conf names only files and DNS, and resolv.conf has the tunnel's
 * servers. All of it is mounted over in a mount namespace of our own; no file
 * of the machine changes.
 */
#include "forward/space.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mount.h>
#include <sys/stat.h>
#include <unistd.h>

#define TEXT_MAX 16384

/* Folders, since a service that starts again makes its socket anew. */
static const char *const hidden[] = {
	"/run/nscd", "/var/run/nscd", "/var/cache/nscd", "/run/unscd", "/run/systemd/resolve", "/run/systemd/resolve.hook",
	"/run/systemd/machine", "/run/dbus", "/var/run/dbus", "/run/avahi-daemon", "/var/run/avahi-daemon",
};

struct text {
	char p[TEXT_MAX];
	size_t len;
};

__attribute__((format(printf, 2, 3))) static void add(struct text *t, const char *fmt, ...)
{
	va_list ap;
	int n;

	va_start(ap, fmt);
	n = vsnprintf(t->p + t->len, sizeof(t->p) - t->len, fmt, ap);
	va_end(ap);
	if (n > 0)
		t->len += (size_t)n < sizeof(t->p) - t->len ? (size_t)n : sizeof(t->p) - t->len - 1;
}

static void resolv_conf(struct text *t, const struct adit_forward_config *cfg)
{
	char buf[ADIT_ADDR_STRLEN];
	unsigned i;

	add(t, "# the tunnel's, by adit\n");
	for (i = 0; i < cfg->dns_cnt; i++)
		add(t, "nameserver %s\n", adit_addr_format(&cfg->dns[i].addr, buf));
	if (cfg->search[0])
		add(t, "search %s\n", cfg->search);
}

/* Without DNS of the tunnel's: the machine's servers, asked through the tunnel. */
static void copy_of(struct text *t, const char *path)
{
	int fd = open(path, O_RDONLY | O_CLOEXEC);
	ssize_t n = fd >= 0 ? read(fd, t->p, sizeof(t->p)) : 0;

	t->len = n > 0 ? (size_t)n : 0;
	if (fd >= 0)
		close(fd);
}

/* The machine's own, but for where hosts are looked for. */
static void nsswitch_conf(struct text *t)
{
	FILE *f = fopen("/etc/nsswitch.conf", "re");
	char line[512];

	while (f && fgets(line, sizeof(line), f))
		if (strncmp(line + strspn(line, " \t"), "hosts:", 6))
			add(t, "%s", line);
	if (f)
		fclose(f);
	add(t, "%shosts: files dns\n", t->len && t->p[t->len - 1] != '\n' ? "\n" : "");
}

/* --- mounting over -------------------------------------------------------- */

static int write_all(const char *path, const struct text *t)
{
	int fd = open(path, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0444), r;

	if (fd < 0)
		return -errno;
	r = write(fd, t->p, t->len) == (ssize_t)t->len ? 0 : -EIO;
	close(fd);
	return r;
}

/* An empty folder in its place, with at most one file in it. */
static int hide(const char *dir, const char *file, const struct text *t)
{
	char path[PATH_MAX + NAME_MAX];
	struct stat st;
	int r = 0;

	if (lstat(dir, &st) < 0 || !S_ISDIR(st.st_mode))
		return 0; /* /var/run is a link to /run, mostly */
	if (mount("tmpfs", dir, "tmpfs", MS_NOSUID | MS_NODEV | MS_NOEXEC, "mode=0755,size=64k") < 0)
		return -errno;
	if (file) {
		snprintf(path, sizeof(path), "%s/%s", dir, file);
		r = write_all(path, t);
	}
	mount(NULL, dir, NULL, MS_REMOUNT | MS_BIND | MS_RDONLY | MS_NOSUID | MS_NODEV | MS_NOEXEC, NULL);
	return r;
}

/* A file of a temporary file system that nobody else can name. */
static int cover(const char *path, const struct text *t)
{
	static const char *const places[] = { "/tmp", "/var/tmp", "/run", "/mnt" };
	char copy[64];
	unsigned i;
	int r = -ENOENT;

	for (i = 0; i < sizeof(places) / sizeof(places[0]); i++) {
		if (mount("tmpfs", places[i], "tmpfs", MS_NOSUID | MS_NODEV | MS_NOEXEC, "mode=0755,size=64k") < 0) {
			r = -errno;
			continue;
		}
		snprintf(copy, sizeof(copy), "%s/file", places[i]);
		r = write_all(copy, t);
		if (!r && mount(copy, path, NULL, MS_BIND, NULL) < 0)
			r = -errno;
		if (!r)
			mount(NULL, path, NULL, MS_REMOUNT | MS_BIND | MS_RDONLY | MS_NOSUID | MS_NODEV | MS_NOEXEC, NULL);
		umount2(places[i], MNT_DETACH);
		return r;
	}
	return r;
}

static int fail(const char *what, int r, char *err, size_t err_len)
{
	snprintf(err, err_len, "cannot give names to the tunnel's DNS: %s: %s", what, strerror(-r));
	return r;
}

/* resolv.conf may stand in a folder that is hidden (systemd-resolved's does). */
static int hide_all(const char *resolv, const struct text *t, bool *done, char *err, size_t err_len)
{
	char dir[PATH_MAX];
	unsigned i;
	int r;

	*done = false;
	for (i = 0; i < sizeof(hidden) / sizeof(hidden[0]); i++) {
		const char *file = NULL;
		size_t len;

		if (!realpath(hidden[i], dir))
			continue;
		len = strlen(dir);
		if (!strncmp(resolv, dir, len) && resolv[len] == '/' && !strchr(resolv + len + 1, '/'))
			file = resolv + len + 1;
		if (file && *done)
			continue; /* the same folder under two names */
		r = hide(dir, file, t);
		if (r)
			return fail(dir, r, err, err_len);
		*done |= file != NULL;
	}
	return 0;
}

int space_files(const struct adit_forward_config *cfg, char *err, size_t err_len)
{
	char resolv[PATH_MAX] = "";
	struct text t = { .len = 0 };
	bool done;
	int r;

	if (!realpath("/etc/resolv.conf", resolv))
		resolv[0] = '\0';
	if (cfg->dns_cnt)
		resolv_conf(&t, cfg);
	else
		copy_of(&t, resolv);
	r = hide_all(resolv, &t, &done, err, err_len);
	if (r)
		return r;
	if (cfg->dns_cnt && !done) {
		if (!resolv[0])
			return fail("/etc/resolv.conf is not there to be replaced (as root, make an empty one)", -ENOENT,
				    err, err_len);
		r = cover(resolv, &t);
		if (r)
			return fail("/etc/resolv.conf", r, err, err_len);
	}
	t.len = 0;
	nsswitch_conf(&t);
	r = access("/etc/nsswitch.conf", F_OK) ? 0 : cover("/etc/nsswitch.conf", &t);
	return r ? fail("/etc/nsswitch.conf", r, err, err_len) : 0;
}
