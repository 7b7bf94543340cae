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

static void put_set(struct nft_batch *b, struct nftnl_set *s)
{
	struct nlmsghdr *h = nft_batch_next(b, NFT_MSG_NEWSET, NLM_F_CREATE, "a set of endpoints");
	struct nftnl_set_elems_iter *elems = h ? nftnl_set_elems_iter_create(s) : NULL;
	int more = 1;

	if (!elems) {
		b->error = -ENOMEM;
		return;
	}
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

static void put_content(struct nft_batch *b, struct nft_table *t)
{
	struct nlmsghdr *h;
	size_t i;

	for (i = 0; i < t->chain_cnt; i++) {
		h = nft_batch_next(b, NFT_MSG_NEWCHAIN, NLM_F_CREATE,
				   nftnl_chain_get_str(t->chain[i], NFTNL_CHAIN_NAME));
		if (!h)
			return;
		nftnl_chain_nlmsg_build_payload(h, t->chain[i]);
		nft_batch_put(b, h);
	}
	put_no_rules(b, t->name);
	for (i = 0; i < t->set_cnt && !b->error; i++)
		put_set(b, t->set[i]);
	for (i = 0; i < t->rule_cnt; i++) {
		h = nft_batch_next(b, NFT_MSG_NEWRULE, NLM_F_CREATE | NLM_F_APPEND,
				   nftnl_rule_get_str(t->rule[i], NFTNL_RULE_CHAIN));
		if (!h)
			return;
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
		nft_say(nft, "this takes CAP_NET_ADMIN, and no other process that lives may own the table");
	return r;
}

int adit_nft_delete(struct adit_nft *nft, const char *table)
{
	struct nft_batch b;
	int r = nft_ready(nft);

	if (r)
		return r;
	nft_batch_begin(nft, &b);
	put_table(&b, NFT_MSG_DELTABLE, table, 0);
	r = nft_batch_run(nft, &b);
	if (!r || r == -ENOENT) {
		nft_say(nft, "%s", "");
		return 0;
	}
	return explain(nft, r);
}

/* anew: not in the chains that are there. */
static int make(struct adit_nft *nft, struct nft_table *t, bool anew, uint32_t flags)
{
	struct nft_batch b;

	nft_batch_begin(nft, &b);
	if (anew)
		put_table(&b, NFT_MSG_DELTABLE, t->name, 0);
	put_table(&b, NFT_MSG_NEWTABLE, t->name, flags);
	put_content(&b, t);
	return nft_batch_run(nft, &b);
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
	r = make(nft, t, found.exists && (!found.same_chains || !found.awake || found.kept != !!flags),
		 flags);
	if (!r)
		nft_say(nft, "%s", "");
	return explain(nft, r);
}

int nft_step_set(struct adit_nft *nft, const struct adit_step *step, nft_build *build)
{
	struct nft_table t;
	int r = build(nft, &t, step);

	if (!r)
		r = nft_commit(nft, &t);
	nft_table_fini(&t);
	return r;
}

int nft_step_intact(struct adit_nft *nft, const struct adit_step *step, nft_build *build)
{
	struct nft_table t;
	int r = build(nft, &t, step);

	if (!r)
		r = nft_same(nft, &t);
	nft_table_fini(&t);
	return r;
}
