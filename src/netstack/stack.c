/* SPDX-License-Identifier: ISC */
/* stack.c - a stack as a whole: its life, addresses, events, timers and the order of output */
#include "netstack/stack.h"

#include <assert.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "crypto/crypto.h"
#include "netstack/ip.h"
#include "netstack/pmtu.h"
#include "netstack/reassembly.h"
#include "netstack/time_wait.h"

enum {
	MTU_DEFAULT = 1420,
	MTU_MIN = 576,
	BUF_MIN = 1280,      /* what a caller of adit_netstack_out has room for in any case */
	QUEUE_RUN = 32,      /* small packets in a row while connections wait for their turn */
	SYN_BACKLOG = 1024,
	FLOWS_MAX = 131072,
};
#define FLOW_MAX (8u << 20)

/* --- life ------------------------------------------------------------------------- */

static bool flow_equal(const void *item, const void *key)
{
	const struct adit_sock *s = item, *k = key;

	return ip_same_endpoint(&s->remote, &k->remote) && ip_same_endpoint(&s->local, &k->local);
}

static bool config_fits(const struct adit_netstack_config *cfg, const struct adit_netstack_ops *ops)
{
	return cfg->budget && ops->random && (cfg->mtu == 0 || (cfg->mtu >= MTU_MIN && cfg->mtu <= IP_PACKET_MAX));
}

static void fill_defaults(struct adit_netstack_config *cfg)
{
	if (!cfg->mtu)
		cfg->mtu = MTU_DEFAULT;
	if (!cfg->flow_max)
		cfg->flow_max = FLOW_MAX;
	if (!cfg->syn_backlog)
		cfg->syn_backlog = SYN_BACKLOG;
	if (!cfg->flows_max)
		cfg->flows_max = FLOWS_MAX;
}

static void init_lists(struct adit_netstack *ns)
{
	adit_list_init(&ns->listeners);
	adit_list_init(&ns->tcps);
	adit_list_init(&ns->udps);
	adit_list_init(&ns->pings);
	adit_list_init(&ns->events);
	adit_list_init(&ns->borrowing);
	adit_list_init(&ns->udp_short);
	adit_list_init(&ns->sending);
	for (unsigned i = 0; i < NS_HALF_OPENS; i++)
		adit_list_init(&ns->half_open[i].all);
	adit_map_init(&ns->flows, flow_equal);
	adit_map_init(&ns->udp, udp_sock_equal);
}

int adit_netstack_new(struct adit_netstack **ret, const struct adit_netstack_config *cfg,
		      const struct adit_netstack_ops *ops, void *user, adit_time now)
{
	struct adit_netstack *ns;

	if (!config_fits(cfg, ops))
		return -EINVAL;
	ns = calloc(1, sizeof(*ns));
	if (!ns)
		return -ENOMEM;
	ns->cfg = *cfg;
	fill_defaults(&ns->cfg);
	ns->ops = *ops;
	ns->ops_user = user;
	init_lists(ns);
	slab_pool_init(&ns->pool, ns->cfg.budget);
	adit_wheel_init_tick(&ns->wheel, NS_WHEEL_TICK, now);
	time_wait_init(ns);
	ns->next_trim = ADIT_NEVER;
	ns->icmp_refill = ns->challenge_refill = ns->echo_refill = now - ADIT_SEC; /* buckets start full */
	ns_random(ns, ns->hash_key, sizeof(ns->hash_key));
	ns_random(ns, ns->isn_key, sizeof(ns->isn_key));
	ns_random(ns, &ns->ip_id, sizeof(ns->ip_id));
	ns_random(ns, &ns->ip6_id, sizeof(ns->ip6_id));
	ns_random(ns, &ns->port_counter, sizeof(ns->port_counter));
	*ret = ns;
	return 0;
}

static struct adit_sock *first_of(struct adit_list *all)
{
	return adit_list_empty(all) ? NULL : adit_container_of(all->next, struct adit_sock, all_link);
}

static void free_socks(struct adit_netstack *ns)
{
	struct adit_sock *s;

	while ((s = first_of(&ns->tcps)))
		tcp_free((struct tcp *)s); /* the head of a connection is its socket */
	while ((s = first_of(&ns->listeners)))
		tcp_listener_free((struct tcp_listener *)s);
	while ((s = first_of(&ns->udps)))
		adit_udp_sock_close(s);
	while ((s = first_of(&ns->pings)))
		adit_ping_close(s);
	udp_take_back(ns);
}

static struct ns_packet *dequeue(struct adit_netstack *ns)
{
	struct ns_packet *p = ns->queue_first;

