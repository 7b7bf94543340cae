/* SPDX-License-Identifier: ISC */
/* nft_table.c - a table of nftables in memory: its chains, and the rules begun */
#include "host/nft_table.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

void nft_table_init(struct nft_table *t, const char *name)
{
	memset(t, 0, sizeof(*t));
	snprintf(t->name, sizeof(t->name), "%s", name);
}

void nft_table_fini(struct nft_table *t)
{
	size_t i;

	for (i = 0; i < t->chain_cnt; i++)
		nftnl_chain_free(t->chain[i]);
	for (i = 0; i < t->set_cnt; i++)
		nftnl_set_free(t->set[i]);
	for (i = 0; i < t->rule_cnt; i++)
		nftnl_rule_free(t->rule[i]);
	free(t->set);
	free(t->rule);
	memset(t, 0, sizeof(*t));
}

static struct nftnl_chain *add_chain(struct nft_table *t, const char *name)
{
	struct nftnl_chain *c = nftnl_chain_alloc();

	if (!c) {
		t->error = -ENOMEM;
		return NULL;
	}
	nftnl_chain_set_u32(c, NFTNL_CHAIN_FAMILY, NFPROTO_INET);
	nftnl_chain_set_str(c, NFTNL_CHAIN_TABLE, t->name);
	nftnl_chain_set_str(c, NFTNL_CHAIN_NAME, name);
	t->chain[t->chain_cnt++] = c;
	return c;
}

void nft_chain(struct nft_table *t, const char *name)
{
	add_chain(t, name);
}

void nft_base_chain(struct nft_table *t, const struct nft_hook *h)
{
	struct nftnl_chain *c = add_chain(t, h->name);

	if (!c)
		return;
	nftnl_chain_set_str(c, NFTNL_CHAIN_TYPE, h->type);
	nftnl_chain_set_u32(c, NFTNL_CHAIN_HOOKNUM, h->hook);
	nftnl_chain_set_s32(c, NFTNL_CHAIN_PRIO, h->priority);
	nftnl_chain_set_u32(c, NFTNL_CHAIN_POLICY, h->policy);
}

/* One more place in an array of pointers. */
static bool grow(void ***array, size_t cnt, size_t *cap)
{
	size_t more = *cap ? *cap * 2 : 32;
	void **p;

	if (cnt < *cap)
		return true;
	p = reallocarray(*array, more, sizeof(*p));
	if (!p)
		return false;
	*array = p;
	*cap = more;
	return true;
}

void nft_rule(struct nft_table *t, const char *chain)
{
	struct nftnl_rule *r;

	if (t->error)
		return;
	r = grow((void ***)&t->rule, t->rule_cnt, &t->rule_cap) ? nftnl_rule_alloc() : NULL;
	if (!r) {
		t->error = -ENOMEM;
		return;
	}
	nftnl_rule_set_u32(r, NFTNL_RULE_FAMILY, NFPROTO_INET);
	nftnl_rule_set_str(r, NFTNL_RULE_TABLE, t->name);
	nftnl_rule_set_str(r, NFTNL_RULE_CHAIN, chain);
	t->rule[t->rule_cnt++] = r;
}

/* --- sets ------------------------------------------------------------------- */

/* Each field of a key takes whole words of four bytes. */
static void add_endpoint(struct nft_table *t, struct nftnl_set *s, const struct adit_endpoint *e)
{
	size_t addr_len = e->addr.family == 4 ? 4 : 16;
	struct nftnl_set_elem *elem = nftnl_set_elem_alloc();
	uint8_t key[20] = { 0 };

	if (!elem) {
		t->error = -ENOMEM;
		return;
	}
	memcpy(key, e->addr.bytes, addr_len);
	key[addr_len] = (uint8_t)(e->port >> 8);
	key[addr_len + 1] = (uint8_t)e->port;
	if (nftnl_set_elem_set(elem, NFTNL_SET_ELEM_KEY, key, (uint32_t)addr_len + 4) < 0)
		t->error = -ENOMEM;
	nftnl_set_elem_add(s, elem);
}

/* The numbers nft gives to types, so that `nft list` shows addresses and ports. */
enum { TYPE_IPV4 = 7, TYPE_IPV6 = 8, TYPE_PORT = 13, TYPE_BITS = 6 };

uint32_t nft_endpoint_set(struct nft_table *t, const struct adit_endpoint *e, size_t cnt)
{
	bool v4 = e->addr.family == 4;
	uint32_t id = (uint32_t)t->set_cnt + 1;
	struct nftnl_set *s;
	size_t i;

	s = grow((void ***)&t->set, t->set_cnt, &t->set_cap) ? nftnl_set_alloc() : NULL;
	if (!s) {
		t->error = -ENOMEM;
		return 0;
	}
	t->set[t->set_cnt++] = s;
	nftnl_set_set_u32(s, NFTNL_SET_FAMILY, NFPROTO_INET);
	nftnl_set_set_str(s, NFTNL_SET_TABLE, t->name);
	nftnl_set_set_str(s, NFTNL_SET_NAME, "__set%d"); /* the kernel numbers it */
	nftnl_set_set_u32(s, NFTNL_SET_ID, id);
	nftnl_set_set_u32(s, NFTNL_SET_FLAGS, NFT_SET_ANONYMOUS | NFT_SET_CONSTANT);
	nftnl_set_set_u32(s, NFTNL_SET_KEY_TYPE, (v4 ? TYPE_IPV4 : TYPE_IPV6) << TYPE_BITS | TYPE_PORT);
	nftnl_set_set_u32(s, NFTNL_SET_KEY_LEN, v4 ? 8 : 20);
	nftnl_set_set_u32(s, NFTNL_SET_DESC_SIZE, (uint32_t)cnt);
	for (i = 0; i < cnt; i++)
		add_endpoint(t, s, &e[i]);
	return id;
}

int nft_words(const char *text, int (*word)(void *arg, char *word), void *arg)
{
	char *copy = strdup(text ? text : ""), *save = NULL, *w;
	int r = copy ? 0 : -ENOMEM;

	for (w = copy ? strtok_r(copy, " ", &save) : NULL; w && !r; w = strtok_r(NULL, " ", &save))
		r = word(arg, w);
	free(copy);
	return r;
}
