/* SPDX-License-Identifier: ISC */
/*
 * settings_forward.c - [network.NAME] of type forward: what `adit forward` takes
 * as options, read by its own readers. They tell what is wrong as lines of text,
 * whose places are taken out of these again.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "agent/settings_internal.h"
#include "base/filename.h"
#include "forward/config.h"
#include "forward/settings.h"
#include "forward/spec.h"
#include "host/keyfile.h"

#define PORTS_MAX   64511
#define TIMEOUT_MAX (86400 * 7)

/* --- their messages as ours ------------------------------------------------------------ */

/* Where what is being read stands; a file of its own has places of its own. */
struct talk {
	struct agent_reading *rd;
	const struct adit_conf_node *node; /* NULL: a file */
	const char *name;                  /* in front of each message */
	bool whole;                        /* it is about all of the node */
};

static void report(void *user, bool error, const char *msg)
{
	struct talk *t = user;
	struct adit_conf_node at = { .kind = ADIT_CONF_STRING };
	char path[ADIT_CONF_PATH_LEN] = "";
	size_t n = strlen(t->name);
	int len = 0;

	if (n > 300)
		n = 300;
	if (strncmp(msg, t->name, n) != 0 || sscanf(msg + n, ":%u:%u: %n", &at.pos.line, &at.pos.col, &len) < 2)
		len = 0;
	msg += len ? n + (size_t)len : 0;
	if (!strncmp(msg, "warning: ", 9))
		msg += 9;
	if (t->node)
		adit_conf_path(t->node, path);
	if (t->whole)
		at.pos = t->node->pos;
	if (error) {
		adit_conf_error_at(t->rd->errors, t->name, at.pos, path, "%s", msg);
	} else {
		at.doc = &(struct adit_conf){ .name = (char *)(uintptr_t)t->name };
		adit_conf_warning(t->rd->errors, &at, "%s", msg);
	}
}

static void begin_talk(struct agent_reading *rd, struct talk *t, const struct adit_conf_node *node, const char *name)
{
	*t = (struct talk){ rd, node, name, false };
	rd->fwd->user = t;
}

/* --- services ------------------------------------------------------------------------------ */

typedef void (*read_service)(struct adit_forward_reader *rd, const struct adit_forward_origin *at, const char *text);

/* One, or a list. */
static void read_services(struct agent_reading *rd, const struct adit_conf_node *node, read_service read)
{
	for (const struct adit_conf_node *it = agent_items(node); it;
	     it = node->kind == ADIT_CONF_ARRAY ? it->next : NULL) {
		struct adit_forward_origin at = { it->doc->name, it->pos.line, it->pos.col + 1 }; /* after the quote */
		struct talk talk;
		const char *text;

		if (adit_conf_as_text(rd->errors, it, &text) <= 0)
			continue;
		begin_talk(rd, &talk, it, it->doc->name);
		read(rd->fwd, &at, text);
	}
}

static void one_local(struct adit_forward_reader *rd, const struct adit_forward_origin *at, const char *text)
{
	adit_forward_spec(rd, at, NULL, text, false);
}

static void one_remote(struct adit_forward_reader *rd, const struct adit_forward_origin *at, const char *text)
{
	adit_forward_spec(rd, at, NULL, text, true);
}

static void one_socks5(struct adit_forward_reader *rd, const struct adit_forward_origin *at, const char *text)
{
	adit_forward_spec_proxy(rd, at, NULL, text, RELAY_SOCKS5);
}

static void one_http(struct adit_forward_reader *rd, const struct adit_forward_origin *at, const char *text)
{
	adit_forward_spec_proxy(rd, at, NULL, text, RELAY_HTTP);
}

static void one_mixed(struct adit_forward_reader *rd, const struct adit_forward_origin *at, const char *text)
{
	adit_forward_spec_proxy(rd, at, NULL, text, RELAY_MIXED);
}

static void one_sni(struct adit_forward_reader *rd, const struct adit_forward_origin *at, const char *text)
{
	adit_forward_spec_proxy(rd, at, NULL, text, RELAY_SNI);
}

static void read_local(struct agent_reading *rd, const struct adit_conf_node *node)
{
	read_services(rd, node, one_local);
}

static void read_remote(struct agent_reading *rd, const struct adit_conf_node *node)
{
	read_services(rd, node, one_remote);
}

static void read_socks5(struct agent_reading *rd, const struct adit_conf_node *node)
{
	read_services(rd, node, one_socks5);
}

