/* SPDX-License-Identifier: ISC */
/* nft_read.c - what the kernel has of a table, compared with what it should have */
#include "host/nft_table.h"

#include <errno.h>
#include <libnftnl/table.h>
#include <stdlib.h>
#include <string.h>

#include "host/nft_socket.h"

/* --- the table and its chains ------------------------------------------------- */

struct look {
	const struct nft_table *t;
	struct nft_found *found;
	uint32_t port;
	size_t chains; /* of ours, seen */
};

static bool is_here(uint32_t family, const char *table, const char *name)
{
	return family == NFPROTO_INET && table && !strcmp(table, name);
}

static int see_table(const struct nlmsghdr *h, void *user)
{
	struct look *l = user;
	struct nftnl_table *t = nftnl_table_alloc();
	uint32_t family, flags;
	const char *name;

	if (!t || nftnl_table_nlmsg_parse(h, t) < 0) {
		nftnl_table_free(t);
		return MNL_CB_ERROR;
	}
	family = nftnl_table_get_u32(t, NFTNL_TABLE_FAMILY);
	name = nftnl_table_get_str(t, NFTNL_TABLE_NAME);
	flags = nftnl_table_get_u32(t, NFTNL_TABLE_FLAGS);
	if (is_here(family, name, l->t->name)) {
		l->found->exists = true;
		l->found->awake = !(flags & NFT_TABLE_F_DORMANT);
		l->found->kept = flags & NFT_PERSISTS;
		l->found->ours = flags & NFT_OWNED && nftnl_table_get_u32(t, NFTNL_TABLE_OWNER) == l->port;
	}
	nftnl_table_free(t);
	return MNL_CB_OK;
}

static const struct nftnl_chain *chain_of(const struct nft_table *t, const char *name)
{
	size_t i;

	for (i = 0; i < t->chain_cnt; i++)
		if (!strcmp(nftnl_chain_get_str(t->chain[i], NFTNL_CHAIN_NAME), name))
			return t->chain[i];
	return NULL;
}

static bool same_hook(const struct nftnl_chain *a, const struct nftnl_chain *b)
{
	const char *type_a = nftnl_chain_get_str(a, NFTNL_CHAIN_TYPE),
		   *type_b = nftnl_chain_get_str(b, NFTNL_CHAIN_TYPE);

	if (!type_a || !type_b)
		return type_a == type_b;
	return !strcmp(type_a, type_b) &&
	       nftnl_chain_get_u32(a, NFTNL_CHAIN_HOOKNUM) == nftnl_chain_get_u32(b, NFTNL_CHAIN_HOOKNUM) &&
	       nftnl_chain_get_s32(a, NFTNL_CHAIN_PRIO) == nftnl_chain_get_s32(b, NFTNL_CHAIN_PRIO);
}

static int see_chain(const struct nlmsghdr *h, void *user)
{
	struct look *l = user;
	struct nftnl_chain *c = nftnl_chain_alloc();
	const struct nftnl_chain *should;

	if (!c || nftnl_chain_nlmsg_parse(h, c) < 0) {
		nftnl_chain_free(c);
		return MNL_CB_ERROR;
	}
	if (is_here(nftnl_chain_get_u32(c, NFTNL_CHAIN_FAMILY), nftnl_chain_get_str(c, NFTNL_CHAIN_TABLE),
		    l->t->name)) {
		should = chain_of(l->t, nftnl_chain_get_str(c, NFTNL_CHAIN_NAME));
		l->chains++;
		if (!should || !same_hook(should, c))
			l->found->same_chains = false;
		else if (nftnl_chain_get_u32(should, NFTNL_CHAIN_POLICY) !=
				 nftnl_chain_get_u32(c, NFTNL_CHAIN_POLICY) &&
			 nftnl_chain_get_str(c, NFTNL_CHAIN_TYPE))
			l->found->same_policies = false;
	}
	nftnl_chain_free(c);
	return MNL_CB_OK;
}

static void look_again(void *user)
{
	struct look *l = user;

	memset(l->found, 0, sizeof(*l->found));
}

static void chains_again(void *user)
{
	struct look *l = user;

	l->chains = 0;
	l->found->same_chains = l->found->same_policies = true;
}

int nft_look(struct adit_nft *nft, const struct nft_table *t, struct nft_found *ret)
{
	struct look l = { t, ret, 0, 0 };
	const struct nft_dump
		tables = { .type = NFT_MSG_GETTABLE, .each = see_table, .restart = look_again, .user = &l },
		chains = { .type = NFT_MSG_GETCHAIN, .each = see_chain, .restart = chains_again, .user = &l };
	int r = nft_ready(nft);

	if (r)
		return r;
	l.port = nft_port(nft);
	r = nft_dump(nft, &tables);
	if (!r)
		r = nft_dump(nft, &chains);
	ret->same_chains &= l.chains == t->chain_cnt;
	return r;
}

