/* SPDX-License-Identifier: ISC */
/* rates.c - how fast bytes move */
#include "agent/rates.h"

#include <stdlib.h>
#include <string.h>

#define NETWORK_POINTS 304
#define FINE_POINTS    3
#define COARSE_POINTS  13
#define PEERS_MAX      20000 /* of a network: above that, peers have no rates (8 MiB) */
#define FINE_STEP      (ADIT_SEC * 9 / 10)
#define COARSE_STEP    (5 * ADIT_SEC)
#define LEAST          (ADIT_SEC * 3 / 10) /* a shorter time says nothing */

struct point {
	adit_time at;
	uint64_t rx, tx;
};

/* A ring of points, the newest at `head`; the array lies behind or beside it. */
struct ring {
	unsigned short cap, cnt, head;
};

struct noted_peer {
	char key[ADIT_KEY_BASE64_LEN + 1];
	struct ring fine, coarse;
	struct point f[FINE_POINTS], c[COARSE_POINTS];
};

struct noted {
	struct noted *next;
	char name[AGENT_NAME_LEN];
	adit_time seen;
	struct ring ring;
	struct point p[NETWORK_POINTS];
	struct noted_peer *peer; /* in the order of the last snapshot */
	size_t peer_cnt;
};

struct agent_rates {
	struct noted *networks;
};

/* --- rings ---------------------------------------------------------------------- */

/* The i-th newest, from 0. */
static const struct point *at(const struct ring *r, const struct point *p, unsigned i)
{
	return &p[(r->head + r->cap - i) % r->cap];
}

static void add(struct ring *r, struct point *p, adit_time step, const struct point *v)
{
	const struct point *newest = r->cnt ? at(r, p, 0) : NULL;

	if (newest && (v->rx < newest->rx || v->tx < newest->tx || v->at < newest->at))
		r->cnt = 0; /* it began anew */
	else if (newest && v->at - newest->at < step)
		return;
	r->head = (unsigned short)(r->cnt ? (r->head + 1) % r->cap : 0);
	if (r->cnt < r->cap)
		r->cnt++;
	p[r->head] = *v;
}

/* The newest point that is at least so old, or else the oldest one. */
static const struct point *older(const struct ring *r, const struct point *p, adit_time now, adit_time age)
{
	const struct point *v = NULL;

	for (unsigned i = 0; i < r->cnt; i++) {
		v = at(r, p, i);
		if (now - v->at >= age)
			break;
	}
	return v;
}

static struct agent_rate rate(const struct point *from, const struct point *to)
{
	double s;

	if (!from || to->at - from->at < LEAST || to->rx < from->rx || to->tx < from->tx)
		return (struct agent_rate){ -1, -1 };
	s = (double)(to->at - from->at) / ADIT_SEC;
	return (struct agent_rate){ (double)(to->rx - from->rx) / s, (double)(to->tx - from->tx) / s };
}

static const adit_time windows[AGENT_WINDOW_CNT] = { FINE_STEP, 10 * ADIT_SEC, 60 * ADIT_SEC };

/* --- noting ---------------------------------------------------------------------- */

static struct noted *find(const struct agent_rates *r, const char *name)
{
	struct noted *n;

	for (n = r->networks; n && strcmp(n->name, name) != 0; n = n->next)
		;
	return n;
}

static struct noted *find_or_make(struct agent_rates *r, const char *name)
{
	struct noted *n = find(r, name);

	if (n)
		return n;
	n = calloc(1, sizeof(*n));
	if (!n)
		return NULL;
	memcpy(n->name, name, strlen(name) < sizeof(n->name) ? strlen(name) : sizeof(n->name) - 1);
	n->ring.cap = NETWORK_POINTS;
	n->next = r->networks;
	r->networks = n;
	return n;
}

static int by_key(const void *a, const void *b)
{
	return strcmp((*(struct noted_peer *const *)a)->key, (*(struct noted_peer *const *)b)->key);
}

static int is_key(const void *key, const void *item)
{
	return strcmp(key, (*(struct noted_peer *const *)item)->key);
}

/* Moves the notes to where the snapshot has the peers now; NULL: no memory. */
static struct noted_peer *rearrange(const struct noted *n, const struct agent_snapshot *s)
{
	struct noted_peer *peer = calloc(s->peer_cnt ? s->peer_cnt : 1, sizeof(*peer));
	struct noted_peer **index = malloc((n->peer_cnt ? n->peer_cnt : 1) * sizeof(*index));

	if (!peer || !index) {
		free(peer);
		free(index);
		return NULL;
	}
	for (size_t i = 0; i < n->peer_cnt; i++)
		index[i] = &n->peer[i];
	qsort(index, n->peer_cnt, sizeof(*index), by_key);
	for (size_t i = 0; i < s->peer_cnt; i++) {
		struct noted_peer **old = bsearch(s->peer[i].key, index, n->peer_cnt, sizeof(*index), is_key);

		if (old)
			peer[i] = **old;
		else
			memcpy(peer[i].key, s->peer[i].key, sizeof(peer[i].key));
		peer[i].fine.cap = FINE_POINTS;
		peer[i].coarse.cap = COARSE_POINTS;
	}
	free(index);
	return peer;
}

