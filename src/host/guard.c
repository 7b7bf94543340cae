/* SPDX-License-Identifier: ISC */
/*
 * guard.c - the killswitch's table
 *
 *	output       jump own, jump ways, reject     what this machine sends
 *	forward      answers, jump ways, reject      what it sends for others
 *	postrouting  answers, jump own, jump ways, drop
 *
 * The last one sees the device a packet really leaves by: other programs' rules
 * may re-route it after the first two.
 */
#include "host/guard.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "host/nft_socket.h"
#include "host/nft_table.h"

/* What all guards together allow. */
struct allowed {
	struct nft_table *t;
	bool lan;
};

/* --- a guard's words ---------------------------------------------------------- */

struct words {
	bool lan, lan_given;
	struct adit_endpoint *to; /* to: as written; dns: port 53 */
	struct adit_endpoint *dns;
	struct adit_prefix *exclude, *own;
	size_t to_cnt, dns_cnt, exclude_cnt, own_cnt;
};

static void words_fini(struct words *w)
{
	free(w->to);
	free(w->dns);
	free(w->exclude);
	free(w->own);
}

static void *one_more(void *array, size_t cnt, size_t size)
{
	/* Grows at powers of two. */
	return cnt & (cnt - 1) ? array : reallocarray(array, cnt ? cnt * 2 : 1, size);
}

static int add_to(struct words *w, char *text)
{
	struct adit_endpoint *p = one_more(w->to, w->to_cnt, sizeof(*p));
	char *zone = strchr(text, '%'), *end = zone ? strchr(zone, ']') : NULL;

	if (!p)
		return -ENOMEM;
	w->to = p;
	p += w->to_cnt;
	/* The link of a link-local address: the address and the port are enough. */
	if (end)
		memmove(zone, end, strlen(end) + 1);
	if (adit_endpoint_parse(p, text) || !p->port || !p->addr.family)
		return -EINVAL;
	w->to_cnt++;
	return 0;
}

static int add_dns(struct words *w, char *text)
{
	struct adit_endpoint *p = one_more(w->dns, w->dns_cnt, sizeof(*p));

	if (!p)
		return -ENOMEM;
	w->dns = p;
	p += w->dns_cnt;
	p->port = 53;
	if (adit_addr_parse(&p->addr, text))
		return -EINVAL;
	w->dns_cnt++;
	return 0;
}

static int add_prefix(struct adit_prefix **list, size_t *cnt, const char *text)
{
	struct adit_prefix *p = one_more(*list, *cnt, sizeof(*p));

	if (!p)
		return -ENOMEM;
	*list = p;
	if (adit_prefix_parse(&p[*cnt], text))
		return -EINVAL;
	++*cnt;
	return 0;
}

static int add_exclude(struct words *w, char *text)
{
	return add_prefix(&w->exclude, &w->exclude_cnt, text);
}

static int add_own(struct words *w, char *text)
{
	return add_prefix(&w->own, &w->own_cnt, text);
}

static int set_lan(struct words *w, char *text)
{
	if (w->lan_given || (strcmp(text, "allow") != 0 && strcmp(text, "block") != 0))
		return -EINVAL;
	w->lan_given = true;
	w->lan = *text == 'a';
	return 0;
}

static int read_word(void *arg, char *word)
{
	struct words *w = arg;
	static const struct {
		const char *name;
		int (*add)(struct words *w, char *text);
	} known[] = { { "lan", set_lan }, { "to", add_to }, { "dns", add_dns }, { "exclude", add_exclude }, { "own", add_own } };
	char *value = strchr(word, '='), *item, *save = NULL;
	size_t i;
	int r = -EINVAL;

	if (!value)
		return -EINVAL;
	*value++ = '\0';
	for (i = 0; i < sizeof(known) / sizeof(*known); i++) {
		if (strcmp(word, known[i].name) != 0)
			continue;
		r = 0;
		for (item = strtok_r(value, ",", &save); item && !r; item = strtok_r(NULL, ",", &save))
			r = known[i].add(w, item);
	}
	return r;
}

static int read_words(struct words *w, const char *text)
{
	int r = nft_words(text, read_word, w);

	return r ? r : w->lan_given ? 0 : -EINVAL;
}

/* --- rules -------------------------------------------------------------------- */

static struct adit_prefix prefix(const char *text)
{
	struct adit_prefix p = { 0 };

	adit_prefix_parse(&p, text);
	return p;
}

