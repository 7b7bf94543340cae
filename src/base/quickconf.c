/* SPDX-License-Identifier: ISC */
/*
 * quickconf.c - reader of wg-quick files
 *
 * DOC: A line is cut into slices that point into the caller's text; each known
 * key is one row of a table with the function that reads its value. A value
 * that is wrong is reported and reading goes on, so that a person sees every
 * mistake of a file at once. What wg(8) and wg-quick(8) accept is accepted:
 * section and key names in any case, comments from '#' on, comma lists,
 * repeated Address, AllowedIPs, DNS and hook lines. A single value that stands
 * twice is refused, where those two take the last without a word.
 */
#include "base/quickconf.h"

#include <errno.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define ERRORS_MAX 100
#define MSG_MAX    512
#define QUOTE_MAX  40

enum section { NONE, INTERFACE, PEER };

struct slice {
	const char *p;
	size_t len;
};

struct parser {
	struct adit_quickconf *conf;
	const char *name;
	void (*report)(void *user, const char *msg);
	void *user;
	const char *line_start; /* columns count from here */
	unsigned line;
	enum section section;
	bool interface_seen;
	uint64_t seen;       /* bit per row of the key table, of the section being read */
	const char *key;     /* name of the row being read, or NULL */
	unsigned error_cnt;
	bool no_memory;
};

struct key {
	const char *name;
	enum section section;
	bool repeats;
	void (*read)(struct parser *ps, struct slice v);
	enum adit_quick_extra_kind extra; /* for read_extra */
};

/* --- slices --------------------------------------------------------------- */

static bool is_space(char c)
{
	return c == ' ' || c == '\t' || c == '\r' || c == '\v' || c == '\f';
}

static char lower(char c)
{
	return c >= 'A' && c <= 'Z' ? (char)(c - 'A' + 'a') : c;
}

static bool has_space(struct slice s)
{
	size_t i;

	for (i = 0; i < s.len; i++)
		if (is_space(s.p[i]))
			return true;
	return false;
}

static struct slice trim(struct slice s)
{
	while (s.len && is_space(s.p[0])) {
		s.p++;
		s.len--;
	}
	while (s.len && is_space(s.p[s.len - 1]))
		s.len--;
	return s;
}

static bool is_word(struct slice s, const char *word)
{
	size_t i;

	if (s.len != strlen(word))
		return false;
	for (i = 0; i < s.len; i++)
		if (lower(s.p[i]) != lower(word[i]))
			return false;
	return true;
}

/* Cuts the next item of a comma list; false at the end. wg accepts an empty list. */
static bool next_item(struct slice *list, struct slice *item)
{
	const char *comma;

	if (!list->p)
		return false;
	comma = list->len ? memchr(list->p, ',', list->len) : NULL;
	item->p = list->p;
	item->len = comma ? (size_t)(comma - list->p) : list->len;
	*item = trim(*item);
	if (comma) {
		list->len -= (size_t)(comma + 1 - list->p);
		list->p = comma + 1;
	} else {
		list->p = NULL;
		list->len = 0;
	}
	return true;
}

static char *slice_dup(struct parser *ps, struct slice s)
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

/* Copies into a small buffer; false when it does not fit or holds a NUL. */
static bool slice_copy(struct slice s, char *buf, size_t size)
{
	if (s.len >= size || (s.len && memchr(s.p, '\0', s.len)))
		return false;
	if (s.len)
		memcpy(buf, s.p, s.len);
	buf[s.len] = '\0';
	return true;
}

/* For messages: printable, short, and never a key that stands where it should not. */
static const char *quote(struct slice s, char buf[QUOTE_MAX + 4])
{
	size_t i, n = s.len < QUOTE_MAX ? s.len : QUOTE_MAX;

	if (s.len == 44 && s.p[43] == '=')
		return strcpy(buf, "(a key)");
	for (i = 0; i < n; i++)
		buf[i] = s.p[i] >= 0x20 && s.p[i] < 0x7f ? s.p[i] : '?';
	strcpy(buf + n, s.len > n ? "..." : "");
	return buf;
}

