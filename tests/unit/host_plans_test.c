/* SPDX-License-Identifier: ISC */
/* host_plans_test.c - two plans compared, the stupid way and the quick one; sysctls as text; locks of plans */
#include <errno.h>
#include <fcntl.h>
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

#include "host/difference.h"
#include "host/journal.h"
#include "host/keeper.h"
#include "host/sysctl.h"

static void add(struct adit_plan *plan, const char *line)
{
	struct adit_step step;

	assert_int_equal(adit_step_parse(&step, line), 0);
	assert_int_equal(adit_plan_add(plan, &step), 0);
	free(step.text);
}

/* Few values, so that steps meet often: the same, and the same thing with another value. */
static void add_random(struct adit_plan *plan)
{
	static const char *const forms[] = {
		"tun t%u", "mtu t%u 1%u", "addr t%u 10.0.%u.1/24", "addr t%u fd0%u::1/64", "up t%u",
		"route t%u 10.%u.0.0/16 254", "route t%u 10.1.0.0/16 25%u", "route t%u ::/0 1 %u",
		"unreachable t%u 0.0.0.0/0 7 %u", "rule t%u 4 %u 254 7 -1 0.0.0.0/0", "rule t%u 4 9 254 !%u -1 10.0.0.0/8",
		"rule t%u 6 9 254 0 %u ::/0", "sysctl t%u net/ipv4/ip_forward %u 0", "sysctl t%u net/ipv4/conf/e%u/rp_filter 2 1",
		"guard t%u %u lan=allow", "replies t%u %u 10.0.0.1", "gateway t%u forward port=%u", "dns t%u file servers=10.0.0.%u",
	};
	const char *form = forms[random() % (long)(sizeof(forms) / sizeof(forms[0]))], *p;
	unsigned number[2] = { (unsigned)random() % 2, 1 + (unsigned)random() % 3 }, i = 0;
	char line[128];
	size_t len = 0;

	for (p = form; *p; p++) {
		if (p[0] == '%' && p[1] == 'u') {
			len += (size_t)snprintf(line + len, sizeof(line) - len, "%u", number[i++]);
			p++;
		} else {
			line[len++] = *p;
		}
	}
	line[len] = '\0';
	add(plan, line);
}

static void random_plan(struct adit_plan *plan)
{
	size_t i, cnt = (size_t)random() % 30;

	adit_plan_init(plan, "t0");
	for (i = 0; i < cnt; i++)
		add_random(plan);
}

static const struct adit_step *find_slowly(const struct adit_plan *plan, const struct adit_step *step)
{
	size_t i;

	for (i = 0; i < plan->cnt; i++)
		if (adit_step_same(&plan->steps[i], step))
			return &plan->steps[i];
	return NULL;
}

static void quick_as_slow(void **state)
{
	struct adit_plan a, b, both;
	struct adit_step_index x;
	unsigned round, hits = 0;
	size_t i, kept;

	(void)state;
	srandom(1);
	for (round = 0; round < 2000; round++) {
		random_plan(&a);
		random_plan(&b);
		assert_int_equal(adit_step_index_init(&x, &b), 0);
		for (i = 0; i < a.cnt; i++) {
			const struct adit_step *slow = find_slowly(&b, &a.steps[i]);
			const struct adit_step *quick = adit_step_index_find(&x, &a.steps[i]);

			assert_int_equal(slow != NULL, quick != NULL);
			assert_true(!quick || adit_step_same(quick, &a.steps[i]));
			hits += quick != NULL;
		}
		adit_step_index_fini(&x);
		/* The union ends with the second plan, and has of the first what the second has not just so. */
		assert_int_equal(adit_plan_union(&both, &a, &b), 0);
		assert_true(both.cnt >= b.cnt && both.cnt <= a.cnt + b.cnt);
		kept = both.cnt - b.cnt;
		for (i = 0; i < b.cnt; i++)
			assert_true(adit_step_equal(&both.steps[kept + i], &b.steps[i]));
		for (i = 0; i < a.cnt; i++)
			assert_non_null(find_slowly(&both, &a.steps[i]));
		adit_plan_fini(&both);
		assert_int_equal(adit_plan_union(&both, &a, &a), 0);
		adit_plan_fini(&both);
		adit_plan_fini(&a);
		adit_plan_fini(&b);
	}
	assert_true(hits > 1000);
}

