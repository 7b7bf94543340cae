/* SPDX-License-Identifier: ISC */
/*
 * libadit_test.c - what include/adit/adit.h says: two networks in one process talk over the loopback, and one serves
 * the other as its DNS server
 */
#include <stdarg.h>
#include <stddef.h>
#include <setjmp.h>
#include <stdint.h>
#include <cmocka.h>

#include <adit/adit.h>
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <pthread.h>
#include <signal.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <unistd.h>

#include "libadit_lab.h"
#include "support/wiped.h"

/* --- connections ------------------------------------------------------------- */

static void test_streams(void **state)
{
	static const struct {
		const char *network, *host, *peer;
	} ways[] = {
		{ "tcp", "10.77.0.2", "10.77.0.1:" }, { "tcp", "[fd77::2]", "[fd77::1]:" },
		{ "tcp", "two.example", NULL },       { "tcp4", "two.example", "10.77.0.1:" },
		{ "tcp6", "two.example", "[fd77::1]:" },
	};
	char buf[100];

	(void)state;
	for (size_t i = 0; i < sizeof(ways) / sizeof(ways[0]); i++) {
		struct ends e;

		join(&e, ways[i].network, ways[i].host);
		if (ways[i].peer)
			assert_memory_equal(e.peer, ways[i].peer, strlen(ways[i].peer));
		assert_int_equal(fcntl(e.here, F_GETFL) & O_NONBLOCK, 0);
		assert_int_equal(fcntl(e.here, F_GETFD), FD_CLOEXEC);
		assert_int_equal(fcntl(e.there, F_GETFD), FD_CLOEXEC);
		/* the whole question, then an answer after its end */
		assert_int_equal(write(e.here, "question", 8), 8);
		assert_int_equal(shutdown(e.here, SHUT_WR), 0);
		assert_int_equal(read_all(e.there, buf, sizeof(buf)), 8);
		assert_int_equal(write(e.there, "answer", 6), 6);
		assert_int_equal(shutdown(e.there, SHUT_WR), 0);
		assert_int_equal(read_all(e.here, buf, sizeof(buf)), 6);
		part(&e);
	}
}

static void test_reset(void **state)
{
	struct ends e;
	char buf[10];

	(void)state;
	join(&e, "tcp", "10.77.0.2");
	assert_int_equal(write(e.here, "unread", 6), 6);
	assert_int_equal(poll(&(struct pollfd){ .fd = e.there, .events = POLLIN }, 1, LONG), 1);
	close(e.there);
	assert_true(read_all(e.here, buf, sizeof(buf)) <= 0); /* a socket pair tells it as an end */
	assert_int_equal(send(e.here, "more", 4, MSG_NOSIGNAL), -1);
	assert_int_equal(errno, EPIPE);
	adit_listener_close(e.listener);
	close(e.here);
}

static bool connections_fall_to(struct adit *net, unsigned cnt)
{
	struct adit_stats s = { .size = sizeof(s) };

	for (int i = 0; i < LONG / 10; i++) {
		assert_int_equal(adit_stats(net, &s), 0);
		if (s.connections <= cnt)
			return true;
		usleep(10000);
	}
	return false;
}

/* Closed is closed: the far end, which keeps its own, holds nothing of ours. */
static void test_close(void **state)
{
	struct adit_stats s = { .size = sizeof(s) };
	struct ends e;
	char buf[10];

	(void)state;
	assert_int_equal(adit_stats(a, &s), 0);
	join(&e, "tcp", "10.77.0.2");
	assert_int_equal(write(e.here, "all of it", 9), 9);
	close(e.here);
	assert_int_equal(read_all(e.there, buf, sizeof(buf)), 9);
	assert_true(connections_fall_to(a, s.connections));
	close(e.there);
	adit_listener_close(e.listener);
}

