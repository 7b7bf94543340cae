/* SPDX-License-Identifier: ISC */
/*
 * mixed.c - SOCKS5 and HTTP on one port, told apart by the first byte: 5 is
 * SOCKS, 22 is TLS where there is a certificate, all else is HTTP. The byte is
 * looked at and left where it is.
 */
#include <errno.h>
#include <sys/socket.h>

#include "relay/proxy.h"

enum { FIRST_SOCKS5 = 5, FIRST_TLS = 22 };

/* The new client is there before the old one goes, so that a service that was
 * stopped meanwhile does not lose its last. */
static void hand_over(struct proxy_client *c, uint8_t first, adit_time now)
{
	struct proxy_state *st = c->service->state;
	int fd = c->fd.fd;

	relay_fd_release(&c->fd);
	if (first == FIRST_SOCKS5)
		socks_client_begin(c->service, fd, &c->peer, now);
	else
		http_client_begin(c->service, fd, &c->peer, first == FIRST_TLS && st->tls, now);
	proxy_client_end(c, false, now);
}

static void ready(struct relay_fd *f, uint32_t events, adit_time now)
{
	struct proxy_client *c = proxy_client_of(f);
	uint8_t first;
	ssize_t n = recv(c->fd.fd, &first, 1, MSG_PEEK);

	(void)events;
	if (n < 0 && (errno == EAGAIN || errno == EINTR))
		return;
	if (n == 1)
		hand_over(c, first, now);
	else
		proxy_client_end(c, false, now);
}

static void accepted(struct relay_service *s, int fd, const struct adit_endpoint *client, adit_time now)
{
	proxy_client_new(s, sizeof(struct proxy_client), fd, client, ready, NULL, now);
}

static int start(struct relay_service *s, char *err, size_t err_len, adit_time now)
{
	(void)now;
	return proxy_start(s, accepted, err, err_len);
}

const struct relay_service_ops relay_mixed_ops = { .start = start, .stop = proxy_stop };
