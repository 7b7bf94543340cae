/* SPDX-License-Identifier: ISC */
/*
 * netstack.h - a TCP/IP host as a sans-I/O core: IPv4, IPv6, ICMP, UDP and
 * TCP. IP packets in, IP packets out, `now` as the last argument, randomness
 * through an op. No descriptor, clock, thread, lock, log or global; several
 * stacks live in one process.
 *
 * DOC: the order of calls
 *
 * A stack has one owner (one thread at a time). It is pulled: nothing calls
 * back into the program.
 *
 *   adit_netstack_in        packets that arrived, one or many times
 *   adit_netstack_event     until NULL: what happened; the program peeks,
 *                           consumes, reserves, commits, closes
 *   adit_netstack_in_end    received bytes still borrowed are copied: their
 *                           packets' memory is free again
 *   adit_netstack_tick      when adit_netstack_deadline has come
 *   adit_netstack_out       until NONE: packets to send
 *
 * Every call may leave events and packets to be pulled. A connection, UDP
 * socket or listener (a struct adit_sock each) belongs to the program from
 * the call or event that gave it until the program closes or aborts it; the
 * stack then finishes on its own (retransmission, FIN, TIME-WAIT) and the
 * pointer is no longer valid.
 *
 * DOC: memory
 *
 * Flow buffers come from slabs, which are charged to a budget that stacks may
 * share. Near its end receive windows stop growing, then writers get no room;
 * an established flow always gets one small slab at a time out of a reserve,
 * so that all make progress. An idle flow holds no slab.
 */
#ifndef ADIT_NETSTACK_NETSTACK_H
#define ADIT_NETSTACK_NETSTACK_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/uio.h>

#include "base/addr.h"
#include "base/budget.h"
#include "base/drop.h"
#include "base/endpoint.h"
#include "base/super.h"
#include "base/time.h"

struct adit_netstack;
struct adit_sock;

struct adit_netstack_ops {
	/* Unpredictable bytes: keys for hashes, initial sequence numbers, ports. */
	void (*random)(void *user, void *buf, size_t len);
	/* Optional: every IP packet in (drop = NONE or why it was dropped) and out,
	 * for captures. A train out is shown as its super-packet, header first. */
	void (*trace)(void *user, bool out, enum adit_drop drop, const struct iovec *iov, int cnt, adit_time now);
};

/* What TCP is tuned for. */
enum adit_tcp_profile {
	ADIT_TCP_WAN,   /* CUBIC, HyStart++, pacing: the far end is anywhere */
	ADIT_TCP_LOCAL, /* no congestion control: the far end is this machine's kernel behind a TUN */
};

struct adit_netstack_config {
	unsigned mtu;                /* of the inner network; 0 = 1420 */
	struct adit_budget *budget;  /* shared or not; outlives the stack */
	enum adit_tcp_profile profile;
	size_t flow_max;             /* largest receive or send buffer of a flow; 0 = 8 MiB */
	unsigned syn_backlog;        /* connections that came in and whose handshake is not over; 0 = 1024 */
	unsigned flows_max;          /* TCP connections, TIME-WAIT not counted; 0 = 131072 */
	bool trust_checksums;        /* who hands packets in has verified them */
};

/* Returns 0 or -ENOMEM, -EINVAL. ops is copied, user given back to it. */
int adit_netstack_new(struct adit_netstack **ret, const struct adit_netstack_config *cfg,
		      const struct adit_netstack_ops *ops, void *user, adit_time now);
/* Frees everything, sockets the program still holds included. Sends nothing. NULL is fine. */
void adit_netstack_free(struct adit_netstack *ns);

/* Addresses of this host; packets to others are dropped (not_ours). Returns 0,
 * -EEXIST, -ENOSPC, -ENOENT. Removing one resets its connections. */
