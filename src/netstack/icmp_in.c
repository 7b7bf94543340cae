/* SPDX-License-Identifier: ISC */
/* icmp_in.c - ICMP and ICMPv6 that arrive: echo, and errors about what we sent (RFC 792, 4443, 5927) */
#include <errno.h>
#include <stdlib.h>

#include "netstack/ip.h"
#include "netstack/pmtu.h"

enum {
	ECHO4 = 8, ECHO4_REPLY = 0, ECHO6 = 128, ECHO6_REPLY = 129,
	UNREACHABLE4 = 3, TIME4 = 11, PARAMETER4 = 12, NEEDS_FRAGMENTS = 4,
	UNREACHABLE6 = 1, TOO_BIG6 = 2, TIME6 = 3, PARAMETER6 = 4,
	ECHO_PER_S = 1000,
	ECN = 3,
};

/* --- echo ---------------------------------------------------------------------------- */

static enum adit_drop reply(struct adit_netstack *ns, const struct ip_packet *p, const uint8_t *icmp,
			    const uint8_t *data, size_t len, adit_time now)
{
	uint8_t hdr[ICMP_HDR];

	memcpy(hdr, icmp, sizeof(hdr));
	hdr[0] = p->dst.family == 4 ? ECHO4_REPLY : ECHO6_REPLY;
	hdr[1] = 0;
	ip_send(ns, &p->dst, &p->src, p->protocol, (uint8_t)(p->tos & ~ECN), hdr, 2, data, len, now);
	return ADIT_DROP_NONE; /* if the queue was full that was counted there */
}

static enum adit_drop echo(struct adit_netstack *ns, const struct ip_packet *p, adit_time now)
{
	const uint8_t *icmp = p->ip + p->l4_off;
	size_t len = p->len - p->l4_off - (size_t)ICMP_HDR, there = p->head_len - p->l4_off - (size_t)ICMP_HDR;
	enum adit_drop drop;
	uint8_t *copy;

	if (!ns_token(&ns->echo_tokens, &ns->echo_refill, ECHO_PER_S, now))
		return ADIT_DROP_echo_limited;
	if (there >= len)
		return reply(ns, p, icmp, icmp + ICMP_HDR, len, now);
	copy = malloc(len); /* it came in pieces, which nobody does to an echo request */
	if (!copy)
		return ADIT_DROP_no_memory;
	ip_copy(copy, p, p->l4_off + (size_t)ICMP_HDR, len);
	drop = reply(ns, p, icmp, copy, len, now);
	free(copy);
	return drop;
}

/* --- errors -------------------------------------------------------------------------- */

struct report {
	enum icmp_kind kind;
	int error;
	unsigned mtu;
};

static int unreachable4(uint8_t code)
{
	static const int errors[] = {
		-ENETUNREACH, -EHOSTUNREACH, -ECONNREFUSED, -ECONNREFUSED, 0, -EHOSTUNREACH, -ENETUNREACH, -EHOSTUNREACH,
		-EHOSTUNREACH, -EACCES, -EACCES, -ENETUNREACH, -EHOSTUNREACH, -EACCES, -EACCES, -EACCES,
	};

	return code < sizeof(errors) / sizeof(errors[0]) ? errors[code] : -EHOSTUNREACH;
}

static int unreachable6(uint8_t code)
{
	static const int errors[] = {
		-ENETUNREACH, -EACCES, -EHOSTUNREACH, -EHOSTUNREACH, -ECONNREFUSED, -EACCES, -EACCES,
	};

	return code < sizeof(errors) / sizeof(errors[0]) ? errors[code] : -EHOSTUNREACH;
}

/* Routers of before RFC 1191 do not say what fits: the next lower of the usual sizes (its section 7). */
static unsigned plateau_below(unsigned len)
{
	static const uint16_t plateau[] = { 32000, 17914, 8166, 4352, 2002, 1492, 1006 };

	for (size_t i = 0; i < sizeof(plateau) / sizeof(plateau[0]); i++)
		if (plateau[i] < len)
			return plateau[i];
	return PMTU_FLOOR4;
}

static bool read_report4(struct report *r, const uint8_t *icmp, const uint8_t *quote)
{
	*r = (struct report){ .kind = ICMP_GOT_UNREACHABLE };
	switch (icmp[0]) {
	case UNREACHABLE4:
		r->error = unreachable4(icmp[1]);
		if (icmp[1] != NEEDS_FRAGMENTS)
			return true;
		r->kind = ICMP_GOT_TOO_BIG;
		r->error = -EMSGSIZE;
		r->mtu = adit_get_be16(icmp + 6);
		if (!r->mtu)
			r->mtu = plateau_below(adit_get_be16(quote + IP4_LEN));
		return r->mtu >= PMTU_FLOOR4;
	case TIME4:
		r->kind = ICMP_GOT_TIME_EXCEEDED;
		r->error = -EHOSTUNREACH;
		return true;
	case PARAMETER4:
		r->error = -EHOSTUNREACH;
		return true;
	default: /* redirects, source quench (RFC 6633), router discovery ...: not for us */
		return false;
	}
}

