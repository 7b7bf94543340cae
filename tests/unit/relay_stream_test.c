// SPDX-License-Identifier: ISC
/* relay_stream_test.c - one stream: bytes that go first, pipes, ends, and no system call too many */
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <setjmp.h>
#include <cmocka.h>

#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "../support/relay_lab.h"
#include "base/inet.h"
#include "relay/dial.h"
#include "relay/stream.h"

static struct relay_lab *lab;
static struct relay_stream *stream;
static struct adit_sock *sock;
static unsigned epoll_calls;

/* What the stream said at its end. */
static struct {
	bool ended;
	int error;
	uint64_t out, in;
} end;

int __real_epoll_ctl(int epfd, int op, int fd, struct epoll_event *event);
int __wrap_epoll_ctl(int epfd, int op, int fd, struct epoll_event *event);
int __wrap_epoll_ctl(int epfd, int op, int fd, struct epoll_event *event)
{
	epoll_calls++;
	return __real_epoll_ctl(epfd, op, fd, event);
}

static void stream_ended(void *arg, int error, uint64_t out, uint64_t in)
{
	assert_ptr_equal(arg, &end);
	assert_false(end.ended);
	end.ended = true;
	end.error = error;
	end.out = out;
	end.in = in;
}

static const struct relay_stream_ops ops = { .ended = stream_ended };

static void dialled(void *arg, const struct relay_dialled *d)
{
	(void)arg;
	assert_int_equal(d->error, 0);
	sock = d->sock;
}

static bool has_sock(void *arg)
{
	(void)arg;
	return sock != NULL;
}

static bool has_ended(void *arg)
{
	if (arg)
		lab_client_pump(arg);
	return end.ended;
}

/* SYN is on its way. */
static int setup_dial(void **state)
{
	struct relay_target to = { .host = "10.9.0.2", .port = 80 };
	struct relay_dial *dial;

	(void)state;
	lab = relay_lab_new(NULL);
	relay_lab_far_listen(lab, 80);
	memset(&end, 0, sizeof(end));
	sock = NULL;
	assert_int_equal(relay_dial_inside(lab->relay, &dial, &to, dialled, NULL, lab->now), 0);
	return 0;
}

static int setup(void **state)
{
	setup_dial(state);
	assert_true(relay_lab_until(lab, has_sock, NULL));
	return 0;
}

static int teardown(void **state)
{
	(void)state;
	relay_lab_free(lab);
	return 0;
}

static struct lab_client start(const void *early, size_t early_len, const void *reply, size_t reply_len)
{
	int fd[2];

	assert_int_equal(socketpair(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK, 0, fd), 0);
	assert_int_equal(relay_stream_start(adit_relay_loop(lab->relay), &stream, fd[0], sock, early, early_len, reply,
					    reply_len, &ops, &end, lab->now), 0);
	return (struct lab_client){ .fd = fd[1] };
}

static void early_bytes_and_replies_go_first(void **state)
{
	uint8_t early[3000], reply[3000];
	struct lab_client c;

	(void)state;
	for (unsigned i = 0; i < 3000; i++)
		early[i] = reply[i] = relay_lab_byte(i);
	lab->server.send = 100;
	c = start(early, sizeof(early), reply, sizeof(reply));
	memset(early, 0, sizeof(early)); /* copied */
	c.sent = 3000;
	c.to_send = 4000;
	c.shutdown = true;
	while (!c.eof) {
		uint8_t buf[4096];
		ssize_t n;

		relay_lab_step(lab);
		if (c.sent < c.to_send)
			lab_client_pump(&c);
		n = recv(c.fd, buf, sizeof(buf), 0);
		c.eof |= n == 0;
		c.got += n > 0 ? (uint64_t)n : 0;
		assert_true(lab->now < 1100 * ADIT_SEC);
	}
	assert_int_equal(c.got, 3100);
	assert_true(relay_lab_until(lab, has_ended, NULL));
	assert_int_equal(end.error, 0);
	assert_int_equal(end.out, 4000);
	assert_int_equal(end.in, 100);
	assert_int_equal(lab->conn[0].got, 4000);
	assert_false(lab->conn[0].bad);
	lab_client_close(&c, false);
}

