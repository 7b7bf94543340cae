/* SPDX-License-Identifier: ISC */
/* up_plan.h - from a wg-quick file to endpoints and a plan for this machine */
#ifndef ADIT_DEVICE_UP_PLAN_H
#define ADIT_DEVICE_UP_PLAN_H

#include <stdbool.h>
#include <stddef.h>

#include "base/path.h"
#include "base/quickconf.h"
#include "host/netlink.h"
#include "host/plan.h"

/* Says on standard error, once each, what `adit up` does not do yet: hooks,
 * DNS, default routes, SaveConfig. Returns whether there is any. */
bool adit_up_refuses(const struct adit_quickconf *conf, const char *file);

/* Fills one path per peer (kind NONE without an endpoint); free() it. Tries
 * again for some seconds while a resolver does not answer. 0, or -errno after
 * it has been said on standard error. */
int adit_up_resolve(const struct adit_quickconf *conf, const char *file, bool (*stop)(void),
		    struct adit_path **ret);

/* Into an initialised plan: the TUN, MTU, addresses, up, routes. 0 or -errno. */
int adit_up_plan(struct adit_plan *plan, const struct adit_quickconf *conf, const struct adit_path *endpoints,
		 struct adit_netlink *nl);

#endif
