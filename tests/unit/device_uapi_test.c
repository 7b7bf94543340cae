/* SPDX-License-Identifier: ISC */
/*
 * The UAPI connection against a device that writes down what is asked of it.
 * Every case runs with the input whole, byte by byte, and cut at every place.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "crypto/keytext.h"
#include "device/uapi.h"

#define A "a0a0a0a0a0a0a0a0a0a0a0a0a0a0a0a0a0a0a0a0a0a0a0a0a0a0a0a0a0a0a0a0"
#define B "b0b0b0b0b0b0b0b0b0b0b0b0b0b0b0b0b0b0b0b0b0b0b0b0b0b0b0b0b0b0b0b0"
#define C "c0c0c0c0c0c0c0c0c0c0c0c0c0c0c0c0c0c0c0c0c0c0c0c0c0c0c0c0c0c0c0c0" /* the fake's own key */
#define ZERO "0000000000000000000000000000000000000000000000000000000000000000"

/* --- a device that takes notes ------------------------------------------------ */

#define PEERS_MAX 2048

struct fake {
	char log[8192];
	size_t log_len;
	bool quiet; /* count only */
	int port_result, add_result;
	uint8_t key[PEERS_MAX][ADIT_KEY_LEN];
	size_t peer_cnt;
	int at; /* the peer that find or add chose, or -1 */
	bool held;
	unsigned holds, hold_peers, hold_peers_max, opens, closes;
	size_t cursor;
	struct adit_uapi_slice slice;
	struct adit_prefix allowed[3 * ADIT_UAPI_SLICE];
};

__attribute__((format(printf, 2, 3))) static void note(struct fake *f, const char *fmt, ...)
{
	va_list ap;

	if (f->quiet)
		return;
	va_start(ap, fmt);
	f->log_len += (size_t)vsnprintf(f->log + f->log_len, sizeof(f->log) - f->log_len, fmt, ap);
	va_end(ap);
	assert_true(f->log_len < sizeof(f->log));
}

static void fake_hold(void *user)
{
	struct fake *f = user;

	assert_false(f->held);
	f->held = true;
	f->holds++;
	f->hold_peers = 0;
	f->at = -1;
}

static void fake_release(void *user)
{
	struct fake *f = user;

	assert_true(f->held);
	f->held = false;
	f->at = -1;
}

static int fake_private_key(void *user, const uint8_t key[ADIT_KEY_LEN])
{
	struct fake *f = user;

	assert_false(f->held);
	note(f, "private %02x\n", key[0]);
	return 0;
}

static int fake_port(void *user, uint16_t port)
{
	struct fake *f = user;

	assert_false(f->held);
	note(f, "port %u\n", port);
	return f->port_result;
}

static int fake_mark(void *user, uint32_t mark)
{
	struct fake *f = user;

	assert_false(f->held);
	note(f, "mark %u\n", mark);
	return 0;
}

static int fake_replace(void *user)
{
	struct fake *f = user;

	assert_false(f->held);
	f->peer_cnt = 0;
	note(f, "replace\n");
	return 0;
}

static bool fake_find(void *user, const uint8_t key[ADIT_KEY_LEN])
{
	struct fake *f = user;
	size_t i;

	assert_true(f->held);
	for (i = 0; i < f->peer_cnt; i++) {
		if (memcmp(f->key[i], key, ADIT_KEY_LEN) != 0)
			continue;
		f->at = (int)i;
		return true;
	}
	return false;
}

static int fake_add(void *user, const uint8_t key[ADIT_KEY_LEN])
{
	struct fake *f = user;

	assert_true(f->held);
	assert_false(fake_find(f, key));
	if (key[0] == 0xc0)
		return -EADDRINUSE;
	if (f->add_result)
		return f->add_result;
	memcpy(f->key[f->peer_cnt], key, ADIT_KEY_LEN);
	f->at = (int)f->peer_cnt++;
	if (++f->hold_peers > f->hold_peers_max)
		f->hold_peers_max = f->hold_peers;
	note(f, "add %02x\n", key[0]);
	return 0;
}

/* The peer that is meant, as the first byte of its key. */
static unsigned chosen(struct fake *f)
{
	assert_true(f->held);
	assert_true(f->at >= 0);
	return f->key[f->at][0];
}

