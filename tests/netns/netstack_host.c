/* SPDX-License-Identifier: ISC */
/*
 * netstack_host.c - our TCP/IP stack behind a TUN device, told on stdin what to do
 *
 *   netstack_host TUN OFFLOADS MTU wan|local ADDRESS...
 *
 *   listen PORT [paused]    connections are accepted; paused: not read from
 *   refuse PORT ERRNO       they are refused (ECONNREFUSED, EHOSTUNREACH, 0 = silence)
 *   connect ID ADDRESS PORT
 *   send ID BYTES           of a pattern; hashed
 *   echo ID                 what comes goes back
 *   shutdown|close|abort|pause|resume|info ID
 *   mtu BYTES
 *   link DELAY_MS LOSS REORDER MARK   of both directions from now on; the last three in 1/1000
 *   stats
 *
 * Says on stdout: "listening PORT", "accept ID PORT", "ID connected", "ID sent BYTES SHA256" (acknowledged), "ID eof BYTES
 * SHA256", "ID error ERRNO", "ID info KEY=VALUE...".
 */
#include <errno.h>
#include <fcntl.h>
#include <openssl/evp.h>
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/random.h>
#include <time.h>
#include <unistd.h>

#include "base/bytes.h"
#include "base/checksum.h"
#include "base/inet.h"
#include "netstack/netstack.h"
#include "pktio/tun.h"

#define BATCH   16
#define HEAD    64
#define CONNS   4096
#define LISTENERS 4096

struct conn {
	struct adit_sock *sock;
	unsigned id;
	bool paused, echo, shut, told_eof;
	uint64_t to_send, sent, received, seed;
	EVP_MD_CTX *sent_sum, *received_sum;
};

struct listener {
	struct adit_sock *sock;
	bool paused, refuses;
	int error;
	uint16_t port;
};

/* A packet on its way through the emulated link. */
struct packet {
	struct packet *next;
	adit_time due;
	struct adit_inner_meta meta;
	uint32_t len;
	uint8_t head[HEAD], data[];
};

static struct {
	struct packet *in, *out; /* by due */
	adit_time delay;
	unsigned loss, reorder, mark;
} wire;

static struct adit_netstack *ns;
static struct adit_budget budget = { .limit = 512 << 20 };
static struct adit_tun tun;
static struct conn conns[CONNS];
static struct listener listeners[LISTENERS];
static unsigned listener_cnt, next_id = 1000;

static _Noreturn void die(const char *what, int error)
{
	fprintf(stderr, "netstack_host: %s: %s\n", what, strerror(error < 0 ? -error : error));
	exit(1);
}

static adit_time now_ns(void)
{
	struct timespec ts;

	clock_gettime(CLOCK_BOOTTIME, &ts);
	return ts.tv_sec * ADIT_SEC + ts.tv_nsec;
}

static void get_random(void *user, void *buf, size_t len)
{
	(void)user;
	for (size_t got = 0; got < len;) {
		ssize_t n = getrandom((char *)buf + got, len - got, 0);

		if (n > 0)
			got += (size_t)n;
	}
}

static uint64_t noise(uint64_t *s)
{
	*s ^= *s << 13;
	*s ^= *s >> 7;
	*s ^= *s << 17;
	return *s;
}

static bool chance(unsigned per_mille)
{
	static uint64_t seed = 0x9e3779b97f4a7c15;

	return per_mille && noise(&seed) % 1000 < per_mille;
}

/* --- the link ------------------------------------------------------------------------ */

/* Congestion Experienced, for what says it understands that (RFC 3168 5). */
static void mark_congestion(uint8_t *ip)
{
	if (!(adit_ip_tos(ip) & 3))
		return;
	if (adit_ip_version(ip) == 4) {
		ip[1] |= 3;
		adit_ip4_checksum(ip, (ip[0] & 15) * 4u);
	} else {
		ip[1] |= 0x30;
	}
}

static void queue(struct packet **q, const struct adit_inner_meta *meta, const uint8_t *data, uint32_t len,
		  adit_time now)
{
	struct packet *p;

	if (chance(wire.loss))
		return;
	p = malloc(sizeof(*p) + len);
	if (!p)
		die("memory", ENOMEM);
	p->meta = *meta;
	p->len = len;
	p->due = now + wire.delay / 2;
	memcpy(p->data, data, len);
	if (chance(wire.mark))
		mark_congestion(p->data);
	if (chance(wire.reorder))
		p->due += wire.delay / 4 + ADIT_MSEC;
	while (*q && (*q)->due <= p->due)
		q = &(*q)->next;
	p->next = *q;
	*q = p;
}

