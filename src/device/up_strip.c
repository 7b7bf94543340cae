/* SPDX-License-Identifier: ISC */
/*
 * up_strip.c - `adit strip`: a wg-quick file as wg(8) takes it. Line for line
 * what `wg-quick strip` prints: comments stay, blanks around lines go.
 */
#include "device/device.h"

#include <stdio.h>
#include <string.h>
#include <strings.h>

#include "base/exit.h"
#include "device/up_internal.h"

struct piece {
	const char *p;
	size_t len;
};

static struct piece trim(struct piece s, const char *blanks)
{
	while (s.len && memchr(blanks, s.p[0], strlen(blanks)))
		s.p++, s.len--;
	while (s.len && memchr(blanks, s.p[s.len - 1], strlen(blanks)))
		s.len--;
	return s;
}

static bool is(struct piece s, const char *word)
{
	return s.len == strlen(word) && !strncasecmp(s.p, word, s.len);
}

static bool of_wg_quick(struct piece key)
{
	static const char *const keys[] = { "Address", "MTU",	 "DNS",	     "Table",	"PreUp",
					    "PreDown", "PostUp", "PostDown", "SaveConfig" };
	size_t i;

	for (i = 0; i < sizeof(keys) / sizeof(keys[0]); i++)
		if (is(key, keys[i]))
			return true;
	return false;
}

/* Whether the line stays; keeps *interface, whether it stands in [Interface]. */
static bool stays(struct piece line, bool *interface)
{
	const char *hash = memchr(line.p, '#', line.len);
	struct piece key = { line.p, hash ? (size_t)(hash - line.p) : line.len };
	const char *equals = memchr(key.p, '=', key.len);

	if (equals)
		key.len = (size_t)(equals - key.p);
	key = trim(key, " \t\r\v\f");
	if (key.len && key.p[0] == '[')
		*interface = is(key, "[Interface]");
	return !*interface || !of_wg_quick(key);
}

static void print_stripped(const struct adit_text *text)
{
	const char *p = text->p, *end = text->p + text->len;
	bool interface = false;

	while (p < end) {
		const char *nl = memchr(p, '\n', (size_t)(end - p));
		struct piece line = { p, (size_t)((nl ? nl : end) - p) };

		line = trim(line, " \t");
		if (stays(line, &interface)) {
			fwrite(line.p, 1, line.len, stdout);
			putchar('\n');
		}
		p = nl ? nl + 1 : end;
	}
	putchar('\n');
}

int adit_strip_main(int argc, char **argv)
{
	struct adit_text text = { 0 };
	struct up up = { 0 };
	int status = up_read_arguments(&up, argc, argv, "adit strip", 0);

	if (!status)
		status = up_read_text(&up, &text);
	if (!status)
		print_stripped(&text);
	adit_text_fini(&text);
	if (!status && fflush(stdout))
		status = ADIT_EXIT_FAILED;
	return status;
}
