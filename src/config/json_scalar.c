/* SPDX-License-Identifier: ISC */
/* json_scalar.c - strings and numbers of JSON */
#include <string.h>

#include "config/json.h"

bool json_in_word(char c)
{
	return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') || c == '_' || c == '-' ||
	       c == '+' || c == '.';
}

/* --- strings ------------------------------------------------------------------ */

/* "\uXXXX" at p, behind the 'u'; a pair of surrogates is one character. Returns the bytes taken, 0 after a fault. */
static size_t unicode_escape(struct conf_reader *rd, const char *p, struct conf_buf *ret)
{
	uint32_t c, low;

	if (!conf_hex(p, rd->end, 4, &c)) {
		conf_error(rd, p - 2, "\\u is followed by four hexadecimal digits");
		return 0;
	}
	if (c < 0xd800 || c > 0xdfff) {
		conf_buf_char(rd, ret, c);
		return 4;
	}
	if (c >= 0xdc00 || rd->end - p < 10 || p[4] != '\\' || p[5] != 'u' || !conf_hex(p + 6, rd->end, 4, &low) ||
	    low < 0xdc00 || low > 0xdfff) {
		conf_error(rd, p - 2, "half of a surrogate pair is no character (a pair is \\ud800-\\udbff, then "
				      "\\udc00-\\udfff)");
		return 0;
	}
	conf_buf_char(rd, ret, 0x10000 + ((c - 0xd800) << 10) + (low - 0xdc00));
	return 10;
}

/* The backslash is at the cursor. Moves behind the escape, wrong or not. */
static bool escape(struct conf_reader *rd, struct conf_buf *ret)
{
	static const char from[] = "\"\\/bfnrt", to[] = "\"\\/\b\f\n\r\t";
	char c = rd->p + 1 < rd->end ? rd->p[1] : '\0';
	const char *at = c ? strchr(from, c) : NULL;
	size_t n;

	if (at) {
		conf_buf_add(rd, ret, &to[at - from], 1);
		rd->p += 2;
		return true;
	}
	if (c == 'u') {
		n = unicode_escape(rd, rd->p + 2, ret);
		rd->p += 2 + n;
		return n > 0;
	}
	if (rd->p + 1 >= rd->end || c == '\n' || c == '\r') {
		rd->p++; /* the string is not closed, as will be said */
		return false;
	}
	conf_error(rd, rd->p, "unknown escape (there are \\\" \\\\ \\/ \\b \\f \\n \\r \\t and \\uXXXX)");
	rd->p += (unsigned char)c < 0x20 || (unsigned char)c >= 0x80 ? 1 : 2;
	return false;
}

static bool at_line_end(const struct conf_reader *rd)
{
	return rd->p >= rd->end || *rd->p == '\n' || conf_starts(rd, "\r\n");
}

/* A run of plain characters; false when it ends before one that must not be. */
static bool plain(struct conf_reader *rd, struct conf_buf *ret)
{
	const char *start = rd->p;
	size_t n = 1;

	while (rd->p < rd->end && *rd->p != '"' && *rd->p != '\\' && (unsigned char)*rd->p >= 0x20 &&
	       (n = conf_utf8_len(rd->p, rd->end)) != 0)
		rd->p += n;
	conf_buf_add(rd, ret, start, (size_t)(rd->p - start));
	return at_line_end(rd) || *rd->p == '"' || *rd->p == '\\';
}

bool json_string(struct conf_reader *rd, struct conf_buf *ret)
{
	struct adit_conf_pos start = conf_pos(rd, rd->p);
	char what[CONF_WHAT_LEN];
	bool ok = true;

	rd->p++;
	for (;;) {
		if (!plain(rd, ret)) {
			if (ok)
				conf_error(rd, rd->p, "%s in a string%s", conf_what(rd, rd->p, what),
					   (unsigned char)*rd->p >= 0x80 ? "" : " (write it as \\u and four digits)");
			ok = false;
			rd->p++;
		} else if (at_line_end(rd)) {
			conf_fault_at(rd, start, "the string is not closed in its line (\\n stands for a new line)");
			return false;
		} else if (*rd->p == '"') {
			rd->p++;
			return ok;
		} else if (!escape(rd, ret)) {
			ok = false;
		}
	}
}

/* --- numbers ------------------------------------------------------------------- */

static const char *digits(const char *p, const char *end)
{
	while (p < end && *p >= '0' && *p <= '9')
		p++;
	return p;
}

/* What is wrong with the form of a number? NULL: nothing. *integer: it has neither fraction nor exponent. */
static const char *judge(const char *p, const char *end, bool *integer)
{
	const char *start;

	*integer = true;
	p += *p == '-';
	if (p < end && *p == '+')
		return "a number has no '+' in front";
	start = p;
	p = digits(p, end);
	if (p == start)
		return "a number begins with a digit, or '-' and a digit";
	if (p - start > 1 && *start == '0')
		return "a number does not begin with 0 (JSON has no octal numbers)";
	if (p < end && *p == '.') {
		*integer = false;
		start = ++p;
		p = digits(p, end);
		if (p == start)
			return "a digit must follow the point";
	}
	if (p < end && (*p == 'e' || *p == 'E')) {
		*integer = false;
		p++;
		p += p < end && (*p == '+' || *p == '-');
		start = p;
		p = digits(p, end);
		if (p == start)
			return "a digit must follow the 'e'";
	}
	return p < end ? "is no number of JSON (text stands in double quotes)" : NULL;
}

void json_number(struct conf_reader *rd, struct adit_conf_node *node)
{
	const char *start = rd->p, *wrong;
	bool integer, negative = *start == '-';

	while (rd->p < rd->end && json_in_word(*rd->p))
		rd->p++;
	wrong = judge(start, rd->p, &integer);
	if (wrong) {
		conf_fault(rd, start, "%s", wrong);
	} else if (!integer) {
		if (conf_double(start, (size_t)(rd->p - start), &node->u.number))
			node->kind = ADIT_CONF_FLOAT;
		else
			rd->no_memory = true;
	} else if (conf_integer(start + negative, (size_t)(rd->p - start) - negative, 10, negative, &node->u.integer)) {
		node->kind = ADIT_CONF_INTEGER;
	} else {
		conf_error(rd, start, "does not fit into 64 bits (integers go from -2^63 to 2^63-1)");
	}
}
