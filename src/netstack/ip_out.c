/* SPDX-License-Identifier: ISC */
/* ip_out.c - packets that leave: headers, and fragments of datagrams that do not fit */
#include "netstack/ip.h"

#include <errno.h>

static void put_header4(uint8_t *buf, const struct adit_addr *src, const struct adit_addr *dst, uint8_t protocol,
			uint32_t l4_len, uint8_t tos, uint16_t id, uint16_t frag)
{
	buf[0] = 0x45;
	buf[1] = tos;
	adit_put_be16(buf + IP4_LEN, (uint16_t)(ADIT_IP4_HDR + l4_len));
	adit_put_be16(buf + IP4_ID, id);
	adit_put_be16(buf + IP4_FRAG, frag);
	buf[IP4_TTL] = IP_TTL;
	buf[IP4_PROTO] = protocol;
	memcpy(buf + IP4_SRC, src->bytes, 4);
	memcpy(buf + IP4_DST, dst->bytes, 4);
	adit_ip4_checksum(buf, ADIT_IP4_HDR);
}

static void put_header6(uint8_t *buf, const struct adit_addr *src, const struct adit_addr *dst, uint8_t next,
			uint32_t payload_len, uint8_t tos)
{
	adit_put_be32(buf, UINT32_C(6) << 28 | (uint32_t)tos << 20);
	adit_put_be16(buf + IP6_LEN, (uint16_t)payload_len);
	buf[IP6_NEXT] = next;
	buf[IP6_HOPS] = IP_TTL;
	memcpy(buf + IP6_SRC, src->bytes, 16);
	memcpy(buf + IP6_DST, dst->bytes, 16);
}

/* RFC 6864: what cannot be fragmented needs no identification, and says nothing by it. */
unsigned ip_put_header(struct adit_netstack *ns, uint8_t *buf, const struct adit_addr *src, const struct adit_addr *dst,
		       uint8_t protocol, uint32_t l4_len, uint8_t tos, bool df)
{
	if (dst->family == 4) {
		put_header4(buf, src, dst, protocol, l4_len, tos, df ? 0 : ns->ip_id++, df ? IP4_DF : 0);
		return ADIT_IP4_HDR;
	}
	put_header6(buf, src, dst, protocol, l4_len, tos);
	return ADIT_IP6_HDR;
}

uint64_t ip_pseudo_sum(const struct adit_addr *src, const struct adit_addr *dst, uint8_t protocol, uint32_t l4_len)
{
	uint8_t tail[8] = { 0 };
	size_t len = src->family == 4 ? 4 : 16;

	adit_put_be32(tail, l4_len);
	tail[7] = protocol;
	return adit_sum(src->bytes, len, adit_sum(dst->bytes, len, adit_sum(tail, sizeof(tail), 0)));
}

/* --- datagrams ---------------------------------------------------------------------- */

struct message {
	const struct adit_addr *src, *dst;
	uint8_t protocol, tos;
	const uint8_t *hdr, *data; /* 8 bytes; the rest */
	uint32_t len;              /* of both */
};

static void put_checksum(const struct message *m, uint8_t *hdr, unsigned check_off)
{
	uint64_t sum = 0;
	uint16_t check;

	memset(hdr + check_off, 0, 2);
	if (m->protocol != ADIT_IPPROTO_ICMP)
		sum = ip_pseudo_sum(m->src, m->dst, m->protocol, m->len);
	check = (uint16_t)~adit_sum_fold(adit_sum(m->data, m->len - 8, adit_sum(hdr, 8, sum)));
	if (check == 0 && m->protocol == ADIT_IPPROTO_UDP)
		check = 0xffff;
	memcpy(hdr + check_off, &check, 2);
}

/* Bytes [off, off + len) of the message; off 0 or at least 8. */
static void copy_part(const struct message *m, uint8_t *to, uint32_t off, uint32_t len)
{
	if (off == 0) {
		memcpy(to, m->hdr, 8);
		to += 8;
		off = 8;
		len -= 8;
	}
	if (len)
		memcpy(to, m->data + off - 8, len);
}

static bool queue_fragment(struct adit_netstack *ns, const struct message *m, uint32_t off, uint32_t len, uint32_t id)
{
	bool v4 = m->dst->family == 4, more = off + len < m->len;
	uint32_t hdr_len = v4 ? ADIT_IP4_HDR : ADIT_IP6_HDR + IP6_FRAGMENT_HDR;
	uint8_t *buf = ns_queue(ns, hdr_len + len);

	if (!buf)
		return false;
	if (v4) {
		put_header4(buf, m->src, m->dst, m->protocol, len, m->tos, (uint16_t)id,
			    (uint16_t)(off / 8 | (more ? IP4_MF : 0)));
	} else {
		uint8_t *frag = buf + ADIT_IP6_HDR;

		put_header6(buf, m->src, m->dst, IP6_FRAGMENT, IP6_FRAGMENT_HDR + len, m->tos);
		frag[0] = m->protocol;
		frag[1] = 0;
		adit_put_be16(frag + 2, (uint16_t)(off | more));
		adit_put_be32(frag + 4, id);
	}
	copy_part(m, buf + hdr_len, off, len);
	return true;
}

static int send_fragments(struct adit_netstack *ns, const struct message *m, unsigned mtu)
{
	bool v4 = m->dst->family == 4;
	uint32_t hdr_len = v4 ? ADIT_IP4_HDR : ADIT_IP6_HDR + IP6_FRAGMENT_HDR;
	uint32_t part = (mtu - hdr_len) & ~7u, cnt = (m->len + part - 1) / part;
	uint32_t id = v4 ? ns->ip_id++ : ns->ip6_id++;

	if (ns->queue_len + m->len + (size_t)cnt * hdr_len > NS_QUEUE_LEN) { /* all or nothing */
		ns->n.drops[ADIT_DROP_out_queue_full]++;
		return -ENOBUFS;
	}
	for (uint32_t off = 0; off < m->len; off += part)
		if (!queue_fragment(ns, m, off, m->len - off < part ? m->len - off : part, id))
			return -ENOBUFS;
	return 0;
}

static int send_whole(struct adit_netstack *ns, const struct message *m)
{
	uint8_t *buf = ns_queue(ns, ip_hdr_len(m->dst) + m->len);

	if (!buf)
		return -ENOBUFS;
	buf += ip_put_header(ns, buf, m->src, m->dst, m->protocol, m->len, m->tos, true);
	copy_part(m, buf, 0, m->len);
	return 0;
}

int ip_send(struct adit_netstack *ns, const struct adit_addr *src, const struct adit_addr *dst, uint8_t protocol,
	    uint8_t tos, uint8_t hdr[8], unsigned check_off, const void *data, size_t len, adit_time now)
{
	const struct message m = {
		.src = src, .dst = dst, .protocol = protocol, .tos = tos, .hdr = hdr, .data = data,
		.len = (uint32_t)(8 + len),
	};
	size_t l4_max = IP_PACKET_MAX - (dst->family == 4 ? ADIT_IP4_HDR : 0);
	unsigned mtu;

	if (len > l4_max - 8)
		return -EMSGSIZE;
	put_checksum(&m, hdr, check_off);
	mtu = pmtu_get(ns, dst, now);
	return ip_hdr_len(dst) + m.len <= mtu ? send_whole(ns, &m) : send_fragments(ns, &m, mtu);
}
