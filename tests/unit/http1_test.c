/* SPDX-License-Identifier: ISC */
/* http1_test.c - heads and bodies of HTTP/1, in every cut, and what is refused */
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <setjmp.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

#include "base/http1.h"

static const char request[] = "POST http://a.example/x?y HTTP/1.1\r\nHost: a.example\r\nX-Empty:\r\n"
			      "Connection: foo , Keep-Alive\r\nContent-Length: 5 \r\n\r\nhello";

static void slice_is(const char *buf, struct adit_http1_slice s, const char *want)
{
	assert_int_equal(s.len, strlen(want));
	assert_memory_equal(buf + s.off, want, s.len);
}

/* Whole, and a byte at a time: the same positions. */
static void test_request(void **state)
{
	struct adit_http1_head h;
	unsigned i = 0;

	(void)state;
	for (size_t step = 1; step < sizeof(request); step++) {
		enum adit_http1_state st = ADIT_HTTP1_MORE;

		adit_http1_head_init(&h, false, NULL);
		for (size_t len = 0; len < sizeof(request) - 1 && st == ADIT_HTTP1_MORE;) {
			len = len + step < sizeof(request) - 1 ? len + step : sizeof(request) - 1;
			st = adit_http1_head_read(&h, request, len);
		}
		assert_int_equal(st, ADIT_HTTP1_DONE);
		slice_is(request, h.method, "POST");
		slice_is(request, h.target, "http://a.example/x?y");
		assert_int_equal(h.minor, 1);
		assert_int_equal(h.field_cnt, 4);
		assert_int_equal(h.len, sizeof(request) - 1 - 5);
		assert_true(h.has_length && h.length == 5 && !h.chunked);
	}
	slice_is(request, adit_http1_find(&h, request, "HOST", &i)->value, "a.example");
	assert_null(adit_http1_find(&h, request, "host", &i));
	i = 0;
	assert_int_equal(adit_http1_find(&h, request, "x-empty", &i)->value.len, 0);
	assert_true(adit_http1_has_token(&h, request, "connection", "keep-alive"));
	assert_true(adit_http1_has_token(&h, request, "connection", "foo"));
	assert_false(adit_http1_has_token(&h, request, "connection", "keep"));
	assert_true(adit_http1_keep_alive(&h, request));
}

static enum adit_http1_error head_error(bool response, const char *text, size_t len)
{
	struct adit_http1_head h;
	enum adit_http1_state st;

	adit_http1_head_init(&h, response, NULL);
	st = adit_http1_head_read(&h, text, len);
	assert_int_equal(st == ADIT_HTTP1_ERROR, h.error != ADIT_HTTP1_OK);
	if (!h.error)
		assert_int_equal(st, ADIT_HTTP1_DONE);
	return h.error;
}

