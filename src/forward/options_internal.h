/* SPDX-License-Identifier: ISC */
/*
 * options_internal.h - the command line of `adit forward`, shared by its files:
 * options.c keeps and reads arguments and variables, options_values.c has the
 * table and what each option does
 */
#ifndef ADIT_FORWARD_OPTIONS_INTERNAL_H
#define ADIT_FORWARD_OPTIONS_INTERNAL_H

#include <limits.h>

#include "forward/options.h"

#define ARGUMENT "argument"

struct forward_option;

struct adit_forward_options {
	int cnt;
	char **arg;
	bool *secret; /* arg[i] is in secret memory */
	char cwd[PATH_MAX]; /* as it was at first; "" = unknown */
	char file[ADIT_FORWARD_PATH_LEN];

	/* while reading */
	struct adit_forward_reader *rd;
	const struct forward_option *opt;
	struct adit_forward_origin at;
	uint64_t seen; /* bit per row of the option table */
	struct adit_forward_peer peer;
	bool own_network; /* described by options, not by a file */
	bool version, silent;
	long udp_timeout, udp_unreplied, udp_pool, udp_per_client; /* -1 = not given */
};

/* Of whom: only onetun's may stand for a network. */
enum forward_option_whose { OURS, NETWORK };

struct forward_option {
	const char *name;
	char letter;
	bool flag; /* takes no value */
	bool repeats;
	bool secret; /* the whole value, or what stands before an @ */
	enum forward_option_whose whose;
	const char *variable;
	void (*read)(struct adit_forward_options *o, const char *value);
};

#define option_error(o, ...)   adit_forward_error((o)->rd, &(o)->at, (o)->opt->name, __VA_ARGS__)
#define option_warning(o, ...) adit_forward_warning((o)->rd, &(o)->at, (o)->opt->name, __VA_ARGS__)

#define FORWARD_OPTIONS_MAX 64 /* bits of `seen` */
extern const struct forward_option forward_options[];
extern const size_t forward_option_cnt;

/* Does it bring the private key? Of two that do, an argument wins. */
bool forward_option_is_key(const struct forward_option *opt);

#endif
