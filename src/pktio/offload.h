/* SPDX-License-Identifier: ISC */
/* offload.h - kernel offloads, each probed at start and each with a switch */
#ifndef ADIT_PKTIO_OFFLOAD_H
#define ADIT_PKTIO_OFFLOAD_H

enum adit_offload {
	ADIT_OFFLOAD_TSO = 1 << 0,  /* TUN: TCP super-packets */
	ADIT_OFFLOAD_USO = 1 << 1,  /* TUN: UDP super-packets (Linux 6.2) */
	ADIT_OFFLOAD_GSO = 1 << 2,  /* socket: UDP_SEGMENT */
	ADIT_OFFLOAD_GRO = 1 << 3,  /* socket: UDP_GRO */
	ADIT_OFFLOAD_CSUM = 1 << 4, /* TUN: checksums left to the kernel */
	ADIT_OFFLOAD_ALL = 31,
};

/* "-tso,-uso" takes these away from all; "gso,gro" allows only these; "all",
 * "none". Returns 0, or -EINVAL with *bad set to the unknown word in text. */
int adit_offload_parse(unsigned *ret, const char *text, const char **bad);
/* "tso uso gso", "none". Returns buf. */
#define ADIT_OFFLOAD_STRLEN 32
char *adit_offload_format(unsigned offloads, char buf[ADIT_OFFLOAD_STRLEN]);

#endif