static struct packet *arrived(struct packet **q, adit_time now)
{
	struct packet *p = *q;

	if (!p || p->due > now)
		return NULL;
	*q = p->next;
	return p;
}

/* data: with room for the kernel's header in front */
static void to_kernel(struct adit_inner_meta *meta, uint8_t *data, uint32_t len, adit_time now)
{
	struct iovec iov = { data, len };

	if (wire.delay || wire.loss || wire.reorder || wire.mark || wire.out)
		queue(&wire.out, meta, data, len, now);
	else
		tun.inner.ops->write(&tun.inner, meta, &iov, 1);
}

static void from_kernel(const struct adit_inner_meta *meta, uint8_t *data, uint32_t len, adit_time now)
{
	struct iovec iov = { data, len };

	if (wire.delay || wire.loss || wire.reorder || wire.mark || wire.in)
		queue(&wire.in, meta, data, len, now);
	else
		adit_netstack_in(ns, &iov, 1, meta->gso_size, now);
}

/* The whole train as one packet, its segmentation and checksums left to the kernel. */
static void send_whole(struct adit_super *s, uint8_t *buf, adit_time now)
{
	bool tcp = s->kind == ADIT_SUPER_TCP4 || s->kind == ADIT_SUPER_TCP6;
	struct adit_inner_meta meta = { .gso_size = s->cnt > 1 ? s->gso_size : 0, .hdr_len = s->hdr_len,
					.csum_start = s->l4_off, .csum_offset = tcp ? ADIT_TCP_CHECK : ADIT_UDP_CHECK,
					.gso_kind = s->kind, .needs_csum = true };
	uint16_t sum;

	memcpy(buf, s->hdr, s->hdr_len);
	memcpy(buf + s->hdr_len, s->buf + s->hdr_len, s->len - s->hdr_len);
	if (adit_ip_version(buf) == 4) {
		adit_put_be16(buf + 2, (uint16_t)s->len);
		adit_ip4_checksum(buf, s->l4_off);
	} else {
		adit_put_be16(buf + 4, (uint16_t)(s->len - ADIT_IP6_HDR));
	}
	sum = adit_sum_fold(adit_sum_pseudo(buf, tcp ? ADIT_IPPROTO_TCP : ADIT_IPPROTO_UDP, s->len - s->l4_off));
	memcpy(buf + s->l4_off + meta.csum_offset, &sum, 2);
	to_kernel(&meta, buf, s->len, now);
}

static void send_segments(struct adit_super *s, uint8_t *buf, adit_time now)
{
	struct adit_inner_meta meta = { 0 };

	for (unsigned k = 0; k < s->cnt; k++) {
		uint32_t len = adit_super_segment_len(s, k);

		memcpy(buf, adit_super_segment(s, k), len);
		to_kernel(&meta, buf, len, now);
	}
	adit_super_restore(s);
}

static void send_all(adit_time now)
{
	static uint8_t store[HEAD + ADIT_INNER_MAX], copy[HEAD + ADIT_INNER_MAX];
	struct adit_super super;
	struct packet *p;
	uint32_t len;

	for (;;) {
		struct adit_inner_meta meta = { 0 };

		switch (adit_netstack_out(ns, store + HEAD, &len, &super, now)) {
		case ADIT_OUT_PACKET:
			to_kernel(&meta, store + HEAD, len, now);
			continue;
		case ADIT_OUT_SUPER:
			if (tun.inner.offloads & ADIT_OFFLOAD_TSO)
				send_whole(&super, copy + HEAD, now);
			else
				send_segments(&super, copy + HEAD, now);
			continue;
		case ADIT_OUT_NONE:
			break;
		}
		break;
	}
	while ((p = arrived(&wire.out, now))) {
		struct iovec iov = { p->data, p->len };

		tun.inner.ops->write(&tun.inner, &p->meta, &iov, 1);
		free(p);
	}
}

/* --- connections ----------------------------------------------------------------------- */

static struct conn *conn_new(unsigned id)
{
	for (struct conn *c = conns; c < conns + CONNS; c++) {
		if (c->sock)
			continue;
		*c = (struct conn){ .id = id, .seed = id + 1 };
		c->sent_sum = EVP_MD_CTX_new();
		c->received_sum = EVP_MD_CTX_new();
		EVP_DigestInit_ex(c->sent_sum, EVP_sha256(), NULL);
		EVP_DigestInit_ex(c->received_sum, EVP_sha256(), NULL);
		return c;
	}
	return NULL;
}

