/* SPDX-License-Identifier: ISC */
/*
 * keeper_tool.c - drives the keeper of plans, a command a line on standard input
 *
 *   keeper_tool run DIR         commands below; prints what the keeper says
 *   keeper_tool kill N DIR      the same, killed as it makes the Nth system call after `arm` that may change
 *                               something; exit status 0: it was, 3: there are fewer
 *   keeper_tool cleanup DIR [guards] [dry]
 *   keeper_tool killcleanup N DIR
 *
 *   tun NAME | drop NAME        makes a TUN, lets go of it
 *   apply NAME                  the lines up to "." are its steps
 *   random NAME SEED            a plan made up from the seed
 *   undo NAME | undoall | undoguarded | leave NAME | adopt NAME
 *   wait WORD TEXT              looks until something is reported so, 20 s at most
 *   quiet MS                    looks for so long; prints what is reported
 *   arm                         from here on system calls are counted
 *   sh COMMAND                  by the shell
 *   die                         SIGKILL
 */
#include <errno.h>
#include <fcntl.h>
#include <linux/if_tun.h>
#include <linux/netlink.h>
#include <linux/rtnetlink.h>
#include <net/if.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/ptrace.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include "host/keeper.h"

#define TUNS 8

static struct {
	char name[ADIT_IFNAME_LEN];
	int fd;
} tuns[TUNS];
static char want_word[16], want_text[128];
static bool wanted_came;

static int failed(const char *what, int r, const char *err)
{
	printf("%s: -%s: %s\n", what, strerrorname_np(-r), err);
	return r;
}

static int result(const char *what, int r, const char *err)
{
	if (r)
		return failed(what, r, err);
	printf("%s: ok\n", what);
	return 0;
}

/* --- TUNs ---------------------------------------------------------------------- */

static int make_tun(const char *name)
{
	struct ifreq ifr = { .ifr_flags = IFF_TUN | IFF_NO_PI };
	int i, fd = open("/dev/net/tun", O_RDWR | O_CLOEXEC);

	snprintf(ifr.ifr_name, sizeof(ifr.ifr_name), "%s", name);
	if (fd < 0 || ioctl(fd, TUNSETIFF, &ifr) < 0)
		return -errno;
	for (i = 0; i < TUNS && tuns[i].name[0]; i++)
		;
	if (i == TUNS)
		return -ENOSPC;
	snprintf(tuns[i].name, sizeof(tuns[i].name), "%s", name);
	tuns[i].fd = fd;
	return 0;
}

static int drop_tun(const char *name)
{
	int i;

	for (i = 0; i < TUNS; i++) {
		if (strcmp(tuns[i].name, name))
			continue;
		close(tuns[i].fd);
		tuns[i].name[0] = '\0';
		return 0;
	}
	return -ENODEV;
}

/* --- plans ----------------------------------------------------------------------- */

static int add_line(struct adit_plan *plan, const char *line)
{
	struct adit_step step;
	int r = adit_step_parse(&step, line);

	if (r) {
		printf("bad step: %s\n", line);
		return r;
	}
	r = adit_plan_add(plan, &step);
	free(step.text);
	return r;
}

static int read_plan(struct adit_plan *plan, const char *name)
{
	char line[1024];
	int r = 0;

	adit_plan_init(plan, name);
	while (!r && fgets(line, sizeof(line), stdin) && strcmp(line, ".\n")) {
		line[strcspn(line, "\n")] = '\0';
		r = add_line(plan, line);
	}
	return r;
}

/* @ the name, # a digit of its own, so that names do not take each other's routes, ? some number. */
static const char *const pool[] = {
	"addr @ 10.#.0.1/24",
	"addr @ 10.#.9.1/32",
	"addr @ fd#::1/64",
	"mtu @ 1?0",
	"up @",
	"route @ 10.1#.0.0/16 254",
	"route @ 10.1#.0.0/24 254 ?",
	"route @ 10.1#.?.0/24 254",
	"route @ fd#:1::/48 254",
	"route @ fd#:2::/48 254 ?",
	"route @ 0.0.0.0/0 70#",
	"route @ ::/0 70#",
	"unreachable @ 0.0.0.0/0 70# 4294967295",
	"unreachable @ ::/0 70# 4294967295",
	"unreachable @ 10.99.0.0/16 7000 ?",
	"rule @ 4 970# 254 70# -1 0.0.0.0/0",
	"rule @ 4 980# 70# !70# -1 0.0.0.0/0",
	"rule @ 6 980# 70# !70# -1 ::/0",
	"rule @ 4 9600 254 0 0 0.0.0.0/0",
	"rule @ 6 9600 254 0 0 ::/0",
	"rule @ 4 9? 254 0 -1 192.0.2.0/24",
	"sysctl @ net/ipv4/ip_forward 1 0",
	"sysctl @ net/ipv4/conf/all/src_valid_mark 1 0",
	"sysctl @ net/ipv6/conf/all/forwarding 1 0",
	"guard @ 70# lan=allow to=198.51.100.?:51820",
	"replies @ 70# 10.#.0.1",
	"gateway @ forward masquerade port=5?",
	"dns @ file servers=10.#.0.? domains=corp.example default=yes",
};

