/* SPDX-License-Identifier: ISC */
/* addr.h - IPv4 and IPv6 addresses and prefixes as values */
#ifndef ADIT_BASE_ADDR_H
#define ADIT_BASE_ADDR_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct adit_addr {
	uint8_t family;    /* 4, 6, or 0 = none */
	uint8_t bytes[16]; /* network order; IPv4 in the first four, the rest zero */
};

struct adit_prefix {
	struct adit_addr addr; /* host bits may be set: see adit_prefix_mask */
	uint8_t len;           /* 0..32 or 0..128 */
};

#define ADIT_ADDR_STRLEN   46
#define ADIT_PREFIX_STRLEN 50

/* Strict: dotted quad without leading zeros, or RFC 4291 text without a zone.
 * Returns 0 or -EINVAL. */
int adit_addr_parse(struct adit_addr *ret, const char *text);
/* RFC 5952 text. Returns buf. */
char *adit_addr_format(const struct adit_addr *a, char buf[ADIT_ADDR_STRLEN]);
bool adit_addr_equal(const struct adit_addr *a, const struct adit_addr *b);

/* "10.0.0.0/8", "2001:db8::/32"; without a length the whole address is meant.
 * Host bits are kept. Returns 0 or -EINVAL. */
int adit_prefix_parse(struct adit_prefix *ret, const char *text);
char *adit_prefix_format(const struct adit_prefix *p, char buf[ADIT_PREFIX_STRLEN]);
/* Clears the host bits. */
void adit_prefix_mask(struct adit_prefix *p);
bool adit_prefix_equal(const struct adit_prefix *a, const struct adit_prefix *b); /* host bits too */
/* The same network: host bits aside. Is it in the list? */
bool adit_prefix_same_network(const struct adit_prefix *a, const struct adit_prefix *b);
bool adit_prefix_listed(const struct adit_prefix *list, size_t cnt, const struct adit_prefix *p);
/* An order for sorting: by family, address, length. Less than, equal to or greater than 0. */
int adit_prefix_compare(const struct adit_prefix *a, const struct adit_prefix *b);
bool adit_prefix_contains(const struct adit_prefix *p, const struct adit_addr *a);

#endif
