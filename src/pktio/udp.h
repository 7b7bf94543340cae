/* SPDX-License-Identifier: ISC */
/*
 * udp.h - the outside of a tunnel: an IPv4 and an IPv6 UDP socket on one port.
 *
 * DOC: sending when the kernel says no
 *
 * A train leaves as one UDP_SEGMENT message. What sendmmsg answers, and what
 * is done (each is noted for `adit show`, nothing is ever fatal):
 *
 *   EINVAL    the sticky source is gone: cleared, sent again; again EINVAL:
 *             sent plainly, the destination remembered for ten minutes
 *   EMSGSIZE  the path is narrower than a segment: as above (plain datagrams
 *             are fragmented by the kernel, DF is not set)
 *   EIO       the device cannot segment: UDP_SEGMENT off for good
 *   EAGAIN    socket buffer full: wait up to some ms, then drop (udp_full)
 *   ENOBUFS   queue of the device full: drop (udp_full)
 *   others    an ICMP error that waited in the socket, a firewall, no route:
 *             once more, then drop (udp_error)
 */
#ifndef ADIT_PKTIO_UDP_H
#define ADIT_PKTIO_UDP_H

#include <stdatomic.h>
#include <stdbool.h>
#include <stddef.h>

#include "base/addr.h"
#include "base/time.h"
#include "pktio/notes.h"
#include "pktio/offload.h"
#include "pktio/outer.h"
#include "pktio/rights.h"

#define ADIT_NARROW_MAX 32
#define ADIT_NARROW_TIME (600 * ADIT_SEC)

/* A destination that gets plain datagrams for a while. */
struct adit_narrow {
	struct adit_path path;
	adit_time until;
};

/* ICMP errors by destination, in slots of a hash: 32 bits of the hash, 8 of errno, 24 of a count. Two
 * destinations in one slot overwrite each other. */
#define ADIT_UNREACHABLE_SLOTS 32

struct adit_udp {
	struct adit_outer outer;    /* first: ops cast back */
	_Atomic unsigned offloads;  /* ADIT_OFFLOAD_{GSO,GRO} in use */
	_Atomic uint64_t icmp_errors;
	_Atomic uint64_t unreachable[ADIT_UNREACHABLE_SLOTS];
	struct adit_notes *notes;
	const struct adit_rights *rights; /* NULL: this process opens sockets itself */
	struct adit_narrow narrow[ADIT_NARROW_MAX];
	unsigned narrow_cnt;
	void *mem;                  /* receive buffers and message headers */
	struct adit_udp_io *io;
};

struct adit_udp_bind {
	uint16_t port;   /* 0: the kernel chooses; written back */
	struct adit_addr addr; /* family 0: all; else one socket of that family, on this address */
	uint32_t mark;
	bool shared;     /* several pairs on one port (SO_REUSEPORT) */
	bool join;       /* ... and this is not the first of them */
	char device[16]; /* SO_BINDTODEVICE; "" = any */
	bool no_ipv6;    /* written: IPv6 is not there */
};

/* What takes rights of opening one: a socket of that family, bound, with its mark, its device and large
 * buffers; *port is written back. reuse: SO_REUSEPORT. A descriptor or -errno. */
int adit_udp_make(int family, const struct adit_udp_bind *b, bool reuse, uint16_t *port);
/* Allocates buffers; no socket yet. 0 or -ENOMEM. */
int adit_udp_init(struct adit_udp *u, unsigned offloads, struct adit_notes *notes);
void adit_udp_fini(struct adit_udp *u);
/* Opens both sockets; closes the ones that were open only when it succeeds.
 * 0, -EADDRINUSE, -EACCES, ...; the old sockets stay on failure. */
int adit_udp_open(struct adit_udp *u, struct adit_udp_bind *bind);
void adit_udp_close(struct adit_udp *u);
int adit_udp_set_mark(struct adit_udp *u, uint32_t mark);
/* Spreads receives over `cnt` sockets of a shared port by the low bits of a
 * data message's receiver index (its byte 4), so that a session stays on one
 * thread. data_type: what a data message begins with; others go to the first
 * socket. Without this the kernel spreads by addresses and ports. */
int adit_udp_steer(struct adit_udp *u, uint8_t data_type, unsigned cnt);
/* Empties the error queue: counts ICMP errors. */
void adit_udp_drain_errors(struct adit_udp *u);
/* How many ICMP errors came about this destination (address and port), and the last one's errno; any thread. */
unsigned adit_udp_unreachable(const struct adit_udp *u, const struct adit_path *path, int *error);

#endif
