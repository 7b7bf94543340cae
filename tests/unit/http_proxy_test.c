/* SPDX-License-Identifier: ISC */
/*
 * http_proxy_test.c - the HTTP proxy in front of a stack: heads that are
 * rewritten, bodies of every framing, connections kept on both sides, each
 * error with its sentence, upgrades, TLS to the client, curl
 */
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <setjmp.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include <cmocka.h>

#include "relay/http_rewrite.h"
#include "../support/child.h"
#include "../support/far_services.h"

static struct relay_lab *lab;
static struct far_services far;
static struct relay_service *service;
static uint16_t port;
static char dir[] = "adit-http-XXXXXX", made[64];

static void begin(enum relay_kind kind, const char *user, const char *password, const char *cert, const char *key)
{
	struct adit_endpoint dns = { .port = 53 };
	const struct adit_relay_config cfg = { .dns = &dns, .dns_cnt = 1 };
	struct relay_service_config c;
	char err[256];

	assert_int_equal(adit_addr_parse(&dns.addr, "10.9.0.2"), 0);
	lab = relay_lab_new(&cfg);
	far_services_init(&far, lab);
	relay_service_defaults(&c, kind);
	assert_int_equal(adit_endpoint_parse(&c.listen, "127.0.0.1:0"), 0);
	strcpy(c.username, user);
	strcpy(c.password, password);
	strcpy(c.cert_file, cert);
	strcpy(c.key_file, key);
	if (adit_relay_add(lab->relay, &service, &c, err, sizeof(err), lab->now))
		fail_msg("%s", err);
	port = relay_lab_port(service);
}

static int setup(void **state)
{
	(void)state;
	begin(RELAY_HTTP, "", "", "", "");
	return 0;
}

static int setup_password(void **state)
{
	(void)state;
	begin(RELAY_HTTP, "Aladdin", "open sesame", "", "");
	return 0;
}

static int setup_mixed(void **state)
{
	(void)state;
	begin(RELAY_MIXED, "", "", "", "");
	return 0;
}

static int teardown(void **state)
{
	(void)state;
	far_services_fini(&far);
	relay_lab_free(lab);
	return 0;
}

/* --- talking ------------------------------------------------------------------------- */

struct talk {
	int fd;
	const char *until; /* text that must have come */
	char buf[100000];
	size_t len;
	bool ended;
};

static bool heard(void *arg)
{
	struct talk *t = arg;
	ssize_t n = -1;

	errno = EAGAIN;
	while (t->len < sizeof(t->buf) - 1 && (n = recv(t->fd, t->buf + t->len, sizeof(t->buf) - 1 - t->len, MSG_DONTWAIT)) > 0)
		t->len += (size_t)n;
	t->buf[t->len] = '\0';
	if (t->len < sizeof(t->buf) - 1)
		t->ended = t->ended || n == 0 || (n < 0 && errno != EAGAIN);
	return t->ended || t->len == sizeof(t->buf) - 1 || (t->until && strstr(t->buf, t->until));
}

static void open_talk(struct talk *t)
{
	t->fd = lab_connect(port);
	t->len = 0;
	t->ended = false;
}

static void say(struct talk *t, const char *text)
{
	assert_int_equal(send(t->fd, text, strlen(text), MSG_NOSIGNAL), strlen(text));
}

/* What comes up to and with `until`; the text before is forgotten. */
static const char *hear(struct talk *t, const char *until)
{
	t->len = 0;
	t->buf[0] = '\0';
	t->until = until;
	assert_true(relay_lab_until(lab, heard, t));
	if (until && !strstr(t->buf, until))
		fail_msg("instead of %s: %s", until, t->buf);
	return t->buf;
}

/* One request on a connection of its own, up to its end; it asks to close. */
static char *once(const char *text)
{
	static struct talk t;

	open_talk(&t);
	say(&t, text);
	hear(&t, NULL);
	close(t.fd);
	return t.buf;
}

