/* SPDX-License-Identifier: ISC */
/* ip_in.c - packets that arrive: their IP header is checked, then their transport gets them */
#include "netstack/ip.h"

#include "netstack/reassembly.h"

enum {
	OPTION_END = 0, OPTION_NOP = 1, OPTION_LSRR = 131, OPTION_SSRR = 137,
	TCP_SEQ = 4, TCP_ACK = 8, TCP_OFFSET = 12, TCP_FLAGS = 13, TCP_WND = 14,
};

/* --- the IP header ----------------------------------------------------------------- */

static uint32_t iov_length(const struct iovec *iov, int cnt)
{
	size_t len = 0;

	for (int i = 0; i < cnt; i++)
		len += iov[i].iov_len;
	return len < UINT32_MAX ? (uint32_t)len : UINT32_MAX;
}

/* Well formed, and no source route (RFC 7126 4.3, 4.4). */
static bool options4_fit(const uint8_t *p, size_t len)
{
	for (size_t i = 0; i < len && p[i] != OPTION_END;) {
		if (p[i] == OPTION_NOP) {
			i++;
			continue;
		}
		if (len - i < 2 || p[i + 1] < 2 || p[i + 1] > len - i || p[i] == OPTION_LSRR || p[i] == OPTION_SSRR)
			return false;
		i += p[i + 1];
	}
	return true;
}

static enum adit_drop parse4(struct ip_packet *p, bool merged, bool trusted)
{
	const uint8_t *ip = p->ip;
	uint32_t len = merged ? p->len : adit_get_be16(ip + IP4_LEN);
	unsigned frag = adit_get_be16(ip + IP4_FRAG);

	p->l4_off = (uint16_t)((ip[0] & 15) * 4);
	if (p->l4_off < ADIT_IP4_HDR || p->l4_off > p->head_len || len < p->l4_off || len > p->len)
		return ADIT_DROP_bad_ip_header;
	if (!merged && !trusted && adit_sum_fold(adit_sum(ip, p->l4_off, 0)) != 0xffff)
		return ADIT_DROP_checksum_wrong;
	if (p->l4_off > ADIT_IP4_HDR && !options4_fit(ip + ADIT_IP4_HDR, p->l4_off - (size_t)ADIT_IP4_HDR))
		return ADIT_DROP_bad_ip_header;
	p->len = len;
	p->tos = ip[1];
	p->protocol = ip[IP4_PROTO];
	ip_addr4(&p->src, ip + IP4_SRC);
	ip_addr4(&p->dst, ip + IP4_DST);
	if (ip[IP4_SRC] == 0 || ip[IP4_SRC] == 127 || ip[IP4_SRC] >= 224)
		return ADIT_DROP_bad_source;
	p->more = frag & IP4_MF;
	p->frag_off = (uint16_t)((frag & IP4_OFFSET) * 8);
	p->fragment = p->more || p->frag_off;
	p->frag_id = adit_get_be16(ip + IP4_ID);
	return ADIT_DROP_NONE;
}

static bool bad_source6(const uint8_t *a)
{
	static const uint8_t zeros[15];

	/* multicast; unspecified and loopback */
	return a[0] == 0xff || (a[0] == 0 && a[15] <= 1 && !memcmp(a, zeros, 15));
}

static enum adit_drop parse6(struct ip_packet *p, bool merged)
{
	const uint8_t *ip = p->ip;
	uint32_t len = merged ? p->len : ADIT_IP6_HDR + (uint32_t)adit_get_be16(ip + IP6_LEN);

	if (p->head_len < ADIT_IP6_HDR || len > p->len)
		return ADIT_DROP_bad_ip_header;
	p->len = len;
	p->head_len = p->head_len < len ? p->head_len : len;
	p->l4_off = ADIT_IP6_HDR;
	p->tos = adit_ip_tos(ip);
	p->protocol = ip[IP6_NEXT];
	p->next_hdr = IP6_NEXT;
	ip_addr6(&p->src, ip + IP6_SRC);
	ip_addr6(&p->dst, ip + IP6_DST);
	if (bad_source6(p->src.bytes))
		return ADIT_DROP_bad_source;
	return ip6_walk(p);
}

