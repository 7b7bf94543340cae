/* SPDX-License-Identifier: ISC */
/*
 * tcp.h - a TCP connection, as the tcp_*.c files share it
 *
 *   tcp.c           life: made, entered states, died, freed; options and facts
 *   tcp_open.c      connect, listen, the SYN that comes in, accept and refuse
 *   tcp_stream.c    the program's side: peek, consume, reserve, commit, shutdown, close
 *   tcp_in.c        a segment: acceptable? RST, SYN, text, FIN (RFC 9293 3.10.7)
 *   tcp_ack.c       what its acknowledgement says
 *   tcp_recovery.c  what follows for what is in flight: recovery, undo, window
 *   tcp_out.c       the next packet to send
 *   tcp_option.c    headers and options, read and written
 *   tcp_timer.c     one timer for all deadlines
 *   tcp_window.c    what window to offer, and buffer limits
 *   tcp_mtu.c       segment size and path MTU
 *
 * DOC: states (RFC 9293 3.3.2)
 *
 * LISTEN is a struct tcp_listener, TIME-WAIT an entry in time_wait.c: neither
 * needs a struct tcp.
 *
 *   state         the program may         leads out
 *   SYN_SENT      abort                   SYN-ACK: ESTABLISHED; RST, time: CLOSED
 *   SYN_RECEIVED  accept, refuse, abort   ACK: ESTABLISHED; RST, time: CLOSED
 *   ESTABLISHED   everything              our FIN is sent: FIN_WAIT_1; FIN: CLOSE_WAIT
 *   FIN_WAIT_1    read                    ACK of FIN: FIN_WAIT_2; FIN: CLOSING, or both: done
 *   FIN_WAIT_2    read                    FIN: done; orphan: 60 s
 *   CLOSE_WAIT    write                   our FIN is sent: LAST_ACK
 *   CLOSING       read what is there      ACK of FIN: done
 *   LAST_ACK      -                       ACK of FIN: CLOSED
 *   CLOSED        read what is there      freed when the program closes it
 *
 * "done" leaves a TIME-WAIT entry and the struct in CLOSED without an error.
 */
#ifndef ADIT_NETSTACK_TCP_H
#define ADIT_NETSTACK_TCP_H

#include "netstack/cc.h"
#include "netstack/recvq.h"
#include "netstack/rtt.h"
#include "netstack/scoreboard.h"
#include "netstack/sendq.h"
#include "netstack/seq.h"
#include "netstack/stack.h"

enum tcp_state {
	TCP_SYN_SENT,
	TCP_SYN_RECEIVED,
	TCP_ESTABLISHED,
	TCP_FIN_WAIT_1,
	TCP_FIN_WAIT_2,
	TCP_CLOSE_WAIT,
	TCP_CLOSING,
	TCP_LAST_ACK,
	TCP_CLOSED,
};

/* What has gone wrong in flight. */
enum tcp_trouble {
	TCP_ORDERLY,
	TCP_RECOVERY, /* RACK found a loss: window by PRR until `recover` is acknowledged */
	TCP_LOSS,     /* retransmission timeout: slow start again */
};

enum tcp_deadline {
	TCP_AT_TLP,       /* tail loss probe (RFC 8985 7); before the next: where both are due the probe goes */
	TCP_AT_RTO,       /* SYN, data or FIN not acknowledged; also opens a connection's time limit */
	TCP_AT_REORDER,   /* RACK's window runs out */
	TCP_AT_PERSIST,   /* zero window probe */
	TCP_AT_DELACK,
	TCP_AT_KEEPALIVE,
	TCP_AT_PACE,      /* also looks for memory again */
	TCP_AT_GIVE_UP,   /* connect limit, FIN-WAIT-2 of an orphan */
	TCP_DEADLINES,
};

enum {
	TCP_MAX_SEGMENTS = 44,     /* of a train: 44 * 1452 B datagrams fit one send */
	TCP_QUICK_ACKS = 16,
	TCP_DUP_ACKS_MAX = 32,
	TCP_SYN_TRIES = 6,
	TCP_DATA_TRIES = 15,
	TCP_ORPHAN_TRIES = 8,
	TCP_BLACKHOLE_TIMEOUTS = 2,
};
#define TCP_DELACK    (40 * ADIT_MSEC)
#define TCP_FIN_LIMIT (60 * ADIT_SEC)

