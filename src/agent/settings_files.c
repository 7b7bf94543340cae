/* SPDX-License-Identifier: ISC */
/* settings_files.c - the files of a configuration: opened, and made one tree */
#include <dirent.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/sysmacros.h>
#include <unistd.h>

#include "agent/settings_internal.h"
#include "base/filename.h"
#include "crypto/keytext.h"
#include "host/keyfile.h"

static const struct adit_conf_pos top = { 1, 1 };

/* --- drop-ins on disk ---------------------------------------------------------- */

struct names {
	char **item; /* paths */
	size_t cnt, cap;
};

static int by_base_name(const void *a, const void *b)
{
	return strcmp(adit_filename_last(*(char *const *)a), adit_filename_last(*(char *const *)b));
}

static bool is_drop_in(const char *name)
{
	size_t n = strlen(name);

	return n > 5 && name[0] != '.' && !strcmp(name + n - 5, ".toml");
}

/* A name that stands already is masked by this one, which is of a folder with more say. */
static int add_name(struct names *names, const char *dir, const char *name)
{
	char *path = malloc(strlen(dir) + strlen(name) + 2);
	size_t i;

	if (!path)
		return -ENOMEM;
	sprintf(path, "%s/%s", dir, name);
	for (i = 0; i < names->cnt; i++)
		if (!strcmp(adit_filename_last(names->item[i]), name))
			break;
	if (i < names->cnt) {
		free(names->item[i]);
		names->item[i] = path;
		return 0;
	}
	if (names->cnt == names->cap) {
		size_t cap = names->cap ? names->cap * 2 : 16;
		char **grown = realloc(names->item, cap * sizeof(*grown));

		if (!grown) {
			free(path);
			return -ENOMEM;
		}
		names->item = grown;
		names->cap = cap;
	}
	names->item[names->cnt++] = path;
	return 0;
}

/* What others may put there would run with our rights. */
static int open_folder(const char *path, DIR **ret)
{
	struct stat st;
	int r = 0;

	*ret = opendir(path);
	if (!*ret)
		return errno == ENOENT || errno == ENOTDIR ? 0 : -errno;
	if (fstat(dirfd(*ret), &st) < 0)
		r = -errno;
	else if ((st.st_uid != 0 && st.st_uid != geteuid()) || st.st_mode & (S_IWGRP | S_IWOTH))
		r = -EPERM;
	if (r) {
		closedir(*ret);
		*ret = NULL;
	}
	return r;
}

static int read_folder(struct names *names, const char *path)
{
	const struct dirent *e;
	DIR *dir;
	int r = open_folder(path, &dir);

	if (!dir)
		return r;
	while (!r && (e = readdir(dir)))
		if (is_drop_in(e->d_name))
			r = add_name(names, path, e->d_name);
	closedir(dir);
	return r;
}

/* A link to /dev/null only masks. */
static bool is_mask(const char *path)
{
	struct stat st;

	return !stat(path, &st) && S_ISCHR(st.st_mode) && st.st_rdev == makedev(1, 3);
}

static void drop_masks(struct names *names)
{
	size_t kept = 0;

	for (size_t i = 0; i < names->cnt; i++) {
		if (is_mask(names->item[i]))
			free(names->item[i]);
		else
			names->item[kept++] = names->item[i];
	}
	names->cnt = kept;
}

int agent_drop_ins_in(const char *const *dirs, char ***ret)
{
	struct names names = { 0 };
	int r = 0;

	for (size_t i = 0; dirs[i] && !r; i++)
		r = read_folder(&names, dirs[i]);
	if (r) {
		agent_names_free(names.item, names.cnt);
		return r;
	}
	drop_masks(&names);
	if (names.cnt)
		qsort(names.item, names.cnt, sizeof(*names.item), by_base_name);
	*ret = names.item;
	return (int)names.cnt;
}

