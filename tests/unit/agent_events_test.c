/* SPDX-License-Identifier: ISC */
/* agent_events_test.c - the ring of events, the log's limit, journald's entries */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <unistd.h>

#include <cmocka.h>

#include "agent/events.h"
#include "agent/log.h"
#include "host/process.h"

static struct agent_events ring;

static void add(const char *network, const char *state, const char *text)
{
	struct agent_event e = { .kind = "state" };

	snprintf(e.network, sizeof(e.network), "%s", network);
	snprintf(e.state, sizeof(e.state), "%s", state);
	snprintf(e.text, sizeof(e.text), "%s", text);
	agent_event_add(&ring, &e);
}

static int silence(void **state)
{
	(void)state;
	memset(&ring, 0, sizeof(ring));
	adit_log_set_level(ADIT_LOG_SILENT);
	return 0;
}

static void count(struct agent_events *e, void *user)
{
	assert_ptr_equal(e, &ring);
	(*(unsigned *)user)++;
}

static void test_in_order(void **state)
{
	unsigned told = 0;
	bool lagged;

	(void)state;
	assert_null(agent_event_after(&ring, 0, &lagged));
	assert_false(lagged);
	ring.added = count;
	ring.user = &told;
	add("a", "up", "first");
	add("b", "down", "second");
	assert_int_equal(told, 2);
	assert_int_equal(ring.last, 2);
	assert_string_equal(agent_event_after(&ring, 0, &lagged)->text, "first");
	assert_string_equal(agent_event_after(&ring, 1, &lagged)->text, "second");
	assert_int_equal(agent_event_after(&ring, 1, &lagged)->seq, 2);
	assert_true(agent_event_after(&ring, 1, &lagged)->wall_ms > 0);
	assert_null(agent_event_after(&ring, 2, &lagged));
	assert_null(agent_event_after(&ring, 99, &lagged));
	assert_false(lagged);
}

static void refuse(unsigned uid, adit_time now)
{
	struct agent_event e = { .kind = "control" };

	snprintf(e.text, sizeof(e.text), "refused: uid %u", uid);
	agent_event_refused(&ring, &e, uid, now);
}

/* One caller's attempts are counted; another's, and what else happens, stays to be seen. */
static void test_refusals(void **state)
{
	const adit_time begin = 5 * ADIT_SEC;
	bool lagged;

	(void)state;
	add("a", "up", "before");
	for (int i = 0; i < 5000; i++)
		refuse(1000, begin + i * ADIT_MSEC);
	refuse(1001, begin);
	assert_int_equal(ring.last, 3);
	assert_string_equal(agent_event_after(&ring, 0, &lagged)->text, "before");
	assert_false(lagged);
	assert_string_equal(agent_event_after(&ring, 1, &lagged)->text, "refused: uid 1000");
	assert_string_equal(agent_event_after(&ring, 2, &lagged)->text, "refused: uid 1001");
	refuse(1000, begin + AGENT_REFUSAL_EVERY);
	assert_string_equal(agent_event_after(&ring, 3, &lagged)->text, "refused: uid 1000; 4999 more since the last line");
	refuse(1000, begin + 2 * AGENT_REFUSAL_EVERY);
	assert_string_equal(agent_event_after(&ring, 4, &lagged)->text, "refused: uid 1000");
	for (unsigned uid = 0; uid < 100; uid++) /* more than there is room for */
		refuse(uid, begin + 3 * AGENT_REFUSAL_EVERY);
	assert_int_equal(ring.last, 105);
}

/* Who is behind is told so, and goes on with the oldest that is there. */
static void test_lagged(void **state)
{
	char text[16];
	bool lagged;
	uint64_t at = 0;

	(void)state;
	for (int i = 1; i <= AGENT_EVENTS_KEPT + 10; i++) {
		snprintf(text, sizeof(text), "%d", i);
		add("", "", text);
	}
	assert_string_equal(agent_event_after(&ring, 5, &lagged)->text, "11");
	assert_true(lagged);
	assert_string_equal(agent_event_after(&ring, 10, &lagged)->text, "11");
	assert_false(lagged);
	for (const struct agent_event *e; (e = agent_event_after(&ring, at, &lagged)); at = e->seq)
		if (at)
			assert_int_equal(e->seq, at + 1);
	assert_int_equal(at, AGENT_EVENTS_KEPT + 10);
}

