/* SPDX-License-Identifier: ISC */
/*
 * merge.c - hands packets to a stack, one by one or merged as an offload
 * merges them: TCP segments of one flow that follow each other, equal in all
 * but sequence number, lengths and checksums, and of one size.
 */
#include <stdlib.h>
#include <string.h>

#include "base/checksum.h"
#include "base/inet.h"
#include "world.h"

#define MERGE_MAX 44

struct run {
	struct iovec iov[MERGE_MAX + 1];
	int cnt;
	uint32_t hdr_len, gso, next_seq, bytes;
	bool closed; /* a short segment, or PSH or FIN: the last of its run */
	uint8_t hdr[160];
};

static bool sound(const uint8_t *ip, uint32_t len)
{
	if (adit_ip_version(ip) == 4 && (uint16_t)adit_sum_fold(adit_sum(ip, (ip[0] & 15) * 4u, 0)) != 0xffff)
		return false;
	return adit_checksum_ok(ip, len);
}

/* Can be part of a run at all. */
static bool mergeable(const struct tcp_view *v, const uint8_t *ip, uint32_t len)
{
	return v->len && !(v->flags & (ADIT_TCP_SYN | ADIT_TCP_RST | ADIT_TCP_CWR)) && (v->flags & ADIT_TCP_ACK) &&
	       (adit_ip_version(ip) == 6 || ip[0] == 0x45) && sound(ip, len);
}

/* Do the headers differ only in what a run may differ in? */
static bool same_header(const struct run *r, const uint8_t *ip)
{
	uint8_t a[160], b[160];
	unsigned l4 = adit_ip_version(ip) == 4 ? 20 : 40;

	memcpy(a, r->hdr, r->hdr_len);
	memcpy(b, ip, r->hdr_len);
	for (int i = 0; i < 2; i++) {
		uint8_t *h = i ? a : b;

		if (l4 == 20) {
			memset(h + 2, 0, 4);
			memset(h + 10, 0, 2);
		} else {
			memset(h + 4, 0, 2);
		}
		memset(h + l4 + 4, 0, 4);
		h[l4 + 13] &= (uint8_t)~(ADIT_TCP_PSH | ADIT_TCP_FIN);
		memset(h + l4 + 16, 0, 2);
	}
	return !memcmp(a, b, r->hdr_len);
}

static bool joins(const struct run *r, const struct tcp_view *v, const uint8_t *ip)
{
	return r->cnt && r->cnt <= MERGE_MAX && !r->closed && v->seq == r->next_seq && v->len <= r->gso &&
	       r->bytes + v->len + r->hdr_len < 65536 && (uint32_t)(v->payload - ip) == r->hdr_len && same_header(r, ip);
}

static void flush(struct host *h, struct run *r)
{
	if (r->cnt < 2)
		return;
	if (r->cnt > 2)
		h->merged += (unsigned)r->cnt - 1;
	adit_netstack_in(h->ns, r->iov, r->cnt, r->cnt > 2 ? r->gso : 0, h->w->now);
	r->cnt = 0;
}

static void add(struct run *r, const struct tcp_view *v, uint8_t *ip)
{
	if (!r->cnt) {
		r->hdr_len = (uint32_t)(v->payload - ip);
		memcpy(r->hdr, ip, r->hdr_len);
		r->iov[r->cnt++] = (struct iovec){ r->hdr, r->hdr_len };
		r->gso = v->len;
		r->bytes = 0;
	}
	r->hdr[(adit_ip_version(ip) == 4 ? 20 : 40) + 13] |= v->flags;
	r->iov[r->cnt++] = (struct iovec){ (uint8_t *)(uintptr_t)v->payload, v->len };
	r->next_seq = v->seq + v->len;
	r->bytes += v->len;
	r->closed = v->len < r->gso || (v->flags & (ADIT_TCP_PSH | ADIT_TCP_FIN));
}

static void one(struct host *h, struct packet *p)
{
	/* in any cut, the header in the first */
	struct iovec iov[2] = { { p->data, p->len }, { NULL, 0 } };
	int cnt = 1;

	if (p->len > 130 && rng_chance(&h->w->rng, 300)) {
		iov[0].iov_len = 130 + rng_below(&h->w->rng, p->len - 130);
		iov[1] = (struct iovec){ p->data + iov[0].iov_len, p->len - iov[0].iov_len };
		cnt = 2;
	}
	adit_netstack_in(h->ns, iov, cnt, 0, h->w->now);
}

/* Headers of several runs are lent at once: each has its own. */
#define RUNS 64

/* Ends the run, if there is one, and gives the next. */
static struct run *next_run(struct host *h, struct run *r)
{
	bool used = r->cnt > 0;

	flush(h, r);
	return used ? r + 1 : r;
}

void merge_in(struct host *h, struct packet *batch)
{
	static struct run runs[RUNS + 1];
	struct run *r = &runs[0];

	r->cnt = 0;
	for (struct packet *p = batch; p; p = p->next) {
		struct tcp_view v;

		if (!h->merge || r == &runs[RUNS] || !tcp_view(&v, p->data, p->len) || !mergeable(&v, p->data, p->len)) {
			r = next_run(h, r);
			one(h, p);
			continue;
		}
		if (!joins(r, &v, p->data))
			r = next_run(h, r);
		if (r < &runs[RUNS])
			add(r, &v, p->data);
		else
			one(h, p);
	}
	flush(h, r);
}