static void a_socketpair_is_as_good_as_a_connection(void **state)
{
	struct lab_client c = start(NULL, 0, NULL, 0);

	(void)state;
	lab->server.echo = true;
	c.to_send = 5000000;
	c.shutdown = true;
	assert_true(relay_lab_until(lab, has_ended, &c));
	assert_int_equal(end.error, 0);
	assert_int_equal(end.out, 5000000);
	assert_int_equal(end.in, 5000000);
	lab_client_pump(&c);
	assert_int_equal(c.got, 5000000);
	assert_true(c.eof && !c.bad);
	lab_client_close(&c, false);
}

/* Nothing is armed or disarmed while bytes pass, however often either side is full. */
static void the_steady_state_has_no_epoll_ctl(void **state)
{
	struct lab_client c = start(NULL, 0, NULL, 0);
	unsigned calls;

	(void)state;
	lab->server.echo = true;
	c.to_send = 20000000;
	assert_true(lab_client_get(lab, &c, 1000));
	calls = epoll_calls;
	assert_true(lab_client_get(lab, &c, 20000000));
	assert_int_equal(epoll_calls, calls);
	assert_false(c.bad);
	relay_stream_abort(stream, lab->now);
	lab_client_close(&c, false);
}

static void an_idle_stream_does_nothing(void **state)
{
	struct lab_client c = start(NULL, 0, NULL, 0);
	int busy = 0;

	(void)state;
	lab->server.echo = true;
	c.to_send = 10;
	assert_true(lab_client_get(lab, &c, 10));
	relay_lab_run(lab, 100);
	for (int i = 0; i < 1000; i++)
		busy += adit_relay_turn(lab->relay, true, lab->now);
	assert_int_equal(busy, 0);
	shutdown(c.fd, SHUT_WR); /* half closed, and still nothing to do */
	lab->server.linger = true;
	relay_lab_run(lab, 100);
	for (int i = 0; i < 1000; i++)
		busy += adit_relay_turn(lab->relay, true, lab->now);
	assert_int_equal(busy, 0);
	assert_false(end.ended);
	relay_stream_abort(stream, lab->now);
	lab_client_close(&c, false);
}

/* What was written still goes; then the connection is nobody's, whatever the far end likes. */
static void a_closed_socketpair_is_gone(void **state)
{
	struct lab_client c = start(NULL, 0, NULL, 0);
	struct lab_conn *far = &lab->conn[0];

	(void)state;
	lab->server.linger = far->shut = true; /* it never closes, and sends no FIN */
	c.to_send = 1000000;
	while (c.sent < c.to_send) {
		relay_lab_step(lab);
		lab_client_pump(&c);
		assert_true(lab->now < 1100 * ADIT_SEC);
	}
	lab_client_close(&c, false);
	assert_true(relay_lab_until(lab, has_ended, NULL));
	assert_int_equal(end.error, 0);
	assert_int_equal(end.out, 1000000);
	relay_lab_run(lab, 100);
	assert_true(far->eof && !far->bad);
	assert_int_equal(far->got, 1000000);
	assert_int_equal(adit_tcp_send(far->sock, "more", 4, lab->now), 4);
	relay_lab_run(lab, 10);
	assert_int_equal(far->error, -ECONNRESET);
}

static void an_aborted_stream_says_nothing(void **state)
{
	struct lab_client c = start(NULL, 0, NULL, 0);

	(void)state;
	relay_lab_run(lab, 10);
	relay_stream_abort(stream, lab->now);
	relay_lab_run(lab, 10);
	assert_false(end.ended);
	assert_int_equal(lab->conn[0].error, -ECONNRESET);
	lab_client_pump(&c);
	assert_true(c.eof || c.error);
	lab_client_close(&c, false);
}

/* An end that came before the stream was there is seen all the same. */
static void what_happened_before_is_not_lost(void **state)
{
	struct lab_client c;

	(void)state;
	lab->server.send = 10;
	lab_serve_on(lab, &lab->conn[0]);
	relay_lab_run(lab, 20); /* bytes and FIN are there, their events gone */
	c = start(NULL, 0, NULL, 0);
	c.shutdown = true;
	assert_true(relay_lab_until(lab, has_ended, &c));
	assert_int_equal(c.got, 10);
	assert_true(c.eof);
	lab_client_close(&c, false);
}

