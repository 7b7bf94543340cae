/* SPDX-License-Identifier: ISC */
/*
 * wireguard.h - what the files of a WireGuard network share
 *
 *	wireguard.c            open and close: key, tunnel, plan, UAPI socket
 *	wireguard_plan.c       what it changes on the machine, and DNS
 *	wireguard_peers.c      the core's peers, made those of the settings by difference
 *	wireguard_endpoints.c  where peers are: names, numbers, roaming
 *	wireguard_state.c      the looks: states and reasons
 *	wireguard_change.c     new settings for a network that runs; peers by the API
 *	wireguard_snapshot.c   what is to be seen
 */
#ifndef ADIT_AGENT_WIREGUARD_H
#define ADIT_AGENT_WIREGUARD_H

#include "agent/agent.h"
#include "agent/judge.h"
#include "agent/resolve.h"
#include "device/netplan.h"
#include "tunnel/tunnel.h"
#include "wg/wg.h"

#define WGNET_SLICE 256 /* peers in one hold */

struct adit_server;
struct wgnet;
struct wgnet_peer;

/* An endpoint as it is configured, and what its name was last found to be. */
struct wgnet_endpoint {
	struct wgnet_peer *peer;
	const struct agent_endpoint *cfg;
	bool numeric, asking;
	int error;
	struct adit_addr addr[AGENT_ANSWER_MAX]; /* the last good ones */
	unsigned addr_cnt;
	adit_time ask_at; /* ADIT_NEVER: a number */
	unsigned failures;
};

struct wgnet_peer {
	struct wgnet *net;
	const struct agent_peer *cfg; /* of the settings in force, or live */
	bool live; /* by the API: cfg is ours */
	bool leaving; /* the plan is made without it */
	struct wgnet_endpoint *endpoint;
	size_t endpoint_cnt;
	struct judge judge;
	char why[160];
	struct adit_path path;  /* where the core has it, at the last look */
	adit_time kicked_at;
	bool placed; /* the core was given its endpoints */
};

struct wgnet {
	struct agent_network *n;
	struct adit_tunnel *tunnel;
	uint8_t *private_key; /* secret memory */
	struct wgnet_peer *peer; /* in the order of public keys */
	size_t peer_cnt;
	uint8_t (*banned)[ADIT_KEY_LEN]; /* peers of the settings that were removed by the API; in order */
	size_t banned_cnt;
	struct agent_resolver *resolver; /* NULL: no endpoint is a name */
	uint32_t resolver_mark;
	bool endpoints_moved; /* the plan is old: where peers are, or which there are */
	adit_time guarded_at;
	bool plan_warns;      /* so the warning says, until the plan is in force */
	struct adit_plan plan; /* in force */
	bool planned;
	struct adit_server *uapi; /* or NULL */
	struct adit_watch uapi_watch, gone_watch;
	bool gone, rebind;
	bool call_all;       /* the link came up, or keys are to be shown */
	adit_time called_at; /* because the machine moved */
	adit_time down_since; /* the link was found down; 0 */
	struct judge_device device;
	/* DNS: a server outside of what peers are for is asked first */
	struct adit_watch dns_probe;
	adit_time dns_probe_at, dns_probe_end;
	unsigned dns_probes;
	uint16_t dns_probe_id;
	bool dns_reached;
};

static inline struct wgnet *wgnet_of(struct agent_network *n)
{
	return n->impl;
}

/* --- wireguard_plan.c --- */

/* Makes the plan of these settings and puts it in force; net->plan becomes it. */
int wgnet_plan(struct wgnet *net, const struct agent_network_settings *s, enum agent_reason *reason, char *err,
	       size_t err_len);
/* Undoes it. keep: all but what blocks. Returns whether something is in force now. */
bool wgnet_unplan(struct agent_network *n, bool keep);
/* What is held has the name of another interface than the file gives, and that one is free. */
bool wgnet_moves_name(const struct agent_network *n);
/* Before it opens: of what is held under such a name the killswitch's part stays, until the new plan is in force. */
int wgnet_leave_name(struct agent_network *n, enum agent_reason *reason, char *err, size_t err_len);
/* What was held is part of the plan now, or is undone. */
void wgnet_held_is_over(struct wgnet *net);
/* What opening would put in force; of one that is not open. */
int wgnet_would_plan(struct agent_network *n, struct adit_plan *ret, char *err, size_t err_len);
/* Asks servers whether they can be reached, where that is not plain; says in n->dns what is done. */
void wgnet_dns_begin(struct wgnet *net, const struct agent_network_settings *s);
void wgnet_dns_look(struct wgnet *net, adit_time now);
void wgnet_dns_end(struct wgnet *net);

