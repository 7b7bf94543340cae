/* SPDX-License-Identifier: ISC */
/*
 * libadit_lab.h - two networks in one process that talk over the loopback, a
 * third one to be opened, and names that one serves the others
 */
#ifndef ADIT_TESTS_LIBADIT_LAB_H
#define ADIT_TESTS_LIBADIT_LAB_H

#include <stdarg.h>
#include <stddef.h>
#include <setjmp.h>
#include <stdint.h>
#include <cmocka.h>

#include <adit/adit.h>
#include <arpa/inet.h>
#include <errno.h>
#include <poll.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "base/quicktext.h"
#include "crypto/crypto.h"
#include "crypto/keytext.h"

#define KEY_A "S3CRETS3CRETS3CRETS3CRETS3CRETS3CRETS3CRETA=" /* is found where it is left in memory */
#define KEY_B "AQIDBAUGBwgJCgsMDQ4PEBESExQVFhcYGRobHB0eHyA="
#define KEY_C "ISIjJCUmJygpKissLS4vMDEyMzQ1Njc4OTo7PD0+P0A="
/* a peer that never answers: port 9 (discard) of this machine is closed, and its errors are not believed */
#define SILENT "[Peer]\nPublicKey = " KEY_B "\nEndpoint = 127.0.0.1:9\nAllowedIPs = 10.78.0.0/24\n"
#define LONG  20000 /* ms: what does not come by then never comes */

static char text_a[1024], text_b[1024], text_c[1024], folder[] = "/tmp/adit-lib-XXXXXX", capture[64];
static struct adit *a, *b;
static struct adit_listener *dns;
static pthread_t dns_thread;

/* --- two networks, and names ----------------------------------------------- */

static void public_of(const char *key, char ret[ADIT_KEY_BASE64_LEN + 1])
{
	uint8_t priv[ADIT_KEY_LEN], pub[ADIT_KEY_LEN];
	struct adit_crypto *c;

	assert_int_equal(adit_crypto_new(&c, NULL), 0);
	assert_true(quick_key(priv, (struct slice){ key, 44 }));
	adit_x25519_clamp(priv);
	adit_x25519_public(c, pub, priv);
	adit_key_to_base64(ret, pub);
	adit_crypto_free(c);
}

static unsigned free_port(void)
{
	struct sockaddr_in sa = { .sin_family = AF_INET, .sin_addr.s_addr = htonl(INADDR_LOOPBACK) };
	socklen_t len = sizeof(sa);
	int fd = socket(AF_INET, SOCK_DGRAM, 0);

	assert_int_equal(bind(fd, (struct sockaddr *)&sa, sizeof(sa)), 0);
	getsockname(fd, (struct sockaddr *)&sa, &len);
	close(fd);
	return ntohs(sa.sin_port);
}

static void write_texts(unsigned port)
{
	char of_a[ADIT_KEY_BASE64_LEN + 1], of_b[ADIT_KEY_BASE64_LEN + 1], of_c[ADIT_KEY_BASE64_LEN + 1];

	public_of(KEY_A, of_a);
	public_of(KEY_B, of_b);
	public_of(KEY_C, of_c);
	snprintf(text_a, sizeof(text_a), "[Interface]\nPrivateKey = %s\nAddress = 10.77.0.1, fd77::1\nDNS = 10.77.0.2\n"
		 "[Peer]\nPublicKey = %s\nEndpoint = 127.0.0.1:%u\nAllowedIPs = 10.77.0.0/24, fd77::/64\n" SILENT, KEY_A, of_b, port);
	snprintf(text_b, sizeof(text_b), "[Interface]\nPrivateKey = %s\nAddress = 10.77.0.2, fd77::2\nListenPort = %u\n"
		 "[Peer]\nPublicKey = %s\nAllowedIPs = 10.77.0.1, fd77::1\n"
		 "[Peer]\nPublicKey = %s\nAllowedIPs = 10.77.0.3\n", KEY_B, port, of_a, of_c);
	snprintf(text_c, sizeof(text_c), "[Interface]\nPrivateKey = %s\nAddress = 10.77.0.3\nDNS = 10.77.0.2\n"
		 "[Peer]\nPublicKey = %s\nEndpoint = 127.0.0.1:%u\nAllowedIPs = 10.77.0.0/24\n", KEY_C, of_b, port);
}

static int open_text(struct adit **ret, const char *text, char *err, size_t len)
{
	const struct adit_options o = { .size = sizeof(o), .config_text = text };

	return adit_open(ret, &o, err, len);
}

