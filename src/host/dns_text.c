/* SPDX-License-Identifier: ISC */
/* dns_text.c - a link's DNS settings as words, and as lines of resolv.conf */
#include "host/dns_backend.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

static int problem(char *err, size_t err_len, const char *what, const char *text)
{
	snprintf(err, err_len, "DNS settings: %s: \"%.100s\"", what, text);
	return -EINVAL;
}

static bool name_valid(const char *name)
{
	size_t len = strlen(name), label = 0, i;

	if (!strcmp(name, "."))
		return true;
	if (!len || len > 253)
		return false;
	for (i = 0; i < len; i++) {
		if (name[i] == '.' ? !label : !strchr("ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_",
						      name[i]))
			return false;
		label = name[i] == '.' ? 0 : label + 1;
		if (label > 63)
			return false;
	}
	return true;
}

static int add_server(struct adit_dns *dns, const char *word)
{
	if (dns->server_cnt == ADIT_DNS_SERVERS_MAX)
		return -E2BIG;
	return adit_addr_parse(&dns->server[dns->server_cnt], word) ? -EINVAL : (dns->server_cnt++, 0);
}

static int add_domain(struct adit_dns *dns, const char *word)
{
	struct adit_dns_domain *domain = &dns->domain[dns->domain_cnt];
	bool routed = *word == '~';
	size_t len;

	if (dns->domain_cnt == ADIT_DNS_DOMAINS_MAX)
		return -E2BIG;
	word += routed;
	if (!name_valid(word) || (!routed && !strcmp(word, ".")))
		return -EINVAL;
	len = strlen(word);
	if (len > 1 && word[len - 1] == '.')
		len--;
	snprintf(domain->name, sizeof(domain->name), "%.*s", (int)len, word);
	domain->routed = routed;
	dns->domain_cnt++;
	return 0;
}

static int each_of_list(struct adit_dns *dns, char *list, int (*add)(struct adit_dns *dns, const char *word), char *err,
			size_t err_len)
{
	char *save = NULL, *word;
	int r;

	for (word = strtok_r(list, ",", &save); word; word = strtok_r(NULL, ",", &save)) {
		r = add(dns, word);
		if (r == -E2BIG)
			return problem(err, err_len, "too many", word);
		if (r)
			return problem(err, err_len,
				       add == add_server ? "not an address" : "not the name of a domain", word);
	}
	return 0;
}

static int parse_word(struct adit_dns *dns, char *word, char *err, size_t err_len)
{
	char *value = strchr(word, '=');

	if (!value) {
		snprintf(dns->backend, sizeof(dns->backend), "%s", word);
		return 0;
	}
	*value++ = '\0';
	if (!strcmp(word, "servers"))
		return each_of_list(dns, value, add_server, err, err_len);
	if (!strcmp(word, "domains"))
		return each_of_list(dns, value, add_domain, err, err_len);
	if (strcmp(word, "default") || (strcmp(value, "yes") && strcmp(value, "no")))
		return problem(err, err_len, "unknown word", word);
	dns->default_route = !strcmp(value, "yes");
	return 0;
}

int adit_dns_parse(struct adit_dns *ret, const char *ifname, const char *text, char *err, size_t err_len)
{
	char *copy = strdup(text ? text : ""), *save = NULL, *word;
	int r = 0;

	if (!copy) {
		snprintf(err, err_len, "out of memory");
		return -ENOMEM;
	}
	memset(ret, 0, sizeof(*ret));
	snprintf(ret->ifname, sizeof(ret->ifname), "%s", ifname);
	for (word = strtok_r(copy, " ", &save); word && !r; word = strtok_r(NULL, " ", &save))
		r = parse_word(ret, word, err, err_len);
	free(copy);
	if (!r && !ret->server_cnt)
		r = problem(err, err_len, "no server", text ? text : "");
	return r;
}

void adit_dns_print(FILE *out, const struct adit_dns *dns)
{
	char addr[ADIT_ADDR_STRLEN];
	size_t i;

	fputs("servers=", out);
	for (i = 0; i < dns->server_cnt; i++)
		fprintf(out, "%s%s", i ? "," : "", adit_addr_format(&dns->server[i], addr));
	for (i = 0; i < dns->domain_cnt; i++)
		fprintf(out, "%s%s%s", i ? "," : " domains=", dns->domain[i].routed ? "~" : "", dns->domain[i].name);
	fprintf(out, " default=%s", dns->default_route ? "yes" : "no");
}

void adit_dns_print_servers(FILE *out, const struct adit_dns *dns)
{
	char addr[ADIT_ADDR_STRLEN];
	size_t i;

	for (i = 0; i < dns->server_cnt; i++)
		fprintf(out, "nameserver %s\n", adit_addr_format(&dns->server[i], addr));
}

/* One line: resolvers take only the last. */
void adit_dns_print_search(FILE *out, const struct adit_dns *const *dns, size_t cnt)
{
	bool any = false;
	size_t i, k;

	for (i = 0; i < cnt; i++) {
		for (k = 0; k < dns[i]->domain_cnt; k++) {
			if (dns[i]->domain[k].routed)
				continue;
			fprintf(out, "%s%s", any ? " " : "search ", dns[i]->domain[k].name);
			any = true;
		}
	}
	if (any)
		fputc('\n', out);
}
