/* SPDX-License-Identifier: ISC */
/*
 * quickvalue.c - the settings of a wg-quick file: one row of a table each, with
 * the function that reads its value. One that is wrong is reported, and the
 * field stays as it was.
 */
#include "base/quickparse.h"

#include <stdlib.h>
#include <string.h>

static bool read_key(struct parser *ps, struct slice v, uint8_t ret[ADIT_QUICK_KEY_LEN])
{
	if (quick_key(ret, v))
		return true;
	if (v.len != 44)
		quick_error(ps, v, "a key has 44 characters, this one has %zu (see wg genkey, wg pubkey)",
			    v.len);
	else
		quick_error(ps, v, "not a base64 key (43 of A-Z a-z 0-9 + / and one = at the end)");
	return false;
}

static void read_private_key(struct parser *ps, struct slice v)
{
	ps->conf->has_private_key = read_key(ps, v, ps->conf->private_key);
}

static void read_listen_port(struct parser *ps, struct slice v)
{
	char q[QUOTE_LEN];
	uint32_t n;

	if (!quick_number(v, 10, 65535, &n)) {
		quick_error(ps, v, "\"%s\" is not a port (0 to 65535; 0 picks one)", quick_quote(v, q));
		return;
	}
	ps->conf->has_listen_port = true;
	ps->conf->listen_port = (uint16_t)n;
}

static void read_fwmark(struct parser *ps, struct slice v)
{
	bool hex = v.len > 2 && v.p[0] == '0' && (v.p[1] == 'x' || v.p[1] == 'X');
	struct slice digits = { hex ? v.p + 2 : v.p, hex ? v.len - 2 : v.len };
	char q[QUOTE_LEN];

	ps->conf->has_fwmark = true;
	if (quick_is_word(v, "off"))
		ps->conf->fwmark = 0;
	else if (!quick_number(digits, hex ? 16 : 10, UINT32_MAX, &ps->conf->fwmark))
		quick_error(ps, v, "\"%s\" is not a mark (a number of 32 bits, 0x for hexadecimal, or off)",
			    quick_quote(v, q));
}

static void read_mtu(struct parser *ps, struct slice v)
{
	char q[QUOTE_LEN];
	uint32_t n;

	ps->conf->mtu_pos = quick_pos(ps, v.p);
	if (quick_number(v, 10, 65535, &n) && n >= 68)
		ps->conf->mtu = n;
	else
		quick_error(ps, v, "\"%s\" is not an MTU (68 to 65535; 1420 suits most networks)",
			    quick_quote(v, q));
}

static void read_table(struct parser *ps, struct slice v)
{
	char q[QUOTE_LEN];

	if (quick_is_word(v, "auto")) {
		ps->conf->table = ADIT_QUICK_TABLE_AUTO;
	} else if (quick_is_word(v, "off")) {
		ps->conf->table = ADIT_QUICK_TABLE_OFF;
	} else if (quick_is_word(v, "main")) {
		ps->conf->table = ADIT_QUICK_TABLE_NUMBER;
		ps->conf->table_number = 254;
	} else if (quick_number(v, 10, UINT32_MAX, &ps->conf->table_number) && ps->conf->table_number) {
		ps->conf->table = ADIT_QUICK_TABLE_NUMBER;
	} else {
		quick_error(ps, v, "\"%s\" is not a routing table (off, auto, main, or a number from 1)",
			    quick_quote(v, q));
	}
}

/* One item of Address or AllowedIPs. */
static void read_prefix(struct parser *ps, struct slice item, struct adit_quick_prefixes *list)
{
	char text[ADIT_PREFIX_STRLEN], q[QUOTE_LEN];
	struct adit_prefix prefix;
	void *grown;

	if (!item.len) {
		quick_error(ps, item, "nothing between two commas (remove one)");
		return;
	}
	if (!quick_copy(item, text, sizeof(text)) || adit_prefix_parse(&prefix, text) < 0) {
		quick_error(
			ps, item,
			"\"%s\" is not an IP address with a prefix length (like 10.0.0.2/24 or fd00::2/64)",
			quick_quote(item, q));
		return;
	}
	grown = quick_grow(ps, list->item, list->cnt, &list->cap, sizeof(*list->item));
	if (!grown)
		return;
	list->item = grown;
	list->item[list->cnt].prefix = prefix;
	list->item[list->cnt++].pos = quick_pos(ps, item.p);
}

static void read_address(struct parser *ps, struct slice v)
{
	struct slice item, word;

	/* Blanks separate addresses too. */
	while (quick_next_item(&v, &item)) {
		do {
			for (word = item, word.len = 0;
			     word.len < item.len && !quick_is_space(word.p[word.len]); word.len++)
				;
			read_prefix(ps, word, &ps->conf->addresses);
			item = quick_trim((struct slice){ item.p + word.len, item.len - word.len });
		} while (item.len);
	}
}

/* Kept for the caller to judge. */
static void read_extra(struct parser *ps, struct slice v)
{
	struct adit_quickconf *conf = ps->conf;
	char *value = quick_dup(ps, v);
	void *grown;

	if (!value)
		return;
	grown = quick_grow(ps, conf->extra, conf->extra_cnt, &conf->extra_cap, sizeof(*conf->extra));
	if (!grown) {
		free(value);
		return;
	}
	conf->extra = grown;
	conf->extra[conf->extra_cnt].kind = ps->key->extra;
	conf->extra[conf->extra_cnt].pos = ps->key_pos;
	conf->extra[conf->extra_cnt++].value = value;
}