static void test_limit(void **state)
{
	struct agent_log_bucket b = { 0 };
	unsigned dropped, i, passed = 0;
	adit_time now = ADIT_SEC;

	(void)state;
	for (i = 0; i < AGENT_LOG_BURST + 50; i++)
		passed += agent_log_passes(&b, now, &dropped);
	assert_int_equal(passed, AGENT_LOG_BURST);
	assert_true(agent_log_passes(&b, now + ADIT_SEC, &dropped));
	assert_int_equal(dropped, 50);
	for (passed = 1, i = 0; i < 50; i++)
		passed += agent_log_passes(&b, now + ADIT_SEC, &dropped);
	assert_int_equal(passed, AGENT_LOG_RATE);
}

/* A line of text can begin no field of its own. */
static void test_entry(void **state)
{
	struct agent_event e = { .seq = 7, .kind = "state", .network = "office", .state = "error", .reason = "no_reply" };
	char buf[2048];
	size_t len = agent_log_entry(buf, sizeof(buf) - 1, 4, "first\nPRIORITY=0", &e);

	(void)state;
	buf[len] = '\0';
	assert_non_null(strstr(buf, "PRIORITY=4\n"));
	assert_non_null(strstr(buf, "\nMESSAGE=first PRIORITY=0\n"));
	assert_non_null(strstr(buf, "\nADIT_NETWORK=office\n"));
	assert_non_null(strstr(buf, "\nADIT_STATE=error\n"));
	assert_non_null(strstr(buf, "\nADIT_REASON=no_reply\n"));
	assert_non_null(strstr(buf, "\nADIT_SEQ=7\n"));
	assert_non_null(strstr(buf, "\nMESSAGE_ID="));
	assert_non_null(strstr(buf, "\nADIT_EVENT=state\n"));
	assert_null(strstr(buf, "ADIT_PEER"));
	strcpy(e.peer, "far");
	len = agent_log_entry(buf, sizeof(buf) - 1, 4, "of a peer", &e);
	buf[len] = '\0';
	assert_non_null(strstr(buf, "\nADIT_PEER=far\n"));
	assert_true(agent_log_entry(buf, 40, 4, "a text that does not fit into so few", &e) <= 40);
}

/* Standard error is journald's: fields go to its socket, and not before the level allows. */
static void test_journal(void **state)
{
	char path[] = "/tmp/adit-journal-XXXXXX", stream[64], buf[2048];
	struct sockaddr_un sa = { .sun_family = AF_UNIX };
	struct stat st;
	int fd = socket(AF_UNIX, SOCK_DGRAM | SOCK_NONBLOCK, 0);
	ssize_t n;

	(void)state;
	assert_int_not_equal(mkstemp(path), -1);
	unlink(path);
	strcpy(sa.sun_path, path);
	assert_int_equal(bind(fd, (struct sockaddr *)&sa, sizeof(sa)), 0);
	assert_int_equal(fstat(STDERR_FILENO, &st), 0);
	snprintf(stream, sizeof(stream), "%llu:%llu", (unsigned long long)st.st_dev, (unsigned long long)st.st_ino);
	setenv("JOURNAL_STREAM", stream, 1);
	agent_log_init(path, false);
	add("quiet", "up", "not seen");
	assert_int_equal(recv(fd, buf, sizeof(buf), 0), -1);
	adit_log_set_level(ADIT_LOG_INFO);
	add("office", "up", "up, was down");
	n = recv(fd, buf, sizeof(buf) - 1, 0);
	assert_true(n > 0);
	buf[n] = '\0';
	assert_non_null(strstr(buf, "\nMESSAGE=office: up, was down\n"));
	adit_log_set_level(ADIT_LOG_WARNING);
	add("office", "up", "again");
	assert_int_equal(recv(fd, buf, sizeof(buf), 0), -1);
	add("office", "error", "gone");
	assert_true(recv(fd, buf, sizeof(buf), 0) > 0);
	adit_log_error("%s", "a plain line");
	n = recv(fd, buf, sizeof(buf) - 1, 0);
	assert_true(n > 0);
	buf[n] = '\0';
	assert_non_null(strstr(buf, "MESSAGE=a plain line\n"));
	agent_log_fini();
	unsetenv("JOURNAL_STREAM");
	close(fd);
	unlink(path);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup(test_in_order, silence), cmocka_unit_test_setup(test_lagged, silence),
		cmocka_unit_test_setup(test_refusals, silence),
		cmocka_unit_test_setup(test_limit, silence),    cmocka_unit_test_setup(test_entry, silence),
		cmocka_unit_test_setup(test_journal, silence),
	};

	return cmocka_run_group_tests_name("agent_events", tests, NULL, NULL);
}
