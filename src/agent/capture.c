/* SPDX-License-Identifier: ISC */
/* capture.c - dropped packets and keys, noted and written as lines */
#include "agent/capture.h"

#include <errno.h>
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#define ROOM       (256u << 10) /* bytes of notes */
#define PACKET_MAX 65536u

/* In front of a packet, or (drop 0) of the three or four keys of a handshake. */
struct record {
	int64_t wall_us; /* since 1970 */
	uint32_t len;
	uint8_t drop; /* enum adit_drop */
	bool out;
};

/* --- noting ------------------------------------------------------------------------- */

static int64_t wall_us(void)
{
	struct timespec ts;

	clock_gettime(CLOCK_REALTIME, &ts);
	return ts.tv_sec * INT64_C(1000000) + ts.tv_nsec / 1000;
}

/* Room for a record and what it is about, under the mutex; NULL: none. */
static uint8_t *begin_record(struct agent_capture_notes *n, struct record *r)
{
	uint8_t *at = n->buf + n->len;

	if (ROOM - n->len < sizeof(*r) + r->len) {
		n->lost++;
		return NULL;
	}
	r->wall_us = wall_us();
	memcpy(at, r, sizeof(*r));
	n->len += sizeof(*r) + r->len;
	return at + sizeof(*r);
}

static void note_drop(struct adit_tap *tap, bool out, enum adit_drop drop, const struct iovec *iov, int cnt)
{
	struct agent_capture *c = adit_container_of(tap, struct agent_capture, tap);
	struct record r = { .drop = (uint8_t)drop, .out = out };
	uint8_t *to;

	for (int i = 0; i < cnt; i++)
		r.len += (uint32_t)iov[i].iov_len;
	if (r.len > PACKET_MAX)
		return;
	pthread_mutex_lock(&c->mutex);
	to = begin_record(&c->notes, &r);
	for (int i = 0; to && i < cnt; i++) {
		memcpy(to, iov[i].iov_base, iov[i].iov_len);
		to += iov[i].iov_len;
	}
	pthread_mutex_unlock(&c->mutex);
}

static void note_keys(struct adit_tap *tap, const struct adit_wg_keys *keys)
{
	struct agent_capture *c = adit_container_of(tap, struct agent_capture, tap);
	const uint8_t *const key[] = { keys->private_key, keys->public_key, keys->ephemeral, keys->psk };
	struct record r = { .len = (keys->psk ? 4 : 3) * ADIT_KEY_LEN };
	uint8_t *to;

	pthread_mutex_lock(&c->mutex);
	to = begin_record(&c->notes, &r);
	for (size_t i = 0; to && i < r.len / ADIT_KEY_LEN; i++)
		memcpy(to + i * ADIT_KEY_LEN, key[i], ADIT_KEY_LEN);
	pthread_mutex_unlock(&c->mutex);
}

/* --- lines ---------------------------------------------------------------------------- */

static char *put_packet(char *to, const struct record *r, const uint8_t *packet)
{
	static const char digits[] = "0123456789abcdef";

	to += sprintf(to, "\"drop\":{\"time_us\":%" PRId64 ",\"direction\":\"%s\",\"reason\":\"%s\",\"packet\":\"", r->wall_us,
		      r->out ? "out" : "in", adit_drop_name(r->drop));
	for (uint32_t i = 0; i < r->len; i++) {
		*to++ = digits[packet[i] >> 4];
		*to++ = digits[packet[i] & 15];
	}
	return to + sprintf(to, "\"}");
}

/* As the dissector of Wireshark reads them from a file: a preshared key belongs to the ephemeral one before it. */
static char *put_keys(char *to, const struct record *r, const uint8_t *keys)
{
	static const char *const kinds[] = { "LOCAL_STATIC_PRIVATE_KEY", "REMOTE_STATIC_PUBLIC_KEY",
					     "LOCAL_EPHEMERAL_PRIVATE_KEY", "PRESHARED_KEY" };
	char text[ADIT_KEY_BASE64_LEN + 1];

	to += sprintf(to, "\"keys\":[");
	for (size_t i = 0; i < r->len / ADIT_KEY_LEN; i++) {
		adit_key_to_base64(text, keys + i * ADIT_KEY_LEN);
		to += sprintf(to, "%s\"%s = %s\"", i ? "," : "", kinds[i], text);
	}
	adit_wipe(text, sizeof(text));
	return to + sprintf(to, "]");
}

