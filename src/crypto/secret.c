/* SPDX-License-Identifier: ISC */
/*
 * secret.c - memory for keys: locked, not in core dumps, not in children
 *
 * DOC: chunks
 *
 * A chunk is one mapping, 64 KiB at first and up to 1 MiB, that holds blocks of
 * one size behind a header. It starts at a multiple of 1 MiB, so the chunk of a
 * block is found by masking. Chunks with room stand in a list of their size; a
 * full one stands in none, and an empty one is unmapped unless it is the only
 * one with room. Free blocks are all zero but for the link to the next one.
 *
 * Where locking is not allowed (RLIMIT_MEMLOCK) the memory is used all the same
 * and adit_secret_stats says so. A forked child does not have these pages:
 * programs fork before they have secrets.
 */
#include "crypto/crypto.h"

#include <assert.h>
#include <errno.h>
#include <pthread.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/resource.h>

#include "base/list.h"

#define BLOCK_MIN 64u
#define BLOCK_MAX 1024u
#define CLASSES   5
#define CHUNK_MIN (64u << 10)
#define CHUNK_MAX (1u << 20)
#define HEAD_LEN  128u

struct chunk {
	struct adit_list link; /* among the chunks of this size that have room, or self-linked */
	uint32_t len, block;   /* bytes of the mapping, of a block */
	uint32_t used, fresh;  /* blocks in use; offset of the first never used */
	void *free;            /* freed blocks, linked by their first word */
	bool locked;
};
_Static_assert(sizeof(struct chunk) <= HEAD_LEN, "the header has its place in front of the blocks");

static pthread_mutex_t mutex = PTHREAD_MUTEX_INITIALIZER;
static struct class {
	struct adit_list room;
	uint32_t next_len;
} classes[CLASSES];
static struct adit_secret_stats stats;
static bool ready;

static void raise_limit(void)
{
	struct rlimit lim = { RLIM_INFINITY, RLIM_INFINITY };

	if (!setrlimit(RLIMIT_MEMLOCK, &lim) || getrlimit(RLIMIT_MEMLOCK, &lim))
		return;
	lim.rlim_cur = lim.rlim_max;
	setrlimit(RLIMIT_MEMLOCK, &lim);
}

static void init(void)
{
	for (int i = 0; i < CLASSES; i++) {
		adit_list_init(&classes[i].room);
		classes[i].next_len = CHUNK_MIN;
	}
	raise_limit();
	ready = true;
}

static unsigned class_of(size_t len)
{
	unsigned i = 0;

	assert(len <= BLOCK_MAX);
	while (BLOCK_MIN << i < len)
		i++;
	return i;
}

/* --- chunks ------------------------------------------------------------------ */

static void *map_aligned(size_t len)
{
	const int prot = PROT_READ | PROT_WRITE, flags = MAP_PRIVATE | MAP_ANONYMOUS;
	uint8_t *p = mmap(NULL, len + CHUNK_MAX, prot, flags, -1, 0), *start;
	size_t before;

	if (p == MAP_FAILED)
		return NULL;
	before = -(uintptr_t)p & (CHUNK_MAX - 1);
	start = p + before;
	if (before)
		munmap(p, before);
	if (CHUNK_MAX - before)
		munmap(start + len, CHUNK_MAX - before);
	return start;
}

/* On-fault locking makes pages resident when used, not all at once. */
static bool lock(void *p, size_t len)
{
#ifdef MLOCK_ONFAULT
	if (!mlock2(p, len, MLOCK_ONFAULT))
		return true;
	if (errno != ENOSYS && errno != EINVAL)
		return false;
#endif
	return !mlock(p, len);
}

static struct chunk *chunk_new(struct class *class, uint32_t block)
{
	uint32_t len = class->next_len;
	struct chunk *c = map_aligned(len);

	if (!c)
		return NULL;
#ifdef MADV_DONTDUMP
	madvise(c, len, MADV_DONTDUMP);
#endif
#ifdef MADV_DONTFORK
	madvise(c, len, MADV_DONTFORK);
#endif
	if (lock(c, len)) {
		c->locked = true;
		stats.locked_bytes += len;
	} else if (!stats.lock_errno) {
		stats.lock_errno = errno;
	}
	stats.bytes += len;
	if (len < CHUNK_MAX)
		class->next_len = 2 * len;
	c->len = len;
	c->block = block;
	c->fresh = block > HEAD_LEN ? block : HEAD_LEN;
	adit_list_add_tail(&class->room, &c->link);
	return c;
}

static void chunk_free(struct chunk *c)
{
	adit_list_del(&c->link);
	stats.bytes -= c->len;
	if (c->locked)
		stats.locked_bytes -= c->len;
	munmap(c, c->len); /* unlocks too */
}

static bool has_room(const struct chunk *c)
{
	return c->free || c->fresh + c->block <= c->len;
}

static void *take(struct chunk *c)
{
	void *p = c->free;

	if (p) {
		memcpy(&c->free, p, sizeof(c->free));
		memset(p, 0, sizeof(c->free));
	} else {
		p = (uint8_t *)c + c->fresh;
		c->fresh += c->block;
	}
	c->used++;
	if (!has_room(c))
		adit_list_del(&c->link);
	return p;
}

static void give_back(struct class *class, struct chunk *c, void *p)
{
	bool was_full = !has_room(c);

	memcpy(p, &c->free, sizeof(c->free));
	c->free = p;
	c->used--;
	if (was_full)
		adit_list_add_tail(&class->room, &c->link);
	if (!c->used && class->room.next != class->room.prev)
		chunk_free(c);
}

/* --- blocks ------------------------------------------------------------------ */

void *adit_secret_alloc(size_t len)
{
	unsigned i = class_of(len);
	struct class *class = &classes[i];
	struct chunk *c;
	void *p = NULL;

	pthread_mutex_lock(&mutex);
	if (!ready)
		init();
	if (!adit_list_empty(&class->room))
		c = adit_container_of(class->room.next, struct chunk, link);
	else
		c = chunk_new(class, BLOCK_MIN << i);
	if (c)
		p = take(c);
	pthread_mutex_unlock(&mutex);
	return p;
}

void adit_secret_free(void *p, size_t len)
{
	unsigned i = class_of(len);
	struct chunk *c;

	if (!p)
		return;
	c = (struct chunk *)((uintptr_t)p & ~(uintptr_t)(CHUNK_MAX - 1));
	assert(c->block == BLOCK_MIN << i); /* freed with the length it was made with */
	adit_wipe(p, c->block);
	pthread_mutex_lock(&mutex);
	give_back(&classes[i], c, p);
	pthread_mutex_unlock(&mutex);
}

void adit_secret_stats(struct adit_secret_stats *ret)
{
	pthread_mutex_lock(&mutex);
	*ret = stats;
	pthread_mutex_unlock(&mutex);
}
