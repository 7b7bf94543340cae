/* SPDX-License-Identifier: ISC */
/* lookup.h - an endpoint's name to its path, by the machine's resolver */
#ifndef ADIT_PKTIO_LOOKUP_H
#define ADIT_PKTIO_LOOKUP_H

#include "base/path.h"

/* The first address of host (a name or an address) and port (a number or a service). Blocks. 0, or an EAI_ code
 * as getaddrinfo(3)'s; *ret is untouched then. */
int adit_lookup(struct adit_path *ret, const char *host, const char *port);
/* What such a code means; call it before errno changes. */
const char *adit_lookup_error(int code);

#endif
