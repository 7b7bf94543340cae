/* SPDX-License-Identifier: ISC */
/* offload.c - the switch ADIT_OFFLOAD as text */
#include "pktio/offload.h"

#include <errno.h>
#include <stdbool.h>
#include <stdio.h>
#include <string.h>

static const struct {
	const char *name;
	unsigned bits;
} words[] = {
	{ "tso", ADIT_OFFLOAD_TSO }, { "uso", ADIT_OFFLOAD_USO },   { "gso", ADIT_OFFLOAD_GSO },
	{ "gro", ADIT_OFFLOAD_GRO }, { "csum", ADIT_OFFLOAD_CSUM }, { "all", ADIT_OFFLOAD_ALL },
	{ "none", 0 },
};

static bool find(const char *word, size_t len, unsigned *bits)
{
	for (size_t i = 0; i < sizeof(words) / sizeof(words[0]); i++) {
		if (strlen(words[i].name) == len && strncmp(words[i].name, word, len) == 0) {
			*bits = words[i].bits;
			return true;
		}
	}
	return false;
}

int adit_offload_parse(unsigned *ret, const char *text, const char **bad)
{
	unsigned set = 0, bits;
	bool first = true;

	while (*text) {
		bool minus = *text == '-';
		const char *word = text + minus;
		size_t len = strcspn(word, ",");

		if (!find(word, len, &bits)) {
			*bad = text;
			return -EINVAL;
		}
		if (first && minus)
			set = ADIT_OFFLOAD_ALL;
		first = false;
		set = minus ? set & ~bits : set | bits;
		text = word + len + (word[len] == ',');
	}
	*ret = first ? ADIT_OFFLOAD_ALL : set;
	return 0;
}

char *adit_offload_format(unsigned offloads, char buf[ADIT_OFFLOAD_STRLEN])
{
	int n = 0;

	for (size_t i = 0; i < 5; i++) {
		if (offloads & words[i].bits)
			n += snprintf(buf + n, ADIT_OFFLOAD_STRLEN - (size_t)n, "%s%s", n ? " " : "", words[i].name);
	}
	if (n == 0)
		snprintf(buf, ADIT_OFFLOAD_STRLEN, "none");
	return buf;
}
