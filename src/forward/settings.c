/* SPDX-License-Identifier: ISC */
/*
 * settings.c - reader of configuration files
 *
 * DOC: each known key is one row of a table with the function that reads its
 * value; what sections share (BindAddress, Target) they share as rows. A
 * section that makes a service fills one in and gives it away when the section
 * ends, for only then it is known what was left out.
 */
#include "forward/settings.h"

#include <stdlib.h>
#include <string.h>

#include "forward/settings_internal.h"

#define VALUE_MAX 8192

static const struct settings_section sections[] = {
	{ "Interface", INTERFACE, false, 0 },
	{ "Peer", PEER, false, 0 },
	{ "TCPClientTunnel", TCP_CLIENT, true, RELAY_TCP },
	{ "TCPServerTunnel", TCP_SERVER, true, RELAY_REMOTE_TCP },
	{ "STDIOTunnel", STDIO, true, RELAY_STDIO },
	{ "UDPProxyTunnel", UDP_PROXY, true, RELAY_UDP },
	{ "UDPServerTunnel", UDP_SERVER, true, RELAY_REMOTE_UDP },
	{ "Socks5", SOCKS5, true, RELAY_SOCKS5 },
	{ "http", HTTP, true, RELAY_HTTP },
	{ "Mixed", MIXED, true, RELAY_MIXED },
	{ "SNI", SNI, true, RELAY_SNI },
	{ "Resolve", RESOLVE, false, 0 },
};
#define SECTION_CNT (sizeof(sections) / sizeof(sections[0]))

/* --- keys -------------------------------------------------------------------- */

/* The row of a number, counted through both tables; NULL: there are no more. */
static const struct setting *key_at(size_t i)
{
	for (const struct setting *k = settings_network; k->name; k++)
		if (i-- == 0)
			return k;
	for (const struct setting *k = settings_service; k->name; k++)
		if (i-- == 0)
			return k;
	return NULL;
}

/* --- sections ---------------------------------------------------------------- */

static bool was_seen(const struct settings_reading *r, const char *key)
{
	const struct setting *k;

	for (size_t i = 0; (k = key_at(i)); i++)
		if (r->seen >> i & 1 && !strcmp(k->name, key))
			return true;
	return false;
}

static void want_key(struct settings_reading *r, const char *key)
{
	if (!was_seen(r, key))
		adit_forward_error(r->rd, &r->section_at, NULL, "[%s]: has no %s", r->what->name, key);
}

static void end_peer(struct settings_reading *r)
{
	struct adit_forward_peer *peer;

	want_key(r, "PublicKey");
	peer = adit_forward_add_peer(r->rd);
	if (peer)
		*peer = r->peer;
	else
		free(r->peer.allowed);
	quick_wipe(&r->peer, sizeof(r->peer));
}

static void end_service(struct settings_reading *r)
{
	unsigned before = r->rd->errors;

	if (r->section & LISTENS)
		want_key(r, "BindAddress");
	if (r->section & TARGETS)
		want_key(r, "Target");
	if (r->section & (TCP_SERVER | UDP_SERVER))
		want_key(r, "ListenPort");
	if (r->service.password[0] && !r->service.username[0])
		want_key(r, "Username");
	if (!r->service.cert_file[0] != !r->service.key_file[0])
		want_key(r, r->service.cert_file[0] ? "KeyFile" : "CertFile");
	if (!r->bad && r->rd->errors == before)
		adit_forward_add_service(r->rd, &r->section_at, &r->service);
	quick_wipe(&r->service, sizeof(r->service));
}

static void end_section(struct settings_reading *r)
{
	if (r->section == PEER)
		end_peer(r);
	else if (r->what && r->what->service)
		end_service(r);
	else if (r->section == INTERFACE && was_seen(r, "CheckAliveInterval") && !r->rd->cfg->alive_cnt)
		adit_forward_warning(r->rd, &r->section_at, NULL, "CheckAliveInterval without CheckAlive does nothing");
	r->section = UNKNOWN;
	r->what = NULL;
}

static void begin_section(struct settings_reading *r, const struct forward_ini_line *line)
{
	char q[QUOTE_LEN];
	size_t i;

	end_section(r);
	r->seen = 0;
	r->bad = false;
	r->section_at = settings_origin(r, line->name.p);
	for (i = 0; i < SECTION_CNT && !quick_is_word(line->name, sections[i].name); i++)
		;
	if (i == SECTION_CNT) {
		adit_forward_warning(r->rd, &r->section_at, NULL, "[%s]: unknown section, passed over",
				     quick_quote(line->name, q));
		return;
	}
	if (r->as_import && !(sections[i].section & (INTERFACE | PEER)))
		return;
	r->what = &sections[i];
	r->section = r->what->section;
	if (r->section == INTERFACE && r->interfaces++)
		adit_forward_error(r->rd, &r->section_at, NULL, "[Interface]: stands twice (join the two)");
	if (r->what->service)
		relay_service_defaults(&r->service, r->what->kind);
	if (r->section == UDP_PROXY)
		r->service.udp_timeout = 0; /* as wireproxy: unless it is set, never */
}

