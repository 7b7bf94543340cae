/* SPDX-License-Identifier: ISC */
/*
 * http1_body.c - where an HTTP/1 message's body ends (RFC 9112 sections 6, 7)
 *
 * A chunked body is walked a byte at a time outside of the chunks' data, so
 * any cut between two calls will do; its bytes may be passed on as they are.
 */
#include "base/http1.h"

#include <string.h>

#include "base/bytes.h"

#define CHUNK_LINE_MAX 1024 /* extensions of a chunk */
#define TRAILER_MAX    8192

enum chunk_state {
	CHUNK_SIZE,
	CHUNK_EXT,         /* up to CR */
	CHUNK_SIZE_LF,
	CHUNK_DATA,
	CHUNK_DATA_CR,
	CHUNK_DATA_LF,
	CHUNK_TRAILER,     /* at the start of a trailer line, or of the empty one */
	CHUNK_TRAILER_LINE,
	CHUNK_TRAILER_LF,
	CHUNK_LAST_LF,
};

static void body_init(struct adit_http1_body *b, enum adit_http1_framing framing, uint64_t length)
{
	memset(b, 0, sizeof(*b));
	b->framing = framing;
	b->left = framing == ADIT_HTTP1_LENGTH ? length : 0;
	b->done = framing == ADIT_HTTP1_NONE || (framing == ADIT_HTTP1_LENGTH && length == 0);
}

void adit_http1_body_of_request(struct adit_http1_body *b, const struct adit_http1_head *h)
{
	body_init(b, h->chunked ? ADIT_HTTP1_CHUNKED : h->has_length ? ADIT_HTTP1_LENGTH : ADIT_HTTP1_NONE, h->length);
}

void adit_http1_body_of_response(struct adit_http1_body *b, const struct adit_http1_head *h, bool bodyless)
{
	if (bodyless || h->status < 200 || h->status == 204 || h->status == 304)
		body_init(b, ADIT_HTTP1_NONE, 0);
	else if (h->chunked || h->has_length)
		adit_http1_body_of_request(b, h);
	else
		body_init(b, ADIT_HTTP1_UNTIL_CLOSE, 0);
}

static enum adit_http1_error size_byte(struct adit_http1_body *b, uint8_t c)
{
	int digit = adit_hex_digit((char)c);

	if (digit >= 0) {
		if (++b->digits > 15) /* fits 60 bits */
			return ADIT_HTTP1_CHUNK_SIZE;
		b->left = b->left << 4 | (unsigned)digit;
		return ADIT_HTTP1_OK;
	}
	if (b->digits == 0)
		return ADIT_HTTP1_CHUNK_SIZE;
	if (c == '\r')
		b->state = CHUNK_SIZE_LF;
	else if (c == ';' || c == ' ' || c == '\t')
		b->state = CHUNK_EXT;
	else
		return ADIT_HTTP1_CHUNK_SIZE;
	b->line_len = 0;
	return ADIT_HTTP1_OK;
}

/* Within an extension or a trailer line. */
static enum adit_http1_error text_byte(struct adit_http1_body *b, uint8_t c, unsigned max, enum chunk_state at_cr)
{
	if (c == '\r')
		b->state = (uint8_t)at_cr;
	else if (c == '\n')
		return ADIT_HTTP1_BARE_LF;
	else if ((c < 0x20 && c != '\t') || c == 0x7f)
		return ADIT_HTTP1_FIELD_VALUE;
	return ++b->line_len > max ? ADIT_HTTP1_CHUNK_LONG : ADIT_HTTP1_OK;
}

static enum adit_http1_error expect(struct adit_http1_body *b, uint8_t c, uint8_t want, enum chunk_state next,
				    enum adit_http1_error otherwise)
{
	if (c != want)
		return otherwise;
	b->state = (uint8_t)next;
	return ADIT_HTTP1_OK;
}

