/* SPDX-License-Identifier: ISC */
/*
 * snapshot.h - what a network does, copied at one moment: for status, metrics
 * and health. Holds no secret.
 */
#ifndef ADIT_FORWARD_SNAPSHOT_H
#define ADIT_FORWARD_SNAPSHOT_H

#include <stdio.h>

#include "crypto/keytext.h"
#include "forward/kernel.h"
#include "forward/network.h"
#include "wg/wg.h"

struct snapshot_peer {
	char key[ADIT_KEY_BASE64_LEN + 1];
	struct adit_wg_peer_info info; /* psk wiped */
	char *allowed;                 /* "10.0.0.0/8,fd00::/8"; NULL = out of memory */
	char endpoint_name[280];       /* "" = none configured by name */
	char problem[160];
};

struct snapshot_service {
	char text[480];
	struct relay_service_stats n;
};

struct forward_snapshot {
	adit_time now;
	char key[ADIT_KEY_BASE64_LEN + 1]; /* ours, public */
	uint16_t port;
	struct adit_tunnel_stats tunnel;   /* drops: the stack's included */
	struct adit_wg_stats wg;
	struct adit_netstack_stats stack;
	size_t memory_limit, memory_peak;
	bool kernel;
	struct kernel_backend_stats kernel_stats;
	struct snapshot_peer *peer;
	size_t peer_cnt;
	struct snapshot_service *service;
	size_t service_cnt;
	const struct forward_alive *alive;
};

/* Returns 0 or -ENOMEM. */
int snapshot_take(struct forward_snapshot *ret, struct adit_forward_network *n);
void snapshot_free(struct forward_snapshot *s);

/* status.c */
void status_write_text(FILE *out, const struct forward_snapshot *s);
void status_write_json(FILE *out, const struct forward_snapshot *s);
/* metrics.c: Prometheus text format 0.0.4. statm_fd: /proc/self/statm, or -1. */
void metrics_write(FILE *out, const struct forward_snapshot *s, int statm_fd);

#endif
