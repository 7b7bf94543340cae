/* SPDX-License-Identifier: ISC */
/*
 * dns.h - which resolver this machine's programs ask
 *
 * DOC: three ways, and no war
 *
 * resolved    systemd-resolved is told over D-Bus which servers belong to the link;
 *             it forgets them with the link.
 * resolvconf  a record of ours, "tun.IFNAME", is given to resolvconf or openresolv,
 *             which merges all records.
 * file        /etc/resolv.conf, or what it is a symlink to, is written by ourselves.
 *             The file before stands in ours, as comments, below a first line with a
 *             checksum; so there is one file only, the old one or ours, whenever a
 *             process is killed, and whoever finds it can put the old one back.
 *
 * A file that somebody else has written meanwhile is theirs: it is neither written
 * again nor replaced by an old one, only reported (-ESTALE).
 *
 * A step's text (ADIT_STEP_DNS) is
 *     BACKEND servers=A,B domains=corp.example,~routed.example default=yes|no
 * "~" marks a domain whose names are asked there without being searched in. default:
 * names of all other domains are asked there, too. Only resolved can tell domains
 * apart; elsewhere with default=no the servers from before follow ours.
 */
#ifndef ADIT_HOST_DNS_H
#define ADIT_HOST_DNS_H

#include <stdbool.h>
#include <stddef.h>

#include "host/plan.h"

/* The way to go on this machine now: "resolved", "resolvconf", "file" or "none". */
const char *adit_dns_backend(void);
/* Why that one, in a sentence. */
const char *adit_dns_backend_why(void);

/* All below: 0, or -errno and one sentence in err. Blocking, a few seconds at most.
 * The link must be there. */

/* Sets what the step says, in place of what it said before of this link. On failure nothing is changed. */
int adit_dns_set(const struct adit_step *step, char *err, size_t err_len);
/* 0 also when nothing of it is left. -ESTALE: somebody else has written resolv.conf; it is
 * left alone, and nothing remains to be undone. */
int adit_dns_unset(const struct adit_step *step, char *err, size_t err_len);
/* Is it still in force? 1; 0: it was lost and may be set again (resolved was started
 * anew); -ESTALE: somebody else has written it, do not fight; -errno: cannot tell now.
 * err says what was found. Cheap enough for every few seconds. */
int adit_dns_intact(const struct adit_step *step, char *err, size_t err_len);
/* A descriptor that becomes readable when somebody writes resolv.conf (inotify; read it
 * empty, then ask adit_dns_intact), or -errno. */
int adit_dns_watch(void);

/*
 * Undoes what is there without a journal: the records of all links but those that
 * `keep` knows (NULL: keep none). 1: something was undone, 0: there was nothing, or
 * -errno. For adit cleanup.
 */
int adit_dns_leftovers(bool (*keep)(void *user, const char *ifname), void *user, char *err, size_t err_len);

#endif
