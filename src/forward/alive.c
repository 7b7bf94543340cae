/* SPDX-License-Identifier: ISC */
/* alive.c - CheckAlive: addresses inside that are pinged at an interval */
#include "forward/alive.h"

#include <string.h>
#include <time.h>

#include "base/list.h"

#define LEEWAY (2 * ADIT_SEC)

/* Of the last ping we sent, and no other. */
static void answered(struct relay_sock *s, unsigned what, adit_time now)
{
	struct forward_ping *p = adit_container_of(s, struct forward_ping, sock);
	uint16_t seq;

	(void)what;
	while (adit_ping_recv(s->sock, &seq)) {
		if (seq != p->seq)
			continue;
		atomic_store(&p->pong_at, now);
		atomic_store(&p->pong_unix, (int64_t)time(NULL));
	}
}

static void ping_all(struct relay_timer *t, adit_time now)
{
	struct forward_alive *a = adit_container_of(t, struct forward_alive, timer);
	static const char payload[16] = "adit CheckAlive";

	for (unsigned i = 0; i < a->cnt; i++) {
		struct forward_ping *p = &a->ping[i];

		if (!p->sock.sock && adit_ping_open(a->loop->ns, &p->sock.sock, &p->addr, &p->sock))
			p->sock.sock = NULL; /* no memory, or no address of that family: not alive */
		if (p->sock.sock)
			adit_ping_send(p->sock.sock, ++p->seq, payload, sizeof(payload), now);
	}
	relay_timer_set(t, now + a->interval);
}

void alive_init(struct forward_alive *a, struct relay_loop *loop, const struct adit_forward_config *cfg, adit_time now)
{
	memset(a, 0, sizeof(*a));
	a->loop = loop;
	a->interval = (adit_time)(cfg->alive_interval ? cfg->alive_interval : 5) * ADIT_SEC;
	a->cnt = cfg->alive_cnt;
	relay_timer_init(&a->timer, loop, ping_all);
	for (unsigned i = 0; i < a->cnt; i++) {
		a->ping[i].addr = cfg->alive[i];
		a->ping[i].sock.event = answered;
	}
	if (a->cnt)
		relay_timer_set(&a->timer, now);
}

void alive_fini(struct forward_alive *a)
{
	if (!a->loop)
		return;
	relay_timer_set(&a->timer, ADIT_NEVER);
	for (unsigned i = 0; i < a->cnt; i++)
		if (a->ping[i].sock.sock)
			adit_ping_close(a->ping[i].sock.sock);
	a->loop = NULL;
	a->cnt = 0;
}

bool alive_ready(const struct forward_alive *a, adit_time now)
{
	for (unsigned i = 0; i < a->cnt; i++) {
		adit_time at = atomic_load(&a->ping[i].pong_at);

		if (!at || now - at > a->interval + LEEWAY)
			return false;
	}
	return true;
}
