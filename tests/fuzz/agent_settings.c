/* SPDX-License-Identifier: ISC */
/*
 * agent_settings.c - the agent's whole configuration: TOML, JSON, wg-quick
 * files, drop-ins and what they name. The first byte chooses the kind; bytes ff
 * part the files. Every message has its place in a text, none shows a key, and
 * what was read is the same when it is read again, or from JSON.
 */
#include <stdbool.h>
#include <string.h>

#include "agent/settings_internal.h"
#include "agent/tree_print.h"
#include "fuzz.h"
#include "support/memory_files.h"

#define SECRET "c2VjcmV0IG9mIHRoZSBjb25maWd1cmF0aW9uIGZpbGU="

struct job {
	struct memory_files files;
	unsigned lines[MEMORY_FILES_MAX];
	bool with_secret; /* which no message may show */
	FILE *json; /* or NULL: not asked for */
};

/* "NAME:LINE:COL: text", the place being inside that file. */
static void on_report(void *user, const char *msg)
{
	const struct job *job = user;
	unsigned line, col;

	if (strstr(msg, " more errors"))
		return;
	MUST(!job->with_secret || !strstr(msg, SECRET));
	for (size_t i = 0; i < job->files.cnt; i++) {
		const struct memory_file *f = &job->files.file[i];
		size_t n = strlen(f->name);

		if (strncmp(msg, f->name, n) || msg[n] != ':')
			continue;
		MUST(sscanf(msg + n, ":%u:%u: ", &line, &col) == 2);
		MUST(line >= 1 && line <= job->lines[i] && col >= 1 && col <= f->len + 1);
		return;
	}
	MUST(!"a message about a file that is not there");
}

static void print_tree(void *user, const struct agent_reading *rd, const struct adit_conf_node *root)
{
	struct job *job = user;

	(void)rd;
	if (job->json)
		agent_print_json(job->json, root);
}

static struct agent_config *read_all(struct job *job)
{
	struct agent_opener opener = memory_opener(&job->files);
	struct agent_look look = { false, print_tree, job };
	struct adit_conf_errors errors = { 0 };
	struct agent_config *config = agent_config_look(job->files.file[0].name, &opener, &errors, &look);

	MUST(!errors.no_memory && !config == (errors.cnt > 0));
	adit_conf_errors_report(&errors, on_report, job);
	adit_conf_errors_fini(&errors);
	return config;
}

static void check_same(const struct agent_config *a, const struct agent_config *b)
{
	MUST(a->network_cnt == b->network_cnt);
	for (const struct agent_network_settings *n = a->networks; n; n = n->next) {
		const struct agent_network_settings *other = agent_config_find(b, n->name);

		MUST(other && agent_network_same(n, other) && agent_network_same(other, n));
		MUST(n->at.file && n->at.pos.line && (n->peers || !n->peer_cnt));
		MUST(!n->fwd == (n->type != AGENT_FORWARD) && !n->fixed == (n->type != AGENT_STATIC));
	}
}

/* The tree as JSON is the same configuration; not where parts came from other files. */
static void check_as_json(const struct agent_config *config, char *text, size_t len)
{
	struct job job = { .files = { .cnt = 1 } };
	struct agent_config *again;

	strcpy(job.files.file[0].name, "x.json");
	job.files.file[0].text = text;
	job.files.file[0].len = len;
	job.files.file[0].mode = 0600;
	job.lines[0] = 1;
	again = read_all(&job);
	MUST(again);
	check_same(config, again);
	agent_config_free(again);
}

/* It stands there as a string, and nowhere as a piece of something longer, which nobody could know for a key. */
static bool has_secret(const char *p, size_t len)
{
	const size_t n = strlen(SECRET);
	bool found = false;

	for (size_t i = 0; i + n <= len; i++) {
		if (memcmp(p + i, SECRET, n) != 0)
			continue;
		if (!i || p[i - 1] != '"' || i + n == len || p[i + n] != '"')
			return false;
		found = true;
	}
	return found;
}

static void part(struct job *job, uint8_t kind, const char *p, size_t len)
{
	static const char *const names[] = { "x.toml", "x.json", "x.conf" };
	static const char *const others[] = { "q.conf", "conf.d/1.toml", "r.conf", "conf.d/2.toml" };
	const char *end = p + len;

	while (job->files.cnt < 5) {
		struct memory_file *f = &job->files.file[job->files.cnt];
		const char *ff = p < end ? memchr(p, 0xff, (size_t)(end - p)) : NULL;

		strcpy(f->name, job->files.cnt ? others[job->files.cnt - 1] : names[kind % 3]);
		f->text = p;
		f->len = (size_t)((ff ? ff : end) - p);
		f->mode = kind & 64 ? 0644 : 0600;
		job->lines[job->files.cnt] = 1;
		for (size_t i = 0; i < f->len; i++)
			job->lines[job->files.cnt] += p[i] == '\n';
		job->files.cnt++;
		if (!ff)
			return;
		p = ff + 1;
	}
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct job job = { 0 };
	struct agent_config *config, *again;
	char *copy, *text = NULL;
	size_t len = 0;

	if (!size)
		return 0;
	copy = (char *)fuzz_copy(data + 1, size - 1);
	part(&job, data[0], copy, size - 1);
	job.with_secret = has_secret(copy, size - 1);
	job.json = open_memstream(&text, &len);
	MUST(job.json);
	config = read_all(&job);
	fclose(job.json);
	job.json = NULL;
	if (config) {
		again = read_all(&job);
		MUST(again);
		check_same(config, again);
		agent_config_free(again);
		if (job.files.cnt == 1 && data[0] % 3 != 2)
			check_as_json(config, text, len);
	}
	agent_config_free(config);
	free(text);
	free(copy);
	return 0;
}
