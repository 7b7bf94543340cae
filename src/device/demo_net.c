/* SPDX-License-Identifier: ISC */
/*
 * demo_net.c - what programs do over a network: ping, a web page, a stream.
 * Ordinary kernel sockets that know nothing of a tunnel; each call has a time
 * limit, so that the demo ends and says what did not work.
 */
#include "device/demo_host.h"

#include <arpa/inet.h>
#include <errno.h>
#include <linux/if_ether.h>
#include <linux/if_packet.h>
#include <net/if.h>
#include <netinet/in.h>
#include <netinet/ip_icmp.h>
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/time.h>
#include <time.h>
#include <unistd.h>

#include "base/checksum.h"

#define CHUNK (256u << 10)

static const char page_words[] = "You read this through a WireGuard tunnel in user space. ";
#define PAGE_REPEATS 64
#define PAGE_LEN     ((sizeof(page_words) - 1) * PAGE_REPEATS)

static int64_t now_ns(void)
{
	struct timespec ts;

	clock_gettime(CLOCK_MONOTONIC, &ts);
	return ts.tv_sec * INT64_C(1000000000) + ts.tv_nsec;
}

static void make_page(char page[PAGE_LEN])
{
	unsigned i;

	for (i = 0; i < PAGE_REPEATS; i++)
		memcpy(page + i * (sizeof(page_words) - 1), page_words, sizeof(page_words) - 1);
}

static void set_patience(int fd)
{
	const struct timeval patience = { 5, 0 };

	setsockopt(fd, SOL_SOCKET, SO_RCVTIMEO, &patience, sizeof(patience));
	setsockopt(fd, SOL_SOCKET, SO_SNDTIMEO, &patience, sizeof(patience));
}

/* A time limit shows as EAGAIN; people know it as a time-out. */
static int why(struct demo_answer *a, const char *what)
{
	return demo_why(a, what, errno == EAGAIN || errno == EINPROGRESS ? ETIMEDOUT : errno);
}

/* --- connections ---------------------------------------------------------- */

static int listen_on(uint16_t port)
{
	const struct sockaddr_in any = { .sin_family = AF_INET, .sin_port = htons(port) };
	int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);

	if (fd >= 0 && (bind(fd, (const struct sockaddr *)&any, sizeof(any)) < 0 || listen(fd, 4) < 0)) {
		close(fd);
		fd = -1;
	}
	if (fd >= 0)
		set_patience(fd);
	return fd;
}

int demo_listen(struct demo_host *h, struct demo_answer *a)
{
	h->page_fd = listen_on(DEMO_HTTP_PORT);
	h->sink_fd = listen_on(DEMO_SINK_PORT);
	return h->page_fd < 0 || h->sink_fd < 0 ? why(a, "cannot listen") : 0;
}

static int connect_to(const struct demo_host *h, const struct demo_ask *ask, uint16_t port)
{
	struct sockaddr_in sa = { .sin_family = AF_INET, .sin_port = htons(ask->forward ? DEMO_FORWARD_PORT : port) };
	int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);

	sa.sin_addr.s_addr = ask->forward ? htonl(INADDR_LOOPBACK) : demo_address(3 - h->number, ask->inside);
	if (fd < 0)
		return -1;
	set_patience(fd);
	if (connect(fd, (struct sockaddr *)&sa, sizeof(sa)) == 0)
		return fd;
	close(fd);
	return -1;
}

static int accept_one(int listener)
{
	int fd = accept4(listener, NULL, NULL, SOCK_CLOEXEC);

	if (fd >= 0)
		set_patience(fd);
	return fd;
}

static int send_all(int fd, const void *data, size_t len)
{
	const char *p = data;

	while (len) {
		ssize_t n = send(fd, p, len, MSG_NOSIGNAL);

		if (n < 0 && errno == EINTR)
			continue;
		if (n < 0)
			return -1;
		p += n;
		len -= (size_t)n;
	}
	return 0;
}