static enum adit_http1_error chunk_begins(struct adit_http1_body *b, uint8_t c)
{
	if (c != '\n')
		return ADIT_HTTP1_BARE_CR;
	b->state = b->left ? CHUNK_DATA : CHUNK_TRAILER;
	b->line_len = 0;
	return ADIT_HTTP1_OK;
}

static enum adit_http1_error chunk_ends(struct adit_http1_body *b, uint8_t c)
{
	b->digits = 0;
	b->left = 0;
	return expect(b, c, '\n', CHUNK_SIZE, ADIT_HTTP1_CHUNK_END);
}

static enum adit_http1_error trailer_begins(struct adit_http1_body *b, uint8_t c)
{
	if (c == '\r') {
		b->state = CHUNK_LAST_LF;
		return ADIT_HTTP1_OK;
	}
	b->state = CHUNK_TRAILER_LINE;
	return c == ' ' || c == '\t' ? ADIT_HTTP1_FOLDED : text_byte(b, c, TRAILER_MAX, CHUNK_TRAILER_LF);
}

static enum adit_http1_error framing_byte(struct adit_http1_body *b, uint8_t c)
{
	switch ((enum chunk_state)b->state) {
	case CHUNK_SIZE:
		return size_byte(b, c);
	case CHUNK_EXT:
		return text_byte(b, c, CHUNK_LINE_MAX, CHUNK_SIZE_LF);
	case CHUNK_SIZE_LF:
		return chunk_begins(b, c);
	case CHUNK_DATA_CR:
		return expect(b, c, '\r', CHUNK_DATA_LF, ADIT_HTTP1_CHUNK_END);
	case CHUNK_DATA_LF:
		return chunk_ends(b, c);
	case CHUNK_TRAILER:
		return trailer_begins(b, c);
	case CHUNK_TRAILER_LINE:
		return text_byte(b, c, TRAILER_MAX, CHUNK_TRAILER_LF);
	case CHUNK_TRAILER_LF:
		return expect(b, c, '\n', CHUNK_TRAILER, ADIT_HTTP1_BARE_CR);
	case CHUNK_LAST_LF:
		b->done = c == '\n';
		return b->done ? ADIT_HTTP1_OK : ADIT_HTTP1_BARE_CR;
	case CHUNK_DATA:
		break;
	}
	return ADIT_HTTP1_CHUNK_SIZE;
}

static size_t take_payload(struct adit_http1_body *b, const uint8_t *p, size_t len, const uint8_t **payload,
			   size_t *payload_len)
{
	if (b->framing != ADIT_HTTP1_UNTIL_CLOSE) {
		if (len > b->left)
			len = (size_t)b->left;
		b->left -= len;
	}
	if (payload) {
		*payload = p;
		*payload_len = len;
	}
	return len;
}

static size_t read_chunked(struct adit_http1_body *b, const uint8_t *p, size_t len, const uint8_t **payload,
			   size_t *payload_len)
{
	size_t i = 0, n;

	while (i < len && !b->done) {
		if (b->state == CHUNK_DATA) {
			n = take_payload(b, p + i, len - i, payload, payload_len);
			if (b->left == 0)
				b->state = CHUNK_DATA_CR;
			return i + n;
		}
		b->error = framing_byte(b, p[i]);
		if (b->error)
			break;
		i++;
	}
	return i;
}

size_t adit_http1_body_read(struct adit_http1_body *b, const void *data, size_t len, const uint8_t **payload,
			    size_t *payload_len)
{
	size_t n;

	if (payload) {
		*payload = NULL;
		*payload_len = 0;
	}
	if (b->done || b->error || len == 0)
		return 0;
	if (b->framing == ADIT_HTTP1_CHUNKED)
		return read_chunked(b, data, len, payload, payload_len);
	n = take_payload(b, data, len, payload, payload_len);
	b->done = b->framing == ADIT_HTTP1_LENGTH && b->left == 0;
	return n;
}
