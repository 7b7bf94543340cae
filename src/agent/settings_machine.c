/* SPDX-License-Identifier: ISC */
/* settings_machine.c - [network.NAME]: what it changes on the machine */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "agent/settings_internal.h"

/* --- DNS ------------------------------------------------------------------------------- */

/* A domain, "~" before one that only says where its names are asked; "~." is every name. */
static bool is_domain(const char *text)
{
	const char *s = text[0] == '~' ? text + 1 : text, *label = s;

	if (text[0] == '~' && !strcmp(s, "."))
		return true;
	if (!*s || strlen(s) > 253)
		return false;
	for (; *s; s++) {
		bool ok = (*s >= 'a' && *s <= 'z') || (*s >= 'A' && *s <= 'Z') || (*s >= '0' && *s <= '9') ||
			  *s == '_' || (*s == '-' && s != label);

		if (*s == '.' && s > label && s - label <= 63)
			label = s + 1;
		else if (!ok)
			return false;
	}
	return s - label <= 63;
}

static bool looks_numeric(const char *text)
{
	return strchr(text, ':') || strspn(text, "0123456789./") == strlen(text);
}

static void read_dns_item(struct agent_reading *rd, const struct adit_conf_node *item)
{
	struct agent_network_settings *n = rd->net;
	const char *text;

	if (adit_conf_as_text(rd->errors, item, &text) <= 0)
		return;
	if (!adit_addr_parse(&n->dns[n->dns_cnt], text))
		n->dns_cnt++;
	else if (looks_numeric(text))
		adit_conf_error(rd->errors, item, "not an address of a server (it has no port and no prefix length)");
	else if (!is_domain(text))
		adit_conf_error(rd->errors, item, "neither an address nor a domain (\"10.0.0.1\", \"corp.example\", \"~corp.example\")");
	else if ((n->dns_domains[n->dns_domain_cnt] = agent_dup(rd, text)))
		n->dns_domain_cnt++;
}

static void read_dns(struct agent_reading *rd, const struct adit_conf_node *node)
{
	struct agent_network_settings *n = rd->net;
	size_t cnt = adit_conf_count(node);

	if (!adit_conf_is(rd->errors, node, ADIT_CONF_ARRAY))
		return;
	n->dns = calloc(cnt + 1, sizeof(*n->dns));
	n->dns_domains = calloc(cnt + 1, sizeof(*n->dns_domains));
	if (!n->dns || !n->dns_domains) {
		rd->errors->no_memory = true;
		return;
	}
	adit_conf_each(node, item)
		read_dns_item(rd, item);
	/* as resolved does: with a routed domain the servers are for that one only */
	n->dns_default_route = n->dns_cnt > 0;
	for (size_t i = 0; i < n->dns_domain_cnt; i++)
		if (n->dns_domains[i][0] == '~' && strcmp(n->dns_domains[i], "~.") != 0)
			n->dns_default_route = false;
	adit_conf_get_bool(rd->errors, node->parent, "dns_default_route", &n->dns_default_route);
}

static void read_dns_default_route(struct agent_reading *rd, const struct adit_conf_node *node)
{
	if (!adit_conf_get(node->parent, "dns"))
		adit_conf_key_error(rd->errors, node, "means nothing without dns");
}

/* --- routes ---------------------------------------------------------------------------- */

static void read_table(struct agent_reading *rd, const struct adit_conf_node *node)
{
	static const char *const words[] = { "auto", "off", "main", NULL };
	struct agent_network_settings *n = rd->net;
	int64_t number = 254;
	size_t which = 0;

	if (node->kind == ADIT_CONF_INTEGER) {
		if (!agent_read_number(rd, node, 1, UINT32_MAX, &number))
			return;
	} else if (node->kind != ADIT_CONF_STRING && node->kind != ADIT_CONF_BROKEN) {
		adit_conf_error(rd->errors, node, "must be \"auto\", \"off\", \"main\" or a number");
		return;
	} else if (!agent_read_word(rd, node, words, &which) || which < 2) {
		n->table = which ? AGENT_TABLE_OFF : AGENT_TABLE_AUTO;
		return;
	}
	n->table = AGENT_TABLE_NUMBER;
	n->table_number = (uint32_t)number;
}

static void read_metric(struct agent_reading *rd, const struct adit_conf_node *node)
{
	int64_t v = 0;

	agent_read_number(rd, node, 0, UINT32_MAX, &v);
	rd->net->metric = (uint32_t)v;
}

static void read_exclude(struct agent_reading *rd, const struct adit_conf_node *node)
{
	agent_read_prefixes(rd, node, false, &rd->net->exclude, &rd->net->exclude_cnt);
}

/* --- firewall --------------------------------------------------------------------------- */

static void read_killswitch(struct agent_reading *rd, const struct adit_conf_node *node)
{
	agent_read_bool(rd, node, &rd->net->killswitch);
}

/* Where the other key holds no truth at all, that is said there. */
static bool is_false(const struct adit_conf_node *table, const char *key)
{
	const struct adit_conf_node *node = adit_conf_get(table, key);

	return !node || (node->kind == ADIT_CONF_BOOL && !node->u.boolean);
}

