/* SPDX-License-Identifier: ISC */
/* relay.c - the table of services, and the calls of a guest */
#include "relay/relay.h"

#include <assert.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>

#include "relay/internal.h"

#define SERVERS_MAX      8
#define SPARE            64 /* descriptors left for the rest of the program */
#define SAY_AGAIN        (60 * ADIT_SEC)
#define UDP_TIMEOUT      60
#define UDP_UNREPLIED    30
#define UDP_POOL         16384
#define UDP_PER_CLIENT   1024

static const struct {
	const char *name;
	const struct relay_service_ops *ops;
} kinds[] = {
	[RELAY_TCP] = { "tcp", &relay_tcp_ops },
	[RELAY_UDP] = { "udp", &relay_udp_ops },
	[RELAY_REMOTE_TCP] = { "remote tcp", &relay_remote_tcp_ops },
	[RELAY_REMOTE_UDP] = { "remote udp", &relay_remote_udp_ops },
	[RELAY_STDIO] = { "stdio", &relay_stdio_ops },
	[RELAY_SOCKS5] = { "socks5", &relay_socks_ops },
	[RELAY_HTTP] = { "http", &relay_http_ops },
	[RELAY_MIXED] = { "socks5+http", &relay_mixed_ops },
	[RELAY_SNI] = { "sni", &relay_sni_ops },
};

/* --- the relay ------------------------------------------------------------------ */

static unsigned descriptors(void)
{
	struct rlimit lim;
	rlim_t n = getrlimit(RLIMIT_NOFILE, &lim) < 0 ? 1024 : lim.rlim_cur;

	if (n > 1u << 20)
		n = 1u << 20;
	return (unsigned)(n > 2 * SPARE ? n - SPARE : n / 2);
}

static int new_resolvers(struct adit_relay *r)
{
	struct relay_resolver_config outside = { .inside = false };
	struct relay_resolver_config inside = { .inside = true, .servers = r->cfg.dns, .server_cnt = r->cfg.dns_cnt,
						.search = r->cfg.search };
	int e = relay_resolver_new(&r->outside, &r->loop, &outside);

	if (e)
		return e;
	r->inside = r->outside;
	return r->cfg.dns_cnt ? relay_resolver_new(&r->inside, &r->loop, &inside) : 0;
}

static void free_resolvers(struct adit_relay *r)
{
	if (r->inside && r->inside != r->outside)
		relay_resolver_free(r->inside);
	if (r->outside)
		relay_resolver_free(r->outside);
}

int adit_relay_new(struct adit_relay **ret, const struct adit_relay_config *cfg, adit_time now)
{
	struct adit_relay *r = calloc(1, sizeof(*r));
	int e = -ENOMEM;

	if (!r)
		return e;
	r->cfg = *cfg;
	adit_list_init(&r->services);
	adit_list_init(&r->stopped);
	adit_list_init(&r->splices);
	adit_list_init(&r->resting);
	relay_clients_init(&r->dialling);
	r->connections_max = cfg->connections_max ? cfg->connections_max : descriptors();
	e = relay_loop_init(&r->loop, cfg->ns, now);
	if (e)
		goto err_free;
	e = relay_udp_pools_new(&r->udp, r);
	if (e)
		goto err_loop;
	e = new_resolvers(r);
	if (e)
		goto err_pools;
	r->cfg.dns = NULL; /* the caller's */
	r->cfg.search = NULL;
	*ret = r;
	return 0;
err_pools:
	free_resolvers(r);
	relay_udp_pools_free(r->udp, now);
err_loop:
	relay_loop_fini(&r->loop);
err_free:
	relay_clients_fini(&r->dialling);
	free(r);
	return e;
}

void adit_relay_free(struct adit_relay *r, adit_time now)
{
	struct relay_service *s;

	if (!r)
		return;
	while ((s = adit_relay_next(r, NULL)))
		adit_relay_remove(r, s, true, now);
	relay_splices_abort(r, NULL, now);
	assert(adit_list_empty(&r->stopped)); /* who holds a service ends when it is killed */
	relay_udp_pools_free(r->udp, now);
	free_resolvers(r);
	relay_loop_fini(&r->loop);
	relay_clients_fini(&r->dialling);
	free(r->batch);
	free(r);
}

int adit_relay_fd(const struct adit_relay *r)
{
	return r->loop.epoll_fd;
}

int adit_relay_turn(struct adit_relay *r, bool ready, adit_time now)
{
	return relay_loop_turn(&r->loop, ready, now);
}

void adit_relay_received(struct adit_relay *r, adit_time now)
{
	relay_loop_received(&r->loop, now);
}

adit_time adit_relay_deadline(struct adit_relay *r)
{
	return relay_loop_deadline(&r->loop);
}

struct relay_resolver *adit_relay_resolver_inside(struct adit_relay *r)
{
	return r->inside;
}

struct relay_resolver *adit_relay_resolver_outside(struct adit_relay *r)
{
	return r->outside;
}

struct relay_loop *adit_relay_loop(struct adit_relay *r)
{
	return &r->loop;
}

/* --- services ------------------------------------------------------------------- */

void relay_service_defaults(struct relay_service_config *c, enum relay_kind kind)
{
	*c = (struct relay_service_config){ .kind = kind, .udp_timeout = UDP_TIMEOUT, .udp_unreplied = UDP_UNREPLIED,
					    .udp_pool = UDP_POOL, .udp_per_client = UDP_PER_CLIENT };
}

