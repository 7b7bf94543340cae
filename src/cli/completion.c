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

/* file: of wg-quick, or the name of one in /etc/wireguard; conf: such a file alone; config: of the agent or a
 * tunnel; "show config": that word, then such a file; program: behind --, any command with its arguments */
static bool is_word_list(const char *complete)
{
	static const char *const kinds[] = { "none", "iface", "file", "conf", "config", "show config", "network", "command",
					     "program" };

	for (size_t i = 0; i < sizeof(kinds) / sizeof(kinds[0]); i++)
		if (!strcmp(complete, kinds[i]))
			return false;
	return true;
}

/* What an option's value is: 'c'onfiguration, 'f'ile, 'd'irectory, 'w'ord; 0: it takes none. */
static char value_of(const struct adit_option *o)
{
	if (!o->arg)
		return 0;
	if (strstr(o->name, "--config"))
		return 'c';
	if (!strcmp(o->arg, "FOLDER"))
		return 'd';
	return !strcmp(o->arg, "FILE") || !strcmp(o->arg, "PATH") ? 'f' : 'w';
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
		printf(" words=$(_adit_confs) files=conf");
	else if (!strcmp(c->complete, "conf"))
		printf(" files=conf");
	else if (!strcmp(c->complete, "config"))
		printf(" files=config");
	else if (!strcmp(c->complete, "show config"))
		printf("; if ((COMP_CWORD == 2)); then words=show; else files=config; fi");
	else if (!strcmp(c->complete, "program"))
		printf(" program=1");
	else if (!strcmp(c->complete, "command"))
		printf(" words=$commands");
	else if (is_word_list(c->complete))
		printf(" words='%s'", c->complete);
}

static void bash_value(const char *name, int len, const struct adit_option *o)
{
	static const char *const kinds[] = { ['c'] = "config", ['f'] = "any", ['d'] = "folders", ['w'] = "none" };

	if (value_of(o))
		printf(" %.*s) kind=%s ;;", len, name, kinds[(unsigned char)value_of(o)]);
}

static bool has_values(const struct adit_command *c)
{
	for (const struct adit_option *o = c->options; o->name; o++)
		if (o->arg)
			return true;
	return false;
}

static void bash_files(void)
{
	printf("_adit_files() {\n"
	       "\tcase $1 in\n"
	       "\tany) compgen -f -- \"$2\"; return ;;\n"
	       "\tconfig) compgen -f -X '!*.toml' -- \"$2\"; compgen -f -X '!*.json' -- \"$2\" ;;&\n"
	       "\tconf|config) compgen -f -X '!*.conf' -- \"$2\" ;;&\n"
	       "\tconf|config|folders) compgen -d -- \"$2\" ;;\n"
	       "\tesac\n"
	       "}\n"
	       "# behind --: a command, then its arguments\n"
	       "_adit_program() {\n"
	       "\tlocal i\n"
	       "\tfor ((i = 2; i < COMP_CWORD; i++)); do\n"
	       "\t\t[[ ${COMP_WORDS[i]} == -- ]] || continue\n"
	       "\t\tif declare -F _command_offset >/dev/null; then _command_offset $((i + 1))\n"
	       "\t\telif ((i + 1 == COMP_CWORD)); then mapfile -t COMPREPLY < <(compgen -c -- \"$1\")\n"
	       "\t\telse mapfile -t COMPREPLY < <(compgen -f -- \"$1\"); fi\n"
	       "\t\treturn 0\n"
	       "\tdone\n"
	       "\treturn 1\n"
	       "}\n");
}

