/* SPDX-License-Identifier: ISC */
/*
 * agent_helper_test.c - messages of the two processes, what the privileged end takes
 * and refuses, files it opens, rights; no privilege needed
 */
#include <errno.h>
#include <fcntl.h>
#include <netinet/in.h>
#include <poll.h>
#include <sched.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cmocka.h>

#include "agent/helper_files.h"
#include "agent/helper_message.h"
#include "agent/helper_server.h"
#include "host/keeper.h"
#include "pktio/tun.h"

static char dir[] = "/tmp/adit-helper-XXXXXX";

static const char *in_dir(const char *name)
{
	static char path[4][128];
	static unsigned at;

	at = (at + 1) % 4;
	snprintf(path[at], sizeof(path[at]), "%s/%s", dir, name);
	return path[at];
}

static const char *write_file(const char *name, const char *text)
{
	const char *path = in_dir(name);
	FILE *f = fopen(path, "w");

	assert_non_null(f);
	fputs(text, f);
	fclose(f);
	chmod(path, 0600);
	return path;
}

static int make_dir(void **state)
{
	(void)state;
	return mkdtemp(dir) ? 0 : -1;
}

static int remove_dir(void **state)
{
	char command[64];

	(void)state;
	snprintf(command, sizeof(command), "rm -rf %s", dir);
	return system(command);
}

/* --- messages ------------------------------------------------------------------ */

static void test_message_goes_and_comes(void **state)
{
	struct helper_message m = { .op = HELPER_TUN, .flag = 1, .name = "wg0" }, got;
	int pair[2], fd, null = open("/dev/null", O_RDONLY);

	(void)state;
	assert_int_equal(socketpair(AF_UNIX, SOCK_SEQPACKET, 0, pair), 0);
	assert_int_equal(helper_message_send(pair[0], &m, null), 0);
	assert_int_equal(helper_message_recv(pair[1], &got, &fd), 1);
	assert_memory_equal(&m, &got, sizeof(m));
	assert_true(fd >= 0 && fd != null);
	close(fd);
	assert_int_equal(helper_message_send(pair[0], &m, -1), 0);
	assert_int_equal(helper_message_recv(pair[1], &got, &fd), 1);
	assert_int_equal(fd, -1);
	close(pair[0]);
	assert_int_equal(helper_message_recv(pair[1], &got, &fd), 0);
	close(pair[1]);
	close(null);
}

static unsigned open_descriptors(void)
{
	unsigned cnt = 0;

	for (int fd = 0; fd < 256; fd++)
		cnt += fcntl(fd, F_GETFD) >= 0;
	return cnt;
}

/* Of two that come only one is looked at: the other must not stay open. */
static void test_message_with_two_descriptors(void **state)
{
	struct helper_message m = { .op = HELPER_TUN, .name = "wg0" }, got;
	int two[2] = { STDIN_FILENO, STDOUT_FILENO }, pair[2], fd;
	struct iovec iov = { &m, sizeof(m) };
	union {
		char buf[CMSG_SPACE(sizeof(two))];
		struct cmsghdr align;
	} room = { { 0 } };
	struct msghdr h = { .msg_iov = &iov, .msg_iovlen = 1, .msg_control = room.buf, .msg_controllen = sizeof(room.buf) };
	struct cmsghdr *c = CMSG_FIRSTHDR(&h);
	unsigned before;

	(void)state;
	*c = (struct cmsghdr){ .cmsg_len = CMSG_LEN(sizeof(two)), .cmsg_level = SOL_SOCKET, .cmsg_type = SCM_RIGHTS };
	memcpy(CMSG_DATA(c), two, sizeof(two));
	assert_int_equal(socketpair(AF_UNIX, SOCK_SEQPACKET, 0, pair), 0);
	before = open_descriptors();
	assert_int_equal(sendmsg(pair[0], &h, 0), sizeof(m));
	assert_int_equal(helper_message_recv(pair[1], &got, &fd), 1);
	if (fd >= 0)
		close(fd);
	assert_int_equal(open_descriptors(), before);
	close(pair[0]);
	close(pair[1]);
}

