/* SPDX-License-Identifier: ISC */
/* unixsock.h - Unix sockets in the file system: who serves one, who asks it, and where they stand */
#ifndef ADIT_HOST_UNIXSOCK_H
#define ADIT_HOST_UNIXSOCK_H

#include <stdbool.h>
#include <stddef.h>
#include <stdio.h>

/* flags: 0 or SOCK_NONBLOCK. A descriptor or -errno (-ECONNREFUSED: the file is there and nobody serves it). */
int adit_unix_connect(const char *path, int flags);
/* Of mode 0600 from its first moment; non-blocking. A file that nobody serves is
 * replaced. A descriptor or -errno (-EADDRINUSE: somebody serves it). */
int adit_unix_listen(const char *path);
/* Sends a request and prints the answer below a heading (out NULL: nothing is printed). 0 when there was one; -EPROTO and
 * -EPIPE: it was not given one (see adit_answerer.same_user), or -errno of connecting. */
int adit_unix_ask(const char *path, const char *request, const char *heading, FILE *out);

/*
 * Where programs that were not told otherwise have their control sockets:
 * XDG_RUNTIME_DIR/adit/KIND-PID.sock (root: /run/adit). Writes this process's
 * and makes the folder; false when there is no such place, or others may write there.
 */
bool adit_unix_usual(const char *kind, char *path, size_t size);
/* Why there is no such place: 0 when there is one, else -errno and the reason in words (-ENOENT: nobody has made it yet). */
int adit_unix_problem(char *why, size_t size);
/* Asks all of a kind there, each below "TITLE PID" (NULL: no headings), and removes sockets of killed
 * processes on the way. Returns how many gave an answer. */
unsigned adit_unix_ask_all(const char *kind, const char *request, const char *title, FILE *out);

/* Is there a socket file that nobody serves? */
bool adit_unix_dead(const char *path);
/* All of those in the folder of the usual place, whatever their kind. */
void adit_unix_each_dead(void (*found)(void *user, const char *path), void *user);

#endif
