/* SPDX-License-Identifier: ISC */
/* export.c - `adit export NET`: a network as a wg-quick file, as text or as a QR code */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "agent/commands.h"
#include "agent/qr.h"
#include "agent/settings.h"
#include "agent/words.h"
#include "base/exit.h"
#include "crypto/keytext.h"
#include "host/keyfile.h"

#define QR_TEXT_MAX 4096 /* a code holds at most 2953 bytes */

struct export {
	const char *name, *path;
	bool qr, quick, invert;
	FILE *out;
};

/* --- keys --------------------------------------------------------------------------------- */

/* From the configuration, or from the file that it names. False: said why. */
static bool print_key(struct export *ex, const char *what, const uint8_t *key, const char *path)
{
	uint8_t *read = key || !path ? NULL : adit_secret_alloc(ADIT_KEY_LEN);
	char text[ADIT_KEY_BASE64_LEN + 1];
	const char *why = NULL;

	if (!key && !path)
		return true;
	if (!key && !read)
		why = strerror(ENOMEM);
	else if (!key)
		why = adit_keyfile_read(path, read);
	if (why) {
		fprintf(stderr, "adit export: %s: %s\n", path, why);
	} else {
		adit_key_to_base64(text, key ? key : read);
		fprintf(ex->out, "%s = %s\n", what, text);
		adit_wipe(text, sizeof(text));
	}
	adit_secret_free(read, ADIT_KEY_LEN);
	return !why;
}

/* --- lists ---------------------------------------------------------------------------------- */

static void print_prefixes(FILE *out, const char *what, const struct adit_prefix *list, size_t cnt)
{
	char buf[ADIT_PREFIX_STRLEN];

	for (size_t i = 0; i < cnt; i++)
		fprintf(out, "%s%s", i ? ", " : what, adit_prefix_format(&list[i], buf));
	if (cnt)
		fputc('\n', out);
}

static void print_dns(FILE *out, const struct agent_network_settings *n)
{
	const char *before = "DNS = ";
	char buf[ADIT_ADDR_STRLEN];

	for (size_t i = 0; i < n->dns_cnt; i++) {
		fprintf(out, "%s%s", before, adit_addr_format(&n->dns[i], buf));
		before = ", ";
	}
	for (size_t i = 0; i < n->dns_domain_cnt; i++) {
		if (n->dns_domains[i][0] == '~')
			continue; /* wg-quick has no such thing */
		fprintf(out, "%s%s", before, n->dns_domains[i]);
		before = ", ";
	}
	if (before[0] == ',')
		fputc('\n', out);
}

/* "PostUp iptables ..." */
static void print_hooks(FILE *out, const struct agent_network_settings *n)
{
	for (size_t i = 0; i < n->hook_cnt; i++) {
		size_t len = strcspn(n->hooks[i], " ");

		fprintf(out, "%.*s = %s\n", (int)len, n->hooks[i], n->hooks[i] + len + 1);
	}
}

/* --- sections --------------------------------------------------------------------------------- */

static bool print_interface(struct export *ex, const struct agent_network_settings *n)
{
	fprintf(ex->out, "[Interface]\n");
	if (!print_key(ex, "PrivateKey", n->private_key, n->private_key_path))
		return false;
	print_prefixes(ex->out, "Address = ", n->addresses, n->address_cnt);
	if (n->listen_port)
		fprintf(ex->out, "ListenPort = %u\n", n->listen_port);
	if (n->fwmark)
		fprintf(ex->out, "FwMark = 0x%x\n", n->fwmark);
	if (n->mtu)
		fprintf(ex->out, "MTU = %u\n", n->mtu);
	print_dns(ex->out, n);
	if (n->table == AGENT_TABLE_OFF)
		fprintf(ex->out, "Table = off\n");
	else if (n->table == AGENT_TABLE_NUMBER)
		fprintf(ex->out, "Table = %u\n", n->table_number);
	print_hooks(ex->out, n);
	return true;
}

static bool print_peer(struct export *ex, const struct agent_peer *p)
{
	char key[ADIT_KEY_BASE64_LEN + 1];

	fprintf(ex->out, "\n[Peer]\n");
	if (p->name[0] && !ex->qr)
		fprintf(ex->out, "# %s\n", p->name);
	adit_key_to_base64(key, p->public_key);
	fprintf(ex->out, "PublicKey = %s\n", key);
	if (!print_key(ex, "PresharedKey", p->psk, p->psk_path))
		return false;
	print_prefixes(ex->out, "AllowedIPs = ", p->allowed, p->allowed_cnt);
	if (p->endpoint_cnt)
		fprintf(ex->out, strchr(p->endpoints[0].host, ':') ? "Endpoint = [%s]:%u\n" : "Endpoint = %s:%u\n",
			p->endpoints[0].host, p->endpoints[0].port);
	if (p->keepalive)
		fprintf(ex->out, "PersistentKeepalive = %u\n", p->keepalive);
	return true;
}

