/* SPDX-License-Identifier: ISC */
/*
 * stack.h - a stack's insides, shared by the files of this folder
 *
 * Who calls whom: stack.c owns the public calls and the order of output;
 * ip_in.c checks and demultiplexes and hands segments to tcp_in.c, datagrams
 * to udp.c, messages to icmp_in.c. Nothing calls upward but ns_event.
 */
#ifndef ADIT_NETSTACK_STACK_H
#define ADIT_NETSTACK_STACK_H

#include "base/list.h"
#include "base/map.h"
#include "base/wheel.h"
#include "netstack/netstack.h"
#include "netstack/slab.h"

#define NS_WHEEL_TICK (ADIT_MSEC / 4)

/* The head of every socket. */
struct adit_sock {
	struct adit_netstack *ns;
	struct adit_list event_link; /* in ns->events while events != 0 */
	struct adit_list all_link;   /* in its kind's list */
	void *user;
	struct adit_endpoint local, remote;
	int32_t error;
	uint8_t kind;   /* enum adit_sock_kind */
	uint8_t events; /* not pulled yet */
	bool orphan;    /* the program has closed it: no events, the stack frees it */
};

struct tcp;
struct tcp_listener;

/* A small packet that waits to be sent: ICMP, RST, UDP. */
struct ns_packet {
	struct ns_packet *next;
	uint32_t len;
	uint8_t data[];
};

#define NS_QUEUE_LEN (256 << 10) /* bytes of small packets that may wait */

/* Connections whose SYN was answered and that wait for the ACK, oldest first, of
 * the addresses with one hash: a /64 of IPv6 is often a whole network, so a
 * remote is one address in both families. */
struct ns_half_open {
	struct adit_list all; /* struct tcp, syn_link */
	unsigned cnt;
};
#define NS_HALF_OPENS 64

struct ns_pmtu; /* pmtu.h */
struct ns_reassembly; /* reassembly.h */

struct adit_netstack {
	struct adit_netstack_config cfg;
	struct adit_netstack_ops ops;
	void *ops_user;
	struct adit_addr addr[ADIT_NETSTACK_ADDRESSES];
	unsigned addr_cnt;
	uint8_t hash_key[16]; /* SipHash of flows */
	uint8_t isn_key[16];  /* RFC 9293 3.4.1 */
	struct slab_pool pool;
	struct adit_wheel wheel;    /* struct ns_timer */
	struct adit_map flows;      /* struct tcp, by local and remote endpoint */
	struct adit_map time_wait;  /* struct time_wait, the same key */
	struct adit_list listeners; /* struct tcp_listener: few */
	struct adit_map udp;        /* struct udp_sock, by local endpoint */
	struct adit_list tcps, udps, pings; /* all_link */
	struct adit_list events;
	struct adit_list borrowing; /* struct tcp with borrowed bytes: settled by in_end */
	struct adit_list udp_short; /* struct udp_sock that the queue had no room for */
	struct adit_list sending;   /* struct tcp with something to send, round robin */
	struct ns_packet *queue_first, *queue_last;
	size_t queue_len;
	struct ns_pmtu *pmtu;
	struct ns_reassembly *reassembly;
	struct ns_time_waits *time_waits;
	adit_time next_trim;
	uint16_t ip_id;
	uint32_t ip6_id;       /* of fragments */
	uint16_t port_counter; /* flow_ephemeral_port */
	unsigned queue_run;    /* packets of the queue taken in a row while connections waited */
	enum adit_drop last_drop; /* for traces: of the packet being looked at */
	struct udp_datagram *udp_lent; /* what adit_udp_sock_recv gave last */
	size_t udp_cnt;
	size_t memory;         /* of the budget, slabs aside */
	unsigned echo_tokens; adit_time echo_refill; /* echo requests we answer: 1000 a second */
	unsigned syn_cnt;  /* connections between SYN and its handshake's end */
	struct ns_half_open half_open[NS_HALF_OPENS]; /* of these, those that came in and were accepted */
	unsigned icmp_tokens; adit_time icmp_refill; /* errors we send: 100 a second */
	unsigned challenge_tokens; adit_time challenge_refill; /* RFC 5961 7 */
	struct adit_netstack_stats n;
};

/* --- timers: one entry per owner ------------------------------------------------ */

struct ns_timer {
	struct adit_wheel_entry entry;
	void (*expired)(struct ns_timer *t, adit_time now);
};

static inline void ns_timer_set(struct adit_netstack *ns, struct ns_timer *t, adit_time due)
{
	adit_wheel_set(&ns->wheel, &t->entry, due);
}