struct tcp_listener {
	struct adit_sock sock; /* first */
};

struct tcp {
	struct adit_sock sock; /* first */
	struct adit_list sending_link, borrowing_link;
	struct adit_list syn_link; /* in its address's ns_half_open, or by itself */
	struct ns_timer timer;
	adit_time at[TCP_DEADLINES]; /* ADIT_NEVER: not armed */
	struct tcp_listener *listener; /* of one that came in; NULL when it is gone */

	uint8_t state;   /* enum tcp_state */
	uint8_t trouble; /* enum tcp_trouble */
	uint8_t rcv_scale, snd_scale;
	bool held : 1;        /* SYN_RECEIVED: the program has not accepted yet */
	bool in_table : 1;
	bool sack_ok : 1, ts_ok : 1, scale_ok : 1;
	bool syn_due : 1;     /* (re)send SYN or SYN-ACK */
	bool ack_due : 1;
	bool probe_due : 1;   /* window or keepalive probe */
	bool override : 1;    /* what fits a small window goes (RFC 9293 3.8.6.2.1) */
	bool tlp_due : 1;
	bool shutdown : 1;    /* FIN after what is queued */
	bool fin_sent : 1, fin_rcvd : 1;
	bool want_write : 1;  /* reserve gave nothing: WRITABLE when there is room */
	bool nagle : 1;
	bool ecn_ok : 1, ecn_echo : 1, ecn_cwr_due : 1, ecn_syn : 1;
	bool cwnd_blocked : 1;
	bool undo_ok : 1;     /* the last reduction may yet prove wrong */
	bool mended : 1;      /* ... but something sent again was needed */
	bool tlp_open : 1, tlp_resent : 1;
	bool refused : 1;     /* since the last timeout something arrived and was not taken */
	bool sent_said : 1;   /* EV_SENT was given for what is queued */

	/* send */
	uint32_t iss;
	uint32_t write_hint;   /* bytes of the next slab */
	struct sendq sq;
	struct scoreboard sb;  /* una and snd_nxt live here once SYN is acknowledged */
	uint32_t snd_wnd, snd_wl1, snd_wl2, max_wnd;
	uint32_t peer_mss;     /* of its option, no options deducted */
	uint16_t mss;          /* payload of a full segment now */
	uint16_t mtu_limit;    /* black hole: largest packet that passes; 0 = none */
	uint16_t mtu_found;    /* ... one that helped; 0 = none */
	uint8_t mtu_tries;     /* timeouts when mtu_limit was set */
	uint8_t mtu_raises;    /* how often full segments were tried since */
	uint8_t tries;         /* timeouts since progress */
	uint8_t probes;        /* unanswered window or keepalive probes */
	uint8_t dup_acks;      /* from a peer without SACK */
	uint32_t recover;      /* trouble ends when this is acknowledged */
	uint32_t undo_una, undo_resent; /* bytes sent again since, not yet reported duplicate */
	uint32_t undo_ts;      /* our clock at the first of them */
	uint32_t cwnd_blocked_seq;
	uint32_t round_end;    /* a round trip ends when this is acknowledged */
	uint32_t tlp_end;      /* snd_nxt of an open tail loss probe; valid while tlp_open */
	uint32_t ecn_recover;
	struct cc cc;
	struct prr prr;
	struct rtt rtt;
	adit_time pace_at;     /* when the next train may leave */
	adit_time last_sent;
	adit_time mtu_raise_at; /* with mtu_found: full segments are tried again, or have proven well */
	uint32_t last_heard;   /* tcp_ms */
	int32_t soft_error;    /* ICMP's, since something was acknowledged: the reason if nothing ever is again */
	uint32_t stalled_since; /* tcp_ms: oldest thing not acknowledged; 0 none (user timeout) */