static void read_save_config(struct parser *ps, struct slice v)
{
	char q[QUOTE_LEN];

	if (quick_is_word(v, "true"))
		read_extra(ps, v);
	else if (!quick_is_word(v, "false"))
		quick_error(ps, v, "\"%s\" is neither true nor false", quick_quote(v, q));
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
		return;
	while (quick_next_item(&v, &item)) {
		if (item.len && (item.p[0] == '+' || item.p[0] == '-'))
			quick_error(ps, item, "a file lists what is allowed (write the prefix without %c)",
				    item.p[0]);
		else
			read_prefix(ps, item, &peer(ps)->allowed);
	}
}

/* HOST:PORT, or [ADDRESS]:PORT for IPv6. */
static void read_endpoint(struct parser *ps, struct slice v)
{
	struct slice host = v, port;
	char q[QUOTE_LEN];
	const char *end;
	uint32_t n;

	for (end = v.p + v.len; end > v.p && end[-1] != ':'; end--)
		;
	if (end == v.p) {
		quick_error(ps, v, "\"%s\" has no port (write HOST:PORT, like vpn.example.com:51820)",
			    quick_quote(v, q));
		return;
	}
	host.len = (size_t)(end - 1 - v.p);
	port = (struct slice){ end, v.len - host.len - 1 };
	if (host.len && host.p[0] == '[') {
		if (host.len < 3 || host.p[host.len - 1] != ']') {
			quick_error(ps, v, "\"%s\": the bracket is not closed (write [ADDRESS]:PORT)",
				    quick_quote(v, q));
			return;
		}
		host.p++;
		host.len -= 2;
	} else if (host.len && memchr(host.p, ':', host.len)) {
		quick_error(ps, v, "\"%s\": an IPv6 address stands in brackets (write [ADDRESS]:PORT)",
			    quick_quote(v, q));
		return;
	}
	if (!host.len || !port.len || memchr(v.p, '\0', v.len)) {
		quick_error(ps, v, "\"%s\" is not an endpoint (write HOST:PORT, like vpn.example.com:51820)",
			    quick_quote(v, q));
		return;
	}
	if (port.p[0] >= '0' && port.p[0] <= '9' && (!quick_number(port, 10, 65535, &n) || !n)) {
		quick_error(ps, port, "\"%s\" is not a port (1 to 65535)", quick_quote(port, q));
		return;
	}
	peer(ps)->endpoint_pos = quick_pos(ps, v.p);
	peer(ps)->endpoint_host = quick_dup(ps, host);
	peer(ps)->endpoint_port = quick_dup(ps, port);
}

static void read_keepalive(struct parser *ps, struct slice v)
{
	char q[QUOTE_LEN];
	uint32_t n = 0;

	if (!quick_is_word(v, "off") && !quick_number(v, 10, 65535, &n)) {
		quick_error(ps, v,
			    "\"%s\" is not a time in seconds (0 to 65535, or off; 25 keeps most NATs open)",
			    quick_quote(v, q));
		return;
	}
	peer(ps)->has_keepalive = true;
	peer(ps)->keepalive = (uint16_t)n;
}

const struct quick_key quick_keys[] = {
	{ "PrivateKey", INTERFACE, false, false, read_private_key, 0 },
	{ "ListenPort", INTERFACE, false, false, read_listen_port, 0 },
	{ "FwMark", INTERFACE, false, false, read_fwmark, 0 },
	{ "Address", INTERFACE, true, false, read_address, 0 },
	{ "MTU", INTERFACE, false, false, read_mtu, 0 },
	{ "Table", INTERFACE, false, false, read_table, 0 },
	{ "DNS", INTERFACE, true, false, read_extra, ADIT_QUICK_DNS },
	{ "PreUp", INTERFACE, true, false, read_extra, ADIT_QUICK_PRE_UP },
	{ "PostUp", INTERFACE, true, false, read_extra, ADIT_QUICK_POST_UP },
	{ "PreDown", INTERFACE, true, false, read_extra, ADIT_QUICK_PRE_DOWN },
	{ "PostDown", INTERFACE, true, false, read_extra, ADIT_QUICK_POST_DOWN },
	{ "SaveConfig", INTERFACE, false, false, read_save_config, ADIT_QUICK_SAVE_CONFIG },
	{ "PublicKey", PEER, false, false, read_public_key, 0 },
	{ "PresharedKey", PEER, false, false, read_psk, 0 },
	{ "AllowedIPs", PEER, true, true, read_allowed_ips, 0 }, /* wg writes and takes an empty list */
	{ "Endpoint", PEER, false, false, read_endpoint, 0 },
	{ "PersistentKeepalive", PEER, false, false, read_keepalive, 0 },
};
const size_t quick_key_cnt = sizeof(quick_keys) / sizeof(quick_keys[0]);

const char *adit_quick_extra_name(enum adit_quick_extra_kind kind)
{
	size_t i;

	for (i = 0; i < quick_key_cnt; i++)
		if ((quick_keys[i].read == read_extra || quick_keys[i].read == read_save_config) &&
		    quick_keys[i].extra == kind)
			return quick_keys[i].name;
	return "";
}
