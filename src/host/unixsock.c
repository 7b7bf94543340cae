/* SPDX-License-Identifier: ISC */
/* unixsock.c - Unix sockets in the file system: who serves one, who asks it, and where they stand */
#include "host/unixsock.h"

#include <dirent.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/time.h>
#include <sys/un.h>
#include <unistd.h>

static int make_address(struct sockaddr_un *sa, const char *path)
{
	*sa = (struct sockaddr_un){ .sun_family = AF_UNIX };
	if (strlen(path) >= sizeof(sa->sun_path))
		return -ENAMETOOLONG;
	strcpy(sa->sun_path, path);
	return 0;
}

int adit_unix_connect(const char *path, int flags)
{
	struct sockaddr_un sa;
	int r = make_address(&sa, path), fd;

	if (r)
		return r;
	fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC | flags, 0);
	if (fd < 0)
		return -errno;
	if (connect(fd, (struct sockaddr *)&sa, sizeof(sa)) < 0) {
		r = -errno;
		close(fd);
		return r;
	}
	return fd;
}

int adit_unix_listen(const char *path)
{
	struct sockaddr_un sa;
	int r = make_address(&sa, path), fd;
	mode_t mask;

	if (r)
		return r;
	fd = adit_unix_connect(path, 0);
	if (fd >= 0) {
		close(fd);
		return -EADDRINUSE;
	}
	if (fd == -ECONNREFUSED)
		unlink(path);
	fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
	if (fd < 0)
		return -errno;
	mask = umask(0177);
	r = bind(fd, (struct sockaddr *)&sa, sizeof(sa)) < 0 || listen(fd, 16) < 0 ? -errno : 0;
	umask(mask);
	if (r) {
		close(fd);
		return r;
	}
	return fd;
}

int adit_unix_ask(const char *path, const char *request, const char *heading, FILE *out)
{
	const struct timeval patience = { 10, 0 };
	char buf[4096];
	int r = -EPROTO, fd = adit_unix_connect(path, 0);
	ssize_t n;

	if (fd < 0)
		return fd;
	setsockopt(fd, SOL_SOCKET, SO_RCVTIMEO, &patience, sizeof(patience));
	if (send(fd, request, strlen(request), MSG_NOSIGNAL) != (ssize_t)strlen(request))
		r = -EPIPE;
	while ((n = recv(fd, buf, sizeof(buf), 0)) > 0) {
		if (r && out)
			fputs(heading, out);
		if (out)
			fwrite(buf, 1, (size_t)n, out);
		r = 0;
	}
	close(fd);
	return r;
}

/* --- the usual place ------------------------------------------------------- */

static bool usual_folder(char *ret, size_t size)
{
	const char *run = getenv("XDG_RUNTIME_DIR");

	if (geteuid() == 0)
		run = "/run";
	return run && run[0] == '/' && snprintf(ret, size, "%s/adit", run) < (int)size;
}

/* A folder that somebody else may write to could lead us anywhere. */
static bool ours(const char *folder)
{
	struct stat st;

	return lstat(folder, &st) == 0 && S_ISDIR(st.st_mode) && st.st_uid == geteuid() && !(st.st_mode & 022);
}

bool adit_unix_usual(const char *kind, char *path, size_t size)
{
	char folder[80];

	if (!usual_folder(folder, sizeof(folder)))
		return false;
	mkdir(folder, 0700);
	if (!ours(folder))
		return false;
	return snprintf(path, size, "%s/%s-%d.sock", folder, kind, (int)getpid()) < (int)size;
}

int adit_unix_problem(char *why, size_t size)
{
	const char *run = getenv("XDG_RUNTIME_DIR");
	char folder[80];
	struct stat st;
	int r = -EPERM;

	if (!usual_folder(folder, sizeof(folder))) {
		snprintf(why, size, "XDG_RUNTIME_DIR is %s", run && *run ? "no absolute path, or too long" : "not set");
		return -EINVAL;
	}
	if (ours(folder))
		return 0;
	if (lstat(folder, &st) < 0) {
		r = -errno;
		snprintf(why, size, "%s: %s", folder, strerror(-r));
	} else {
		snprintf(why, size, "%s is not ours alone", folder);
	}
	return r;
}

unsigned adit_unix_ask_all(const char *kind, const char *request, const char *title, FILE *out)
{
	char folder[80], path[400], pattern[40], heading[60] = "";
	unsigned found = 0;
	struct dirent *e;
	DIR *dir = usual_folder(folder, sizeof(folder)) && ours(folder) ? opendir(folder) : NULL;
	int pid, end;

	snprintf(pattern, sizeof(pattern), "%s-%%d.sock%%n", kind);
	while (dir && (e = readdir(dir))) {
		int r;

		end = 0;
		if (sscanf(e->d_name, pattern, &pid, &end) != 1 || !end || e->d_name[end])
			continue;
		snprintf(path, sizeof(path), "%s/%s", folder, e->d_name);
		if (title)
			snprintf(heading, sizeof(heading), "%s%s %d\n", found ? "\n" : "", title, pid);
		r = adit_unix_ask(path, request, heading, out);
		if (r == -ECONNREFUSED)
			unlink(path);
		found += r == 0;
	}
	if (dir)
		closedir(dir);
	return found;
}

bool adit_unix_dead(const char *path)
{
	struct stat st;
	int fd = lstat(path, &st) == 0 && S_ISSOCK(st.st_mode) ? adit_unix_connect(path, SOCK_NONBLOCK) : -ENOENT;

	if (fd >= 0)
		close(fd);
	return fd == -ECONNREFUSED;
}

void adit_unix_each_dead(void (*found)(void *user, const char *path), void *user)
{
	char folder[80], path[400];
	struct dirent *e;
	DIR *dir = usual_folder(folder, sizeof(folder)) && ours(folder) ? opendir(folder) : NULL;

	while (dir && (e = readdir(dir)))
		if (snprintf(path, sizeof(path), "%s/%s", folder, e->d_name) < (int)sizeof(path) && adit_unix_dead(path))
			found(user, path);
	if (dir)
		closedir(dir);
}