static void bash(void)
{
	const struct adit_command *c;
	const struct adit_option *o;

	printf("# bash completion for adit\n"
	       "_adit_confs() {\n"
	       "\tlocal f\n"
	       "\tfor f in /etc/wireguard/*.conf; do f=${f##*/}; f=${f%%.conf}; [[ $f == '*' ]] || echo \"$f\"; done\n"
	       "}\n");
	bash_files();
	printf("_adit() {\n"
	       "\tlocal cur=${COMP_WORDS[COMP_CWORD]} prev=${COMP_WORDS[COMP_CWORD-1]} cmd=${COMP_WORDS[1]}\n"
	       "\tlocal opts='' words='' files='' kind='' program=''\n"
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
		if (has_values(c)) {
			printf("\n\t\tcase $prev in");
			for (o = c->options; o->name; o++)
				each_name(o, bash_value);
			printf(" esac");
		}
		printf(" ;;\n");
	}
	printf("\tesac\n"
	       "\tif [[ $program ]] && _adit_program \"$cur\"; then return; fi\n"
	       "\tif [[ $kind ]]; then words='' files=$kind\n"
	       "\telif [[ $cur == -* ]]; then words=$opts files=''; fi\n"
	       "\tmapfile -t COMPREPLY < <(compgen -W \"$words\" -- \"$cur\"; _adit_files \"$files\" \"$cur\")\n"
	       "}\n"
	       "complete -o filenames -F _adit adit adit-wg\n");
}

/* --- zsh ------------------------------------------------------------------ */

#define ZSH_CONFIGS "_files -g \"*.(toml|json|conf)\""

static const char *zsh_value(const struct adit_option *o)
{
	switch (value_of(o)) {
	case 'c':
		return ":file:" ZSH_CONFIGS;
	case 'f':
		return ":file:_files";
	case 'd':
		return ":folder:_files -/";
	case 'w':
		return ":value: ";
	}
	return "";
}

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
	printf("]%s'", zsh_value(o));
}

static void zsh_operand(const struct adit_command *c)
{
	if (!strcmp(c->complete, "iface"))
		printf(" \\\n\t\t\t'1:interface:{compadd -- ${(f)\"$(adit show --names 2>/dev/null)\"}}'");
	else if (!strcmp(c->complete, "network"))
		printf(" \\\n\t\t\t'1:network:{compadd -- ${(f)\"$(adit status --names 2>/dev/null)\"}}'");
	else if (!strcmp(c->complete, "file"))
		printf(" \\\n\t\t\t'1:configuration:{compadd -- /etc/wireguard/*.conf(N:t:r); _files -g \"*.conf\"}'");
	else if (!strcmp(c->complete, "conf"))
		printf(" \\\n\t\t\t'1:file:_files -g \"*.conf\"'");
	else if (!strcmp(c->complete, "config"))
		printf(" \\\n\t\t\t'1:file:" ZSH_CONFIGS "'");
	else if (!strcmp(c->complete, "show config"))
		printf(" \\\n\t\t\t'1:word:(show)' '2:file:" ZSH_CONFIGS "'");
	else if (!strcmp(c->complete, "program"))
		printf(" \\\n\t\t\t'*:: :_normal'");
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

#define FISH_CONFIGS "(__fish_complete_suffix .toml; __fish_complete_suffix .json; __fish_complete_suffix .conf)"

static const char *fish_command;

static const char *fish_value(const struct adit_option *o)
{
	switch (value_of(o)) {
	case 'c':
		return " -x -a \"" FISH_CONFIGS "\"";
	case 'f':
		return " -r -F";
	case 'd':
		return " -x -a '(__fish_complete_directories)'";
	case 'w':
		return " -x";
	}
	return "";
}

static void fish_option(const char *name, int len, const struct adit_option *o)
{
	int dashes = (int)strspn(name, "-");

	printf("complete -c adit -n '__fish_seen_subcommand_from %s' -%c %.*s -d '", fish_command,
	       dashes == 1 ? 's' : 'l', len - dashes, name + dashes);
	quoted(o->text);
	printf("'%s\n", fish_value(o));
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
	else if (!strcmp(c->complete, "conf"))
		words = "(__fish_complete_suffix .conf)";
	else if (!strcmp(c->complete, "config"))
		words = FISH_CONFIGS;
	else if (!strcmp(c->complete, "show config"))
		words = "show " FISH_CONFIGS;
	else if (!strcmp(c->complete, "program"))
		words = "(set -l t (commandline -cop) (commandline -ct); set -l i (contains -i -- -- \\$t); "
			"and complete -C (string join ' ' -- \\$t[(math \\$i + 1)..-1]))";
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