enum adit_drop ip_parse(struct ip_packet *p, const struct iovec *iov, int cnt, bool merged, bool trusted)
{
	enum adit_drop drop;

	p->iov = iov;
	p->cnt = cnt;
	p->len = iov_length(iov, cnt);
	if (cnt < 1 || iov[0].iov_len < ADIT_IP4_HDR)
		return ADIT_DROP_bad_ip_header;
	p->ip = iov[0].iov_base;
	p->head_len = iov[0].iov_len < UINT32_MAX ? (uint32_t)iov[0].iov_len : UINT32_MAX;
	p->verified = merged || trusted;
	switch (adit_ip_version(p->ip)) {
	case 4:
		drop = parse4(p, merged, trusted);
		break;
	case 6:
		drop = parse6(p, merged);
		break;
	default:
		return ADIT_DROP_bad_ip_header;
	}
	if (!drop && merged && p->fragment)
		drop = ADIT_DROP_bad_fragment;
	if (p->head_len > p->len)
		p->head_len = p->len; /* the rest is padding */
	return drop;
}

void ip_copy(uint8_t *to, const struct ip_packet *p, size_t off, size_t len)
{
	for (int i = 0; len; i++) {
		size_t n = p->iov[i].iov_len;

		if (n <= off) {
			off -= n;
			continue;
		}
		n = n - off < len ? n - off : len;
		memcpy(to, (const uint8_t *)p->iov[i].iov_base + off, n);
		to += n;
		len -= n;
		off = 0;
	}
}

/* --- checksums --------------------------------------------------------------------- */

/* The parts may have odd lengths: what starts at an odd place is summed with its bytes swapped. */
static uint64_t sum_parts(const struct ip_packet *p, uint32_t l4_len, uint64_t sum)
{
	size_t skip = p->l4_off;
	bool odd = false;

	for (int i = 0; i < p->cnt && l4_len; i++) {
		size_t len = p->iov[i].iov_len;
		uint16_t part;

		if (len <= skip) {
			skip -= len;
			continue;
		}
		len = len - skip < l4_len ? len - skip : l4_len;
		part = adit_sum_fold(adit_sum((const uint8_t *)p->iov[i].iov_base + skip, len, 0));
		sum += odd ? __builtin_bswap16(part) : part;
		odd ^= len & 1;
		l4_len -= (uint32_t)len;
		skip = 0;
	}
	return sum;
}

bool ip_checksum_ok(const struct ip_packet *p, uint32_t l4_len)
{
	uint64_t sum = 0;

	if (p->protocol != ADIT_IPPROTO_ICMP)
		sum = ip_pseudo_sum(&p->src, &p->dst, p->protocol, l4_len);
	return adit_sum_fold(sum_parts(p, l4_len, sum)) == 0xffff;
}

/* --- to the transports --------------------------------------------------------------- */

static void count_merged(struct adit_netstack *ns, const struct ip_packet *p, uint32_t hdr_len, uint32_t payload)
{
	uint32_t more;

	if (!p->gso_size || payload <= p->gso_size)
		return;
	more = (payload - 1) / p->gso_size;
	ns->n.packets_in += more;
	ns->n.bytes_in += (uint64_t)more * hdr_len;
}

static enum adit_drop deliver_tcp(struct adit_netstack *ns, const struct ip_packet *p, adit_time now)
{
	const uint8_t *tcp = p->ip + p->l4_off;
	struct tcp_segment seg;
	unsigned hdr;