static void fake_remove(void *user)
{
	struct fake *f = user;

	note(f, "remove %02x\n", chosen(f));
	memmove(f->key[f->at], f->key[f->at + 1], (f->peer_cnt - (size_t)f->at - 1) * ADIT_KEY_LEN);
	f->peer_cnt--;
	f->at = -1;
}

static void fake_psk(void *user, const uint8_t psk[ADIT_KEY_LEN])
{
	note(user, "psk %02x %02x\n", chosen(user), psk[31]);
}

static void fake_endpoint(void *user, const struct adit_path *path)
{
	char text[ADIT_PATH_STRLEN];

	note(user, "endpoint %02x %s\n", chosen(user), adit_path_format(path, text));
}

static void fake_keepalive(void *user, uint16_t seconds)
{
	note(user, "keepalive %02x %u\n", chosen(user), seconds);
}

static void fake_replace_allowed(void *user)
{
	note(user, "clear %02x\n", chosen(user));
}

static int fake_allow(void *user, const struct adit_prefix *prefix)
{
	char text[ADIT_PREFIX_STRLEN];

	note(user, "allow %02x %s\n", chosen(user), adit_prefix_format(prefix, text));
	return 0;
}

static void fake_disallow(void *user, const struct adit_prefix *prefix)
{
	char text[ADIT_PREFIX_STRLEN];

	note(user, "disallow %02x %s\n", chosen(user), adit_prefix_format(prefix, text));
}

static void fake_device(void *user, struct adit_uapi_device *ret)
{
	struct fake *f = user;

	assert_false(f->held);
	memset(ret->private_key, 0x11, sizeof(ret->private_key));
	ret->listen_port = 51820;
	ret->tunnel.threads = 1;
	ret->tunnel.drops[ADIT_DROP_no_peer] = 7;
	ret->wg.peers = f->peer_cnt;
}

static void fake_open(void *user)
{
	struct fake *f = user;

	f->opens++;
	f->cursor = 0;
}

static void fake_close(void *user)
{
	((struct fake *)user)->closes++;
}

static int fake_peers(void *user, struct adit_uapi_slice **ret)
{
	struct fake *f = user;
	struct adit_uapi_slice *s = &f->slice;
	size_t end = 0;

	assert_false(f->held);
	s->allowed = f->allowed;
	s->now = 10 * ADIT_SEC;
	for (s->cnt = 0; s->cnt < ADIT_UAPI_SLICE && f->cursor < f->peer_cnt; s->cnt++, f->cursor++) {
		struct adit_wg_peer_info *p = &s->peer[s->cnt];

		memset(p, 0, sizeof(*p));
		memcpy(p->public_key, f->key[f->cursor], ADIT_KEY_LEN);
		memset(p->psk, 0x22, sizeof(p->psk));
		p->last_rx_at = 7 * ADIT_SEC;
		p->rx_bytes = f->cursor + 1;
		assert_int_equal(adit_prefix_parse(&f->allowed[end++], "10.0.0.0/8"), 0);
		if (f->cursor % 2)
			assert_int_equal(adit_prefix_parse(&f->allowed[end++], "2001:db8::/32"), 0);
		s->allowed_end[s->cnt] = end;
	}
	*ret = s;
	return 0;
}

static const struct adit_uapi_ops fake_ops = {
	.hold = fake_hold, .release = fake_release, .private_key = fake_private_key, .listen_port = fake_port,
	.fwmark = fake_mark, .replace_peers = fake_replace, .peer_find = fake_find, .peer_add = fake_add,
	.peer_remove = fake_remove, .peer_psk = fake_psk, .peer_endpoint = fake_endpoint,
	.peer_keepalive = fake_keepalive, .peer_replace_allowed = fake_replace_allowed, .peer_allow = fake_allow,
	.peer_disallow = fake_disallow, .device = fake_device, .peers_open = fake_open, .peers = fake_peers,
	.peers_close = fake_close,
};

/* --- a client ------------------------------------------------------------------ */

struct client {
	struct adit_uapi *uapi;
	char *reply;
	size_t reply_len, reply_cap, largest;
	char *rest; /* what the connection did not take yet */
};

static void take_replies(struct client *c)
{
	const char *p;
	size_t len;

	while ((p = adit_uapi_reply(c->uapi, &len))) {
		size_t part = len > 3 ? len - len / 3 : len; /* a socket that takes only a part */

		c->largest = len > c->largest ? len : c->largest;
		if (c->reply_len + part + 1 > c->reply_cap) {
			c->reply_cap = 2 * (c->reply_len + part + 1);
			c->reply = realloc(c->reply, c->reply_cap);
			assert_non_null(c->reply);
		}
		memcpy(c->reply + c->reply_len, p, part);
		c->reply_len += part;
		c->reply[c->reply_len] = 0;
		adit_uapi_sent(c->uapi, part);
	}
}

