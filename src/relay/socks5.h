/* SPDX-License-Identifier: ISC */
/*
 * socks5.h - SOCKS version 5 as bytes (RFC 1928, RFC 1929): what a server
 * reads and what it answers. Opens nothing and keeps nothing.
 */
#ifndef ADIT_RELAY_SOCKS5_H
#define ADIT_RELAY_SOCKS5_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/endpoint.h"

enum {
	SOCKS5_VERSION = 5,
	SOCKS5_AUTH_VERSION = 1,

	SOCKS5_NO_AUTH = 0,
	SOCKS5_USER_PASS = 2,
	SOCKS5_NO_METHOD = 0xff,

	SOCKS5_CONNECT = 1,
	SOCKS5_BIND = 2,
	SOCKS5_UDP_ASSOCIATE = 3,

	SOCKS5_IP4 = 1,
	SOCKS5_NAME = 3,
	SOCKS5_IP6 = 4,
};

enum socks5_reply {
	SOCKS5_SUCCEEDED = 0,
	SOCKS5_FAILURE = 1,
	SOCKS5_NOT_ALLOWED = 2,
	SOCKS5_NET_UNREACHABLE = 3,
	SOCKS5_HOST_UNREACHABLE = 4,
	SOCKS5_REFUSED = 5,
	SOCKS5_TTL_EXPIRED = 6,
	SOCKS5_BAD_COMMAND = 7,
	SOCKS5_BAD_ADDRESS = 8,
};

/* An address or a name, and a port. A name that is a number in text counts as the address. */
struct socks5_addr {
	char host[256];
	uint16_t port;
	bool is_name;
	struct adit_addr addr; /* of a number */
};

#define SOCKS5_GREETING_MAX (2 + 255)
#define SOCKS5_AUTH_MAX     (3 + 255 + 255)
#define SOCKS5_REQUEST_MAX  (4 + 1 + 255 + 2)
#define SOCKS5_REPLY_MAX    (4 + 16 + 2)
#define SOCKS5_UDP_HDR_MAX  (4 + 16 + 2) /* of what we send */

/*
 * The readers return how many bytes the message took, 0 = more are needed,
 * -EPROTO = not such a message. Bytes behind it are not looked at.
 */

/* methods: bit m is set for method m, 0..63. */
int socks5_read_greeting(const uint8_t *p, size_t len, uint64_t *methods);
/* Both strings end in NUL; an inner NUL is -EPROTO. */
int socks5_read_auth(const uint8_t *p, size_t len, char user[256], char password[256]);
/* -EAFNOSUPPORT: an unknown address type (reply 8); command is set then. */
int socks5_read_request(const uint8_t *p, size_t len, uint8_t *command, struct socks5_addr *to);
/* The header in front of a datagram; never 0. -EOPNOTSUPP: a fragment. */
int socks5_read_udp(const uint8_t *p, size_t len, struct socks5_addr *to);

/* Returns the length written. bound NULL: 0.0.0.0:0. */
size_t socks5_write_reply(uint8_t ret[SOCKS5_REPLY_MAX], enum socks5_reply reply, const struct adit_endpoint *bound);
size_t socks5_write_udp(uint8_t ret[SOCKS5_UDP_HDR_MAX], const struct adit_endpoint *from);
/* What a client is told about a connection that failed with -errno. */
enum socks5_reply socks5_reply_of(int error);

/* Takes the same time wherever they differ (lengths aside), for strings of at most 255 bytes. */
bool relay_secret_equal(const char *a, const char *b);

#endif
