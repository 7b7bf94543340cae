/* SPDX-License-Identifier: ISC */
/*
 * slab.h - memory for flow buffers, in three sizes, charged to a budget.
 *
 * Free slabs are kept for reuse and given back to the system bit by bit:
 * slab_pool_trim frees half of what was not needed since the last trim. What
 * lies free in the pool stays charged, but is freed when the budget would
 * refuse.
 *
 * DOC: when memory is short
 *
 * Large slabs are given out of the first half of the budget, medium ones out
 * of the first seven eighths. The last eighth is a reserve of small slabs, so
 * that every flow can make progress when others have taken the rest: there, a
 * queue takes a slab only if it holds none (slab_pool_scarce).
 *
 * For what is to be sent that begins an eighth earlier, and it never has more
 * than seven eighths itself. Else writers could take all there is, and as nobody
 * had room for what arrives, nothing that they sent would ever be acknowledged.
 * The last 32nd is for it and for notes alone. Readers who are slow hold the rest
 * for long, and who comes now could not even ask; but who reads at once needs no
 * more than notes for a moment, and where bytes cannot be stored, notes are not
 * kept either.
 *
 * Queues that hold something are counted in the budget, for fair shares.
 */
#ifndef ADIT_NETSTACK_SLAB_H
#define ADIT_NETSTACK_SLAB_H

#include <stdbool.h>
#include <stdint.h>

#include "base/budget.h"

/* NOTES is not for stream bytes: what a queue notes while it has something in it. */
enum slab_class { SLAB_SMALL, SLAB_MEDIUM, SLAB_LARGE, SLAB_NOTES, SLAB_CLASSES };

/* Room behind the header of a slab, headroom included. */
#define SLAB_SMALL_LEN  2048
#define SLAB_MEDIUM_LEN 16384
#define SLAB_LARGE_LEN  (65536 + 4096)
#define SLAB_NOTES_LEN  3648

struct slab {
	struct slab *next;   /* for its owner's list */
	uint32_t start, end; /* the owner's bytes: data[start, end) */
	uint32_t seq;        /* the owner's: stream position of data[start] */
	uint32_t cap;        /* bytes of data */
	uint8_t cls;         /* enum slab_class */
	bool to_send;        /* what it was taken for */
	_Alignas(64) uint8_t data[];
};

struct slab_pool {
	struct adit_budget *budget;
	size_t used; /* bytes charged by this pool, free ones included */
	struct slab *free[SLAB_CLASSES];
	unsigned free_cnt[SLAB_CLASSES];
	unsigned low[SLAB_CLASSES]; /* fewest free since the last trim */
};

void slab_pool_init(struct slab_pool *p, struct adit_budget *budget);
/* All slabs must have come back. */
void slab_pool_fini(struct slab_pool *p);
/* A slab with room for `want` bytes and 160 of headroom if there is one that
 * large, else the largest class; a smaller class where the budget is short;
 * NULL when nothing is left. start = end = 0. */
struct slab *slab_get(struct slab_pool *p, size_t want);
struct slab *slab_get_to_send(struct slab_pool *p, size_t want);
void slab_put(struct slab_pool *p, struct slab *s);
/* A slab of the class NOTES, or NULL. */
struct slab *slab_get_notes(struct slab_pool *p);
/* Only the reserve is left: take a slab only where nothing is held. */
bool slab_pool_scarce(const struct slab_pool *p);
bool slab_pool_scarce_to_send(const struct slab_pool *p);
/* What a slab is charged with. */
static inline uint32_t slab_size(const struct slab *s)
{
	return (uint32_t)sizeof(*s) + s->cap;
}
/* A queue takes a slab into its books (*memory, in bytes), or out of them. */
static inline void slab_book(const struct slab_pool *p, uint32_t *memory, const struct slab *s)
{
	p->budget->holders += *memory == 0;
	p->budget->held += slab_size(s);
	*memory += slab_size(s);
}
static inline void slab_unbook(const struct slab_pool *p, uint32_t *memory, const struct slab *s)
{
	*memory -= slab_size(s);
	p->budget->holders -= *memory == 0;
	p->budget->held -= slab_size(s);
}
/* Once a second while anything is free. Returns whether free ones are left. */
bool slab_pool_trim(struct slab_pool *p);

#endif
