/* SPDX-License-Identifier: ISC */
/*
 * info.h - health and metrics by HTTP (-i): GET /metrics, /readyz, /healthz.
 * Read only, without secrets, on an address of the operator's choice.
 */
#ifndef ADIT_FORWARD_INFO_H
#define ADIT_FORWARD_INFO_H

#include "forward/config.h"
#include "forward/network.h"
#include "host/answer.h"

struct forward_info {
	struct adit_answerer server;
	struct adit_forward_network *network;
	int statm_fd;
};

/* Listens where cfg says. 0 or -errno, which was logged. */
int info_init(struct forward_info *i, int epoll_fd, struct adit_forward_network *n, const struct adit_endpoint *at);
void info_fini(struct forward_info *i);

#endif
