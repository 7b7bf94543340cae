/* SPDX-License-Identifier: ISC */
/* tcp_open.c - connections begin: ours, and those that come in (RFC 9293 3.5, 3.10.1, 3.10.7.2) */
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "base/inet.h"
#include "crypto/crypto.h"
#include "netstack/tcp.h"

enum { FIRST_WINDOW = 128 << 10 };

/* ISN = M + F(local, remote, secret), M a 4 us clock (RFC 9293 3.4.1) */
static uint32_t initial_sequence(const struct adit_netstack *ns, const struct adit_endpoint *local,
				 const struct adit_endpoint *remote, adit_time now)
{
	uint8_t key[2 * 19];

	memset(key, 0, sizeof(key));
	memcpy(key, local->addr.bytes, 16);
	memcpy(key + 16, &local->port, 2);
	key[18] = local->addr.family;
	memcpy(key + 19, remote->addr.bytes, 16);
	memcpy(key + 35, &remote->port, 2);
	key[37] = remote->addr.family;
	return (uint32_t)(now / 4000) + (uint32_t)adit_shorthash(key, sizeof(key), ns->isn_key);
}

static void first_window(struct tcp *t)
{
	t->rcv_buf = tcp_receive_limit(t);
	if (t->rcv_buf > FIRST_WINDOW)
		t->rcv_buf = FIRST_WINDOW;
}

int adit_tcp_connect(struct adit_netstack *ns, struct adit_sock **ret, const struct adit_endpoint *local,
		     const struct adit_endpoint *remote, void *user, adit_time now)
{
	struct adit_endpoint from = { 0 };
	struct tcp *t;
	int r;

	if (local)
		from = *local;
	if (from.addr.family == 0)
		from.addr = adit_netstack_source(ns, &remote->addr);
	if (from.addr.family != remote->addr.family || !ns_is_ours(ns, &from.addr))
		return -EADDRNOTAVAIL;
	if (from.port == 0)
		from.port = flow_ephemeral_port(ns, &from.addr, remote, now);
	if (from.port == 0)
		return -EADDRNOTAVAIL;
	r = tcp_new(&t, ns, &from, remote, user, now);
	if (r < 0)
		return r;
	t->iss = initial_sequence(ns, &from, remote, now);
	t->sb.una = t->sb.end = t->iss;
	first_window(t);
	t->ecn_syn = true;
	t->syn_due = true;
	tcp_set_deadline(t, TCP_AT_GIVE_UP, now + t->limits.connect_timeout * ADIT_MSEC);
	tcp_want_out(t);
	ns->n.connects++;
	*ret = &t->sock;
	return 0;
}

/* --- listeners ------------------------------------------------------------------- */

static bool matches(const struct adit_endpoint *pattern, const struct adit_endpoint *e)
{
	return (pattern->addr.family == 0 || adit_addr_equal(&pattern->addr, &e->addr)) &&
	       (pattern->port == 0 || pattern->port == e->port);
}

static unsigned precision(const struct adit_endpoint *e)
{
	return (e->port ? 2u : 0u) + (e->addr.family ? 1u : 0u);
}

struct tcp_listener *tcp_listener_find(const struct adit_netstack *ns, const struct adit_endpoint *local)
{
	struct tcp_listener *best = NULL;

	for (struct adit_list *l = ns->listeners.next; l != &ns->listeners; l = l->next) {
		struct tcp_listener *c = (struct tcp_listener *)adit_container_of(l, struct adit_sock, all_link);

		if (matches(&c->sock.local, local) && (!best || precision(&c->sock.local) > precision(&best->sock.local)))
			best = c;
	}
	return best;
}

int adit_tcp_listen(struct adit_netstack *ns, struct adit_sock **ret, const struct adit_endpoint *local, void *user)
{
	struct tcp_listener *l;

	for (struct adit_list *i = ns->listeners.next; i != &ns->listeners; i = i->next) {
		if (adit_endpoint_equal(&adit_container_of(i, struct adit_sock, all_link)->local, local))
			return -EADDRINUSE;
	}
	l = calloc(1, sizeof(*l));
	if (!l)
		return -ENOMEM;
	ns_sock_init(&l->sock, ns, ADIT_SOCK_LISTENER, &ns->listeners, user);
	l->sock.local = *local;
	ns->n.listeners++;
	*ret = &l->sock;
	return 0;
}

void tcp_listener_free(struct tcp_listener *l)
{
	struct adit_netstack *ns = l->sock.ns;

	for (struct adit_list *i = ns->tcps.next; i != &ns->tcps; i = i->next) {
		struct tcp *t = tcp_of(adit_container_of(i, struct adit_sock, all_link));

		if (t->listener == l)
			t->listener = NULL;
	}
	ns_sock_fini(&l->sock);
	ns->n.listeners--;
	free(l);
}

struct adit_sock *adit_tcp_listener(const struct adit_sock *s)
{
	struct tcp_listener *l = tcp_of(s)->listener;

	return l ? &l->sock : NULL;
}

/* --- half-open connections ------------------------------------------------------- */

struct ns_half_open *ns_half_open_of(struct adit_netstack *ns, const struct adit_addr *remote)
{
	const struct adit_endpoint none = { 0 }, who = { .addr = *remote };

	return &ns->half_open[ns_flow_hash(ns, &none, &who) % NS_HALF_OPENS];
}

