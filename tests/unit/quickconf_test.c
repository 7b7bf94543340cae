/* SPDX-License-Identifier: ISC */
/* quickconf_test.c - wg-quick files: what is read, and every error with its position */
#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "base/quickconf.h"

#define KEY1 "AQIDBAUGBwgJCgsMDQ4PEBESExQVFhcYGRobHB0eHyA=" /* 1, 2, 3 ... 32 */
#define KEY2 "AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAE="
#define KEY3 "//////////////////////////////////////////8="
#define HEAD "[Interface]\nPrivateKey = " KEY1 "\n"

struct messages {
	char text[8192];
	size_t len;
	unsigned cnt;
};

static void collect(void *user, const char *msg)
{
	struct messages *m = user;

	m->cnt++;
	m->len += (size_t)snprintf(m->text + m->len, sizeof(m->text) - m->len, "%s\n", msg);
	assert_true(m->len < sizeof(m->text));
}

static struct adit_quickconf *read_good(const char *text)
{
	struct adit_quickconf *conf = NULL;
	struct messages m = { 0 };

	if (adit_quickconf_parse(&conf, "x.conf", text, strlen(text), collect, &m) < 0)
		fail_msg("refused: %s", m.text);
	assert_int_equal(m.cnt, 0);
	return conf;
}

static void assert_prefix(const struct adit_quick_prefix *p, const char *text, unsigned line, unsigned col)
{
	char buf[ADIT_PREFIX_STRLEN];

	assert_string_equal(adit_prefix_format(&p->prefix, buf), text);
	assert_int_equal(p->pos.line, line);
	assert_int_equal(p->pos.col, col);
}

static void whole_file(void **state)
{
	static const char text[] = "\xef\xbb\xbf# a comment\r\n"
				   "[interface] # and another\r\n"
				   "  privatekey=" KEY1 "\r\n"
				   "LISTENPORT = 51820\r\n"
				   "FwMark = 0xCA6c\r\n"
				   "Address = 10.0.0.2/24, fd00::2/64\r\n"
				   "Address = 192.0.2.7 192.0.2.8/31\r\n"
				   "MTU = 1380\r\n"
				   "Table = 1234\r\n"
				   "DNS = 10.0.0.1, corp.example\r\n"
				   "PostUp = echo %i # to the log\r\n"
				   "SaveConfig = false\r\n"
				   "\r\n"
				   "[Peer]\r\n"
				   "PublicKey = " KEY2 "\r\n"
				   "PresharedKey = " KEY3 "\r\n"
				   "AllowedIPs = 10.0.0.0/8,\tfd00::/8\r\n"
				   "AllowedIPs = 0.0.0.0/0\r\n"
				   "Endpoint = vpn.example.com:51820\r\n"
				   "PersistentKeepalive = 25\r\n"
				   "[PEER]\r\n"
				   "PublicKey = " KEY3 "\r\n"
				   "AllowedIPs =\r\n"
				   "Endpoint = [2001:db8::1]:wireguard\r\n"
				   "PersistentKeepalive = off";
	struct adit_quickconf *conf = read_good(text);
	uint8_t ones[32];
	unsigned i;

	(void)state;
	for (i = 0; i < 32; i++)
		assert_int_equal(conf->private_key[i], i + 1);
	assert_true(conf->has_listen_port && conf->has_fwmark);
	assert_int_equal(conf->listen_port, 51820);
	assert_int_equal(conf->fwmark, 0xca6c);
	assert_int_equal(conf->mtu, 1380);
	assert_int_equal(conf->table, ADIT_QUICK_TABLE_NUMBER);
	assert_int_equal(conf->table_number, 1234);
	assert_int_equal(conf->addresses.cnt, 4);
	assert_prefix(&conf->addresses.item[0], "10.0.0.2/24", 6, 11);
	assert_prefix(&conf->addresses.item[1], "fd00::2/64", 6, 24);
	assert_prefix(&conf->addresses.item[2], "192.0.2.7/32", 7, 11);
	assert_prefix(&conf->addresses.item[3], "192.0.2.8/31", 7, 21);
	assert_int_equal(conf->extra_cnt, 2);
	assert_int_equal(conf->extra[0].kind, ADIT_QUICK_DNS);
	assert_string_equal(conf->extra[0].value, "10.0.0.1, corp.example");
	assert_string_equal(adit_quick_extra_name(conf->extra[1].kind), "PostUp");
	assert_string_equal(conf->extra[1].value, "echo %i");
	assert_int_equal(conf->extra[1].pos.line, 11);

	assert_int_equal(conf->peer_cnt, 2);
	assert_int_equal(conf->peer[0].public_key[31], 1);
	memset(ones, 0xff, sizeof(ones));
	assert_true(conf->peer[0].has_psk);
	assert_memory_equal(conf->peer[0].psk, ones, 32);
	assert_int_equal(conf->peer[0].allowed.cnt, 3);
	assert_prefix(&conf->peer[0].allowed.item[1], "fd00::/8", 17, 26);
	assert_prefix(&conf->peer[0].allowed.item[2], "0.0.0.0/0", 18, 14);
	assert_string_equal(conf->peer[0].endpoint_host, "vpn.example.com");
	assert_string_equal(conf->peer[0].endpoint_port, "51820");
	assert_int_equal(conf->peer[0].keepalive, 25);
	assert_int_equal(conf->peer[1].pos.line, 21);
	assert_int_equal(conf->peer[1].allowed.cnt, 0);
	assert_string_equal(conf->peer[1].endpoint_host, "2001:db8::1");
	assert_string_equal(conf->peer[1].endpoint_port, "wireguard");
	assert_true(conf->peer[1].has_keepalive);
	assert_int_equal(conf->peer[1].keepalive, 0);
	adit_quickconf_free(conf);
}