static bool uses_pool(const struct relay_service *s)
{
	enum relay_kind kind = s->cfg.kind;

	return kind == RELAY_UDP || kind == RELAY_SOCKS5 || kind == RELAY_MIXED;
}

/* All share a pool: the smallest wish wins. */
static void resize_pools(struct adit_relay *r)
{
	struct relay_service *s = NULL;
	unsigned size = 0;

	while ((s = adit_relay_next(r, s)))
		if (uses_pool(s) && s->cfg.udp_pool && (!size || s->cfg.udp_pool < size))
			size = s->cfg.udp_pool;
	relay_udp_pools_resize(r->udp, size ? size : UDP_POOL);
}

int adit_relay_add(struct adit_relay *r, struct relay_service **ret, const struct relay_service_config *cfg,
		   char *err, size_t err_len, adit_time now)
{
	struct relay_service *s = calloc(1, sizeof(*s));
	int e;

	if (!s) {
		snprintf(err, err_len, "out of memory");
		return -ENOMEM;
	}
	s->relay = r;
	s->ops = kinds[cfg->kind].ops;
	s->cfg = *cfg;
	s->n.bound = cfg->listen;
	s->refs = 1;
	e = s->ops->start(s, err, err_len, now);
	if (e) {
		free(s);
		return e;
	}
	adit_list_add_tail(&r->services, &s->link);
	resize_pools(r);
	*ret = s;
	return 0;
}

void adit_relay_remove(struct adit_relay *r, struct relay_service *s, bool kill, adit_time now)
{
	adit_list_del(&s->link);
	adit_list_add_tail(&r->stopped, &s->link);
	s->stopped = true;
	s->ops->stop(s, kill, now);
	if (kill)
		relay_splices_abort(r, s, now);
	resize_pools(r);
	r->connections++; /* so that put finds all alike */
	relay_service_put(s);
}

struct relay_service *adit_relay_next(struct adit_relay *r, const struct relay_service *s)
{
	const struct adit_list *l = s ? s->link.next : r->services.next;

	return l == &r->services ? NULL : adit_container_of(l, struct relay_service, link);
}

const struct relay_service_config *relay_service_config_of(const struct relay_service *s)
{
	return &s->cfg;
}

static bool same_listen(const struct relay_service_config *a, const struct relay_service_config *b)
{
	return adit_endpoint_equal(&a->listen, &b->listen) && !strcmp(a->listen_path, b->listen_path);
}

bool relay_service_equal(const struct relay_service_config *a, const struct relay_service_config *b)
{
	return a->kind == b->kind && same_listen(a, b) && a->target.port == b->target.port &&
	       !strcmp(a->target.host, b->target.host) && a->udp_timeout == b->udp_timeout &&
	       a->udp_unreplied == b->udp_unreplied && a->udp_pool == b->udp_pool &&
	       a->udp_per_client == b->udp_per_client && !strcmp(a->username, b->username) &&
	       !strcmp(a->password, b->password) && !strcmp(a->cert_file, b->cert_file) &&
	       !strcmp(a->key_file, b->key_file);
}

void relay_service_get_stats(const struct relay_service *s, struct relay_service_stats *ret)
{
	*ret = s->n;
	relay_splices_count(s->relay, s, ret);
}

static void describe_target(const struct relay_target *t, char *buf, size_t len)
{
	if (!strncmp(t->host, "unix:", 5))
		snprintf(buf, len, "%s", t->host);
	else if (strchr(t->host, ':'))
		snprintf(buf, len, "[%s]:%u", t->host, t->port);
	else
		snprintf(buf, len, "%s:%u", t->host, t->port);
}

char *relay_service_describe(const struct relay_service_config *c, char *buf, size_t len)
{
	char listen[sizeof(c->listen_path) + ADIT_ENDPOINT_STRLEN + 8], target[sizeof(c->target.host) + 16];
	char endpoint[ADIT_ENDPOINT_STRLEN];

	if (c->listen_path[0])
		snprintf(listen, sizeof(listen), "unix:%.107s", c->listen_path);
	else
		snprintf(listen, sizeof(listen), "%s", adit_endpoint_format(&c->listen, endpoint));
	describe_target(&c->target, target, sizeof(target));
	if (c->kind == RELAY_STDIO)
		snprintf(buf, len, "%s -> %s", kinds[c->kind].name, target);
	else if (c->target.host[0])
		snprintf(buf, len, "%s %s -> %s", kinds[c->kind].name, listen, target);
	else
		snprintf(buf, len, "%s %s", kinds[c->kind].name, listen);
	return buf;
}

/* --- for the kinds -------------------------------------------------------------- */

void relay_say_full(struct adit_relay *r, adit_time now)
{
	if (now < r->say_full)
		return;
	relay_log(r, RELAY_LOG_WARNING, "%u connections are open, and no descriptor is left for more: they wait; "
		  "raise the limit of open files", r->connections);
	r->say_full = now + SAY_AGAIN;
}

void relay_service_get(struct relay_service *s)
{
	s->refs++;
	s->relay->connections++;
}

void relay_service_put(struct relay_service *s)
{
	struct adit_relay *r = s->relay;

	r->connections--;
	if (!adit_list_empty(&r->resting))
		relay_listeners_wake(r);
	if (--s->refs)
		return;
	adit_list_del(&s->link);
	if (s->ops->free)
		s->ops->free(s);
	free(s);
}
