/* SPDX-License-Identifier: ISC */
/*
 * relay_lab.h - a relay for tests: its stack and a far one joined back to
 * back in memory, on a virtual clock, and real sockets on loopback
 *
 *   local client == kernel == relay | near 10.9.0.1 fd09::1 == far 10.9.0.2 fd09::2 | the test
 */
#ifndef ADIT_TESTS_RELAY_LAB_H
#define ADIT_TESTS_RELAY_LAB_H

#include "relay/relay.h"

/* A connection of the far stack that lab_serve or lab_call owns. */
struct lab_conn {
	struct adit_sock *sock; /* NULL: closed, or dead */
	uint64_t got, sent;
	bool connected, eof, shut, bad; /* bad: a byte was not that of relay_lab_byte */
	int error;
};

/* What the far side does with a connection. */
struct lab_server {
	int refuse;       /* -errno: every SYN */
	bool echo;        /* else what comes is compared and dropped */
	bool stall;       /* reads nothing */
	bool reset;       /* at the first byte */
	bool answer_last; /* sends after the peer's end of file only */
	bool linger;      /* does not close at the end by itself */
	uint64_t send;    /* bytes, then FIN unless echo */
};

#define LAB_CONNS 4096

struct relay_lab {
	adit_time now;
	struct lab_server server;
	struct lab_conn conn[LAB_CONNS]; /* in the order they came or were called */
	unsigned conns;
	struct adit_budget near_budget, far_budget;
	struct adit_netstack *near, *far;
	struct adit_relay *relay;
	uint64_t random;
	/* An event of a socket of the far stack; lab_serve unless the test has its own. */
	void (*far_event)(struct relay_lab *l, struct adit_sock *s, unsigned what);
	void *user;      /* the test's */
	bool cut;        /* packets are lost, both ways */
	unsigned quiet;  /* steps in which nothing was done, in a row */
	unsigned warnings;
	int stdio_ended; /* 1 = not yet; else what was said */
};

/* cfg: NULL, or what to take connections_max, family and dns from. */
void relay_lab_init(struct relay_lab *l, const struct adit_relay_config *cfg);
/* Everything is given back: asserts that the stack's budget is. */
void relay_lab_fini(struct relay_lab *l);
struct relay_lab *relay_lab_new(const struct adit_relay_config *cfg);
void relay_lab_free(struct relay_lab *l);
/* One millisecond: a turn of the relay, packets both ways, events. Returns what was done. */
int relay_lab_step(struct relay_lab *l);
/* So many steps. */
void relay_lab_run(struct relay_lab *l, unsigned steps);
/* Steps until `done` or the limit; returns whether it is. */
bool relay_lab_until(struct relay_lab *l, bool (*done)(void *arg), void *arg);

/* Adds a service that must start; listen NULL = 127.0.0.1, any port. */
struct relay_service *relay_lab_add(struct relay_lab *l, enum relay_kind kind, const char *listen, const char *host,
				    uint16_t port);
uint16_t relay_lab_port(struct relay_service *s);
struct relay_service_stats relay_lab_stats(struct relay_service *s);
struct adit_sock *relay_lab_far_listen(struct relay_lab *l, uint16_t port);
void lab_serve(struct relay_lab *l, struct adit_sock *s, unsigned what);
/* Goes on after l->server was changed. */
void lab_serve_on(struct relay_lab *l, struct lab_conn *c);
/* A connection from the far stack to the relay's inner address (family 4 or 6). */
struct lab_conn *lab_call(struct relay_lab *l, int family, uint16_t port);
/* A byte of a stream that every test knows: the n-th. */
uint8_t relay_lab_byte(uint64_t n);

/* Sockets of this machine, non-blocking, on 127.0.0.1; they must succeed. */
int lab_connect(uint16_t port);
int lab_listen(uint16_t *port);
int lab_udp(uint16_t *port);
unsigned lab_descriptors(void);

/* A socket of this machine that a test reads and writes. */
struct lab_client {
	int fd;
	uint64_t got, sent, to_send;
	bool shutdown; /* after to_send */
	bool stall;    /* reads nothing */
	bool shut, eof, bad;
	int error;     /* of a read or write */
};
/* As much as goes. */
void lab_client_pump(struct lab_client *c);
void lab_client_close(struct lab_client *c, bool reset);
/* Steps of the lab and the client until the client has seen its end (eof or error). */
bool lab_client_finish(struct relay_lab *l, struct lab_client *c);
/* The same until it has got that many bytes. */
bool lab_client_get(struct relay_lab *l, struct lab_client *c, uint64_t bytes);

#endif