static void test_datagrams(void **state)
{
	static const char *const hosts[] = { "10.77.0.2", "[fd77::2]", "two.example" };
	static char big[9000], buf[10000];
	struct ends e;

	(void)state;
	for (size_t i = 0; i < 3; i++) {
		join(&e, "udp", hosts[i]);
		assert_int_equal(recv(e.there, buf, sizeof(buf), 0), 5);
		memset(big, 'b', sizeof(big));
		assert_int_equal(send(e.here, "one", 3, 0), 3);
		assert_int_equal(send(e.here, big, sizeof(big), 0), (ssize_t)sizeof(big));
		assert_int_equal(recv(e.there, buf, sizeof(buf), 0), 3);
		assert_int_equal(recv(e.there, buf, sizeof(buf), 0), (ssize_t)sizeof(big));
		assert_memory_equal(buf, big, sizeof(big));
		assert_int_equal(send(e.there, "two", 3, 0), 3);
		assert_int_equal(recv(e.here, buf, sizeof(buf), 0), 3);
		assert_memory_equal(buf, "two", 3);
		part(&e);
	}
}

/* Signals for a thread, so many or until it wants no more. */
struct nudging {
	pthread_t whom;
	atomic_bool enough;
	unsigned cnt;
};

static void nothing(int sig)
{
	(void)sig;
}

static void *nudge(void *arg)
{
	struct nudging *n = arg;

	for (; n->cnt < LONG / 50 && !atomic_load(&n->enough); n->cnt++) {
		pthread_kill(n->whom, SIGUSR1);
		usleep(50000);
	}
	return NULL;
}

/* A signal does not begin the time anew. */
static void test_interrupted(void **state)
{
	struct sigaction act = { .sa_handler = nothing }, before;
	struct nudging n = { .whom = pthread_self() };
	struct adit_listener *l;
	pthread_t t;

	(void)state;
	assert_int_equal(adit_listen(b, &l, "tcp", ":0"), 0);
	sigaction(SIGUSR1, &act, &before);
	assert_int_equal(pthread_create(&t, NULL, nudge, &n), 0);
	assert_int_equal(adit_accept(l, 200, NULL, 0), -ETIMEDOUT);
	atomic_store(&n.enough, true);
	pthread_join(t, NULL);
	sigaction(SIGUSR1, &before, NULL);
	assert_true(n.cnt < LONG / 50);
	adit_listener_close(l);
}

/* Who was accepted goes on; who comes then is told that nobody is there. */
static void test_closed_listener(void **state)
{
	struct ends e;
	char address[64], buf[10];
	int late;

	(void)state;
	join(&e, "udp", "10.77.0.2");
	snprintf(address, sizeof(address), "10.77.0.2:%u", adit_listener_port(e.listener));
	adit_listener_close(e.listener);
	late = adit_dial(a, "udp", address, LONG);
	assert_true(late >= 0);
	assert_int_equal(send(late, "hello", 5, 0), 5);
	assert_int_equal(poll(&(struct pollfd){ .fd = late, .events = POLLIN }, 1, LONG), 1);
	assert_int_equal(recv(late, buf, sizeof(buf), 0), 0);
	close(late);
	assert_int_equal(recv(e.there, buf, sizeof(buf), 0), 5);
	assert_int_equal(send(e.here, "more", 4, 0), 4);
	assert_int_equal(recv(e.there, buf, sizeof(buf), 0), 4);
	close(e.here);
	close(e.there);
}

/* A name with addresses of both families, in a network that has one. */
static void test_one_family(void **state)
{
	static const char *const networks[] = { "tcp", "udp" };
	char err[256], buf[10];
	struct adit *c;

	(void)state;
	assert_int_equal(open_text(&c, text_c, err, sizeof(err)), 0);
	for (size_t i = 0; i < 2; i++) {
		struct ends e;

		join_from(c, &e, networks[i], "two.example");
		assert_memory_equal(e.peer, "10.77.0.3:", 10);
		assert_int_equal(send(e.there, "ok", 2, 0), 2);
		assert_int_equal(recv(e.here, buf, sizeof(buf), 0), 2);
		part(&e);
	}
	adit_close(c);
}