static void contains(const char *text, const char *what)
{
	if (!text || !strstr(text, what))
		fail_msg("no %s in: %s", what, text ? text : "nothing");
}

#define GET(path, fields) "GET http://a.test" path " HTTP/1.1\r\nHost: a.test\r\n" fields "\r\n"
#define CLOSE "Connection: close\r\n"

/* --- heads ------------------------------------------------------------------------------ */

static void test_heads(void **state)
{
	const char *r;

	(void)state;
	r = once("GET http://a.test:80/head HTTP/1.1\r\nHost: other\r\nProxy-Connection: close\r\n"
		 "Connection: close, X-Mine\r\nX-Mine: 1\r\nTE: trailers\r\nKeep-Alive: 5\r\n"
		 "Proxy-Authorization: Basic eA==\r\nUpgrade: h2c\r\nX-Other: 2\r\n\r\n");
	contains(r, "HTTP/1.1 200 OK\r\n");
	contains(r, "\r\n\r\nGET /head HTTP/1.1\r\nHost: a.test:80\r\nX-Other: 2\r\nVia: 1.1 adit\r\n\r\n");
	r = once(GET("/hello", CLOSE));
	assert_null(strstr(r, "X-Hop"));
	assert_null(strstr(r, "Keep-Alive"));
	contains(r, "Connection: close\r\n\r\nhello\n");
	assert_int_equal(far.web_requests, 2);
}

static const char *target_of(const char *method, const char *url, struct http_target *t)
{
	static struct adit_http1_head h;
	static char text[600];

	snprintf(text, sizeof(text), "%s %s HTTP/1.1\r\n\r\n", method, url);
	adit_http1_head_init(&h, false, NULL);
	assert_int_equal(adit_http1_head_read(&h, text, strlen(text)), ADIT_HTTP1_DONE);
	return !strcmp(method, "CONNECT") ? http_read_authority(t, &h, text) : http_read_target(t, &h, text);
}

static void test_targets(void **state)
{
	static const struct {
		const char *method, *url, *host; /* host NULL: refused */
		uint16_t port;
	} c[] = {
		{ "GET", "http://a.test", "a.test", 80 },
		{ "GET", "HTTP://a.test:8080?x", "a.test", 8080 },
		{ "GET", "http://[fd09::2]:81/", "fd09::2", 81 },
		{ "GET", "http://[fd09::2]/", "fd09::2", 80 },
		{ "CONNECT", "a.test:443", "a.test", 443 },
		{ "CONNECT", "[fd09::2]:443", "fd09::2", 443 },
		{ "CONNECT", "a.test", NULL, 0 },
		{ "CONNECT", "a.test:0", NULL, 0 },
		{ "CONNECT", "a.test:65536", NULL, 0 },
		{ "CONNECT", "a.test:+1", NULL, 0 },
		{ "CONNECT", "[fd09::2]443", NULL, 0 },
		{ "GET", "/x", NULL, 0 },
		{ "GET", "https://a.test/", NULL, 0 },
		{ "GET", "ftp://a.test/", NULL, 0 },
		{ "GET", "http:///x", NULL, 0 },
		{ "GET", "http://u:p@a.test/", NULL, 0 },
		{ "GET", "http://a.test/#f", NULL, 0 },
		{ "GET", "http://[10.9.0.2]/", NULL, 0 },
		{ "GET", "http://[fd09::2/", NULL, 0 },
		{ "GET", "http://a%00b/", NULL, 0 },
	};
	struct http_target t;

	(void)state;
	for (size_t i = 0; i < sizeof(c) / sizeof(c[0]); i++) {
		const char *wrong = target_of(c[i].method, c[i].url, &t);

		if (!wrong != !!c[i].host)
			fail_msg("%s: %s", c[i].url, wrong ? wrong : "taken");
		if (wrong)
			continue;
		assert_string_equal(t.to.host, c[i].host);
		assert_int_equal(t.to.port, c[i].port);
	}
}

