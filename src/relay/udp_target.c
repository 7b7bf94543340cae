/* SPDX-License-Identifier: ISC */
/* udp_target.c - where the datagrams of a UDP forward go */
#include "relay/udp_target.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "relay/internal.h"

#define HELD_MAX    (256 << 10) /* bytes that wait */
#define RETRY_AFTER (2 * ADIT_SEC)

struct udp_held {
	struct udp_held *next;
	void *client;
	size_t len;
	uint8_t data[];
};

void udp_target_init(struct udp_target *t, struct relay_service *s, bool inside,
		     void (*pass)(struct udp_target *t, void *client, const void *data, size_t len, adit_time now))
{
	struct adit_relay *r = s->relay;

	*t = (struct udp_target){ .service = s, .pass = pass };
	t->resolver = inside ? adit_relay_resolver_inside(r) : adit_relay_resolver_outside(r);
	t->family = inside ? r->cfg.family : RELAY_FAMILY_AUTO;
	t->held_end = &t->held;
}

void udp_target_fini(struct udp_target *t)
{
	if (t->query)
		relay_query_cancel(t->query);
	t->query = NULL;
	udp_target_forget(t, NULL);
}

void udp_target_forget(struct udp_target *t, const void *client)
{
	struct udp_held **at = &t->held;

	while (*at) {
		struct udp_held *h = *at;

		if (client && h->client != client) {
			at = &h->next;
			continue;
		}
		*at = h->next;
		t->held_len -= h->len;
		free(h);
	}
	t->held_end = at;
}

static void hold(struct udp_target *t, void *client, const void *data, size_t len)
{
	struct udp_held *h = t->held_len + len <= HELD_MAX ? malloc(sizeof(*h) + len) : NULL;

	if (!h) {
		t->service->n.failed++;
		return;
	}
	*h = (struct udp_held){ .client = client, .len = len };
	memcpy(h->data, data, len);
	t->held_len += len;
	*t->held_end = h;
	t->held_end = &h->next;
}

static void pass_held(struct udp_target *t, adit_time now)
{
	while (t->held) {
		struct udp_held *h = t->held;

		t->held = h->next;
		if (!t->held)
			t->held_end = &t->held;
		t->held_len -= h->len;
		t->pass(t, h->client, h->data, h->len, now); /* may end other clients, and what they hold */
		free(h);
	}
}

static void no_answer(struct udp_target *t, int error, adit_time now)
{
	char text[256];

	relay_log(t->service->relay, RELAY_LOG_DEBUG, "%s: %s", relay_service_describe(&t->service->cfg, text, sizeof(text)),
		  relay_error_text(error));
	t->known_until = now + RETRY_AFTER; /* till then with the old address, where there was one */
	if (!t->at.addr.family)
		udp_target_forget(t, NULL);
}

/* cnt: it is none of them. */
static unsigned index_of(const struct relay_answer *a, const struct adit_addr *addr)
{
	unsigned i = 0;

	while (i < a->cnt && !adit_addr_equal(&a->addr[i], addr))
		i++;
	return i;
}

void udp_target_next(struct udp_target *t, const struct adit_endpoint *failed)
{
	if (adit_endpoint_equal(&t->at, failed)) /* else another client has found that out already */
		t->at.addr = t->answer.addr[(index_of(&t->answer, &failed->addr) + 1) % t->answer.cnt];
}

static void resolved(void *arg, const struct relay_answer *answer)
{
	struct udp_target *t = arg;
	adit_time now = t->service->relay->loop.now;

	t->query = NULL;
	if (answer->error || !answer->cnt) {
		no_answer(t, answer->error ? answer->error : -ENOENT, now);
		return;
	}
	t->answer = *answer;
	if (index_of(answer, &t->at.addr) == answer->cnt) /* else it stays: others may have failed */
		t->at = (struct adit_endpoint){ answer->addr[0], t->service->cfg.target.port };
	t->known_until = now + (answer->ttl ? answer->ttl : 1) * ADIT_SEC;
	pass_held(t, now);
}

void udp_target_refresh(struct udp_target *t, adit_time now)
{
	struct relay_query *query = NULL;
	int r;

	if (t->query || now < t->known_until)
		return;
	t->known_until = ADIT_NEVER;
	t->service->relay->loop.now = now;
	r = relay_resolve(t->resolver, &query, t->service->cfg.target.host, t->family, resolved, t, now);
	if (r)
		no_answer(t, r, now);
	else if (t->known_until == ADIT_NEVER) /* not answered yet */
		t->query = query;
}

void udp_target_send(struct udp_target *t, void *client, const void *data, size_t len, adit_time now)
{
	if (t->at.addr.family)
		t->pass(t, client, data, len, now);
	else if (t->query)
		hold(t, client, data, len);
	else
		t->service->n.failed++;
}
