/* SPDX-License-Identifier: ISC */
/* completion.c - `adit completion SHELL`, written from the command table */
#include <stdbool.h>
#include <string.h>

#include "cli/cli.h"

/* "-f, --foreground" -> each of its names */
static void each_name(const struct adit_option *o, void (*f)(const char *name, int len, const struct adit_option *o))
{
	const char *p = o->name;

	while (*p) {
		int len = (int)strcspn(p, ", ");

		f(p, len, o);
		p += len;
		p += strspn(p, ", ");
	}
}

static void print_word(const char *name, int len, const struct adit_option *o)
{
	(void)o;
	printf("%.*s ", len, name);
}

/* In single quotes, for all three shells; no text of the table has a backslash. */
static void quoted(const char *text)
{
	for (; *text; text++)
		if (*text == '\'')
			printf("'\\''");
		else
			putchar(*text);
}

static bool is_word_list(const char *complete)
{
	return strcmp(complete, "none") && strcmp(complete, "iface") && strcmp(complete, "file") &&
	       strcmp(complete, "network") && strcmp(complete, "command");
}

/* --- bash ----------------------------------------------------------------- */

static void command_words(void)
{
	const struct adit_command *c;

	for (c = adit_commands; c->name; c++)
		printf("%s ", c->name);
}

static void bash_operand(const struct adit_command *c)
{
	if (!strcmp(c->complete, "iface"))
		printf(" words=$(adit show --names 2>/dev/null)");
	else if (!strcmp(c->complete, "network"))
		printf(" words=$(adit status --names 2>/dev/null)");
	else if (!strcmp(c->complete, "file"))
		printf(" words=$(_adit_confs) files=1");
	else if (!strcmp(c->complete, "command"))
		printf(" words=$commands");
	else if (is_word_list(c->complete))
		printf(" words='%s'", c->complete);
}

static void bash(void)
{
	const struct adit_command *c;
	const struct adit_option *o;

	printf("# bash completion for adit\n"
	       "_adit_confs() {\n"
	       "\tlocal f\n"
	       "\tfor f in /etc/wireguard/*.conf; do f=${f##*/}; f=${f%%.conf}; [[ $f == '*' ]] || echo \"$f\"; done\n"
	       "}\n"
	       "_adit() {\n"
	       "\tlocal cur=${COMP_WORDS[COMP_CWORD]} cmd=${COMP_WORDS[1]} opts='' words='' files=''\n"
	       "\tlocal commands='");
	command_words();
	printf("'\n"
	       "\tCOMPREPLY=()\n"
	       "\tif [[ ${COMP_WORDS[0]##*/} == adit-wg ]]; then cmd=device\n"
	       "\telif ((COMP_CWORD == 1)); then\n"
	       "\t\tmapfile -t COMPREPLY < <(compgen -W \"$commands --help --version\" -- \"$cur\")\n"
	       "\t\treturn\n"
	       "\tfi\n"
	       "\tcase $cmd in\n");
	for (c = adit_commands; c->name; c++) {
		printf("\t%s) opts='", c->name);
		for (o = c->options; o->name; o++)
			each_name(o, print_word);
		printf("--help'");
		bash_operand(c);
		printf(" ;;\n");
	}
	printf("\tesac\n"
	       "\tif [[ $cur == -* ]]; then words=$opts files=''; fi\n"
	       "\tmapfile -t COMPREPLY < <(compgen -W \"$words\" -- \"$cur\"\n"
	       "\t\t[[ $files ]] && compgen -f -X '!*.conf' -- \"$cur\"\n"
	       "\t\t[[ $files ]] && compgen -d -- \"$cur\")\n"
	       "}\n"
	       "complete -o filenames -F _adit adit adit-wg\n");
}

/* --- zsh ------------------------------------------------------------------ */

/* A specification of _arguments: brackets and colons in the text mean something. */
static void zsh_option(const char *name, int len, const struct adit_option *o)
{
	const char *t;

	printf(" \\\n\t\t\t'%.*s[", len, name);
	for (t = o->text; *t; t++) {
		if (*t == '[' || *t == ']' || *t == ':')
			putchar('\\');
		if (*t == '\'')
			printf("'\\''");
		else
			putchar(*t);
	}
	printf("]'");
}