/* --- bodies ------------------------------------------------------------------------------- */

static void test_framings(void **state)
{
	const char *r;

	(void)state;
	contains(once(GET("/chunked", CLOSE)), "\r\n\r\n6\r\nhello \r\n6;x=y\r\nchunks\r\n0\r\nT: v\r\n\r\n");
	contains(once(GET("/until", "")), "Connection: close\r\n\r\nuntil the end");
	r = once(GET("/none", CLOSE));
	contains(r, "HTTP/1.1 204 No Content\r\n");
	contains(r + strlen(r) - 4, "\r\n\r\n");
	r = once(GET("/cached", CLOSE));
	contains(r, "304 Not Modified\r\nContent-Length: 6\r\n");
	contains(r + strlen(r) - 4, "\r\n\r\n");
	r = once("HEAD http://a.test/x HTTP/1.1\r\nHost: a.test\r\n" CLOSE "\r\n");
	contains(r, "Content-Length: 1000\r\n");
	contains(r + strlen(r) - 4, "\r\n\r\n");
	contains(once("POST http://a.test/echo HTTP/1.1\r\nContent-Length: 5\r\n" CLOSE "\r\nhello"), "\r\n\r\nhello");
	contains(once("PUT http://a.test/echo HTTP/1.1\r\nTransfer-Encoding: chunked\r\n" CLOSE
		      "\r\n3\r\nabc\r\n2\r\nde\r\n0\r\n\r\n"), "\r\n\r\nabcde");
	contains(once("GET http://a.test/hello HTTP/1.0\r\n\r\n"), "Connection: close\r\n\r\nhello\n");
	contains(once("GET http://a.test/chunked HTTP/1.0\r\n\r\n"), "502 Bad Gateway");
}

/* The rest of the body comes only after the server has asked for it. */
static void test_continue(void **state)
{
	static struct talk t;

	(void)state;
	open_talk(&t);
	say(&t, "POST http://a.test/continue HTTP/1.1\r\nExpect: 100-continue\r\nContent-Length: 5\r\n\r\n");
	contains(hear(&t, "\r\n\r\n"), "HTTP/1.1 100 Continue\r\n");
	say(&t, "hello");
	contains(hear(&t, "hello"), "HTTP/1.1 200 OK\r\n");
	close(t.fd);
}

/* An answer before the request is over: it arrives, and nothing is kept. */
static void test_early_answer(void **state)
{
	static struct talk t;

	(void)state;
	open_talk(&t);
	say(&t, "POST http://a.test/early HTTP/1.1\r\nContent-Length: 500000\r\n\r\nonly a part");
	contains(hear(&t, NULL), "413 Content Too Large");
	contains(t.buf, "Connection: close\r\n\r\nno\n");
	close(t.fd);
}

/* A client that does not read holds the server back. */
static void test_back_pressure(void **state)
{
	static struct talk t;
	size_t got = 0;

	(void)state;
	open_talk(&t);
	say(&t, GET("/big?40000000", CLOSE));
	relay_lab_run(lab, 3000);
	assert_true(relay_lab_stats(service).bytes_in < 20000000);
	assert_true(lab->near_budget.used < 8 << 20);
	while (!t.ended) {
		hear(&t, NULL); /* as much as fits */
		got += t.len;
	}
	assert_true(got > 40000000 && got < 40000300);
	close(t.fd);
}

/* --- connections ------------------------------------------------------------------------------ */

