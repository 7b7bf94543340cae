/* SPDX-License-Identifier: ISC */
/* keys.c - the keys of a configuration */
#include "statictun/keys.h"

#include <stdio.h>
#include <string.h>

#include "base/filename.h"
#include "config/check.h"
#include "crypto/keytext.h"
#include "host/keyfile.h"
#include "statictun/settings.h"

int statictun_keys_init(struct statictun_keys *k, const char *path, const char *problem)
{
	*k = (struct statictun_keys){ .path = path, .problem = problem };
	return adit_crypto_new(&k->crypto, "openssl"); /* no cipher is used, so none is measured */
}

void statictun_keys_fini(struct statictun_keys *k)
{
	adit_crypto_forget(k->crypto);
	adit_crypto_free(k->crypto);
}

static bool from_path(struct statictun_keys *k, struct adit_conf_errors *errors, const struct adit_conf_node *table,
		      struct statictun_network *net)
{
	const struct adit_conf_node *node = adit_conf_get(table, "secret_path");
	const char *text, *why;
	char path[1024];

	if (adit_conf_get_text(errors, table, "secret_path", &text) <= 0)
		return false;
	if (k->later)
		return false;
	if (adit_key_from_base64(net->secret, text, strlen(text))) { /* which no message may show */
		adit_conf_error(errors, node, "a key stands here, and the name of a file is wanted");
		return false;
	}
	if (!adit_filename_beside(k->path, text, path, sizeof(path)))
		why = "the name is too long";
	else
		why = adit_keyfile_read(path, net->secret);
	if (why)
		adit_conf_error(errors, node, "%.200s: %s", text, why);
	return !why;
}

static bool from_text(struct statictun_keys *k, struct adit_conf_errors *errors, const struct adit_conf_node *table,
		      struct statictun_network *net)
{
	const struct adit_conf_node *node = adit_conf_get(table, "secret");
	const char *text, *why = k->problem;

	if (why) /* whatever stands there: it may be a key all the same */
		adit_conf_error(errors, node, "the file holds a key, and %s", why);
	if (adit_conf_get_text(errors, table, "secret", &text) <= 0)
		return false;
	if (adit_key_from_base64(net->secret, text, strlen(text)))
		return true;
	adit_conf_error(errors, node, "not a key (44 characters of base64; adit genkey makes one)");
	return false;
}

void statictun_read_secret(struct statictun_keys *k, struct adit_conf_errors *errors,
			   const struct adit_conf_node *table, struct statictun_network *net)
{
	bool text = adit_conf_get(table, "secret"), path = adit_conf_get(table, "secret_path");

	k->have = false;
	if (text && path)
		adit_conf_key_error(errors, adit_conf_get(table, "secret_path"),
				    "secret and secret_path exclude each other");
	else if (path)
		k->have = from_path(k, errors, table, net);
	else if (text || adit_conf_need(errors, table, "secret",
					"or secret_path with the name of a file; adit genkey makes one"))
		k->have = from_text(k, errors, table, net);
}

bool statictun_read_public(struct statictun_keys *k, struct adit_conf_errors *errors,
			   const struct adit_conf_node *table, const struct statictun_network *net,
			   uint8_t ret[ADIT_KEY_LEN])
{
	static const uint8_t some[ADIT_KEY_LEN] = { 8, [31] = 64 }; /* any private key shows a low order */
	const struct adit_conf_node *node = adit_conf_get(table, "pub_key");
	uint8_t out[ADIT_KEY_LEN];
	const char *text;

	if (!adit_conf_need(errors, table, "pub_key", "the peer's public key: adit pubkey") ||
	    adit_conf_get_text(errors, table, "pub_key", &text) <= 0)
		return false;
	if (!adit_key_from_base64(ret, text, strlen(text))) {
		adit_conf_error(errors, node, "not a key (44 characters of base64)");
		return false;
	}
	if (!adit_x25519(k->crypto, out, some, ret)) {
		adit_conf_error(errors, node, "no private key can belong to this one");
		return false;
	}
	if (k->have) {
		adit_x25519_public(k->crypto, out, net->secret);
		if (!memcmp(out, ret, ADIT_KEY_LEN)) {
			adit_conf_error(errors, node, "this is our own public key (the peer's is meant)");
			return false;
		}
	}
	return true;
}
