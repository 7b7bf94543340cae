/* SPDX-License-Identifier: ISC */
/* http_target.h - what a request of HTTP is for, and whether it may be: judged by its head alone */
#ifndef ADIT_AGENT_HTTP_TARGET_H
#define ADIT_AGENT_HTTP_TARGET_H

#include <stdbool.h>
#include <stddef.h>
#include <stdio.h>

#include "base/addr.h"
#include "base/http1.h"

enum agent_http_route {
	AGENT_HTTP_PAGE,
	AGENT_HTTP_METRICS,
	AGENT_HTTP_HEALTH,
	AGENT_HTTP_READY,
	AGENT_HTTP_API,
	AGENT_HTTP_NOTHING,
};

/* Why not: a sentence for 403, or NULL when it may. bound: the address we listen on; family 0: a Unix socket. */
const char *agent_http_refusal(const struct adit_http1_head *h, const char *request, const struct adit_addr *bound);

struct agent_http_target {
	enum agent_http_route route;
	const char *action; /* of AGENT_HTTP_API, as api.h names it; NULL: there is none */
	const char *query;  /* in the request, behind the '?' */
	size_t query_len;
};
void agent_http_target_read(struct agent_http_target *ret, const struct adit_http1_head *h, const char *request);
/* The action and the query as a line of the API. -EINVAL: the query is none. */
int agent_http_line(FILE *out, const struct agent_http_target *t);

#endif
