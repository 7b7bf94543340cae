/* SPDX-License-Identifier: ISC */
/*
 * kernel.h - forwards by the kernel's own TCP (`--backend kernel`)
 *
 * DOC: A helper process lives in a user and network namespace whose only way
 * out is a TUN. The TUN's descriptor comes to us and carries the tunnel; a
 * socket that the helper makes comes to us too (SCM_RIGHTS) and stays in that
 * namespace whoever uses it. So bytes are spliced between a socket here and a
 * socket there, and all of TCP is Linux's. What it cannot do: it takes user
 * namespaces and /dev/net/tun, UDP, Unix sockets and proxies are the other
 * backend's, and a connection here is accepted before the one inside is known
 * to work (it is reset when that fails). ADIT_KERNEL_CC in the environment
 * names another congestion control than the system's.
 */
#ifndef ADIT_FORWARD_KERNEL_H
#define ADIT_FORWARD_KERNEL_H

#include <stddef.h>

#include "base/endpoint.h"
#include "forward/config.h"

struct kernel_backend;

/* Makes the namespace and the helper, with cfg's addresses, routes, DNS and
 * MTU. Before any thread is started. On failure -errno and one sentence: what
 * forbids it, what to do. */
int kernel_backend_open(struct kernel_backend **ret, const struct adit_forward_config *cfg, char *err,
			size_t err_len);
/* The helper, its namespace and all forwards end. NULL is fine. */
void kernel_backend_close(struct kernel_backend *k);
/* The TUN: for adit_tunnel_config.tun_fd, with tun_elsewhere. To be asked once. */
int kernel_backend_tun(struct kernel_backend *k);

/* A socket in the namespace: non-blocking, close-on-exec. Any thread. Returns it or -errno. */
int kernel_backend_socket(struct kernel_backend *k, int family, int type);
/* Begins to connect; writable when it is decided. */
int kernel_backend_connect(struct kernel_backend *k, const struct adit_endpoint *to);
/* Listens inside. Family 0: all addresses of both families. */
int kernel_backend_listen(struct kernel_backend *k, const struct adit_endpoint *at);

/* A forward: RELAY_TCP (listen here, connect inside) or RELAY_REMOTE_TCP (the
 * other way round), with a numeric target inside; served by a thread of the
 * backend's. 0, -ENOTSUP for another kind, or -errno and a sentence. */
int kernel_backend_add(struct kernel_backend *k, const struct relay_service_config *cfg, char *err, size_t err_len);

struct kernel_backend_stats {
	uint64_t opened, failed, bytes_in, bytes_out; /* from inside; to inside */
	unsigned open;
};
void kernel_backend_get_stats(struct kernel_backend *k, struct kernel_backend_stats *ret);

#endif
