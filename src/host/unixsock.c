/* SPDX-License-Identifier: ISC */
/* unixsock.c - Unix sockets in the file system: who serves one, and who asks it */
#include "host/unixsock.h"

#include <errno.h>
#include <stdio.h>
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

int adit_unix_ask(const char *path, const char *request, const char *heading)
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
		if (r)
			fputs(heading, stdout);
		fwrite(buf, 1, (size_t)n, stdout);
		r = 0;
	}
	close(fd);
	return r;
}