static void union_of(void **state)
{
	struct adit_plan old, now, both;
	char line[ADIT_STEP_STRLEN];

	(void)state;
	adit_plan_init(&old, "t0");
	adit_plan_init(&now, "t0");
	add(&old, "tun t0");
	add(&old, "mtu t0 1400");
	add(&old, "route t0 10.1.0.0/16 254");
	add(&old, "sysctl t0 net/ipv4/ip_forward 1 0");
	add(&now, "tun t0");
	add(&now, "mtu t0 1300");
	add(&now, "sysctl t0 net/ipv4/ip_forward 2 0");
	assert_int_equal(adit_plan_union(&both, &old, &now), 0);
	assert_int_equal(both.cnt, 6);
	assert_string_equal(adit_step_format(&both.steps[0], line), "mtu t0 1400");
	assert_string_equal(adit_step_format(&both.steps[1], line), "route t0 10.1.0.0/16 254");
	assert_string_equal(adit_step_format(&both.steps[2], line), "sysctl t0 net/ipv4/ip_forward 1 0");
	assert_string_equal(adit_step_format(&both.steps[3], line), "tun t0");
	assert_false(adit_plan_equal(&old, &now));
	adit_plan_fini(&both);
	assert_int_equal(adit_plan_union(&both, &now, &now), 0);
	assert_true(adit_plan_equal(&both, &now));
	adit_plan_fini(&both);
	adit_plan_fini(&old);
	adit_plan_fini(&now);
}

static void sysctls_as_text(void **state)
{
	static const char *const bad[] = {
		"", "net/ipv4/ip_forward", "net/ipv4/ip_forward 1", "kernel/core_pattern x y", "net/../kernel/x 1 0",
		"/net/ipv4/ip_forward 1 0", "net//ipv4 1 0", "net/ipv4/a\tb 1 0",
		"net/ipv4/ip_forward 012345678901234567890123456789012 0",
	};
	struct adit_sysctl s;
	size_t i;

	(void)state;
	assert_int_equal(adit_sysctl_parse(&s, "net/ipv4/conf/eth0.100/rp_filter 2 1 net/x=1 net/y=2"), 0);
	assert_string_equal(s.path, "net/ipv4/conf/eth0.100/rp_filter");
	assert_string_equal(s.value, "2");
	assert_string_equal(s.was, "1");
	assert_string_equal(s.sides, "net/x=1 net/y=2");
	assert_int_equal(adit_sysctl_parse(&s, "net/ipv4/ip_forward 1 0"), 0);
	assert_string_equal(s.sides, "");
	for (i = 0; i < sizeof(bad) / sizeof(bad[0]); i++)
		assert_int_equal(adit_sysctl_parse(&s, bad[i]), -EINVAL);
	assert_int_equal(adit_sysctl_write("kernel/hostname", "x"), -EINVAL);
}

static void touch(const char *dir, const char *name)
{
	char path[128];
	int fd;

	snprintf(path, sizeof(path), "%s/%s", dir, name);
	fd = open(path, O_WRONLY | O_CREAT, 0600);
	assert_true(fd >= 0);
	close(fd);
}

static bool there(const char *dir, const char *name)
{
	char path[128];

	snprintf(path, sizeof(path), "%s/%s", dir, name);
	return access(path, F_OK) == 0;
}

/* What killed processes leave goes; journals, their locks and other people's files stay. */
static void tidy(void **state)
{
	static const char *const stay[] = { "a.journal", "a.lock", "d.lock", "wg0.up", "counts", ".lock" };
	static const char *const go[] = { "a.journal.new", "b.journal.new", "b.lock", "c.lock" };
	char dir[] = "/tmp/adit-plans-test-XXXXXX", path[64];
	size_t i;
	int own;

	(void)state;
	assert_non_null(mkdtemp(dir));
	for (i = 0; i < sizeof(stay) / sizeof(stay[0]); i++)
		touch(dir, stay[i]);
	for (i = 0; i < sizeof(go) / sizeof(go[0]); i++)
		touch(dir, go[i]);
	own = adit_journal_own(dir, "d"); /* somebody who begins just now */
	assert_true(own >= 0);
	adit_journal_tidy(dir);
	for (i = 0; i < sizeof(go) / sizeof(go[0]); i++)
		assert_false(there(dir, go[i]));
	for (i = 0; i < sizeof(stay) / sizeof(stay[0]); i++) {
		assert_true(there(dir, stay[i]));
		snprintf(path, sizeof(path), "%s/%s", dir, stay[i]);
		unlink(path);
	}
	close(own);
	assert_int_equal(rmdir(dir), 0);
}

static void state_dir(void **state)
{
	(void)state;
	unsetenv("ADIT_STATE_DIR");
	assert_string_equal(adit_state_dir(NULL), ADIT_STATE_DIR);
	setenv("ADIT_STATE_DIR", "", 1);
	assert_string_equal(adit_state_dir(NULL), ADIT_STATE_DIR);
	setenv("ADIT_STATE_DIR", "/x", 1);
	assert_string_equal(adit_state_dir(NULL), "/x");
	assert_string_equal(adit_state_dir("/y"), "/y");
	unsetenv("ADIT_STATE_DIR");
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(quick_as_slow),   cmocka_unit_test(union_of), cmocka_unit_test(sysctls_as_text),
		cmocka_unit_test(tidy),            cmocka_unit_test(state_dir),
	};

	return cmocka_run_group_tests_name("host_plans", tests, NULL, NULL);
}
