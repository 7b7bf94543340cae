/* SPDX-License-Identifier: ISC */
/*
 * nft.c - one table as it shall be, in one transaction. All of a table's rules
 * are exchanged at once; its chains, whose hooks would have a gap, only where they
 * are not as they shall be.
 */
#include "host/nft.h"

#include <errno.h>
#include <libnftnl/common.h>
#include <libnftnl/table.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "host/nft_socket.h"
#include "host/nft_table.h"

/* --- messages ---------------------------------------------------------------- */

static void put_table(struct nft_batch *b, uint16_t type, const char *name, uint32_t flags)
{
	struct nlmsghdr *h = nft_batch_next(b, type, type == NFT_MSG_NEWTABLE ? NLM_F_CREATE : 0,
					    "the table");
	struct nftnl_table *t = h ? nftnl_table_alloc() : NULL;

	if (!t) {
		b->error = -ENOMEM;
		return;
	}
	nftnl_table_set_u32(t, NFTNL_TABLE_FAMILY, NFPROTO_INET);
	nftnl_table_set_str(t, NFTNL_TABLE_NAME, name);
	if (type == NFT_MSG_NEWTABLE)
		nftnl_table_set_u32(t, NFTNL_TABLE_FLAGS, flags);
	nftnl_table_nlmsg_build_payload(h, t);
	nftnl_table_free(t);
	nft_batch_put(b, h);
}

/* Without a chain: the rules of all of them. */
static void put_no_rules(struct nft_batch *b, const char *table)
{
	struct nlmsghdr *h = nft_batch_next(b, NFT_MSG_DELRULE, 0, "the rules that were");
	struct nftnl_rule *r = h ? nftnl_rule_alloc() : NULL;

	if (!r) {
		b->error = -ENOMEM;
		return;
	}
	nftnl_rule_set_u32(r, NFTNL_RULE_FAMILY, NFPROTO_INET);
	nftnl_rule_set_str(r, NFTNL_RULE_TABLE, table);
	nftnl_rule_nlmsg_build_payload(h, r);
	nftnl_rule_free(r);
	nft_batch_put(b, h);
}

static void put_set(struct nft_batch *b, struct nftnl_set *s, const char *table)
{
	struct nlmsghdr *h = nft_batch_next(b, NFT_MSG_NEWSET, NLM_F_CREATE, "a set of endpoints");
	struct nftnl_set_elems_iter *elems = h ? nftnl_set_elems_iter_create(s) : NULL;
	int more = 1;

	if (!elems) {
		b->error = -ENOMEM;
		return;
	}
	nftnl_set_set_str(s, NFTNL_SET_TABLE, table);
	nftnl_set_nlmsg_build_payload(h, s);
	nft_batch_put(b, h);
	/* As many messages as it takes. */
	while (more > 0) {
		h = nft_batch_next(b, NFT_MSG_NEWSETELEM, NLM_F_CREATE, "the endpoints of a set");
		if (!h)
			break;
		more = nftnl_set_elems_nlmsg_build_payload_iter(h, elems);
		nft_batch_put(b, h);
	}
	nftnl_set_elems_iter_destroy(elems);
}

/* Everything of t, as the table of that name. */
static void put_content(struct nft_batch *b, struct nft_table *t, const char *name)
{
	struct nlmsghdr *h;
	size_t i;

	for (i = 0; i < t->chain_cnt; i++) {
		h = nft_batch_next(b, NFT_MSG_NEWCHAIN, NLM_F_CREATE,
				   nftnl_chain_get_str(t->chain[i], NFTNL_CHAIN_NAME));
		if (!h)
			return;
		nftnl_chain_set_str(t->chain[i], NFTNL_CHAIN_TABLE, name);
		nftnl_chain_nlmsg_build_payload(h, t->chain[i]);
		nft_batch_put(b, h);
	}
	put_no_rules(b, name);
	for (i = 0; i < t->set_cnt && !b->error; i++)
		put_set(b, t->set[i], name);
	for (i = 0; i < t->rule_cnt; i++) {
		h = nft_batch_next(b, NFT_MSG_NEWRULE, NLM_F_CREATE | NLM_F_APPEND,
				   nftnl_rule_get_str(t->rule[i], NFTNL_RULE_CHAIN));
		if (!h)
			return;
		nftnl_rule_set_str(t->rule[i], NFTNL_RULE_TABLE, name);
		nftnl_rule_nlmsg_build_payload(h, t->rule[i]);
		nft_batch_put(b, h);
	}
}