/* What the other format cannot say is said here. */
static void list_left_out(const struct export *ex, const struct agent_network_settings *n)
{
	const struct {
		const char *key;
		bool set;
	} list[] = {
		{ "metric", n->metric },
		{ "exclude", n->exclude_cnt },
		{ "killswitch", n->killswitch },
		{ "lan", n->lan != AGENT_LAN_ALLOW },
		{ "forward", n->forward },
		{ "bind_address", n->bind_address.family },
		{ "bind_interface", n->bind_interface[0] },
	};

	for (size_t i = 0; i < sizeof(list) / sizeof(list[0]); i++)
		if (list[i].set)
			fprintf(stderr, "adit export: %s: left out, a wg-quick file cannot say it\n", list[i].key);
	for (size_t i = 0; i < n->peer_cnt; i++)
		if (n->peers[i].endpoint_cnt > 1)
			fprintf(stderr, "adit export: peer %zu of %s: only the first endpoint is taken\n", i + 1, ex->name);
}

static bool print_network(struct export *ex, const struct agent_network_settings *n)
{
	if (!print_interface(ex, n))
		return false;
	for (size_t i = 0; i < n->peer_cnt; i++)
		if (!print_peer(ex, &n->peers[i]))
			return false;
	list_left_out(ex, n);
	return true;
}

/* --- as a code ----------------------------------------------------------------------------------- */

static int print_code(struct export *ex, const struct agent_network_settings *n)
{
	char text[QR_TEXT_MAX] = "";
	int r = ADIT_EXIT_FAILED;
	bool ok;

	ex->out = fmemopen(text, sizeof(text), "w");
	if (!ex->out)
		return r;
	setvbuf(ex->out, NULL, _IONBF, 0);
	ok = print_network(ex, n);
	if (ferror(ex->out) || fclose(ex->out))
		r = -E2BIG;
	else
		r = ok ? agent_qr_print(stdout, text, ex->invert) : 1;
	adit_wipe(text, sizeof(text));
	if (r == -E2BIG)
		fprintf(stderr, "adit export: network %s is too long for a QR code (some 2900 characters)\n", ex->name);
	else if (r == -EOPNOTSUPP)
		fprintf(stderr, "adit export: built without QR codes (libqrencode)\n");
	else if (r < 0)
		fprintf(stderr, "adit export: %s\n", strerror(-r));
	return r ? ADIT_EXIT_FAILED : ADIT_EXIT_OK;
}

/* --- the command ---------------------------------------------------------------------------------- */

static void complain(void *user, const char *msg)
{
	(void)user;
	fprintf(stderr, "%s\n", msg);
}

static int export_found(struct export *ex, const struct agent_network_settings *n)
{
	if (n->type == AGENT_STATIC || !n->peer_cnt) {
		fprintf(stderr, "adit export: network %s %s\n", ex->name,
			n->type == AGENT_STATIC ? "is of type static, which a wg-quick file cannot say" :
			n->type == AGENT_FORWARD ? "is a wg-quick file already (config)" :
						   "has no peer");
		return ADIT_EXIT_FAILED;
	}
	if (ex->qr)
		return print_code(ex, n);
	ex->out = stdout;
	setvbuf(stdout, NULL, _IONBF, 0); /* keys stay in no buffer */
	return print_network(ex, n) && !ferror(stdout) ? ADIT_EXIT_OK : ADIT_EXIT_FAILED;
}

static int find_and_export(struct export *ex)
{
	struct adit_conf_errors errors = { 0 };
	struct agent_config *config = agent_config_read(ex->path, NULL, &errors);
	const struct agent_network_settings *n = config ? agent_config_find(config, ex->name) : NULL;
	int r = ADIT_EXIT_CONFIG;

	if (!config)
		adit_conf_errors_report(&errors, complain, NULL);
	else if (!n)
		fprintf(stderr, "adit export: %s has no network %s\n", ex->path, ex->name);
	else
		r = export_found(ex, n);
	if (config && !n)
		r = ADIT_EXIT_FAILED;
	adit_conf_errors_fini(&errors);
	agent_config_free(config);
	return fflush(stdout) ? ADIT_EXIT_FAILED : r;
}

int adit_export_main(int argc, char **argv)
{
	struct agent_words w = { "export", "NETWORK [-c FILE] [--wg-quick|--qr] [--invert]", argc, argv, 1, false, false };
	struct export ex = { .path = AGENT_CONFIG_PATH };
	const char *word;

	while ((word = agent_word(&w))) {
		if (agent_word_is(&w, word, "-c", &ex.path) || agent_word_is(&w, word, "--config", &ex.path))
			continue;
		if (agent_word_is(&w, word, "--wg-quick", NULL))
			ex.quick = true;
		else if (agent_word_is(&w, word, "--qr", NULL))
			ex.qr = true;
		else if (agent_word_is(&w, word, "--invert", NULL))
			ex.invert = true;
		else if (agent_word_operand(&w, word) && ex.name)
			agent_word_wrong(&w, "one network at a time: ", word);
		else
			ex.name = word;
	}
	if (!ex.name)
		agent_word_wrong(&w, "which network?", "");
	if (ex.qr && ex.quick)
		agent_word_wrong(&w, "--wg-quick and --qr exclude each other", "");
	return w.wrong ? ADIT_EXIT_USAGE : find_and_export(&ex);
}