static void read_http(struct agent_reading *rd, const struct adit_conf_node *node)
{
	read_services(rd, node, one_http);
}

static void read_mixed(struct agent_reading *rd, const struct adit_conf_node *node)
{
	read_services(rd, node, one_mixed);
}

static void read_sni(struct agent_reading *rd, const struct adit_conf_node *node)
{
	read_services(rd, node, one_sni);
}

/* --- numbers and words ------------------------------------------------------------------------- */

static void read_memory(struct agent_reading *rd, const struct adit_conf_node *node)
{
	int64_t v = 64;

	if (!agent_read_number(rd, node, 0, INT32_MAX, &v))
		return;
	if (v != 16 && v != 64 && v != 256)
		adit_conf_error(rd->errors, node, "must be 16, 64 or 256");
	rd->net->fwd->memory_mib = (unsigned)v;
}

static void read_backend(struct agent_reading *rd, const struct adit_conf_node *node)
{
	static const char *const words[] = { "stack", "kernel", NULL };
	size_t which;

	if (agent_read_word(rd, node, words, &which))
		rd->net->fwd->backend = which ? ADIT_FORWARD_KERNEL : ADIT_FORWARD_STACK;
}

static void read_check_alive(struct agent_reading *rd, const struct adit_conf_node *node)
{
	struct adit_forward_config *cfg = rd->net->fwd;
	const char *text;

	if (!adit_conf_is(rd->errors, node, ADIT_CONF_ARRAY))
		return;
	adit_conf_each(node, item) {
		if (adit_conf_as_text(rd->errors, item, &text) <= 0)
			continue;
		if (cfg->alive_cnt == ADIT_FORWARD_ALIVE)
			adit_conf_error(rd->errors, item, "more than %u addresses", ADIT_FORWARD_ALIVE);
		else if (adit_addr_parse(&cfg->alive[cfg->alive_cnt], text))
			adit_conf_error(rd->errors, item, "not an IPv4 or IPv6 address");
		else
			cfg->alive_cnt++;
	}
}

static void read_check_alive_interval(struct agent_reading *rd, const struct adit_conf_node *node)
{
	int64_t v = 0;

	agent_read_number(rd, node, 1, 86400, &v);
	rd->net->fwd->alive_interval = (unsigned)v;
}

const struct agent_key agent_keys_forward[] = {
	{ "local", AT_FORWARD, read_local, "[]", false },
	{ "remote", AT_FORWARD, read_remote, "[]", false },
	{ "socks5", AT_FORWARD, read_socks5, NULL, true },
	{ "http", AT_FORWARD, read_http, NULL, true },
	{ "mixed", AT_FORWARD, read_mixed, NULL, true },
	{ "sni", AT_FORWARD, read_sni, NULL, false },
	/* these four belong to all services, which are read first */
	{ "udp_timeout_secs", AT_FORWARD, NULL, "60", false },
	{ "udp_unreplied_secs", AT_FORWARD, NULL, "30", false },
	{ "udp_pool", AT_FORWARD, NULL, "16384", false },
	{ "udp_per_client", AT_FORWARD, NULL, "1024", false },
	{ "memory_mib", AT_FORWARD, read_memory, "64", false },
	{ "backend", AT_FORWARD, read_backend, "\"stack\"", false },
	{ "check_alive", AT_FORWARD, read_check_alive, "[]", false },
	{ "check_alive_secs", AT_FORWARD, read_check_alive_interval, "5", false },
	{ 0 },
};

static void apply_number(struct agent_reading *rd, const char *key, int64_t min, int64_t max, size_t offset)
{
	struct adit_forward_config *cfg = rd->net->fwd;
	int64_t v;

	if (adit_conf_get_integer(rd->errors, rd->table, key, min, max, &v) <= 0)
		return;
	for (size_t i = 0; i < cfg->service_cnt; i++)
		*(unsigned *)(void *)((char *)&cfg->service[i] + offset) = (unsigned)v;
}

static void apply_udp(struct agent_reading *rd)
{
	apply_number(rd, "udp_timeout_secs", 0, TIMEOUT_MAX, offsetof(struct relay_service_config, udp_timeout));
	apply_number(rd, "udp_unreplied_secs", 0, TIMEOUT_MAX, offsetof(struct relay_service_config, udp_unreplied));
	apply_number(rd, "udp_pool", 1, PORTS_MAX, offsetof(struct relay_service_config, udp_pool));
	apply_number(rd, "udp_per_client", 1, PORTS_MAX, offsetof(struct relay_service_config, udp_per_client));
}

