/* SPDX-License-Identifier: ISC */
/* resolve.c - names of endpoints to addresses, outside the tunnels */
#include "agent/resolve.h"

#include <ares.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/socket.h>
#include <sys/uio.h>
#include <unistd.h>

#include "base/list.h"
#include "relay/ares_answer.h"
#include "tunnel/tunnel.h"

#define QUERY_MS    1500 /* first try; doubled: 4.5 s in all */
#define QUERY_TRIES 2
#define TTL_MOST    3600
#define RESOLV_CONF "/etc/resolv.conf"
#define STUB_UPSTREAM "/run/systemd/resolve/resolv.conf"

struct agent_resolver {
	struct agent *agent;
	uint32_t mark;
	ares_channel channel;
	struct adit_list sockets, gone; /* struct sock */
	struct adit_list lookups;
	struct adit_addr server[AGENT_SERVERS_MAX];
	unsigned server_cnt;
	bool stale;  /* servers are to be read again when nothing is asked */
	bool ending;
};

struct sock {
	struct adit_list link;
	struct agent_resolver *r;
	struct adit_watch watch;
};

struct lookup {
	struct adit_list link;
	struct agent_resolver *r;
	void (*done)(void *arg, const struct agent_answer *a);
	void *arg; /* NULL: cancelled */
};

/* --- descriptors ------------------------------------------------------------------- */

/* An event that was fetched already may still name it: freed by the next tick. */
static void sock_ready(struct adit_watch *w, uint32_t events)
{
	struct sock *s = adit_container_of(w, struct sock, watch);
	bool in = events & (EPOLLIN | EPOLLERR | EPOLLHUP);

	if (w->fd < 0)
		return;
	ares_process_fd(s->r->channel, in ? w->fd : ARES_SOCKET_BAD, events & EPOLLOUT ? w->fd : ARES_SOCKET_BAD);
}

static struct sock *find_sock(struct agent_resolver *r, int fd)
{
	for (struct adit_list *l = r->sockets.next; l != &r->sockets; l = l->next) {
		struct sock *s = adit_container_of(l, struct sock, link);

		if (s->watch.fd == fd)
			return s;
	}
	return NULL;
}

/* One that cannot be watched is a query that times out. */
static void add_sock(struct agent_resolver *r, int fd, uint32_t events)
{
	struct sock *s = calloc(1, sizeof(*s));

	if (!s)
		return;
	s->r = r;
	s->watch = (struct adit_watch){ fd, sock_ready };
	if (adit_watch_add(r->agent->epoll_fd, &s->watch, events)) {
		free(s);
		return;
	}
	adit_list_add_tail(&r->sockets, &s->link);
}

static void on_state(void *data, ares_socket_t fd, int read, int write)
{
	struct agent_resolver *r = data;
	struct sock *s = find_sock(r, fd);
	struct epoll_event ev = { .events = (read ? EPOLLIN : 0u) | (write ? EPOLLOUT : 0u) };

	if (!s) {
		if (ev.events)
			add_sock(r, fd, ev.events);
		return;
	}
	ev.data.ptr = &s->watch;
	if (ev.events) {
		epoll_ctl(r->agent->epoll_fd, EPOLL_CTL_MOD, fd, &ev);
		return;
	}
	epoll_ctl(r->agent->epoll_fd, EPOLL_CTL_DEL, fd, NULL); /* c-ares closes it */
	s->watch.fd = -1;
	adit_list_del(&s->link);
	adit_list_add_tail(&r->gone, &s->link);
}

static void free_gone(struct agent_resolver *r)
{
	while (!adit_list_empty(&r->gone)) {
		struct sock *s = adit_container_of(r->gone.next, struct sock, link);

		adit_list_del(&s->link);
		free(s);
	}
}

static ares_socket_t make_socket(int family, int type, int protocol, void *user)
{
	struct agent_resolver *r = user;
	int fd;

	if (!r->mark)
		return socket(family, type | SOCK_CLOEXEC | SOCK_NONBLOCK, protocol);
	fd = helper_marked(r->agent->helper, family, type, r->mark);
	if (fd < 0)
		errno = -fd;
	return fd < 0 ? ARES_SOCKET_BAD : fd;
}

static int close_socket(ares_socket_t fd, void *user)
{
	(void)user;
	return close(fd);
}

static int connect_socket(ares_socket_t fd, const struct sockaddr *sa, ares_socklen_t len, void *user)
{
	(void)user;
	return connect(fd, sa, len);
}

static ares_ssize_t receive(ares_socket_t fd, void *buf, size_t len, int flags, struct sockaddr *sa,
			    ares_socklen_t *sa_len, void *user)
{
	(void)user;
	return recvfrom(fd, buf, len, flags, sa, sa_len);
}

static ares_ssize_t send_vector(ares_socket_t fd, const struct iovec *iov, int cnt, void *user)
{
	(void)user;
	return writev(fd, iov, cnt);
}

static const struct ares_socket_functions socket_functions = {
	.asocket = make_socket, .aclose = close_socket, .aconnect = connect_socket, .arecvfrom = receive,
	.asendv = send_vector,
};