static void test_refused(void **state)
{
#define REQ(fields) "GET / HTTP/1.1\r\n" fields "\r\n"
	static const struct {
		const char *text;
		enum adit_http1_error want;
	} c[] = {
		{ REQ(""), ADIT_HTTP1_OK },
		{ "\r\n" REQ(""), ADIT_HTTP1_OK },
		{ "\r\n\r\n\r\n\r\n\r\n", ADIT_HTTP1_START_LINE },
		{ "GET / HTTP/1.1\n\n", ADIT_HTTP1_BARE_LF },
		{ "GET / HTTP/1.1\r\nA: b\n\r\n", ADIT_HTTP1_BARE_LF },
		{ "GET / HTTP/1.1\r\nA: b\r\n\n", ADIT_HTTP1_BARE_LF },
		{ "GET / HTTP/1.1\r\rX: y\r\n\r\n", ADIT_HTTP1_BARE_CR },
		{ REQ("A: b\rc\r\n"), ADIT_HTTP1_BARE_CR },
		{ "GET /\r\n\r\n", ADIT_HTTP1_START_LINE },
		{ "GET  / HTTP/1.1\r\n\r\n", ADIT_HTTP1_START_LINE },
		{ "GET / HTTP/1.1 \r\n\r\n", ADIT_HTTP1_START_LINE },
		{ "G(T / HTTP/1.1\r\n\r\n", ADIT_HTTP1_START_LINE },
		{ "GET /\x01 HTTP/1.1\r\n\r\n", ADIT_HTTP1_START_LINE },
		{ "GET / http/1.1\r\n\r\n", ADIT_HTTP1_START_LINE },
		{ "GET / HTTP/2.0\r\n\r\n", ADIT_HTTP1_VERSION },
		{ REQ("A: b\r\n c\r\n"), ADIT_HTTP1_FOLDED },
		{ REQ("\tA: b\r\n"), ADIT_HTTP1_FOLDED },
		{ REQ("abc\r\n"), ADIT_HTTP1_NO_COLON },
		{ REQ("A : b\r\n"), ADIT_HTTP1_BLANK_BEFORE_COLON },
		{ REQ(": b\r\n"), ADIT_HTTP1_FIELD_NAME },
		{ REQ("A\": b\r\n"), ADIT_HTTP1_FIELD_NAME },
		{ REQ("A: b\x7f\r\n"), ADIT_HTTP1_FIELD_VALUE },
		{ REQ("A: b\xe9\tc\r\n"), ADIT_HTTP1_OK },
		{ REQ("Content-Length: 1\r\ncontent-length: 1\r\n"), ADIT_HTTP1_LENGTH_REPEATED },
		{ REQ("Content-Length: 1\r\nContent-Length: 2\r\n"), ADIT_HTTP1_LENGTH_REPEATED },
		{ REQ("Content-Length: 1, 1\r\n"), ADIT_HTTP1_LENGTH_BAD },
		{ REQ("Content-Length: +1\r\n"), ADIT_HTTP1_LENGTH_BAD },
		{ REQ("Content-Length: -1\r\n"), ADIT_HTTP1_LENGTH_BAD },
		{ REQ("Content-Length: 0x1\r\n"), ADIT_HTTP1_LENGTH_BAD },
		{ REQ("Content-Length:\r\n"), ADIT_HTTP1_LENGTH_BAD },
		{ REQ("Content-Length: 99999999999999999999\r\n"), ADIT_HTTP1_LENGTH_BAD },
		{ REQ("Content-Length: 1\r\nTransfer-Encoding: chunked\r\n"), ADIT_HTTP1_LENGTH_AND_CODING },
		{ REQ("Transfer-Encoding: chunked\r\nContent-Length: 1\r\n"), ADIT_HTTP1_LENGTH_AND_CODING },
		{ REQ("Transfer-Encoding: Chunked\r\n"), ADIT_HTTP1_OK },
		{ REQ("Transfer-Encoding: gzip, chunked\r\n"), ADIT_HTTP1_CODING },
		{ REQ("Transfer-Encoding: chunked, identity\r\n"), ADIT_HTTP1_CODING },
		{ REQ("Transfer-Encoding: chunked\r\nTransfer-Encoding: chunked\r\n"), ADIT_HTTP1_CODING },
		{ REQ("Transfer-Encoding: xchunked\r\n"), ADIT_HTTP1_CODING },
		{ "GET / HTTP/1.0\r\nTransfer-Encoding: chunked\r\n\r\n", ADIT_HTTP1_CODING_1_0 },
		{ REQ("Host: a\r\nHost: a\r\n"), ADIT_HTTP1_HOST_REPEATED },
	};

	(void)state;
	for (size_t i = 0; i < sizeof(c) / sizeof(c[0]); i++) {
		enum adit_http1_error e = head_error(false, c[i].text, strlen(c[i].text));

		if (e != c[i].want)
			print_error("case %zu: %s\n", i, adit_http1_error_text(e));
		assert_int_equal(e, c[i].want);
		assert_true(adit_http1_error_status(e) >= (e ? 400 : 200));
	}
	assert_int_equal(head_error(false, "GET / HTTP/1.1\r\nA: \0\r\n\r\n", 24), ADIT_HTTP1_FIELD_VALUE);
}

