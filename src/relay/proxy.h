/* SPDX-License-Identifier: ISC */
/*
 * proxy.h - what the proxies share: a client that has connected here and is
 * talked to until it is known where it wants to go. Then its descriptor goes
 * to a stream (relay_service_splice), or it is told why not.
 */
#ifndef ADIT_RELAY_PROXY_H
#define ADIT_RELAY_PROXY_H

#include <sys/types.h>

#include "relay/service.h"
#include "relay/tls.h"

#define PROXY_GREETING (10 * ADIT_SEC) /* until a client has said what it wants */

/* First member of each kind's own struct. */
struct proxy_client {
	struct adit_list link; /* in its service's */
	struct relay_service *service;
	struct relay_fd fd;
	struct relay_timer timer;
	struct relay_defunct defunct;
	struct adit_endpoint peer; /* family 0: a Unix socket */
	bool lingers;
	/* Gives back what the kind holds (dials, sockets inside); the rest follows. */
	void (*release)(struct proxy_client *c, adit_time now);
};

/* Of a service (relay_service.state). */
struct proxy_state {
	struct relay_listener *listener; /* NULL: stopped */
	struct adit_list clients;
	struct relay_tls *tls; /* NULL: plain */
};

typedef void proxy_accept(struct relay_service *s, int fd, const struct adit_endpoint *client, adit_time now);

int proxy_start(struct relay_service *s, proxy_accept *accepted, char *err, size_t err_len);
void proxy_stop(struct relay_service *s, bool kill, adit_time now);

/* `size` bytes, zeroed, the first of them a proxy_client that is set up: watched
 * for input, its time running. On failure fd is closed and NULL returned. */
void *proxy_client_new(struct relay_service *s, size_t size, int fd, const struct adit_endpoint *peer,
		       void (*ready)(struct relay_fd *f, uint32_t events, adit_time now),
		       void (*release)(struct proxy_client *c, adit_time now), adit_time now);
static inline struct proxy_client *proxy_client_of(struct relay_fd *f)
{
	return adit_container_of(f, struct proxy_client, fd);
}
/* Gone: fd closed, or with `reset` reset. */
void proxy_client_end(struct proxy_client *c, bool reset, adit_time now);
/* Gone, but for its descriptor, which is returned. */
int proxy_client_take_fd(struct proxy_client *c, adit_time now);
/* Tied to a connection inside; gone. */
void proxy_client_splice(struct proxy_client *c, struct adit_sock *sock, const void *early, size_t early_len,
			 const void *reply, size_t reply_len, adit_time now);
/* Says `last` and ends once the client has closed, too, or after 2 s: so that
 * what it still sends does not make the kernel reset the last words away. */
void proxy_client_linger(struct proxy_client *c, const void *last, size_t len, adit_time now);
/* Up to len bytes of what has come; 0: nothing now; -errno; -EPIPE: end of file. */
ssize_t proxy_client_read(struct proxy_client *c, void *buf, size_t len);
/* A line of level debug, with who it was. */
void proxy_client_log(const struct proxy_client *c, const char *fmt, ...) __attribute__((format(printf, 2, 3)));

/* A client that mixed.c has told by its first byte, which is still to be read. */
void socks_client_begin(struct relay_service *s, int fd, const struct adit_endpoint *peer, adit_time now);
void http_client_begin(struct relay_service *s, int fd, const struct adit_endpoint *peer, bool tls, adit_time now);

#endif
