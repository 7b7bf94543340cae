/* SPDX-License-Identifier: ISC */
/* reader.c - the cursor under both readers: places, faults, UTF-8, gathered text */
#include "config/reader.h"

#include <errno.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/quicktext.h"

/* --- the whole -------------------------------------------------------------- */

static struct adit_conf *doc_new(struct conf_reader *rd, const char *name)
{
	struct adit_conf_pos top = { 1, 1 };
	struct adit_conf *doc = calloc(1, sizeof(*doc));
	size_t size = strlen(name) + 1;

	if (!doc)
		return NULL;
	rd->doc = doc;
	doc->name = malloc(size);
	doc->root = conf_node_new(rd, NULL, NULL, top, false);
	if (!doc->name || !doc->root) {
		adit_conf_free(doc);
		return NULL;
	}
	memcpy(doc->name, name, size);
	return doc;
}

static size_t or_default(size_t limit, size_t fallback)
{
	return limit ? limit : fallback;
}

int conf_begin(struct conf_reader *rd, struct adit_conf_errors *errors, const char *name, const char *text,
	       size_t len, const struct adit_conf_limits *limits)
{
	static const struct adit_conf_limits none = { 0 };
	const struct adit_conf_limits *l = limits ? limits : &none;
	size_t size_max = or_default(l->size, ADIT_CONF_SIZE_MAX);

	memset(rd, 0, sizeof(*rd));
	rd->errors = errors;
	rd->depth_max = or_default(l->depth, ADIT_CONF_DEPTH_MAX);
	if (rd->depth_max > ADIT_CONF_DEPTH_MAX)
		rd->depth_max = ADIT_CONF_DEPTH_MAX;
	rd->nodes_max = or_default(l->nodes, ADIT_CONF_NODES_MAX);
	rd->line = 1;
	rd->mark_col = 1;
	if (!len)
		text = "";
	rd->p = rd->line_start = rd->mark = text;
	rd->end = text + len;
	if (!doc_new(rd, name))
		return -ENOMEM;
	rd->at = rd->doc->root;
	if (len > size_max) {
		conf_error(rd, text, "is longer than %zu bytes", size_max);
		rd->over = true;
	} else if (len >= 3 && !memcmp(text, "\xef\xbb\xbf", 3)) { /* byte order mark of some editors */
		rd->p = rd->line_start = rd->mark = text + 3;
	}
	return 0;
}

int conf_end(struct conf_reader *rd, struct adit_conf **ret)
{
	while (rd->limbo) {
		struct adit_conf_node *node = rd->limbo;

		rd->limbo = node->next;
		conf_node_free(node);
	}
	if (rd->no_memory) {
		adit_conf_free(rd->doc);
		return -ENOMEM;
	}
	if (rd->over)
		rd->doc->torn = true;
	*ret = rd->doc;
	return rd->error_cnt ? -EINVAL : 0;
}

int adit_conf_read(struct adit_conf **ret, struct adit_conf_errors *errors, const char *name, const char *text,
		   size_t len, const struct adit_conf_limits *limits)
{
	size_t n = strlen(name);

	if (n > 5 && !strcmp(name + n - 5, ".json"))
		return adit_conf_read_json(ret, errors, name, text, len, limits);
	return adit_conf_read_toml(ret, errors, name, text, len, limits);
}

/* --- places ----------------------------------------------------------------- */

/* Every byte that does not go on with a character begins one. */
static unsigned count_chars(const char *p, const char *end)
{
	unsigned n = 0;

	for (; p < end; p++)
		n += ((unsigned char)*p & 0xc0) != 0x80;
	return n;
}

struct adit_conf_pos conf_pos(struct conf_reader *rd, const char *at)
{
	struct adit_conf_pos pos = { rd->line, 0 };

	if (at < rd->mark) {
		pos.col = 1 + count_chars(rd->line_start, at);
		return pos;
	}
	rd->mark_col += count_chars(rd->mark, at);
	rd->mark = at;
	pos.col = rd->mark_col;
	return pos;
}

void conf_next_line(struct conf_reader *rd)
{
	conf_back_to(rd, rd->p, rd->line + 1);
}

void conf_back_to(struct conf_reader *rd, const char *line_start, unsigned line)
{
	rd->p = rd->line_start = rd->mark = line_start;
	rd->mark_col = 1;
	rd->line = line;
}

/* --- faults ------------------------------------------------------------------ */

static void report(struct conf_reader *rd, struct adit_conf_pos pos, const char *fmt, va_list ap)
{
	char path[ADIT_CONF_PATH_LEN], text[400];

	vsnprintf(text, sizeof(text), fmt, ap);
	rd->error_cnt++;
	adit_conf_error_at(rd->errors, rd->doc->name, pos, adit_conf_path(rd->at, path), "%s", text);
}

void conf_error_at(struct conf_reader *rd, struct adit_conf_pos pos, const char *fmt, ...)
{
	va_list ap;

	va_start(ap, fmt);
	report(rd, pos, fmt, ap);
	va_end(ap);
}