/* The first word, if it can be the name of a setting; what follows may be a key. */
static const char *quote_word(struct slice s, char buf[QUOTE_MAX + 4])
{
	size_t n = 0;

	while (n < s.len && !is_space(s.p[n]))
		n++;
	return n > 24 ? strcpy(buf, "(long word)") : quote((struct slice){ s.p, n }, buf);
}

static bool read_number(struct slice s, int base, uint32_t max, uint32_t *ret)
{
	uint64_t v = 0;
	size_t i;

	if (!s.len)
		return false;
	for (i = 0; i < s.len; i++) {
		char c = lower(s.p[i]);
		int d = c >= '0' && c <= '9' ? c - '0' : base == 16 && c >= 'a' && c <= 'f' ? c - 'a' + 10 : -1;

		if (d < 0)
			return false;
		v = v * (unsigned)base + (unsigned)d;
		if (v > max)
			return false;
	}
	*ret = (uint32_t)v;
	return true;
}

/* --- errors --------------------------------------------------------------- */

static struct adit_quick_pos pos_of(const struct parser *ps, const char *at)
{
	struct adit_quick_pos pos = { ps->line, (unsigned)(at - ps->line_start) + 1 };

	return pos;
}

__attribute__((format(printf, 3, 4)))
static void error_at(struct parser *ps, struct adit_quick_pos pos, const char *fmt, ...)
{
	char text[MSG_MAX], msg[MSG_MAX + 256];
	va_list ap;

	if (++ps->error_cnt > ERRORS_MAX)
		return;
	va_start(ap, fmt);
	vsnprintf(text, sizeof(text), fmt, ap);
	va_end(ap);
	snprintf(msg, sizeof(msg), "%.200s:%u:%u: %s%s%s", ps->name, pos.line, pos.col, ps->key ? ps->key : "",
		 ps->key ? ": " : "", text);
	ps->report(ps->user, msg);
}

#define error(ps, s, ...) error_at(ps, pos_of(ps, (s).p), __VA_ARGS__)

/* --- values --------------------------------------------------------------- */

/* Not removed by the optimiser, unlike a memset before free. */
static void wipe(void *p, size_t len)
{
	volatile uint8_t *b = p;

	while (len--)
		*b++ = 0;
}

/* Grows an array so that one more item fits. */
static void *grow(struct parser *ps, void *items, size_t cnt, size_t *cap, size_t size)
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
		wipe(items, cnt * size); /* peers hold keys */
	}
	free(items);
	*cap = want;
	return p;
}

static int base64_digit(char c)
{
	if (c >= 'A' && c <= 'Z')
		return c - 'A';
	if (c >= 'a' && c <= 'z')
		return c - 'a' + 26;
	if (c >= '0' && c <= '9')
		return c - '0' + 52;
	return c == '+' ? 62 : c == '/' ? 63 : -1;
}

/* 32 bytes are 43 digits and one '='; the last digit's low two bits are zero. */
static bool key_decode(uint8_t ret[ADIT_QUICK_KEY_LEN], struct slice s)
{
	unsigned acc = 0, bits = 0;
	size_t i, n = 0;

	if (s.len != 44 || s.p[43] != '=')
		return false;
	for (i = 0; i < 43; i++) {
		int d = base64_digit(s.p[i]);

		if (d < 0)
			return false;
		acc = (acc << 6 | (unsigned)d) & 0xffff;
		bits += 6;
		if (bits >= 8) {
			bits -= 8;
			ret[n++] = (uint8_t)(acc >> bits);
		}
	}
	return (acc & ((1u << bits) - 1)) == 0;
}

static bool read_key(struct parser *ps, struct slice v, uint8_t ret[ADIT_QUICK_KEY_LEN])
{
	if (key_decode(ret, v))
		return true;
	if (v.len != 44)
		error(ps, v, "a key has 44 characters, this one has %zu (see wg genkey, wg pubkey)", v.len);
	else
		error(ps, v, "not a base64 key (43 of A-Z a-z 0-9 + / and one = at the end)");
	return false;
}

