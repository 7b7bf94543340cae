/* SPDX-License-Identifier: ISC */
/* service.c - the service manager (systemd), as a service of its sees it */
#include "host/service.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <poll.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/time.h>
#include <sys/un.h>
#include <unistd.h>

#define PATIENCE_MS 3000 /* it is to stop us within 15 s */

/* --- what it is told ---------------------------------------------------------------- */

static int address(struct sockaddr_un *sa, socklen_t *len)
{
	const char *path = getenv("NOTIFY_SOCKET");

	*sa = (struct sockaddr_un){ .sun_family = AF_UNIX };
	if (!path || (*path != '/' && *path != '@') || strlen(path) >= sizeof(sa->sun_path))
		return -ENOENT;
	strcpy(sa->sun_path, path);
	*len = (socklen_t)(offsetof(struct sockaddr_un, sun_path) + strlen(path));
	if (*path == '@')
		sa->sun_path[0] = 0; /* the abstract name space */
	return 0;
}

static int send_text(int sock, const char *text, int fd, struct sockaddr_un *sa, socklen_t len)
{
	struct iovec iov = { (void *)text, strlen(text) };
	struct msghdr h = { .msg_name = sa, .msg_namelen = len, .msg_iov = &iov, .msg_iovlen = 1 };
	union {
		char buf[CMSG_SPACE(sizeof(int))];
		struct cmsghdr align;
	} room = { { 0 } };

	if (fd >= 0) {
		h.msg_control = room.buf;
		h.msg_controllen = sizeof(room.buf);
		*CMSG_FIRSTHDR(&h) = (struct cmsghdr){ .cmsg_level = SOL_SOCKET, .cmsg_type = SCM_RIGHTS,
						       .cmsg_len = CMSG_LEN(sizeof(int)) };
		memcpy(CMSG_DATA(CMSG_FIRSTHDR(&h)), &fd, sizeof(int));
	}
	return sendmsg(sock, &h, MSG_NOSIGNAL) < 0 ? -errno : 0;
}

int adit_service_tell(const char *text, int fd)
{
	const struct timeval patience = { PATIENCE_MS / 1000, 0 };
	struct sockaddr_un sa;
	socklen_t len;
	int r = address(&sa, &len), sock;

	if (r)
		return r;
	sock = socket(AF_UNIX, SOCK_DGRAM | SOCK_CLOEXEC, 0);
	if (sock < 0)
		return -errno;
	setsockopt(sock, SOL_SOCKET, SO_SNDTIMEO, &patience, sizeof(patience));
	r = send_text(sock, text, fd, &sa, len);
	close(sock);
	return r;
}

/* Not polled: an ICMP error that waits in a socket would have it thrown out. */
int adit_service_store(const char *name, int fd)
{
	char text[80];

	snprintf(text, sizeof(text), "FDSTORE=1\nFDPOLL=0\nFDNAME=%s", name);
	return adit_service_tell(text, fd);
}

int adit_service_forget(const char *name)
{
	char text[80];

	snprintf(text, sizeof(text), "FDSTOREREMOVE=1\nFDNAME=%s", name);
	return adit_service_tell(text, -1);
}

/* It closes the one end it gets when it has read what came before. */
int adit_service_sync(void)
{
	struct pollfd p = { 0 };
	int end[2], r;

	if (pipe2(end, O_CLOEXEC) < 0)
		return -errno;
	r = adit_service_tell("BARRIER=1", end[1]);
	close(end[1]);
	p.fd = end[0];
	if (!r && poll(&p, 1, PATIENCE_MS) <= 0)
		r = -ETIMEDOUT;
	close(end[0]);
	return r;
}

/* --- what it left us ------------------------------------------------------------------- */

unsigned adit_service_left(void)
{
	const char *pid = getenv("LISTEN_PID"), *fds = getenv("LISTEN_FDS");
	long cnt = fds ? strtol(fds, NULL, 10) : 0;

	if (!pid || strtol(pid, NULL, 10) != getpid() || cnt <= 0 || cnt > INT_MAX / 2)
		return 0;
	for (int i = 0; i < (int)cnt; i++)
		fcntl(ADIT_SERVICE_FDS + i, F_SETFD, FD_CLOEXEC);
	return (unsigned)cnt;
}

void adit_service_left_name(unsigned i, char name[ADIT_SERVICE_NAME_LEN])
{
	const char *at = getenv("LISTEN_FDNAMES");

	while (at && i--) {
		at = strchr(at, ':');
		at = at ? at + 1 : NULL;
	}
	snprintf(name, ADIT_SERVICE_NAME_LEN, "%.*s", at ? (int)strcspn(at, ":") : 0, at ? at : "");
}

/* --- what it wants ------------------------------------------------------------------------ */

#ifdef ADIT_HAVE_SYSTEMD
#include "host/bus.h"

#define SYSTEMD "org.freedesktop.systemd1"

/* A property of that type, to be read from the message. */
static int get(sd_bus *bus, const char *path, const char *interface, const char *name, const char *type,
	       sd_bus_message **m)
{
	return adit_sd.sd_bus_get_property_(bus, SYSTEMD, path, interface, name, NULL, m, type);
}

static int job_of(sd_bus *bus, const char *unit, bool *restarts)
{
	sd_bus_message *job = NULL, *type = NULL;
	const char *path, *word = "";
	uint32_t id = 0;
	int r = get(bus, unit, SYSTEMD ".Unit", "Job", "(uo)", &job);

	if (r >= 0)
		r = adit_sd.sd_bus_message_read_(job, "(uo)", &id, &path);
	if (r >= 0 && id)
		r = get(bus, path, SYSTEMD ".Job", "JobType", "s", &type);
	if (r >= 0 && id)
		r = adit_sd.sd_bus_message_read_(type, "s", &word);
	*restarts = !strcmp(word, "restart");
	adit_sd.sd_bus_message_unref_(type);
	adit_sd.sd_bus_message_unref_(job);
	return r;
}

static int store_of(sd_bus *bus, const char *unit, uint32_t *stored)
{
	sd_bus_message *m = NULL;
	int r = get(bus, unit, SYSTEMD ".Service", "NFileDescriptorStore", "u", &m);

	if (r >= 0)
		r = adit_sd.sd_bus_message_read_(m, "u", stored);
	adit_sd.sd_bus_message_unref_(m);
	return r;
}

int adit_service_look(struct adit_service *ret)
{
	sd_bus_message *m = NULL;
	const char *unit;
	sd_bus *bus;
	int r = adit_bus_open(&bus, PATIENCE_MS * UINT64_C(1000));

	*ret = (struct adit_service){ 0 };
	if (r)
		return r;
	r = adit_sd.sd_bus_call_method_(bus, SYSTEMD, "/org/freedesktop/systemd1", SYSTEMD ".Manager", "GetUnitByPID",
					NULL, &m, "u", (uint32_t)getpid());
	if (r >= 0)
		r = adit_sd.sd_bus_message_read_(m, "o", &unit);
	if (r >= 0)
		r = job_of(bus, unit, &ret->restarts);
	if (r >= 0)
		r = store_of(bus, unit, &ret->stored);
	adit_sd.sd_bus_message_unref_(m);
	adit_sd.sd_bus_flush_close_unref_(bus);
	return r < 0 ? r : 0;
}

#else /* built without libsystemd's headers */

int adit_service_look(struct adit_service *ret)
{
	*ret = (struct adit_service){ 0 };
	return -EOPNOTSUPP;
}

#endif
