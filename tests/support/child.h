/* SPDX-License-Identifier: ISC */
/* child.h - a program that runs while the relay lab does, and what it says */
#ifndef ADIT_TESTS_CHILD_H
#define ADIT_TESTS_CHILD_H

#include "relay_lab.h"

struct child {
	int pid, out;
	int status; /* as of waitpid; -1: still there */
	char *text;
	size_t len;
};

/* Runs argv (NULL at the end) to its end, at most a minute of the machine's;
 * returns its exit status, 127 where there is no such program. `text` is what
 * it wrote to its output, ended by NUL; the caller frees it. */
int child_run(struct relay_lab *l, struct child *c, const char *const argv[]);

#endif
