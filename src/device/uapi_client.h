/* SPDX-License-Identifier: ISC */
/* uapi_client.h - asks a device for its state, as wg(8) does; ours or any other program's */
#ifndef ADIT_DEVICE_UAPI_CLIENT_H
#define ADIT_DEVICE_UAPI_CLIENT_H

/* Sends a get and gives every line of the reply, in order; value may be
 * written to and is wiped after the call. A result other than 0 ends it.
 * Returns that, 0 after `errno=0`, or -errno: the connection's, the device's,
 * or -EPROTO for a reply that is cut off or not UAPI. */
int adit_uapi_get(const char *ifname, int (*line)(void *user, const char *key, char *value), void *user);

/* Calls for the name of every socket file in the UAPI directory, sorted.
 * Returns 0, the first other result, or -errno. */
int adit_uapi_each(int (*found)(void *user, const char *ifname), void *user);

#endif
