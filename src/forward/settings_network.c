/* SPDX-License-Identifier: ISC */
/* settings_network.c - keys of [Interface], [Peer] and [Resolve], and WGConfig */
#include "forward/settings_internal.h"

#include <stdio.h>
#include <string.h>

#include "forward/spec.h"

/* --- [Interface] ----------------------------------------------------------- */

static void read_private_key(struct settings_reading *r, const struct setting_value *v)
{
	if (setting_read_key(r, v, r->rd->cfg->private_key))
		r->rd->cfg->has_private_key = true;
}

/* An item that must be an address; a prefix length is passed over. */
static bool read_item(struct settings_reading *r, const struct setting_value *item, bool prefix, struct adit_addr *ret)
{
	char text[ADIT_PREFIX_STRLEN], q[QUOTE_LEN];
	struct adit_prefix p;

	if (quick_copy((struct slice){ item->text, item->len }, text, sizeof(text)) &&
	    (prefix || !strchr(text, '/')) && !adit_prefix_parse(&p, text)) {
		*ret = p.addr;
		return true;
	}
	setting_error(r, item, "\"%s\" is not an IP address%s", setting_quoted(item, q),
		    prefix ? " (like 10.0.0.2/32 or fd00::2)" : " (like 10.0.0.1)");
	return false;
}

static void read_address(struct settings_reading *r, const struct setting_value *v)
{
	struct adit_forward_config *cfg = r->rd->cfg;
	struct slice list = { v->text, v->len }, s;
	struct adit_addr a;
	unsigned i;

	while (quick_next_item(&list, &s)) {
		struct setting_value item = setting_item(v, s);

		if (!s.len || !read_item(r, &item, true, &a))
			continue; /* an empty item says nothing */
		for (i = 0; i < cfg->address_cnt && !adit_addr_equal(&cfg->address[i], &a); i++)
			;
		if (i == ADIT_FORWARD_ADDRESSES)
			setting_error(r, &item, "more than %u addresses", ADIT_FORWARD_ADDRESSES);
		else if (i == cfg->address_cnt)
			cfg->address[cfg->address_cnt++] = a;
	}
}

static void add_search(struct settings_reading *r, const struct setting_value *item)
{
	struct adit_forward_config *cfg = r->rd->cfg;
	size_t used = strlen(cfg->search);

	if (used + item->len + 2 > sizeof(cfg->search))
		setting_error(r, item, "too many search domains");
	else
		snprintf(cfg->search + used, sizeof(cfg->search) - used, "%s%.*s", used ? " " : "", (int)item->len,
			 item->text);
}

/* Servers, and, as in wg-quick, domains to search. */
static void read_dns(struct settings_reading *r, const struct setting_value *v)
{
	struct adit_forward_config *cfg = r->rd->cfg;
	struct slice list = { v->text, v->len }, s;
	struct adit_addr a;
	char text[256];

	while (quick_next_item(&list, &s)) {
		struct setting_value item = setting_item(v, s);

		if (!s.len)
			continue;
		if (!setting_text(r, &item, text, sizeof(text)))
			continue;
		if (!text[strspn(text, "0123456789.")] || strchr(text, ':')) {
			if (!read_item(r, &item, false, &a))
				continue;
			if (cfg->dns_cnt == ADIT_FORWARD_DNS)
				setting_error(r, &item, "more than %u servers", ADIT_FORWARD_DNS);
			else
				cfg->dns[cfg->dns_cnt++].addr = a;
		} else if (text[strspn(text, "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789.-_")]) {
			setting_error(r, &item, "neither the address of a DNS server nor a domain to search");
		} else {
			add_search(r, &item);
		}
	}
}

static void read_mtu(struct settings_reading *r, const struct setting_value *v)
{
	uint32_t n;

	if (!setting_number(r, v, 65535, &n))
		return;
	if (n < 576)
		setting_error(r, v, "%u is too small (576 to 65535; 1420 suits most networks)", n);
	else
		r->rd->cfg->mtu = n;
}

static void read_listen_port(struct settings_reading *r, const struct setting_value *v)
{
	uint32_t n;

	if (setting_number(r, v, 65535, &n))
		r->rd->cfg->listen_port = (uint16_t)n;
}

static void read_fwmark(struct settings_reading *r, const struct setting_value *v)
{
	struct slice s = { v->text, v->len };
	bool hex = s.len > 2 && s.p[0] == '0' && (s.p[1] == 'x' || s.p[1] == 'X');
	char q[QUOTE_LEN];

	if (hex)
		s = (struct slice){ s.p + 2, s.len - 2 };
	if (quick_is_word(s, "off"))
		r->rd->cfg->fwmark = 0;
	else if (!quick_number(s, hex ? 16 : 10, UINT32_MAX, &r->rd->cfg->fwmark))
		setting_error(r, v, "\"%s\" is not a mark (a number of 32 bits, 0x for hexadecimal, or off)",
			    setting_quoted(v, q));
}