static void fill(char *line, size_t size, const char *form, const char *name, unsigned own, unsigned number)
{
	FILE *out = fmemopen(line, size, "w");

	for (; *form; form++) {
		if (*form == '@')
			fputs(name, out);
		else if (*form == '#' || *form == '?')
			fprintf(out, "%u", *form == '#' ? own : number);
		else
			fputc(*form, out);
	}
	fputc('\0', out);
	fclose(out);
}

static int random_plan(struct adit_plan *plan, const char *name, unsigned seed)
{
	unsigned own = (unsigned)name[strlen(name) - 1] % 10, i;
	char line[256];
	int r;

	srandom(seed);
	adit_plan_init(plan, name);
	snprintf(line, sizeof(line), "tun %s", name);
	r = add_line(plan, line);
	for (i = 0; i < sizeof(pool) / sizeof(pool[0]) && !r; i++) {
		unsigned number = 130 + (unsigned)random() % 3;
		bool must = !strncmp(pool[i], "up ", 3) || i < 3;

		if (!must && random() % 3 == 0)
			continue;
		fill(line, sizeof(line), pool[i], name, own, number);
		r = add_line(plan, line);
	}
	return r;
}

static int apply(struct adit_keeper *k, const struct adit_plan *plan, const char *what)
{
	char err[512] = "";

	return result(what, adit_keeper_apply(k, plan, err, sizeof(err)), err);
}

/* --- events ------------------------------------------------------------------------ */

static void report(void *user, const char *plan, const char *what, const char *text)
{
	(void)user;
	printf("%s %s: %s\n", what, plan, text);
	if (!strcmp(what, want_word) && strstr(text, want_text))
		wanted_came = true;
}

static long now_ms(void)
{
	struct timespec ts;

	clock_gettime(CLOCK_MONOTONIC, &ts);
	return ts.tv_sec * 1000 + ts.tv_nsec / 1000000;
}

static void look_for(struct adit_keeper *k, long ms)
{
	struct pollfd p = { .fd = adit_keeper_fd(k), .events = POLLIN };
	long end = now_ms() + ms, left;

	while (!wanted_came && (left = end - now_ms()) > 0)
		if (poll(&p, 1, (int)left) > 0)
			adit_keeper_look(k, report, NULL);
}

static int wait_for(struct adit_keeper *k, const char *word, const char *text)
{
	long start = now_ms();

	snprintf(want_word, sizeof(want_word), "%s", word);
	snprintf(want_text, sizeof(want_text), "%s", text);
	wanted_came = false;
	look_for(k, 20000);
	printf("wait: %s %ld\n", wanted_came ? "came" : "nothing", now_ms() - start);
	want_word[0] = '\0';
	if (!wanted_came)
		return -ETIMEDOUT;
	wanted_came = false;
	return 0;
}

/* --- commands ------------------------------------------------------------------------- */

static int command(struct adit_keeper *k, char *line)
{
	char *word = strtok(line, " "), *arg = strtok(NULL, " "), *rest = strtok(NULL, "");
	char err[512] = "";
	struct adit_plan plan;
	int r;

	if (!word)
		return 0;
	if (!strcmp(word, "apply") || !strcmp(word, "random")) {
		r = *word == 'a' ? read_plan(&plan, arg) : random_plan(&plan, arg, (unsigned)atoi(rest));
		r = r ? r : apply(k, &plan, word);
		adit_plan_fini(&plan);
		return r;
	}
	if (!strcmp(word, "tun"))
		return result(word, make_tun(arg), "");
	if (!strcmp(word, "drop"))
		return result(word, drop_tun(arg), "");
	if (!strcmp(word, "undo"))
		return result(word, adit_keeper_undo(k, arg, err, sizeof(err)), err);
	if (!strcmp(word, "undoall") || !strcmp(word, "undoguarded"))
		return result(word, adit_keeper_undo_all(k, word[4] == 'g', err, sizeof(err)), err);
	if (!strcmp(word, "leave"))
		return result(word, adit_keeper_leave(k, arg, err, sizeof(err)), err);
	if (!strcmp(word, "adopt"))
		return result(word, adit_keeper_adopt(k, arg, err, sizeof(err)), err);
	if (!strcmp(word, "wait"))
		return wait_for(k, arg, rest ? rest : "");
	if (!strcmp(word, "quiet")) {
		look_for(k, atol(arg));
		return result(word, 0, err);
	}
	if (!strcmp(word, "arm"))
		return syscall(SYS_getppid) < 0;
	if (!strcmp(word, "die"))
		return kill(getpid(), SIGKILL);
	if (!strcmp(word, "sh")) {
		char shell[1024];

		snprintf(shell, sizeof(shell), "%s %s", arg, rest ? rest : "");
		return system(shell) ? -EIO : 0;
	}
	printf("no such command: %s\n", word);
	return -EINVAL;
}