int agent_drop_ins(const char *path, char ***ret)
{
	char beside[4096];
	const char *own[] = { beside, NULL };
	static const char *const system[] = { "/usr/lib/adit/conf.d", "/run/adit/conf.d", "/etc/adit/conf.d", NULL };

	if (!adit_filename_beside(path, "conf.d", beside, sizeof(beside)))
		return -ENAMETOOLONG;
	return agent_drop_ins_in(!strcmp(beside, "/etc/adit/conf.d") ? system : own, ret);
}

void agent_names_free(char **names, size_t cnt)
{
	for (size_t i = 0; i < cnt; i++)
		free(names[i]);
	free(names);
}

/* --- one file ---------------------------------------------------------------------- */

int agent_file_direct(struct adit_textfile *ret, const char *path)
{
	return adit_textfile_read(ret, path, AGENT_TEXT_MAX, true);
}

static const char *open_problem(int r)
{
	return r == -EINVAL ? "not a plain file" : r == -EFBIG ? "larger than 16 MiB" : strerror(-r);
}

bool agent_file_open(struct agent_reading *rd, const char *path, const struct adit_conf_node *at,
		     struct adit_textfile *ret)
{
	const struct agent_opener *o = rd->opener;
	int r;

	*ret = (struct adit_textfile){ 0 };
	r = o && o->open ? o->open(o->user, ret, path) : agent_file_direct(ret, path);
	if (!r)
		return true;
	adit_textfile_free(ret);
	if (at)
		adit_conf_error(rd->errors, at, "%.200s: %s", path, open_problem(r));
	else
		adit_conf_error_at(rd->errors, path, top, "", "%s", open_problem(r));
	return false;
}

/* Who may write a configuration may do with this machine's network what he likes. */
static void warn_if_writable(struct agent_reading *rd, const struct adit_conf *doc, const struct adit_textfile *text)
{
	if (text->mode & (S_IWGRP | S_IWOTH))
		adit_conf_warning(rd->errors, doc->root, "others than its owner may change this file (chmod go-w)");
	else if (text->owner != 0 && text->owner != geteuid())
		adit_conf_warning(rd->errors, doc->root, "it belongs to somebody else than root and who runs adit");
}

bool agent_files_add(struct agent_reading *rd, struct adit_conf *doc, const struct adit_textfile *text, bool quick)
{
	struct agent_files *files = rd->files;
	struct agent_file *f = &files->file[files->cnt];

	if (files->cnt == AGENT_FILES_MAX) {
		if (!files->full)
			adit_conf_error_at(rd->errors, doc->name, top, "", "more than %zu files", AGENT_FILES_MAX);
		files->full = true;
		adit_conf_free(doc);
		return false;
	}
	f->doc = doc;
	f->quick = quick;
	f->problem = adit_keyfile_problem(text);
	warn_if_writable(rd, doc, text);
	rd->config->files[files->cnt] = agent_dup(rd, doc->name);
	rd->config->file_cnt = ++files->cnt;
	return true;
}

const struct agent_file *agent_file_of(const struct agent_reading *rd, const struct adit_conf_node *node)
{
	size_t i = 0;

	while (i < rd->files->cnt - 1 && rd->files->file[i].doc != node->doc)
		i++;
	return &rd->files->file[i];
}

struct agent_origin agent_origin_of(const struct agent_reading *rd, const struct adit_conf_node *node)
{
	size_t i = (size_t)(agent_file_of(rd, node) - rd->files->file);

	return (struct agent_origin){ rd->config->files[i], node->pos };
}

bool agent_place(struct agent_reading *rd, const struct adit_conf_node *node, const char *name, char *ret, size_t size)
{
	uint8_t key[ADIT_KEY_LEN];

	if (adit_key_from_base64(key, name, strlen(name))) /* which no message may show */
		adit_conf_error(rd->errors, node, "a key stands here, and the name of a file is wanted");
	else if (!name[0])
		adit_conf_error(rd->errors, node, "the name of a file is wanted, and this is empty");
	else if (!adit_filename_beside(node->doc->name, name, ret, size))
		adit_conf_error(rd->errors, node, "the name is too long");
	else
		return true;
	adit_wipe(key, sizeof(key));
	return false;
}