static void *one_of_many(void *arg)
{
	char buf[16], text[16];
	int fd = adit_dial(a, "tcp", arg, LONG), n = snprintf(text, sizeof(text), "%p", (void *)&fd);

	if (fd < 0 || write(fd, text, (size_t)n) != n || shutdown(fd, SHUT_WR) < 0)
		return (void *)"failed";
	n = read_all(fd, buf, sizeof(buf));
	close(fd);
	return n == (int)strlen(text) && !memcmp(buf, text, (size_t)n) ? NULL : (void *)"other bytes";
}

static void test_many_threads(void **state)
{
	struct adit_listener *l;
	pthread_t t[16];
	char address[64], buf[64];
	void *failed;

	(void)state;
	assert_int_equal(adit_listen(b, &l, "tcp", "10.77.0.2:0"), 0);
	snprintf(address, sizeof(address), "10.77.0.2:%u", adit_listener_port(l));
	for (int i = 0; i < 16; i++)
		assert_int_equal(pthread_create(&t[i], NULL, one_of_many, address), 0);
	for (int i = 0; i < 16; i++) {
		int fd = adit_accept(l, LONG, NULL, 0), n;

		assert_true(fd >= 0);
		n = read_all(fd, buf, sizeof(buf));
		assert_int_equal(write(fd, buf, (size_t)n), n);
		close(fd);
	}
	for (int i = 0; i < 16; i++) {
		assert_int_equal(pthread_join(t[i], &failed), 0);
		assert_null(failed);
	}
	adit_listener_close(l);
}

static void is_reset(int fd)
{
	char c;

	assert_int_equal(poll(&(struct pollfd){ .fd = fd, .events = POLLIN }, 1, LONG), 1);
	assert_true(read(fd, &c, 1) <= 0);
	assert_int_equal(send(fd, "more", 4, MSG_NOSIGNAL), -1);
	assert_int_equal(errno, EPIPE);
}

/* 128 wait to be accepted; who comes then is told that nobody is there, and who still waits in the end. */
static void test_queue(void **state)
{
	struct adit_listener *l;
	char address[64];
	int fd[130];

	(void)state;
	assert_int_equal(adit_listen(b, &l, "tcp", ":0"), 0);
	snprintf(address, sizeof(address), "10.77.0.2:%u", adit_listener_port(l));
	for (int i = 0; i < 130; i++)
		assert_true((fd[i] = adit_dial(a, "tcp", address, LONG)) >= 0);
	is_reset(fd[129]);
	for (int i = 0; i < 64; i++) {
		int there = adit_accept(l, LONG, NULL, 0);

		assert_true(there >= 0);
		close(there);
	}
	adit_listener_close(l);
	for (int i = 64; i < 128; i++)
		is_reset(fd[i]);
	for (int i = 0; i < 130; i++)
		close(fd[i]);
}

static void test_names(void **state)
{
	char found[4][ADIT_ADDRESS_LEN];

	(void)state;
	assert_int_equal(adit_lookup(a, "two.example", found, 4, LONG), 2);
	assert_true(!strcmp(found[0], "10.77.0.2") || !strcmp(found[1], "10.77.0.2"));
	assert_true(!strcmp(found[0], "fd77::2") || !strcmp(found[1], "fd77::2"));
	assert_int_equal(adit_lookup(a, "two.example", found, 1, LONG), 1);
	assert_int_equal(adit_lookup(a, "none.example", found, 4, LONG), -ENOENT);
	assert_int_equal(adit_dial(a, "tcp", "none.example:1", LONG), -ENOENT);
	assert_int_equal(adit_lookup(a, "silent.example", found, 4, 50), -ETIMEDOUT);
	assert_int_equal(adit_dial(a, "tcp", "silent.example:1", 50), -ETIMEDOUT);
}