/* Shorter, longer, and with a descriptor that must not stay open. */
static void test_message_of_another_length(void **state)
{
	char bytes[sizeof(struct helper_message) + 8] = { 0 };
	const size_t lens[] = { 1, sizeof(struct helper_message) - 1, sizeof(struct helper_message) + 1, sizeof(bytes) };
	struct helper_message got;
	int pair[2], fd;

	(void)state;
	assert_int_equal(socketpair(AF_UNIX, SOCK_SEQPACKET, 0, pair), 0);
	for (size_t i = 0; i < sizeof(lens) / sizeof(lens[0]); i++) {
		assert_int_equal(send(pair[0], bytes, lens[i], 0), lens[i]);
		assert_int_equal(helper_message_recv(pair[1], &got, &fd), -EBADMSG);
		assert_int_equal(fd, -1);
	}
	close(pair[0]);
	close(pair[1]);
}

static void spoil(struct helper_message *m, int how)
{
	switch (how) {
	case 0: m->op = HELPER_OP_CNT; break;
	case 1: m->result = 1; break;
	case 2: m->flag = 2; break;
	case 3: memset(m->name, 'x', sizeof(m->name)); break;
	case 4: memset(m->what, 'x', sizeof(m->what)); break;
	case 5: memset(m->path, '/', sizeof(m->path)); break;
	case 6: memset(m->text, 'x', sizeof(m->text)); break;
	case 7: m->socket.bind.family = 5; break;
	case 8: m->socket.reuse = 2; break;
	case 9: memset(m->socket.device, 'x', sizeof(m->socket.device)); break;
	case 10: strcpy(m->socket.device, "a/b"); break;
	case 11: m->result = -5000; break;
	}
}

static void test_message_that_is_none(void **state)
{
	(void)state;
	for (int how = 0; how <= 11; how++) {
		struct helper_message m = { .op = HELPER_UDP, .socket.bind.family = 4 };

		assert_true(helper_message_valid(&m));
		spoil(&m, how);
		if (helper_message_valid(&m))
			fail_msg("case %d was taken", how);
	}
}

/* --- plans ----------------------------------------------------------------------- */

static struct adit_step step(enum adit_step_kind kind, const char *ifname, const char *prefix)
{
	struct adit_step s = { .kind = (uint8_t)kind, .suppress = -1 };

	snprintf(s.ifname, sizeof(s.ifname), "%s", ifname);
	if (prefix)
		assert_int_equal(adit_prefix_parse(&s.prefix, prefix), 0);
	return s;
}

static void test_plan_travels(void **state)
{
	struct adit_plan plan, got;
	struct adit_step s;
	char a[ADIT_STEP_STRLEN], b[ADIT_STEP_STRLEN];
	int fd;

	(void)state;
	adit_plan_init(&plan, "wg0");
	s = step(ADIT_STEP_TUN, "wg0", NULL);
	assert_int_equal(adit_plan_add(&plan, &s), 0);
	s = step(ADIT_STEP_ADDR, "wg0", "10.0.0.1/24");
	assert_int_equal(adit_plan_add(&plan, &s), 0);
	for (int i = 0; i < 3000; i++) {
		char prefix[32];

		snprintf(prefix, sizeof(prefix), "10.%d.%d.0/24", i / 256, i % 256);
		s = step(ADIT_STEP_ROUTE, "wg0", prefix);
		s.table = 254;
		assert_int_equal(adit_plan_add(&plan, &s), 0);
	}
	fd = helper_plan_pack(&plan);
	assert_true(fd >= 0);
	assert_int_equal(write(fd, "x", 1), -1); /* sealed */
	assert_int_equal(lseek(fd, 9, SEEK_SET), 9);
	assert_int_equal(helper_plan_unpack(&got, "wg0", fd), 0);
	assert_int_equal(lseek(fd, 0, SEEK_CUR), 9); /* the sender's place is left alone */
	assert_int_equal(got.cnt, plan.cnt);
	for (size_t i = 0; i < got.cnt; i++)
		assert_string_equal(adit_step_format(&plan.steps[i], a), adit_step_format(&got.steps[i], b));
	close(fd);
	adit_plan_fini(&plan);
	adit_plan_fini(&got);
}

