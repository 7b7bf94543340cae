/* SPDX-License-Identifier: ISC */
/* socks_test.c - the SOCKS5 server in front of a stack: every reply, UDP, names known inside only, curl */
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <setjmp.h>
#include <errno.h>
#include <netinet/in.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include <cmocka.h>

#include "base/bytes.h"
#include "../support/child.h"
#include "../support/dns_zone.h"
#include "../support/far_services.h"

static struct relay_lab *lab;
static struct far_services far;
static struct relay_service *service;
static uint16_t port;

static void begin(const char *user, const char *password)
{
	struct adit_endpoint dns = { .port = 53 };
	const struct adit_relay_config cfg = { .dns = &dns, .dns_cnt = 1, .search = "search.test" };
	struct relay_service_config c;
	char err[256];

	assert_int_equal(adit_addr_parse(&dns.addr, "10.9.0.2"), 0);
	lab = relay_lab_new(&cfg);
	far_services_init(&far, lab);
	relay_service_defaults(&c, RELAY_SOCKS5);
	assert_int_equal(adit_endpoint_parse(&c.listen, "127.0.0.1:0"), 0);
	strcpy(c.username, user);
	strcpy(c.password, password);
	assert_int_equal(adit_relay_add(lab->relay, &service, &c, err, sizeof(err), lab->now), 0);
	port = relay_lab_port(service);
}

static int setup(void **state)
{
	(void)state;
	begin("", "");
	return 0;
}

static int setup_password(void **state)
{
	(void)state;
	begin("user", "secret");
	return 0;
}

static int teardown(void **state)
{
	(void)state;
	far_services_fini(&far);
	relay_lab_free(lab);
	return 0;
}

/* --- talking ----------------------------------------------------------------------- */

struct wait {
	int fd;
	uint8_t buf[8192];
	size_t len, want;
	bool ended;
};

static bool has(void *arg)
{
	struct wait *w = arg;
	size_t room = (w->want < sizeof(w->buf) ? w->want : sizeof(w->buf)) - w->len;
	ssize_t n = recv(w->fd, w->buf + w->len, room, MSG_DONTWAIT);

	if (n > 0)
		w->len += (size_t)n;
	w->ended = w->ended || n == 0 || (n < 0 && errno != EAGAIN);
	return w->ended || w->len >= w->want;
}

/* Exactly these bytes come next. */
static void expect(int fd, const void *bytes, size_t len)
{
	struct wait w = { .fd = fd, .want = len };

	assert_true(relay_lab_until(lab, has, &w));
	assert_int_equal(w.len, len);
	assert_memory_equal(w.buf, bytes, len);
}

static void expect_end(int fd)
{
	struct wait w = { .fd = fd, .want = 1 };

	assert_true(relay_lab_until(lab, has, &w));
	assert_int_equal(w.len, 0);
	assert_true(w.ended);
}

static void say(int fd, const void *bytes, size_t len)
{
	assert_int_equal(send(fd, bytes, len, MSG_NOSIGNAL), len);
}

#define SAY(fd, s)    say(fd, s, sizeof(s) - 1)
#define EXPECT(fd, s) expect(fd, s, sizeof(s) - 1)

/* Of either length. */
static void get_reply(struct wait *w)
{
	w->want = 10;
	assert_true(relay_lab_until(lab, has, w));
	w->want = w->buf[3] == 4 ? 22 : 10;
	assert_true(relay_lab_until(lab, has, w));
	assert_int_equal(w->len, w->want);
	assert_memory_equal(w->buf, ((uint8_t[]){ 5, w->buf[1], 0, w->want == 10 ? 1 : 4 }), 4);
}

/* The reply's code to a request. */
static unsigned reply_to(const void *request, size_t len)
{
	struct wait w = { .fd = lab_connect(port) };

	SAY(w.fd, "\5\1\0");
	EXPECT(w.fd, "\5\0");
	say(w.fd, request, len);
	get_reply(&w);
	close(w.fd);
	return w.buf[1];
}

#define REPLY_TO(s) reply_to(s, sizeof(s) - 1)

/* --- CONNECT -------------------------------------------------------------------------- */

