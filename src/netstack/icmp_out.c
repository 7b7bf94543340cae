/* SPDX-License-Identifier: ISC */
/* icmp_out.c - ICMP errors about packets that came for us (RFC 1122 3.2.2, RFC 4443 2.4) */
#include "netstack/ip.h"

enum {
	ERRORS_PER_S = 100,
	LEN_MAX4 = 576, LEN_MAX6 = 1280, /* of the whole message */
	TOS = 0xc0,                      /* internetwork control, as routers do */
};

struct code {
	uint8_t type, code;
};

static const struct code codes4[] = {
	[ICMP_NO_ROUTE] = { 3, 0 },	     [ICMP_HOST_UNREACHABLE] = { 3, 1 },
	[ICMP_PORT_UNREACHABLE] = { 3, 3 },  [ICMP_PROHIBITED] = { 3, 13 },
	[ICMP_PROTOCOL_UNREACHABLE] = { 3, 2 }, [ICMP_REASSEMBLY_TIMEOUT] = { 11, 1 },
};

static const struct code codes6[] = {
	[ICMP_NO_ROUTE] = { 1, 0 },	     [ICMP_HOST_UNREACHABLE] = { 1, 3 },
	[ICMP_PORT_UNREACHABLE] = { 1, 4 },  [ICMP_PROHIBITED] = { 1, 1 },
	[ICMP_PROTOCOL_UNREACHABLE] = { 4, 1 }, [ICMP_REASSEMBLY_TIMEOUT] = { 3, 1 },
};

/* May this packet be answered? Fills what of p the answer needs. */
static bool answerable4(struct ip_packet *p)
{
	const uint8_t *ip = p->ip;

	p->l4_off = (uint16_t)((ip[0] & 15) * 4);
	if (adit_get_be16(ip + IP4_FRAG) & IP4_OFFSET || ip[IP4_DST] >= 224 || p->l4_off >= p->head_len)
		return false;
	if (ip[IP4_SRC] == 0 || ip[IP4_SRC] == 127 || ip[IP4_SRC] >= 224)
		return false;
	ip_addr4(&p->src, ip + IP4_SRC);
	ip_addr4(&p->dst, ip + IP4_DST);
	if (ip[IP4_PROTO] == ADIT_IPPROTO_ICMP) {
		uint8_t type = ip[p->l4_off];

		return type == 0 || type == 8 || type == 13 || type == 14; /* the rest are errors, or look like them */
	}
	return true;
}

static bool answerable6(struct ip_packet *p)
{
	const uint8_t *ip = p->ip;

	if (p->head_len < ADIT_IP6_HDR || ip[IP6_DST] == 0xff || ip[IP6_SRC] == 0xff)
		return false;
	ip_addr6(&p->src, ip + IP6_SRC);
	ip_addr6(&p->dst, ip + IP6_DST);
	p->l4_off = ADIT_IP6_HDR;
	p->protocol = ip[IP6_NEXT];
	p->next_hdr = IP6_NEXT;
	if (ip6_walk(p) || p->frag_off)
		return false;
	return p->protocol != ADIT_IPPROTO_ICMPV6 || (p->l4_off < p->head_len && ip[p->l4_off] >= 128);
}

static void put_message(struct adit_netstack *ns, const struct ip_packet *p, enum icmp_reason why, uint8_t *buf,
			uint32_t quote)
{
	bool v4 = p->src.family == 4;
	uint8_t protocol = v4 ? ADIT_IPPROTO_ICMP : ADIT_IPPROTO_ICMPV6;
	uint32_t l4_len = ICMP_HDR + quote;
	uint8_t *icmp = buf + ip_put_header(ns, buf, &p->dst, &p->src, protocol, l4_len, TOS, true);
	uint16_t check;

	memset(icmp, 0, ICMP_HDR);
	icmp[0] = v4 ? codes4[why].type : codes6[why].type;
	icmp[1] = v4 ? codes4[why].code : codes6[why].code;
	if (!v4 && why == ICMP_PROTOCOL_UNREACHABLE)
		adit_put_be32(icmp + 4, p->next_hdr); /* which byte we did not understand */
	memcpy(icmp + ICMP_HDR, p->ip, quote);
	check = (uint16_t)~adit_sum_fold(
		adit_sum(icmp, l4_len, v4 ? 0 : ip_pseudo_sum(&p->dst, &p->src, protocol, l4_len)));
	memcpy(icmp + 2, &check, 2);
}

void icmp_send_error(struct adit_netstack *ns, enum icmp_reason why, const uint8_t *packet, size_t len, adit_time now)
{
	struct ip_packet p = { .ip = packet, .head_len = len < IP_PACKET_MAX ? (uint32_t)len : IP_PACKET_MAX };
	uint32_t hdr, quote;
	uint8_t *buf;

	if (len < ADIT_IP4_HDR || !(adit_ip_version(packet) == 4 ? answerable4(&p) : answerable6(&p)))
		return;
	if (!ns_token(&ns->icmp_tokens, &ns->icmp_refill, ERRORS_PER_S, now))
		return;
	hdr = ip_hdr_len(&p.src) + ICMP_HDR;
	quote = (p.src.family == 4 ? LEN_MAX4 : LEN_MAX6) - hdr;
	if (quote > p.head_len)
		quote = p.head_len;
	buf = ns_queue(ns, hdr + quote);
	if (buf)
		put_message(ns, &p, why, buf, quote);
}

/* The header of the datagram, without its payload, made again. */
void icmp_refuse_udp(struct adit_netstack *ns, enum icmp_reason why, const struct adit_endpoint *local,
		     const struct adit_endpoint *remote, adit_time now)
{
	uint8_t packet[ADIT_IP6_HDR + ADIT_UDP_HDR] = { 0 };
	unsigned hdr = ip_put_header(ns, packet, &remote->addr, &local->addr, ADIT_IPPROTO_UDP, ADIT_UDP_HDR, 0, true);

	adit_put_be16(packet + hdr, remote->port);
	adit_put_be16(packet + hdr + 2, local->port);
	adit_put_be16(packet + hdr + 4, ADIT_UDP_HDR);
	icmp_send_error(ns, why, packet, hdr + ADIT_UDP_HDR, now);
}

/* The SYN is made again from what is known of it. */
void icmp_refuse_tcp(struct adit_netstack *ns, enum icmp_reason why, const struct adit_endpoint *local,
		     const struct adit_endpoint *remote, uint32_t seq, adit_time now)
{
	uint8_t packet[ADIT_IP6_HDR + ADIT_TCP_HDR] = { 0 };
	unsigned hdr = ip_put_header(ns, packet, &remote->addr, &local->addr, ADIT_IPPROTO_TCP, ADIT_TCP_HDR, 0, true);
	uint8_t *tcp = packet + hdr;
	uint16_t check;

	adit_put_be16(tcp, remote->port);
	adit_put_be16(tcp + 2, local->port);
	adit_put_be32(tcp + 4, seq);
	tcp[12] = ADIT_TCP_HDR / 4 << 4;
	tcp[13] = ADIT_TCP_SYN;
	check = (uint16_t)~adit_sum_fold(adit_sum(
		tcp, ADIT_TCP_HDR, ip_pseudo_sum(&remote->addr, &local->addr, ADIT_IPPROTO_TCP, ADIT_TCP_HDR)));
	memcpy(tcp + ADIT_TCP_CHECK, &check, 2);
	icmp_send_error(ns, why, packet, hdr + ADIT_TCP_HDR, now);
}