#define ADIT_NETSTACK_ADDRESSES 16
int adit_netstack_add_address(struct adit_netstack *ns, const struct adit_addr *addr);
int adit_netstack_remove_address(struct adit_netstack *ns, const struct adit_addr *addr, adit_time now);
/* The address packets to `dst` leave from (first of the family); family 0: none. */
struct adit_addr adit_netstack_source(const struct adit_netstack *ns, const struct adit_addr *dst);
void adit_netstack_set_mtu(struct adit_netstack *ns, unsigned mtu, adit_time now);
unsigned adit_netstack_mtu(const struct adit_netstack *ns);
/* The way to others is back, or may be: what was sent again in vain, with ever longer pauses, is sent again now. */
void adit_netstack_path_up(struct adit_netstack *ns, adit_time now);

/* --- packets ----------------------------------------------------------------- */

/*
 * One IP packet that arrived, or several TCP segments or UDP datagrams merged
 * behind one header: iov[0] starts with the whole header, the rest is payload
 * in any cut. gso_size = payload bytes of each merged segment but the last, 0
 * = a single packet. Merged packets were verified by who merged them: neither
 * the lengths nor the checksums of their header are looked at. Memory is lent
 * until adit_netstack_in_end, and must not change meanwhile.
 */
void adit_netstack_in(struct adit_netstack *ns, const struct iovec *iov, int cnt, unsigned gso_size, adit_time now);
void adit_netstack_in_end(struct adit_netstack *ns, adit_time now);

enum adit_out {
	ADIT_OUT_NONE,
	ADIT_OUT_PACKET, /* *len bytes were written to buf */
	ADIT_OUT_SUPER,  /* *super describes a train of segments over lent memory (adit_super_lend) */
};
/* The next packet to send. buf has room for 65535 bytes or the MTU, whichever
 * is less (at least 1280). A super is lent until the next call into this stack. */
enum adit_out adit_netstack_out(struct adit_netstack *ns, uint8_t *buf, uint32_t *len, struct adit_super *super,
				adit_time now);

/* When the next tick is due although nothing comes in; ADIT_NEVER. */
adit_time adit_netstack_deadline(struct adit_netstack *ns);
void adit_netstack_tick(struct adit_netstack *ns, adit_time now);

/* --- events ------------------------------------------------------------------ */

enum adit_sock_kind { ADIT_SOCK_TCP, ADIT_SOCK_LISTENER, ADIT_SOCK_UDP, ADIT_SOCK_PING };

/* Facts about a socket, gathered until it is pulled. */
enum {
	ADIT_EV_CONNECTED = 1,  /* TCP: our connect, or the handshake we accepted, is complete */
	ADIT_EV_READABLE = 2,   /* more can be peeked; UDP, ping: received */
	ADIT_EV_WRITABLE = 4,   /* there is room again after reserve or send gave less than was asked */
	ADIT_EV_EOF = 8,        /* TCP: the peer has sent FIN; readable bytes may still come before it */
	ADIT_EV_ERROR = 16,     /* see adit_sock_error. TCP: it is dead: close it.
	                         * UDP with a remote, ping: an ICMP error */
	ADIT_EV_SYN = 32,       /* TCP, first event of one that came in: accept or refuse it */
	ADIT_EV_SENT = 64,      /* TCP: all that was queued, FIN included, is acknowledged */
};

/* The next socket something happened to, with what; NULL: none. Each socket
 * is given once for all that happened since it was given last. */
struct adit_sock *adit_netstack_event(struct adit_netstack *ns, unsigned *what);

enum adit_sock_kind adit_sock_kind(const struct adit_sock *s);
void adit_sock_set_user(struct adit_sock *s, void *user);
void *adit_sock_user(const struct adit_sock *s);
/* -errno of the last error (-ECONNREFUSED, -ECONNRESET, -ETIMEDOUT, -EHOSTUNREACH,
 * -ENETUNREACH, -EACCES (administratively prohibited), -EMSGSIZE, -ENOMEM); 0: none.
 * TCP: what it died of; no error that a connection outlives. */