void tcp_leave_syn_received(struct tcp *t)
{
	struct adit_netstack *ns = tcp_ns(t);

	ns->syn_cnt--;
	if (adit_list_empty(&t->syn_link))
		return;
	adit_list_del(&t->syn_link);
	ns_half_open_of(ns, &t->sock.remote.addr)->cnt--;
}

/* Room for one more of this remote: whoever has most loses its oldest. Who has
 * most itself gets no more, so that a flood makes no work; and what the program
 * holds is the program's. */
static bool make_room(struct adit_netstack *ns, const struct adit_addr *remote)
{
	const struct ns_half_open *own = ns_half_open_of(ns, remote), *most = own;

	if (ns->syn_cnt < ns->cfg.syn_backlog)
		return true;
	for (unsigned i = 0; i < NS_HALF_OPENS; i++)
		if (ns->half_open[i].cnt > most->cnt)
			most = &ns->half_open[i];
	if (most == own)
		return false;
	ns->n.drops[ADIT_DROP_half_open_dropped]++; /* that one's SYN, not the packet at hand */
	tcp_die(adit_container_of(most->all.next, struct tcp, syn_link), -ECONNABORTED);
	return true;
}

/* --- a SYN that came in ------------------------------------------------------------- */

void tcp_take_syn(struct tcp *t, const struct tcp_segment *seg, const struct tcp_options *o, adit_time now)
{
	t->irs = seg->seq;
	recvq_init(&t->rq, &tcp_ns(t)->pool, seg->seq + 1);
	t->last_ack_sent = seg->seq + 1;
	t->rcv_adv = seg->seq + 1 + (t->rcv_buf < 65535 ? t->rcv_buf : 65535); /* what the SYN offers, unscaled */
	t->peer_mss = o->mss ? o->mss : 536; /* RFC 9293 3.7.1 */
	if (t->peer_mss < 64)
		t->peer_mss = 64;
	t->rcv_mss = 536;
	t->sack_ok = o->sack_permitted;
	t->scale_ok = o->has_scale;
	t->snd_scale = o->has_scale ? o->scale : 0;
	if (!o->has_scale)
		t->rcv_scale = 0;
	t->ts_ok = o->has_ts;
	if (o->has_ts) {
		t->ts_recent = o->ts_val;
		t->ts_recent_at = (uint32_t)(now / ADIT_SEC);
	}
	t->snd_wnd = t->max_wnd = seg->wnd; /* never scaled in a SYN */
	t->snd_wl1 = seg->seq;
}

void tcp_syn_in(struct tcp_listener *l, const struct tcp_segment *seg, uint32_t isn_floor, adit_time now)
{
	struct adit_netstack *ns = l->sock.ns;
	struct tcp_options o;
	struct tcp *t;
	int r;

	if (!make_room(ns, &seg->remote.addr)) {
		ns_drop(ns, ADIT_DROP_syn_backlog_full, 1);
		return;
	}
	r = tcp_new(&t, ns, &seg->local, &seg->remote, NULL, now);
	if (r < 0) {
		ns_drop(ns, r == -EMFILE ? ADIT_DROP_syn_backlog_full : ADIT_DROP_no_memory, 1);
		return;
	}
	t->state = TCP_SYN_RECEIVED;
	ns->syn_cnt++;
	tcp_options_read(&o, seg->options, seg->options_len);
	t->iss = initial_sequence(ns, &seg->local, &seg->remote, now);
	if (isn_floor && !seq_lt(isn_floor, t->iss))
		t->iss = isn_floor + 65536;
	t->sb.una = t->sb.end = t->iss;
	first_window(t);
	tcp_take_syn(t, seg, &o, now);
	t->ecn_syn = (seg->flags & (ADIT_TCP_ECE | ADIT_TCP_CWR)) == (ADIT_TCP_ECE | ADIT_TCP_CWR);
	t->listener = l;
	t->held = true;
	ns_event(&t->sock, ADIT_EV_SYN);
}

void adit_tcp_accept(struct adit_sock *s, adit_time now)
{
	struct ns_half_open *h = ns_half_open_of(s->ns, &s->remote.addr);
	struct tcp *t = tcp_of(s);

	if (t->state != TCP_SYN_RECEIVED || !t->held)
		return;
	t->held = false;
	t->syn_due = true;
	adit_list_add_tail(&h->all, &t->syn_link);
	h->cnt++;
	tcp_ns(t)->n.accepts++;
	tcp_set_deadline(t, TCP_AT_GIVE_UP, now + 64 * ADIT_SEC);
	tcp_want_out(t);
}

void adit_tcp_refuse(struct adit_sock *s, int error, adit_time now)
{
	struct tcp *t = tcp_of(s);
	struct adit_netstack *ns = tcp_ns(t);

	if (error == -ECONNREFUSED)
		tcp_send_rst(t, now);
	else if (error == -ENETUNREACH)
		icmp_refuse_tcp(ns, ICMP_NO_ROUTE, &s->local, &s->remote, t->irs, now);
	else if (error == -EACCES)
		icmp_refuse_tcp(ns, ICMP_PROHIBITED, &s->local, &s->remote, t->irs, now);
	else if (error)
		icmp_refuse_tcp(ns, ICMP_HOST_UNREACHABLE, &s->local, &s->remote, t->irs, now);
	t->sock.orphan = true;
	tcp_die(t, 0);
}
