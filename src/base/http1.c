/* SPDX-License-Identifier: ISC */
/* http1.c - reader of the head of an HTTP/1 message (RFC 9112 sections 2-5) */
#include "base/http1.h"

#include <string.h>

#define LINE_MAX_DEFAULT 8192
#define HEAD_MAX_DEFAULT 65536
#define EMPTY_LINES_MAX  8 /* bytes of empty lines before a message (section 2.2) */

static const struct {
	uint16_t status;
	const char *text;
} errors[ADIT_HTTP1_ERROR_CNT] = {
	[ADIT_HTTP1_OK] = { 200, "no error" },
	[ADIT_HTTP1_LINE_LONG] = { 414, "the first line is too long" },
	[ADIT_HTTP1_FIELD_LONG] = { 431, "a header line is too long" },
	[ADIT_HTTP1_HEAD_LONG] = { 431, "the header is too long" },
	[ADIT_HTTP1_FIELDS_MANY] = { 431, "there are too many header lines" },
	[ADIT_HTTP1_BARE_LF] = { 400, "a line ends in LF without CR" },
	[ADIT_HTTP1_BARE_CR] = { 400, "a CR stands within a line" },
	[ADIT_HTTP1_START_LINE] = { 400, "the first line is not one of HTTP" },
	[ADIT_HTTP1_VERSION] = { 505, "the version is not HTTP/1.0 or HTTP/1.1" },
	[ADIT_HTTP1_FOLDED] = { 400, "a header line is folded" },
	[ADIT_HTTP1_NO_COLON] = { 400, "a header line has no colon" },
	[ADIT_HTTP1_BLANK_BEFORE_COLON] = { 400, "a blank stands before a header line's colon" },
	[ADIT_HTTP1_FIELD_NAME] = { 400, "a header's name has a character that is not allowed there" },
	[ADIT_HTTP1_FIELD_VALUE] = { 400, "a header's value has a control character" },
	[ADIT_HTTP1_LENGTH_BAD] = { 400, "Content-Length is not one number" },
	[ADIT_HTTP1_LENGTH_REPEATED] = { 400, "Content-Length stands twice" },
	[ADIT_HTTP1_LENGTH_AND_CODING] = { 400, "Content-Length and Transfer-Encoding stand together" },
	[ADIT_HTTP1_CODING] = { 501, "Transfer-Encoding is not chunked alone" },
	[ADIT_HTTP1_CODING_1_0] = { 400, "Transfer-Encoding stands in a message of HTTP/1.0" },
	[ADIT_HTTP1_HOST_REPEATED] = { 400, "Host stands twice" },
	[ADIT_HTTP1_CHUNK_SIZE] = { 400, "a chunk's size is not a number" },
	[ADIT_HTTP1_CHUNK_END] = { 400, "a chunk does not end where its size says" },
	[ADIT_HTTP1_CHUNK_LONG] = { 413, "a chunk's extension or the trailer is too long" },
};

const char *adit_http1_error_text(enum adit_http1_error e)
{
	return errors[e].text;
}

unsigned adit_http1_error_status(enum adit_http1_error e)
{
	return errors[e].status;
}

/* --- characters --------------------------------------------------------------- */

static char lower(char c)
{
	return c >= 'A' && c <= 'Z' ? (char)(c + 32) : c;
}

static bool is_digit(char c)
{
	return c >= '0' && c <= '9';
}

static bool is_blank(char c)
{
	return c == ' ' || c == '\t';
}

/* tchar of RFC 9110 section 5.6.2 */
static bool is_token_char(char c)
{
	char l = lower(c);

	return (l >= 'a' && l <= 'z') || is_digit(c) || (c && strchr("!#$%&'*+-.^_`|~", c));
}

static bool is_value_char(char c)
{
	return (unsigned char)c >= 0x20 ? c != 0x7f : c == '\t';
}

static struct adit_http1_slice slice(const char *buf, const char *from, const char *to)
{
	return (struct adit_http1_slice){ (uint32_t)(from - buf), (uint32_t)(to - from) };
}

bool adit_http1_is(const void *buf, struct adit_http1_slice s, const char *word)
{
	const char *p = (const char *)buf + s.off;
	uint32_t i;

	for (i = 0; i < s.len && word[i]; i++)
		if (lower(p[i]) != lower(word[i]))
			return false;
	return i == s.len && !word[i];
}

/* --- the first line ------------------------------------------------------------ */

/* "HTTP/1.x" */
static enum adit_http1_error read_version(struct adit_http1_head *h, const char *p, size_t len)
{
	if (len != 8 || memcmp(p, "HTTP/", 5) || !is_digit(p[5]) || p[6] != '.' || !is_digit(p[7]))
		return ADIT_HTTP1_START_LINE;
	if (p[5] != '1')
		return ADIT_HTTP1_VERSION;
	h->minor = p[7] == '0' ? 0 : 1; /* a later 1.x is spoken to as 1.1 */
	return ADIT_HTTP1_OK;
}

