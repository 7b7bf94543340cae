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

#include <stdio.h>
#include <string.h>

#include "base/quicktext.h"
#include "forward/ini.h"
#include "forward/spec.h"

#define VALUE_MAX 8192

enum section {
	TOP = 1 << 0,
	INTERFACE = 1 << 1,
	PEER = 1 << 2,
	TCP_CLIENT = 1 << 3,
	TCP_SERVER = 1 << 4,
	STDIO = 1 << 5,
	UDP_PROXY = 1 << 6,
	UDP_SERVER = 1 << 7,
	SOCKS5 = 1 << 8,
	HTTP = 1 << 9,
	MIXED = 1 << 10,
	SNI = 1 << 11,
	RESOLVE = 1 << 12,
	UNKNOWN = 1 << 13,
};

#define LISTENS  (TCP_CLIENT | UDP_PROXY | SOCKS5 | HTTP | MIXED | SNI)
#define TARGETS  (TCP_CLIENT | TCP_SERVER | STDIO | UDP_PROXY | UDP_SERVER)
#define PASSWORD (SOCKS5 | HTTP | MIXED)
#define DATAGRAM (UDP_PROXY | UDP_SERVER)

static const struct section_name {
	const char *name;
	enum section section;
	bool service;
	enum relay_kind kind;
} sections[] = {
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

/* A value as it is read: after $NAME, cut to a string. */
struct value {
	const char *text;
	size_t len;
	struct adit_forward_origin at;
};

struct key;

struct reading {
	struct adit_forward_reader *rd;
	struct adit_forward_import *import;
	const char *name;
	bool as_import;
	struct forward_ini ini;
	enum section section;
	const struct section_name *what;
	struct adit_forward_origin section_at;
	uint64_t seen;     /* bit per row of the key table, of this section */
	uint64_t bad;      /* likewise: was wrong, and is not called missing too */
	unsigned interfaces;
	const struct key *key;
	struct relay_service_config service;
	struct adit_forward_peer peer;
};

struct key {
	const char *name;
	unsigned sections;
	bool list; /* may stand several times */
	void (*read)(struct reading *r, const struct value *v);
};

/* --- messages ------------------------------------------------------------- */

static struct adit_forward_origin origin(const struct reading *r, const char *p)
{
	return (struct adit_forward_origin){ r->name, r->ini.line, forward_ini_col(&r->ini, p) };
}

#define value_error(r, v, ...) adit_forward_error((r)->rd, &(v)->at, (r)->key->name, __VA_ARGS__)

/* Where an item of a list stands, when the list stands in the file. */
static struct value item_of(const struct value *list, struct slice item)
{
	struct value v = { item.p, item.len, list->at };

	v.at.col += (unsigned)(item.p - list->text);
	return v;
}

static const char *quoted(const struct value *v, char buf[QUOTE_LEN])
{
	return quick_quote((struct slice){ v->text, v->len }, buf);
}

/* A short value as a string; false after an error. */
static bool text_of(struct reading *r, const struct value *v, char *buf, size_t size)
{
	if (quick_copy((struct slice){ v->text, v->len }, buf, size))
		return true;
	value_error(r, v, "is too long (at most %zu bytes)", size - 1);
	return false;
}

/* --- numbers and keys ------------------------------------------------------ */

static bool number(struct reading *r, const struct value *v, uint32_t max, uint32_t *ret)
{
	char q[QUOTE_LEN];

	if (quick_number((struct slice){ v->text, v->len }, 10, max, ret))
		return true;
	value_error(r, v, "\"%s\" is not a number from 0 to %u", quoted(v, q), max);
	return false;
}

static bool read_key(struct reading *r, const struct value *v, uint8_t ret[ADIT_FORWARD_KEY_LEN])
{
	if (quick_key(ret, (struct slice){ v->text, v->len }))
		return true;
	if (v->len != 44)
		value_error(r, v, "a key has 44 characters, this one has %zu (see adit genkey, adit pubkey)", v->len);
	else
		value_error(r, v, "not a base64 key (43 of A-Z a-z 0-9 + / and one = at the end)");
	return false;
}

/* --- [Interface] ----------------------------------------------------------- */

static void read_private_key(struct reading *r, const struct value *v)
{
	if (read_key(r, v, r->rd->cfg->private_key))
		r->rd->cfg->has_private_key = true;
}

/* An item that must be an address; a prefix length is passed over. */
static bool read_item(struct reading *r, const struct value *item, bool prefix, struct adit_addr *ret)
{
	char text[ADIT_PREFIX_STRLEN], q[QUOTE_LEN];
	struct adit_prefix p;

	if (quick_copy((struct slice){ item->text, item->len }, text, sizeof(text)) &&
	    (prefix || !strchr(text, '/')) && !adit_prefix_parse(&p, text)) {
		*ret = p.addr;
		return true;
	}
	value_error(r, item, "\"%s\" is not an IP address%s", quoted(item, q),
		    prefix ? " (like 10.0.0.2/32 or fd00::2)" : " (like 10.0.0.1)");
	return false;
}

static void read_address(struct reading *r, const struct value *v)
{
	struct adit_forward_config *cfg = r->rd->cfg;
	struct slice list = { v->text, v->len }, s;
	struct adit_addr a;
	unsigned i;

	while (quick_next_item(&list, &s)) {
		struct value item = item_of(v, s);

		if (!s.len || !read_item(r, &item, true, &a))
			continue; /* an empty item says nothing */
		for (i = 0; i < cfg->address_cnt && !adit_addr_equal(&cfg->address[i], &a); i++)
			;
		if (i == ADIT_FORWARD_ADDRESSES)
			value_error(r, &item, "more than %u addresses", ADIT_FORWARD_ADDRESSES);
		else if (i == cfg->address_cnt)
			cfg->address[cfg->address_cnt++] = a;
	}
}

static void add_search(struct reading *r, const struct value *item)
{
	struct adit_forward_config *cfg = r->rd->cfg;
	size_t used = strlen(cfg->search);

	if (used + item->len + 2 > sizeof(cfg->search))
		value_error(r, item, "too many search domains");
	else
		snprintf(cfg->search + used, sizeof(cfg->search) - used, "%s%.*s", used ? " " : "", (int)item->len,
			 item->text);
}

/* Servers, and, as in wg-quick, domains to search. */
static void read_dns(struct reading *r, const struct value *v)
{
	struct adit_forward_config *cfg = r->rd->cfg;
	struct slice list = { v->text, v->len }, s;
	struct adit_addr a;
	char text[256];

	while (quick_next_item(&list, &s)) {
		struct value item = item_of(v, s);

		if (!s.len)
			continue;
		if (!text_of(r, &item, text, sizeof(text)))
			continue;
		if (!text[strspn(text, "0123456789.")] || strchr(text, ':')) {
			if (!read_item(r, &item, false, &a))
				continue;
			if (cfg->dns_cnt == ADIT_FORWARD_DNS)
				value_error(r, &item, "more than %u servers", ADIT_FORWARD_DNS);
			else
				cfg->dns[cfg->dns_cnt++].addr = a;
		} else if (text[strspn(text, "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789.-_")]) {
			value_error(r, &item, "neither the address of a DNS server nor a domain to search");
		} else {
			add_search(r, &item);
		}
	}
}

static void read_mtu(struct reading *r, const struct value *v)
{
	uint32_t n;

	if (!number(r, v, 65535, &n))
		return;
	if (n < 576)
		value_error(r, v, "%u is too small (576 to 65535; 1420 suits most networks)", n);
	else
		r->rd->cfg->mtu = n;
}

static void read_listen_port(struct reading *r, const struct value *v)
{
	uint32_t n;

	if (!number(r, v, 65535, &n))
		return;
	if (r->section == INTERFACE)
		r->rd->cfg->listen_port = (uint16_t)n;
	else
		r->service.listen.port = (uint16_t)n;
}

static void read_fwmark(struct reading *r, const struct value *v)
{
	struct slice s = { v->text, v->len };
	bool hex = s.len > 2 && s.p[0] == '0' && (s.p[1] == 'x' || s.p[1] == 'X');
	char q[QUOTE_LEN];

	if (hex)
		s = (struct slice){ s.p + 2, s.len - 2 };
	if (quick_is_word(s, "off"))
		r->rd->cfg->fwmark = 0;
	else if (!quick_number(s, hex ? 16 : 10, UINT32_MAX, &r->rd->cfg->fwmark))
		value_error(r, v, "\"%s\" is not a mark (a number of 32 bits, 0x for hexadecimal, or off)",
			    quoted(v, q));
}

static void read_alive(struct reading *r, const struct value *v)
{
	struct adit_forward_config *cfg = r->rd->cfg;
	struct slice list = { v->text, v->len }, s;
	struct adit_addr a;

	while (quick_next_item(&list, &s)) {
		struct value item = item_of(v, s);

		if (!s.len || !read_item(r, &item, false, &a))
			continue;
		if (cfg->alive_cnt == ADIT_FORWARD_ALIVE)
			value_error(r, &item, "more than %u addresses", ADIT_FORWARD_ALIVE);
		else
			cfg->alive[cfg->alive_cnt++] = a;
	}
}

static void read_alive_interval(struct reading *r, const struct value *v)
{
	uint32_t n;

	if (!number(r, v, 86400, &n))
		return;
	if (!n)
		value_error(r, v, "an interval of 0 seconds is none (5 is usual)");
	else
		r->rd->cfg->alive_interval = n;
}

static void read_hook(struct reading *r, const struct value *v)
{
	adit_forward_warning(r->rd, &v->at, r->key->name, "hooks are not run: nothing of this machine is changed");
}

static void read_nothing(struct reading *r, const struct value *v)
{
	(void)r;
	(void)v; /* of interfaces and routes, which there are none of */
}

/* --- [Peer] ---------------------------------------------------------------- */

static void read_public_key(struct reading *r, const struct value *v)
{
	r->peer.has_public_key = read_key(r, v, r->peer.public_key);
}

static void read_psk(struct reading *r, const struct value *v)
{
	r->peer.has_psk = read_key(r, v, r->peer.psk);
}

static void read_endpoint(struct reading *r, const struct value *v)
{
	struct relay_target t;
	char text[300];

	if (!text_of(r, v, text, sizeof(text)) ||
	    !adit_forward_spec_target(r->rd, &v->at, r->key->name, text, false, &t))
		return;
	memcpy(r->peer.endpoint_host, t.host, sizeof(r->peer.endpoint_host));
	r->peer.endpoint_port = t.port;
}

static void read_keepalive(struct reading *r, const struct value *v)
{
	uint32_t n = 0;

	if (quick_is_word((struct slice){ v->text, v->len }, "off") || number(r, v, 65535, &n))
		r->peer.keepalive = (uint16_t)n;
}

static void read_allowed_ips(struct reading *r, const struct value *v)
{
	struct slice list = { v->text, v->len }, s;
	char text[ADIT_PREFIX_STRLEN], q[QUOTE_LEN];
	struct adit_prefix p;

	while (quick_next_item(&list, &s)) {
		struct value item = item_of(v, s);

		if (!s.len)
			continue;
		if (!quick_copy(s, text, sizeof(text)) || adit_prefix_parse(&p, text))
			value_error(r, &item, "\"%s\" is not an IP address with a prefix length (like 10.0.0.0/24)",
				    quoted(&item, q));
		else
			adit_forward_add_allowed(r->rd, &r->peer, &p);
	}
}

/* --- services -------------------------------------------------------------- */

static void read_bind(struct reading *r, const struct value *v)
{
	char text[300];

	if (!text_of(r, v, text, sizeof(text)) ||
	    !adit_forward_spec_listen(r->rd, &v->at, r->key->name, text, &r->service.listen, r->service.listen_path,
				      sizeof(r->service.listen_path)))
		return;
	if (r->section == UDP_PROXY && r->service.listen_path[0])
		value_error(r, v, "a Unix socket carries TCP only");
}

static void read_target(struct reading *r, const struct value *v)
{
	char text[300];

	if (text_of(r, v, text, sizeof(text)))
		adit_forward_spec_target(r->rd, &v->at, r->key->name, text, r->section == TCP_SERVER,
					 &r->service.target);
}

static void read_timeout(struct reading *r, const struct value *v)
{
	uint32_t n;

	if (number(r, v, 86400 * 7, &n))
		r->service.udp_timeout = n;
}

static void read_unreplied(struct reading *r, const struct value *v)
{
	uint32_t n;

	if (number(r, v, 86400 * 7, &n))
		r->service.udp_unreplied = n;
}

static void read_pool(struct reading *r, const struct value *v)
{
	uint32_t n;

	if (!number(r, v, 64511, &n))
		return;
	if (!n)
		value_error(r, v, "a pool has at least one port");
	else
		r->service.udp_pool = n;
}

static void read_per_client(struct reading *r, const struct value *v)
{
	uint32_t n;

	if (!number(r, v, 64511, &n))
		return;
	if (!n)
		value_error(r, v, "a client needs at least one port");
	else
		r->service.udp_per_client = n;
}

static void read_username(struct reading *r, const struct value *v)
{
	text_of(r, v, r->service.username, sizeof(r->service.username));
}

static void read_password(struct reading *r, const struct value *v)
{
	text_of(r, v, r->service.password, sizeof(r->service.password));
}

static void read_cert(struct reading *r, const struct value *v)
{
	text_of(r, v, r->service.cert_file, sizeof(r->service.cert_file));
}

static void read_cert_key(struct reading *r, const struct value *v)
{
	text_of(r, v, r->service.key_file, sizeof(r->service.key_file));
}

/* To pass this over would send into the tunnel what was meant to stay out. */
static void read_domains(struct reading *r, const struct value *v)
{
	value_error(r, v, "choosing by name what goes through the tunnel is not supported (everything does)");
}

static void read_strategy(struct reading *r, const struct value *v)
{
	struct slice s = { v->text, v->len };
	char q[QUOTE_LEN];

	if (quick_is_word(s, "auto"))
		r->rd->cfg->family = RELAY_FAMILY_AUTO;
	else if (quick_is_word(s, "ipv4"))
		r->rd->cfg->family = RELAY_FAMILY_4;
	else if (quick_is_word(s, "ipv6"))
		r->rd->cfg->family = RELAY_FAMILY_6;
	else
		value_error(r, v, "\"%s\" is not a strategy (auto, ipv4, ipv6)", quoted(v, q));
}

static void read_import(struct reading *r, const struct value *v)
{
	char path[ADIT_FORWARD_PATH_LEN];

	if (!text_of(r, v, path, sizeof(path)))
		return;
	if (!r->import)
		value_error(r, v, "an imported file cannot import another one");
	else
		r->import->read(r->import, r->rd, &v->at, path);
}

static const struct key keys[] = {
	{ "WGConfig", TOP, false, read_import },
	{ "PrivateKey", INTERFACE, false, read_private_key },
	{ "Address", INTERFACE, true, read_address },
	{ "DNS", INTERFACE, true, read_dns },
	{ "MTU", INTERFACE, false, read_mtu },
	{ "ListenPort", INTERFACE | TCP_SERVER | UDP_SERVER, false, read_listen_port },
	{ "FwMark", INTERFACE, false, read_fwmark },
	{ "CheckAlive", INTERFACE, true, read_alive },
	{ "CheckAliveInterval", INTERFACE, false, read_alive_interval },
	{ "Table", INTERFACE, false, read_nothing },
	{ "SaveConfig", INTERFACE, false, read_nothing },
	{ "PreUp", INTERFACE, true, read_hook },
	{ "PostUp", INTERFACE, true, read_hook },
	{ "PreDown", INTERFACE, true, read_hook },
	{ "PostDown", INTERFACE, true, read_hook },
	{ "PublicKey", PEER, false, read_public_key },
	{ "PresharedKey", PEER, false, read_psk },
	{ "Endpoint", PEER, false, read_endpoint },
	{ "PersistentKeepalive", PEER, false, read_keepalive },
	{ "AllowedIPs", PEER, true, read_allowed_ips },
	{ "BindAddress", LISTENS, false, read_bind },
	{ "Target", TARGETS, false, read_target },
	{ "InactivityTimeout", DATAGRAM, false, read_timeout },
	{ "UnrepliedTimeout", DATAGRAM, false, read_unreplied },
	{ "PortPool", UDP_PROXY, false, read_pool },
	{ "PortsPerClient", UDP_PROXY, false, read_per_client },
	{ "Username", PASSWORD, false, read_username },
	{ "Password", PASSWORD, false, read_password },
	{ "CertFile", HTTP | MIXED, false, read_cert },
	{ "KeyFile", HTTP | MIXED, false, read_cert_key },
	{ "TunnelDomains", SOCKS5 | HTTP | SNI, true, read_domains },
	{ "LogDomains", SOCKS5 | HTTP | SNI, false, read_nothing },
	{ "ResolveStrategy", RESOLVE, false, read_strategy },
};
#define KEY_CNT (sizeof(keys) / sizeof(keys[0]))

/* --- sections ---------------------------------------------------------------- */

static bool was_seen(const struct reading *r, const char *key)
{
	for (size_t i = 0; i < KEY_CNT; i++)
		if (!strcmp(keys[i].name, key))
			return r->seen >> i & 1;
	return false;
}

static void want_key(struct reading *r, const char *key)
{
	if (!was_seen(r, key))
		adit_forward_error(r->rd, &r->section_at, NULL, "[%s]: has no %s", r->what->name, key);
}

static void end_peer(struct reading *r)
{
	struct adit_forward_peer *peer;

	want_key(r, "PublicKey");
	peer = adit_forward_add_peer(r->rd);
	if (peer)
		*peer = r->peer;
	quick_wipe(&r->peer, sizeof(r->peer));
}

static void end_service(struct reading *r)
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

static void end_section(struct reading *r)
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

static void begin_section(struct reading *r, const struct forward_ini_line *line)
{
	char q[QUOTE_LEN];
	size_t i;

	end_section(r);
	r->seen = r->bad = 0;
	r->section_at = origin(r, line->name.p);
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
static void unknown_key(struct reading *r, struct slice name)
{
	struct adit_forward_origin at = origin(r, name.p);
	const struct key *best = NULL;
	char q[QUOTE_LEN];
	unsigned least = 3;

	for (size_t i = 0; i < KEY_CNT && name.len <= 24; i++) {
		unsigned d = quick_distance(name, keys[i].name);

		if (d < least && d * 3 <= strlen(keys[i].name)) {
			least = d;
			best = &keys[i];
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
static bool expand(struct reading *r, struct value *v, char buf[VALUE_MAX])
{
	const char *text;

	if (v->len >= VALUE_MAX || memchr(v->text, '\0', v->len)) {
		value_error(r, v, "is too long, or holds a zero byte");
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
			value_error(r, v, "the variable %.60s is not set", buf + 1);
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
static void read_variable(struct reading *r, const struct value *v, const char *name)
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
	value_error(r, v, "what the variable %.60s holds does not fit here", name);
}

static void read_value(struct reading *r, const struct forward_ini_line *line)
{
	struct value v = { line->value.p, line->value.len, origin(r, line->value.p) };
	unsigned before = r->rd->errors;
	char buf[VALUE_MAX];

	if (line->cut_short && r->key->read != read_hook)
		adit_forward_warning(r->rd, &v.at, r->key->name,
				     "ends where # or ; begins a comment (put it in backquotes if that belongs to it)");
	if (!v.len && !r->key->list)
		value_error(r, &v, "has no value");
	else if (expand(r, &v, buf) && buf[0] == '$' && buf[1] != '$')
		read_variable(r, &v, buf + 1);
	else if (r->rd->errors == before)
		r->key->read(r, &v);
	quick_wipe(buf, sizeof(buf));
	if (r->rd->errors != before)
		r->bad |= UINT64_C(1) << (r->key - keys);
}

static void read_setting(struct reading *r, const struct forward_ini_line *line)
{
	struct adit_forward_origin at = origin(r, line->name.p);
	size_t i;

	if (r->section == UNKNOWN)
		return;
	for (i = 0; i < KEY_CNT; i++)
		if (keys[i].sections & r->section && quick_is_word(line->name, keys[i].name))
			break;
	if (i == KEY_CNT) {
		unknown_key(r, line->name);
		return;
	}
	r->key = &keys[i];
	if (r->seen >> i & 1 && !r->key->list)
		adit_forward_warning(r->rd, &at, r->key->name, "stands twice in this section; the first one counts");
	else
		read_value(r, line);
	r->seen |= UINT64_C(1) << i;
}

void adit_forward_settings(struct adit_forward_reader *rd, const char *name, const char *text, size_t len,
			   struct adit_forward_import *import, bool as_import)
{
	struct reading r = { .rd = rd, .import = import, .name = name, .as_import = as_import, .section = TOP };
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
			at = origin(&r, line.name.p);
			adit_forward_error(rd, &at, NULL, "%s", line.problem);
			break;
		case INI_END:
			break;
		}
	}
	end_section(&r);
}
