/* SPDX-License-Identifier: ISC */
/* corpus.c - runs a target's corpus as a test (TAP): corpus DIRECTORY */
#include <dirent.h>
#include <string.h>

#include "fuzz.h"

#define INPUT_MAX (1 << 20)

static uint8_t *slurp(const char *dir, const char *name, size_t *len)
{
	uint8_t *bytes = malloc(INPUT_MAX);
	char path[4096];
	FILE *f;

	MUST(bytes);
	snprintf(path, sizeof(path), "%s/%s", dir, name);
	f = fopen(path, "rb");
	MUST(f);
	*len = fread(bytes, 1, INPUT_MAX, f);
	fclose(f);
	return bytes;
}

static int by_name(const struct dirent **a, const struct dirent **b)
{
	return strcmp((*a)->d_name, (*b)->d_name);
}

int main(int argc, char **argv)
{
	struct dirent **list;
	unsigned cnt = 0;
	int n;

	MUST(argc == 2);
	n = scandir(argv[1], &list, NULL, by_name);
	MUST(n >= 0);
	setvbuf(stdout, NULL, _IOLBF, 0);
	for (int i = 0; i < n; i++) {
		size_t len;
		uint8_t *bytes, *exact;

		if (list[i]->d_name[0] != '.') {
			bytes = slurp(argv[1], list[i]->d_name, &len);
			exact = fuzz_copy(bytes, len);
			LLVMFuzzerTestOneInput(exact, len);
			printf("ok %u - %s\n", ++cnt, list[i]->d_name);
			free(bytes);
			free(exact);
		}
		free(list[i]);
	}
	free(list);
	printf("1..%u\n", cnt);
	return cnt == 0; /* an empty corpus tests nothing */
}
