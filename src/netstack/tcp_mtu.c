/* SPDX-License-Identifier: ISC */
/*
 * tcp_mtu.c - the segment size: what the peer said, what the path is known to
 * carry (RFC 1191, RFC 8201), and what it is found not to carry although
 * nobody says so (a black hole, RFC 4821).
 */
#include "netstack/tcp.h"

#include "base/inet.h"

enum { MTU_FLOOR_4 = 576, MTU_FLOOR_6 = 1280, MTU_STEP_4 = 1024 };
#define MTU_PROOF (10 * ADIT_SEC) /* full segments are acknowledged for so long: there is no black hole */

uint16_t tcp_offered_mss(const struct adit_netstack *ns, uint8_t family)
{
	unsigned head = (family == 4 ? ADIT_IP4_HDR : ADIT_IP6_HDR) + ADIT_TCP_HDR;

	return (uint16_t)(ns->cfg.mtu > 65535 ? 65535 - head : ns->cfg.mtu - head);
}

static unsigned path_mtu(const struct tcp *t, adit_time now)
{
	unsigned mtu = pmtu_get(t->sock.ns, &t->sock.remote.addr, now);

	return t->mtu_limit && t->mtu_limit < mtu ? t->mtu_limit : mtu;
}

void tcp_update_mss(struct tcp *t, adit_time now)
{
	unsigned head = ip_hdr_len(&t->sock.remote.addr) + ADIT_TCP_HDR, mss = path_mtu(t, now) - head;

	if (mss > t->peer_mss)
		mss = t->peer_mss;
	if (t->ts_ok)
		mss -= 12;
	if (mss == t->mss)
		return;
	t->mss = (uint16_t)mss;
	cc_set_mss(&t->cc, mss);
	scoreboard_set_mss(&t->sb, mss); /* what is sent again must fit, and a window of one segment must be enough */
}

/* What is in flight was as large as the old size allowed: it did not get
 * through, and that says nothing of congestion. */
static void shrink(struct tcp *t, adit_time now)
{
	uint16_t before = t->mss;

	tcp_update_mss(t, now);
	if (t->mss < before)
		tcp_send_all_again(t, now);
}

void tcp_mtu_changed(struct tcp *t, adit_time now)
{
	if (tcp_synchronized(t))
		shrink(t, now);
}

static unsigned smaller(const struct tcp *t, unsigned mtu)
{
	if (t->mtu_found && t->mtu_found < mtu)
		return t->mtu_found;
	if (mtu > MTU_FLOOR_6)
		return MTU_FLOOR_6;
	return mtu > MTU_STEP_4 ? MTU_STEP_4 : MTU_FLOOR_4;
}

/*
 * Every second timeout in a row with full segments in flight: maybe they are
 * too large. One step down, or as far as it helped before; if the timeouts go
 * on after the last one it was an outage, and all of it is taken back.
 */
bool tcp_blackhole_timeout(struct tcp *t, adit_time now)
{
	unsigned mtu = path_mtu(t, now), floor = t->sock.remote.addr.family == 4 ? MTU_FLOOR_4 : MTU_FLOOR_6;

	if (t->tries % TCP_BLACKHOLE_TIMEOUTS || t->sb.end - t->sb.una < t->mss || mtu <= floor)
		return false;
	if (t->snd_wnd < t->mss || t->refused) /* the receiver has no room: that explains it */
		return false;
	t->mtu_limit = (uint16_t)smaller(t, mtu);
	t->mtu_tries = t->tries;
	shrink(t, now);
	return true;
}

static void forget_blackhole(struct tcp *t)
{
	t->mtu_limit = t->mtu_found = 0;
	t->mtu_raises = 0;
}

/* Full segments again now and then: an outage may have looked like a black hole, or the path has changed. */
static void raise(struct tcp *t, adit_time now)
{
	t->mtu_limit = 0;
	t->mtu_raise_at = now + MTU_PROOF;
	tcp_update_mss(t, now);
}

void tcp_mtu_acked(struct tcp *t, adit_time now)
{
	static const adit_time wait[] = { 2 * ADIT_SEC, 10 * ADIT_SEC, 60 * ADIT_SEC, 600 * ADIT_SEC };

	if (t->mtu_limit && t->tries > t->mtu_tries + 1u) {
		forget_blackhole(t);
		tcp_update_mss(t, now);
	} else if (t->mtu_limit && t->tries) {
		t->mtu_found = t->mtu_limit;
		t->mtu_raise_at = now + wait[t->mtu_raises];
		if (t->mtu_raises + 1u < sizeof(wait) / sizeof(wait[0]))
			t->mtu_raises++;
	} else if (t->mtu_found && now >= t->mtu_raise_at) {
		if (t->mtu_limit)
			raise(t, now);
		else
			forget_blackhole(t);
	}
}

void tcp_icmp(struct adit_netstack *ns, const struct adit_endpoint *local, const struct adit_endpoint *remote,
	      uint32_t seq, enum icmp_kind kind, int error, unsigned mtu, adit_time now)
{
	struct tcp *t = flow_find(ns, local, remote);
	bool syn;

	if (!t) {
		ns_drop(ns, ADIT_DROP_no_flow, 1);
		return;
	}
	syn = t->state == TCP_SYN_SENT || t->state == TCP_SYN_RECEIVED;
	/* RFC 5927 4.1: only what is in flight can have met the error */
	if (syn ? seq != t->iss : (!seq_le(t->sb.una, seq) || !seq_lt(seq, t->sb.end))) {
		ns_drop(ns, ADIT_DROP_not_in_flight, 1);
		return;
	}
	switch (kind) {
	case ICMP_GOT_TOO_BIG:
		if (syn || mtu >= path_mtu(t, now))
			return;
		pmtu_set(ns, &remote->addr, mtu, now);
		shrink(t, now);
		return;
	case ICMP_GOT_UNREACHABLE:
	case ICMP_GOT_TIME_EXCEEDED:
		/* soft for what is established (RFC 5461): it may be passing; a connect has nothing to lose */
		t->soft_error = error;
		if (t->state == TCP_SYN_SENT && kind == ICMP_GOT_UNREACHABLE)
			tcp_die(t, error);
		return;
	}
}
