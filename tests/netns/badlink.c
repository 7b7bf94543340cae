/* SPDX-License-Identifier: ISC */
/*
 * badlink.c - a bad link between two WireGuard endpoints: a UDP relay
 *
 *	badlink LISTEN FORWARD [OPTION...]      LISTEN, FORWARD: 192.0.2.1:51820
 *
 * Who sends to LISTEN is the client; its datagrams go on to FORWARD ("up") and
 * answers back to it ("down"). Each direction is a link of its own with the
 * same properties and its own random numbers, drawn in the order of arrival,
 * so that a seed harms the same packets each time:
 *
 *	--delay MS            one way            --jitter MS   evenly spread, keeps order
 *	--rate MBIT           of each direction  --queue KB    behind the rate (default 100 ms of it, at least 64)
 *	--loss PERCENT        independent        --burst PERCENT,LENGTH   in bursts, on average
 *	--reorder PERCENT     these come later by --late MS (default a quarter of the delay, at least 0.3)
 *	--duplicate PERCENT   --corrupt PERCENT (one bit)   --mtu BYTES (what is larger is lost)
 *	--seed N              --direction up|down   only there (delay, rate and MTU: both)
 *	--handshakes          harms handshake messages too; only data messages otherwise
 *
 * SIGUSR1 gives the link a new source port towards FORWARD, as a NAT does that
 * forgot. SIGTERM, SIGINT: ends, and prints what it did as JSON. It says
 * "ready" on standard error when it listens.
 */
#include <arpa/inet.h>
#include <errno.h>
#include <netinet/in.h>
#include <signal.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <time.h>
#include <unistd.h>

enum { SLOTS = 65536, SLOT = 2048, BATCH = 64, UP = 0, DOWN = 1 };

#define MSEC INT64_C(1000000)
#define SEC  INT64_C(1000000000)

struct options {
	int64_t delay, jitter, late;
	double rate; /* bits a nanosecond; 0 = no limit */
	uint64_t queue;
	double loss, burst, burst_len, reorder, duplicate, corrupt; /* 0..1 */
	unsigned mtu;
	uint64_t seed;
	bool harm[2], handshakes;
};

struct counters {
	uint64_t received, received_bytes, sent, sent_bytes;
	uint64_t lost, burst_lost, queue_full, oversize, dropped_bytes;
	uint64_t duplicated, reordered, corrupted, refused, overrun;
	uint64_t queue_bytes_max;
};

struct entry {
	int64_t due;
	uint64_t order; /* ties leave in the order they came */
	uint32_t slot, len;
};

struct way {
	struct entry heap[SLOTS];
	unsigned cnt;
	uint32_t free_slot[SLOTS];
	unsigned free_cnt;
	uint8_t *memory;
	uint64_t order, random;
	int64_t free_at;  /* when the rate lets the next one go */
	int64_t last_due; /* jitter does not reorder */
	bool bad;         /* in a burst */
	struct counters n;
};

static struct options opt = { .seed = 1, .harm = { true, true } };
static struct way ways[2];
static int fds[2]; /* [0] where the client is, [1] towards FORWARD */
static struct sockaddr_storage client, forward_to;
static socklen_t client_len, forward_len;
static volatile sig_atomic_t ended, rebind_asked;
static unsigned rebinds;

static _Noreturn void die(const char *what)
{
	fprintf(stderr, "badlink: %s: %s\n", what, strerror(errno));
	exit(1);
}

static int64_t now_ns(void)
{
	struct timespec ts;

	clock_gettime(CLOCK_MONOTONIC, &ts);
	return ts.tv_sec * SEC + ts.tv_nsec;
}

/* splitmix64: good enough, and the same everywhere */
static uint64_t draw(struct way *w)
{
	uint64_t z = w->random += UINT64_C(0x9e3779b97f4a7c15);

	z = (z ^ z >> 30) * UINT64_C(0xbf58476d1ce4e5b9);
	z = (z ^ z >> 27) * UINT64_C(0x94d049bb133111eb);
	return z ^ z >> 31;
}

static double draw01(struct way *w)
{
	return (double)(draw(w) >> 11) / (double)(UINT64_C(1) << 53);
}

/* --- the queue of one direction ------------------------------------------- */

