/* SPDX-License-Identifier: ISC */
/* notes.c - fall-backs as sentences */
#include "pktio/notes.h"

#include <stdarg.h>
#include <stdio.h>
#include <string.h>

void adit_notes_init(struct adit_notes *n)
{
	memset(n, 0, sizeof(*n));
	pthread_mutex_init(&n->lock, NULL);
}

void adit_notes_fini(struct adit_notes *n)
{
	pthread_mutex_destroy(&n->lock);
}

void adit_notes_add(struct adit_notes *n, const char *fmt, ...)
{
	char text[ADIT_NOTE_LEN];
	unsigned i;
	va_list ap;

	va_start(ap, fmt);
	vsnprintf(text, sizeof(text), fmt, ap);
	va_end(ap);
	pthread_mutex_lock(&n->lock);
	for (i = 0; i < n->cnt && strcmp(n->text[i], text) != 0; i++)
		;
	if (i == n->cnt) {
		if (n->cnt == ADIT_NOTES_MAX) {
			memmove(n->text[0], n->text[1], sizeof(n->text[0]) * (ADIT_NOTES_MAX - 1));
			n->cnt--;
		}
		memcpy(n->text[n->cnt++], text, sizeof(text));
	}
	pthread_mutex_unlock(&n->lock);
}

unsigned adit_notes_get(struct adit_notes *n, char ret[ADIT_NOTES_MAX][ADIT_NOTE_LEN])
{
	unsigned cnt;

	pthread_mutex_lock(&n->lock);
	cnt = n->cnt;
	memcpy(ret, n->text, sizeof(n->text));
	pthread_mutex_unlock(&n->lock);
	return cnt;
}