static size_t next_record(const struct agent_capture_notes *n, size_t at, struct record *r)
{
	memcpy(r, n->buf + at, sizeof(*r));
	return at + sizeof(*r) + r->len;
}

/* At least what they take as text. */
static size_t text_len(const struct agent_capture_notes *n, const char *id)
{
	size_t len = 0, line = strlen(id) + 320;
	struct record r;

	for (size_t at = 0; at < n->len; at = next_record(n, at, &r))
		len += line;
	return len + 2 * n->len + (n->lost ? line : 0);
}

static char *put_lines(char *to, const struct agent_capture_notes *n, const char *id)
{
	struct record r;

	for (size_t at = 0, end; at < n->len; at = end) {
		end = next_record(n, at, &r);
		to += sprintf(to, "{\"id\":%s,", id);
		to = r.drop ? put_packet(to, &r, n->buf + end - r.len) : put_keys(to, &r, n->buf + end - r.len);
		to += sprintf(to, "}\n");
	}
	if (n->lost)
		to += sprintf(to, "{\"id\":%s,\"lost\":%" PRIu64 "}\n", id, n->lost);
	return to;
}

int agent_capture_lines(struct agent_capture *c, const char *id, char **ret, size_t *len)
{
	struct agent_capture_notes taken = c->taken;

	pthread_mutex_lock(&c->mutex);
	c->taken = c->notes;
	c->notes = taken; /* empty: there is room while lines are made of the others */
	pthread_mutex_unlock(&c->mutex);
	*len = text_len(&c->taken, id);
	*ret = *len ? malloc(*len) : NULL;
	if (*ret)
		*len = (size_t)(put_lines(*ret, &c->taken, id) - *ret);
	adit_wipe(c->taken.buf, c->taken.len);
	c->taken.len = c->taken.lost = 0;
	return *len && !*ret ? -ENOMEM : 0;
}

/* --- life ----------------------------------------------------------------------------- */

unsigned agent_captures(const struct agent_network *n)
{
	unsigned cnt = 0;

	for (const struct agent_capture *c = n->captures; c; c = c->next)
		cnt++;
	return cnt;
}

const struct agent_caller *agent_captures_keys(const struct agent_network *n)
{
	for (const struct agent_capture *c = n->captures; c; c = c->next)
		if (c->tap.keys)
			return &c->by;
	return NULL;
}

static void say(struct agent_capture *c, const char *what)
{
	struct agent_event e = { .kind = "control" };

	snprintf(e.network, sizeof(e.network), "%s", c->name);
	snprintf(e.text, sizeof(e.text), "%s by uid %u, pid %d", what, (unsigned)c->by.uid, (int)c->by.pid);
	agent_event_add(&c->agent->events, &e);
}

static void free_memory(struct agent_capture *c)
{
	adit_wipe(c->notes.buf, c->notes.len);
	free(c->notes.buf);
	free(c->taken.buf);
	pthread_mutex_destroy(&c->mutex);
	free(c);
}

int agent_capture_new(struct agent_capture **ret, struct agent_network *n, const struct agent_caller *by, bool keys)
{
	struct agent_capture *c = malloc(sizeof(*c));
	int r = -ENOMEM;

	if (!c)
		return r;
	*c = (struct agent_capture){ .network = n, .agent = n->agent, .by = *by,
				     .tap = { .dropped = note_drop, .keys = keys ? note_keys : NULL },
				     .mutex = PTHREAD_MUTEX_INITIALIZER, .notes.buf = malloc(ROOM), .taken.buf = malloc(ROOM) };
	snprintf(c->name, sizeof(c->name), "%s", n->settings->name);
	if (c->notes.buf && c->taken.buf)
		r = agent_network_tap(n, &c->tap);
	if (r) {
		free_memory(c);
		return r;
	}
	c->next = n->captures;
	n->captures = c;
	if (keys)
		say(c, "keys are logged");
	*ret = c;
	return 0;
}

void agent_capture_free(struct agent_capture *c)
{
	if (!c)
		return;
	if (c->network) {
		struct agent_capture **at = &c->network->captures;

		while (*at != c)
			at = &(*at)->next;
		*at = c->next;
		agent_network_untap(c->network, &c->tap);
	}
	if (c->tap.keys)
		say(c, "no keys are logged any more");
	free_memory(c);
}