static void tables(void **state)
{
	static const struct {
		const char *text;
		enum adit_quick_table table;
		uint32_t number;
	} t[] = {
		{ HEAD, ADIT_QUICK_TABLE_AUTO, 0 },
		{ HEAD "Table = AUTO\n", ADIT_QUICK_TABLE_AUTO, 0 },
		{ HEAD "Table = off\n", ADIT_QUICK_TABLE_OFF, 0 },
		{ HEAD "Table = main\n", ADIT_QUICK_TABLE_NUMBER, 254 },
		{ HEAD "Table = 4294967295\n", ADIT_QUICK_TABLE_NUMBER, UINT32_MAX },
	};
	size_t i;

	(void)state;
	for (i = 0; i < sizeof(t) / sizeof(t[0]); i++) {
		struct adit_quickconf *conf = read_good(t[i].text);

		assert_int_equal(conf->table, t[i].table);
		assert_int_equal(conf->table_number, t[i].number);
		adit_quickconf_free(conf);
	}
}

/* Input and all that is said about it. */
static const struct {
	const char *text, *said;
} bad[] = {
	{ "", "f:1:1: [Interface]: the file has no such section\n" },
	{ "[Interface]\n", "f:1:1: [Interface]: has no PrivateKey (adit genkey makes one)\n" },
	{ "MTU = 3\n", "f:1:1: MTU: stands before any section (begin with [Interface])\n" },
	{ HEAD "[Interface]\n", "f:3:1: [Interface]: stands twice (join the two)\n" },
	{ HEAD "[Pear]\nPublicKey = x\n",
	  "f:3:1: [Pear]: unknown section (there are [Interface] and [Peer])\n" },
	{ HEAD "hello\n", "f:3:1: \"hello\": neither a section nor KEY = VALUE\n" },
	/* A key without its '=' or in the wrong place is not repeated. */
	{ HEAD "PresharedKey " KEY2 "\n", "f:3:1: \"PresharedKey\": neither a section nor KEY = VALUE\n" },
	{ HEAD KEY2 "\n",
	  "f:3:1: (long word): unknown key in [Interface] (see wg-quick(8) for those there are)\n" },
	{ HEAD "MTU = " KEY2 "\n",
	  "f:3:7: MTU: \"(a key)\" is not an MTU (68 to 65535; 1420 suits most networks)\n" },
	{ HEAD "  Adress = 10.0.0.1\n",
	  "f:3:3: Adress: unknown key in [Interface] (did you mean Address?)\n" },
	{ HEAD "AllowedIPs = ::/0\n", "f:3:1: AllowedIPs: unknown key in [Interface] (did you mean "
				      "AllowedIPs, which belongs to [Peer]?)\n" },
	{ HEAD "[Peer]\nPublicKey=" KEY2 "\nAllowedIP = ::/0\n",
	  "f:5:1: AllowedIP: unknown key in [Peer] (did you mean AllowedIPs?)\n" },
	{ HEAD "Colour = red\n",
	  "f:3:1: Colour: unknown key in [Interface] (see wg-quick(8) for those there are)\n" },
	{ HEAD "MTU = 1400\nmtu = 1300\n", "f:4:1: MTU: stands twice in this [Interface] (remove one)\n" },
	{ HEAD "MTU =\n", "f:3:6: MTU: has no value\n" },
	{ HEAD "MTU = 67\n", "f:3:7: MTU: \"67\" is not an MTU (68 to 65535; 1420 suits most networks)\n" },
	{ HEAD "MTU = 65536\n",
	  "f:3:7: MTU: \"65536\" is not an MTU (68 to 65535; 1420 suits most networks)\n" },
	{ HEAD "ListenPort = 70000\n",
	  "f:3:14: ListenPort: \"70000\" is not a port (0 to 65535; 0 picks one)\n" },
	{ HEAD "FwMark = 0x\n",
	  "f:3:10: FwMark: \"0x\" is not a mark (a number of 32 bits, 0x for hexadecimal, or off)\n" },
	{ HEAD "FwMark = 0x100000000\n", "f:3:10: FwMark: \"0x100000000\" is not a mark (a number of 32 "
					 "bits, 0x for hexadecimal, or off)\n" },
	{ HEAD "Table = 0\n",
	  "f:3:9: Table: \"0\" is not a routing table (off, auto, main, or a number from 1)\n" },
	{ HEAD "SaveConfig = yes\n", "f:3:14: SaveConfig: \"yes\" is neither true nor false\n" },
	{ HEAD "Address = 10.0.0.1/33,, 300.1.2.3\n",
	  "f:3:11: Address: \"10.0.0.1/33\" is not an IP address with a prefix length (like 10.0.0.2/24 or "
	  "fd00::2/64)\n"
	  "f:3:23: Address: nothing between two commas (remove one)\n"
	  "f:3:25: Address: \"300.1.2.3\" is not an IP address with a prefix length (like 10.0.0.2/24 or "
	  "fd00::2/64)\n" },
	{ "[Interface]\nPrivateKey = abc\n",
	  "f:2:14: PrivateKey: a key has 44 characters, this one has 3 (see wg genkey, wg pubkey)\n" },
	{ "[Interface]\nPrivateKey = AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAB=\n",
	  "f:2:14: PrivateKey: not a base64 key (43 of A-Z a-z 0-9 + / and one = at the end)\n" },
	{ HEAD "[Peer]\nEndpoint = [::1]:1\n", "f:3:1: [Peer]: has no PublicKey\n" },
	{ HEAD "[Peer]\nPublicKey = x\n[Peer]\n",
	  "f:4:13: PublicKey: a key has 44 characters, this one has 1 (see wg genkey, wg pubkey)\n"
	  "f:5:1: [Peer]: has no PublicKey\n" },
	{ HEAD "[Peer]\nPublicKey=" KEY2 "\n[Peer]\nPublicKey=" KEY2 "\n",
	  "f:5:1: [Peer]: has the PublicKey of the peer in line 3 (join the two)\n" },
	{ HEAD "[Peer]\nPublicKey=" KEY2 "\nEndpoint = host\n",
	  "f:5:12: Endpoint: \"host\" has no port (write HOST:PORT, like vpn.example.com:51820)\n" },
	{ HEAD "[Peer]\nPublicKey=" KEY2 "\nEndpoint = ::1:51820\n",
	  "f:5:12: Endpoint: \"::1:51820\": an IPv6 address stands in brackets (write [ADDRESS]:PORT)\n" },
	{ HEAD "[Peer]\nPublicKey=" KEY2 "\nEndpoint = [::1:51820\n",
	  "f:5:12: Endpoint: \"[::1:51820\": the bracket is not closed (write [ADDRESS]:PORT)\n" },
	{ HEAD "[Peer]\nPublicKey=" KEY2 "\nEndpoint = a:0\n",
	  "f:5:14: Endpoint: \"0\" is not a port (1 to 65535)\n" },
	{ HEAD "[Peer]\nPublicKey=" KEY2 "\nAllowedIPs = -10.0.0.0/8\n",
	  "f:5:14: AllowedIPs: a file lists what is allowed (write the prefix without -)\n" },
	{ HEAD "[Peer]\nPublicKey=" KEY2 "\nPersistentKeepalive = 65536\n",
	  "f:5:23: PersistentKeepalive: \"65536\" is not a time in seconds (0 to 65535, or off; "
	  "25 keeps most NATs open)\n" },
};