/* --- all of them --------------------------------------------------------------------- */

static bool ends_with(const char *s, const char *end)
{
	size_t n = strlen(s), k = strlen(end);

	return n > k && !strcmp(s + n - k, end);
}

static bool load_tree(struct agent_reading *rd, const char *path, const struct adit_textfile *text)
{
	struct adit_conf *doc;

	if (adit_conf_read(&doc, rd->errors, path, text->p, text->len, NULL) == -ENOMEM) {
		rd->errors->no_memory = true;
		return false;
	}
	return agent_files_add(rd, doc, text, false);
}

/* A wg-quick file as a configuration: one network, which is wanted, on an interface of its name, as wg-quick does. */
static bool load_quick(struct agent_reading *rd, const char *path, const struct adit_textfile *text)
{
	struct adit_conf *doc = adit_conf_new(path);
	struct adit_conf_node *networks, *net = NULL, *enable = NULL;
	char name[AGENT_NAME_LEN];

	agent_quick_name(path, name);
	networks = doc ? adit_conf_add(doc->root, "network", ADIT_CONF_TABLE, top, top) : NULL;
	if (networks)
		net = adit_conf_add(networks, name, ADIT_CONF_TABLE, top, top);
	if (net)
		enable = adit_conf_add(net, "enable", ADIT_CONF_BOOL, top, top);
	if (!enable) {
		adit_conf_free(doc);
		rd->errors->no_memory = true;
		return false;
	}
	enable->u.boolean = true;
	if (adit_ifname_valid(name)) {
		struct adit_conf_node *ifname = adit_conf_add(net, "interface", ADIT_CONF_STRING, top, top);

		if (!ifname || adit_conf_set_text(ifname, name, strlen(name)))
			rd->errors->no_memory = true;
	}
	if (!agent_files_add(rd, doc, text, true))
		return false;
	agent_quick_read(rd, net, text);
	return true;
}

static bool load(struct agent_reading *rd, const char *path, bool quick)
{
	struct adit_textfile text;
	bool ok;

	if (!agent_file_open(rd, path, NULL, &text))
		return false;
	ok = quick ? load_quick(rd, path, &text) : load_tree(rd, path, &text);
	adit_textfile_free(&text);
	return ok;
}

static void load_drop_in(struct agent_reading *rd, const char *path)
{
	struct adit_conf_node *root = rd->files->file[0].doc->root, *other;
	size_t before = rd->files->cnt;

	if (!load(rd, path, false) || rd->files->cnt == before)
		return;
	other = rd->files->file[before].doc->root;
	if (root->kind == ADIT_CONF_TABLE && other->kind == ADIT_CONF_TABLE)
		adit_conf_merge(root, other, ADIT_CONF_LATER);
}

static int list_drop_ins(struct agent_reading *rd, const char *path, char ***names)
{
	const struct agent_opener *o = rd->opener;

	return o && o->drop_ins ? o->drop_ins(o->user, path, names) : agent_drop_ins(path, names);
}

bool agent_files_load(struct agent_reading *rd, const char *path)
{
	bool quick = ends_with(path, ".conf");
	char **names = NULL;
	int n;

	if (!load(rd, path, quick))
		return false;
	if (quick)
		return true;
	n = list_drop_ins(rd, path, &names);
	if (n < 0)
		adit_conf_error_at(rd->errors, path, top, "", "conf.d beside it: %s",
				   n == -EPERM ? "others than root and we may put files there" : strerror(-n));
	for (int i = 0; i < n; i++)
		load_drop_in(rd, names[i]);
	if (n >= 0)
		agent_names_free(names, (size_t)n);
	return true;
}

void agent_files_fini(struct agent_files *files)
{
	while (files->cnt)
		adit_conf_free(files->file[--files->cnt].doc);
}
