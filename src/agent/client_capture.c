/* SPDX-License-Identifier: ISC */
/*
 * client_capture.c - adit capture: the packets inside a network, as pcapng
 *
 * The agent is asked first: it says who may (admins), notes it as an event and shows
 * in its status that somebody looks on, for as long as the connection stands. The
 * packets are those of the network's interface, read by this process, which is
 * root's: the process with the network has no such right. What that one drops, and
 * with --keylog its keys, it says over the connection (capture.h).
 */
#include <arpa/inet.h>
#include <errno.h>
#include <fcntl.h>
#include <linux/if_packet.h>
#include <net/ethernet.h>
#include <net/if.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <time.h>
#include <unistd.h>

#include "agent/client.h"
#include "base/bytes.h"
#include "pktio/pcapng.h"

#define PACKET_MAX 65536
#define FLUSH_MS   200

static volatile sig_atomic_t ended;

static void on_signal(int nr)
{
	(void)nr;
	ended = 1;
}

struct capture {
	const struct agent_args *args;
	struct agent_client client;
	struct adit_pcapng *file;
	int fd, keys_fd; /* -1: no key log */
	uint64_t count, most; /* packets */
	uint64_t lost;        /* drops, or keys, that the agent had no room for */
	int64_t until_ms;     /* 0: no end */
	int result;           /* enum adit_exit: of the key log */
};

static int64_t now_ms(void)
{
	struct timespec ts;

	clock_gettime(CLOCK_MONOTONIC, &ts);
	return ts.tv_sec * INT64_C(1000) + ts.tv_nsec / 1000000;
}

static int fail(const struct agent_args *a, int code, const char *what, int e)
{
	fprintf(stderr, "adit %s: %s: %s%s\n", a->command, what, strerror(e),
		e == EPERM || e == EACCES ? " (this takes root)" : "");
	return code;
}