static void conn_free(struct conn *c)
{
	EVP_MD_CTX_free(c->sent_sum);
	EVP_MD_CTX_free(c->received_sum);
	*c = (struct conn){ 0 };
}

static struct conn *conn_find(unsigned id)
{
	for (struct conn *c = conns; c < conns + CONNS; c++)
		if (c->sock && c->id == id)
			return c;
	return NULL;
}

static void say_sum(const struct conn *c, const char *what, uint64_t bytes, EVP_MD_CTX *sum)
{
	EVP_MD_CTX *copy = EVP_MD_CTX_new();
	unsigned char digest[EVP_MAX_MD_SIZE];
	unsigned len = 0;

	EVP_MD_CTX_copy_ex(copy, sum);
	EVP_DigestFinal_ex(copy, digest, &len);
	EVP_MD_CTX_free(copy);
	printf("%u %s %llu ", c->id, what, (unsigned long long)bytes);
	for (unsigned i = 0; i < len; i++)
		printf("%02x", digest[i]);
	putchar('\n');
}

static void pump_out(struct conn *c, adit_time now)
{
	while (c->to_send) {
		size_t room, n = 0;
		uint8_t *to = adit_tcp_reserve(c->sock, c->to_send, &room);

		if (!to)
			return;
		if (room > c->to_send)
			room = c->to_send;
		for (uint64_t x; n < room; n += sizeof(x) < room - n ? sizeof(x) : room - n) {
			x = noise(&c->seed);
			memcpy(to + n, &x, sizeof(x) < room - n ? sizeof(x) : room - n);
		}
		EVP_DigestUpdate(c->sent_sum, to, room);
		adit_tcp_commit(c->sock, room, now);
		c->sent += room;
		c->to_send -= room;
	}
	if (c->shut)
		adit_tcp_shutdown(c->sock, now);
	c->shut = false;
}

static size_t echo_back(struct conn *c, const struct iovec *iov, adit_time now)
{
	size_t n = adit_tcp_send(c->sock, iov->iov_base, iov->iov_len, now);

	EVP_DigestUpdate(c->sent_sum, iov->iov_base, n);
	c->sent += n;
	return n;
}

static void pump_in(struct conn *c, adit_time now)
{
	struct iovec iov;

	while (!c->paused && adit_tcp_peek(c->sock, &iov, 1) == 1) {
		size_t n = c->echo ? echo_back(c, &iov, now) : iov.iov_len;

		if (!n)
			return;
		EVP_DigestUpdate(c->received_sum, iov.iov_base, n);
		c->received += n;
		adit_tcp_consume(c->sock, n, now);
	}
	if (adit_tcp_at_eof(c->sock) && !c->told_eof) {
		c->told_eof = true;
		say_sum(c, "eof", c->received, c->received_sum);
		if (c->echo)
			adit_tcp_shutdown(c->sock, now);
	}
}

static void arrived_syn(struct adit_sock *s, adit_time now)
{
	struct listener *l = adit_sock_user(adit_tcp_listener(s));
	struct conn *c;

	if (l->refuses) {
		adit_tcp_refuse(s, l->error, now);
		return;
	}
	c = conn_new(next_id);
	if (!c) {
		adit_tcp_refuse(s, -ECONNREFUSED, now);
		return;
	}
	next_id++;
	c->sock = s;
	c->paused = l->paused;
	adit_sock_set_user(s, c);
	adit_tcp_accept(s, now);
	printf("accept %u %u\n", c->id, l->port);
}

static void pull_events(adit_time now)
{
	struct adit_sock *s;
	unsigned what;

	while ((s = adit_netstack_event(ns, &what))) {
		struct conn *c = adit_sock_user(s);

		if (adit_sock_kind(s) != ADIT_SOCK_TCP)
			continue;
		if (what & ADIT_EV_SYN) {
			arrived_syn(s, now);
			continue;
		}
		if (what & ADIT_EV_CONNECTED)
			printf("%u connected\n", c->id);
		if (what & ADIT_EV_SENT && !c->to_send && c->sent)
			say_sum(c, "sent", c->sent, c->sent_sum);
		pump_in(c, now);
		pump_out(c, now);
		if (what & ADIT_EV_ERROR) {
			printf("%u error %s\n", c->id, strerrorname_np(-adit_sock_error(s)));
			adit_tcp_close(s, now);
			conn_free(c);
		}
	}
}

