/* SPDX-License-Identifier: ISC */
/*
 * world.h - nodes, a bad network between them and a virtual clock, all from
 * one 64-bit seed.
 *
 * A node is a core with its driver. Datagrams travel through one queue of
 * events. Everything that leaves a node passes wire_sent() and everything
 * that is delivered inside passes flow_delivered(): there the invariants are
 * checked. A broken one ends the run (sim_fail) with the seed.
 */
#ifndef ADIT_TESTS_SIM_WORLD_H
#define ADIT_TESTS_SIM_WORLD_H

#include <setjmp.h>
#include <stdbool.h>

#include "base/bytes.h"
#include "drive.h"
#include "static/static.h"
#include "table.h"
#include "wg/wg.h"

#define WORK_ALL 10000

#define TYPE_INITIATION 1
#define TYPE_RESPONSE   2
#define TYPE_COOKIE     3
#define TYPE_DATA       4

struct link_quality {
	unsigned loss, dup, reorder, corrupt, truncate, ce; /* per mille */
	adit_time delay;  /* one way */
	adit_time jitter; /* a reordered datagram comes up to this much later */
	size_t mtu;       /* larger datagrams vanish; 0 = no limit */
	bool down;
};

struct node {
	struct world *w;
	unsigned id;
	struct adit_wg *wg;     /* the one or the other; both NULL: switched off */
	struct adit_static *st;
	struct drive d;
	struct rng rng;
	uint8_t priv[ADIT_KEY_LEN], pub[ADIT_KEY_LEN];
	struct adit_path at[2]; /* own addresses, IPv4 and IPv6, as a remote sees them */
	struct adit_path home[2]; /* the first ones */
	int64_t wall_step;      /* seconds the wall clock is off */
	int64_t wall_top;       /* the most it ever was */
	adit_time clock_step;   /* its clock is off the world's */
	int work_max;           /* handshakes worked off a millisecond, or WORK_ALL at once */
	bool asleep;            /* suspended: hears nothing, and no timer fires */
	adit_time deadline, finish_at, work_at, work_next;
	uint64_t sent[5], sent_bytes; /* datagrams by message type */
	uint64_t events[16];          /* by enum adit_wg_event, or adit_static_event */
	uint64_t hellos, answers;     /* static: that came in, that went out */
	unsigned delivered;           /* packets, inside */
};

struct datagram {
	struct adit_path from, to;
	adit_time at; /* sent */
	unsigned len;
	uint8_t tos;
	bool intact;
	uint8_t bytes[];
};

/* Packets one node sent to another inside the tunnel. */
struct flow {
	unsigned from, to;
	unsigned cnt, cap, delivered;
	unsigned order; /* 1 + the last one delivered */
	struct flow_item {
		adit_time at;
		uint16_t len;
		uint8_t tos;
		bool arrived, forbidden; /* forbidden: must never arrive */
	} *items;
};

struct world {
	const char *name;
	uint64_t seed;
	struct rng rng;
	adit_time now;
	bool trace, interleave;
	bool ordered;    /* the link keeps order: check it per flow */
	bool coalesce;   /* neighbours of equal length arrive as one buffer */
	struct link_quality link;
	struct node *nodes;
	unsigned node_cnt;
	struct adit_crypto *crypto;
	const struct adit_core *face; /* what kind of core the nodes have: adit_core_wg unless a story says otherwise */
	bool roaming;                 /* static: as the nodes are started with */
	adit_time timeout;

	struct event *heap;
	size_t heap_cnt, heap_cap;
	uint64_t event_order;

	struct flow **flows;
	size_t flow_cnt, flow_cap;
	struct table flow_index;

	/* what was seen on the wire: see wire.c */
	struct table nonces, births, confirmed, opened_at, initiations;
	struct table static_own, static_unconfirmed, static_hello; /* see static_wire.c */
	adit_time last_sent; /* any datagram */

	bool capture;
	struct datagram **captured;
	size_t captured_cnt, captured_cap;

	/* answers to addresses nobody has */
	uint64_t stray_cnt, stray_bytes, stray_type[5];

	jmp_buf failed;
	char message[512];
};