static bool before(const struct entry *a, const struct entry *b)
{
	return a->due != b->due ? a->due < b->due : a->order < b->order;
}

static void heap_add(struct way *w, struct entry e)
{
	unsigned i = w->cnt++;

	while (i && before(&e, &w->heap[(i - 1) / 2])) {
		w->heap[i] = w->heap[(i - 1) / 2];
		i = (i - 1) / 2;
	}
	w->heap[i] = e;
}

static struct entry heap_take(struct way *w)
{
	struct entry first = w->heap[0], last = w->heap[--w->cnt];
	unsigned i = 0, child;

	while ((child = 2 * i + 1) < w->cnt) {
		if (child + 1 < w->cnt && before(&w->heap[child + 1], &w->heap[child]))
			child++;
		if (!before(&w->heap[child], &last))
			break;
		w->heap[i] = w->heap[child];
		i = child;
	}
	w->heap[i] = last;
	return first;
}

static void enqueue(struct way *w, const uint8_t *p, size_t len, int64_t due)
{
	uint32_t slot;

	if (!w->free_cnt) {
		w->n.queue_full++;
		w->n.dropped_bytes += len;
		return;
	}
	slot = w->free_slot[--w->free_cnt];
	memcpy(w->memory + (size_t)slot * SLOT, p, len);
	heap_add(w, (struct entry){ .due = due, .order = w->order++, .slot = slot, .len = (uint32_t)len });
}

/* --- harm ----------------------------------------------------------------- */

static bool in_burst(struct way *w)
{
	double enter = opt.burst / (opt.burst_len * (1 - opt.burst));

	w->bad = w->bad ? draw01(w) >= 1 / opt.burst_len : draw01(w) < enter;
	return w->bad;
}

static bool is_lost(struct way *w, size_t len)
{
	if (opt.loss > 0 && draw01(w) < opt.loss)
		w->n.lost++;
	else if (opt.burst > 0 && in_burst(w))
		w->n.burst_lost++;
	else
		return false;
	w->n.dropped_bytes += len;
	return true;
}

/* When it has passed the rate; -1: the queue behind it is full. */
static int64_t pass_rate(struct way *w, size_t len, int64_t now)
{
	double wire = (double)(len + 28) * 8; /* with its IP and UDP header */
	uint64_t waiting;

	if (opt.rate <= 0)
		return now;
	if (w->free_at < now)
		w->free_at = now;
	waiting = (uint64_t)((double)(w->free_at - now) * opt.rate / 8);
	if (waiting + len > opt.queue) {
		w->n.queue_full++;
		w->n.dropped_bytes += len;
		return -1;
	}
	if (waiting > w->n.queue_bytes_max)
		w->n.queue_bytes_max = waiting;
	w->free_at += (int64_t)(wire / opt.rate);
	return w->free_at;
}

static void arrive(struct way *w, uint8_t *p, size_t len, bool harm, int64_t now)
{
	int64_t due;
	bool twice;

	w->n.received++;
	w->n.received_bytes += len;
	if (opt.mtu && len + 28 > opt.mtu) {
		w->n.oversize++;
		w->n.dropped_bytes += len;
		return;
	}
	harm = harm && (opt.handshakes || p[0] == 4);
	if (harm && is_lost(w, len))
		return;
	if (harm && opt.corrupt > 0 && draw01(w) < opt.corrupt) {
		p[draw(w) % len] ^= (uint8_t)(1u << draw(w) % 8);
		w->n.corrupted++;
	}
	twice = harm && opt.duplicate > 0 && draw01(w) < opt.duplicate;
	due = pass_rate(w, len, now);
	if (due < 0)
		return;
	due += opt.delay + (opt.jitter ? (int64_t)(draw01(w) * (double)opt.jitter) : 0);
	if (harm && opt.reorder > 0 && draw01(w) < opt.reorder) {
		w->n.reordered++;
		due += opt.late;
	} else {
		if (due < w->last_due)
			due = w->last_due;
		w->last_due = due;
	}
	enqueue(w, p, len, due);
	if (twice) {
		w->n.duplicated++;
		enqueue(w, p, len, due);
	}
}

/* --- sockets -------------------------------------------------------------- */