/* Up to a NUL-terminated buffer's size, or to `end` if that comes first. */
static ssize_t recv_until(int fd, char *buf, size_t size, const char *end)
{
	size_t len = 0;

	buf[0] = '\0';
	while (len + 1 < size && !(end && strstr(buf, end))) {
		ssize_t n = recv(fd, buf + len, size - 1 - len, 0);

		if (n < 0 && errno == EINTR)
			continue;
		if (n < 0)
			return -1;
		if (!n)
			break;
		len += (size_t)n;
		buf[len] = '\0';
	}
	return (ssize_t)len;
}

/* --- ping ----------------------------------------------------------------- */

static int ping_once(int fd, uint16_t number, int64_t *ns)
{
	struct icmphdr echo = { .type = ICMP_ECHO };
	struct pollfd p = { .fd = fd, .events = POLLIN };
	int64_t begin = now_ns();
	uint8_t buf[256];

	echo.un.echo.id = htons(0xad17);
	echo.un.echo.sequence = htons(number);
	echo.checksum = (uint16_t)~adit_sum_fold(adit_sum(&echo, sizeof(echo), 0));
	if (send(fd, &echo, sizeof(echo), 0) < 0)
		return -1;
	while (poll(&p, 1, 6000) > 0) {
		ssize_t n = recv(fd, buf, sizeof(buf), 0);
		size_t head = (buf[0] & 15u) * 4u;
		struct icmphdr reply;

		if (n < 0)
			return -1;
		if ((size_t)n < head + sizeof(reply))
			continue;
		memcpy(&reply, buf + head, sizeof(reply));
		if (reply.type != ICMP_ECHOREPLY || reply.un.echo.id != echo.un.echo.id ||
		    reply.un.echo.sequence != echo.un.echo.sequence)
			continue;
		*ns = now_ns() - begin;
		return 0;
	}
	errno = ETIMEDOUT;
	return -1;
}

int demo_ping(struct demo_host *h, const struct demo_ask *ask, struct demo_answer *a)
{
	struct sockaddr_in sa = { .sin_family = AF_INET };
	int fd = socket(AF_INET, SOCK_RAW | SOCK_CLOEXEC, IPPROTO_ICMP);
	struct timespec pause = { 0, 20 * 1000 * 1000 };
	int64_t sum = 0, one;
	uint16_t i;
	int r = 0;

	sa.sin_addr.s_addr = demo_address(3 - h->number, ask->inside);
	if (fd < 0 || connect(fd, (struct sockaddr *)&sa, sizeof(sa)) < 0)
		r = why(a, "cannot ping");
	for (i = 0; i < DEMO_PINGS && !r; i++) {
		if (ping_once(fd, i, &one) < 0) {
			r = why(a, "no answer to a ping");
			break;
		}
		sum += one;
		if (!a->best_ns || one < a->best_ns)
			a->best_ns = one;
		nanosleep(&pause, NULL);
	}
	a->ns = sum / DEMO_PINGS;
	if (fd >= 0)
		close(fd);
	return r;
}

/* --- a page --------------------------------------------------------------- */

/* Sees every frame of the bare link, as somebody on the way would. */
static int tap_open(void)
{
	struct sockaddr_ll sa = { .sll_family = AF_PACKET, .sll_protocol = htons(ETH_P_ALL) };
	int fd = socket(AF_PACKET, SOCK_RAW | SOCK_CLOEXEC, 0);

	sa.sll_ifindex = (int)if_nametoindex("eth0");
	if (fd >= 0 && bind(fd, (struct sockaddr *)&sa, sizeof(sa)) < 0) {
		close(fd);
		fd = -1;
	}
	return fd;
}

static void tap_count(int fd, struct demo_answer *a)
{
	static char frame[65536];
	ssize_t n;

	while ((n = recv(fd, frame, sizeof(frame), MSG_DONTWAIT)) >= 0) {
		a->frames++;
		a->clear += memmem(frame, (size_t)n, page_words, sizeof(page_words) - 1) != NULL;
	}
}