static void test_connect(void **state)
{
	static const struct {
		const char *request;
		size_t len;
	} c[] = {
		{ "\5\1\0\1\x0a\x09\0\2\0\7", 10 },
		{ "\5\1\0\4\xfd\x09\0\0\0\0\0\0\0\0\0\0\0\0\0\2\0\7", 22 },
		{ "\5\1\0\3\6a.test\0\7", 13 },
		{ "\5\1\0\3\2in\0\7", 9 }, /* by the search domain */
		{ "\5\1\0\3\010\061\060.9.0.2\0\7", 15 },
	};

	(void)state;
	for (size_t i = 0; i < sizeof(c) / sizeof(c[0]); i++) {
		struct wait w = { .fd = lab_connect(port) };

		SAY(w.fd, "\5\1\0");
		EXPECT(w.fd, "\5\0");
		say(w.fd, c[i].request, c[i].len);
		get_reply(&w);
		assert_int_equal(w.buf[1], 0);
		assert_memory_equal(w.buf + 4, w.len == 10 ? "\x0a\x09\0\1" : "\xfd\x09\0\0", 4); /* where from inside */
		SAY(w.fd, "hello");
		EXPECT(w.fd, "hello");
		shutdown(w.fd, SHUT_WR);
		expect_end(w.fd);
		close(w.fd);
	}
	assert_int_equal(relay_lab_stats(service).opened, 5);
	assert_int_equal(relay_lab_stats(service).failed, 0);
}

/* All in one piece, data included, and a byte at a time. */
static void test_pipelined(void **state)
{
	static const char all[] = "\5\2\0\2\5\1\0\1\x0a\x09\0\2\0\7" "early data";

	(void)state;
	for (size_t step = 1; step <= sizeof(all); step += sizeof(all) - 1) {
		int fd = lab_connect(port);

		for (size_t at = 0; at < sizeof(all) - 1; at += step) {
			say(fd, all + at, sizeof(all) - 1 - at < step ? sizeof(all) - 1 - at : step);
			relay_lab_run(lab, 1);
		}
		EXPECT(fd, "\5\0");
		{
			struct wait w = { .fd = fd, .want = 20 };

			assert_true(relay_lab_until(lab, has, &w));
			assert_int_equal(w.len, 20);
			assert_memory_equal(w.buf, "\5\0\0\1", 4);
			assert_memory_equal(w.buf + 10, "early data", 10);
		}
		close(fd);
	}
}

static void test_replies(void **state)
{
	(void)state;
	assert_int_equal(REPLY_TO("\5\1\0\1\x0a\x09\0\2\0\x09"), 5);          /* nobody listens */
	assert_int_equal(REPLY_TO("\5\1\0\3\4none\0\x50"), 4);               /* no such name */
	assert_int_equal(REPLY_TO("\5\1\0\3\x08six.nope\0\x50"), 4);
	assert_int_equal(REPLY_TO("\5\2\0\1\x0a\x09\0\2\0\x50"), 7);          /* BIND */
	assert_int_equal(REPLY_TO("\5\x09\0\1\x0a\x09\0\2\0\x50"), 7);
	assert_int_equal(REPLY_TO("\5\1\0\2\x0a\x09\0\2\0\x50"), 8);
	assert_int_equal(REPLY_TO("\5\1\0\3\0\0\x50"), 1);
	lab->far_event = lab_serve;
	lab->server.refuse = -EHOSTUNREACH;
	assert_int_equal(REPLY_TO("\5\1\0\1\x0a\x09\0\2\0\7"), 4);
	lab->server.refuse = -ENETUNREACH;
	assert_int_equal(REPLY_TO("\5\1\0\1\x0a\x09\0\2\0\7"), 3);
	lab->server.refuse = -EACCES;
	assert_int_equal(REPLY_TO("\5\1\0\1\x0a\x09\0\2\0\7"), 2);
	lab->cut = true;
	assert_int_equal(REPLY_TO("\5\1\0\1\x0a\x09\0\2\0\7"), 6);            /* nothing comes back */
	assert_int_equal(relay_lab_stats(service).opened, 0);
	assert_int_equal(relay_lab_stats(service).open, 0);
}

static void test_not_socks(void **state)
{
	int fd = lab_connect(port);

	(void)state;
	SAY(fd, "GET / HTTP/1.1\r\n\r\n");
	expect_end(fd);
	close(fd);
	fd = lab_connect(port);
	SAY(fd, "\5\1\1"); /* GSSAPI alone */
	EXPECT(fd, "\5\xff");
	expect_end(fd);
	close(fd);
}

static void test_silence(void **state)
{
	int fd = lab_connect(port), slow = lab_connect(port);

	(void)state;
	SAY(slow, "\5");
	relay_lab_run(lab, 9000);
	SAY(slow, "\1");
	relay_lab_run(lab, 500);
	assert_int_equal(recv(fd, &(char){ 0 }, 1, MSG_DONTWAIT), -1);
	relay_lab_run(lab, 600);
	expect_end(fd);
	expect_end(slow); /* a byte now and then does not help */
	close(fd);
	close(slow);
}

