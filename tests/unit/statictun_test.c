/* SPDX-License-Identifier: ISC */
/* statictun_test.c - what adit static reads: networks, tables, every error with its place; and the counts of v1 */
#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cmocka.h>

#include "statictun/counts.h"
#include "statictun/options.h"

#define KEY1 "AQIDBAUGBwgJCgsMDQ4PEBESExQVFhcYGRobHB0eHyA=" /* 1, 2, 3 ... 32 */
#define PUB1 "B6N8vBQgk8i3VdwbEOhstCY3RqpTrw3/bB2+nVH0pRs=" /* any, and not KEY1's */
#define PUB2 "V9Jv2wqHn2mfSMAB9u0vcHDTcDlBvJL29uhwHRRDQBg="
#define LINE "\"10.0.0.2\" = { pub_key = \"" PUB1 "\", sock_addr = \"192.0.2.2:1194\" }\n"

static char folder[] = "/tmp/statictun_test.XXXXXX";

struct reading {
	struct statictun_network *net;
	char said[4096];
};

static void collect(void *user, const char *msg)
{
	struct reading *r = user;
	const char *base = strncmp(msg, folder, strlen(folder)) ? msg : msg + strlen(folder) + 1;

	assert_true(strlen(r->said) + strlen(base) + 2 < sizeof(r->said));
	strcat(strcat(r->said, base), "\n");
}

/* Reads text as a file of that name and mode. */
static void read_as(struct reading *r, const char *name, mode_t mode, const char *text)
{
	struct adit_conf_errors errors = { 0 };
	char path[200];
	FILE *f;

	memset(r, 0, sizeof(*r));
	snprintf(path, sizeof(path), "%s/%s", folder, name);
	f = fopen(path, "w");
	assert_non_null(f);
	assert_true(fputs(text, f) >= 0 && !fclose(f) && !chmod(path, mode));
	r->net = statictun_settings_read(path, &errors);
	adit_conf_errors_report(&errors, collect, r);
	adit_conf_errors_fini(&errors);
	assert_int_equal(unlink(path), 0);
}

static void good(struct reading *r, const char *name, const char *text)
{
	read_as(r, name, 0600, text);
	if (r->said[0])
		print_message("# %s", r->said);
	assert_non_null(r->net);
}

/* The whole of what is said of a file that is one network, below its secret in line 1. */
static void bad(const char *text, const char *said)
{
	char whole[2048];
	struct reading r;

	snprintf(whole, sizeof(whole), "secret = \"" KEY1 "\"\n%s", text);
	read_as(&r, "x", 0600, whole);
	assert_null(r.net);
	assert_string_equal(r.said, said);
}

static void test_whole(void **state)
{
	const struct statictun_network *n;
	struct reading r;
	char buf[ADIT_PATH_STRLEN];

	(void)state;
	good(&r, "x.toml", "[agent]\n[network.office]\nprivate_key = \"theirs\"\n[network.lab]\ntype = \"static\"\n"
			   "interface = \"tun0\"\nlisten = \"192.0.2.1:5000\"\nsecret = \"" KEY1 "\"\n"
			   "addresses = [\"10.0.0.1/24\", \"fd00::1/64\"]\nmtu = 1400\nwire = \"v1\"\nroaming = true\n"
			   "peer_timeout_secs = 30\n[network.lab.peers]\n" LINE
			   "\"10.5.0.0/16\" = { pub_key = \"" PUB2 "\" }\n[network.two]\ntype = \"static\"\nsecret = \"" KEY1
			   "\"\n[network.two.peers]\n" LINE);
	n = r.net;
	assert_string_equal(n->name, "lab");
	assert_string_equal(n->ifname, "tun0");
	assert_int_equal(n->wire, ADIT_STATIC_V1);
	assert_int_equal(n->bind.family, 4);
	assert_int_equal(n->port, 5000);
	assert_int_equal(n->secret[31], 32);
	assert_int_equal(n->address_cnt, 2);
	assert_int_equal(n->mtu, 1400);
	assert_true(n->roaming);
	assert_int_equal(n->peer_timeout, 30);
	assert_int_equal(n->peer_cnt, 2);
	assert_string_equal(adit_path_format(&n->peers[0].endpoint, buf), "192.0.2.2:1194");
	assert_int_equal(n->peers[1].prefix.len, 16);
	assert_int_equal(n->peers[1].endpoint.kind, ADIT_PATH_NONE);
	n = n->next;
	assert_string_equal(n->name, "two");
	assert_int_equal(n->wire, ADIT_STATIC_V2);
	assert_int_equal(n->mtu, 1500);
	assert_int_equal(n->port, 1194);
	assert_int_equal(n->bind.family, 0);
	assert_null(n->next);
	statictun_settings_free(r.net);
}