/* --- what goes wrong --------------------------------------------------------- */

static void test_errors(void **state)
{
	static const char *const no_address[] = { "10.77.0.2", ":80", "10.77.0.2:0", "fd77::2:80", "10.77.0.2:99999", "[fd77::2:80",
						  "10.77.0.2:8x", "", NULL };
	struct adit_listener *l = NULL, *same = NULL;
	char address[64];

	(void)state;
	assert_int_equal(adit_dial(a, "tcp", "10.77.0.2:1", LONG), -ECONNREFUSED);
	assert_int_equal(adit_dial(a, "tcp", "[fd77::2]:1", LONG), -ECONNREFUSED);
	assert_int_equal(adit_dial(a, "tcp", "10.99.0.1:1", LONG), -EHOSTUNREACH);
	assert_int_equal(adit_dial(a, "tcp", "10.78.0.1:1", 50), -ETIMEDOUT);
	assert_int_equal(adit_dial(a, "tcp4", "[fd77::2]:1", LONG), -ENOENT);
	for (size_t i = 0; i < sizeof(no_address) / sizeof(no_address[0]); i++)
		assert_int_equal(adit_dial(a, "tcp", no_address[i], LONG), -EINVAL);
	assert_int_equal(adit_dial(a, "sctp", "10.77.0.2:1", LONG), -EINVAL);
	assert_int_equal(adit_dial(a, "tcp46", "10.77.0.2:1", LONG), -EINVAL);
	assert_int_equal(adit_dial(NULL, "tcp", "10.77.0.2:1", LONG), -EINVAL);
	assert_int_equal(adit_lookup(a, NULL, NULL, 0, LONG), -EINVAL);
	assert_int_equal(adit_listen(b, &l, "tcp", "two.example:1"), -EINVAL);
	assert_int_equal(adit_listen(b, &l, "tcp", "10.77.0.3:1"), -EADDRNOTAVAIL);
	assert_null(l);
	assert_int_equal(adit_listen(b, &l, "tcp", ":7"), 0);
	assert_int_equal(adit_listen(b, &same, "tcp", ":7"), -EADDRINUSE);
	assert_int_equal(adit_accept(l, 0, NULL, 0), -ETIMEDOUT);
	assert_int_equal(adit_accept(l, 20, NULL, 0), -ETIMEDOUT);
	adit_listener_close(l);
	adit_listener_close(NULL);
	/* families of a listener */
	assert_int_equal(adit_listen(b, &l, "tcp6", ":0"), 0);
	snprintf(address, sizeof(address), "10.77.0.2:%u", adit_listener_port(l));
	assert_int_equal(adit_dial(a, "tcp", address, LONG), -ECONNREFUSED);
	adit_listener_close(l);
	assert_int_equal(adit_listen(b, &l, "tcp4", ":0"), 0);
	snprintf(address, sizeof(address), "[fd77::2]:%u", adit_listener_port(l));
	assert_int_equal(adit_dial(a, "tcp", address, LONG), -ECONNREFUSED);
	adit_listener_close(l);
}

