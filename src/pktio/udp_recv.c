/* SPDX-License-Identifier: ISC */
/* udp_recv.c - recvmmsg with UDP_GRO: up to 64 KiB of one sender's datagrams a buffer */
#include <errno.h>
#include <netinet/udp.h>
#include <string.h>

#include "pktio/udp.h"
#include "pktio/udp_io.h"

#ifndef UDP_GRO
#define UDP_GRO 104
#endif

static void read_name(struct adit_path *p, const union adit_udp_name *n, enum adit_outer_side side)
{
	memset(p, 0, sizeof(*p));
	if (side == ADIT_OUTER_4) {
		p->kind = ADIT_PATH_UDP4;
		p->port = ntohs(n->in4.sin_port);
		memcpy(p->addr, &n->in4.sin_addr, 4);
	} else {
		p->kind = ADIT_PATH_UDP6;
		p->port = ntohs(n->in6.sin6_port);
		p->scope = n->in6.sin6_scope_id;
		memcpy(p->addr, &n->in6.sin6_addr, 16);
	}
}

static void read_control(struct adit_rx *rx, struct msghdr *m)
{
	struct in6_pktinfo info6;
	struct in_pktinfo info4;
	int value;

	for (struct cmsghdr *c = CMSG_FIRSTHDR(m); c; c = CMSG_NXTHDR(m, c)) {
		if (c->cmsg_level == IPPROTO_IP && c->cmsg_type == IP_PKTINFO) {
			memcpy(&info4, CMSG_DATA(c), sizeof(info4));
			rx->path.ifindex = (uint32_t)info4.ipi_ifindex;
			memcpy(rx->path.src, &info4.ipi_spec_dst, 4);
		} else if (c->cmsg_level == IPPROTO_IPV6 && c->cmsg_type == IPV6_PKTINFO) {
			memcpy(&info6, CMSG_DATA(c), sizeof(info6));
			rx->path.ifindex = info6.ipi6_ifindex;
			memcpy(rx->path.src, &info6.ipi6_addr, 16);
		} else if (c->cmsg_level == IPPROTO_IP && c->cmsg_type == IP_TOS) {
			rx->tos = *CMSG_DATA(c);
		} else if (c->cmsg_level == IPPROTO_IPV6 && c->cmsg_type == IPV6_TCLASS) {
			memcpy(&value, CMSG_DATA(c), sizeof(value));
			rx->tos = (uint8_t)value;
		} else if (c->cmsg_level == IPPROTO_UDP && c->cmsg_type == UDP_GRO) {
			memcpy(&value, CMSG_DATA(c), sizeof(value));
			if (value > 0 && (uint32_t)value < rx->len)
				rx->stride = (uint32_t)value;
		}
	}
}

static void prepare(struct adit_udp_io *io)
{
	for (unsigned i = 0; i < ADIT_RX_BUFFERS; i++) {
		struct msghdr *m = &io->rx[i].msg_hdr;

		m->msg_iov = &io->rx_iov[i];
		m->msg_iovlen = 1;
		m->msg_name = &io->rx_name[i];
		m->msg_namelen = sizeof(io->rx_name[i]);
		m->msg_control = &io->rx_control[i];
		m->msg_controllen = sizeof(io->rx_control[i]);
		m->msg_flags = 0;
	}
}

static int udp_recv(struct adit_outer *out, enum adit_outer_side side, struct adit_rx rx[ADIT_RX_BUFFERS])
{
	struct adit_udp *u = (struct adit_udp *)out;
	struct adit_udp_io *io = u->io;
	int n;

	if (out->fd[side] < 0)
		return -EAGAIN;
	prepare(io);
	n = recvmmsg(out->fd[side], io->rx, ADIT_RX_BUFFERS, MSG_DONTWAIT, NULL);
	if (n < 0) {
		int e = errno;

		if (e == EAGAIN || e == EINTR)
			return -EAGAIN;
		/* an ICMP error that a peer's network sent us: counted, and on we go */
		adit_udp_drain_errors(u);
		return 0;
	}
	for (int i = 0; i < n; i++) {
		struct msghdr *m = &io->rx[i].msg_hdr;

		rx[i].buf = io->rx_iov[i].iov_base;
		rx[i].len = rx[i].stride = io->rx[i].msg_len;
		rx[i].tos = 0;
		rx[i].truncated = m->msg_flags & (MSG_TRUNC | MSG_CTRUNC);
		read_name(&rx[i].path, &io->rx_name[i], side);
		read_control(&rx[i], m);
	}
	return n;
}

static void udp_send(struct adit_outer *out, struct adit_train *const *trains, unsigned cnt, struct adit_sent *sent)
{
	adit_udp_send_trains((struct adit_udp *)out, trains, cnt, sent);
}

const struct adit_outer_ops adit_udp_ops = { .recv = udp_recv, .send = udp_send };
