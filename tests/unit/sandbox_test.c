/* SPDX-License-Identifier: ISC */
/* sandbox_test.c - inside: what forward needs works, the rest does not. Each case is a process of its own. */
#include <stdarg.h>
#include <stddef.h>
#include <setjmp.h>
#include <stdint.h>
#include <cmocka.h>

#include <arpa/inet.h>
#include <errno.h>
#include <fcntl.h>
#include <linux/capability.h>
#include <netdb.h>
#include <pthread.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/timerfd.h>
#include <sys/un.h>
#include <sys/wait.h>
#include <unistd.h>

#include "forward/sandbox.h"

static char dir[] = "/tmp/adit-sandbox-XXXXXX", inside[64], other[64];

/* The child says where it failed by its exit status: the line. */
#define must(x)                            \
	do {                               \
		if (!(x))                  \
			_exit(report(__LINE__)); \
	} while (0)

static int report(int line)
{
	char text[64];
	int n = snprintf(text, sizeof(text), "# line %d: %s\n", line, strerror(errno));

	if (write(STDERR_FILENO, text, (size_t)n) < 0)
		return 2;
	return 1;
}

static void in_child(void (*body)(void))
{
	int status;
	pid_t pid = fork();

	assert_true(pid >= 0);
	if (!pid) {
		body();
		_exit(0);
	}
	assert_int_equal(waitpid(pid, &status, 0), pid);
	assert_true(WIFEXITED(status));
	assert_int_equal(WEXITSTATUS(status), 0);
}

static struct sandbox_report enter(bool processes)
{
	struct sandbox_config cfg = { .write = { inside }, .processes = processes };
	struct sandbox_report r;

	must(sandbox_enter(&cfg, &r) == 0);
	return r;
}

/* --- forbidden ------------------------------------------------------------ */

static void no_programs(void)
{
	char *const argv[] = { (char *)"true", NULL };
	struct sandbox_report r = enter(false);

	if (!r.seccomp && !r.landlock)
		return;
	must(execv("/bin/true", argv) < 0 && (errno == EPERM || errno == EACCES));
	if (!r.seccomp)
		return;
	must(fork() < 0 && errno == EPERM);
	must(syscall(SYS_unshare, 0x10000000) < 0 && errno == EPERM);
	must(syscall(SYS_ptrace, 0, 0, 0, 0) < 0 && errno == EPERM);
	must(socket(AF_PACKET, SOCK_RAW, 0) < 0 && (errno == EPERM || errno == EACCES));
	must(syscall(SYS_bpf, 0, NULL, 0) < 0 && errno == EPERM);
	must(kill(getppid(), 0) < 0 && errno == EPERM);
}

/* Of others, also where Landlock does not scope signals: there is no such process, so EPERM is not the kernel's word. */
static void no_other_processes(void)
{
	const int nobody = 0x3fffffff;
	struct rlimit lim;

	if (!enter(false).seccomp)
		return;
	must(syscall(SYS_kill, nobody, 0) < 0 && errno == EPERM);
	must(syscall(SYS_tgkill, nobody, nobody, 0) < 0 && errno == EPERM);
	must(syscall(SYS_tkill, nobody, 0) < 0 && errno == EPERM);
	must(syscall(SYS_prlimit64, nobody, RLIMIT_NOFILE, NULL, &lim) < 0 && errno == EPERM);
	must(fcntl(STDERR_FILENO, F_SETOWN, nobody) < 0 && errno == EPERM);
	must(fcntl(STDERR_FILENO, F_SETSIG, SIGKILL) < 0 && errno == EPERM);
}

static void no_files(void)
{
	struct sandbox_report r = enter(false);

	if (!r.landlock)
		return;
	must(open(other, O_RDONLY) < 0 && errno == EACCES);
	must(open("/etc", O_RDONLY | O_DIRECTORY) < 0 && errno == EACCES);
	must(open("/tmp/adit-sandbox-new", O_WRONLY | O_CREAT, 0600) < 0 && errno == EACCES);
	must(unlink(other) < 0);
}

static void no_privileges(void)
{
	struct __user_cap_header_struct header = { .version = _LINUX_CAPABILITY_VERSION_3 };
	struct __user_cap_data_struct caps[_LINUX_CAPABILITY_U32S_3];
	struct sandbox_report r;

	memset(caps, 255, sizeof(caps));
	r = enter(false);
	must(r.capabilities && r.no_new_privs);
	must(syscall(SYS_capget, &header, caps) == 0);
	must(!caps[0].effective && !caps[0].permitted && !caps[1].effective && !caps[1].permitted);
}

