/* SPDX-License-Identifier: ISC */
/* uapi_socket.c - the UAPI socket in the file system */
#include "device/uapi_socket.h"

#include <errno.h>
#include <net/if.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <unistd.h>

#include "host/unixsock.h"

#define BACKLOG 128
#define TRIES   10 /* to listen where wg(8) is quick */

/* The set wg-quick accepts: safe in paths, in shells and as a systemd instance. */
const char *adit_ifname_problem(const char *ifname)
{
	const char *allowed = "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789_=+.-";

	if (!*ifname)
		return "an interface name cannot be empty";
	if (strlen(ifname) >= IFNAMSIZ)
		return "an interface name has at most 15 characters";
	if (!strcmp(ifname, ".") || !strcmp(ifname, ".."))
		return "this name means a directory";
	if (*ifname == '-')
		return "an interface name cannot begin with '-'";
	if (ifname[strspn(ifname, allowed)])
		return "an interface name consists of letters, digits and _ = + . -";
	return NULL;
}

char *adit_uapi_socket_path(const char *ifname, char buf[ADIT_UAPI_PATH_LEN])
{
	snprintf(buf, ADIT_UAPI_PATH_LEN, ADIT_UAPI_DIR "/%.15s.sock", ifname);
	return buf;
}

static void address(struct sockaddr_un *sa, const char *ifname)
{
	memset(sa, 0, sizeof(*sa));
	sa->sun_family = AF_UNIX;
	adit_uapi_socket_path(ifname, sa->sun_path);
}

static int connect_to(const char *ifname, int flags)
{
	char path[ADIT_UAPI_PATH_LEN];

	return adit_unix_connect(adit_uapi_socket_path(ifname, path), flags);
}

int adit_uapi_connect(const char *ifname)
{
	return connect_to(ifname, 0);
}

bool adit_uapi_alive(const char *ifname)
{
	int fd = connect_to(ifname, SOCK_NONBLOCK);

	if (fd >= 0)
		close(fd);
	return fd >= 0 || fd == -EAGAIN; /* a full backlog: alive, but busy */
}

static int bind_private(int fd, const struct sockaddr_un *sa)
{
	mode_t old = umask(077);
	int r = bind(fd, (const struct sockaddr *)sa, sizeof(*sa)) < 0 ? -errno : 0;

	umask(old);
	return r;
}

static int make_directory(void)
{
	mode_t old = umask(022);
	int r = mkdir(ADIT_UAPI_DIR, 0755) < 0 && errno != EEXIST ? -errno : 0;

	umask(old);
	return r;
}

/* A descriptor, or -errno; -ENOENT: wg(8) came before listen(2), was refused, and removes such a socket. */
static int listen_at(const struct sockaddr_un *sa, const char *ifname)
{
	int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0), r;
	struct stat st;

	if (fd < 0)
		return -errno;
	r = bind_private(fd, sa);
	if (r == -EADDRINUSE && !adit_uapi_alive(ifname)) {
		unlink(sa->sun_path); /* left behind by a program that was killed */
		r = bind_private(fd, sa);
	}
	if (!r && (listen(fd, BACKLOG) < 0 || lstat(sa->sun_path, &st) < 0))
		r = -errno;
	if (!r)
		return fd;
	close(fd);
	return r;
}

int adit_uapi_listen(const char *ifname, char *err, size_t err_len)
{
	struct sockaddr_un sa;
	int r = make_directory();

	if (r) {
		snprintf(err, err_len, "cannot make %s: %s; run as root", ADIT_UAPI_DIR, strerror(-r));
		return r;
	}
	address(&sa, ifname);
	for (int i = 0; i < TRIES; i++) {
		r = listen_at(&sa, ifname);
		if (r != -ENOENT)
			break;
	}
	if (r >= 0)
		return r;
	if (r == -EADDRINUSE)
		snprintf(err, err_len, "%s is in use: a device of that name answers on %s", ifname, sa.sun_path);
	else
		snprintf(err, err_len, "cannot listen on %s: %s", sa.sun_path, strerror(-r));
	return r;
}
