/* SPDX-License-Identifier: ISC */
/*
 * scarce.h - memory that is short when a test says so. malloc, calloc, adit_secret_alloc and adit_secret_free are
 * wrapped by the linker (scarce_dep).
 */
#ifndef ADIT_TESTS_SCARCE_H
#define ADIT_TESTS_SCARCE_H

#include <stdbool.h>

/* Counted all the time. */
struct scarce {
	unsigned allocations;
	long secrets, secret_bytes; /* that live */
};
extern struct scarce scarce;

/* The n-th allocation from now on fails (0: the next), and with for_good all after it. */
void scarce_start(long n, bool for_good);
/* No more; did one fail? */
bool scarce_stop(void);

#endif
