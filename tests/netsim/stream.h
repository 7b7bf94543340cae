/* SPDX-License-Identifier: ISC */
/* stream.h - programs at both ends of a connection: they write a known pattern and check what they read */
#ifndef ADIT_TESTS_NETSIM_STREAM_H
#define ADIT_TESTS_NETSIM_STREAM_H

#include "world.h"

struct end {
	struct stream *st;
	unsigned side;
	struct host *h;
	struct adit_sock *s;
	uint64_t to_send, sent, got, seen; /* seen: readable, not read */
	uint64_t read_limit; /* reads no further */
	uint32_t chunk;      /* writes and reads so much at once; 0 = all there is */
	bool hold_fin, hold_close, hold_accept; /* does not, until told */
	bool syn, connected, eof, shut, closed, all_sent;
	int error;
};

struct stream {
	struct stream *next;
	struct world *w;
	uint32_t id;
	uint16_t port;
	struct adit_sock *listener;
	struct end end[2]; /* [0] connects */
	adit_time began, finished; /* finished: all bytes of both were read */
};

void stream_event(struct world *w, struct host *h, struct adit_sock *s, unsigned what);
/* A connection from host a to host b that carries `out` bytes one way and
 * `back` the other; begins when told. */
struct stream *stream_new(struct world *w, unsigned a, unsigned b, unsigned family, uint64_t out, uint64_t back);
void stream_connect(struct stream *st);
/* Reads and writes what it may now; call it after changing an end's mind. */
void end_work(struct end *e);
/* Every byte arrived, both closed in order. */
bool stream_complete(const struct stream *st);
bool streams_complete(struct world *w);
/* Every byte arrived. */
bool streams_carried(struct world *w);
void stream_free_all(struct world *w);
/* new + connect + run until complete; fails when not in time. */
struct stream *stream_run(struct world *w, unsigned family, uint64_t out, uint64_t back, adit_time limit);
void pattern_fill(uint32_t id, unsigned side, uint64_t at, uint8_t *p, size_t len);

#endif