static void test_configurations(void **state)
{
	struct adit_options o = { .size = sizeof(o), .config_text = "[Interface]\nMTU = 12\n[Peer]\n" };
	char err[512], stdio[1200];
	struct adit *net = (struct adit *)&o;

	(void)state;
	/* one line a fault, with its place */
	assert_int_equal(adit_open(&net, &o, err, sizeof(err)), -EINVAL);
	assert_ptr_equal(net, &o);
	assert_int_equal(strncmp(err, "configuration:2:7: MTU: 12 is too small", 39), 0);
	assert_non_null(strstr(err, "\nconfiguration:3:2: [Peer]: has no PublicKey"));
	assert_int_equal(adit_open(&net, &o, err, 10), -EINVAL);
	assert_string_equal(err, "configura");
	assert_int_equal(adit_open(&net, &o, NULL, 0), -EINVAL);
	o.config_text = NULL;
	o.config_file = "/nonexistent/x.conf";
	assert_int_equal(adit_open(&net, &o, err, sizeof(err)), -ENOENT);
	assert_string_equal(err, "/nonexistent/x.conf:1:1: No such file or directory");
	/* both, neither, a structure of another version, a ceiling that is none */
	o.config_text = text_a;
	assert_int_equal(adit_open(&net, &o, NULL, 0), -EINVAL);
	o.config_file = o.config_text = NULL;
	assert_int_equal(adit_open(&net, &o, NULL, 0), -EINVAL);
	o.config_text = text_a;
	o.size--;
	assert_int_equal(adit_open(&net, &o, NULL, 0), -EINVAL);
	o.size++;
	o.memory_mib = 17;
	assert_int_equal(adit_open(&net, &o, err, sizeof(err)), -EINVAL);
	assert_non_null(strstr(err, "16, 64 or 256"));
	o.memory_mib = 0;
	/* standard input and output are the program's */
	snprintf(stdio, sizeof(stdio), "%s[STDIOTunnel]\nTarget = 10.77.0.2:1\n", text_a);
	o.config_text = stdio;
	assert_int_equal(adit_open(&net, &o, err, sizeof(err)), -EINVAL);
	assert_non_null(strstr(err, "STDIOTunnel"));
	assert_ptr_equal(net, &o);
}

/* --- what it leaves alone ------------------------------------------------------ */

static unsigned entries(const char *path)
{
	DIR *d = opendir(path);
	unsigned n = 0;

	assert_non_null(d);
	while (readdir(d))
		n++;
	closedir(d);
	return n;
}

static unsigned long long blocked_by(const char *tid)
{
	unsigned long long set = 0;
	char path[300], line[200];
	FILE *f;

	snprintf(path, sizeof(path), "/proc/self/task/%s/status", tid);
	f = fopen(path, "re");
	while (f && fgets(line, sizeof(line), f) && sscanf(line, "SigBlk: %llx", &set) != 1)
		;
	if (f)
		fclose(f);
	return set;
}

/* Threads that block every signal a program may want: the library's. */
static unsigned deaf_threads(void)
{
	DIR *d = opendir("/proc/self/task");
	struct dirent *e;
	unsigned n = 0;

	while ((e = readdir(d))) {
		unsigned long long all = 0, set = e->d_name[0] == '.' ? 0 : blocked_by(e->d_name);

		for (int s = 1; s < 32; s++)
			all |= s == SIGKILL || s == SIGSTOP ? 0 : 1ULL << (s - 1);
		n += (set & all) == all;
	}
	closedir(d);
	return n;
}

static void take_actions(struct sigaction act[65], sigset_t *mask)
{
	for (int s = 1; s < 65; s++)
		if (sigaction(s, NULL, &act[s]) < 0)
			memset(&act[s], 0, sizeof(act[s]));
	pthread_sigmask(SIG_SETMASK, NULL, mask);
}

static void same_actions(const struct sigaction *x, const struct sigaction *y)
{
	for (int s = 1; s < 65; s++) {
		assert_ptr_equal(x[s].sa_handler, y[s].sa_handler);
		assert_int_equal(x[s].sa_flags, y[s].sa_flags);
	}
}

/* What the library closes a moment later is closed in the end. */
static bool falls_to(const char *path, unsigned n)
{
	for (int i = 0; i < 500 && entries(path) > n; i++)
		usleep(10000);
	return entries(path) <= n;
}

