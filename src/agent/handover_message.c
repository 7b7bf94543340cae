/* SPDX-License-Identifier: ISC */
/* handover_message.c - what two agents say to each other while one takes over */
#include "agent/handover_message.h"

#include <errno.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/uio.h>
#include <unistd.h>

union room {
	char buf[CMSG_SPACE(sizeof(int) * HANDOVER_FDS_MAX)];
	struct cmsghdr align;
};

unsigned handover_fds(const struct handover_message *m)
{
	unsigned cnt = m->threads + m->sessions;

	for (unsigned i = 0; i < m->threads; i++)
		cnt += (m->udp[i] & 1) + (m->udp[i] >> 1);
	return m->kind == HANDOVER_NETWORK && m->open ? cnt : 0;
}

bool handover_valid(const struct handover_message *m)
{
	if (m->version != HANDOVER_VERSION || m->kind >= HANDOVER_KIND_CNT || m->wanted > 1 ||
	    m->enable > 1 || m->open > 1 || m->sessions > 1 || m->threads > ADIT_TUNNEL_THREADS_MAX || !memchr(m->name, '\0', sizeof(m->name)) ||
	    !memchr(m->ifname, '\0', sizeof(m->ifname)))
		return false;
	for (unsigned i = 0; i < m->threads; i++)
		if (m->udp[i] > 3)
			return false;
	return true;
}

int handover_send(int sock, const struct handover_message *m, const int *fd, unsigned cnt)
{
	struct iovec iov = { (void *)m, sizeof(*m) };
	struct msghdr h = { .msg_iov = &iov, .msg_iovlen = 1 };
	union room room = { { 0 } };
	ssize_t n;

	if (cnt) {
		struct cmsghdr *c;

		h.msg_control = room.buf;
		h.msg_controllen = CMSG_SPACE(sizeof(int) * cnt);
		c = CMSG_FIRSTHDR(&h);
		c->cmsg_level = SOL_SOCKET;
		c->cmsg_type = SCM_RIGHTS;
		c->cmsg_len = CMSG_LEN(sizeof(int) * cnt);
		memcpy(CMSG_DATA(c), fd, sizeof(int) * cnt);
	}
	do
		n = sendmsg(sock, &h, MSG_NOSIGNAL);
	while (n < 0 && errno == EINTR);
	return n < 0 ? -errno : 0;
}

static unsigned take_fds(struct msghdr *h, int fd[HANDOVER_FDS_MAX])
{
	struct cmsghdr *c = CMSG_FIRSTHDR(h);
	unsigned cnt;

	if (!c || c->cmsg_level != SOL_SOCKET || c->cmsg_type != SCM_RIGHTS)
		return 0;
	cnt = (unsigned)((c->cmsg_len - CMSG_LEN(0)) / sizeof(int));
	memcpy(fd, CMSG_DATA(c), sizeof(int) * cnt);
	return cnt;
}

int handover_recv(int sock, struct handover_message *m, int fd[HANDOVER_FDS_MAX], unsigned *cnt)
{
	struct iovec iov = { m, sizeof(*m) };
	union room room = { { 0 } };
	struct msghdr h = { .msg_iov = &iov, .msg_iovlen = 1, .msg_control = room.buf, .msg_controllen = sizeof(room.buf) };
	ssize_t n;

	*cnt = 0;
	do
		n = recvmsg(sock, &h, MSG_CMSG_CLOEXEC);
	while (n < 0 && errno == EINTR);
	if (n <= 0)
		return n < 0 ? -errno : 0;
	*cnt = take_fds(&h, fd);
	if (n == sizeof(*m) && !(h.msg_flags & (MSG_TRUNC | MSG_CTRUNC)) && handover_valid(m) && *cnt == handover_fds(m))
		return 1;
	while (*cnt)
		close(fd[--*cnt]);
	return -EBADMSG;
}

unsigned handover_pack(struct handover_message *m, const struct adit_tunnel_ends *ends, int fd[HANDOVER_FDS_MAX])
{
	unsigned cnt = 0;

	m->threads = (uint8_t)ends->threads;
	for (unsigned i = 0; i < ends->threads; i++)
		fd[cnt++] = ends->tun[i];
	for (unsigned i = 0; i < ends->threads; i++) {
		m->udp[i] = 0;
		for (unsigned side = 0; side < 2; side++) {
			if (ends->udp[i][side] < 0)
				continue;
			m->udp[i] |= (uint8_t)(1u << side);
			fd[cnt++] = ends->udp[i][side];
		}
	}
	return cnt;
}

void handover_unpack(const struct handover_message *m, const int fd[HANDOVER_FDS_MAX], struct adit_tunnel_ends *ret)
{
	unsigned at = 0;

	ret->threads = m->threads;
	for (unsigned i = 0; i < m->threads; i++)
		ret->tun[i] = fd[at++];
	for (unsigned i = 0; i < m->threads; i++)
		for (unsigned side = 0; side < 2; side++)
			ret->udp[i][side] = m->udp[i] & 1u << side ? fd[at++] : -1;
}