static void send_bytes(struct client *c, const char *text, size_t len)
{
	char *buf = malloc(len + 1);
	size_t pos = 0;

	assert_non_null(buf);
	memcpy(buf, text, len);
	while (pos < len) {
		size_t n = adit_uapi_feed(c->uapi, buf + pos, len - pos);

		assert_true(n <= len - pos);
		pos += n;
		take_replies(c);
	}
	free(buf);
}

static void send_text(struct client *c, const char *text)
{
	send_bytes(c, text, strlen(text));
}

static void client_init(struct client *c, struct fake *f)
{
	memset(c, 0, sizeof(*c));
	c->reply = calloc(1, 1);
	c->reply_cap = 1;
	assert_int_equal(adit_uapi_new(&c->uapi, &fake_ops, f), 0);
}

static void client_fini(struct client *c)
{
	adit_uapi_free(c->uapi);
	free(c->reply);
}

/* --- a table of requests --------------------------------------------------------- */

struct request_case {
	const char *name, *input, *calls, *reply;
	bool eof;
	bool closes; /* the connection, after the reply */
	int port_result;
};

static const struct request_case cases[] = {
	{ .name = "empty set", "set=1\n\n", "", "errno=0\n\n" },
	{ .name = "the device", "set=1\nprivate_key=" A "\nlisten_port=51820\nfwmark=51820\nreplace_peers=true\n\n",
	  "private a0\nport 51820\nmark 51820\nreplace\n", "errno=0\n\n" },
	{ .name = "no mark", "set=1\nfwmark=\nfwmark=0\n\n", "mark 0\nmark 0\n", "errno=0\n\n" },
	{ .name = "upper-case key", "set=1\nprivate_key=A0A0A0A0A0A0A0A0A0A0A0A0A0A0A0A0A0A0A0A0A0A0A0A0A0A0A0A0A0A0A0A0\n\n",
	  "private a0\n", "errno=0\n\n" },
	{ .name = "a peer", "set=1\npublic_key=" A "\npreshared_key=" B "\nendpoint=192.0.2.1:51820\n"
	  "persistent_keepalive_interval=25\nreplace_allowed_ips=true\nallowed_ip=10.0.0.0/24\nallowed_ip=::/0\n"
	  "allowed_ip=-10.0.0.0/24\nprotocol_version=1\n\n",
	  "add a0\npsk a0 b0\nendpoint a0 192.0.2.1:51820\nkeepalive a0 25\nclear a0\nallow a0 10.0.0.0/24\n"
	  "allow a0 ::/0\ndisallow a0 10.0.0.0/24\n", "errno=0\n\n" },
	{ .name = "IPv6 endpoint with zone", "set=1\npublic_key=" A "\nendpoint=[fe80::1%lo]:1\n\n",
	  "add a0\nendpoint a0 [fe80::1%1]:1\n", "errno=0\n\n" },
	{ .name = "two peers, bare", "set=1\npublic_key=" A "\npublic_key=" B "\n\n", "add a0\nadd b0\n", "errno=0\n\n" },
	{ .name = "a peer again", "set=1\npublic_key=" A "\npublic_key=" A "\npersistent_keepalive_interval=1\n\n",
	  "add a0\nkeepalive a0 1\n", "errno=0\n\n" },
	{ .name = "update of an unknown peer", "set=1\npublic_key=" A "\nupdate_only=true\nallowed_ip=10.0.0.0/8\n\n", "",
	  "errno=0\n\n" },
	{ .name = "update_only comes late", "set=1\npublic_key=" A "\nallowed_ip=10.0.0.0/8\nupdate_only=true\n\n",
	  "add a0\nallow a0 10.0.0.0/8\nremove a0\n", "errno=0\n\n" },
	{ .name = "update of a known peer", "set=1\npublic_key=" A "\n\nset=1\npublic_key=" A
	  "\nupdate_only=true\nallowed_ip=10.0.0.0/8\n\n", "add a0\nallow a0 10.0.0.0/8\n", "errno=0\n\nerrno=0\n\n" },
	{ .name = "remove an unknown peer", "set=1\npublic_key=" A "\nremove=true\n\n", "", "errno=0\n\n" },
	{ .name = "remove, then more lines", "set=1\npublic_key=" A "\n\nset=1\npublic_key=" A
	  "\nremove=true\nallowed_ip=10.0.0.0/8\n\n", "add a0\nremove a0\n", "errno=0\n\nerrno=0\n\n" },
	{ .name = "replace and add the same", "set=1\npublic_key=" A "\n\nset=1\nreplace_peers=true\npublic_key=" A "\n\n",
	  "add a0\nreplace\nadd a0\n", "errno=0\n\nerrno=0\n\n" },
	{ .name = "our own key", "set=1\npublic_key=" C "\nallowed_ip=10.0.0.0/8\npublic_key=" A "\n\n", "add a0\n",
	  "errno=0\n\n" },
	{ .name = "psk off", "set=1\npublic_key=" A "\npreshared_key=" ZERO "\n\n", "add a0\npsk a0 00\n", "errno=0\n\n" },

	{ .name = "unknown key", "set=1\nbogus=1\n\n", "", "errno=-22\n\n" },
	{ .name = "applied up to the error, not after it", "set=1\nlisten_port=1\nbogus=1\nlisten_port=2\n\nset=1\nlisten_port=3\n\n",
	  "port 1\nport 3\n", "errno=-22\n\nerrno=0\n\n" },
	{ .name = "the peer before an error is there", "set=1\npublic_key=" A "\npublic_key=x\n\n", "add a0\n", "errno=-22\n\n" },
	{ .name = "no equal sign", "set=1\nlisten_port\n\n", "", "errno=-71\n\n" },
	{ .name = "port in use", "set=1\nlisten_port=5\n\n", "port 5\n", "errno=-98\n\n", .port_result = -EADDRINUSE },
	{ .name = "port too large", "set=1\nlisten_port=65536\n\n", "", "errno=-22\n\n" },
	{ .name = "port not a number", "set=1\nlisten_port=5x\n\n", "", "errno=-22\n\n" },
	{ .name = "port empty", "set=1\nlisten_port=\n\n", "", "errno=-22\n\n" },
	{ .name = "port negative", "set=1\nlisten_port=-1\n\n", "", "errno=-22\n\n" },
	{ .name = "mark too large", "set=1\nfwmark=4294967296\n\n", "", "errno=-22\n\n" },
	{ .name = "short key", "set=1\nprivate_key=a0\n\n", "", "errno=-22\n\n" },
	{ .name = "long key", "set=1\nprivate_key=" A "00\n\n", "", "errno=-22\n\n" },
	{ .name = "key not hex", "set=1\nprivate_key=g0a0a0a0a0a0a0a0a0a0a0a0a0a0a0a0a0a0a0a0a0a0a0a0a0a0a0a0a0a0a0a0\n\n", "",
	  "errno=-22\n\n" },
	{ .name = "booleans are true", "set=1\nreplace_peers=1\n\n", "", "errno=-22\n\n" },
	{ .name = "booleans are not false", "set=1\npublic_key=" A "\nremove=false\n\n", "", "errno=-22\n\n" },
	{ .name = "boolean with more", "set=1\nreplace_peers=truely\n\n", "", "errno=-22\n\n" },
	{ .name = "peer line before a peer", "set=1\nallowed_ip=10.0.0.0/8\n\n", "", "errno=-22\n\n" },
	{ .name = "device line after a peer", "set=1\npublic_key=" A "\nlisten_port=1\n\n", "", "errno=-22\n\n" },
	{ .name = "allowed IP without a length", "set=1\npublic_key=" A "\nallowed_ip=10.0.0.0\n\n", "", "errno=-22\n\n" },
	{ .name = "allowed IP too long", "set=1\npublic_key=" A "\nallowed_ip=10.0.0.0/33\n\n", "", "errno=-22\n\n" },
	{ .name = "allowed IP of nothing", "set=1\npublic_key=" A "\nallowed_ip=-\n\n", "", "errno=-22\n\n" },
	{ .name = "endpoint without a port", "set=1\npublic_key=" A "\nendpoint=192.0.2.1\n\n", "", "errno=-22\n\n" },
	{ .name = "endpoint name", "set=1\npublic_key=" A "\nendpoint=example.com:1\n\n", "", "errno=-22\n\n" },
	{ .name = "keepalive too large", "set=1\npublic_key=" A "\npersistent_keepalive_interval=65536\n\n", "", "errno=-22\n\n" },
	{ .name = "protocol version", "set=1\npublic_key=" A "\nprotocol_version=2\n\n", "", "errno=-22\n\n" },
	{ .name = "key with an empty name", "set=1\n=1\n\n", "", "errno=-22\n\n" },
	{ .name = "prefix of a key", "set=1\nlisten_por=1\n\n", "", "errno=-22\n\n" },
	{ .name = "carriage return", "set=1\nlisten_port=1\r\n\n", "", "errno=-22\n\n" },

	{ .name = "cut off in a value", "set=1\npublic_key=" A "\nallowed_ip=10.0.0.0/2", "", "errno=-71\n\n", .eof = true, .closes = true },
	{ .name = "cut off between lines", "set=1\nlisten_port=4\n", "port 4\n", "errno=-71\n\n", .eof = true, .closes = true },
	{ .name = "cut off in an unknown key", "set=1\nbogus=1", "", "errno=-22\n\n", .eof = true, .closes = true },
	{ .name = "cut off get", "get=1\n", "", "errno=71\n\n", .eof = true, .closes = true },
	{ .name = "nothing", "", "", "", .eof = true, .closes = true },
	{ .name = "get with a line", "get=1\nx=1\n\nset=1\n\n", "", "errno=71\n\nerrno=0\n\n" },
	{ .name = "unknown request", "frob=1\n\n", "", "", .closes = true },
	{ .name = "unknown version", "get=2\n\n", "", "", .closes = true },
	{ .name = "binary", "\x16\x03\x01\x02\n\n", "", "", .closes = true },
};

