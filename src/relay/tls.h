/* SPDX-License-Identifier: ISC */
/*
 * tls.h - TLS towards a proxy's clients, by OpenSSL. A pump between the client
 * and a socket pair, so that whatever talks to clients has one kind of
 * descriptor, plain.
 */
#ifndef ADIT_RELAY_TLS_H
#define ADIT_RELAY_TLS_H

#include "relay/service.h"

struct relay_tls; /* certificate and key, shared by a service's connections */

int relay_tls_new(struct relay_tls **ret, const char *cert_file, const char *key_file, char *err, size_t err_len);
void relay_tls_free(struct relay_tls *t); /* NULL is fine */

/* Takes over fd, from which nothing was read yet. Returns the plain end
 * (non-blocking), or -errno with fd closed. */
int relay_tls_wrap(struct relay_service *s, int fd, const struct adit_endpoint *peer, adit_time now);

#endif
