/* SPDX-License-Identifier: ISC */
/*
 * dns_marked.h - resolv.conf as we write it: settings of links in force, and the
 * file before, whole, as comments:
 *
 *     # adit 0123456789abcdef: ...       a checksum of everything below this line
 *     #+ wg0 servers=10.0.0.1 domains=corp.example default=yes
 *     nameserver 10.0.0.1
 *     search corp.example
 *     #= a line of the file before
 *     #~ its last one, if it had no newline; "#!" alone: there was no file
 */
#ifndef ADIT_HOST_DNS_MARKED_H
#define ADIT_HOST_DNS_MARKED_H

#include "host/dns_backend.h"

struct adit_dns_marked {
	struct adit_dns *link;
	size_t link_cnt;
	char *old;     /* malloc'd */
	size_t old_len;
	bool had_old;  /* false: there was no file */
};

/* 0; -EBADMSG: not ours, or somebody changed it; -ENOMEM. Then *ret is untouched. */
int adit_dns_marked_read(struct adit_dns_marked *ret, const char *text, size_t len);
/* Malloc'd; NULL: no memory. */
char *adit_dns_marked_text(const struct adit_dns_marked *m, size_t *len);
void adit_dns_marked_free(struct adit_dns_marked *m);

struct adit_dns *adit_dns_marked_find(const struct adit_dns_marked *m, const char *ifname);
/* In place of what the link had. 0 or -ENOMEM. */
int adit_dns_marked_set(struct adit_dns_marked *m, const struct adit_dns *dns);
void adit_dns_marked_remove(struct adit_dns_marked *m, struct adit_dns *link);

#endif
