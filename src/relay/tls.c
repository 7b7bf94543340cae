/* SPDX-License-Identifier: ISC */
/*
 * tls.c - TLS towards a proxy's clients
 *
 * DOC: the pump
 *
 * Two descriptors, edge-triggered: the client's, with TLS on it, and our end
 * of a socket pair. Whatever wakes it, everything is tried until it blocks.
 * An end of file on the plain side becomes close_notify and FIN, one from the
 * client becomes shutdown on the plain side. The plain end closed without
 * having been shut down before is a reset, and the client gets a reset without
 * close_notify, so that it does not take a part for the whole.
 */
#include "relay/tls.h"

#include <errno.h>
#include <openssl/err.h>
#include <openssl/ssl.h>
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "relay/proxy.h"

#define PIECE  16384 /* a TLS record's content */
#define ROUNDS 16    /* pieces of one turn each way */

struct relay_tls {
	SSL_CTX *ctx;
	BIO_METHOD *method; /* a socket without SIGPIPE */
};

struct piece {
	size_t len, pos;
	uint8_t data[PIECE];
};

struct tls_client {
	struct proxy_client c; /* fd: the client's */
	struct relay_fd plain;
	struct relay_again again;
	SSL *ssl;
	bool accepted;               /* the handshake is over */
	bool net_eof, plain_eof;     /* seen */
	bool told_plain, told_net;   /* and passed on */
	struct piece in, out;        /* decrypted, for plain; plain, to be encrypted */
};

/* --- a socket as OpenSSL sees it ------------------------------------------------------ */

static int bio_write(BIO *b, const char *p, int len)
{
	struct tls_client *t = BIO_get_data(b);
	ssize_t n = send(t->c.fd.fd, p, (size_t)len, MSG_NOSIGNAL);

	BIO_clear_retry_flags(b);
	if (n < 0 && (errno == EAGAIN || errno == EINTR))
		BIO_set_retry_write(b);
	return (int)n;
}

static int bio_read(BIO *b, char *p, int len)
{
	struct tls_client *t = BIO_get_data(b);
	ssize_t n = recv(t->c.fd.fd, p, (size_t)len, 0);

	BIO_clear_retry_flags(b);
	if (n < 0 && (errno == EAGAIN || errno == EINTR))
		BIO_set_retry_read(b);
	return (int)n;
}

static long bio_ctrl(BIO *b, int cmd, long num, void *p)
{
	(void)b;
	(void)num;
	(void)p;
	return cmd == BIO_CTRL_FLUSH;
}

/* --- certificate and key ----------------------------------------------------------------- */

static const char *reason(void)
{
	const char *text = ERR_reason_error_string(ERR_peek_last_error());

	return text ? text : "unknown error";
}

static int choose_protocol(SSL *ssl, const unsigned char **ret, unsigned char *ret_len, const unsigned char *offered,
			   unsigned len, void *arg)
{
	static const unsigned char ours[] = "\x08http/1.1";

	(void)ssl;
	(void)arg;
	if (SSL_select_next_proto((unsigned char **)ret, ret_len, ours, sizeof(ours) - 1, offered, len) ==
	    OPENSSL_NPN_NEGOTIATED)
		return SSL_TLSEXT_ERR_OK;
	return SSL_TLSEXT_ERR_NOACK;
}

static int load(SSL_CTX *ctx, const char *cert_file, const char *key_file, char *err, size_t err_len)
{
	ERR_clear_error();
	if (SSL_CTX_use_certificate_chain_file(ctx, cert_file) != 1) {
		snprintf(err, err_len, "certificate %s: %s; it must be a PEM file that this user can read", cert_file,
			 reason());
		return -EINVAL;
	}
	if (SSL_CTX_use_PrivateKey_file(ctx, key_file, SSL_FILETYPE_PEM) != 1) {
		snprintf(err, err_len, "key %s: %s; it must be the PEM key of certificate %s", key_file, reason(),
			 cert_file);
		return -EINVAL;
	}
	return 0;
}

static BIO_METHOD *new_method(void)
{
	BIO_METHOD *m = BIO_meth_new(BIO_TYPE_SOURCE_SINK, "client");

	if (m) {
		BIO_meth_set_write(m, bio_write);
		BIO_meth_set_read(m, bio_read);
		BIO_meth_set_ctrl(m, bio_ctrl);
	}
	return m;
}

