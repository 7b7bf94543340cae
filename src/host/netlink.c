/* SPDX-License-Identifier: ISC */
/* netlink.c - requests to rtnetlink and their answers (libmnl) */
#include "host/netlink.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>

#include "host/netlink_internal.h"

struct adit_netlink {
	struct mnl_socket *sock;
	unsigned seq, port;
	bool interrupted;
	char detail[160];
	_Alignas(struct nlmsghdr) char reply[32768]; /* what the kernel sends at once at most */
};

int adit_netlink_open(struct adit_netlink **ret)
{
	struct adit_netlink *nl = calloc(1, sizeof(*nl));
	int one = 1, r;

	if (!nl)
		return -ENOMEM;
	nl->sock = mnl_socket_open2(NETLINK_ROUTE, SOCK_CLOEXEC);
	if (!nl->sock || mnl_socket_bind(nl->sock, 0, MNL_SOCKET_AUTOPID) < 0) {
		r = -errno;
		adit_netlink_close(nl);
		return r;
	}
	/* Without it errors come without words; nothing else depends on it. */
	mnl_socket_setsockopt(nl->sock, NETLINK_EXT_ACK, &one, sizeof(one));
	mnl_socket_setsockopt(nl->sock, NETLINK_CAP_ACK, &one, sizeof(one));
	/* Dumps then hold only what was asked for. */
	mnl_socket_setsockopt(nl->sock, NETLINK_GET_STRICT_CHK, &one, sizeof(one));
	nl->port = mnl_socket_get_portid(nl->sock);
	*ret = nl;
	return 0;
}

void adit_netlink_close(struct adit_netlink *nl)
{
	if (!nl)
		return;
	if (nl->sock)
		mnl_socket_close(nl->sock);
	free(nl);
}

const char *adit_netlink_detail(const struct adit_netlink *nl)
{
	return nl->detail;
}

bool netlink_interrupted(struct adit_netlink *nl)
{
	bool was = nl->interrupted;

	nl->interrupted = false;
	return was;
}

/* --- one request ---------------------------------------------------------- */

void *netlink_begin(struct netlink_ask *a, uint16_t type, uint16_t flags, size_t extra)
{
	memset(a, 0, sizeof(*a));
	a->head = mnl_nlmsg_put_header(a->buf.bytes);
	a->head->nlmsg_type = type;
	a->head->nlmsg_flags = (uint16_t)(NLM_F_REQUEST | flags);
	return mnl_nlmsg_put_extra_header(a->head, extra);
}

/* The kernel's own words for an error, from the extended acknowledgement. */
static void keep_detail(struct adit_netlink *nl, const struct nlmsghdr *h)
{
	const struct nlattr *attr;

	if (!(h->nlmsg_flags & NLM_F_ACK_TLVS) || !(h->nlmsg_flags & NLM_F_CAPPED))
		return;
	mnl_attr_for_each(attr, h,
			  sizeof(struct nlmsgerr)) if (mnl_attr_get_type(attr) == NLMSGERR_ATTR_MSG &&
						       mnl_attr_validate(attr, MNL_TYPE_NUL_STRING) >= 0)
		snprintf(nl->detail, sizeof(nl->detail), "%s", mnl_attr_get_str(attr));
}

/* 1: more to come; 0 or -errno: the end. */
static int judge(struct adit_netlink *nl, const struct nlmsghdr *h, unsigned seq,
		 void (*each)(const struct nlmsghdr *h, void *user), void *user, bool dump)
{
	if (h->nlmsg_seq != seq || h->nlmsg_pid != nl->port)
		return 1;
	if (h->nlmsg_flags & NLM_F_DUMP_INTR)
		nl->interrupted = true;
	if (h->nlmsg_type == NLMSG_DONE)
		return 0;
	if (h->nlmsg_type == NLMSG_ERROR) {
		const struct nlmsgerr *e = mnl_nlmsg_get_payload(h);

		if (mnl_nlmsg_get_payload_len(h) < sizeof(*e))
			return -EBADMSG;
		if (e->error)
			keep_detail(nl, h);
		return e->error;
	}
	if (each)
		each(h, user);
	return dump ? 1 : 0;
}

int netlink_run(struct adit_netlink *nl, struct netlink_ask *a,
		void (*each)(const struct nlmsghdr *h, void *user), void *user)
{
	bool dump = (a->head->nlmsg_flags & NLM_F_DUMP) == NLM_F_DUMP;
	unsigned seq = ++nl->seq;
	int r = 1;

	nl->detail[0] = '\0';
	a->head->nlmsg_seq = seq;
	if (mnl_socket_sendto(nl->sock, a->head, a->head->nlmsg_len) < 0)
		return -errno;
	while (r == 1) {
		ssize_t n = mnl_socket_recvfrom(nl->sock, nl->reply, sizeof(nl->reply));
		const struct nlmsghdr *h = (const struct nlmsghdr *)nl->reply;
		int left = (int)n;

		if (n < 0 && errno == EINTR)
			continue;
		if (n < 0)
			return -errno;
		for (; r == 1 && mnl_nlmsg_ok(h, left); h = mnl_nlmsg_next(h, &left))
			r = judge(nl, h, seq, each, user, dump);
	}
	return r;
}

bool netlink_no_family(int r)
{
	return r == -EAFNOSUPPORT || r == -EOPNOTSUPP;
}

uint8_t netlink_af(uint8_t family)
{
	return family == 4 ? AF_INET : AF_INET6;
}

void netlink_put_addr(struct netlink_ask *a, uint16_t type, const struct adit_addr *addr)
{
	mnl_attr_put(a->head, type, addr->family == 4 ? 4 : 16, addr->bytes);
}

bool netlink_get_addr(const struct nlattr *attr, uint8_t af, struct adit_addr *ret)
{
	size_t len = af == AF_INET ? 4 : 16;

	if ((af != AF_INET && af != AF_INET6) || mnl_attr_get_payload_len(attr) != len)
		return false;
	memset(ret, 0, sizeof(*ret));
	ret->family = af == AF_INET ? 4 : 6;
	memcpy(ret->bytes, mnl_attr_get_payload(attr), len);
	return true;
}