_Noreturn void sim_fail(struct world *w, const char *fmt, ...) __attribute__((format(printf, 2, 3)));
void sim_trace(struct world *w, const char *fmt, ...) __attribute__((format(printf, 2, 3)));
#define EXPECT(w, cond) ((cond) ? (void)0 : sim_fail(w, "%s:%d: expected: %s", __FILE__, __LINE__, #cond))
#define EXPECT_INT(w, got, op, want)                                                                       \
	do {                                                                                               \
		long long got_ = (long long)(got), want_ = (long long)(want);                              \
		if (!(got_ op want_))                                                                      \
			sim_fail(w, "%s:%d: %s is %lld, expected %s %lld", __FILE__, __LINE__, #got, got_, #op, want_); \
	} while (0)

/* world.c */
void world_init(struct world *w, const char *name, uint64_t seed, bool trace);
void world_nodes(struct world *w, unsigned cnt);
void world_fini(struct world *w);
/* Time goes on to now + t; everything due on the way happens. */
void world_run(struct world *w, adit_time t);
/* A datagram arrives at a node as if from anywhere; now, or at a time. */
void world_inject(struct world *w, unsigned to, const struct adit_path *from, const void *bytes, size_t len,
		  adit_time at);
/* Sends a captured datagram again to whom it was for, from `from` (NULL: its own source); flips bits if asked. */
void world_replay(struct world *w, const struct datagram *d, const struct adit_path *from, unsigned flips,
		  adit_time at);
/* An address nobody has: ADIT_PATH_UDP4 or _UDP6. */
struct adit_path world_attacker(struct world *w, uint8_t kind);

/* What a node's driver calls: a datagram leaves; a packet is delivered. user: the node. */
void world_emit(void *user, const struct adit_path *path, const uint8_t *buf, size_t len, uint8_t tos);
void world_deliver(void *user, const uint8_t *packet, size_t len, uint8_t outer_tos);

/* node.c */
void node_start(struct node *n);
void node_stop(struct node *n);
/* Call after any change to a node's core. */
void node_touch(struct node *n);
void node_drive(struct node *n, void *core);
struct adit_wg_peer *node_peer(struct node *n, unsigned other); /* NULL when not configured */
/* Adds the other as a peer with its prefixes, and its endpoint if asked. */
void node_add(struct node *n, unsigned other, bool endpoint);
void node_remove(struct node *n, unsigned other);
void node_endpoint(struct node *n, unsigned other, int family6);
void node_psk(struct node *n, unsigned other, uint64_t psk);
void node_roam(struct node *n); /* new addresses */
void node_rekey(struct node *n); /* a new private key, here and in every node that has this peer */
void node_info(struct node *n, unsigned other, struct adit_wg_peer_info *ret);
uint64_t node_drops(struct node *n, enum adit_drop drop);
uint64_t node_drops_all(struct node *n);
void world_pair(struct world *w, unsigned a, unsigned b); /* each other's peers, with endpoints */
unsigned world_owner(struct world *w, const struct adit_path *at); /* node, or UINT_MAX */

/* The same of the static tunnel (static_node.c). */
bool world_is_static(const struct world *w);
void static_node_start(struct node *n);
void static_node_stop(struct node *n);
struct adit_static_peer *static_node_peer(struct node *n, unsigned other);
/* All of them each other's peers, at their addresses of the family. */
void static_world(struct world *w, const struct adit_core *face, unsigned cnt, bool roaming, adit_time timeout);
struct adit_static_peer_info static_node_info(struct node *n, unsigned other);
uint64_t static_node_drops(struct node *n, enum adit_drop drop);

/* flow.c */
struct flow *flow_get(struct world *w, unsigned from, unsigned to);
/* Sends cnt packets of the given plain length (0: random ones). Returns the number of the first. */
unsigned flow_send(struct world *w, unsigned from, unsigned to, unsigned cnt, size_t len);
unsigned flow_send_tos(struct world *w, unsigned from, unsigned to, unsigned cnt, size_t len, uint8_t tos);
/* A packet whose source is another node's address: must not arrive. */
void flow_spoof(struct world *w, unsigned from, unsigned to, unsigned as);
void flow_delivered(struct node *n, const uint8_t *packet, size_t len, uint8_t outer_tos);
/* How many packets sent at or after `since` have not arrived. */
unsigned flow_missing(struct world *w, unsigned from, unsigned to, adit_time since);
void node_prefix(unsigned id, bool v6, struct adit_prefix *ret);

/* wire.c */
void wire_sent(struct node *n, const struct adit_path *path, const uint8_t *buf, size_t len, uint8_t tos);
void wire_arrived(struct node *n, const struct datagram *d);
void wire_opened(struct node *n, uint32_t index);
void wire_forget_initiations(struct world *w, unsigned node);
void wire_fini(struct world *w);
/* static_wire.c */
void static_wire_sent(struct node *n, const struct adit_path *path, const uint8_t *buf, size_t len, uint8_t tos);
void static_wire_arrived(struct node *n, const struct datagram *d);
void static_wire_opened(struct node *n, const uint8_t *head);
void static_wire_forget(struct node *n);	/* its next life */
void static_wire_forget_hellos(struct node *n); /* its clock jumps, and with it the limit of a hello a second */
void wire_mac1(struct world *w, uint8_t *msg, size_t len, const uint8_t pub[ADIT_KEY_LEN]);

struct scenario {
	const char *name;
	void (*run)(struct world *w);
	unsigned seeds; /* in `make test` */
};
extern const struct scenario scenarios[];
extern const size_t scenario_cnt;
void scenario_random(struct world *w);
void scenario_static_random(struct world *w);

static inline bool node_on(const struct node *n)
{
	return n->wg || n->st;
}

static inline adit_time node_now(const struct node *n)
{
	return n->w->now + n->clock_step;
}

#endif