/* step: bytes at a time; cut: one cut there instead. */
static void run_case(const struct request_case *t, size_t step, size_t cut)
{
	struct fake *f = calloc(1, sizeof(*f));
	size_t len = strlen(t->input), pos = 0;
	struct client c;

	assert_non_null(f);
	f->port_result = t->port_result;
	client_init(&c, f);
	while (pos < len) {
		size_t n = cut ? (pos ? len - pos : cut) : step;

		n = n < len - pos ? n : len - pos;
		send_bytes(&c, t->input + pos, n);
		assert_false(f->held);
		pos += n;
	}
	if (t->eof) {
		adit_uapi_eof(c.uapi);
		take_replies(&c);
	}
	if (strcmp(f->log, t->calls) || strcmp(c.reply, t->reply) || adit_uapi_closing(c.uapi) != t->closes)
		print_message("# %s: step %zu cut %zu\n", t->name, step, cut);
	assert_string_equal(f->log, t->calls);
	assert_string_equal(c.reply, t->reply);
	assert_int_equal(adit_uapi_closing(c.uapi), t->closes);
	client_fini(&c);
	free(f);
}

static void test_requests(void **state)
{
	size_t i, cut;

	(void)state;
	for (i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		run_case(&cases[i], SIZE_MAX, 0);
		run_case(&cases[i], 1, 0);
		run_case(&cases[i], 7, 0);
		for (cut = 1; cut < strlen(cases[i].input); cut++)
			run_case(&cases[i], 0, cut);
	}
}

