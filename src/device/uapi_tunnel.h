/* SPDX-License-Identifier: ISC */
/* uapi_tunnel.h - the UAPI applied to a tunnel with the WireGuard core */
#ifndef ADIT_DEVICE_UAPI_TUNNEL_H
#define ADIT_DEVICE_UAPI_TUNNEL_H

#include "device/uapi.h"

/* One connection's view of the tunnel: the `user` of adit_uapi_tunnel_ops. A
 * zeroed struct with tunnel and slice set is ready. Control thread only. */
struct adit_uapi_tunnel {
	struct adit_tunnel *tunnel;
	struct adit_uapi_slice *slice; /* one for all connections: lent for the length of a call */
	struct adit_wg *wg;            /* under the hold, else NULL */
	struct adit_wg_peer *peer;     /* likewise */
	adit_time now;
	struct adit_wg_cursor cursor;
};

extern const struct adit_uapi_ops adit_uapi_tunnel_ops;

/* Locked, not dumped. NULL when out of memory. */
struct adit_uapi_slice *adit_uapi_slice_new(void);
void adit_uapi_slice_free(struct adit_uapi_slice *slice);

#endif
