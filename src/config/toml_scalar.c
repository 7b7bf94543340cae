/* SPDX-License-Identifier: ISC */
/* toml_scalar.c - numbers, truth and the words that stand for numbers in TOML */
#include <math.h>
#include <string.h>

#include "config/toml.h"

/* A piece of text without blanks. */
struct word {
	const char *p, *end;
};

static bool is_part(char c)
{
	return toml_is_bare(c) || c == '+' || c == '.' || c == ':';
}

static bool is_digit(char c, unsigned base)
{
	unsigned d = c >= '0' && c <= '9' ? (unsigned)(c - '0') :
		     c >= 'a' && c <= 'f' ? (unsigned)(c - 'a') + 10 :
		     c >= 'A' && c <= 'F' ? (unsigned)(c - 'A') + 10 :
					    99;

	return d < base;
}

/* Digits with single '_' between them; NULL when a '_' stands elsewhere or there is no digit. */
static const char *digits(const char *p, const char *end, unsigned base)
{
	if (p >= end || !is_digit(*p, base))
		return NULL;
	for (p++; p < end && (is_digit(*p, base) || *p == '_'); p++)
		if (*p == '_' && (p + 1 >= end || !is_digit(p[1], base)))
			return NULL;
	return p;
}

static bool is_word(struct word w, const char *word)
{
	return (size_t)(w.end - w.p) == strlen(word) && !memcmp(w.p, word, strlen(word));
}

/* true, false, inf, nan. */
static bool read_name(struct word w, struct adit_conf_node *node)
{
	bool negative = *w.p == '-';

	if (is_word(w, "true") || is_word(w, "false")) {
		node->kind = ADIT_CONF_BOOL;
		node->u.boolean = *w.p == 't';
		return true;
	}
	w.p += *w.p == '+' || *w.p == '-';
	if (!is_word(w, "inf") && !is_word(w, "nan"))
		return false;
	node->kind = ADIT_CONF_FLOAT;
	node->u.number = *w.p == 'i' ? (double)INFINITY : (double)NAN;
	if (negative)
		node->u.number = -node->u.number;
	return true;
}

static const char *read_integer(struct word w, unsigned base, bool negative, struct adit_conf_node *node)
{
	const char *end = digits(w.p, w.end, base);

	if (!end || end < w.end)
		return base == 16 ? "is no hexadecimal number (0x and digits, '_' only between two of them)" :
		       base == 8  ? "is no octal number (0o and digits 0 to 7, '_' only between two of them)" :
				    "is no binary number (0b and digits 0 and 1, '_' only between two of them)";
	if (!conf_integer(w.p, (size_t)(w.end - w.p), base, negative, &node->u.integer))
		return "does not fit into 64 bits (integers go from -2^63 to 2^63-1)";
	node->kind = ADIT_CONF_INTEGER;
	return NULL;
}

/* Fraction and exponent behind the integer's digits. */
static const char *judge_float(const char *p, const char *end)
{
	if (p < end && *p == '.') {
		p = digits(p + 1, end, 10);
		if (!p)
			return "a digit must stand on both sides of the point, and '_' only between two digits";
	}
	if (p < end && (*p == 'e' || *p == 'E')) {
		p++;
		p += p < end && (*p == '+' || *p == '-');
		p = digits(p, end, 10);
		if (!p)
			return "a number must follow the 'e'";
	}
	return p < end ? "is no value of TOML (text stands in quotes)" : NULL;
}

static const char *read_number(struct conf_reader *rd, struct word w, struct adit_conf_node *node)
{
	bool negative = *w.p == '-', sign = negative || *w.p == '+';
	const char *start = w.p + sign, *p, *wrong;

	if (!sign && w.end - w.p >= 2 && *w.p == '0' && memchr("xob", w.p[1], 3))
		return read_integer((struct word){ w.p + 2, w.end }, w.p[1] == 'x' ? 16 : w.p[1] == 'o' ? 8 : 2, false,
				    node);
	if (start >= w.end || *start < '0' || *start > '9')
		return "is no value of TOML (text stands in quotes; true and false are written small)";
	p = digits(start, w.end, 10);
	if (!p)
		return "'_' stands only between two digits";
	if (*start == '0' && p - start > 1)
		return "a number does not begin with 0 (0x, 0o and 0b begin hexadecimal, octal and binary ones)";
	if (p == w.end) {
		if (!conf_integer(start, (size_t)(p - start), 10, negative, &node->u.integer))
			return "does not fit into 64 bits (integers go from -2^63 to 2^63-1)";
		node->kind = ADIT_CONF_INTEGER;
		return NULL;
	}
	wrong = judge_float(p, w.end);
	if (wrong)
		return wrong;
	if (!conf_double(w.p, (size_t)(w.end - w.p), &node->u.number)) {
		rd->no_memory = true;
		return NULL;
	}
	node->kind = ADIT_CONF_FLOAT;
	return NULL;
}

/* The blank between a date and a time, instead of a 'T'. */
static bool time_follows(const struct conf_reader *rd, const char *start)
{
	return rd->p - start == 10 && conf_is(rd, ' ') && rd->p + 1 < rd->end && is_digit(rd->p[1], 10) &&
	       start[4] == '-';
}

bool toml_scalar(struct conf_reader *rd, struct adit_conf_node *node)
{
	struct word w = { rd->p, rd->p };
	const char *wrong;

	while (rd->p < rd->end && (is_part(*rd->p) || (toml_is_time(w.p, rd->end) && time_follows(rd, w.p))))
		rd->p++;
	w.end = rd->p;
	if (w.p == w.end)
		return false;
	if (toml_is_time(w.p, w.end)) {
		wrong = toml_time(w.p, w.end, &node->u.time);
		if (!wrong)
			node->kind = ADIT_CONF_TIME;
	} else {
		wrong = read_name(w, node) ? NULL : read_number(rd, w, node);
	}
	if (wrong)
		conf_word_fault(rd, w.p, "%s", wrong);
	return true;
}