static void read_killswitch_dns(struct agent_reading *rd, const struct adit_conf_node *node)
{
	agent_read_bool(rd, node, &rd->net->killswitch_dns);
	if (rd->net->killswitch_dns && is_false(node->parent, "killswitch"))
		adit_conf_key_error(rd->errors, node, "means nothing without killswitch = true");
}

static void read_lan(struct agent_reading *rd, const struct adit_conf_node *node)
{
	static const char *const words[] = { "allow", "block", NULL };
	size_t which;

	if (agent_read_word(rd, node, words, &which))
		rd->net->lan = which ? AGENT_LAN_BLOCK : AGENT_LAN_ALLOW;
}

static void read_forward(struct agent_reading *rd, const struct adit_conf_node *node)
{
	agent_read_bool(rd, node, &rd->net->forward);
}

static void need_forward(struct agent_reading *rd, const struct adit_conf_node *node, bool wanted)
{
	if (wanted && is_false(node->parent, "forward"))
		adit_conf_key_error(rd->errors, node, "means nothing without forward = true");
}

static void read_masquerade(struct agent_reading *rd, const struct adit_conf_node *node)
{
	agent_read_bool(rd, node, &rd->net->masquerade);
	need_forward(rd, node, rd->net->masquerade);
}

static void read_mss_clamp(struct agent_reading *rd, const struct adit_conf_node *node)
{
	agent_read_bool(rd, node, &rd->net->mss_clamp);
	need_forward(rd, node, rd->net->mss_clamp);
}

/* --- hooks of wg-quick -------------------------------------------------------------------- */

static bool hooks_allowed(const struct agent_reading *rd, const struct adit_conf_node *table)
{
	const struct adit_conf_node *node = adit_conf_get(table, "hooks");

	if (rd->look && rd->look->import)
		return true;
	return node && node->kind == ADIT_CONF_STRING && !strcmp(node->u.string.p, "allow");
}

static void read_hooks(struct agent_reading *rd, const struct adit_conf_node *node)
{
	static const char *const words[] = { "refuse", "allow", NULL };
	size_t which;

	agent_read_word(rd, node, words, &which);
}

static void keep_hook(struct agent_reading *rd, const struct adit_conf_node *item)
{
	struct agent_network_settings *n = rd->net;
	size_t size = item->parent->key_len + item->u.string.len + 2;
	char **grown = realloc(n->hooks, (n->hook_cnt + 1) * sizeof(*grown));

	if (grown)
		n->hooks = grown;
	if (!grown || !(n->hooks[n->hook_cnt] = malloc(size))) {
		rd->errors->no_memory = true;
		return;
	}
	snprintf(n->hooks[n->hook_cnt++], size, "%s %s", item->parent->key, item->u.string.p);
}

static void read_hook_lines(struct agent_reading *rd, const struct adit_conf_node *node)
{
	bool allowed = hooks_allowed(rd, node->parent);

	adit_conf_each(node, item) {
		if (!allowed) {
			adit_conf_error(rd->errors, item, "the agent runs no command, and hooks = \"allow\" takes the file without it (for gateways there are forward, masquerade and mss_clamp)");
			continue;
		}
		if (!(rd->look && rd->look->import))
			adit_conf_warning(rd->errors, item, "is kept for adit export, and not run");
		keep_hook(rd, item);
	}
}

static void read_save_config(struct agent_reading *rd, const struct adit_conf_node *node)
{
	adit_conf_warning(rd->errors, node, "the agent never writes this file (adit export prints one)");
}

const struct agent_key agent_keys_machine[] = {
	{ "dns", AT_MACHINE | AT_FORWARD, read_dns, "[]", false },
	{ "dns_default_route", AT_MACHINE, read_dns_default_route, NULL, false },
	{ "table", AT_MACHINE, read_table, "\"auto\"", false },
	{ "metric", AT_MACHINE, read_metric, "0", false },
	{ "exclude", AT_MACHINE, read_exclude, "[]", false },
	{ "killswitch", AT_WIREGUARD, read_killswitch, "false", false },
	{ "killswitch_dns", AT_WIREGUARD, read_killswitch_dns, "false", false },
	{ "lan", AT_WIREGUARD, read_lan, "\"allow\"", false },
	{ "forward", AT_MACHINE, read_forward, "false", false },
	{ "masquerade", AT_MACHINE, read_masquerade, "false", false },
	{ "mss_clamp", AT_MACHINE, read_mss_clamp, "false", false },
	{ "hooks", AT_WIREGUARD, read_hooks, "\"refuse\"", false },
	{ "PreUp", AT_WIREGUARD | AT_QUICK, read_hook_lines, NULL, false },
	{ "PostUp", AT_WIREGUARD | AT_QUICK, read_hook_lines, NULL, false },
	{ "PreDown", AT_WIREGUARD | AT_QUICK, read_hook_lines, NULL, false },
	{ "PostDown", AT_WIREGUARD | AT_QUICK, read_hook_lines, NULL, false },
	{ "SaveConfig", AT_WIREGUARD | AT_QUICK, read_save_config, NULL, false },
	{ 0 },
};