static void test_empty_plan_travels(void **state)
{
	struct adit_plan plan, got;
	int fd;

	(void)state;
	adit_plan_init(&plan, "wg0");
	fd = helper_plan_pack(&plan);
	assert_true(fd >= 0);
	assert_int_equal(helper_plan_unpack(&got, "wg0", fd), 0);
	assert_int_equal(got.cnt, 0);
	close(fd);
	adit_plan_fini(&plan);
	adit_plan_fini(&got);
}

static int memfd_of(const char *text, size_t len, bool sealed)
{
	int fd = memfd_create("test", MFD_CLOEXEC | MFD_ALLOW_SEALING);

	assert_true(fd >= 0);
	assert_int_equal(write(fd, text, len), len);
	if (sealed)
		assert_int_equal(fcntl(fd, F_ADD_SEALS, F_SEAL_SEAL | F_SEAL_SHRINK | F_SEAL_GROW | F_SEAL_WRITE), 0);
	return fd;
}

static void test_plan_that_is_none(void **state)
{
	static const struct {
		const char *text;
		size_t len;
		bool sealed;
	} cases[] = {
		{ "tun wg0\n", 8, false },      { "tun wg0", 7, true },         { "tun wg0\nnonsense x\n", 19, true },
		{ "\n", 1, true },
		{ "tun wg0\n\0\n", 10, true },  { "addr wg0 10.0.0.1\0/24\n", 22, true },
	};
	struct adit_plan plan;
	int fd;

	(void)state;
	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		fd = memfd_of(cases[i].text, cases[i].len, cases[i].sealed);
		if (helper_plan_unpack(&plan, "wg0", fd) == 0)
			fail_msg("case %zu was taken", i);
		close(fd);
	}
	fd = open("/dev/null", O_RDONLY);
	assert_int_not_equal(helper_plan_unpack(&plan, "wg0", fd), 0);
	close(fd);
}

/* --- which files ------------------------------------------------------------------- */

static void test_files_are_named(void **state)
{
	static const struct {
		const char *text, *path;
		bool named;
	} cases[] = {
		{ "private_key_path = \"/etc/adit/a.key\"\n", "/etc/adit/a.key", true },
		{ "private_key_path = \"/etc/adit/a.key\"\n", "/etc/adit/a.ke", false },
		{ "private_key_path = \"/etc/adit/a.key\"\n", "/etc/adit/a.key2", false },
		{ "private_key_path = \"/etc/adit/a.key\"\n", "/etc/adit", false },
		{ "private_key_path = \"/etc/adit/a.key\"\n", "etc/adit/a.key", false },
		{ "config = 'office.conf'", "/etc/adit/office.conf", true },
		{ "config = 'keys/office.conf'", "/etc/adit/keys/office.conf", true },
		{ "config = 'keys/office.conf'", "/etc/adit/office.conf", false },
		{ "config = 'office.conf'", "/etc/other/office.conf", false },
		{ "config = '../office.conf'", "/etc/adit/../office.conf", true },
		{ "CertFile=/etc/ssl/b.pem", "/etc/ssl/b.pem", true },
		{ "", "/etc", false },
	};

	(void)state;
	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++)
		if (helper_text_names(cases[i].text, strlen(cases[i].text), "/etc/adit/adit.toml", cases[i].path) !=
		    cases[i].named)
			fail_msg("case %zu", i);
}

static struct helper_message ask(struct helper_server *s, enum helper_op op, const char *text, int *fd)
{
	struct helper_message m = { .op = op };

	if (op == HELPER_READ || op == HELPER_OWN || op == HELPER_BEGIN)
		snprintf(m.path, sizeof(m.path), "%s", text);
	else
		snprintf(m.name, sizeof(m.name), "%s", text);
	*fd = helper_server_answer(s, &m, -1);
	assert_int_equal(m.op, HELPER_ANSWER);
	assert_true(helper_message_valid(&m));
	assert_true(m.result == 0 || m.text[0]);
	assert_true(m.result == 0 || *fd == -1);
	return m;
}

