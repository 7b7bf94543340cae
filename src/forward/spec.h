/* SPDX-License-Identifier: ISC */
/*
 * spec.h - services as people write them on a command line, and addresses to
 * listen on:
 *
 *   [HOST:]PORT[-PORT]:DST:PORT[-PORT][:TCP,UDP]   a forward
 *   unix:/PATH:DST:PORT                            from a Unix socket
 *   [HOST:]PORT[-PORT]:DST:PORT[-PORT][:TCP,UDP]   reverse: HOST is ours inside
 *   PORT:unix:/PATH                                reverse, to a Unix socket
 *   [USER:PASSWORD@][HOST:]PORT, unix:/PATH        a proxy
 *
 * IPv6 addresses stand in brackets. Errors go to the reader, with columns
 * counted from `at`.
 */
#ifndef ADIT_FORWARD_SPEC_H
#define ADIT_FORWARD_SPEC_H

#include "forward/config.h"

/* A forward, one of the first four. `key` is for messages. */
void adit_forward_spec(struct adit_forward_reader *rd, const struct adit_forward_origin *at, const char *key,
		       const char *text, bool remote);
/* A proxy or SNI proxy; an SNI proxy has no password. */
void adit_forward_spec_proxy(struct adit_forward_reader *rd, const struct adit_forward_origin *at, const char *key,
			     const char *text, enum relay_kind kind);

/* HOST:PORT or [ADDRESS]:PORT, or unix:/PATH where allowed; false after an error. */
bool adit_forward_spec_target(struct adit_forward_reader *rd, const struct adit_forward_origin *at, const char *key,
			      const char *text, bool unix_too, struct relay_target *ret);
/* Where to listen: HOST:PORT, :PORT or *:PORT for all addresses, PORT for
 * 127.0.0.1, unix:/PATH where path is given. */
bool adit_forward_spec_listen(struct adit_forward_reader *rd, const struct adit_forward_origin *at, const char *key,
			      const char *text, struct adit_endpoint *ret, char *path, size_t path_len);
/* A decimal number; false (no message) otherwise. */
bool adit_forward_number(const char *text, unsigned long max, unsigned long *ret);

#endif
