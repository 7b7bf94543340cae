/* SPDX-License-Identifier: ISC */
/* host_test.c - plans as text, the journal, and apply/verify/undo in a namespace of our own */
#include <errno.h>
#include <fcntl.h>
#include <linux/if_tun.h>
#include <net/if.h>
#include <sched.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cmocka.h>

#include "host/apply.h"
#include "host/journal.h"
#include "host/unixsock.h"

static const char *const lines[] = {
	"tun t0",
	"addr t0 10.7.0.1/24",
	"addr t0 fd07::1/64",
	"mtu t0 1380",
	"up t0",
	"route t0 10.8.0.0/16 254",
	"route t0 192.0.2.1/32 4294967295",
	"route t0 2001:db8::/32 254",
};
#define LINE_CNT (sizeof(lines) / sizeof(lines[0]))

/* Other kinds: as text only. */
static const char *const more[] = {
	"route t0 2001:db8::/32 254 20",
	"unreachable t0 ::/0 51820 4294967295",
	"rule t0 4 32764 254 51820 -1 0.0.0.0/0",
	"rule t0 6 32765 51820 !51820 -1 ::/0",
	"rule t0 4 32763 254 0 0 0.0.0.0/0",
	"rule t0 4 100 254 0 -1 192.0.2.0/24",
	"sysctl t0 net/ipv4/ip_forward 1 0",
	"guard t0 51820 lan=allow to=192.0.2.1:51820",
	"replies t0 51820 10.0.0.2",
	"gateway t0 forward masquerade",
	"dns t0 file servers=10.0.0.1",
};
#define MORE_CNT (sizeof(more) / sizeof(more[0]))

static void make_plan(struct adit_plan *plan)
{
	struct adit_step step;
	size_t i;

	adit_plan_init(plan, "t0");
	for (i = 0; i < LINE_CNT; i++) {
		assert_int_equal(adit_step_parse(&step, lines[i]), 0);
		assert_int_equal(adit_plan_add(plan, &step), 0);
		free(step.text);
	}
}

static void steps_as_text(void **state)
{
	static const char *const bad[] = {
		"",          "tun",       "tun a b",       "tun ../x",          "tun 0123456789abcdef",
		"mtu t0",    "mtu t0 -1", "mtu t0 1x",     "mtu t0 4294967296", "addr t0 10.0.0.1/33",
		"addr t0 x", "up t0 1",   "route t0 ::/0", "route t0 ::/0 x",   "route t0 ::/0 1 2 3",
		"rule t0 1", "rule t0 4 1 2 3 -1 ::/0", "rule t0 4 1 2 !x -1 0.0.0.0/0",
		"sysctl t0", "dns t0 ", "guard t0 x", "guard t0",
	};
	char buf[ADIT_STEP_STRLEN];
	struct adit_step step;
	size_t i;

	(void)state;
	for (i = 0; i < LINE_CNT + MORE_CNT; i++) {
		const char *line = i < LINE_CNT ? lines[i] : more[i - LINE_CNT];

		assert_int_equal(adit_step_parse(&step, line), 0);
		assert_string_equal(adit_step_format(&step, buf), line);
		assert_true(adit_step_same(&step, &step) && adit_step_equal(&step, &step));
		free(step.text);
	}
	for (i = 0; i < sizeof(bad) / sizeof(bad[0]); i++)
		assert_int_equal(adit_step_parse(&step, bad[i]), -EINVAL);
	assert_true(adit_ifname_valid("wg0=+._-"));
	assert_false(adit_ifname_valid(".."));
	assert_false(adit_ifname_valid("a/b"));
}

static void write_file(const char *path, const char *text)
{
	FILE *f = fopen(path, "w");

	assert_non_null(f);
	fputs(text, f);
	assert_int_equal(fclose(f), 0);
}