static void note_overrun(struct way *w, struct msghdr *h)
{
	struct cmsghdr *c;
	uint32_t n;

	for (c = CMSG_FIRSTHDR(h); c; c = CMSG_NXTHDR(h, c))
		if (c->cmsg_level == SOL_SOCKET && c->cmsg_type == SO_RXQ_OVFL) {
			memcpy(&n, CMSG_DATA(c), sizeof(n));
			w->n.overrun = n;
		}
}

/* Returns whether there may be more. */
static bool receive(unsigned d, int64_t now)
{
	static uint8_t data[BATCH][SLOT];
	static struct sockaddr_storage from[BATCH];
	static char control[BATCH][64];
	struct mmsghdr m[BATCH];
	struct iovec iov[BATCH];
	int n;

	for (int i = 0; i < BATCH; i++) {
		iov[i] = (struct iovec){ data[i], SLOT };
		m[i].msg_hdr = (struct msghdr){
			.msg_name = &from[i], .msg_namelen = sizeof(from[i]), .msg_iov = &iov[i], .msg_iovlen = 1,
			.msg_control = control[i], .msg_controllen = sizeof(control[i]),
		};
	}
	n = recvmmsg(fds[d], m, BATCH, MSG_DONTWAIT, NULL);
	for (int i = 0; i < n; i++) {
		note_overrun(&ways[d], &m[i].msg_hdr);
		if (!m[i].msg_len)
			continue;
		if (d == UP && (m[i].msg_hdr.msg_namelen != client_len || memcmp(&client, &from[i], client_len))) {
			client_len = m[i].msg_hdr.msg_namelen;
			memcpy(&client, &from[i], client_len);
		}
		arrive(&ways[d], data[i], m[i].msg_len, opt.harm[d], now);
	}
	return n == BATCH;
}

static unsigned take_due(struct way *w, struct mmsghdr *m, struct iovec *iov, uint32_t *slots, unsigned d, int64_t now)
{
	unsigned n = 0;

	while (n < BATCH && w->cnt && w->heap[0].due <= now) {
		struct entry e = heap_take(w);

		slots[n] = e.slot;
		iov[n] = (struct iovec){ w->memory + (size_t)e.slot * SLOT, e.len };
		m[n].msg_hdr = (struct msghdr){ .msg_iov = &iov[n], .msg_iovlen = 1 };
		if (d == DOWN) {
			m[n].msg_hdr.msg_name = &client;
			m[n].msg_hdr.msg_namelen = client_len;
		}
		n++;
	}
	return n;
}

static bool transmit(unsigned d, int64_t now)
{
	struct way *w = &ways[d];
	struct mmsghdr m[BATCH];
	struct iovec iov[BATCH];
	uint32_t slots[BATCH];
	unsigned n = take_due(w, m, iov, slots, d, now), done = 0;

	while (done < n) {
		int r = sendmmsg(fds[!d], m + done, n - done, 0);

		for (int i = 0; i < (r > 0 ? r : 0); i++) {
			w->n.sent++;
			w->n.sent_bytes += m[done + (unsigned)i].msg_len;
		}
		if (r <= 0) {
			w->n.refused++; /* nobody there yet, or an ICMP error of an earlier one */
			r = 1;
		}
		done += (unsigned)r;
	}
	for (unsigned i = 0; i < n; i++)
		w->free_slot[w->free_cnt++] = slots[i];
	return n == BATCH;
}

static int open_socket(int family)
{
	const int big = 16 << 20, one = 1;
	int fd = socket(family, SOCK_DGRAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);

	if (fd < 0)
		die("socket");
	/* Without the right to force it, what the limit allows. */
	if (setsockopt(fd, SOL_SOCKET, SO_RCVBUFFORCE, &big, sizeof(big)) < 0)
		setsockopt(fd, SOL_SOCKET, SO_RCVBUF, &big, sizeof(big));
	if (setsockopt(fd, SOL_SOCKET, SO_SNDBUFFORCE, &big, sizeof(big)) < 0)
		setsockopt(fd, SOL_SOCKET, SO_SNDBUF, &big, sizeof(big));
	setsockopt(fd, SOL_SOCKET, SO_RXQ_OVFL, &one, sizeof(one));
	return fd;
}