/* --- a file of wg-quick's or wireproxy's ---------------------------------------------------------- */

struct importer {
	struct adit_forward_import face;
	struct agent_reading *rd;
	const struct adit_conf_node *node; /* `config` */
};

/* The text of a file that is one of the configuration's from now on; it holds keys. */
static bool open_keys(struct agent_reading *rd, const struct adit_conf_node *node, const char *path,
		      struct adit_textfile *text)
{
	struct adit_conf *doc;
	const char *why;

	if (!agent_file_open(rd, path, node, text))
		return false;
	why = adit_keyfile_problem(text);
	if (why)
		adit_conf_error(rd->errors, node, "%.200s holds a key, and %s", path, why);
	doc = adit_conf_new(path);
	if (doc && agent_files_add(rd, doc, text, true))
		return true;
	if (!doc)
		rd->errors->no_memory = true;
	adit_textfile_free(text);
	return false;
}

/* WGConfig = FILE */
static bool import_file(struct adit_forward_import *self, struct adit_forward_reader *fwd,
			const struct adit_forward_origin *at, const char *path)
{
	struct importer *im = (struct importer *)(void *)self; /* its first member */
	struct talk talk, *was = fwd->user;
	struct adit_textfile text;
	char found[4096];

	adit_filename_beside(at->name, path, found, sizeof(found));
	if (!open_keys(im->rd, im->node, found, &text))
		return false;
	begin_talk(im->rd, &talk, NULL, found);
	adit_forward_settings(fwd, found, text.p, text.len, NULL, true);
	fwd->user = was;
	adit_textfile_free(&text);
	return true;
}

static bool has_config(const struct agent_reading *rd)
{
	return adit_conf_get(rd->table, "config");
}

static void read_file(struct agent_reading *rd)
{
	const struct adit_conf_node *node = adit_conf_get(rd->table, "config");
	struct importer im = { { import_file }, rd, node };
	struct adit_textfile text;
	struct talk talk;
	const char *name;
	char path[4096];

	if (adit_conf_as_text(rd->errors, node, &name) <= 0 || !agent_place(rd, node, name, path, sizeof(path)) ||
	    !open_keys(rd, node, path, &text))
		return;
	begin_talk(rd, &talk, NULL, path);
	adit_forward_settings(rd->fwd, path, text.p, text.len, &im.face, false);
	adit_textfile_free(&text);
}

bool agent_forward_begin(struct agent_reading *rd)
{
	rd->fwd = calloc(1, sizeof(*rd->fwd));
	rd->net->fwd = calloc(1, sizeof(*rd->net->fwd));
	if (!rd->fwd || !rd->net->fwd) {
		free(rd->fwd);
		rd->fwd = NULL;
		rd->errors->no_memory = true;
		return false;
	}
	adit_forward_config_init(rd->net->fwd);
	rd->fwd->cfg = rd->net->fwd;
	rd->fwd->report = report;
	if (has_config(rd))
		read_file(rd);
	return true;
}

/* --- the network from our own keys -------------------------------------------------------------------- */

/* What the file of wg-quick has already. */
static void refuse_both(struct agent_reading *rd)
{
	static const char *const keys[] = { "private_key", "private_key_path", "addresses", "dns", "listen_port",
					    "fwmark", "peers", NULL };

	for (size_t i = 0; keys[i]; i++)
		if (adit_conf_get(rd->table, keys[i]))
			adit_conf_key_error(rd->errors, adit_conf_get(rd->table, keys[i]),
					    "stands in the file that config names (leave one of the two out)");
}

static void copy_dns(struct agent_reading *rd)
{
	const struct agent_network_settings *n = rd->net;
	const struct adit_conf_node *node = adit_conf_get(rd->table, "dns");
	struct adit_forward_config *cfg = n->fwd;
	size_t used = 0;

	if (n->dns_cnt > ADIT_FORWARD_DNS)
		adit_conf_error(rd->errors, node, "more than %u servers", ADIT_FORWARD_DNS);
	for (size_t i = 0; i < n->dns_cnt && i < ADIT_FORWARD_DNS; i++)
		cfg->dns[cfg->dns_cnt++].addr = n->dns[i];
	for (size_t i = 0; i < n->dns_domain_cnt; i++) {
		const char *domain = n->dns_domains[i];

		if (domain[0] == '~')
			adit_conf_error(rd->errors, node, "a forward network has search domains only (without ~)");
		else if (used + strlen(domain) + 2 > sizeof(cfg->search))
			adit_conf_error(rd->errors, node, "too many search domains");
		else
			used += (size_t)snprintf(cfg->search + used, sizeof(cfg->search) - used, "%s%s", used ? " " : "",
						 domain);
	}
}

