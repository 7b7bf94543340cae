/* SPDX-License-Identifier: ISC */
/*
 * settings.h - what the agent's configuration asks for: the [agent] table and
 * the networks, as plain data with the place of everything. Reading opens files
 * through the caller's opener and starts nothing; everything that is wrong in
 * all files is reported at once.
 */
#ifndef ADIT_AGENT_SETTINGS_H
#define ADIT_AGENT_SETTINGS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/addr.h"
#include "base/endpoint.h"
#include "config/config.h"
#include "crypto/crypto.h"
#include "host/plan.h"
#include "host/textfile.h"

struct adit_forward_config;
struct statictun_network;

#define AGENT_NAME_LEN     64
#define AGENT_NETWORKS_MAX 1024

enum agent_type { AGENT_WIREGUARD, AGENT_FORWARD, AGENT_STATIC };

/* Where a value stands; file is one of agent_config.files. */
struct agent_origin {
	const char *file;
	struct adit_conf_pos pos;
};

/* An endpoint as it is written: a name or an address, and a port. */
struct agent_endpoint {
	char *host;
	uint16_t port;
};

struct agent_peer {
	struct agent_origin at;
	char *name; /* "" = none given */
	uint8_t public_key[ADIT_KEY_LEN];
	uint8_t *psk;   /* secret memory; NULL = none */
	char *psk_path; /* read at connect; NULL = none */
	struct agent_endpoint *endpoints;
	size_t endpoint_cnt;
	struct adit_prefix *allowed;
	size_t allowed_cnt;
	uint16_t keepalive;       /* s; 0 = off */
	unsigned expect_rx_secs;  /* 0 = off */
};

enum agent_table { AGENT_TABLE_AUTO, AGENT_TABLE_OFF, AGENT_TABLE_NUMBER };
enum agent_lan { AGENT_LAN_ALLOW, AGENT_LAN_BLOCK };

/* [network.NAME]. Strings are never NULL ("" = not given) unless it is said. */
struct agent_network_settings {
	struct agent_network_settings *next;
	struct agent_origin at;
	char name[AGENT_NAME_LEN];
	enum agent_type type;
	bool enable;

	/*
	 * wireguard. Of static: ifname, addresses, mtu, listen_port, bind_address and the
	 * machine's part below. Whatever the type: a key that stands in a file
	 * (private_key_path, a peer's psk_path) is not read yet; who starts the network
	 * puts it into fwd->private_key, fwd->peer[i].psk (i as in peers) or fixed->secret.
	 * One that stands in the configuration is there already.
	 */
	char ifname[ADIT_IFNAME_LEN]; /* "" = named by the system */
	uint8_t *private_key;         /* secret memory; NULL = none */
	char *private_key_path;       /* read at connect; NULL = none */
	struct adit_prefix *addresses;
	size_t address_cnt;
	unsigned mtu; /* 0 = not given */
	uint16_t listen_port;
	uint32_t fwmark;
	struct adit_addr bind_address; /* family 0 = any */
	char bind_interface[ADIT_IFNAME_LEN];
	struct agent_peer *peers;
	size_t peer_cnt;

	/* the machine's part */
	enum agent_table table;
	uint32_t table_number, metric;
	struct adit_addr *dns;
	size_t dns_cnt;
	char **dns_domains; /* "corp.example" is a search domain, "~corp.example" a routed one */
	size_t dns_domain_cnt;
	bool dns_default_route;
	struct adit_prefix *exclude;
	size_t exclude_cnt;
	bool killswitch, killswitch_dns;
	enum agent_lan lan;
	bool forward, masquerade, mss_clamp; /* of a gateway */
	char **hooks; /* wg-quick hooks of a file that says hooks = "allow": "PostUp iptables ..." */
	size_t hook_cnt;

	struct adit_forward_config *fwd;    /* of type forward, else NULL; owned */
	struct statictun_network *fixed;    /* of type static, else NULL; owned */
};

struct agent_config {
	char *files[256]; /* that were read, in order; owned */
	size_t file_cnt;
	char control_socket[108]; /* "/run/adit/control.sock" */
	char status_socket[108];  /* observers'; "" = none */
	struct adit_endpoint metrics; /* HTTP; port 0 = off */
	char http_socket[108];    /* HTTP on a Unix socket; "" = off */
	bool page;                /* the status page is served */
	char state_dir[256];      /* "/var/lib/adit" */
	char user[32];            /* the network process becomes this user; "" = stays */
	char operators[32], observers[32]; /* groups; "" = none */
	unsigned log_level;       /* enum adit_log_level; info */
	struct agent_network_settings *networks; /* in the order of the files */
	size_t network_cnt;
};

/*
 * Opens a file that the configuration names and reads it whole, judging its mode
 * where it is to hold keys. NULL ops: read directly (adit check). 0 or -errno.
 */
struct agent_opener {
	int (*open)(void *user, struct adit_textfile *ret, const char *path);
	/* Paths of PATH's drop-ins, sorted, that shall be read after it; -errno or their
	 * number. The list and its items are the caller's then (agent_names_free). */
	int (*drop_ins)(void *user, const char *path, char ***names);
	/* For who only checks. Reads a key file: NULL, or what is wrong with it (NULL: key files
	 * are not opened), and the largest packet that can go to an address; 0 = not known. */
	const char *(*key)(void *user, const char *path, uint8_t ret[ADIT_KEY_LEN]);
	unsigned (*path_mtu)(void *user, const struct adit_addr *to);
	void *user;
};

#define AGENT_CONFIG_PATH "/etc/adit/adit.toml" /* where no other is named */

/* Reads PATH (.json: JSON; .conf: one wg-quick file as a network named after it;
 * else TOML) and its drop-ins. NULL when there were errors. */
struct agent_config *agent_config_read(const char *path, const struct agent_opener *opener,
				       struct adit_conf_errors *errors);
/* Wipes keys. NULL is fine. */
void agent_config_free(struct agent_config *config);
struct agent_network_settings *agent_config_find(const struct agent_config *config, const char *name);

/* What NULL in place of an opener's functions stands for; the helper process uses them too. A
 * configuration in /etc/adit has drop-ins in /usr/lib/adit/conf.d, /run/adit/conf.d and
 * /etc/adit/conf.d, the later masking the earlier ones' names; any other in conf.d beside it.
 * -EPERM: others than root and we may put files there. */
int agent_file_direct(struct adit_textfile *ret, const char *path);
int agent_drop_ins(const char *path, char ***names);
int agent_drop_ins_in(const char *const *dirs, char ***names); /* ends with NULL; the last has most say */
void agent_names_free(char **names, size_t cnt);

/* Would the two make the same network? (reload leaves it alone then) */
bool agent_network_same(const struct agent_network_settings *a, const struct agent_network_settings *b);
bool agent_peer_same(const struct agent_peer *a, const struct agent_peer *b);

#endif