/* Two more networks, that end with something of everything left. */
static void leave_work(int fd[2])
{
	struct adit_listener *l, *names;
	struct adit *net, *other;
	char text[1024], err[256], *p;
	unsigned port = free_port();

	snprintf(text, sizeof(text), "%s", text_b);
	p = strstr(text, "ListenPort = ");
	snprintf(p, sizeof(text) - (size_t)(p - text), "ListenPort = %u\n%s", port, strstr(text_b, "[Peer]"));
	assert_int_equal(open_text(&other, text, err, sizeof(err)), 0);
	snprintf(text, sizeof(text), "%s", text_a);
	p = strstr(text, "127.0.0.1:");
	snprintf(p, sizeof(text) - (size_t)(p - text), "127.0.0.1:%u\nAllowedIPs = 10.77.0.0/24\n" SILENT, port);
	assert_int_equal(open_text(&net, text, err, sizeof(err)), 0);
	assert_true(deaf_threads() >= 8); /* two each, of four networks */
	assert_int_equal(adit_listen(other, &l, "tcp", ":7"), 0);
	assert_int_equal(adit_listen(other, &names, "udp", ":53"), 0);
	fd[0] = adit_dial(net, "tcp", "10.77.0.2:7", LONG);
	assert_int_equal(poll(&(struct pollfd){ .fd = adit_listener_fd(l), .events = POLLIN }, 1, LONG), 1); /* nobody accepts */
	fd[1] = adit_dial(net, "udp", "10.77.0.2:9", LONG);
	assert_true(fd[0] >= 0 && fd[1] >= 0);
	assert_int_equal(write(fd[0], "on its way", 10), 10);
	for (int i = 0; i < 8; i++)
		assert_int_equal(adit_dial(net, "tcp", "10.78.0.1:1", 10), -ETIMEDOUT);
	assert_int_equal(adit_lookup(net, "silent.example", NULL, 0, 20), -ETIMEDOUT);
	adit_close(net);
	adit_close(other);
}

static void test_nothing_is_left(void **state)
{
	struct sigaction before[65], after[65];
	sigset_t mask, same;
	unsigned threads, fds;
	char c;

	(void)state;
	take_actions(before, &mask);
	threads = entries("/proc/self/task");
	fds = entries("/proc/self/fd");
	for (int round = 0; round < 3; round++) {
		int fd[2];

		wiped_start(0);
		leave_work(fd);
		/* descriptors stay the program's, and tell of the end */
		assert_true(read(fd[0], &c, 1) <= 0);
		assert_true(read(fd[1], &c, 1) <= 0);
		close(fd[0]);
		close(fd[1]);
		assert_int_equal(wiped.leaked, 0);
		assert_true(wiped.blocks <= 4); /* a dial of which nothing was freed has three */
	}
	take_actions(after, &same);
	same_actions(before, after);
	assert_memory_equal(&mask, &same, sizeof(mask));
	assert_true(falls_to("/proc/self/task", threads));
	assert_true(falls_to("/proc/self/fd", fds));
	adit_close(NULL);
}

static void test_it_prints_nothing(void **state)
{
	int file = memfd_create("said", MFD_CLOEXEC), out = dup(1), err = dup(2);
	struct adit *net;

	fflush(NULL);
	dup2(file, 1);
	dup2(file, 2);
	test_configurations(state);
	open_text(&net, "x", NULL, 0);
	adit_dial(a, "tcp", "10.77.0.2:1", LONG);
	adit_dial(a, "tcp", "none.example:1", LONG);
	fflush(NULL);
	dup2(out, 1);
	dup2(err, 2);
	close(out);
	close(err);
	assert_int_equal(lseek(file, 0, SEEK_END), 0);
	close(file);
}

/* --- what it tells --------------------------------------------------------------- */