int adit_sock_error(const struct adit_sock *s);
void adit_sock_local(const struct adit_sock *s, struct adit_endpoint *ret);
void adit_sock_remote(const struct adit_sock *s, struct adit_endpoint *ret);

/* --- TCP --------------------------------------------------------------------- */

/* Begins a connection; CONNECTED or ERROR follows. local may be NULL or have
 * any part any. Returns 0, -EADDRNOTAVAIL (no port, or no address of that
 * family), -EADDRINUSE, -ENOMEM, -EMFILE (flows_max). */
int adit_tcp_connect(struct adit_netstack *ns, struct adit_sock **ret, const struct adit_endpoint *local,
		     const struct adit_endpoint *remote, void *user, adit_time now);
/* Connections to `local` (any address, any port allowed; the most specific
 * listener gets them) arrive as EV_SYN of a new socket. Returns 0, -EADDRINUSE, -ENOMEM. */
int adit_tcp_listen(struct adit_netstack *ns, struct adit_sock **ret, const struct adit_endpoint *local, void *user);
/* The listener that a socket which came in belongs to; NULL once that is closed. */
struct adit_sock *adit_tcp_listener(const struct adit_sock *s);
/* Answers the SYN. Until then the peer waits, so what stands behind may be tried first. */
void adit_tcp_accept(struct adit_sock *s, adit_time now);
/* Refuses: -ECONNREFUSED sends RST; -EHOSTUNREACH, -ENETUNREACH, -EACCES an
 * ICMP error (and RST is not sent); 0 nothing at all. The socket is gone. */
void adit_tcp_refuse(struct adit_sock *s, int error, adit_time now);

/* Bytes that were received in order, oldest first; they stay until consumed.
 * Returns the iovecs used (at most max). */
int adit_tcp_peek(struct adit_sock *s, struct iovec *iov, int max);
size_t adit_tcp_readable(const struct adit_sock *s);
void adit_tcp_consume(struct adit_sock *s, size_t len, adit_time now);
/* All before FIN was consumed. */
bool adit_tcp_at_eof(const struct adit_sock *s);

/* Room to write the next bytes of the stream to, in place: *room bytes at the
 * returned address, or NULL (WRITABLE follows). `want` is a hint. The room is
 * lent until the next call into this stack; commit says how much was used. */
uint8_t *adit_tcp_reserve(struct adit_sock *s, size_t want, size_t *room);
void adit_tcp_commit(struct adit_sock *s, size_t len, adit_time now);
/* The same with a copy; returns how many bytes were taken. */
size_t adit_tcp_send(struct adit_sock *s, const void *buf, size_t len, adit_time now);
/* Bytes queued and not yet acknowledged. */
size_t adit_tcp_queued(const struct adit_sock *s);
/* FIN after what is queued; receiving goes on. */
void adit_tcp_shutdown(struct adit_sock *s, adit_time now);
/* Done with it: FIN after what is queued. If received bytes were not consumed,
 * or more come, RST instead (RFC 2525 2.17). The socket is gone for the caller. */
void adit_tcp_close(struct adit_sock *s, adit_time now);
/* RST; gone. */
void adit_tcp_abort(struct adit_sock *s, adit_time now);

struct adit_tcp_options {
	adit_time keepalive_idle;     /* 0 = off; default 2 h */
	adit_time keepalive_interval; /* default 75 s; 9 probes */
	adit_time user_timeout;       /* unacknowledged for so long: -ETIMEDOUT; 0 = by retransmissions (about 15 min) */
	adit_time connect_timeout;    /* default 60 s (shorter than the kernel's 127 s) */
	bool nagle;                   /* default off: relays write what was batched already */
};
void adit_tcp_set_options(struct adit_sock *s, const struct adit_tcp_options *o, adit_time now);
void adit_tcp_get_options(const struct adit_sock *s, struct adit_tcp_options *ret);

