/* SPDX-License-Identifier: ISC */
/* up_check.c - what is wrong with a wg-quick file beyond its words: an error, or a warning where wg-quick goes on */
#include "device/up_internal.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/exit.h"
#include "crypto/crypto.h"

/* One of AllowedIPs, and whose it is. */
struct claim {
	const struct adit_quick_prefix *at;
	size_t peer;
};

static const struct adit_quick_prefix *first_ipv6(const struct adit_quickconf *conf)
{
	size_t i;

	for (i = 0; i < conf->addresses.cnt; i++)
		if (conf->addresses.item[i].prefix.addr.family == 6)
			return &conf->addresses.item[i];
	return NULL;
}

static int by_prefix(const void *va, const void *vb)
{
	const struct claim *a = va, *b = vb;
	int r = adit_prefix_compare(&a->at->prefix, &b->at->prefix);

	return r ? r : a->peer < b->peer ? -1 : a->peer > b->peer;
}

/* Of peers that claim the same the last one has it; wg(8) does not say so. */
static void warn_claimed_twice(const struct up *up, const struct adit_quickconf *conf)
{
	struct claim *list;
	size_t i, k, cnt = 0;
	char buf[ADIT_PREFIX_STRLEN];

	for (i = 0; i < conf->peer_cnt; i++)
		cnt += conf->peer[i].allowed.cnt;
	list = calloc(cnt + 1, sizeof(*list));
	if (!list)
		return;
	for (i = cnt = 0; i < conf->peer_cnt; i++)
		for (k = 0; k < conf->peer[i].allowed.cnt; k++)
			list[cnt++] = (struct claim){ &conf->peer[i].allowed.item[k], i };
	qsort(list, cnt, sizeof(*list), by_prefix);
	for (i = 1; i < cnt; i++) {
		const struct adit_quick_prefix *first = list[i - 1].at, *last = list[i].at;

		if (list[i - 1].peer == list[i].peer || adit_prefix_compare(&first->prefix, &last->prefix))
			continue;
		fprintf(stderr, "%s:%u:%u: warning: AllowedIPs: %s is another peer's, too, in line %u (this one has it)\n", up->file,
			last->pos.line, last->pos.col, adit_prefix_format(&last->prefix, buf), first->pos.line);
	}
	free(list);
}

static void warn_own_key(const struct up *up, const struct adit_quickconf *conf)
{
	uint8_t pub[ADIT_KEY_LEN];
	size_t i;

	if (!conf->has_private_key || adit_public_key(pub, conf->private_key))
		return;
	for (i = 0; i < conf->peer_cnt; i++)
		if (!memcmp(conf->peer[i].public_key, pub, sizeof(pub)))
			fprintf(stderr, "%s:%u:%u: warning: PublicKey: this peer's is our own, and it is left out (the other end's is "
				"meant)\n", up->file, conf->peer[i].pos.line, conf->peer[i].pos.col);
}

int up_check_config(const struct up *up, const struct adit_quickconf *conf)
{
	const struct adit_quick_prefix *ipv6 = first_ipv6(conf);

	warn_own_key(up, conf);
	warn_claimed_twice(up, conf);
	if (!conf->mtu || conf->mtu >= 1280 || !ipv6)
		return 0;
	fprintf(stderr, "%s:%u:%u: MTU: IPv6 needs at least 1280, and there is an IPv6 address in line %u\n",
		up->file, conf->mtu_pos.line, conf->mtu_pos.col, ipv6->pos.line);
	return ADIT_EXIT_CONFIG;
}
