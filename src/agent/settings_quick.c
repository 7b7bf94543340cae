/* SPDX-License-Identifier: ISC */
/*
 * settings_quick.c - a wg-quick file as a part of the configuration's tree: its
 * settings under our keys' names, each with its place. What is wrong with a
 * value is said where ours are checked; here only what no other format has.
 */
#include <stdio.h>
#include <string.h>

#include "agent/settings_internal.h"
#include "base/filename.h"
#include "base/quicktext.h"

enum kind { TEXT, NUMBER, LIST, LINES };

static const struct row {
	const char *quick, *name;
	bool peer;
	enum kind kind;
	const char *zero; /* a word for 0; NULL: none */
} rows[] = {
	{ "PrivateKey", "private_key", false, TEXT, NULL },
	{ "ListenPort", "listen_port", false, NUMBER, NULL },
	{ "FwMark", "fwmark", false, NUMBER, "off" },
	{ "Address", "addresses", false, LIST, NULL },
	{ "MTU", "mtu", false, NUMBER, NULL },
	{ "Table", "table", false, TEXT, NULL },
	{ "DNS", "dns", false, LIST, NULL },
	{ "PreUp", "PreUp", false, LINES, NULL },
	{ "PostUp", "PostUp", false, LINES, NULL },
	{ "PreDown", "PreDown", false, LINES, NULL },
	{ "PostDown", "PostDown", false, LINES, NULL },
	{ "SaveConfig", "SaveConfig", false, TEXT, NULL },
	{ "PublicKey", "public_key", true, TEXT, NULL },
	{ "PresharedKey", "preshared_key", true, TEXT, NULL },
	{ "AllowedIPs", "allowed_ips", true, LIST, NULL },
	{ "Endpoint", "endpoint", true, TEXT, NULL },
	{ "PersistentKeepalive", "persistent_keepalive_secs", true, NUMBER, "off" },
};
#define ROW_CNT (sizeof(rows) / sizeof(rows[0]))

struct quick {
	struct agent_reading *rd;
	struct adit_conf_node *net, *section; /* of [Interface], of this section; NULL: none, or an unknown one */
	bool interface, peer, lost; /* seen; in a [Peer]; in an unknown section */
	const char *line_start;
	unsigned line;
};

static struct adit_conf_pos pos_of(const struct quick *q, const char *at)
{
	struct adit_conf_pos pos = { q->line, 1 };

	for (const char *p = q->line_start; p < at; p++)
		pos.col += ((unsigned char)*p & 0xc0) != 0x80;
	return pos;
}

static void say(struct quick *q, const char *at, const char *key, const char *text)
{
	adit_conf_error_at(q->rd->errors, q->net->doc->name, pos_of(q, at), key, "%s", text);
}

/* It may be of a newer program, or of somebody's own. */
static void warn_unknown(struct quick *q, struct slice word, const char *what)
{
	struct adit_conf_node at = { .kind = ADIT_CONF_STRING, .doc = q->net->doc, .pos = pos_of(q, word.p) };
	char quoted[QUOTE_LEN];

	adit_conf_warning(q->rd->errors, &at, "%s: %s, left out (wg-quick(8) has the list)", quick_quote_word(word, quoted),
			  what);
}

static struct adit_conf_node *add(struct quick *q, struct adit_conf_node *to, const char *key, enum adit_conf_kind kind,
				  struct adit_conf_pos key_pos, struct adit_conf_pos pos)
{
	struct adit_conf_node *node = to ? adit_conf_add(to, key, kind, key_pos, pos) : NULL;

	if (to && !node)
		q->rd->errors->no_memory = true;
	return node;
}

static void set(struct quick *q, struct adit_conf_node *node, struct slice v)
{
	if (node && adit_conf_set_text(node, v.p, v.len))
		q->rd->errors->no_memory = true;
}

/* --- values ----------------------------------------------------------------------------- */

