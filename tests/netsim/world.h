/* SPDX-License-Identifier: ISC */
/*
 * world.h - hosts (struct adit_netstack) joined by bad links, one virtual
 * clock, one seed. A host can be a puppet instead: no stack, the test writes
 * and reads its packets (puppet.h).
 *
 *   host 0  10.0.0.1 fd00::1 ---- link[0][1], link[1][0] ---- host 1  10.0.0.2 fd00::2 ...
 */
#ifndef ADIT_TESTS_NETSIM_WORLD_H
#define ADIT_TESTS_NETSIM_WORLD_H

#include <inttypes.h>
#include <setjmp.h>
#include <stdio.h>

#include "../sim/rng.h"
#include "netstack/netstack.h"

#define HOSTS_MAX  3
#define PACKET_MAX 65600

struct packet {
	adit_time at;   /* arrives */
	uint64_t order; /* of two at the same moment */
	struct packet *next;
	unsigned to;
	uint32_t len;
	uint8_t data[];
};

/* What a link does to packets of one direction. */
struct link {
	adit_time delay;
	uint64_t rate;   /* bit/s; 0 = any */
	uint32_t queue;  /* bytes that may wait in front of it; 0 = 1 MB */
	unsigned loss, burst, reorder, dup, corrupt; /* chances in a million; burst: that a run of losses begins */
	adit_time burst_len; /* of a run, at most */
	adit_time reorder_by; /* how much later; 0 = 2 ms */
	uint32_t mtu;    /* larger ones are dropped; 0 = any */
	bool icmp;       /* ... and the sender told */
	uint32_t ce;     /* bytes waiting above which ECN-capable packets are marked; 0 = never */
	bool down;
	unsigned drop_data; /* the next so many TCP segments with payload are lost */
	bool (*drop)(struct link *l, const uint8_t *ip, uint32_t len); /* the test's own mind */
	unsigned note;      /* its memory */

	/* facts */
	adit_time free_at;
	adit_time burst_end;
	uint64_t packets, bytes, dropped, dropped_payload, dup_payload, reordered, marked;
};

struct host {
	struct world *w;
	unsigned id;
	struct adit_netstack *ns; /* NULL: a puppet */
	struct packet *got, **got_end; /* a puppet's, not looked at */
	struct packet *batch, **batch_end;
	bool merge;     /* arriving segments are merged, as offloads do */
	unsigned steps;
	uint64_t merged;
	uint64_t outs, sent; /* pieces that the stack gave out, and packets in them */
};

struct world {
	const char *name;
	uint64_t seed;
	struct rng rng;
	bool trace;
	adit_time now;
	struct adit_budget budget;
	struct host host[HOSTS_MAX];
	unsigned hosts;
	struct link link[HOSTS_MAX][HOSTS_MAX];
	struct packet **heap;
	size_t heap_cnt, heap_size;
	uint64_t order;
	unsigned check_every; /* steps between two ns_check; 0 = 1 */
	void (*event)(struct world *w, struct host *h, struct adit_sock *s, unsigned what);
	void (*filter)(struct world *w, unsigned from, uint8_t *ip, uint32_t len); /* sees all that is sent */
	struct stream *streams;
	struct watch *watch; /* watch.h */
	void *user;          /* the scenario's */
	unsigned steps;
	jmp_buf failed;
	char message[300];
};

#define FAIL(w, ...) world_fail(w, __FILE__, __LINE__, __VA_ARGS__)
#define EXPECT(w, cond)                            \
	do {                                       \
		if (!(cond))                       \
			FAIL(w, "expected: %s", #cond); \
	} while (0)
#define EXPECT_INT(w, a, op, b)                                                                            \
	do {                                                                                               \
		long long a_ = (long long)(a), b_ = (long long)(b);                                        \
		if (!(a_ op b_))                                                                           \
			FAIL(w, "expected: %s %s %s, but %lld and %lld", #a, #op, #b, a_, b_);             \
	} while (0)

_Noreturn void world_fail(struct world *w, const char *file, int line, const char *format, ...)
	__attribute__((format(printf, 4, 5)));
void world_trace(struct world *w, const char *format, ...) __attribute__((format(printf, 2, 3)));

void world_init(struct world *w, const char *name, uint64_t seed, bool trace);
void world_fini(struct world *w);
/* cfg NULL: the usual one, half of them with trusted checksums. The budget is the world's unless one is named. */
struct host *world_host(struct world *w, const struct adit_netstack_config *cfg);
struct host *world_puppet(struct world *w);
/* Its program ends and begins anew: nothing is known of what was before. */
void host_restart(struct host *h, const struct adit_netstack_config *cfg);
/* Both directions the same. */
void world_link(struct world *w, const struct link *both);
struct adit_endpoint world_endpoint(unsigned host, unsigned family, uint16_t port);

/* After the test called into a host's stack: pulls events and packets until there are none. */
void host_pump(struct host *h);
/* Lets time pass. */
void world_run(struct world *w, adit_time time);
/* ... until done says so; false when it did not in time. */
bool world_run_until(struct world *w, bool (*done)(struct world *w), adit_time limit);
struct adit_netstack_stats host_stats(const struct host *h);

/* wire.c: from a host onto its link; the packet is copied */
void wire_send(struct world *w, unsigned from, uint8_t *ip, uint32_t len);
/* Straight to a host, past every link. */
struct packet *wire_deliver(struct world *w, unsigned to, const uint8_t *ip, uint32_t len, adit_time at);
struct packet *wire_next(struct world *w, adit_time until);
void wire_clear(struct world *w);

/* merge.c: hands a batch of packets to a stack, merged where they can be */
void merge_in(struct host *h, struct packet *batch);

/* For what is on the wire. */
struct tcp_view {
	uint32_t seq, ack, len;
	uint16_t wnd, sport, dport;
	uint8_t flags, tos;
	const uint8_t *options;
	unsigned options_len;
	const uint8_t *payload;
};
bool tcp_view(struct tcp_view *v, const uint8_t *ip, uint32_t len);
uint32_t tcp_payload_len(const uint8_t *ip, uint32_t len);

#endif
