/* SPDX-License-Identifier: ISC */
/* ip.h - IPv4 and IPv6 packets as the files of this folder hand them on */
#ifndef ADIT_NETSTACK_IP_H
#define ADIT_NETSTACK_IP_H

#include <string.h>

#include "base/bytes.h"
#include "base/checksum.h"
#include "base/inet.h"
#include "netstack/stack.h"

enum {
	IP4_LEN = 2, IP4_ID = 4, IP4_FRAG = 6, IP4_TTL = 8, IP4_PROTO = 9, IP4_CHECK = 10, IP4_SRC = 12, IP4_DST = 16,
	IP6_LEN = 4, IP6_NEXT = 6, IP6_HOPS = 7, IP6_SRC = 8, IP6_DST = 24,
	IP4_DF = 0x4000, IP4_MF = 0x2000, IP4_OFFSET = 0x1fff,
	IP6_HOPOPTS = 0, IP6_ROUTING = 43, IP6_FRAGMENT = 44, IP6_NONE = 59, IP6_DSTOPTS = 60,
	IP6_FRAGMENT_HDR = 8,
	IP_TTL = 64,
	IP_PACKET_MAX = 65535,
	ICMP_HDR = 8,
	NS_PORT_FIRST = 32768, NS_PORT_CNT = 61000 - NS_PORT_FIRST, /* ephemeral ones, as Linux has them */
};

/* An IP packet that arrived, single or merged. */
struct ip_packet {
	struct adit_addr src, dst;
	const struct iovec *iov; /* iov[0] starts with the IP header */
	int cnt;
	const uint8_t *ip;    /* = iov[0].iov_base */
	uint32_t head_len;    /* bytes that stand together there, padding left out */
	uint32_t len;         /* of the whole packet: IP header and payload */
	uint16_t l4_off;
	uint16_t gso_size;
	uint8_t protocol;     /* of the transport header */
	uint8_t tos;
	bool verified;        /* the transport checksum needs no look */
	/* of a fragment: */
	bool fragment, more;
	bool whole;           /* put together from fragments: may not be one again */
	uint16_t frag_off;    /* bytes */
	uint16_t frag_hdr;    /* IPv6: where the fragment header stands */
	uint16_t next_hdr;    /* IPv6: offset of the byte that names what stands at l4_off, or the fragment header */
	uint32_t frag_id;
};

/* --- ip6_header.c --- */

/* Walks the extension headers from the fixed header on, up to a transport or
 * fragment header, inside head_len bytes: sets l4_off, protocol, next_hdr and the
 * fragment's fields. NONE or the reason to drop. */
enum adit_drop ip6_walk(struct ip_packet *p);

/* --- ip_in.c --- */

/* A packet whose IP header was checked: to its protocol. */
enum adit_drop ip_deliver(struct adit_netstack *ns, struct ip_packet *p, adit_time now);
/* Checks the header of a single packet and fills p (but gso_size, whole). */
enum adit_drop ip_parse(struct ip_packet *p, const struct iovec *iov, int cnt, bool merged, bool trusted);
/* Copies bytes [off, off + len) of a packet. */
void ip_copy(uint8_t *to, const struct ip_packet *p, size_t off, size_t len);
/* The checksum of the first l4_len bytes of the transport part; with the pseudo-header for all but ICMPv4. */
bool ip_checksum_ok(const struct ip_packet *p, uint32_t l4_len);

/* --- ip_out.c --- */

/* Sum of the pseudo-header (RFC 9293 3.1, RFC 8200 8.1). */
uint64_t ip_pseudo_sum(const struct adit_addr *src, const struct adit_addr *dst, uint8_t protocol, uint32_t l4_len);
/*
 * Queues a transport message: an 8-byte header, whose checksum field at
 * check_off is computed here, and data. Fragmented when the path to dst takes
 * no more. Returns 0, -EMSGSIZE, -ENOBUFS (counted as out_queue_full).
 */
int ip_send(struct adit_netstack *ns, const struct adit_addr *src, const struct adit_addr *dst, uint8_t protocol,
	    uint8_t tos, uint8_t hdr[8], unsigned check_off, const void *data, size_t len, adit_time now);

/* --- the transport parts: each says why it dropped, or NONE --- */

enum adit_drop udp_in(struct adit_netstack *ns, const struct ip_packet *p, adit_time now);
enum adit_drop icmp_in(struct adit_netstack *ns, const struct ip_packet *p, adit_time now);
/* An echo reply (udp.c, ping.c: an error about a datagram of theirs). */
enum adit_drop ping_in(struct adit_netstack *ns, const struct ip_packet *p, const uint8_t *icmp);
enum adit_drop ping_icmp(struct adit_netstack *ns, const struct adit_addr *dst, uint16_t id, int error);
enum adit_drop udp_icmp(struct adit_netstack *ns, const struct adit_endpoint *local,
			const struct adit_endpoint *remote, int error);
/* Frees what adit_udp_sock_recv lent. */
void udp_take_back(struct adit_netstack *ns);
bool udp_sock_equal(const void *item, const void *key);

static inline bool ip_same_addr(const struct adit_addr *a, const struct adit_addr *b)
{
	return !memcmp(a, b, sizeof(*a));
}

static inline bool ip_same_endpoint(const struct adit_endpoint *a, const struct adit_endpoint *b)
{
	return a->port == b->port && ip_same_addr(&a->addr, &b->addr);
}

static inline void ip_addr4(struct adit_addr *a, const uint8_t *p)
{
	memset(a, 0, sizeof(*a));
	a->family = 4;
	memcpy(a->bytes, p, 4);
}

static inline void ip_addr6(struct adit_addr *a, const uint8_t *p)
{
	a->family = 6;
	memcpy(a->bytes, p, 16);
}

#endif
