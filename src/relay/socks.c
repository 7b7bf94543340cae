/* SPDX-License-Identifier: ISC */
/*
 * socks.c - the SOCKS5 server
 *
 * DOC: a client
 *
 * GREETING -> [AUTH ->] REQUEST -> DIALLING, which ends in a stream or in a
 * reply that says why not; or -> ASSOCIATED, until the connection closes. The
 * reply to CONNECT leaves when the outcome inside is known. What a client
 * sends before that stays in `buf` and in the kernel, and goes inside first.
 */
#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>

#include "relay/dial.h"
#include "relay/proxy.h"
#include "relay/sockaddr.h"
#include "relay/socks5.h"
#include "relay/socks_udp.h"

#define BUF_LEN 4096

_Static_assert(BUF_LEN >= SOCKS5_GREETING_MAX + SOCKS5_AUTH_MAX + SOCKS5_REQUEST_MAX, "a pipelining client fits");

enum socks_state { SOCKS_GREETING, SOCKS_AUTH, SOCKS_REQUEST, SOCKS_DIALLING, SOCKS_ASSOCIATED };

struct socks_client {
	struct proxy_client c;
	enum socks_state state;
	struct relay_dial *dial;
	struct socks_udp *udp;
	struct relay_target to;
	size_t len;
	uint8_t buf[BUF_LEN];
};

static void release(struct proxy_client *c, adit_time now)
{
	struct socks_client *k = adit_container_of(c, struct socks_client, c);

	if (k->dial)
		relay_dial_cancel(k->dial, now);
	k->dial = NULL;
	if (k->udp)
		socks_udp_close(k->udp, now);
	k->udp = NULL;
	explicit_bzero(k->buf, sizeof(k->buf)); /* a password was there */
}

static void say(struct socks_client *k, const void *p, size_t len, adit_time now)
{
	if (send(k->c.fd.fd, p, len, MSG_NOSIGNAL) != (ssize_t)len)
		proxy_client_end(&k->c, true, now); /* some bytes always fit a new socket */
}

static void answer_no(struct socks_client *k, enum socks5_reply why, adit_time now)
{
	uint8_t reply[SOCKS5_REPLY_MAX];
	size_t len = socks5_write_reply(reply, why, NULL);

	proxy_client_linger(&k->c, reply, len, now);
}

static void refuse(struct socks_client *k, enum socks5_reply why, adit_time now)
{
	k->c.service->n.refused++;
	answer_no(k, why, now);
}

/* --- CONNECT ------------------------------------------------------------------------ */

static void dialled(void *arg, const struct relay_dialled *d)
{
	struct socks_client *k = arg;
	struct relay_service *s = k->c.service;
	adit_time now = k->c.fd.loop->now;
	uint8_t reply[SOCKS5_REPLY_MAX], early[BUF_LEN];
	struct adit_endpoint bound;
	size_t early_len = k->len;

	k->dial = NULL;
	if (d->error) {
		s->n.failed++;
		proxy_client_log(&k->c, "%s:%u inside: %s", k->to.host, k->to.port, strerror(-d->error));
		answer_no(k, socks5_reply_of(d->error), now);
		return;
	}
	memcpy(early, k->buf, early_len);
	adit_sock_local(d->sock, &bound);
	proxy_client_splice(&k->c, d->sock, early, early_len, reply,
			    socks5_write_reply(reply, SOCKS5_SUCCEEDED, &bound), now);
}

static void connect_to(struct socks_client *k, const struct socks5_addr *to, adit_time now)
{
	int e;

	memcpy(k->to.host, to->host, sizeof(k->to.host));
	k->to.port = to->port;
	k->state = SOCKS_DIALLING;
	relay_timer_set(&k->c.timer, ADIT_NEVER); /* the dial has its own */
	relay_fd_watch(&k->c.fd, 0);
	e = relay_dial_inside(k->c.service->relay, &k->dial, &k->to, dialled, k, now);
	if (e) {
		struct relay_dialled d = { .error = e, .fd = -1 };

		dialled(k, &d);
	}
}

/* --- UDP ASSOCIATE --------------------------------------------------------------------- */

static void associate(struct socks_client *k, const struct socks5_addr *from, adit_time now)
{
	struct adit_endpoint local = relay_socket_local(k->c.fd.fd), bound;
	uint8_t reply[SOCKS5_REPLY_MAX];
	bool ours = from->addr.family && (adit_addr_equal(&from->addr, &k->c.peer.addr) ||
					  !memcmp(from->addr.bytes, (uint8_t[16]){ 0 }, 16));
	int e;

	if (!k->c.peer.addr.family) { /* a Unix socket: there is no address to send to */
		refuse(k, SOCKS5_BAD_COMMAND, now);
		return;
	}
	/* Some clients put their destination here; then the port is not theirs. */
	e = socks_udp_open(k->c.service, &k->udp, &local, &k->c.peer, ours ? from->port : 0, &bound, now);
	if (e) {
		proxy_client_log(&k->c, "no UDP for it: %s", strerror(-e));
		refuse(k, socks5_reply_of(e), now);
		return;
	}
	k->state = SOCKS_ASSOCIATED;
	k->len = 0;
	relay_timer_set(&k->c.timer, ADIT_NEVER);
	say(k, reply, socks5_write_reply(reply, SOCKS5_SUCCEEDED, &bound), now);
}

