/* SPDX-License-Identifier: ISC */
/* overlap.c - two networks that want the same addresses */
#include "agent/overlap.h"

#include <stdlib.h>
#include <string.h>

#include "agent/agent.h"
#include "statictun/settings.h"

struct set {
	struct adit_prefix *p; /* masked, in order, each once */
	size_t cnt;
};

static int compare(const void *a, const void *b)
{
	const struct adit_prefix *x = a, *y = b;

	if (x->addr.family != y->addr.family)
		return x->addr.family < y->addr.family ? -1 : 1;
	if (x->len != y->len)
		return x->len < y->len ? -1 : 1;
	return memcmp(x->addr.bytes, y->addr.bytes, sizeof(x->addr.bytes));
}

static size_t count(const struct agent_network_settings *s)
{
	size_t cnt = s->fixed ? s->fixed->peer_cnt : 0;

	for (size_t i = 0; i < s->peer_cnt; i++)
		cnt += s->peers[i].allowed_cnt;
	return cnt;
}

static bool fill(struct set *to, const struct agent_network_settings *s)
{
	size_t cnt = count(s), n = 0, kept = 0;

	to->cnt = 0;
	to->p = calloc(cnt ? cnt : 1, sizeof(*to->p));
	if (!to->p)
		return false;
	for (size_t i = 0; i < s->peer_cnt; i++)
		for (size_t k = 0; k < s->peers[i].allowed_cnt; k++)
			to->p[n++] = s->peers[i].allowed[k];
	for (size_t i = 0; s->fixed && i < s->fixed->peer_cnt; i++)
		to->p[n++] = s->fixed->peers[i].prefix;
	for (size_t i = 0; i < n; i++)
		adit_prefix_mask(&to->p[i]);
	qsort(to->p, n, sizeof(*to->p), compare);
	for (size_t i = 0; i < n; i++)
		if (!kept || compare(&to->p[kept - 1], &to->p[i]))
			to->p[kept++] = to->p[i];
	to->cnt = kept;
	return true;
}

static bool has(const struct set *set, const struct adit_prefix *p)
{
	return bsearch(p, set->p, set->cnt, sizeof(*p), compare) != NULL;
}

/* The widest of the set that p lies within and is not; NULL: none. */
static bool around(const struct set *set, const struct adit_prefix *p, struct adit_prefix *ret)
{
	for (uint8_t len = 1; len < p->len; len++) {
		*ret = *p;
		ret->len = len;
		adit_prefix_mask(ret);
		if (has(set, ret))
			return true;
	}
	return false;
}

static bool same_place(const struct agent_network_settings *a, const struct agent_network_settings *b)
{
	if (a->type == AGENT_FORWARD || b->type == AGENT_FORWARD)
		return false; /* it changes no route */
	if (a->table == AGENT_TABLE_OFF || b->table == AGENT_TABLE_OFF || a->table != b->table)
		return false;
	return a->metric == b->metric && (a->table == AGENT_TABLE_AUTO || a->table_number == b->table_number);
}

static void warn(struct agent_network *n, const char *narrow, const struct adit_prefix *in,
		 const char *wide, const struct adit_prefix *out)
{
	char a[ADIT_PREFIX_STRLEN], b[ADIT_PREFIX_STRLEN];

	snprintf(n->warning, sizeof(n->warning), "%s of %.40s lies within %s of %.40s and goes to the former",
		 adit_prefix_format(in, a), narrow, adit_prefix_format(out, b), wide);
}

static bool overlaps(struct agent_network *n, const struct agent_network_settings *s, const struct set *mine,
		     const struct agent_network_settings *o, const struct set *theirs, char *err, size_t err_len)
{
	char text[ADIT_PREFIX_STRLEN];
	struct adit_prefix wide;

	for (size_t i = 0; i < mine->cnt; i++) {
		if (has(theirs, &mine->p[i])) {
			snprintf(err, err_len, "%s is among the allowed_ips of network %.60s already: give one of the "
				 "two another table or metric, or narrower allowed_ips",
				 adit_prefix_format(&mine->p[i], text), o->name);
			return true;
		}
		if (!n->warning[0] && around(theirs, &mine->p[i], &wide))
			warn(n, s->name, &mine->p[i], o->name, &wide);
	}
	for (size_t i = 0; i < theirs->cnt && !n->warning[0]; i++)
		if (around(mine, &theirs->p[i], &wide))
			warn(n, o->name, &theirs->p[i], s->name, &wide);
	return false;
}

bool agent_overlap(struct agent_network *n, const struct agent_network_settings *s, char *err, size_t err_len)
{
	struct set mine, theirs;
	bool found = false;

	if (!fill(&mine, s))
		return false;
	for (struct agent_network *o = n->agent->networks; o && !found; o = o->next) {
		const struct agent_network_settings *to = o->coming ? o->coming : o->settings;

		if (o == n || !o->impl || !same_place(s, to) || !fill(&theirs, to))
			continue;
		found = overlaps(n, s, &mine, to, &theirs, err, err_len);
		free(theirs.p);
	}
	free(mine.p);
	return found;
}

bool agent_overlap_between(const struct agent_network_settings *a, const struct agent_network_settings *b)
{
	struct set x, y;
	bool found = false;

	if (!same_place(a, b) || !fill(&x, a))
		return false;
	if (fill(&y, b)) {
		for (size_t i = 0; i < x.cnt && !found; i++)
			found = has(&y, &x.p[i]);
		free(y.p);
	}
	free(x.p);
	return found;
}