/* --- servers ------------------------------------------------------------------------ */

unsigned agent_servers_parse(const char *text, struct adit_addr *ret, unsigned max)
{
	unsigned cnt = 0;
	char word[64];

	for (const char *line = text; line && cnt < max; line = strchr(line, '\n')) {
		line += *line == '\n';
		if (sscanf(line, "nameserver%*[ \t]%63[^ \t\r\n#%]", word) == 1 && !adit_addr_parse(&ret[cnt], word))
			cnt++;
	}
	return cnt;
}

static unsigned read_servers(const char *path, struct adit_addr *ret)
{
	char text[8192];
	FILE *f = fopen(path, "re");
	size_t n;

	if (!f)
		return 0;
	n = fread(text, 1, sizeof(text) - 1, f);
	text[n] = '\0';
	fclose(f);
	return agent_servers_parse(text, ret, AGENT_SERVERS_MAX);
}

/* Set by the network, or routed into it: nobody outside. What a default route takes does not count, since our
 * sockets are marked then. */
static bool is_inside(const struct agent_network_settings *s, const struct adit_addr *server)
{
	for (size_t i = 0; i < s->dns_cnt; i++)
		if (adit_addr_equal(&s->dns[i], server))
			return true;
	for (size_t i = 0; i < s->peer_cnt && s->table != AGENT_TABLE_OFF; i++)
		for (size_t k = 0; k < s->peers[i].allowed_cnt; k++)
			if (s->peers[i].allowed[k].len > 1 && adit_prefix_contains(&s->peers[i].allowed[k], server))
				return true;
	return false;
}

static bool is_tunnels(const struct agent *a, const struct adit_addr *server)
{
	for (const struct agent_network *n = a->networks; n; n = n->next)
		if (n->wanted && is_inside(n->settings, server))
			return true;
	return false;
}

static bool is_stub(const struct adit_addr *a)
{
	return a->family == 4 && a->bytes[0] == 127 && a->bytes[2] == 0 && (a->bytes[3] == 53 || a->bytes[3] == 54);
}

/* Returns whether they are others than before. */
static bool find_servers(struct agent_resolver *r)
{
	struct adit_addr all[AGENT_SERVERS_MAX], found[AGENT_SERVERS_MAX];
	unsigned cnt = read_servers(RESOLV_CONF, all), n = 0;

	if (cnt && is_stub(&all[0])) {
		unsigned upstream = read_servers(STUB_UPSTREAM, found);

		if (upstream) {
			memcpy(all, found, sizeof(all));
			cnt = upstream;
		}
	}
	for (unsigned i = 0; i < cnt; i++)
		if (!is_tunnels(r->agent, &all[i]))
			found[n++] = all[i];
	if (!n || (n == r->server_cnt && !memcmp(found, r->server, n * sizeof(*found))))
		return false;
	memcpy(r->server, found, n * sizeof(*found));
	r->server_cnt = n;
	return true;
}

static int set_servers(struct agent_resolver *r)
{
	struct ares_addr_node node[AGENT_SERVERS_MAX];

	for (unsigned i = 0; i < r->server_cnt; i++) {
		bool v4 = r->server[i].family == 4;

		node[i].next = i + 1 < r->server_cnt ? &node[i + 1] : NULL;
		node[i].family = v4 ? AF_INET : AF_INET6;
		memcpy(&node[i].addr, r->server[i].bytes, v4 ? 4 : 16);
	}
	return ares_set_servers(r->channel, r->server_cnt ? node : NULL) == ARES_SUCCESS ? 0 : -EINVAL;
}

unsigned agent_resolver_servers(const struct agent_resolver *r, struct adit_addr ret[AGENT_SERVERS_MAX])
{
	memcpy(ret, r->server, sizeof(r->server));
	return r->server_cnt;
}

/* c-ares takes other servers only while it asks none. */
static void renew_servers(struct agent_resolver *r)
{
	if (!r->stale || !adit_list_empty(&r->lookups))
		return;
	r->stale = false;
	if (find_servers(r))
		set_servers(r);
}

void agent_resolver_moved(struct agent_resolver *r)
{
	r->stale = true;
	renew_servers(r);
}

/* --- lookups ------------------------------------------------------------------------- */

static const struct ares_addrinfo_node *next_of(const struct ares_addrinfo_node *n, int family)
{
	while (n && n->ai_family != family)
		n = n->ai_next;
	return n;
}

/* One of each family in turn, so that neither fills all the room. */
static void take_addresses(struct agent_answer *a, const struct ares_addrinfo_node *nodes)
{
	const struct ares_addrinfo_node *six = next_of(nodes, AF_INET6), *four = next_of(nodes, AF_INET);

	while ((six || four) && a->cnt < AGENT_ANSWER_MAX) {
		if (six) {
			relay_ares_add(a->addr, &a->cnt, six);
			six = next_of(six->ai_next, AF_INET6);
		}
		if (four && a->cnt < AGENT_ANSWER_MAX) {
			relay_ares_add(a->addr, &a->cnt, four);
			four = next_of(four->ai_next, AF_INET);
		}
	}
}