static void say_info(const struct conn *c)
{
	struct adit_tcp_info i;

	adit_tcp_info(c->sock, &i);
	printf("%u info state=%s mss=%u cwnd=%u ssthresh=%u in_flight=%u snd_wnd=%u rcv_wnd=%u srtt_us=%lld "
	       "resent=%llu timeouts=%u recoveries=%u undos=%u sack=%d timestamps=%d window_scale=%d\n",
	       c->id, i.state, i.mss, i.cwnd, i.ssthresh, i.in_flight, i.snd_wnd, i.rcv_wnd, (long long)i.srtt / 1000,
	       (unsigned long long)i.bytes_resent, i.timeouts, i.recoveries, i.undos, i.sack, i.timestamps,
	       i.window_scale);
}

/* --- commands ----------------------------------------------------------------------------- */

static void do_connect(unsigned id, const char *address, unsigned port, adit_time now)
{
	struct adit_endpoint remote = { .port = (uint16_t)port };
	struct conn *c = conn_new(id);
	int r = c ? adit_addr_parse(&remote.addr, address) : -ENFILE;

	if (r == 0)
		r = adit_tcp_connect(ns, &c->sock, NULL, &remote, c, now);
	if (r < 0)
		printf("%u error %s\n", id, strerrorname_np(-r));
}

static void do_listen(unsigned port, bool paused, bool refuses, int error)
{
	struct listener *l = &listeners[listener_cnt];
	struct adit_endpoint local = { .port = (uint16_t)port };
	int r;

	if (listener_cnt++ == LISTENERS)
		die("listen", ENFILE);
	*l = (struct listener){ .paused = paused, .refuses = refuses, .error = error, .port = (uint16_t)port };
	r = adit_tcp_listen(ns, &l->sock, &local, l);
	if (r < 0)
		die("listen", r);
	printf("listening %u\n", port);
}

static int error_of(const char *name)
{
	static const int all[] = { ECONNREFUSED, EHOSTUNREACH, ENETUNREACH, EACCES };

	for (size_t i = 0; i < sizeof(all) / sizeof(all[0]); i++)
		if (strcmp(strerrorname_np(all[i]), name) == 0)
			return -all[i];
	return 0;
}

static void do_conn(struct conn *c, const char *verb, unsigned long long arg, adit_time now)
{
	if (strcmp(verb, "send") == 0) {
		c->to_send += arg;
	} else if (strcmp(verb, "echo") == 0) {
		c->echo = true;
	} else if (strcmp(verb, "shutdown") == 0) {
		c->shut = true;
	} else if (strcmp(verb, "pause") == 0 || strcmp(verb, "resume") == 0) {
		c->paused = verb[0] == 'p';
	} else if (strcmp(verb, "info") == 0) {
		say_info(c);
	} else if (strcmp(verb, "close") == 0 || strcmp(verb, "abort") == 0) {
		if (verb[0] == 'c')
			adit_tcp_close(c->sock, now);
		else
			adit_tcp_abort(c->sock, now);
		conn_free(c);
		return;
	}
	pump_in(c, now);
	pump_out(c, now);
}

static void do_stats(void)
{
	struct adit_netstack_stats n;

	adit_netstack_stats(ns, &n);
	printf("stats flows=%zu time_wait=%zu memory=%zu\n", n.tcp_flows, n.time_wait, budget.used);
}

static void do_line(char *line, adit_time now)
{
	char verb[16] = "", a[64] = "", b[64] = "";
	unsigned id = 0, port = 0, delay, loss, reorder, mark;
	struct conn *c;

	sscanf(line, "%15s %u", verb, &id);
	if (strcmp(verb, "listen") == 0) {
		do_listen(id, strstr(line, "paused"), false, 0);
	} else if (strcmp(verb, "refuse") == 0 && sscanf(line, "%*s %*u %63s", a) == 1) {
		do_listen(id, false, true, error_of(a));
	} else if (strcmp(verb, "connect") == 0 && sscanf(line, "%*s %*u %63s %u", b, &port) == 2) {
		do_connect(id, b, port, now);
	} else if (strcmp(verb, "mtu") == 0) {
		adit_netstack_set_mtu(ns, id, now);
	} else if (strcmp(verb, "link") == 0 && sscanf(line, "%*s %u %u %u %u", &delay, &loss, &reorder, &mark) == 4) {
		wire.delay = delay * ADIT_MSEC;
		wire.loss = loss;
		wire.reorder = reorder;
		wire.mark = mark;
	} else if (strcmp(verb, "stats") == 0) {
		do_stats();
	} else if ((c = conn_find(id))) {
		unsigned long long arg = 0;

		sscanf(line, "%*s %*u %llu", &arg);
		do_conn(c, verb, arg, now);
	} else {
		printf("%u gone\n", id);
	}
}