static void add_items(struct quick *q, struct adit_conf_node *array, struct slice v)
{
	const char *end = v.p + v.len, *p = v.p;

	while (p < end) {
		const char *from;

		while (p < end && (quick_is_space(*p) || *p == ','))
			p++;
		for (from = p; p < end && !quick_is_space(*p) && *p != ',';)
			p++;
		if (p > from)
			set(q, add(q, array, NULL, ADIT_CONF_STRING, pos_of(q, from), pos_of(q, from)),
			    (struct slice){ from, (size_t)(p - from) });
	}
}

static void add_number(struct quick *q, const struct row *row, struct slice name, struct slice v)
{
	bool hex = v.len > 2 && v.p[0] == '0' && (v.p[1] == 'x' || v.p[1] == 'X');
	struct slice digits = { hex ? v.p + 2 : v.p, hex ? v.len - 2 : v.len };
	struct adit_conf_node *node;
	uint32_t number = 0;

	if (!(row->zero && quick_is_word(v, row->zero)) && !quick_number(digits, hex ? 16 : 10, UINT32_MAX, &number)) {
		say(q, v.p, row->quick, "not a number");
		return;
	}
	node = add(q, q->section, row->name, ADIT_CONF_INTEGER, pos_of(q, name.p), pos_of(q, v.p));
	if (node)
		node->u.integer = number;
}

static void add_text(struct quick *q, const struct row *row, struct slice name, struct slice v)
{
	struct adit_conf_node *node;
	uint32_t number;
	bool is_number = !strcmp(row->name, "table") && quick_number(v, 10, UINT32_MAX, &number);

	node = add(q, q->section, row->name, is_number ? ADIT_CONF_INTEGER : ADIT_CONF_STRING, pos_of(q, name.p),
		   pos_of(q, v.p));
	if (node && is_number)
		node->u.integer = number;
	else
		set(q, node, v);
}

/* SaveConfig = false asks for nothing. */
static bool is_nothing(const struct row *row, struct slice v)
{
	return !strcmp(row->quick, "SaveConfig") && quick_is_word(v, "false");
}

static void read_value(struct quick *q, const struct row *row, struct slice name, struct slice v)
{
	struct adit_conf_node *old = adit_conf_find(q->section, row->name);
	bool many = row->kind == LIST || row->kind == LINES;

	if (old && !many) {
		say(q, name.p, row->quick, "stands twice in this section (remove one)");
		return;
	}
	if (!v.len && row->kind != LIST) {
		say(q, v.p, row->quick, "has no value");
		return;
	}
	if (is_nothing(row, v))
		return;
	if (many && !old)
		old = add(q, q->section, row->name, ADIT_CONF_ARRAY, pos_of(q, name.p), pos_of(q, v.p));
	if (row->kind == LIST && old)
		add_items(q, old, v);
	else if (row->kind == LINES)
		set(q, add(q, old, NULL, ADIT_CONF_STRING, pos_of(q, v.p), pos_of(q, v.p)), v);
	else if (row->kind == NUMBER)
		add_number(q, row, name, v);
	else
		add_text(q, row, name, v);
}

/* --- lines ------------------------------------------------------------------------------- */

static void begin_peer(struct quick *q, struct slice s)
{
	struct adit_conf_node *peers = adit_conf_find(q->net, "peers");

	if (!peers)
		peers = add(q, q->net, "peers", ADIT_CONF_ARRAY, pos_of(q, s.p), pos_of(q, s.p));
	q->section = add(q, peers, NULL, ADIT_CONF_TABLE, pos_of(q, s.p), pos_of(q, s.p));
	q->peer = true;
}

static void read_section(struct quick *q, struct slice s)
{
	q->peer = q->lost = false;
	q->section = NULL;
	if (quick_is_word(s, "[Peer]")) {
		begin_peer(q, s);
	} else if (quick_is_word(s, "[Interface]")) {
		if (q->interface)
			say(q, s.p, "[Interface]", "stands twice (join the two)");
		q->interface = true;
		q->section = q->net;
	} else {
		warn_unknown(q, s, "unknown section");
		q->lost = true;
	}
}

