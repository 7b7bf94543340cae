/* SPDX-License-Identifier: ISC */
/* lib.h - a network as the files of this folder share it */
#ifndef ADIT_LIB_LIB_H
#define ADIT_LIB_LIB_H

#include <adit/adit.h>

#include <pthread.h>
#include <stdatomic.h>
#include <stdbool.h>

#include "forward/config.h"
#include "forward/network.h"

struct adit {
	struct adit_forward_network *network;
	struct adit_forward_config cfg; /* keys wiped once they were handed over */
	pthread_t control;              /* looks names of endpoints up again */
	int stop_fd;
	_Atomic unsigned connections;
	struct adit_list datagrams;     /* struct lib_datagram; the data thread's */
	struct adit_list streams;       /* struct lib_stream; the data thread's */
	uint64_t stream_cnt;            /* that ever were */
	struct adit_list listeners;     /* struct adit_listener; the data thread's */
	struct adit_list incoming;      /* connections to them that are not established; the data thread's */
};

static inline struct relay_loop *lib_loop(const struct adit *net)
{
	return adit_relay_loop(net->network->relay);
}

/*
 * An answer that the data thread brings and another thread waits for. Whoever
 * lets go of it last frees it: so a caller may give up waiting at any time.
 */
struct lib_wait {
	pthread_mutex_t mutex;
	pthread_cond_t changed;
	unsigned refs; /* under mutex */
	bool done;
	int result;    /* descriptor, count or -errno */
};

struct lib_wait *lib_wait_new(void); /* refs = 2; NULL: no memory */
/* From the data thread: gives the answer and lets go. A descriptor that nobody waits for any more is closed. */
void lib_wait_finish(struct lib_wait *w, int result);
/* Waits and lets go: the result, or -ETIMEDOUT. */
int lib_wait_for(struct lib_wait *w, int timeout_ms);
/* Nothing was begun: both references go. */
void lib_wait_drop(struct lib_wait *w);

/* One end of a socket pair is served from now on, the other one is returned;
 * -errno: the socket is gone. By the data thread or while it stands still. */
int lib_stream_serve(struct adit *net, uint64_t *number, struct adit_sock *sock, adit_time now);
/* Resets the one of that number, if it has not ended by itself. */
void lib_stream_abort(struct adit *net, uint64_t number, adit_time now);

struct lib_datagram;
/* The same for UDP. `owner`: the listener whose socket is shared, else NULL (sock is taken over). */
int lib_datagram_serve(struct adit *net, struct lib_datagram **ret, struct adit_sock *sock,
		       const struct adit_endpoint *remote, struct adit_listener *owner, adit_time now);
/* A datagram of its remote for one that shares a socket. */
void lib_datagram_deliver(struct lib_datagram *d, const void *data, size_t len, adit_time now);
const struct adit_endpoint *lib_datagram_remote(const struct lib_datagram *d);
struct lib_datagram *lib_datagram_of(struct adit *net, const struct adit_listener *owner,
				     const struct adit_endpoint *remote);
/* The socket they share has room again: what waited is sent, and more is read. */
void lib_datagrams_have_room(struct adit *net, const struct adit_listener *owner, adit_time now);
/* Everything of one owner (NULL: of all) ends. */
void lib_datagrams_end(struct adit *net, const struct adit_listener *owner, adit_time now);
void lib_streams_abort(struct adit *net, adit_time now);
/* dgram listeners, listen.c: the last connection of a closed one has gone. */
void lib_listener_put(struct adit_listener *l);
struct adit_sock *lib_listener_sock(const struct adit_listener *l);
void lib_listeners_end(struct adit *net, adit_time now);

/* "tcp", "udp6" ...; false: neither. */
bool lib_parse_network(const char *text, bool *udp, enum relay_family *family);
/* "HOST:PORT", "[V6]:PORT"; an empty host is allowed. 0 or -EINVAL. */
int lib_parse_address(const char *text, struct relay_target *ret);

#endif