static void test_response(void **state)
{
	static const struct {
		const char *text;
		unsigned status;
		enum adit_http1_error want;
		enum adit_http1_framing framing;
	} c[] = {
		{ "HTTP/1.1 200 OK\r\n\r\n", 200, 0, ADIT_HTTP1_UNTIL_CLOSE },
		{ "HTTP/1.1 200\r\nContent-Length: 3\r\n\r\n", 200, 0, ADIT_HTTP1_LENGTH },
		{ "HTTP/1.0 404 Not Found \r\n\r\n", 404, 0, ADIT_HTTP1_UNTIL_CLOSE },
		{ "HTTP/1.1 200 \r\nTransfer-Encoding: chunked\r\n\r\n", 200, 0, ADIT_HTTP1_CHUNKED },
		{ "HTTP/1.1 204 x\r\nContent-Length: 3\r\n\r\n", 204, 0, ADIT_HTTP1_NONE },
		{ "HTTP/1.1 304 x\r\nContent-Length: 3\r\n\r\n", 304, 0, ADIT_HTTP1_NONE },
		{ "HTTP/1.1 101 x\r\n\r\n", 101, 0, ADIT_HTTP1_NONE },
		{ "HTTP/1.1 2000 x\r\n\r\n", 0, ADIT_HTTP1_START_LINE, 0 },
		{ "HTTP/1.1 20 x\r\n\r\n", 0, ADIT_HTTP1_START_LINE, 0 },
		{ "HTTP/3.1 200 x\r\n\r\n", 0, ADIT_HTTP1_VERSION, 0 },
		{ "ICY 200 OK\r\n\r\n", 0, ADIT_HTTP1_START_LINE, 0 },
		{ "\r\nHTTP/1.1 200 OK\r\n\r\n", 0, ADIT_HTTP1_START_LINE, 0 },
	};
	struct adit_http1_body b;
	struct adit_http1_head h;

	(void)state;
	for (size_t i = 0; i < sizeof(c) / sizeof(c[0]); i++) {
		adit_http1_head_init(&h, true, NULL);
		adit_http1_head_read(&h, c[i].text, strlen(c[i].text));
		assert_int_equal(h.error, c[i].want);
		if (h.error)
			continue;
		assert_int_equal(h.status, c[i].status);
		adit_http1_body_of_response(&b, &h, false);
		assert_int_equal(b.framing, c[i].framing);
		adit_http1_body_of_response(&b, &h, true);
		assert_true(b.done);
	}
}

/* Each limit: at it, and one above. */
static void test_limits(void **state)
{
	static const struct adit_http1_limits limits = { .line = 40, .head = 100, .fields = 3 };
	struct adit_http1_head h;
	char text[400];

	(void)state;
	for (int extra = 0; extra < 2; extra++) {
		adit_http1_head_init(&h, false, &limits);
		sprintf(text, "GET /%0*d HTTP/1.1\r\n\r\n", 24 + extra, 0);
		assert_int_equal(adit_http1_head_read(&h, text, strlen(text)), extra ? ADIT_HTTP1_ERROR : ADIT_HTTP1_DONE);
		assert_int_equal(h.error, extra ? ADIT_HTTP1_LINE_LONG : ADIT_HTTP1_OK);
		adit_http1_head_init(&h, false, &limits);
		sprintf(text, "GET / HTTP/1.1\r\nA:%0*d", 38 + extra, 0); /* before its end is there */
		adit_http1_head_read(&h, text, strlen(text));
		assert_int_equal(h.error, extra ? ADIT_HTTP1_FIELD_LONG : ADIT_HTTP1_OK);
		adit_http1_head_init(&h, false, &limits);
		sprintf(text, "GET / HTTP/1.1\r\nA:1\r\nA:2\r\nA:3\r\n%s\r\n", extra ? "A:4\r\n" : "");
		adit_http1_head_read(&h, text, strlen(text));
		assert_int_equal(h.error, extra ? ADIT_HTTP1_FIELDS_MANY : ADIT_HTTP1_OK);
		adit_http1_head_init(&h, false, &limits);
		sprintf(text, "GET / HTTP/1.1\r\nA:%036d\r\nB:%034d\r\n%s\r\n", 0, 0, extra ? "C:1\r\n" : "");
		adit_http1_head_read(&h, text, strlen(text));
		assert_int_equal(strlen(text), extra ? 101 : 96);
		assert_int_equal(h.error, extra ? ADIT_HTTP1_HEAD_LONG : ADIT_HTTP1_OK);
	}
}

/* --- bodies --------------------------------------------------------------------- */

/* Reads `text` in pieces of `step`; returns how much belongs to the body, and its content. */
static size_t read_body(struct adit_http1_body *b, const char *text, size_t len, size_t step, char *content)
{
	size_t at = 0, content_len = 0;

	while (at < len && !b->done && !b->error) {
		size_t n = len - at < step ? len - at : step, used, payload_len;
		const uint8_t *payload;

		used = adit_http1_body_read(b, text + at, n, &payload, &payload_len);
		if (payload_len)
			memcpy(content + content_len, payload, payload_len);
		content_len += payload_len;
		at += used;
		if (used == 0)
			break;
	}
	content[content_len] = '\0';
	return at;
}

