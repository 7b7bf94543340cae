/* SPDX-License-Identifier: ISC */
/* uapi_internal.h - what uapi.c, uapi_set.c and uapi_get.c share */
#ifndef ADIT_DEVICE_UAPI_INTERNAL_H
#define ADIT_DEVICE_UAPI_INTERNAL_H

#include "device/text.h"
#include "device/uapi.h"

/*
 * OP: a request begins. Any line leads to GET_END, SET or CLOSING.
 * GET_END: after `get=1`; an empty line leads to GET.
 * GET: the reply is being made; nothing is read. Leads to OP.
 * SET: lines are applied. An empty line leads to OP, an error to SKIP.
 * SKIP: the request has been answered; an empty line leads to OP.
 * CLOSING: what comes in is dropped. Leads nowhere.
 */
enum uapi_state { UAPI_OP, UAPI_GET_END, UAPI_GET, UAPI_SET, UAPI_SKIP, UAPI_CLOSING };

/*
 * The peer that a set's lines mean. A new peer is made by the first line that
 * needs it, so that `remove` and `update_only` of an unknown peer make none.
 */
enum uapi_peer {
	UAPI_PEER_NONE,    /* still at the device's lines */
	UAPI_PEER_FOUND,   /* it was there */
	UAPI_PEER_ABSENT,  /* it is not there yet */
	UAPI_PEER_CREATED, /* this block made it */
	UAPI_PEER_IGNORED, /* our own key, removed, or unknown with update_only: lines are checked, not applied */
};

struct adit_uapi {
	const struct adit_uapi_ops *ops;
	void *user;
	enum uapi_state state;

	char *line; /* secret memory: a line that came in pieces */
	size_t line_len;

	enum uapi_peer peer;
	uint8_t peer_key[ADIT_KEY_LEN];
	bool held;
	unsigned held_peers, held_lines;

	bool peers_open;
	struct adit_text out;
};

/* Ends the reply and the request with an errno (0 or -errno). */
void adit_uapi_finish(struct adit_uapi *u, int err);

/* One line of a set, zero-terminated, not empty. 0 or -errno. */
int adit_uapi_set_line(struct adit_uapi *u, char *line, size_t len);
/* The empty line: makes a peer that is still absent. 0 or -errno. */
int adit_uapi_set_end(struct adit_uapi *u);
bool adit_uapi_set_key_known(const char *key, size_t len);
void adit_uapi_release(struct adit_uapi *u);

/* The first part of a get's reply; then the slices. */
void adit_uapi_get_device(struct adit_uapi *u);
/* Appends the next slice. Returns false at the end or on an error, with *err. */
bool adit_uapi_get_peers(struct adit_uapi *u, int *err);

#endif