static void test_json(void **state)
{
	struct reading r;

	(void)state;
	good(&r, "x.json", "{\"secret\": \"" KEY1 "\", \"peers\": {\"10.0.0.2\": {\"pub_key\": \"" PUB1
			   "\", \"sock_addr\": \"[2001:db8::2]:1194\"}}}");
	assert_string_equal(r.net->name, "");
	assert_int_equal(r.net->peers[0].endpoint.kind, ADIT_PATH_UDP6);
	statictun_settings_free(r.net);
}

static void test_listen(void **state)
{
	static const struct {
		const char *text;
		int family, port; /* family -1: refused */
	} table[] = {
		{ "0.0.0.0:1194", 4, 1194 }, { "[::]:7", 0, 7 },	 { ":65535", 0, 65535 }, { "192.0.2.1", 4, 1194 },
		{ "[2001:db8::1]:9", 6, 9 }, { "2001:db8::1", 6, 1194 }, { ":0", -1, 0 },	 { ":", -1, 0 },
		{ "0.0.0.0:", -1, 0 },	     { ":65536", -1, 0 },	 { "localhost:9", -1, 0 }, { "", -1, 0 },
	};
	char text[300];
	struct reading r;

	(void)state;
	for (size_t i = 0; i < sizeof(table) / sizeof(table[0]); i++) {
		print_message("# %s\n", table[i].text);
		snprintf(text, sizeof(text), "listen = \"%s\"\nroaming = true\nsecret = \"" KEY1
			 "\"\n[peers]\n\"10.0.0.2\" = { pub_key = \"" PUB1 "\" }\n", table[i].text);
		read_as(&r, "x", 0600, text);
		assert_int_equal(r.net != NULL, table[i].family >= 0);
		if (r.net) {
			assert_int_equal(r.net->bind.family, table[i].family);
			assert_int_equal(r.net->port, table[i].port);
		}
		statictun_settings_free(r.net);
	}
}

static void test_table(void **state)
{
	(void)state;
	bad("", "x:1:1: peers: is missing (a table: \"10.0.0.2\" = { pub_key = \"...\", sock_addr = \"192.0.2.2:1194\" })\n");
	bad("[peers]\n" LINE "\"10.0.0.2/32\" = { pub_key = \"" PUB1 "\", sock_addr = \"192.0.2.2:1194\" }\n",
	    "x:4:1: peers.\"10.0.0.2/32\": this prefix is in the table already\n");
	bad("[peers]\n\"10.0.0.2/24\" = { pub_key = \"" PUB1 "\", sock_addr = \"192.0.2.2:1194\" }\n",
	    "x:3:1: peers.\"10.0.0.2/24\": bits behind the prefix are set (is 10.0.0.0/24 meant?)\n");
	bad("[peers]\n" LINE "\"10.0.0.3\" = { pub_key = \"" PUB1 "\", sock_addr = \"192.0.2.3:1194\" }\n",
	    "x:4:86: peers.\"10.0.0.3\".sock_addr: the same pub_key stands at 192.0.2.2:1194 in another line\n");
	bad("[peers]\n" LINE "\"10.0.0.3\" = { pub_key = \"" PUB2 "\", sock_addr = \"192.0.2.2:1194\" }\n",
	    "x:4:86: peers.\"10.0.0.3\".sock_addr: another peer is at this address\n");
	bad("listen = \"[2001:db8::1]:1\"\n[peers]\n" LINE,
	    "x:4:86: peers.\"10.0.0.2\".sock_addr: IPv4, and listen is an IPv6 address (listen = \":1\" is for both)\n");
	bad("[peers]\n\"10.0.0.2\" = { pub_key = \"" PUB1 "\" }\n",
	    "x:3:14: peers.\"10.0.0.2\".sock_addr: is missing (only with roaming = true can it be left out)\n");
	bad("[peers]\n\"10.0.0.2\" = { pub_key = \"AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA=\", sock_addr = \"192.0.2.2:1\" }\n",
	    "x:3:26: peers.\"10.0.0.2\".pub_key: no private key can belong to this one\n");
}

static void test_keys(void **state)
{
	struct reading r;

	(void)state;
	read_as(&r, "x", 0640, "secret = \"" KEY1 "\"\n[peers]\n" LINE);
	assert_null(r.net);
	assert_non_null(strstr(r.said, "x:1:10: secret: "));
	assert_non_null(strstr(r.said, "chmod 600"));
	read_as(&r, "x", 0644, "secret_path = \"nothing\"\n[peers]\n" LINE);
	assert_string_equal(r.said, "x:1:15: secret_path: nothing: No such file or directory\n");
	read_as(&r, "x", 0644, "secret_path = \"AQEBAQEBAQEBAQEBAQEBAQEBAQEBAQEBAQEBAQEBAQE=\"\n[peers]\n" LINE);
	assert_string_equal(r.said, "x:1:15: secret_path: a key stands here, and the name of a file is wanted\n");
	bad("secret_path = \"x\"\n[peers]\n" LINE, "x:2:1: secret_path: secret and secret_path exclude each other\n");
	bad("interface = \"a/b\"\n[peers]\n" LINE,
	    "x:2:13: interface: not a name for an interface (1 to 15 letters, digits and _ = + . -)\n");
}

