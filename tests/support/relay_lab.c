/* SPDX-License-Identifier: ISC */
/* relay_lab.c - a relay for tests, between the kernel and a stack in memory */
#include "relay_lab.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "relay/sockaddr.h"

#define STEPS_MAX 60000
#define CARRY_MAX 512 /* packets of a step, one way */

#define must(x)                                                                          \
	do {                                                                             \
		if (!(x)) {                                                              \
			fprintf(stderr, "%s:%d: %s (errno %d)\n", __FILE__, __LINE__, #x, errno); \
			abort();                                                         \
		}                                                                        \
	} while (0)

/* xorshift64*: the same in every run */
static void lab_random(void *user, void *buf, size_t len)
{
	struct relay_lab *l = user;
	uint8_t *p = buf;

	for (size_t i = 0; i < len; i++) {
		l->random ^= l->random >> 12;
		l->random ^= l->random << 25;
		l->random ^= l->random >> 27;
		p[i] = (uint8_t)(l->random * UINT64_C(2685821657736338717) >> 56);
	}
}

static void lab_log(void *user, enum relay_log_level level, const char *line)
{
	struct relay_lab *l = user;

	if (level == RELAY_LOG_WARNING)
		l->warnings++;
	if (getenv("LAB_LOG"))
		fprintf(stderr, "# %s\n", line);
}

static void lab_stdio_ended(void *user, int error)
{
	struct relay_lab *l = user;

	l->stdio_ended = error;
}

static struct adit_netstack *new_stack(struct relay_lab *l, struct adit_budget *budget, const char *v4, const char *v6)
{
	const struct adit_netstack_config cfg = { .mtu = 1420, .budget = budget, .flow_max = 1 << 20 };
	const struct adit_netstack_ops ops = { .random = lab_random };
	struct adit_netstack *ns;
	struct adit_addr a;

	must(adit_netstack_new(&ns, &cfg, &ops, l, l->now) == 0);
	must(adit_addr_parse(&a, v4) == 0 && adit_netstack_add_address(ns, &a) == 0);
	must(adit_addr_parse(&a, v6) == 0 && adit_netstack_add_address(ns, &a) == 0);
	return ns;
}

void relay_lab_init(struct relay_lab *l, const struct adit_relay_config *cfg)
{
	struct adit_relay_config c = { .log = NULL };

	*l = (struct relay_lab){ .now = 1000 * ADIT_SEC, .random = 88172645463325252u, .stdio_ended = 1 };
	l->far_event = lab_serve;
	l->near_budget.limit = l->far_budget.limit = 64 << 20;
	l->near = new_stack(l, &l->near_budget, "10.9.0.1", "fd09::1");
	l->far = new_stack(l, &l->far_budget, "10.9.0.2", "fd09::2");
	if (cfg)
		c = *cfg;
	c.ns = l->near;
	c.log = lab_log;
	c.stdio_ended = lab_stdio_ended;
	c.user = l;
	must(adit_relay_new(&l->relay, &c, l->now) == 0);
}

void relay_lab_fini(struct relay_lab *l)
{
	adit_relay_free(l->relay, l->now);
	adit_netstack_free(l->near);
	adit_netstack_free(l->far);
	must(l->near_budget.used == 0 && l->far_budget.used == 0);
}

struct relay_lab *relay_lab_new(const struct adit_relay_config *cfg)
{
	struct relay_lab *l = malloc(sizeof(*l));

	must(l);
	relay_lab_init(l, cfg);
	return l;
}

void relay_lab_free(struct relay_lab *l)
{
	relay_lab_fini(l);
	free(l);
}

/* --- the wire ---------------------------------------------------------------------- */

struct wire {
	uint8_t *packet[CARRY_MAX];
	unsigned cnt;
};

static void put(struct wire *w, struct adit_netstack *to, const uint8_t *data, uint32_t len, adit_time now)
{
	struct iovec iov;

	w->packet[w->cnt] = malloc(len);
	must(w->packet[w->cnt]);
	memcpy(w->packet[w->cnt], data, len);
	iov = (struct iovec){ w->packet[w->cnt++], len };
	adit_netstack_in(to, &iov, 1, 0, now);
}

/* Everything that waits, up to what a step may carry. The packets are lent: they go in drain. */
static int carry(struct relay_lab *l, struct wire *w, struct adit_netstack *from, struct adit_netstack *to)
{
	static uint8_t buf[65536];
	struct adit_super super;
	uint32_t len;
	int n = 0;

	w->cnt = 0;
	while (w->cnt + 64 < CARRY_MAX) {
		enum adit_out out = adit_netstack_out(from, buf, &len, &super, l->now);

		if (out == ADIT_OUT_NONE)
			break;
		n++;
		if (l->cut) {
			if (out == ADIT_OUT_SUPER)
				adit_super_restore(&super);
			continue;
		}
		if (out == ADIT_OUT_PACKET) {
			put(w, to, buf, len, l->now);
			continue;
		}
		for (unsigned k = 0; k < super.cnt; k++) {
			uint8_t *data = adit_super_segment(&super, k);

			put(w, to, data, adit_super_segment_len(&super, k), l->now);
		}
		adit_super_restore(&super);
	}
	return n;
}

static void drain(struct wire *w)
{
	while (w->cnt)
		free(w->packet[--w->cnt]);
}

static int far_events(struct relay_lab *l)
{
	struct adit_sock *s;
	unsigned what;
	int n = 0;

	while ((s = adit_netstack_event(l->far, &what))) {
		l->far_event(l, s, what);
		n++;
	}
	adit_netstack_in_end(l->far, l->now);
	return n;
}

int relay_lab_step(struct relay_lab *l)
{
	struct wire *w = malloc(sizeof(*w));
	int n;

	must(w);
	l->now += ADIT_MSEC;
	n = adit_relay_turn(l->relay, true, l->now);
	n += carry(l, w, l->near, l->far);
	n += far_events(l);
	drain(w);
	if (adit_netstack_deadline(l->far) <= l->now)
		adit_netstack_tick(l->far, l->now);
	n += far_events(l);
	n += carry(l, w, l->far, l->near);
	adit_relay_received(l->relay, l->now);
	drain(w);
	free(w);
	l->quiet = n ? 0 : l->quiet + 1;
	return n;
}

void relay_lab_run(struct relay_lab *l, unsigned steps)
{
	while (steps--)
		relay_lab_step(l);
}

bool relay_lab_until(struct relay_lab *l, bool (*done)(void *arg), void *arg)
{
	for (unsigned i = 0; i < STEPS_MAX; i++) {
		if (done(arg))
			return true;
		relay_lab_step(l);
		if (l->quiet > 100)
			usleep(100); /* the kernel's turn */
	}
	return false;
}

/* --- services and sockets -------------------------------------------------------------- */

struct relay_service *relay_lab_add(struct relay_lab *l, enum relay_kind kind, const char *listen, const char *host,
				    uint16_t port)
{
	struct relay_service_config c;
	struct relay_service *s;
	char err[256] = "";

	relay_service_defaults(&c, kind);
	if (listen && listen[0] == '/')
		snprintf(c.listen_path, sizeof(c.listen_path), "%s", listen);
	else
		must(adit_endpoint_parse(&c.listen, listen ? listen : "127.0.0.1:0") == 0);
	snprintf(c.target.host, sizeof(c.target.host), "%s", host);
	c.target.port = port;
	if (adit_relay_add(l->relay, &s, &c, err, sizeof(err), l->now)) {
		fprintf(stderr, "%s\n", err);
		abort();
	}
	return s;
}

struct relay_service_stats relay_lab_stats(struct relay_service *s)
{
	struct relay_service_stats n;

	relay_service_get_stats(s, &n);
	return n;
}

uint16_t relay_lab_port(struct relay_service *s)
{
	struct relay_service_stats n;

	relay_service_get_stats(s, &n);
	return n.bound.port;
}

struct adit_sock *relay_lab_far_listen(struct relay_lab *l, uint16_t port)
{
	const struct adit_endpoint local = { .port = port };
	struct adit_sock *s;

	must(adit_tcp_listen(l->far, &s, &local, NULL) == 0);
	return s;
}

uint8_t relay_lab_byte(uint64_t n)
{
	return (uint8_t)(n * 31 + (n >> 8) * 7 + (n >> 16));
}

/* --- the far side ------------------------------------------------------------------------- */

static bool all_match(struct lab_conn *c, const struct iovec *iov, int cnt)
{
	for (int i = 0; i < cnt; i++)
		for (size_t k = 0; k < iov[i].iov_len; k++)
			if (((const uint8_t *)iov[i].iov_base)[k] != relay_lab_byte(c->got++))
				return false;
	return true;
}

static void far_read(struct relay_lab *l, struct lab_conn *c)
{
	struct iovec iov[16];
	int cnt;

	while (!l->server.stall && (cnt = adit_tcp_peek(c->sock, iov, l->server.echo ? 1 : 16))) {
		size_t len = 0;

		for (int i = 0; i < cnt; i++)
			len += iov[i].iov_len;
		if (l->server.echo) {
			len = adit_tcp_send(c->sock, iov[0].iov_base, len, l->now);
			c->got += len;
			c->sent += len;
			if (!len)
				return;
		} else if (!all_match(c, iov, cnt)) {
			c->bad = true;
		}
		adit_tcp_consume(c->sock, len, l->now);
	}
	c->eof = adit_tcp_at_eof(c->sock);
}

static void far_write(struct relay_lab *l, struct lab_conn *c)
{
	while (c->sent < l->server.send && (!l->server.answer_last || c->eof)) {
		size_t room, n = 0;
		uint8_t *at = adit_tcp_reserve(c->sock, 65536, &room);

		if (!at)
			return;
		while (n < room && c->sent < l->server.send)
			at[n++] = relay_lab_byte(c->sent++);
		adit_tcp_commit(c->sock, n, l->now);
	}
	if (!c->shut && !l->server.echo && c->sent == l->server.send && (!l->server.answer_last || c->eof)) {
		c->shut = true;
		adit_tcp_shutdown(c->sock, l->now);
	}
}

void lab_serve_on(struct relay_lab *l, struct lab_conn *c)
{
	if (!c->sock)
		return;
	far_read(l, c);
	if (l->server.reset && c->got) {
		adit_tcp_abort(c->sock, l->now);
		c->sock = NULL;
		return;
	}
	far_write(l, c);
	if (c->eof && !l->server.linger && (c->shut || l->server.echo) && !adit_tcp_readable(c->sock)) {
		adit_tcp_close(c->sock, l->now);
		c->sock = NULL;
	}
}

static struct lab_conn *new_conn(struct relay_lab *l, struct adit_sock *s)
{
	struct lab_conn *c = &l->conn[l->conns++];

	must(l->conns <= LAB_CONNS);
	*c = (struct lab_conn){ .sock = s };
	if (s)
		adit_sock_set_user(s, c);
	return c;
}

void lab_serve(struct relay_lab *l, struct adit_sock *s, unsigned what)
{
	struct lab_conn *c = adit_sock_user(s);

	if (what & ADIT_EV_SYN && l->server.refuse) {
		adit_tcp_refuse(s, l->server.refuse, l->now);
		return;
	}
	if (what & ADIT_EV_SYN) {
		new_conn(l, s);
		adit_tcp_accept(s, l->now);
		return;
	}
	if (!c)
		return;
	if (what & ADIT_EV_CONNECTED)
		c->connected = true;
	if (what & ADIT_EV_ERROR) {
		c->error = adit_sock_error(s);
		adit_tcp_abort(s, l->now);
		c->sock = NULL;
		return;
	}
	lab_serve_on(l, c);
}

struct lab_conn *lab_call(struct relay_lab *l, int family, uint16_t port)
{
	struct adit_endpoint to = { .port = port };
	struct lab_conn *c = new_conn(l, NULL);

	must(adit_addr_parse(&to.addr, family == 4 ? "10.9.0.1" : "fd09::1") == 0);
	must(adit_tcp_connect(l->far, &c->sock, NULL, &to, c, l->now) == 0);
	return c;
}

/* --- this machine's side ---------------------------------------------------------------------- */

static struct adit_endpoint loopback(uint16_t port)
{
	return (struct adit_endpoint){ .addr = { .family = 4, .bytes = { 127, 0, 0, 1 } }, .port = port };
}

int lab_connect(uint16_t port)
{
	struct adit_endpoint to = loopback(port);
	union relay_sockaddr sa;
	socklen_t len = relay_sockaddr_from(&sa, &to);
	int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);

	must(fd >= 0);
	must(connect(fd, &sa.sa, len) == 0); /* the kernel answers for whoever listens */
	must(fcntl(fd, F_SETFL, O_NONBLOCK) == 0);
	return fd;
}

