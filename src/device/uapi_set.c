/* SPDX-License-Identifier: ISC */
/*
 * uapi_set.c - the lines of a `set`. To add a key: a handler and a line in
 * the table below; its section in adit-device(8); a case in
 * tests/unit/device_uapi_test.c.
 */
#include "device/uapi_internal.h"

#include <errno.h>
#include <net/if.h>
#include <string.h>

#include "crypto/keytext.h"

void adit_uapi_release(struct adit_uapi *u)
{
	if (u->held)
		u->ops->release(u->user);
	u->held = false;
}

/* Between two holds another connection may have removed, or added, the peer. */
static void find_again(struct adit_uapi *u)
{
	bool there;

	if (u->peer == UAPI_PEER_NONE || u->peer == UAPI_PEER_IGNORED)
		return;
	there = u->ops->peer_find(u->user, u->peer_key);
	if (u->peer == UAPI_PEER_ABSENT && there)
		u->peer = UAPI_PEER_FOUND;
	else if (u->peer != UAPI_PEER_ABSENT && !there)
		u->peer = UAPI_PEER_IGNORED;
}

/* Takes the device for the next line, or goes on holding it while the budget lasts. */
static void hold(struct adit_uapi *u, bool new_peer)
{
	if (u->held && (u->held_lines >= ADIT_UAPI_HOLD_LINES ||
			(new_peer && u->held_peers >= ADIT_UAPI_HOLD_PEERS)))
		adit_uapi_release(u);
	if (!u->held) {
		u->ops->hold(u->user);
		u->held = true;
		u->held_peers = u->held_lines = 0;
		if (!new_peer)
			find_again(u);
	}
	u->held_lines++;
	u->held_peers += new_peer;
}

/* The peer is about to be changed: makes it when it is not there.
 * Returns 1 when there is a peer to change, 0 when it is ignored, or -errno. */
static int need_peer(struct adit_uapi *u)
{
	int r;

	hold(u, false);
	if (u->peer == UAPI_PEER_ABSENT) {
		r = u->ops->peer_add(u->user, u->peer_key);
		if (r && r != -EADDRINUSE)
			return r;
		u->peer = r ? UAPI_PEER_IGNORED : UAPI_PEER_CREATED;
	}
	return u->peer != UAPI_PEER_IGNORED;
}

static int parse_number(uint32_t *ret, const char *value, size_t len, uint32_t max)
{
	uint64_t v = 0;
	size_t i;

	if (!len || len > 10)
		return -EINVAL;
	for (i = 0; i < len; i++) {
		if (value[i] < '0' || value[i] > '9')
			return -EINVAL;
		v = v * 10 + (uint64_t)(value[i] - '0');
	}
	if (v > max)
		return -EINVAL;
	*ret = (uint32_t)v;
	return 0;
}

static bool is_true(const char *value, size_t len)
{
	return len == 4 && !memcmp(value, "true", 4);
}

/* --- the device ----------------------------------------------------------- */

static int set_private_key(struct adit_uapi *u, const char *value, size_t len)
{
	uint8_t key[ADIT_KEY_LEN];
	int r = -EINVAL;

	if (adit_key_from_hex(key, value, len))
		r = u->ops->private_key(u->user, key);
	adit_wipe(key, sizeof(key));
	return r;
}

static int set_listen_port(struct adit_uapi *u, const char *value, size_t len)
{
	uint32_t port;
	int r = parse_number(&port, value, len, UINT16_MAX);

	return r ? r : u->ops->listen_port(u->user, (uint16_t)port);
}

static int set_fwmark(struct adit_uapi *u, const char *value, size_t len)
{
	uint32_t mark = 0; /* an empty value means none */
	int r = len ? parse_number(&mark, value, len, UINT32_MAX) : 0;

	return r ? r : u->ops->fwmark(u->user, mark);
}

static int set_replace_peers(struct adit_uapi *u, const char *value, size_t len)
{
	return is_true(value, len) ? u->ops->replace_peers(u->user) : -EINVAL;
}

/* --- a peer --------------------------------------------------------------- */

static int set_public_key(struct adit_uapi *u, const char *value, size_t len)
{
	int r = adit_uapi_set_end(u); /* of the peer before */

	if (r)
		return r;
	u->peer = UAPI_PEER_IGNORED;
	if (!adit_key_from_hex(u->peer_key, value, len))
		return -EINVAL;
	hold(u, true);
	u->peer = u->ops->peer_find(u->user, u->peer_key) ? UAPI_PEER_FOUND : UAPI_PEER_ABSENT;
	return 0;
}

static int set_update_only(struct adit_uapi *u, const char *value, size_t len)
{
	if (!is_true(value, len))
		return -EINVAL;
	hold(u, false);
	if (u->peer == UAPI_PEER_CREATED)
		u->ops->peer_remove(u->user);
	if (u->peer != UAPI_PEER_FOUND)
		u->peer = UAPI_PEER_IGNORED;
	return 0;
}