static void a_reset_before_is_not_lost(void **state)
{
	struct lab_client c;

	(void)state;
	adit_tcp_abort(lab->conn[0].sock, lab->now);
	lab->conn[0].sock = NULL;
	relay_lab_run(lab, 20);
	c = start(NULL, 0, NULL, 0);
	assert_true(relay_lab_until(lab, has_ended, &c));
	assert_int_equal(end.error, -ECONNRESET);
	lab_client_close(&c, false);
}

static void checksum(uint8_t *at, const uint8_t *from, size_t len)
{
	uint32_t sum = 0;

	for (size_t i = 0; i < len; i += 2)
		sum += adit_get_be16(from + i);
	sum = (sum & 0xffff) + (sum >> 16);
	adit_put_be16(at, (uint16_t)~(sum + (sum >> 16)));
}

/* The next packet is lost, and a router (10.9.0.254) says why. */
static void lose_one(uint8_t type, uint8_t code)
{
	uint8_t icmp[20 + 8 + 28] = { 0x45, [3] = sizeof(icmp), [8] = 64, 1, [12] = 10, 9, 0, 254, 10, 9, 0, 1, type, code };
	struct iovec iov = { icmp, sizeof(icmp) };
	static uint8_t lost[65536];
	struct adit_super super;
	uint32_t len;

	assert_int_equal(adit_netstack_out(lab->near, lost, &len, &super, lab->now), ADIT_OUT_PACKET);
	memcpy(icmp + 28, lost, 28);
	checksum(icmp + 10, icmp, 20);
	checksum(icmp + 22, icmp + 20, sizeof(icmp) - 20);
	adit_netstack_in(lab->near, &iov, 1, 0, lab->now);
	adit_netstack_in_end(lab->near, lab->now);
}

/* RFC 1122 4.2.3.9: what a router says of a packet that passes the next time ends nothing. */
static void soft_errors_end_nothing(void **state)
{
	struct adit_netstack_stats n;
	struct lab_client c;

	(void)state;
	lose_one(11, 0); /* the SYN: time exceeded */
	assert_true(relay_lab_until(lab, has_sock, NULL));
	assert_int_equal(adit_tcp_send(sock, "\0", 1, lab->now), 1);
	lose_one(3, 1); /* a byte: host unreachable, before the stream's first turn */
	adit_netstack_stats(lab->near, &n);
	assert_int_equal(n.drops[ADIT_DROP_not_in_flight], 0); /* it was heard */
	lab->server.echo = true;
	c = start(NULL, 0, NULL, 0);
	relay_lab_run(lab, 50);
	assert_false(end.ended);
	c.shutdown = true;
	assert_true(relay_lab_until(lab, has_ended, &c));
	assert_int_equal(end.error, 0);
	lab_client_pump(&c);
	assert_int_equal(c.got, 1);
	lab_client_close(&c, false);
}

/* --- two descriptors ------------------------------------------------------------------ */

static void pipes_pass_both_ends_by_themselves(void **state)
{
	struct lab_client reader = { .fd = -1 };
	uint8_t buf[1000];
	int in[2], out[2];
	ssize_t n;

	(void)state;
	assert_int_equal(pipe2(in, O_NONBLOCK), 0);
	assert_int_equal(pipe2(out, O_NONBLOCK), 0);
	assert_int_equal(relay_stream_start_pipe(adit_relay_loop(lab->relay), &stream, in[0], out[1], sock, &ops, &end,
						 lab->now), 0);
	lab->server.answer_last = true;
	lab->server.send = 200000; /* more than a pipe holds */
	for (unsigned i = 0; i < sizeof(buf); i++)
		buf[i] = relay_lab_byte(i);
	assert_int_equal(write(in[1], buf, sizeof(buf)), sizeof(buf));
	relay_lab_run(lab, 100);
	assert_int_equal(lab->conn[0].got, 1000);
	assert_false(end.ended);
	close(in[1]); /* end of file: the answer comes */
	while (!reader.eof) {
		relay_lab_step(lab);
		while ((n = read(out[0], buf, sizeof(buf))) > 0)
			for (ssize_t i = 0; i < n; i++)
				reader.bad |= buf[i] != relay_lab_byte(reader.got++);
		reader.eof = n == 0;
		assert_true(lab->now < 1100 * ADIT_SEC);
	}
	assert_int_equal(reader.got, 200000);
	assert_false(reader.bad);
	assert_true(end.ended);
	assert_int_equal(end.error, 0);
	close(out[0]);
}

