/* SPDX-License-Identifier: ISC */
/* ip6_header.c - walking IPv6 extension headers (RFC 8200 4, RFC 7045) inside what is there */
#include "netstack/ip.h"

enum {
	HEADERS_MAX = 8, /* nobody sends more; a bound for those who would */
	OPTION_PAD1 = 0,
	OPTION_ACTION = 0xc0, /* of an unknown option: 0 = skip it, else the packet goes */
};

/* Hop-by-hop and destination options. We know none that asks for something. */
static bool options_fit(const uint8_t *p, size_t len)
{
	size_t i = 0;

	while (i < len) {
		if (p[i] == OPTION_PAD1) {
			i++;
			continue;
		}
		if (p[i] & OPTION_ACTION || len - i < 2 || len - i - 2 < p[i + 1])
			return false;
		i += 2u + p[i + 1];
	}
	return true;
}

/* The fragment header at l4_off. */
static enum adit_drop read_fragment(struct ip_packet *p)
{
	const uint8_t *h = p->ip + p->l4_off;
	unsigned off = adit_get_be16(h + 2);

	p->frag_off = off & 0xfff8;
	p->more = off & 1;
	p->frag_id = adit_get_be32(h + 4);
	p->fragment = p->frag_off != 0 || p->more; /* else it is whole: an atomic fragment (RFC 6946) */
	if (p->fragment && p->whole)
		return ADIT_DROP_bad_fragment;
	p->frag_hdr = p->l4_off;
	return ADIT_DROP_NONE;
}

/* One extension header of kind p->protocol at l4_off, `len` bytes long. */
static enum adit_drop look_at(struct ip_packet *p, size_t len)
{
	const uint8_t *h = p->ip + p->l4_off;

	switch (p->protocol) {
	case IP6_HOPOPTS:
		if (p->l4_off != ADIT_IP6_HDR)
			return ADIT_DROP_bad_ip_header;
		return options_fit(h + 2, len - 2) ? ADIT_DROP_NONE : ADIT_DROP_bad_ip_header;
	case IP6_DSTOPTS:
		return options_fit(h + 2, len - 2) ? ADIT_DROP_NONE : ADIT_DROP_bad_ip_header;
	case IP6_ROUTING:
		return h[3] == 0 ? ADIT_DROP_NONE : ADIT_DROP_bad_ip_header; /* segments left: we are no router */
	default:
		return read_fragment(p);
	}
}

static bool is_extension(uint8_t protocol)
{
	return protocol == IP6_HOPOPTS || protocol == IP6_ROUTING || protocol == IP6_FRAGMENT ||
	       protocol == IP6_DSTOPTS;
}

enum adit_drop ip6_walk(struct ip_packet *p)
{
	for (int n = 0; is_extension(p->protocol); n++) {
		const uint8_t *h = p->ip + p->l4_off;
		uint8_t next;
		size_t len;
		enum adit_drop drop;

		if (n == HEADERS_MAX || p->head_len - p->l4_off < 8u)
			return ADIT_DROP_bad_ip_header;
		next = h[0];
		len = p->protocol == IP6_FRAGMENT ? IP6_FRAGMENT_HDR : 8u + h[1] * 8u;
		if (p->head_len - p->l4_off < len)
			return ADIT_DROP_bad_ip_header;
		drop = look_at(p, len);
		if (drop)
			return drop;
		if (!p->fragment)
			p->next_hdr = p->l4_off;
		p->l4_off += (uint16_t)len;
		p->protocol = next;
		if (p->fragment)
			break;
	}
	return ADIT_DROP_NONE;
}
