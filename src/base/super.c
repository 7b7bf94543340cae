/* SPDX-License-Identifier: ISC */
/* super.c - segmentation of super-packets, in place and in order */
#include "base/super.h"

#include <assert.h>
#include <errno.h>
#include <string.h>

#include "base/bytes.h"
#include "base/checksum.h"
#include "base/inet.h"

enum {
	IP4_LEN = 2, IP4_ID = 4,
	IP6_LEN = 4,
	TCP_SEQ = 4, TCP_OFFSET = 12, TCP_FLAGS = 13,
	UDP_LEN = 4,
};

static bool is_ip4(const struct adit_super *s)
{
	return s->kind == ADIT_SUPER_TCP4 || s->kind == ADIT_SUPER_UDP4;
}

static bool is_tcp(const struct adit_super *s)
{
	return s->kind == ADIT_SUPER_TCP4 || s->kind == ADIT_SUPER_TCP6;
}

static bool headers_fit(const struct adit_super *s)
{
	const uint8_t *l4 = s->buf + s->l4_off;
	unsigned ip_min = is_ip4(s) ? ADIT_IP4_HDR : ADIT_IP6_HDR;
	unsigned l4_len = is_tcp(s) ? ADIT_TCP_HDR : ADIT_UDP_HDR;

	if (s->hdr_len > ADIT_SUPER_HDR_MAX || s->hdr_len >= s->len || s->l4_off < ip_min ||
	    s->hdr_len < s->l4_off + l4_len)
		return false;
	if (adit_ip_version(s->buf) != (is_ip4(s) ? 4u : 6u))
		return false;
	if (is_ip4(s) && (s->buf[0] & 15) * 4 != s->l4_off)
		return false;
	if (is_tcp(s))
		l4_len = (l4[TCP_OFFSET] >> 4) * 4u;
	return s->hdr_len == s->l4_off + l4_len;
}

static void note_header(struct adit_super *s)
{
	s->cnt = (uint16_t)((s->len - s->hdr_len + s->gso_size - 1) / s->gso_size);
	if (is_ip4(s))
		s->ip_id = adit_get_be16(s->hdr + IP4_ID);
	if (is_tcp(s)) {
		s->tcp_seq = adit_get_be32(s->hdr + s->l4_off + TCP_SEQ);
		s->tcp_flags = s->hdr[s->l4_off + TCP_FLAGS];
	}
}

int adit_super_init(struct adit_super *s, uint8_t *buf, uint32_t len, enum adit_super_kind kind, uint16_t l4_off,
		    uint16_t hdr_len, uint16_t gso_size)
{
	s->buf = buf;
	s->len = len;
	s->kind = (uint8_t)kind;
	s->l4_off = l4_off;
	s->hdr_len = hdr_len;
	s->gso_size = gso_size;
	s->lent = false;
	s->covered = NULL;
	if (gso_size == 0 || !headers_fit(s) || (len - hdr_len - 1) / gso_size >= UINT16_MAX)
		return -EINVAL;
	memcpy(s->hdr, buf, hdr_len);
	note_header(s);
	return 0;
}

void adit_super_lend(struct adit_super *s, uint8_t *data, uint32_t len, enum adit_super_kind kind, const uint8_t *hdr,
		     uint16_t l4_off, uint16_t hdr_len, uint16_t gso_size)
{
	assert(len > 0 && gso_size > 0 && hdr_len <= ADIT_SUPER_HDR_MAX);
	s->buf = data - hdr_len;
	s->len = hdr_len + len;
	s->kind = (uint8_t)kind;
	s->l4_off = l4_off;
	s->hdr_len = hdr_len;
	s->gso_size = gso_size;
	s->lent = true;
	s->covered = NULL;
	memcpy(s->hdr, hdr, hdr_len);
	note_header(s);
}

void adit_super_restore(struct adit_super *s)
{
	if (s->lent && s->covered)
		memcpy(s->covered, s->saved, s->hdr_len);
	s->covered = NULL;
}

static void cover(struct adit_super *s, uint8_t *at)
{
	adit_super_restore(s);
	memcpy(s->saved, at, s->hdr_len);
	s->covered = at;
}

uint32_t adit_super_segment_len(const struct adit_super *s, unsigned k)
{
	uint32_t payload = s->len - s->hdr_len;

	return s->hdr_len + (k + 1u < s->cnt ? s->gso_size : payload - k * s->gso_size);
}

/* FIN and PSH belong to the last segment, CWR to the first (RFC 3168 6.1.2). */
static uint8_t segment_flags(const struct adit_super *s, unsigned k)
{
	uint8_t flags = s->tcp_flags;

	if (k + 1u < s->cnt)
		flags &= (uint8_t)~(ADIT_TCP_FIN | ADIT_TCP_PSH);
	if (k > 0)
		flags &= (uint8_t)~ADIT_TCP_CWR;
	return flags;
}

static void write_network_header(const struct adit_super *s, uint8_t *ip, unsigned k, uint32_t len)
{
	if (is_ip4(s)) {
		adit_put_be16(ip + IP4_LEN, (uint16_t)len);
		adit_put_be16(ip + IP4_ID, (uint16_t)(s->ip_id + k));
		adit_ip4_checksum(ip, s->l4_off);
	} else {
		adit_put_be16(ip + IP6_LEN, (uint16_t)(len - ADIT_IP6_HDR));
	}
}

static void write_transport_header(const struct adit_super *s, uint8_t *ip, unsigned k, uint32_t len)
{
	uint8_t *l4 = ip + s->l4_off;
	uint32_t l4_len = len - s->l4_off;
	uint8_t protocol = is_tcp(s) ? ADIT_IPPROTO_TCP : ADIT_IPPROTO_UDP;
	unsigned check_off = is_tcp(s) ? ADIT_TCP_CHECK : ADIT_UDP_CHECK;
	uint16_t check;

	if (is_tcp(s)) {
		adit_put_be32(l4 + TCP_SEQ, s->tcp_seq + k * s->gso_size);
		l4[TCP_FLAGS] = segment_flags(s, k);
	} else {
		adit_put_be16(l4 + UDP_LEN, (uint16_t)l4_len);
	}
	memset(l4 + check_off, 0, 2);
	check = (uint16_t)~adit_sum_fold(adit_sum(l4, l4_len, adit_sum_pseudo(ip, protocol, l4_len)));
	if (check == 0 && !is_tcp(s))
		check = 0xffff;
	memcpy(l4 + check_off, &check, 2);
}

uint8_t *adit_super_segment(struct adit_super *s, unsigned k)
{
	uint32_t len = adit_super_segment_len(s, k);
	uint8_t *ip = s->buf + (size_t)k * s->gso_size;

	assert(k < s->cnt);
	if (s->lent)
		cover(s, ip);
	memcpy(ip, s->hdr, s->hdr_len);
	write_network_header(s, ip, k, len);
	write_transport_header(s, ip, k, len);
	return ip;
}