/* --- stack.c ---------------------------------------------------------------------- */

/* Notes that something happened; nothing for an orphan. */
void ns_event(struct adit_sock *s, unsigned what);
void ns_sock_init(struct adit_sock *s, struct adit_netstack *ns, enum adit_sock_kind kind, struct adit_list *all,
		  void *user);
/* Takes it out of every list; the caller frees it. */
void ns_sock_fini(struct adit_sock *s);
static inline void ns_drop(struct adit_netstack *ns, enum adit_drop drop, unsigned cnt)
{
	ns->n.drops[drop] += cnt;
	ns->last_drop = drop;
}
/* Takes a token out of a bucket that holds, and gets in a second, `rate` of them. */
bool ns_token(unsigned *tokens, adit_time *refill, unsigned rate, adit_time now);
/* The budget, for what is not a slab; false: nothing left. */
bool ns_charge(struct adit_netstack *ns, size_t len);
void ns_uncharge(struct adit_netstack *ns, size_t len);
bool ns_is_ours(const struct adit_netstack *ns, const struct adit_addr *a);
void ns_random(struct adit_netstack *ns, void *buf, size_t len);
uint32_t ns_random32(struct adit_netstack *ns);
/* A keyed hash of a flow. */
uint64_t ns_flow_hash(const struct adit_netstack *ns, const struct adit_endpoint *local,
		      const struct adit_endpoint *remote);
/* Room for a small packet of len bytes at the queue's end, which it is part of
 * from then on; NULL when too much waits (counted as out_queue_full). */
uint8_t *ns_queue(struct adit_netstack *ns, uint32_t len);

/* --- ip_out.c --------------------------------------------------------------------- */

static inline unsigned ip_hdr_len(const struct adit_addr *dst)
{
	return dst->family == 4 ? 20 : 40;
}
/* Writes an IPv4 (DF set, identification 0 when df) or IPv6 header in front of
 * l4_len bytes; returns its length. tos: DSCP and ECN. */
unsigned ip_put_header(struct adit_netstack *ns, uint8_t *buf, const struct adit_addr *src, const struct adit_addr *dst,
		       uint8_t protocol, uint32_t l4_len, uint8_t tos, bool df);

/* --- pmtu.c: what is known of the way to a destination ------------------------------ */

/* At most the stack's MTU. */
unsigned pmtu_get(const struct adit_netstack *ns, const struct adit_addr *dst, adit_time now);
/* A lower value was learned (RFC 1191, 8201; never below 552 or 1280); forgotten after 10 min. */
void pmtu_set(struct adit_netstack *ns, const struct adit_addr *dst, unsigned mtu, adit_time now);

/* --- icmp_out.c ------------------------------------------------------------------- */

enum icmp_reason { ICMP_NO_ROUTE, ICMP_HOST_UNREACHABLE, ICMP_PORT_UNREACHABLE, ICMP_PROHIBITED,
		   ICMP_PROTOCOL_UNREACHABLE, ICMP_REASSEMBLY_TIMEOUT };
/* Answers a received packet (its first bytes, IP header first), within the rate limit. */
void icmp_send_error(struct adit_netstack *ns, enum icmp_reason why, const uint8_t *packet, size_t len, adit_time now);
/* The same for a SYN that is no longer at hand. */
void icmp_refuse_tcp(struct adit_netstack *ns, enum icmp_reason why, const struct adit_endpoint *local,
		     const struct adit_endpoint *remote, uint32_t seq, adit_time now);

/* And for a datagram. */
void icmp_refuse_udp(struct adit_netstack *ns, enum icmp_reason why, const struct adit_endpoint *local,
		     const struct adit_endpoint *remote, adit_time now);
/* The queue has room again: tells who had none (udp.c). */
void udp_queue_has_room(struct adit_netstack *ns);

/* --- tcp_open.c -------------------------------------------------------------------- */

struct ns_half_open *ns_half_open_of(struct adit_netstack *ns, const struct adit_addr *remote);

/* --- flow.c ----------------------------------------------------------------------- */

struct tcp *flow_find(const struct adit_netstack *ns, const struct adit_endpoint *local,
		      const struct adit_endpoint *remote);
int flow_insert(struct adit_netstack *ns, struct tcp *t); /* 0, -EADDRINUSE, -ENOMEM */
void flow_remove(struct adit_netstack *ns, struct tcp *t);
/* RFC 6056 algorithm 3 (keyed by the remote): a free port of 32768..60999 for
 * this local address and remote; 0: none. TIME-WAIT ones count as taken; when
 * free ones are rare, one that has rested for a second with timestamps on is
 * taken all the same (RFC 6191 2): its entry is gone then, and the new
 * connection's timestamps must be above the old one's. */