static void test_keep_alive(void **state)
{
	static struct talk t;

	(void)state;
	open_talk(&t);
	for (int i = 0; i < 5; i++) {
		say(&t, GET("/hello", ""));
		contains(hear(&t, "hello\n"), "Connection: keep-alive\r\n");
	}
	assert_int_equal(far.web_conns, 1);
	say(&t, GET(":8080/hello", "")); /* another server, then the first again */
	hear(&t, "hello\n");
	say(&t, GET("/hello", "") GET("/big?3", "") GET("/hello", CLOSE)); /* pipelined */
	hear(&t, NULL);
	assert_int_equal(far.web_conns, 2);
	assert_int_equal(far.web_requests, 9);
	assert_int_equal(relay_lab_stats(service).opened, 2);
	close(t.fd);
	relay_lab_run(lab, 50);
	assert_int_equal(relay_lab_stats(service).open, 0);
}

/* The server closes what it had kept: seen at once, or found out and done again. */
static void test_kept_and_closed(void **state)
{
	static struct talk t;

	(void)state;
	open_talk(&t);
	for (int i = 0; i < 4; i++) {
		say(&t, GET("/once", ""));
		hear(&t, "hello\n");
		if (i % 2)
			relay_lab_run(lab, 20);
	}
	assert_int_equal(far.web_requests, 4);
	close(t.fd);
}

/* The server closes a kept connection without an answer, and may have done what was asked: only what is idempotent is
 * asked again. */
static void test_asked_twice(void **state)
{
	static const struct { const char *method; unsigned asked; } cases[] = {
		{ "GET", 2 },    { "HEAD", 2 }, { "OPTIONS", 2 }, { "TRACE", 2 },    { "PUT", 2 },
		{ "DELETE", 2 }, { "POST", 1 }, { "PATCH", 1 },   { "PROPFIND", 1 },
	};
	static struct talk t;
	char request[128];

	(void)state;
	for (unsigned i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		unsigned before;

		open_talk(&t);
		say(&t, GET("/hello", ""));
		hear(&t, "hello\n");
		before = far.web_requests;
		snprintf(request, sizeof(request), "%s http://a.test/drop HTTP/1.1\r\nHost: a.test\r\n%s\r\n", cases[i].method,
			 cases[i].asked == 1 ? "Content-Length: 0\r\n" : "");
		say(&t, request);
		contains(hear(&t, NULL), "502 Bad Gateway");
		assert_int_equal(far.web_requests - before, cases[i].asked);
		close(t.fd);
	}
}

static void test_idle(void **state)
{
	static struct talk t, slow;

	(void)state;
	open_talk(&t);
	say(&t, GET("/hello", ""));
	hear(&t, "hello\n");
	open_talk(&slow);
	say(&slow, "GET http://a.test/ HTTP/1.1\r\n");
	relay_lab_run(lab, 31000);
	contains(hear(&slow, NULL), "408 Request Timeout");
	relay_lab_run(lab, 30000);
	hear(&t, NULL);
	assert_int_equal(t.len, 0);
	assert_true(t.ended);
	close(t.fd);
	close(slow.fd);
}

/* --- errors --------------------------------------------------------------------------------------- */

