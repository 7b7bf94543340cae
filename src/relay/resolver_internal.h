/* SPDX-License-Identifier: ISC */
/* resolver_internal.h - what resolver.c and resolver_inside.c share */
#ifndef ADIT_RELAY_RESOLVER_INTERNAL_H
#define ADIT_RELAY_RESOLVER_INTERNAL_H

#include <ares.h>
#include <sys/stat.h>

#include "relay/resolver.h"

#define LOOKUP_BUCKETS 256

struct relay_resolver {
	struct relay_loop *loop;
	ares_channel channel;
	struct relay_timer timer;
	struct relay_again tell;  /* answers that were there at once */
	adit_time now;            /* of the call that c-ares is in */
	bool inside;
	uint32_t fwmark;
	struct adit_list sockets; /* outside: struct outer_sock; inside: struct inner_sock */
	unsigned next_number;     /* of an inner socket */

	/* the system's configuration is read again when its file has changed */
	bool from_system;
	struct timespec system_mtime;
	adit_time looked;
	struct relay_resolver_config cfg; /* with copies of servers and search */

	struct adit_list bucket[LOOKUP_BUCKETS];
	struct adit_list recent;  /* lookups by last use, oldest first */
	struct adit_list ended;   /* answered, and not told yet */
	unsigned lookup_cnt, busy_cnt;
};

/* After every call into c-ares: its next deadline, and the answers it gave. */
void resolver_after(struct relay_resolver *r);

/* --- resolver_inside.c: sockets of our own stack for c-ares -------------------- */

void resolver_inside_init(struct relay_resolver *r); /* once the channel is there */
void resolver_inside_state(struct relay_resolver *r, ares_socket_t fd, bool read, bool write);
/* Writes what c-ares has put in a queue meanwhile. */
void resolver_inside_pump(struct relay_resolver *r);

#endif