static void test_zero_byte(void **state)
{
	static const char input[] = "set=1\nlisten_port=1\0002\n\nset=1\nremove\0xx=true\n\n";
	struct fake f = { 0 };
	struct client c;

	(void)state;
	client_init(&c, &f);
	send_bytes(&c, input, sizeof(input) - 1);
	assert_string_equal(c.reply, "errno=-22\n\nerrno=-22\n\n");
	assert_string_equal(f.log, "");
	client_fini(&c);
}

/* A line of 10 MB: answered early, nothing of it kept, nothing after it applied. */
static void test_long_line(void **state)
{
	char piece[65536];
	struct fake f = { 0 };
	struct client c;
	int i;

	(void)state;
	client_init(&c, &f);
	memset(piece, 'a', sizeof(piece));
	send_text(&c, "set=1\nprivate_key=");
	for (i = 0; i < 160; i++)
		send_bytes(&c, piece, sizeof(piece));
	send_text(&c, "\nlisten_port=1\n\nset=1\nlisten_port=2\n\n");
	assert_string_equal(c.reply, "errno=-71\n\n");
	assert_string_equal(f.log, "");
	assert_true(adit_uapi_closing(c.uapi));
	client_fini(&c);
}

/* After an error the rest of a request is skipped, whatever it is. */
static void test_long_line_skipped(void **state)
{
	char *piece = malloc(1 << 20);
	struct fake f = { 0 };
	struct client c;

	(void)state;
	assert_non_null(piece);
	memset(piece, 'a', 1 << 20);
	client_init(&c, &f);
	send_text(&c, "set=1\nbogus=1\n");
	send_bytes(&c, piece, 1 << 20);
	send_text(&c, "\n\nset=1\nlisten_port=2\n\n");
	assert_string_equal(c.reply, "errno=-22\n\nerrno=0\n\n");
	assert_string_equal(f.log, "port 2\n");
	client_fini(&c);
	free(piece);
}

