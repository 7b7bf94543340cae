/* SPDX-License-Identifier: ISC */
/*
 * notes.h - what fell back and why, for people: a short list of sentences
 * without duplicates. Thread-safe.
 */
#ifndef ADIT_PKTIO_NOTES_H
#define ADIT_PKTIO_NOTES_H

#include <pthread.h>

#define ADIT_NOTES_MAX 8
#define ADIT_NOTE_LEN  128

struct adit_notes {
	pthread_mutex_t lock;
	unsigned cnt;
	char text[ADIT_NOTES_MAX][ADIT_NOTE_LEN]; /* newest last; the oldest makes room */
};

void adit_notes_init(struct adit_notes *n);
void adit_notes_fini(struct adit_notes *n);
__attribute__((format(printf, 2, 3))) void adit_notes_add(struct adit_notes *n, const char *fmt, ...);
/* Copies out; returns how many. */
unsigned adit_notes_get(struct adit_notes *n, char ret[ADIT_NOTES_MAX][ADIT_NOTE_LEN]);

#endif
