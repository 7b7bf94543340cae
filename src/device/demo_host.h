/* SPDX-License-Identifier: ISC */
/*
 * demo_host.h - one of the demo's two hosts: a process in a network namespace
 * of its own that does what the script asks over a socket, one thing at a time
 */
#ifndef ADIT_DEVICE_DEMO_HOST_H
#define ADIT_DEVICE_DEMO_HOST_H

#include <stdbool.h>
#include <stdint.h>
#include <sys/types.h>

#include "crypto/crypto.h"
#include "tunnel/tunnel.h"
#include "wg/wg.h"

#define DEMO_PORT	  51820
#define DEMO_HTTP_PORT	  80
#define DEMO_SINK_PORT	  5201
#define DEMO_FORWARD_PORT 8080
#define DEMO_PINGS	  5
#define DEMO_GUEST	  3 /* the number of `adit forward`, which is a host inside only */

enum demo_op {
	DEMO_SPACE,     /* a network namespace, loopback up */
	DEMO_CABLE,     /* the first host only: a veth pair to process `far` */
	DEMO_ADDRESS,   /* the link's address; up; servers listen */
	DEMO_TUNNEL,    /* a TUN and a tunnel with a fresh key; answers the public key */
	DEMO_PEER,      /* the other end's `key`; address; up */
	DEMO_HANDSHAKE, /* answers how long it took */
	DEMO_PING,      /* DEMO_PINGS of them: ns, best_ns */
	DEMO_SERVE,     /* one page; counts the link's frames and those with the page in clear */
	DEMO_FETCH,     /* one page: bytes, ns */
	DEMO_SINK,      /* one connection, to its end: bytes, ns */
	DEMO_SEND,      /* for `ms`; answers progress on the way */
	DEMO_FACTS,     /* the tunnel's counters */
	DEMO_FORWARD,    /* starts `adit forward` towards `key`: its public key, and in why how it is confined */
	DEMO_GUEST_PEER, /* lets the owner of `key` in */
	DEMO_OP_CNT
};

struct demo_ask {
	enum demo_op op;
	bool inside;  /* through the tunnel, or along the bare link */
	bool forward; /* by the forward on this host */
	unsigned ms;
	pid_t far;
	uint8_t key[ADIT_KEY_LEN];
};

struct demo_answer {
	bool last; /* false: progress */
	int r;     /* 0 or -errno, with why */
	char why[256];
	uint8_t key[ADIT_KEY_LEN];
	uint64_t bytes;
	int64_t ns, best_ns;
	unsigned frames, clear;
	struct adit_tunnel_stats tunnel;
};

struct demo_host {
	unsigned number; /* 1 or 2: last byte of its addresses */
	int control;
	struct adit_netlink *nl;
	struct adit_tunnel *tunnel;
	int page_fd, sink_fd; /* listening */
	pid_t forward_pid;
};

/* Serves until the script's end of the socket closes. Never returns. */
void demo_host_main(unsigned number, int control);
/* Tells the script how far it has come. */
void demo_host_progress(const struct demo_host *h, uint64_t bytes, int64_t ns);
/* Address of host `number`, network order. */
uint32_t demo_address(unsigned number, bool inside);

/* demo_net.c: what programs do over a network, with the kernel's own sockets.
 * Each fills its fields of the answer; 0, or -errno with a sentence in why. */
int demo_listen(struct demo_host *h, struct demo_answer *a);
int demo_ping(struct demo_host *h, const struct demo_ask *ask, struct demo_answer *a);
int demo_serve(struct demo_host *h, struct demo_answer *a);
int demo_fetch(struct demo_host *h, const struct demo_ask *ask, struct demo_answer *a);
int demo_sink(struct demo_host *h, struct demo_answer *a);
int demo_send(struct demo_host *h, const struct demo_ask *ask, struct demo_answer *a);

/* demo_forward.c */
int demo_forward(struct demo_host *h, const struct demo_ask *ask, struct demo_answer *a);
void demo_forward_stop(struct demo_host *h);

/* Fills why with "what: reason" and returns -err. */
int demo_why(struct demo_answer *a, const char *what, int err);

#endif
