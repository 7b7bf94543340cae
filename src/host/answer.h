/* SPDX-License-Identifier: ISC */
/*
 * answer.h - small servers of a control thread: a request of bounded length,
 * one answer, the end. For health and metrics by HTTP, and for status by a
 * Unix socket. A client that is slow is let go; so is, when one too many comes,
 * the first that asks nothing.
 */
#ifndef ADIT_HOST_ANSWER_H
#define ADIT_HOST_ANSWER_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <sys/types.h>

#include "base/endpoint.h"
#include "base/http1.h"
#include "base/list.h"
#include "base/time.h"

/* A descriptor the control thread waits for; lives inside its owner. */
struct adit_watch {
	int fd;
	void (*ready)(struct adit_watch *w, uint32_t events);
};
int adit_watch_add(int epoll_fd, struct adit_watch *w, uint32_t events);

struct adit_answerer {
	struct adit_watch listener; /* fd -1: not in use */
	int epoll_fd;
	/* Looks at a request as far as it has come. False: more is wanted (unless
	 * `end`: nothing more comes). True: what was written to out is sent, and
	 * the connection ends. */
	bool (*answer)(void *arg, const char *request, size_t len, bool end, FILE *out);
	void *arg;
	bool same_user; /* a Unix socket: only our own user and root are served */
	struct adit_list conns;
	unsigned conn_cnt;
	adit_time resting_until; /* no descriptor was left: ADIT_NEVER, or when to accept again */
};

/* listen_fd is taken over. 0 or -errno. */
int adit_answerer_init(struct adit_answerer *s, int epoll_fd, int listen_fd);
void adit_answerer_fini(struct adit_answerer *s);
/* When a silent client is due to go; ADIT_NEVER. */
adit_time adit_answerer_due(const struct adit_answerer *s);
void adit_answerer_tick(struct adit_answerer *s, adit_time now);

/* A socket that listens there (family 0: all addresses). A descriptor or -errno. */
int adit_answer_listen(const struct adit_endpoint *at);
/* The head of a request of HTTP/1: 1, it is whole; 0, more is wanted; -1, it is none, and *status and *text say so. */
int adit_answer_head(struct adit_http1_head *ret, const char *request, size_t len, bool end, const char **status,
		     const char **text);

#endif