	if (p->head_len < p->l4_off + (uint32_t)ADIT_TCP_HDR)
		return ADIT_DROP_bad_transport;
	hdr = (tcp[TCP_OFFSET] >> 4) * 4u;
	if (hdr < ADIT_TCP_HDR || p->head_len < p->l4_off + hdr || !adit_get_be16(tcp) || !adit_get_be16(tcp + 2))
		return ADIT_DROP_bad_transport;
	if (!p->verified && !ip_checksum_ok(p, p->len - p->l4_off))
		return ADIT_DROP_checksum_wrong;
	seg = (struct tcp_segment){
		.local = { p->dst, adit_get_be16(tcp + 2) },
		.remote = { p->src, adit_get_be16(tcp) },
		.seq = adit_get_be32(tcp + TCP_SEQ),
		.ack = adit_get_be32(tcp + TCP_ACK),
		.wnd = adit_get_be16(tcp + TCP_WND),
		.flags = tcp[TCP_FLAGS],
		.tos = p->tos,
		.options = tcp + ADIT_TCP_HDR,
		.options_len = hdr - ADIT_TCP_HDR,
		.iov = p->iov,
		.cnt = p->cnt,
		.skip = p->l4_off + hdr,
		.len = p->len - p->l4_off - hdr,
		.packet = p->ip,
		.packet_len = p->head_len,
	};
	if (seg.len > p->gso_size)
		seg.gso_size = p->gso_size;
	count_merged(ns, p, p->l4_off + hdr, seg.len);
	tcp_in(ns, &seg, now);
	return ADIT_DROP_NONE;
}

static enum adit_drop deliver_udp(struct adit_netstack *ns, const struct ip_packet *p, adit_time now)
{
	if (p->len > p->l4_off + (uint32_t)ADIT_UDP_HDR)
		count_merged(ns, p, p->l4_off + ADIT_UDP_HDR, p->len - p->l4_off - ADIT_UDP_HDR);
	return udp_in(ns, p, now);
}

enum adit_drop ip_deliver(struct adit_netstack *ns, struct ip_packet *p, adit_time now)
{
	bool v4 = p->dst.family == 4;

	if (p->protocol == ADIT_IPPROTO_TCP)
		return deliver_tcp(ns, p, now);
	if (p->protocol == ADIT_IPPROTO_UDP)
		return deliver_udp(ns, p, now);
	if (p->protocol == (v4 ? ADIT_IPPROTO_ICMP : ADIT_IPPROTO_ICMPV6))
		return icmp_in(ns, p, now);
	if (v4 || p->protocol != IP6_NONE)
		icmp_send_error(ns, ICMP_PROTOCOL_UNREACHABLE, p->ip, p->head_len, now);
	return ADIT_DROP_unknown_protocol;
}

static enum adit_drop look_at(struct adit_netstack *ns, const struct iovec *iov, int cnt, unsigned gso_size,
			      adit_time now)
{
	struct ip_packet p = { .gso_size = (uint16_t)gso_size };
	enum adit_drop drop = ip_parse(&p, iov, cnt, gso_size > 0, ns->cfg.trust_checksums);

	ns->n.packets_in++;
	ns->n.bytes_in += p.len;
	if (drop)
		return drop;
	if (!ns_is_ours(ns, &p.dst))
		return ADIT_DROP_not_ours;
	if (ns_is_ours(ns, &p.src))
		return ADIT_DROP_bad_source;
	return p.fragment ? reassembly_in(ns, &p, now) : ip_deliver(ns, &p, now);
}

void adit_netstack_in(struct adit_netstack *ns, const struct iovec *iov, int cnt, unsigned gso_size, adit_time now)
{
	enum adit_drop drop;

	ns->last_drop = ADIT_DROP_NONE;
	drop = look_at(ns, iov, cnt, gso_size <= IP_PACKET_MAX ? gso_size : 0, now);
	if (drop)
		ns_drop(ns, drop, 1);
	if (ns->ops.trace)
		ns->ops.trace(ns->ops_user, false, ns->last_drop, iov, cnt, now);
}
