/* SPDX-License-Identifier: ISC */
/*
 * bundle.c - `adit bundle`: what a report of a fault should have with it, without anybody's secrets
 *
 * Each part is what a command prints; what a command must not say to strangers is
 * taken out of all parts together (bundle_hide.h). Commands are this same program,
 * and ip(8), which is asked where it is.
 */
#include "agent/bundle.h"

#include <errno.h>
#include <poll.h>
#include <signal.h>
#include <spawn.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/syscall.h>
#include <sys/utsname.h>
#include <sys/wait.h>
#include <unistd.h>

#include "agent/bundle_hide.h"
#include "agent/words.h"
#include "base/exit.h"
#include "host/replace.h"
#include "host/textfile.h"

#define PATIENCE_MS 60000
#define PART_MAX    ((size_t)64 << 20)
#define ARGS_MAX    8
#define SELF        "/proc/self/exe"

extern char **environ;

enum names { NO_NAMES, OF_CONFIG, OF_REPLY };

static const struct part {
	const char *title;
	const char *args[ARGS_MAX]; /* args[0] NULL: adit's; "CONFIG", "CONTROL": an option, where it was given */
	enum names names;
} parts[] = {
	{ "version", { NULL, "version", "-v" }, NO_NAMES },
	{ "configuration", { NULL, "config", "show", "--json", "CONFIG" }, OF_CONFIG },
	{ "status, peers, drops", { NULL, "status", "--json", "CONTROL" }, OF_REPLY },
	{ "events", { NULL, "events", "--json", "CONTROL" }, OF_REPLY },
	{ "devices", { NULL, "show", "--json" }, OF_REPLY },
	{ "doctor", { NULL, "doctor", "--json", "-c CONFIG" }, NO_NAMES },
	{ "what cleanup would undo", { NULL, "cleanup", "--dry-run", "--json" }, NO_NAMES },
	{ "links", { "ip", "-d", "addr" }, NO_NAMES },
	{ "routes of IPv4", { "ip", "-4", "route", "show", "table", "all" }, NO_NAMES },
	{ "routes of IPv6", { "ip", "-6", "route", "show", "table", "all" }, NO_NAMES },
	{ "rules of IPv4", { "ip", "-4", "rule" }, NO_NAMES },
	{ "rules of IPv6", { "ip", "-6", "rule" }, NO_NAMES },
};
#define PART_CNT (sizeof(parts) / sizeof(parts[0]))

struct bundle {
	const char *config, *control, *output;
	char *text[PART_CNT]; /* what each printed */
	int status[PART_CNT];
	struct agent_hide *hide;
};

/* --- running a command -------------------------------------------------------------- */

static const char *ip_program(void)
{
	static const char *const paths[] = { "/usr/sbin/ip", "/sbin/ip", "/usr/bin/ip", "/bin/ip" };

	for (size_t i = 0; i < sizeof(paths) / sizeof(paths[0]); i++)
		if (access(paths[i], X_OK) == 0)
			return paths[i];
	return NULL;
}

static void arguments(const struct bundle *b, const struct part *part, const char *argv[2 * ARGS_MAX])
{
	size_t n = 0;

	argv[n++] = part->args[0] ? part->args[0] : "adit";
	for (size_t i = 1; i < ARGS_MAX && part->args[i]; i++) {
		const char *arg = part->args[i];

		if (!strcmp(arg, "CONTROL")) {
			if (b->control) {
				argv[n++] = "--control";
				argv[n++] = b->control;
			}
		} else if (!strcmp(arg, "-c CONFIG")) {
			if (b->config) {
				argv[n++] = "-c";
				argv[n++] = b->config;
			}
		} else if (strcmp(arg, "CONFIG") != 0) {
			argv[n++] = arg;
		} else if (b->config) {
			argv[n++] = b->config;
		}
	}
	argv[n] = NULL;
}

