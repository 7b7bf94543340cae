/* SPDX-License-Identifier: ISC */
/*
 * stream.h - a local socket and a connection of our stack, tied together.
 *
 * DOC: what passes through
 *
 * Bytes, without a copy of ours where the kernel allows: read(2) goes straight
 * into the flow's send buffer, received segments leave by one writev from
 * where they were decrypted. Back-pressure: no room inside, no read; a full
 * local socket, and the receive window closes. End of file on either side
 * becomes FIN (shutdown) on the other while the opposite direction goes on.
 * A reset becomes a reset (SO_LINGER 0), an error inside resets the local
 * socket. The stream ends when both directions have; a Unix socket that its
 * peer closed has no other direction, once all that was written there is inside.
 *
 * Descriptors are watched edge-triggered from the start, and what they were
 * last known to be is remembered: in the steady state there is no epoll_ctl,
 * and a socket that is readable again and again is read without being asked
 * for. A stream that has moved its share of a turn stands in line for the next.
 */
#ifndef ADIT_RELAY_STREAM_H
#define ADIT_RELAY_STREAM_H

#include <stddef.h>
#include <stdint.h>

#include "relay/loop.h"

struct relay_stream;

struct relay_stream_ops {
	/* The stream is gone: error 0 = both directions ended in order; bytes sent inside, and received. */
	void (*ended)(void *arg, int error, uint64_t bytes_out, uint64_t bytes_in);
};

/*
 * Takes over fd (non-blocking, a TCP or Unix stream socket) and sock, a TCP
 * connection that is established or being accepted. `early` bytes were read
 * from fd already and go inside first; `reply` bytes go to fd first (a SOCKS
 * or HTTP answer that did not fit). On failure (-ENOMEM) the caller keeps both.
 */
int relay_stream_start(struct relay_loop *l, struct relay_stream **ret, int fd, struct adit_sock *sock,
		       const void *early, size_t early_len, const void *reply, size_t reply_len,
		       const struct relay_stream_ops *ops, void *arg, adit_time now);
/* The same between two descriptors in and out (standard input and output):
 * files, pipes, terminals or sockets, which are closed in the end. The program
 * ignores SIGPIPE. */
int relay_stream_start_pipe(struct relay_loop *l, struct relay_stream **ret, int in_fd, int out_fd,
			    struct adit_sock *sock, const struct relay_stream_ops *ops, void *arg, adit_time now);
/* Resets both sides; `ended` is not called. */
void relay_stream_abort(struct relay_stream *s, adit_time now);
/* So far: bytes sent inside, and received. */
void relay_stream_bytes(const struct relay_stream *s, uint64_t *bytes_out, uint64_t *bytes_in);

#endif