	if (!p)
		return NULL;
	ns->queue_first = p->next;
	if (!p->next)
		ns->queue_last = NULL;
	ns->queue_len -= p->len;
	return p;
}

void adit_netstack_free(struct adit_netstack *ns)
{
	struct ns_packet *p;

	if (!ns)
		return;
	free_socks(ns);
	while ((p = dequeue(ns)))
		free(p);
	time_wait_fini(ns);
	reassembly_free(ns);
	pmtu_free(ns);
	adit_map_fini(&ns->flows);
	adit_map_fini(&ns->udp);
	slab_pool_fini(&ns->pool);
	assert(ns->memory == 0);
	adit_wipe(ns->isn_key, sizeof(ns->isn_key));
	adit_wipe(ns->hash_key, sizeof(ns->hash_key));
	free(ns);
}

/* --- addresses and MTU ------------------------------------------------------------- */

static int find_address(const struct adit_netstack *ns, const struct adit_addr *a)
{
	for (unsigned i = 0; i < ns->addr_cnt; i++)
		if (ip_same_addr(&ns->addr[i], a))
			return (int)i;
	return -ENOENT;
}

bool ns_is_ours(const struct adit_netstack *ns, const struct adit_addr *a)
{
	return find_address(ns, a) >= 0;
}

int adit_netstack_add_address(struct adit_netstack *ns, const struct adit_addr *addr)
{
	if (addr->family != 4 && addr->family != 6)
		return -EINVAL;
	if (ns_is_ours(ns, addr))
		return -EEXIST;
	if (ns->addr_cnt == ADIT_NETSTACK_ADDRESSES)
		return -ENOSPC;
	ns->addr[ns->addr_cnt++] = *addr;
	return 0;
}

int adit_netstack_remove_address(struct adit_netstack *ns, const struct adit_addr *addr, adit_time now)
{
	struct adit_addr gone = *addr; /* it may stand in our own table */
	int i = find_address(ns, &gone);

	if (i < 0)
		return i;
	for (struct adit_list *l = ns->tcps.next, *next; l != &ns->tcps; l = next) {
		struct adit_sock *s = adit_container_of(l, struct adit_sock, all_link);

		next = l->next;
		if (ip_same_addr(&s->local.addr, &gone))
			tcp_reset((struct tcp *)s, -ECONNRESET, now);
	}
	time_wait_forget_address(ns, &gone);
	ns->addr_cnt--;
	memmove(&ns->addr[i], &ns->addr[i + 1], (ns->addr_cnt - (unsigned)i) * sizeof(ns->addr[0]));
	return 0;
}

struct adit_addr adit_netstack_source(const struct adit_netstack *ns, const struct adit_addr *dst)
{
	for (unsigned i = 0; i < ns->addr_cnt; i++)
		if (ns->addr[i].family == dst->family)
			return ns->addr[i];
	return (struct adit_addr){ 0 };
}

void adit_netstack_set_mtu(struct adit_netstack *ns, unsigned mtu, adit_time now)
{
	if (mtu < MTU_MIN)
		mtu = MTU_MIN;
	if (mtu > IP_PACKET_MAX)
		mtu = IP_PACKET_MAX;
	if (mtu == ns->cfg.mtu)
		return;
	ns->cfg.mtu = mtu;
	for (struct adit_list *l = ns->tcps.next, *next; l != &ns->tcps; l = next) {
		next = l->next;
		tcp_mtu_changed((struct tcp *)adit_container_of(l, struct adit_sock, all_link), now);
	}
}

void adit_netstack_path_up(struct adit_netstack *ns, adit_time now)
{
	for (struct adit_list *l = ns->tcps.next; l != &ns->tcps; l = l->next)
		tcp_path_up((struct tcp *)adit_container_of(l, struct adit_sock, all_link), now);
}

unsigned adit_netstack_mtu(const struct adit_netstack *ns)
{
	return ns->cfg.mtu;
}

/* --- what the parts use ------------------------------------------------------------ */

void ns_random(struct adit_netstack *ns, void *buf, size_t len)
{
	ns->ops.random(ns->ops_user, buf, len);
}

uint32_t ns_random32(struct adit_netstack *ns)
{
	uint32_t r;

	ns_random(ns, &r, sizeof(r));
	return r;
}

bool ns_token(unsigned *tokens, adit_time *refill, unsigned rate, adit_time now)
{
	adit_time cost = ADIT_SEC / rate, since = now - *refill;

	if (since >= ADIT_SEC) {
		*tokens = rate;
		*refill = now;
	} else if (since >= cost) {
		unsigned more = (unsigned)(since / cost);

		*tokens = *tokens + more < rate ? *tokens + more : rate;
		*refill += more * cost;
	}
	if (*tokens == 0)
		return false;
	--*tokens;
	return true;
}