static void read_private_key(struct parser *ps, struct slice v)
{
	ps->conf->has_private_key = read_key(ps, v, ps->conf->private_key);
}

static void read_listen_port(struct parser *ps, struct slice v)
{
	char q[QUOTE_MAX + 4];
	uint32_t n;

	if (!read_number(v, 10, 65535, &n)) {
		error(ps, v, "\"%s\" is not a port (0 to 65535; 0 picks one)", quote(v, q));
		return;
	}
	ps->conf->has_listen_port = true;
	ps->conf->listen_port = (uint16_t)n;
}

static void read_fwmark(struct parser *ps, struct slice v)
{
	bool hex = v.len > 2 && v.p[0] == '0' && lower(v.p[1]) == 'x';
	struct slice digits = { hex ? v.p + 2 : v.p, hex ? v.len - 2 : v.len };
	char q[QUOTE_MAX + 4];

	ps->conf->has_fwmark = true;
	if (is_word(v, "off"))
		ps->conf->fwmark = 0;
	else if (!read_number(digits, hex ? 16 : 10, UINT32_MAX, &ps->conf->fwmark))
		error(ps, v, "\"%s\" is not a mark (a number of 32 bits, 0x for hexadecimal, or off)", quote(v, q));
}

static void read_mtu(struct parser *ps, struct slice v)
{
	char q[QUOTE_MAX + 4];
	uint32_t n;

	ps->conf->mtu_pos = pos_of(ps, v.p);
	if (read_number(v, 10, 65535, &n) && n >= 68)
		ps->conf->mtu = n;
	else
		error(ps, v, "\"%s\" is not an MTU (68 to 65535; 1420 suits most networks)", quote(v, q));
}

static void read_table(struct parser *ps, struct slice v)
{
	char q[QUOTE_MAX + 4];

	if (is_word(v, "auto")) {
		ps->conf->table = ADIT_QUICK_TABLE_AUTO;
	} else if (is_word(v, "off")) {
		ps->conf->table = ADIT_QUICK_TABLE_OFF;
	} else if (is_word(v, "main")) {
		ps->conf->table = ADIT_QUICK_TABLE_NUMBER;
		ps->conf->table_number = 254;
	} else if (read_number(v, 10, UINT32_MAX, &ps->conf->table_number) && ps->conf->table_number) {
		ps->conf->table = ADIT_QUICK_TABLE_NUMBER;
	} else {
		error(ps, v, "\"%s\" is not a routing table (off, auto, main, or a number from 1)", quote(v, q));
	}
}

/* One item of Address or AllowedIPs. */
static void read_prefix(struct parser *ps, struct slice item, struct adit_quick_prefixes *list)
{
	char text[ADIT_PREFIX_STRLEN], q[QUOTE_MAX + 4];
	struct adit_prefix prefix;
	void *grown;

	if (!item.len) {
		error(ps, item, "nothing between two commas (remove one)");
		return;
	}
	if (!slice_copy(item, text, sizeof(text)) || adit_prefix_parse(&prefix, text) < 0) {
		error(ps, item, "\"%s\" is not an IP address with a prefix length (like 10.0.0.2/24 or fd00::2/64)",
		      quote(item, q));
		return;
	}
	grown = grow(ps, list->item, list->cnt, &list->cap, sizeof(*list->item));
	if (!grown)
		return;
	list->item = grown;
	list->item[list->cnt].prefix = prefix;
	list->item[list->cnt++].pos = pos_of(ps, item.p);
}

static void read_address(struct parser *ps, struct slice v)
{
	struct slice item, word;

	/* Blanks separate addresses too. */
	while (next_item(&v, &item)) {
		do {
			for (word = item, word.len = 0; word.len < item.len && !is_space(word.p[word.len]); word.len++)
				;
			read_prefix(ps, word, &ps->conf->addresses);
			item = trim((struct slice){ item.p + word.len, item.len - word.len });
		} while (item.len);
	}
}

