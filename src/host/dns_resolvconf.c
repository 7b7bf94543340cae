/* SPDX-License-Identifier: ISC */
/*
 * dns_resolvconf.c - DNS servers by resolvconf or openresolv, which merge the records
 * of everybody into resolv.conf. The one program that is run; by its path, with an
 * environment of its own, and without a shell.
 */
#include "host/dns_backend.h"

#include <dirent.h>
#include <errno.h>
#include <limits.h>
#include <poll.h>
#include <signal.h>
#include <spawn.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include "host/textfile.h"

#define PATIENCE_MS 20000
#define RECORD      "tun.%s" /* a name that resolvconf's usual order of interfaces puts early */
#define MARK        "# adit\n"

static const char *const programs[] = { "/usr/sbin/resolvconf", "/sbin/resolvconf", "/usr/bin/resolvconf",
					"/bin/resolvconf" };
/* Where the two programs keep the records. */
static const char *const folders[] = { "/run/resolvconf/interfaces", "/run/resolvconf/interface" };

/* systemd's resolvectl takes the name over where there is no other; it is not asked here. */
static const char *find_program(void)
{
	char real[PATH_MAX];
	size_t i;

	for (i = 0; i < sizeof(programs) / sizeof(programs[0]); i++)
		if (access(programs[i], X_OK) == 0 && realpath(programs[i], real) && !strstr(real, "resolvectl"))
			return programs[i];
	return NULL;
}

/* --- running it --------------------------------------------------------------- */

static int spawn(pid_t *pid, const char *program, char *const argv[], int in, int out)
{
	char *const env[] = { (char[]){ "PATH=/usr/sbin:/usr/bin:/sbin:/bin" }, (char[]){ "LC_ALL=C" }, NULL };
	posix_spawn_file_actions_t files;
	posix_spawnattr_t attr;
	sigset_t none, all;
	int r;

	sigemptyset(&none);
	sigfillset(&all);
	posix_spawn_file_actions_init(&files);
	posix_spawnattr_init(&attr);
	posix_spawn_file_actions_adddup2(&files, in, 0);
	posix_spawn_file_actions_adddup2(&files, out, 1);
	posix_spawn_file_actions_adddup2(&files, out, 2);
	posix_spawnattr_setsigmask(&attr, &none);
	posix_spawnattr_setsigdefault(&attr, &all);
	posix_spawnattr_setpgroup(&attr, 0); /* what it starts ends with it */
	posix_spawnattr_setflags(&attr, POSIX_SPAWN_SETSIGMASK | POSIX_SPAWN_SETSIGDEF | POSIX_SPAWN_SETPGROUP);
	r = posix_spawn(pid, program, &files, &attr, argv, env);
	posix_spawnattr_destroy(&attr);
	posix_spawn_file_actions_destroy(&files);
	return -r;
}

/* Its status; -ETIMEDOUT, or another -errno: it was ended. */
static int wait_for(pid_t pid)
{
	int fd = (int)syscall(SYS_pidfd_open, pid, 0), status = 0, r = fd < 0 ? -errno : 0, n;
	struct pollfd p = { .fd = fd, .events = POLLIN };

	while (!r && (n = poll(&p, 1, PATIENCE_MS)) <= 0)
		r = !n ? -ETIMEDOUT : errno == EINTR ? 0 : -errno;
	if (fd >= 0)
		close(fd);
	if (r)
		kill(-pid, SIGKILL);
	while (waitpid(pid, &status, 0) < 0 && errno == EINTR)
		;
	if (r)
		return r;
	return WIFEXITED(status) ? WEXITSTATUS(status) : 128 + WTERMSIG(status);
}

static void last_line(int fd, char *line, size_t size)
{
	char text[2048];
	ssize_t n = pread(fd, text, sizeof(text) - 1, 0);
	const char *newline;

	text[n > 0 ? n : 0] = '\0';
	while (n > 0 && (text[n - 1] == '\n' || (unsigned char)text[n - 1] < ' '))
		text[--n] = '\0';
	newline = strrchr(text, '\n');
	snprintf(line, size, "%.200s", newline ? newline + 1 : text);
}

static int run(const char *const *args, size_t cnt, int in, char *err, size_t err_len)
{
	const char *program = find_program();
	int out = memfd_create("resolvconf", MFD_CLOEXEC), r = -ENOENT;
	char *argv[8] = { NULL }, said[256] = "";
	pid_t pid;
	size_t i;

	argv[0] = (char[]){ "resolvconf" };
	for (i = 0; i < cnt; i++)
		argv[i + 1] = (char *)(size_t)args[i]; /* execve's prototype is older than const */
	if (out < 0)
		r = -errno;
	else if (program)
		r = spawn(&pid, program, argv, in, out);
	if (!r)
		r = wait_for(pid);
	if (r > 0)
		last_line(out, said, sizeof(said));
	if (out >= 0)
		close(out);
	if (!r)
		return 0;
	if (r > 0)
		snprintf(err, err_len, "resolvconf failed with status %d: %s", r, said);
	else
		snprintf(err, err_len, "resolvconf: %s", strerror(-r));
	return r > 0 ? -EIO : r;
}

/* --- what it has --------------------------------------------------------------- */

static char *record_text(const struct adit_dns *dns)
{
	char *text = NULL;
	size_t len;
	FILE *out = open_memstream(&text, &len);

	if (!out)
		return NULL;
	fputs(MARK, out);
	adit_dns_print_servers(out, dns);
	adit_dns_print_search(out, &dns, 1);
	if (fclose(out)) {
		free(text);
		return NULL;
	}
	return text;
}

