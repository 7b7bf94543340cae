/* SPDX-License-Identifier: ISC */
/* stream_internal.h - a stream's insides, shared by its three files */
#ifndef ADIT_RELAY_STREAM_INTERNAL_H
#define ADIT_RELAY_STREAM_INTERNAL_H

#include <stdbool.h>

#include "relay/stream.h"

/* Bytes that go first, one way. */
struct stream_first {
	uint8_t *data; /* NULL: none, or all gone */
	size_t len, pos;
};

struct relay_stream {
	struct relay_defunct defunct;
	struct relay_again again;
	struct relay_loop *loop;
	struct relay_fd fd[2]; /* [1]: only where output is another descriptor */
	struct relay_sock sock;
	const struct relay_stream_ops *ops;
	void *arg;
	uint64_t bytes_out, bytes_in;
	struct stream_first early, reply;
	uint32_t want;   /* to be read at a time: as much as there was lately */
	bool pipe;       /* two descriptors, not sockets for sure */
	bool readable;   /* in: may be; a read has not said EAGAIN since it was told */
	bool writable;   /* out: likewise */
	bool hung_up;    /* in: its peer has stopped sending; read until the end is seen */
	bool gone;       /* a socket whose peer is closed, or both its directions: nobody reads any more */
	bool read_eof;   /* seen; FIN is inside */
	bool wrote_eof;  /* end of file from inside was passed on */
	bool dead;
};

static inline struct relay_fd *stream_in_fd(struct relay_stream *s)
{
	return &s->fd[0];
}

static inline struct relay_fd *stream_out_fd(struct relay_stream *s)
{
	return s->pipe ? &s->fd[1] : &s->fd[0];
}

#define STREAM_TURN_OUT (256u << 10) /* bytes of a stream in one turn, then come the others */
#define STREAM_TURN_IN  (512u << 10)

/* As much as goes; 0, or the error that ends the stream. */
int stream_pump_out(struct relay_stream *s, adit_time now); /* descriptor -> inside */
int stream_pump_in(struct relay_stream *s, adit_time now);  /* inside -> descriptor */

static inline void stream_first_gone(struct stream_first *f, size_t n, void (*release)(void *p))
{
	f->pos += n;
	if (f->pos < f->len)
		return;
	release(f->data);
	*f = (struct stream_first){ .data = NULL };
}

#endif