static int run(const char *dir)
{
	char line[1024], err[512] = "";
	struct adit_keeper *k;
	int r = adit_keeper_new(&k, dir, err, sizeof(err)), status = 0;

	if (r)
		return failed("new", r, err) != 0;
	setvbuf(stdout, NULL, _IOLBF, 0);
	setvbuf(stdin, NULL, _IONBF, 0);
	while (fgets(line, sizeof(line), stdin)) {
		line[strcspn(line, "\n")] = '\0';
		if (command(k, line))
			status = 1;
	}
	adit_keeper_free(k);
	return status;
}

static int cleanup(const char *dir, int argc, char **argv)
{
	struct adit_cleanup c = { .state_dir = dir, .report = report };
	char err[512] = "";
	int i, r;

	for (i = 0; i < argc; i++) {
		c.keep_guards |= !strcmp(argv[i], "guards");
		c.dry_run |= !strcmp(argv[i], "dry");
	}
	r = adit_keeper_cleanup(&c, err, sizeof(err));
	return r ? failed("cleanup", r, err) != 0 : 0;
}

/* --- killed at the Nth ------------------------------------------------------------------ */

static bool only_asks(pid_t pid, unsigned long long message)
{
	struct nlmsghdr h;
	long word[2];

	errno = 0;
	word[0] = ptrace(PTRACE_PEEKDATA, pid, message, 0);
	word[1] = ptrace(PTRACE_PEEKDATA, pid, message + sizeof(long), 0);
	if (errno)
		return false;
	memcpy(&h, word, sizeof(h));
	return h.nlmsg_type >= RTM_BASE && h.nlmsg_type < 128 && (h.nlmsg_type - RTM_BASE) % 4 == 2;
}

/* May this system call change anything outside of the process? */
static bool changes(pid_t pid, const struct __ptrace_syscall_info *i)
{
	switch (i->entry.nr) {
	case SYS_sendto:
		return !only_asks(pid, i->entry.args[1]);
	case SYS_write:
		return i->entry.args[0] > 2;
	case SYS_openat:
		return (i->entry.args[2] & (O_CREAT | O_TRUNC)) != 0;
	case SYS_sendmsg:
	case SYS_fsync:
	case SYS_ftruncate:
	case SYS_fchmod:
	case SYS_fchown:
	case SYS_renameat:
	case SYS_renameat2:
	case SYS_unlinkat:
	case SYS_mkdirat:
	case SYS_linkat:
#ifdef SYS_rename
	case SYS_rename:
	case SYS_unlink:
	case SYS_mkdir:
	case SYS_link:
#endif
		return true;
	default:
		return false;
	}
}

/* Lets the child go from call to call. True: it was killed at its Nth. */
static bool trace(pid_t pid, unsigned n, bool armed)
{
	struct __ptrace_syscall_info info;
	unsigned seen = 0;
	int status;

	waitpid(pid, &status, 0);
	ptrace(PTRACE_SETOPTIONS, pid, 0, PTRACE_O_TRACESYSGOOD | PTRACE_O_EXITKILL);
	for (;;) {
		int sig = WIFSTOPPED(status) && WSTOPSIG(status) != (SIGTRAP | 0x80) &&
					  WSTOPSIG(status) != SIGSTOP ? WSTOPSIG(status) : 0;

		ptrace(PTRACE_SYSCALL, pid, 0, sig);
		if (waitpid(pid, &status, 0) < 0 || WIFEXITED(status) || WIFSIGNALED(status))
			return false;
		if (!WIFSTOPPED(status) || WSTOPSIG(status) != (SIGTRAP | 0x80) ||
		    ptrace(PTRACE_GET_SYSCALL_INFO, pid, sizeof(info), &info) <= 0 ||
		    info.op != PTRACE_SYSCALL_INFO_ENTRY)
			continue;
		armed |= info.entry.nr == SYS_getppid;
		if (!armed || !changes(pid, &info) || ++seen < n)
			continue;
		fprintf(stderr, "killed at call %u, number %llu\n", n, (unsigned long long)info.entry.nr);
		kill(pid, SIGKILL);
		waitpid(pid, &status, 0);
		return true;
	}
}

static int killed(unsigned n, const char *dir, bool of_cleanup)
{
	pid_t pid = fork();

	if (pid < 0)
		return 1;
	if (!pid) {
		ptrace(PTRACE_TRACEME, 0, 0, 0);
		raise(SIGSTOP);
		_exit(of_cleanup ? cleanup(dir, 0, NULL) : run(dir));
	}
	return trace(pid, n, of_cleanup) ? 0 : 3;
}

int main(int argc, char **argv)
{
	if (argc == 3 && !strcmp(argv[1], "run"))
		return run(argv[2]);
	if (argc >= 3 && !strcmp(argv[1], "cleanup"))
		return cleanup(argv[2], argc - 3, argv + 3);
	if (argc == 4 && !strncmp(argv[1], "kill", 4))
		return killed((unsigned)atoi(argv[2]), argv[3], strcmp(argv[1], "kill") != 0);
	fprintf(stderr, "usage: keeper_tool run DIR | kill N DIR | cleanup DIR [guards] [dry] | killcleanup N DIR\n");
	return 2;
}
