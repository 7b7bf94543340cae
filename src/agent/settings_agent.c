/* SPDX-License-Identifier: ISC */
/* settings_agent.c - the [agent] table */
#include <string.h>

#include "agent/settings_internal.h"

static void read_socket(struct agent_reading *rd, const struct adit_conf_node *node, char *ret, size_t size)
{
	char text[108];

	if (!agent_read_text(rd, node, text, size))
		return;
	if (text[0] != '/')
		adit_conf_error(rd->errors, node, "not an absolute path (\"/run/adit/...\")");
	else
		strcpy(ret, text);
}

static void read_control_socket(struct agent_reading *rd, const struct adit_conf_node *node)
{
	read_socket(rd, node, rd->config->control_socket, sizeof(rd->config->control_socket));
}

static void read_status_socket(struct agent_reading *rd, const struct adit_conf_node *node)
{
	read_socket(rd, node, rd->config->status_socket, sizeof(rd->config->status_socket));
}

static void read_http_socket(struct agent_reading *rd, const struct adit_conf_node *node)
{
	read_socket(rd, node, rd->config->http_socket, sizeof(rd->config->http_socket));
}

static bool is_loopback(const struct adit_addr *a)
{
	static const uint8_t one[16] = { [15] = 1 };

	return a->family == 4 ? a->bytes[0] == 127 : a->family == 6 && !memcmp(a->bytes, one, 16);
}

/* Nobody asks for a password there: it is for this machine. */
static void read_metrics(struct agent_reading *rd, const struct adit_conf_node *node)
{
	struct adit_endpoint e;
	const char *text;

	if (adit_conf_as_text(rd->errors, node, &text) <= 0)
		return;
	if (adit_endpoint_parse(&e, text) || !e.port)
		adit_conf_error(rd->errors, node, "not an address with a port (\"127.0.0.1:9586\", \"[::1]:9586\")");
	else if (!is_loopback(&e.addr))
		adit_conf_error(rd->errors, node, "not an address of loopback (127.0.0.1 or [::1]; or use http_socket behind a server of your own)");
	else
		rd->config->metrics = e;
}

static void read_page(struct agent_reading *rd, const struct adit_conf_node *node)
{
	agent_read_bool(rd, node, &rd->config->page);
	if (rd->config->page && !adit_conf_get(node->parent, "metrics") && !adit_conf_get(node->parent, "http_socket"))
		adit_conf_error(rd->errors, node, "needs metrics or http_socket, where it is served");
}

static void read_state_dir(struct agent_reading *rd, const struct adit_conf_node *node)
{
	char text[sizeof(rd->config->state_dir)];

	if (!agent_read_text(rd, node, text, sizeof(text)))
		return;
	if (text[0] != '/')
		adit_conf_error(rd->errors, node, "not an absolute path (\"/var/lib/adit\")");
	else
		strcpy(rd->config->state_dir, text);
}

static void read_account(struct agent_reading *rd, const struct adit_conf_node *node, char ret[32])
{
	char text[32];

	if (!agent_read_text(rd, node, text, sizeof(text)))
		return;
	if (strspn(text, "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789_.-$") != strlen(text) ||
	    text[0] == '-')
		adit_conf_error(rd->errors, node, "not the name of a user or a group");
	else
		strcpy(ret, text);
}

static void read_user(struct agent_reading *rd, const struct adit_conf_node *node)
{
	read_account(rd, node, rd->config->user);
}

static void read_operators(struct agent_reading *rd, const struct adit_conf_node *node)
{
	read_account(rd, node, rd->config->operators);
}

static void read_observers(struct agent_reading *rd, const struct adit_conf_node *node)
{
	read_account(rd, node, rd->config->observers);
}

static void read_log_level(struct agent_reading *rd, const struct adit_conf_node *node)
{
	static const char *const words[] = { "off", "error", "warning", "info", "debug", NULL };
	size_t which;

	if (agent_read_word(rd, node, words, &which))
		rd->config->log_level = (unsigned)which;
}

const struct agent_key agent_keys_agent[] = {
	{ "control_socket", AT_AGENT, read_control_socket, "\"/run/adit/control.sock\"", false },
	{ "status_socket", AT_AGENT, read_status_socket, NULL, false },
	{ "metrics", AT_AGENT, read_metrics, NULL, false },
	{ "http_socket", AT_AGENT, read_http_socket, NULL, false },
	{ "page", AT_AGENT, read_page, "false", false },
	{ "state_dir", AT_AGENT, read_state_dir, "\"/var/lib/adit\"", false },
	{ "user", AT_AGENT, read_user, NULL, false },
	{ "operators", AT_AGENT, read_operators, NULL, false },
	{ "observers", AT_AGENT, read_observers, NULL, false },
	{ "log_level", AT_AGENT, read_log_level, "\"info\"", false },
	{ 0 },
};
