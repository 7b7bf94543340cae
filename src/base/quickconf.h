/* SPDX-License-Identifier: ISC */
/*
 * quickconf.h - reader of wg-quick files ([Interface], [Peer]). It knows what
 * the words mean and where each stands; what to do about hooks, DNS or default
 * routes is the caller's affair. Opens no file and resolves no name.
 */
#ifndef ADIT_BASE_QUICKCONF_H
#define ADIT_BASE_QUICKCONF_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/addr.h"

#define ADIT_QUICK_KEY_LEN 32

/* Where in the file, both from 1; the column counts bytes. */
struct adit_quick_pos {
	unsigned line, col;
};

struct adit_quick_prefix {
	struct adit_prefix prefix;
	struct adit_quick_pos pos;
};

struct adit_quick_prefixes {
	struct adit_quick_prefix *item;
	size_t cnt, cap;
};

/* What a reader of the plain WireGuard keys cannot do by itself. */
enum adit_quick_extra_kind {
	ADIT_QUICK_DNS,
	ADIT_QUICK_PRE_UP,
	ADIT_QUICK_POST_UP,
	ADIT_QUICK_PRE_DOWN,
	ADIT_QUICK_POST_DOWN,
	ADIT_QUICK_SAVE_CONFIG, /* only when true */
};

struct adit_quick_extra {
	enum adit_quick_extra_kind kind;
	struct adit_quick_pos pos; /* of the key */
	char *value;
};

enum adit_quick_table {
	ADIT_QUICK_TABLE_AUTO = 0, /* main; default routes by rules */
	ADIT_QUICK_TABLE_OFF,      /* no routes */
	ADIT_QUICK_TABLE_NUMBER,
};

struct adit_quick_peer {
	struct adit_quick_pos pos; /* of "[Peer]" */
	uint8_t public_key[ADIT_QUICK_KEY_LEN];
	uint8_t psk[ADIT_QUICK_KEY_LEN];
	bool has_public_key, has_psk, has_keepalive;
	uint16_t keepalive;  /* seconds, 0 = off */
	char *endpoint_host; /* name or address without brackets; NULL = none */
	char *endpoint_port; /* number, or a service's name */
	struct adit_quick_pos endpoint_pos;
	struct adit_quick_prefixes allowed;
};

struct adit_quickconf {
	uint8_t private_key[ADIT_QUICK_KEY_LEN];
	bool has_private_key, has_listen_port, has_fwmark;
	uint16_t listen_port;
	uint32_t fwmark; /* 0 = off */
	unsigned mtu;    /* 0 = not given */
	struct adit_quick_pos mtu_pos;
	enum adit_quick_table table;
	uint32_t table_number;
	struct adit_quick_prefixes addresses; /* host bits kept */
	struct adit_quick_extra *extra;
	size_t extra_cnt, extra_cap;
	struct adit_quick_peer *peer;
	size_t peer_cnt, peer_cap;
};

/*
 * Reads the whole text and reports every error, each as one line
 * "NAME:LINE:COL: KEY: what is wrong (what to do)"; past a hundred it only
 * counts. Messages never quote a key's value. Returns 0, -EINVAL after reported
 * errors, -ENOMEM; *ret untouched on failure.
 */
int adit_quickconf_parse(struct adit_quickconf **ret, const char *name, const char *text, size_t len,
			 void (*report)(void *user, const char *msg), void *user);
/* Wipes the keys. NULL is fine. */
void adit_quickconf_free(struct adit_quickconf *conf);
/* "PostUp", as wg-quick(8) spells it. */
const char *adit_quick_extra_name(enum adit_quick_extra_kind kind);

#endif
