/* SPDX-License-Identifier: ISC */
/* toml_string.c - strings, comments and line ends of TOML */
#include <string.h>

#include "config/toml.h"

/* --- lines ---------------------------------------------------------------------- */

void toml_skip_blank(struct conf_reader *rd)
{
	while (conf_is(rd, ' ') || conf_is(rd, '\t'))
		rd->p++;
}

static bool at_line_end(const struct conf_reader *rd)
{
	return rd->p >= rd->end || *rd->p == '\n' || conf_starts(rd, "\r\n");
}

void toml_skip_line(struct conf_reader *rd)
{
	const char *nl = rd->p < rd->end ? memchr(rd->p, '\n', (size_t)(rd->end - rd->p)) : NULL;

	rd->p = nl ? nl : rd->end;
}

bool toml_newline(struct conf_reader *rd)
{
	if (rd->p >= rd->end || !at_line_end(rd))
		return false;
	rd->p += *rd->p == '\r' ? 2 : 1;
	conf_next_line(rd);
	return true;
}

/* Characters that stand for themselves: no control characters but the tab, valid UTF-8. */
static size_t plain_len(const struct conf_reader *rd)
{
	unsigned char c = (unsigned char)*rd->p;

	if ((c < 0x20 && c != '\t') || c == 0x7f)
		return 0;
	return conf_utf8_len(rd->p, rd->end);
}

bool toml_comment(struct conf_reader *rd)
{
	char what[CONF_WHAT_LEN];
	size_t n;

	if (!conf_is(rd, '#'))
		return true;
	while (!at_line_end(rd)) {
		n = plain_len(rd);
		if (!n) {
			conf_fault(rd, rd->p, "%s in a comment (remove it)", conf_what(rd, rd->p, what));
			toml_skip_line(rd);
			return false;
		}
		rd->p += n;
	}
	return true;
}

/* --- escapes --------------------------------------------------------------------- */

static bool unicode_escape(struct conf_reader *rd, struct conf_buf *ret)
{
	unsigned n = rd->p[1] == 'u' ? 4 : 8;
	uint32_t c;

	if (!conf_hex(rd->p + 2, rd->end, n, &c)) {
		conf_error(rd, rd->p, "\\%c is followed by %u hexadecimal digits", rd->p[1], n);
		rd->p += 2;
		return false;
	}
	if (c > 0x10ffff || (c >= 0xd800 && c <= 0xdfff)) {
		conf_error(rd, rd->p, "is no Unicode character (they end at U+10FFFF, without U+D800 to U+DFFF)");
		rd->p += 2 + n;
		return false;
	}
	conf_buf_char(rd, ret, c);
	rd->p += 2 + n;
	return true;
}

/* In a string of many lines a backslash swallows the line's end and all blanks behind it. */
static bool line_continues(struct conf_reader *rd)
{
	const char *start = rd->p;

	rd->p++;
	toml_skip_blank(rd);
	if (rd->p >= rd->end || !toml_newline(rd)) {
		rd->p = start;
		return false;
	}
	do
		toml_skip_blank(rd);
	while (toml_newline(rd));
	return true;
}

/* The backslash is at the cursor. Moves behind the escape, wrong or not. */
static bool escape(struct conf_reader *rd, struct conf_buf *ret, bool lines)
{
	static const char from[] = "\"\\bfnrt", to[] = "\"\\\b\f\n\r\t";
	char c = rd->p + 1 < rd->end ? rd->p[1] : '\0';
	const char *at = c ? strchr(from, c) : NULL;

	if (lines && line_continues(rd))
		return true;
	if (at) {
		conf_buf_add(rd, ret, &to[at - from], 1);
		rd->p += 2;
		return true;
	}
	if (c == 'u' || c == 'U')
		return unicode_escape(rd, ret);
	conf_error(rd, rd->p, "unknown escape (there are \\\" \\\\ \\b \\f \\n \\r \\t \\uXXXX \\UXXXXXXXX; in single "
			      "quotes a backslash stands for itself)");
	rd->p += c > 0x20 && c < 0x7f ? 2 : 1;
	return false;
}

/* --- strings ---------------------------------------------------------------------- */

struct string {
	char quote;
	bool lines; /* three quotes at each end */
	struct adit_conf_pos start;
	const char *line_start; /* of its first line, */
	unsigned line;          /* to go on from there when it is never closed */
};

/* Three quotes end it; one or two in front of these belong to it. */
static bool closes(struct conf_reader *rd, const struct string *s, struct conf_buf *ret)
{
	size_t n = 0;

	while (rd->p + n < rd->end && n < 5 && rd->p[n] == s->quote)
		n++;
	if (s->lines && n < 3) {
		conf_buf_add(rd, ret, rd->p, n);
		rd->p += n;
		return false;
	}
	if (s->lines)
		conf_buf_add(rd, ret, rd->p, n - 3);
	rd->p += s->lines ? n : 1;
	return true;
}

/* A run of characters that stand for themselves. */
static void plain(struct conf_reader *rd, const struct string *s, struct conf_buf *ret)
{
	const char *start = rd->p;
	size_t n;

	while (rd->p < rd->end && *rd->p != s->quote && (*rd->p != '\\' || s->quote == '\'') &&
	       (n = plain_len(rd)) != 0)
		rd->p += n;
	conf_buf_add(rd, ret, start, (size_t)(rd->p - start));
}

static bool not_closed(struct conf_reader *rd, const struct string *s)
{
	if (s->lines) {
		conf_fault_at(rd, s->start, "the string is not closed (%c%c%c is missing)", s->quote, s->quote, s->quote);
		/* All to the end of the file was taken for a string; most of it is none. */
		rd->prose = true;
		conf_back_to(rd, s->line_start, s->line);
		toml_skip_line(rd);
	} else {
		conf_fault_at(rd, s->start, "the string is not closed in its line (text of many lines stands in %s)",
			      s->quote == '"' ? "\"\"\"" : "'''");
	}
	return false;
}

static bool read_string(struct conf_reader *rd, const struct string *s, struct conf_buf *ret)
{
	char what[CONF_WHAT_LEN];
	bool ok = true;

	for (;;) {
		plain(rd, s, ret);
		if (rd->p >= rd->end || (!s->lines && at_line_end(rd)))
			return not_closed(rd, s);
		if (*rd->p == s->quote) {
			if (closes(rd, s, ret))
				return ok;
		} else if (*rd->p == '\\') {
			ok = escape(rd, ret, s->lines) && ok;
		} else if (toml_newline(rd)) {
			conf_buf_add(rd, ret, "\n", 1);
		} else {
			if (ok)
				conf_error(rd, rd->p, "%s in a string%s", conf_what(rd, rd->p, what),
					   (unsigned char)*rd->p >= 0x80 ? "" : " (write it as \\u and four digits, in double quotes)");
			ok = false;
			rd->p++;
		}
	}
}

bool toml_string(struct conf_reader *rd, struct conf_buf *ret, bool may_have_lines)
{
	struct string s = { .quote = *rd->p, .start = conf_pos(rd, rd->p), .line_start = rd->line_start,
			    .line = rd->line };

	s.lines = rd->end - rd->p >= 3 && rd->p[1] == s.quote && rd->p[2] == s.quote;
	if (s.lines && !may_have_lines) {
		conf_fault_at(rd, s.start, "a key has no three quotes (one is enough)");
		return false;
	}
	rd->p += s.lines ? 3 : 1;
	if (s.lines)
		toml_newline(rd); /* directly behind the quotes, it does not count */
	conf_buf_add(rd, ret, "", 0);
	return read_string(rd, &s, ret);
}