static void only_ports_listed(void)
{
	const struct sandbox_config cfg = { .tcp_connect = { 9 }, .tcp_connect_cnt = 1 };
	struct sockaddr_in sa = { .sin_family = AF_INET, .sin_addr.s_addr = htonl(INADDR_LOOPBACK) };
	struct sandbox_report r;
	int fd;

	must(sandbox_enter(&cfg, &r) == 0);
	if (r.landlock < 4)
		return;
	fd = socket(AF_INET, SOCK_STREAM, 0);
	sa.sin_port = htons(1);
	must(connect(fd, (struct sockaddr *)&sa, sizeof(sa)) < 0 && errno == EACCES);
	sa.sin_port = htons(9);
	must(connect(fd, (struct sockaddr *)&sa, sizeof(sa)) < 0 && errno == ECONNREFUSED);
}

/* Programs run, change what they may, and look into nobody. */
static void programs_within(void)
{
	const struct sandbox_config cfg = { .write = { inside }, .programs = true };
	struct sandbox_report r;
	char command[256];

	must(sandbox_enter(&cfg, &r) == 0);
	snprintf(command, sizeof(command), "echo a > %s/new && cat /etc/hosts > %s/name && rm %s/new", inside, inside,
		 inside);
	must(system(command) == 0);
	if (r.landlock) {
		snprintf(command, sizeof(command), "echo a > %s 2> %s/said", other, inside);
		must(system(command) != 0);
		must(open(other, O_WRONLY) < 0 && errno == EACCES);
	}
	snprintf(command, sizeof(command), "rm %s/*", inside);
	must(system(command) == 0);
	if (!r.seccomp)
		return;
	must(syscall(SYS_ptrace, 0, 0, 0, 0) < 0 && errno == EPERM);
	must(syscall(SYS_unshare, 0x10000000) < 0 && errno == EPERM);
	must(syscall(SYS_mount, "none", inside, "tmpfs", 0, NULL) < 0 && errno == EPERM);
	must(syscall(SYS_bpf, 0, NULL, 0) < 0 && errno == EPERM);
}

/* --- needed --------------------------------------------------------------- */

static void *one_thread(void *arg)
{
	prctl(PR_SET_NAME, "worker", 0, 0, 0);
	*(int *)arg = (int)syscall(SYS_gettid);
	return NULL;
}

static void threads_and_timers(void)
{
	struct itimerspec at = { .it_value.tv_nsec = 1 };
	struct epoll_event e = { .events = EPOLLIN };
	pthread_t t;
	uint64_t n;
	int tid = 0, timer, ep;

	enter(false);
	must(pthread_create(&t, NULL, one_thread, &tid) == 0);
	must(pthread_join(t, NULL) == 0 && tid > 0);
	timer = timerfd_create(CLOCK_BOOTTIME, TFD_NONBLOCK | TFD_CLOEXEC);
	ep = epoll_create1(EPOLL_CLOEXEC);
	must(timer >= 0 && ep >= 0);
	must(epoll_ctl(ep, EPOLL_CTL_ADD, timer, &e) == 0);
	must(timerfd_settime(timer, 0, &at, NULL) == 0);
	must(epoll_wait(ep, &e, 1, 5000) == 1);
	must(read(timer, &n, sizeof(n)) == sizeof(n));
}

static void sockets(void)
{
	struct sockaddr_in sa = { .sin_family = AF_INET, .sin_addr.s_addr = htonl(INADDR_LOOPBACK) };
	socklen_t len = sizeof(sa);
	int l, c, a, pipes[2];
	char b;

	enter(false);
	l = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
	must(bind(l, (struct sockaddr *)&sa, sizeof(sa)) == 0 && listen(l, 8) == 0);
	must(getsockname(l, (struct sockaddr *)&sa, &len) == 0);
	c = socket(AF_INET, SOCK_STREAM, 0);
	must(connect(c, (struct sockaddr *)&sa, sizeof(sa)) == 0);
	a = accept4(l, NULL, NULL, SOCK_CLOEXEC | SOCK_NONBLOCK);
	must(a >= 0 && send(c, "x", 1, MSG_NOSIGNAL) == 1);
	must(pipe2(pipes, O_CLOEXEC) == 0);
	must(splice(a, NULL, pipes[1], NULL, 1, 0) == 1 && read(pipes[0], &b, 1) == 1 && b == 'x');
	must(shutdown(c, SHUT_WR) == 0);
	must(socket(AF_INET6, SOCK_DGRAM, 0) >= 0 || errno == EAFNOSUPPORT);
	must(socket(AF_NETLINK, SOCK_RAW, 0) >= 0);
}