/* Is there a record of that text? -1: not to be seen. */
static int has_record(const char *name, const char *text)
{
	struct adit_textfile file;
	char path[PATH_MAX];
	bool folder = false;
	size_t i;
	int r = 0;

	for (i = 0; i < sizeof(folders) / sizeof(folders[0]) && !r; i++) {
		folder |= access(folders[i], X_OK) == 0;
		snprintf(path, sizeof(path), "%s/%s", folders[i], name);
		if (!adit_textfile_read(&file, path, 65536, true))
			r = strlen(text) <= file.len + 1 && !strncmp(file.p, text, file.len < strlen(text) ? file.len : strlen(text));
		adit_textfile_free(&file);
	}
	return folder ? r : -1;
}

/* Does resolv.conf name one of the servers, or a resolver on this machine that may know them? */
static bool resolv_conf_follows(const struct adit_dns *dns)
{
	FILE *f = fopen(ADIT_RESOLV_CONF, "re");
	char line[512], word[64];
	struct adit_addr addr;
	bool found = false;
	size_t i;

	while (f && !found && fgets(line, sizeof(line), f)) {
		if (sscanf(line, "nameserver %63s", word) != 1 || adit_addr_parse(&addr, word))
			continue;
		found = !strncmp(word, "127.", 4) || !strcmp(word, "::1");
		for (i = 0; i < dns->server_cnt; i++)
			found |= adit_addr_equal(&addr, &dns->server[i]);
	}
	if (f)
		fclose(f);
	return found;
}

/* --- the three things to do ---------------------------------------------------- */

static int forget(const char *name, char *err, size_t err_len)
{
	const char *const args[] = { "-f", "-d", name };
	int none = memfd_create("none", MFD_CLOEXEC), r;

	if (none < 0)
		return -errno;
	r = run(args, 3, none, err, err_len);
	close(none);
	return r;
}

static int unset(const struct adit_dns *dns, char *err, size_t err_len)
{
	char name[32];

	snprintf(name, sizeof(name), RECORD, dns->ifname);
	if (!find_program() || !has_record(name, MARK))
		return 0;
	return forget(name, err, err_len);
}

static int set(const struct adit_dns *dns, char *err, size_t err_len)
{
	char name[32], ignored[8], *text = record_text(dns);
	const char *const args[] = { "-m", "0", dns->default_route ? "-x" : "-f", "-a", name };
	int fd = memfd_create("record", MFD_CLOEXEC), r = -ENOMEM;

	snprintf(name, sizeof(name), RECORD, dns->ifname);
	if (text && fd >= 0)
		r = write(fd, text, strlen(text)) == (ssize_t)strlen(text) && lseek(fd, 0, SEEK_SET) == 0 ? 0 : -EIO;
	if (r)
		snprintf(err, err_len, "resolvconf: %s", strerror(-r));
	else
		r = run(args, 5, fd, err, err_len);
	if (!r && dns->default_route && !resolv_conf_follows(dns)) {
		snprintf(err, err_len, "resolvconf has taken the servers of %s, but " ADIT_RESOLV_CONF
			 " does not name them", dns->ifname);
		r = -EIO;
	}
	if (r)
		forget(name, ignored, sizeof(ignored));
	if (fd >= 0)
		close(fd);
	free(text);
	return r;
}

static int intact(const struct adit_dns *dns, char *err, size_t err_len)
{
	char name[32], *text = record_text(dns);
	int r;

	if (!text)
		return -ENOMEM;
	snprintf(name, sizeof(name), RECORD, dns->ifname);
	r = has_record(name, text);
	free(text);
	if (!r) {
		snprintf(err, err_len, "resolvconf's record %s is gone", name);
		return 0;
	}
	/* An exclusive record goes before those that do not ask for all names. */
	if (!dns->default_route || resolv_conf_follows(dns))
		return 1;
	snprintf(err, err_len, ADIT_RESOLV_CONF " does not name the servers of %s any more: somebody else has written it; "
		 "left alone", dns->ifname);
	return -ESTALE;
}

static int leftovers_in(const char *folder, bool (*keep)(void *user, const char *ifname), void *user, char *err,
			size_t err_len)
{
	DIR *dir = opendir(folder);
	struct dirent *entry;
	int r = 0, done = 0;

	while (dir && r >= 0 && (entry = readdir(dir))) {
		if (strncmp(entry->d_name, "tun.", 4) || !adit_ifname_valid(entry->d_name + 4) ||
		    has_record(entry->d_name, MARK) != 1 || (keep && keep(user, entry->d_name + 4)))
			continue;
		r = forget(entry->d_name, err, err_len);
		done = 1;
	}
	if (dir)
		closedir(dir);
	return r < 0 ? r : done;
}

static int leftovers(bool (*keep)(void *user, const char *ifname), void *user, char *err, size_t err_len)
{
	int r, done = 0;
	size_t i;

	for (i = 0; i < sizeof(folders) / sizeof(folders[0]) && done >= 0; i++) {
		r = leftovers_in(folders[i], keep, user, err, err_len);
		done = r < 0 ? r : done | r;
	}
	return done;
}

static const char *unfit(const char **why)
{
	if (!find_program())
		return "there is no resolvconf";
	*why = "resolvconf is installed, which merges the DNS servers of this machine";
	return NULL;
}

const struct adit_dns_ops adit_dns_resolvconf = { "resolvconf", set, unset, intact, leftovers, unfit };
