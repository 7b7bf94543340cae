/* SPDX-License-Identifier: ISC */
/*
 * http.h - what a browser, Prometheus and probes see: GET only, on a loopback
 * address or a Unix socket, as an observer (roles.h) sees it
 *
 *   /            the status page, where the configuration says page = true
 *   /metrics     Prometheus
 *   /healthz     200 while the agent turns
 *   /readyz      200 when every network that is wanted is up, else 503 with those that are not
 *   /api/v1/ACTION?KEY=VALUE   status, networks, peers, events, history: as doc/api says
 *
 * DOC: browsers
 *
 * A page from elsewhere may make a browser ask here. So: the Host must be an
 * address of ours or localhost (else a name of the page's own could be pointed
 * at us), an Origin or Referer must be ourselves, and what a browser says of
 * where it comes from (Sec-Fetch-Site) must be the same site, or nowhere.
 */
#ifndef ADIT_AGENT_HTTP_H
#define ADIT_AGENT_HTTP_H

#include "agent/agent.h"
#include "agent/rates.h"
#include "host/answer.h"

struct agent_http {
	struct agent *agent;
	const struct agent_rates *rates;
	struct adit_endpoint bound; /* of tcp; port 0: none */
	struct adit_endpoint next;  /* during a reload: what it is to become */
	int next_fd;                /* listens there; -1: nothing to be opened */
	struct adit_answerer tcp, unix_socket;
	char path[108];
	adit_time asked; /* last */
};

/* Listens where a->config says; nothing of it is fine. 0 or -errno with a sentence. */
int agent_http_init(struct agent_http *h, struct agent *a, const struct agent_rates *rates, char *err, size_t err_len);
void agent_http_fini(struct agent_http *h);
/* Another address for the TCP one: opened first, then taken or given up. 0 or -errno with a sentence. */
int agent_http_prepare(struct agent_http *h, const struct adit_endpoint *next, char *err, size_t err_len);
void agent_http_settle(struct agent_http *h, bool change);
adit_time agent_http_due(const struct agent_http *h);
void agent_http_tick(struct agent_http *h, adit_time now);

/* Looks at a request as far as it has come, and answers (adit_answerer.answer); arg: struct agent_http. */
bool agent_http_answer(void *arg, const char *request, size_t len, bool end, FILE *out);

#endif
