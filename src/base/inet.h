/* SPDX-License-Identifier: ISC */
/*
 * inet.h - where things stand in an IPv4 or IPv6 packet: the few offsets that
 * the data path reads (RFC 791, RFC 8200, RFC 9293, RFC 768)
 */
#ifndef ADIT_BASE_INET_H
#define ADIT_BASE_INET_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/bytes.h"

enum {
	ADIT_IPPROTO_ICMP = 1,
	ADIT_IPPROTO_TCP = 6,
	ADIT_IPPROTO_UDP = 17,
	ADIT_IPPROTO_ICMPV6 = 58,
	ADIT_IP4_HDR = 20,
	ADIT_IP6_HDR = 40,
	ADIT_TCP_HDR = 20,
	ADIT_UDP_HDR = 8,
	ADIT_TCP_CHECK = 16, /* offset of the checksum in the header */
	ADIT_UDP_CHECK = 6,
};

enum {
	ADIT_TCP_FIN = 0x01,
	ADIT_TCP_SYN = 0x02,
	ADIT_TCP_RST = 0x04,
	ADIT_TCP_PSH = 0x08,
	ADIT_TCP_ACK = 0x10,
	ADIT_TCP_ECE = 0x40,
	ADIT_TCP_CWR = 0x80,
};

/* A parsed packet. */
struct adit_inet {
	uint32_t len;     /* as the IP header says; <= the bytes given */
	uint16_t l4_off;  /* first byte behind the IP header (IPv6: behind the fixed header) */
	uint8_t version;  /* 4 or 6 */
	uint8_t protocol; /* IPv6: next header of the fixed header; extension headers are not walked */
	bool fragment;    /* any fragment, the first one included (IPv6: not seen behind other headers) */
};

static inline unsigned adit_ip_version(const uint8_t *ip)
{
	return ip[0] >> 4;
}

/* TOS byte or traffic class. */
static inline uint8_t adit_ip_tos(const uint8_t *ip)
{
	return adit_ip_version(ip) == 4 ? ip[1] : (uint8_t)(ip[0] << 4 | ip[1] >> 4);
}

static inline bool adit_inet_parse(struct adit_inet *ret, const uint8_t *ip, size_t len)
{
	if (len >= ADIT_IP4_HDR && adit_ip_version(ip) == 4) {
		ret->version = 4;
		ret->l4_off = (uint16_t)((ip[0] & 15) * 4);
		ret->len = adit_get_be16(ip + 2);
		ret->protocol = ip[9];
		ret->fragment = (adit_get_be16(ip + 6) & 0x3fff) != 0;
		return ret->l4_off >= ADIT_IP4_HDR && ret->len >= ret->l4_off && ret->len <= len;
	}
	if (len >= ADIT_IP6_HDR && adit_ip_version(ip) == 6) {
		ret->version = 6;
		ret->l4_off = ADIT_IP6_HDR;
		ret->len = ADIT_IP6_HDR + (uint32_t)adit_get_be16(ip + 4);
		ret->protocol = ip[6];
		ret->fragment = ip[6] == 44;
		return ret->len <= len;
	}
	return false;
}

#endif
