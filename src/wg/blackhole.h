/* SPDX-License-Identifier: ISC */
/*
 * blackhole.h - notices a path that swallows large datagrams without a word.
 *
 * DOC: the signal
 *
 * What the core can see without a look at acknowledgements is what TCP inside
 * does when its segments vanish: it sends the same sequence number again, with
 * doubling pauses, and nothing else of that flow. So of the packets that make
 * large datagrams (> 1200 bytes) the first of each train is noted: one flow
 * and sequence number at a time. A black hole is suspected when
 *
 *   - the same large segment was sent at least 4 times,
 *   - over at least 10 s: by chance on a path with 5 % loss this takes six or
 *     more losses in a row (the pauses double from 200 ms), about 1 in 10^8,
 *   - something authenticated came from the peer since the latest of them,
 *     data or the handshake that 15 s of silence bring about: small datagrams
 *     pass in both directions,
 *   - and fewer than 1024 large datagrams were sent meanwhile: otherwise some
 *     other flow is getting on, and it is that flow's far end that is dead.
 *
 * A host behind the peer that dies while the peer lives looks the same when
 * nothing else large is sent; hence "suspected". Traffic that is not TCP is
 * not judged: QUIC finds such paths by itself. The suspicion ends when large
 * datagrams flow again, or the endpoint changes.
 */
#ifndef ADIT_WG_BLACKHOLE_H
#define ADIT_WG_BLACKHOLE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/time.h"

#define WG_LARGE_DATAGRAM 1200

struct wg_blackhole {
	uint64_t segment; /* flow and sequence number, mixed; 0 = none */
	adit_time first, last; /* when it was sent */
	uint32_t large; /* large datagrams sent since `first` */
	uint8_t sent; /* how often it was sent, saturating */
	bool suspected;
};

/* A train of cnt large datagrams leaves; `packet` is the header of its first. */
void wg_blackhole_sent(struct wg_blackhole *b, const uint8_t *packet, size_t len, unsigned cnt, adit_time now);
/* Something authenticated came. */
static inline bool wg_blackhole_ripe(const struct wg_blackhole *b)
{
	return b->sent >= 4;
}
void wg_blackhole_heard(struct wg_blackhole *b, adit_time now);
void wg_blackhole_reset(struct wg_blackhole *b);

#endif
