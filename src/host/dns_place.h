/* SPDX-License-Identifier: ISC */
/*
 * dns_place.h - the file that /etc/resolv.conf opens to: read whole, put whole
 *
 * It is replaced by rename where that is possible. Where it is a mount point, as in
 * containers, or where its folder may not be written, it is written in place, in an
 * order that a killed process leaves something that can be told apart.
 */
#ifndef ADIT_HOST_DNS_PLACE_H
#define ADIT_HOST_DNS_PLACE_H

#include <limits.h>
#include <stdbool.h>
#include <stddef.h>
#include <sys/types.h>

struct adit_dns_place {
	char path[PATH_MAX]; /* no symlink */
	bool there;
	char *text; /* malloc'd */
	size_t len;
	bool cut;   /* a killed process has put `text` there, and not yet taken the rest away */
	mode_t mode;
	uid_t owner;
	gid_t group;
	int lock_fd; /* of its folder */
};

/* Takes the folder's lock, a few seconds at most. 0 or -errno and a sentence. */
int adit_dns_place_open(struct adit_dns_place *p, char *err, size_t err_len);
void adit_dns_place_close(struct adit_dns_place *p);
/* The whole new content, or nothing is changed. */
int adit_dns_place_put(struct adit_dns_place *p, const char *text, size_t len, char *err, size_t err_len);
int adit_dns_place_remove(struct adit_dns_place *p, char *err, size_t err_len);

#endif
