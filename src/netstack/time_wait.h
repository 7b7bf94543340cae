/* SPDX-License-Identifier: ISC */
/* time_wait.h - connections in TIME-WAIT, for stack.c and flow.c; the calls of TCP are in stack.h */
#ifndef ADIT_NETSTACK_TIME_WAIT_H
#define ADIT_NETSTACK_TIME_WAIT_H

#include "netstack/stack.h"

#define TIME_WAIT_LEN (60 * ADIT_SEC) /* 2 MSL */
#define TIME_WAIT_MAX 65536

/* What an ephemeral port may be taken from. */
enum time_wait_port { TIME_WAIT_FREE, TIME_WAIT_RESTED, TIME_WAIT_TAKEN };

void time_wait_init(struct adit_netstack *ns);
void time_wait_fini(struct adit_netstack *ns);
enum time_wait_port time_wait_port(const struct adit_netstack *ns, const struct adit_endpoint *local,
				   const struct adit_endpoint *remote, adit_time now);
/* Forgets one connection; all of a local address. */
void time_wait_forget(struct adit_netstack *ns, const struct adit_endpoint *local,
		      const struct adit_endpoint *remote);
void time_wait_forget_address(struct adit_netstack *ns, const struct adit_addr *local);

#endif