/* The configuration; what it names; what that names; nothing else, and nothing that waits. */
static void test_server_opens_files(void **state)
{
	struct helper_server s;
	char text[512], config[128];
	int fd;

	(void)state;
	snprintf(text, sizeof(text), "a = \"%s\"\nb = \"second.conf\"\nc = \"fifo\"\nd = \"gone\"\ne = \"%s\"\n", in_dir("a.key"), dir);
	snprintf(config, sizeof(config), "%s", write_file("main.toml", text));
	write_file("a.key", "x");
	write_file("second.conf", "file = third\n");
	write_file("third", "y");
	write_file("secret", "z");
	assert_int_equal(mkfifo(in_dir("fifo"), 0600), 0);
	helper_server_init(&s, config, -1);
	assert_int_equal(ask(&s, HELPER_READ, config, &fd).result, 0);
	close(fd);
	assert_int_equal(ask(&s, HELPER_READ, in_dir("a.key"), &fd).result, 0);
	close(fd);
	assert_int_equal(ask(&s, HELPER_READ, in_dir("third"), &fd).result, -EPERM); /* not yet named */
	assert_int_equal(ask(&s, HELPER_READ, in_dir("second.conf"), &fd).result, 0);
	close(fd);
	assert_int_equal(ask(&s, HELPER_READ, in_dir("third"), &fd).result, 0);
	close(fd);
	assert_int_equal(ask(&s, HELPER_READ, in_dir("secret"), &fd).result, -EPERM);
	assert_int_equal(ask(&s, HELPER_READ, "/etc/shadow", &fd).result, -EPERM);
	assert_int_equal(ask(&s, HELPER_READ, "main.toml", &fd).result, -EPERM);
	assert_int_equal(ask(&s, HELPER_READ, in_dir("fifo"), &fd).result, -EINVAL);
	assert_int_equal(ask(&s, HELPER_READ, in_dir("gone"), &fd).result, -ENOENT);
	assert_int_equal(ask(&s, HELPER_READ, dir, &fd).result, -EISDIR);
	helper_server_fini(&s);
}

/* A reload may name more files, and those name more: there it ends. */
static void test_confined_server_opens_files(void **state)
{
	struct helper_server s;
	char config[128];
	int fd;

	(void)state;
	snprintf(config, sizeof(config), "%s", write_file("later.toml", ""));
	write_file("one", "two");
	write_file("two", "three");
	write_file("three", "four");
	helper_server_init(&s, config, -1);
	assert_int_equal(ask(&s, HELPER_READ, in_dir("one"), &fd).result, -EPERM);
	assert_int_equal(ask(&s, HELPER_CONFINED, "", &fd).result, 0);
	write_file("later.toml", "config = \"one\"\n");
	assert_int_equal(ask(&s, HELPER_READ, in_dir("one"), &fd).result, 0);
	close(fd);
	assert_int_equal(ask(&s, HELPER_READ, in_dir("two"), &fd).result, 0);
	close(fd);
	assert_int_equal(ask(&s, HELPER_READ, in_dir("three"), &fd).result, -EPERM);
	helper_server_fini(&s);
}

/* --- what is refused ------------------------------------------------------------------ */

