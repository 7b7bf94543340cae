/* SPDX-License-Identifier: ISC */
/*
 * quickconf.c - reader of wg-quick files
 *
 * DOC: A line is cut into slices that point into the caller's text (quicktext.c);
 * each known key is one row of a table with the function that reads its value
 * (quickvalue.c). A value that is wrong is reported and reading goes on, so
 * that a person sees every mistake of a file at once. What wg(8) and
 * wg-quick(8) accept is accepted: section and key names in any case, comments
 * from '#' on, comma lists, repeated Address, AllowedIPs, DNS and hook lines.
 * A single value that stands twice is refused, where those two take the last
 * without a word.
 */
#include "base/quickconf.h"

#include <errno.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/quickparse.h"

#define ERRORS_MAX 100
#define MSG_MAX    512

/* --- errors --------------------------------------------------------------- */

struct adit_quick_pos quick_pos(const struct parser *ps, const char *at)
{
	struct adit_quick_pos pos = { ps->line, (unsigned)(at - ps->line_start) + 1 };

	return pos;
}

void quick_error_at(struct parser *ps, struct adit_quick_pos pos, const char *fmt, ...)
{
	char text[MSG_MAX], msg[MSG_MAX + 256];
	va_list ap;

	if (++ps->error_cnt > ERRORS_MAX)
		return;
	va_start(ap, fmt);
	vsnprintf(text, sizeof(text), fmt, ap);
	va_end(ap);
	snprintf(msg, sizeof(msg), "%.200s:%u:%u: %s%s%s", ps->name, pos.line, pos.col,
		 ps->key ? ps->key->name : "", ps->key ? ": " : "", text);
	ps->report(ps->user, msg);
}

/* --- memory --------------------------------------------------------------- */

char *quick_dup(struct parser *ps, struct slice s)
{
	char *copy = malloc(s.len + 1);

	if (!copy) {
		ps->no_memory = true;
		return NULL;
	}
	if (s.len)
		memcpy(copy, s.p, s.len);
	copy[s.len] = '\0';
	return copy;
}

void *quick_grow(struct parser *ps, void *items, size_t cnt, size_t *cap, size_t size)
{
	size_t want = *cap ? *cap * 2 : 4;
	void *p;

	if (cnt < *cap)
		return items;
	p = malloc(want * size);
	if (!p) {
		ps->no_memory = true;
		return NULL;
	}
	if (cnt) {
		memcpy(p, items, cnt * size);
		quick_wipe(items, cnt * size); /* peers hold keys */
	}
	free(items);
	*cap = want;
	return p;
}

/* --- keys and sections ---------------------------------------------------- */

static const char *section_name(enum section s)
{
	return s == PEER ? "[Peer]" : "[Interface]";
}

static void unknown_key(struct parser *ps, struct slice key)
{
	const struct quick_key *best = NULL;
	char q[QUOTE_LEN];
	unsigned least = 4;
	size_t i;

	for (i = 0; i < quick_key_cnt && key.len <= 24; i++) {
		/* Between equals, one of this section; and half of the word must be right. */
		unsigned d = quick_distance(key, quick_keys[i].name);
		bool near = d * 2 <= strlen(quick_keys[i].name);

		if (near && (d < least || (d == least && best && best->section != ps->section))) {
			least = d;
			best = &quick_keys[i];
		}
	}
	ps->key = NULL;
	quick_quote_word(key, q);
	if (!best)
		quick_error(ps, key, "%s: unknown key in %s (see wg-quick(8) for those there are)", q,
			    section_name(ps->section));
	else if (best->section != ps->section)
		quick_error(ps, key, "%s: unknown key in %s (did you mean %s, which belongs to %s?)", q,
			    section_name(ps->section), best->name, section_name(best->section));
	else
		quick_error(ps, key, "%s: unknown key in %s (did you mean %s?)", q, section_name(ps->section),
			    best->name);
}

static void read_setting(struct parser *ps, struct slice key, struct slice v)
{
	size_t i;

	for (i = 0; i < quick_key_cnt; i++)
		if (quick_keys[i].section == ps->section && quick_is_word(key, quick_keys[i].name))
			break;
	if (i == quick_key_cnt) {
		unknown_key(ps, key);
		return;
	}
	ps->key = &quick_keys[i];
	ps->key_pos = quick_pos(ps, key.p);
	if (!ps->key->repeats && ps->seen & UINT64_C(1) << i)
		quick_error(ps, key, "stands twice in this %s (remove one)", section_name(ps->section));
	else if (!v.len && !ps->key->may_be_empty)
		quick_error(ps, v, "has no value");
	else
		ps->key->read(ps, v);
	ps->seen |= UINT64_C(1) << i;
	ps->key = NULL;
}

/* What can be judged only when a peer's section is over. */
static void end_section(struct parser *ps)
{
	const struct adit_quick_peer *peer = ps->conf->peer_cnt ? &ps->conf->peer[ps->conf->peer_cnt - 1] :
								  NULL;

	if (ps->section == PEER && !peer->has_public_key)
		quick_error_at(ps, peer->pos, "[Peer]: has no PublicKey");
	ps->section = NONE;
	ps->seen = 0;
}

static void begin_peer(struct parser *ps, struct slice s)
{
	struct adit_quickconf *conf = ps->conf;
	void *grown = quick_grow(ps, conf->peer, conf->peer_cnt, &conf->peer_cap, sizeof(*conf->peer));

	if (!grown)
		return;
	conf->peer = grown;
	memset(&conf->peer[conf->peer_cnt], 0, sizeof(*conf->peer));
	conf->peer[conf->peer_cnt++].pos = quick_pos(ps, s.p);
	ps->section = PEER;
}

