/* SPDX-License-Identifier: ISC */
/*
 * sni.c - names out of ClientHellos: what was found stays with more bytes,
 * and with fewer it is either not known yet or the same; a name is one that
 * may be looked up.
 */
#include <string.h>

#include "fuzz.h"
#include "relay/sni_hello.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	char name[256] = "", before[256];
	enum sni_result last = SNI_MORE, r;

	if (size > 4096)
		size = 4096;
	for (size_t len = 0; len <= size; len += len < 100 || size - len < 8 ? 1 : 7) {
		uint8_t *cut = fuzz_copy(data, len);

		memcpy(before, name, sizeof(before));
		r = sni_hello_read(cut, len, name);
		free(cut);
		MUST(last == SNI_MORE || last == r);
		if (last == SNI_NAME)
			MUST(!strcmp(before, name));
		if (r == SNI_NAME) {
			MUST(strlen(name) > 0 && strlen(name) <= 253);
			MUST(strspn(name, "abcdefghijklmnopqrstuvwxyz0123456789-_.") == strlen(name));
		}
		last = r;
	}
	return 0;
}