static void test_server_refuses(void **state)
{
	static const char *const names[] = { "", "..", "a/b", "with space", "%s", "a%", "%d%d", "%n" };
	struct helper_message m;
	struct helper_server s;
	int fd;

	(void)state;
	helper_server_init(&s, in_dir("main.toml"), -1);
	for (size_t i = 0; i < sizeof(names) / sizeof(names[0]); i++)
		assert_int_equal(ask(&s, HELPER_TUN, names[i], &fd).result, -EPERM);
	assert_int_equal(ask(&s, HELPER_TUN, "lo", &fd).result, -EBUSY);
	assert_int_equal(ask(&s, HELPER_UAPI, "wg0", &fd).result, -EPERM);
	assert_int_equal(ask(&s, HELPER_UAPI_CLOSE, "wg0", &fd).result, -ENOENT);
	assert_int_equal(ask(&s, HELPER_MARK, "", &fd).result, -EPERM);
	assert_int_equal(ask(&s, HELPER_UDP, "", &fd).result, -EPERM);
	assert_int_equal(ask(&s, HELPER_APPLY, "wg0", &fd).result, -EPERM);
	assert_int_equal(ask(&s, HELPER_UNDO, "../x", &fd).result, -EPERM);
	assert_int_equal(ask(&s, HELPER_OWN, in_dir("main.toml"), &fd).result, -EPERM);
	assert_int_equal(ask(&s, HELPER_BEGIN, "relative", &fd).result, -EPERM);
	assert_int_equal(ask(&s, HELPER_ANSWER, "", &fd).result, -EPERM);
	assert_int_equal(ask(&s, HELPER_CONFINED, "", &fd).result, 0);
	assert_int_equal(ask(&s, HELPER_OWN, "/run/x.sock", &fd).result, -EPERM);
	m = ask(&s, HELPER_ADOPT, "", &fd);
	assert_int_equal(m.result, -EPERM);
	assert_string_equal(m.text, "only at the start");
	assert_int_equal(ask(&s, HELPER_PLAN, "wg0", &fd).result, -EPERM);
	helper_server_fini(&s);
}

static int bind_at(const char *path)
{
	struct sockaddr_un sa = { .sun_family = AF_UNIX };
	int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);

	assert_true(strlen(path) < sizeof(sa.sun_path));
	strcpy(sa.sun_path, path);
	assert_int_equal(bind(fd, (struct sockaddr *)&sa, sizeof(sa)), 0);
	return fd;
}

/* Who keeps plans has a successor, whose socket has the same name: ours is removed with the answer, and never later. */
static void test_server_leaves_a_successors_socket(void **state)
{
	struct helper_message end = { .op = HELPER_END, .flag = 1 };
	struct helper_server s;
	char path[128];
	int ours, next, fd;

	(void)state;
	snprintf(path, sizeof(path), "%s", in_dir("control.sock"));
	helper_server_init(&s, in_dir("main.toml"), -1);
	ours = bind_at(path);
	assert_int_equal(ask(&s, HELPER_OWN, path, &fd).result, 0);
	assert_int_equal(helper_server_answer(&s, &end, -1), -1);
	assert_int_equal(end.result, 0);
	assert_int_equal(access(path, F_OK), -1);
	next = bind_at(path);
	helper_server_fini(&s);
	assert_int_equal(access(path, F_OK), 0);
	close(ours);
	close(next);
}

static int ask_job(struct helper_server *s, const char *what, uint32_t flags)
{
	struct helper_message m = { .op = HELPER_JOB, .number = flags };

	snprintf(m.what, sizeof(m.what), "%s", what);
	assert_int_equal(helper_server_answer(s, &m, -1), -1);
	assert_true(m.text[0]);
	return m.result;
}

static void test_server_refuses_jobs(void **state)
{
	struct helper_server s;

	(void)state;
	helper_server_init(&s, in_dir("main.toml"), -1);
	assert_int_equal(ask_job(&s, "", 0), -EPERM);
	assert_int_equal(ask_job(&s, "reboot", 0), -EPERM);
	assert_int_equal(ask_job(&s, "cleanup", 4), -EPERM);
	/* In the network process itself, whose sandbox would make it see what is not so. */
	assert_int_equal(ask_job(&s, "doctor", 0), -EOPNOTSUPP);
	s.events_fd = STDOUT_FILENO; /* as a process, before it knows its folder */
	assert_int_equal(ask_job(&s, "cleanup", 3), -EPERM);
	s.events_fd = -1;
	helper_server_fini(&s);
}

/* The helper's answer to a plan of these lines. */
static struct helper_message ask_named_plan(struct helper_server *s, const char *name, const char *text)
{
	struct helper_message m = { .op = HELPER_APPLY };
	int fd = memfd_of(text, strlen(text), true);

	snprintf(m.name, sizeof(m.name), "%s", name);
	assert_int_equal(helper_server_answer(s, &m, fd), -1);
	close(fd);
	return m;
}