static void read_extra(struct parser *ps, struct slice v, enum adit_quick_extra_kind kind, struct slice key)
{
	struct adit_quickconf *conf = ps->conf;
	char *value = slice_dup(ps, v);
	void *grown;

	if (!value)
		return;
	grown = grow(ps, conf->extra, conf->extra_cnt, &conf->extra_cap, sizeof(*conf->extra));
	if (!grown) {
		free(value);
		return;
	}
	conf->extra = grown;
	conf->extra[conf->extra_cnt].kind = kind;
	conf->extra[conf->extra_cnt].pos = pos_of(ps, key.p);
	conf->extra[conf->extra_cnt++].value = value;
}

static struct adit_quick_peer *peer(struct parser *ps)
{
	return &ps->conf->peer[ps->conf->peer_cnt - 1];
}

static void read_public_key(struct parser *ps, struct slice v)
{
	/* A key that is wrong has been named; do not say that it is missing too. */
	read_key(ps, v, peer(ps)->public_key);
	peer(ps)->has_public_key = true;
}

static void read_psk(struct parser *ps, struct slice v)
{
	peer(ps)->has_psk = read_key(ps, v, peer(ps)->psk);
}

static void read_allowed_ips(struct parser *ps, struct slice v)
{
	struct slice item;

	if (!v.len)
		return; /* wg writes and takes an empty list */
	while (next_item(&v, &item)) {
		if (item.len && (item.p[0] == '+' || item.p[0] == '-'))
			error(ps, item, "a file lists what is allowed (write the prefix without %c)", item.p[0]);
		else
			read_prefix(ps, item, &peer(ps)->allowed);
	}
}

/* HOST:PORT, or [ADDRESS]:PORT for IPv6. */
static void read_endpoint(struct parser *ps, struct slice v)
{
	struct slice host = v, port;
	char q[QUOTE_MAX + 4];
	const char *end;
	uint32_t n;

	for (end = v.p + v.len; end > v.p && end[-1] != ':'; end--)
		;
	if (end == v.p) {
		error(ps, v, "\"%s\" has no port (write HOST:PORT, like vpn.example.com:51820)", quote(v, q));
		return;
	}
	host.len = (size_t)(end - 1 - v.p);
	port = (struct slice){ end, v.len - host.len - 1 };
	if (host.len && host.p[0] == '[') {
		if (host.len < 3 || host.p[host.len - 1] != ']') {
			error(ps, v, "\"%s\": the bracket is not closed (write [ADDRESS]:PORT)", quote(v, q));
			return;
		}
		host.p++;
		host.len -= 2;
	} else if (host.len && memchr(host.p, ':', host.len)) {
		error(ps, v, "\"%s\": an IPv6 address stands in brackets (write [ADDRESS]:PORT)", quote(v, q));
		return;
	}
	if (!host.len || !port.len || memchr(v.p, '\0', v.len)) {
		error(ps, v, "\"%s\" is not an endpoint (write HOST:PORT, like vpn.example.com:51820)", quote(v, q));
		return;
	}
	if (port.p[0] >= '0' && port.p[0] <= '9' && (!read_number(port, 10, 65535, &n) || !n)) {
		error(ps, port, "\"%s\" is not a port (1 to 65535)", quote(port, q));
		return;
	}
	peer(ps)->endpoint_pos = pos_of(ps, v.p);
	peer(ps)->endpoint_host = slice_dup(ps, host);
	peer(ps)->endpoint_port = slice_dup(ps, port);
}

static void read_keepalive(struct parser *ps, struct slice v)
{
	char q[QUOTE_MAX + 4];
	uint32_t n = 0;

	if (!is_word(v, "off") && !read_number(v, 10, 65535, &n)) {
		error(ps, v, "\"%s\" is not a time in seconds (0 to 65535, or off; 25 keeps most NATs open)",
		      quote(v, q));
		return;
	}
	peer(ps)->has_keepalive = true;
	peer(ps)->keepalive = (uint16_t)n;
}

/* --- keys and sections ---------------------------------------------------- */

