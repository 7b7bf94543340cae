/* SPDX-License-Identifier: ISC */
/*
 * http1.c - heads and bodies of HTTP/1: read whole and in pieces they are the
 * same, positions are inside of what was read, limits hold. The first byte
 * says what: bit 0 a response, bit 1 small limits, the rest how it is cut.
 */
#include <string.h>

#include "base/http1.h"
#include "fuzz.h"

static void check_slice(struct adit_http1_slice s, size_t len)
{
	MUST(s.off <= len && s.len <= len - s.off);
}

static void check_head(const struct adit_http1_head *h, const uint8_t *buf, size_t len)
{
	unsigned lengths = 0, codings = 0;

	MUST(h->len <= len && h->len <= h->limits.head && h->field_cnt <= h->limits.fields);
	MUST(!memcmp(buf + h->len - 2, "\r\n", 2));
	check_slice(h->response ? h->reason : h->target, h->len);
	for (unsigned i = 0; i < h->field_cnt; i++) {
		const struct adit_http1_field *f = &h->field[i];

		check_slice(f->name, h->len);
		check_slice(f->value, h->len);
		MUST(f->name.len > 0 && !memchr(buf + f->value.off, '\n', f->value.len));
		MUST(!memchr(buf + f->value.off, '\r', f->value.len) && !memchr(buf + f->value.off, 0, f->value.len));
		lengths += adit_http1_is(buf, f->name, "content-length");
		codings += adit_http1_is(buf, f->name, "transfer-encoding");
	}
	MUST(lengths + codings <= 1); /* never two opinions on where the body ends */
	MUST(h->has_length == (lengths == 1) && h->chunked == (codings == 1));
}

/* In pieces, as it would arrive. */
static void check_cut(const struct adit_http1_head *whole, const uint8_t *buf, size_t len, size_t step)
{
	struct adit_http1_head h;
	enum adit_http1_state st = ADIT_HTTP1_MORE;

	adit_http1_head_init(&h, whole->response, &whole->limits);
	for (size_t n = 0; n < len && st == ADIT_HTTP1_MORE;) {
		n = len - n < step ? len : n + step;
		st = adit_http1_head_read(&h, buf, n);
	}
	/* A limit may be met before what is wrong behind it. */
	MUST((h.error == 0) == (whole->error == 0) && h.len == whole->len);
}

static size_t walk(struct adit_http1_body *b, const uint8_t *p, size_t len, size_t step, size_t *content)
{
	size_t at = 0;

	*content = 0;
	while (at < len && !b->done && !b->error) {
		size_t n = len - at < step ? len - at : step, payload_len, used;
		const uint8_t *payload;

		used = adit_http1_body_read(b, p + at, n, &payload, &payload_len);
		MUST(used <= n && payload_len <= used);
		MUST(!payload || (payload >= p + at && payload + payload_len <= p + at + used));
		MUST(used > 0 || b->error);
		at += used;
		*content += payload_len;
	}
	return at;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	static const struct adit_http1_limits tight = { .line = 64, .head = 200, .fields = 4 };
	struct adit_http1_body a, b;
	struct adit_http1_head h;
	size_t step, n, m, content_a, content_b;
	uint8_t *copy;

	if (size < 1)
		return 0;
	step = 1u + (data[0] >> 2);
	adit_http1_head_init(&h, data[0] & 1, data[0] & 2 ? &tight : NULL);
	copy = fuzz_copy(data + 1, --size);
	if (adit_http1_head_read(&h, copy, size) == ADIT_HTTP1_DONE) {
		check_head(&h, copy, size);
		if (h.response)
			adit_http1_body_of_response(&a, &h, false);
		else
			adit_http1_body_of_request(&a, &h);
		b = a;
		n = walk(&a, copy + h.len, size - h.len, SIZE_MAX, &content_a);
		m = walk(&b, copy + h.len, size - h.len, step, &content_b);
		MUST(n == m && content_a == content_b && a.done == b.done && a.error == b.error);
	} else {
		MUST(h.error ? adit_http1_error_status(h.error) >= 400 : h.len == 0);
	}
	check_cut(&h, copy, size, step);
	free(copy);
	return 0;
}