/* --- owning ------------------------------------------------------------------ */

/* A table of no effect, made and removed at once, tells whether the kernel knows the flags. */
bool adit_nft_keeps(struct adit_nft *nft)
{
	enum nft_answer *keeping = nft_keeping(nft);
	char name[NFT_NAME_LEN];
	struct nft_batch b;
	int r;

	if (*keeping == NFT_NOT_ASKED && !nft_ready(nft)) {
		snprintf(name, sizeof(name), "adit-probe-%ld", (long)getpid());
		nft_batch_begin(nft, &b);
		put_table(&b, NFT_MSG_NEWTABLE, name, NFT_OWNED | NFT_PERSISTS);
		put_table(&b, NFT_MSG_DELTABLE, name, 0);
		r = nft_batch_run(nft, &b);
		if (r == 0 || r == -EOPNOTSUPP || r == -EINVAL)
			*keeping = r ? NFT_NO : NFT_YES;
		nft_say(nft, "%s", "");
	}
	return *keeping == NFT_YES;
}

/* --- commit ------------------------------------------------------------------ */

static int explain(struct adit_nft *nft, int r)
{
	if (r == -EPERM && geteuid() == 0)
		nft_say(nft, "another process that lives owns the table");
	else if (r == -EPERM)
		nft_say(nft, "this takes CAP_NET_ADMIN");
	return r;
}

static int delete_table(struct adit_nft *nft, const char *name)
{
	struct nft_batch b;
	int r;

	nft_batch_begin(nft, &b);
	put_table(&b, NFT_MSG_DELTABLE, name, 0);
	r = nft_batch_run(nft, &b);
	return r == -ENOENT ? 0 : r;
}

int adit_nft_delete(struct adit_nft *nft, const char *table)
{
	int r = nft_ready(nft);

	if (!r)
		r = delete_table(nft, table);
	if (!r)
		nft_say(nft, "%s", "");
	return explain(nft, r);
}

/* The table of that name, new; or in the place of the one that is there. */
static int make(struct adit_nft *nft, struct nft_table *t, const char *name, bool instead, uint32_t flags)
{
	struct nft_batch b;

	nft_batch_begin(nft, &b);
	if (instead)
		put_table(&b, NFT_MSG_DELTABLE, name, 0);
	put_table(&b, NFT_MSG_NEWTABLE, name, flags);
	put_content(&b, t, name);
	return nft_batch_run(nft, &b);
}

/* Hooks that are exchanged let packets through, so a twin stands meanwhile. */
static int make_anew(struct adit_nft *nft, struct nft_table *t, uint32_t flags)
{
	int r = 0;

	if (t->guarded)
		r = make(nft, t, NFT_TWIN, false, 0);
	if (!r)
		r = make(nft, t, t->name, true, flags);
	return r;
}

int nft_commit(struct adit_nft *nft, struct nft_table *t)
{
	uint32_t flags = t->guarded && adit_nft_keeps(nft) ? NFT_OWNED | NFT_PERSISTS : 0;
	struct nft_found found;
	int r = nft_ready(nft);

	if (!r)
		r = t->error;
	if (!r)
		r = nft_look(nft, t, &found);
	if (r)
		return r;
	/* An orphan is adopted by saying its flags again; a plain table cannot become another. */
	if (found.exists && (!found.same_chains || !found.awake || found.kept != !!flags))
		r = make_anew(nft, t, flags);
	else
		r = make(nft, t, t->name, false, flags);
	if (!r && t->guarded)
		r = delete_table(nft, NFT_TWIN);
	if (!r)
		nft_say(nft, "%s", "");
	return explain(nft, r);
}
