/* SPDX-License-Identifier: ISC */
/* ping.c - echo requests of our own and their answers */
#include "netstack/netstack.h"

#include <assert.h>
#include <errno.h>
#include <stdlib.h>

#include "netstack/ip.h"
#include "netstack/stack.h"

enum { ANSWERS = 64, ECHO4 = 8, ECHO6 = 128, IDS = 65535 };

struct ping {
	struct adit_sock s; /* local.port is the identifier */
	uint16_t answer[ANSWERS];
	unsigned first, cnt;
};

static struct ping *ping_of(struct adit_sock *s)
{
	assert(s->kind == ADIT_SOCK_PING);
	return adit_container_of(s, struct ping, s);
}

static struct ping *find(const struct adit_netstack *ns, uint16_t id)
{
	for (struct adit_list *l = ns->pings.next; l != &ns->pings; l = l->next) {
		struct adit_sock *s = adit_container_of(l, struct adit_sock, all_link);

		if (s->local.port == id)
			return ping_of(s);
	}
	return NULL;
}

static uint16_t choose_id(struct adit_netstack *ns)
{
	uint32_t start = ns_random32(ns);

	for (unsigned i = 0; i < IDS; i++) {
		uint16_t id = (uint16_t)(1 + (start % IDS + i) % IDS);

		if (!find(ns, id))
			return id;
	}
	return 0;
}

int adit_ping_open(struct adit_netstack *ns, struct adit_sock **ret, const struct adit_addr *dst, void *user)
{
	struct adit_addr from = adit_netstack_source(ns, dst);
	uint16_t id = choose_id(ns);
	struct ping *p;

	if (!from.family || !id)
		return -EADDRNOTAVAIL;
	p = calloc(1, sizeof(*p));
	if (!p)
		return -ENOMEM;
	p->s.local = (struct adit_endpoint){ from, id };
	p->s.remote.addr = *dst;
	ns_sock_init(&p->s, ns, ADIT_SOCK_PING, &ns->pings, user);
	*ret = &p->s;
	return 0;
}

void adit_ping_close(struct adit_sock *s)
{
	ns_sock_fini(s);
	free(ping_of(s));
}

int adit_ping_send(struct adit_sock *s, uint16_t seq, const void *data, size_t len, adit_time now)
{
	bool v4 = s->remote.addr.family == 4;
	uint8_t hdr[ICMP_HDR] = { v4 ? ECHO4 : ECHO6 };

	assert(s->kind == ADIT_SOCK_PING);
	if (!ns_is_ours(s->ns, &s->local.addr))
		return -ENETUNREACH;
	adit_put_be16(hdr + 4, s->local.port);
	adit_put_be16(hdr + 6, seq);
	return ip_send(s->ns, &s->local.addr, &s->remote.addr, v4 ? ADIT_IPPROTO_ICMP : ADIT_IPPROTO_ICMPV6, 0, hdr, 2,
		       data, len, now);
}

bool adit_ping_recv(struct adit_sock *s, uint16_t *seq)
{
	struct ping *p = ping_of(s);

	if (!p->cnt)
		return false;
	*seq = p->answer[p->first];
	p->first = (p->first + 1) % ANSWERS;
	p->cnt--;
	return true;
}

enum adit_drop ping_in(struct adit_netstack *ns, const struct ip_packet *pkt, const uint8_t *icmp)
{
	struct ping *p = find(ns, adit_get_be16(icmp + 4));

	if (!p || !ip_same_addr(&p->s.remote.addr, &pkt->src))
		return ADIT_DROP_icmp_ignored;
	if (p->cnt == ANSWERS)
		return ADIT_DROP_sock_full;
	p->answer[(p->first + p->cnt++) % ANSWERS] = adit_get_be16(icmp + 6);
	ns_event(&p->s, ADIT_EV_READABLE);
	return ADIT_DROP_NONE;
}

enum adit_drop ping_icmp(struct adit_netstack *ns, const struct adit_addr *dst, uint16_t id, int error)
{
	struct ping *p = find(ns, id);

	if (!p || !ip_same_addr(&p->s.remote.addr, dst))
		return ADIT_DROP_icmp_ignored;
	if (error) {
		p->s.error = error;
		ns_event(&p->s, ADIT_EV_ERROR);
	}
	return ADIT_DROP_NONE;
}