static struct helper_message ask_plan(struct helper_server *s, const char *text)
{
	return ask_named_plan(s, "wg0", text);
}

/* All of them end with a step that is refused: nothing of the machine is changed. */
static void test_server_judges_plans(void **state)
{
	static const char *const bad[] = { "sysctl wg0 net/ipv4/ip_forward 0 1", "sysctl wg0 net/ipv4/ip_forward 10 1",
		"sysctl wg0 net/ipv4/ip_forward_x 1 0", "sysctl wg0 net/core/bpf_jit_harden 0 1",
		"sysctl wg0 net/ipv4/conf/all/rp_filter 0 1", "sysctl wg0 kernel/core_pattern 1 0",
		"mtu lo 1300", "route lo 10.0.0.0/8 254", "tun wg0" };
	static const char good[] = "sysctl wg0 net/ipv4/ip_forward 1 0\nsysctl wg0 net/ipv6/conf/all/forwarding 1 0\n"
				   "sysctl wg0 net/ipv4/conf/all/src_valid_mark 1 0\nmtu elsewhere 1300\n";
	struct helper_server s;
	char text[256], err[256];

	(void)state;
	helper_server_init(&s, in_dir("main.toml"), -1);
	assert_int_equal(adit_keeper_new(&s.keeper, in_dir("state"), err, sizeof(err)), 0);
	for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++) {
		struct helper_message m;

		snprintf(text, sizeof(text), "%s\nmtu elsewhere 1300\n", bad[i]);
		m = ask_plan(&s, text);
		snprintf(text, sizeof(text), "the helper refuses the step \"%s\"", bad[i]);
		assert_int_equal(m.result, -EPERM);
		assert_string_equal(m.text, text);
	}
	assert_string_equal(ask_plan(&s, good).text, "the helper refuses the step \"mtu elsewhere 1300\"");
	helper_server_fini(&s);
}

static void test_server_refuses_a_long_step(void **state)
{
	static const char head[] = "guard wg0 7 to=", tail[] = "\nmtu elsewhere 1300\n";
	struct helper_server s;
	char err[256], *text;

	(void)state;
	helper_server_init(&s, in_dir("main.toml"), -1);
	assert_int_equal(adit_keeper_new(&s.keeper, in_dir("state"), err, sizeof(err)), 0);
	for (size_t len = (1u << 20) - 3; len <= (1u << 20) - 2; len++) { /* of the text without "to=" */
		struct helper_message m;

		text = malloc(sizeof(head) + len + sizeof(tail));
		assert_non_null(text);
		strcpy(text, head);
		memset(text + strlen(head), '1', len);
		strcpy(text + strlen(head) + len, tail);
		m = ask_plan(&s, text);
		free(text);
		assert_int_equal(m.result, -EPERM);
		assert_true((strstr(m.text, "elsewhere") != NULL) == (len == (1u << 20) - 3));
	}
	helper_server_fini(&s);
}

/* In number, and of all that are in force together. */
static void test_server_limits_plans(void **state)
{
	static const char three[] = "guard wg0 7 to=1\nguard wg1 7 to=1\nguard wg2 7 to=1\n", long_text[] = "guard wg0 7 to=1,2,3,4,5\n";
	struct helper_message m;
	struct helper_server s;
	char err[256];

	(void)state;
	helper_server_init(&s, in_dir("main.toml"), -1);
	assert_int_equal(adit_keeper_new(&s.keeper, in_dir("state"), err, sizeof(err)), 0);
	s.limits = (struct helper_limits){ 2, 2, 10 };
	m = ask_named_plan(&s, "wg0", three);
	assert_int_equal(m.result, -E2BIG);
	assert_string_equal(m.text, "the helper keeps at most 2 plans, of 2 steps and 10 bytes of text together");
	assert_int_equal(ask_named_plan(&s, "wg0", long_text).result, -E2BIG);
	assert_int_equal(ask_named_plan(&s, "wg0", "").result, 0);
	assert_int_equal(ask_named_plan(&s, "wg1", "").result, 0);
	assert_int_equal(ask_named_plan(&s, "wg2", "").result, -E2BIG);
	assert_int_equal(ask_named_plan(&s, "wg1", "").result, 0); /* in its own place */
	assert_int_equal(adit_keeper_undo_all(s.keeper, false, err, sizeof(err)), 0);
	helper_server_fini(&s);
}

