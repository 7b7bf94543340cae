/* SPDX-License-Identifier: ISC */
/* options.h - the arguments of `adit static`, and which network of a file they mean */
#ifndef ADIT_STATICTUN_OPTIONS_H
#define ADIT_STATICTUN_OPTIONS_H

#include "statictun/settings.h"

struct statictun_options {
	bool status, json, check;
	const char *config, *network, *ifname, *state_dir;
};

/* 0, or the status to exit with after a message. */
int statictun_options_read(struct statictun_options *o, int argc, char **argv);
/* The network that is meant; NULL after a message. A network without an interface's name takes the given one. */
struct statictun_network *statictun_options_choose(const struct statictun_options *o,
						    struct statictun_network *networks);

#endif