int relay_tls_new(struct relay_tls **ret, const char *cert_file, const char *key_file, char *err, size_t err_len)
{
	struct relay_tls *t = calloc(1, sizeof(*t));
	int e = -ENOMEM;

	if (t) {
		t->ctx = SSL_CTX_new(TLS_server_method());
		t->method = new_method();
	}
	if (!t || !t->ctx || !t->method) {
		snprintf(err, err_len, "out of memory");
		goto err_free;
	}
	SSL_CTX_set_min_proto_version(t->ctx, TLS1_2_VERSION);
	SSL_CTX_set_mode(t->ctx, SSL_MODE_ENABLE_PARTIAL_WRITE | SSL_MODE_ACCEPT_MOVING_WRITE_BUFFER |
				 SSL_MODE_RELEASE_BUFFERS);
	SSL_CTX_set_options(t->ctx, SSL_OP_NO_RENEGOTIATION | SSL_OP_NO_COMPRESSION);
	SSL_CTX_set_alpn_select_cb(t->ctx, choose_protocol, NULL);
	e = load(t->ctx, cert_file, key_file, err, err_len);
	if (e)
		goto err_free;
	*ret = t;
	return 0;
err_free:
	relay_tls_free(t);
	return e;
}

void relay_tls_free(struct relay_tls *t)
{
	if (!t)
		return;
	SSL_CTX_free(t->ctx);
	BIO_meth_free(t->method);
	free(t);
}

/* --- the pump ------------------------------------------------------------------------------ */

static void release(struct proxy_client *c, adit_time now)
{
	struct tls_client *t = adit_container_of(c, struct tls_client, c);

	(void)now;
	relay_again_cancel(&t->again);
	relay_fd_close(&t->plain);
	SSL_free(t->ssl);
	t->ssl = NULL;
	explicit_bzero(&t->in, sizeof(t->in));
	explicit_bzero(&t->out, sizeof(t->out));
}

/* What an operation of OpenSSL that did nothing means: 0 it blocks, -EPIPE an
 * end in order, another -errno: broken. */
static int judge(struct tls_client *t, int result)
{
	switch (SSL_get_error(t->ssl, result)) {
	case SSL_ERROR_WANT_READ:
	case SSL_ERROR_WANT_WRITE:
		return 0;
	case SSL_ERROR_ZERO_RETURN:
		return -EPIPE;
	case SSL_ERROR_SSL:
		proxy_client_log(&t->c, "TLS: %s", reason());
		return -EPROTO;
	}
	return -ECONNRESET;
}

static int handshake(struct tls_client *t)
{
	int n;

	if (t->accepted)
		return 0;
	ERR_clear_error();
	n = SSL_accept(t->ssl);
	if (n != 1) {
		n = judge(t, n);
		return n == -EPIPE ? -ECONNRESET : n;
	}
	t->accepted = true;
	relay_timer_set(&t->c.timer, ADIT_NEVER);
	return 0;
}

/* From the client. Returns 1 for progress, 0, or -errno. */
static int pump_in(struct tls_client *t)
{
	ssize_t n;

	if (t->in.pos == t->in.len && !t->net_eof) {
		ERR_clear_error();
		n = SSL_read(t->ssl, t->in.data, sizeof(t->in.data));
		t->in.pos = 0;
		t->in.len = n > 0 ? (size_t)n : 0;
		if (n <= 0) {
			int e = judge(t, (int)n);

			if (e != -EPIPE)
				return e;
			t->net_eof = true;
		}
	}
	if (t->in.pos < t->in.len) {
		n = send(t->plain.fd, t->in.data + t->in.pos, t->in.len - t->in.pos, MSG_NOSIGNAL);
		if (n < 0)
			return errno == EAGAIN ? 0 : -errno;
		t->in.pos += (size_t)n;
		return 1;
	}
	if (t->net_eof && !t->told_plain) {
		shutdown(t->plain.fd, SHUT_WR);
		t->told_plain = true;
	}
	return 0;
}