static void a_reader_that_is_gone_ends_the_stream(void **state)
{
	int in[2], out[2];

	(void)state;
	signal(SIGPIPE, SIG_IGN);
	lab->server.echo = true;
	assert_int_equal(pipe2(in, O_NONBLOCK), 0);
	assert_int_equal(pipe2(out, O_NONBLOCK), 0);
	assert_int_equal(relay_stream_start_pipe(adit_relay_loop(lab->relay), &stream, in[0], out[1], sock, &ops, &end,
						 lab->now), 0);
	relay_lab_run(lab, 5);
	close(out[0]);
	assert_true(relay_lab_until(lab, has_ended, NULL));
	assert_int_equal(end.error, -EPIPE);
	relay_lab_run(lab, 5);
	assert_int_equal(lab->conn[0].error, -ECONNRESET);
	close(in[1]);
}

static void files_are_always_ready(void **state)
{
	char name[] = "/tmp/adit-stream-test.XXXXXX", other[] = "/tmp/adit-stream-test.XXXXXX";
	int in = mkstemp(name), out = mkstemp(other);
	uint8_t buf[1000], back[300000];

	(void)state;
	for (unsigned k = 0; k < 300; k++) {
		for (unsigned i = 0; i < sizeof(buf); i++)
			buf[i] = relay_lab_byte(k * 1000 + i);
		assert_int_equal(write(in, buf, sizeof(buf)), sizeof(buf));
	}
	lseek(in, 0, SEEK_SET);
	lab->server.echo = true;
	assert_int_equal(relay_stream_start_pipe(adit_relay_loop(lab->relay), &stream, in, out, sock, &ops, &end,
						 lab->now), 0);
	assert_true(relay_lab_until(lab, has_ended, NULL));
	assert_int_equal(end.error, 0);
	out = open(other, O_RDONLY);
	assert_int_equal(read(out, back, sizeof(back)), sizeof(back));
	for (unsigned i = 0; i < sizeof(back); i++)
		assert_int_equal(back[i], relay_lab_byte(i));
	close(out);
	unlink(name);
	unlink(other);
}

/* The service on top: 0 and 1 are taken over, and the program is told. */
static void standard_streams_are_served(void **state)
{
	int saved[2] = { dup(0), dup(1) }, pair[2];
	struct lab_client c = { .to_send = 50000, .shutdown = true };
	struct relay_service *s;

	(void)state;
	assert_int_equal(socketpair(AF_UNIX, SOCK_STREAM, 0, pair), 0);
	dup2(pair[0], 0);
	dup2(pair[0], 1);
	close(pair[0]);
	fcntl(pair[1], F_SETFL, O_NONBLOCK);
	c.fd = pair[1];
	lab->server.echo = true;
	s = relay_lab_add(lab, RELAY_STDIO, NULL, "10.9.0.2", 80);
	while (lab->stdio_ended == 1 && lab->now < 1100 * ADIT_SEC) {
		relay_lab_step(lab);
		lab_client_pump(&c);
	}
	dup2(saved[0], 0);
	dup2(saved[1], 1);
	close(saved[0]);
	close(saved[1]);
	assert_non_null(s);
	assert_int_equal(lab->stdio_ended, 0);
	lab_client_pump(&c);
	assert_int_equal(c.got, 50000);
	assert_true(c.eof && !c.bad);
	lab_client_close(&c, false);
	adit_tcp_abort(sock, lab->now); /* of setup */
}

#define lab_test(f) cmocka_unit_test_setup_teardown(f, setup, teardown)

int main(void)
{
	const struct CMUnitTest tests[] = {
		lab_test(early_bytes_and_replies_go_first),
		lab_test(a_socketpair_is_as_good_as_a_connection),
		lab_test(the_steady_state_has_no_epoll_ctl),
		lab_test(an_idle_stream_does_nothing),
		lab_test(a_closed_socketpair_is_gone),
		lab_test(an_aborted_stream_says_nothing),
		lab_test(what_happened_before_is_not_lost),
		lab_test(a_reset_before_is_not_lost),
		cmocka_unit_test_setup_teardown(soft_errors_end_nothing, setup_dial, teardown),
		lab_test(pipes_pass_both_ends_by_themselves),
		lab_test(a_reader_that_is_gone_ends_the_stream),
		lab_test(files_are_always_ready),
		lab_test(standard_streams_are_served),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