	/* receive */
	uint32_t irs;
	struct recvq rq;
	uint32_t rcv_adv;      /* right edge offered: never moves back */
	uint32_t rcv_buf;      /* what may wait to be read */
	uint32_t last_ack_sent;
	uint32_t fin_seq;      /* of the peer's FIN, valid with fin_seen */
	bool fin_seen;         /* perhaps out of order */
	uint8_t quick_acks;
	uint8_t dup_acks_due;  /* to a peer without SACK */
	uint32_t challenged_at; /* tcp_ms: the last ACK that answered something odd; 0 none */
	uint16_t rcv_mss;      /* largest segment seen */
	uint32_t unacked_rcvd; /* bytes since the last ACK left */
	struct recvq_range dsack;
	uint32_t ts_recent, ts_offset;
	uint32_t ts_recent_at; /* seconds */
	struct {
		uint32_t rtt, since;  /* the receiver's estimate; when this round began (all times in tcp_us) */
		uint32_t copied;      /* bytes consumed in this round */
		uint32_t last;        /* ... in the one before */
		uint32_t rtt_seq;     /* without timestamps: round ends when this arrives */
		uint32_t rtt_since;
	} drs;

	struct tcp_limits { /* ms */
		uint32_t keepalive_idle, keepalive_interval, user_timeout, connect_timeout;
	} limits;
	uint64_t bytes_in, bytes_out, bytes_sent, bytes_resent;
	uint32_t retransmits, timeouts, recoveries, undos, probes_sent;
};

static inline struct tcp *tcp_of(const struct adit_sock *s)
{
	return (struct tcp *)s;
}

static inline struct adit_netstack *tcp_ns(const struct tcp *t)
{
	return t->sock.ns;
}

static inline bool tcp_synchronized(const struct tcp *t)
{
	return t->state >= TCP_ESTABLISHED && t->state != TCP_CLOSED;
}

/* The end of the stream as the program wrote it so far; FIN comes there. */
static inline uint32_t tcp_stream_end(const struct tcp *t)
{
	return t->sq.una + t->sq.len;
}

static inline uint32_t tcp_rcv_wnd(const struct tcp *t)
{
	return seq_lt(t->rq.next, t->rcv_adv) ? t->rcv_adv - t->rq.next : 0;
}

/* RCV.NXT with the peer's FIN counted. */
static inline uint32_t tcp_rcv_nxt(const struct tcp *t)
{
	return t->rq.next + (t->fin_rcvd ? 1 : 0);
}

/* Short clocks, for what is compared with the present alone: modulo 2^32, never 0. */
static inline uint32_t tcp_ms(adit_time now)
{
	uint32_t ms = (uint32_t)(now / ADIT_MSEC);

	return ms ? ms : 1;
}

static inline uint32_t tcp_us(adit_time now)
{
	uint32_t us = (uint32_t)(now / 1000);

	return us ? us : 1;
}

static inline uint32_t tcp_ts_now(const struct tcp *t, adit_time now)
{
	return (uint32_t)(now / ADIT_MSEC) + t->ts_offset;
}

/* --- options of a segment (tcp_option.c) ---------------------------------------- */

struct tcp_options {
	uint16_t mss;   /* 0 = not there */
	uint8_t scale;  /* with has_scale */
	bool has_scale, sack_permitted, has_ts;
	uint32_t ts_val, ts_ecr;
	unsigned sack_cnt;
	struct recvq_range sack[4];
};
/* False: an option's length is wrong; what was read before it holds. */
bool tcp_options_read(struct tcp_options *o, const uint8_t *p, unsigned len);

/* What to put into a header besides addresses. */
struct tcp_head {
	uint32_t seq, ack;
	uint16_t wnd;
	uint8_t flags;
	struct tcp_options o;
};
#define TCP_HEAD_MAX (40 + 60)
/* Writes IP and TCP headers for `payload` bytes behind them, checksum field
 * zero; returns their length. *l4_off: where TCP starts. */
unsigned tcp_head_write(struct adit_netstack *ns, uint8_t *buf, const struct adit_endpoint *local,
			const struct adit_endpoint *remote, const struct tcp_head *h, uint8_t tos, uint32_t payload,
			uint16_t *l4_off);
/* Fills the checksum of a whole packet. */
void tcp_checksum(uint8_t *packet, uint16_t l4_off, uint32_t len);

/* --- the files' shares -------------------------------------------------------------- */

/* tcp.c */
int tcp_new(struct tcp **ret, struct adit_netstack *ns, const struct adit_endpoint *local,
	    const struct adit_endpoint *remote, void *user, adit_time now);
