/* SPDX-License-Identifier: ISC */
/*
 * sandbox_landlock.c - which files may still be opened (landlock(7)): those of
 * the configuration, and the few that the C library and the resolver read
 */
#include "forward/sandbox_parts.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <linux/landlock.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <unistd.h>

/* What is newer than some headers that we build with; never a kernel's that has not got it. */
#define FS_REFER     (UINT64_C(1) << 13)
#define FS_TRUNCATE  (UINT64_C(1) << 14)
#define FS_IOCTL_DEV (UINT64_C(1) << 15)
#define NET_BIND     (UINT64_C(1) << 0)
#define NET_CONNECT  (UINT64_C(1) << 1)
#define SCOPE_SIGNAL (UINT64_C(1) << 1)
#define RULE_NET_PORT 2

struct ruleset {
	uint64_t fs, net, scoped;
};

struct net_rule {
	uint64_t access, port;
};

#define FS_FIRST (LANDLOCK_ACCESS_FS_MAKE_SYM * 2 - 1) /* all of ABI 1 */
#define FS_READ  (LANDLOCK_ACCESS_FS_READ_FILE | LANDLOCK_ACCESS_FS_READ_DIR)
#define FS_WRITE                                                                                            \
	(FS_READ | LANDLOCK_ACCESS_FS_WRITE_FILE | LANDLOCK_ACCESS_FS_REMOVE_FILE | LANDLOCK_ACCESS_FS_MAKE_REG | \
	 LANDLOCK_ACCESS_FS_MAKE_SOCK | FS_TRUNCATE)
#define FS_PROGRAMS (FS_READ | LANDLOCK_ACCESS_FS_EXECUTE)
#define FS_ALL      (FS_FIRST | FS_REFER | FS_TRUNCATE | FS_IOCTL_DEV)
/* These mean something on a file; the others only on a folder. */
#define FS_OF_FILE                                                                                         \
	(LANDLOCK_ACCESS_FS_READ_FILE | LANDLOCK_ACCESS_FS_WRITE_FILE | LANDLOCK_ACCESS_FS_EXECUTE | FS_TRUNCATE | \
	 FS_IOCTL_DEV)

static const char *const library_files[] = {
	"/etc/resolv.conf", "/etc/hosts", "/etc/nsswitch.conf", "/etc/host.conf", "/etc/gai.conf", "/etc/services",
	"/etc/ld.so.cache", "/etc/localtime", "/usr/share/zoneinfo", "/lib", "/lib64", "/usr/lib", "/usr/lib64",
	"/usr/local/lib", "/etc/ssl", "/dev/urandom", "/dev/null", "/proc/self", "/sys/devices/system/cpu",
};

static int allow(int set, const struct ruleset *handled, const char *path, uint64_t access)
{
	struct landlock_path_beneath_attr rule = { 0 };
	struct stat st;
	int fd = open(path, O_PATH | O_CLOEXEC), r;

	if (fd < 0)
		return 0; /* what is not there need not be allowed */
	if (fstat(fd, &st) == 0 && !S_ISDIR(st.st_mode))
		access &= FS_OF_FILE;
	rule.parent_fd = fd;
	rule.allowed_access = access & handled->fs;
	r = syscall(SYS_landlock_add_rule, set, LANDLOCK_RULE_PATH_BENEATH, &rule, 0) < 0 ? -errno : 0;
	close(fd);
	return r;
}

/*
 * A resolver's file is replaced by another of its name, so the folder counts:
 * /etc, too, where it lies or is to come. Its files may be read there, to where
 * this user's rights end; there is no narrower rule for a name.
 */
static int allow_resolver(int set, const struct ruleset *handled)
{
	char path[PATH_MAX] = "/etc/resolv.conf";

	if (!realpath("/etc/resolv.conf", path) && errno != ENOENT)
		return 0;
	*strrchr(path, '/') = '\0';
	if (!strcmp(path, "/etc"))
		return allow(set, handled, path, LANDLOCK_ACCESS_FS_READ_FILE);
	return path[0] ? allow(set, handled, path, FS_READ) : 0;
}

static int allow_files(int set, const struct ruleset *handled, const struct sandbox_config *cfg)
{
	unsigned i;
	int r = cfg->programs ? allow(set, handled, "/", FS_PROGRAMS) : allow_resolver(set, handled);

	for (i = 0; !r && i < sizeof(library_files) / sizeof(library_files[0]); i++)
		r = allow(set, handled, library_files[i], FS_READ);
	for (i = 0; !r && i < SANDBOX_PATHS_MAX && cfg->read[i]; i++)
		r = allow(set, handled, cfg->read[i], FS_READ);
	for (i = 0; !r && i < SANDBOX_PATHS_MAX && cfg->write[i]; i++)
		r = allow(set, handled, cfg->write[i], cfg->programs ? FS_ALL : FS_WRITE);
	return r;
}

static int allow_ports(int set, const uint16_t *ports, unsigned cnt, uint64_t access)
{
	unsigned i;

	for (i = 0; i < cnt; i++) {
		const struct net_rule rule = { access, ports[i] };

		if (syscall(SYS_landlock_add_rule, set, RULE_NET_PORT, &rule, 0) < 0)
			return -errno;
	}
	return 0;
}

/* As much as the kernel's ABI has. */
static size_t fill(struct ruleset *set, int abi, const struct sandbox_config *cfg)
{
	set->fs = FS_FIRST | (abi >= 2 ? FS_REFER : 0) | (abi >= 3 ? FS_TRUNCATE : 0) | (abi >= 5 ? FS_IOCTL_DEV : 0);
	if (abi >= 4)
		set->net = (cfg->tcp_bind_cnt ? NET_BIND : 0) | (cfg->tcp_connect_cnt ? NET_CONNECT : 0);
	if (abi >= 6 && !cfg->processes && !cfg->programs)
		set->scoped = SCOPE_SIGNAL;
	return abi >= 6 ? sizeof(*set) : abi >= 4 ? 2 * sizeof(uint64_t) : sizeof(uint64_t);
}

int sandbox_landlock(const struct sandbox_config *cfg)
{
	int abi = (int)syscall(SYS_landlock_create_ruleset, NULL, 0, LANDLOCK_CREATE_RULESET_VERSION);
	struct ruleset handled = { 0 };
	size_t len;
	int set, r;

	if (abi < 1)
		return abi < 0 ? -errno : -ENOSYS;
	len = fill(&handled, abi, cfg);
	set = (int)syscall(SYS_landlock_create_ruleset, &handled, len, 0);
	if (set < 0)
		return -errno;
	r = allow_files(set, &handled, cfg);
	if (!r && handled.net & NET_BIND)
		r = allow_ports(set, cfg->tcp_bind, cfg->tcp_bind_cnt, NET_BIND);
	if (!r && handled.net & NET_CONNECT)
		r = allow_ports(set, cfg->tcp_connect, cfg->tcp_connect_cnt, NET_CONNECT);
	if (!r && syscall(SYS_landlock_restrict_self, set, 0) < 0)
		r = -errno;
	close(set);
	return r ? r : abi;
}