int lab_listen(uint16_t *port)
{
	struct adit_endpoint local = loopback(*port);
	int fd = relay_socket_bind(SOCK_STREAM, &local);

	must(fd >= 0 && listen(fd, 128) == 0);
	*port = relay_socket_local(fd).port;
	return fd;
}

int lab_udp(uint16_t *port)
{
	struct adit_endpoint local = loopback(0);
	int fd = relay_socket_bind(SOCK_DGRAM, &local);

	must(fd >= 0);
	*port = relay_socket_local(fd).port;
	return fd;
}

unsigned lab_descriptors(void)
{
	DIR *d = opendir("/proc/self/fd");
	unsigned n = 0;

	must(d);
	while (readdir(d))
		n++;
	closedir(d);
	return n;
}

static void client_write(struct lab_client *c)
{
	uint8_t buf[16384];

	while (c->sent < c->to_send && !c->error) {
		size_t len = 0;
		ssize_t n;

		while (len < sizeof(buf) && c->sent + len < c->to_send) {
			buf[len] = relay_lab_byte(c->sent + len);
			len++;
		}
		n = send(c->fd, buf, len, MSG_NOSIGNAL);
		if (n < 0) {
			c->error = errno == EAGAIN ? 0 : errno;
			return;
		}
		c->sent += (uint64_t)n;
	}
	if (c->shutdown && !c->shut && c->sent == c->to_send) {
		c->shut = true;
		shutdown(c->fd, SHUT_WR);
	}
}

