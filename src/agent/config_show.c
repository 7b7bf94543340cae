/* SPDX-License-Identifier: ISC */
/* config_show.c - `adit config show`: the values in force when a configuration is read, and where each came from */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "agent/commands.h"
#include "agent/settings_internal.h"
#include "agent/tree_print.h"
#include "agent/words.h"
#include "base/exit.h"
#include "host/print.h"

struct show {
	bool json, origin;
	const struct agent_reading *rd;
	const struct agent_network_settings *net; /* whose table it is; NULL: none's */
	const char *comma;
};

/* --- one value -------------------------------------------------------------------------- */

/* USER:PASSWORD@ in front of an address; a key altogether. */
static void print_secret(FILE *out, const struct adit_conf_node *node)
{
	const char *text = node->kind == ADIT_CONF_STRING ? node->u.string.p : "", *at = strrchr(text, '@');
	const char *comma = "";
	char shown[300] = "(hidden)";

	if (node->kind == ADIT_CONF_ARRAY) {
		fputc('[', out);
		adit_conf_each(node, it) {
			fputs(comma, out);
			print_secret(out, it);
			comma = ", ";
		}
		fputc(']', out);
		return;
	}
	if (at)
		snprintf(shown, sizeof(shown), "(hidden)%s", at);
	else if (strchr(text, ':') || (*text && strspn(text, "0123456789") == strlen(text)))
		snprintf(shown, sizeof(shown), "%s", text); /* an address or a port, without a password */
	agent_print_toml_text(out, shown, strlen(shown));
}

static void print_value(struct show *s, const struct agent_key *key, const struct adit_conf_node *node)
{
	if (!node)
		fputs(key->unset, stdout);
	else if (key->secret)
		print_secret(stdout, node);
	else if (s->json)
		agent_print_json(stdout, node);
	else
		agent_print_toml(stdout, node);
}

static void origin_text(const struct show *s, const struct adit_conf_node *node, char *buf, size_t size)
{
	struct agent_origin at;

	snprintf(buf, size, "default");
	if (!node)
		return;
	at = agent_origin_of(s->rd, node);
	snprintf(buf, size, "%s:%u:%u", at.file, at.pos.line, at.pos.col);
}

static void print_json_value(struct show *s, const struct agent_key *key, const struct adit_conf_node *node)
{
	char origin[4200];

	printf("%s\"%s\":", s->comma, key->name);
	s->comma = ",";
	if (!s->origin) {
		print_value(s, key, node);
		return;
	}
	printf("{\"value\":");
	print_value(s, key, node);
	origin_text(s, node, origin, sizeof(origin));
	adit_json_member(stdout, "origin", origin);
	putchar('}');
}

static void print_key(struct show *s, const struct agent_key *key, const struct adit_conf_node *node)
{
	char origin[4200];

	if (s->json) {
		print_json_value(s, key, node);
		return;
	}
	printf("%s = ", key->name);
	print_value(s, key, node);
	origin_text(s, node, origin, sizeof(origin));
	printf(s->origin ? "  # %s\n" : "\n", origin);
}

/* --- tables ------------------------------------------------------------------------------- */

/* What holds without the key depends on others. */
static struct agent_key effective(const struct show *s, const struct agent_key *key)
{
	struct agent_key k = *key;

	if (s->net && !strcmp(k.name, "dns_default_route") && (s->net->dns_cnt || s->net->dns_domain_cnt))
		k.unset = s->net->dns_default_route ? "true" : "false";
	return k;
}

static void print_keys(struct show *s, const struct adit_conf_node *table, enum agent_where where,
		       const struct agent_key *keys)
{
	for (; keys->name; keys++) {
		struct agent_key key = effective(s, keys);
		const struct adit_conf_node *node = adit_conf_get(table, key.name);

		if (!(key.where & where) || !strcmp(key.name, "peers") || !strcmp(key.name, "enable_wireguard"))
			continue;
		if (!node && !strcmp(key.name, "enable"))
			node = adit_conf_get(table, "enable_wireguard");
		if (node || key.unset)
			print_key(s, &key, node);
	}
}

static void print_peer(struct show *s, const struct adit_conf_node *net, const struct adit_conf_node *peer)
{
	if (s->json) {
		printf("%s{", s->comma);
	} else {
		printf("\n[[network.");
		agent_print_toml_key(stdout, net->key);
		printf(".peers]]\n");
	}
	s->comma = "";
	print_keys(s, peer, AT_PEER, agent_keys_peer);
	s->comma = ",";
	if (s->json)
		putchar('}');
}

