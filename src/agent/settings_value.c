/* SPDX-License-Identifier: ISC */
/* settings_value.c - what values of the agent's configuration have in common */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "agent/settings_internal.h"
#include "crypto/keytext.h"

char *agent_dup(struct agent_reading *rd, const char *text)
{
	char *p = strdup(text);

	if (!p)
		rd->errors->no_memory = true;
	return p;
}

/* Makes room for one more; what was there is wiped, for it may hold secrets. */
void *agent_grow(struct agent_reading *rd, void *items, size_t cnt, size_t *cap, size_t size)
{
	size_t want = *cap ? *cap * 2 : 8;
	void *p;

	if (cnt < *cap)
		return items;
	p = calloc(want, size);
	if (!p) {
		rd->errors->no_memory = true;
		return NULL;
	}
	if (cnt) {
		memcpy(p, items, cnt * size);
		adit_wipe(items, cnt * size);
	}
	free(items);
	*cap = want;
	return p;
}

const struct adit_conf_node *agent_items(const struct adit_conf_node *node)
{
	return node->kind == ADIT_CONF_ARRAY ? adit_conf_first(node) : node;
}

bool agent_read_text(struct agent_reading *rd, const struct adit_conf_node *node, char *ret, size_t size)
{
	const char *text;

	if (adit_conf_as_text(rd->errors, node, &text) <= 0)
		return false;
	if (!*text)
		adit_conf_error(rd->errors, node, "is empty (leave it out)");
	else if (strlen(text) >= size)
		adit_conf_error(rd->errors, node, "has more than %zu characters", size - 1);
	else {
		strcpy(ret, text);
		return true;
	}
	return false;
}

bool agent_read_bool(struct agent_reading *rd, const struct adit_conf_node *node, bool *ret)
{
	return adit_conf_get_bool(rd->errors, node->parent, node->key, ret) > 0;
}

bool agent_read_word(struct agent_reading *rd, const struct adit_conf_node *node, const char *const *words, size_t *ret)
{
	return adit_conf_get_word(rd->errors, node->parent, node->key, words, ret) > 0;
}

bool agent_read_number(struct agent_reading *rd, const struct adit_conf_node *node, int64_t min, int64_t max,
		       int64_t *ret)
{
	return adit_conf_as_integer(rd->errors, node, min, max, ret) > 0;
}

bool agent_read_ifname(struct agent_reading *rd, const struct adit_conf_node *node, char ret[ADIT_IFNAME_LEN])
{
	const char *text;

	if (adit_conf_as_text(rd->errors, node, &text) <= 0)
		return false;
	if (adit_ifname_valid(text)) {
		strcpy(ret, text);
		return true;
	}
	adit_conf_error(rd->errors, node, "not a name for an interface (1 to 15 letters, digits and _ = + . -)");
	return false;
}

/* --- keys and files ----------------------------------------------------------------- */

void agent_read_secret(struct agent_reading *rd, const struct adit_conf_node *node, uint8_t **ret)
{
	const char *text, *why = agent_file_of(rd, node)->problem;

	if (why && !(rd->look && rd->look->import)) /* whatever stands there: it may be a key all the same */
		adit_conf_error(rd->errors, node, "the file holds a key, and %s", why);
	if (adit_conf_as_text(rd->errors, node, &text) <= 0)
		return;
	*ret = adit_secret_alloc(ADIT_KEY_LEN);
	if (!*ret) {
		rd->errors->no_memory = true;
		return;
	}
	if (adit_key_from_base64(*ret, text, strlen(text)))
		return;
	adit_conf_error(rd->errors, node, "not a key (44 characters of base64; adit genkey makes one)");
	adit_secret_free(*ret, ADIT_KEY_LEN);
	*ret = NULL;
}

static void judge_key_file(struct agent_reading *rd, const struct adit_conf_node *node, const char *path, uint8_t **key)
{
	uint8_t *read = adit_secret_alloc(ADIT_KEY_LEN);
	const char *why;

	if (!read) {
		rd->errors->no_memory = true;
		return;
	}
	why = rd->opener->key(rd->opener->user, path, read);
	if (why)
		adit_conf_error(rd->errors, node, "%.200s: %s", path, why);
	if (why || !key)
		adit_secret_free(read, ADIT_KEY_LEN);
	else
		*key = read;
}

void agent_read_key_path(struct agent_reading *rd, const struct adit_conf_node *node, char **ret, uint8_t **key)
{
	char path[4096];
	const char *text;

	if (adit_conf_as_text(rd->errors, node, &text) <= 0 || !agent_place(rd, node, text, path, sizeof(path)))
		return;
	*ret = agent_dup(rd, path);
	if (rd->opener && rd->opener->key)
		judge_key_file(rd, node, path, key);
}