static enum adit_http1_error read_request_line(struct adit_http1_head *h, const char *buf, const char *p, const char *end)
{
	const char *space = memchr(p, ' ', (size_t)(end - p)), *second;

	second = space ? memchr(space + 1, ' ', (size_t)(end - space - 1)) : NULL;
	if (!second || space == p || second == space + 1)
		return ADIT_HTTP1_START_LINE;
	h->method = slice(buf, p, space);
	h->target = slice(buf, space + 1, second);
	for (; p < space; p++)
		if (!is_token_char(*p))
			return ADIT_HTTP1_START_LINE;
	for (p = space + 1; p < second; p++)
		if ((unsigned char)*p <= 0x20 || (unsigned char)*p >= 0x7f)
			return ADIT_HTTP1_START_LINE;
	return read_version(h, second + 1, (size_t)(end - second - 1));
}

static enum adit_http1_error read_status_line(struct adit_http1_head *h, const char *buf, const char *p, const char *end)
{
	enum adit_http1_error e;

	if (end - p < 12 || p[8] != ' ')
		return ADIT_HTTP1_START_LINE;
	e = read_version(h, p, 8);
	if (e)
		return e;
	p += 9;
	if (!is_digit(p[0]) || !is_digit(p[1]) || !is_digit(p[2]) || p[0] == '0' || (p + 3 < end && p[3] != ' '))
		return ADIT_HTTP1_START_LINE;
	h->status = (uint16_t)((p[0] - '0') * 100 + (p[1] - '0') * 10 + (p[2] - '0'));
	p += 3 + (p + 3 < end); /* some leave the blank out when there is no reason */
	h->reason = slice(buf, p, end);
	for (; p < end; p++)
		if (!is_value_char(*p))
			return ADIT_HTTP1_START_LINE;
	return ADIT_HTTP1_OK;
}

/* --- fields --------------------------------------------------------------------- */

static enum adit_http1_error read_length(struct adit_http1_head *h, const char *p, size_t len)
{
	uint64_t v = 0;

	if (h->has_length)
		return ADIT_HTTP1_LENGTH_REPEATED;
	if (len == 0 || len > 18) /* fits 63 bits */
		return ADIT_HTTP1_LENGTH_BAD;
	for (size_t i = 0; i < len; i++) {
		if (!is_digit(p[i]))
			return ADIT_HTTP1_LENGTH_BAD;
		v = v * 10 + (uint64_t)(p[i] - '0');
	}
	h->has_length = true;
	h->length = v;
	return ADIT_HTTP1_OK;
}

/* What the fields say about framing; the rest is the caller's. */
static enum adit_http1_error judge_field(struct adit_http1_head *h, const char *buf, const struct adit_http1_field *f)
{
	unsigned i = 0;

	if (adit_http1_is(buf, f->name, "content-length"))
		return read_length(h, buf + f->value.off, f->value.len);
	if (adit_http1_is(buf, f->name, "transfer-encoding")) {
		if (h->chunked || !adit_http1_is(buf, f->value, "chunked"))
			return ADIT_HTTP1_CODING;
		h->chunked = true;
	}
	if (!h->response && adit_http1_is(buf, f->name, "host")) {
		adit_http1_find(h, buf, "host", &i);
		if (adit_http1_find(h, buf, "host", &i))
			return ADIT_HTTP1_HOST_REPEATED;
	}
	return ADIT_HTTP1_OK;
}

static enum adit_http1_error read_field(struct adit_http1_head *h, const char *buf, const char *p, const char *end)
{
	const char *colon = memchr(p, ':', (size_t)(end - p)), *c;
	struct adit_http1_field *f;

	if (is_blank(*p))
		return ADIT_HTTP1_FOLDED;
	if (!colon)
		return ADIT_HTTP1_NO_COLON;
	if (colon > p && is_blank(colon[-1]))
		return ADIT_HTTP1_BLANK_BEFORE_COLON;
	for (c = p; c < colon; c++)
		if (!is_token_char(*c))
			return ADIT_HTTP1_FIELD_NAME;
	if (colon == p)
		return ADIT_HTTP1_FIELD_NAME;
	if (h->field_cnt >= h->limits.fields)
		return ADIT_HTTP1_FIELDS_MANY;
	f = &h->field[h->field_cnt++];
	f->name = slice(buf, p, colon);
	for (c = colon + 1; c < end && is_blank(*c); c++)
		;
	for (; end > c && is_blank(end[-1]); end--)
		;
	f->value = slice(buf, c, end);
	for (; c < end; c++)
		if (!is_value_char(*c))
			return ADIT_HTTP1_FIELD_VALUE;
	return judge_field(h, buf, f);
}

