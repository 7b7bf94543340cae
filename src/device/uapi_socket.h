/* SPDX-License-Identifier: ISC */
/* uapi_socket.h - where a device's UAPI socket is, and how to get at either end of it */
#ifndef ADIT_DEVICE_UAPI_SOCKET_H
#define ADIT_DEVICE_UAPI_SOCKET_H

#include <stdbool.h>
#include <stddef.h>
#include <sys/types.h>

#define ADIT_UAPI_DIR "/var/run/wireguard"
#define ADIT_UAPI_PATH_LEN 64

/* May this name an interface and a file? Returns NULL, or what is wrong with it. */
const char *adit_ifname_problem(const char *ifname);

/* ADIT_UAPI_DIR/IFNAME.sock. Returns buf. */
char *adit_uapi_socket_path(const char *ifname, char buf[ADIT_UAPI_PATH_LEN]);

/* A connected socket (blocking, close-on-exec), or -errno: -ENOENT and
 * -ECONNREFUSED when no device of that name runs, -EAGAIN when it is busy. */
int adit_uapi_connect(const char *ifname);

/* A listening socket; makes the directory, replaces a socket nobody listens
 * on. Returns a descriptor, or -errno with one sentence in err; -EADDRINUSE
 * when a device of that name runs. */
int adit_uapi_listen(const char *ifname, char *err, size_t err_len);
/* Does a device of that name answer? */
bool adit_uapi_alive(const char *ifname);

#endif
