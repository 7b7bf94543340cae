/* SPDX-License-Identifier: ISC */
/*
 * sni.c - TLS passed on by the name in its ClientHello, to port 443 inside.
 * Nothing is decrypted: what the client has sent goes inside as it came.
 */
#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "relay/dial.h"
#include "relay/proxy.h"
#include "relay/sni_hello.h"

#define HELLO_TIME (5 * ADIT_SEC)
#define HTTPS      443

struct sni_client {
	struct proxy_client c;
	struct relay_dial *dial;
	struct relay_target to;
	bool dialling;
	size_t len;
	uint8_t buf[SNI_HELLO_MAX];
};

static void release(struct proxy_client *c, adit_time now)
{
	struct sni_client *k = adit_container_of(c, struct sni_client, c);

	if (k->dial)
		relay_dial_cancel(k->dial, now);
	k->dial = NULL;
}

static void dialled(void *arg, const struct relay_dialled *d)
{
	struct sni_client *k = arg;
	adit_time now = k->c.fd.loop->now;

	k->dial = NULL;
	if (d->error) {
		k->c.service->n.failed++;
		proxy_client_log(&k->c, "%s:%u inside: %s", k->to.host, k->to.port, strerror(-d->error));
		proxy_client_end(&k->c, true, now);
		return;
	}
	proxy_client_splice(&k->c, d->sock, k->buf, k->len, NULL, 0, now); /* buf stays for this turn */
}

static void dial(struct sni_client *k, adit_time now)
{
	uint16_t port = k->c.service->cfg.target.port;
	int e;

	k->to.port = port ? port : HTTPS;
	k->dialling = true;
	relay_timer_set(&k->c.timer, ADIT_NEVER);
	relay_fd_watch(&k->c.fd, 0);
	e = relay_dial_inside(k->c.service->relay, &k->dial, &k->to, dialled, k, now);
	if (e) {
		struct relay_dialled d = { .error = e, .fd = -1 };

		dialled(k, &d);
	}
}

static void look(struct sni_client *k, adit_time now)
{
	switch (sni_hello_read(k->buf, k->len, k->to.host)) {
	case SNI_MORE:
		return;
	case SNI_NAME:
		dial(k, now);
		return;
	case SNI_NO_NAME:
		k->c.service->n.refused++;
		proxy_client_log(&k->c, "its ClientHello names no server");
		proxy_client_linger(&k->c, sni_alert_unrecognized_name, SNI_ALERT_LEN, now);
		return;
	case SNI_BAD:
		k->c.service->n.refused++;
		proxy_client_log(&k->c, "does not speak TLS");
		proxy_client_end(&k->c, false, now);
		return;
	}
}

static void ready(struct relay_fd *f, uint32_t events, adit_time now)
{
	struct sni_client *k = adit_container_of(proxy_client_of(f), struct sni_client, c);
	ssize_t n;

	if (k->dialling) {
		if (events & (EPOLLERR | EPOLLHUP))
			proxy_client_end(&k->c, true, now);
		return;
	}
	n = proxy_client_read(&k->c, k->buf + k->len, sizeof(k->buf) - k->len);
	if (n < 0) {
		proxy_client_end(&k->c, false, now);
		return;
	}
	k->len += (size_t)n;
	look(k, now);
}

static void accepted(struct relay_service *s, int fd, const struct adit_endpoint *client, adit_time now)
{
	struct sni_client *k = proxy_client_new(s, sizeof(*k), fd, client, ready, release, now);

	if (k)
		relay_timer_set(&k->c.timer, now + HELLO_TIME);
}

static int start(struct relay_service *s, char *err, size_t err_len, adit_time now)
{
	(void)now;
	return proxy_start(s, accepted, err, err_len);
}

const struct relay_service_ops relay_sni_ops = { .start = start, .stop = proxy_stop };
