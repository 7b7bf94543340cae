/* SPDX-License-Identifier: ISC */
/* config.c - what a forwarder shall do: growing it, judging it as a whole, telling what is wrong */
#include "forward/config.h"

#include <errno.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

#include "crypto/crypto.h"

#define MSG_MAX 768

/* --- life ----------------------------------------------------------------- */

void adit_forward_config_init(struct adit_forward_config *cfg)
{
	memset(cfg, 0, sizeof(*cfg));
	cfg->log_level = ADIT_FORWARD_LOG_INFO;
}

void adit_forward_config_forget_keys(struct adit_forward_config *cfg)
{
	size_t i;

	adit_wipe(cfg->private_key, sizeof(cfg->private_key));
	for (i = 0; i < cfg->peer_cnt; i++)
		adit_wipe(cfg->peer[i].psk, sizeof(cfg->peer[i].psk));
}

void adit_forward_config_fini(struct adit_forward_config *cfg)
{
	size_t i;

	adit_forward_config_forget_keys(cfg);
	for (i = 0; i < cfg->peer_cnt; i++)
		free(cfg->peer[i].allowed);
	free(cfg->peer);
	if (cfg->service_cnt)
		adit_wipe(cfg->service, cfg->service_cnt * sizeof(*cfg->service));
	free(cfg->service);
	memset(cfg, 0, sizeof(*cfg));
}

/* --- messages ------------------------------------------------------------- */

__attribute__((format(printf, 5, 0))) static void say(struct adit_forward_reader *rd,
						      const struct adit_forward_origin *at, bool error,
						      const char *key, const char *fmt, va_list ap)
{
	char text[MSG_MAX], msg[MSG_MAX + 512];

	vsnprintf(text, sizeof(text), fmt, ap);
	snprintf(msg, sizeof(msg), "%.300s:%u:%u: %s%.60s%s%s", at->name, at->line, at->col,
		 error ? "" : "warning: ", key ? key : "", key ? ": " : "", text);
	rd->report(rd->user, error, msg);
}

void adit_forward_error(struct adit_forward_reader *rd, const struct adit_forward_origin *at, const char *key,
			const char *fmt, ...)
{
	va_list ap;

	rd->errors++;
	va_start(ap, fmt);
	say(rd, at, true, key, fmt, ap);
	va_end(ap);
}

void adit_forward_warning(struct adit_forward_reader *rd, const struct adit_forward_origin *at, const char *key,
			  const char *fmt, ...)
{
	va_list ap;

	if (rd->quiet)
		return;
	va_start(ap, fmt);
	say(rd, at, false, key, fmt, ap);
	va_end(ap);
}

/* --- growing -------------------------------------------------------------- */

