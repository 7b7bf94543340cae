/* SPDX-License-Identifier: ISC */
/*
 * addr.c - addresses, prefixes and paths from text: what parses is printed
 * and parses again to the same value, and addresses are what inet_pton takes
 * them for.
 */
#include <arpa/inet.h>
#include <string.h>

#include "base/addr.h"
#include "base/path.h"
#include "fuzz.h"

static void check_addr(const char *text)
{
	struct adit_addr a, again;
	char buf[ADIT_ADDR_STRLEN];
	uint8_t want[16];

	if (adit_addr_parse(&a, text) < 0) {
		MUST(inet_pton(AF_INET, text, want) != 1);
		return;
	}
	MUST(a.family == 4 || a.family == 6);
	MUST(inet_pton(a.family == 4 ? AF_INET : AF_INET6, text, want) == 1);
	MUST(!memcmp(want, a.bytes, a.family == 4 ? 4 : 16));
	MUST(adit_addr_format(&a, buf) == buf && strlen(buf) < sizeof(buf));
	MUST(adit_addr_parse(&again, buf) == 0 && adit_addr_equal(&a, &again));
}

static void check_prefix(const char *text)
{
	struct adit_prefix p, again;
	char buf[ADIT_PREFIX_STRLEN];

	if (adit_prefix_parse(&p, text) < 0)
		return;
	MUST(p.len <= (p.addr.family == 4 ? 32 : 128));
	MUST(adit_prefix_contains(&p, &p.addr));
	MUST(adit_prefix_format(&p, buf) == buf && strlen(buf) < sizeof(buf));
	MUST(adit_prefix_parse(&again, buf) == 0 && again.len == p.len && adit_addr_equal(&again.addr, &p.addr));
	adit_prefix_mask(&again);
	MUST(adit_prefix_contains(&again, &p.addr) && adit_prefix_contains(&p, &again.addr));
	for (unsigned bit = again.len; bit < (again.addr.family == 4 ? 32u : 128u); bit++)
		MUST(!(again.addr.bytes[bit / 8] >> (7 - bit % 8) & 1));
}

static uint32_t zone_index(const char *name)
{
	return strcmp(name, "eth0") == 0 ? 2 : 0;
}

static void check_path(const char *text)
{
	struct adit_path p, again;
	char buf[ADIT_PATH_STRLEN];

	if (adit_path_parse(&p, text, zone_index) < 0)
		return;
	MUST(p.kind == ADIT_PATH_UDP4 || p.kind == ADIT_PATH_UDP6);
	MUST(adit_path_format(&p, buf) == buf && strlen(buf) < sizeof(buf));
	MUST(adit_path_parse(&again, buf, NULL) == 0 && adit_path_equal(&p, &again));
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	char *text = malloc(size + 1);

	MUST(text);
	if (size > 0)
		memcpy(text, data, size);
	text[size] = 0;
	check_addr(text);
	check_prefix(text);
	check_path(text);
	free(text);
	return 0;
}