/* --- rules -------------------------------------------------------------------- */

#define TEXT_LEN 512

struct rules {
	const struct nft_table *t;
	size_t seen[NFT_CHAINS], total;
	bool differ;
	char (*set)[NFT_NAME_LEN]; /* the kernel's names of our sets, in our order */
	bool short_of_memory;
};

static void put_where(struct nlmsghdr *h, const void *what)
{
	const struct nft_table *t = what;

	mnl_attr_put_strz(h, NFTA_RULE_TABLE, t->name);
}

/* A look-up's set has another name in the kernel: taken down, and compared later. */
static bool same_lookup(struct rules *rs, const struct nftnl_expr *should, const struct nftnl_expr *is)
{
	uint32_t id = nftnl_expr_get_u32(should, NFTNL_EXPR_LOOKUP_SET_ID);
	const char *name = nftnl_expr_get_str(is, NFTNL_EXPR_LOOKUP_SET);

	if (!name || strlen(name) >= NFT_NAME_LEN || nftnl_expr_get_u32(is, NFTNL_EXPR_LOOKUP_FLAGS) ||
	    nftnl_expr_get_u32(should, NFTNL_EXPR_LOOKUP_SREG) !=
		    nftnl_expr_get_u32(is, NFTNL_EXPR_LOOKUP_SREG))
		return false;
	strcpy(rs->set[id - 1], name);
	return true;
}

static bool same_expr(struct rules *rs, const struct nftnl_expr *should, const struct nftnl_expr *is)
{
	const char *name = nftnl_expr_get_str(should, NFTNL_EXPR_NAME);
	char a[TEXT_LEN] = "", b[TEXT_LEN] = "";

	if (strcmp(name, nftnl_expr_get_str(is, NFTNL_EXPR_NAME)) != 0)
		return false;
	if (!strcmp(name, "lookup"))
		return same_lookup(rs, should, is);
	nftnl_expr_snprintf(a, sizeof(a), should, NFTNL_OUTPUT_DEFAULT, 0);
	nftnl_expr_snprintf(b, sizeof(b), is, NFTNL_OUTPUT_DEFAULT, 0);
	return !strcmp(a, b);
}

static bool same_rule(struct rules *rs, const struct nftnl_rule *should, const struct nftnl_rule *is)
{
	struct nftnl_expr_iter *i = nftnl_expr_iter_create(should), *j = nftnl_expr_iter_create(is);
	struct nftnl_expr *a = NULL, *b = NULL;
	bool same = i && j;

	rs->short_of_memory |= !same;
	while (same && (a = nftnl_expr_iter_next(i), b = nftnl_expr_iter_next(j), a || b))
		same = a && b && same_expr(rs, a, b);
	if (i)
		nftnl_expr_iter_destroy(i);
	if (j)
		nftnl_expr_iter_destroy(j);
	return same;
}

static const struct nftnl_rule *rule_at(const struct nft_table *t, const char *chain, size_t nth)
{
	size_t i;

	for (i = 0; i < t->rule_cnt; i++)
		if (!strcmp(nftnl_rule_get_str(t->rule[i], NFTNL_RULE_CHAIN), chain) && !nth--)
			return t->rule[i];
	return NULL;
}

/* Rules come in their chain's order, but chains in any. */
static size_t *seen_of(struct rules *rs, const char *chain)
{
	size_t i;

	for (i = 0; i < rs->t->chain_cnt; i++)
		if (!strcmp(nftnl_chain_get_str(rs->t->chain[i], NFTNL_CHAIN_NAME), chain))
			return &rs->seen[i];
	return NULL;
}

static int see_rule(const struct nlmsghdr *h, void *user)
{
	struct rules *rs = user;
	struct nftnl_rule *is = nftnl_rule_alloc();
	const struct nftnl_rule *should = NULL;
	const char *chain;
	size_t *seen;

	if (!is || nftnl_rule_nlmsg_parse(h, is) < 0) {
		nftnl_rule_free(is);
		return MNL_CB_ERROR;
	}
	chain = nftnl_rule_get_str(is, NFTNL_RULE_CHAIN);
	if (is_here(nftnl_rule_get_u32(is, NFTNL_RULE_FAMILY), nftnl_rule_get_str(is, NFTNL_RULE_TABLE),
		    rs->t->name)) {
		seen = seen_of(rs, chain);
		if (seen)
			should = rule_at(rs->t, chain, (*seen)++);
		rs->total++;
		rs->differ |= !should || !same_rule(rs, should, is);
	}
	nftnl_rule_free(is);
	return rs->short_of_memory ? MNL_CB_ERROR : MNL_CB_OK;
}