/* What passes an interface, both ways, without its link header. */
static int open_packets(const char *ifname)
{
	struct sockaddr_ll at = { .sll_family = AF_PACKET, .sll_protocol = htons(ETH_P_ALL),
				  .sll_ifindex = (int)if_nametoindex(ifname) };
	int fd, room = 8 << 20;

	if (!at.sll_ifindex)
		return -ENODEV;
	fd = socket(AF_PACKET, SOCK_DGRAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
	if (fd < 0)
		return -errno;
	setsockopt(fd, SOL_SOCKET, SO_RCVBUF, &room, sizeof(room));
	if (bind(fd, (struct sockaddr *)&at, sizeof(at)) < 0) {
		int r = -errno;

		close(fd);
		return r;
	}
	return fd;
}

static void log_line(void *user, const char *line)
{
	(void)user;
	fprintf(stderr, "adit capture: %s\n", line);
}

static int open_file(struct capture *c)
{
	const struct adit_pcapng_config cfg = { .path = c->args->file ? c->args->file : "-", .program = "adit " ADIT_VERSION,
						.log = log_line };
	int r;

	if (!strcmp(cfg.path, "-") && isatty(STDOUT_FILENO)) {
		fprintf(stderr, "adit capture: this is no text: -w FILE, or a pipe to tcpdump -r -\n");
		return ADIT_EXIT_USAGE;
	}
	r = adit_pcapng_open(&c->file, &cfg);
	if (!r)
		r = adit_pcapng_interface(c->file, c->args->operand);
	return r < 0 ? fail(c->args, ADIT_EXIT_FAILED, cfg.path, -r) : 0;
}

/* A file of its own, for nobody else, and over no other. */
static int open_keylog(struct capture *c)
{
	if (!c->args->keylog)
		return 0;
	c->keys_fd = open(c->args->keylog, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC | O_NOCTTY, 0600);
	return c->keys_fd < 0 ? fail(c->args, ADIT_EXIT_FAILED, c->args->keylog, errno) : 0;
}

static void put(struct capture *c, const struct adit_pcapng_packet *p)
{
	adit_pcapng_write(c->file, p);
	c->count++;
	ended |= adit_pcapng_stopped(c->file) || (c->most && c->count >= c->most);
}

/* False: none is there now. */
static bool take_one(struct capture *c)
{
	static uint8_t packet[PACKET_MAX];
	struct sockaddr_ll from = { 0 };
	socklen_t len = sizeof(from);
	ssize_t n = recvfrom(c->fd, packet, sizeof(packet), 0, (struct sockaddr *)&from, &len);
	struct iovec iov = { packet, n > 0 ? (size_t)n : 0 };
	struct timespec ts;
	struct adit_pcapng_packet p = { .iov = &iov, .iov_cnt = 1 };

	if (n <= 0) {
		ended |= n < 0 && errno != EAGAIN && errno != EINTR; /* the interface is gone */
		return false;
	}
	clock_gettime(CLOCK_REALTIME, &ts);
	p.wall_ns = ts.tv_sec * INT64_C(1000000000) + ts.tv_nsec;
	p.direction = from.sll_pkttype == PACKET_OUTGOING ? ADIT_PCAPNG_OUT : ADIT_PCAPNG_IN;
	put(c, &p);
	return true;
}

/* --- what the agent says ------------------------------------------------------------- */

static void take_drop(struct capture *c, const struct adit_conf_node *drop)
{
	static uint8_t packet[PACKET_MAX];
	const char *hex = agent_reply_text(drop, "packet");
	struct iovec iov = { packet, 0 };
	struct adit_pcapng_packet p = { .comment = agent_reply_text(drop, "reason"), .iov = &iov, .iov_cnt = 1,
					.wall_ns = agent_reply_number(drop, "time_us", 0) * 1000 };

	p.direction = strcmp(agent_reply_text(drop, "direction"), "out") ? ADIT_PCAPNG_IN : ADIT_PCAPNG_OUT;
	for (; iov.iov_len < PACKET_MAX && adit_hex_digit(hex[0]) >= 0 && adit_hex_digit(hex[1]) >= 0; hex += 2)
		packet[iov.iov_len++] = (uint8_t)(adit_hex_digit(hex[0]) << 4 | adit_hex_digit(hex[1]));
	put(c, &p);
}

static void take_keys(struct capture *c, const struct adit_conf_node *keys)
{
	adit_conf_each(keys, k)
		if (k->kind == ADIT_CONF_STRING && dprintf(c->keys_fd, "%s\n", k->u.string.p) < 0) {
			c->result = fail(c->args, ADIT_EXIT_FAILED, c->args->keylog, errno);
			ended = 1;
		}
}

/* False: it says nothing any more. */
static bool take_line(struct capture *c)
{
	const char *line = agent_client_line(&c->client);
	struct adit_conf_errors errors = { 0 };
	const struct adit_conf_node *drop;
	struct adit_conf *doc = NULL;

	if (!line || adit_conf_read_json(&doc, &errors, "line", line, strlen(line), NULL)) {
		adit_conf_errors_fini(&errors);
		adit_conf_free(doc);
		return false;
	}
	drop = adit_conf_get(doc->root, "drop");
	if (drop)
		take_drop(c, drop);
	take_keys(c, adit_conf_get(doc->root, "keys"));
	c->lost += (uint64_t)agent_reply_number(doc->root, "lost", 0);
	adit_conf_free(doc);
	return true;
}

static void run(struct capture *c)
{
	struct pollfd p[2] = { { .fd = c->fd, .events = POLLIN }, { .fd = c->client.fd, .events = POLLIN } };

	while (!ended) {
		poll(p, 2, FLUSH_MS);
		while (!ended && p[0].revents && take_one(c))
			;
		while (!ended && (p[1].revents || agent_client_has_line(&c->client))) {
			p[1].revents = 0;
			ended |= !take_line(c);
		}
		adit_pcapng_flush(c->file);
		ended |= adit_pcapng_stopped(c->file) || (c->until_ms && now_ms() >= c->until_ms);
	}
}

/* Asks the agent, which writes it down; *ifname is malloc'd. */
static int announce(struct capture *c, char **ifname)
{
	char *network = agent_client_member("network", c->args->operand), *more = NULL, *result = NULL;
	struct adit_conf *doc;
	int r = ADIT_EXIT_FAILED;

	if (network && asprintf(&more, "%s%s", network, c->args->keylog ? ",\"keylog\":true" : "") >= 0)
		r = agent_client_send(&c->client, "capture", more);
	free(network);
	free(more);
	if (!r)
		r = agent_client_reply(&c->client, &result, &doc);
	free(result);
	if (r)
		return r;
	*ifname = strdup(agent_reply_text(agent_reply_result(doc), "interface"));
	adit_conf_free(doc);
	return *ifname ? 0 : ADIT_EXIT_FAILED;
}

static int read_limits(struct capture *c)
{
	int64_t ms = c->args->timeout ? agent_args_ms(c->args->timeout) : 0;
	char *end = NULL;

	if (c->args->count)
		c->most = strtoull(c->args->count, &end, 10);
	if (ms < 0 || (c->args->count && (!c->most || *end || c->args->count[0] == '-'))) {
		fprintf(stderr, "adit capture: --duration takes seconds, --count packets\nUsage: adit capture %s\n",
			c->args->usage);
		return ADIT_EXIT_USAGE;
	}
	c->until_ms = ms ? now_ms() + ms : 0;
	return 0;
}

int adit_capture_main(int argc, char **argv)
{
	struct sigaction sa = { .sa_handler = on_signal };
	struct agent_args a;
	struct capture c = { .args = &a, .fd = -1, .keys_fd = -1 };
	char *ifname = NULL;
	int r = agent_args_read(&a, argc, argv, AGENT_ARG_OPERAND | AGENT_ARG_MUST | AGENT_ARG_FILE,
				"NETWORK [-w FILE] [--duration SECONDS] [--count PACKETS] [--keylog FILE]");

	if (!r)
		r = read_limits(&c);
	if (!r)
		r = agent_client_open(&c.client, &a);
	if (r)
		return r;
	sigaction(SIGINT, &sa, NULL);
	sigaction(SIGTERM, &sa, NULL);
	signal(SIGPIPE, SIG_IGN);
	r = announce(&c, &ifname);
	if (!r) {
		c.fd = open_packets(ifname);
		r = c.fd < 0 ? fail(&a, c.fd == -EPERM ? ADIT_EXIT_DENIED : ADIT_EXIT_FAILED, ifname, -c.fd) : open_file(&c);
	}
	if (!r)
		r = open_keylog(&c);
	if (!r) {
		run(&c);
		r = adit_pcapng_stopped(c.file) ? ADIT_EXIT_FAILED : c.result;
		fprintf(stderr, "adit capture: %llu packets\n", (unsigned long long)c.count);
		if (c.lost)
			fprintf(stderr, "adit capture: %llu more were dropped than it could take\n", (unsigned long long)c.lost);
	}
	adit_pcapng_close(c.file);
	if (c.fd >= 0)
		close(c.fd);
	if (c.keys_fd >= 0)
		close(c.keys_fd);
	free(ifname);
	agent_client_close(&c.client);
	return r;
}
