/* SPDX-License-Identifier: ISC */
/*
 * service.h - what the kinds of services share, inside src/relay: each kind is
 * a file with a struct relay_service_ops; relay.c keeps the table.
 */
#ifndef ADIT_RELAY_SERVICE_H
#define ADIT_RELAY_SERVICE_H

#include "relay/relay.h"

struct relay_service_ops {
	int (*start)(struct relay_service *s, char *err, size_t err_len, adit_time now);
	/* Stops listening; with kill, ends connections too. The service is freed
	 * when its last connection has gone (relay_service_put). */
	void (*stop)(struct relay_service *s, bool kill, adit_time now);
	/* Optional: the last connection has gone; frees `state`. */
	void (*free)(struct relay_service *s);
};

struct relay_service {
	struct adit_relay *relay;
	const struct relay_service_ops *ops;
	struct adit_list link;
	struct relay_service_config cfg;
	struct relay_service_stats n;
	unsigned refs;  /* the relay's own, and one a connection */
	bool stopped;
	void *state;    /* the kind's own */
};

extern const struct relay_service_ops relay_tcp_ops, relay_udp_ops, relay_remote_tcp_ops, relay_remote_udp_ops,
	relay_stdio_ops, relay_socks_ops, relay_http_ops, relay_mixed_ops, relay_sni_ops;

/* For as long as a connection is there, from accept on: they count for connections_max. */
void relay_service_get(struct relay_service *s);
void relay_service_put(struct relay_service *s);
void relay_log(struct adit_relay *r, enum relay_log_level level, const char *fmt, ...)
	__attribute__((format(printf, 3, 4)));
/* "connection refused", for logs and answers. */
const char *relay_error_text(int error);

/* A listener of this machine (TCP or Unix stream) for s->cfg: `accepted` gets
 * each connection (non-blocking, TCP_NODELAY) and owns it. When descriptors run
 * out it rests, without spinning, and tries again. */
struct relay_listener;
int relay_listener_open(struct relay_service *s, struct relay_listener **ret,
			void (*accepted)(struct relay_service *s, int fd, const struct adit_endpoint *client, adit_time now),
			char *err, size_t err_len);
void relay_listener_close(struct relay_listener *l);

/* Closes fd so that the client sees a reset with no byte. */
void relay_reset_fd(int fd);

/* Ties a client to a connection inside, counting for the service (opened, open,
 * bytes), which it holds by a reference of its own; fd and sock are taken over,
 * or closed and reset on failure. */
void relay_service_splice(struct relay_service *s, int fd, struct adit_sock *sock, const void *early,
			  size_t early_len, const void *reply, size_t reply_len, adit_time now);

/* UDP for SOCKS5 UDP ASSOCIATE and for UDP forwards: an endpoint-independent
 * mapping of a client to one virtual port (relay/mapping.h). */

#endif
