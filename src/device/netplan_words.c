/* SPDX-License-Identifier: ISC */
/* netplan_words.c - steps that are words: the killswitch, replies, gateway, sysctls, DNS */
#include "device/netplan_internal.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* --- a line of words --------------------------------------------------------- */

struct words {
	char *p;
	size_t len;
	FILE *f;
	bool begun; /* a list has its first item */
};

static int words_open(struct words *w)
{
	memset(w, 0, sizeof(*w));
	w->f = open_memstream(&w->p, &w->len);
	return w->f ? 0 : -ENOMEM;
}

/* " dns=10.0.0.1,10.0.0.2": one item of a list; key "": a list without a name. */
static void item(struct words *w, const char *key, const char *text)
{
	if (w->begun)
		fputc(',', w->f);
	else
		fprintf(w->f, "%s%s%s", ftell(w->f) > 0 ? " " : "", key, *key ? "=" : "");
	fputs(text, w->f);
	w->begun = true;
}

static void end_list(struct words *w)
{
	w->begun = false;
}

static void word(struct words *w, const char *text)
{
	item(w, "", text);
	end_list(w);
}

/* Adds the step and frees the words. */
static int words_add(struct words *w, struct netplan_draft *d, enum adit_step_kind kind, uint32_t mark)
{
	int r = fclose(w->f) ? -ENOMEM : 0;

	if (!r)
		r = netplan_add_text(d, kind, mark, w->len ? w->p : NULL);
	free(w->p);
	return r;
}

static void list_addrs(struct words *w, const char *key, const struct adit_addr *list, size_t cnt)
{
	char buf[ADIT_ADDR_STRLEN];
	size_t i;

	for (i = 0; i < cnt; i++)
		item(w, key, adit_addr_format(&list[i], buf));
	end_list(w);
}

static void list_prefixes(struct words *w, const char *key, const struct adit_prefix *list, size_t cnt)
{
	char buf[ADIT_PREFIX_STRLEN];
	size_t i;

	for (i = 0; i < cnt; i++) {
		struct adit_prefix p = list[i];

		adit_prefix_mask(&p);
		item(w, key, adit_prefix_format(&p, buf));
	}
	end_list(w);
}

/* --- the killswitch ---------------------------------------------------------- */

int netplan_guard(struct netplan_draft *d)
{
	const struct adit_netplan *in = d->in;
	char buf[ADIT_PATH_STRLEN];
	struct words w;
	size_t i;

	if (!in->killswitch || in->wg_quick)
		return 0;
	if (words_open(&w))
		return -ENOMEM;
	item(&w, "lan", in->lan_block ? "block" : "allow");
	end_list(&w);
	for (i = 0; i < in->endpoint_cnt; i++)
		if (in->endpoints[i].kind == ADIT_PATH_UDP4 || in->endpoints[i].kind == ADIT_PATH_UDP6)
			item(&w, "to", adit_path_format(&in->endpoints[i], buf));
	end_list(&w);
	list_addrs(&w, "dns", in->guard_dns, in->guard_dns_cnt);
	list_prefixes(&w, "exclude", in->exclude, in->exclude_cnt);
	for (i = 0; i < in->address_cnt; i++)
		item(&w, "own", adit_addr_format(&in->addresses[i].addr, buf));
	end_list(&w);
	return words_add(&w, d, ADIT_STEP_GUARD, d->mark);
}

/* --- replies ------------------------------------------------------------------ */

/* Of wg-quick's families: those with a default route. */
int netplan_replies(struct netplan_draft *d)
{
	char buf[ADIT_ADDR_STRLEN];
	struct words w;
	size_t i;
	int r;

	if (!d->taken[V4] && !d->taken[V6])
		return 0;
	if (words_open(&w))
		return -ENOMEM;
	for (i = 0; i < d->in->address_cnt; i++)
		if (d->taken[netplan_family(&d->in->addresses[i])])
			item(&w, "", adit_addr_format(&d->in->addresses[i].addr, buf));
	r = words_add(&w, d, ADIT_STEP_REPLIES, d->mark);
	/* The mark of a reply counts when its source is judged, too. */
	if (!r && d->taken[V4])
		r = netplan_sysctl(d, "net/ipv4/conf/all/src_valid_mark", d->seen->src_valid_mark);
	return r;
}

/* --- sysctls, gateway ---------------------------------------------------------- */

/* The value before ours, of a plan in force. */
static bool former(const struct adit_plan *old, const char *path, unsigned *ret)
{
	size_t len = strlen(path), i;

	for (i = 0; old && i < old->cnt; i++)
		if (old->steps[i].kind == ADIT_STEP_SYSCTL && !strncmp(old->steps[i].text, path, len) &&
		    sscanf(old->steps[i].text + len, " %*u %u", ret) == 1)
			return true;
	return false;
}

int netplan_sysctl(struct netplan_draft *d, const char *path, unsigned now)
{
	char text[128];

	former(d->in->in_force, path, &now);
	snprintf(text, sizeof(text), "%s 1 %u", path, now);
	return netplan_add_text(d, ADIT_STEP_SYSCTL, 0, text);
}

static bool has_family(const struct adit_netplan *in, int family)
{
	size_t i;

	for (i = 0; i < in->address_cnt; i++)
		if (netplan_family(&in->addresses[i]) == family)
			return true;
	for (i = 0; i < in->allowed_cnt; i++)
		if (netplan_family(&in->allowed[i]) == family)
			return true;
	return false;
}

int netplan_gateway(struct netplan_draft *d)
{
	const struct adit_netplan *in = d->in;
	struct words w;
	char port[8];
	int r = 0;

	if (!in->forward && !in->masquerade && !in->mss_clamp)
		return 0;
	snprintf(port, sizeof(port), "%u", in->listen_port);
	/* Rules before forwarding begins. */
	if (words_open(&w))
		return -ENOMEM;
	if (in->forward)
		word(&w, "forward");
	if (in->masquerade)
		word(&w, "masquerade");
	if (in->mss_clamp)
		word(&w, "mss_clamp");
	if (in->masquerade && in->listen_port)
		item(&w, "port", port);
	r = words_add(&w, d, ADIT_STEP_GATEWAY, 0);
	if (!r && in->forward && has_family(in, V4))
		r = netplan_sysctl(d, "net/ipv4/ip_forward", d->seen->ip_forward);
	if (!r && in->forward && has_family(in, V6) && d->seen->ipv6)
		r = netplan_sysctl(d, "net/ipv6/conf/all/forwarding", d->seen->ipv6_forwarding);
	return r;
}

/* --- DNS ------------------------------------------------------------------------ */

static bool all_names(const struct netplan_draft *d)
{
	const struct adit_netplan *in = d->in;

	if (in->dns_default != ADIT_NETPLAN_DNS_AUTO)
		return in->dns_default == ADIT_NETPLAN_DNS_YES;
	return in->wg_quick || d->full[V4] || d->full[V6] || !in->domain_cnt;
}

int netplan_dns(struct netplan_draft *d)
{
	const struct adit_netplan *in = d->in;
	struct words w;
	size_t i;

	if (!in->dns_cnt)
		return 0;
	if (words_open(&w))
		return -ENOMEM;
	word(&w, d->seen->dns_backend);
	list_addrs(&w, "servers", in->dns, in->dns_cnt);
	for (i = 0; i < in->domain_cnt; i++)
		item(&w, "domains", in->domains[i]);
	end_list(&w);
	item(&w, "default", all_names(d) ? "yes" : "no");
	return words_add(&w, d, ADIT_STEP_DNS, 0);
}
