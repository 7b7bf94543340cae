/* SPDX-License-Identifier: ISC */
/*
 * wiped.h - what is in the blocks of memory that are freed, and memory that is short when a test says so. malloc,
 * calloc, realloc, strdup and free are wrapped by the linker (wiped_dep).
 */
#ifndef ADIT_TESTS_WIPED_H
#define ADIT_TESTS_WIPED_H

#include <stdbool.h>

/* What tests plant: as text, and as the bytes that base64 makes of it. */
#define WIPED_SECRET "S3CRET"

/* By all threads. */
struct wiped {
	_Atomic unsigned long allocations;
	_Atomic unsigned long fail_at; /* this allocation fails; 0: none */
	_Atomic unsigned leaked;       /* freed blocks that held what was planted */
	_Atomic long blocks;           /* that live */
};
extern struct wiped wiped;

/* Counts from nothing; the n-th allocation fails. */
void wiped_start(unsigned long n);
/* One more allocation: does it fail? For other allocators that a test wraps. */
bool wiped_fails(void);

#endif
