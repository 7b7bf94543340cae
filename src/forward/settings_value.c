/* SPDX-License-Identifier: ISC */
/* settings_value.c - values of a configuration file, and what is said of them */
#include "forward/settings_internal.h"

struct adit_forward_origin settings_origin(const struct settings_reading *r, const char *p)
{
	return (struct adit_forward_origin){ r->name, r->ini.line, forward_ini_col(&r->ini, p) };
}

struct setting_value setting_item(const struct setting_value *list, struct slice item)
{
	struct setting_value v = { item.p, item.len, list->at };

	v.at.col += (unsigned)(item.p - list->text);
	return v;
}

const char *setting_quoted(const struct setting_value *v, char buf[QUOTE_LEN])
{
	return quick_quote((struct slice){ v->text, v->len }, buf);
}

bool setting_text(struct settings_reading *r, const struct setting_value *v, char *buf, size_t size)
{
	if (quick_copy((struct slice){ v->text, v->len }, buf, size))
		return true;
	setting_error(r, v, "is too long (at most %zu bytes)", size - 1);
	return false;
}

bool setting_number(struct settings_reading *r, const struct setting_value *v, uint32_t max, uint32_t *ret)
{
	char q[QUOTE_LEN];

	if (quick_number((struct slice){ v->text, v->len }, 10, max, ret))
		return true;
	setting_error(r, v, "\"%s\" is not a number from 0 to %u", setting_quoted(v, q), max);
	return false;
}

bool setting_read_key(struct settings_reading *r, const struct setting_value *v, uint8_t ret[ADIT_FORWARD_KEY_LEN])
{
	if (quick_key(ret, (struct slice){ v->text, v->len }))
		return true;
	if (v->len != 44)
		setting_error(r, v, "a key has 44 characters, this one has %zu (see adit genkey, adit pubkey)", v->len);
	else
		setting_error(r, v, "not a base64 key (43 of A-Z a-z 0-9 + / and one = at the end)");
	return false;
}

void setting_nothing(struct settings_reading *r, const struct setting_value *v)
{
	(void)r;
	(void)v; /* of interfaces and routes, which there are none of */
}
