/* SPDX-License-Identifier: ISC */
/* mem.c - in-memory ends of a tunnel */
#include "mem.h"

#include <assert.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "base/checksum.h"
#include "base/super.h"
#include "base/train.h"

void mem_put(struct mem_queue *q, const void *data, uint32_t len, struct mem_packet like)
{
	struct mem_packet *p = &q->p[q->tail++ % MEM_QUEUE];

	assert(q->tail - q->head <= MEM_QUEUE);
	*p = like;
	p->data = malloc(len ? len : 1);
	p->len = len;
	memcpy(p->data, data, len);
}

struct mem_packet mem_take(struct mem_queue *q)
{
	struct mem_packet none = { 0 };

	return q->head == q->tail ? none : q->p[q->head++ % MEM_QUEUE];
}

unsigned mem_waiting(const struct mem_queue *q)
{
	return q->tail - q->head;
}

static void drain(struct mem_queue *q)
{
	while (mem_waiting(q))
		free(mem_take(q).data);
}

/* --- inside --------------------------------------------------------------- */

static ssize_t inner_read(struct adit_inner *in, struct adit_inner_meta *meta, uint8_t *buf)
{
	struct mem_packet p = mem_take(&((struct mem_inner *)in)->in);

	if (!p.data)
		return -EAGAIN;
	memset(buf - ADIT_INNER_HEAD, 0x55, ADIT_INNER_HEAD); /* as the kernel's header would */
	memcpy(buf, p.data, p.len);
	*meta = p.meta;
	free(p.data);
	return p.len;
}

static void keep_segments(struct mem_inner *m, uint8_t *buf, uint32_t len, const struct adit_inner_meta *meta)
{
	const struct mem_packet like = { 0 };
	struct adit_super s;

	if (adit_super_init(&s, buf, len, meta->gso_kind, meta->csum_start, meta->hdr_len, meta->gso_size) < 0)
		abort();
	for (unsigned k = 0; k < s.cnt; k++) {
		uint8_t *p = adit_super_segment(&s, k);

		mem_put(&m->out, p, adit_super_segment_len(&s, k), like);
	}
}

static int inner_write(struct adit_inner *in, const struct adit_inner_meta *meta, struct iovec *iov, int cnt)
{
	struct mem_inner *m = (struct mem_inner *)in;
	const struct mem_packet like = { 0 };
	static uint8_t buf[70000];
	uint32_t len = 0;

	m->writes++;
	memset((uint8_t *)iov[0].iov_base - ADIT_INNER_HEAD, 0x55, ADIT_INNER_HEAD);
	for (int i = 0; i < cnt; i++) {
		memcpy(buf + len, iov[i].iov_base, iov[i].iov_len);
		len += (uint32_t)iov[i].iov_len;
	}
	if (meta->gso_size) {
		keep_segments(m, buf, len, meta);
		return 0;
	}
	if (meta->needs_csum)
		adit_checksum_complete(buf, len, meta->csum_start, meta->csum_offset);
	mem_put(&m->out, buf, len, like);
	return 0;
}

static const struct adit_inner_ops inner_ops = { .read = inner_read, .write = inner_write };

void mem_inner_init(struct mem_inner *m, unsigned offloads)
{
	memset(m, 0, sizeof(*m));
	m->inner = (struct adit_inner){ .ops = &inner_ops, .fd = -1, .offloads = offloads };
}

void mem_inner_fini(struct mem_inner *m)
{
	drain(&m->in);
	drain(&m->out);
}

void mem_inner_put(struct mem_inner *m, const void *data, uint32_t len, const struct adit_inner_meta *meta)
{
	struct mem_packet like = { 0 };

	if (meta)
		like.meta = *meta;
	mem_put(&m->in, data, len, like);
}

/* --- outside -------------------------------------------------------------- */

static int outer_recv(struct adit_outer *out, enum adit_outer_side side, struct adit_rx rx[ADIT_RX_BUFFERS])
{
	struct mem_outer *m = (struct mem_outer *)out;
	static uint8_t buf[ADIT_RX_BUFFERS][ADIT_RX_BUFFER_LEN];
	int n = 0;

	if (side != ADIT_OUTER_4)
		return -EAGAIN;
	for (; n < ADIT_RX_BUFFERS && mem_waiting(&m->in); n++) {
		struct mem_packet p = mem_take(&m->in);

		memcpy(buf[n], p.data, p.len);
		rx[n] = (struct adit_rx){ .buf = buf[n], .len = p.len, .stride = p.stride, .tos = p.tos, .path = p.from };
		free(p.data);
	}
	return n ? n : -EAGAIN;
}

static void send_train(struct mem_outer *m, const struct adit_train *t)
{
	struct mem_packet like = { .stride = t->stride, .from = m->address, .tos = t->tos };

	m->trains++;
	if (!m->split && !m->lose) {
		mem_put(&m->peer->in, t->wire, adit_train_bytes(t), like);
		m->datagrams += t->cnt;
		return;
	}
	for (unsigned k = 0; k < t->cnt; k++) {
		uint32_t len = adit_train_datagram_len(t, k);

		like.stride = len;
		if (!m->lose || !m->lose(m->datagrams))
			mem_put(&m->peer->in, t->wire + (size_t)k * t->stride, len, like);
		m->datagrams++;
	}
}

static void outer_send(struct adit_outer *out, struct adit_train *const *trains, unsigned cnt, struct adit_sent *sent)
{
	struct mem_outer *m = (struct mem_outer *)out;

	m->sends++;
	sent->calls++;
	for (unsigned i = 0; i < cnt; i++) {
		send_train(m, trains[i]);
		sent->datagrams += trains[i]->cnt;
		sent->bytes += adit_train_bytes(trains[i]);
	}
}

static const struct adit_outer_ops outer_ops = { .recv = outer_recv, .send = outer_send };

void mem_outer_init(struct mem_outer *m, uint8_t last_octet, struct mem_outer *peer)
{
	memset(m, 0, sizeof(*m));
	m->outer = (struct adit_outer){ .ops = &outer_ops, .fd = { -1, -1 } };
	m->address = (struct adit_path){ .kind = ADIT_PATH_UDP4, .port = 51820, .addr = { 192, 0, 2, last_octet } };
	m->peer = peer;
}

void mem_outer_fini(struct mem_outer *m)
{
	drain(&m->in);
}