/* The longest line is taken, the next longer one is not, however it is cut. */
static void test_line_limit(void **state)
{
	size_t extra, step;

	(void)state;
	for (extra = 0; extra < 2; extra++) {
		for (step = 1; step < 2000; step += 333) {
			size_t len = ADIT_UAPI_LINE_MAX + extra, pos;
			char *line = malloc(len + 1);
			struct fake f = { 0 };
			struct client c;

			assert_non_null(line);
			memset(line, 'x', len);
			memcpy(line, "bogus=", 6);
			line[len] = '\n';
			client_init(&c, &f);
			send_text(&c, "set=1\n");
			for (pos = 0; pos < len + 1; pos += step)
				send_bytes(&c, line + pos, step < len + 1 - pos ? step : len + 1 - pos);
			assert_string_equal(c.reply, extra ? "errno=-71\n\n" : "errno=-22\n\n");
			client_fini(&c);
			free(line);
		}
	}
}

static const char get_reply_head[] =
	"private_key=1111111111111111111111111111111111111111111111111111111111111111\nlisten_port=51820\nadit_version=";
static const char get_peer[] =
	"public_key=" A "\npreshared_key=2222222222222222222222222222222222222222222222222222222222222222\n"
	"protocol_version=1\nlast_handshake_time_sec=0\nlast_handshake_time_nsec=0\ntx_bytes=0\nrx_bytes=1\n"
	"persistent_keepalive_interval=0\nallowed_ip=10.0.0.0/8\nadit_last_rx_age_ms=3001\n"
	"public_key=" B "\n";

static void test_get(void **state)
{
	struct fake f = { 0 };
	struct client c;

	(void)state;
	client_init(&c, &f);
	send_text(&c, "set=1\npublic_key=" A "\npublic_key=" B "\n\nget=1\n\nset=1\nlisten_port=9\n\n");
	assert_memory_equal(c.reply, "errno=0\n\n", 9);
	assert_memory_equal(c.reply + 9, get_reply_head, sizeof(get_reply_head) - 1);
	assert_non_null(strstr(c.reply, "\nadit_drop_no_peer=7\n"));
	assert_non_null(strstr(c.reply, get_peer));
	assert_non_null(strstr(c.reply, "allowed_ip=2001:db8::/32\n"));
	assert_string_equal(c.reply + c.reply_len - 18, "errno=0\n\nerrno=0\n\n");
	assert_string_equal(f.log, "add a0\nadd b0\nport 9\n");
	assert_int_equal(f.opens, 1);
	assert_int_equal(f.closes, 1);
	assert_true(adit_is_zero(f.slice.peer[0].psk, ADIT_KEY_LEN)); /* wiped once it is text */
	client_fini(&c);
}

static size_t count(const char *text, const char *what)
{
	size_t n = 0;

	while ((text = strstr(text, what))) {
		n++;
		text += strlen(what);
	}
	return n;
}

/* Many peers, added in one set: holds stay within their limit; all are listed, slice by slice. */
static void test_many(void **state)
{
	struct fake *f = calloc(1, sizeof(*f));
	char *all = malloc(PEERS_MAX * 200);
	size_t len;
	struct client c;
	unsigned i;

	(void)state;
	assert_non_null(f);
	assert_non_null(all);
	f->quiet = true;
	client_init(&c, f);
	len = (size_t)sprintf(all, "set=1\n");
	for (i = 0; i < PEERS_MAX; i++)
		len += (size_t)sprintf(all + len, "public_key=%064x\nallowed_ip=10.0.0.0/24\n", i);
	len += (size_t)sprintf(all + len, "\n");
	send_bytes(&c, all, len);
	assert_string_equal(c.reply, "errno=0\n\n");
	assert_int_equal(f->peer_cnt, PEERS_MAX);
	assert_true(f->hold_peers_max <= ADIT_UAPI_HOLD_PEERS);
	assert_true(f->holds >= PEERS_MAX / ADIT_UAPI_HOLD_PEERS);

	send_text(&c, "get=1\n\n");
	assert_int_equal(count(c.reply, "public_key="), PEERS_MAX);
	assert_int_equal(count(c.reply, "allowed_ip="), PEERS_MAX + PEERS_MAX / 2);
	assert_true(c.largest < 64 * 1024);
	free(all);
	client_fini(&c);
	free(f);
}

