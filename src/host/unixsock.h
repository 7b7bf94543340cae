/* SPDX-License-Identifier: ISC */
/* unixsock.h - Unix sockets in the file system: who serves one, and who asks it */
#ifndef ADIT_HOST_UNIXSOCK_H
#define ADIT_HOST_UNIXSOCK_H

/* flags: 0 or SOCK_NONBLOCK. A descriptor or -errno (-ECONNREFUSED: the file is there and nobody serves it). */
int adit_unix_connect(const char *path, int flags);
/* Of mode 0600 from its first moment; non-blocking. A file that nobody serves is
 * replaced. A descriptor or -errno (-EADDRINUSE: somebody serves it). */
int adit_unix_listen(const char *path);
/* Sends a request and prints the answer below a heading. 0 when there was one; -EPROTO and
 * -EPIPE: it was not given one (see adit_answerer.same_user), or -errno of connecting. */
int adit_unix_ask(const char *path, const char *request, const char *heading);

#endif
