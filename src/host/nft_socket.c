/* SPDX-License-Identifier: ISC */
/* nft_socket.c - requests to nftables, their errors, and news of changes (libmnl) */
#include "host/nft_socket.h"

#include <errno.h>
#include <libnftnl/common.h>
#include <libnftnl/table.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>

#include <netinet/in.h> /* before the kernel's */

#include <linux/netfilter.h>
#include <linux/netfilter/nf_tables.h>
#include <linux/netfilter/nfnetlink.h>

#include "host/guard.h"
#include "host/nft_table.h"

#define TRIES 8

struct adit_nft {
	struct mnl_socket *sock, *events; /* NULL: there is none */
	int trouble;                      /* why there is no sock */
	unsigned seq;
	enum nft_answer keeping;
	char detail[256];
	_Alignas(struct nlmsghdr) char reply[65536];
};

/* --- sockets ---------------------------------------------------------------- */

static struct mnl_socket *open_socket(unsigned groups, int flags)
{
	struct mnl_socket *s = mnl_socket_open2(NETLINK_NETFILTER, SOCK_CLOEXEC | flags);
	int one = 1, why;

	if (!s)
		return NULL;
	if (mnl_socket_bind(s, groups, MNL_SOCKET_AUTOPID) < 0) {
		why = errno;
		mnl_socket_close(s);
		errno = why;
		return NULL;
	}
	mnl_socket_setsockopt(s, NETLINK_EXT_ACK, &one, sizeof(one));
	mnl_socket_setsockopt(s, NETLINK_CAP_ACK, &one, sizeof(one));
	return s;
}

int adit_nft_open(struct adit_nft **ret)
{
	struct adit_nft *nft = calloc(1, sizeof(*nft));

	if (!nft)
		return -ENOMEM;
	nft->sock = open_socket(0, 0);
	if (!nft->sock)
		nft->trouble = -errno;
	nft->events = open_socket(1u << (NFNLGRP_NFTABLES - 1), SOCK_NONBLOCK);
	*ret = nft;
	return 0;
}

void adit_nft_close(struct adit_nft *nft)
{
	if (!nft)
		return;
	if (nft->sock)
		mnl_socket_close(nft->sock);
	if (nft->events)
		mnl_socket_close(nft->events);
	free(nft);
}

const char *adit_nft_detail(const struct adit_nft *nft)
{
	return nft->detail;
}

void nft_say(struct adit_nft *nft, const char *fmt, ...)
{
	va_list ap;

	va_start(ap, fmt);
	vsnprintf(nft->detail, sizeof(nft->detail), fmt, ap);
	va_end(ap);
}

int nft_ready(struct adit_nft *nft)
{
	nft->detail[0] = '\0';
	if (nft->sock)
		return 0;
	nft_say(nft, "there is no nftables here");
	return nft->trouble;
}

uint32_t nft_port(const struct adit_nft *nft)
{
	return mnl_socket_get_portid(nft->sock);
}

enum nft_answer *nft_keeping(struct adit_nft *nft)
{
	return &nft->keeping;
}

/* The kernel's own words, from the extended acknowledgement. */
static const char *words(const struct nlmsghdr *h)
{
	const struct nlattr *attr;

	if (!(h->nlmsg_flags & NLM_F_ACK_TLVS) || !(h->nlmsg_flags & NLM_F_CAPPED))
		return "";
	mnl_attr_for_each(attr, h, sizeof(struct nlmsgerr))
	{
		if (mnl_attr_get_type(attr) == NLMSGERR_ATTR_MSG &&
		    mnl_attr_validate(attr, MNL_TYPE_NUL_STRING) >= 0)
			return mnl_attr_get_str(attr);
	}
	return "";
}

static ssize_t receive(struct adit_nft *nft, struct mnl_socket *s, int flags)
{
	ssize_t n;

	do
		n = recv(mnl_socket_get_fd(s), nft->reply, sizeof(nft->reply), flags);
	while (n < 0 && errno == EINTR);
	return n;
}

/* --- dumps ------------------------------------------------------------------ */

static int dump_once(struct adit_nft *nft, const struct nft_dump *d)
{
	union {
		char bytes[1024];
		struct nlmsghdr align;
	} ask;
	struct nlmsghdr *h;
	int r = MNL_CB_OK;

	memset(&ask, 0, sizeof(ask));
	h = nftnl_nlmsg_build_hdr(ask.bytes, d->type, NFPROTO_INET, NLM_F_DUMP, ++nft->seq);
	if (d->put)
		d->put(h, d->what);
	if (mnl_socket_sendto(nft->sock, h, h->nlmsg_len) < 0)
		return -errno;
	while (r > MNL_CB_STOP) {
		ssize_t n = receive(nft, nft->sock, 0);

		if (n < 0)
			return -errno;
		r = mnl_cb_run(nft->reply, (size_t)n, nft->seq, nft_port(nft), d->each, d->user);
	}
	return r < 0 ? -errno : 0;
}

