/* SPDX-License-Identifier: ISC */
/*
 * counts.h - v1: how many packets each key has sealed, in a file that outlives
 * us. What is stored is always ahead of what has been sealed, by a block, so that
 * a crash never lets a key seal more than it may.
 */
#ifndef ADIT_STATICTUN_COUNTS_H
#define ADIT_STATICTUN_COUNTS_H

#include <limits.h>

#include "base/map.h"
#include "crypto/crypto.h"

#define STATICTUN_STATE_DIR "/var/lib/adit"

struct statictun_count;

struct statictun_counts {
	char path[PATH_MAX];
	int lock_fd; /* -1: not open */
	struct adit_map by_key;
	struct statictun_count *first, **tail;
	uint8_t zero[16];
};

/*
 * Of a private key, named by its public half. Makes dir; takes a lock, since two
 * programs that count one key would each count half. 0, or -errno with a
 * sentence in err (-EBUSY; -EBADMSG: the file says nothing that can be trusted).
 */
int statictun_counts_open(struct statictun_counts *c, const char *dir, const uint8_t own[ADIT_KEY_LEN], char *err,
			  size_t err_len);
void statictun_counts_close(struct statictun_counts *c);
/* Of a peer's key; 0 when it is new. */
uint64_t statictun_counts_get(const struct statictun_counts *c, const uint8_t peer[ADIT_KEY_LEN]);
/* 0 or -ENOMEM. On disk after _store. */
int statictun_counts_set(struct statictun_counts *c, const uint8_t peer[ADIT_KEY_LEN], uint64_t count);
/* The whole file at once: written aside, synced, renamed, the folder synced. 0 or -errno. */
int statictun_counts_store(struct statictun_counts *c);

#endif