static int serve_page(int fd, struct demo_answer *a)
{
	static char page[PAGE_LEN];
	char buf[1024];
	int n;

	if (recv_until(fd, buf, sizeof(buf), "\r\n\r\n") < 0)
		return why(a, "the web server heard no request");
	if (strncmp(buf, "GET / HTTP/1.1\r\n", 16))
		return demo_why(a, "the web server did not understand the request", EPROTO);
	make_page(page);
	n = snprintf(buf, sizeof(buf),
		     "HTTP/1.1 200 OK\r\nContent-Type: text/plain\r\nContent-Length: %zu\r\nConnection: "
		     "close\r\n\r\n",
		     PAGE_LEN);
	if (send_all(fd, buf, (size_t)n) < 0 || send_all(fd, page, PAGE_LEN) < 0)
		return why(a, "the web server cannot send");
	a->bytes = PAGE_LEN;
	shutdown(fd, SHUT_WR);
	recv_until(fd, buf, sizeof(buf), NULL); /* the client has it all */
	return 0;
}

int demo_serve(struct demo_host *h, struct demo_answer *a)
{
	int tap = tap_open(), r, fd;

	if (tap < 0)
		return why(a, "cannot watch the link");
	fd = accept_one(h->page_fd);
	r = fd < 0 ? why(a, "the web server was not asked") : serve_page(fd, a);
	if (fd >= 0)
		close(fd);
	tap_count(tap, a);
	close(tap);
	return r;
}

int demo_fetch(struct demo_host *h, const struct demo_ask *ask, struct demo_answer *a)
{
	static const char request[] = "GET / HTTP/1.1\r\nHost: demo\r\nConnection: close\r\n\r\n";
	static char buf[PAGE_LEN + 1024], page[PAGE_LEN];
	int64_t begin = now_ns();
	int fd = connect_to(h, ask, DEMO_HTTP_PORT);
	ssize_t n = -1;
	char *body;

	if (fd < 0)
		return why(a, "cannot connect to the web server");
	if (send_all(fd, request, sizeof(request) - 1) == 0)
		n = recv_until(fd, buf, sizeof(buf), NULL);
	close(fd);
	if (n < 0)
		return why(a, "the page did not come");
	a->ns = now_ns() - begin;
	make_page(page);
	body = strstr(buf, "\r\n\r\n");
	if (strncmp(buf, "HTTP/1.1 200 ", 13) || !body || (size_t)(buf + n - (body + 4)) != PAGE_LEN ||
	    memcmp(body + 4, page, PAGE_LEN))
		return demo_why(a, "what came is not the page", EBADMSG);
	a->bytes = PAGE_LEN;
	return 0;
}

/* --- a stream ------------------------------------------------------------- */

int demo_sink(struct demo_host *h, struct demo_answer *a)
{
	int fd = accept_one(h->sink_fd);
	char *buf = malloc(CHUNK);
	int64_t begin = now_ns();
	ssize_t n;

	if (fd < 0 || !buf) {
		free(buf);
		return why(a, "no connection came");
	}
	while ((n = recv(fd, buf, CHUNK, 0)) > 0)
		a->bytes += (uint64_t)n;
	a->ns = now_ns() - begin;
	free(buf);
	if (n < 0)
		why(a, "the stream broke off");
	close(fd);
	return n < 0 ? -ECONNABORTED : 0;
}

int demo_send(struct demo_host *h, const struct demo_ask *ask, struct demo_answer *a)
{
	const int64_t limit = ask->ms * INT64_C(1000000);
	int fd = connect_to(h, ask, DEMO_SINK_PORT);
	char *buf = malloc(CHUNK), end;
	int64_t begin = now_ns(), told = 0;
	int r = 0;

	if (fd < 0 || !buf) {
		free(buf);
		return why(a, "cannot connect");
	}
	adit_random(buf, CHUNK);
	while (!r && (a->ns = now_ns() - begin) < limit) {
		if (a->ns - told > 100 * 1000000) {
			told = a->ns;
			demo_host_progress(h, a->bytes, a->ns);
		}
		r = send_all(fd, buf, CHUNK) < 0 ? why(a, "the stream stalled") : 0;
		a->bytes += CHUNK;
	}
	/* Sent is what has arrived: wait until the other end closes. */
	shutdown(fd, SHUT_WR);
	if (!r && recv(fd, &end, 1, 0) != 0)
		r = why(a, "the stream's end was not acknowledged");
	free(buf);
	close(fd);
	return r;
}
