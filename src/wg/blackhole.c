/* SPDX-License-Identifier: ISC */
/* blackhole.c - notices a path that swallows large datagrams without a word */
#include "wg/blackhole.h"

#include <string.h>

#include "base/bytes.h"

#define IP4_LEN 20
#define IP6_LEN 40
#define PROTO_TCP 6
#define RETRIES_LATEST 4
#define SPAN_MIN (10 * ADIT_SEC)
#define LARGE_MAX 1024
#define LARGE_FLOW 64

static uint64_t mix(uint64_t h, uint64_t v)
{
	h = (h ^ v) * UINT64_C(0x9e3779b97f4a7c15);
	return h ^ h >> 29;
}

/* Flow and sequence number of a TCP packet with data, or 0. */
static uint64_t segment_of(const uint8_t *p, size_t len)
{
	bool v4 = p[0] >> 4 == 4;
	size_t head = v4 ? (p[0] & 15u) * 4u : IP6_LEN;
	uint64_t h = 1;

	if (len < head + 20 || p[v4 ? 9 : 6] != PROTO_TCP)
		return 0;
	if (v4) {
		if (adit_get_be16(p + 6) & 0x1fff) /* a later fragment */
			return 0;
		h = mix(h, adit_get_be64(p + 12));
	} else {
		for (unsigned i = 8; i < IP6_LEN; i += 8)
			h = mix(h, adit_get_be64(p + i));
	}
	return mix(h, adit_get_be64(p + head)) | 1; /* ports, sequence number */
}

/* May the noted segment still come again? Pauses double, so the next one is
 * due before twice the time since the first has passed. */
static bool alive(const struct wg_blackhole *b, adit_time now)
{
	return b->segment && now - b->last <= ADIT_SEC + 5 * (b->last - b->first) / 2;
}

void wg_blackhole_sent(struct wg_blackhole *b, const uint8_t *packet, size_t len, unsigned cnt, adit_time now)
{
	uint64_t segment = segment_of(packet, len);

	b->large += cnt;
	if (segment && segment == b->segment) {
		b->last = now;
		if (b->sent < UINT8_MAX)
			b->sent++;
		return;
	}
	if (alive(b, now) && b->large < LARGE_MAX)
		return;
	/* Many large datagrams, or a second's worth without a repetition: they flow again. */
	if (b->large >= LARGE_MAX || (b->sent == 1 && b->large >= LARGE_FLOW))
		b->suspected = false;
	if (!segment)
		return;
	b->segment = segment;
	b->first = b->last = now;
	b->large = cnt;
	b->sent = 1;
}

void wg_blackhole_heard(struct wg_blackhole *b, adit_time now)
{
	if (b->sent >= RETRIES_LATEST && now - b->first >= SPAN_MIN && now > b->last && b->large < LARGE_MAX)
		b->suspected = true;
}

void wg_blackhole_reset(struct wg_blackhole *b)
{
	memset(b, 0, sizeof(*b));
}
