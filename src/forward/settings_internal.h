/* SPDX-License-Identifier: ISC */
/*
 * settings_internal.h - the reader of configuration files, shared by its files:
 * settings.c reads sections and lines, settings_network.c has the keys of the
 * network, settings_service.c those of services, settings_value.c what values
 * have in common
 */
#ifndef ADIT_FORWARD_SETTINGS_INTERNAL_H
#define ADIT_FORWARD_SETTINGS_INTERNAL_H

#include "base/quicktext.h"
#include "forward/ini.h"
#include "forward/settings.h"

enum settings_section_bit {
	TOP = 1 << 0,
	INTERFACE = 1 << 1,
	PEER = 1 << 2,
	TCP_CLIENT = 1 << 3,
	TCP_SERVER = 1 << 4,
	STDIO = 1 << 5,
	UDP_PROXY = 1 << 6,
	UDP_SERVER = 1 << 7,
	SOCKS5 = 1 << 8,
	HTTP = 1 << 9,
	MIXED = 1 << 10,
	SNI = 1 << 11,
	RESOLVE = 1 << 12,
	UNKNOWN = 1 << 13,
};

#define LISTENS  (TCP_CLIENT | UDP_PROXY | SOCKS5 | HTTP | MIXED | SNI)
#define TARGETS  (TCP_CLIENT | TCP_SERVER | STDIO | UDP_PROXY | UDP_SERVER)
#define PASSWORD (SOCKS5 | HTTP | MIXED)
#define DATAGRAM (UDP_PROXY | UDP_SERVER)

struct settings_section {
	const char *name;
	enum settings_section_bit section;
	bool service;
	enum relay_kind kind;
};

/* A value as it is read: after $NAME, cut to a string. */
struct setting_value {
	const char *text;
	size_t len;
	struct adit_forward_origin at;
};

struct setting;

struct settings_reading {
	struct adit_forward_reader *rd;
	struct adit_forward_import *import;
	const char *name;
	bool as_import;
	struct forward_ini ini;
	enum settings_section_bit section;
	const struct settings_section *what;
	struct adit_forward_origin section_at;
	uint64_t seen;     /* bit per row of the key table, of this section */
	bool bad;          /* one of its values was wrong: it makes no service */
	unsigned interfaces;
	const struct setting *key;
	struct relay_service_config service;
	struct adit_forward_peer peer;
};

struct setting {
	const char *name;
	unsigned sections;
	enum {
		LIST = 1, /* may stand several times */
		TEXT = 2, /* a # in it may belong to it */
	} flags;
	void (*read)(struct settings_reading *r, const struct setting_value *v);
};

/* The keys, in two tables; both end with an empty row. */
extern const struct setting settings_network[], settings_service[];

/* --- settings_value.c ------------------------------------------------------- */

struct adit_forward_origin settings_origin(const struct settings_reading *r, const char *p);
#define setting_error(r, v, ...) adit_forward_error((r)->rd, &(v)->at, (r)->key->name, __VA_ARGS__)
/* Where an item of a list stands, when the list stands in the file. */
struct setting_value setting_item(const struct setting_value *list, struct slice item);
const char *setting_quoted(const struct setting_value *v, char buf[QUOTE_LEN]);
/* The value as a string, a number, a key; false after an error. */
bool setting_text(struct settings_reading *r, const struct setting_value *v, char *buf, size_t size);
bool setting_number(struct settings_reading *r, const struct setting_value *v, uint32_t max, uint32_t *ret);
bool setting_read_key(struct settings_reading *r, const struct setting_value *v, uint8_t ret[ADIT_FORWARD_KEY_LEN]);
/* Of wg-quick's that mean nothing here. */
void setting_nothing(struct settings_reading *r, const struct setting_value *v);

#endif
