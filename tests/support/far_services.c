/* SPDX-License-Identifier: ISC */
/* far_services.c - servers on the far stack of the relay lab */
#include "far_services.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/bytes.h"
#include "base/http1.h"
#include "dns_zone.h"

#define BODY_MAX (1 << 20)

struct text {
	uint8_t *p;
	size_t len, cap;
};

struct far_conn {
	struct far_services *f;
	struct adit_sock *sock;
	bool (*input)(struct far_conn *c); /* false: c is gone */
	struct adit_list link;
	struct text in, out;
	uint64_t big_at, big_end; /* bytes of relay_lab_byte that go after out */
	bool close, echo;         /* after what is to be sent; from now on */
};

static void add(struct text *t, const void *p, size_t len)
{
	if (len > t->cap - t->len) {
		t->cap = (t->len + len) * 2;
		t->p = realloc(t->p, t->cap);
		if (!t->p)
			abort();
	}
	if (len)
		memcpy(t->p + t->len, p, len);
	t->len += len;
}

static void puts_to(struct text *t, const char *s)
{
	add(t, s, strlen(s));
}

static void drop(struct text *t, size_t len)
{
	memmove(t->p, t->p + len, t->len - len);
	t->len -= len;
}

/* --- connections ------------------------------------------------------------------------ */

static void end(struct far_conn *c, bool reset)
{
	if (reset)
		adit_tcp_abort(c->sock, c->f->lab->now);
	else
		adit_tcp_close(c->sock, c->f->lab->now);
	c->f->open--;
	adit_list_del(&c->link);
	free(c->in.p);
	free(c->out.p);
	free(c);
}

static void flush(struct far_conn *c)
{
	adit_time now = c->f->lab->now;

	if (c->out.len)
		drop(&c->out, adit_tcp_send(c->sock, c->out.p, c->out.len, now));
	while (!c->out.len && c->big_at < c->big_end) {
		size_t room, n = 0;
		uint8_t *at = adit_tcp_reserve(c->sock, 65536, &room);

		if (!at)
			return;
		while (n < room && c->big_at < c->big_end)
			at[n++] = relay_lab_byte(c->big_at++);
		adit_tcp_commit(c->sock, n, now);
	}
}

/* Returns whether c is still there. */
static bool settle(struct far_conn *c)
{
	bool sent;

	flush(c);
	sent = !c->out.len && c->big_at == c->big_end;
	if (!sent || !(c->close || adit_tcp_at_eof(c->sock)))
		return true;
	end(c, false);
	return false;
}

static void read_all(struct far_conn *c)
{
	struct iovec iov[16];
	int cnt;

	while ((cnt = adit_tcp_peek(c->sock, iov, 16))) {
		size_t len = 0;

		for (int i = 0; i < cnt; i++) {
			add(&c->in, iov[i].iov_base, iov[i].iov_len);
			len += iov[i].iov_len;
		}
		adit_tcp_consume(c->sock, len, c->f->lab->now);
	}
}

static void conn_event(struct far_conn *c, unsigned what)
{
	if (what & ADIT_EV_ERROR) {
		end(c, true);
		return;
	}
	if (what & (ADIT_EV_READABLE | ADIT_EV_EOF)) {
		read_all(c);
		if (!c->input(c))
			return;
	}
	settle(c);
}

/* --- echo, names ---------------------------------------------------------------------------- */

static bool echo_input(struct far_conn *c)
{
	add(&c->out, c->in.p, c->in.len);
	c->in.len = 0;
	return true;
}

static bool dns_input(struct far_conn *c)
{
	while (c->in.len >= 2 && c->in.len >= 2u + adit_get_be16(c->in.p)) {
		uint8_t answer[2 + DNS_MESSAGE_MAX];
		size_t len = adit_get_be16(c->in.p), n;

		c->f->dns_tcp++;
		n = dns_zone_answer(c->in.p + 2, len, true, answer + 2);
		adit_put_be16(answer, (uint16_t)n);
		if (n)
			add(&c->out, answer, n + 2);
		drop(&c->in, 2 + len);
	}
	return true;
}

/* --- the web ------------------------------------------------------------------------------------ */

