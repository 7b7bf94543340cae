/* SPDX-License-Identifier: ISC */
/*
 * helper_tuns.h - the TUN devices that are the helper's
 *
 * A name alone does not say it: once a device is gone, another program may make one
 * of that name. The kernel's number of an interface is given once.
 */
#ifndef ADIT_AGENT_HELPER_TUNS_H
#define ADIT_AGENT_HELPER_TUNS_H

#include <stdbool.h>
#include <stddef.h>

#include "host/plan.h"

struct helper_tun {
	char name[ADIT_IFNAME_LEN];
	unsigned index;
};

/* All zero: none. */
struct helper_tuns {
	struct helper_tun *item;
	size_t cnt;
};

/* Is the interface that has this name now one of them? */
bool helper_tuns_has(const struct helper_tuns *set, const char *name);
/* The one that has it now. 0, -ENODEV or -ENOMEM. */
int helper_tuns_add(struct helper_tuns *set, const char *name);
void helper_tuns_free(struct helper_tuns *set);

#endif