static void read_setting(struct quick *q, struct slice name, struct slice v)
{
	const struct row *other = NULL;

	for (size_t i = 0; i < ROW_CNT; i++) {
		if (!quick_is_word(name, rows[i].quick))
			continue;
		if (rows[i].peer == q->peer) {
			read_value(q, &rows[i], name, v);
			return;
		}
		other = &rows[i];
	}
	if (other)
		say(q, name.p, other->quick, other->peer ? "belongs to [Peer]" : "belongs to [Interface]");
	else
		warn_unknown(q, name, "unknown key");
}

static void read_line(struct quick *q, struct slice line)
{
	const char *hash = line.len ? memchr(line.p, '#', line.len) : NULL;
	struct slice s = { line.p, hash ? (size_t)(hash - line.p) : line.len }, name, v;
	const char *equals;

	q->line_start = line.p;
	s = quick_trim(s);
	if (!s.len)
		return;
	if (s.p[0] == '[') {
		read_section(q, s);
		return;
	}
	equals = memchr(s.p, '=', s.len);
	name = quick_trim((struct slice){ s.p, equals ? (size_t)(equals - s.p) : 0 });
	if (!name.len || quick_has_space(name)) {
		say(q, s.p, "", "neither a section nor KEY = VALUE");
		return;
	}
	v = quick_trim((struct slice){ equals + 1, s.len - (size_t)(equals + 1 - s.p) });
	if (q->section)
		read_setting(q, name, v);
	else if (!q->lost)
		say(q, s.p, "", "stands before any section (begin with [Interface])");
}

void agent_quick_read(struct agent_reading *rd, struct adit_conf_node *table, const struct adit_textfile *text)
{
	struct quick q = { .rd = rd, .net = table };
	const char *p = text->p, *end = p + text->len;
	size_t before = rd->errors->cnt;

	if (text->len >= 3 && !memcmp(p, "\xef\xbb\xbf", 3))
		p += 3; /* byte order mark of some editors */
	while (p < end) {
		const char *nl = memchr(p, '\n', (size_t)(end - p));

		q.line++;
		read_line(&q, (struct slice){ p, (size_t)((nl ? nl : end) - p) });
		p = nl ? nl + 1 : end;
	}
	if (!q.interface) {
		q.line_start = text->p;
		q.line = 1;
		say(&q, text->p, "[Interface]", "the file has no such section");
	}
	rd->quick_wrong = rd->errors->cnt > before;
}

/* --- whole files ---------------------------------------------------------------------------- */

void agent_quick_name(const char *path, char ret[AGENT_NAME_LEN])
{
	static const char legal[] = "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789_.-+=";
	const char *base = adit_filename_last(path), *dot = strrchr(base, '.');
	size_t len = dot && !strcmp(dot, ".conf") ? (size_t)(dot - base) : strlen(base);

	if (len >= AGENT_NAME_LEN)
		len = AGENT_NAME_LEN - 1;
	memcpy(ret, base, len);
	ret[len] = '\0';
	for (size_t i = 0; i < len; i++)
		if (!strchr(legal, ret[i]) || (!i && (ret[i] == '.' || ret[i] == '-')))
			ret[i] = '_';
	if (!len)
		strcpy(ret, "network");
}

void agent_quick_fill(struct agent_reading *rd, struct adit_conf_node *table)
{
	const struct adit_conf_node *node = adit_conf_get(table, "config");
	struct adit_textfile text;
	struct adit_conf *doc;
	const char *name;
	char path[4096];

	if (!node)
		return;
	rd->quick_wrong = true;
	if (adit_conf_as_text(rd->errors, node, &name) <= 0 || !agent_place(rd, node, name, path, sizeof(path)) ||
	    !agent_file_open(rd, path, node, &text))
		return;
	doc = adit_conf_new(path);
	if (!doc) {
		rd->errors->no_memory = true;
	} else if (agent_files_add(rd, doc, &text, true)) {
		agent_quick_read(rd, doc->root, &text);
		adit_conf_merge(table, doc->root, ADIT_CONF_FIRST);
	}
	adit_textfile_free(&text);
}
