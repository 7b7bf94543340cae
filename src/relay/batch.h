/* SPDX-License-Identifier: ISC */
/* batch.h - datagrams received together; one for all sockets of a relay */
#ifndef ADIT_RELAY_BATCH_H
#define ADIT_RELAY_BATCH_H

#include "relay/internal.h"
#include "relay/sockaddr.h"

#define RELAY_BATCH    32
#define RELAY_DATAGRAM 65536
#define RELAY_CONTROL  CMSG_SPACE(sizeof(struct in6_pktinfo))

/* What recvmmsg fills. Large, but only what is written to becomes memory. */
struct relay_batch {
	struct mmsghdr msg[RELAY_BATCH];
	struct iovec iov[RELAY_BATCH];
	union relay_sockaddr from[RELAY_BATCH];
	_Alignas(struct cmsghdr) uint8_t control[RELAY_BATCH][RELAY_CONTROL];
	uint8_t data[RELAY_BATCH][RELAY_DATAGRAM];
};

/* The relay's, made when it is first asked for; NULL: no memory. */
struct relay_batch *relay_batch(struct adit_relay *r);
/* Returns how many came, at most RELAY_BATCH, or -errno. */
int relay_batch_receive(struct relay_batch *b, int fd);

#endif
