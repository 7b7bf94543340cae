/* SPDX-License-Identifier: ISC */
/*
 * tunnel_test.c - whole tunnels with their threads, no privileges needed: the
 * TUN is a datagram socket pair, the outside is UDP on loopback
 *
 *     test <-> socketpair <-> [tunnel a] <-- UDP 127.0.0.1 --> [tunnel b] <-> socketpair <-> test
 */
#include <errno.h>
#include <poll.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include <cmocka.h>

#include "../support/null_core.h"
#include "base/bytes.h"
#include "base/checksum.h"
#include "pktio/udp.h"
#include "tunnel/tunnel.h"
#include "wg/wg.h"

struct end {
	struct adit_tunnel *tunnel;
	int inside; /* our side of the "TUN" */
	uint8_t public_key[32];
};

static struct end a, b;

static void end_open(struct end *e, const struct adit_core *core)
{
	struct adit_tunnel_config cfg = { .core = core, .offloads = ADIT_OFFLOAD_ALL, .aead = "openssl" };
	char err[256];
	int pair[2];

	assert_int_equal(socketpair(AF_UNIX, SOCK_DGRAM, 0, pair), 0);
	cfg.tun_fd = pair[0];
	e->inside = pair[1];
	assert_int_equal(adit_tunnel_new(&e->tunnel, &cfg, err, sizeof(err)), 0);
	assert_int_equal(adit_tunnel_set_port(e->tunnel, 0), 0);
	assert_int_equal(adit_tunnel_start(e->tunnel, err, sizeof(err)), 0);
	for (int i = 0; i < 500 && !adit_tunnel_port(e->tunnel); i++)
		usleep(10000);
	assert_int_not_equal(adit_tunnel_port(e->tunnel), 0);
}

static void end_close(struct end *e)
{
	adit_tunnel_free(e->tunnel);
	close(e->inside);
}

static struct adit_path path_of(const struct end *e)
{
	return (struct adit_path){ .kind = ADIT_PATH_UDP4, .port = adit_tunnel_port(e->tunnel), .addr = { 127, 0, 0, 1 } };
}

static uint32_t packet(uint8_t *p, uint32_t len, uint8_t src, uint8_t dst, uint32_t tag)
{
	memset(p, 0, len);
	p[0] = 0x45;
	adit_put_be16(p + 2, (uint16_t)len);
	p[8] = 64;
	p[9] = 253; /* for experiments, RFC 3692: no transport to be helpful about */
	p[12] = p[16] = 10;
	p[15] = src;
	p[19] = dst;
	adit_ip4_checksum(p, 20);
	adit_put_be32(p + 20, tag);
	return len;
}

static bool receive(struct end *e, uint8_t *p, uint32_t *len, int timeout_ms)
{
	struct pollfd pfd = { .fd = e->inside, .events = POLLIN };
	ssize_t n;

	if (poll(&pfd, 1, timeout_ms) <= 0)
		return false;
	n = read(e->inside, p, 70000);
	*len = (uint32_t)n;
	return n > 0;
}

static void exchange(struct end *from, struct end *to, uint8_t src, uint8_t dst, uint32_t cnt)
{
	static uint8_t p[70000], want[2000];
	uint32_t len;

	for (uint32_t i = 0; i < cnt; i++) {
		uint32_t n = 24 + i * 37 % 1390;

		assert_int_equal(write(from->inside, p, packet(p, n, src, dst, i)), n);
		/* one in flight: order and count, never a lost one */
		if (!receive(to, p, &len, 10000))
			fail_msg("packet %u did not arrive", i);
		packet(want, n, src, dst, i);
		assert_int_equal(len, n);
		assert_memory_equal(p, want, n);
	}
}

static void wg_configure(struct end *e, struct end *peer, const uint8_t key[32], uint8_t octet)
{
	struct adit_prefix prefix = { .addr = { .family = 4, .bytes = { 10, 0, 0, octet } }, .len = 32 };
	struct adit_path path = path_of(peer);
	struct adit_wg_peer *p;
	struct adit_wg *wg = adit_tunnel_core(e->tunnel);
	adit_time now = adit_tunnel_now();

	adit_tunnel_lock(e->tunnel);
	adit_wg_set_private_key(wg, key, now);
	assert_int_equal(adit_wg_peer_add(wg, &p, peer->public_key, now), 0);
	assert_int_equal(adit_wg_peer_allow(wg, p, &prefix), 0);
	adit_wg_peer_set_endpoint(wg, p, &path);
	adit_tunnel_unlock(e->tunnel);
}