static void test_gives_up(void **state)
{
	int fd = lab_connect(port);

	(void)state;
	lab->cut = true;
	SAY(fd, "\5\1\0");
	EXPECT(fd, "\5\0");
	SAY(fd, "\5\1\0\1\x0a\x09\0\2\0\7");
	relay_lab_run(lab, 20);
	setsockopt(fd, SOL_SOCKET, SO_LINGER, &(struct linger){ 1, 0 }, sizeof(struct linger));
	close(fd);
	relay_lab_run(lab, 20);
	adit_relay_remove(lab->relay, service, false, lab->now); /* nobody holds it any more: it goes at once */
	assert_null(adit_relay_next(lab->relay, NULL));
}

static void test_password(void **state)
{
	int fd = lab_connect(port);

	(void)state;
	SAY(fd, "\5\1\0");
	EXPECT(fd, "\5\xff");
	expect_end(fd);
	close(fd);
	fd = lab_connect(port);
	SAY(fd, "\5\2\0\2");
	EXPECT(fd, "\5\2");
	SAY(fd, "\1\4user\6secreT");
	EXPECT(fd, "\1\1");
	expect_end(fd);
	close(fd);
	fd = lab_connect(port);
	SAY(fd, "\5\2\0\2" "\1\4user\6secret" "\5\1\0\1\x0a\x09\0\2\0\7");
	EXPECT(fd, "\5\2" "\1\0" "\5\0\0\1");
	close(fd);
	assert_int_equal(relay_lab_stats(service).refused, 2);
}

/* --- UDP ASSOCIATE ------------------------------------------------------------------------ */

/* Returns the TCP connection; *to is where datagrams go. */
static int associate(struct sockaddr_in *to)
{
	struct wait w = { .fd = lab_connect(port), .want = 10 };

	SAY(w.fd, "\5\1\0");
	EXPECT(w.fd, "\5\0");
	SAY(w.fd, "\5\3\0\1\0\0\0\0\0\0");
	assert_true(relay_lab_until(lab, has, &w));
	assert_int_equal(w.len, 10);
	assert_memory_equal(w.buf, "\5\0\0\1\x7f\0\0\1", 8);
	*to = (struct sockaddr_in){ .sin_family = AF_INET, .sin_addr.s_addr = htonl(INADDR_LOOPBACK) };
	memcpy(&to->sin_port, w.buf + 8, 2);
	return w.fd;
}

static void send_to(int udp, const struct sockaddr_in *to, const void *p, size_t len)
{
	assert_int_equal(sendto(udp, p, len, 0, (const struct sockaddr *)to, sizeof(*to)), len);
}

#define SEND_TO(udp, to, s) send_to(udp, to, s, sizeof(s) - 1)

static void test_udp(void **state)
{
	uint8_t question[100] = "\0\0\0\3\6a.test\0\x35" "\x12\x34\1\0\0\1\0\0\0\0\0\0\1a\4test\0\0\1\0\1";
	struct sockaddr_in to;
	int tcp = associate(&to), udp, other;
	uint8_t byte;
	uint16_t p;

	(void)state;
	udp = lab_udp(&p);
	other = lab_udp(&p);
	SEND_TO(udp, &to, "\0\0\0\1\x0a\x09\0\2\0\7hello");
	EXPECT(udp, "\0\0\0\1\x0a\x09\0\2\0\7hello");
	SEND_TO(udp, &to, "\0\0\0\4\xfd\x09\0\0\0\0\0\0\0\0\0\0\0\0\0\2\0\7six"); /* another destination, the same socket */
	EXPECT(udp, "\0\0\0\4\xfd\x09\0\0\0\0\0\0\0\0\0\0\0\0\0\2\0\7six");
	send_to(udp, &to, question, 13 + 24); /* the server's name is known inside only */
	{
		struct wait w = { .fd = udp, .want = 22 + 40 };

		assert_true(relay_lab_until(lab, has, &w));
		assert_int_equal(w.buf[3], 4); /* it has both addresses */
		assert_memory_equal(w.buf + 22, "\x12\x34\x81\x80", 4);
		assert_memory_equal(w.buf + w.len - 4, "\x0a\x09\0\2", 4);
	}
	SEND_TO(udp, &to, "\0\0\1\1\x0a\x09\0\2\0\7frag");
	SEND_TO(udp, &to, "\0\0\0\1\x0a");
	SEND_TO(other, &to, "\0\0\0\1\x0a\x09\0\2\0\7thief");
	relay_lab_run(lab, 50);
	assert_int_equal(recv(udp, &byte, 1, MSG_DONTWAIT), -1);
	assert_int_equal(recv(other, &byte, 1, MSG_DONTWAIT), -1);
	assert_int_equal(relay_lab_stats(service).udp_refused, 3);
	close(tcp); /* the association ends with it */
	relay_lab_run(lab, 20);
	sendto(udp, "\0\0\0\1\x0a\x09\0\2\0\7hello", 15, 0, (struct sockaddr *)&to, sizeof(to));
	relay_lab_run(lab, 20);
	assert_true(recv(udp, &byte, 1, MSG_DONTWAIT) < 0);
	close(udp);
	close(other);
}

