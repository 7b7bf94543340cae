/* SPDX-License-Identifier: ISC */
/* agent_bundle_test.c - what a bundle hides, and what it leaves */
#include "agent/bundle_hide.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

static char *hidden(struct agent_hide *h, const char *text)
{
	char *ret = NULL;
	size_t len;
	FILE *out = open_memstream(&ret, &len);

	assert_non_null(out);
	agent_hide_text(h, out, text);
	assert_int_equal(fclose(out), 0);
	assert_false(agent_hide_failed(h));
	return ret;
}

/* Each by itself. */
static const struct {
	const char *text, *want;
} looks[] = {
	/* keys, whatever is around them */
	{ "yAnz5TF+lXXJte14tji3zlMNq+hd2rYUIgJBgB3fBmk=", "key-1" },
	{ "key=\"yAnz5TF+lXXJte14tji3zlMNq+hd2rYUIgJBgB3fBmk=\",", "key=\"key-1\"," },
	{ "private_key=c8099ce531be9575c9b5ed78b638b7ce530dabe85ddab61422024180 1ddf0669", "private_key=key-1 1ddf0669" },
	{ "eyJhbGciOiJIUzI1NiIsInR5cCI6IkpXVCJ9_abc1", "key-1" },
	{ "/yAnz5TF+lXXJte14tji3zlMNq+hd2rYUIgJBgB3fBmk=", "key-1" },
	/* addresses: the length and the port stay */
	{ "10.1.2.3/24", "ipv4-private-1/24" },
	{ "via 203.0.113.7 dev eth0", "via ipv4-1 dev eth0" },
	{ "203.0.113.7:51820, 203.0.113.7.", "ipv4-1:51820, ipv4-1." },
	{ "127.0.0.1:8080:10.0.0.1:80", "127.0.0.1:8080:ipv4-private-1:80" },
	{ "[2001:db8::1]:51820", "[ipv6-1]:51820" },
	{ "fd00::1: no answer; fe80::1%eth0", "ipv6-local-1: no answer; ipv6-link-1%eth0" },
	{ "2001:db8:0:0:0:0:0:1 2001:DB8::1", "ipv6-1 ipv6-1" },
	{ "::ffff:192.0.2.1", "ipv6-1" },
	{ "/run/adit-192.0.2.1.sock", "/run/adit-ipv4-1.sock" },
	{ "link/ether 02:00:5e:10:00:01 brd ff:ff:ff:ff:ff:ff", "link/ether mac-1 brd ff:ff:ff:ff:ff:ff" },
	/* everybody's */
	{ "0.0.0.0/0 ::/0 0.0.0.0/1 128.0.0.0/1 ::1 127.0.0.53 224.0.0.0/4 ff02::1 fe80::/10 255.255.255.255",
	  "0.0.0.0/0 ::/0 0.0.0.0/1 128.0.0.0/1 ::1 127.0.0.53 224.0.0.0/4 ff02::1 fe80::/10 255.255.255.255" },
	/* names of hosts and users */
	{ "vpn.example.com:51820 and VPN.example.com", "host-1:51820 and host-1" },
	{ "~corp.example", "~host-1" },
	{ "/" "home/alice/wg.key", "/" "home/user-1/wg.key" },
	{ "network.hideout.mtu: at most 9000", "network.network-1.mtu: at most 9000" },
	{ "{\"text\":\"no route\\nvpn.example.com\"}", "{\"text\":\"no route\\nhost-1\"}" },
	/* nobody's secret */
	{ "6.18.44-cloud-amd64 1.2.3 12:30:05 2026-03-01", "6.18.44-cloud-amd64 1.2.3 12:30:05 2026-03-01" },
	{ "net.ipv4.conf.all.rp_filter /etc/adit/adit.toml:3:14", "net.ipv4.conf.all.rp_filter /etc/adit/adit.toml:3:14" },
	{ "{\"rx_bytes\":184467440737,\"state\":\"up\"}", "{\"rx_bytes\":184467440737,\"state\":\"up\"}" },
};

static void test_looks(void **state)
{
	(void)state;
	for (size_t i = 0; i < sizeof(looks) / sizeof(looks[0]); i++) {
		struct agent_hide *h = agent_hide_new();
		char *got = hidden(h, looks[i].text);

		assert_string_equal(got, looks[i].want);
		free(got);
		agent_hide_free(h);
	}
}

static void test_same_everywhere(void **state)
{
	struct agent_hide *h = agent_hide_new();
	char *one = hidden(h, "192.0.2.1 192.0.2.2"), *two = hidden(h, "192.0.2.2 192.0.2.3 192.0.2.1");

	(void)state;
	assert_string_equal(one, "ipv4-1 ipv4-2");
	assert_string_equal(two, "ipv4-2 ipv4-3 ipv4-1");
	free(one);
	free(two);
	agent_hide_free(h);
}

static struct adit_conf *json(const char *text)
{
	struct adit_conf_errors errors = { 0 };
	struct adit_conf *doc = NULL;

	assert_int_equal(adit_conf_read_json(&doc, &errors, "test", text, strlen(text), NULL), 0);
	adit_conf_errors_fini(&errors);
	return doc;
}

