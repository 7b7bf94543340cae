/* SPDX-License-Identifier: ISC */
/* settings.c - a configuration file of static tunnels, from its tree to values */
#include "statictun/settings.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "base/endpoint.h"
#include "config/check.h"
#include "host/keyfile.h"
#include "host/textfile.h"
#include "statictun/keys.h"
#include "statictun/table.h"

#define FILE_MAX (16u << 20)

struct reader {
	struct adit_conf_errors *errors;
	struct statictun_keys keys;
	struct statictun_network *networks, **tail;
};

/* --- single keys ------------------------------------------------------------- */

static void read_wire(struct adit_conf_errors *errors, const struct adit_conf_node *table,
		      struct statictun_network *net)
{
	static const char *const words[] = { "v1", "v2", NULL };
	size_t which = 1;

	adit_conf_get_word(errors, table, "wire", words, &which);
	net->wire = which ? ADIT_STATIC_V2 : ADIT_STATIC_V1;
}

static void read_interface(struct adit_conf_errors *errors, const struct adit_conf_node *table,
			   struct statictun_network *net)
{
	const struct adit_conf_node *node = adit_conf_get(table, "interface");
	const char *text;

	if (adit_conf_get_text(errors, table, "interface", &text) <= 0 || !strcmp(text, "utun"))
		return;
	if (!adit_ifname_valid(text))
		adit_conf_error(errors, node, "not a name for an interface (1 to 15 letters, digits and _ = + . -)");
	else
		strcpy(net->ifname, text);
}

/* "192.0.2.1:1194", "[::]:1194", ":1194", "192.0.2.1" */
static int parse_listen(const char *text, struct statictun_network *net)
{
	struct adit_endpoint e = { .port = STATICTUN_PORT };
	char any[24];
	int r;

	if (text[0] == ':' && text[1] && strlen(text) < 8) {
		strcpy(any, "0.0.0.0");
		strcat(any, text);
		r = adit_endpoint_parse(&e, any);
		e.addr.family = 0;
	} else {
		r = adit_endpoint_parse(&e, text);
		if (r)
			r = adit_addr_parse(&e.addr, text);
	}
	if (r || !e.port)
		return -EINVAL;
	net->port = e.port;
	net->bind = e.addr;
	if (e.addr.family == 6 && adit_is_zero(e.addr.bytes, 16))
		net->bind.family = 0; /* [::] is any address of both families */
	return 0;
}

static void read_listen(struct adit_conf_errors *errors, const struct adit_conf_node *table,
			struct statictun_network *net)
{
	const struct adit_conf_node *node = adit_conf_get(table, "listen");
	const char *text;

	net->port = STATICTUN_PORT;
	if (adit_conf_get_text(errors, table, "listen", &text) > 0 && parse_listen(text, net))
		adit_conf_error(errors, node,
				"not an address with a port (\"0.0.0.0:1194\", \"[::]:1194\", \":1194\")");
}

static void read_address(struct adit_conf_errors *errors, const struct adit_conf_node *item,
			 struct statictun_network *net)
{
	struct adit_prefix p;
	const char *text;
	size_t i;

	if (adit_conf_as_text(errors, item, &text) <= 0)
		return;
	if (adit_prefix_parse(&p, text)) {
		adit_conf_error(errors, item, "not an IPv4 or IPv6 address (\"10.0.0.1/24\", \"fd00::1/64\")");
		return;
	}
	for (i = 0; i < net->address_cnt; i++) {
		if (adit_addr_equal(&net->addresses[i].addr, &p.addr)) {
			adit_conf_error(errors, item, "this address is in the list already");
			return;
		}
	}
	net->addresses[net->address_cnt++] = p;
}

static void read_addresses(struct adit_conf_errors *errors, const struct adit_conf_node *table,
			   struct statictun_network *net)
{
	const struct adit_conf_node *array;

	if (adit_conf_get_array(errors, table, "addresses", &array) <= 0)
		return;
	net->addresses = calloc(adit_conf_count(array) + 1, sizeof(*net->addresses));
	if (!net->addresses) {
		errors->no_memory = true;
		return;
	}
	adit_conf_each(array, item)
		read_address(errors, item, net);
}

/* IPv6 needs 1280; the largest is what a datagram of UDP over IPv4 can carry. */
static void read_mtu(struct adit_conf_errors *errors, const struct adit_conf_node *table,
		     struct statictun_network *net)
{
	int64_t v = STATICTUN_MTU;
	size_t i;

	adit_conf_get_integer(errors, table, "mtu", 576, 65000, &v);
	net->mtu = (unsigned)v;
	for (i = 0; v < 1280 && i < net->address_cnt; i++) {
		if (net->addresses[i].addr.family == 6) {
			adit_conf_error(errors, adit_conf_get(table, "mtu"),
					"IPv6 needs at least 1280, and there is an IPv6 address");
			return;
		}
	}
}

static void read_rest(struct adit_conf_errors *errors, const struct adit_conf_node *table,
		      struct statictun_network *net)
{
	int64_t v = 0;

	adit_conf_get_bool(errors, table, "roaming", &net->roaming);
	adit_conf_get_integer(errors, table, "peer_timeout_secs", 0, 86400 * 365, &v);
	net->peer_timeout = (unsigned)v;
}

/* --- networks ------------------------------------------------------------------ */

const char *const statictun_network_keys[] = { "type", "enable", "interface", "listen", "secret", "secret_path",
					       "addresses", "mtu", "wire", "roaming", "peer_timeout_secs", "peers",
					       NULL };