static void errors(void **state)
{
	size_t i;

	(void)state;
	for (i = 0; i < sizeof(bad) / sizeof(bad[0]); i++) {
		struct adit_quickconf *conf = NULL;
		struct messages m = { 0 };
		int r = adit_quickconf_parse(&conf, "f", bad[i].text, strlen(bad[i].text), collect, &m);

		assert_string_equal(m.text, bad[i].said);
		assert_int_equal(r, -EINVAL);
		assert_null(conf);
	}
}

static void count_report(void *user, const char *msg)
{
	struct messages *m = user;

	m->cnt++;
	snprintf(m->text, sizeof(m->text), "%s", msg);
}

static void many_errors_are_counted(void **state)
{
	struct adit_quickconf *conf = NULL;
	struct messages m = { 0 };
	char text[11 + 1500 + 1] = "[Interface]";
	unsigned i;

	(void)state;
	for (i = 0; i < 500; i++)
		memcpy(text + 11 + 3 * i, "\nx=", 4);
	assert_int_equal(adit_quickconf_parse(&conf, "f", text, strlen(text), count_report, &m), -EINVAL);
	assert_int_equal(m.cnt, 101);
	assert_string_equal(m.text, "f: 400 more errors");
}

/* Random cuts and changes of a good file: no crash, and an error is always said. */
static void mutations(void **state)
{
	static const char good[] = HEAD
		"Address = 10.0.0.2/24, fd00::2/64\nMTU = 1380\nDNS = 10.0.0.1\nTable = off\n"
		"[Peer]\nPublicKey = " KEY2 "\nAllowedIPs = 10.0.0.0/8, ::/0\n"
		"Endpoint = [2001:db8::1]:51820\nPersistentKeepalive = 25\n";
	uint64_t x = 88172645463325252u;
	unsigned i, k, refused = 0;

	(void)state;
	for (i = 0; i < 20000; i++) {
		struct adit_quickconf *conf = NULL;
		struct messages m = { 0 };
		char *text;
		size_t len;
		int r;

		x ^= x << 13, x ^= x >> 7, x ^= x << 17;
		len = i % 3 ? sizeof(good) - 1 : x % sizeof(good);
		text = malloc(len + 1); /* exact, for the address sanitizer */
		assert_non_null(text);
		memcpy(text, good, len);
		for (k = 0; len && k < i % 4; k++) {
			x ^= x << 13, x ^= x >> 7, x ^= x << 17;
			text[x % len] = (char)(x >> 32);
		}
		r = adit_quickconf_parse(&conf, "f", text, len, count_report, &m);
		assert_true(r == 0 ? m.cnt == 0 : r == -EINVAL && m.cnt > 0);
		refused += r < 0;
		adit_quickconf_free(conf);
		free(text);
	}
	assert_true(refused > 1000 && refused < 20000);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(whole_file), cmocka_unit_test(tables),
		cmocka_unit_test(errors),     cmocka_unit_test(many_errors_are_counted),
		cmocka_unit_test(mutations),
	};

	return cmocka_run_group_tests_name("quickconf", tests, NULL, NULL);
}