static void test_errors(void **state)
{
	static char long_field[70000];

	(void)state;
	contains(once("GET / HTTP/1.1\r\nHost: a.test\r\n\r\n"), "400 Bad Request");
	contains(once("GET / HTTP/1.1\r\nHost: a.test\r\n\r\n"), "\r\n\r\nThis is a proxy: the request must name a whole URL");
	contains(once("GET https://a.test/ HTTP/1.1\r\n\r\n"), "CONNECT");
	contains(once("GET http://a.test/ HTTP/1.1\r\nA : b\r\n\r\n"), "a blank stands before a header line's colon");
	contains(once("nonsense\r\n\r\n"), "400 Bad Request");
	contains(once("POST http://a.test/ HTTP/1.1\r\nContent-Length: 1\r\nTransfer-Encoding: chunked\r\n\r\n"), "400 ");
	contains(once("POST http://a.test/echo HTTP/1.1\r\nTransfer-Encoding: chunked\r\n\r\nxyz\r\n"),
		 "The request's body is broken");
	contains(once("GET http://none.test/ HTTP/1.1\r\n\r\n"), "502 Bad Gateway");
	contains(once("GET http://none.test/ HTTP/1.1\r\n\r\n"), "There is no host none.test inside.\n");
	contains(once(GET(":81/", "")), "a.test refuses connections to port 81.\n");
	contains(once(GET("/drop", "")), "closed the connection without a whole answer.\n");
	contains(once(GET("/reset", "")), "502 Bad Gateway");
	contains(once(GET("/twice", "")), "Content-Length stands twice");
	contains(once("HEAD http://a.test:81/ HTTP/1.1\r\n\r\n") , "502 Bad Gateway");
	snprintf(long_field, sizeof(long_field), "GET http://a.test/ HTTP/1.1\r\nA: %09000d\r\n\r\n", 0);
	contains(once(long_field), "431 ");
	snprintf(long_field, sizeof(long_field), "GET http://a.test/%09000d HTTP/1.1\r\n\r\n", 0);
	contains(once(long_field), "414 ");
	lab->cut = true;
	contains(once("GET http://10.9.0.2/ HTTP/1.1\r\n\r\n"), "504 Gateway Timeout");
}

/* A part never looks like the whole. */
static void test_half(void **state)
{
	static struct talk t;
	char byte;

	(void)state;
	open_talk(&t);
	say(&t, GET("/half", ""));
	contains(hear(&t, NULL), "\r\n\r\nhalf");
	assert_true(recv(t.fd, &byte, 1, 0) <= 0);
	assert_int_equal(relay_lab_stats(service).open, 0);
	close(t.fd);
}

/* A server that vanishes in the middle: told, not waited for without end. */
static void test_vanished(void **state)
{
	static struct talk t;

	(void)state;
	open_talk(&t);
	say(&t, GET("/hang", ""));
	relay_lab_run(lab, 500);
	lab->cut = true;
	relay_lab_run(lab, 200000);
	contains(hear(&t, NULL), "504 Gateway Timeout");
	close(t.fd);
}

static void test_gone_client(void **state)
{
	static struct talk t;

	(void)state;
	open_talk(&t);
	say(&t, GET("/hang", ""));
	relay_lab_run(lab, 300);
	assert_int_equal(relay_lab_stats(service).open, 1);
	setsockopt(t.fd, SOL_SOCKET, SO_LINGER, &(struct linger){ 1, 0 }, sizeof(struct linger));
	close(t.fd);
	relay_lab_run(lab, 50);
	assert_int_equal(relay_lab_stats(service).open, 0);
}

/* --- credentials, CONNECT, upgrades -------------------------------------------------------------------- */

static void test_password(void **state)
{
	static struct talk t;

	(void)state;
	open_talk(&t); /* the second try on the same connection, as programs do */
	say(&t, GET("/hello", ""));
	contains(hear(&t, "password.\n"), "407 Proxy Authentication Required");
	contains(t.buf, "Proxy-Authenticate: Basic realm=");
	say(&t, GET("/hello", "Proxy-Authorization: Basic QWxhZGRpbjpvcGVuIHNlc2FtZQ==\r\n"));
	contains(hear(&t, "hello\n"), "200 OK");
	close(t.fd);
	contains(once(GET("/", CLOSE "Proxy-Authorization: Basic QWxhZGRpbjpvcGVuIFNlc2FtZQ==\r\n")), "407 ");
	contains(once(GET("/", CLOSE "Proxy-Authorization: Bearer QWxhZGRpbjpvcGVuIHNlc2FtZQ==\r\n")), "407 ");
	contains(once(GET("/", CLOSE "Proxy-Authorization: Basic !\r\n")), "407 ");
	contains(once("POST http://a.test/ HTTP/1.1\r\nContent-Length: 3\r\n\r\nabc"), "Connection: close");
	contains(once("CONNECT a.test:7 HTTP/1.1\r\n" CLOSE "\r\n"), "407 ");
	assert_int_equal(far.web_requests, 1);
}