static void copy_peer(struct agent_reading *rd, size_t i)
{
	const struct agent_peer *from = &rd->net->peers[i];
	struct adit_forward_peer *p = adit_forward_add_peer(rd->fwd);

	if (!p)
		return;
	memcpy(p->public_key, from->public_key, ADIT_KEY_LEN);
	p->has_public_key = true;
	if (from->psk) {
		memcpy(p->psk, from->psk, ADIT_KEY_LEN);
		p->has_psk = true;
	}
	p->keepalive = from->keepalive;
	if (from->endpoint_cnt > 1)
		adit_conf_error(rd->errors, agent_peer_node(rd->table, i, "endpoint"),
				"a forward network takes one endpoint of a peer");
	if (from->endpoint_cnt) {
		snprintf(p->endpoint_host, sizeof(p->endpoint_host), "%s", from->endpoints[0].host);
		p->endpoint_port = from->endpoints[0].port;
	}
	for (size_t k = 0; k < from->allowed_cnt; k++)
		adit_forward_add_allowed(rd->fwd, p, &from->allowed[k]);
}

static void copy_network(struct agent_reading *rd)
{
	const struct agent_network_settings *n = rd->net;
	struct adit_forward_config *cfg = n->fwd;

	if (n->private_key)
		memcpy(cfg->private_key, n->private_key, ADIT_KEY_LEN);
	cfg->has_private_key = n->private_key;
	if (n->address_cnt > ADIT_FORWARD_ADDRESSES)
		adit_conf_error(rd->errors, adit_conf_get(rd->table, "addresses"), "more than %u addresses",
				ADIT_FORWARD_ADDRESSES);
	for (size_t i = 0; i < n->address_cnt && i < ADIT_FORWARD_ADDRESSES; i++)
		cfg->address[cfg->address_cnt++] = n->addresses[i].addr;
	copy_dns(rd);
	cfg->listen_port = n->listen_port;
	cfg->fwmark = n->fwmark;
	for (size_t i = 0; i < n->peer_cnt; i++)
		copy_peer(rd, i);
}

static bool need_all(struct agent_reading *rd)
{
	size_t before = rd->errors->cnt;

	if (!adit_conf_get(rd->table, "private_key"))
		adit_conf_need(rd->errors, rd->table, "private_key_path",
			       "the name of a file; or config, with the name of a wg-quick file");
	adit_conf_need(rd->errors, rd->table, "addresses", "ours inside");
	adit_conf_need(rd->errors, rd->table, "peers", "[[network.NAME.peers]]");
	return rd->errors->cnt == before;
}

/* As `adit forward` judges the whole; a key in a file is read only later. */
static void judge(struct agent_reading *rd)
{
	struct adit_forward_config *cfg = rd->net->fwd;
	const struct adit_conf_node *at = has_config(rd) ? adit_conf_get(rd->table, "config") : rd->table;
	struct talk talk;
	bool has_key = cfg->has_private_key;

	begin_talk(rd, &talk, at, at->doc->name);
	talk.whole = true;
	cfg->has_private_key = has_key || rd->net->private_key_path;
	adit_forward_config_check(rd->fwd, at->doc->name);
	cfg->has_private_key = has_key;
	if (!cfg->service_cnt)
		adit_conf_warning(rd->errors, at, "offers nothing yet (local, remote, socks5, http, mixed or sni)");
}

void agent_forward_end(struct agent_reading *rd)
{
	struct adit_forward_config *cfg = rd->net->fwd;

	if (rd->net->mtu)
		cfg->mtu = rd->net->mtu;
	cfg->bind_addr = rd->net->bind_address;
	if (has_config(rd))
		refuse_both(rd);
	else if (need_all(rd))
		copy_network(rd);
	apply_udp(rd);
	if (rd->errors->cnt == rd->errors_before)
		judge(rd);
	rd->errors->no_memory = rd->errors->no_memory || rd->fwd->no_memory;
	free(rd->fwd);
	rd->fwd = NULL;
}