static void client_read(struct lab_client *c)
{
	uint8_t buf[16384];
	ssize_t n;

	while (!c->stall && !c->eof && !c->error) {
		n = recv(c->fd, buf, sizeof(buf), 0);
		if (n < 0) {
			c->error = errno == EAGAIN ? 0 : errno;
			return;
		}
		c->eof = n == 0;
		for (ssize_t i = 0; i < n; i++)
			c->bad |= buf[i] != relay_lab_byte(c->got++);
	}
}

void lab_client_pump(struct lab_client *c)
{
	client_write(c);
	client_read(c);
}

void lab_client_close(struct lab_client *c, bool reset)
{
	struct linger now = { 1, 0 };

	if (reset)
		must(setsockopt(c->fd, SOL_SOCKET, SO_LINGER, &now, sizeof(now)) == 0);
	close(c->fd);
	c->fd = -1;
}

struct waiting {
	struct lab_client *client;
	uint64_t bytes;
};

static bool finished(void *arg)
{
	struct waiting *w = arg;
	struct lab_client *c = w->client;

	lab_client_pump(c);
	return c->eof || c->error || c->got >= w->bytes;
}

bool lab_client_finish(struct relay_lab *l, struct lab_client *c)
{
	struct waiting w = { c, UINT64_MAX };

	return relay_lab_until(l, finished, &w);
}

bool lab_client_get(struct relay_lab *l, struct lab_client *c, uint64_t bytes)
{
	struct waiting w = { c, bytes };

	return relay_lab_until(l, finished, &w) && c->got >= bytes;
}