static void test_connect(void **state)
{
	static struct talk t;

	(void)state;
	open_talk(&t);
	say(&t, "CONNECT a.test:7 HTTP/1.1\r\nHost: a.test:7\r\n\r\nearly ");
	contains(hear(&t, "early "), "HTTP/1.1 200 Connection established\r\n\r\n");
	say(&t, "and late");
	hear(&t, "and late");
	shutdown(t.fd, SHUT_WR);
	hear(&t, NULL);
	assert_int_equal(t.len, 0);
	close(t.fd);
	contains(once("CONNECT a.test:9 HTTP/1.1\r\n\r\n"), "502 Bad Gateway");
	contains(once("CONNECT a.test HTTP/1.1\r\n\r\n"), "400 Bad Request");
	contains(once("CONNECT a.test:7 HTTP/1.1\r\nContent-Length: 3\r\n\r\nabc"), "400 Bad Request");
}

static void test_upgrade(void **state)
{
	static struct talk t;

	(void)state;
	open_talk(&t);
	say(&t, GET("/ws", "Connection: Upgrade\r\nUpgrade: echo\r\n"));
	contains(hear(&t, "hi "), "101 Switching Protocols\r\n");
	contains(t.buf, "Upgrade: echo\r\n");
	contains(t.buf, "Connection: Upgrade\r\n");
	say(&t, "both ways");
	hear(&t, "both ways");
	close(t.fd);
	contains(once(GET("/ws", "")), "changes to another protocol unasked");
	relay_lab_run(lab, 50);
	assert_int_equal(relay_lab_stats(service).open, 0);
}

/* --- programs ---------------------------------------------------------------------------------------------- */

static void expect_big(struct child *c, size_t len)
{
	assert_int_equal(c->len, len);
	for (size_t i = 0; i < len; i++)
		if ((uint8_t)c->text[i] != relay_lab_byte(i))
			fail_msg("byte %zu", i);
	free(c->text);
}

static void test_curl(void **state)
{
	const char *argv[] = { "curl", "-sS", "-x", NULL, "http://a.test/big?3000000", NULL, NULL };
	char proxy[64];
	struct child c;

	(void)state;
	argv[3] = proxy;
	snprintf(proxy, sizeof(proxy), "http://127.0.0.1:%u", port);
	assert_int_equal(child_run(lab, &c, argv), 0);
	expect_big(&c, 3000000);
	argv[5] = "-p"; /* by CONNECT */
	assert_int_equal(child_run(lab, &c, argv), 0);
	expect_big(&c, 3000000);
}

static void test_mixed(void **state)
{
	test_curl(state);
	{
		const char *argv[] = { "curl", "-sS", "-x", NULL, "http://a.test/big?300000", NULL };
		char proxy[64];
		struct child c;

		argv[3] = proxy;
		snprintf(proxy, sizeof(proxy), "socks5h://127.0.0.1:%u", port);
		assert_int_equal(child_run(lab, &c, argv), 0);
		expect_big(&c, 300000);
	}
}

static int make_certificate(char cert[100], char key[100])
{
	char command[600];

	snprintf(made, sizeof(made), "%s", dir);
	if (!mkdtemp(made))
		return -1;
	snprintf(cert, 100, "%s/cert.pem", made);
	snprintf(key, 100, "%s/key.pem", made);
	snprintf(command, sizeof(command), "openssl req -x509 -newkey ec -pkeyopt ec_paramgen_curve:P-256 -nodes -days 2 "
		 "-subj /CN=proxy.test -addext subjectAltName=IP:127.0.0.1 -keyout %s -out %s 2>%s/log", key, cert, made);
	return system(command);
}

static void remove_certificate(void)
{
	char command[200];

	snprintf(command, sizeof(command), "rm -r %s", made);
	assert_int_equal(system(command), 0);
}

