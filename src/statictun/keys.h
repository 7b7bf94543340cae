/* SPDX-License-Identifier: ISC */
/* keys.h - the keys of a configuration: our own, from the file or from one beside it, and the peers' */
#ifndef ADIT_STATICTUN_KEYS_H
#define ADIT_STATICTUN_KEYS_H

#include "config/config.h"
#include "crypto/crypto.h"

struct adit_textfile;
struct statictun_network;

struct statictun_keys {
	struct adit_crypto *crypto;
	const char *path;                 /* of the configuration */
	const struct adit_textfile *file; /* the configuration itself */
	bool have;                        /* our own was read */
};

/* 0 or -ENOMEM. */
int statictun_keys_init(struct statictun_keys *k, const char *path, const struct adit_textfile *file);
void statictun_keys_fini(struct statictun_keys *k);
/* `secret` or `secret_path` of a network, into net->secret. Files that others may use are refused. */
void statictun_read_secret(struct statictun_keys *k, struct adit_conf_errors *errors,
			   const struct adit_conf_node *table, struct statictun_network *net);
/* A public key; false after an error. Also one that is our own, or is good for no secret. */
bool statictun_read_public(struct statictun_keys *k, struct adit_conf_errors *errors,
			   const struct adit_conf_node *table, const struct statictun_network *net,
			   uint8_t ret[ADIT_KEY_LEN]);

#endif
