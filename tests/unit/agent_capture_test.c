/* SPDX-License-Identifier: ISC */
/* agent_capture_test.c - what somebody who captures is told: lines of drops and keys, and what there was no room for */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <stdlib.h>
#include <string.h>

#include "agent/api.h"
#include "agent/capture.h"
#include "support/made_up_agent.h"

static const struct agent_caller caller = { 1000, 42, AGENT_ROLE_ADMIN };
static struct made_up_agent *m;
static struct agent_network *office;
static struct agent_capture *capture;
static char text[1 << 20];

static int set_up(void **state)
{
	(void)state;
	m = made_up_new(3);
	office = m ? agent_find(&m->a, "office") : NULL;
	return !office;
}

static int tear_down(void **state)
{
	(void)state;
	agent_capture_free(capture);
	capture = NULL;
	made_up_free(m);
	return 0;
}

/* What it says now, with the time taken out. */
static const char *lines(void)
{
	char *got, *to = text;
	size_t len;

	assert_int_equal(agent_capture_lines(capture, "\"1\"", &got, &len), 0);
	assert_true(len < sizeof(text));
	for (size_t i = 0; i < len; i++) {
		*to++ = got[i];
		if (to - text >= 9 && !memcmp(to - 9, "time_us\":", 9))
			while (i + 1 < len && got[i + 1] != ',')
				i++;
	}
	*to = '\0';
	free(got);
	return text;
}

static void test_drop(void **state)
{
	(void)state;
	assert_int_equal(agent_capture_new(&capture, office, &caller, false), 0);
	assert_null(capture->tap.keys);
	assert_null(agent_captures_keys(office));
	assert_int_equal(agent_captures(office), 1);
	assert_string_equal(lines(), "{\"id\":\"1\",\"drop\":{\"time_us\":,\"direction\":\"out\",\"reason\":\"no_peer\","
				     "\"packet\":\"4500001400000000000000000000000000000000\"}}\n");
	assert_string_equal(lines(), "");
}

/* In base64, in the order in which Wireshark puts them together. */
static void test_keys(void **state)
{
	const uint8_t key[4][ADIT_KEY_LEN] = { { 5 }, { 6 }, { 7 } };
	const struct adit_wg_keys plain = { key[0], key[1], key[2], NULL };
	const char *behind;

	(void)state;
	assert_int_equal(agent_capture_new(&capture, office, &caller, true), 0);
	assert_int_equal(agent_captures_keys(office)->uid, 1000);
	behind = strchr(lines(), '\n') + 1;
	assert_string_equal(behind,
			    "{\"id\":\"1\",\"keys\":["
			    "\"LOCAL_STATIC_PRIVATE_KEY = AQAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA=\","
			    "\"REMOTE_STATIC_PUBLIC_KEY = AgAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA=\","
			    "\"LOCAL_EPHEMERAL_PRIVATE_KEY = AwAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA=\","
			    "\"PRESHARED_KEY = BAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA=\"]}\n");
	capture->tap.keys(&capture->tap, &plain);
	assert_string_equal(lines(), "{\"id\":\"1\",\"keys\":["
				     "\"LOCAL_STATIC_PRIVATE_KEY = BQAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA=\","
				     "\"REMOTE_STATIC_PUBLIC_KEY = BgAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA=\","
				     "\"LOCAL_EPHEMERAL_PRIVATE_KEY = BwAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA=\"]}\n");
	for (size_t i = 0; i < 112; i++) /* of the shorter of both */
		assert_int_equal(capture->taken.buf[i] | capture->notes.buf[i], 0); /* what was told is not kept */
}

static void test_no_room(void **state)
{
	static uint8_t packet[65535] = { 0x45 };
	const struct iovec iov = { packet, sizeof(packet) };
	const char *last;

	(void)state;
	assert_int_equal(agent_capture_new(&capture, office, &caller, false), 0);
	lines();
	for (unsigned i = 0; i < 10; i++)
		capture->tap.dropped(&capture->tap, false, ADIT_DROP_replayed, &iov, 1);
	last = strstr(lines(), "{\"id\":\"1\",\"lost\"");
	assert_string_equal(last, "{\"id\":\"1\",\"lost\":7}\n");
	capture->tap.dropped(&capture->tap, false, ADIT_DROP_replayed, &iov, 1);
	assert_null(strstr(lines(), "lost"));
	assert_non_null(strstr(text, "\"reason\":\"replayed\",\"packet\":\"45"));
}

static void test_many(void **state)
{
	struct agent_capture *other, *third;

	(void)state;
	assert_int_equal(agent_capture_new(&capture, office, &caller, false), 0);
	assert_int_equal(agent_capture_new(&other, office, &caller, true), 0);
	assert_int_equal(agent_capture_new(&third, office, &caller, false), 0);
	assert_int_equal(agent_captures(office), 3);
	agent_capture_free(other);
	assert_null(agent_captures_keys(office));
	agent_capture_free(third);
	assert_int_equal(agent_captures(office), 1);
	assert_ptr_equal(office->captures, capture);
}

/* Is a key log of office granted to this role? later: there is a connection to be held, as HTTP has none. */
static bool granted(enum agent_role role, bool later, const char *error)
{
	static const char line[] = "{\"action\":\"capture\",\"network\":\"office\",\"keylog\":true}";
	struct agent_pending pending = { .kind = AGENT_PENDING_NONE };
	struct agent_call c = { .agent = &m->a, .caller = { 1000, 42, role }, .role = role,
				.pending = later ? &pending : NULL };
	char *reply = NULL;
	size_t len;
	FILE *out = open_memstream(&reply, &len);
	enum agent_api_result r = agent_api_line(&c, line, sizeof(line) - 1, out);

	fclose(out);
	assert_int_equal(strstr(reply, error) != NULL, r == AGENT_API_DONE);
	free(reply);
	return r == AGENT_API_LATER && pending.keylog;
}

static void test_who_may(void **state)
{
	(void)state;
	assert_false(granted(AGENT_ROLE_OBSERVER, true, "\"denied\""));
	assert_false(granted(AGENT_ROLE_OPERATOR, true, "\"denied\""));
	assert_false(granted(AGENT_ROLE_ADMIN, false, "\"unsupported\""));
	assert_true(granted(AGENT_ROLE_ADMIN, true, "\"code\""));
	assert_int_equal(agent_captures(office), 0);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(test_drop, set_up, tear_down),
		cmocka_unit_test_setup_teardown(test_keys, set_up, tear_down),
		cmocka_unit_test_setup_teardown(test_no_room, set_up, tear_down),
		cmocka_unit_test_setup_teardown(test_many, set_up, tear_down),
		cmocka_unit_test_setup_teardown(test_who_may, set_up, tear_down),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