bool ns_charge(struct adit_netstack *ns, size_t len)
{
	if (!adit_budget_take(ns->cfg.budget, len))
		return false;
	ns->memory += len;
	return true;
}

void ns_uncharge(struct adit_netstack *ns, size_t len)
{
	adit_budget_give(ns->cfg.budget, len);
	ns->memory -= len;
}

uint8_t *ns_queue(struct adit_netstack *ns, uint32_t len)
{
	struct ns_packet *p = NULL;

	if (len <= NS_QUEUE_LEN && ns->queue_len <= NS_QUEUE_LEN - len)
		p = malloc(sizeof(*p) + len);
	if (!p) {
		ns->n.drops[ADIT_DROP_out_queue_full]++; /* not why a packet that came in was dropped */
		return NULL;
	}
	p->next = NULL;
	p->len = len;
	if (ns->queue_last)
		ns->queue_last->next = p;
	else
		ns->queue_first = p;
	ns->queue_last = p;
	ns->queue_len += len;
	return p->data;
}

/* --- events ------------------------------------------------------------------------ */

void ns_event(struct adit_sock *s, unsigned what)
{
	if (s->orphan || !what)
		return;
	if (!s->events)
		adit_list_add_tail(&s->ns->events, &s->event_link);
	s->events |= (uint8_t)what;
}

struct adit_sock *adit_netstack_event(struct adit_netstack *ns, unsigned *what)
{
	struct adit_sock *s;

	if (adit_list_empty(&ns->events))
		return NULL;
	s = adit_container_of(ns->events.next, struct adit_sock, event_link);
	adit_list_del(&s->event_link);
	*what = s->events;
	s->events = 0;
	return s;
}

void ns_sock_init(struct adit_sock *s, struct adit_netstack *ns, enum adit_sock_kind kind, struct adit_list *all,
		  void *user)
{
	s->ns = ns;
	s->kind = (uint8_t)kind;
	s->user = user;
	s->events = 0;
	s->error = 0;
	s->orphan = false;
	adit_list_init(&s->event_link);
	adit_list_add_tail(all, &s->all_link);
}

void ns_sock_fini(struct adit_sock *s)
{
	adit_list_del(&s->event_link);
	adit_list_del(&s->all_link);
	s->events = 0;
}

enum adit_sock_kind adit_sock_kind(const struct adit_sock *s)
{
	return (enum adit_sock_kind)s->kind;
}

void adit_sock_set_user(struct adit_sock *s, void *user)
{
	s->user = user;
}

void *adit_sock_user(const struct adit_sock *s)
{
	return s->user;
}

int adit_sock_error(const struct adit_sock *s)
{
	return s->error;
}

void adit_sock_local(const struct adit_sock *s, struct adit_endpoint *ret)
{
	*ret = s->local;
}

void adit_sock_remote(const struct adit_sock *s, struct adit_endpoint *ret)
{
	*ret = s->remote;
}

/* --- in, out, time ------------------------------------------------------------------- */

/* Free slabs are given back bit by bit, once a second, for as long as there are any. */
static void plan_trim(struct adit_netstack *ns, adit_time now)
{
	if (ns->next_trim != ADIT_NEVER)
		return;
	for (unsigned i = 0; i < SLAB_CLASSES; i++)
		if (ns->pool.free_cnt[i])
			ns->next_trim = now + ADIT_SEC;
}

void adit_netstack_in_end(struct adit_netstack *ns, adit_time now)
{
	while (!adit_list_empty(&ns->borrowing)) {
		struct adit_list *first = ns->borrowing.next;

		tcp_settle(tcp_of_borrowing(first), now);
		assert(ns->borrowing.next != first);
	}
	udp_take_back(ns);
	reassembly_settle(ns);
	plan_trim(ns, now);
}

static void count_out(struct adit_netstack *ns, const void *buf, uint32_t len, const struct adit_super *super,
		      adit_time now)
{
	struct iovec iov[2] = { { (void *)buf, len }, { NULL, 0 } };
	unsigned cnt = 1;

	if (super) {
		cnt = super->cnt;
		len = super->len - super->hdr_len;
		iov[0] = (struct iovec){ (void *)super->hdr, super->hdr_len };
		iov[1] = (struct iovec){ super->buf + super->hdr_len, len };
		len += cnt * super->hdr_len;
	}
	ns->n.packets_out += cnt;
	ns->n.bytes_out += len;
	if (ns->ops.trace)
		ns->ops.trace(ns->ops_user, true, ADIT_DROP_NONE, iov, super ? 2 : 1, now);
}