static void zsh_operand(const struct adit_command *c)
{
	if (!strcmp(c->complete, "iface"))
		printf(" \\\n\t\t\t'1:interface:{compadd -- ${(f)\"$(adit show --names 2>/dev/null)\"}}'");
	else if (!strcmp(c->complete, "network"))
		printf(" \\\n\t\t\t'1:network:{compadd -- ${(f)\"$(adit status --names 2>/dev/null)\"}}'");
	else if (!strcmp(c->complete, "file"))
		printf(" \\\n\t\t\t'1:configuration:{compadd -- /etc/wireguard/*.conf(N:t:r); _files -g \"*.conf\"}'");
	else if (!strcmp(c->complete, "command"))
		printf(" \\\n\t\t\t'1:command:{_describe command commands}'");
	else if (is_word_list(c->complete))
		printf(" \\\n\t\t\t'1:word:(%s)'", c->complete);
}

static void zsh(void)
{
	const struct adit_command *c;
	const struct adit_option *o;

	printf("#compdef adit adit-wg\n"
	       "_adit() {\n"
	       "\tlocal -a commands=(\n");
	for (c = adit_commands; c->name; c++) {
		printf("\t\t'%s:", c->name);
		quoted(c->summary);
		printf("'\n");
	}
	printf("\t)\n"
	       "\tif [[ $service == adit-wg ]]; then words=(adit device \"${(@)words[2,-1]}\"); ((CURRENT++)); fi\n"
	       "\tif ((CURRENT == 2)); then _describe command commands; return; fi\n"
	       "\tshift words; ((CURRENT--))\n"
	       "\tcase $words[1] in\n");
	for (c = adit_commands; c->name; c++) {
		printf("\t%s)\n\t\t_arguments '--help[print help]'", c->name);
		for (o = c->options; o->name; o++)
			each_name(o, zsh_option);
		zsh_operand(c);
		printf(" ;;\n");
	}
	printf("\tesac\n"
	       "}\n"
	       "_adit \"$@\"\n");
}

/* --- fish ----------------------------------------------------------------- */

static const char *fish_command;

static void fish_option(const char *name, int len, const struct adit_option *o)
{
	int dashes = (int)strspn(name, "-");

	printf("complete -c adit -n '__fish_seen_subcommand_from %s' -%c %.*s -d '", fish_command,
	       dashes == 1 ? 's' : 'l', len - dashes, name + dashes);
	quoted(o->text);
	printf("'\n");
	if (strcmp(fish_command, "device") != 0)
		return;
	printf("complete -c adit-wg -%c %.*s -d '", dashes == 1 ? 's' : 'l', len - dashes, name + dashes);
	quoted(o->text);
	printf("'\n");
}

static void fish_operand(const struct adit_command *c)
{
	const char *words = NULL;

	if (!strcmp(c->complete, "iface"))
		words = "(adit show --names 2>/dev/null)";
	else if (!strcmp(c->complete, "network"))
		words = "(adit status --names 2>/dev/null)";
	else if (!strcmp(c->complete, "file"))
		words = "(__fish_complete_suffix .conf; string replace -r '.*/(.*)\\.conf' '$1' /etc/wireguard/*.conf)";
	else if (is_word_list(c->complete))
		words = c->complete;
	if (words)
		printf("complete -c adit -n '__fish_seen_subcommand_from %s' -a \"%s\"\n", c->name, words);
	if (strcmp(c->complete, "command") != 0)
		return;
	printf("complete -c adit -n '__fish_seen_subcommand_from %s' -a '", c->name);
	command_words();
	printf("'\n");
}

static void fish(void)
{
	const struct adit_command *c;
	const struct adit_option *o;

	printf("# fish completion for adit\n"
	       "complete -c adit -f\n"
	       "complete -c adit-wg -f\n"
	       "complete -c adit -l help -d 'print help'\n"
	       "complete -c adit -n __fish_use_subcommand -l version -d 'print the version'\n");
	for (c = adit_commands; c->name; c++) {
		printf("complete -c adit -n __fish_use_subcommand -a %s -d '", c->name);
		quoted(c->summary);
		printf("'\n");
	}
	for (c = adit_commands; c->name; c++) {
		fish_command = c->name;
		for (o = c->options; o->name; o++)
			each_name(o, fish_option);
		fish_operand(c);
	}
}

int adit_completion_main(int argc, char **argv)
{
	if (argc == 2 && !strcmp(argv[1], "bash"))
		bash();
	else if (argc == 2 && !strcmp(argv[1], "zsh"))
		zsh();
	else if (argc == 2 && !strcmp(argv[1], "fish"))
		fish();
	else
		return fprintf(stderr, "adit completion: which shell?\nUsage: adit completion bash|zsh|fish\n"),
		       ADIT_EXIT_USAGE;
	return fflush(stdout) ? ADIT_EXIT_FAILED : ADIT_EXIT_OK;
}
