/* SPDX-License-Identifier: ISC */
/* import.c - `adit import FILE.conf`: a wg-quick file as a network of ours, on standard output */
#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "agent/commands.h"
#include "agent/settings_internal.h"
#include "agent/tree_print.h"
#include "agent/words.h"
#include "base/exit.h"

struct import {
	const char *path, *name; /* name NULL: the file's */
	char chosen[AGENT_NAME_LEN];
};

/* --- what is left out ---------------------------------------------------------------------- */

static bool is_hook(const char *key)
{
	static const char *const names[] = { "PreUp", "PostUp", "PreDown", "PostDown", NULL };

	for (size_t i = 0; names[i]; i++)
		if (!strcmp(names[i], key))
			return true;
	return false;
}

/* One line, whatever it holds. */
static void print_comment(const char *key, const char *text)
{
	printf("# %s = ", key);
	for (; *text; text++)
		putchar((unsigned char)*text < 0x20 || *text == 0x7f ? '?' : *text);
	putchar('\n');
}

static void list_left_out(const struct import *im, const struct adit_conf_node *net)
{
	size_t hooks = 0;

	adit_conf_each(net, node) {
		if (!is_hook(node->key))
			continue;
		if (!hooks)
			printf("# Not taken over, because the agent runs no commands (for gateways there are forward,\n"
			       "# masquerade and mss_clamp):\n");
		adit_conf_each(node, item)
			print_comment(node->key, item->u.string.p);
		hooks += adit_conf_count(node);
	}
	if (hooks)
		fprintf(stderr, "adit import: %s: %zu command%s not taken over; the result lists %s\n", im->path, hooks,
			hooks == 1 ? "" : "s", hooks == 1 ? "it" : "them");
}

/* --- what is taken --------------------------------------------------------------------------- */

static void print_keys(const struct adit_conf_node *table)
{
	adit_conf_each(table, node) {
		if (is_hook(node->key) || !strcmp(node->key, "SaveConfig") || !strcmp(node->key, "peers"))
			continue;
		printf("%s = ", node->key);
		agent_print_toml(stdout, node);
		putchar('\n');
	}
}

static void print_tree(void *user, const struct agent_reading *rd, const struct adit_conf_node *root)
{
	struct import *im = user;
	const struct adit_conf_node *net = adit_conf_first(adit_conf_get(root, "network"));

	(void)rd;
	snprintf(im->chosen, sizeof(im->chosen), "%s", im->name ? im->name : net->key);
	printf("[network.");
	agent_print_toml_key(stdout, im->chosen);
	printf("]\n");
	list_left_out(im, net);
	print_keys(net);
	adit_conf_each(adit_conf_get(net, "peers"), peer) {
		printf("\n[[network.");
		agent_print_toml_key(stdout, im->chosen);
		printf(".peers]]\n");
		print_keys(peer);
	}
}

/* --- the command --------------------------------------------------------------------------------- */

static void complain(void *user, const char *msg)
{
	(void)user;
	fprintf(stderr, "%s\n", msg);
}

static void warn_if_readable(void)
{
	struct stat st;

	if (!fstat(STDOUT_FILENO, &st) && S_ISREG(st.st_mode) && st.st_mode & (S_IRWXG | S_IRWXO))
		fprintf(stderr, "adit import: the result holds keys, and others may use the file that it goes to (chmod 600, or the agent refuses it)\n");
}

static int import(struct import *im)
{
	static const struct agent_opener alone = { 0 };
	struct agent_look look = { true, print_tree, im };
	struct adit_conf_errors errors = { 0 };
	struct agent_config *config;
	bool ok;

	setvbuf(stdout, NULL, _IONBF, 0); /* keys stay in no buffer */
	warn_if_readable();
	config = agent_config_look(im->path, &alone, &errors, &look);
	ok = config;
	adit_conf_errors_report(&errors, complain, NULL);
	adit_conf_errors_fini(&errors);
	agent_config_free(config);
	if (ok && ferror(stdout)) {
		fprintf(stderr, "adit import: cannot write the result: %s\n", strerror(errno));
		return ADIT_EXIT_FAILED;
	}
	return ok ? ADIT_EXIT_OK : ADIT_EXIT_CONFIG;
}

static bool name_legal(const char *name)
{
	static const char legal[] = "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789_.-+=";

	return *name && strlen(name) < AGENT_NAME_LEN && strspn(name, legal) == strlen(name) && *name != '.' &&
	       *name != '-';
}

int adit_import_main(int argc, char **argv)
{
	struct agent_words w = { "import", "FILE.conf [--name NAME]", argc, argv, 1, false, false };
	struct import im = { 0 };
	const char *word;
	size_t n;

	while ((word = agent_word(&w))) {
		if (agent_word_is(&w, word, "--name", &im.name))
			continue;
		if (agent_word_operand(&w, word) && im.path)
			agent_word_wrong(&w, "one file at a time: ", word);
		im.path = word;
	}
	n = im.path ? strlen(im.path) : 0;
	if (!im.path)
		agent_word_wrong(&w, "which file?", "");
	else if (n < 6 || strcmp(im.path + n - 5, ".conf") != 0)
		agent_word_wrong(&w, "the name of a wg-quick file ends in .conf: ", im.path);
	if (im.name && !name_legal(im.name))
		agent_word_wrong(&w, "the name of a network has 1 to 63 letters, digits and _ = + . -: ", im.name);
	return w.wrong ? ADIT_EXIT_USAGE : import(&im);
}
