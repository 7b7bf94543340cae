/* SPDX-License-Identifier: ISC */
/* sni_hello.h - the name a TLS client asks for, out of the first bytes it sends (RFC 8446, RFC 6066 section 3) */
#ifndef ADIT_RELAY_SNI_HELLO_H
#define ADIT_RELAY_SNI_HELLO_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define SNI_HELLO_MAX 16384 /* bytes on the wire; a ClientHello is 300 to 2000 */

enum sni_result {
	SNI_MORE,    /* not all of the ClientHello is here */
	SNI_NAME,
	SNI_NO_NAME, /* a whole ClientHello without a usable server_name */
	SNI_BAD,     /* not TLS, or broken */
};

/*
 * buf holds all bytes received so far, records and handshake fragments in any
 * cut. The name is a host name in lower case, never an address. A client that
 * encrypts its ClientHello (ECH) names the client-facing server outside, which
 * is who the connection is for; browsers send that extension as noise, too.
 */
enum sni_result sni_hello_read(const uint8_t *buf, size_t len, char name[256]);

/* A fatal alert, "unrecognized_name" (112): what such a client is told. */
#define SNI_ALERT_LEN 7
extern const uint8_t sni_alert_unrecognized_name[SNI_ALERT_LEN];

#endif
