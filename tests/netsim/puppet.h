/* SPDX-License-Identifier: ISC */
/*
 * puppet.h - a host without a stack: the test writes its packets one by one
 * and reads what it is sent. Host 0 is a stack, host 1 the puppet. The clock
 * stands still meanwhile: host 0 has answered when a call returns.
 */
#ifndef ADIT_TESTS_NETSIM_PUPPET_H
#define ADIT_TESTS_NETSIM_PUPPET_H

#include "base/inet.h"
#include "stream.h"

struct puppet {
	struct world *w;
	struct stream *st;            /* of puppet_connect and puppet_dialed */
	struct end *end;              /* the stack's end of it */
	struct adit_endpoint local, remote; /* the puppet's, the stack's */
	uint32_t iss, irs, snd_nxt, rcv_nxt;
	uint16_t wnd;                 /* as in the header */
	bool ts, sack;                /* as its SYN says */
	int scale;                    /* of its SYN; -1 = no option */
	unsigned mss;                 /* of its SYN; 0 = no option */
	uint32_t ts_val, ts_ecr;
	/* of the next packet alone: */
	uint8_t options[40];          /* behind the timestamps */
	unsigned options_len;
	unsigned spoil;               /* this byte of the IP packet is changed after the checksums; 0 = none */
	unsigned ttl;                 /* 0 = 64 */
	const struct adit_addr *from; /* another source */
	struct packet *last;          /* the packet looked at */
	struct tcp_view v;            /* if it is TCP */
};

#define SYN ADIT_TCP_SYN
#define ACK ADIT_TCP_ACK
#define RST ADIT_TCP_RST
#define FIN ADIT_TCP_FIN
#define PSH ADIT_TCP_PSH

/* Family, timestamps and SACK by the seed. */
void puppet_world(struct world *w, struct puppet *p, const struct adit_netstack_config *cfg);
void puppet_fini(struct puppet *p);

/* --- writing --- */

/* Any transport; its checksum is filled in. */
void puppet_packet(struct puppet *p, uint8_t protocol, const void *l4, uint32_t len);
/* IP header first, as it is. */
void puppet_raw(struct puppet *p, const uint8_t *ip, uint32_t len);
/* The IP header and transport of puppet_packet, not sent; returns its length. */
uint32_t puppet_write(struct puppet *p, uint8_t *ip, uint8_t protocol, const void *l4, uint32_t len);
/* The bytes of its stream from this sequence number on. */
void puppet_pattern(const struct puppet *p, uint32_t seq, uint8_t *to, uint32_t len);
/* One segment, exactly so; bytes of the pattern by their sequence number. */
void puppet_segment(struct puppet *p, unsigned flags, uint32_t seq, uint32_t ack, uint32_t len);
/* The next of its stream. */
void puppet_say(struct puppet *p, unsigned flags, uint32_t len);
void puppet_option(struct puppet *p, const void *bytes, unsigned len);
void puppet_udp(struct puppet *p, uint16_t from, uint16_t to, const void *data, uint32_t len);
void puppet_icmp(struct puppet *p, unsigned type, unsigned code, uint32_t rest, const void *quoted, uint32_t len);
/* Quotes the packet looked at. Types and codes are ICMPv4's or v6's by the family. */
void puppet_icmp_about_last(struct puppet *p, unsigned type, unsigned code, uint32_t rest);

/* --- reading --- */

/* What was sent to it next; false: nothing. */
bool puppet_get(struct puppet *p);
/* ... must be TCP with these flags (PSH, ECE and CWR do not count). */
void puppet_expect(struct puppet *p, unsigned flags);
/* ... an empty ACK of all that was said, and nothing else. */
void puppet_expect_ack(struct puppet *p);
/* ... data of so many bytes in all, whatever the segments; in order. */
void puppet_expect_data(struct puppet *p, uint32_t len);
/* ... an ICMP error about the packet that begins so. */
void puppet_expect_icmp(struct puppet *p, unsigned type, unsigned code);
/* (The packet looked at stays.) */
void puppet_expect_none(struct puppet *p);
/* Lets time pass, then: none. */
void puppet_expect_silence(struct puppet *p, adit_time time);
/* Forgets what was sent; how many packets it was. */
unsigned puppet_skip(struct puppet *p);

/* --- handshakes --- */

/* The puppet's SYN, with its options. */
void puppet_syn(struct puppet *p, unsigned flags);
/* The puppet connects; the stack's end says `back` bytes, holds its FIN and reads all. */
struct stream *puppet_connect(struct puppet *p, uint64_t back);
/* The stack dials the puppet; stops where its SYN was got. */
struct stream *puppet_dialed(struct puppet *p, uint64_t out);
/* Answers that SYN. */
void puppet_answer(struct puppet *p);
/* How often the stack has dropped something for this reason. */
uint64_t puppet_drops(const struct puppet *p, enum adit_drop why);

#endif
