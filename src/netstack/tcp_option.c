/* SPDX-License-Identifier: ISC */
/* tcp_option.c - TCP headers and their options (RFC 9293 3.1-3.2, RFC 7323, RFC 2018) */
#include "netstack/tcp.h"

#include <string.h>

#include "base/bytes.h"
#include "base/checksum.h"
#include "base/inet.h"
#include "base/reader.h"

enum {
	OPT_END = 0, OPT_NOP = 1, OPT_MSS = 2, OPT_SCALE = 3, OPT_SACK_PERMITTED = 4, OPT_SACK = 5, OPT_TIMESTAMPS = 8,
	SCALE_MAX = 14, /* RFC 7323 2.3 */
};

static void read_option(struct tcp_options *o, uint8_t kind, const uint8_t *p, unsigned len)
{
	switch (kind) {
	case OPT_MSS:
		if (len == 2)
			o->mss = adit_get_be16(p);
		break;
	case OPT_SCALE:
		if (len == 1) {
			o->has_scale = true;
			o->scale = p[0] > SCALE_MAX ? SCALE_MAX : p[0];
		}
		break;
	case OPT_SACK_PERMITTED:
		o->sack_permitted = len == 0;
		break;
	case OPT_SACK:
		for (unsigned i = 0; i + 8 <= len && o->sack_cnt < 4; i += 8) {
			o->sack[o->sack_cnt].from = adit_get_be32(p + i);
			o->sack[o->sack_cnt++].to = adit_get_be32(p + i + 4);
		}
		break;
	case OPT_TIMESTAMPS:
		if (len == 8) {
			o->has_ts = true;
			o->ts_val = adit_get_be32(p);
			o->ts_ecr = adit_get_be32(p + 4);
		}
		break;
	}
}

bool tcp_options_read(struct tcp_options *o, const uint8_t *p, unsigned len)
{
	struct adit_reader r;

	memset(o, 0, sizeof(*o));
	/* what nearly every segment of a connection carries */
	if (len == 12 && adit_get_be32(p) == (OPT_NOP << 24 | OPT_NOP << 16 | OPT_TIMESTAMPS << 8 | 10)) {
		read_option(o, OPT_TIMESTAMPS, p + 4, 8);
		return true;
	}
	adit_rd_init(&r, p, len);
	while (r.left) {
		uint8_t kind = adit_rd_u8(&r), size;
		const uint8_t *body;

		if (kind == OPT_END)
			break;
		if (kind == OPT_NOP)
			continue;
		size = adit_rd_u8(&r);
		body = size >= 2 ? adit_rd_bytes(&r, size - 2u) : NULL;
		if (!body || !adit_rd_ok(&r))
			return false;
		read_option(o, kind, body, size - 2u);
	}
	return true;
}

static uint8_t *put_sack(uint8_t *p, const struct tcp_options *o, unsigned room)
{
	unsigned cnt = o->sack_cnt;

	while (cnt && 4 + cnt * 8 > room)
		cnt--;
	if (!cnt)
		return p;
	*p++ = OPT_NOP;
	*p++ = OPT_NOP;
	*p++ = OPT_SACK;
	*p++ = (uint8_t)(2 + cnt * 8);
	for (unsigned i = 0; i < cnt; i++, p += 8) {
		adit_put_be32(p, o->sack[i].from);
		adit_put_be32(p + 4, o->sack[i].to);
	}
	return p;
}

static uint8_t *put_options(uint8_t *p, const struct tcp_options *o)
{
	uint8_t *start = p;

	if (o->mss) {
		*p++ = OPT_MSS;
		*p++ = 4;
		adit_put_be16(p, o->mss);
		p += 2;
	}
	if (o->sack_permitted) {
		*p++ = OPT_NOP;
		*p++ = OPT_NOP;
		*p++ = OPT_SACK_PERMITTED;
		*p++ = 2;
	}
	if (o->has_scale) {
		*p++ = OPT_NOP;
		*p++ = OPT_SCALE;
		*p++ = 3;
		*p++ = o->scale;
	}
	if (o->has_ts) {
		*p++ = OPT_NOP;
		*p++ = OPT_NOP;
		*p++ = OPT_TIMESTAMPS;
		*p++ = 10;
		adit_put_be32(p, o->ts_val);
		adit_put_be32(p + 4, o->ts_ecr);
		p += 8;
	}
	return put_sack(p, o, 40 - (unsigned)(p - start));
}

unsigned tcp_head_write(struct adit_netstack *ns, uint8_t *buf, const struct adit_endpoint *local,
			const struct adit_endpoint *remote, const struct tcp_head *h, uint8_t tos, uint32_t payload,
			uint16_t *l4_off)
{
	uint8_t *tcp = buf + ip_hdr_len(&remote->addr);
	unsigned len = (unsigned)(put_options(tcp + ADIT_TCP_HDR, &h->o) - tcp);

	*l4_off = (uint16_t)ip_put_header(ns, buf, &local->addr, &remote->addr, ADIT_IPPROTO_TCP, len + payload, tos, true);
	adit_put_be16(tcp, local->port);
	adit_put_be16(tcp + 2, remote->port);
	adit_put_be32(tcp + 4, h->seq);
	adit_put_be32(tcp + 8, h->ack);
	tcp[12] = (uint8_t)(len / 4 << 4);
	tcp[13] = h->flags;
	adit_put_be16(tcp + 14, h->wnd);
	memset(tcp + ADIT_TCP_CHECK, 0, 4); /* checksum, urgent pointer */
	return *l4_off + len;
}

void tcp_checksum(uint8_t *packet, uint16_t l4_off, uint32_t len)
{
	uint32_t l4_len = len - l4_off;
	uint64_t pseudo = adit_sum_pseudo(packet, ADIT_IPPROTO_TCP, l4_len);
	uint16_t sum = (uint16_t)~adit_sum_fold(adit_sum(packet + l4_off, l4_len, pseudo));

	memcpy(packet + l4_off + ADIT_TCP_CHECK, &sum, 2);
}