static void tls(enum relay_kind kind)
{
	const char *argv[] = { "curl", "-sS", "--proxy-cacert", NULL, "-x", NULL, "http://a.test/big?3000000", NULL, NULL };
	char proxy[64], cert[100], key[100];
	struct child c;

	assert_int_equal(make_certificate(cert, key), 0);
	begin(kind, "", "", cert, key);
	argv[3] = cert;
	argv[5] = proxy;
	snprintf(proxy, sizeof(proxy), "https://127.0.0.1:%u", port);
	assert_int_equal(child_run(lab, &c, argv), 0);
	expect_big(&c, 3000000);
	argv[7] = "-p";
	assert_int_equal(child_run(lab, &c, argv), 0);
	expect_big(&c, 3000000);
	argv[7] = NULL;
	argv[6] = "http://a.test/half"; /* cut off by the server: curl must see that */
	assert_int_not_equal(child_run(lab, &c, argv), 0);
	free(c.text);
	relay_lab_run(lab, 3000);
	adit_relay_remove(lab->relay, service, false, lab->now);
	assert_null(adit_relay_next(lab->relay, NULL));
	teardown(NULL);
	remove_certificate();
}

static void test_tls(void **state)
{
	(void)state;
	tls(RELAY_HTTP);
}

static void test_tls_mixed(void **state)
{
	(void)state;
	tls(RELAY_MIXED);
}

/* Plain text at a TLS port is refused; a missing certificate is said. */
static void test_tls_refused(void **state)
{
	char cert[100], key[100], err[256] = "";
	struct relay_service_config cfg;
	struct relay_service *s;
	static struct talk t;

	(void)state;
	assert_int_equal(make_certificate(cert, key), 0);
	begin(RELAY_HTTP, "", "", cert, key);
	open_talk(&t);
	say(&t, GET("/hello", ""));
	hear(&t, NULL);
	assert_null(strstr(t.buf, "200"));
	close(t.fd);
	cfg = *relay_service_config_of(service);
	cfg.listen.port = 0;
	strcpy(cfg.cert_file, "nonexistent.pem");
	assert_int_not_equal(adit_relay_add(lab->relay, &s, &cfg, err, sizeof(err), lab->now), 0);
	contains(err, "certificate nonexistent.pem: ");
	teardown(NULL);
	remove_certificate();
}

static void test_killed(void **state)
{
	static struct talk t[4];

	(void)state;
	for (int i = 0; i < 4; i++)
		open_talk(&t[i]);
	say(&t[1], "GET http://");
	say(&t[2], GET("/hang", ""));
	relay_lab_run(lab, 300);
	lab->cut = true;
	say(&t[3], "CONNECT 10.9.0.2:7 HTTP/1.1\r\n\r\n");
	relay_lab_run(lab, 50);
	adit_relay_remove(lab->relay, service, true, lab->now);
	for (int i = 0; i < 4; i++) {
		hear(&t[i], NULL);
		assert_true(t[i].ended);
		close(t[i].fd);
	}
}

#define TEST(f) cmocka_unit_test_setup_teardown(f, setup, teardown)

int main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(test_heads), TEST(test_targets), TEST(test_framings), TEST(test_continue), TEST(test_early_answer),
		TEST(test_back_pressure), TEST(test_keep_alive), TEST(test_kept_and_closed), TEST(test_asked_twice),
		TEST(test_idle), TEST(test_errors), TEST(test_half), TEST(test_vanished), TEST(test_gone_client),
		cmocka_unit_test_setup_teardown(test_password, setup_password, teardown),
		TEST(test_connect), TEST(test_upgrade), TEST(test_curl),
		cmocka_unit_test_setup_teardown(test_mixed, setup_mixed, teardown),
		cmocka_unit_test(test_tls), cmocka_unit_test(test_tls_mixed), cmocka_unit_test(test_tls_refused),
		TEST(test_killed),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
