/* SPDX-License-Identifier: ISC */
/*
 * agent_memory_test.c - the reader of the agent's configuration when memory is short, and what it
 * leaves in memory: every allocation fails once, and no block that is freed may still hold a key or a password
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "agent/settings.h"
#include "support/memory_files.h"
#include "support/wiped.h"

#define SECRET   "S3CRETS3CRETS3CRETS3CRETS3CRETS3CRETS3CRETE=" /* a key */
#define PASSWORD "S3CRETpassword"
#define PUB      "zo060cy2M+x7cMF4FKXHbs0CloUFDTRHRboFhw5YfVk="
#define PUB2     "Xf7dO2vUf2+ijuFdlp1bsOpTd01Ii9r53xxuASSz7yI="

static long secrets;

void *__real_adit_secret_alloc(size_t len);
void __real_adit_secret_free(void *p, size_t len);
void *__wrap_adit_secret_alloc(size_t len);
void __wrap_adit_secret_free(void *p, size_t len);

void *__wrap_adit_secret_alloc(size_t len)
{
	void *p = wiped_fails() ? NULL : __real_adit_secret_alloc(len);

	secrets += p != NULL;
	return p;
}

void __wrap_adit_secret_free(void *p, size_t len)
{
	secrets -= p != NULL;
	__real_adit_secret_free(p, len);
}

static const struct {
	const char *name, *text;
} files[] = {
	{ "x.toml",
	  "[agent]\nmetrics = \"127.0.0.1:9586\"\n"
	  "[network.a]\nenable = true\nprivate_key = \"" SECRET "\"\naddresses = [\"10.0.0.1/24\"]\n"
	  "dns = [\"10.0.0.2\", \"corp.example\"]\nexclude = [\"10.9.0.0/16\"]\n"
	  "[[network.a.peers]]\npublic_key = \"" PUB "\"\nname = \"one\"\npreshared_key = \"" SECRET "\"\n"
	  "endpoint = [\"a.example:1\", \"[::1]:2\"]\nallowed_ips = [\"10.0.0.0/24\", \"fd00::/64\"]\n"
	  "[network.q]\nconfig = \"q.conf\"\nhooks = \"allow\"\n"
	  "[network.f]\ntype = \"forward\"\nprivate_key = \"" SECRET "\"\naddresses = [\"10.0.0.1/24\"]\n"
	  "local = [\"8080:10.0.0.2:80\"]\nsocks5 = \"user:" PASSWORD "@127.0.0.1:1080\"\n"
	  "peers = [{ public_key = \"" PUB "\", preshared_key = \"" SECRET "\", allowed_ips = [\"10.0.0.0/8\"] }]\n"
	  "[network.g]\ntype = \"forward\"\nconfig = \"q.conf\"\nhttp = \"8118\"\n"
	  "[network.s]\ntype = \"static\"\nsecret = \"" SECRET "\"\naddresses = [\"10.5.0.1/24\"]\n"
	  "peers = { \"10.5.0.2\" = { pub_key = \"" PUB "\", sock_addr = \"192.0.2.1:5\" } }\n" },
	{ "q.conf",
	  "[Interface]\nPrivateKey = " SECRET "\nAddress = 10.1.0.1/24\nPostUp = true\nPostUp = false\nDNS = 10.1.0.2\n"
	  "[Peer]\nPublicKey = " PUB "\nPresharedKey = " SECRET "\nAllowedIPs = 10.1.0.0/24\nEndpoint = 192.0.2.1:5\n" },
	{ "conf.d/1.toml",
	  "[network.a]\nmtu = 1300\ndns = [\"10.0.0.3\"]\n[[network.a.peers]]\npublic_key = \"" PUB2 "\"\n"
	  "preshared_key = \"" SECRET "\"\n[network.s]\nsecret = \"" SECRET "\"\n" },
};

/* Was there a configuration? */
static bool read_once(bool broken)
{
	struct memory_files mem = { 0 };
	struct agent_opener opener;
	struct adit_conf_errors errors = { 0 };
	struct agent_config *config;
	bool ok;

	for (size_t i = 0; i < sizeof(files) / sizeof(files[0]); i++) {
		struct memory_file *f = &mem.file[mem.cnt++];

		strcpy(f->name, files[i].name);
		f->text = files[i].text;
		f->len = strlen(f->text);
		f->mode = broken ? 0644 : 0600; /* every key is refused then, after it was read */
	}
	opener = memory_opener(&mem);
	config = agent_config_read("x.toml", &opener, &errors);
	ok = config;
	assert_int_equal(!ok, errors.cnt || errors.no_memory);
	agent_config_free(config);
	for (size_t i = 0; i < errors.item_cnt; i++)
		assert_null(strstr(errors.item[i].text, "S3CRET"));
	adit_conf_errors_fini(&errors);
	return ok;
}

static void every_allocation_fails(bool broken)
{
	unsigned long cnt;

	wiped_start(0);
	secrets = 0;
	assert_int_equal(read_once(broken), !broken);
	cnt = wiped.allocations;
	assert_int_equal(wiped.leaked, 0);
	assert_int_equal(wiped.blocks, 0);
	assert_int_equal(secrets, 0);
	assert_true(cnt > 100);
	for (unsigned long n = 1; n <= cnt; n++) {
		wiped_start(n);
		read_once(broken);
		if (wiped.leaked || wiped.blocks || secrets)
			fail_msg("allocation %lu of %lu fails: %ld blocks and %ld of secret memory stay, %u were freed with a secret",
				 n, cnt, wiped.blocks, secrets, wiped.leaked);
	}
	wiped_start(0);
}

static void good(void **state)
{
	(void)state;
	every_allocation_fails(false);
}

static void refused(void **state)
{
	(void)state;
	every_allocation_fails(true);
}

int main(void)
{
	const struct CMUnitTest tests[] = { cmocka_unit_test(good), cmocka_unit_test(refused) };

	return cmocka_run_group_tests(tests, NULL, NULL);
}