static void say(struct far_conn *c, const char *status, const char *fields, const void *body, size_t len)
{
	char head[300];

	snprintf(head, sizeof(head), "HTTP/1.1 %s\r\nServer: far\r\n%sContent-Length: %zu\r\n\r\n", status, fields, len);
	puts_to(&c->out, head);
	add(&c->out, body, len);
}

static void say_hello(struct far_conn *c)
{
	say(c, "200 OK", "Keep-Alive: timeout=5\r\nConnection: X-Hop\r\nX-Hop: 1\r\n", "hello\n", 6);
}

static void say_big(struct far_conn *c, uint64_t n)
{
	char head[100];

	snprintf(head, sizeof(head), "HTTP/1.1 200 OK\r\nContent-Length: %llu\r\n\r\n", (unsigned long long)n);
	puts_to(&c->out, head);
	c->big_at = 0;
	c->big_end = n;
}

static void say_plain(struct far_conn *c, const char *path, bool head)
{
	if (!strcmp(path, "/chunked")) {
		puts_to(&c->out, "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n");
		puts_to(&c->out, "6\r\nhello \r\n6;x=y\r\nchunks\r\n0\r\nT: v\r\n\r\n");
	} else if (!strcmp(path, "/until")) {
		puts_to(&c->out, "HTTP/1.0 200 OK\r\n\r\nuntil the end");
		c->close = true;
	} else if (!strcmp(path, "/none")) {
		puts_to(&c->out, "HTTP/1.1 204 No Content\r\n\r\n");
	} else if (!strcmp(path, "/cached")) {
		puts_to(&c->out, "HTTP/1.1 304 Not Modified\r\nContent-Length: 6\r\n\r\n");
	} else if (!strcmp(path, "/drop")) {
		c->close = true;
	} else if (!strcmp(path, "/half")) {
		puts_to(&c->out, "HTTP/1.1 200 OK\r\nContent-Length: 100\r\n\r\nhalf");
		c->close = true;
	} else if (!strcmp(path, "/twice")) {
		puts_to(&c->out, "HTTP/1.1 200 OK\r\nContent-Length: 4\r\nContent-Length: 5\r\n\r\nabcde");
	} else if (!strcmp(path, "/once")) {
		say_hello(c);
		c->close = true;
	} else if (head) {
		puts_to(&c->out, "HTTP/1.1 200 OK\r\nContent-Length: 1000\r\n\r\n");
	} else if (strcmp(path, "/hang") != 0) {
		say_hello(c);
	}
}

/* The request's body as it is here; false: more must come. */
static bool whole_body(struct far_conn *c, const struct adit_http1_head *h, struct text *body, size_t *used)
{
	struct adit_http1_body b;

	adit_http1_body_of_request(&b, h);
	*used = h->len;
	while (*used < c->in.len && !b.done && !b.error) {
		const uint8_t *p;
		size_t len;

		*used += adit_http1_body_read(&b, c->in.p + *used, c->in.len - *used, &p, &len);
		add(body, p, len);
	}
	return b.done;
}

/* Returns 1 for the next request, 0 when more must come, -1 when c is gone. */
static int serve(struct far_conn *c)
{
	struct text body = { .p = NULL };
	struct adit_http1_head h;
	unsigned long long n;
	char path[200];
	size_t used;

	adit_http1_head_init(&h, false, NULL);
	if (adit_http1_head_read(&h, c->in.p, c->in.len) != ADIT_HTTP1_DONE)
		return 0;
	snprintf(path, sizeof(path), "%.*s", (int)h.target.len, (const char *)c->in.p + h.target.off);
	if (!strcmp(path, "/reset")) {
		end(c, true);
		return -1;
	}
	if (!strcmp(path, "/early")) {
		say(c, "413 Content Too Large", "Connection: close\r\n", "no\n", 3);
		c->close = true;
		c->in.len = 0;
		c->f->web_requests++;
		return 0;
	}
	if (!strcmp(path, "/continue") && c->in.len == h.len && !c->out.len)
		puts_to(&c->out, "HTTP/1.1 100 Continue\r\n\r\n");
	if (!whole_body(c, &h, &body, &used)) {
		free(body.p);
		return 0;
	}
	c->f->web_requests++;
	if (!strcmp(path, "/echo") || !strcmp(path, "/continue"))
		say(c, "200 OK", "", body.p, body.len);
	else if (!strcmp(path, "/head"))
		say(c, "200 OK", "", c->in.p, h.len);
	else if (sscanf(path, "/big?%llu", &n) == 1)
		say_big(c, n);
	else if (!strcmp(path, "/ws"))
		puts_to(&c->out, "HTTP/1.1 101 Switching Protocols\r\nConnection: Upgrade\r\nUpgrade: echo\r\n\r\nhi ");
	else
		say_plain(c, path, adit_http1_is(c->in.p, h.method, "head"));
	if (!strcmp(path, "/ws"))
		c->input = echo_input;
	free(body.p);
	drop(&c->in, used);
	return c->input != echo_input;
}

