/* SPDX-License-Identifier: ISC */
/* uapi_client.c - the other end of the UAPI socket */
#include "device/uapi_client.h"

#include <dirent.h>
#include <errno.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/socket.h>
#include <unistd.h>

#include "crypto/crypto.h"
#include "device/uapi_socket.h"

#define BUF_LEN (64u << 10)

struct reply {
	int (*line)(void *user, const char *key, char *value);
	void *user;
	char *buf;
	size_t len;
	int result;
	bool done; /* errno has come */
};

/* `errno=N`: positive from most programs, but take either sign. */
static int reply_errno(const char *value)
{
	long v = strtol(value, NULL, 10);

	return v < 0 ? (int)v : (int)-v;
}

static int take_line(struct reply *r, char *line)
{
	char *eq = strchr(line, '=');

	if (!*line)
		return r->done ? 1 : -EPROTO;
	if (!eq)
		return -EPROTO;
	*eq = 0;
	if (!strcmp(line, "errno")) {
		r->done = true;
		r->result = reply_errno(eq + 1);
		return 0;
	}
	return r->line(r->user, line, eq + 1);
}

/* Whole lines of what is in the buffer. 0 = more, 1 = end of the reply, else an error. */
static int take_lines(struct reply *r)
{
	char *p = r->buf, *end = r->buf + r->len, *nl;
	int res = 0;

	while (!res && (nl = memchr(p, '\n', (size_t)(end - p)))) {
		*nl = 0;
		res = take_line(r, p);
		p = nl + 1;
	}
	r->len = (size_t)(end - p);
	memmove(r->buf, p, r->len);
	adit_wipe(r->buf + r->len, (size_t)(end - r->buf) - r->len);
	return res;
}

static int read_reply(int fd, struct reply *r)
{
	for (;;) {
		ssize_t n = recv(fd, r->buf + r->len, BUF_LEN - r->len, 0);
		int res;

		if (n < 0 && errno == EINTR)
			continue;
		if (n < 0)
			return -errno;
		if (n == 0)
			return -EPROTO;
		r->len += (size_t)n;
		res = take_lines(r);
		if (res)
			return res == 1 ? r->result : res;
		if (r->len == BUF_LEN)
			return -EPROTO;
	}
}

int adit_uapi_get(const char *ifname, int (*line)(void *user, const char *key, char *value), void *user)
{
	static const char request[] = "get=1\n\n";
	struct reply reply = { .line = line, .user = user };
	int fd = adit_uapi_connect(ifname), r;

	if (fd < 0)
		return fd;
	reply.buf = mmap(NULL, BUF_LEN, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
	if (reply.buf == MAP_FAILED) {
		close(fd);
		return -ENOMEM;
	}
	madvise(reply.buf, BUF_LEN, MADV_DONTDUMP);
	(void)mlock(reply.buf, BUF_LEN); /* best effort: private keys pass through */
	if (send(fd, request, sizeof(request) - 1, MSG_NOSIGNAL) < 0)
		r = -errno;
	else
		r = read_reply(fd, &reply);
	adit_wipe(reply.buf, BUF_LEN);
	munmap(reply.buf, BUF_LEN);
	close(fd);
	return r;
}

static int is_socket(const struct dirent *e)
{
	size_t len = strlen(e->d_name);

	return len > 5 && !strcmp(e->d_name + len - 5, ".sock");
}

int adit_uapi_each(int (*found)(void *user, const char *ifname), void *user)
{
	struct dirent **names;
	int cnt = scandir(ADIT_UAPI_DIR, &names, is_socket, alphasort), i, r = 0;

	if (cnt < 0)
		return errno == ENOENT ? 0 : -errno;
	for (i = 0; i < cnt; i++) {
		names[i]->d_name[strlen(names[i]->d_name) - 5] = 0;
		if (!r && !adit_ifname_problem(names[i]->d_name))
			r = found(user, names[i]->d_name);
		free(names[i]);
	}
	free(names);
	return r;
}