void tcp_enter(struct tcp *t, enum tcp_state state);
/* The connection is over, in order (error 0) or not: out of the table, no
 * timer, nothing sent; an orphan is freed: t must not be touched afterwards. */
void tcp_die(struct tcp *t, int error);
/* Both FINs are through: TIME-WAIT, and tcp_die. */
void tcp_finish(struct tcp *t, adit_time now);
void tcp_established(struct tcp *t, adit_time now);
/* RST and dead. */
void tcp_kill(struct tcp *t, int error, adit_time now);
void tcp_check(const struct tcp *t);

/* tcp_open.c */
struct tcp_listener *tcp_listener_find(const struct adit_netstack *ns, const struct adit_endpoint *local);
/* Its handshake is over, or it is. */
void tcp_leave_syn_received(struct tcp *t);
void tcp_syn_in(struct tcp_listener *l, const struct tcp_segment *seg, uint32_t isn_floor, adit_time now);
/* Takes over what a SYN says: ISN, MSS, options. */
void tcp_take_syn(struct tcp *t, const struct tcp_segment *seg, const struct tcp_options *o, adit_time now);
/* Takes the peer's FIN if all before it is here, and safe. */
void tcp_take_fin(struct tcp *t, adit_time now);

/* tcp_ack.c: seg->ack is acceptable. Returns false when t is gone. */
bool tcp_ack_in(struct tcp *t, const struct tcp_segment *seg, const struct tcp_options *o, adit_time now);

/* tcp_recovery.c */
struct tcp_acked {
	struct sb_ack sb;
	uint32_t una_before, in_flight_before;
	bool dsack, tlp_done;
	bool ece;
	bool has_ts;
	uint32_t ts_ecr;
};
void tcp_after_ack(struct tcp *t, const struct tcp_acked *a, adit_time now);
void tcp_enter_loss(struct tcp *t, adit_time now);
void tcp_reorder_expired(struct tcp *t, adit_time now);
void tcp_note_resent(struct tcp *t, uint32_t len, adit_time now);
/* All that is in flight is lost, which is no sign of congestion: segments of an old size, or a path that was gone. */
void tcp_send_all_again(struct tcp *t, adit_time now);

/* tcp_out.c */
void tcp_want_out(struct tcp *t);
void tcp_ack_now(struct tcp *t);
/* Something is queued and nothing keeps it but the peer's window. */
bool tcp_window_blocks(const struct tcp *t);
/* The program would write, and there was no memory even for the first byte. */
bool tcp_starves(const struct tcp *t);
void tcp_send_challenge_ack(struct tcp *t, adit_time now);
/* RST on behalf of t. */
void tcp_send_rst(struct tcp *t, adit_time now);

/* tcp_timer.c */
void tcp_set_deadline(struct tcp *t, enum tcp_deadline d, adit_time due);
/* After something was sent. */
void tcp_arm_sent(struct tcp *t, adit_time now);
/* After an ACK; progress: it acknowledged something new. */
void tcp_arm_acked(struct tcp *t, bool progress, adit_time now);
void tcp_timer_expired(struct ns_timer *timer, adit_time now);

/* tcp_window.c */
uint32_t tcp_new_window(struct tcp *t);    /* what to offer now; moves rcv_adv */
void tcp_consumed(struct tcp *t, uint32_t len, adit_time now);
void tcp_drs_rtt(struct tcp *t, const struct tcp_options *o, const struct tcp_segment *seg, adit_time now);
uint32_t tcp_send_limit(const struct tcp *t);   /* bytes that may wait */
uint32_t tcp_send_share(const struct tcp *t);   /* ... and memory for them */
uint32_t tcp_receive_limit(const struct tcp *t);

/* tcp_mtu.c */
void tcp_update_mss(struct tcp *t, adit_time now);
uint16_t tcp_offered_mss(const struct adit_netstack *ns, uint8_t family);
bool tcp_blackhole_timeout(struct tcp *t, adit_time now);
/* Something was acknowledged: if smaller segments did not help at once, size was not the trouble; if they did,
 * full ones are tried again later. Before `tries` is set back. */
void tcp_mtu_acked(struct tcp *t, adit_time now);

#endif