static void to_prefix(struct nft_table *t, const char *chain, const struct adit_prefix *p)
{
	nft_rule(t, chain);
	nft_match_dst(t, p);
	nft_verdict(t, NF_ACCEPT, NULL);
}

static int compare_endpoints(const void *a, const void *b)
{
	const struct adit_endpoint *x = a, *y = b;
	int r = x->addr.family - y->addr.family;

	if (!r)
		r = memcmp(x->addr.bytes, y->addr.bytes, sizeof(x->addr.bytes));
	return r ? r : x->port - y->port;
}

/* Marked, and to one of these: a rule for each family and protocol. */
static void to_endpoints(struct nft_table *t, uint32_t mark, uint8_t proto, struct adit_endpoint *e,
			 size_t cnt)
{
	size_t i, n = 0, first;

	if (!cnt || !mark)
		return;
	qsort(e, cnt, sizeof(*e), compare_endpoints);
	for (i = 0; i < cnt; i++)
		if (!n || !adit_endpoint_equal(&e[n - 1], &e[i]))
			e[n++] = e[i];
	for (first = i = 0; i <= n; i++) {
		if (i < n && e[i].addr.family == e[first].addr.family)
			continue;
		nft_rule(t, "own");
		nft_match_mark(t, mark);
		nft_match_proto(t, proto);
		nft_match_endpoints(t, &e[first], i - first);
		nft_verdict(t, NF_ACCEPT, NULL);
		first = i;
	}
}

static void add_neighbour_discovery(struct nft_table *t)
{
	static const uint8_t types[] = {
		133, 135, 136
	}; /* router solicitation, neighbour solicitation, advertisement */
	size_t i;

	for (i = 0; i < sizeof(types); i++) {
		nft_rule(t, "own");
		nft_match_family(t, 6);
		nft_match_proto(t, IPPROTO_ICMPV6);
		nft_match_byte(t, NFT_PAYLOAD_NETWORK_HEADER, 7, 0xff,
			       255); /* the hop limit: no router passed it on */
		nft_match_byte(t, NFT_PAYLOAD_TRANSPORT_HEADER, 0, 0xff, types[i]);
		nft_verdict(t, NF_ACCEPT, NULL);
	}
}

static void add_dhcp(struct nft_table *t)
{
	static const char *const servers[] = { "ff02::1:2", "ff05::1:3" };
	struct adit_prefix link_local = prefix("fe80::/10"), p = prefix("255.255.255.255");
	size_t i;

	nft_rule(t, "own");
	nft_match_dst(t, &p);
	nft_match_proto(t, IPPROTO_UDP);
	nft_match_sport(t, 68);
	nft_match_dport(t, 67);
	nft_verdict(t, NF_ACCEPT, NULL);
	for (i = 0; i < 2; i++) {
		p = prefix(servers[i]);
		nft_rule(t, "own");
		nft_match_src(t, &link_local);
		nft_match_dst(t, &p);
		nft_match_proto(t, IPPROTO_UDP);
		nft_match_sport(t, 546);
		nft_match_dport(t, 547);
		nft_verdict(t, NF_ACCEPT, NULL);
	}
}

/* Only ranges that no router of the Internet knows: a network may say that any other is its own. */
static void add_lan(struct nft_table *t)
{
	static const char *const ranges[] = {
		"10.0.0.0/8",      "172.16.0.0/12", "192.168.0.0/16", "169.254.0.0/16",
		"255.255.255.255", "224.0.0.0/24",  "239.255.0.0/16", "fe80::/10",
		"fc00::/7",        "ff02::/16",     "ff05::/16",
	};
	static const uint8_t protos[] = { IPPROTO_UDP, IPPROTO_TCP };
	static const uint16_t ports[] = { 53, 853 };
	struct adit_prefix p;
	size_t i;

	for (i = 0; i < 4; i++) {
		nft_rule(t, "lan");
		nft_match_proto(t, protos[i / 2]);
		nft_match_dport(t, ports[i % 2]);
		nft_verdict(t, NFT_RETURN, NULL);
	}
	for (i = 0; i < sizeof(ranges) / sizeof(*ranges); i++) {
		p = prefix(ranges[i]);
		to_prefix(t, "lan", &p);
	}
}

static void add_answers(struct nft_table *t, const char *chain, const char *ifname)
{
	nft_rule(t, chain);
	nft_match_iif(t, true, ifname);
	nft_match_answers(t);
	nft_verdict(t, NF_ACCEPT, NULL);
}

