/* SPDX-License-Identifier: ISC */
/* udp_send.c - trains out by sendmmsg with UDP_SEGMENT, and what is done when the kernel refuses (DOC in udp.h) */
#include <errno.h>
#include <netinet/udp.h>
#include <poll.h>
#include <string.h>
#include <time.h>

#include "pktio/udp.h"
#include "pktio/udp_io.h"

#ifndef UDP_SEGMENT
#define UDP_SEGMENT 103
#endif

#define SEND_WAIT_MS 10

static const uint8_t no_source[16];

static adit_time boottime(void)
{
	struct timespec ts;

	clock_gettime(CLOCK_BOOTTIME, &ts);
	return ts.tv_sec * ADIT_SEC + ts.tv_nsec;
}

static enum adit_outer_side side_of(const struct adit_path *p)
{
	return p->kind == ADIT_PATH_UDP6 ? ADIT_OUTER_6 : ADIT_OUTER_4;
}

/* --- one message header --------------------------------------------------- */

static void put_name(struct msghdr *m, union adit_udp_name *n, const struct adit_path *p)
{
	memset(n, 0, sizeof(*n));
	m->msg_name = n;
	if (side_of(p) == ADIT_OUTER_4) {
		n->in4.sin_family = AF_INET;
		n->in4.sin_port = htons(p->port);
		memcpy(&n->in4.sin_addr, p->addr, 4);
		m->msg_namelen = sizeof(n->in4);
	} else {
		n->in6.sin6_family = AF_INET6;
		n->in6.sin6_port = htons(p->port);
		n->in6.sin6_scope_id = p->scope;
		memcpy(&n->in6.sin6_addr, p->addr, 16);
		m->msg_namelen = sizeof(n->in6);
	}
}

static void add_control(struct msghdr *m, int level, int type, const void *data, size_t len)
{
	struct cmsghdr *c = (struct cmsghdr *)((char *)m->msg_control + m->msg_controllen);

	c->cmsg_level = level;
	c->cmsg_type = type;
	c->cmsg_len = CMSG_LEN(len);
	memcpy(CMSG_DATA(c), data, len);
	m->msg_controllen += CMSG_SPACE(len);
}

static bool has_source(const struct adit_path *p)
{
	return p->ifindex || memcmp(p->src, no_source, sizeof(no_source)) != 0;
}

static void put_control(struct msghdr *m, union adit_udp_control *control, const struct adit_path *p, uint8_t tos)
{
	bool ip4 = side_of(p) == ADIT_OUTER_4;
	int value = tos;

	m->msg_control = control;
	m->msg_controllen = 0;
	if (has_source(p) && ip4) {
		struct in_pktinfo info = { .ipi_ifindex = (int)p->ifindex };

		memcpy(&info.ipi_spec_dst, p->src, 4);
		add_control(m, IPPROTO_IP, IP_PKTINFO, &info, sizeof(info));
	} else if (has_source(p)) {
		struct in6_pktinfo info = { .ipi6_ifindex = p->ifindex };

		memcpy(&info.ipi6_addr, p->src, 16);
		add_control(m, IPPROTO_IPV6, IPV6_PKTINFO, &info, sizeof(info));
	}
	if (tos && ip4)
		add_control(m, IPPROTO_IP, IP_TOS, &value, sizeof(value));
	else if (tos)
		add_control(m, IPPROTO_IPV6, IPV6_TCLASS, &value, sizeof(value));
}

static void put_message(struct adit_udp_io *io, unsigned i, const struct adit_train *t, uint8_t *buf, uint32_t len,
			uint16_t segment)
{
	struct msghdr *m = &io->tx[i].msg_hdr;

	io->tx_iov[i] = (struct iovec){ buf, len };
	m->msg_iov = &io->tx_iov[i];
	m->msg_iovlen = 1;
	m->msg_flags = 0;
	put_name(m, &io->tx_name[i], &t->path);
	put_control(m, &io->tx_control[i], &t->path, t->tos);
	if (segment)
		add_control(m, IPPROTO_UDP, UDP_SEGMENT, &segment, sizeof(segment));
}

/* --- destinations that get plain datagrams -------------------------------- */

static bool is_narrow(struct adit_udp *u, const struct adit_path *p)
{
	unsigned i;

	for (i = 0; i < u->narrow_cnt && !adit_path_same_remote(&u->narrow[i].path, p); i++)
		;
	if (i == u->narrow_cnt)
		return false;
	if (boottime() < u->narrow[i].until)
		return true;
	u->narrow[i] = u->narrow[--u->narrow_cnt];
	return false;
}

static void remember_narrow(struct adit_udp *u, const struct adit_path *p, const char *why)
{
	char text[ADIT_PATH_STRLEN];
	unsigned i = u->narrow_cnt;

	if (i == ADIT_NARROW_MAX) { /* full: the one that ends first makes room */
		i = 0;
		for (unsigned k = 1; k < ADIT_NARROW_MAX; k++) {
			if (u->narrow[k].until < u->narrow[i].until)
				i = k;
		}
	} else {
		u->narrow_cnt++;
	}
	u->narrow[i] = (struct adit_narrow){ .path = *p, .until = boottime() + ADIT_NARROW_TIME };
	adit_notes_add(u->notes, "gso: %s sending to %s, sent plainly for 10 min", why, adit_path_format(p, text));
}

/* --- sending -------------------------------------------------------------- */

static void wait_writable(int fd)
{
	struct pollfd p = { .fd = fd, .events = POLLOUT };

	(void)poll(&p, 1, SEND_WAIT_MS);
}

