/* SPDX-License-Identifier: ISC */
/* endpoint.h - an address and a port, as a value */
#ifndef ADIT_BASE_ENDPOINT_H
#define ADIT_BASE_ENDPOINT_H

#include "base/addr.h"

struct adit_endpoint {
	struct adit_addr addr; /* family 0 = any */
	uint16_t port;         /* host order; 0 = any */
};

#define ADIT_ENDPOINT_STRLEN (ADIT_ADDR_STRLEN + 8)

/* "192.0.2.1:80", "[2001:db8::1]:80". Numbers only. Returns 0 or -EINVAL. */
int adit_endpoint_parse(struct adit_endpoint *ret, const char *text);
/* The form above; "*" for any address. Returns buf. */
char *adit_endpoint_format(const struct adit_endpoint *e, char buf[ADIT_ENDPOINT_STRLEN]);
bool adit_endpoint_equal(const struct adit_endpoint *a, const struct adit_endpoint *b);

#endif
