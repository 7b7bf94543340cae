/* SPDX-License-Identifier: ISC */
/* udp.c - buffers of the UDP sockets, fixed at start */
#include "pktio/udp.h"

#include <errno.h>
#include <stdlib.h>

#include "pktio/udp_io.h"

int adit_udp_init(struct adit_udp *u, unsigned offloads, struct adit_notes *notes)
{
	*u = (struct adit_udp){ .outer = { .ops = &adit_udp_ops, .fd = { -1, -1 } }, .notes = notes };
	u->offloads = offloads & (ADIT_OFFLOAD_GSO | ADIT_OFFLOAD_GRO);
	u->io = calloc(1, sizeof(*u->io));
	u->mem = calloc(ADIT_RX_BUFFERS, ADIT_RX_BUFFER_LEN);
	if (!u->io || !u->mem) {
		adit_udp_fini(u);
		return -ENOMEM;
	}
	for (unsigned i = 0; i < ADIT_RX_BUFFERS; i++)
		u->io->rx_iov[i] = (struct iovec){ (uint8_t *)u->mem + (size_t)i * ADIT_RX_BUFFER_LEN, ADIT_RX_BUFFER_LEN };
	return 0;
}

void adit_udp_fini(struct adit_udp *u)
{
	if (!u->outer.ops)
		return;
	adit_udp_close(u);
	free(u->io);
	free(u->mem);
	u->io = NULL;
	u->mem = NULL;
	u->outer.ops = NULL;
}