static void wg_pair(void)
{
	uint8_t key_a[32], key_b[32];
	struct adit_crypto *c;

	end_open(&a, &adit_core_wg);
	end_open(&b, &adit_core_wg);
	assert_int_equal(adit_crypto_new(&c, "openssl"), 0);
	adit_random(key_a, 32);
	adit_random(key_b, 32);
	adit_x25519_public(c, a.public_key, key_a);
	adit_x25519_public(c, b.public_key, key_b);
	wg_configure(&a, &b, key_a, 2);
	wg_configure(&b, &a, key_b, 1);
	adit_crypto_free(c);
}

static void test_wireguard(void **state)
{
	struct adit_tunnel_stats s;

	(void)state;
	wg_pair();
	exchange(&a, &b, 1, 2, 200); /* the first one waits for the handshake */
	exchange(&b, &a, 2, 1, 200);
	adit_tunnel_stats(b.tunnel, &s);
	assert_true(s.rx_datagrams >= 200);
	assert_true(s.up);
	for (unsigned i = 0; i < ADIT_DROP_CNT; i++)
		assert_int_equal(s.drops[i], 0);
	end_close(&a);
	end_close(&b);
}

/* The port changes under a live session, which goes on. */
static void test_port_change(void **state)
{
	uint16_t old, taken;

	(void)state;
	wg_pair();
	exchange(&a, &b, 1, 2, 5);
	old = adit_tunnel_port(a.tunnel);
	assert_int_equal(adit_tunnel_set_port(a.tunnel, 0), 0);
	assert_int_not_equal(adit_tunnel_port(a.tunnel), old);
	exchange(&a, &b, 1, 2, 5); /* b learns the new port */
	exchange(&b, &a, 2, 1, 5);
	taken = adit_tunnel_port(b.tunnel);
	assert_int_equal(adit_tunnel_set_port(a.tunnel, taken), -EADDRINUSE);
	exchange(&a, &b, 1, 2, 5);
	end_close(&a);
	end_close(&b);
}

/* Any core will do. */
static void test_null_core(void **state)
{
	(void)state;
	end_open(&a, &null_core);
	end_open(&b, &null_core);
	adit_tunnel_lock(a.tunnel);
	((struct null_core *)adit_tunnel_core(a.tunnel))->peer = path_of(&b);
	adit_tunnel_unlock(a.tunnel);
	exchange(&a, &b, 1, 2, 100);
	end_close(&a);
	end_close(&b);
}

/* Control holds and lets go while packets flow. */
static void test_hold(void **state)
{
	struct adit_wg_peer *p;
	struct adit_wg *wg;
	uint8_t key[32];

	(void)state;
	wg_pair();
	wg = adit_tunnel_core(a.tunnel);
	for (uint32_t round = 0; round < 20; round++) {
		for (int slice = 0; slice < 20; slice++) {
			adit_tunnel_lock(a.tunnel);
			for (int i = 0; i < 50; i++) {
				adit_random(key, 32);
				assert_int_equal(adit_wg_peer_add(wg, &p, key, adit_tunnel_now()), 0);
			}
			adit_tunnel_unlock(a.tunnel);
		}
		exchange(&a, &b, 1, 2, 10);
	}
	end_close(&a);
	end_close(&b);
}

static void test_offload_switch(void **state)
{
	const char *bad = NULL;
	unsigned set = 0;

	(void)state;
	assert_int_equal(adit_offload_parse(&set, "", &bad), 0);
	assert_int_equal(set, ADIT_OFFLOAD_ALL);
	assert_int_equal(adit_offload_parse(&set, "-tso,-gro", &bad), 0);
	assert_int_equal(set, ADIT_OFFLOAD_ALL & ~(ADIT_OFFLOAD_TSO | ADIT_OFFLOAD_GRO));
	assert_int_equal(adit_offload_parse(&set, "gso,csum", &bad), 0);
	assert_int_equal(set, ADIT_OFFLOAD_GSO | ADIT_OFFLOAD_CSUM);
	assert_int_equal(adit_offload_parse(&set, "none", &bad), 0);
	assert_int_equal(set, 0);
	assert_int_equal(adit_offload_parse(&set, "tso,bogus", &bad), -EINVAL);
	assert_string_equal(bad, "bogus");
}

