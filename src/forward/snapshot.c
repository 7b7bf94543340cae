/* SPDX-License-Identifier: ISC */
/* snapshot.c - what a network does, copied at one moment */
#include "forward/snapshot.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

static char *allowed_text(const struct adit_wg_peer *peer)
{
	struct adit_prefix prefix;
	char buf[ADIT_PREFIX_STRLEN], *text = NULL;
	const void *pos = NULL;
	size_t len;
	FILE *f = open_memstream(&text, &len);

	if (!f)
		return NULL;
	while (adit_wg_peer_allowed_next(peer, &pos, &prefix))
		fprintf(f, "%s%s", ftell(f) > 0 ? "," : "", adit_prefix_format(&prefix, buf));
	return fclose(f) ? NULL : text;
}

static void take_peer(struct snapshot_peer *p, struct adit_wg *wg, struct adit_wg_peer *peer,
		      const struct forward_endpoints *e)
{
	const char *name;

	adit_wg_peer_info(wg, peer, &p->info);
	adit_wipe(p->info.psk, sizeof(p->info.psk));
	adit_key_to_base64(p->key, p->info.public_key);
	p->allowed = allowed_text(peer);
	name = endpoints_name(e, p->info.public_key);
	snprintf(p->endpoint_name, sizeof(p->endpoint_name), "%s", name ? name : "");
	snprintf(p->problem, sizeof(p->problem), "%s", endpoints_problem(e, p->info.public_key));
}

static int take_core(struct forward_snapshot *s, struct adit_forward_network *n)
{
	struct adit_wg_cursor cursor = { 0 };
	struct adit_wg_peer *peer;
	struct adit_wg *wg;
	int r = 0;

	adit_tunnel_lock(n->tunnel);
	wg = adit_tunnel_core(n->tunnel);
	s->now = adit_tunnel_now();
	adit_wg_stats(wg, &s->wg, s->now);
	s->peer = calloc(s->wg.peers ? s->wg.peers : 1, sizeof(*s->peer));
	if (!s->peer)
		r = -ENOMEM;
	adit_wg_cursor_open(wg, &cursor);
	while (!r && s->peer_cnt < s->wg.peers && (peer = adit_wg_cursor_next(wg, &cursor)))
		take_peer(&s->peer[s->peer_cnt++], wg, peer, &n->endpoints);
	adit_wg_cursor_close(wg, &cursor);
	adit_tunnel_unlock(n->tunnel);
	return r;
}

/* While the data thread stands still. */
static int take_relay(struct forward_snapshot *s, struct adit_forward_network *n)
{
	struct relay_service *service = NULL;
	size_t cnt = 0;

	while ((service = adit_relay_next(n->relay, service)))
		cnt++;
	s->service = calloc(cnt ? cnt : 1, sizeof(*s->service));
	if (!s->service)
		return -ENOMEM;
	while ((service = adit_relay_next(n->relay, service))) {
		struct snapshot_service *to = &s->service[s->service_cnt++];

		relay_service_get_stats(service, &to->n);
		relay_service_describe(relay_service_config_of(service), to->text, sizeof(to->text));
	}
	adit_netstack_stats(n->ns, &s->stack);
	s->memory_limit = n->budget.limit;
	s->memory_peak = n->budget.peak;
	return 0;
}

int snapshot_take(struct forward_snapshot *s, struct adit_forward_network *n)
{
	int r;

	memset(s, 0, sizeof(*s));
	adit_key_to_base64(s->key, n->public_key);
	s->alive = &n->alive;
	s->port = adit_tunnel_port(n->tunnel);
	adit_tunnel_stats(n->tunnel, &s->tunnel);
	network_pause(n);
	r = take_relay(s, n);
	network_resume(n);
	if (!r)
		r = take_core(s, n);
	for (unsigned i = 0; i < ADIT_DROP_CNT; i++)
		s->tunnel.drops[i] += s->stack.drops[i];
	s->kernel = n->kernel != NULL;
	if (n->kernel)
		kernel_backend_get_stats(n->kernel, &s->kernel_stats);
	if (r)
		snapshot_free(s);
	return r;
}

void snapshot_free(struct forward_snapshot *s)
{
	for (size_t i = 0; i < s->peer_cnt; i++)
		free(s->peer[i].allowed);
	free(s->peer);
	free(s->service);
	memset(s, 0, sizeof(*s));
}
