/* SPDX-License-Identifier: ISC */
/*
 * nft_table.h - a table of nftables as it shall be: chains, sets, rules. Made in
 * memory (nft_match.c fills rules), then committed whole or compared with what
 * the kernel has.
 *
 * Nothing here returns an error: the first one stays in `error`, and commit and
 * compare return it.
 */
#ifndef ADIT_HOST_NFT_TABLE_H
#define ADIT_HOST_NFT_TABLE_H

#include <netinet/in.h> /* before the kernel's */

#include <libnftnl/chain.h>
#include <libnftnl/expr.h>
#include <libnftnl/rule.h>
#include <libnftnl/set.h>
#include <linux/netfilter.h>
#include <linux/netfilter/nf_tables.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/endpoint.h"
#include "host/nft.h"

/* Debian 12's headers know only the first. */
#define NFT_OWNED     0x2u
#define NFT_PERSISTS  0x4u
#define NFT_NAME_LEN  32
#define NFT_CHAINS    8
#define NFT_ADMIN     3           /* NFT_REJECT_ICMPX_ADMIN_PROHIBITED */

struct nft_table {
	char name[NFT_NAME_LEN];
	bool guarded; /* owner and persist */
	struct nftnl_chain *chain[NFT_CHAINS];
	size_t chain_cnt;
	struct nftnl_set **set;
	struct nftnl_rule **rule; /* in order, each names its chain */
	size_t set_cnt, rule_cnt, set_cap, rule_cap;
	int error;
};

void nft_table_init(struct nft_table *t, const char *name);
void nft_table_fini(struct nft_table *t);

void nft_chain(struct nft_table *t, const char *name);
struct nft_hook {
	const char *name, *type; /* "filter", "nat" */
	uint32_t hook, policy;   /* NF_INET_..., NF_ACCEPT or NF_DROP */
	int32_t priority;
};
void nft_base_chain(struct nft_table *t, const struct nft_hook *h);

/* --- rules: everything below adds to the one begun last ---------------------- */

void nft_rule(struct nft_table *t, const char *chain);

void nft_match_iif(struct nft_table *t, bool is, const char *ifname); /* is: else is not */
void nft_match_oif(struct nft_table *t, bool is, const char *ifname);
void nft_match_family(struct nft_table *t, uint8_t family);     /* 4 or 6 */
void nft_match_proto(struct nft_table *t, uint8_t proto);
void nft_match_mark(struct nft_table *t, uint32_t mark);
void nft_match_ct_mark(struct nft_table *t, uint32_t mark);
void nft_match_answers(struct nft_table *t);                    /* established, related */
void nft_match_src(struct nft_table *t, const struct adit_prefix *p); /* and its family */
void nft_match_dst(struct nft_table *t, const struct adit_prefix *p);
void nft_match_sport(struct nft_table *t, uint16_t port);       /* after the protocol */
void nft_match_dport(struct nft_table *t, uint16_t port);
void nft_match_byte(struct nft_table *t, uint32_t base, uint32_t offset, uint8_t mask, uint8_t value);
void nft_match_not_local_src(struct nft_table *t);
/* A set of these, all of one family; returns its number. */
uint32_t nft_endpoint_set(struct nft_table *t, const struct adit_endpoint *e, size_t cnt);
/* The destination and its port are one of these; all of one family. */
void nft_match_endpoints(struct nft_table *t, const struct adit_endpoint *e, size_t cnt);

void nft_set_mark(struct nft_table *t, uint32_t mark);
void nft_save_mark(struct nft_table *t); /* in the connection */
void nft_clamp_mss(struct nft_table *t);
void nft_masquerade(struct nft_table *t, uint16_t low, uint16_t high); /* ports; 0, 0 = any */
void nft_reject(struct nft_table *t, uint32_t type, uint8_t code);
void nft_verdict(struct nft_table *t, int verdict, const char *chain); /* chain: of jumps, else NULL */

/* --- a step's text --------------------------------------------------------- */

/* Each word between blanks, which may be cut up, to the first that is refused. 0 or -errno; text may be NULL. */
int nft_words(const char *text, int (*word)(void *arg, char *word), void *arg);

/* --- the kernel's ----------------------------------------------------------- */

/* Makes the kernel's table so. 0 or -errno, with detail. */
int nft_commit(struct adit_nft *nft, struct nft_table *t);
/* 1, 0 or -errno. */
int nft_same(struct adit_nft *nft, struct nft_table *t);

/* The same of a table that one step makes; build fills it. */
typedef int nft_build(struct adit_nft *nft, struct nft_table *t, const struct adit_step *step);
int nft_step_set(struct adit_nft *nft, const struct adit_step *step, nft_build *build);
int nft_step_intact(struct adit_nft *nft, const struct adit_step *step, nft_build *build);

/* What the kernel has of a table, but for its rules. */
struct nft_found {
	bool exists;
	bool kept, ours;    /* persists; and belongs to us */
	bool awake;         /* else it has no effect */
	bool same_chains;   /* it can be refilled */
	bool same_policies;
};
int nft_look(struct adit_nft *nft, const struct nft_table *t, struct nft_found *ret);

#endif
