/* SPDX-License-Identifier: ISC */
/* settings.c - the agent's configuration, from a tree of all its files to values */
#include "agent/settings.h"

#include <stdlib.h>
#include <string.h>

#include "agent/settings_internal.h"
#include "base/filename.h"
#include "forward/config.h"
#include "host/process.h"
#include "statictun/settings.h"

const struct agent_key *const agent_keys_all[] = { agent_keys_agent,   agent_keys_network, agent_keys_machine,
						   agent_keys_forward, agent_keys_static,  agent_keys_peer, NULL };

/* --- keys --------------------------------------------------------------------------- */

#define NAMES_MAX 128

/* The row for such a table; else one of that name for others. */
static const struct agent_key *find_key(const struct agent_key *const *tables, enum agent_where where,
					const struct adit_conf_node *node)
{
	const struct agent_key *other = NULL;

	for (; *tables; tables++) {
		for (const struct agent_key *k = *tables; k->name; k++) {
			if (strlen(k->name) != node->key_len || memcmp(k->name, node->key, node->key_len) != 0)
				continue;
			if (k->where & where)
				return k;
			other = k;
		}
	}
	return other;
}

static const char *type_names(unsigned where)
{
	switch (where & AT_NETWORK) {
	case AT_WIREGUARD:
		return "wireguard";
	case AT_FORWARD:
		return "forward";
	case AT_STATIC:
		return "static";
	case AT_TUNNEL:
		return "wireguard or forward";
	default:
		return "wireguard or static";
	}
}

static void unknown_key(struct agent_reading *rd, const struct adit_conf_node *node, enum agent_where where,
			const struct agent_key *const *tables)
{
	const struct agent_key *other = find_key(tables, where, node);
	const char *names[NAMES_MAX], *near;
	size_t cnt = 0;

	if (other && !(other->where & AT_QUICK)) {
		adit_conf_key_error(rd->errors, node, "only a network of type %s has this key",
				    type_names(other->where));
		return;
	}
	for (; *tables; tables++)
		for (const struct agent_key *k = *tables; k->name && cnt < NAMES_MAX - 1; k++)
			if (k->where & where && !(k->where & AT_QUICK))
				names[cnt++] = k->name;
	names[cnt] = NULL;
	near = adit_conf_nearest(node->key, node->key_len, names);
	if (near)
		adit_conf_key_error(rd->errors, node, "unknown key (did you mean %s?)", near);
	else
		adit_conf_key_error(rd->errors, node, "unknown key (adit.toml(5) lists those there are)");
}

void agent_read_keys(struct agent_reading *rd, const struct adit_conf_node *table, enum agent_where where,
		     const struct agent_key *const *tables)
{
	adit_conf_each(table, node) {
		const struct agent_key *k = find_key(tables, where, node);

		if (!k || !(k->where & where) || (k->where & AT_QUICK && !agent_file_of(rd, node)->quick))
			unknown_key(rd, node, where, tables);
		else if (k->read)
			k->read(rd, node);
	}
}

/* --- networks ------------------------------------------------------------------------ */

static bool name_valid(const struct adit_conf_node *table)
{
	static const char legal[] = "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789_.-+=";

	return table->key_len && table->key_len < AGENT_NAME_LEN && strlen(table->key) == table->key_len &&
	       strspn(table->key, legal) == table->key_len && table->key[0] != '.' && table->key[0] != '-';
}

static struct agent_network_settings *network_new(struct agent_reading *rd, const struct adit_conf_node *table)
{
	struct agent_network_settings *n;

	if (rd->config->network_cnt == AGENT_NETWORKS_MAX) {
		adit_conf_key_error(rd->errors, table, "there are more than %u networks", AGENT_NETWORKS_MAX);
		return NULL;
	}
	n = calloc(1, sizeof(*n));
	if (!n) {
		rd->errors->no_memory = true;
		return NULL;
	}
	memcpy(n->name, table->key, table->key_len);
	n->at = agent_origin_of(rd, table);
	*rd->tail = n;
	rd->tail = &n->next;
	rd->config->network_cnt++;
	return n;
}

/* The type decides what the other keys mean: when it is wrong nothing is said about them. */
static bool read_type(struct agent_reading *rd, const struct adit_conf_node *table, enum agent_type *ret)
{
	static const char *const types[] = { "wireguard", "forward", "static", NULL };
	size_t which = AGENT_WIREGUARD;

	if (adit_conf_get_word(rd->errors, table, "type", types, &which) < 0)
		return false;
	*ret = (enum agent_type)which;
	return true;
}

