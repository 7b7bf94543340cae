/* SPDX-License-Identifier: ISC */
/* words.c - the arguments of commands */
#include "agent/words.h"

#include <stdio.h>
#include <string.h>

void agent_word_wrong(struct agent_words *w, const char *what, const char *arg)
{
	if (!w->wrong)
		fprintf(stderr, "adit %s: %s%s\nUsage: adit %s %s (adit %s --help says more)\n", w->command, what, arg,
			w->command, w->usage, w->command);
	w->wrong = true;
}

const char *agent_word(struct agent_words *w)
{
	const char *word = w->at < w->argc && !w->wrong ? w->argv[w->at++] : NULL;

	if (!word || w->no_more || strcmp(word, "--") != 0)
		return word;
	w->no_more = true;
	return agent_word(w);
}

bool agent_word_is(struct agent_words *w, const char *word, const char *option, const char **value)
{
	size_t n = strlen(option);

	if (w->no_more || strncmp(word, option, n) != 0)
		return false;
	if (!value)
		return !word[n];
	if (word[n] == '=' && option[1] == '-') {
		*value = word + n + 1;
		return true;
	}
	if (word[n])
		return false;
	if (w->at == w->argc)
		agent_word_wrong(w, "a value is missing after ", option);
	else
		*value = w->argv[w->at++];
	return true;
}

bool agent_word_operand(struct agent_words *w, const char *word)
{
	if (w->no_more || word[0] != '-' || !word[1])
		return true;
	agent_word_wrong(w, "unknown option ", word);
	return false;
}