/* two.example has an address of each family, silent.example no answer, the others are not there. */
static void answer(int fd)
{
	uint8_t p[512];
	ssize_t n = recv(fd, p, 400, 0), end = 12;
	bool two, six;

	if (n < 17 || !memcmp(p + 12, "\6silent", 7))
		return;
	while (end < n && p[end])
		end += p[end] + 1;
	end += 5; /* what follows is EDNS */
	two = !memcmp(p + 12, "\3two\7example", 13);
	six = p[end - 3] == 28;
	memcpy(p + 2, (uint8_t[]){ 0x85, two ? 0x80 : 0x83, 0, 1, 0, two, 0, 0, 0, 0 }, 10);
	if (two) {
		memcpy(p + end, (uint8_t[]){ 0xc0, 12, 0, six ? 28 : 1, 0, 1, 0, 0, 0, 60, 0, six ? 16 : 4 }, 12);
		inet_pton(six ? AF_INET6 : AF_INET, six ? "fd77::2" : "10.77.0.2", p + end + 12);
		end += 12 + p[end + 11];
	}
	(void)!send(fd, p, (size_t)end, 0);
}

/* Until a datagram of one byte comes. */
static void *serve_names(void *arg)
{
	struct pollfd p[64] = { { .fd = adit_listener_fd(dns), .events = POLLIN } };
	unsigned cnt = 1;
	char one;

	(void)arg;
	while (poll(p, cnt, -1) > 0) {
		for (unsigned i = 1; i < cnt; i++) {
			if (!(p[i].revents & POLLIN))
				continue;
			if (recv(p[i].fd, &one, 1, MSG_PEEK | MSG_TRUNC) == 1)
				goto out;
			answer(p[i].fd);
		}
		if (p[0].revents && cnt < 64)
			p[cnt++] = (struct pollfd){ .fd = adit_accept(dns, 0, NULL, 0), .events = POLLIN };
	}
out:
	while (--cnt)
		close(p[cnt].fd);
	return NULL;
}

static int open_both(void **state)
{
	const struct adit_options o = { .size = sizeof(o), .config_text = text_a, .capture_file = capture };
	char err[512] = "";
	int r = -EADDRINUSE;

	(void)state;
	if (!mkdtemp(folder))
		return -1;
	snprintf(capture, sizeof(capture), "%s/x.pcapng", folder);
	for (int i = 0; i < 10 && r; i++) { /* somebody may have taken the port */
		write_texts(free_port());
		r = open_text(&b, text_b, err, sizeof(err));
	}
	if (r || adit_open(&a, &o, err, sizeof(err)) || adit_listen(b, &dns, "udp", ":53")) {
		fprintf(stderr, "# %s\n", err);
		return -1;
	}
	return pthread_create(&dns_thread, NULL, serve_names, NULL);
}

static int close_both(void **state)
{
	int fd = adit_dial(a, "udp", "10.77.0.2:53", LONG);

	(void)state;
	send(fd, "x", 1, 0);
	pthread_join(dns_thread, NULL);
	close(fd);
	adit_listener_close(dns);
	adit_close(a);
	adit_close(b);
	unlink(capture);
	return rmdir(folder);
}

/* --- a connection and its two ends ---------------------------------------------- */

struct ends {
	struct adit_listener *listener;
	int here, there;
	char peer[64];
};

static void join_from(struct adit *net, struct ends *e, const char *network, const char *host)
{
	char address[64];

	assert_int_equal(adit_listen(b, &e->listener, network, ":0"), 0);
	assert_int_not_equal(adit_listener_port(e->listener), 0);
	snprintf(address, sizeof(address), "%s:%u", host, adit_listener_port(e->listener));
	e->here = adit_dial(net, network, address, LONG);
	assert_true(e->here >= 0);
	if (network[0] == 'u')
		assert_int_equal(send(e->here, "first", 5, 0), 5);
	e->there = adit_accept(e->listener, LONG, e->peer, sizeof(e->peer));
	assert_true(e->there >= 0);
}

static void join(struct ends *e, const char *network, const char *host)
{
	join_from(a, e, network, host);
}

static void part(struct ends *e)
{
	close(e->here);
	close(e->there);
	adit_listener_close(e->listener);
}

/* All until the end of file; -errno. */
static int read_all(int fd, char *buf, size_t size)
{
	size_t len = 0;
	ssize_t n;

	while ((n = read(fd, buf + len, size - len)) > 0)
		len += (size_t)n;
	return n < 0 ? -errno : (int)len;
}

#endif
