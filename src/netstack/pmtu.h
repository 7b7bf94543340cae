/* SPDX-License-Identifier: ISC */
/* pmtu.h - the cache of path MTUs: made with the first value, of fixed size */
#ifndef ADIT_NETSTACK_PMTU_H
#define ADIT_NETSTACK_PMTU_H

#include "netstack/stack.h"

#define PMTU_FLOOR4 552  /* below that nobody's report is believed */
#define PMTU_FLOOR6 1280

void pmtu_free(struct adit_netstack *ns);

#endif
