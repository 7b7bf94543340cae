/* SPDX-License-Identifier: ISC */
/* fdpass.h - messages that may carry a descriptor, over a Unix socket (SCM_RIGHTS, unix(7)) */
#ifndef ADIT_FORWARD_FDPASS_H
#define ADIT_FORWARD_FDPASS_H

#include <sys/types.h>

/* fd -1: none. 0 or -errno. */
int fdpass_send(int sock, const void *msg, size_t len, int fd);
/* Returns the length, 0 at the end, or -errno. *fd is -1 when none came; it is close-on-exec. */
ssize_t fdpass_recv(int sock, void *msg, size_t len, int *fd);

#endif