static void journal_round_trip(void **state)
{
	char dir[] = "/tmp/adit-host-test-XXXXXX", aside[64], line[ADIT_STEP_STRLEN];
	char (*names)[ADIT_IFNAME_LEN];
	struct adit_journal back;
	struct adit_plan plan;
	size_t i, cnt;
	int lock, own;

	(void)state;
	assert_non_null(mkdtemp(dir));
	make_plan(&plan);
	lock = adit_journal_lock(dir);
	assert_true(lock >= 0);
	assert_int_equal(adit_journal_read(&back, dir, "t0"), -ENOENT);
	assert_int_equal(adit_journal_write(dir, &plan, false), 0);
	assert_int_equal(adit_journal_write(dir, &plan, true), 0); /* over an old one */
	assert_int_equal(adit_journal_read(&back, dir, "t0"), 0);
	assert_true(back.current && back.here && back.served);
	assert_string_equal(back.plan.name, "t0");
	assert_int_equal(back.plan.cnt, LINE_CNT);
	for (i = 0; i < LINE_CNT; i++)
		assert_string_equal(adit_step_format(&back.plan.steps[i], line), lines[i]);
	adit_plan_fini(&back.plan);
	assert_int_equal(adit_journal_list(dir, &names, &cnt), 0);
	assert_int_equal(cnt, 1);
	assert_string_equal(names[0], "t0");
	free(names);
	/* Somebody owns it, or nobody. */
	assert_false(adit_journal_owned(dir, "t0"));
	own = adit_journal_own(dir, "t0");
	assert_true(own >= 0 && adit_journal_owned(dir, "t0"));
	assert_int_equal(adit_journal_own(dir, "t0"), -EBUSY);
	close(own);
	assert_false(adit_journal_owned(dir, "t0"));
	/* A writer was killed before its rename. */
	snprintf(aside, sizeof(aside), "%s/t0.journal.new", dir);
	write_file(aside, "adit-jour");
	assert_int_equal(adit_journal_remove(dir, "t0"), 0);
	assert_int_equal(adit_journal_remove(dir, "t0"), 0);
	assert_int_equal(adit_journal_read(&back, dir, "../t0"), -EINVAL);
	adit_plan_fini(&plan);
	close(lock);
	snprintf(aside, sizeof(aside), "%s/.lock", dir);
	assert_int_equal(unlink(aside), 0);
	assert_int_equal(rmdir(dir), 0); /* nothing else is left */
	assert_int_equal(adit_journal_list(dir, &names, &cnt), 0);
	assert_int_equal(cnt, 0);
}

static void journal_of_others(void **state)
{
	static const char *const bad[] = {
		"",
		"adit-journal 2\nboot x\nend\n",
		"adit-journal 1\nend\n",
		"adit-journal 1\nboot x\ntun t0\n", /* cut off */
		"adit-journal 1\nboot x\ntun t0\nen",
		"adit-journal 1\nboot x\nrm -rf /\nend\n",
		"adit-journal 1\nboot x\nend\ntun t0\n",
		"adit-journal 1\nboot x\nnetns y\nend\n",
		"adit-journal 1\nboot x\nnetns 1 y\nend\n",
		"adit-journal 1\nboot x\nnetns 1 2 3\nend\n",
		"adit-journal 1\nboot x\ntun t0\nserved\nend\n",
	};
	static const char *const good[] = { /* the second by versions that knew one number only */
		"adit-journal 1\nboot of-another-day\ntun t0\nend\n",
		"adit-journal 1\nboot of-another-day\nnetns 1\ntun t0\nend\n",
		"adit-journal 1\nboot of-another-day\nnetns 1 2\ntun t0\nend\n",
	};
	char dir[] = "/tmp/adit-host-test-XXXXXX", path[64];
	struct adit_journal j;
	size_t i;

	(void)state;
	assert_non_null(mkdtemp(dir));
	snprintf(path, sizeof(path), "%s/t0.journal", dir);
	for (i = 0; i < sizeof(bad) / sizeof(bad[0]); i++) {
		write_file(path, bad[i]);
		assert_int_equal(adit_journal_read(&j, dir, "t0"), -EBADMSG);
	}
	for (i = 0; i < sizeof(good) / sizeof(good[0]); i++) {
		write_file(path, good[i]);
		assert_int_equal(adit_journal_read(&j, dir, "t0"), 0);
		assert_false(j.current || j.served);
		assert_int_equal(j.plan.cnt, 1);
		adit_plan_fini(&j.plan);
	}
	unlink(path);
	rmdir(dir);
}

