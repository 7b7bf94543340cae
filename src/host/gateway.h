/* SPDX-License-Identifier: ISC */
/*
 * gateway.h - an interface whose machine forwards for others, as "inet
 * adit-gw-IFNAME":
 *
 *	gateway IFNAME forward masquerade mss_clamp port=N,...
 *
 *   forward     accepts what is forwarded between IFNAME and the others. Drops
 *               of other tables still hold. The sysctls are steps of their own
 *   masquerade  what is forwarded between IFNAME and the others gets the
 *               address of the interface it leaves by, both ways, both families
 *   mss_clamp   TCP through IFNAME gets a maximum segment that fits the path
 *   port        ports that WireGuard listens on here: no translated flow of UDP
 *               gets one as its source port, or a client could draw in what
 *               comes for it (CVE-2021-3773)
 *
 * Any order, each at most once; port without masquerade does nothing.
 */
#ifndef ADIT_HOST_GATEWAY_H
#define ADIT_HOST_GATEWAY_H

#include "host/nft.h"

int adit_gateway_set(struct adit_nft *nft, const struct adit_step *step); /* as replies.h's */
int adit_gateway_unset(struct adit_nft *nft, const struct adit_step *step);
int adit_gateway_intact(struct adit_nft *nft, const struct adit_step *step);

#endif
