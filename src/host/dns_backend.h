/* SPDX-License-Identifier: ISC */
/* dns_backend.h - what dns.c and the ways to set DNS servers share */
#ifndef ADIT_HOST_DNS_BACKEND_H
#define ADIT_HOST_DNS_BACKEND_H

#include <stdbool.h>
#include <stddef.h>
#include <stdio.h>

#include "base/addr.h"
#include "host/plan.h"

#define ADIT_RESOLV_CONF     "/etc/resolv.conf"
#define ADIT_DNS_SERVERS_MAX 16
#define ADIT_DNS_DOMAINS_MAX 64
#define ADIT_DNS_NAME_LEN    256 /* with the NUL */

struct adit_dns_domain {
	char name[ADIT_DNS_NAME_LEN]; /* without "~" and a final dot; "." = the root */
	bool routed;                  /* "~": not searched in */
};

/* What one link wants, checked: nothing in it can break out of a line. */
struct adit_dns {
	char backend[16];
	char ifname[ADIT_IFNAME_LEN];
	struct adit_addr server[ADIT_DNS_SERVERS_MAX];
	size_t server_cnt; /* from 1 */
	struct adit_dns_domain domain[ADIT_DNS_DOMAINS_MAX];
	size_t domain_cnt;
	bool default_route;
};

/* Reads "[BACKEND] servers=... ..." of a link. 0 or -EINVAL and a sentence. */
int adit_dns_parse(struct adit_dns *ret, const char *ifname, const char *text, char *err, size_t err_len);
/* "servers=A,B domains=... default=yes", without the backend and a newline. */
void adit_dns_print(FILE *out, const struct adit_dns *dns);
/* "nameserver A\n..." and "search ...\n" of resolv.conf(5). */
void adit_dns_print_servers(FILE *out, const struct adit_dns *dns);
void adit_dns_print_search(FILE *out, const struct adit_dns *const *dns, size_t cnt);

/* One way; functions as in dns.h. */
struct adit_dns_ops {
	const char *name;
	int (*set)(const struct adit_dns *dns, char *err, size_t err_len);
	int (*unset)(const struct adit_dns *dns, char *err, size_t err_len);
	int (*intact)(const struct adit_dns *dns, char *err, size_t err_len);
	int (*leftovers)(bool (*keep)(void *user, const char *ifname), void *user, char *err, size_t err_len);
	/* Is it this machine's way? NULL, or why not. *why: why it is. */
	const char *(*unfit)(const char **why);
};
extern const struct adit_dns_ops adit_dns_resolved, adit_dns_resolvconf, adit_dns_file;

#endif