static bool web_input(struct far_conn *c)
{
	int r;

	do
		r = serve(c);
	while (r > 0);
	if (r == 0 && c->input == echo_input) /* an upgrade: what came behind the request */
		echo_input(c);
	return r == 0;
}

/* --- all of them ---------------------------------------------------------------------------------- */

static void incoming(struct far_services *f, struct adit_sock *s, adit_time now)
{
	struct far_conn *c = calloc(1, sizeof(*c));
	struct adit_endpoint local;

	if (!c)
		abort();
	adit_sock_local(s, &local);
	c->f = f;
	c->sock = s;
	c->input = local.port == 53 ? dns_input : local.port == 80 || local.port == 8080 ? web_input : echo_input;
	f->web_conns += c->input == web_input;
	f->open++;
	adit_list_add_tail(&f->conns, &c->link);
	adit_sock_set_user(s, c);
	adit_tcp_accept(s, now);
}

static void udp_input(struct far_services *f, struct adit_sock *s)
{
	struct adit_endpoint local;
	struct adit_udp_msg m;

	adit_sock_local(s, &local);
	while (adit_udp_sock_recv(s, &m)) {
		uint8_t data[65536], answer[DNS_MESSAGE_MAX];
		struct adit_endpoint to = m.remote;
		size_t len = m.len;

		memcpy(data, m.data, len);
		if (local.port == 53) {
			f->dns_udp++;
			len = f->dns_deaf ? 0 : dns_zone_answer(data, len, false, answer);
			memcpy(data, answer, len);
		} else if (local.port == 4000) {
			len = 4096;
			for (size_t i = 0; i < len; i++)
				data[i] = relay_lab_byte(i);
		}
		if (len)
			adit_udp_sock_send(s, &to, data, len, f->lab->now);
	}
}

static void far_event(struct relay_lab *l, struct adit_sock *s, unsigned what)
{
	struct far_services *f = l->user;

	if (what & ADIT_EV_SYN)
		incoming(f, s, l->now);
	else if (adit_sock_kind(s) == ADIT_SOCK_UDP)
		udp_input(f, s);
	else if (adit_sock_kind(s) == ADIT_SOCK_TCP && adit_sock_user(s))
		conn_event(adit_sock_user(s), what);
}

void far_services_init(struct far_services *f, struct relay_lab *l)
{
	static const uint16_t tcp[] = { 7, 53, 80, 443, 8080 }, udp[] = { 7, 53, 4000 };
	struct adit_sock *s;

	*f = (struct far_services){ .lab = l };
	adit_list_init(&f->conns);
	l->user = f;
	l->far_event = far_event;
	for (size_t i = 0; i < sizeof(tcp) / sizeof(tcp[0]); i++)
		relay_lab_far_listen(l, tcp[i]);
	for (size_t i = 0; i < sizeof(udp) / sizeof(udp[0]); i++) {
		const struct adit_endpoint local = { .port = udp[i] };

		if (adit_udp_sock_open(l->far, &s, &local, NULL, NULL))
			abort();
	}
}

void far_services_fini(struct far_services *f)
{
	while (!adit_list_empty(&f->conns))
		end(adit_container_of(f->conns.next, struct far_conn, link), true);
}