/* Whoever asks without taking the answers: the helper is not held by them for ever, it ends. */
static void test_server_does_not_wait(void **state)
{
	struct helper_message m = { .op = HELPER_UAPI_CLOSE, .name = "wg0" };
	struct pollfd p = { .events = POLLOUT };
	int sock[2], events[2], status, r = 0;
	pid_t pid;

	(void)state;
	assert_int_equal(socketpair(AF_UNIX, SOCK_SEQPACKET, 0, sock), 0);
	assert_int_equal(socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_NONBLOCK, 0, events), 0);
	pid = fork();
	assert_true(pid >= 0);
	if (!pid) {
		close(sock[0]);
		close(events[0]);
		helper_server_run(in_dir("main.toml"), sock[1], events[1]);
	}
	close(sock[1]);
	close(events[1]);
	p.fd = sock[0];
	while (!r && poll(&p, 1, 10000) > 0) /* a helper that waits reads nothing more */
		r = helper_message_send(sock[0], &m, -1);
	assert_true(r == -EPIPE || r == -ECONNRESET);
	assert_int_equal(waitpid(pid, &status, 0), pid);
	assert_true(WIFEXITED(status) && !WEXITSTATUS(status));
	close(sock[0]);
	close(events[0]);
}

/* --- TUN devices ------------------------------------------------------------------------ */

