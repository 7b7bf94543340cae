/* SPDX-License-Identifier: ISC */
/* environment.c - what the environment says about a tunnel */
#include "tunnel/environment.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* NULL when it says nothing. */
static const char *setting(const char *name)
{
	const char *v = getenv(name);

	return v && *v ? v : NULL;
}

static int read_threads(struct adit_tunnel_config *cfg, char *err, size_t err_len)
{
	const char *text = setting("ADIT_THREADS");
	char *end;
	long v;

	if (!text)
		return 0;
	errno = 0;
	v = strtol(text, &end, 10);
	if (errno || end == text || *end || v < 1 || v > ADIT_TUNNEL_THREADS_MAX) {
		snprintf(err, err_len, "ADIT_THREADS=%.40s is not a number from 1 to 16", text);
		return -EINVAL;
	}
	cfg->threads = (unsigned)v;
	return 0;
}

static int read_offloads(struct adit_tunnel_config *cfg, char *err, size_t err_len)
{
	const char *text = setting("ADIT_OFFLOAD"), *bad;

	cfg->offloads = ADIT_OFFLOAD_ALL;
	if (!text || !adit_offload_parse(&cfg->offloads, text, &bad))
		return 0;
	snprintf(err, err_len, "ADIT_OFFLOAD: unknown offload at \"%.40s\"; known are tso, uso, gso, gro, csum, all, none",
		 bad);
	return -EINVAL;
}

static int read_aead(struct adit_tunnel_config *cfg, char *err, size_t err_len)
{
	const char *text = setting("ADIT_AEAD");
	struct adit_aead_info info[8];
	size_t cnt, i;

	if (!text)
		return 0;
	cnt = adit_crypto_backends(info, sizeof(info) / sizeof(info[0]));
	for (i = 0; i < cnt; i++)
		if (!strcmp(info[i].name, text) && info[i].bytes_per_s > 0)
			cfg->aead = text;
	if (cfg->aead)
		return 0;
	snprintf(err, err_len, "ADIT_AEAD=%.40s is not here; `adit version -v` lists the ciphers", text);
	return -EINVAL;
}

int adit_tunnel_environment(struct adit_tunnel_config *cfg, char *err, size_t err_len)
{
	const char *strict = setting("ADIT_STRICT_CHECKSUM");
	int r = read_threads(cfg, err, err_len);

	cfg->strict_checksums = strict && strcmp(strict, "0") != 0;
	if (!r)
		r = read_offloads(cfg, err, err_len);
	return r ? r : read_aead(cfg, err, err_len);
}