/* The peer that a block means is removed by another connection in the middle. */
static void test_peer_vanishes(void **state)
{
	struct fake f = { 0 };
	struct client c, other;

	(void)state;
	client_init(&c, &f);
	client_init(&other, &f);
	send_text(&c, "set=1\npublic_key=" A "\nallowed_ip=10.0.0.0/8\n");
	send_text(&other, "set=1\npublic_key=" A "\nremove=true\n\n");
	send_text(&c, "allowed_ip=10.0.0.0/9\n\n");
	assert_string_equal(f.log, "add a0\nallow a0 10.0.0.0/8\nremove a0\n");
	assert_string_equal(c.reply, "errno=0\n\n");
	client_fini(&c);
	client_fini(&other);
}

static void test_no_memory_for_peer(void **state)
{
	struct fake f = { .add_result = -ENOMEM };
	struct client c;

	(void)state;
	client_init(&c, &f);
	send_text(&c, "set=1\npublic_key=" A "\n\n");
	assert_string_equal(c.reply, "errno=-12\n\n");
	client_fini(&c);
}

/* The client goes away in the middle of a listing. */
static void test_get_abandoned(void **state)
{
	struct fake f = { .peer_cnt = 1000 };
	struct client c;
	char request[] = "get=1\n\n";
	size_t len;

	(void)state;
	client_init(&c, &f);
	assert_int_equal(adit_uapi_feed(c.uapi, request, 7), 7);
	assert_non_null(adit_uapi_reply(c.uapi, &len));
	assert_int_equal(f.closes, 0);
	client_fini(&c);
	assert_int_equal(f.opens, 1);
	assert_int_equal(f.closes, 1);
}

static void test_base64(void **state)
{
	static const char *const bad[] = {
		"", "=", "AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAB=", "AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA",
		"AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA==", "AAAAAAAAAAAAAAAAAAAAA-AAAAAAAAAAAAAAAAAAAAA=",
		"AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA", "AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA=\n",
	};
	uint8_t key[ADIT_KEY_LEN], back[ADIT_KEY_LEN];
	char text[ADIT_KEY_BASE64_LEN + 1], hex[ADIT_KEY_HEX_LEN];
	unsigned i, k;

	(void)state;
	for (i = 0; i < 2000; i++) {
		for (k = 0; k < ADIT_KEY_LEN; k++)
			key[k] = i < 256 ? (uint8_t)i : (uint8_t)rand();
		adit_key_to_base64(text, key);
		assert_true(adit_key_from_base64(back, text, strlen(text)));
		assert_memory_equal(back, key, ADIT_KEY_LEN);
		adit_key_to_hex(hex, key);
		assert_true(adit_key_from_hex(back, hex, sizeof(hex)));
		assert_memory_equal(back, key, ADIT_KEY_LEN);
	}
	for (i = 0; i < sizeof(bad) / sizeof(bad[0]); i++) {
		assert_false(adit_key_from_base64(back, bad[i], strlen(bad[i])));
		assert_true(adit_is_zero(back, sizeof(back)));
	}
	assert_true(adit_key_from_base64(back, "//////////////////////////////////////////8=", 44));
	memset(key, 0xff, sizeof(key));
	assert_memory_equal(back, key, sizeof(key));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_requests),
		cmocka_unit_test(test_zero_byte),
		cmocka_unit_test(test_long_line),
		cmocka_unit_test(test_long_line_skipped),
		cmocka_unit_test(test_line_limit),
		cmocka_unit_test(test_get),
		cmocka_unit_test(test_many),
		cmocka_unit_test(test_peer_vanishes),
		cmocka_unit_test(test_no_memory_for_peer),
		cmocka_unit_test(test_get_abandoned),
		cmocka_unit_test(test_base64),
	};

	return cmocka_run_group_tests_name("device_uapi", tests, NULL, NULL);
}
