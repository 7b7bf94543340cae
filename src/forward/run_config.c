/* SPDX-License-Identifier: ISC */
/* run_config.c - the file of `adit run` */
#include "forward/run_config.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "forward/file.h"
#include "forward/run.h"

static void report(void *user, bool error, const char *msg)
{
	(void)user;
	(void)error;
	fprintf(stderr, "%s\n", msg);
}

static const char *variable(void *user, const char *name)
{
	(void)user;
	return getenv(name);
}

static int missing(const char *file, const char *what)
{
	fprintf(stderr, "adit run: %s: %s\n", file, what);
	return RUN_FAILED;
}

/* What a tunnel cannot be without. */
static int check(const struct adit_forward_config *cfg, const char *file)
{
	size_t i;

	if (!cfg->has_private_key)
		return missing(file, "there is no PrivateKey in [Interface] (adit genkey makes one)");
	if (!cfg->address_cnt)
		return missing(file, "there is no Address in [Interface]");
	if (!cfg->peer_cnt)
		return missing(file, "there is no [Peer]");
	for (i = 0; i < cfg->peer_cnt; i++)
		if (!cfg->peer[i].has_public_key)
			return missing(file, "a [Peer] has no PublicKey");
	return 0;
}

int adit_run_read(struct adit_forward_config *cfg, const char *file)
{
	struct adit_forward_reader rd = { .cfg = cfg, .report = report, .env = variable };
	int r = adit_forward_read_file(&rd, file);

	if (rd.no_memory)
		return missing(file, "out of memory");
	if (r || rd.errors)
		return RUN_FAILED;
	return check(cfg, file);
}
