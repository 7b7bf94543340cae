/* SPDX-License-Identifier: ISC */
/*
 * judge.h - is a peer well, and if not, why? From what is counted alone, with
 * `now`: no descriptor, no clock.
 *
 * DOC: what counts as an answer
 *
 * After data was sent, something must come back within 15 s: a living peer sends
 * at least a keepalive within 10 s. Handshakes do not count, since a firewall may
 * let them pass and nothing else. Keepalives that we send ask for no answer. So a
 * peer that nobody talks to is well, however long ago it was heard.
 *
 * One lost packet brings a handshake 15 s later, by which the peer has shown that
 * it is there: what was sent before is forgiven then, unless the peer was stale
 * already; a stale one is well again when data comes, or when after a handshake
 * nothing is sent that it would leave unanswered.
 */
#ifndef ADIT_AGENT_JUDGE_H
#define ADIT_AGENT_JUDGE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "agent/network.h"
#include "base/time.h"

#define JUDGE_PATIENCE (15 * ADIT_SEC)
#define JUDGE_EVERY ADIT_SEC /* how often to look at least, while it matters */

enum judge_health {
	JUDGE_UNCALLED,    /* it has no endpoint and was never heard: nothing to expect */
	JUDGE_RESOLVING,   /* its name has no address yet */
	JUDGE_HANDSHAKING, /* it has not answered yet */
	JUDGE_WELL,
	JUDGE_STALE,
};

/* Counted for the whole device: whose trouble it is can only be guessed. */
struct judge_device {
	uint64_t bad_mac1, unknown_peer, bad_handshake, replayed, refused; /* refused: by the network, at sending */
	adit_time clock_behind; /* 0: it is not */
};

struct judge_facts {
	bool has_endpoint, has_name; /* known; configured by name */
	int resolve_error;           /* -errno of the last try; 0 */
	uint64_t attempts;           /* unanswered initiations */
	adit_time handshake_at;      /* 0 = never */
	adit_time rx_at;             /* anything authentic; 0 = never */
	uint64_t rx_packets, tx_data;
	unsigned unreachable;        /* ICMP errors about its endpoint */
	int unreachable_error;
	bool black_hole;
	adit_time expect_rx;         /* 0 = off */
};

/* One for each peer; zeroed at first. */
struct judge {
	enum judge_health health;
	enum agent_reason reason;
	adit_time looked_at;
	uint64_t rx_packets, tx_data;  /* tx_data: when data was last received, or forgiven */
	adit_time waits_since;         /* 0: no data is unanswered */
	adit_time handshake_at, stale_at;
	adit_time unanswered_since;    /* initiations; 0: none is */
	struct judge_device then;      /* when that began */
	unsigned unreachable_then;
};

/* Looks; sets health and reason. The sentence's particulars (or "") go to why. */
void judge_look(struct judge *j, const struct judge_facts *f, const struct judge_device *d, adit_time now, char *why,
		size_t why_len);
/* Which of two peers says how a network is: who is well, then who was, ...; among equals who knows why. */
bool judge_says_more(const struct judge *a, const struct judge *b);
/* The state of a network that such a peer speaks for. */
enum agent_state judge_state(enum judge_health health);
/* Does it look as if the endpoint were no longer the right one? (look its name up again) */
bool judge_doubts_endpoint(const struct judge *j, const struct judge_facts *f, adit_time now);

#endif