/* --- lines ----------------------------------------------------------------------- */

static enum adit_http1_error end_head(struct adit_http1_head *h, size_t len)
{
	h->len = len;
	if (h->chunked && h->has_length)
		return ADIT_HTTP1_LENGTH_AND_CODING;
	if (h->chunked && h->minor == 0)
		return ADIT_HTTP1_CODING_1_0;
	return ADIT_HTTP1_OK;
}

/* One line, [p, end) without its CRLF; `after` is the offset behind that. */
static enum adit_http1_error read_line(struct adit_http1_head *h, const char *buf, const char *p, const char *end,
				       size_t after)
{
	if (memchr(p, '\r', (size_t)(end - p)))
		return ADIT_HTTP1_BARE_CR;
	if (h->begun)
		return p == end ? end_head(h, after) : read_field(h, buf, p, end);
	if (p == end)
		return after > EMPTY_LINES_MAX || h->response ? ADIT_HTTP1_START_LINE : ADIT_HTTP1_OK;
	h->begun = true;
	return h->response ? read_status_line(h, buf, p, end) : read_request_line(h, buf, p, end);
}

static enum adit_http1_state fail(struct adit_http1_head *h, enum adit_http1_error e)
{
	h->error = e;
	return ADIT_HTTP1_ERROR;
}

void adit_http1_head_init(struct adit_http1_head *h, bool response, const struct adit_http1_limits *limits)
{
	memset(h, 0, sizeof(*h));
	h->response = response;
	if (limits)
		h->limits = *limits;
	else
		h->limits = (struct adit_http1_limits){ LINE_MAX_DEFAULT, HEAD_MAX_DEFAULT, ADIT_HTTP1_FIELDS };
	if (h->limits.fields > ADIT_HTTP1_FIELDS)
		h->limits.fields = ADIT_HTTP1_FIELDS;
}

enum adit_http1_state adit_http1_head_read(struct adit_http1_head *h, const void *data, size_t len)
{
	const char *buf = data;
	enum adit_http1_error e;

	while (!h->error && !h->len && h->scanned < len) {
		const char *nl = memchr(buf + h->scanned, '\n', len - h->scanned);
		size_t after = nl ? (size_t)(nl - buf) + 1 : len;

		if (after - h->line > h->limits.line)
			return fail(h, h->begun ? ADIT_HTTP1_FIELD_LONG : ADIT_HTTP1_LINE_LONG);
		if (after > h->limits.head)
			return fail(h, ADIT_HTTP1_HEAD_LONG);
		h->scanned = after;
		if (!nl)
			break;
		if (after - h->line < 2 || nl[-1] != '\r')
			return fail(h, ADIT_HTTP1_BARE_LF);
		e = read_line(h, buf, buf + h->line, nl - 1, after);
		if (e)
			return fail(h, e);
		h->line = after;
	}
	return h->error ? ADIT_HTTP1_ERROR : h->len ? ADIT_HTTP1_DONE : ADIT_HTTP1_MORE;
}

/* --- asking ------------------------------------------------------------------------ */

const struct adit_http1_field *adit_http1_find(const struct adit_http1_head *h, const void *buf, const char *name,
					       unsigned *i)
{
	while (*i < h->field_cnt) {
		const struct adit_http1_field *f = &h->field[(*i)++];

		if (adit_http1_is(buf, f->name, name))
			return f;
	}
	return NULL;
}

static bool list_has(const char *buf, struct adit_http1_slice list, const char *token)
{
	const char *p = buf + list.off, *end = p + list.len;

	while (p < end) {
		const char *comma = memchr(p, ',', (size_t)(end - p)), *to = comma ? comma : end, *next = to;

		while (p < to && is_blank(*p))
			p++;
		while (to > p && is_blank(to[-1]))
			to--;
		if (adit_http1_is(buf, slice(buf, p, to), token))
			return true;
		p = next + 1;
	}
	return false;
}

bool adit_http1_has_token(const struct adit_http1_head *h, const void *buf, const char *name, const char *token)
{
	const struct adit_http1_field *f;
	unsigned i = 0;

	while ((f = adit_http1_find(h, buf, name, &i)))
		if (list_has(buf, f->value, token))
			return true;
	return false;
}

bool adit_http1_keep_alive(const struct adit_http1_head *h, const void *buf)
{
	if (adit_http1_has_token(h, buf, "connection", "close"))
		return false;
	return h->minor >= 1 || adit_http1_has_token(h, buf, "connection", "keep-alive");
}