/* It comes in fragments inside. */
static void test_udp_4k(void **state)
{
	struct wait w = { .want = 4106 };
	struct sockaddr_in to;
	int tcp = associate(&to);
	uint16_t p;

	(void)state;
	w.fd = lab_udp(&p);
	SEND_TO(w.fd, &to, "\0\0\0\1\x0a\x09\0\2\x0f\xa0?");
	assert_true(relay_lab_until(lab, has, &w));
	assert_int_equal(w.len, 10 + 4096);
	for (size_t i = 0; i < 4096; i++)
		assert_int_equal(w.buf[10 + i], relay_lab_byte(i));
	close(w.fd);
	close(tcp);
}

/* What inside was used goes after its time; the association stays. */
static void test_udp_expires(void **state)
{
	struct sockaddr_in to;
	int tcp = associate(&to), udp;
	uint16_t p;

	(void)state;
	udp = lab_udp(&p);
	for (int i = 0; i < 2; i++) {
		SEND_TO(udp, &to, "\0\0\0\1\x0a\x09\0\2\0\7hello");
		EXPECT(udp, "\0\0\0\1\x0a\x09\0\2\0\7hello");
		relay_lab_run(lab, 61000);
		assert_int_equal(relay_lab_stats(service).udp_expired, i + 1);
	}
	close(tcp);
	close(udp);
}

/* --- programs, and the end -------------------------------------------------------------------- */

static void test_curl(void **state)
{
	char proxy[64];
	struct child c;
	const char *argv[] = { "curl", "-sS", "--socks5-hostname", proxy, "http://a.test/big?2000000", NULL };

	(void)state;
	snprintf(proxy, sizeof(proxy), "user:secret@127.0.0.1:%u", port);
	assert_int_equal(child_run(lab, &c, argv), 0);
	assert_int_equal(c.len, 2000000);
	for (size_t i = 0; i < c.len; i++)
		if ((uint8_t)c.text[i] != relay_lab_byte(i))
			fail();
	free(c.text);
	assert_true(far.dns_udp >= 1);
	snprintf(proxy, sizeof(proxy), "user:wrong@127.0.0.1:%u", port);
	assert_int_not_equal(child_run(lab, &c, argv), 0);
	free(c.text);
}

/* In every state: nothing is left. */
static void test_killed(void **state)
{
	struct sockaddr_in to;
	int fd[5];

	(void)state;
	fd[0] = lab_connect(port);
	fd[1] = lab_connect(port);
	SAY(fd[1], "\5\1\0");
	EXPECT(fd[1], "\5\0");
	fd[2] = associate(&to);
	fd[3] = lab_connect(port);
	SAY(fd[3], "\5\1\0\5\1\0\1\x0a\x09\0\2\0\7");
	EXPECT(fd[3], "\5\0\5\0");
	lab->cut = true;
	fd[4] = lab_connect(port);
	SAY(fd[4], "\5\1\0\5\1\0\3\6a.test\0\7");
	relay_lab_run(lab, 20);
	adit_relay_remove(lab->relay, service, true, lab->now);
	relay_lab_run(lab, 2);
	for (int i = 0; i < 5; i++) {
		struct wait w = { .fd = fd[i], .want = SIZE_MAX };

		assert_true(relay_lab_until(lab, has, &w));
		assert_true(w.ended);
		close(fd[i]);
	}
}

#define TEST(f) cmocka_unit_test_setup_teardown(f, setup, teardown)

int main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(test_connect),
		TEST(test_pipelined),
		TEST(test_replies),
		TEST(test_not_socks),
		TEST(test_silence),
		TEST(test_gives_up),
		cmocka_unit_test_setup_teardown(test_password, setup_password, teardown),
		TEST(test_udp),
		TEST(test_udp_4k),
		TEST(test_udp_expires),
		cmocka_unit_test_setup_teardown(test_curl, setup_password, teardown),
		TEST(test_killed),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
