/* SPDX-License-Identifier: ISC */
/* status.h - what a static tunnel does, copied at one moment, and how it is shown. Holds no secret. */
#ifndef ADIT_STATICTUN_STATUS_H
#define ADIT_STATICTUN_STATUS_H

#include <stdio.h>

#include "statictun/network.h"

struct statictun_status {
	const struct statictun *s;
	adit_time now;
	uint16_t port;
	struct adit_tunnel_stats tunnel;
	struct adit_static_stats core;
	struct adit_static_peer_info *peer;
	size_t peer_cnt;
};

/* Returns 0 or -ENOMEM. */
int statictun_status_take(struct statictun_status *ret, struct statictun *s);
void statictun_status_free(struct statictun_status *status);
void statictun_status_text(FILE *out, const struct statictun_status *status);
/* One line. */
void statictun_status_json(FILE *out, const struct statictun_status *status);

#endif
