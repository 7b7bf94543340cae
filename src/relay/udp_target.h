/* SPDX-License-Identifier: ISC */
/*
 * udp_target.h - where the datagrams of a UDP forward go: its name is looked
 * up with the first one and again when the answer's time is over; datagrams
 * wait for the first answer, within limits.
 */
#ifndef ADIT_RELAY_UDP_TARGET_H
#define ADIT_RELAY_UDP_TARGET_H

#include "relay/service.h"

struct udp_held;

struct udp_target {
	struct relay_service *service;
	struct relay_resolver *resolver;
	enum relay_family family;
	struct relay_query *query;
	struct adit_endpoint at;  /* family 0: not known */
	struct relay_answer answer; /* at is one of these */
	adit_time known_until;
	struct udp_held *held, **held_end;
	size_t held_len;
	/* A datagram of a client may go to target->at now. */
	void (*pass)(struct udp_target *t, void *client, const void *data, size_t len, adit_time now);
};

void udp_target_init(struct udp_target *t, struct relay_service *s, bool inside,
		     void (*pass)(struct udp_target *t, void *client, const void *data, size_t len, adit_time now));
void udp_target_fini(struct udp_target *t);
/* Before a batch: looks up again if that is due. */
void udp_target_refresh(struct udp_target *t, adit_time now);
/* Passes it on at once, or when the address is known; or drops it, counted as failed. */
void udp_target_send(struct udp_target *t, void *client, const void *data, size_t len, adit_time now);
/* Nothing is to be had at `failed`: `at` is another address of the name, the first after the last. */
void udp_target_next(struct udp_target *t, const struct adit_endpoint *failed);
/* What waits for this client is dropped; NULL: for all. */
void udp_target_forget(struct udp_target *t, const void *client);

#endif
