/* SPDX-License-Identifier: ISC */
/* bundle_words.c - what names there are to be hidden: in a configuration, in the agent's answers, of this machine */
#include <net/if.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "agent/bundle_hide.h"

static bool one_of(const char *key, const char *const *keys)
{
	while (*keys && (!key || strcmp(*keys, key)))
		keys++;
	return *keys;
}

static const char *key_of(const struct adit_conf_node *node)
{
	while (node && !node->key)
		node = node->parent;
	return node ? node->key : "";
}

/* "name" is said of networks, of peers and of links. */
static void learn_name(struct agent_hide *h, const struct adit_conf_node *node)
{
	const char *of = key_of(node->parent);

	if (!strcmp(of, "interfaces"))
		agent_hide_learn_link(h, node->u.string.p);
	else
		agent_hide_learn_name(h, strcmp(of, "peers") ? AGENT_HIDE_NETWORK : AGENT_HIDE_PEER, node->u.string.p);
}

static void learn_text(struct agent_hide *h, const struct adit_conf_node *node)
{
	const char *key = key_of(node), *text = node->u.string.p;

	if (!strcmp(key, "interface"))
		agent_hide_learn_link(h, text);
	else if (!strcmp(key, "name"))
		learn_name(h, node);
	else if (!strcmp(key, "network"))
		agent_hide_learn_name(h, AGENT_HIDE_NETWORK, text);
	else
		agent_hide_learn(h, AGENT_HIDE_NAME, text);
}

/* The program's own words, or known by their looks. */
static const char *const plain[] = { "public_key", "type",  "lan",  "hooks", "table", "log_level", "allowed_ips",
				     "addresses",  "exclude", "listen", NULL };
static const char *const telling[] = { "name", "network", "interface", "endpoint", "configured_endpoint", "services", NULL };

static void learn_all(struct agent_hide *h, const struct adit_conf_node *node, bool all)
{
	if (node->kind == ADIT_CONF_STRING) {
		if (all ? !one_of(key_of(node), plain) : one_of(key_of(node), telling))
			learn_text(h, node);
	} else if (node->kind == ADIT_CONF_TABLE || node->kind == ADIT_CONF_ARRAY) {
		adit_conf_each(node, child)
			learn_all(h, child, all);
	}
}

void agent_hide_learn_config(struct agent_hide *h, const struct adit_conf_node *root)
{
	adit_conf_each(adit_conf_get(root, "network"), net)
		agent_hide_learn_name(h, AGENT_HIDE_NETWORK, net->key);
	learn_all(h, root, true);
}

void agent_hide_learn_reply(struct agent_hide *h, const struct adit_conf_node *root)
{
	learn_all(h, root, false);
}

void agent_hide_learn_machine(struct agent_hide *h)
{
	static const char *const users[] = { "USER", "LOGNAME", "SUDO_USER" };
	struct if_nameindex *links = if_nameindex();
	char host[256] = "";

	if (gethostname(host, sizeof(host) - 1) == 0)
		agent_hide_learn(h, AGENT_HIDE_HOST, host);
	for (size_t i = 0; i < sizeof(users) / sizeof(users[0]); i++) {
		const char *user = getenv(users[i]);

		if (user)
			agent_hide_learn(h, AGENT_HIDE_USER, user);
	}
	for (size_t i = 0; links && links[i].if_name; i++)
		agent_hide_learn_link(h, links[i].if_name);
	if (links)
		if_freenameindex(links);
}
