/* SPDX-License-Identifier: ISC */
/* check.c - a stack's invariants, for tests to ask for after every step */
#include "netstack/stack.h"

#include <assert.h>

#include "netstack/ip.h"
#include "netstack/tcp.h"

static void check_queue(const struct adit_netstack *ns)
{
	size_t len = 0;

	for (const struct ns_packet *p = ns->queue_first; p; p = p->next) {
		len += p->len;
		assert(p->next || p == ns->queue_last);
	}
	assert(len == ns->queue_len && len <= NS_QUEUE_LEN);
	assert(!ns->queue_first == !ns->queue_last);
}

static void check_socks(const struct adit_netstack *ns, const struct adit_list *all, enum adit_sock_kind kind)
{
	for (const struct adit_list *l = all->next; l != all; l = l->next) {
		const struct adit_sock *s = adit_container_of(l, struct adit_sock, all_link);

		assert(l->next->prev == l && s->ns == ns && s->kind == kind);
		assert(!s->events == adit_list_empty(&s->event_link));
		assert(!s->orphan || !s->events);
		if (kind == ADIT_SOCK_TCP)
			tcp_check((const struct tcp *)s);
	}
}

static void check_half_open(const struct adit_netstack *ns)
{
	unsigned sum = 0;

	for (unsigned i = 0; i < NS_HALF_OPENS; i++) {
		const struct ns_half_open *h = &ns->half_open[i];
		unsigned cnt = 0;

		for (const struct adit_list *l = h->all.next; l != &h->all; l = l->next, cnt++) {
			const struct tcp *t = adit_container_of(l, struct tcp, syn_link);

			assert(t->state == TCP_SYN_RECEIVED && !t->held);
		}
		assert(cnt == h->cnt);
		sum += cnt;
	}
	assert(sum <= ns->syn_cnt);
}

void ns_check(const struct adit_netstack *ns)
{
	check_queue(ns);
	check_half_open(ns);
	check_socks(ns, &ns->tcps, ADIT_SOCK_TCP);
	check_socks(ns, &ns->listeners, ADIT_SOCK_LISTENER);
	check_socks(ns, &ns->udps, ADIT_SOCK_UDP);
	check_socks(ns, &ns->pings, ADIT_SOCK_PING);
	assert(ns->pool.used + ns->memory <= ns->cfg.budget->used);
	assert(adit_map_size(&ns->flows) <= ns->cfg.flows_max);
}