static int set_remove(struct adit_uapi *u, const char *value, size_t len)
{
	if (!is_true(value, len))
		return -EINVAL;
	hold(u, false);
	if (u->peer == UAPI_PEER_FOUND || u->peer == UAPI_PEER_CREATED)
		u->ops->peer_remove(u->user);
	u->peer = UAPI_PEER_IGNORED;
	return 0;
}

static int set_preshared_key(struct adit_uapi *u, const char *value, size_t len)
{
	uint8_t psk[ADIT_KEY_LEN];
	int r = -EINVAL;

	if (adit_key_from_hex(psk, value, len))
		r = need_peer(u);
	if (r > 0)
		u->ops->peer_psk(u->user, psk);
	adit_wipe(psk, sizeof(psk));
	return r < 0 ? r : 0;
}

static uint32_t zone_index(const char *name)
{
	return if_nametoindex(name);
}

static int set_endpoint(struct adit_uapi *u, const char *value, size_t len)
{
	struct adit_path path;
	int r;

	(void)len;
	if (adit_path_parse(&path, value, zone_index))
		return -EINVAL;
	r = need_peer(u);
	if (r > 0)
		u->ops->peer_endpoint(u->user, &path);
	return r < 0 ? r : 0;
}

static int set_keepalive(struct adit_uapi *u, const char *value, size_t len)
{
	uint32_t seconds;
	int r = parse_number(&seconds, value, len, UINT16_MAX);

	if (!r)
		r = need_peer(u);
	if (r > 0)
		u->ops->peer_keepalive(u->user, (uint16_t)seconds);
	return r < 0 ? r : 0;
}

static int set_replace_allowed_ips(struct adit_uapi *u, const char *value, size_t len)
{
	int r = is_true(value, len) ? need_peer(u) : -EINVAL;

	if (r > 0)
		u->ops->peer_replace_allowed(u->user);
	return r < 0 ? r : 0;
}

static int set_allowed_ip(struct adit_uapi *u, const char *value, size_t len)
{
	bool remove = *value == '-';
	struct adit_prefix prefix;
	int r;

	value += remove;
	if (!memchr(value, '/', len - remove) || adit_prefix_parse(&prefix, value))
		return -EINVAL;
	r = need_peer(u);
	if (r <= 0)
		return r;
	if (!remove)
		return u->ops->peer_allow(u->user, &prefix);
	u->ops->peer_disallow(u->user, &prefix);
	return 0;
}

static int set_protocol_version(struct adit_uapi *u, const char *value, size_t len)
{
	(void)u;
	return len == 1 && *value == '1' ? 0 : -EINVAL;
}

/* The most frequent ones of a large configuration first. */
static const struct set_key {
	const char *name;
	bool of_peer;
	int (*set)(struct adit_uapi *u, const char *value, size_t len);
} set_keys[] = {
	{ "public_key", true, set_public_key },
	{ "allowed_ip", true, set_allowed_ip },
	{ "replace_allowed_ips", true, set_replace_allowed_ips },
	{ "endpoint", true, set_endpoint },
	{ "preshared_key", true, set_preshared_key },
	{ "persistent_keepalive_interval", true, set_keepalive },
	{ "protocol_version", true, set_protocol_version },
	{ "update_only", true, set_update_only },
	{ "remove", true, set_remove },
	{ "private_key", false, set_private_key },
	{ "listen_port", false, set_listen_port },
	{ "fwmark", false, set_fwmark },
	{ "replace_peers", false, set_replace_peers },
};

static const struct set_key *find_key(const char *key, size_t len)
{
	size_t i;

	for (i = 0; i < sizeof(set_keys) / sizeof(set_keys[0]); i++) {
		const char *name = set_keys[i].name;

		if (strlen(name) == len && !memcmp(name, key, len))
			return &set_keys[i];
	}
	return NULL;
}

bool adit_uapi_set_key_known(const char *key, size_t len)
{
	return find_key(key, len) != NULL;
}

int adit_uapi_set_line(struct adit_uapi *u, char *line, size_t len)
{
	const char *eq = memchr(line, '=', len);
	const struct set_key *key;
	const char *value;

	if (!eq)
		return -EPROTO;
	value = eq + 1;
	len -= (size_t)(value - line);
	if (strlen(value) != len)
		return -EINVAL; /* a zero in the middle */
	key = find_key(line, (size_t)(eq - line));
	if (!key)
		return -EINVAL;
	/* The device's lines come first, then the peers. */
	if (key->of_peer ? u->peer == UAPI_PEER_NONE && key->set != set_public_key : u->peer != UAPI_PEER_NONE)
		return -EINVAL;
	return key->set(u, value, len);
}

int adit_uapi_set_end(struct adit_uapi *u)
{
	int r = u->peer == UAPI_PEER_ABSENT ? need_peer(u) : 0;

	return r < 0 ? r : 0;
}