/* Commands that have come; false: stdin was closed. */
static bool read_commands(adit_time now)
{
	static char buf[65536];
	static size_t len;
	ssize_t n = read(0, buf + len, sizeof(buf) - 1 - len);
	char *line = buf, *end;

	if (n <= 0)
		return false;
	len += (size_t)n;
	buf[len] = 0;
	while ((end = strchr(line, '\n'))) {
		*end = 0;
		do_line(line, now);
		line = end + 1;
	}
	len -= (size_t)(line - buf);
	memmove(buf, line, len);
	return true;
}

/* --- the loop ------------------------------------------------------------------------------- */

static void receive(adit_time now)
{
	static uint8_t store[BATCH][HEAD + ADIT_INNER_MAX];
	struct packet *lent[BATCH * 16], *p;
	unsigned cnt = 0;

	for (int i = 0; i < BATCH; i++) {
		struct adit_inner_meta meta;
		ssize_t n = tun.inner.ops->read(&tun.inner, &meta, store[i] + HEAD);

		if (n == -EAGAIN)
			break;
		if (n > 0)
			from_kernel(&meta, store[i] + HEAD, (uint32_t)n, now);
	}
	while (cnt < BATCH * 16 && (p = arrived(&wire.in, now))) {
		struct iovec iov = { p->data, p->len };

		lent[cnt++] = p;
		adit_netstack_in(ns, &iov, 1, p->meta.gso_size, now);
	}
	pull_events(now);
	adit_netstack_in_end(ns, now);
	while (cnt)
		free(lent[--cnt]);
}

static int timeout_ms(adit_time now)
{
	adit_time due = adit_netstack_deadline(ns);

	if (wire.in && wire.in->due < due)
		due = wire.in->due;
	if (wire.out && wire.out->due < due)
		due = wire.out->due;
	if (due == ADIT_NEVER)
		return -1;
	return due <= now ? 0 : (int)((due - now) / ADIT_MSEC > 1000 ? 1000 : (due - now + ADIT_MSEC - 1) / ADIT_MSEC);
}

static void run(void)
{
	struct pollfd fds[] = { { .fd = tun.inner.fd, .events = POLLIN }, { .fd = 0, .events = POLLIN } };

	for (;;) {
		adit_time now = now_ns();

		poll(fds, 2, timeout_ms(now));
		now = now_ns();
		adit_netstack_tick(ns, now);
		if (fds[1].revents && !read_commands(now))
			return;
		receive(now);
		pull_events(now);
		send_all(now);
		pull_events(now);
		fflush(stdout);
	}
}

int main(int argc, char **argv)
{
	struct adit_netstack_config cfg = { .budget = &budget };
	struct adit_netstack_ops ops = { .random = get_random };
	char name[ADIT_IFNAME_LEN], err[200];
	unsigned offloads;
	const char *bad;
	int r;

	if (argc < 6 || adit_offload_parse(&offloads, argv[2], &bad) < 0) {
		fprintf(stderr, "usage: netstack_host TUN OFFLOADS MTU wan|local ADDRESS...\n");
		return 2;
	}
	snprintf(name, sizeof(name), "%s", argv[1]);
	r = adit_tun_open(&tun, name, false, offloads, err, sizeof(err));
	if (r < 0)
		die(err, r);
	cfg.mtu = (unsigned)atoi(argv[3]);
	cfg.profile = strcmp(argv[4], "local") == 0 ? ADIT_TCP_LOCAL : ADIT_TCP_WAN;
	cfg.trust_checksums = tun.inner.offloads & ADIT_OFFLOAD_CSUM;
	r = adit_netstack_new(&ns, &cfg, &ops, NULL, now_ns());
	if (r < 0)
		die("stack", r);
	for (int i = 5; i < argc; i++) {
		struct adit_addr addr;

		if (adit_addr_parse(&addr, argv[i]) < 0 || adit_netstack_add_address(ns, &addr) < 0)
			die(argv[i], EINVAL);
	}
	printf("ready %s\n", name);
	fflush(stdout);
	run();
	for (struct conn *c = conns; c < conns + CONNS; c++)
		if (c->sock)
			conn_free(c);
	adit_netstack_free(ns);
	adit_tun_close(&tun);
	printf("end memory=%zu\n", budget.used);
	return budget.used != 0;
}
