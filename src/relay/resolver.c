/* SPDX-License-Identifier: ISC */
/*
 * resolver.c - names to addresses by c-ares, with a cache
 *
 * DOC: a lookup and its queries
 *
 * A lookup is one name and family: BUSY while c-ares works on it, then kept
 * with its answer until that expires. Queries are who waits for it; cancelling
 * one leaves the lookup to fill the cache. c-ares calls back in the middle of
 * its own work, so an answer is only noted there; resolver_after() tells it,
 * when c-ares is left and anything may be called again.
 */
#include "relay/resolver.h"

#include <arpa/inet.h>
#include <errno.h>
#include <fcntl.h>
#include <netdb.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>
#include <sys/socket.h>
#include <unistd.h>

#include "relay/ares_answer.h"
#include "relay/resolver_internal.h"

#define LOOKUPS_MAX   1024 /* kept; the longest unused goes */
#define BUSY_MAX      512
#define TTL_MAX       60   /* s */
#define TTL_FAILED    2
#define QUERY_MS      1500 /* first try; doubled twice: 10 s in all */
#define QUERY_TRIES   3
#define EDNS_SIZE     1232
#define SYSTEM_LOOK   (5 * ADIT_SEC)
#define SYSTEM_FILE   "/etc/resolv.conf"
#define SEARCH_MAX    16
#define RESTARTS_MAX  3    /* of a lookup, by changes of the system's file */

struct lookup {
	struct relay_resolver *r;
	struct adit_list in_bucket, in_recent, in_ended;
	struct adit_list queries;
	enum relay_family family;
	bool busy;
	unsigned restarts;
	ares_channel channel; /* that it is asked on */
	adit_time expires;
	struct relay_answer answer;
	char name[256];
};

struct relay_query {
	struct adit_list link;
	void (*done)(void *arg, const struct relay_answer *a);
	void *arg;
};

/* --- outside: descriptors of c-ares --------------------------------------------- */

struct outer_sock {
	struct adit_list link;
	struct relay_fd fd;
	struct relay_resolver *r;
	struct relay_defunct defunct;
};

static void free_outer(struct relay_defunct *d)
{
	free(adit_container_of(d, struct outer_sock, defunct));
}

static void outer_ready(struct relay_fd *f, uint32_t events, adit_time now)
{
	struct outer_sock *s = adit_container_of(f, struct outer_sock, fd);
	struct relay_resolver *r = s->r;
	bool in = events & (EPOLLIN | EPOLLERR | EPOLLHUP);

	r->now = now;
	ares_process_fd(r->channel, in ? f->fd : ARES_SOCKET_BAD, events & EPOLLOUT ? f->fd : ARES_SOCKET_BAD);
	resolver_after(r);
}

static struct outer_sock *find_outer(struct relay_resolver *r, int fd)
{
	for (struct adit_list *l = r->sockets.next; l != &r->sockets; l = l->next) {
		struct outer_sock *s = adit_container_of(l, struct outer_sock, link);

		if (s->fd.fd == fd)
			return s;
	}
	return NULL;
}

static struct outer_sock *new_outer(struct relay_resolver *r, int fd)
{
	struct outer_sock *s = calloc(1, sizeof(*s));

	if (!s)
		return NULL;
	s->r = r;
	s->defunct.free = free_outer;
	relay_fd_init(&s->fd, r->loop, fd, outer_ready);
	adit_list_add_tail(&r->sockets, &s->link);
	return s;
}

static void outer_state(struct relay_resolver *r, int fd, bool read, bool write)
{
	struct outer_sock *s = find_outer(r, fd);

	if (read || write) {
		s = s ? s : new_outer(r, fd);
		/* A descriptor that cannot be watched is a query that times out. */
		if (s)
			relay_fd_watch(&s->fd, (read ? EPOLLIN : 0u) | (write ? EPOLLOUT : 0u));
	} else if (s) {
		relay_fd_release(&s->fd); /* c-ares closes it */
		adit_list_del(&s->link);
		relay_defer_free(r->loop, &s->defunct);
	}
}

static void on_state(void *data, ares_socket_t fd, int read, int write)
{
	struct relay_resolver *r = data;

	if (r->inside)
		resolver_inside_state(r, fd, read, write);
	else
		outer_state(r, fd, read, write);
}