static bool same_peers(const struct noted *n, const struct agent_snapshot *s)
{
	if (n->peer_cnt != s->peer_cnt)
		return false;
	for (size_t i = 0; i < s->peer_cnt; i++)
		if (strcmp(n->peer[i].key, s->peer[i].key) != 0)
			return false;
	return true;
}

void agent_rates_note(struct agent_rates *r, const struct agent_snapshot *s)
{
	struct noted *n = find_or_make(r, s->network->settings->name);
	const struct point v = { s->now, s->rx_bytes, s->tx_bytes };

	if (!n)
		return;
	n->seen = s->now;
	add(&n->ring, n->p, FINE_STEP, &v);
	if (s->peer_cnt > PEERS_MAX) {
		free(n->peer);
		n->peer = NULL;
		n->peer_cnt = 0;
		return;
	}
	if (!same_peers(n, s)) {
		struct noted_peer *peer = rearrange(n, s);

		if (!peer)
			return;
		free(n->peer);
		n->peer = peer;
		n->peer_cnt = s->peer_cnt;
	}
	for (size_t i = 0; i < s->peer_cnt; i++) {
		const struct point pv = { s->now, s->peer[i].rx_bytes, s->peer[i].tx_bytes };

		add(&n->peer[i].fine, n->peer[i].f, FINE_STEP, &pv);
		add(&n->peer[i].coarse, n->peer[i].c, COARSE_STEP, &pv);
	}
}

void agent_rates_forget(struct agent_rates *r, adit_time before)
{
	struct noted **p = &r->networks, *n;

	while ((n = *p)) {
		if (n->seen >= before) {
			p = &n->next;
			continue;
		}
		*p = n->next;
		free(n->peer);
		free(n);
	}
}

struct agent_rates *agent_rates_new(void)
{
	return calloc(1, sizeof(struct agent_rates));
}

void agent_rates_free(struct agent_rates *r)
{
	if (!r)
		return;
	agent_rates_forget(r, ADIT_NEVER);
	free(r);
}

/* --- reading ---------------------------------------------------------------------- */

void agent_rates_network(const struct agent_rates *r, const struct agent_snapshot *s,
			 struct agent_rate ret[AGENT_WINDOW_CNT])
{
	const struct noted *n = find(r, s->network->settings->name);
	const struct point now = { s->now, s->rx_bytes, s->tx_bytes };

	for (unsigned w = 0; w < AGENT_WINDOW_CNT; w++)
		ret[w] = rate(n ? older(&n->ring, n->p, s->now, windows[w]) : NULL, &now);
}

void agent_rates_peer(const struct agent_rates *r, const struct agent_snapshot *s, size_t peer,
		      struct agent_rate ret[AGENT_WINDOW_CNT])
{
	const struct noted *n = find(r, s->network->settings->name);
	const struct agent_snapshot_peer *sp = &s->peer[peer];
	const struct noted_peer *p = n && peer < n->peer_cnt && !strcmp(n->peer[peer].key, sp->key) ? &n->peer[peer] :
												      NULL;
	const struct point now = { s->now, sp->rx_bytes, sp->tx_bytes };

	for (unsigned w = 0; w < AGENT_WINDOW_CNT; w++)
		ret[w] = rate(!p ? NULL : w == AGENT_WINDOW_1S ? older(&p->fine, p->f, s->now, windows[w]) :
			      older(&p->coarse, p->c, s->now, windows[w]), &now);
}

void agent_rates_history(const struct agent_rates *r, const char *network, adit_time now,
			 struct agent_rate ret[AGENT_HISTORY_POINTS])
{
	const struct noted *n = find(r, network);
	unsigned i, k = 0;

	for (i = 0; i < AGENT_HISTORY_POINTS; i++)
		ret[i] = (struct agent_rate){ -1, -1 };
	if (!n)
		return;
	/* From the newest step back: each takes the rate between the two notes around its middle. */
	for (i = AGENT_HISTORY_POINTS; i-- > 0;) {
		adit_time middle = now - (AGENT_HISTORY_POINTS - 1 - (adit_time)i) * AGENT_HISTORY_STEP -
				   AGENT_HISTORY_STEP / 2;

		while (k + 1 < n->ring.cnt && at(&n->ring, n->p, k + 1)->at > middle)
			k++;
		if (k + 1 < n->ring.cnt && at(&n->ring, n->p, k)->at > middle)
			ret[i] = rate(at(&n->ring, n->p, k + 1), at(&n->ring, n->p, k));
	}
}
