/* SPDX-License-Identifier: ISC */
/* replies.c - nothing from elsewhere to our inner addresses; replies carry the mark */
#include "host/replies.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "host/nft_socket.h"
#include "host/nft_table.h"

/* The gateway's table of "x" is adit-gw-x: an interface "gw-x" needs another name. */
static void table_name(char name[NFT_NAME_LEN], const struct adit_step *step)
{
	snprintf(name, NFT_NAME_LEN, "adit-%s%s", strncmp(step->ifname, "gw-", 3) ? "" : "if-", step->ifname);
}

static void drop_elsewhere(struct nft_table *t, const char *ifname, const struct adit_addr *addr)
{
	const struct adit_prefix one = { *addr, addr->family == 4 ? 32 : 128 };

	nft_rule(t, "preraw");
	nft_match_iif(t, false, ifname);
	nft_match_dst(t, &one);
	nft_match_not_local_src(t);
	nft_verdict(t, NF_DROP, NULL);
}

static int add_addresses(struct nft_table *t, const struct adit_step *step)
{
	char *copy = strdup(step->text ? step->text : ""), *save = NULL, *word;
	struct adit_prefix p;
	int r = copy ? 0 : -ENOMEM;

	for (word = copy ? strtok_r(copy, ", ", &save) : NULL; word && !r;
	     word = strtok_r(NULL, ", ", &save)) {
		r = adit_prefix_parse(&p, word);
		if (!r)
			drop_elsewhere(t, step->ifname, &p.addr);
	}
	free(copy);
	return r;
}

static void add_chains(struct nft_table *t)
{
	static const struct nft_hook hooks[] = {
		{ "preraw", "filter", NF_INET_PRE_ROUTING, NF_ACCEPT, -300 },
		{ "premangle", "filter", NF_INET_PRE_ROUTING, NF_ACCEPT, -150 },
		{ "postmangle", "filter", NF_INET_POST_ROUTING, NF_ACCEPT, -150 },
	};
	size_t i;

	for (i = 0; i < sizeof(hooks) / sizeof(*hooks); i++)
		nft_base_chain(t, &hooks[i]);
}

static int build(struct adit_nft *nft, struct nft_table *t, const struct adit_step *step)
{
	char name[NFT_NAME_LEN];
	int r;

	table_name(name, step);
	nft_table_init(t, name);
	add_chains(t);
	r = add_addresses(t, step);
	if (r == -EINVAL)
		nft_say(nft, "not addresses: %s", step->text);
	if (!step->mark)
		return r;
	nft_rule(t, "premangle");
	nft_match_proto(t, IPPROTO_UDP);
	nft_match_ct_mark(t, step->mark);
	nft_set_mark(t, step->mark);
	nft_rule(t, "postmangle");
	nft_match_proto(t, IPPROTO_UDP);
	nft_match_mark(t, step->mark);
	nft_save_mark(t);
	return r;
}

int adit_replies_set(struct adit_nft *nft, const struct adit_step *step)
{
	return nft_step_set(nft, step, build);
}

int adit_replies_unset(struct adit_nft *nft, const struct adit_step *step)
{
	char name[NFT_NAME_LEN];

	table_name(name, step);
	return adit_nft_delete(nft, name);
}

int adit_replies_intact(struct adit_nft *nft, const struct adit_step *step)
{
	return nft_step_intact(nft, step, build);
}