static int mark_socket(ares_socket_t fd, int type, void *data)
{
	const struct relay_resolver *r = data;

	(void)type;
	if (r->fwmark && setsockopt(fd, SOL_SOCKET, SO_MARK, &r->fwmark, sizeof(r->fwmark)))
		return -1; /* better no answer than one by the wrong way */
	return 0;
}

/* --- the channel ------------------------------------------------------------------ */

static unsigned split_search(char *text, char *domains[SEARCH_MAX])
{
	unsigned cnt = 0;
	char *save = NULL;

	for (char *d = strtok_r(text, " ,\t", &save); d && cnt < SEARCH_MAX; d = strtok_r(NULL, " ,\t", &save))
		domains[cnt++] = d;
	return cnt;
}

static int set_servers(ares_channel channel, const struct adit_endpoint *servers, unsigned cnt)
{
	struct ares_addr_port_node *node = calloc(cnt, sizeof(*node));
	int e;

	if (!node)
		return -ENOMEM;
	for (unsigned i = 0; i < cnt; i++) {
		bool v4 = servers[i].addr.family == 4;

		node[i].next = i + 1 < cnt ? &node[i + 1] : NULL;
		node[i].family = v4 ? AF_INET : AF_INET6;
		memcpy(&node[i].addr, servers[i].addr.bytes, v4 ? 4 : 16);
		node[i].udp_port = node[i].tcp_port = servers[i].port ? servers[i].port : 53;
	}
	e = ares_set_servers_ports(channel, node);
	free(node);
	return e == ARES_SUCCESS ? 0 : -EINVAL;
}

/* Everything is given, so that no file of this machine is read, unless it is to be. */
static int open_channel(struct relay_resolver *r, ares_channel *ret)
{
	static char lookups_bind[] = "b", lookups_both[] = "fb";
	struct in_addr placeholder = { htonl(INADDR_LOOPBACK) };
	char *domains[SEARCH_MAX], search[1024] = "";
	struct ares_options o = {
		.flags = ARES_FLAG_NOALIASES | ARES_FLAG_EDNS,
		.timeout = QUERY_MS,
		.tries = QUERY_TRIES,
		.ndots = 1,
		.ednspsz = EDNS_SIZE,
		.sock_state_cb = on_state,
		.sock_state_cb_data = r,
		.lookups = r->inside ? lookups_bind : lookups_both,
		.servers = &placeholder,
		.nservers = 1,
		.domains = domains,
	};
	int mask = ARES_OPT_FLAGS | ARES_OPT_TIMEOUTMS | ARES_OPT_TRIES | ARES_OPT_EDNSPSZ | ARES_OPT_SOCK_STATE_CB |
		   ARES_OPT_LOOKUPS;
	int e;

	if (r->cfg.search && strlen(r->cfg.search) < sizeof(search))
		strcpy(search, r->cfg.search);
	o.ndomains = (int)split_search(search, domains);
	if (!r->from_system)
		mask |= ARES_OPT_SERVERS | ARES_OPT_DOMAINS | ARES_OPT_SORTLIST | ARES_OPT_NDOTS;
	else if (o.ndomains)
		mask |= ARES_OPT_DOMAINS;
	e = ares_init_options(ret, &o, mask);
	if (e != ARES_SUCCESS)
		return e == ARES_ENOMEM ? -ENOMEM : -EINVAL;
	if (!r->from_system) {
		e = set_servers(*ret, r->cfg.servers, r->cfg.server_cnt);
		if (e) {
			ares_destroy(*ret);
			return e;
		}
	}
	ares_set_socket_configure_callback(*ret, mark_socket, r);
	return 0;
}

static struct timespec system_changed(void)
{
	struct stat st;

	return stat(SYSTEM_FILE, &st) ? (struct timespec){ 0 } : st.st_mtim;
}

/* c-ares takes a file that it may not read for an empty one, and asks 127.0.0.1. */
static bool system_readable(void)
{
	int fd = open(SYSTEM_FILE, O_RDONLY | O_CLOEXEC);

	if (fd >= 0)
		close(fd);
	return fd >= 0;
}

/* --- lookups ------------------------------------------------------------------------ */

