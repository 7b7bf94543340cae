/* SPDX-License-Identifier: ISC */
/* helper_message.c - messages between the network process and its helper */
#include "agent/helper_message.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <unistd.h>

#include "forward/fdpass.h"

#define SEALS (F_SEAL_SEAL | F_SEAL_SHRINK | F_SEAL_GROW | F_SEAL_WRITE)

static bool ends(const char *text, size_t size)
{
	return memchr(text, '\0', size) != NULL;
}

static bool socket_valid(const struct helper_socket *s)
{
	return (!s->bind.family || s->bind.family == 4 || s->bind.family == 6) && s->reuse <= 1 &&
	       ends(s->device, sizeof(s->device)) && (!s->device[0] || adit_ifname_valid(s->device));
}

bool helper_message_valid(const struct helper_message *m)
{
	return m->op < HELPER_OP_CNT && m->result <= 0 && m->result > -4096 && m->flag <= 1 &&
	       ends(m->name, sizeof(m->name)) && ends(m->what, sizeof(m->what)) && ends(m->path, sizeof(m->path)) &&
	       ends(m->text, sizeof(m->text)) && socket_valid(&m->socket);
}

int helper_refuse(struct helper_message *m, int r, const char *why)
{
	snprintf(m->text, sizeof(m->text), "%s", why);
	return r;
}

int helper_message_send(int sock, const struct helper_message *m, int fd)
{
	return fdpass_send(sock, m, sizeof(*m), fd);
}

int helper_message_recv(int sock, struct helper_message *ret, int *fd)
{
	struct {
		struct helper_message m;
		char more; /* a longer one does not fit by being cut */
	} room;
	ssize_t n = fdpass_recv(sock, &room, sizeof(room), fd);

	if (n <= 0)
		return (int)n;
	if (n != sizeof(room.m) || !helper_message_valid(&room.m)) {
		if (*fd >= 0)
			close(*fd);
		*fd = -1;
		return -EBADMSG;
	}
	*ret = room.m;
	return 1;
}

/* --- plans -------------------------------------------------------------------- */

int helper_plan_pack(const struct adit_plan *plan)
{
	int fd = memfd_create("adit-plan", MFD_CLOEXEC | MFD_ALLOW_SEALING), copy, r;
	FILE *out;

	if (fd < 0)
		return -errno;
	copy = fcntl(fd, F_DUPFD_CLOEXEC, 3);
	out = copy < 0 ? NULL : fdopen(copy, "w");
	if (!out) {
		r = -errno;
		if (copy >= 0)
			close(copy);
		close(fd);
		return r;
	}
	adit_plan_print(out, plan);
	r = fclose(out) ? -errno : 0;
	if (!r && fcntl(fd, F_ADD_SEALS, SEALS) < 0)
		r = -errno;
	if (r) {
		close(fd);
		return r;
	}
	return fd;
}

static int add_line(struct adit_plan *plan, const char *line)
{
	struct adit_step step;
	int r = adit_step_parse(&step, line);

	if (r)
		return r;
	r = adit_plan_add(plan, &step);
	free(step.text);
	return r;
}

/* As the journal's lines. The text is cut up. */
static int read_steps(struct adit_plan *plan, char *text, size_t len)
{
	char *line = text, *end = text + len, *newline;
	int r = 0;

	for (; !r && line < end; line = newline + 1) {
		newline = memchr(line, '\n', (size_t)(end - line));
		if (!newline)
			return -EINVAL;
		*newline = '\0';
		r = strlen(line) == (size_t)(newline - line) ? add_line(plan, line) : -EINVAL;
	}
	return r;
}

/* The sender has the same open file: where it reads or seeks is nothing to rely on. */
static int read_text(int fd, char *text, size_t len)
{
	size_t done = 0;

	while (done < len) {
		ssize_t n = pread(fd, text + done, len - done, (off_t)done);

		if (n < 0 && errno == EINTR)
			continue;
		if (n <= 0)
			return n ? -errno : -EINVAL;
		done += (size_t)n;
	}
	return 0;
}

int helper_plan_unpack(struct adit_plan *ret, const char *name, int fd)
{
	int seals = fcntl(fd, F_GET_SEALS), r;
	struct stat st;
	size_t len;
	char *text;

	if (seals < 0 || (seals & SEALS) != SEALS || fstat(fd, &st) < 0 || st.st_size > (off_t)HELPER_PLAN_MAX)
		return -EINVAL;
	len = (size_t)st.st_size;
	text = malloc(len + 1);
	if (!text)
		return -ENOMEM;
	adit_plan_init(ret, name);
	r = read_text(fd, text, len);
	if (!r)
		r = read_steps(ret, text, len);
	free(text);
	if (r)
		adit_plan_fini(ret);
	return r;
}
