/* SPDX-License-Identifier: ISC */
/* shield.h - when a data thread puts its sockets' shield up (pktio/udp_shield.h) and takes it down */
#ifndef ADIT_TUNNEL_SHIELD_H
#define ADIT_TUNNEL_SHIELD_H

#include <stdbool.h>
#include <stdint.h>

#include "base/time.h"

struct adit_data;

struct adit_shield {
	adit_time checked;
	uint64_t strangers; /* drops of strangers' datagrams then */
	uint32_t refused;   /* the kernel's count then */
	bool up;
};

/* After a turn. Only for cores that know their peers' addresses. */
void adit_shield_turn(struct adit_data *d, adit_time now);
/* When to come back although nothing comes; ADIT_NEVER. */
adit_time adit_shield_due(const struct adit_data *d);

#endif