static int add_guard(struct allowed *a, const struct adit_step *step)
{
	struct words w = { 0 };
	int r = read_words(&w, step->text);
	size_t i;

	for (i = 0; i < w.own_cnt && !r; i++) { /* meant for us, who have it no longer or not yet */
		nft_rule(a->t, "postrouting");
		nft_match_oif(a->t, false, "lo");
		nft_match_dst(a->t, &w.own[i]);
		nft_verdict(a->t, NF_DROP, NULL);
	}
	if (!r) {
		nft_rule(a->t, "ways");
		nft_match_oif(a->t, true, step->ifname);
		nft_verdict(a->t, NF_ACCEPT, NULL);
		for (i = 0; i < w.exclude_cnt; i++)
			to_prefix(a->t, "ways", &w.exclude[i]);
		to_endpoints(a->t, step->mark, IPPROTO_UDP, w.to, w.to_cnt);
		to_endpoints(a->t, step->mark, IPPROTO_UDP, w.dns, w.dns_cnt);
		to_endpoints(a->t, step->mark, IPPROTO_TCP, w.dns, w.dns_cnt);
		add_answers(a->t, "forward", step->ifname);
		add_answers(a->t, "postrouting", step->ifname);
		a->lan &= w.lan;
	}
	words_fini(&w);
	return r;
}

static void jump(struct nft_table *t, const char *from, const char *to)
{
	nft_rule(t, from);
	nft_verdict(t, NFT_JUMP, to);
}

static void add_rejects(struct nft_table *t, const char *chain)
{
	nft_rule(t, chain);
	nft_match_proto(t, IPPROTO_TCP);
	nft_reject(t, NFT_REJECT_TCP_RST, 0);
	nft_rule(t, chain);
	nft_reject(t, NFT_REJECT_ICMPX_UNREACH, NFT_ADMIN);
}

static void add_chains(struct nft_table *t)
{
	/* The policies hold where somebody empties the chains. */
	static const struct nft_hook hooks[] = {
		{ "output", "filter", NF_INET_LOCAL_OUT, NF_DROP, 0 },
		{ "forward", "filter", NF_INET_FORWARD, NF_DROP, 0 },
		{ "postrouting", "filter", NF_INET_POST_ROUTING, NF_DROP, 300 },
	};
	size_t i;

	nft_chain(t, "own");
	nft_chain(t, "ways");
	nft_chain(t, "lan");
	for (i = 0; i < sizeof(hooks) / sizeof(*hooks); i++)
		nft_base_chain(t, &hooks[i]);
}

static int build(struct adit_nft *nft, struct nft_table *t, const struct adit_step *const *guards, size_t cnt)
{
	struct allowed a = { t, true };
	size_t i;
	int r = 0;

	nft_table_init(t, ADIT_GUARD_TABLE);
	t->guarded = true;
	add_chains(t);
	nft_rule(t, "ways");
	nft_match_oif(t, true, "lo");
	nft_verdict(t, NF_ACCEPT, NULL);
	for (i = 0; i < cnt && !r; i++) {
		r = add_guard(&a, guards[i]);
		if (r == -EINVAL)
			nft_say(nft, "what a guard allows cannot be read: %s",
				guards[i]->text ? guards[i]->text : "");
	}
	add_neighbour_discovery(t);
	add_dhcp(t);
	if (a.lan) {
		add_lan(t);
		jump(t, "ways", "lan");
	}
	jump(t, "output", "own");
	jump(t, "output", "ways");
	add_rejects(t, "output");
	jump(t, "forward", "ways");
	add_rejects(t, "forward");
	jump(t, "postrouting", "own");
	jump(t, "postrouting", "ways");
	nft_rule(t, "postrouting");
	nft_verdict(t, NF_DROP, NULL);
	return r;
}

int adit_guard_set(struct adit_nft *nft, const struct adit_step *const *guards, size_t cnt)
{
	struct nft_table t;
	int r;

	if (!cnt)
		return adit_nft_delete(nft, ADIT_GUARD_TABLE);
	r = build(nft, &t, guards, cnt);
	if (!r)
		r = nft_commit(nft, &t);
	nft_table_fini(&t);
	return r;
}

int adit_guard_intact(struct adit_nft *nft, const struct adit_step *const *guards, size_t cnt)
{
	struct nft_found found;
	struct nft_table t;
	int r;

	r = build(nft, &t, guards, cnt);
	if (!r && cnt)
		r = nft_same(nft, &t);
	else if (!r && !(r = nft_look(nft, &t, &found)))
		r = !found.exists;
	nft_table_fini(&t);
	return r;
}
