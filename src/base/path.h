/* SPDX-License-Identifier: ISC */
/*
 * path.h - a way to a peer, as a small value: a UDP address with the local
 * address and interface it was heard on, or (later) a relay's region and key.
 * A core stores, compares and returns paths; it never knows a socket.
 */
#ifndef ADIT_BASE_PATH_H
#define ADIT_BASE_PATH_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

enum adit_path_kind {
	ADIT_PATH_NONE = 0, /* no endpoint known */
	ADIT_PATH_UDP4,     /* addr[0..4), src[0..4) */
	ADIT_PATH_UDP6,     /* addr, src, scope */
	ADIT_PATH_RELAY,    /* scope = region, addr||src = the 32-byte key */
};

struct adit_path {
	uint8_t kind;     /* enum adit_path_kind */
	uint8_t pad;      /* zero */
	uint16_t port;    /* remote UDP port, host order */
	uint32_t scope;   /* IPv6 zone of a link-local remote; relay region */
	uint32_t ifindex; /* sticky: interface it was heard on; 0 = let routing choose */
	uint8_t addr[16]; /* remote address, network order */
	uint8_t src[16];  /* sticky: local address it was heard on; zeros = let routing choose */
};

/* Same remote end? (address, port, zone; the sticky part is not compared) */
bool adit_path_same_remote(const struct adit_path *a, const struct adit_path *b);
/* Same in every field, the sticky source included. */
bool adit_path_equal(const struct adit_path *a, const struct adit_path *b);
/* Forgets the sticky source; no effect on relays. */
void adit_path_clear_source(struct adit_path *p);

/* "192.0.2.1:51820", "[2001:db8::1%2]:51820". Numbers only; a zone is an
 * interface index, or a name where the caller's resolver (may be NULL) knows
 * it. Returns 0 or -EINVAL. */
int adit_path_parse(struct adit_path *ret, const char *text, uint32_t (*zone_index)(const char *name));
#define ADIT_PATH_STRLEN 72
/* Writes the form above (zone as a number), or "(none)". Returns buf. */
char *adit_path_format(const struct adit_path *p, char buf[ADIT_PATH_STRLEN]);

#endif