static void watch(int epoll, unsigned d)
{
	struct epoll_event e = { .events = EPOLLIN, .data.u32 = d };

	if (epoll_ctl(epoll, EPOLL_CTL_ADD, fds[d], &e) < 0)
		die("epoll_ctl");
}

static void connect_out(int epoll)
{
	if (fds[1] >= 0)
		close(fds[1]);
	fds[1] = open_socket(forward_to.ss_family);
	if (connect(fds[1], (struct sockaddr *)&forward_to, forward_len) < 0)
		die("connect");
	watch(epoll, 1);
}

/* --- options -------------------------------------------------------------- */

static void read_address(const char *text, struct sockaddr_storage *ret, socklen_t *len)
{
	struct sockaddr_in *in = (struct sockaddr_in *)ret;
	struct sockaddr_in6 *in6 = (struct sockaddr_in6 *)ret;
	char host[64];
	const char *colon = strrchr(text, ':');
	size_t n;

	memset(ret, 0, sizeof(*ret));
	if (!colon || (size_t)(colon - text) >= sizeof(host)) {
		errno = EINVAL;
		die(text);
	}
	n = (size_t)(colon - text);
	memcpy(host, text, n);
	host[n] = '\0';
	if (host[0] == '[') {
		host[n - 1] = '\0';
		in6->sin6_family = AF_INET6;
		in6->sin6_port = htons((uint16_t)atoi(colon + 1));
		*len = sizeof(*in6);
		if (inet_pton(AF_INET6, host + 1, &in6->sin6_addr) == 1)
			return;
	} else {
		in->sin_family = AF_INET;
		in->sin_port = htons((uint16_t)atoi(colon + 1));
		*len = sizeof(*in);
		if (inet_pton(AF_INET, host, &in->sin_addr) == 1)
			return;
	}
	errno = EINVAL;
	die(text);
}

static bool read_option(const char *name, const char *value)
{
	const struct {
		const char *name;
		double *fraction;
		int64_t *time;
	} table[] = {
		{ "--delay", NULL, &opt.delay },         { "--jitter", NULL, &opt.jitter },
		{ "--late", NULL, &opt.late },           { "--loss", &opt.loss, NULL },
		{ "--reorder", &opt.reorder, NULL },     { "--duplicate", &opt.duplicate, NULL },
		{ "--corrupt", &opt.corrupt, NULL },
	};
	double v = strtod(value, NULL);

	for (size_t i = 0; i < sizeof(table) / sizeof(table[0]); i++) {
		if (strcmp(name, table[i].name))
			continue;
		if (table[i].fraction)
			*table[i].fraction = v / 100;
		else
			*table[i].time = (int64_t)(v * (double)MSEC);
		return true;
	}
	if (!strcmp(name, "--rate"))
		opt.rate = v / 1000;
	else if (!strcmp(name, "--queue"))
		opt.queue = (uint64_t)(v * 1000);
	else if (!strcmp(name, "--mtu"))
		opt.mtu = (unsigned)v;
	else if (!strcmp(name, "--seed"))
		opt.seed = strtoull(value, NULL, 0);
	else if (!strcmp(name, "--burst") && sscanf(value, "%lf,%lf", &opt.burst, &opt.burst_len) == 2)
		opt.burst /= 100;
	else if (!strcmp(name, "--direction"))
		opt.harm[!strcmp(value, "up") ? DOWN : UP] = false;
	else
		return false;
	return true;
}

static void read_options(int argc, char **argv)
{
	if (argc < 3) {
		fprintf(stderr, "usage: badlink LISTEN FORWARD [OPTION...]\n");
		exit(2);
	}
	for (int i = 3; i < argc; i++) {
		if (!strcmp(argv[i], "--handshakes")) {
			opt.handshakes = true;
			continue;
		}
		if (i + 1 == argc || !read_option(argv[i], argv[i + 1])) {
			fprintf(stderr, "badlink: what is %s?\n", argv[i]);
			exit(2);
		}
		i++;
	}
	if (!opt.queue)
		opt.queue = (uint64_t)(opt.rate * 100 * (double)MSEC / 8);
	if (opt.queue < 64000)
		opt.queue = 64000;
	if (!opt.late)
		opt.late = opt.delay / 4 > 300000 ? opt.delay / 4 : 300000;
}