uint16_t flow_ephemeral_port(struct adit_netstack *ns, const struct adit_addr *local,
			     const struct adit_endpoint *remote, adit_time now);

/* --- time_wait.c: 2 * MSL = 60 s, in 64-byte entries, at most 65536 -------------------- */

struct time_wait_info {
	uint32_t snd_nxt, rcv_nxt;
	uint32_t ts_recent; /* valid with timestamps */
	uint32_t ts_offset; /* of our own timestamps */
	uint32_t rcv_wnd;   /* as in the header, scaled */
	bool timestamps;
};
void time_wait_add(struct adit_netstack *ns, const struct adit_endpoint *local, const struct adit_endpoint *remote,
		   const struct time_wait_info *info, adit_time now);
struct tcp_segment;
/* A segment for a connection in TIME-WAIT: answered (RFC 9293 3.10.7.4), RST
 * ignored (RFC 1337). Returns true when dealt with; false: no such entry, or
 * it is a SYN that may reuse it (RFC 6191), and the entry is gone;
 * *isn_floor is then what the new ISN must be above. */
bool time_wait_in(struct adit_netstack *ns, const struct tcp_segment *seg, uint32_t *isn_floor, adit_time now);

/* --- TCP, as ip_in.c and icmp_in.c see it (tcp_in.c) ---------------------------------- */

/* A segment, or several merged, checked as far as IP and the checksum go. */
struct tcp_segment {
	struct adit_endpoint local, remote;
	uint32_t seq, ack;
	uint16_t wnd;
	uint8_t flags;      /* ADIT_TCP_*; of merged ones: all of them */
	uint8_t tos;        /* of the IP header: ECN marks */
	uint16_t gso_size;  /* 0 = single */
	const uint8_t *options;
	unsigned options_len;
	const struct iovec *iov; /* the payload starts `skip` bytes into it */
	int cnt;
	size_t skip;
	uint32_t len;            /* payload bytes */
	const uint8_t *packet;   /* the IP header, for ICMP errors; packet_len bytes there */
	size_t packet_len;
};
void tcp_in(struct adit_netstack *ns, const struct tcp_segment *seg, adit_time now);

enum icmp_kind { ICMP_GOT_UNREACHABLE, ICMP_GOT_TOO_BIG, ICMP_GOT_TIME_EXCEEDED };
/* An ICMP error that quotes a segment of ours: seq is the quoted one. error:
 * what it means (-ECONNREFUSED, -EHOSTUNREACH ...); hard: RFC 1122 4.2.3.9 */
void tcp_icmp(struct adit_netstack *ns, const struct adit_endpoint *local, const struct adit_endpoint *remote,
	      uint32_t seq, enum icmp_kind kind, int error, unsigned mtu, adit_time now);
/* The next packet of a connection out of ns->sending (which it leaves when it has nothing more). */
enum adit_out tcp_out(struct tcp *t, uint8_t *buf, uint32_t *len, struct adit_super *super, adit_time now);
/* in_end: settles what is borrowed. */
void tcp_settle(struct tcp *t, adit_time now);
struct tcp *tcp_of_sending(struct adit_list *link); /* container_of for ns->sending, ns->borrowing */
struct tcp *tcp_of_borrowing(struct adit_list *link);
/* Frees without a word; for adit_netstack_free and removed addresses (which resets first). */
void tcp_free(struct tcp *t);
void tcp_reset(struct tcp *t, int error, adit_time now);
void tcp_listener_free(struct tcp_listener *l);
void tcp_mtu_changed(struct tcp *t, adit_time now);
void tcp_path_up(struct tcp *t, adit_time now);
/* RST for a segment that fits no connection (RFC 9293 3.10.7.1). */
void tcp_send_reset(struct adit_netstack *ns, const struct tcp_segment *seg, adit_time now);
/* A pure ACK outside any connection (TIME-WAIT). */
void tcp_send_bare_ack(struct adit_netstack *ns, const struct adit_endpoint *local, const struct adit_endpoint *remote,
		       const struct time_wait_info *info, adit_time now);

/* A connection's invariants; asserts. For ns_check alone. */
void tcp_check(const struct tcp *t);
/* Test builds: every invariant of every connection; asserts (check.c). */
void ns_check(const struct adit_netstack *ns);

#endif
