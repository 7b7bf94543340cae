/* SPDX-License-Identifier: ISC */
/* netplan_prefixes.c - sets of prefixes: sorted, whole families, holes */
#include "device/netplan_internal.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

bool netplan_covers(const struct adit_prefix *outer, const struct adit_prefix *inner)
{
	return outer->addr.family == inner->addr.family && outer->len <= inner->len &&
	       adit_prefix_contains(outer, &inner->addr);
}

static int add(struct netplan_prefixes *set, const struct adit_prefix *p)
{
	if (set->cnt == set->cap) {
		size_t cap = set->cap ? set->cap * 2 : 16;
		struct adit_prefix *grown = realloc(set->item, cap * sizeof(*grown));

		if (!grown)
			return -ENOMEM;
		set->item = grown;
		set->cap = cap;
	}
	set->item[set->cnt++] = *p;
	return 0;
}

/* Longest first; then by family and address, so that twins meet. */
static int compare(const void *a, const void *b)
{
	const struct adit_prefix *x = a, *y = b;

	if (x->len != y->len)
		return y->len > x->len ? 1 : -1;
	if (x->addr.family != y->addr.family)
		return x->addr.family > y->addr.family ? 1 : -1;
	return memcmp(x->addr.bytes, y->addr.bytes, sizeof(x->addr.bytes));
}

static void sort(struct netplan_prefixes *set)
{
	size_t i, n = 0;

	if (set->cnt)
		qsort(set->item, set->cnt, sizeof(*set->item), compare);
	for (i = 0; i < set->cnt; i++)
		if (!n || compare(&set->item[n - 1], &set->item[i]))
			set->item[n++] = set->item[i];
	set->cnt = n;
}

int netplan_prefixes_init(struct netplan_prefixes *ret, const struct adit_prefix *list, size_t cnt)
{
	size_t i;
	int r = 0;

	memset(ret, 0, sizeof(*ret));
	for (i = 0; i < cnt && !r; i++) {
		struct adit_prefix p = list[i];

		adit_prefix_mask(&p);
		r = add(ret, &p);
	}
	if (r)
		netplan_prefixes_fini(ret);
	sort(ret);
	return r;
}

void netplan_prefixes_fini(struct netplan_prefixes *set)
{
	free(set->item);
	memset(set, 0, sizeof(*set));
}

bool netplan_prefixes_full(const struct netplan_prefixes *set, int family)
{
	bool half[2] = { false, false };
	size_t i;

	/* They stand at the end. */
	for (i = set->cnt; i-- > 0 && set->item[i].len <= 1;) {
		const struct adit_prefix *p = &set->item[i];

		if (netplan_family(p) != family)
			continue;
		if (!p->len)
			return true;
		half[p->addr.bytes[0] >> 7] = true;
	}
	return half[0] && half[1];
}

/* The other half of the prefix one shorter than `len` that `inside` is in. */
static struct adit_prefix beside(const struct adit_prefix *inside, uint8_t len)
{
	struct adit_prefix p = { inside->addr, len };

	p.addr.bytes[(len - 1) / 8] ^= (uint8_t)(0x80 >> (len - 1) % 8);
	adit_prefix_mask(&p);
	return p;
}

int netplan_prefixes_cut(struct netplan_prefixes *set, const struct adit_prefix *hole)
{
	struct netplan_prefixes cut = { 0 };
	struct adit_prefix p;
	size_t i;
	int r = 0;

	for (i = 0; i < set->cnt && !r; i++) {
		const struct adit_prefix *whole = &set->item[i];
		unsigned len;

		if (netplan_covers(hole, whole))
			continue;
		if (!netplan_covers(whole, hole)) {
			r = add(&cut, whole);
			continue;
		}
		for (len = whole->len + 1u; len <= hole->len && !r; len++) {
			p = beside(hole, (uint8_t)len);
			r = add(&cut, &p);
		}
	}
	if (r) {
		netplan_prefixes_fini(&cut);
		return r;
	}
	sort(&cut);
	netplan_prefixes_fini(set);
	*set = cut;
	return 0;
}
