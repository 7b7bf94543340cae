/* SPDX-License-Identifier: ISC */
/*
 * worker.h - one data thread's things: a queue of the inside, a pair of
 * sockets outside, buffers, and its turn. A turn knows neither descriptors
 * nor clocks, so tests drive it over memory with a virtual clock.
 */
#ifndef ADIT_TUNNEL_WORKER_H
#define ADIT_TUNNEL_WORKER_H

#include <stdatomic.h>
#include <stdbool.h>

#include "base/drop.h"
#include "pktio/gro.h"
#include "pktio/notes.h"
#include "pktio/outer.h"
#include "tunnel/core.h"
#include "tunnel/egress.h"
#include "tunnel/guest.h"
#include "tunnel/hold.h"
#include "tunnel/icmp.h"
#include "tunnel/tap.h"

/* A counter with one writer and readers elsewhere. */
typedef _Atomic uint64_t adit_counter;

static inline void adit_count(adit_counter *c, uint64_t n)
{
	atomic_store_explicit(c, atomic_load_explicit(c, memory_order_relaxed) + n, memory_order_relaxed);
}

/* What all workers of a tunnel share. */
struct adit_engine {
	const struct adit_core *core;
	void *state; /* the core's own; under the hold */
	struct adit_crypto *crypto; /* the core's; under the hold */
	struct adit_hold hold;
	struct adit_worker *sender; /* who makes the call into the core now; under the hold */
	_Atomic bool session; /* one began: the inside is told at the next turn */
	struct adit_icmp_limit icmp; /* under the hold */
	struct adit_notes notes;
	struct adit_taps taps;
	_Atomic unsigned mtu;
	bool strict;
};

/* Small messages the core sent, kept until the hold is released. Equal ones
 * for one path that follow each other share a train. */
#define ADIT_OUTBOX_CNT 64
#define ADIT_OUTBOX_LEN 192 /* of a message, at most */
struct adit_outbox {
	unsigned cnt;
	size_t used;
	struct adit_train train[ADIT_OUTBOX_CNT];
	uint8_t wire[ADIT_OUTBOX_CNT * ADIT_OUTBOX_LEN];
};

struct adit_worker_counters {
	adit_counter drops[ADIT_DROP_CNT]; /* drops the tunnel itself made */
	adit_counter rx_bytes, tx_bytes, rx_datagrams, tx_datagrams, rx_calls, tx_calls;
	adit_counter tun_reads, tun_writes, packets;
};

enum adit_ready {
	ADIT_READY_INNER = 1,
	ADIT_READY_OUTER4 = 2,
	ADIT_READY_OUTER6 = 4,
	ADIT_READY_GUEST = 64, /* 8 to 32: tunnel_internal.h */
};

struct adit_worker {
	struct adit_engine *engine;
	struct adit_inner *inner;
	struct adit_outer *outer;
	struct adit_guest *guest; /* or NULL */
	struct adit_crypto *crypto;
	struct adit_gro gro;
	struct adit_egress egress;
	/*
	 * What sealing, opening and handshakes leave of keys in the libraries and
	 * on the stack is wiped a second after it came there, and at once when
	 * control has changed something: it must not outlive a retired key.
	 */
	_Atomic bool used_keys, forget_now;
	adit_time used_since;
	struct adit_outbox *outbox;
	struct adit_train in; /* the train being received */
	struct adit_worker_counters n;
};

int adit_worker_init(struct adit_worker *w, struct adit_engine *engine, struct adit_inner *inner,
		     struct adit_outer *outer, struct adit_crypto *crypto);
void adit_worker_fini(struct adit_worker *w);

/*
 * One turn over the ends named in `ready` (enum adit_ready): receive, read and
 * send, then handshakes and timers. Returns what was done: 0 = nothing, so the
 * caller may sleep until adit_worker_deadline; -EBADFD when the inside is gone.
 */
int adit_worker_turn(struct adit_worker *w, unsigned ready, adit_time now);
/* When the next turn is due although nothing comes: keys are to be wiped. */
adit_time adit_worker_forget_at(const struct adit_worker *w);
/* Wipes them now; also for a thread's end. */
void adit_worker_forget(struct adit_worker *w);

/* For its parts: */
void adit_worker_drop(struct adit_worker *w, enum adit_drop drop, unsigned cnt);
/* Hands trains to the outside and counts. */
void adit_worker_send(struct adit_worker *w, struct adit_train *const *trains, unsigned cnt);
int adit_ingress_turn(struct adit_worker *w, enum adit_outer_side side, adit_time now);

static inline void adit_worker_hold(struct adit_worker *w)
{
	adit_hold_data(&w->engine->hold);
	w->engine->sender = w;
}

/* Sends what the core left in the outbox meanwhile. */
void adit_worker_release(struct adit_worker *w);

#endif