static void test_chunked(void **state)
{
	static const char text[] = "5\r\nhello\r\n00A;x=\"y\"\r\n0123456789\r\n1 \r\nx\r\n0\r\nT: v\r\nU: w\r\n\r\nNEXT";
	struct adit_http1_head h = { .chunked = true };
	struct adit_http1_body b;
	char content[100];

	(void)state;
	for (size_t step = 1; step < sizeof(text); step++) {
		adit_http1_body_of_request(&b, &h);
		assert_int_equal(read_body(&b, text, sizeof(text) - 1, step, content), sizeof(text) - 1 - 4);
		assert_true(b.done);
		assert_string_equal(content, "hello0123456789x");
	}
}

static void test_chunked_refused(void **state)
{
	static const struct {
		const char *text;
		enum adit_http1_error want;
	} c[] = {
		{ "\r\n", ADIT_HTTP1_CHUNK_SIZE },
		{ "g\r\n", ADIT_HTTP1_CHUNK_SIZE },
		{ "-1\r\n", ADIT_HTTP1_CHUNK_SIZE },
		{ "0x5\r\n", ADIT_HTTP1_CHUNK_SIZE },
		{ "1000000000000000\r\n", ADIT_HTTP1_CHUNK_SIZE },
		{ "5\nhello", ADIT_HTTP1_CHUNK_SIZE },
		{ "5;a\nhello", ADIT_HTTP1_BARE_LF },
		{ "5;a\rb", ADIT_HTTP1_BARE_CR },
		{ "5\r\nhelloX", ADIT_HTTP1_CHUNK_END },
		{ "5\r\nhello\rX", ADIT_HTTP1_CHUNK_END },
		{ "0\r\nT: v\n", ADIT_HTTP1_BARE_LF },
		{ "0\r\n v\r\n", ADIT_HTTP1_FOLDED },
		{ "0\r\n\rX", ADIT_HTTP1_BARE_CR },
		{ "0\r\nT: v\rX", ADIT_HTTP1_BARE_CR },
		{ "0;\x01\r\n", ADIT_HTTP1_FIELD_VALUE },
	};
	struct adit_http1_head h = { .chunked = true };
	struct adit_http1_body b;
	char content[100], big[10000];

	(void)state;
	for (size_t i = 0; i < sizeof(c) / sizeof(c[0]); i++)
		for (size_t step = 1; step < 20; step += 18) {
			adit_http1_body_of_request(&b, &h);
			read_body(&b, c[i].text, strlen(c[i].text), step, content);
			if (b.error != c[i].want)
				print_error("case %zu: %s\n", i, adit_http1_error_text(b.error));
			assert_int_equal(b.error, c[i].want);
			assert_false(b.done);
			assert_int_equal(adit_http1_body_read(&b, "0\r\n\r\n", 5, NULL, NULL), 0);
		}
	memset(big, 'a', sizeof(big));
	memcpy(big, "1;", 2);
	adit_http1_body_of_request(&b, &h);
	assert_true(read_body(&b, big, sizeof(big), sizeof(big), content) < 1100);
	assert_int_equal(b.error, ADIT_HTTP1_CHUNK_LONG);
	memcpy(big, "0\r\n", 3);
	adit_http1_body_of_request(&b, &h);
	assert_true(read_body(&b, big, sizeof(big), sizeof(big), content) < 8300);
	assert_int_equal(b.error, ADIT_HTTP1_CHUNK_LONG);
}

static void test_length(void **state)
{
	struct adit_http1_head h = { .has_length = true, .length = 5, .status = 200 };
	struct adit_http1_body b;
	char content[100];

	(void)state;
	for (size_t step = 1; step < 12; step++) {
		adit_http1_body_of_request(&b, &h);
		assert_int_equal(read_body(&b, "helloNEXT", 9, step, content), 5);
		assert_string_equal(content, "hello");
		assert_true(b.done);
	}
	h.length = 0;
	adit_http1_body_of_response(&b, &h, false);
	assert_true(b.done);
	h.has_length = false;
	adit_http1_body_of_response(&b, &h, false);
	assert_int_equal(read_body(&b, "helloNEXT", 9, 2, content), 9);
	assert_false(b.done);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_request), cmocka_unit_test(test_refused),         cmocka_unit_test(test_response),
		cmocka_unit_test(test_limits),  cmocka_unit_test(test_chunked),         cmocka_unit_test(test_chunked_refused),
		cmocka_unit_test(test_length),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
