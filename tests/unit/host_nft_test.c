/* SPDX-License-Identifier: ISC */
/* host_nft_test.c - the texts of nftables' steps: what cannot be read changes nothing. The rest takes a kernel and root:
 * tests/netns/guard.sh and gateway.sh */
#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "host/gateway.h"
#include "host/guard.h"
#include "host/replies.h"

static const char *const not_guards[] = {
	NULL,
	"",
	"lan",
	"lan=",
	"lan=maybe",
	"lan=allow lan=allow",
	"to=192.0.2.1:5",
	"lan=block to=192.0.2.1",
	"lan=block to=192.0.2.1:0",
	"lan=block to=192.0.2.1:65536",
	"lan=block to=2001:db8::1:5",
	"lan=block to=[2001:db8::1]",
	"lan=block to=[fe80::1%]x:1",
	"lan=block to=name:5",
	"lan=block to=*:5",
	"lan=block dns=192.0.2.1:53",
	"lan=block dns=192.0.2.1,x",
	"lan=block exclude=192.0.2.0/33",
	"lan=block exclude=192.0.2",
	"lan=block other=1",
	"lan=block other",
};

static const char *const not_gateways[] = {
	"forwards", "forward,masquerade", "port",        "port=0", "port=65536",
	"port=1x",  "masquerade port=-1", "mss_clamp=1",
};

static const char *const not_replies[] = { "10.0.0.1/33", "10.0.0.1,x", "10.0.0", "%" };

/* Where an invalid text got through, the kernel would be asked: no test here may come to that. */
static void check_refused(int (*set)(struct adit_nft *nft, const struct adit_step *step),
			  enum adit_step_kind kind, const char *const *texts, size_t cnt)
{
	struct adit_nft *nft;

	assert_int_equal(adit_nft_open(&nft), 0);
	for (size_t i = 0; i < cnt; i++) {
		struct adit_step step = {
			.kind = (uint8_t)kind, .ifname = "wg0", .mark = 1, .text = (char *)(uintptr_t)texts[i]
		};
		int r = set(nft, &step);

		if (r != -EINVAL && r != -EOPNOTSUPP)
			fail_msg("taken (%d): %s", r, texts[i] ? texts[i] : "(none)");
		assert_true(*adit_nft_detail(nft));
	}
	adit_nft_close(nft);
}

static int intact_guard(struct adit_nft *nft, const struct adit_step *step)
{
	return adit_guard_intact(nft, &step, 1);
}

static void test_guard(void **state)
{
	(void)state;
	check_refused(intact_guard, ADIT_STEP_GUARD, not_guards, sizeof(not_guards) / sizeof(*not_guards));
}

static void test_gateway(void **state)
{
	(void)state;
	check_refused(adit_gateway_intact, ADIT_STEP_GATEWAY, not_gateways,
		      sizeof(not_gateways) / sizeof(*not_gateways));
}

static void test_replies(void **state)
{
	(void)state;
	check_refused(adit_replies_intact, ADIT_STEP_REPLIES, not_replies,
		      sizeof(not_replies) / sizeof(*not_replies));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_guard),
		cmocka_unit_test(test_gateway),
		cmocka_unit_test(test_replies),
	};

	return cmocka_run_group_tests_name("host_nft", tests, NULL, NULL);
}
