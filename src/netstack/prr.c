/* SPDX-License-Identifier: ISC */
/*
 * prr.c - proportional rate reduction (RFC 9937): during a recovery as much is
 * sent for what is delivered as leads to ssthresh in flight at its end
 */
#include "netstack/cc.h"

static uint32_t least(uint64_t a, uint64_t b)
{
	return (uint32_t)(a < b ? a : b);
}

void prr_begin(struct prr *p, uint32_t flight_size)
{
	*p = (struct prr){ .recover_fs = flight_size ? flight_size : 1 };
}

/* More is in flight than there shall be: less than one goes out for one that came in. */
static uint32_t reduce(const struct prr *p, uint32_t ssthresh)
{
	uint64_t share = ((uint64_t)p->delivered * ssthresh + p->recover_fs - 1) / p->recover_fs;

	return share > p->out ? least(share - p->out, UINT32_MAX) : 0;
}

/* Less is in flight than there may be: what came in goes out (conservative
 * reduction bound), and a segment more while all goes well (slow start). */
static uint32_t catch_up(const struct prr *p, uint32_t delivered, uint32_t room, uint32_t mss, bool safe_ack)
{
	uint64_t cnt = p->delivered > p->out ? p->delivered - p->out : 0;

	if (cnt < delivered)
		cnt = delivered;
	if (safe_ack)
		cnt += mss;
	return least(cnt, room);
}

uint32_t prr_ack(struct prr *p, uint32_t delivered, uint32_t in_flight, uint32_t ssthresh, uint32_t mss,
		 bool safe_ack)
{
	uint32_t cnt;

	p->delivered += delivered;
	if (!delivered && p->out)
		return in_flight ? in_flight : mss; /* nothing came in: nothing goes out, unless nothing would come any more */
	if (in_flight > ssthresh)
		cnt = reduce(p, ssthresh);
	else
		cnt = catch_up(p, delivered, ssthresh - in_flight, mss, safe_ack);
	if (!p->out && !cnt)
		cnt = mss; /* the first retransmission goes out whatever is in flight */
	return in_flight + cnt;
}