struct adit_tcp_info {
	const char *state;  /* "ESTABLISHED" ... */
	unsigned mss;       /* payload bytes of a full segment, options deducted */
	uint32_t cwnd, ssthresh, in_flight, rcv_wnd, snd_wnd; /* bytes */
	adit_time srtt, rttvar, min_rtt, rto;
	uint64_t bytes_in, bytes_out;     /* consumed; acknowledged */
	uint64_t bytes_sent, bytes_resent;
	uint32_t retransmits, timeouts, recoveries, undos, probes; /* how often; undos of recoveries */
	uint32_t reordering_seen;
	bool sack, timestamps, window_scale;
};
void adit_tcp_info(const struct adit_sock *s, struct adit_tcp_info *ret);

/* --- UDP --------------------------------------------------------------------- */

/* local NULL or parts any: an ephemeral port, all addresses. remote NULL: any
 * sender. Returns 0, -EADDRINUSE, -EADDRNOTAVAIL (also: so few of the 28232
 * ephemeral ports are free that none was found soon), -ENOMEM. */
int adit_udp_sock_open(struct adit_netstack *ns, struct adit_sock **ret, const struct adit_endpoint *local,
		       const struct adit_endpoint *remote, void *user);
void adit_udp_sock_close(struct adit_sock *s);
/* A datagram is fragmented when it must be. Returns 0, -EMSGSIZE (above 65507),
 * -ENETUNREACH (no source address), -ENOBUFS (too much waits to be sent;
 * WRITABLE follows). */
int adit_udp_sock_send(struct adit_sock *s, const struct adit_endpoint *remote, const void *buf, size_t len,
		       adit_time now);
/* Does less than half of what may wait to be sent do so? Else it is better to
 * leave datagrams where they come from until this turn's have gone. */
bool adit_netstack_has_room(const struct adit_netstack *ns);
struct adit_udp_msg {
	struct adit_endpoint remote, local;
	const uint8_t *data; /* borrowed until the next call into this stack */
	size_t len;
};
/* The oldest waiting datagram; false: none. */
bool adit_udp_sock_recv(struct adit_sock *s, struct adit_udp_msg *ret);
/* Answers a datagram of `remote` to this socket, as one to a port that nobody
 * listens on: ICMP port unreachable (-ECONNREFUSED), or host unreachable. */
void adit_udp_sock_refuse(struct adit_sock *s, const struct adit_endpoint *remote, int error, adit_time now);
/* Bytes that may wait to be received, default 256 KiB; more is dropped (sock_full). */
void adit_udp_sock_set_limit(struct adit_sock *s, size_t bytes);

/* --- ICMP echo --------------------------------------------------------------- */

/* For one destination. READABLE: an answer came. */
int adit_ping_open(struct adit_netstack *ns, struct adit_sock **ret, const struct adit_addr *dst, void *user);
int adit_ping_send(struct adit_sock *s, uint16_t seq, const void *data, size_t len, adit_time now);
/* The sequence number of the oldest answer not taken yet; false: none. */
bool adit_ping_recv(struct adit_sock *s, uint16_t *seq);
void adit_ping_close(struct adit_sock *s);

/* --- counters ---------------------------------------------------------------- */

struct adit_netstack_stats {
	uint64_t drops[ADIT_DROP_CNT];
	uint64_t packets_in, packets_out, bytes_in, bytes_out; /* merged ones counted by segment */
	uint64_t connects, accepts, resets_in, resets_out, timeouts, retransmitted_bytes, challenge_acks;
	size_t tcp_flows, tcp_syn, time_wait, udp_socks, listeners;
	size_t memory_used; /* of the budget, by this stack */
};
void adit_netstack_stats(const struct adit_netstack *ns, struct adit_netstack_stats *ret);
/* Walks the program's connections for display: *pos starts as NULL; NULL at the end. */
struct adit_sock *adit_netstack_next_tcp(const struct adit_netstack *ns, struct adit_sock *pos);

#endif