static void count_sent(struct adit_sent *sent, const struct msghdr *m, unsigned datagrams)
{
	sent->datagrams += datagrams;
	sent->bytes += m->msg_iov->iov_len;
}

static void count_refused(struct adit_udp *u, const struct adit_train *t, struct adit_sent *sent, int e,
			  unsigned datagrams)
{
	char text[ADIT_PATH_STRLEN];

	if (e == EAGAIN || e == ENOBUFS)
		sent->full += datagrams;
	else
		sent->failed += datagrams;
	if (e != EAGAIN)
		adit_notes_add(u->notes, "send: %s to %s", strerror(e), adit_path_format(&t->path, text));
}

/* What a message that carries no UDP_SEGMENT may still need: a moment, one
 * more try after an error that was not its own, or no sticky source. */
static bool retry_plain(struct adit_udp *u, int fd, int e, unsigned *tries, struct adit_train *t)
{
	if ((*tries)++ >= 2 || e == ENOBUFS)
		return false;
	if (e == EAGAIN) {
		wait_writable(fd);
		return true;
	}
	adit_udp_drain_errors(u);
	if (has_source(&t->path) && e != EPERM) {
		adit_path_clear_source(&t->path);
		adit_notes_add(u->notes, "source: %s with the sticky source address, cleared", strerror(e));
	}
	return true;
}

/* Sends a train as single datagrams. */
static void send_plainly(struct adit_udp *u, struct adit_train *t, struct adit_sent *sent)
{
	int fd = u->outer.fd[side_of(&t->path)];
	unsigned k = 0, tries = 0;

	while (k < t->cnt) {
		unsigned n = t->cnt - k < ADIT_TX_BATCH ? t->cnt - k : ADIT_TX_BATCH;
		int r;

		for (unsigned i = 0; i < n; i++)
			put_message(u->io, i, t, t->wire + (size_t)(k + i) * t->stride,
				    adit_train_datagram_len(t, k + i), 0);
		r = sendmmsg(fd, u->io->tx, n, MSG_DONTWAIT);
		sent->calls++;
		if (r > 0) {
			for (int i = 0; i < r; i++)
				count_sent(sent, &u->io->tx[i].msg_hdr, 1);
			k += (unsigned)r;
			tries = 0;
		} else {
			int e = errno;

			if (retry_plain(u, fd, e, &tries, t))
				continue;
			count_refused(u, t, sent, e, 1);
			k++;
			tries = 0;
		}
	}
}

/* The first message of a batch was refused with e: decides how its train goes
 * on. True: build the batch again from this train; false: it is done with. */
static bool recover(struct adit_udp *u, struct adit_train *t, int e, unsigned *tries, struct adit_sent *sent)
{
	int fd = u->outer.fd[side_of(&t->path)];
	bool segmented = t->cnt > 1 && u->offloads & ADIT_OFFLOAD_GSO;

	if (segmented && e == EIO) {
		u->offloads &= ~(unsigned)ADIT_OFFLOAD_GSO;
		adit_notes_add(u->notes, "gso: EIO, the device cannot segment: off");
		send_plainly(u, t, sent);
		return false;
	}
	if (segmented && (e == EMSGSIZE || (e == EINVAL && *tries))) {
		remember_narrow(u, &t->path, e == EMSGSIZE ? "EMSGSIZE" : "EINVAL");
		send_plainly(u, t, sent);
		return false;
	}
	if (retry_plain(u, fd, e, tries, t))
		return true;
	count_refused(u, t, sent, e, t->cnt);
	return false;
}

static bool goes_plainly(struct adit_udp *u, const struct adit_train *t)
{
	return t->cnt > 1 && (!(u->offloads & ADIT_OFFLOAD_GSO) || (u->narrow_cnt && is_narrow(u, &t->path)));
}

/* Sends the leading trains that share a socket in one call; returns how many
 * were dealt with (at least one). */
static unsigned send_some(struct adit_udp *u, struct adit_train *const *trains, unsigned cnt, unsigned *tries,
			  struct adit_sent *sent)
{
	enum adit_outer_side side = side_of(&trains[0]->path);
	unsigned n = 0;
	int r;

	if (u->outer.fd[side] < 0) {
		sent->failed += trains[0]->cnt;
		return 1;
	}
	if (goes_plainly(u, trains[0])) {
		send_plainly(u, trains[0], sent);
		return 1;
	}
	while (n < cnt && n < ADIT_TX_BATCH && side_of(&trains[n]->path) == side && !goes_plainly(u, trains[n])) {
		struct adit_train *t = trains[n];

		put_message(u->io, n++, t, t->wire, adit_train_bytes(t), t->cnt > 1 ? (uint16_t)t->stride : 0);
	}
	r = sendmmsg(u->outer.fd[side], u->io->tx, n, MSG_DONTWAIT);
	sent->calls++;
	if (r < 0)
		return recover(u, trains[0], errno, tries, sent) ? 0 : 1;
	for (int i = 0; i < r; i++)
		count_sent(sent, &u->io->tx[i].msg_hdr, trains[i]->cnt);
	return (unsigned)r;
}

void adit_udp_send_trains(struct adit_udp *u, struct adit_train *const *trains, unsigned cnt, struct adit_sent *sent)
{
	unsigned tries = 0;

	while (cnt > 0) {
		unsigned n = send_some(u, trains, cnt, &tries, sent);

		if (n > 0)
			tries = 0;
		trains += n;
		cnt -= n;
	}
}
