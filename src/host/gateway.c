/* SPDX-License-Identifier: ISC */
/*
 * gateway.c - forwarding for others
 *
 * DOC: port shadowing
 *
 * A client that sends from our WireGuard's own port would keep it when translated,
 * and then what its correspondent sends to our WireGuard would go to the client.
 * So translated UDP gets its source port out of a range without our ports.
 */
#include "host/gateway.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "host/nft_socket.h"
#include "host/nft_table.h"

#define PORTS_MAX 64

struct words {
	bool forward, masquerade, mss_clamp;
	uint16_t port[PORTS_MAX];
	size_t port_cnt;
};

static void table_name(char name[NFT_NAME_LEN], const struct adit_step *step)
{
	snprintf(name, NFT_NAME_LEN, "adit-gw-%s", step->ifname);
}

/* --- its words ---------------------------------------------------------------- */

static int add_port(struct words *w, const char *text)
{
	char *end;
	unsigned long v;

	if (*text < '0' || *text > '9' || w->port_cnt == PORTS_MAX)
		return -EINVAL;
	v = strtoul(text, &end, 10);
	if (*end || v < 1 || v > 65535)
		return -EINVAL;
	w->port[w->port_cnt++] = (uint16_t)v;
	return 0;
}

static int read_word(void *arg, char *word)
{
	struct words *w = arg;
	char *item, *save = NULL;
	int r = 0;

	if (!strcmp(word, "forward"))
		w->forward = true;
	else if (!strcmp(word, "masquerade"))
		w->masquerade = true;
	else if (!strcmp(word, "mss_clamp"))
		w->mss_clamp = true;
	else if (strncmp(word, "port=", 5) != 0)
		r = -EINVAL;
	else
		for (item = strtok_r(word + 5, ",", &save); item && !r; item = strtok_r(NULL, ",", &save))
			r = add_port(w, item);
	return r;
}

/* --- rules -------------------------------------------------------------------- */

static int compare_ports(const void *a, const void *b)
{
	return *(const uint16_t *)a - *(const uint16_t *)b;
}

/* The widest range from 1024 on that none of our ports is in. */
static void free_ports(struct words *w, uint16_t *low, uint16_t *high)
{
	uint32_t from = 1024, best = 0;
	size_t i;

	qsort(w->port, w->port_cnt, sizeof(*w->port), compare_ports);
	for (i = 0; i <= w->port_cnt; i++) {
		uint32_t end = i < w->port_cnt ? w->port[i] : 65536;

		if (end > from && end - from > best) {
			best = end - from;
			*low = (uint16_t)from;
			*high = (uint16_t)(end - 1);
		}
		if (end >= from)
			from = end + 1;
	}
}

static void match_between(struct nft_table *t, const char *chain, const char *ifname, bool into)
{
	nft_rule(t, chain);
	nft_match_iif(t, !into, ifname);
	nft_match_oif(t, into, ifname);
	/* What this machine sends itself, its WireGuard first of all, came by no interface. */
	if (into)
		nft_match_iif(t, false, "");
}

static void add_masquerade(struct nft_table *t, const char *ifname, struct words *w)
{
	/* srcnat, as other programs have it */
	static const struct nft_hook hook = { "postrouting", "nat", NF_INET_POST_ROUTING, NF_ACCEPT, 100 };
	uint16_t low = 0, high = 0;
	int into;

	if (w->port_cnt)
		free_ports(w, &low, &high);
	nft_base_chain(t, &hook);
	for (into = 0; into < 2; into++) {
		if (low) {
			match_between(t, "postrouting", ifname, into);
			nft_match_proto(t, IPPROTO_UDP);
			nft_masquerade(t, low, high);
		}
		match_between(t, "postrouting", ifname, into);
		nft_masquerade(t, 0, 0);
	}
}

static void add_clamp(struct nft_table *t, const char *ifname)
{
	static const struct nft_hook hook = { "mangle", "filter", NF_INET_FORWARD, NF_ACCEPT, -150 };
	const uint8_t syn = 0x02, syn_rst = 0x06;
	int into;

	nft_base_chain(t, &hook);
	for (into = 0; into < 2; into++) {
		nft_rule(t, "mangle");
		if (into)
			nft_match_oif(t, true, ifname);
		else
			nft_match_iif(t, true, ifname);
		nft_match_proto(t, IPPROTO_TCP);
		nft_match_byte(t, NFT_PAYLOAD_TRANSPORT_HEADER, 13, syn_rst, syn);
		nft_clamp_mss(t);
	}
}

static void add_forward(struct nft_table *t, const char *ifname)
{
	static const struct nft_hook hook = { "forward", "filter", NF_INET_FORWARD, NF_ACCEPT, 0 };
	int into;

	nft_base_chain(t, &hook);
	for (into = 0; into < 2; into++) {
		match_between(t, "forward", ifname, into);
		nft_verdict(t, NF_ACCEPT, NULL);
	}
}

static int build(struct adit_nft *nft, struct nft_table *t, const struct adit_step *step)
{
	struct words w = { 0 };
	char name[NFT_NAME_LEN];
	int r = nft_words(step->text, read_word, &w);

	table_name(name, step);
	nft_table_init(t, name);
	if (r == -EINVAL)
		nft_say(nft, "not what a gateway does: %s", step->text);
	if (r)
		return r;
	if (w.forward)
		add_forward(t, step->ifname);
	if (w.mss_clamp)
		add_clamp(t, step->ifname);
	if (w.masquerade)
		add_masquerade(t, step->ifname, &w);
	return 0;
}

int adit_gateway_set(struct adit_nft *nft, const struct adit_step *step)
{
	return nft_step_set(nft, step, build);
}

int adit_gateway_unset(struct adit_nft *nft, const struct adit_step *step)
{
	char name[NFT_NAME_LEN];

	table_name(name, step);
	return adit_nft_delete(nft, name);
}

int adit_gateway_intact(struct adit_nft *nft, const struct adit_step *step)
{
	return nft_step_intact(nft, step, build);
}