/* --- in a network namespace ------------------------------------------------ */

static int make_tun(const char *name)
{
	struct ifreq ifr = { 0 };
	int fd = open("/dev/net/tun", O_RDWR | O_CLOEXEC);

	ifr.ifr_flags = IFF_TUN | IFF_NO_PI;
	strcpy(ifr.ifr_name, name);
	if (fd >= 0 && ioctl(fd, TUNSETIFF, &ifr) < 0) {
		close(fd);
		fd = -1;
	}
	return fd;
}

static struct adit_netlink *own_namespace(void)
{
	struct adit_netlink *nl = NULL;
	uid_t uid = geteuid();

	if (unshare(CLONE_NEWNET) < 0 && (uid == 0 || unshare(CLONE_NEWUSER | CLONE_NEWNET) < 0))
		return NULL;
	assert_int_equal(adit_netlink_open(&nl), 0);
	return nl;
}

/* Addresses of the link with index `index`. */
struct addr_count {
	unsigned index, cnt;
};

static void count_addr(void *user, unsigned index, const struct adit_prefix *addr)
{
	struct addr_count *count = user;

	(void)addr;
	count->cnt += index == count->index;
}

static void count_route(void *user, const struct adit_route *route)
{
	size_t *cnt = user;

	assert_int_equal(route->protocol, ADIT_ROUTE_PROTOCOL);
	++*cnt;
}

static unsigned stops_left;

static bool stop_later(void)
{
	return stops_left-- == 0;
}

static void apply_verify_undo(void **state)
{
	struct adit_netlink *nl = own_namespace();
	struct adit_plan plan;
	struct adit_link link;
	char err[256] = "";
	struct addr_count addrs = { 0 };
	struct adit_route route = { 0 };
	struct adit_host host;
	unsigned i;
	size_t routes = 0;
	int tun;

	(void)state;
	tun = nl ? make_tun("t0") : -1;
	if (tun < 0) {
		adit_netlink_close(nl);
		print_message("# no namespace or no /dev/net/tun\n");
		skip();
	}
	make_plan(&plan);
	adit_host_init(&host, nl);
	assert_int_not_equal(adit_host_verify(&host, &plan, err, sizeof(err)), 0);
	if (adit_host_apply(&host, &plan, NULL, err, sizeof(err)))
		fail_msg("%s", err);
	if (adit_host_verify(&host, &plan, err, sizeof(err)))
		fail_msg("%s", err);
	assert_int_equal(adit_link_find(nl, "t0", &link), 0);
	assert_true(link.up);
	assert_int_equal(link.mtu, 1380);
	assert_string_equal(link.kind, "tun");
	assert_int_equal(adit_route_list(nl, ADIT_ROUTE_PROTOCOL, count_route, &routes), 0);
	assert_int_equal(routes, 3);
	addrs.index = link.index;
	assert_int_equal(adit_addr_list(nl, count_addr, &addrs), 0);
	assert_int_equal(addrs.cnt, 2); /* and no link-local one */
	/* A change behind our back is seen. */
	route = (struct adit_route){ .dst = plan.steps[5].prefix, .table = 254, .index = link.index };
	assert_int_equal(adit_route_delete(nl, &route), 0);
	assert_int_equal(adit_host_verify(&host, &plan, err, sizeof(err)), -ESTALE);
	assert_string_equal(err, "route t0 10.8.0.0/16 254: it is not there after it was made");
	/* Twice, and once more after the link is gone. */
	for (i = 0; i < 3; i++) {
		if (adit_host_undo(&host, &plan, err, sizeof(err)))
			fail_msg("%s", err);
		assert_int_equal(adit_link_find(nl, "t0", &link), -ENODEV);
	}
	close(tun);

	/* Broken off after each step, then undone. */
	for (i = 0; i < LINE_CNT; i++) {
		tun = make_tun("t0");
		assert_true(tun >= 0);
		stops_left = i;
		assert_int_equal(adit_host_apply(&host, &plan, stop_later, err, sizeof(err)), -EINTR);
		assert_int_equal(adit_host_undo(&host, &plan, err, sizeof(err)), 0);
		assert_int_equal(adit_link_find(nl, "t0", &link), -ENODEV);
		close(tun);
	}
	adit_plan_fini(&plan);
	adit_host_fini(&host);
	adit_netlink_close(nl);
}