static unsigned bucket_of(const char *name)
{
	uint32_t h = 2166136261u; /* FNV-1a; who floods it only slows the walk of 1024 entries */

	for (; *name; name++)
		h = (h ^ ((unsigned char)*name | 0x20u)) * 16777619u;
	return h % LOOKUP_BUCKETS;
}

static void free_lookup(struct lookup *l)
{
	adit_list_del(&l->in_bucket);
	adit_list_del(&l->in_recent);
	adit_list_del(&l->in_ended);
	l->r->lookup_cnt--;
	free(l);
}

/* The longest unused answer that nobody waits for. */
static void evict(struct relay_resolver *r)
{
	for (struct adit_list *i = r->recent.next; i != &r->recent; i = i->next) {
		struct lookup *l = adit_container_of(i, struct lookup, in_recent);

		if (!l->busy && adit_list_empty(&l->in_ended)) {
			free_lookup(l);
			return;
		}
	}
}

static struct lookup *find_lookup(struct relay_resolver *r, const char *name, enum relay_family family, adit_time now)
{
	struct adit_list *b = &r->bucket[bucket_of(name)], *i, *next;

	for (i = b->next; i != b; i = next) {
		struct lookup *l = adit_container_of(i, struct lookup, in_bucket);

		next = i->next;
		if (l->family != family || strcasecmp(l->name, name) != 0)
			continue;
		if (l->busy || !adit_list_empty(&l->in_ended) || now < l->expires)
			return l;
		free_lookup(l);
	}
	return NULL;
}

static struct lookup *new_lookup(struct relay_resolver *r, const char *name, enum relay_family family)
{
	struct lookup *l = calloc(1, sizeof(*l));

	if (!l)
		return NULL;
	if (r->lookup_cnt >= LOOKUPS_MAX)
		evict(r);
	l->r = r;
	l->family = family;
	strcpy(l->name, name);
	adit_list_init(&l->in_ended);
	adit_list_init(&l->queries);
	adit_list_add_tail(&r->bucket[bucket_of(name)], &l->in_bucket);
	adit_list_add_tail(&r->recent, &l->in_recent);
	r->lookup_cnt++;
	return l;
}

static void read_answer(struct relay_answer *a, int status, const struct ares_addrinfo *ai, enum relay_family family)
{
	unsigned ttl = TTL_MAX;

	memset(a, 0, sizeof(*a));
	a->error = relay_ares_error(status);
	if (a->error || !ai) {
		a->error = a->error ? a->error : -ENOENT;
		return;
	}
	for (int pass = 0; pass < 2; pass++) {
		int af = pass == 0 ? AF_INET6 : AF_INET;

		if ((family == RELAY_FAMILY_4 && af != AF_INET) || (family == RELAY_FAMILY_6 && af != AF_INET6))
			continue;
		for (const struct ares_addrinfo_node *n = ai->nodes; n; n = n->ai_next) {
			if (n->ai_family != af || a->cnt == RELAY_ADDRESSES)
				continue;
			relay_ares_add(a->addr, &a->cnt, n);
			ttl = n->ai_ttl >= 0 && (unsigned)n->ai_ttl < ttl ? (unsigned)n->ai_ttl : ttl;
		}
	}
	for (const struct ares_addrinfo_cname *c = ai->cnames; c; c = c->next)
		ttl = c->ttl >= 0 && (unsigned)c->ttl < ttl ? (unsigned)c->ttl : ttl;
	a->ttl = ttl;
	a->error = a->cnt ? 0 : -ENOENT;
}

static void on_answer(void *arg, int status, int timeouts, struct ares_addrinfo *ai);

static void ask(struct lookup *l)
{
	struct ares_addrinfo_hints hints = {
		.ai_flags = ARES_AI_NOSORT, /* sorting opens sockets of the machine */
		.ai_family = l->family == RELAY_FAMILY_4 ? AF_INET : l->family == RELAY_FAMILY_6 ? AF_INET6 : AF_UNSPEC,
		.ai_socktype = SOCK_STREAM,
	};

	l->channel = l->r->channel;
	ares_getaddrinfo(l->channel, l->name, NULL, &hints, on_answer, l);
}