/* --- addresses ------------------------------------------------------------------------ */

static bool read_prefix(struct agent_reading *rd, const struct adit_conf_node *item, bool host, struct adit_prefix *ret)
{
	char buf[ADIT_PREFIX_STRLEN];
	struct adit_prefix whole;
	const char *text;

	if (adit_conf_as_text(rd->errors, item, &text) <= 0)
		return false;
	if (adit_prefix_parse(ret, text)) {
		adit_conf_error(rd->errors, item, "not an IPv4 or IPv6 address with a prefix length (\"10.0.0.%d/%d\", \"fd00::%s/64\")",
				host ? 2 : 0, 24, host ? "2" : "");
		return false;
	}
	whole = *ret;
	if (!host)
		adit_prefix_mask(ret);
	if (!adit_addr_equal(&whole.addr, &ret->addr))
		adit_conf_warning(rd->errors, item, "bits behind the prefix are set (%s is meant)",
				  adit_prefix_format(ret, buf));
	return true;
}

void agent_read_prefixes(struct agent_reading *rd, const struct adit_conf_node *node, bool host,
			 struct adit_prefix **ret, size_t *cnt)
{
	struct adit_prefix *list;

	*cnt = 0;
	if (!adit_conf_is(rd->errors, node, ADIT_CONF_ARRAY))
		return;
	list = calloc(adit_conf_count(node) + 1, sizeof(*list));
	if (!list) {
		rd->errors->no_memory = true;
		return;
	}
	adit_conf_each(node, item)
		if (read_prefix(rd, item, host, &list[*cnt]))
			(*cnt)++;
	*ret = list;
}

/* --- endpoints -------------------------------------------------------------------------- */

static bool is_name(const char *s, size_t len)
{
	if (!len || len > 253 || s[0] == '-' || s[0] == '.')
		return false;
	for (size_t i = 0; i < len; i++) {
		char c = s[i];

		if (!((c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') || c == '-' ||
		      c == '_' || c == '.'))
			return false;
		if (c == '.' && i && s[i - 1] == '.')
			return false;
	}
	return true;
}

/* What has only digits and dots was meant to be an address. */
static bool all_digits(const char *s, size_t len)
{
	for (size_t i = 0; i < len; i++)
		if (s[i] != '.' && (s[i] < '0' || s[i] > '9'))
			return false;
	return true;
}

static bool parse_port(const char *s, uint16_t *ret)
{
	unsigned v = 0;

	if (!*s || strlen(s) > 5)
		return false;
	for (; *s; s++) {
		if (*s < '0' || *s > '9')
			return false;
		v = v * 10 + (unsigned)(*s - '0');
	}
	*ret = (uint16_t)v;
	return v && v <= 65535;
}

/* NULL, or what is wrong. */
static const char *parse_host(const char *s, size_t len, char *ret, size_t size)
{
	bool bracket = len > 2 && s[0] == '[' && s[len - 1] == ']';
	struct adit_addr addr;

	if (len - 2 * bracket >= size)
		return "the name is too long";
	memcpy(ret, s + bracket, len - 2 * bracket);
	ret[len - 2 * bracket] = '\0';
	if (bracket)
		return adit_addr_parse(&addr, ret) || addr.family != 6 ? "not an IPv6 address between the brackets" : NULL;
	if (memchr(s, ':', len) && !memchr(s, '/', len))
		return "an IPv6 address stands in brackets (\"[2001:db8::1]:51820\")";
	if (all_digits(s, len) && adit_addr_parse(&addr, ret))
		return "not an IPv4 address";
	return is_name(ret, len) ? NULL : "not a name or an address with a port (\"vpn.example.com:51820\")";
}

bool agent_read_endpoint(struct agent_reading *rd, const struct adit_conf_node *node, struct agent_endpoint *ret)
{
	const char *text, *colon, *why;
	char host[256];

	if (adit_conf_as_text(rd->errors, node, &text) <= 0)
		return false;
	colon = strrchr(text, ':');
	if (!colon || colon == text || strchr(colon, ']'))
		why = "no port (\"vpn.example.com:51820\")";
	else
		why = parse_host(text, (size_t)(colon - text), host, sizeof(host));
	if (!why && !parse_port(colon + 1, &ret->port))
		why = "the port is a number from 1 to 65535";
	if (why) {
		adit_conf_error(rd->errors, node, "%s", why);
		return false;
	}
	ret->host = agent_dup(rd, host);
	return ret->host;
}