static void read_network(struct agent_reading *rd, struct adit_conf_node *table)
{
	static const struct agent_key *const tables[] = { agent_keys_network, agent_keys_machine, agent_keys_forward,
							  agent_keys_static, NULL };
	enum agent_type type;

	if (!name_valid(table)) {
		adit_conf_key_error(rd->errors, table, "the name of a network has 1 to 63 letters, digits and _ = + . -");
		return;
	}
	if (!adit_conf_is(rd->errors, table, ADIT_CONF_TABLE) || !read_type(rd, table, &type))
		return;
	rd->net = network_new(rd, table);
	if (!rd->net)
		return;
	rd->net->type = type;
	rd->errors_before = rd->errors->cnt;
	rd->table = table;
	if (type == AGENT_WIREGUARD)
		agent_quick_fill(rd, table);
	if (type == AGENT_FORWARD && !agent_forward_begin(rd))
		return;
	agent_read_keys(rd, table, type == AGENT_WIREGUARD ? AT_WIREGUARD : type == AGENT_FORWARD ? AT_FORWARD : AT_STATIC,
			tables);
	if (type == AGENT_STATIC)
		agent_static_end(rd);
	agent_cross_network(rd);
	if (type == AGENT_FORWARD)
		agent_forward_end(rd);
	adit_secret_free(rd->own, ADIT_KEY_LEN);
	rd->own = NULL;
	rd->net = NULL;
	rd->quick_wrong = false;
}

/* A socket has one group: who may only look has one of his own. */
static void place_status_socket(struct agent_config *config)
{
	char *ret = config->status_socket;

	if (config->observers[0] && !ret[0] &&
	    !adit_filename_beside(config->control_socket, "status.sock", ret, sizeof(config->status_socket)))
		ret[0] = '\0';
}

static void read_root(struct agent_reading *rd, struct adit_conf_node *root)
{
	static const char *const keys[] = { "agent", "network", NULL };
	static const struct agent_key *const tables[] = { agent_keys_agent, NULL };
	const struct adit_conf_node *agent;
	struct adit_conf_node *networks;

	if (!adit_conf_is(rd->errors, root, ADIT_CONF_TABLE))
		return;
	adit_conf_only(rd->errors, root, keys);
	if (adit_conf_get_table(rd->errors, root, "agent", &agent) > 0)
		agent_read_keys(rd, agent, AT_AGENT, tables);
	place_status_socket(rd->config);
	networks = adit_conf_find(root, "network");
	if (networks && adit_conf_is(rd->errors, networks, ADIT_CONF_TABLE))
		for (struct adit_conf_node *it = networks->u.list.first; it; it = it->next)
			read_network(rd, it);
	agent_cross_config(rd);
}

/* --- the whole -------------------------------------------------------------------------- */

static void set_defaults(struct agent_config *config)
{
	strcpy(config->control_socket, "/run/adit/control.sock");
	strcpy(config->state_dir, "/var/lib/adit");
	config->log_level = ADIT_LOG_INFO;
}

static void read_files(struct agent_reading *rd, const char *path)
{
	struct adit_conf_node *root;

	set_defaults(rd->config);
	rd->tail = &rd->config->networks;
	if (!agent_files_load(rd, path))
		return;
	root = rd->files->file[0].doc->root;
	read_root(rd, root);
	if (rd->look && !rd->errors->cnt && !rd->errors->no_memory)
		rd->look->tree(rd->look->user, rd, root);
}

struct agent_config *agent_config_read(const char *path, const struct agent_opener *opener,
				       struct adit_conf_errors *errors)
{
	return agent_config_look(path, opener, errors, NULL);
}

struct agent_config *agent_config_look(const char *path, const struct agent_opener *opener,
				       struct adit_conf_errors *errors, const struct agent_look *look)
{
	struct agent_config *config = calloc(1, sizeof(*config));
	struct agent_files *files = calloc(1, sizeof(*files));
	struct agent_reading rd = {
		.errors = errors, .opener = opener, .look = look, .files = files, .config = config,
	};
	size_t before = errors->cnt;

	if (config && files && !adit_crypto_new(&rd.crypto, "openssl")) /* no cipher is used, so none is measured */
		read_files(&rd, path);
	else
		errors->no_memory = true;
	free(rd.allowed);
	if (files)
		agent_files_fini(files);
	free(files);
	adit_crypto_forget(rd.crypto);
	adit_crypto_free(rd.crypto);
	if (errors->cnt == before && !errors->no_memory)
		return config;
	agent_config_free(config);
	return NULL;
}

static void network_free(struct agent_network_settings *n)
{
	adit_secret_free(n->private_key, ADIT_KEY_LEN);
	free(n->private_key_path);
	free(n->addresses);
	agent_peers_free(n->peers, n->peer_cnt);
	free(n->dns);
	for (size_t i = 0; i < n->dns_domain_cnt; i++)
		free(n->dns_domains[i]);
	free(n->dns_domains);
	free(n->exclude);
	for (size_t i = 0; i < n->hook_cnt; i++)
		free(n->hooks[i]);
	free(n->hooks);
	if (n->fwd)
		adit_forward_config_fini(n->fwd);
	free(n->fwd);
	statictun_settings_free(n->fixed);
	free(n);
}

void agent_config_free(struct agent_config *config)
{
	if (!config)
		return;
	while (config->networks) {
		struct agent_network_settings *n = config->networks;

		config->networks = n->next;
		network_free(n);
	}
	for (size_t i = 0; i < config->file_cnt; i++)
		free(config->files[i]);
	free(config);
}

struct agent_network_settings *agent_config_find(const struct agent_config *config, const char *name)
{
	struct agent_network_settings *n = config->networks;

	while (n && strcmp(n->name, name) != 0)
		n = n->next;
	return n;
}
