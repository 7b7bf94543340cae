/* SPDX-License-Identifier: ISC */
/* options.h - what `adit agent` and `adit start` are told */
#ifndef ADIT_AGENT_OPTIONS_H
#define ADIT_AGENT_OPTIONS_H

#include <limits.h>
#include <stdbool.h>

struct agent_options {
	char config[PATH_MAX]; /* absolute */
	char state_dir[256];   /* "" = as the configuration says */
	bool dry_run, replace;
	bool background;       /* adit start */
	unsigned wait_secs;    /* of start */
	unsigned confirm_secs; /* 0 = not asked for */
};

/* 0, or the exit status after saying what is wrong. background: argv is of `adit start`. */
int agent_options_read(struct agent_options *ret, bool background, int argc, char **argv);

#endif