static void test_two_on_one_interface(void **state)
{
	struct reading r;

	(void)state;
	read_as(&r, "x", 0600, "[network.a]\ntype = \"static\"\ninterface = \"t\"\nsecret = \"" KEY1 "\"\n[network.a.peers]\n" LINE
		"[network.b]\ntype = \"static\"\ninterface = \"t\"\nsecret = \"" KEY1 "\"\n[network.b.peers]\n" LINE);
	assert_null(r.net);
	assert_string_equal(r.said, "x:9:13: network.b.interface: network a has this interface already\n");
}

/* --- which network ------------------------------------------------------------------- */

static struct statictun_network *choose(struct statictun_network *n, const char *network, const char *ifname)
{
	const struct statictun_options o = { .config = "x", .network = network, .ifname = ifname };

	return statictun_options_choose(&o, n);
}

static void test_choose(void **state)
{
	struct statictun_network b = { .name = "b" }, a = { .next = &b, .name = "a", .ifname = "t0" };

	(void)state;
	assert_null(choose(&a, NULL, NULL));
	assert_ptr_equal(choose(&a, "a", NULL), &a);
	assert_ptr_equal(choose(&a, NULL, "t0"), &a);
	assert_null(choose(&a, "a", "t1"));
	assert_null(choose(&a, "c", NULL));
	assert_ptr_equal(choose(&a, NULL, "t1"), &b); /* the one without a name takes it */
	assert_string_equal(b.ifname, "t1");
	assert_ptr_equal(choose(&b, NULL, NULL), &b);
}

/* --- counts -------------------------------------------------------------------------- */

static void test_counts(void **state)
{
	uint8_t own[ADIT_KEY_LEN] = { 1 }, p1[ADIT_KEY_LEN] = { 2 }, p2[ADIT_KEY_LEN] = { 3 };
	struct statictun_counts c, other;
	char err[512], dir[100];
	FILE *f;

	(void)state;
	snprintf(dir, sizeof(dir), "%s/state", folder);
	assert_int_equal(statictun_counts_open(&c, dir, own, err, sizeof(err)), 0);
	assert_int_equal(statictun_counts_open(&other, dir, own, err, sizeof(err)), -EBUSY);
	assert_int_equal(statictun_counts_get(&c, p1), 0);
	assert_int_equal(statictun_counts_set(&c, p1, 5), 0);
	assert_int_equal(statictun_counts_set(&c, p2, UINT64_C(1) << 32), 0);
	assert_int_equal(statictun_counts_set(&c, p1, 7), 0);
	assert_int_equal(statictun_counts_store(&c), 0);
	statictun_counts_close(&c);
	assert_int_equal(statictun_counts_open(&c, dir, own, err, sizeof(err)), 0);
	assert_int_equal(statictun_counts_get(&c, p1), 7);
	assert_true(statictun_counts_get(&c, p2) == UINT64_C(1) << 32);
	f = fopen(c.path, "a");
	assert_non_null(f);
	fputs("AQIDBAUGBwgJCgsMDQ4PEBESExQVFhcYGRobHB0eHyA= -1\n", f);
	assert_int_equal(fclose(f), 0);
	statictun_counts_close(&c);
	assert_int_equal(statictun_counts_open(&c, dir, own, err, sizeof(err)), -EBADMSG);
	assert_non_null(strstr(err, "damaged"));
	own[0] = 9; /* another key has counts of its own */
	assert_int_equal(statictun_counts_open(&c, dir, own, err, sizeof(err)), 0);
	assert_int_equal(statictun_counts_get(&c, p1), 0);
	statictun_counts_close(&c);
	assert_int_equal(statictun_counts_open(&c, "/dev/null/no", own, err, sizeof(err)), -ENOTDIR);
}

static int set_up(void **state)
{
	(void)state;
	return mkdtemp(folder) ? 0 : -1;
}

static int tear_down(void **state)
{
	char command[200];

	(void)state;
	snprintf(command, sizeof(command), "rm -rf %s", folder);
	return system(command);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_whole), cmocka_unit_test(test_json), cmocka_unit_test(test_listen),
		cmocka_unit_test(test_table), cmocka_unit_test(test_keys), cmocka_unit_test(test_two_on_one_interface),
		cmocka_unit_test(test_choose), cmocka_unit_test(test_counts),
	};

	return cmocka_run_group_tests(tests, set_up, tear_down);
}