static void test_names_of_configuration(void **state)
{
	struct adit_conf *doc = json("{\"agent\":{\"state_dir\":\"/var/lib/adit\"},\"network\":{\"hideout\":{\"type\":\"forward\","
				     "\"interface\":\"wg7\",\"local\":[\"127.0.0.1:80:intranet:80\"],\"private_key_path\":\"/etc/adit/Oscar.key\","
				     "\"peers\":[{\"name\":\"Mata Hari's phone\",\"endpoint\":\"bunker:51820\"}]}}}");
	struct agent_hide *h = agent_hide_new();
	char *got;

	(void)state;
	agent_hide_learn_config(h, doc->root);
	got = hidden(h, "hideout is up; HIDEOUT (wg7): peer Mata Hari's phone at bunker:51820, intranet, /etc/adit/oscar.key forward "
			"/var/lib/adit hideouts");
	assert_null(strcasestr(got, "hideout "));
	assert_null(strcasestr(got, "hideout("));
	assert_null(strstr(got, "Mata"));
	assert_null(strstr(got, "Hari"));
	assert_null(strstr(got, "phone"));
	assert_null(strstr(got, "bunker"));
	assert_null(strstr(got, "intranet"));
	assert_null(strstr(got, "oscar"));
	assert_non_null(strstr(got, "network-1 is up; network-1 (wg7): peer peer-1"));
	assert_non_null(strstr(got, " forward /var/lib/adit hideouts")); /* another word */
	free(got);
	agent_hide_free(h);
	adit_conf_free(doc);
}

/* A letter, a number, a word of ours: replaced where a name stands, and nowhere else. */
static void test_shy_names(void **state)
{
	struct adit_conf *doc = json("{\"agent\":{\"state_dir\":\"/var/lib/adit\"},\"network\":{\"x\":{\"type\":\"forward\",\"peers\":"
				     "[{\"name\":\"B\"},{\"name\":\"4711\"},{\"name\":\"B C\"}]},\"agent\":{\"type\":\"wireguard\"}}}");
	static const struct {
		const char *text, *want;
	} cases[] = {
		{ "{\"agent\":{\"log\":4711},\"network\":{\"x\":{\"type\":\"forward\"},\"agent\": {\"a\":{}}},\"x\":1}",
		  "{\"agent\":{\"log\":4711},\"network\":{\"network-1\":{\"type\":\"forward\"},\"network-2\": {\"a\":{}}},\"x\":1}" },
		{ "{\"networks\":[{\"name\":\"x\",\"state\":\"B\",\"peers\":[{\"name\": \"B\"},{\"name\":\"4711\"},{\"name\":\"B C\"}]}]}",
		  "{\"networks\":[{\"name\":\"network-1\",\"state\":\"B\",\"peers\":[{\"name\": \"peer-1\"},{\"name\":\"peer-2\"},"
		  "{\"name\":\"peer-3\"}]}]}" },
		{ "network.x.mtu: network agent: peer 4711 has 4711 x, the agent ends", "network.network-1.mtu: network network-2: peer peer-2 has "
		  "4711 x, the agent ends" },
		{ "{\"why\":\"peer B: B\",\"network\":\"agent\"}\n{\"x\":0,\"network\":\"x\"}",
		  "{\"why\":\"peer peer-1: B\",\"network\":\"network-2\"}\n{\"x\":0,\"network\":\"network-1\"}" },
	};
	struct agent_hide *h = agent_hide_new();

	(void)state;
	agent_hide_learn_config(h, doc->root);
	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		char *got = hidden(h, cases[i].text);

		assert_string_equal(got, cases[i].want);
		free(got);
	}
	agent_hide_free(h);
	adit_conf_free(doc);
}

static void test_names_of_replies(void **state)
{
	struct adit_conf *doc = json("{\"networks\":[{\"name\":\"hideout\",\"interface\":\"spy0\",\"why\":\"no answer\",\"peers\":"
				     "[{\"name\":\"mata\",\"endpoint\":null}]}],\"events\":[{\"network\":\"gone\"}]}");
	struct agent_hide *h = agent_hide_new();
	char *got;

	(void)state;
	agent_hide_learn_reply(h, doc->root);
	got = hidden(h, "hideout gone mata spy0 no answer");
	assert_string_equal(got, "network-1 network-2 peer-1 link-1 no answer");
	free(got);
	agent_hide_free(h);
	adit_conf_free(doc);
}

/* Names of links that kernels give say nothing. */
static void test_links(void **state)
{
	struct agent_hide *h = agent_hide_new();
	static const char *const names[] = { "lo", "eth0", "enp3s0", "wlan0", "wg12", "docker0", "br-customer", "uplink" };
	char *got;

	(void)state;
	for (size_t i = 0; i < sizeof(names) / sizeof(names[0]); i++)
		agent_hide_learn_link(h, names[i]);
	got = hidden(h, "lo eth0 enp3s0 wlan0 wg12 docker0 br-customer uplink");
	assert_string_equal(got, "lo eth0 enp3s0 wlan0 wg12 docker0 link-1 link-2");
	free(got);
	agent_hide_free(h);
}

/* Any bytes: it ends, and no address of the text survives. */
static void test_any_text(void **state)
{
	static const char some[] = "0123456789abcdef:.:.:/-_\"\\ =+xyz\x80\xff%[]";
	uint32_t seed = 1;

	(void)state;
	for (int round = 0; round < 2000; round++) {
		struct agent_hide *h = agent_hide_new();
		char text[120], *got;
		size_t i;

		for (i = 0; i < sizeof(text) - 20; i++) {
			seed = seed * 1664525u + 1013904223u;
			text[i] = some[(seed >> 16) % (sizeof(some) - 1)];
		}
		strcpy(text + i, " 198.51.100.77 ");
		got = hidden(h, text);
		assert_null(strstr(got, "198.51.100.77"));
		free(got);
		agent_hide_free(h);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_looks),
		cmocka_unit_test(test_same_everywhere),
		cmocka_unit_test(test_names_of_configuration),
		cmocka_unit_test(test_shy_names),
		cmocka_unit_test(test_names_of_replies),
		cmocka_unit_test(test_links),
		cmocka_unit_test(test_any_text),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