/* --- settings ---------------------------------------------------------------- */

/* A misspelt one of ours is an error, a strange one is passed over. */
static void unknown_key(struct settings_reading *r, struct slice name)
{
	struct adit_forward_origin at = settings_origin(r, name.p);
	const struct setting *best = NULL, *k;
	char q[QUOTE_LEN];
	unsigned least = 3;

	for (size_t i = 0; name.len <= 24 && (k = key_at(i)); i++) {
		unsigned d = quick_distance(name, k->name);

		if (d < least && d * 3 <= strlen(k->name)) {
			least = d;
			best = k;
		}
	}
	quick_quote_word(name, q);
	if (best && best->sections & r->section)
		adit_forward_error(r->rd, &at, NULL, "%s: unknown key (did you mean %s?)", q, best->name);
	else if (best && !least)
		adit_forward_warning(r->rd, &at, NULL, "%s: has no meaning in this section, passed over", q);
	else
		adit_forward_warning(r->rd, &at, NULL, "%s: unknown key, passed over", q);
}

/* $NAME is the variable's value, $$ a dollar sign. */
static bool expand(struct settings_reading *r, struct setting_value *v, char buf[VALUE_MAX])
{
	const char *text;

	if (v->len >= VALUE_MAX || memchr(v->text, '\0', v->len)) {
		setting_error(r, v, "is too long, or holds a zero byte");
		return false;
	}
	memcpy(buf, v->text, v->len);
	buf[v->len] = '\0';
	if (buf[0] == '$' && buf[1] == '$') {
		v->text++;
		v->len--;
	} else if (buf[0] == '$') {
		text = r->rd->env ? r->rd->env(r->rd->user, buf + 1) : NULL;
		if (!text) {
			setting_error(r, v, "the variable %.60s is not set", buf + 1);
			return false;
		}
		v->text = text;
		v->len = strlen(text);
	}
	return true;
}

static void say_nothing(void *user, bool error, const char *msg)
{
	(void)user;
	(void)error;
	(void)msg;
}

/* What a variable holds may be secret, whatever the key: its name is told and no more. */
static void read_variable(struct settings_reading *r, const struct setting_value *v, const char *name)
{
	struct adit_forward_reader *rd = r->rd;
	void (*report)(void *user, bool error, const char *msg) = rd->report;
	unsigned before = rd->errors;

	rd->report = say_nothing;
	r->key->read(r, v);
	rd->report = report;
	if (rd->errors == before)
		return;
	rd->errors = before;
	setting_error(r, v, "what the variable %.60s holds does not fit here", name);
}

static void read_value(struct settings_reading *r, const struct forward_ini_line *line)
{
	struct setting_value v = { line->value.p, line->value.len, settings_origin(r, line->value.p) };
	unsigned before = r->rd->errors;
	char buf[VALUE_MAX];

	if (line->cut_short && !(r->key->flags & TEXT))
		adit_forward_warning(r->rd, &v.at, r->key->name,
				     "ends where # or ; begins a comment (put it in backquotes if that belongs to it)");
	if (!v.len && !(r->key->flags & LIST))
		setting_error(r, &v, "has no value");
	else if (expand(r, &v, buf) && buf[0] == '$' && buf[1] != '$')
		read_variable(r, &v, buf + 1);
	else if (r->rd->errors == before)
		r->key->read(r, &v);
	quick_wipe(buf, sizeof(buf));
	r->bad = r->bad || r->rd->errors != before;
}

static void read_setting(struct settings_reading *r, const struct forward_ini_line *line)
{
	struct adit_forward_origin at = settings_origin(r, line->name.p);
	size_t i;

	if (r->section == UNKNOWN)
		return;
	for (i = 0; (r->key = key_at(i)); i++)
		if (r->key->sections & r->section && quick_is_word(line->name, r->key->name))
			break;
	if (!r->key) {
		unknown_key(r, line->name);
		return;
	}
	if (r->seen >> i & 1 && !(r->key->flags & LIST))
		adit_forward_warning(r->rd, &at, r->key->name, "stands twice in this section; the first one counts");
	else
		read_value(r, line);
	r->seen |= UINT64_C(1) << i;
}

void adit_forward_settings(struct adit_forward_reader *rd, const char *name, const char *text, size_t len,
			   struct adit_forward_import *import, bool as_import)
{
	struct settings_reading r = { .rd = rd, .import = import, .name = name, .as_import = as_import, .section = TOP };
	struct forward_ini_line line;

	forward_ini_init(&r.ini, text, len);
	for (forward_ini_next(&r.ini, &line); line.kind != INI_END && !rd->no_memory; forward_ini_next(&r.ini, &line)) {
		struct adit_forward_origin at;

		switch (line.kind) {
		case INI_SECTION:
			begin_section(&r, &line);
			break;
		case INI_SETTING:
			read_setting(&r, &line);
			break;
		case INI_BAD:
			at = settings_origin(&r, line.name.p);
			adit_forward_error(rd, &at, NULL, "%s", line.problem);
			break;
		case INI_END:
			break;
		}
	}
	end_section(&r);
}
