/* SPDX-License-Identifier: ISC */
/* pmtu.c - path MTUs by destination: sets of four, the one that ends first makes room */
#include "netstack/pmtu.h"

#include <stdlib.h>

#include "crypto/crypto.h"
#include "netstack/ip.h"

enum { SETS = 256, WAYS = 4 };

#define LIFETIME (600 * ADIT_SEC) /* RFC 1191 6.3, RFC 8201 4 */

struct entry {
	struct adit_addr dst; /* family 0: free */
	uint16_t mtu;
	adit_time until;
};

struct ns_pmtu {
	struct entry set[SETS][WAYS];
};

static struct entry *set_of(const struct adit_netstack *ns, const struct adit_addr *dst)
{
	return ns->pmtu->set[adit_shorthash(dst, sizeof(*dst), ns->hash_key) % SETS];
}

static struct entry *find(const struct adit_netstack *ns, const struct adit_addr *dst)
{
	struct entry *e = set_of(ns, dst);

	for (int i = 0; i < WAYS; i++)
		if (ip_same_addr(&e[i].dst, dst))
			return &e[i];
	return NULL;
}

unsigned pmtu_get(const struct adit_netstack *ns, const struct adit_addr *dst, adit_time now)
{
	const struct entry *e = ns->pmtu ? find(ns, dst) : NULL;

	return e && now < e->until && e->mtu < ns->cfg.mtu ? e->mtu : ns->cfg.mtu;
}

static struct entry *take(struct adit_netstack *ns, const struct adit_addr *dst)
{
	struct entry *e = find(ns, dst), *set = set_of(ns, dst);

	if (e)
		return e;
	e = set;
	for (int i = 1; i < WAYS; i++)
		if (set[i].until < e->until)
			e = &set[i];
	e->dst = *dst;
	return e;
}

void pmtu_set(struct adit_netstack *ns, const struct adit_addr *dst, unsigned mtu, adit_time now)
{
	unsigned floor = dst->family == 4 ? PMTU_FLOOR4 : PMTU_FLOOR6;
	struct entry *e;

	mtu = mtu > floor ? mtu : floor;
	if (mtu >= pmtu_get(ns, dst, now))
		return; /* it only ever goes down; a rise is found when the entry ends */
	if (!ns->pmtu) {
		if (!ns_charge(ns, sizeof(*ns->pmtu)))
			return;
		ns->pmtu = calloc(1, sizeof(*ns->pmtu));
		if (!ns->pmtu) {
			ns_uncharge(ns, sizeof(*ns->pmtu));
			return;
		}
	}
	e = take(ns, dst);
	e->mtu = (uint16_t)mtu;
	e->until = now + LIFETIME;
}

void pmtu_free(struct adit_netstack *ns)
{
	if (ns->pmtu)
		ns_uncharge(ns, sizeof(*ns->pmtu));
	free(ns->pmtu);
	ns->pmtu = NULL;
}