static void on_answer(void *arg, int status, int timeouts, struct ares_addrinfo *ai)
{
	struct lookup *l = arg;

	(void)timeouts;
	if (status == ARES_EDESTRUCTION && l->channel != l->r->channel && l->restarts < RESTARTS_MAX) {
		l->restarts++;
		ask(l);
		return;
	}
	read_answer(&l->answer, status, ai, l->family);
	if (ai)
		ares_freeaddrinfo(ai);
	l->busy = false;
	l->r->busy_cnt--;
	l->expires = l->r->now + (adit_time)(l->answer.error ? TTL_FAILED : l->answer.ttl) * ADIT_SEC;
	adit_list_add_tail(&l->r->ended, &l->in_ended);
}

static void tell(struct lookup *l)
{
	while (!adit_list_empty(&l->queries)) {
		struct relay_query *q = adit_container_of(l->queries.next, struct relay_query, link);

		adit_list_del(&q->link);
		q->done(q->arg, &l->answer);
		free(q);
	}
}

static void tell_ended(struct relay_resolver *r)
{
	while (!adit_list_empty(&r->ended)) {
		struct lookup *l = adit_container_of(r->ended.next, struct lookup, in_ended);

		tell(l); /* with the lookup still listed, so that nobody takes it away */
		adit_list_del(&l->in_ended);
		if (l->expires <= r->now || l->answer.error == -ECANCELED)
			free_lookup(l);
	}
}

static void set_timer(struct relay_resolver *r)
{
	struct timeval tv, *next = ares_timeout(r->channel, NULL, &tv);

	relay_timer_set(&r->timer, next ? r->now + next->tv_sec * ADIT_SEC + next->tv_usec * INT64_C(1000) : ADIT_NEVER);
}

/*
 * A laptop moves to another network: its servers are others now. Lookups under
 * way end with the old channel, and start again on the new one (on_answer).
 */
static void look_at_system(struct relay_resolver *r, adit_time now)
{
	struct timespec changed;
	ares_channel fresh, old = r->channel;

	if (!r->from_system || now - r->looked < SYSTEM_LOOK)
		return;
	r->looked = now;
	changed = system_changed();
	if (memcmp(&changed, &r->system_mtime, sizeof(changed)) == 0 || !system_readable() || open_channel(r, &fresh))
		return; /* what failed is tried again */
	r->system_mtime = changed;
	r->channel = fresh;
	ares_destroy(old);
	if (!adit_list_empty(&r->ended))
		relay_again_set(r->loop, &r->tell);
	set_timer(r);
}

void resolver_after(struct relay_resolver *r)
{
	if (r->inside)
		resolver_inside_pump(r);
	tell_ended(r);
	set_timer(r);
}

static void tell_again(struct relay_again *a, adit_time now)
{
	struct relay_resolver *r = adit_container_of(a, struct relay_resolver, tell);

	r->now = now;
	resolver_after(r);
}

static void timer_expired(struct relay_timer *t, adit_time now)
{
	struct relay_resolver *r = adit_container_of(t, struct relay_resolver, timer);

	r->now = now;
	ares_process_fd(r->channel, ARES_SOCKET_BAD, ARES_SOCKET_BAD);
	resolver_after(r);
}

/* --- public -------------------------------------------------------------------------- */

static void free_config(struct relay_resolver_config *c)
{
	free((void *)c->servers);
	free((void *)c->search);
}

static int copy_config(struct relay_resolver *r, const struct relay_resolver_config *cfg)
{
	r->cfg = *cfg;
	r->cfg.servers = NULL;
	r->cfg.search = NULL;
	r->inside = cfg->inside;
	r->fwmark = cfg->fwmark;
	r->from_system = !cfg->inside && cfg->server_cnt == 0;
	if (cfg->inside && cfg->server_cnt == 0)
		return -EINVAL;
	if (cfg->server_cnt) {
		struct adit_endpoint *copy = calloc(cfg->server_cnt, sizeof(*copy));

		if (!copy)
			return -ENOMEM;
		memcpy(copy, cfg->servers, cfg->server_cnt * sizeof(*copy));
		r->cfg.servers = copy;
	}
	if (cfg->search && !(r->cfg.search = strdup(cfg->search)))
		return -ENOMEM;
	return 0;
}