/* --- what a client says ------------------------------------------------------------------ */

/* One step for each; return what was taken, 0 = more must come, -1 = the client is not ours any more. */

static int take_greeting(struct socks_client *k, adit_time now)
{
	bool asks = k->c.service->cfg.username[0] != '\0';
	uint8_t answer[2] = { SOCKS5_VERSION, SOCKS5_NO_METHOD };
	uint64_t methods;
	int n = socks5_read_greeting(k->buf, k->len, &methods);

	if (n < 0) {
		proxy_client_log(&k->c, "does not speak SOCKS5 (first byte %u)", k->buf[0]);
		proxy_client_end(&k->c, false, now);
		return -1;
	}
	if (n == 0)
		return 0;
	if (!asks && methods & UINT64_C(1) << SOCKS5_NO_AUTH)
		answer[1] = SOCKS5_NO_AUTH;
	else if (methods & UINT64_C(1) << SOCKS5_USER_PASS)
		answer[1] = SOCKS5_USER_PASS; /* where nobody asks, any name will do */
	if (answer[1] == SOCKS5_NO_METHOD) {
		proxy_client_log(&k->c, asks ? "offers no user name and password" : "offers no method that we know");
		k->c.service->n.refused++;
		proxy_client_linger(&k->c, answer, sizeof(answer), now);
		return -1;
	}
	k->state = answer[1] == SOCKS5_NO_AUTH ? SOCKS_REQUEST : SOCKS_AUTH;
	say(k, answer, sizeof(answer), now);
	return n;
}

static int take_auth(struct socks_client *k, adit_time now)
{
	const struct relay_service_config *cfg = &k->c.service->cfg;
	uint8_t answer[2] = { SOCKS5_AUTH_VERSION, 0 };
	char user[256], password[256];
	int n = socks5_read_auth(k->buf, k->len, user, password);
	bool right;

	if (n == 0)
		return 0;
	right = n > 0 && relay_secret_equal(user, cfg->username);
	right = n > 0 && relay_secret_equal(password, cfg->password) && right;
	explicit_bzero(password, sizeof(password));
	if (n > 0 && (right || !cfg->username[0])) {
		k->state = SOCKS_REQUEST;
		say(k, answer, sizeof(answer), now);
		return n;
	}
	answer[1] = 1;
	proxy_client_log(&k->c, "wrong user name or password");
	k->c.service->n.refused++;
	proxy_client_linger(&k->c, answer, sizeof(answer), now);
	return -1;
}

static int take_request(struct socks_client *k, adit_time now)
{
	struct socks5_addr to;
	uint8_t command;
	int n = socks5_read_request(k->buf, k->len, &command, &to);

	if (n == 0)
		return 0;
	if (n > 0) {
		memmove(k->buf, k->buf + n, k->len - (size_t)n);
		k->len -= (size_t)n;
	}
	if (n == -EAFNOSUPPORT)
		refuse(k, SOCKS5_BAD_ADDRESS, now);
	else if (n < 0)
		refuse(k, SOCKS5_FAILURE, now);
	else if (command == SOCKS5_CONNECT)
		connect_to(k, &to, now);
	else if (command == SOCKS5_UDP_ASSOCIATE)
		associate(k, &to, now);
	else
		refuse(k, SOCKS5_BAD_COMMAND, now);
	return -1;
}

static void step(struct socks_client *k, adit_time now)
{
	int n = 1;

	while (n > 0) {
		switch (k->state) {
		case SOCKS_GREETING:
			n = take_greeting(k, now);
			break;
		case SOCKS_AUTH:
			n = take_auth(k, now);
			break;
		case SOCKS_REQUEST:
			n = take_request(k, now);
			break;
		case SOCKS_DIALLING:
		case SOCKS_ASSOCIATED:
			return;
		}
		if (k->c.fd.fd < 0) /* gone when it was answered */
			return;
		if (n > 0) {
			memmove(k->buf, k->buf + n, k->len - (size_t)n);
			k->len -= (size_t)n;
		}
	}
}

static void ready(struct relay_fd *f, uint32_t events, adit_time now)
{
	struct socks_client *k = adit_container_of(proxy_client_of(f), struct socks_client, c);
	ssize_t n;

	if (k->state == SOCKS_DIALLING) { /* an error, or both directions are closed */
		if (events & (EPOLLERR | EPOLLHUP))
			proxy_client_end(&k->c, true, now);
		return;
	}
	if (k->state == SOCKS_ASSOCIATED)
		k->len = 0; /* nothing is to be said any more */
	n = proxy_client_read(&k->c, k->buf + k->len, sizeof(k->buf) - k->len);
	if (n < 0) {
		proxy_client_end(&k->c, false, now);
		return;
	}
	k->len += (size_t)n;
	step(k, now);
}

void socks_client_begin(struct relay_service *s, int fd, const struct adit_endpoint *peer, adit_time now)
{
	proxy_client_new(s, sizeof(struct socks_client), fd, peer, ready, release, now);
}

/* --- the service ------------------------------------------------------------------------- */

static int start(struct relay_service *s, char *err, size_t err_len, adit_time now)
{
	(void)now;
	return proxy_start(s, socks_client_begin, err, err_len);
}

const struct relay_service_ops relay_socks_ops = { .start = start, .stop = proxy_stop };