static bool read_report6(struct report *r, const uint8_t *icmp)
{
	*r = (struct report){ .kind = ICMP_GOT_UNREACHABLE };
	switch (icmp[0]) {
	case UNREACHABLE6:
		r->error = unreachable6(icmp[1]);
		return true;
	case TOO_BIG6:
		r->kind = ICMP_GOT_TOO_BIG;
		r->error = -EMSGSIZE;
		r->mtu = adit_get_be32(icmp + 4);
		return r->mtu >= PMTU_FLOOR6; /* nothing good comes of less (RFC 8021) */
	case TIME6:
		r->kind = ICMP_GOT_TIME_EXCEEDED;
		r->error = -EHOSTUNREACH;
		return true;
	case PARAMETER6:
		r->error = icmp[1] == 1 ? -ECONNREFUSED : -EHOSTUNREACH; /* 1: it does not know the protocol */
		return true;
	default:
		return false;
	}
}

/* The quoted packet, as far as it was quoted: ours, not a later fragment, 8 bytes of transport. */
static bool parse_quote(struct ip_packet *q, const uint8_t *ip, size_t len, const struct adit_addr *us)
{
	*q = (struct ip_packet){ .ip = ip, .head_len = (uint32_t)len };
	if (us->family == 4) {
		if (len < ADIT_IP4_HDR || adit_ip_version(ip) != 4 || adit_get_be16(ip + IP4_FRAG) & IP4_OFFSET)
			return false;
		q->l4_off = (uint16_t)((ip[0] & 15) * 4);
		q->protocol = ip[IP4_PROTO];
		ip_addr4(&q->src, ip + IP4_SRC);
		ip_addr4(&q->dst, ip + IP4_DST);
	} else {
		if (len < ADIT_IP6_HDR || adit_ip_version(ip) != 6)
			return false;
		q->l4_off = ADIT_IP6_HDR;
		q->protocol = ip[IP6_NEXT];
		ip_addr6(&q->src, ip + IP6_SRC);
		ip_addr6(&q->dst, ip + IP6_DST);
		if (ip6_walk(q) || q->frag_off)
			return false;
	}
	return q->l4_off >= ADIT_IP4_HDR && q->l4_off + 8u <= len && ip_same_addr(&q->src, us);
}

/* A report about a datagram: to its socket; what it says of the path is believed if there is one. */
static enum adit_drop about_datagram(struct adit_netstack *ns, const struct ip_packet *q, const struct report *r,
				     adit_time now)
{
	const uint8_t *l4 = q->ip + q->l4_off;
	int error = r->kind == ICMP_GOT_TOO_BIG ? 0 : r->error;
	enum adit_drop drop;

	if (q->protocol == ADIT_IPPROTO_UDP) {
		const struct adit_endpoint local = { q->src, adit_get_be16(l4) };
		const struct adit_endpoint remote = { q->dst, adit_get_be16(l4 + 2) };

		drop = udp_icmp(ns, &local, &remote, error);
	} else if (l4[0] == (q->src.family == 4 ? ECHO4 : ECHO6)) {
		drop = ping_icmp(ns, &q->dst, adit_get_be16(l4 + 4), error);
	} else {
		return ADIT_DROP_icmp_ignored; /* an answer of ours, say */
	}
	if (!drop && r->kind == ICMP_GOT_TOO_BIG)
		pmtu_set(ns, &q->dst, r->mtu, now);
	return drop;
}

static enum adit_drop error_in(struct adit_netstack *ns, const struct ip_packet *p, adit_time now)
{
	const uint8_t *icmp = p->ip + p->l4_off, *quote = icmp + ICMP_HDR;
	struct ip_packet q;
	struct report r;

	if (!parse_quote(&q, quote, p->head_len - p->l4_off - (size_t)ICMP_HDR, &p->dst))
		return ADIT_DROP_icmp_ignored;
	if (!(p->dst.family == 4 ? read_report4(&r, icmp, quote) : read_report6(&r, icmp)))
		return ADIT_DROP_icmp_ignored;
	switch (q.protocol) {
	case ADIT_IPPROTO_TCP: {
		const uint8_t *tcp = quote + q.l4_off;
		const struct adit_endpoint local = { q.src, adit_get_be16(tcp) };
		const struct adit_endpoint remote = { q.dst, adit_get_be16(tcp + 2) };

		tcp_icmp(ns, &local, &remote, adit_get_be32(tcp + 4), r.kind, r.error, r.mtu, now);
		return ADIT_DROP_NONE;
	}
	case ADIT_IPPROTO_UDP:
		return about_datagram(ns, &q, &r, now);
	default:
		if (q.protocol != (p->dst.family == 4 ? ADIT_IPPROTO_ICMP : ADIT_IPPROTO_ICMPV6))
			return ADIT_DROP_icmp_ignored;
		return about_datagram(ns, &q, &r, now);
	}
}

enum adit_drop icmp_in(struct adit_netstack *ns, const struct ip_packet *p, adit_time now)
{
	bool v4 = p->dst.family == 4;
	uint8_t type;

	if (p->head_len < p->l4_off + (uint32_t)ICMP_HDR || p->gso_size)
		return ADIT_DROP_bad_transport;
	/* who verified TCP and UDP for us had no reason to look at ICMPv4 */
	if ((v4 || !p->verified) && !ip_checksum_ok(p, p->len - p->l4_off))
		return ADIT_DROP_checksum_wrong;
	type = p->ip[p->l4_off];
	if (type == (v4 ? ECHO4 : ECHO6))
		return echo(ns, p, now);
	if (type == (v4 ? ECHO4_REPLY : ECHO6_REPLY))
		return ping_in(ns, p, p->ip + p->l4_off);
	return error_in(ns, p, now);
}