static void test_figures(void **state)
{
	struct adit_stats before = { .size = sizeof(before) }, s = before;
	struct ends e;

	(void)state;
	assert_int_equal(adit_stats(a, &before), 0);
	join(&e, "tcp", "10.77.0.2");
	assert_int_equal(write(e.here, "0123456789", 10), 10);
	assert_int_equal(poll(&(struct pollfd){ .fd = e.there, .events = POLLIN }, 1, LONG), 1);
	assert_int_equal(adit_stats(a, &s), 0);
	assert_int_equal(s.size, sizeof(s));
	assert_true(s.tx_bytes > before.tx_bytes + 10 && s.rx_bytes > before.rx_bytes);
	assert_true(s.tx_packets > before.tx_packets && s.rx_packets > before.rx_packets);
	assert_true(s.handshake_age_ms >= 0 && s.handshake_age_ms < 180000);
	assert_int_equal(s.peers, 2);
	assert_int_equal(s.connections, before.connections + 1);
	part(&e);
	s.size--;
	assert_int_equal(adit_stats(a, &s), -EINVAL);
	assert_int_equal(adit_stats(NULL, &before), -EINVAL);
	assert_string_equal(adit_version(), ADIT_VERSION);
}

/* A network that is open moves packets: what comes first waits for its session and is not sent again. */
static void test_first_packet(void **state)
{
	struct sockaddr_in at = { .sin_family = AF_INET, .sin_addr.s_addr = htonl(INADDR_LOOPBACK) };
	int mute = socket(AF_INET, SOCK_DGRAM | SOCK_CLOEXEC, 0);
	struct adit_stats s = { .size = sizeof(s) };
	socklen_t len = sizeof(at);
	char text[512];
	struct adit *net;

	(void)state;
	assert_int_equal(bind(mute, (struct sockaddr *)&at, sizeof(at)), 0);
	assert_int_equal(getsockname(mute, (struct sockaddr *)&at, &len), 0);
	snprintf(text, sizeof(text), "[Interface]\nPrivateKey = %s\nAddress = 10.78.0.2\n[Peer]\nPublicKey = " KEY_B
		 "\nEndpoint = 127.0.0.1:%u\nAllowedIPs = 10.78.0.0/24\n", KEY_A, ntohs(at.sin_port));
	for (int i = 0; i < 20; i++) {
		assert_int_equal(open_text(&net, text, NULL, 0), 0);
		assert_int_equal(adit_dial(net, "tcp", "10.78.0.1:1", 1), -ETIMEDOUT);
		assert_int_equal(adit_stats(net, &s), 0);
		assert_int_equal(s.dropped, 0);
		adit_close(net);
	}
	close(mute);
}

static void test_capture(void **state)
{
	static const uint8_t magic[] = { 0x0a, 0x0d, 0x0d, 0x0a };
	static uint8_t data[1 << 20];
	struct stat st;
	ssize_t n = 0;
	int fd;

	(void)state;
	/* what is written a moment later is there once more comes */
	for (int i = 0; i < 100 && !memmem(data, (size_t)n, "of that file", 12); i++) {
		struct ends e;

		join(&e, "tcp", "10.77.0.2");
		assert_int_equal(write(e.here, "of that file", 12), 12);
		part(&e);
		fd = open(capture, O_RDONLY | O_CLOEXEC);
		assert_true(fd >= 0);
		n = read(fd, data, sizeof(data));
		close(fd);
		usleep(20000);
	}
	assert_memory_equal(data, magic, sizeof(magic));
	assert_non_null(memmem(data, (size_t)n, "of that file", 12));
	assert_int_equal(stat(capture, &st), 0);
	assert_int_equal(st.st_mode & 07777, 0600);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_streams),        cmocka_unit_test(test_reset),
		cmocka_unit_test(test_close),          cmocka_unit_test(test_closed_listener),
		cmocka_unit_test(test_interrupted),    cmocka_unit_test(test_one_family),
		cmocka_unit_test(test_datagrams),      cmocka_unit_test(test_many_threads),
		cmocka_unit_test(test_queue),
		cmocka_unit_test(test_names),          cmocka_unit_test(test_errors),
		cmocka_unit_test(test_configurations), cmocka_unit_test(test_nothing_is_left),
		cmocka_unit_test(test_it_prints_nothing), cmocka_unit_test(test_figures),
		cmocka_unit_test(test_first_packet),   cmocka_unit_test(test_capture),
	};

	return cmocka_run_group_tests(tests, open_both, close_both);
}
