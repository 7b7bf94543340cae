/* SPDX-License-Identifier: ISC */
/* toml_key.c - keys of TOML: bare, quoted, dotted */
#include <string.h>

#include "config/toml.h"

bool toml_is_bare(char c)
{
	return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') || c == '_' || c == '-';
}

void toml_key_fini(struct toml_key *key)
{
	while (key->cnt)
		conf_buf_fini(&key->part[--key->cnt].key);
}

static const char *hint(const struct conf_reader *rd)
{
	if (conf_is(rd, '{'))
		return " (a file of JSON has a name that ends in .json)";
	return conf_utf8_len(rd->p, rd->end) > 1 ? " (such a key stands in quotes)" : "";
}

static bool read_part(struct conf_reader *rd, struct toml_part *part)
{
	char what[CONF_WHAT_LEN];
	const char *start = rd->p;

	memset(part, 0, sizeof(*part));
	part->pos = conf_pos(rd, rd->p);
	if (conf_is(rd, '"') || conf_is(rd, '\''))
		return toml_string(rd, &part->key, false);
	while (rd->p < rd->end && toml_is_bare(*rd->p))
		rd->p++;
	if (rd->p == start) {
		conf_fault(rd, rd->p, "expected a key, found %s%s", conf_what(rd, rd->p, what), hint(rd));
		return false;
	}
	conf_buf_add(rd, &part->key, start, (size_t)(rd->p - start));
	return true;
}

bool toml_read_key(struct toml *tm)
{
	struct toml_key *key = &tm->key;
	struct conf_reader *rd = &tm->rd;

	toml_key_fini(key);
	for (;;) {
		if (key->cnt >= rd->depth_max) {
			conf_error(rd, rd->p, "is nested deeper than %zu levels", rd->depth_max);
			rd->over = true;
			return false;
		}
		if (!read_part(rd, &key->part[key->cnt++]) || rd->no_memory)
			return false;
		toml_skip_blank(rd);
		if (!conf_is(rd, '.'))
			return true;
		rd->p++;
		toml_skip_blank(rd);
	}
}