static void others_are_left_alone(void **state)
{
	struct adit_netlink *nl = own_namespace();
	struct adit_plan plan;
	struct adit_link link;
	struct adit_route route = { 0 };
	struct adit_host host;
	char err[256] = "";
	int tun = nl ? make_tun("u0") : -1, t0;

	(void)state;
	if (tun < 0) {
		adit_netlink_close(nl);
		print_message("# no namespace or no /dev/net/tun\n");
		skip();
	}
	make_plan(&plan);
	adit_host_init(&host, nl);
	/* A route that another link has already: named, and not taken away by the undo. */
	assert_int_equal(adit_link_find(nl, "u0", &link), 0);
	assert_int_equal(adit_link_set_up(nl, link.index), 0);
	route = (struct adit_route){ .dst = plan.steps[5].prefix, .table = 254, .index = link.index };
	assert_int_equal(adit_route_add(nl, &route), 0);
	t0 = make_tun("t0");
	assert_int_equal(adit_host_apply(&host, &plan, NULL, err, sizeof(err)), -EEXIST);
	assert_non_null(strstr(err, "route t0 10.8.0.0/16 254"));
	assert_non_null(strstr(err, "another link has a route"));
	assert_int_equal(adit_host_undo(&host, &plan, err, sizeof(err)), 0);
	close(t0);
	assert_int_equal(adit_route_delete(nl, &route), 0);
	/* A link of that name which is no TUN. */
	assert_int_equal(adit_link_add_veth(nl, "t0", "far", getpid()), 0);
	assert_int_equal(adit_host_apply(&host, &plan, NULL, err, sizeof(err)), -EEXIST);
	assert_int_equal(adit_host_undo(&host, &plan, err, sizeof(err)), 0);
	assert_int_equal(adit_link_find(nl, "t0", &link), 0);
	adit_plan_fini(&plan);
	close(tun);
	adit_netlink_close(nl);
}

/* The usual place of sockets, as somebody who is not root, in a folder that was there before. */
static void usual_place(void **state)
{
	char dir[] = "/tmp/adit-host-test.XXXXXX", folder[64], path[128], why[160];
	const bool root = geteuid() == 0;

	(void)state;
	assert_non_null(mkdtemp(dir));
	snprintf(folder, sizeof(folder), "%s/adit", dir);
	setenv("XDG_RUNTIME_DIR", dir, 1);
	if (root)
		assert_true(chown(dir, 65534, 65534) == 0 && seteuid(65534) == 0);
	assert_int_equal(adit_unix_problem(why, sizeof(why)), -ENOENT);
	assert_true(adit_unix_usual("test", path, sizeof(path)));
	assert_memory_equal(path, folder, strlen(folder));
	assert_int_equal(adit_unix_problem(why, sizeof(why)), 0);
	chmod(folder, 0777);
	assert_false(adit_unix_usual("test", path, sizeof(path)));
	assert_int_equal(adit_unix_problem(why, sizeof(why)), -EPERM);
	assert_non_null(strstr(why, "/adit is not ours alone"));
	chmod(folder, 0700);
	assert_true(adit_unix_usual("test", path, sizeof(path)));
	rmdir(folder);
	assert_int_equal(symlink("/tmp", folder), 0);
	assert_false(adit_unix_usual("test", path, sizeof(path)));
	unlink(folder);
	unsetenv("XDG_RUNTIME_DIR");
	assert_false(adit_unix_usual("test", path, sizeof(path)));
	assert_int_equal(adit_unix_problem(why, sizeof(why)), -EINVAL);
	assert_string_equal(why, "XDG_RUNTIME_DIR is not set");
	if (root)
		assert_int_equal(seteuid(0), 0);
	rmdir(dir);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(steps_as_text),         cmocka_unit_test(journal_round_trip),
		cmocka_unit_test(journal_of_others),     cmocka_unit_test(apply_verify_undo),
		cmocka_unit_test(others_are_left_alone), cmocka_unit_test(usual_place),
	};

	return cmocka_run_group_tests_name("host", tests, NULL, NULL);
}
