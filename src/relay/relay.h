/* SPDX-License-Identifier: ISC */
/*
 * relay.h - sockets of this machine on one side, a network behind our own
 * TCP/IP stack on the other: port forwards in both directions, SOCKS5, HTTP
 * and SNI proxies, standard input and output. A relay is the guest of a
 * tunnel's data thread (tunnel/guest.h has the same three calls); every call
 * here is made by that thread, or while it stands still (adit_tunnel_pause).
 */
#ifndef ADIT_RELAY_RELAY_H
#define ADIT_RELAY_RELAY_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "netstack/netstack.h"
#include "relay/resolver.h"

struct adit_relay;
struct relay_service;

enum relay_log_level { RELAY_LOG_ERROR, RELAY_LOG_WARNING, RELAY_LOG_INFO, RELAY_LOG_DEBUG };

struct adit_relay_config {
	struct adit_netstack *ns;
	const struct adit_endpoint *dns; /* servers inside the tunnel; none: names are resolved outside */
	unsigned dns_cnt;
	const char *search;
	enum relay_family family;        /* which addresses of a name are used inside */
	unsigned connections_max;        /* 0 = as many as descriptors allow, less 64 */
	/* A line, without the newline; what a remote can trigger is DEBUG. */
	void (*log)(void *user, enum relay_log_level level, const char *line);
	/* The network that standard streams served ended: a program of one stream exits. */
	void (*stdio_ended)(void *user, int error);
	void *user;
};

int adit_relay_new(struct adit_relay **ret, const struct adit_relay_config *cfg, adit_time now);
/* Resets what is left. */
void adit_relay_free(struct adit_relay *r, adit_time now);
int adit_relay_fd(const struct adit_relay *r);
int adit_relay_turn(struct adit_relay *r, bool ready, adit_time now);
void adit_relay_received(struct adit_relay *r, adit_time now);
adit_time adit_relay_deadline(struct adit_relay *r);

/* --- services ------------------------------------------------------------------ */

enum relay_kind {
	RELAY_TCP,         /* listen here, connect inside */
	RELAY_UDP,         /* the same for datagrams */
	RELAY_REMOTE_TCP,  /* listen inside, connect here */
	RELAY_REMOTE_UDP,
	RELAY_STDIO,       /* one connection inside for standard input and output */
	RELAY_SOCKS5,      /* CONNECT, UDP ASSOCIATE */
	RELAY_HTTP,        /* CONNECT, absolute-URI */
	RELAY_MIXED,       /* SOCKS5 and HTTP on one port, told apart by the first byte */
	RELAY_SNI,         /* TLS by the name in its ClientHello, port 443 */
};

struct relay_target {
	char host[256]; /* address, name, or "unix:/path" (outside only); "" = none */
	uint16_t port;
};

/* What a service is. Two services are the same when every field is. */
struct relay_service_config {
	enum relay_kind kind;
	/* Where it listens: local kinds: an address (family 0 = any) and port, or
	 * a Unix socket's path (mode 0600); remote kinds: a port inside, address
	 * 0 = all of ours. */
	struct adit_endpoint listen;
	char listen_path[108];
	struct relay_target target;
	/* UDP */
	unsigned udp_timeout;       /* s; 0 = never; default 60 */
	unsigned udp_unreplied;     /* s; default 30 */
	unsigned udp_pool;          /* virtual ports of the relay's inner address; default 16384; shared, smallest wins */
	unsigned udp_per_client;    /* of one client address; default 1024 */
	/* proxies */
	char username[256], password[256]; /* "" = none asked for */
	char cert_file[256], key_file[256]; /* HTTP and MIXED alone: TLS to the client */
};

void relay_service_defaults(struct relay_service_config *c, enum relay_kind kind);
/* Starts it; on failure -errno and one sentence (what, why, what to do). */
int adit_relay_add(struct adit_relay *r, struct relay_service **ret, const struct relay_service_config *cfg,
		   char *err, size_t err_len, adit_time now);
/* Stops listening; connections that are there go on unless `kill`. */
void adit_relay_remove(struct adit_relay *r, struct relay_service *s, bool kill, adit_time now);
/* The next service; NULL: the first, or the end. */
struct relay_service *adit_relay_next(struct adit_relay *r, const struct relay_service *s);
const struct relay_service_config *relay_service_config_of(const struct relay_service *s);
bool relay_service_equal(const struct relay_service_config *a, const struct relay_service_config *b);

struct relay_service_stats {
	struct adit_endpoint bound;       /* where it listens really (port 0 asked for) */
	uint64_t opened, refused, failed; /* connections or UDP mappings */
	unsigned open;
	uint64_t bytes_in, bytes_out;     /* from inside; to inside */
	uint64_t udp_refused; /* SOCKS5: broken, fragments, or from somebody else */
	uint64_t udp_reclaimed, udp_exhausted, udp_expired; /* mappings taken from the least recently used; drops while ports rest */
};
void relay_service_get_stats(const struct relay_service *s, struct relay_service_stats *ret);
/* "tcp 127.0.0.1:8080 -> 10.9.0.2:80". Returns buf. */
char *relay_service_describe(const struct relay_service_config *c, char *buf, size_t len);

/* For names to be resolved as the relay does. */
struct relay_resolver *adit_relay_resolver_inside(struct adit_relay *r); /* outside when no DNS is given */
struct relay_resolver *adit_relay_resolver_outside(struct adit_relay *r);
struct relay_loop *adit_relay_loop(struct adit_relay *r);

#endif