/* Its status, or -errno; out gets what it says. */
static int run(const char *program, const char *const *args, int out)
{
	posix_spawn_file_actions_t files;
	char *argv[2 * ARGS_MAX];
	struct pollfd p = { .events = POLLIN };
	int r, status = 0;
	size_t n = 0;
	pid_t pid;

	while ((argv[n] = (char *)(size_t)args[n])) /* execve's prototype is older than const */
		n++;
	posix_spawn_file_actions_init(&files);
	posix_spawn_file_actions_addopen(&files, 0, "/dev/null", 0, 0);
	posix_spawn_file_actions_adddup2(&files, out, 1);
	posix_spawn_file_actions_adddup2(&files, out, 2);
	r = posix_spawn(&pid, program, &files, NULL, argv, environ);
	posix_spawn_file_actions_destroy(&files);
	if (r)
		return -r;
	p.fd = (int)syscall(SYS_pidfd_open, pid, 0);
	if (p.fd >= 0 && poll(&p, 1, PATIENCE_MS) == 0) {
		kill(pid, SIGKILL);
		r = -ETIMEDOUT;
	}
	if (p.fd >= 0)
		close(p.fd);
	while (waitpid(pid, &status, 0) < 0 && errno == EINTR)
		;
	return r ? r : WIFEXITED(status) ? WEXITSTATUS(status) : 128 + WTERMSIG(status);
}

static char *read_all(int fd)
{
	off_t end = lseek(fd, 0, SEEK_END);
	size_t len = end < 0 ? 0 : (size_t)end > PART_MAX ? PART_MAX : (size_t)end, at = 0;
	char *text = malloc(len + 1);
	ssize_t n = 1;

	while (text && at < len && n > 0) {
		n = pread(fd, text + at, len - at, (off_t)at);
		at += n > 0 ? (size_t)n : 0;
	}
	if (text)
		text[at] = '\0';
	return text;
}

static int gather(struct bundle *b, size_t i)
{
	const char *program = parts[i].args[0] ? ip_program() : SELF, *argv[2 * ARGS_MAX];
	int out = memfd_create("part", MFD_CLOEXEC);

	if (out < 0)
		return -errno;
	arguments(b, &parts[i], argv);
	b->status[i] = program ? run(program, argv, out) : -ENOENT;
	b->text[i] = read_all(out);
	close(out);
	return b->text[i] ? 0 : -ENOMEM;
}

/* --- names --------------------------------------------------------------------------- */

/* Lines of JSON, or one document of several lines; what a command said besides is none. */
static bool learn_json(struct bundle *b, size_t i, const char *text, size_t len)
{
	struct adit_conf_errors errors = { 0 };
	struct adit_conf *doc = NULL;
	int r = adit_conf_read_json(&doc, &errors, parts[i].title, text, len, NULL);

	if (!r && parts[i].names == OF_CONFIG)
		agent_hide_learn_config(b->hide, doc->root);
	else if (!r)
		agent_hide_learn_reply(b->hide, doc->root);
	adit_conf_errors_fini(&errors);
	adit_conf_free(doc);
	return !r;
}

/* What a mistake in the configuration quotes may be anything. */
static void blank_quotes(char *line, size_t len)
{
	bool inside = false;

	for (size_t i = 0; i < len; i++) {
		if (line[i] == '"')
			inside = !inside;
		else if (inside)
			line[i] = '.';
	}
}

/* A line that is no JSON, "FILE:LINE:COLUMN: network.NAME.key: ...": the names in it may stand nowhere else. */
static void learn_mistake(struct bundle *b, char *line, size_t len)
{
	static const char *const before[] = { "network.", "of network ", ": network ", "peer " };
	char *copy = strndup(line, len), *at;

	for (size_t i = 0; copy && i < sizeof(before) / sizeof(before[0]); i++) {
		for (at = strstr(copy, before[i]); at; at = strstr(at, before[i])) {
			char name[128];

			at += strlen(before[i]);
			snprintf(name, sizeof(name), "%.*s", (int)strcspn(at, ".:, \"[("), at);
			agent_hide_learn_name(b->hide, AGENT_HIDE_NETWORK, name);
		}
	}
	if (copy && copy[0] == '/') {
		copy[strcspn(copy, ":")] = '\0';
		agent_hide_learn(b->hide, AGENT_HIDE_NAME, copy);
	}
	if (copy)
		blank_quotes(line, len);
	else
		memset(line, '.', len);
	free(copy);
}

