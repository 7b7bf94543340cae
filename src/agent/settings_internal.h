/* SPDX-License-Identifier: ISC */
/*
 * settings_internal.h - the reader of the agent's configuration, shared by its
 * files: settings_files.c makes one tree of all files, settings_quick.c of
 * wg-quick's too; settings.c walks it and asks the tables of keys
 * (settings_agent.c, settings_network.c, settings_machine.c, settings_forward.c,
 * settings_static.c, settings_peer.c); settings_value.c has what values have in
 * common; settings_cross.c judges the whole
 */
#ifndef ADIT_AGENT_SETTINGS_INTERNAL_H
#define ADIT_AGENT_SETTINGS_INTERNAL_H

#include "agent/settings.h"
#include "config/check.h"

#define AGENT_FILES_MAX (sizeof(((struct agent_config *)0)->files) / sizeof(char *))
#define AGENT_TEXT_MAX  (16u << 20)

/* Tables that a key may stand in. */
enum agent_where {
	AT_AGENT = 1 << 0,
	AT_WIREGUARD = 1 << 1,
	AT_FORWARD = 1 << 2,
	AT_STATIC = 1 << 3,
	AT_PEER = 1 << 4,
	AT_QUICK = 1 << 5, /* only a wg-quick file has it */
};
#define AT_TUNNEL  (AT_WIREGUARD | AT_FORWARD)
#define AT_MACHINE (AT_WIREGUARD | AT_STATIC)
#define AT_NETWORK (AT_WIREGUARD | AT_FORWARD | AT_STATIC)

struct agent_reading;

struct agent_key {
	const char *name;
	unsigned where;
	/* NULL: somebody else reads it (statictun, or when all others were read) */
	void (*read)(struct agent_reading *rd, const struct adit_conf_node *node);
	const char *unset; /* what holds without it, for people; NULL: nothing */
	bool secret;
};
/* All end with a row without a name. */
extern const struct agent_key agent_keys_agent[], agent_keys_network[], agent_keys_machine[],
	agent_keys_forward[], agent_keys_static[], agent_keys_peer[];
/* Those of the agent first, and of peers last; ends with NULL. */
extern const struct agent_key *const agent_keys_all[];

/* A file that was read. */
struct agent_file {
	struct adit_conf *doc;
	const char *problem; /* why it may hold no key; NULL = it may */
	bool quick;
};

/* All files as one tree: that of file[0]. */
struct agent_files {
	struct agent_file file[AGENT_FILES_MAX];
	size_t cnt;
	bool full; /* was said */
};

/* An allowed prefix, for what is judged in the end. */
struct agent_allowed {
	struct adit_prefix prefix;
	const struct adit_conf_node *node;
	const struct agent_network_settings *net;
	size_t peer;
};

/* For commands that print what was read. */
struct agent_look {
	bool import; /* only to be written anew: hooks and who may read a file do not matter */
	/* After reading without errors. */
	void (*tree)(void *user, const struct agent_reading *rd, const struct adit_conf_node *root);
	void *user;
};

struct agent_reading {
	struct adit_conf_errors *errors;
	const struct agent_opener *opener;
	const struct agent_look *look; /* or NULL */
	struct agent_files *files;
	struct agent_config *config;
	struct adit_crypto *crypto;
	/* what is being read */
	struct agent_network_settings *net, **tail;
	size_t errors_before; /* net */
	bool quick_wrong;     /* the wg-quick file of net could not be read whole */
	const struct adit_conf_node *table; /* of net */
	struct agent_peer *peer;
	struct adit_forward_reader *fwd; /* of type forward */
	uint8_t *own; /* of net: the key in its file, where files of keys are opened; secret memory */
	/* gathered */
	struct agent_allowed *allowed;
	size_t allowed_cnt, allowed_cap;
};

/* agent_config_read, with a look at the tree; look may be NULL. */
struct agent_config *agent_config_look(const char *path, const struct agent_opener *opener,
				       struct adit_conf_errors *errors, const struct agent_look *look);

/* --- files (settings_files.c, settings_quick.c) ------------------------------------ */

