/* SPDX-License-Identifier: ISC */
/*
 * time.h - time as the cores know it: CLOCK_BOOTTIME nanoseconds, given to
 * them as the last argument of a call. Wall time exists only for TAI64N and
 * for display, and comes through an op.
 */
#ifndef ADIT_BASE_TIME_H
#define ADIT_BASE_TIME_H

#include <stdint.h>

typedef int64_t adit_time; /* ns since boot, suspend included */

#define ADIT_MSEC  INT64_C(1000000)
#define ADIT_SEC   INT64_C(1000000000)
#define ADIT_NEVER INT64_MAX

/* Wall time, UTC. */
struct adit_wall {
	int64_t sec;
	uint32_t nsec;
};

#endif
