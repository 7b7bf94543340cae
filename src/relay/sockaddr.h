/* SPDX-License-Identifier: ISC */
/* sockaddr.h - endpoints as the system's socket addresses, and back */
#ifndef ADIT_RELAY_SOCKADDR_H
#define ADIT_RELAY_SOCKADDR_H

#include <netinet/in.h>
#include <sys/socket.h>

#include "base/endpoint.h"

union relay_sockaddr {
	struct sockaddr sa;
	struct sockaddr_in in4;
	struct sockaddr_in6 in6;
	struct sockaddr_storage any;
};

/* Returns the length. Family 0 becomes the IPv6 wildcard. */
socklen_t relay_sockaddr_from(union relay_sockaddr *ret, const struct adit_endpoint *e);
/* IPv4-mapped IPv6 becomes IPv4; family 0 for anything but an IP address. */
struct adit_endpoint relay_sockaddr_to(const union relay_sockaddr *sa);
/* For our own stack, where only family 0 means any address: 0.0.0.0 and :: become that. */
struct adit_endpoint relay_endpoint_inside(const struct adit_endpoint *e);
/* A bound socket: family 0 listens on both families, on IPv4 alone where there
 * is no IPv6. Non-blocking. Returns the descriptor or -errno. */
int relay_socket_bind(int type, const struct adit_endpoint *local);
/* What every TCP connection here has. */
void relay_socket_set_up(int fd);
/* Where a socket is bound; family 0 when it is the wildcard of both families. */
struct adit_endpoint relay_socket_local(int fd);

#endif