/* --- main ----------------------------------------------------------------- */

static void on_signal(int sig)
{
	if (sig == SIGUSR1)
		rebind_asked = 1;
	else
		ended = 1;
}

static void print_way(const char *name, const struct counters *n)
{
	printf("\"%s\": {\"received\": %lu, \"received_bytes\": %lu, \"sent\": %lu, \"sent_bytes\": %lu, \"lost\": %lu, "
	       "\"burst_lost\": %lu, \"queue_full\": %lu, \"oversize\": %lu, \"dropped_bytes\": %lu, \"duplicated\": %lu, "
	       "\"reordered\": %lu, \"corrupted\": %lu, \"refused\": %lu, \"overrun\": %lu, \"queue_bytes_max\": %lu}",
	       name, n->received, n->received_bytes, n->sent, n->sent_bytes, n->lost, n->burst_lost, n->queue_full,
	       n->oversize, n->dropped_bytes, n->duplicated, n->reordered, n->corrupted, n->refused, n->overrun,
	       n->queue_bytes_max);
}

static void print_result(void)
{
	printf("{");
	print_way("up", &ways[UP].n);
	printf(", ");
	print_way("down", &ways[DOWN].n);
	printf(", \"rebinds\": %u, \"seed\": %lu}\n", rebinds, opt.seed);
}

/* Signals come in only here. */
static void sleep_until_due(int epoll, const sigset_t *mask, bool busy)
{
	struct epoll_event e[2];
	int64_t due = INT64_MAX, left;
	struct timespec ts, *wait = NULL;

	for (unsigned d = 0; d < 2; d++)
		if (ways[d].cnt && ways[d].heap[0].due < due)
			due = ways[d].heap[0].due;
	if (due != INT64_MAX || busy) {
		left = busy ? 0 : due - now_ns();
		if (left < 0)
			left = 0;
		ts = (struct timespec){ left / SEC, left % SEC };
		wait = &ts;
	}
	syscall(SYS_epoll_pwait2, epoll, e, 2, wait, mask, 8);
}

static void set_up(struct way *w, unsigned d)
{
	w->memory = mmap(NULL, (size_t)SLOTS * SLOT, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE,
			 -1, 0);
	if (w->memory == MAP_FAILED)
		die("mmap");
	/* the last one freed is used next: little memory is touched */
	for (uint32_t i = 0; i < SLOTS; i++)
		w->free_slot[i] = SLOTS - 1 - i;
	w->free_cnt = SLOTS;
	w->random = opt.seed * 2 + d;
}

int main(int argc, char **argv)
{
	const struct sigaction sa = { .sa_handler = on_signal };
	const int signals[] = { SIGTERM, SIGINT, SIGUSR1 };
	struct sockaddr_storage at;
	socklen_t at_len;
	sigset_t blocked, open_mask;
	int epoll = epoll_create1(EPOLL_CLOEXEC);
	unsigned turns = 0;

	read_options(argc, argv);
	prctl(PR_SET_TIMERSLACK, 1000, 0, 0, 0);
	sigemptyset(&blocked);
	for (size_t i = 0; i < 3; i++) {
		sigaddset(&blocked, signals[i]);
		sigaction(signals[i], &sa, NULL);
	}
	sigprocmask(SIG_BLOCK, &blocked, &open_mask);
	read_address(argv[1], &at, &at_len);
	read_address(argv[2], &forward_to, &forward_len);
	fds[0] = open_socket(at.ss_family);
	fds[1] = -1;
	if (bind(fds[0], (struct sockaddr *)&at, at_len) < 0)
		die(argv[1]);
	watch(epoll, 0);
	connect_out(epoll);
	for (unsigned d = 0; d < 2; d++)
		set_up(&ways[d], d);
	fprintf(stderr, "ready\n");
	while (!ended) {
		bool more = false;

		for (unsigned d = 0; d < 2; d++) {
			more |= receive(d, now_ns());
			more |= transmit(d, now_ns());
		}
		if (rebind_asked) {
			rebind_asked = 0;
			rebinds++;
			connect_out(epoll);
		}
		if (!more || ++turns % 64 == 0)
			sleep_until_due(epoll, &open_mask, more);
	}
	print_result();
	return 0;
}
