/* SPDX-License-Identifier: ISC */
/* uapi.c - a UAPI connection: lines, requests and replies */
#include "device/uapi.h"

#include <assert.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "device/uapi_internal.h"

int adit_uapi_new(struct adit_uapi **ret, const struct adit_uapi_ops *ops, void *user)
{
	struct adit_uapi *u = calloc(1, sizeof(*u));

	if (!u)
		return -ENOMEM;
	u->line = adit_secret_alloc(ADIT_UAPI_LINE_MAX + 1);
	if (!u->line) {
		free(u);
		return -ENOMEM;
	}
	u->ops = ops;
	u->user = user;
	*ret = u;
	return 0;
}

static void peers_close(struct adit_uapi *u)
{
	if (u->peers_open)
		u->ops->peers_close(u->user);
	u->peers_open = false;
}

void adit_uapi_free(struct adit_uapi *u)
{
	if (!u)
		return;
	assert(!u->held);
	peers_close(u);
	adit_text_fini(&u->out);
	adit_secret_free(u->line, ADIT_UAPI_LINE_MAX + 1);
	adit_wipe(u, sizeof(*u));
	free(u);
}

void adit_uapi_finish(struct adit_uapi *u, int err)
{
	bool get = u->state == UAPI_GET || u->state == UAPI_GET_END;

	peers_close(u);
	adit_text_str(&u->out, err && !get ? "errno=-" : "errno=");
	adit_text_u64(&u->out, (uint64_t)-err);
	adit_text_str(&u->out, "\n\n");
	if (u->out.failed)
		u->state = UAPI_CLOSING;
}

static void begin_request(struct adit_uapi *u, const char *line, size_t len)
{
	if (!len)
		return; /* an empty line between requests means nothing */
	if (len == 5 && !memcmp(line, "get=1", 5)) {
		u->state = UAPI_GET_END;
	} else if (len == 5 && !memcmp(line, "set=1", 5)) {
		u->state = UAPI_SET;
		u->peer = UAPI_PEER_NONE;
	} else {
		u->state = UAPI_CLOSING;
	}
}

static void take_set_line(struct adit_uapi *u, char *line, size_t len)
{
	int r = len ? adit_uapi_set_line(u, line, len) : adit_uapi_set_end(u);

	if (len && !r)
		return;
	adit_uapi_release(u);
	adit_uapi_finish(u, r);
	if (u->state == UAPI_SET)
		u->state = len ? UAPI_SKIP : UAPI_OP;
}

/* line[len] is a zero. */
static void take_line(struct adit_uapi *u, char *line, size_t len)
{
	switch (u->state) {
	case UAPI_OP:
		begin_request(u, line, len);
		break;
	case UAPI_GET_END:
		if (!len) {
			u->state = UAPI_GET;
			adit_uapi_get_device(u);
			u->ops->peers_open(u->user);
			u->peers_open = true;
			break;
		}
		adit_uapi_finish(u, -EPROTO);
		u->state = UAPI_SKIP;
		break;
	case UAPI_SET:
		take_set_line(u, line, len);
		break;
	case UAPI_SKIP:
		if (!len)
			u->state = UAPI_OP;
		break;
	case UAPI_GET:
	case UAPI_CLOSING:
		break;
	}
}

/* No line is that long: answer, and do not trust what follows. */
static void line_too_long(struct adit_uapi *u)
{
	adit_uapi_release(u);
	if (u->state == UAPI_SET || u->state == UAPI_GET_END)
		adit_uapi_finish(u, -EPROTO);
	u->state = UAPI_CLOSING;
}

/* Adds a piece of a line to u->line. */
static void keep_piece(struct adit_uapi *u, const char *piece, size_t len)
{
	size_t room = ADIT_UAPI_LINE_MAX - u->line_len;

	if (len > room && u->state == UAPI_SKIP)
		len = room; /* only whether a line is empty matters here */
	if (len > room) {
		line_too_long(u);
		return;
	}
	memcpy(u->line + u->line_len, piece, len);
	u->line_len += len;
}

static void take_kept_line(struct adit_uapi *u)
{
	size_t len = u->line_len;

	u->line[len] = 0;
	u->line_len = 0;
	take_line(u, u->line, len);
	adit_wipe(u->line, len);
}

/* A reply that waits holds back the next request. */
static bool wants_input(const struct adit_uapi *u)
{
	return u->state != UAPI_GET && u->out.len == 0;
}

size_t adit_uapi_feed(struct adit_uapi *u, char *buf, size_t len)
{
	size_t pos = 0;

	while (pos < len && u->state != UAPI_CLOSING && wants_input(u)) {
		char *start = buf + pos, *end = memchr(start, '\n', len - pos);
		size_t n = end ? (size_t)(end - start) : len - pos;

		pos += n + (end != NULL);
		if (end && !u->line_len && n <= ADIT_UAPI_LINE_MAX) {
			*end = 0;
			take_line(u, start, n);
			continue;
		}
		keep_piece(u, start, n);
		if (end && u->state != UAPI_CLOSING)
			take_kept_line(u);
	}
	adit_uapi_release(u);
	return u->state == UAPI_CLOSING ? len : pos;
}

/* A request that was cut off: nothing of its last, partial line is applied,
 * because its value may be incomplete ("10.0.0.0/2" of "10.0.0.0/24"). */
void adit_uapi_eof(struct adit_uapi *u)
{
	const char *eq = memchr(u->line, '=', u->line_len);

	switch (u->state) {
	case UAPI_SET:
		if (eq && !adit_uapi_set_key_known(u->line, (size_t)(eq - u->line)))
			adit_uapi_finish(u, -EINVAL);
		else
			adit_uapi_finish(u, -EPROTO);
		u->state = UAPI_CLOSING;
		break;
	case UAPI_GET_END:
		adit_uapi_finish(u, -EPROTO);
		u->state = UAPI_CLOSING;
		break;
	case UAPI_OP:
	case UAPI_SKIP:
		u->state = UAPI_CLOSING;
		break;
	case UAPI_GET: /* the client only shut down its sending half */
	case UAPI_CLOSING:
		break;
	}
	adit_wipe(u->line, u->line_len);
	u->line_len = 0;
}

const char *adit_uapi_reply(struct adit_uapi *u, size_t *len)
{
	int err = 0;

	if (u->state == UAPI_GET && u->out.len == 0 && !adit_uapi_get_peers(u, &err)) {
		adit_uapi_finish(u, err);
		if (u->state == UAPI_GET)
			u->state = UAPI_OP;
	}
	if (u->out.failed) { /* half a reply is worse than none */
		peers_close(u);
		adit_text_fini(&u->out);
		u->state = UAPI_CLOSING;
	}
	*len = u->out.len - u->out.pos;
	return *len ? u->out.p + u->out.pos : NULL;
}

void adit_uapi_sent(struct adit_uapi *u, size_t len)
{
	assert(len <= u->out.len - u->out.pos);
	adit_text_take(&u->out, len);
}

bool adit_uapi_closing(const struct adit_uapi *u)
{
	return u->state == UAPI_CLOSING;
}

bool adit_uapi_busy(const struct adit_uapi *u)
{
	return u->state != UAPI_OP || u->line_len || u->out.len;
}