static const struct key keys[] = {
	{ "PrivateKey", INTERFACE, false, read_private_key, 0 },
	{ "ListenPort", INTERFACE, false, read_listen_port, 0 },
	{ "FwMark", INTERFACE, false, read_fwmark, 0 },
	{ "Address", INTERFACE, true, read_address, 0 },
	{ "MTU", INTERFACE, false, read_mtu, 0 },
	{ "Table", INTERFACE, false, read_table, 0 },
	{ "DNS", INTERFACE, true, NULL, ADIT_QUICK_DNS },
	{ "PreUp", INTERFACE, true, NULL, ADIT_QUICK_PRE_UP },
	{ "PostUp", INTERFACE, true, NULL, ADIT_QUICK_POST_UP },
	{ "PreDown", INTERFACE, true, NULL, ADIT_QUICK_PRE_DOWN },
	{ "PostDown", INTERFACE, true, NULL, ADIT_QUICK_POST_DOWN },
	{ "SaveConfig", INTERFACE, false, NULL, ADIT_QUICK_SAVE_CONFIG },
	{ "PublicKey", PEER, false, read_public_key, 0 },
	{ "PresharedKey", PEER, false, read_psk, 0 },
	{ "AllowedIPs", PEER, true, read_allowed_ips, 0 },
	{ "Endpoint", PEER, false, read_endpoint, 0 },
	{ "PersistentKeepalive", PEER, false, read_keepalive, 0 },
};
#define KEY_CNT (sizeof(keys) / sizeof(keys[0]))

/* Levenshtein distance without regard to case; b is a key's name. */
static unsigned distance(struct slice a, const char *b)
{
	unsigned row[32], len = (unsigned)strlen(b), i, k;

	for (k = 0; k <= len; k++)
		row[k] = k;
	for (i = 0; i < a.len; i++) {
		unsigned diagonal = row[0];

		row[0] = i + 1;
		for (k = 1; k <= len; k++) {
			unsigned change = diagonal + (lower(a.p[i]) != lower(b[k - 1]));
			unsigned best = row[k] < row[k - 1] ? row[k] + 1 : row[k - 1] + 1;

			diagonal = row[k];
			row[k] = change < best ? change : best;
		}
	}
	return row[len];
}

static const char *section_name(enum section s)
{
	return s == PEER ? "[Peer]" : "[Interface]";
}

static void unknown_key(struct parser *ps, struct slice key)
{
	const struct key *best = NULL;
	char q[QUOTE_MAX + 4];
	unsigned least = 4;
	size_t i;

	for (i = 0; i < KEY_CNT && key.len <= 24; i++) {
		/* Between equals, one of this section; and half of the word must be right. */
		unsigned d = distance(key, keys[i].name);
		bool near = d * 2 <= strlen(keys[i].name);

		if (near && (d < least || (d == least && best && best->section != ps->section))) {
			least = d;
			best = &keys[i];
		}
	}
	ps->key = NULL;
	quote_word(key, q);
	if (!best)
		error(ps, key, "%s: unknown key in %s (see wg-quick(8) for those there are)", q,
		      section_name(ps->section));
	else if (best->section != ps->section)
		error(ps, key, "%s: unknown key in %s (did you mean %s, which belongs to %s?)", q,
		      section_name(ps->section), best->name, section_name(best->section));
	else
		error(ps, key, "%s: unknown key in %s (did you mean %s?)", q, section_name(ps->section), best->name);
}

static void read_save_config(struct parser *ps, struct slice v, struct slice key)
{
	char q[QUOTE_MAX + 4];

	if (is_word(v, "true"))
		read_extra(ps, v, ADIT_QUICK_SAVE_CONFIG, key);
	else if (!is_word(v, "false"))
		error(ps, v, "\"%s\" is neither true nor false", quote(v, q));
}

