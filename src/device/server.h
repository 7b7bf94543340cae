/* SPDX-License-Identifier: ISC */
/* server.h - the control side of a device: serves its UAPI socket until something ends it */
#ifndef ADIT_DEVICE_SERVER_H
#define ADIT_DEVICE_SERVER_H

struct adit_tunnel;

enum adit_server_end {
	ADIT_SERVER_SIGNAL,  /* SIGINT, SIGTERM or, when asked for, SIGHUP */
	ADIT_SERVER_LINK,    /* the TUN is gone */
	ADIT_SERVER_REMOVED, /* somebody removed the socket file */
};

struct adit_server;

/* The signals must be blocked in every thread. path: the socket's file, to be
 * watched. Takes the listening descriptor over on success. 0 or -errno. */
int adit_server_new(struct adit_server **ret, struct adit_tunnel *tunnel, int listen_fd, const char *path);
/* Returns an enum adit_server_end, or -errno. */
int adit_server_run(struct adit_server *s);
/*
 * One inside another program's loop: it minds neither signals nor the link nor
 * the socket's file. Takes the listening descriptor over on success. When
 * adit_server_fd is readable, and once in a while, it wants a turn.
 */
int adit_server_new_inside(struct adit_server **ret, struct adit_tunnel *tunnel, int listen_fd);
int adit_server_fd(const struct adit_server *s);
void adit_server_turn(struct adit_server *s);
/* Closes every connection, and removes the socket file if it is still ours. NULL is fine. */
void adit_server_free(struct adit_server *s);

#endif
