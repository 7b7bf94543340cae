/* SPDX-License-Identifier: ISC */
/*
 * network.h - a network of the agent: what it is asked to be, what state it is
 * in and why
 *
 * DOC: states
 *
 *   down         not asked to run, or not yet
 *   resolving    names of endpoints are being looked up; nothing else is in the way
 *   handshaking  initiations are out, no peer has answered yet
 *   up           a peer has answered, or none has an endpoint and we listen;
 *                an idle network is up
 *   stale        data was sent and nothing authenticated came back for 15 s, or
 *                expect_rx_secs has passed
 *   blocked      the killswitch holds and there is no tunnel
 *   error        it could not be started, or lost what it stands on; tried again
 *                with back-off and jitter
 *
 * network_enter (network.c) is the one function that changes a state: it logs, counts and
 * emits the event. Reasons are codes with a sentence (reason.h).
 */
#ifndef ADIT_AGENT_NETWORK_H
#define ADIT_AGENT_NETWORK_H

#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>

#include "agent/reason.h"
#include "agent/settings.h"
#include "base/drop.h"
#include "base/time.h"
#include "crypto/keytext.h"

struct adit_tunnel;
struct adit_tap;
struct agent;
struct agent_capture;
struct agent_network;
struct agent_snapshot;

enum agent_state {
	AGENT_DOWN,
	AGENT_RESOLVING,
	AGENT_HANDSHAKING,
	AGENT_UP,
	AGENT_STALE,
	AGENT_BLOCKED,
	AGENT_ERROR,
	AGENT_STATE_CNT,
};
const char *agent_state_name(enum agent_state state);

/* What a kind of network brings. All are called by the control thread. */
struct agent_network_ops {
	/* Makes and starts everything, and enters a state; on failure nothing is left (but with a
	 * killswitch n->holds, and what blocks), and err holds a sentence. What n->holds before, of WireGuard
	 * alone, is where its plan begins. */
	int (*open)(struct agent_network *n, enum agent_reason *reason, char *err, size_t err_len);
	/* Where n->wanted still, and with a killswitch, what blocks stays and n->holds is set; so it is
	 * where the plan could not be undone (network_undo). */
	void (*close)(struct agent_network *n);
	/* Applies new settings to the running network by difference, all or nothing. -EOPNOTSUPP:
	 * it must be closed and opened. */
	int (*change)(struct agent_network *n, const struct agent_network_settings *settings, char *err,
		      size_t err_len);
	/* The same settings (agent_network_same) in other memory: the old ones go. 0 or -ENOMEM. */
	int (*adopt)(struct agent_network *n, const struct agent_network_settings *settings);
	/* Looks at the tunnel and at what was heard; calls network_enter. Returns when to look again. */
	adit_time (*look)(struct agent_network *n, adit_time now);
	/* Links or routes of the machine changed, or it slept. */
	void (*moved)(struct agent_network *n, adit_time now);
	/* Fills what it knows; peers one after another. 0 or -ENOMEM. */
	int (*snapshot)(struct agent_network *n, struct agent_snapshot *ret);
	/* Of one that is open: whose threads the watchdog asks. NULL: nobody's. */
	struct adit_tunnel *(*tunnel)(struct agent_network *n);
	/* Of one that is open: its peers are asked for new sessions soon. NULL: there is no such thing. */
	void (*renew)(struct agent_network *n);
	/* Fills *ret with what open would put in force, and does nothing; the network is not open. NULL: nothing is. */
	int (*plan)(struct agent_network *n, struct adit_plan *ret, char *err, size_t err_len);
};

struct agent_network {
	struct agent_network *next;
	struct agent *agent;
	const struct agent_network_settings *settings; /* of the configuration in force */
	const struct agent_network_settings *coming;   /* during a reload: what it is to become; else NULL */
	const struct agent_network_ops *ops;
	void *impl; /* NULL while it is not open */
	enum agent_state state;
	enum agent_reason reason;
	char why[256]; /* the reason's sentence, with the particulars */
	adit_time since; /* in this state */
	bool wanted; /* connect, or enable; until disconnect */
	adit_time look_at;  /* while it is open */
	adit_time retry_at; /* while it is wanted and not open; ADIT_NEVER */
	unsigned failures;  /* in a row */
	bool holds;  /* not open, and this plan is in force: what blocks, or what could not be undone yet */
	struct adit_plan held;
	uint64_t entered[AGENT_STATE_CNT];
	char ifname[ADIT_IFNAME_LEN]; /* in use, or kept by what holds: that there is one is `impl`; "" = none */
	char dns[200];     /* what was done about DNS and why; "" = nothing asked */
	struct agent_capture *captures; /* who looks at its packets (capture.h) */
	char warning[256]; /* e.g. a route somebody keeps deleting; "" = none */
};

/* The one way into a state. fmt: particulars, or NULL for the reason's own sentence. */
void network_enter(struct agent_network *n, enum agent_state state, enum agent_reason reason, const char *fmt, ...)
	__attribute__((format(printf, 4, 5)));

