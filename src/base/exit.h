/* SPDX-License-Identifier: ISC */
/* exit.h - what the program's exit status says; one table for every command */
#ifndef ADIT_BASE_EXIT_H
#define ADIT_BASE_EXIT_H

enum adit_exit {
	ADIT_EXIT_OK = 0,
	ADIT_EXIT_FAILED = 1,
	ADIT_EXIT_USAGE = 2,
	ADIT_EXIT_NOT_CONNECTED = 3,
	ADIT_EXIT_DENIED = 4,
	ADIT_EXIT_NO_AGENT = 5,
	ADIT_EXIT_AGAIN = 75,
	ADIT_EXIT_CONFIG = 78,
};

#endif