/* --- wireguard_peers.c --- */

/* A secret for each peer that has a preshared key, in the order of s->peers; NULL where it has none. */
int wgnet_read_psks(struct wgnet *net, const struct agent_peer *peers, size_t cnt, uint8_t ***ret, char *err,
		    size_t err_len);
void wgnet_free_psks(uint8_t **psks, size_t cnt);
int wgnet_read_private_key(struct agent_network *n, const struct agent_network_settings *s, uint8_t **ret, char *err,
			   size_t err_len);
void wgnet_set_private_key(struct wgnet *net, const uint8_t key[ADIT_KEY_LEN]);
/* The core's peers: those of old (NULL: none) become those of new. 0 or -ENOMEM, with a part done. */
int wgnet_set_peers(struct wgnet *net, const struct agent_peer *old, size_t old_cnt, const struct agent_peer *new,
		    size_t new_cnt, uint8_t *const *psks);
/* net->peer made anew for these settings (and live peers kept); what is known of those that stay is kept. */
int wgnet_list_peers(struct wgnet *net, const struct agent_network_settings *s);
/* The same with one more, live; and without one. */
int wgnet_list_live(struct wgnet *net, const struct agent_peer *add, const struct agent_peer *without);
void wgnet_free_peers(struct wgnet *net);
/* Where the settings have this peer, it is left out by wgnet_set_peers and wgnet_list_peers from now on. 0 or -ENOMEM. */
int wgnet_ban(struct wgnet *net, const uint8_t public_key[ADIT_KEY_LEN]);
void wgnet_unban(struct wgnet *net, const uint8_t public_key[ADIT_KEY_LEN]);
bool wgnet_is_banned(const struct wgnet *net, const uint8_t public_key[ADIT_KEY_LEN]);
/* All that are not among these settings' peers are forgotten. */
void wgnet_unban_others(struct wgnet *net, const struct agent_network_settings *s);
void wgnet_free_live(const struct agent_peer *cfg);
struct wgnet_peer *wgnet_find(const struct wgnet *net, const uint8_t public_key[ADIT_KEY_LEN]);

/* --- wireguard_endpoints.c --- */

int wgnet_endpoints_init(struct wgnet_peer *p);
void wgnet_endpoints_fini(struct wgnet_peer *p);
/* Under the hold: gives the core what is known of where the peer is, all of it, and asks for a handshake. */
void wgnet_place(struct wgnet_peer *p, struct adit_wg *wg, struct adit_wg_peer *peer, adit_time now);
/* Asks for names that are due. Returns when to come again. */
adit_time wgnet_resolve(struct wgnet *net, adit_time now);
/* Makes the resolver where there are names. False: there is none. */
bool wgnet_need_resolver(struct wgnet *net);
/* Names are asked for again soon: the peer does not answer there. */
void wgnet_doubt(struct wgnet_peer *p, adit_time now);
int wgnet_resolve_error(const struct wgnet_peer *p);
bool wgnet_has_name(const struct wgnet_peer *p);
/* Is this one of the places that are configured, or found for its names? */
bool wgnet_knows_path(const struct wgnet_peer *p, const struct adit_path *path);
/* All places of all peers, for the plan; malloc'd. 0 or -ENOMEM. */
int wgnet_paths(const struct wgnet *net, struct adit_path **ret, size_t *cnt);

/* --- wireguard_state.c, wireguard_change.c, wireguard_snapshot.c --- */

adit_time wgnet_look(struct agent_network *n, adit_time now);
void wgnet_moved(struct agent_network *n, adit_time now);
int wgnet_change(struct agent_network *n, const struct agent_network_settings *settings, char *err, size_t err_len);
int wgnet_adopt(struct agent_network *n, const struct agent_network_settings *settings);
int wgnet_snapshot(struct agent_network *n, struct agent_snapshot *ret);

/* wireguard.c: the first "adit%u" that no network and no interface has. False: all of them are taken. */
bool wgnet_free_name(const struct agent_network *n, char ret[ADIT_IFNAME_LEN]);
/* wireguard.c: the mark of the sockets follows the plan's. */
/* Why its sockets cannot be had, with a sentence. */
enum agent_reason wgnet_no_socket(const struct agent_network_settings *s, int r, char *err, size_t err_len);
int wgnet_set_mark(struct wgnet *net, const struct agent_network_settings *s);

#endif