#define CHECK(cond)                                                        \
	do {                                                               \
		if (!(cond)) {                                             \
			printf("# line %d: not so: %s\n", __LINE__, #cond); \
			fflush(stdout);                                    \
			_exit(1);                                          \
		}                                                          \
	} while (0)

static int ask_tun(struct helper_server *s, const char *name, int *fd)
{
	struct helper_message m = { .op = HELPER_TUN, .flag = 1 };

	snprintf(m.name, sizeof(m.name), "%s", name);
	*fd = helper_server_answer(s, &m, -1);
	return m.result;
}

static int ask_adopt(struct helper_server *s, int tun_fd)
{
	struct helper_message m = { .op = HELPER_ADOPT };

	helper_server_answer(s, &m, tun_fd);
	return m.result;
}

static bool takes_steps_on(struct helper_server *s, const char *name)
{
	char text[64];

	snprintf(text, sizeof(text), "tun %s\nmtu %s 1300\n", name, name);
	return !ask_named_plan(s, name, text).result;
}

/* Exit 2: no TUN devices here. */
static void own_tuns(void)
{
	struct helper_server s;
	char name[ADIT_IFNAME_LEN] = "adithelp0", err[256];
	int one, two, none;
	struct adit_tun other;

	helper_server_init(&s, in_dir("main.toml"), -1);
	CHECK(!adit_keeper_new(&s.keeper, in_dir("tuns"), err, sizeof(err)));
	if (ask_tun(&s, name, &one))
		_exit(2);
	CHECK(!ask_tun(&s, name, &two)); /* one more queue */
	CHECK(takes_steps_on(&s, name));
	close(one);
	CHECK(takes_steps_on(&s, name));
	close(two);
	/* It is gone, and the name is another program's. */
	CHECK(!takes_steps_on(&s, name));
	CHECK(!adit_tun_open(&other, name, true, 0, err, sizeof(err)));
	CHECK(ask_tun(&s, name, &none) == -EBUSY);
	CHECK(!takes_steps_on(&s, name));
	CHECK(ask(&s, HELPER_UAPI, name, &none).result == -EPERM);
	/* Handed over it is ours. */
	CHECK(!ask_adopt(&s, other.inner.fd));
	CHECK(takes_steps_on(&s, name));
	adit_tun_close(&other);
	/* And so is one that is made anew. */
	CHECK(!ask_tun(&s, name, &one));
	CHECK(takes_steps_on(&s, name));
	CHECK(s.tuns.cnt == 1);
	/* Whose descriptor comes from another network namespace has a name that is not ours to use. */
	CHECK(!unshare(CLONE_NEWNET));
	CHECK(!adit_tun_open(&other, name, true, 0, err, sizeof(err)));
	CHECK(!ask_adopt(&s, one));
	CHECK(!takes_steps_on(&s, name));
	_exit(0);
}

static void test_server_knows_its_tuns(void **state)
{
	int status;
	pid_t pid = fork();

	(void)state;
	assert_true(pid >= 0);
	if (!pid) {
		if (unshare(CLONE_NEWUSER | CLONE_NEWNET))
			_exit(2);
		own_tuns();
	}
	assert_int_equal(waitpid(pid, &status, 0), pid);
	assert_true(WIFEXITED(status));
	if (WEXITSTATUS(status) == 2)
		skip();
	assert_int_equal(WEXITSTATUS(status), 0);
}

static void test_server_opens_sockets(void **state)
{
	struct helper_message m = { .op = HELPER_UDP, .socket.bind = { 4, { 127, 0, 0, 1 } } };
	struct helper_server s;
	int fd, six = 0;
	socklen_t len = sizeof(six);

	(void)state;
	helper_server_init(&s, in_dir("main.toml"), -1);
	fd = helper_server_answer(&s, &m, -1);
	assert_int_equal(m.result, 0);
	assert_true(fd >= 0 && m.socket.port);
	close(fd);
	m = (struct helper_message){ .op = HELPER_UDP, .socket.bind.family = 6 };
	fd = helper_server_answer(&s, &m, -1);
	if (fd >= 0) {
		assert_int_equal(getsockopt(fd, IPPROTO_IPV6, IPV6_V6ONLY, &six, &len), 0);
		assert_int_equal(six, 1);
		close(fd);
	}
	helper_server_fini(&s);
}

/* --- without a helper --------------------------------------------------------------------- */

static void test_names_are_a_set(void **state)
{
	struct helper_names *set = NULL;

	(void)state;
	assert_false(helper_names_has(set, "a"));
	assert_int_equal(helper_names_add(&set, "a"), 0);
	assert_int_equal(helper_names_add(&set, "a"), 0);
	assert_int_equal(helper_names_add(&set, "b"), 0);
	assert_true(helper_names_has(set, "a") && helper_names_has(set, "b"));
	helper_names_remove(set, "a");
	assert_false(helper_names_has(set, "a"));
	assert_string_equal(helper_names_at(set, 0), "b");
	assert_null(helper_names_at(set, 1));
	for (int i = 0; i < 4095; i++) {
		char name[16];

		snprintf(name, sizeof(name), "n%d", i);
		assert_int_equal(helper_names_add(&set, name), 0);
	}
	assert_int_equal(helper_names_add(&set, "one more"), -E2BIG);
	helper_names_free(set);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_message_goes_and_comes), cmocka_unit_test(test_message_of_another_length),
		cmocka_unit_test(test_message_with_two_descriptors),
		cmocka_unit_test(test_message_that_is_none),   cmocka_unit_test(test_plan_travels),
		cmocka_unit_test(test_empty_plan_travels),
		cmocka_unit_test(test_plan_that_is_none),      cmocka_unit_test(test_files_are_named),
		cmocka_unit_test(test_server_opens_files),     cmocka_unit_test(test_server_refuses),
		cmocka_unit_test(test_server_leaves_a_successors_socket),
		cmocka_unit_test(test_server_knows_its_tuns),
		cmocka_unit_test(test_server_refuses_jobs),    cmocka_unit_test(test_server_judges_plans),
		cmocka_unit_test(test_server_refuses_a_long_step), cmocka_unit_test(test_server_limits_plans),
		cmocka_unit_test(test_server_does_not_wait),
		cmocka_unit_test(test_confined_server_opens_files),
		cmocka_unit_test(test_server_opens_sockets),   cmocka_unit_test(test_names_are_a_set),
	};

	return cmocka_run_group_tests_name("agent_helper", tests, make_dir, remove_dir);
}