static void learn(struct bundle *b, size_t i)
{
	char *text = b->text[i], *end;

	if (parts[i].names == NO_NAMES || learn_json(b, i, text, strlen(text)))
		return;
	for (; *text; text = *end ? end + 1 : end) {
		end = text + strcspn(text, "\n");
		if (*text != '{' || !learn_json(b, i, text, (size_t)(end - text)))
			learn_mistake(b, text, (size_t)(end - text));
	}
}

/* --- the report ------------------------------------------------------------------------ */

static void print_kernel(FILE *out)
{
	struct utsname u;
	struct adit_textfile os = { 0 };
	const char *pretty;

	if (uname(&u) == 0)
		fprintf(out, "%s %s %s %s\n", u.sysname, u.release, u.version, u.machine);
	if (!adit_textfile_read(&os, "/etc/os-release", 65536, true)) {
		pretty = strstr(os.p, "PRETTY_NAME=");
		if (pretty)
			fprintf(out, "%.*s\n", (int)strcspn(pretty, "\n"), pretty);
	}
	adit_textfile_free(&os);
	fprintf(out, "%s, %ld processors\n", geteuid() ? "not root" : "root", sysconf(_SC_NPROCESSORS_ONLN));
}

static int print_bundle(FILE *out, const void *what)
{
	const struct bundle *b = what;

	fprintf(out, "adit bundle 1\n\n"
		"Keys, addresses and names are replaced: the same one has the same number in all parts.\n"
		"Look through it before you give it away.\n\n=== kernel\n");
	print_kernel(out);
	for (size_t i = 0; i < PART_CNT; i++) {
		fprintf(out, "\n=== %s", parts[i].title);
		if (b->status[i] > 0)
			fprintf(out, " (status %d)", b->status[i]);
		else if (b->status[i] < 0)
			fprintf(out, " (%s)", strerror(-b->status[i]));
		fputc('\n', out);
		agent_hide_text(b->hide, out, b->text[i]);
	}
	return agent_hide_failed(b->hide) ? -ENOMEM : 0;
}

static int print_whole(struct bundle *b)
{
	char *text = NULL;
	size_t len;
	FILE *out;
	int r;

	if (b->output)
		return adit_file_replace(b->output, print_bundle, b);
	out = open_memstream(&text, &len);
	if (!out)
		return -ENOMEM;
	r = print_bundle(out, b);
	if (fclose(out) && !r)
		r = -ENOMEM;
	if (!r && (fwrite(text, 1, len, stdout) != len || fflush(stdout)))
		r = -EIO;
	free(text);
	return r;
}

static int make(struct bundle *b)
{
	int r = 0;

	b->hide = agent_hide_new();
	if (!b->hide)
		return -ENOMEM;
	agent_hide_learn_machine(b->hide);
	if (b->config)
		agent_hide_learn(b->hide, AGENT_HIDE_NAME, b->config);
	for (size_t i = 0; i < PART_CNT && !r; i++)
		r = gather(b, i);
	for (size_t i = 0; i < PART_CNT && !r; i++)
		learn(b, i);
	return r ? r : print_whole(b);
}

int adit_bundle_main(int argc, char **argv)
{
	struct agent_words w = { "bundle", "[-o FILE] [-c FILE]", argc, argv, 1, false, false };
	struct bundle b = { 0 };
	const char *word;
	int r;

	while ((word = agent_word(&w))) {
		if (agent_word_is(&w, word, "-o", &b.output) || agent_word_is(&w, word, "--output", &b.output) ||
		    agent_word_is(&w, word, "-c", &b.config) || agent_word_is(&w, word, "--config", &b.config) ||
		    agent_word_is(&w, word, "--control", &b.control))
			continue;
		if (!agent_word_operand(&w, word))
			break;
		agent_word_wrong(&w, "it takes options alone: ", word);
	}
	if (w.wrong)
		return ADIT_EXIT_USAGE;
	r = make(&b);
	for (size_t i = 0; i < PART_CNT; i++)
		free(b.text[i]);
	agent_hide_free(b.hide);
	if (r)
		fprintf(stderr, "adit bundle: %s%s%s\n", b.output ? b.output : "", b.output ? ": " : "", strerror(-r));
	else if (b.output)
		fprintf(stderr, "adit bundle: %s is written; look through it before you give it away\n", b.output);
	return r ? ADIT_EXIT_FAILED : ADIT_EXIT_OK;
}
