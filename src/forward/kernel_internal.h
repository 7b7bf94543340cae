/* SPDX-License-Identifier: ISC */
/* kernel_internal.h - the helper in the namespace, and the thread that splices */
#ifndef ADIT_FORWARD_KERNEL_INTERNAL_H
#define ADIT_FORWARD_KERNEL_INTERNAL_H

#include <pthread.h>
#include <stdatomic.h>
#include <stdbool.h>
#include <stdint.h>

#include "base/list.h"
#include "forward/kernel.h"

/* --- helper (kernel_helper.c) ---------------------------------------------------- */

/* A question on the socket of sockets; the answer is an int (0 or -errno), with the socket. */
struct kernel_ask {
	int family, type;
};

/* A question on the socket of names, answered when it is known: `id` says which. */
struct kernel_name {
	uint64_t id;
	int error;
	struct adit_addr addr;
	char host[256];
};

struct kernel_hello {
	int error;
	char text[400];
};

struct kernel_helper {
	const struct adit_forward_config *cfg;
	unsigned mtu;
	int sockets, names; /* SOCK_SEQPACKET */
};
/* The process itself: enters the namespace, says hello with the TUN, serves until both ends are closed. */
_Noreturn void kernel_helper(const struct kernel_helper *h);

/* --- splicing (kernel_splice.c) -------------------------------------------------- */

struct kernel_service {
	struct adit_list link;
	struct kernel_backend *kernel;
	bool remote;      /* listens inside, connects here */
	bool resting;     /* no descriptor is left */
	int fd;
	struct relay_target target;
	struct adit_endpoint to; /* family 0: its name is looked up for each connection */
};

enum { KERNEL_PIPES = 64 };

struct kernel_backend {
	pid_t helper;
	int sockets, names, tun;
	pthread_mutex_t asking; /* one question on `sockets` at a time */

	/* the thread's */
	pthread_t thread;
	bool started;
	atomic_bool stop;
	int epoll_fd, wake_fd;
	pthread_mutex_t mutex; /* services come from another thread */
	struct adit_list services, conns, busy;
	uint64_t next_id;
	int pipes[KERNEL_PIPES][2]; /* empty ones, ready for use */
	unsigned pipe_cnt;
	atomic_uint_fast64_t opened, failed, bytes_in, bytes_out;
	atomic_uint open;
};

int kernel_splice_start(struct kernel_backend *k);
void kernel_splice_stop(struct kernel_backend *k);
/* The service is the thread's from now on. */
int kernel_splice_add(struct kernel_backend *k, struct kernel_service *s);

#endif
