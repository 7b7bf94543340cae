/* SPDX-License-Identifier: ISC */
/*
 * timers.h - a peer's timers (whitepaper 6), driven by events whose names say
 * what happened.
 *
 * DOC: one wheel entry
 *
 * A peer has six deadlines and one entry in the device's timing wheel. The
 * entry stands at the earliest deadline or before it: an event that brings a
 * deadline forward moves the entry, one that puts it off or cancels it only
 * stores the number, and the entry, when it fires too early, is set again. So
 * the data path stores stamps, and a peer with no deadline is in no wheel.
 */
#ifndef ADIT_WG_TIMERS_H
#define ADIT_WG_TIMERS_H

#include <stdbool.h>

#include "base/time.h"

struct adit_wg;
struct adit_wg_peer;

struct wg_timers {
	adit_time initiate;	 /* an initiation is wanted */
	adit_time retransmit;	 /* the last initiation was not answered */
	adit_time keepalive;	 /* data came and nothing was sent since */
	adit_time new_handshake; /* data was sent and nothing came since */
	adit_time zero_keys;	 /* no new session for too long */
	adit_time persistent;	 /* persistent keepalive */
};

void wg_timers_init(struct adit_wg_peer *peer);
void wg_timers_stop(struct adit_wg *wg, struct adit_wg_peer *peer);

/* Data was sent / received; not keepalives. */
void wg_timers_data_sent(struct adit_wg *wg, struct adit_wg_peer *peer, adit_time now);
void wg_timers_data_received(struct adit_wg *wg, struct adit_wg_peer *peer, adit_time now);
/* Anything authenticated was sent / received. */
void wg_timers_any_sent(struct adit_wg *wg, struct adit_wg_peer *peer, adit_time now);
void wg_timers_any_received(struct adit_wg *wg, struct adit_wg_peer *peer, adit_time now);
void wg_timers_initiation_sent(struct adit_wg *wg, struct adit_wg_peer *peer, adit_time now);
/* An initiation was wanted within 5 s of the last handshake message we sent: it is put off. */
void wg_timers_initiation_limited(struct adit_wg *wg, struct adit_wg_peer *peer, adit_time now);
void wg_timers_handshake_complete(struct adit_wg *wg, struct adit_wg_peer *peer, adit_time now);
void wg_timers_session_derived(struct adit_wg *wg, struct adit_wg_peer *peer, adit_time born, adit_time now);
/* A handshake is wanted, by something other than the timers: begins the count
 * of attempts anew. One within 5 s of the last is put off, or left to the
 * retransmission if that is coming. */
void wg_timers_want_handshake(struct adit_wg *wg, struct adit_wg_peer *peer, adit_time now);
/* A keepalive is wanted at the next tick: persistent keepalive was turned on, or the device came up. */
void wg_timers_want_keepalive(struct adit_wg *wg, struct adit_wg_peer *peer, adit_time now);

/* The peer's wheel entry fired. Returns whether an initiation was made, which takes a while. */
bool wg_timers_fire(struct adit_wg *wg, struct adit_wg_peer *peer, adit_time now);

#endif
