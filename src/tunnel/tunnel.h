/* SPDX-License-Identifier: ISC */
/*
 * tunnel.h - a tunnel put together: a core, a TUN inside, UDP outside, and the
 * data threads that drive them (DOC in tunnel.c). The caller is the control
 * side; it may be any one thread.
 */
#ifndef ADIT_TUNNEL_TUNNEL_H
#define ADIT_TUNNEL_TUNNEL_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/addr.h"
#include "base/drop.h"
#include "base/time.h"
#include "pktio/notes.h"
#include "pktio/offload.h"
#include "pktio/rights.h"
#include "tunnel/core.h"

struct adit_tunnel;
struct adit_wg;
struct adit_inner;
struct adit_guest;

struct adit_tunnel_config {
	const struct adit_core *core;
	const char *ifname; /* of the TUN to create; "%d" patterns are the kernel's */
	int tun_fd;         /* >= 0: an open TUN instead, who ever opened it; taken over. One queue, one thread */
	const struct adit_rights *rights; /* who opens the TUN and the UDP sockets; NULL: we. Outlives the tunnel */
	bool tun_elsewhere; /* ... of another network namespace: not followed, but taken as up, with `mtu` */
	struct adit_inner *inner; /* a stack of our own instead (tunnel/stack_inner.h); not taken over; one thread */
	struct adit_guest *guest; /* more work for the data thread, or NULL */
	struct adit_addr bind; /* of the UDP sockets; family 0: all addresses */
	const char *bind_device; /* and their interface; NULL or "": any */
	unsigned mtu;       /* of a TUN that we create; 0 = 1420 */
	unsigned threads;   /* 0 = default: 1 on up to two cores */
	unsigned offloads;  /* allowed ones */
	bool strict_checksums;
	const char *aead;   /* NULL = fastest */
};

/*
 * Creates or takes the TUN and allocates every buffer, but opens no socket and
 * starts no thread. On failure returns -errno and writes one sentence that
 * says what failed and what to do.
 */
int adit_tunnel_new(struct adit_tunnel **ret, const struct adit_tunnel_config *cfg, char *err, size_t err_len);
/* Starts the data threads. The tunnel follows the TUN's up and down by itself: sockets are open while it is up,
 * which a tunnel without one is when this returns. */
int adit_tunnel_start(struct adit_tunnel *t, char *err, size_t err_len);
/* Stops the threads, closes everything (a TUN that was created disappears), frees. NULL is fine. */
void adit_tunnel_free(struct adit_tunnel *t);

/* The name the kernel gave the TUN; it may be renamed or moved later. */
const char *adit_tunnel_ifname(const struct adit_tunnel *t);
/* Becomes readable when the TUN is gone (link deleted): time to exit. */
int adit_tunnel_gone_fd(const struct adit_tunnel *t);

/*
 * The control side's hold of the device. While it is held no packet moves: so
 * at most 256 peers' worth of work, then unlock; a waiting data thread goes
 * first. unlock wakes the data thread when the core has something due.
 */
void adit_tunnel_lock(struct adit_tunnel *t);
void adit_tunnel_unlock(struct adit_tunnel *t);
/* The core behind the face; for adit_core_wg a struct adit_wg. Use under the hold. */
void *adit_tunnel_core(struct adit_tunnel *t);
/* The data threads stand still from pause to resume, so that the caller may use
 * what is theirs: the stack and its guest. Not under the hold; for short work. */
void adit_tunnel_pause(struct adit_tunnel *t);
void adit_tunnel_resume(struct adit_tunnel *t);
/* Can the data threads move packets? ask wakes them; answered: all of them have passed their loop
 * since (true before the first ask). Not under the hold. */
void adit_tunnel_ask(struct adit_tunnel *t);
bool adit_tunnel_answered(const struct adit_tunnel *t);
/* CLOCK_BOOTTIME. */
adit_time adit_tunnel_now(void);

#define ADIT_TUNNEL_THREADS_MAX 16
/* The descriptors in use, for a process that takes over; call it under pause. They stay the tunnel's. */
struct adit_tunnel_ends {
	unsigned threads;
	int tun[ADIT_TUNNEL_THREADS_MAX];
	int udp[ADIT_TUNNEL_THREADS_MAX][2]; /* IPv4, IPv6; -1 = none */
};
void adit_tunnel_ends(const struct adit_tunnel *t, struct adit_tunnel_ends *ret);

/* Not under the hold. Port 0 picks one. While the TUN is down the port is only
 * noted. Returns 0 or -EADDRINUSE, -EACCES ...; the old port stays in use on failure. */
int adit_tunnel_set_port(struct adit_tunnel *t, uint16_t port);
uint16_t adit_tunnel_port(struct adit_tunnel *t);
/* Opens the sockets anew, on the port they have: what they were bound to came back. Not under the hold. */
int adit_tunnel_rebind(struct adit_tunnel *t);
/* How many ICMP errors came about that endpoint, and the last one's errno. */
unsigned adit_tunnel_unreachable(struct adit_tunnel *t, const struct adit_path *path, int *error);
int adit_tunnel_set_fwmark(struct adit_tunnel *t, uint32_t mark);
uint32_t adit_tunnel_fwmark(struct adit_tunnel *t);

struct adit_tunnel_stats {
	unsigned threads;
	unsigned mtu;
	bool up;
	unsigned offloads_probed; /* the kernel has them */
	unsigned offloads_used;   /* in use now */
	const char *aead;
	uint64_t drops[ADIT_DROP_CNT]; /* the tunnel's own and the core's, summed */
	uint64_t rx_bytes, tx_bytes;   /* on the wire */
	uint64_t rx_datagrams, tx_datagrams;
	uint64_t rx_calls, tx_calls;   /* recvmmsg, sendmmsg */
	uint64_t tun_reads, tun_writes;
	uint64_t icmp_errors;          /* ICMP errors the sockets reported */
	uint64_t thread_packets[ADIT_TUNNEL_THREADS_MAX];
	/* fall-backs that happened, e.g. "gso: EMSGSIZE to 192.0.2.1, sent plainly for 10 min" */
	char notes[ADIT_NOTES_MAX][ADIT_NOTE_LEN];
	unsigned note_cnt;
};
void adit_tunnel_stats(struct adit_tunnel *t, struct adit_tunnel_stats *ret);

#endif