static void read_alive(struct settings_reading *r, const struct setting_value *v)
{
	struct adit_forward_config *cfg = r->rd->cfg;
	struct slice list = { v->text, v->len }, s;
	struct adit_addr a;

	while (quick_next_item(&list, &s)) {
		struct setting_value item = setting_item(v, s);

		if (!s.len || !read_item(r, &item, false, &a))
			continue;
		if (cfg->alive_cnt == ADIT_FORWARD_ALIVE)
			setting_error(r, &item, "more than %u addresses", ADIT_FORWARD_ALIVE);
		else
			cfg->alive[cfg->alive_cnt++] = a;
	}
}

static void read_alive_interval(struct settings_reading *r, const struct setting_value *v)
{
	uint32_t n;

	if (!setting_number(r, v, 86400, &n))
		return;
	if (!n)
		setting_error(r, v, "an interval of 0 seconds is none (5 is usual)");
	else
		r->rd->cfg->alive_interval = n;
}

static void read_hook(struct settings_reading *r, const struct setting_value *v)
{
	adit_forward_warning(r->rd, &v->at, r->key->name, "hooks are not run: nothing of this machine is changed");
}

/* --- [Peer] ---------------------------------------------------------------- */

static void read_public_key(struct settings_reading *r, const struct setting_value *v)
{
	r->peer.has_public_key = setting_read_key(r, v, r->peer.public_key);
}

static void read_psk(struct settings_reading *r, const struct setting_value *v)
{
	r->peer.has_psk = setting_read_key(r, v, r->peer.psk);
}

static void read_endpoint(struct settings_reading *r, const struct setting_value *v)
{
	struct relay_target t;
	char text[300];

	if (!setting_text(r, v, text, sizeof(text)) ||
	    !adit_forward_spec_target(r->rd, &v->at, r->key->name, text, false, &t))
		return;
	memcpy(r->peer.endpoint_host, t.host, sizeof(r->peer.endpoint_host));
	r->peer.endpoint_port = t.port;
}

static void read_keepalive(struct settings_reading *r, const struct setting_value *v)
{
	uint32_t n = 0;

	if (quick_is_word((struct slice){ v->text, v->len }, "off") || setting_number(r, v, 65535, &n))
		r->peer.keepalive = (uint16_t)n;
}

static void read_allowed_ips(struct settings_reading *r, const struct setting_value *v)
{
	struct slice list = { v->text, v->len }, s;
	char text[ADIT_PREFIX_STRLEN], q[QUOTE_LEN];
	struct adit_prefix p;

	while (quick_next_item(&list, &s)) {
		struct setting_value item = setting_item(v, s);

		if (!s.len)
			continue;
		if (!quick_copy(s, text, sizeof(text)) || adit_prefix_parse(&p, text))
			setting_error(r, &item, "\"%s\" is not an IP address with a prefix length (like 10.0.0.0/24)",
				    setting_quoted(&item, q));
		else
			adit_forward_add_allowed(r->rd, &r->peer, &p);
	}
}

/* --- the rest ---------------------------------------------------------------- */

static void read_strategy(struct settings_reading *r, const struct setting_value *v)
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
		setting_error(r, v, "\"%s\" is not a strategy (auto, ipv4, ipv6)", setting_quoted(v, q));
}

static void read_import(struct settings_reading *r, const struct setting_value *v)
{
	char path[ADIT_FORWARD_PATH_LEN];

	if (!setting_text(r, v, path, sizeof(path)))
		return;
	if (!r->import)
		setting_error(r, v, "an imported file cannot import another one");
	else
		r->import->read(r->import, r->rd, &v->at, path);
}

const struct setting settings_network[] = {
	{ "WGConfig", TOP, 0, read_import },
	{ "PrivateKey", INTERFACE, 0, read_private_key },
	{ "Address", INTERFACE, LIST, read_address },
	{ "DNS", INTERFACE, LIST, read_dns },
	{ "MTU", INTERFACE, 0, read_mtu },
	{ "ListenPort", INTERFACE, 0, read_listen_port },
	{ "FwMark", INTERFACE, 0, read_fwmark },
	{ "CheckAlive", INTERFACE, LIST, read_alive },
	{ "CheckAliveInterval", INTERFACE, 0, read_alive_interval },
	{ "Table", INTERFACE, 0, setting_nothing },
	{ "SaveConfig", INTERFACE, 0, setting_nothing },
	{ "PreUp", INTERFACE, LIST | TEXT, read_hook },
	{ "PostUp", INTERFACE, LIST | TEXT, read_hook },
	{ "PreDown", INTERFACE, LIST | TEXT, read_hook },
	{ "PostDown", INTERFACE, LIST | TEXT, read_hook },
	{ "PublicKey", PEER, 0, read_public_key },
	{ "PresharedKey", PEER, 0, read_psk },
	{ "Endpoint", PEER, 0, read_endpoint },
	{ "PersistentKeepalive", PEER, 0, read_keepalive },
	{ "AllowedIPs", PEER, LIST, read_allowed_ips },
	{ "ResolveStrategy", RESOLVE, 0, read_strategy },
	{ .name = NULL },
};