/* What is left of a dump that broke off. */
static void drain(struct adit_nft *nft)
{
	while (receive(nft, nft->sock, MSG_DONTWAIT) >= 0)
		;
}

int nft_dump(struct adit_nft *nft, const struct nft_dump *d)
{
	int r = -EINTR, i;

	for (i = 0; i < TRIES && r == -EINTR; i++) {
		if (d->restart)
			d->restart(d->user);
		r = dump_once(nft, d);
		if (r)
			drain(nft);
	}
	return r;
}

/* --- batches ---------------------------------------------------------------- */

#define MESSAGE_MOST 73728u /* an attribute is at most 64 KiB long */

static bool room(struct nft_batch *b)
{
	if (!b->error && b->cap - b->len < MESSAGE_MOST) {
		size_t cap = b->cap ? b->cap * 2 : 4 * MESSAGE_MOST;
		char *p = realloc(b->buf, cap);

		if (p) {
			memset(p + b->len, 0, cap - b->len);
			b->buf = p;
			b->cap = cap;
		} else {
			b->error = -ENOMEM;
		}
	}
	if (!b->error && b->cnt == b->about_cap) {
		size_t cap = b->about_cap ? b->about_cap * 2 : 64;
		const char **p = reallocarray(b->about, cap, sizeof(*p));

		if (p) {
			b->about = p;
			b->about_cap = cap;
		} else {
			b->error = -ENOMEM;
		}
	}
	return !b->error;
}

void nft_batch_begin(struct adit_nft *nft, struct nft_batch *b)
{
	memset(b, 0, sizeof(*b));
	b->seq = ++nft->seq;
	if (!room(b))
		return;
	nft_batch_put(b, nftnl_batch_begin(b->buf, b->seq));
	b->about[b->cnt++] = "the batch";
}

struct nlmsghdr *nft_batch_next(struct nft_batch *b, uint16_t type, uint16_t flags, const char *about)
{
	if (!room(b))
		return NULL;
	b->about[b->cnt] = about;
	b->last = b->len;
	return nftnl_nlmsg_build_hdr(b->buf + b->len, type, NFPROTO_INET, flags, b->seq + (uint32_t)b->cnt++);
}

void nft_batch_put(struct nft_batch *b, const struct nlmsghdr *h)
{
	b->len += NLMSG_ALIGN(h->nlmsg_len);
}

/* The first error among the answers, all of which are there when the send returns. */
static int answers(struct adit_nft *nft, const struct nft_batch *b)
{
	bool any = false;
	int first = 0;
	ssize_t n;

	while ((n = receive(nft, nft->sock, MSG_DONTWAIT)) >= 0) {
		const struct nlmsghdr *h = (const struct nlmsghdr *)nft->reply;
		int left = (int)n;

		for (; mnl_nlmsg_ok(h, left); h = mnl_nlmsg_next(h, &left)) {
			const struct nlmsgerr *e = mnl_nlmsg_get_payload(h);
			uint32_t i = h->nlmsg_seq - b->seq;

			if (h->nlmsg_type != NLMSG_ERROR || mnl_nlmsg_get_payload_len(h) < sizeof(*e) ||
			    i >= b->cnt)
				continue;
			any = true;
			if (!e->error || first)
				continue;
			first = e->error;
			nft_say(nft, "%s%s%s", b->about[i], *words(h) ? ": " : "", words(h));
		}
	}
	if (first)
		return first;
	return any ? 0 : errno == EAGAIN ? -EIO : -errno;
}

/* A whole batch is one message to the socket. */
static int send_batch(struct adit_nft *nft, const struct nft_batch *b)
{
	int room_wanted = (int)b->len * 2;

	if (setsockopt(mnl_socket_get_fd(nft->sock), SOL_SOCKET, SO_SNDBUFFORCE, &room_wanted,
		       sizeof(room_wanted)))
		setsockopt(mnl_socket_get_fd(nft->sock), SOL_SOCKET, SO_SNDBUF, &room_wanted,
			   sizeof(room_wanted));
	return mnl_socket_sendto(nft->sock, b->buf, b->len) < 0 ? -errno : 0;
}

