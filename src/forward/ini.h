/* SPDX-License-Identifier: ISC */
/*
 * ini.h - lines of a configuration file with [sections] and KEY = VALUE, as
 * wireproxy's files and wg-quick's are. Knows no section and no key.
 */
#ifndef ADIT_FORWARD_INI_H
#define ADIT_FORWARD_INI_H

#include "base/quicktext.h"

enum forward_ini_kind {
	INI_END,
	INI_SECTION, /* name: what stands between the brackets */
	INI_SETTING, /* name, value */
	INI_BAD,     /* problem; name: the text it is about */
};

struct forward_ini_line {
	enum forward_ini_kind kind;
	struct slice name, value;
	const char *problem;
	bool cut_short; /* a comment begins in the middle of a word: perhaps it was none */
};

struct forward_ini {
	const char *next, *end;
	const char *start; /* of the line that was given */
	unsigned line;     /* its number */
};

void forward_ini_init(struct forward_ini *ini, const char *text, size_t len);
/* The next line that says something. All slices point into the text. */
void forward_ini_next(struct forward_ini *ini, struct forward_ini_line *ret);
unsigned forward_ini_col(const struct forward_ini *ini, const char *at);

#endif