static struct statictun_network *network_new(const char *name)
{
	struct statictun_network *net = calloc(1, sizeof(*net));

	if (net)
		net->secret = adit_secret_alloc(ADIT_KEY_LEN);
	if (!net || !net->secret) {
		free(net);
		return NULL;
	}
	strncpy(net->name, name, sizeof(net->name) - 1);
	return net;
}

struct statictun_network *statictun_network_read(struct statictun_keys *keys, struct adit_conf_errors *errors,
						 const struct adit_conf_node *table, const char *name)
{
	struct statictun_network *net = network_new(name);

	if (!net) {
		errors->no_memory = true;
		return NULL;
	}
	read_wire(errors, table, net);
	read_interface(errors, table, net);
	read_listen(errors, table, net);
	read_addresses(errors, table, net);
	read_mtu(errors, table, net);
	read_rest(errors, table, net);
	statictun_read_secret(keys, errors, table, net);
	statictun_read_table(keys, errors, table, net);
	return net;
}

static void check_interface_once(struct reader *rd, const struct adit_conf_node *table,
				 const struct statictun_network *net)
{
	const struct statictun_network *other;

	for (other = rd->networks; other && other != net; other = other->next)
		if (net->ifname[0] && !strcmp(net->ifname, other->ifname))
			adit_conf_error(rd->errors, adit_conf_get(table, "interface"),
					"network %s has this interface already", other->name);
}

static void read_network(struct reader *rd, const struct adit_conf_node *table, const char *name)
{
	struct statictun_network *net;
	bool enable;

	adit_conf_only(rd->errors, table, statictun_network_keys);
	adit_conf_get_bool(rd->errors, table, "enable", &enable); /* means something to who starts several */
	net = statictun_network_read(&rd->keys, rd->errors, table, name);
	if (!net)
		return;
	*rd->tail = net;
	rd->tail = &net->next;
	check_interface_once(rd, table, net);
}

/* Networks of other types are other programs' business. */
static bool is_static(struct reader *rd, const struct adit_conf_node *table)
{
	static const char *const types[] = { "static", "wireguard", "forward", "proxy", "tailnet", NULL };
	size_t which = 1; /* wireguard, where it is not said */

	return adit_conf_get_word(rd->errors, table, "type", types, &which) >= 0 && which == 0;
}

static void read_networks(struct reader *rd, const struct adit_conf_node *networks)
{
	adit_conf_each(networks, table) {
		if (!adit_conf_is(rd->errors, table, ADIT_CONF_TABLE) || !is_static(rd, table))
			continue;
		if (strlen(table->key) != table->key_len || !table->key_len ||
		    table->key_len >= sizeof(rd->networks->name))
			adit_conf_key_error(rd->errors, table, "the name of a network has 1 to 63 characters");
		else
			read_network(rd, table, table->key);
	}
}

static void read_root(struct reader *rd, const struct adit_conf_node *root)
{
	static const char *const keys[] = { "network", "agent", NULL };
	static const char *const types[] = { "static", NULL };
	const struct adit_conf_node *networks;
	size_t which;

	if (!adit_conf_is(rd->errors, root, ADIT_CONF_TABLE))
		return;
	if (!adit_conf_get(root, "network")) {
		adit_conf_get_word(rd->errors, root, "type", types, &which);
		read_network(rd, root, "");
		return;
	}
	adit_conf_only(rd->errors, root, keys);
	if (adit_conf_get_table(rd->errors, root, "network", &networks) > 0)
		read_networks(rd, networks);
	if (!rd->networks && !rd->errors->cnt)
		adit_conf_error(rd->errors, adit_conf_get(root, "network"), "no network here has type = \"static\"");
}

/* --- the file ------------------------------------------------------------------- */

static void file_error(struct adit_conf_errors *errors, const char *path, int r)
{
	const struct adit_conf_pos top = { 1, 1 };

	adit_conf_error_at(errors, path, top, "", "%s",
			   r == -EINVAL ? "not a plain file" : r == -EFBIG ? "larger than 16 MiB" : strerror(-r));
}

static void read_text(struct reader *rd, const char *path, const struct adit_textfile *file)
{
	struct adit_conf *conf;

	if (adit_conf_read(&conf, rd->errors, path, file->p, file->len, NULL) == -ENOMEM) {
		rd->errors->no_memory = true;
		return;
	}
	if (statictun_keys_init(&rd->keys, path, adit_keyfile_problem(file)) == 0)
		read_root(rd, conf->root);
	else
		rd->errors->no_memory = true;
	statictun_keys_fini(&rd->keys);
	adit_conf_free(conf);
}

struct statictun_network *statictun_settings_read(const char *path, struct adit_conf_errors *errors)
{
	struct reader rd = { .errors = errors };
	struct adit_textfile file;
	int r = adit_textfile_read(&file, path, FILE_MAX, true);

	rd.tail = &rd.networks;
	if (r)
		file_error(errors, path, r);
	else
		read_text(&rd, path, &file);
	adit_textfile_free(&file);
	if (!errors->cnt && !errors->no_memory)
		return rd.networks;
	statictun_settings_free(rd.networks);
	return NULL;
}

void statictun_settings_free(struct statictun_network *networks)
{
	while (networks) {
		struct statictun_network *next = networks->next;

		adit_secret_free(networks->secret, ADIT_KEY_LEN);
		free(networks->addresses);
		free(networks->peers);
		free(networks);
		networks = next;
	}
}