static bool out_of_queue(struct adit_netstack *ns, uint8_t *buf, uint32_t *len)
{
	uint32_t room = ns->cfg.mtu > BUF_MIN ? ns->cfg.mtu : BUF_MIN;
	struct ns_packet *p;
	bool fits;

	while ((p = dequeue(ns))) {
		if (ns->queue_len <= NS_QUEUE_LEN / 2 && !adit_list_empty(&ns->udp_short))
			udp_queue_has_room(ns);
		fits = p->len <= room; /* the MTU may be less than when it was made */
		if (fits)
			memcpy(buf, p->data, p->len);
		else
			ns_drop(ns, ADIT_DROP_too_big, 1);
		*len = p->len;
		free(p);
		if (fits)
			return true;
	}
	return false;
}

static enum adit_out out_of_connections(struct adit_netstack *ns, uint8_t *buf, uint32_t *len,
					struct adit_super *super, adit_time now)
{
	while (!adit_list_empty(&ns->sending)) {
		struct adit_list *first = ns->sending.next;
		enum adit_out r = tcp_out(tcp_of_sending(first), buf, len, super, now);

		if (r == ADIT_OUT_NONE) {
			assert(ns->sending.next != first);
			continue;
		}
		if (ns->sending.next == first) { /* it has more: after the others */
			adit_list_del(first);
			adit_list_add_tail(&ns->sending, first);
		}
		return r;
	}
	return ADIT_OUT_NONE;
}

enum adit_out adit_netstack_out(struct adit_netstack *ns, uint8_t *buf, uint32_t *len, struct adit_super *super,
				adit_time now)
{
	enum adit_out r = ADIT_OUT_NONE;

	/* small packets first, but a flood of datagrams does not shut connections out */
	if (ns->queue_run >= QUEUE_RUN || !ns->queue_first) {
		ns->queue_run = 0;
		r = out_of_connections(ns, buf, len, super, now);
	}
	if (r == ADIT_OUT_NONE && out_of_queue(ns, buf, len)) {
		ns->queue_run++;
		r = ADIT_OUT_PACKET;
	}
	if (r == ADIT_OUT_NONE)
		r = out_of_connections(ns, buf, len, super, now);
	if (r == ADIT_OUT_NONE)
		plan_trim(ns, now);
	else
		count_out(ns, buf, *len, r == ADIT_OUT_SUPER ? super : NULL, now);
	return r;
}

adit_time adit_netstack_deadline(struct adit_netstack *ns)
{
	adit_time next = adit_wheel_next(&ns->wheel);

	return next < ns->next_trim ? next : ns->next_trim;
}

void adit_netstack_tick(struct adit_netstack *ns, adit_time now)
{
	while (adit_wheel_next(&ns->wheel) <= now) {
		struct adit_wheel_entry *e = adit_wheel_expire(&ns->wheel, now);
		struct ns_timer *t;

		if (!e)
			continue; /* it moved a crowd down a level */
		t = adit_container_of(e, struct ns_timer, entry);
		t->expired(t, now);
	}
	if (now >= ns->next_trim) {
		ns->next_trim = ADIT_NEVER;
		if (slab_pool_trim(&ns->pool))
			ns->next_trim = now + ADIT_SEC;
	}
}

/* --- counters ------------------------------------------------------------------------ */

static size_t list_length(const struct adit_list *list)
{
	size_t n = 0;

	for (const struct adit_list *l = list->next; l != list; l = l->next)
		n++;
	return n;
}

void adit_netstack_stats(const struct adit_netstack *ns, struct adit_netstack_stats *ret)
{
	*ret = ns->n;
	ret->tcp_flows = adit_map_size(&ns->flows);
	ret->tcp_syn = ns->syn_cnt;
	ret->time_wait = adit_map_size(&ns->time_wait);
	ret->udp_socks = ns->udp_cnt;
	ret->listeners = list_length(&ns->listeners);
	ret->memory_used = ns->pool.used + ns->memory;
}

struct adit_sock *adit_netstack_next_tcp(const struct adit_netstack *ns, struct adit_sock *pos)
{
	const struct adit_list *l = pos ? pos->all_link.next : ns->tcps.next;

	for (; l != &ns->tcps; l = l->next) {
		struct adit_sock *s = adit_container_of(l, struct adit_sock, all_link);

		if (!s->orphan)
			return s;
	}
	return NULL;
}
