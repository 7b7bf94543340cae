/* SPDX-License-Identifier: ISC */
/* udp_io.h - message headers of the UDP sockets' batches; private to udp*.c */
#ifndef ADIT_PKTIO_UDP_IO_H
#define ADIT_PKTIO_UDP_IO_H

#include <netinet/in.h>
#include <sys/socket.h>

#include "pktio/outer.h"

#define ADIT_TX_BATCH 64 /* messages in one sendmmsg */
#define ADIT_UDP_CONTROL_LEN 128

union adit_udp_name {
	struct sockaddr_in in4;
	struct sockaddr_in6 in6;
};

union adit_udp_control {
	char buf[ADIT_UDP_CONTROL_LEN];
	struct cmsghdr align;
};

struct adit_udp_io {
	struct mmsghdr rx[ADIT_RX_BUFFERS];
	struct iovec rx_iov[ADIT_RX_BUFFERS];
	union adit_udp_name rx_name[ADIT_RX_BUFFERS];
	union adit_udp_control rx_control[ADIT_RX_BUFFERS];

	struct mmsghdr tx[ADIT_TX_BATCH];
	struct iovec tx_iov[ADIT_TX_BATCH];
	union adit_udp_name tx_name[ADIT_TX_BATCH];
	union adit_udp_control tx_control[ADIT_TX_BATCH];
};

struct adit_udp;

void adit_udp_send_trains(struct adit_udp *u, struct adit_train *const *trains, unsigned cnt, struct adit_sent *sent);

extern const struct adit_outer_ops adit_udp_ops;

#endif
