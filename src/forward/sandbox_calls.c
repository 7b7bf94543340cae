/* SPDX-License-Identifier: ISC */
/*
 * sandbox_calls.c - the system calls that are left (seccomp(2)): packets,
 * sockets, files, threads, memory and clocks. Another fails with EPERM; what
 * is newer than this list fails with ENOSYS where the C library then takes the
 * older one.
 */
#include "forward/sandbox_parts.h"

#include <errno.h>

#if defined(__SANITIZE_ADDRESS__) || defined(__SANITIZE_THREAD__)
#define SANITIZED 1
#elif defined(__has_feature)
#if __has_feature(address_sanitizer) || __has_feature(thread_sanitizer) || __has_feature(memory_sanitizer)
#define SANITIZED 1
#endif
#endif

#if !defined(ADIT_SECCOMP) || defined(SANITIZED)
/* A sanitizer traces its own process when it ends. */
int sandbox_calls(const struct sandbox_config *cfg)
{
	(void)cfg;
	return -ENOSYS;
}
#else

#include <fcntl.h>
#include <sched.h>
#include <seccomp.h>
#include <stddef.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <unistd.h>

/* Names, since not every machine has every call: those it lacks are passed over. */
static const char *const allowed[] = {
	/* packets and bytes */
	"read", "write", "readv", "writev", "pread64", "pwrite64", "preadv", "pwritev", "sendto", "recvfrom", "sendmsg",
	"recvmsg", "sendmmsg", "recvmmsg", "splice", "tee", "vmsplice", "sendfile",
	/* sockets; socket itself by family, below */
	"socketpair", "bind", "listen", "accept", "accept4", "connect", "shutdown", "getsockname", "getpeername",
	"getsockopt", "setsockopt",
	/* waiting */
	"poll", "ppoll", "select", "pselect6", "epoll_create", "epoll_create1", "epoll_ctl", "epoll_wait", "epoll_pwait",
	"epoll_pwait2", "eventfd2", "signalfd4", "timerfd_create", "timerfd_settime", "timerfd_gettime", "nanosleep",
	"clock_nanosleep", "pause",
	/* descriptors and files */
	"close", "close_range", "dup", "dup2", "dup3", "ioctl", "pipe", "pipe2", "lseek", "open", "openat", "stat",
	"fstat", "lstat", "newfstatat", "statx", "access", "faccessat", "faccessat2", "readlink", "readlinkat",
	"getdents64", "getcwd", "unlink", "unlinkat", "rename", "renameat", "renameat2", "chmod", "fchmod", "fchmodat",
	"umask", "ftruncate", "fsync", "fdatasync", "statfs", "fstatfs", "memfd_create", "inotify_init1", "inotify_add_watch",
	"inotify_rm_watch",
	/* clocks and randomness */
	"clock_gettime", "clock_getres", "gettimeofday", "time", "getrandom",
	/* memory */
	"brk", "mmap", "munmap", "mprotect", "mremap", "madvise", "mlock", "mlock2", "munlock", "membarrier",
	/* threads and the process itself; clone, prctl, prlimit64 and what signals are below */
	"futex", "futex_waitv", "set_robust_list", "get_robust_list", "rseq", "set_tid_address", "arch_prctl", "exit",
	"exit_group", "sched_yield", "sched_getaffinity", "getcpu", "gettid", "getpid", "getppid", "getpgrp", "getpgid",
	"getsid", "getuid", "geteuid", "getgid", "getegid", "getgroups", "getrlimit", "getrusage", "sysinfo", "uname",
	"times", "capget", "restart_syscall",
	/* signals */
	"rt_sigaction", "rt_sigprocmask", "rt_sigreturn", "rt_sigpending", "rt_sigtimedwait", "rt_sigsuspend",
	"sigaltstack",
};

static const char *const with_processes[] = { "kill", "wait4", "waitid", "setrlimit", "setpgid" };

static const int families[] = { AF_UNIX, AF_INET, AF_INET6, AF_NETLINK };

/* Not F_SETOWN: who owns a descriptor gets a signal of our choice. */
static const int fcntls[] = {
	F_DUPFD, F_DUPFD_CLOEXEC, F_GETFD, F_SETFD, F_GETFL, F_SETFL, F_GETLK, F_SETLK, F_SETLKW, F_GETPIPE_SZ, F_SETPIPE_SZ,
	F_GET_SEALS, F_ADD_SEALS,
};

static const int prctls[] = {
	PR_SET_NAME, PR_GET_NAME, PR_SET_PDEATHSIG, PR_GET_PDEATHSIG, PR_SET_DUMPABLE, PR_GET_DUMPABLE, PR_CAPBSET_READ,
	0x53564d41, /* PR_SET_VMA: names of memory, for debuggers */
};

/* Of who runs programs: what neither they nor we have any use for. (adjtimex only looks at the clock: setting it takes
 * a capability.) */
