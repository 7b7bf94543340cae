/* SPDX-License-Identifier: ISC */
/* keys.h - the keys of a configuration: our own, from the file or from one beside it, and the peers' */
#ifndef ADIT_STATICTUN_KEYS_H
#define ADIT_STATICTUN_KEYS_H

#include "config/config.h"
#include "crypto/crypto.h"

struct statictun_network;

struct statictun_keys {
	struct adit_crypto *crypto;
	const char *path;    /* of the configuration: a relative name is meant beside it */
	const char *problem; /* why that file may hold no key; NULL = it may */
	bool later;          /* files of keys are not opened: who starts the network does that */
	bool have;           /* our own was read */
};

/* 0 or -ENOMEM. `problem` as below; see adit_keyfile_problem. */
int statictun_keys_init(struct statictun_keys *k, const char *path, const char *problem);
void statictun_keys_fini(struct statictun_keys *k);
/* `secret` or `secret_path` of a network, into net->secret. Files that others may use are refused. */
void statictun_read_secret(struct statictun_keys *k, struct adit_conf_errors *errors,
			   const struct adit_conf_node *table, struct statictun_network *net);
/* A public key; false after an error. Also one that is our own, or is good for no secret. */
bool statictun_read_public(struct statictun_keys *k, struct adit_conf_errors *errors,
			   const struct adit_conf_node *table, const struct statictun_network *net,
			   uint8_t ret[ADIT_KEY_LEN]);

#endif