int relay_resolver_new(struct relay_resolver **ret, struct relay_loop *l, const struct relay_resolver_config *cfg)
{
	struct relay_resolver *r = calloc(1, sizeof(*r));
	int e;

	if (!r)
		return -ENOMEM;
	r->loop = l;
	r->now = l->now;
	for (unsigned i = 0; i < LOOKUP_BUCKETS; i++)
		adit_list_init(&r->bucket[i]);
	adit_list_init(&r->recent);
	adit_list_init(&r->ended);
	adit_list_init(&r->sockets);
	relay_timer_init(&r->timer, l, timer_expired);
	r->tell.run = tell_again;
	e = copy_config(r, cfg);
	if (e)
		goto err_free;
	e = -ENOMEM;
	if (ares_library_init(ARES_LIB_INIT_ALL) != ARES_SUCCESS)
		goto err_free;
	e = open_channel(r, &r->channel);
	if (e)
		goto err_library;
	if (r->inside)
		resolver_inside_init(r);
	r->looked = l->now;
	r->system_mtime = system_changed();
	*ret = r;
	return 0;
err_library:
	ares_library_cleanup();
err_free:
	free_config(&r->cfg);
	free(r);
	return e;
}

void relay_resolver_free(struct relay_resolver *r)
{
	if (!r)
		return;
	ares_destroy(r->channel); /* every lookup under way ends, every socket is given back */
	tell_ended(r);
	relay_timer_set(&r->timer, ADIT_NEVER);
	relay_again_cancel(&r->tell);
	while (!adit_list_empty(&r->recent))
		free_lookup(adit_container_of(r->recent.next, struct lookup, in_recent));
	ares_library_cleanup();
	free_config(&r->cfg);
	free(r);
}

static bool plausible(const char *name)
{
	size_t len = strlen(name);

	if (len == 0 || len > 254)
		return false;
	for (; *name; name++)
		if ((unsigned char)*name <= 0x20 || *name == 0x7f)
			return false;
	return true;
}

/* What needs no lookup. */
static bool answer_at_once(const char *name, enum relay_family family, struct relay_answer *a)
{
	memset(a, 0, sizeof(*a));
	if (!plausible(name)) {
		a->error = -EINVAL;
		return true;
	}
	if (adit_addr_parse(&a->addr[0], name))
		return false;
	if ((family == RELAY_FAMILY_4 && a->addr[0].family != 4) || (family == RELAY_FAMILY_6 && a->addr[0].family != 6))
		a->error = -ENOENT;
	else
		a->cnt = 1;
	a->ttl = TTL_MAX;
	return true;
}

int relay_resolve(struct relay_resolver *r, struct relay_query **ret, const char *name, enum relay_family family,
		  void (*done)(void *arg, const struct relay_answer *a), void *arg, adit_time now)
{
	struct relay_answer answer;
	struct relay_query *q;
	struct lookup *l;

	*ret = NULL;
	if (answer_at_once(name, family, &answer)) {
		done(arg, &answer);
		return 0;
	}
	r->now = now;
	look_at_system(r, now);
	l = find_lookup(r, name, family, now);
	if (l && !l->busy) {
		adit_list_del(&l->in_recent);
		adit_list_add_tail(&r->recent, &l->in_recent);
		answer = l->answer; /* `done` may drop the lookup */
		done(arg, &answer);
		return 0;
	}
	if (!l && r->busy_cnt >= BUSY_MAX)
		return -EBUSY;
	q = calloc(1, sizeof(*q));
	if (!q || (!l && !(l = new_lookup(r, name, family)))) {
		free(q);
		return -ENOMEM;
	}
	q->done = done;
	q->arg = arg;
	adit_list_add_tail(&l->queries, &q->link);
	*ret = q;
	if (!l->busy) {
		l->busy = true;
		r->busy_cnt++;
		ask(l);
		if (r->inside)
			resolver_inside_pump(r);
		if (!adit_list_empty(&r->ended)) /* told in the next turn: *ret must stand */
			relay_again_set(r->loop, &r->tell);
		set_timer(r);
	}
	return 0;
}

void relay_query_cancel(struct relay_query *q)
{
	if (!q)
		return;
	adit_list_del(&q->link);
	free(q);
}
