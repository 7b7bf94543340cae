/* SPDX-License-Identifier: ISC */
/* words.h - the arguments of the commands of commands.h */
#ifndef ADIT_AGENT_WORDS_H
#define ADIT_AGENT_WORDS_H

#include <stdbool.h>

struct agent_words {
	const char *command, *usage; /* "check", "[FILE] [--json]" */
	int argc;
	char **argv;
	int at;
	bool wrong;  /* usage was explained */
	bool no_more; /* after "--" */
};

/* The next argument that is not taken yet; NULL: none. */
const char *agent_word(struct agent_words *w);
/* Is it this option? A value: "--name X" and "--name=X"; value NULL: it has none. */
bool agent_word_is(struct agent_words *w, const char *word, const char *option, const char **value);
/* Is it an operand? An option that nobody took is explained. */
bool agent_word_operand(struct agent_words *w, const char *word);
/* "adit check: WHAT'ARG'" and the usage, on standard error. */
void agent_word_wrong(struct agent_words *w, const char *what, const char *arg);

#endif
