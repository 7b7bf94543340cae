/* SPDX-License-Identifier: ISC */
/*
 * udp_shield.h - the kernel refuses what strangers send, while they flood
 *
 * A datagram that is read only to be dropped costs a microsecond, and stands in
 * the receive buffer before those of peers. With the shield up, datagrams from the
 * addresses of peers pass, and of all others one in ADIT_SHIELD_PASS, at random, so
 * that a newcomer gets through by trying and the flood's end is noticed.
 */
#ifndef ADIT_PKTIO_UDP_SHIELD_H
#define ADIT_PKTIO_UDP_SHIELD_H

#include "pktio/udp.h"

#define ADIT_SHIELD_PASS  16 /* a power of two */
#define ADIT_SHIELD_KNOWN 64 /* addresses, at most */

/* Puts the shield up, or changes who passes. Ports are not looked at. 0 or -errno. */
int adit_udp_shield(struct adit_udp *u, const struct adit_path *known, unsigned cnt);
void adit_udp_unshield(struct adit_udp *u);
/* Datagrams the kernel has not queued, ever: refused by a shield, or the buffer was full. */
uint32_t adit_udp_refused(const struct adit_udp *u);

#endif
