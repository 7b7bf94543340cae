/* SPDX-License-Identifier: ISC */
/*
 * space.h - a network of one's own without root: a user, a network and a mount
 * namespace, with loopback and a TUN in it and nothing else.
 */
#ifndef ADIT_FORWARD_SPACE_H
#define ADIT_FORWARD_SPACE_H

#include <stddef.h>

#include "forward/config.h"

#define SPACE_IFNAME "adit0"

/*
 * The calling process, which must have one thread, goes there for good; who
 * has the right to make a network namespace keeps his user namespace, so that
 * root stays root. Users and groups are who they were. Sets up the TUN (cfg's
 * addresses, a route for each allowed IP, the MTU), a resolv.conf of cfg's DNS
 * servers, and hides the sockets by which the outer machine's resolvers could
 * be asked. Returns the TUN's descriptor, or -errno and one sentence: what
 * forbids it, and what to do.
 */
int space_enter(const struct adit_forward_config *cfg, unsigned mtu, char *err, size_t err_len);

/* Why a step failed with -r, in one sentence (space_why.c). Returns r. */
enum space_step { SPACE_USER, SPACE_MAP, SPACE_NET, SPACE_MOUNT, SPACE_TUN };
int space_why(enum space_step step, int r, char *err, size_t err_len);

/* The private files (space_files.c). In the new mount namespace. */
int space_files(const struct adit_forward_config *cfg, char *err, size_t err_len);

#endif
