/* SPDX-License-Identifier: ISC */
/*
 * socks_udp.h - SOCKS5 UDP ASSOCIATE: one socket here and one mapping inside
 * for all destinations of a client, as long as its TCP connection lasts
 */
#ifndef ADIT_RELAY_SOCKS_UDP_H
#define ADIT_RELAY_SOCKS_UDP_H

#include "relay/service.h"

struct socks_udp;

/* `local`: where the client reached us by TCP, `peer`: from where; `port`: its
 * UDP port if it said so, else 0 (the first datagram of that address tells).
 * *bound is where it sends to. Returns 0 or -errno. */
int socks_udp_open(struct relay_service *s, struct socks_udp **ret, const struct adit_endpoint *local,
		   const struct adit_endpoint *peer, uint16_t port, struct adit_endpoint *bound, adit_time now);
void socks_udp_close(struct socks_udp *u, adit_time now);

#endif