static const char *const forbidden[] = {
	"ptrace", "process_vm_readv", "process_vm_writev", "pidfd_getfd", "kcmp", "bpf", "perf_event_open", "userfaultfd",
	"init_module", "finit_module", "delete_module", "kexec_load", "kexec_file_load", "reboot", "swapon", "swapoff",
	"acct", "quotactl", "mount", "umount2", "pivot_root", "chroot", "move_mount", "open_tree", "fsopen", "fsmount",
	"mount_setattr", "unshare", "setns", "iopl", "ioperm", "modify_ldt", "add_key", "request_key", "keyctl",
	"settimeofday", "clock_settime", "sethostname", "setdomainname", "syslog", "nfsservctl",
	"lookup_dcookie", "vhangup", "name_to_handle_at", "open_by_handle_at", "fanotify_init", "io_uring_setup",
	"io_uring_enter", "io_uring_register", "personality",
};

static int add_names(scmp_filter_ctx ctx, uint32_t action, const char *const *names, size_t cnt)
{
	size_t i;
	int r = 0;

	for (i = 0; i < cnt && !r; i++) {
		int call = seccomp_syscall_resolve_name(names[i]);

		if (call != __NR_SCMP_ERROR)
			r = seccomp_rule_add(ctx, action, call, 0);
		if (r == -EDOM) /* of another architecture */
			r = 0;
	}
	return r;
}

/* New threads, but no new process and no namespace. */
static int allow_threads(scmp_filter_ctx ctx)
{
	const uint64_t mask = CLONE_THREAD | CLONE_NEWUSER | CLONE_NEWNET | CLONE_NEWNS | CLONE_NEWPID;
	int r = seccomp_rule_add(ctx, SCMP_ACT_ALLOW, SCMP_SYS(clone), 1,
				 SCMP_A0(SCMP_CMP_MASKED_EQ, mask, CLONE_THREAD));

	return r ? r : seccomp_rule_add(ctx, SCMP_ACT_ERRNO(ENOSYS), SCMP_SYS(clone3), 0);
}

static int allow_values(scmp_filter_ctx ctx, int call, unsigned arg, const int *values, size_t cnt)
{
	int r = 0;

	for (size_t i = 0; i < cnt && !r; i++)
		r = seccomp_rule_add(ctx, SCMP_ACT_ALLOW, call, 1, SCMP_CMP(arg, SCMP_CMP_EQ, (scmp_datum_t)values[i], 0));
	return r;
}

#define COUNT(list) (sizeof(list) / sizeof((list)[0]))

/* raise(3), abort(3) and getrlimit(3) are upon this process; without a user of our own others' are in reach. */
static int allow_by_argument(scmp_filter_ctx ctx)
{
	const int self = getpid(), zero = 0;
	int r = allow_threads(ctx);

	if (!r)
		r = allow_values(ctx, SCMP_SYS(socket), 0, families, COUNT(families));
	if (!r)
		r = allow_values(ctx, SCMP_SYS(fcntl), 1, fcntls, COUNT(fcntls));
	if (!r)
		r = allow_values(ctx, SCMP_SYS(prctl), 0, prctls, COUNT(prctls));
	if (!r)
		r = allow_values(ctx, SCMP_SYS(kill), 0, &self, 1);
	if (!r)
		r = allow_values(ctx, SCMP_SYS(tgkill), 0, &self, 1);
	return r ? r : allow_values(ctx, SCMP_SYS(prlimit64), 0, &zero, 1);
}

static int allow_names(scmp_filter_ctx ctx, const char *const *names, size_t cnt)
{
	return add_names(ctx, SCMP_ACT_ALLOW, names, cnt);
}

static int forbid_calls(void)
{
	scmp_filter_ctx ctx = seccomp_init(SCMP_ACT_ALLOW);
	int r;

	if (!ctx)
		return -ENOMEM;
	r = add_names(ctx, SCMP_ACT_ERRNO(EPERM), forbidden, COUNT(forbidden));
	if (!r)
		r = seccomp_load(ctx);
	seccomp_release(ctx);
	return r == -ECANCELED ? -EPERM : r;
}

int sandbox_calls(const struct sandbox_config *cfg)
{
	scmp_filter_ctx ctx;
	int r;

	if (cfg->programs)
		return forbid_calls();
	ctx = seccomp_init(SCMP_ACT_ERRNO(EPERM));

	if (!ctx)
		return -ENOMEM;
	/* A tree, where the library makes one: each packet's calls pass it. */
	(void)seccomp_attr_set(ctx, SCMP_FLTATR_CTL_OPTIMIZE, 2);
	r = allow_names(ctx, allowed, COUNT(allowed));
	if (!r && cfg->processes)
		r = allow_names(ctx, with_processes, COUNT(with_processes));
	if (!r)
		r = allow_by_argument(ctx);
	if (!r)
		r = seccomp_load(ctx);
	seccomp_release(ctx);
	return r == -ECANCELED ? -EPERM : r;
}

#endif