static void read_section(struct parser *ps, struct slice s)
{
	char q[QUOTE_LEN];

	end_section(ps);
	if (quick_is_word(s, "[Peer]")) {
		begin_peer(ps, s);
	} else if (quick_is_word(s, "[Interface]")) {
		if (ps->interface_seen)
			quick_error(ps, s, "[Interface]: stands twice (join the two)");
		ps->interface_seen = true;
		ps->section = INTERFACE;
	} else {
		quick_error(ps, s, "%s: unknown section (there are [Interface] and [Peer])",
			    quick_quote(s, q));
	}
}

static void read_line(struct parser *ps, struct slice line)
{
	const char *hash = line.len ? memchr(line.p, '#', line.len) : NULL;
	struct slice s = { line.p, hash ? (size_t)(hash - line.p) : line.len }, key, v;
	const char *equals;
	char q[QUOTE_LEN];

	ps->line_start = line.p;
	s = quick_trim(s);
	if (!s.len)
		return;
	if (s.p[0] == '[') {
		read_section(ps, s);
		return;
	}
	/* The '=' that ends a key whose own one was forgotten does not count. */
	equals = memchr(s.p, '=', s.len);
	key = quick_trim((struct slice){ s.p, equals ? (size_t)(equals - s.p) : 0 });
	if (!equals || quick_has_space(key)) {
		quick_error(ps, s, "\"%s\": neither a section nor KEY = VALUE", quick_quote_word(s, q));
		return;
	}
	v = quick_trim((struct slice){ equals + 1, s.len - (size_t)(equals + 1 - s.p) });
	/* Under an unknown section, which was reported, nothing is known. */
	if (ps->section != NONE)
		read_setting(ps, key, v);
	else if (!ps->error_cnt)
		quick_error(ps, s, "%s: stands before any section (begin with [Interface])",
			    quick_quote_word(key, q));
}

/* --- the whole ------------------------------------------------------------ */

/* A small hash set of the peers' keys, which are as good as random. */
static void check_twins(struct parser *ps)
{
	struct adit_quickconf *conf = ps->conf;
	size_t slots = 8, i, h, *set;

	while (slots < conf->peer_cnt * 2)
		slots *= 2;
	set = calloc(slots, sizeof(*set));
	if (!set) {
		ps->no_memory = true;
		return;
	}
	for (i = 0; i < conf->peer_cnt; i++) {
		const uint8_t *k = conf->peer[i].public_key;

		if (!conf->peer[i].has_public_key)
			continue;
		memcpy(&h, k, sizeof(h));
		for (h &= slots - 1; set[h]; h = (h + 1) & (slots - 1))
			if (!memcmp(conf->peer[set[h] - 1].public_key, k, ADIT_QUICK_KEY_LEN))
				break;
		if (set[h])
			quick_error_at(ps, conf->peer[i].pos,
				       "[Peer]: has the PublicKey of the peer in line %u (join the two)",
				       conf->peer[set[h] - 1].pos.line);
		else
			set[h] = i + 1;
	}
	free(set);
}

static void read_text(struct parser *ps, const char *text, size_t len)
{
	const char *end = text + len;

	if (len >= 3 && !memcmp(text, "\xef\xbb\xbf", 3))
		text += 3; /* byte order mark of some editors */
	while (text < end && !ps->no_memory) {
		const char *nl = memchr(text, '\n', (size_t)(end - text));
		struct slice line = { text, (size_t)((nl ? nl : end) - text) };

		ps->line++;
		read_line(ps, line);
		text = nl ? nl + 1 : end;
	}
	end_section(ps);
}

int adit_quickconf_parse(struct adit_quickconf **ret, const char *name, const char *text, size_t len,
			 void (*report)(void *user, const char *msg), void *user)
{
	struct parser ps = { .name = name, .report = report, .user = user };
	char msg[300];

	ps.conf = calloc(1, sizeof(*ps.conf));
	if (!ps.conf)
		return -ENOMEM;
	if (len)
		read_text(&ps, text, len);
	if (!ps.no_memory && !ps.error_cnt) {
		struct adit_quick_pos top = { 1, 1 };

		check_twins(&ps);
		if (!ps.interface_seen)
			quick_error_at(&ps, top, "[Interface]: the file has no such section");
		else if (!ps.conf->has_private_key)
			quick_error_at(&ps, top, "[Interface]: has no PrivateKey (adit genkey makes one)");
	}
	if (ps.error_cnt > ERRORS_MAX) {
		snprintf(msg, sizeof(msg), "%.200s: %u more errors", name, ps.error_cnt - ERRORS_MAX);
		report(user, msg);
	}
	if (ps.no_memory || ps.error_cnt) {
		adit_quickconf_free(ps.conf);
		return ps.no_memory ? -ENOMEM : -EINVAL;
	}
	*ret = ps.conf;
	return 0;
}

void adit_quickconf_free(struct adit_quickconf *conf)
{
	size_t i;

	if (!conf)
		return;
	for (i = 0; i < conf->peer_cnt; i++) {
		free(conf->peer[i].endpoint_host);
		free(conf->peer[i].endpoint_port);
		free(conf->peer[i].allowed.item);
	}
	if (conf->peer_cnt)
		quick_wipe(conf->peer, conf->peer_cnt * sizeof(*conf->peer));
	free(conf->peer);
	for (i = 0; i < conf->extra_cnt; i++)
		free(conf->extra[i].value);
	free(conf->extra);
	free(conf->addresses.item);
	quick_wipe(conf, sizeof(*conf));
	free(conf);
}