void conf_fault_at(struct conf_reader *rd, struct adit_conf_pos pos, const char *fmt, ...)
{
	va_list ap;

	bool known = rd->fault_line == pos.line || rd->word_line == pos.line;

	rd->fault_line = pos.line;
	if (known)
		return;
	va_start(ap, fmt);
	report(rd, pos, fmt, ap);
	va_end(ap);
}

void conf_word_fault_at(struct conf_reader *rd, struct adit_conf_pos pos, const char *fmt, ...)
{
	va_list ap;

	if (rd->fault_line == pos.line)
		return;
	rd->word_line = pos.line;
	va_start(ap, fmt);
	report(rd, pos, fmt, ap);
	va_end(ap);
}

const char *conf_what(const struct conf_reader *rd, const char *p, char buf[CONF_WHAT_LEN])
{
	unsigned char c;

	if (p >= rd->end)
		return "the end of the file";
	c = (unsigned char)*p;
	if (c == '\n' || (c == '\r' && p + 1 < rd->end && p[1] == '\n'))
		return "the end of the line";
	if (c < 0x20 || c == 0x7f)
		snprintf(buf, CONF_WHAT_LEN, "the control character U+%04X", c);
	else if (c < 0x80)
		snprintf(buf, CONF_WHAT_LEN, c == '\'' ? "\"%c\"" : "'%c'", c);
	else
		return conf_utf8_len(p, rd->end) ? "a character outside ASCII" : "a byte that is not UTF-8";
	return buf;
}

/* --- text --------------------------------------------------------------------- */

bool conf_starts(const struct conf_reader *rd, const char *word)
{
	size_t n = strlen(word);

	return (size_t)(rd->end - rd->p) >= n && !memcmp(rd->p, word, n);
}

/* Neither overlong, nor a surrogate, nor past U+10FFFF (RFC 3629). */
size_t conf_utf8_len(const char *p, const char *end)
{
	const unsigned char *s = (const unsigned char *)p;
	size_t left = (size_t)(end - p), n = 0;
	unsigned low = 0x80, high = 0xbf;

	if (!left)
		return 0;
	if (s[0] < 0x80)
		return 1;
	if (s[0] >= 0xc2 && s[0] <= 0xdf) {
		n = 2;
	} else if (s[0] >= 0xe0 && s[0] <= 0xef) {
		n = 3;
		low = s[0] == 0xe0 ? 0xa0 : low;
		high = s[0] == 0xed ? 0x9f : high;
	} else if (s[0] >= 0xf0 && s[0] <= 0xf4) {
		n = 4;
		low = s[0] == 0xf0 ? 0x90 : low;
		high = s[0] == 0xf4 ? 0x8f : high;
	}
	if (!n || n > left || s[1] < low || s[1] > high)
		return 0;
	for (size_t i = 2; i < n; i++)
		if ((s[i] & 0xc0) != 0x80)
			return 0;
	return n;
}

void conf_buf_fini(struct conf_buf *b)
{
	if (b->p)
		quick_wipe(b->p, b->len);
	free(b->p);
	memset(b, 0, sizeof(*b));
}

/* There is always room for the NUL. */
void conf_buf_add(struct conf_reader *rd, struct conf_buf *b, const char *p, size_t len)
{
	if (b->cap <= b->len + len || !b->p) {
		size_t cap = b->len + len < 16 ? 32 : (b->len + len) * 2;
		char *grown = malloc(cap);

		if (!grown) {
			rd->no_memory = true;
			return;
		}
		if (b->p) {
			memcpy(grown, b->p, b->len);
			quick_wipe(b->p, b->len); /* may be a key */
		}
		free(b->p);
		b->p = grown;
		b->cap = cap;
	}
	if (len)
		memcpy(b->p + b->len, p, len);
	b->len += len;
	b->p[b->len] = '\0';
}

void conf_buf_char(struct conf_reader *rd, struct conf_buf *b, uint32_t c)
{
	char s[4];
	size_t n = c < 0x80 ? 1 : c < 0x800 ? 2 : c < 0x10000 ? 3 : 4;

	for (size_t i = n - 1; i > 0; i--) {
		s[i] = (char)(0x80 | (c & 0x3f));
		c >>= 6;
	}
	s[0] = (char)(n == 1 ? c : c | (0xf00u >> n & 0xff));
	conf_buf_add(rd, b, s, n);
}

bool conf_hex(const char *p, const char *end, unsigned digits, uint32_t *ret)
{
	uint32_t v = 0;

	if ((size_t)(end - p) < digits)
		return false;
	for (unsigned i = 0; i < digits; i++) {
		char c = p[i];
		int d = c >= '0' && c <= '9' ? c - '0' :
			c >= 'a' && c <= 'f' ? c - 'a' + 10 :
			c >= 'A' && c <= 'F' ? c - 'A' + 10 :
					       -1;

		if (d < 0)
			return false;
		v = v << 4 | (uint32_t)d;
	}
	*ret = v;
	return true;
}