static void rules_again(void *user)
{
	struct rules *rs = user;

	memset(rs->seen, 0, sizeof(rs->seen));
	rs->total = 0;
	rs->differ = false;
}

/* --- sets --------------------------------------------------------------------- */

#define KEY_LEN 20

struct keys {
	struct nftnl_set *set; /* as it is */
	const char *table, *name;
};

static void put_which(struct nlmsghdr *h, const void *what)
{
	const struct keys *k = what;

	mnl_attr_put_strz(h, NFTA_SET_ELEM_LIST_TABLE, k->table);
	mnl_attr_put_strz(h, NFTA_SET_ELEM_LIST_SET, k->name);
}

static int see_elems(const struct nlmsghdr *h, void *user)
{
	struct keys *k = user;

	return nftnl_set_elems_nlmsg_parse(h, k->set) < 0 ? MNL_CB_ERROR : MNL_CB_OK;
}

static int compare_keys(const void *a, const void *b)
{
	return memcmp(a, b, KEY_LEN);
}

/* Sorted; NULL for want of memory. */
static uint8_t (*keys_of(const struct nftnl_set *s, size_t *cnt))[KEY_LEN]
{
	struct nftnl_set_elems_iter *i = nftnl_set_elems_iter_create(s);
	uint8_t(*keys)[KEY_LEN] = NULL;
	struct nftnl_set_elem *e;
	size_t n = 0, cap = 0;

	while (i && (e = nftnl_set_elems_iter_next(i))) {
		uint32_t len = 0;
		const void *key = nftnl_set_elem_get(e, NFTNL_SET_ELEM_KEY, &len);

		if (n == cap) {
			uint8_t(*more)[KEY_LEN] = reallocarray(keys, cap = cap ? cap * 2 : 16, sizeof(*more));

			if (!more)
				break;
			keys = more;
		}
		memset(keys[n], 0, KEY_LEN);
		memcpy(keys[n++], key, len < KEY_LEN ? len : KEY_LEN);
	}
	if (i)
		nftnl_set_elems_iter_destroy(i);
	if (keys)
		qsort(keys, n, sizeof(*keys), compare_keys);
	*cnt = n;
	return keys;
}

static bool same_keys(const struct nftnl_set *a, const struct nftnl_set *b)
{
	size_t cnt_a = 0, cnt_b = 0;
	uint8_t(*keys_a)[KEY_LEN] = keys_of(a, &cnt_a), (*keys_b)[KEY_LEN] = keys_of(b, &cnt_b);
	bool same = keys_a && keys_b && cnt_a == cnt_b && !memcmp(keys_a, keys_b, cnt_a * KEY_LEN);

	free(keys_a);
	free(keys_b);
	return same;
}

/* 1, 0 or -errno. */
static int same_set(struct adit_nft *nft, const struct nft_table *t, const struct nftnl_set *should,
		    const char *name)
{
	struct keys k = { nftnl_set_alloc(), t->name, name };
	const struct nft_dump d = { NFT_MSG_GETSETELEM, put_which, &k, see_elems, NULL, &k };
	int r = k.set ? nft_dump(nft, &d) : -ENOMEM;

	if (!r)
		r = same_keys(should, k.set);
	else if (r == -ENOENT)
		r = 0;
	nftnl_set_free(k.set);
	return r;
}

/* --- all of it ---------------------------------------------------------------- */

static int same_rules(struct adit_nft *nft, const struct nft_table *t)
{
	struct rules rs = { .t = t };
	const struct nft_dump d = { NFT_MSG_GETRULE, put_where, t, see_rule, rules_again, &rs };
	size_t i;
	int r;

	rs.set = calloc(t->set_cnt + 1, sizeof(*rs.set));
	if (!rs.set)
		return -ENOMEM;
	r = nft_dump(nft, &d);
	if (r == -ENOENT)
		r = 0; /* went meanwhile */
	else if (!r)
		r = !rs.differ && rs.total == t->rule_cnt;
	for (i = 0; r == 1 && i < t->set_cnt; i++)
		r = same_set(nft, t, t->set[i], rs.set[i]);
	free(rs.set);
	return r;
}

int nft_same(struct adit_nft *nft, struct nft_table *t)
{
	struct nft_found found;
	bool keeps = t->guarded && adit_nft_keeps(nft);
	int r = nft_ready(nft);

	if (!r)
		r = t->error;
	if (!r)
		r = nft_look(nft, t, &found);
	if (r)
		return r;
	if (!found.exists || !found.awake || !found.same_chains || !found.same_policies ||
	    found.kept != keeps || found.ours != keeps)
		return 0;
	return same_rules(nft, t);
}
