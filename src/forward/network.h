/* SPDX-License-Identifier: ISC */
/*
 * network.h - a network without a TUN: our own TCP/IP stack inside a WireGuard
 * tunnel, and a relay between it and sockets of this machine.
 *
 * DOC: threads
 *
 * One data thread drives tunnel, stack and relay. All calls here are the
 * control thread's. What belongs to the data thread is touched only while it
 * stands still (network_pause), for moments; what comes from it (an answer of
 * a resolver, the end of standard input) is left in a place of its own, and
 * notify_fd becomes readable.
 */
#ifndef ADIT_FORWARD_NETWORK_H
#define ADIT_FORWARD_NETWORK_H

#include <stdatomic.h>

#include "base/budget.h"
#include "crypto/crypto.h"
#include "forward/alive.h"
#include "forward/config.h"
#include "forward/endpoints.h"
#include "pktio/pcapng.h"
#include "relay/relay.h"
#include "tunnel/guest.h"
#include "tunnel/stack_inner.h"
#include "tunnel/tunnel.h"

struct kernel_backend;

struct adit_forward_network {
	struct adit_budget budget;
	struct adit_netstack *ns;
	struct adit_relay *relay;
	struct adit_guest guest;
	struct adit_stack_inner inner;
	struct adit_tunnel *tunnel;
	struct kernel_backend *kernel; /* or NULL: our own stack */
	struct forward_endpoints endpoints;
	struct forward_alive alive;
	struct adit_pcapng *capture;      /* or NULL; the data thread's */
	adit_time capture_flush, wall;    /* when it was flushed; wall time less boot time */
	uint8_t public_key[ADIT_KEY_LEN]; /* ours */
	const struct adit_rights *rights; /* or NULL: our own */
	bool started;

	/* from the data thread */
	int notify_fd;
	size_t most;              /* the budget's use since memory was given back; the data thread's */
	_Atomic bool gives_back;  /* much was freed: the system may have it */
	_Atomic bool stdio_ended;
	_Atomic int stdio_error;
};

/*
 * Makes everything cfg asks for but the data thread: all services listen
 * afterwards. Each thing that fails is logged; returns 0, or -errno of the
 * first.
 */
int network_new(struct adit_forward_network **ret, const struct adit_forward_config *cfg);
/* The same where somebody else has the right to mark sockets; rights outlives the network. */
int network_new_with(struct adit_forward_network **ret, const struct adit_forward_config *cfg,
		     const struct adit_rights *rights);
/* Starts the data thread. */
int network_start(struct adit_forward_network *n);
/* Resets all connections, here and inside, while the tunnel can still carry that. */
void network_stop(struct adit_forward_network *n);
/* The tunnel ends. NULL is fine. */
void network_free(struct adit_forward_network *n);

/* Applies the difference between old, which runs, and cfg: services and peers
 * that stay are not touched. Returns how many changes failed, each of which
 * was logged. */
unsigned network_reload(struct adit_forward_network *n, const struct adit_forward_config *old,
			const struct adit_forward_config *cfg);

/* The data thread stands still from pause to resume. */
adit_time network_pause(struct adit_forward_network *n);
void network_resume(struct adit_forward_network *n);
/* Wakes the control thread; from the data thread. */
void network_notify(struct adit_forward_network *n);

/* peers.c: peers of the core made those of cfg; old (its keys may be wiped) is
 * what was asked for before, or NULL. Returns how many changes failed. */
unsigned network_set_peers(struct adit_forward_network *n, const struct adit_forward_config *old,
			   const struct adit_forward_config *cfg);
/* services.c: likewise for services. *first gets the first -errno. */
unsigned network_set_services(struct adit_forward_network *n, const struct adit_forward_config *cfg, int *first);

#endif