/* The table of a static network. */
static void print_fixed_peers(struct show *s, const struct adit_conf_node *net, const struct adit_conf_node *peers)
{
	char origin[4200];

	if (s->json) {
		agent_print_json(stdout, peers);
		return;
	}
	printf("\n[network.");
	agent_print_toml_key(stdout, net->key);
	printf(".peers]\n");
	adit_conf_each(peers, it) {
		agent_print_toml_key(stdout, it->key);
		printf(" = ");
		agent_print_toml(stdout, it);
		origin_text(s, it, origin, sizeof(origin));
		printf(s->origin ? "  # %s\n" : "\n", origin);
	}
}

static void print_peers(struct show *s, const struct adit_conf_node *net)
{
	const struct adit_conf_node *peers = adit_conf_get(net, "peers");

	if (!peers)
		return;
	if (s->json)
		printf(",\"peers\":");
	if (peers->kind == ADIT_CONF_TABLE) {
		print_fixed_peers(s, net, peers);
		return;
	}
	s->comma = "";
	if (s->json)
		putchar('[');
	adit_conf_each(peers, it)
		print_peer(s, net, it);
	if (s->json)
		putchar(']');
}

static void print_network(struct show *s, const struct adit_conf_node *net)
{
	static const enum agent_where types[] = { AT_WIREGUARD, AT_FORWARD, AT_STATIC };
	static const struct agent_key *const tables[] = { agent_keys_network, agent_keys_forward, agent_keys_static,
							  agent_keys_machine };

	s->net = agent_config_find(s->rd->config, net->key);
	if (s->json) {
		printf("%s\"%s\":{", s->comma, net->key);
	} else {
		printf("\n[network.");
		agent_print_toml_key(stdout, net->key);
		printf("]\n");
	}
	s->comma = "";
	for (size_t i = 0; s->net && i < sizeof(tables) / sizeof(tables[0]); i++)
		print_keys(s, net, types[s->net->type], tables[i]);
	print_peers(s, net);
	s->comma = ",";
	if (s->json)
		putchar('}');
	s->net = NULL;
}

static void print_files(const struct agent_config *config)
{
	printf("{\"schema\":1,\"files\":[");
	for (size_t i = 0; i < config->file_cnt; i++) {
		fputs(i ? "," : "", stdout);
		adit_json_string(stdout, config->files[i]);
	}
	printf("],\"agent\":{");
}

static void print_tree(void *user, const struct agent_reading *rd, const struct adit_conf_node *root)
{
	struct show *s = user;

	s->rd = rd;
	s->comma = "";
	if (s->json)
		print_files(rd->config);
	else
		printf("[agent]\n");
	print_keys(s, adit_conf_get(root, "agent"), AT_AGENT, agent_keys_agent);
	if (s->json)
		printf("},\"network\":{");
	s->comma = "";
	adit_conf_each(adit_conf_get(root, "network"), net)
		print_network(s, net);
	if (s->json)
		printf("}}\n");
}

/* --- the command -------------------------------------------------------------------------------- */

static void complain(void *user, const char *msg)
{
	(void)user;
	fprintf(stderr, "%s\n", msg);
}

static int show(const char *path, struct show *s)
{
	struct agent_look look = { false, print_tree, s };
	struct adit_conf_errors errors = { 0 };
	struct agent_config *config = agent_config_look(path, NULL, &errors, &look);
	bool ok = config;

	adit_conf_errors_report(&errors, complain, NULL);
	adit_conf_errors_fini(&errors);
	agent_config_free(config);
	if (fflush(stdout))
		return ADIT_EXIT_FAILED;
	return ok ? ADIT_EXIT_OK : ADIT_EXIT_CONFIG;
}

int adit_config_main(int argc, char **argv)
{
	struct agent_words w = { "config", "show [FILE] [--origin] [--json]", argc, argv, 1, false, false };
	const char *path = NULL, *word, *verb = NULL;
	struct show s = { 0 };

	while ((word = agent_word(&w))) {
		if (agent_word_is(&w, word, "--json", NULL))
			s.json = true;
		else if (agent_word_is(&w, word, "--origin", NULL))
			s.origin = true;
		else if (!agent_word_operand(&w, word))
			break;
		else if (!verb)
			verb = word;
		else if (!path)
			path = word;
		else
			agent_word_wrong(&w, "one file at a time: ", word);
	}
	if (!w.wrong && (!verb || strcmp(verb, "show") != 0))
		agent_word_wrong(&w, verb ? "no such verb: " : "what to do? ", verb ? verb : "(show)");
	if (w.wrong)
		return ADIT_EXIT_USAGE;
	return show(path ? path : AGENT_CONFIG_PATH, &s);
}