/* It cannot go on (its TUN is gone): closes it, enters error or blocked, to be tried again. From
 * `look` too, which then touches nothing of it any more. */
void network_lost(struct agent_network *n, enum agent_reason reason, const char *fmt, ...)
	__attribute__((format(printf, 3, 4)));
/* Undoes this plan (NULL: what it holds), which is n's then. What cannot be undone it holds, says so, and
 * disconnect, the tick or its next plan tries again. 0 or -errno. */
int network_undo(struct agent_network *n, struct adit_plan *plan);
/* What it holds is no more its own: the name is tried again by the tick. */
void network_leave(struct agent_network *n);
/* How long to wait after so many failures in a row: doubling to half a minute, a quarter more or less. */
adit_time network_back_off(unsigned failures, uint32_t random);

/* --- what is to be seen of a network, copied at one moment; holds no secret ---- */

struct agent_snapshot_peer {
	char name[AGENT_NAME_LEN];
	char key[ADIT_KEY_BASE64_LEN + 1];
	char endpoint[80]; /* in use; "" = none */
	char configured[280]; /* as written, HOST:PORT, ...; "" */
	char *allowed;     /* "10.0.0.0/8,fd00::/8"; malloc'd */
	enum agent_reason reason; /* AGENT_OK, or its trouble */
	char why[160];
	bool has_psk, session;
	uint16_t keepalive;
	adit_time handshake, last_rx, last_tx; /* CLOCK_BOOTTIME; 0 = never */
	int64_t handshake_wall; /* s since 1970; 0 = never */
	uint64_t rx_bytes, tx_bytes, rx_packets, tx_packets, rx_lost, rx_reordered, handshake_attempts;
};

struct agent_snapshot {
	const struct agent_network *network;
	adit_time now;
	char public_key[ADIT_KEY_BASE64_LEN + 1];
	uint16_t listen_port;
	uint32_t fwmark;
	unsigned mtu;
	uint64_t rx_bytes, tx_bytes, rx_packets, tx_packets; /* inner data */
	uint64_t errors_tun, errors_packet, errors_handshake; /* by class, from the drops */
	uint64_t drops[ADIT_DROP_CNT];
	struct agent_snapshot_peer *peer;
	size_t peer_cnt, peer_cap;
	char **service; /* of forward: "127.0.0.1:8080 -> 10.0.0.1:80, 3 open"; malloc'd each */
	size_t service_cnt;
};

/* Zeroed but for the network when it is down. 0 or -ENOMEM. */
int agent_snapshot_take(struct agent_snapshot *ret, struct agent_network *n);
void agent_snapshot_free(struct agent_snapshot *s);

/* --- networks.c: all of them, for the agent's loop ------------------------------ */

/* From a->config; the enabled ones are started by the first tick. 0 or -errno. */
int agent_networks_init(struct agent *a);
/* Closes all; the machine is as before. */
void agent_networks_fini(struct agent *a);
adit_time agent_networks_due(const struct agent *a);
void agent_networks_tick(struct agent *a, adit_time now);
/* Links or routes of the machine changed, or it slept: every network that runs is told. */
void agent_networks_moved(struct agent *a, adit_time now);
/* Adds one that is not there yet, down; NULL: out of memory. reload.c's too. */
struct agent_network *agent_network_add(struct agent *a, const struct agent_network_settings *settings);
/* Closes it and keeps its being wanted: reload.c's. keep: a killswitch holds meanwhile, or goes on to. */
void agent_network_shut(struct agent_network *n, bool keep);
/* Of one that is shut: other settings, of another type too. */
void agent_network_retype(struct agent_network *n, const struct agent_network_settings *settings);
/* Plans are held by the interface's name: does another network run with this one, or hold a plan of it? */
bool agent_plan_is_anothers(const struct agent_network *n, const char *name);
/* Does the file give its interface a name, and another one? */
bool network_named_otherwise(const struct agent_network *n, const char *name);
/* So n has the interface of this name: n->ifname, or -EBUSY with its reason and a sentence. */
int network_take_name(struct agent_network *n, const char *name, enum agent_reason *reason, char *err, size_t err_len);
/* The name that a TUN not made yet will have: the settings', or that one, as far as one can tell. */
void network_presume_name(struct agent_network *n, const char *name);
/* Of one that is open: what it drops is shown until untap, or until it is closed. With keys sessions begin anew, so
 * that there are keys to be shown. 0, or -EOPNOTSUPP: it has none. */
int agent_network_tap(struct agent_network *n, struct adit_tap *tap);
void agent_network_untap(struct agent_network *n, struct adit_tap *tap);
/* Closes it, takes it out and frees it; of what cannot be undone yet the name stays in a->leftovers, to be tried again. */
void agent_network_remove(struct agent *a, struct agent_network *n);

/* --- kinds ------------------------------------------------------------------- */

extern const struct agent_network_ops agent_wireguard_ops, agent_forward_ops, agent_static_ops;

#endif
