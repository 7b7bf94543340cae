/* SPDX-License-Identifier: ISC */
/*
 * http1.h - the head of an HTTP/1 message and the end of its body (RFC 9110,
 * RFC 9112), for servers, clients and proxies. Incremental and bounded; keeps
 * positions, copies nothing.
 *
 * DOC: strictness
 *
 * Two programs that disagree on where a message ends can be made to disagree
 * on whose bytes come next (request smuggling). So what RFC 9112 lets a
 * recipient repair is refused here, each with its own reason: a line that
 * ends in LF alone, a folded line, a blank before a colon, a second length,
 * a length next to a transfer coding, a coding other than chunked.
 */
#ifndef ADIT_BASE_HTTP1_H
#define ADIT_BASE_HTTP1_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define ADIT_HTTP1_FIELDS 100

enum adit_http1_error {
	ADIT_HTTP1_OK,
	ADIT_HTTP1_LINE_LONG,    /* the first line */
	ADIT_HTTP1_FIELD_LONG,
	ADIT_HTTP1_HEAD_LONG,
	ADIT_HTTP1_FIELDS_MANY,
	ADIT_HTTP1_BARE_LF,
	ADIT_HTTP1_BARE_CR,
	ADIT_HTTP1_START_LINE,
	ADIT_HTTP1_VERSION,
	ADIT_HTTP1_FOLDED,
	ADIT_HTTP1_NO_COLON,
	ADIT_HTTP1_BLANK_BEFORE_COLON,
	ADIT_HTTP1_FIELD_NAME,
	ADIT_HTTP1_FIELD_VALUE,
	ADIT_HTTP1_LENGTH_BAD,
	ADIT_HTTP1_LENGTH_REPEATED,
	ADIT_HTTP1_LENGTH_AND_CODING,
	ADIT_HTTP1_CODING,       /* other than "chunked" */
	ADIT_HTTP1_CODING_1_0,   /* in a message of HTTP/1.0 */
	ADIT_HTTP1_HOST_REPEATED,
	ADIT_HTTP1_CHUNK_SIZE,
	ADIT_HTTP1_CHUNK_END,
	ADIT_HTTP1_CHUNK_LONG,   /* extensions or trailers */
	ADIT_HTTP1_ERROR_CNT,
};

/* One plain sentence, without a full stop. */
const char *adit_http1_error_text(enum adit_http1_error e);
/* What a server answers: 400, 413, 414, 431, 501 or 505. */
unsigned adit_http1_error_status(enum adit_http1_error e);

/* --- head -------------------------------------------------------------------- */

struct adit_http1_slice {
	uint32_t off, len; /* in the caller's buffer */
};

struct adit_http1_field {
	struct adit_http1_slice name, value; /* value without blanks around it */
};

struct adit_http1_limits {
	size_t line, head; /* bytes */
	unsigned fields;   /* <= ADIT_HTTP1_FIELDS */
};

struct adit_http1_head {
	bool response;
	uint8_t minor;     /* HTTP/1.minor, 0 or 1 */
	uint16_t status;   /* response */
	enum adit_http1_error error;
	struct adit_http1_slice method, target, reason;
	unsigned field_cnt;
	struct adit_http1_field field[ADIT_HTTP1_FIELDS];
	size_t len;        /* of the whole head, its empty line included; set when it is complete */
	bool chunked, has_length;
	uint64_t length;   /* Content-Length */

	/* of the reader */
	struct adit_http1_limits limits;
	size_t line, scanned;
	bool begun; /* the first line was read */
};

enum adit_http1_state { ADIT_HTTP1_MORE, ADIT_HTTP1_DONE, ADIT_HTTP1_ERROR };

/* limits NULL: lines of 8 KiB, 64 KiB, 100 fields. */
void adit_http1_head_init(struct adit_http1_head *h, bool response, const struct adit_http1_limits *limits);
/* buf holds all that was received of the message so far, and is looked at
 * from where the last call ended. What stands behind the head is not touched. */
enum adit_http1_state adit_http1_head_read(struct adit_http1_head *h, const void *buf, size_t len);

bool adit_http1_is(const void *buf, struct adit_http1_slice s, const char *word); /* in any case */
/* The next field of that name from *i on (start at 0; moves behind it), or NULL. */
const struct adit_http1_field *adit_http1_find(const struct adit_http1_head *h, const void *buf, const char *name,
					       unsigned *i);
/* `token` stands in the comma-separated list of one of the fields `name`. */
bool adit_http1_has_token(const struct adit_http1_head *h, const void *buf, const char *name, const char *token);
/* The connection outlives the message, by its version and Connection fields. */
bool adit_http1_keep_alive(const struct adit_http1_head *h, const void *buf);

/* --- body -------------------------------------------------------------------- */

enum adit_http1_framing { ADIT_HTTP1_NONE, ADIT_HTTP1_LENGTH, ADIT_HTTP1_CHUNKED, ADIT_HTTP1_UNTIL_CLOSE };

struct adit_http1_body {
	enum adit_http1_framing framing;
	enum adit_http1_error error;
	bool done;         /* UNTIL_CLOSE: never; the end of the connection is the end */
	uint64_t left;     /* of the length, or of the chunk */
	uint8_t state;     /* chunked: enum chunk_state in http1_body.c */
	uint8_t digits;
	uint16_t line_len; /* of an extension, or of all trailers */
};

void adit_http1_body_of_request(struct adit_http1_body *b, const struct adit_http1_head *h);
/* `bodyless`: it answers HEAD, or CONNECT with 2xx. */
void adit_http1_body_of_response(struct adit_http1_body *b, const struct adit_http1_head *h, bool bodyless);
/*
 * How many of these bytes belong to the body, framing included; call again
 * with the rest until it gives 0 or done is set. *payload is the
 * content among them, one piece a call (may be NULL). On error b->error is set.
 */
size_t adit_http1_body_read(struct adit_http1_body *b, const void *data, size_t len, const uint8_t **payload,
			    size_t *payload_len);

#endif
