/* SPDX-License-Identifier: ISC */
/* tun.h - a TUN device, one struct for each of its queues */
#ifndef ADIT_PKTIO_TUN_H
#define ADIT_PKTIO_TUN_H

#include <stddef.h>

#include "pktio/inner.h"
#include "pktio/offload.h"

#define ADIT_IFNAME_LEN 16

struct adit_tun {
	struct adit_inner inner; /* first: ops cast back */
	bool vnet_hdr;           /* packets carry a virtio_net_hdr (not on a descriptor we were given without) */
};

/*
 * Creates a TUN (or attaches one more queue to it, when `multi` and it exists
 * already) called name; "%d" is the kernel's to fill; the name given is written back. Asks for the
 * allowed offloads one by one: tun->inner.offloads says what the kernel has.
 * Returns 0 or -errno with one sentence in err.
 */
int adit_tun_open(struct adit_tun *tun, char name[ADIT_IFNAME_LEN], bool multi, unsigned offloads, char *err,
		  size_t err_len);
/* Takes over an open descriptor (WG_TUN_FD, or a datagram socket in tests). */
int adit_tun_adopt(struct adit_tun *tun, int fd, char name[ADIT_IFNAME_LEN], unsigned offloads, char *err,
		   size_t err_len);
void adit_tun_close(struct adit_tun *tun);
/* -EIO: down; 0: up; -EBADFD: gone. Works wherever the TUN has been moved to. */
int adit_tun_state(const struct adit_tun *tun);
/* Sets the MTU by name, in this network namespace. */
int adit_tun_set_mtu(const char *name, unsigned mtu);

#endif
