/* SPDX-License-Identifier: ISC */
/*
 * memory_files.h - the files of a configuration in memory, for tests of its
 * reader. The first one is the configuration, those under conf.d/ are its
 * drop-ins. good.key holds a key; every other key file is not there. Packets of
 * up to 1400 bytes go to 192.0.2.0/24; of other ways nothing is known.
 */
#ifndef ADIT_TESTS_SUPPORT_MEMORY_FILES_H
#define ADIT_TESTS_SUPPORT_MEMORY_FILES_H

#include <stddef.h>
#include <sys/types.h>

#include "agent/settings.h"

#define MEMORY_FILES_MAX 40

struct memory_file {
	char name[64];
	const char *text;
	size_t len;
	mode_t mode;
};

struct memory_files {
	struct memory_file file[MEMORY_FILES_MAX];
	size_t cnt;
};

struct agent_opener memory_opener(struct memory_files *files);

#endif