/* Reads the file and its drop-ins into one tree; what is wrong goes to rd->errors. False: there is no tree. */
bool agent_files_load(struct agent_reading *rd, const char *path);
void agent_files_fini(struct agent_files *files);
/* Opens a file; false after an error, which stands at `at` or, where that is NULL, at the file's top. */
bool agent_file_open(struct agent_reading *rd, const char *path, const struct adit_conf_node *at,
		     struct adit_textfile *ret);
/* Takes the document over. False: there are too many, which was reported, and it was freed. */
bool agent_files_add(struct agent_reading *rd, struct adit_conf *doc, const struct adit_textfile *text, bool quick);
const struct agent_file *agent_file_of(const struct agent_reading *rd, const struct adit_conf_node *node);
struct agent_origin agent_origin_of(const struct agent_reading *rd, const struct adit_conf_node *node);
/* Where a name in a file is meant: beside that file. False after an error at the node. */
bool agent_place(struct agent_reading *rd, const struct adit_conf_node *node, const char *name, char *ret,
		 size_t size);
/* The settings of a wg-quick file under our keys' names, into an empty table of a document of that file. */
void agent_quick_read(struct agent_reading *rd, struct adit_conf_node *table, const struct adit_textfile *text);
/* "x.conf" -> "x", made a legal name of a network. */
void agent_quick_name(const char *path, char ret[AGENT_NAME_LEN]);
/* `config` of a wireguard network: fills the table up with what stands in the wg-quick file. */
void agent_quick_fill(struct agent_reading *rd, struct adit_conf_node *table);

/* --- networks ---------------------------------------------------------------------- */

/* Reads every key of a table; what is not in these tables of keys is reported. tables ends with NULL. */
void agent_read_keys(struct agent_reading *rd, const struct adit_conf_node *table, enum agent_where where,
		     const struct agent_key *const *tables);
void agent_read_peers(struct agent_reading *rd, const struct adit_conf_node *node);
/* Before and after the keys of a network of that type. */
bool agent_forward_begin(struct agent_reading *rd); /* false: no memory */
void agent_forward_end(struct agent_reading *rd);
void agent_static_end(struct agent_reading *rd);
void agent_peers_free(struct agent_peer *peers, size_t cnt);

/* What can be judged only when everything was read. */
void agent_cross_network(struct agent_reading *rd);
void agent_cross_config(struct agent_reading *rd);
/* A value of a peer, by its number. */
const struct adit_conf_node *agent_peer_node(const struct adit_conf_node *network, size_t peer, const char *key);

/* --- values (settings_value.c) ------------------------------------------------------- */

char *agent_dup(struct agent_reading *rd, const char *text);
/* Text into a field; false after an error (what: "a path", "a name"...). */
bool agent_read_text(struct agent_reading *rd, const struct adit_conf_node *node, char *ret, size_t size);
bool agent_read_bool(struct agent_reading *rd, const struct adit_conf_node *node, bool *ret);
bool agent_read_word(struct agent_reading *rd, const struct adit_conf_node *node, const char *const *words,
		     size_t *ret);
bool agent_read_number(struct agent_reading *rd, const struct adit_conf_node *node, int64_t min, int64_t max,
		       int64_t *ret);
bool agent_read_ifname(struct agent_reading *rd, const struct adit_conf_node *node, char ret[ADIT_IFNAME_LEN]);
/* A key that stands in the configuration, into secret memory. */
void agent_read_secret(struct agent_reading *rd, const struct adit_conf_node *node, uint8_t **ret);
/* The name of a file that holds a key. key: gets it where such files are opened; NULL: it is only judged. */
void agent_read_key_path(struct agent_reading *rd, const struct adit_conf_node *node, char **ret, uint8_t **key);
/* A list of addresses with prefix lengths. host: host bits mean something. */
void agent_read_prefixes(struct agent_reading *rd, const struct adit_conf_node *node, bool host,
			 struct adit_prefix **ret, size_t *cnt);
/* HOST:PORT or [ADDRESS]:PORT; false after an error. */
bool agent_read_endpoint(struct agent_reading *rd, const struct adit_conf_node *node, struct agent_endpoint *ret);
/* Items of an array, or the value itself: for lists of one that are written without brackets. */
const struct adit_conf_node *agent_items(const struct adit_conf_node *node);
void *agent_grow(struct agent_reading *rd, void *items, size_t cnt, size_t *cap, size_t size);

#endif