/* One acknowledgement is enough: errors come by themselves. */
static void close_batch(struct adit_nft *nft, struct nft_batch *b)
{
	if (!room(b))
		return;
	((struct nlmsghdr *)(void *)(b->buf + b->last))->nlmsg_flags |= NLM_F_ACK;
	nft_batch_put(b, nftnl_batch_end(b->buf + b->len, b->seq + (uint32_t)b->cnt));
	nft->seq = b->seq + (uint32_t)b->cnt;
}

int nft_batch_run(struct adit_nft *nft, struct nft_batch *b)
{
	int r;

	close_batch(nft, b);
	r = b->error;
	if (!r)
		r = send_batch(nft, b);
	if (!r)
		r = answers(nft, b);
	free(b->buf);
	free(b->about);
	memset(b, 0, sizeof(*b));
	return r;
}

/* --- changes ---------------------------------------------------------------- */

int adit_nft_fd(const struct adit_nft *nft)
{
	return nft->events ? mnl_socket_get_fd(nft->events) : -1;
}

static bool our_name(const char *table)
{
	return !strcmp(table, ADIT_GUARD_TABLE) ||
	       !strncmp(table, ADIT_GUARD_TABLE "-", sizeof(ADIT_GUARD_TABLE));
}

/* All objects name their table in the same attribute. */
static bool about_ours(const struct nlmsghdr *h)
{
	const struct nlattr *attr;

	if ((h->nlmsg_type & 0xff) == NFT_MSG_NEWGEN)
		return false;
	mnl_attr_for_each(attr, h, sizeof(struct nfgenmsg))
	{
		if (mnl_attr_get_type(attr) == NFTA_TABLE_NAME)
			return mnl_attr_validate(attr, MNL_TYPE_NUL_STRING) < 0 ||
			       our_name(mnl_attr_get_str(attr));
	}
	return false;
}

bool adit_nft_changed(struct adit_nft *nft)
{
	bool changed = false;
	ssize_t n;

	if (!nft->events)
		return false;
	while ((n = receive(nft, nft->events, MSG_DONTWAIT)) >= 0 || errno == ENOBUFS) {
		const struct nlmsghdr *h = (const struct nlmsghdr *)nft->reply;
		int left = (int)n;

		changed |= n < 0; /* some were lost */
		for (; n > 0 && mnl_nlmsg_ok(h, left); h = mnl_nlmsg_next(h, &left))
			changed |= (!nft->sock || h->nlmsg_pid != nft_port(nft)) && about_ours(h);
	}
	return changed;
}

/* --- tables by name --------------------------------------------------------- */

struct listing {
	char (*name)[NFT_NAME_LEN];
	size_t cnt, cap;
};

static int keep_name(struct listing *l, const char *name)
{
	if (l->cnt == l->cap) {
		size_t cap = l->cap ? l->cap * 2 : 8;
		char(*p)[NFT_NAME_LEN] = reallocarray(l->name, cap, sizeof(*p));

		if (!p)
			return MNL_CB_ERROR;
		l->name = p;
		l->cap = cap;
	}
	snprintf(l->name[l->cnt++], NFT_NAME_LEN, "%s", name);
	return MNL_CB_OK;
}

static int see_table(const struct nlmsghdr *h, void *user)
{
	struct nftnl_table *t = nftnl_table_alloc();
	const char *name = NULL;
	int r = t ? MNL_CB_OK : MNL_CB_ERROR;

	if (t && !nftnl_table_nlmsg_parse(h, t))
		name = nftnl_table_get_str(t, NFTNL_TABLE_NAME);
	/* A longer name is none of ours. */
	if (name && our_name(name) && strlen(name) < NFT_NAME_LEN &&
	    nftnl_table_get_u32(t, NFTNL_TABLE_FAMILY) == NFPROTO_INET)
		r = keep_name(user, name);
	if (t)
		nftnl_table_free(t);
	return r;
}

static void see_again(void *user)
{
	((struct listing *)user)->cnt = 0;
}

int adit_nft_tables(struct adit_nft *nft, void (*found)(void *user, const char *table), void *user)
{
	struct listing l = { 0 };
	const struct nft_dump d = {
		.type = NFT_MSG_GETTABLE, .each = see_table, .restart = see_again, .user = &l
	};
	int r = nft_ready(nft);
	size_t i;

	if (!r)
		r = nft_dump(nft, &d);
	for (i = 0; !r && i < l.cnt; i++)
		found(user, l.name[i]);
	free(l.name);
	return r;
}
