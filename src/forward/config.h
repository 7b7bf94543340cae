/* SPDX-License-Identifier: ISC */
/*
 * config.h - what `adit forward` shall do, as one plain struct, whatever it
 * was read from: onetun's command line and variables (options.h), wireproxy's
 * file and wg-quick's (settings.h), forward specifications (spec.h). Reading
 * opens only the files that are named, and starts nothing.
 */
#ifndef ADIT_FORWARD_CONFIG_H
#define ADIT_FORWARD_CONFIG_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/addr.h"
#include "base/endpoint.h"
#include "relay/relay.h"

#define ADIT_FORWARD_KEY_LEN      32
#define ADIT_FORWARD_ADDRESSES    16
#define ADIT_FORWARD_DNS          8
#define ADIT_FORWARD_ALIVE        32
#define ADIT_FORWARD_SERVICES_MAX 4096
#define ADIT_FORWARD_PATH_LEN     4096

enum adit_forward_log_level {
	ADIT_FORWARD_LOG_OFF,
	ADIT_FORWARD_LOG_ERROR,
	ADIT_FORWARD_LOG_WARNING,
	ADIT_FORWARD_LOG_INFO,
	ADIT_FORWARD_LOG_DEBUG,
};

enum adit_forward_backend {
	ADIT_FORWARD_STACK,  /* our own TCP/IP */
	ADIT_FORWARD_KERNEL, /* Linux's, in a namespace of our own */
};

struct adit_forward_peer {
	uint8_t public_key[ADIT_FORWARD_KEY_LEN];
	uint8_t psk[ADIT_FORWARD_KEY_LEN];
	bool has_public_key, has_psk;
	uint16_t keepalive;      /* s, 0 = off */
	char endpoint_host[256]; /* name or number; "" = it calls us */
	uint16_t endpoint_port;
	struct adit_prefix *allowed;
	size_t allowed_cnt, allowed_cap;
};

struct adit_forward_config {
	/* the network inside */
	uint8_t private_key[ADIT_FORWARD_KEY_LEN];
	bool has_private_key;
	struct adit_addr address[ADIT_FORWARD_ADDRESSES];
	unsigned address_cnt;
	struct adit_endpoint dns[ADIT_FORWARD_DNS]; /* none: names are resolved outside */
	unsigned dns_cnt;
	char search[256];         /* domains, separated by spaces */
	enum relay_family family; /* of a name's addresses inside */
	unsigned mtu;             /* 0 = 1420 */

	/* the way outside */
	uint16_t listen_port;       /* 0 = any */
	struct adit_addr bind_addr; /* family 0 = any; read once, not by a reload */
	uint32_t fwmark;            /* 0 = none */
	struct adit_forward_peer *peer;
	size_t peer_cnt, peer_cap;

	struct relay_service_config *service;
	size_t service_cnt, service_cap;

	/* CheckAlive */
	struct adit_addr alive[ADIT_FORWARD_ALIVE];
	unsigned alive_cnt;
	unsigned alive_interval; /* s; 0 = 5 */

	/* the program; read once, not by a reload */
	enum adit_forward_backend backend;
	unsigned memory_mib;     /* ceiling of flow buffers: 16, 64, 256; 0 = 64 */
	enum adit_forward_log_level log_level;
	bool foreground, daemon; /* stay (the default), or go into the background */
	bool test;               /* only check the configuration */
	bool no_sandbox;
	struct adit_endpoint info; /* HTTP for metrics and health; port 0 = none */
	char info_host[256];       /* as it was written, for messages */
	char pcap[ADIT_FORWARD_PATH_LEN];
	char control[108];         /* Unix socket for status; "" = none */
	/* files besides the configuration's own that a reload reads again; "" = none */
	char key_file[ADIT_FORWARD_PATH_LEN], import_file[2 * ADIT_FORWARD_PATH_LEN];
};

/* Where a piece of text came from: NAME:LINE:COL in messages. For an argument
 * NAME is "argument" and LINE its number; for a variable NAME is its name. */
struct adit_forward_origin {
	const char *name;
	unsigned line, col; /* from 1; col counts bytes */
};

/*
 * A reader: where results and messages go. Each message is one line
 * "NAME:LINE:COL: KEY: what is wrong (what to do)" and never quotes a secret.
 * Reading goes on after an error, so that all are told at once.
 */
struct adit_forward_reader {
	struct adit_forward_config *cfg;
	void (*report)(void *user, bool error, const char *msg); /* error, or warning */
	const char *(*env)(void *user, const char *name);        /* NULL: no variable is set */
	/* An address of a name to listen on; NULL: only "localhost" is known. */
	int (*lookup)(void *user, const char *name, struct adit_addr *ret);
	void *user;
	bool quiet; /* warnings are not reported */
	unsigned errors;
	bool no_memory;
};

/* The ceilings of flow buffers that there are, in MiB: 16, 64, 256. */
static inline bool adit_forward_is_memory_profile(unsigned long mib)
{
	return mib == 16 || mib == 64 || mib == 256;
}

/* All fields at their defaults. */
void adit_forward_config_init(struct adit_forward_config *cfg);
/* Wipes keys and passwords. */
void adit_forward_config_fini(struct adit_forward_config *cfg);
/* Keys have been handed to the core: they need not stay here. */
void adit_forward_config_forget_keys(struct adit_forward_config *cfg);

/* What can be judged only when everything was read: addresses, peers, two
 * services in one place. `what` names the whole ("x.conf"). */
void adit_forward_config_check(struct adit_forward_reader *rd, const char *what);

/* One more; NULL, and rd->no_memory or an error, when there is no room. */
struct adit_forward_peer *adit_forward_add_peer(struct adit_forward_reader *rd);
int adit_forward_add_allowed(struct adit_forward_reader *rd, struct adit_forward_peer *p,
			     const struct adit_prefix *prefix);
/* A service that is there already is not added again. False: there is no room for more. */
bool adit_forward_add_service(struct adit_forward_reader *rd, const struct adit_forward_origin *at,
			      const struct relay_service_config *s);

void adit_forward_error(struct adit_forward_reader *rd, const struct adit_forward_origin *at, const char *key,
			const char *fmt, ...) __attribute__((format(printf, 4, 5)));
void adit_forward_warning(struct adit_forward_reader *rd, const struct adit_forward_origin *at, const char *key,
			  const char *fmt, ...) __attribute__((format(printf, 4, 5)));

/* "info", "warn,onetun=debug": the most that any part asks for. 0 or -EINVAL. */
int adit_forward_log_level_parse(enum adit_forward_log_level *ret, const char *text);

#endif
