/* SPDX-License-Identifier: ISC */
/*
 * ini.c - lines of a configuration file
 *
 * What go-ini makes of a line, as far as files for wireproxy use it: '#' and
 * ';' begin a comment anywhere, '=' or ':' ends a key, a value may stand in
 * quotes, and between backquotes nothing is a comment.
 */
#include "forward/ini.h"

#include <string.h>

void forward_ini_init(struct forward_ini *ini, const char *text, size_t len)
{
	*ini = (struct forward_ini){ .next = text, .end = text + len, .start = text };
	if (len >= 3 && !memcmp(text, "\xef\xbb\xbf", 3))
		ini->next += 3; /* byte order mark of some editors */
}

unsigned forward_ini_col(const struct forward_ini *ini, const char *at)
{
	return (unsigned)(at - ini->start) + 1;
}

static struct slice upto(struct slice s, const char *end)
{
	return (struct slice){ s.p, (size_t)(end - s.p) };
}

static struct slice after(struct slice s, const char *p)
{
	return (struct slice){ p, (size_t)(s.p + s.len - p) };
}

static const char *find_any(struct slice s, const char *set)
{
	for (size_t i = 0; i < s.len; i++)
		if (s.p[i] && strchr(set, s.p[i]))
			return s.p + i;
	return NULL;
}

static bool is_comment_or_empty(struct slice s)
{
	s = quick_trim(s);
	return !s.len || s.p[0] == '#' || s.p[0] == ';';
}

static void bad(struct forward_ini_line *ret, struct slice about, const char *problem)
{
	*ret = (struct forward_ini_line){ .kind = INI_BAD, .name = about, .problem = problem };
}

static void read_section(struct slice s, struct forward_ini_line *ret)
{
	const char *close = memchr(s.p, ']', s.len);

	if (!close)
		bad(ret, s, "the bracket of a section is not closed");
	else if (!is_comment_or_empty(after(s, close + 1)))
		bad(ret, after(s, close + 1), "something stands behind a section");
	else
		*ret = (struct forward_ini_line){ .kind = INI_SECTION,
						  .name = quick_trim(upto(after(s, s.p + 1), close)) };
}

/* Between backquotes everything is meant as it stands. */
static bool read_verbatim(struct slice v, struct forward_ini_line *ret)
{
	const char *close = memchr(v.p + 1, '`', v.len - 1);

	if (!close) {
		bad(ret, v, "the backquote is not closed on this line");
		return false;
	}
	ret->value = upto(after(v, v.p + 1), close);
	if (is_comment_or_empty(after(v, close + 1)))
		return true;
	bad(ret, after(v, close + 1), "something stands behind a value in backquotes");
	return false;
}

static void read_value(struct slice v, struct forward_ini_line *ret)
{
	const char *comment;

	if (v.len && v.p[0] == '`') {
		read_verbatim(v, ret);
		return;
	}
	comment = find_any(v, "#;");
	if (comment) {
		ret->cut_short = comment > v.p && !quick_is_space(comment[-1]);
		v = quick_trim(upto(v, comment));
	}
	if (v.len >= 2 && (v.p[0] == '"' || v.p[0] == '\'') && v.p[v.len - 1] == v.p[0])
		v = (struct slice){ v.p + 1, v.len - 2 };
	ret->value = v;
}

static void read_setting(struct slice s, struct forward_ini_line *ret)
{
	const char *delimiter = find_any(s, "=:");
	struct slice key = delimiter ? quick_trim(upto(s, delimiter)) : s;

	if (!delimiter || !key.len || quick_has_space(key)) {
		bad(ret, s, "neither a section nor KEY = VALUE");
		return;
	}
	*ret = (struct forward_ini_line){ .kind = INI_SETTING, .name = key };
	read_value(quick_trim(after(s, delimiter + 1)), ret);
}

void forward_ini_next(struct forward_ini *ini, struct forward_ini_line *ret)
{
	*ret = (struct forward_ini_line){ .kind = INI_END };
	while (ini->next < ini->end) {
		const char *nl = memchr(ini->next, '\n', (size_t)(ini->end - ini->next));
		struct slice s = { ini->next, (size_t)((nl ? nl : ini->end) - ini->next) };

		ini->start = ini->next;
		ini->next = nl ? nl + 1 : ini->end;
		ini->line++;
		if (is_comment_or_empty(s))
			continue;
		s = quick_trim(s);
		if (s.p[0] == '[')
			read_section(s, ret);
		else
			read_setting(s, ret);
		return;
	}
}