/* --- rights elsewhere ------------------------------------------------------- */

struct lender {
	int inside, tuns, sockets, marks;
	uint32_t mark;
};

static int lend_tun(void *user, char name[16], bool multi, char *err, size_t err_len)
{
	struct lender *l = user;
	int pair[2];

	(void)err;
	(void)err_len;
	assert_false(multi);
	strcpy(name, "lent0");
	assert_int_equal(socketpair(AF_UNIX, SOCK_DGRAM, 0, pair), 0);
	l->inside = pair[1];
	l->tuns++;
	return pair[0];
}

static int lend_udp(void *user, int family, const struct adit_udp_bind *bind, bool reuse, uint16_t *port)
{
	struct lender *l = user;

	l->sockets++;
	return adit_udp_make(family, bind, reuse, port);
}

static int lend_mark(void *user, int fd, uint32_t mark)
{
	struct lender *l = user;

	assert_true(fd >= 0);
	l->marks++;
	l->mark = mark;
	return 0;
}

/* A TUN and sockets that somebody else opens: also after the port changed. */
static void test_rights_elsewhere(void **state)
{
	struct lender l = { .inside = -1 };
	const struct adit_rights rights = { lend_tun, lend_udp, lend_mark, &l };
	struct adit_tunnel_config cfg = { .core = &null_core, .ifname = "x%d", .tun_fd = -1, .rights = &rights,
					  .offloads = ADIT_OFFLOAD_ALL, .aead = "openssl", .tun_elsewhere = true,
					  .threads = 1 };
	int sockets;
	char err[256];

	(void)state;
	assert_int_equal(adit_tunnel_new(&a.tunnel, &cfg, err, sizeof(err)), 0);
	a.inside = l.inside;
	assert_string_equal(adit_tunnel_ifname(a.tunnel), "lent0");
	assert_int_equal(adit_tunnel_start(a.tunnel, err, sizeof(err)), 0);
	for (int i = 0; i < 500 && !adit_tunnel_port(a.tunnel); i++)
		usleep(10000);
	assert_int_not_equal(adit_tunnel_port(a.tunnel), 0);
	sockets = l.sockets;
	assert_int_equal(adit_tunnel_set_fwmark(a.tunnel, 77), 0);
	assert_int_equal(l.mark, 77);
	assert_int_equal(l.marks, sockets);
	assert_int_equal(adit_tunnel_set_port(a.tunnel, 0), 0);
	assert_true(l.sockets > sockets);
	assert_int_equal(l.tuns, 1);
	end_close(&a);
}

/* --- the watchdog's question -------------------------------------------------- */

static bool answers(struct adit_tunnel *t, int tries)
{
	for (int i = 0; i < tries && !adit_tunnel_answered(t); i++)
		usleep(10000);
	return adit_tunnel_answered(t);
}

static void test_answers_while_it_runs(void **state)
{
	(void)state;
	end_open(&a, &null_core);
	assert_true(adit_tunnel_answered(a.tunnel));
	adit_tunnel_ask(a.tunnel);
	assert_true(answers(a.tunnel, 500));
	adit_tunnel_pause(a.tunnel);
	adit_tunnel_ask(a.tunnel);
	assert_false(answers(a.tunnel, 20));
	adit_tunnel_resume(a.tunnel);
	assert_true(answers(a.tunnel, 500));
	end_close(&a);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_null_core), cmocka_unit_test(test_wireguard), cmocka_unit_test(test_port_change),
		cmocka_unit_test(test_hold),      cmocka_unit_test(test_offload_switch),
		cmocka_unit_test(test_rights_elsewhere), cmocka_unit_test(test_answers_while_it_runs),
	};

	return cmocka_run_group_tests_name("tunnel", tests, NULL, NULL);
}