static void read_setting(struct parser *ps, struct slice key, struct slice v)
{
	size_t i;

	for (i = 0; i < KEY_CNT; i++)
		if (keys[i].section == ps->section && is_word(key, keys[i].name))
			break;
	if (i == KEY_CNT) {
		unknown_key(ps, key);
		return;
	}
	ps->key = keys[i].name;
	if (!keys[i].repeats && ps->seen & UINT64_C(1) << i)
		error(ps, key, "stands twice in this %s (remove one)", section_name(ps->section));
	else if (!v.len && keys[i].read != read_allowed_ips)
		error(ps, v, "has no value");
	else if (keys[i].read)
		keys[i].read(ps, v);
	else if (keys[i].extra == ADIT_QUICK_SAVE_CONFIG)
		read_save_config(ps, v, key);
	else
		read_extra(ps, v, keys[i].extra, key);
	ps->seen |= UINT64_C(1) << i;
	ps->key = NULL;
}

/* What can be judged only when a peer's section is over. */
static void end_section(struct parser *ps)
{
	if (ps->section == PEER && !peer(ps)->has_public_key)
		error_at(ps, peer(ps)->pos, "[Peer]: has no PublicKey");
	ps->section = NONE;
	ps->seen = 0;
}

static void begin_peer(struct parser *ps, struct slice s)
{
	struct adit_quickconf *conf = ps->conf;
	void *grown = grow(ps, conf->peer, conf->peer_cnt, &conf->peer_cap, sizeof(*conf->peer));

	if (!grown)
		return;
	conf->peer = grown;
	memset(&conf->peer[conf->peer_cnt], 0, sizeof(*conf->peer));
	conf->peer[conf->peer_cnt++].pos = pos_of(ps, s.p);
	ps->section = PEER;
}

static void read_section(struct parser *ps, struct slice s)
{
	char q[QUOTE_MAX + 4];

	end_section(ps);
	if (is_word(s, "[Peer]")) {
		begin_peer(ps, s);
	} else if (is_word(s, "[Interface]")) {
		if (ps->interface_seen)
			error(ps, s, "[Interface]: stands twice (join the two)");
		ps->interface_seen = true;
		ps->section = INTERFACE;
	} else {
		error(ps, s, "%s: unknown section (there are [Interface] and [Peer])", quote(s, q));
	}
}

static void read_line(struct parser *ps, struct slice line)
{
	const char *hash = line.len ? memchr(line.p, '#', line.len) : NULL;
	struct slice s = { line.p, hash ? (size_t)(hash - line.p) : line.len }, key, v;
	const char *equals;
	char q[QUOTE_MAX + 4];

	ps->line_start = line.p;
	s = trim(s);
	if (!s.len)
		return;
	if (s.p[0] == '[') {
		read_section(ps, s);
		return;
	}
	/* The '=' that ends a key whose own one was forgotten does not count. */
	equals = memchr(s.p, '=', s.len);
	key = trim((struct slice){ s.p, equals ? (size_t)(equals - s.p) : 0 });
	if (!equals || has_space(key)) {
		error(ps, s, "\"%s\": neither a section nor KEY = VALUE", quote_word(s, q));
		return;
	}
	v = trim((struct slice){ equals + 1, s.len - (size_t)(equals + 1 - s.p) });
	/* Under an unknown section, which was reported, nothing is known. */
	if (ps->section != NONE)
		read_setting(ps, key, v);
	else if (!ps->error_cnt)
		error(ps, s, "%s: stands before any section (begin with [Interface])", quote_word(key, q));
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
			error_at(ps, conf->peer[i].pos, "[Peer]: has the PublicKey of the peer in line %u (join the two)",
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
			error_at(&ps, top, "[Interface]: the file has no such section");
		else if (!ps.conf->has_private_key)
			error_at(&ps, top, "[Interface]: has no PrivateKey (adit genkey makes one)");
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
		wipe(conf->peer, conf->peer_cnt * sizeof(*conf->peer));
	free(conf->peer);
	for (i = 0; i < conf->extra_cnt; i++)
		free(conf->extra[i].value);
	free(conf->extra);
	free(conf->addresses.item);
	wipe(conf, sizeof(*conf));
	free(conf);
}

const char *adit_quick_extra_name(enum adit_quick_extra_kind kind)
{
	size_t i;

	for (i = 0; i < KEY_CNT; i++)
		if (!keys[i].read && keys[i].extra == kind)
			return keys[i].name;
	return "";
}