/* The plain side has ended: in order, or by being closed at once? */
static int tell_net(struct tls_client *t)
{
	struct pollfd p = { .fd = t->plain.fd };

	if (!t->told_plain && poll(&p, 1, 0) == 1 && p.revents & POLLHUP)
		return -ECONNRESET;
	SSL_shutdown(t->ssl);
	shutdown(t->c.fd.fd, SHUT_WR);
	t->told_net = true;
	return 0;
}

static int pump_out(struct tls_client *t)
{
	ssize_t n;

	if (t->out.pos == t->out.len && !t->plain_eof) {
		n = recv(t->plain.fd, t->out.data, sizeof(t->out.data), 0);
		if (n < 0)
			return errno == EAGAIN ? 0 : -errno;
		t->out.pos = 0;
		t->out.len = (size_t)n;
		t->plain_eof = n == 0;
	}
	if (t->out.pos < t->out.len) {
		ERR_clear_error();
		n = SSL_write(t->ssl, t->out.data + t->out.pos, (int)(t->out.len - t->out.pos));
		if (n <= 0)
			return judge(t, (int)n);
		t->out.pos += (size_t)n;
		return 1;
	}
	return t->plain_eof && !t->told_net ? tell_net(t) : 0;
}

static void pump(struct tls_client *t, adit_time now)
{
	int in = 1, out = 1, e = handshake(t);

	for (int i = 0; !e && t->accepted && i < ROUNDS && (in > 0 || out > 0); i++) {
		in = in > 0 ? pump_in(t) : in;
		out = out > 0 ? pump_out(t) : out;
		e = in < 0 ? in : out < 0 ? out : 0;
	}
	if (e)
		proxy_client_end(&t->c, true, now);
	else if (t->told_plain && t->told_net)
		proxy_client_end(&t->c, false, now);
	else if (t->accepted && (in > 0 || out > 0))
		relay_again_set(t->plain.loop, &t->again);
}

static void net_ready(struct relay_fd *f, uint32_t events, adit_time now)
{
	(void)events;
	pump(adit_container_of(proxy_client_of(f), struct tls_client, c), now);
}

static void plain_ready(struct relay_fd *f, uint32_t events, adit_time now)
{
	struct tls_client *t = adit_container_of(f, struct tls_client, plain);

	if (events & EPOLLHUP && t->told_net) /* closed after its end of file was passed on */
		proxy_client_end(&t->c, false, now);
	else
		pump(t, now);
}

static void run_again(struct relay_again *a, adit_time now)
{
	pump(adit_container_of(a, struct tls_client, again), now);
}

static int open_ssl(struct tls_client *t, const struct relay_tls *tls)
{
	BIO *bio;

	t->ssl = SSL_new(tls->ctx);
	bio = t->ssl ? BIO_new(tls->method) : NULL;
	if (!bio)
		return -ENOMEM;
	BIO_set_data(bio, t);
	BIO_set_init(bio, 1);
	SSL_set_bio(t->ssl, bio, bio);
	return 0;
}

static int watch_both(struct tls_client *t)
{
	uint32_t events = EPOLLIN | EPOLLOUT | EPOLLRDHUP | EPOLLET;
	int e = relay_fd_watch(&t->c.fd, events);

	return e ? e : relay_fd_watch(&t->plain, events);
}

int relay_tls_wrap(struct relay_service *s, int fd, const struct adit_endpoint *peer, adit_time now)
{
	struct tls_client *t = proxy_client_new(s, sizeof(*t), fd, peer, net_ready, release, now);
	struct proxy_state *st = s->state;
	int pair[2], e;

	if (!t)
		return -ENOMEM;
	t->again.run = run_again;
	relay_fd_init(&t->plain, adit_relay_loop(s->relay), -1, plain_ready);
	if (socketpair(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0, pair) < 0) {
		e = -errno;
		goto err_end;
	}
	relay_fd_init(&t->plain, adit_relay_loop(s->relay), pair[0], plain_ready);
	e = open_ssl(t, st->tls);
	if (!e)
		e = watch_both(t);
	if (!e)
		return pair[1];
	close(pair[1]);
err_end:
	proxy_client_end(&t->c, true, now);
	return e;
}
