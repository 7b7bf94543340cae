/* SPDX-License-Identifier: ISC */
/* up_device.h - the device process behind an interface that `adit up` made */
#ifndef ADIT_DEVICE_UP_DEVICE_H
#define ADIT_DEVICE_UP_DEVICE_H

#include "base/path.h"
#include "base/quickconf.h"

/* Starts this very program as `adit device NAME`, which returns when interface
 * and socket exist; until then it holds the lock of the journals too. 0 or -errno; -EPERM
 * and -ECHILD: it has said itself what went wrong. */
int adit_up_start(const char *name, int lock_fd);
/* Hands it keys and peers over its UAPI socket, and the mark of its datagrams (0 = none). 0 or -errno. */
int adit_up_configure(const char *name, const struct adit_quickconf *conf, const struct adit_path *endpoints,
		      uint32_t mark);

/* The process that answers at NAME's socket, as a descriptor to wait on;
 * -ESRCH when there is none, -errno. */
int adit_up_process(const char *name);
/* Did `adit up` start it? 1; 0: no; -ESRCH: there is none; -errno: that cannot be known. */
int adit_up_made(const char *name);
/* Waits for its end, which the loss of the link has brought about; ends it
 * where it has not. Closes pidfd (negative is fine). Then removes the socket
 * file that a killed process left. */
void adit_up_wait_gone(const char *name, int pidfd);

#endif
