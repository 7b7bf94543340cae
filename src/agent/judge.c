/* SPDX-License-Identifier: ISC */
/* judge.c - is a peer well, and if not, why? (DOC in judge.h) */
#include "agent/judge.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>

#define FIRST_WORD  (3 * ADIT_SEC)  /* so long one initiation may go unanswered without a word */
#define MARGIN      JUDGE_EVERY     /* we look once in that time, and say `stale` not later than promised */
#define FORGIVEN    (20 * ADIT_SEC) /* of a stale peer: since a handshake, with nothing unanswered */
#define DOUBT       (6 * ADIT_SEC)
#define DOUBT_DATA  3

/* --- data ------------------------------------------------------------------------- */

static void watch_data(struct judge *j, const struct judge_facts *f, adit_time now)
{
	if (f->rx_packets != j->rx_packets || f->tx_data < j->tx_data) {
		j->rx_packets = f->rx_packets;
		j->tx_data = f->tx_data;
		j->waits_since = 0;
		j->stale_at = 0;
	} else if (f->handshake_at != j->handshake_at) {
		j->tx_data = f->tx_data;
		j->waits_since = 0;
	} else if (f->tx_data > j->tx_data && !j->waits_since) {
		j->waits_since = j->looked_at ? j->looked_at : now;
	}
	j->handshake_at = f->handshake_at;
	j->looked_at = now;
}

/* Data goes out and none comes back. */
static bool data_is_lost(struct judge *j, adit_time now)
{
	if (j->waits_since && now - j->waits_since >= JUDGE_PATIENCE - MARGIN && !j->stale_at)
		j->stale_at = now;
	if (!j->stale_at)
		return false;
	if (j->handshake_at > j->stale_at && !j->waits_since && now - j->handshake_at >= FORGIVEN)
		j->stale_at = 0;
	return j->stale_at != 0;
}

/* --- handshakes ------------------------------------------------------------------- */

static void watch_handshakes(struct judge *j, const struct judge_facts *f, const struct judge_device *d, adit_time now)
{
	if (!f->attempts) {
		j->unanswered_since = 0;
		j->then = *d;
		j->unreachable_then = f->unreachable;
	} else if (!j->unanswered_since) {
		j->unanswered_since = now;
	}
}

static enum agent_reason why_unreachable(const struct judge_facts *f, char *why, size_t len)
{
	if (f->unreachable_error == ECONNREFUSED)
		snprintf(why, len, "the endpoint's machine says that nobody has this UDP port: is the peer running, and "
			 "is this its port?");
	else
		snprintf(why, len, "the way to the endpoint ends: %s", strerror(f->unreachable_error));
	return AGENT_ICMP_UNREACHABLE;
}

static enum agent_reason why_behind(const struct judge_device *d, char *why, size_t len)
{
	snprintf(why, len, "the clock of this machine is at least %lld s behind: the peer takes no handshake that is "
		 "older than the last one (set the clock)", (long long)(d->clock_behind / ADIT_SEC));
	return AGENT_CLOCK_SUSPECT;
}

/* What speaks most clearly goes first. */
static enum agent_reason why_unanswered(const struct judge *j, const struct judge_facts *f,
					const struct judge_device *d, char *why, size_t len)
{
	if (f->unreachable != j->unreachable_then)
		return why_unreachable(f, why, len);
	if (d->bad_handshake > j->then.bad_handshake)
		return AGENT_KEY_MISMATCH;
	if (d->refused > j->then.refused)
		return AGENT_NO_ROUTE;
	if (d->unknown_peer > j->then.unknown_peer)
		return AGENT_UNKNOWN_PEER;
	if (d->bad_mac1 > j->then.bad_mac1)
		return AGENT_BAD_MAC1;
	if (d->clock_behind)
		return why_behind(d, why, len);
	if (d->replayed > j->then.replayed)
		return AGENT_REPLAYED_TIMESTAMP;
	return AGENT_NO_REPLY;
}

/* --- both -------------------------------------------------------------------------- */

static void judge_new(struct judge *j, const struct judge_facts *f, const struct judge_device *d, adit_time now,
		      char *why, size_t len)
{
	if (!f->has_endpoint && f->has_name) {
		j->health = JUDGE_RESOLVING;
		if (f->resolve_error)
			j->reason = AGENT_DNS_FAILED;
	} else if (!f->has_endpoint) {
		j->health = JUDGE_UNCALLED;
	} else {
		bool clear = f->unreachable != j->unreachable_then || d->bad_handshake > j->then.bad_handshake;

		j->health = JUDGE_HANDSHAKING;
		if (f->attempts >= 2 || (j->unanswered_since && (clear || now - j->unanswered_since >= FIRST_WORD)))
			j->reason = why_unanswered(j, f, d, why, len);
	}
}

/* Whether handshakes still pass will show in a moment. */
static enum agent_reason why_silent(bool lost, char *why, size_t len)
{
	snprintf(why, len, "%s", lost ? "data was sent and nothing has come back for 15 s" :
				       "nothing has been heard for longer than expect_rx_secs");
	return AGENT_NO_REPLY;
}

static void judge_known(struct judge *j, const struct judge_facts *f, const struct judge_device *d, bool lost,
			adit_time now, char *why, size_t len)
{
	bool unanswered = j->unanswered_since && now - j->unanswered_since >= JUDGE_PATIENCE - MARGIN;
	bool silent = f->expect_rx && now - f->rx_at > f->expect_rx;

	j->health = JUDGE_WELL;
	if (lost || unanswered || silent) {
		j->health = JUDGE_STALE;
		if (f->attempts >= 2 || unanswered)
			j->reason = why_unanswered(j, f, d, why, len);
		else if (lost && j->handshake_at > j->stale_at)
			j->reason = AGENT_NO_DATA;
		else
			j->reason = why_silent(lost, why, len);
	} else if (f->black_hole) {
		j->reason = AGENT_MTU;
	}
}

void judge_look(struct judge *j, const struct judge_facts *f, const struct judge_device *d, adit_time now, char *why,
		size_t why_len)
{
	bool lost;

	why[0] = '\0';
	watch_data(j, f, now);
	watch_handshakes(j, f, d, now);
	lost = data_is_lost(j, now);
	j->reason = AGENT_OK;
	if (!f->handshake_at)
		judge_new(j, f, d, now, why, why_len);
	else
		judge_known(j, f, d, lost, now, why, why_len);
}

bool judge_doubts_endpoint(const struct judge *j, const struct judge_facts *f, adit_time now)
{
	if (f->attempts >= 2)
		return true;
	return j->waits_since && now - j->waits_since >= DOUBT && f->tx_data - j->tx_data >= DOUBT_DATA;
}

bool judge_says_more(const struct judge *a, const struct judge *b)
{
	static const int rank[] = { [JUDGE_UNCALLED] = 0, [JUDGE_RESOLVING] = 1, [JUDGE_HANDSHAKING] = 2,
				    [JUDGE_STALE] = 3, [JUDGE_WELL] = 4 };

	if (rank[a->health] != rank[b->health])
		return rank[a->health] > rank[b->health];
	return a->reason != AGENT_OK && b->reason == AGENT_OK && a->health != JUDGE_WELL;
}

enum agent_state judge_state(enum judge_health health)
{
	switch (health) {
	case JUDGE_UNCALLED:
	case JUDGE_WELL:
		return AGENT_UP;
	case JUDGE_RESOLVING:
		return AGENT_RESOLVING;
	case JUDGE_HANDSHAKING:
		return AGENT_HANDSHAKING;
	case JUDGE_STALE:
		return AGENT_STALE;
	}
	return AGENT_UP;
}
