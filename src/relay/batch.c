/* SPDX-License-Identifier: ISC */
/* batch.c - datagrams received together */
#include "relay/batch.h"

#include <errno.h>
#include <stdlib.h>

struct relay_batch *relay_batch(struct adit_relay *r)
{
	struct relay_batch *b = r->batch;

	if (b)
		return b;
	b = malloc(sizeof(*b));
	if (!b)
		return NULL;
	for (int i = 0; i < RELAY_BATCH; i++)
		b->iov[i] = (struct iovec){ b->data[i], RELAY_DATAGRAM };
	r->batch = b;
	return b;
}

int relay_batch_receive(struct relay_batch *b, int fd)
{
	int n;

	for (int i = 0; i < RELAY_BATCH; i++)
		b->msg[i].msg_hdr = (struct msghdr){ .msg_name = &b->from[i], .msg_namelen = sizeof(b->from[i]),
						     .msg_iov = &b->iov[i], .msg_iovlen = 1, .msg_control = b->control[i],
						     .msg_controllen = RELAY_CONTROL };
	n = recvmmsg(fd, b->msg, RELAY_BATCH, MSG_DONTWAIT, NULL);
	return n < 0 ? -errno : n;
}
