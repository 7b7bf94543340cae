/* SPDX-License-Identifier: ISC */
/*
 * rights.h - what takes rights, done by somebody who has them. A process without
 * any gets its descriptors from another one through these; NULL where a struct
 * adit_rights is asked for: this process opens its own.
 */
#ifndef ADIT_PKTIO_RIGHTS_H
#define ADIT_PKTIO_RIGHTS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct adit_udp_bind;

/* Any thread may call these; descriptors are the caller's. */
struct adit_rights {
	/* A TUN (one more queue of it, when `multi` and it is there) called name, with
	 * virtio headers; "%d" is the kernel's to fill. -errno with one sentence in err. */
	int (*tun)(void *user, char name[16], bool multi, char *err, size_t err_len);
	/* As adit_udp_make. */
	int (*udp)(void *user, int family, const struct adit_udp_bind *b, bool reuse, uint16_t *port);
	/* Gives an open UDP socket another mark. 0 or -errno. */
	int (*mark)(void *user, int fd, uint32_t mark);
	void *user;
};

#endif