/* The configuration again, a socket file of ours, a name. */
static void files_and_names(void)
{
	const struct addrinfo hints = { .ai_socktype = SOCK_STREAM };
	struct sockaddr_un sa = { .sun_family = AF_UNIX };
	struct addrinfo *list;
	char path[96];
	int fd;

	enter(false);
	snprintf(path, sizeof(path), "%s/file", inside);
	fd = open(path, O_RDWR | O_CREAT | O_TRUNC, 0600);
	must(fd >= 0 && write(fd, "x", 1) == 1 && close(fd) == 0 && unlink(path) == 0);
	snprintf(sa.sun_path, sizeof(sa.sun_path), "%s/s", inside);
	fd = socket(AF_UNIX, SOCK_STREAM, 0);
	must(bind(fd, (struct sockaddr *)&sa, sizeof(sa)) == 0 && chmod(sa.sun_path, 0600) == 0);
	must(unlink(sa.sun_path) == 0);
	must(open("/etc/resolv.conf", O_RDONLY) >= 0 || errno == ENOENT);
	must(getaddrinfo("localhost", "80", &hints, &list) == 0);
}

static void own_process(void)
{
	struct rlimit lim;

	signal(SIGUSR1, SIG_IGN);
	enter(false);
	must(raise(SIGUSR1) == 0);
	must(kill(getpid(), SIGUSR1) == 0);
	must(getrlimit(RLIMIT_NOFILE, &lim) == 0 && setrlimit(RLIMIT_NOFILE, &lim) == 0);
}

static void children_that_are_there(void)
{
	pid_t pid = fork();
	int status;

	if (!pid) {
		pause();
		_exit(0);
	}
	enter(true);
	must(kill(pid, SIGTERM) == 0);
	must(waitpid(pid, &status, 0) == pid && WIFSIGNALED(status));
}

#define CASE(name)                        \
	static void test_##name(void **state) \
	{                                 \
		(void)state;              \
		in_child(name);           \
	}
CASE(no_programs)
CASE(no_other_processes)
CASE(no_files)
CASE(no_privileges)
CASE(only_ports_listed)
CASE(programs_within)
CASE(threads_and_timers)
CASE(sockets)
CASE(files_and_names)
CASE(own_process)
CASE(children_that_are_there)

static void test_describe(void **state)
{
	struct sandbox_report r = { .seccomp = true, .capabilities = true };
	char buf[128];

	(void)state;
	assert_string_equal(sandbox_describe(&r, buf, sizeof(buf)), "seccomp, no capabilities");
	r = (struct sandbox_report){ .landlock = 4, .no_new_privs = true };
	assert_string_equal(sandbox_describe(&r, buf, sizeof(buf)), "landlock 4, no new privileges");
	r = (struct sandbox_report){ 0 };
	assert_string_equal(sandbox_describe(&r, buf, sizeof(buf)), "none");
}

static int make_files(void **state)
{
	int fd;

	(void)state;
	if (!mkdtemp(dir))
		return -1;
	snprintf(inside, sizeof(inside), "%s/in", dir);
	snprintf(other, sizeof(other), "%s/secret", dir);
	fd = open(other, O_WRONLY | O_CREAT, 0644);
	close(fd);
	return fd < 0 || mkdir(inside, 0700) ? -1 : 0;
}

static int remove_files(void **state)
{
	(void)state;
	return unlink(other) | rmdir(inside) | rmdir(dir);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_no_programs),
		cmocka_unit_test(test_no_other_processes),
		cmocka_unit_test(test_no_files),
		cmocka_unit_test(test_no_privileges),
		cmocka_unit_test(test_only_ports_listed),
		cmocka_unit_test(test_programs_within),
		cmocka_unit_test(test_threads_and_timers),
		cmocka_unit_test(test_sockets),
		cmocka_unit_test(test_files_and_names),
		cmocka_unit_test(test_own_process),
		cmocka_unit_test(test_children_that_are_there),
		cmocka_unit_test(test_describe),
	};

	return cmocka_run_group_tests(tests, make_files, remove_files);
}
