/* SPDX-License-Identifier: ISC */
/*
 * control.h - a forwarder's Unix socket, and `adit forward status` that asks
 * it. A request is one line, "status text" or "status json"; the answer is
 * what shall be printed. Only the same user and root are served.
 */
#ifndef ADIT_FORWARD_CONTROL_H
#define ADIT_FORWARD_CONTROL_H

#include "forward/network.h"
#include "host/answer.h"

struct forward_control {
	struct adit_answerer server;
	struct adit_forward_network *network;
	char path[108];
};

/* path "" = forward-PID.sock in XDG_RUNTIME_DIR/adit (root: /run/adit), where
 * there is one. 0, also without a socket, or -errno, which was logged. */
int control_init(struct forward_control *c, int epoll_fd, struct adit_forward_network *n, const char *path);
/* Removes the socket. */
void control_fini(struct forward_control *c);

/* `adit forward status [--json] [--control PATH]`; argv[0] is "status". */
int adit_forward_status_main(int argc, char **argv);

#endif
