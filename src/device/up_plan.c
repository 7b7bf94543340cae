/* SPDX-License-Identifier: ISC */
/*
 * up_plan.c - from a wg-quick file to endpoints and a plan for this machine.
 * What is done is in netplan.h; the habit is wg-quick's.
 */
#include "device/up_internal.h"

#include <errno.h>
#include <netdb.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "base/exit.h"
#include "device/netplan.h"
#include "pktio/lookup.h"

#define DNS_MAX 64

/* --- endpoints ------------------------------------------------------------ */

static int resolve_one(const struct up *up, const struct adit_quick_peer *peer, struct adit_path *ret)
{
	const struct adit_quick_pos *pos = &peer->endpoint_pos;
	int r, tries;

	for (tries = 0;; tries++) {
		r = adit_lookup(ret, peer->endpoint_host, peer->endpoint_port);
		if (r != EAI_AGAIN || tries == 4)
			break;
		fprintf(stderr, "%s:%u:%u: Endpoint: %s: the resolver does not answer, trying again\n",
			up->file, pos->line, pos->col, peer->endpoint_host);
		nanosleep(&(struct timespec){ 1 + tries, 0 }, NULL);
	}
	if (r) {
		fprintf(stderr, "%s:%u:%u: warning: Endpoint: %s:%s: %s (this peer has no endpoint for now)\n",
			up->file, pos->line, pos->col, peer->endpoint_host, peer->endpoint_port,
			adit_lookup_error(r));
		return -EHOSTUNREACH;
	}
	return 0;
}

int up_resolve(const struct up *up, const struct adit_quickconf *conf, struct adit_path **ret)
{
	struct adit_path *paths = calloc(conf->peer_cnt + 1, sizeof(*paths));
	size_t i, wanted = 0, found = 0;

	if (!paths)
		return up_fail(up, "no memory");
	for (i = 0; i < conf->peer_cnt; i++) {
		if (!conf->peer[i].endpoint_host)
			continue;
		wanted++;
		found += resolve_one(up, &conf->peer[i], &paths[i]) == 0;
	}
	if (wanted && !found) {
		free(paths);
		up_fail(up, "no endpoint was found: nothing is changed (try again, or write an address)");
		return ADIT_EXIT_AGAIN;
	}
	*ret = paths;
	return 0;
}

/* --- DNS -------------------------------------------------------------------------- */

/* The words of all DNS lines: numbers are servers, names are domains. */
struct dns {
	struct adit_addr server[DNS_MAX];
	const char *domain[DNS_MAX];
	size_t server_cnt, domain_cnt;
	char *text[DNS_MAX]; /* the lines, cut into words */
	size_t text_cnt;
};

static bool looks_like_address(const char *word)
{
	return strchr(word, ':') || strspn(word, "0123456789.") == strlen(word);
}

static bool is_domain(const char *word)
{
	size_t len;

	word += *word == '~';
	len = strlen(word);
	return len && len < 254 &&
	       strspn(word, "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789-_.") == len;
}

static int take_word(struct dns *dns, const char *word)
{
	if (looks_like_address(word)) {
		if (dns->server_cnt == DNS_MAX || adit_addr_parse(&dns->server[dns->server_cnt], word))
			return -EINVAL;
		dns->server_cnt++;
		return 0;
	}
	if (dns->domain_cnt == DNS_MAX || !is_domain(word))
		return -EINVAL;
	dns->domain[dns->domain_cnt++] = word;
	return 0;
}

static int take_line(const struct up *up, struct dns *dns, const struct adit_quick_extra *line)
{
	char *text = dns->text_cnt < DNS_MAX ? strdup(line->value) : NULL, *save = NULL, *word;

	if (!text)
		return up_fail(up, "too many DNS lines");
	dns->text[dns->text_cnt++] = text;
	for (word = strtok_r(text, ", \t", &save); word; word = strtok_r(NULL, ", \t", &save)) {
		if (!take_word(dns, word))
			continue;
		fprintf(stderr, "%s:%u:%u: DNS: neither an address nor a domain: \"%.60s\"\n", up->file,
			line->pos.line, line->pos.col, word);
		return ADIT_EXIT_CONFIG;
	}
	return 0;
}

static int read_dns(const struct up *up, const struct adit_quickconf *conf, struct dns *ret)
{
	size_t i;
	int status = 0;

	memset(ret, 0, sizeof(*ret));
	for (i = 0; i < conf->extra_cnt && !status; i++)
		if (conf->extra[i].kind == ADIT_QUICK_DNS)
			status = take_line(up, ret, &conf->extra[i]);
	return status;
}

static void free_dns(struct dns *dns)
{
	while (dns->text_cnt)
		free(dns->text[--dns->text_cnt]);
}

/* --- plan ----------------------------------------------------------------------------- */

static struct adit_prefix *copy_prefixes(const struct adit_quick_prefixes *list, struct adit_prefix *to)
{
	size_t i;

	for (i = 0; i < list->cnt; i++)
		*to++ = list->item[i].prefix;
	return to;
}

/* Addresses, then what all peers are allowed, in one piece of memory. */
static struct adit_prefix *all_prefixes(const struct adit_quickconf *conf, size_t *allowed_cnt)
{
	struct adit_prefix *list, *end;
	size_t i, n = conf->addresses.cnt;

	for (i = 0; i < conf->peer_cnt; i++)
		n += conf->peer[i].allowed.cnt;
	list = calloc(n + 1, sizeof(*list));
	if (!list)
		return NULL;
	end = copy_prefixes(&conf->addresses, list);
	for (i = 0; i < conf->peer_cnt; i++)
		end = copy_prefixes(&conf->peer[i].allowed, end);
	*allowed_cnt = n - conf->addresses.cnt;
	return list;
}

static enum adit_netplan_table table_of(enum adit_quick_table table)
{
	switch (table) {
	case ADIT_QUICK_TABLE_OFF:
		return ADIT_NETPLAN_TABLE_OFF;
	case ADIT_QUICK_TABLE_NUMBER:
		return ADIT_NETPLAN_TABLE_NUMBER;
	case ADIT_QUICK_TABLE_AUTO:
		break;
	}
	return ADIT_NETPLAN_TABLE_AUTO;
}

int up_make_plan(const struct up *up, const struct adit_quickconf *conf, const struct adit_path *endpoints,
		 struct adit_plan *ret)
{
	struct adit_netplan in = { .ifname = up->name, .wg_quick = true, .mtu = conf->mtu };
	struct adit_prefix *prefixes = all_prefixes(conf, &in.allowed_cnt);
	struct dns dns;
	char err[256];
	int status = prefixes ? read_dns(up, conf, &dns) : up_fail(up, "no memory for a plan");

	if (!prefixes)
		return status;
	in.addresses = prefixes;
	in.address_cnt = conf->addresses.cnt;
	in.allowed = prefixes + conf->addresses.cnt;
	in.endpoints = endpoints;
	in.endpoint_cnt = conf->peer_cnt;
	in.table = table_of(conf->table);
	in.table_number = conf->table_number;
	in.mark = conf->fwmark;
	in.dns = dns.server;
	in.dns_cnt = dns.server_cnt;
	in.domains = dns.domain;
	in.domain_cnt = dns.domain_cnt;
	if (!status && adit_netplan_make(ret, &in, up->nl, err, sizeof(err)))
		status = up_fail(up, "%s", err);
	free_dns(&dns);
	free(prefixes);
	return status;
}