/* Makes room for one more item; old memory is wiped, for it may hold secrets. */
static void *grow(struct adit_forward_reader *rd, void *items, size_t cnt, size_t *cap, size_t size)
{
	size_t want = *cap ? *cap * 2 : 4;
	void *p;

	if (cnt < *cap)
		return items;
	p = calloc(want, size);
	if (!p) {
		rd->no_memory = true;
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

struct adit_forward_peer *adit_forward_add_peer(struct adit_forward_reader *rd)
{
	struct adit_forward_config *cfg = rd->cfg;
	void *p = grow(rd, cfg->peer, cfg->peer_cnt, &cfg->peer_cap, sizeof(*cfg->peer));

	if (!p)
		return NULL;
	cfg->peer = p;
	memset(&cfg->peer[cfg->peer_cnt], 0, sizeof(*cfg->peer));
	return &cfg->peer[cfg->peer_cnt++];
}

int adit_forward_add_allowed(struct adit_forward_reader *rd, struct adit_forward_peer *p,
			     const struct adit_prefix *prefix)
{
	void *grown = grow(rd, p->allowed, p->allowed_cnt, &p->allowed_cap, sizeof(*p->allowed));

	if (!grown)
		return -ENOMEM;
	p->allowed = grown;
	p->allowed[p->allowed_cnt++] = *prefix;
	return 0;
}

/* Which port space a service listens in: those of one space cannot share a port. */
enum space { SPACE_TCP, SPACE_UDP, SPACE_REMOTE_TCP, SPACE_REMOTE_UDP, SPACE_STDIO };

static enum space space_of(enum relay_kind kind)
{
	switch (kind) {
	case RELAY_UDP:
		return SPACE_UDP;
	case RELAY_REMOTE_TCP:
		return SPACE_REMOTE_TCP;
	case RELAY_REMOTE_UDP:
		return SPACE_REMOTE_UDP;
	case RELAY_STDIO:
		return SPACE_STDIO;
	case RELAY_TCP:
	case RELAY_SOCKS5:
	case RELAY_HTTP:
	case RELAY_MIXED:
	case RELAY_SNI:
		break;
	}
	return SPACE_TCP;
}

static bool same_place(const struct relay_service_config *a, const struct relay_service_config *b)
{
	enum space space = space_of(a->kind);

	if (space != space_of(b->kind))
		return false;
	if (space == SPACE_STDIO)
		return true;
	if (a->listen_path[0] || b->listen_path[0])
		return !strcmp(a->listen_path, b->listen_path);
	return a->listen.port && adit_endpoint_equal(&a->listen, &b->listen);
}

bool adit_forward_add_service(struct adit_forward_reader *rd, const struct adit_forward_origin *at,
			      const struct relay_service_config *s)
{
	struct adit_forward_config *cfg = rd->cfg;
	char buf[640];
	void *p;
	size_t i;

	for (i = 0; i < cfg->service_cnt; i++) {
		if (relay_service_equal(&cfg->service[i], s))
			return true;
		if (same_place(&cfg->service[i], s)) {
			adit_forward_error(rd, at, NULL, "listens where \"%s\" does already (choose another port)",
					   relay_service_describe(&cfg->service[i], buf, sizeof(buf)));
			return true;
		}
	}
	if (cfg->service_cnt >= ADIT_FORWARD_SERVICES_MAX) {
		adit_forward_error(rd, at, NULL, "more than %u services (a SOCKS5 proxy reaches every port)",
				   ADIT_FORWARD_SERVICES_MAX);
		return false;
	}
	p = grow(rd, cfg->service, cfg->service_cnt, &cfg->service_cap, sizeof(*cfg->service));
	if (!p)
		return false;
	cfg->service = p;
	cfg->service[cfg->service_cnt++] = *s;
	return true;
}

/* --- the whole ------------------------------------------------------------ */

static bool has_family(const struct adit_forward_config *cfg, int family)
{
	for (unsigned i = 0; i < cfg->address_cnt; i++)
		if (cfg->address[i].family == family)
			return true;
	return false;
}

static void check_peers(struct adit_forward_reader *rd, const struct adit_forward_origin *at)
{
	struct adit_forward_config *cfg = rd->cfg;
	struct adit_prefix all4 = { .addr.family = 4 }, all6 = { .addr.family = 6 };
	size_t i, k;

	if (!cfg->peer_cnt)
		adit_forward_error(rd, at, NULL, "there is no peer (a [Peer] section, or --endpoint-public-key)");
	for (i = 0; i < cfg->peer_cnt; i++) {
		struct adit_forward_peer *p = &cfg->peer[i];

		if (!p->allowed_cnt && !adit_forward_add_allowed(rd, p, &all4))
			adit_forward_add_allowed(rd, p, &all6);
		for (k = 0; k < i; k++)
			if (p->has_public_key && cfg->peer[k].has_public_key &&
			    !memcmp(p->public_key, cfg->peer[k].public_key, ADIT_FORWARD_KEY_LEN))
				adit_forward_error(rd, at, NULL, "peers %zu and %zu have the same public key (join them)",
						   k + 1, i + 1);
	}
}

/* A reverse forward listens on an address of ours. */
static void check_listeners(struct adit_forward_reader *rd, const struct adit_forward_origin *at)
{
	const struct adit_forward_config *cfg = rd->cfg;
	char buf[640];

	for (size_t i = 0; i < cfg->service_cnt; i++) {
		const struct relay_service_config *s = &cfg->service[i];
		unsigned k = 0;

		if ((s->kind != RELAY_REMOTE_TCP && s->kind != RELAY_REMOTE_UDP) || !s->listen.addr.family)
			continue;
		while (k < cfg->address_cnt && !adit_addr_equal(&cfg->address[k], &s->listen.addr))
			k++;
		if (k == cfg->address_cnt)
			adit_forward_error(rd, at, NULL,
					   "\"%s\" listens on an address that is not ours inside (leave it out)",
					   relay_service_describe(s, buf, sizeof(buf)));
	}
}

void adit_forward_config_check(struct adit_forward_reader *rd, const char *what)
{
	struct adit_forward_config *cfg = rd->cfg;
	struct adit_forward_origin at = { what, 1, 1 };

	if (!cfg->has_private_key)
		adit_forward_error(rd, &at, NULL, "there is no private key (PrivateKey, or --private-key-file; "
				   "adit genkey makes one)");
	if (!cfg->address_cnt)
		adit_forward_error(rd, &at, NULL, "we have no address inside (Address, or --source-peer-ip)");
	else
		check_listeners(rd, &at);
	check_peers(rd, &at);
	if (cfg->mtu && cfg->mtu < 1280 && has_family(cfg, 6))
		adit_forward_error(rd, &at, "MTU", "IPv6 needs at least 1280, and we have an IPv6 address");
	if (cfg->family == RELAY_FAMILY_AUTO && cfg->address_cnt && !has_family(cfg, 6))
		cfg->family = RELAY_FAMILY_4;
	else if (cfg->family == RELAY_FAMILY_AUTO && cfg->address_cnt && !has_family(cfg, 4))
		cfg->family = RELAY_FAMILY_6;
}

/* --- log levels ------------------------------------------------------------ */

static int one_level(enum adit_forward_log_level *ret, const char *word, size_t len)
{
	static const struct {
		const char *name;
		enum adit_forward_log_level level;
	} levels[] = {
		{ "off", ADIT_FORWARD_LOG_OFF },     { "error", ADIT_FORWARD_LOG_ERROR },
		{ "warn", ADIT_FORWARD_LOG_WARNING }, { "warning", ADIT_FORWARD_LOG_WARNING },
		{ "info", ADIT_FORWARD_LOG_INFO },   { "debug", ADIT_FORWARD_LOG_DEBUG },
		{ "trace", ADIT_FORWARD_LOG_DEBUG },
	};

	for (size_t i = 0; i < sizeof(levels) / sizeof(levels[0]); i++) {
		if (strlen(levels[i].name) == len && !strncasecmp(levels[i].name, word, len)) {
			*ret = levels[i].level;
			return 0;
		}
	}
	return -EINVAL;
}

/* LEVEL or PART=LEVEL, in a comma list; what follows a slash would choose lines, and is left out. */
int adit_forward_log_level_parse(enum adit_forward_log_level *ret, const char *text)
{
	enum adit_forward_log_level most = ADIT_FORWARD_LOG_OFF, level;
	size_t left = strcspn(text, "/");

	if (!left)
		return -EINVAL;
	while (left) {
		size_t len = strcspn(text, ",/");
		const char *equals = memchr(text, '=', len);

		if (equals) {
			if (one_level(&level, equals + 1, len - (size_t)(equals + 1 - text)))
				return -EINVAL;
		} else if (one_level(&level, text, len)) {
			return -EINVAL;
		}
		if (level > most)
			most = level;
		left -= len;
		text += len;
		if (left) {
			left--;
			text++;
		}
	}
	*ret = most;
	return 0;
}