static unsigned ttl_of(const struct ares_addrinfo *ai)
{
	int ttl = TTL_MOST;

	for (const struct ares_addrinfo_node *n = ai->nodes; n; n = n->ai_next)
		ttl = n->ai_ttl >= 0 && n->ai_ttl < ttl ? n->ai_ttl : ttl;
	for (const struct ares_addrinfo_cname *c = ai->cnames; c; c = c->next)
		ttl = c->ttl >= 0 && c->ttl < ttl ? c->ttl : ttl;
	return (unsigned)ttl;
}

static void on_answer(void *arg, int status, int timeouts, struct ares_addrinfo *ai)
{
	struct lookup *l = arg;
	struct agent_answer a = { .error = relay_ares_error(status) };

	(void)timeouts;
	if (!a.error && ai) {
		take_addresses(&a, ai->nodes);
		a.ttl = ttl_of(ai);
	}
	if (!a.error && !a.cnt)
		a.error = -ENOENT;
	if (ai)
		ares_freeaddrinfo(ai);
	adit_list_del(&l->link);
	if (l->arg && !l->r->ending)
		l->done(l->arg, &a);
	free(l);
}

int agent_resolve(struct agent_resolver *r, const char *name, void (*done)(void *arg, const struct agent_answer *a),
		  void *arg)
{
	struct ares_addrinfo_hints hints = { .ai_flags = ARES_AI_NOSORT, .ai_family = AF_UNSPEC,
					     .ai_socktype = SOCK_DGRAM };
	struct lookup *l;

	renew_servers(r);
	l = calloc(1, sizeof(*l));
	if (!l)
		return -ENOMEM;
	*l = (struct lookup){ .r = r, .done = done, .arg = arg };
	adit_list_add_tail(&r->lookups, &l->link);
	ares_getaddrinfo(r->channel, name, NULL, &hints, on_answer, l);
	return 0;
}

void agent_resolve_cancel(struct agent_resolver *r, const void *arg)
{
	if (!r)
		return;
	for (struct adit_list *i = r->lookups.next; i != &r->lookups; i = i->next) {
		struct lookup *l = adit_container_of(i, struct lookup, link);

		if (l->arg == arg)
			l->arg = NULL;
	}
}

/* --- life ------------------------------------------------------------------------------ */

adit_time agent_resolver_due(const struct agent_resolver *r, adit_time now)
{
	struct timeval tv, *next;

	if (adit_list_empty(&r->lookups))
		return ADIT_NEVER;
	next = ares_timeout(r->channel, NULL, &tv);
	return next ? now + next->tv_sec * ADIT_SEC + next->tv_usec * INT64_C(1000) + ADIT_MSEC : ADIT_NEVER;
}

void agent_resolver_tick(struct agent_resolver *r)
{
	free_gone(r);
	if (!adit_list_empty(&r->lookups))
		ares_process_fd(r->channel, ARES_SOCKET_BAD, ARES_SOCKET_BAD);
}

static int open_channel(struct agent_resolver *r)
{
	static char lookups[] = "fb";
	struct ares_options o = {
		.flags = ARES_FLAG_NOALIASES | ARES_FLAG_EDNS,
		.timeout = QUERY_MS,
		.tries = QUERY_TRIES,
		.ednspsz = 1232,
		.sock_state_cb = on_state,
		.sock_state_cb_data = r,
		.lookups = lookups,
	};
	int e = ares_init_options(&r->channel, &o, ARES_OPT_FLAGS | ARES_OPT_TIMEOUTMS | ARES_OPT_TRIES |
				  ARES_OPT_EDNSPSZ | ARES_OPT_SOCK_STATE_CB | ARES_OPT_LOOKUPS);

	if (e != ARES_SUCCESS)
		return e == ARES_ENOMEM ? -ENOMEM : -EINVAL;
	ares_set_socket_functions(r->channel, &socket_functions, r);
	return 0;
}

int agent_resolver_new(struct agent_resolver **ret, struct agent *a, uint32_t mark)
{
	struct agent_resolver *r = calloc(1, sizeof(*r));
	int e = -ENOMEM;

	if (!r)
		return e;
	r->agent = a;
	r->mark = mark;
	adit_list_init(&r->sockets);
	adit_list_init(&r->gone);
	adit_list_init(&r->lookups);
	if (ares_library_init(ARES_LIB_INIT_ALL) != ARES_SUCCESS)
		goto err_free;
	e = open_channel(r);
	if (e)
		goto err_library;
	if (find_servers(r))
		set_servers(r);
	*ret = r;
	return 0;
err_library:
	ares_library_cleanup();
err_free:
	free(r);
	return e;
}

void agent_resolver_free(struct agent_resolver *r)
{
	if (!r)
		return;
	r->ending = true;
	ares_destroy(r->channel); /* every lookup ends, every socket is given back */
	free_gone(r);
	ares_library_cleanup();
	free(r);
}
