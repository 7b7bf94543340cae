/* SPDX-License-Identifier: ISC */
/* doctor_echo.h - how large a packet may be on a way, by echo requests that must not be cut */
#ifndef ADIT_AGENT_DOCTOR_ECHO_H
#define ADIT_AGENT_DOCTOR_ECHO_H

#include <sys/socket.h>

#include "agent/doctor.h"

struct agent_echo_path {
	unsigned mtu;    /* the largest that was answered */
	bool black_hole; /* larger ones are lost and nobody says so */
};

/* max: the route's MTU. Some seconds. 0; -ETIMEDOUT: no answer even to a small one; or -errno. */
int agent_echo_measure(struct agent_echo_path *ret, const struct sockaddr_storage *to, socklen_t to_len, uint32_t mark,
		       unsigned max);

#endif
