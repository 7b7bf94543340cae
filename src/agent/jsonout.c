/* SPDX-License-Identifier: ISC */
/* jsonout.c - JSON written piece by piece */
#include "agent/jsonout.h"

#include <inttypes.h>
#include <math.h>

/* Length of the UTF-8 sequence at p (RFC 3629), 0: none. The text ends with a NUL. */
static unsigned sequence(const unsigned char *p)
{
	unsigned len = p[0] < 0x80 ? 1 : p[0] >= 0xc2 && p[0] < 0xe0 ? 2 : p[0] >= 0xe0 && p[0] < 0xf0 ? 3 :
		       p[0] >= 0xf0 && p[0] < 0xf5 ? 4 : 0;

	for (unsigned i = 1; i < len; i++)
		if ((p[i] & 0xc0) != 0x80)
			return 0;
	if ((p[0] == 0xe0 && p[1] < 0xa0) || (p[0] == 0xed && p[1] >= 0xa0) || (p[0] == 0xf0 && p[1] < 0x90) ||
	    (p[0] == 0xf4 && p[1] >= 0x90))
		return 0;
	return len;
}

static void quoted(FILE *out, const char *text)
{
	const unsigned char *p = (const unsigned char *)text;

	fputc('"', out);
	while (*p) {
		unsigned len = sequence(p);

		if (!len)
			fputs("\\ufffd", out);
		else if (*p == '"' || *p == '\\')
			fprintf(out, "\\%c", *p);
		else if (*p < 0x20 || *p == 0x7f)
			fprintf(out, "\\u%04x", *p);
		else
			fwrite(p, 1, len, out);
		p += len ? len : 1;
	}
	fputc('"', out);
}

static void begin(struct agent_json *j, const char *name)
{
	if (j->more)
		fputc(',', j->out);
	j->more = true;
	if (!name)
		return;
	quoted(j->out, name);
	fputc(':', j->out);
}

void agent_json_open(struct agent_json *j, const char *name, char bracket)
{
	begin(j, name);
	fputc(bracket, j->out);
	j->more = false;
}

void agent_json_close(struct agent_json *j, char bracket)
{
	fputc(bracket, j->out);
	j->more = true;
}

void agent_json_null(struct agent_json *j, const char *name)
{
	begin(j, name);
	fputs("null", j->out);
}

void agent_json_text(struct agent_json *j, const char *name, const char *text)
{
	if (!text) {
		agent_json_null(j, name);
		return;
	}
	begin(j, name);
	quoted(j->out, text);
}

void agent_json_optional(struct agent_json *j, const char *name, const char *text)
{
	agent_json_text(j, name, text && *text ? text : NULL);
}

void agent_json_number(struct agent_json *j, const char *name, uint64_t v)
{
	begin(j, name);
	fprintf(j->out, "%" PRIu64, v);
}

void agent_json_signed(struct agent_json *j, const char *name, int64_t v)
{
	begin(j, name);
	fprintf(j->out, "%" PRId64, v);
}

void agent_json_real(struct agent_json *j, const char *name, double v, int digits)
{
	if (!isfinite(v) || v < 0) {
		agent_json_null(j, name);
		return;
	}
	begin(j, name);
	fprintf(j->out, "%.*f", digits, v);
}

void agent_json_bool(struct agent_json *j, const char *name, bool v)
{
	begin(j, name);
	fputs(v ? "true" : "false", j->out);
}

void agent_json_age(struct agent_json *j, const char *name, adit_time now, adit_time at)
{
	if (at)
		agent_json_signed(j, name, now > at ? (now - at) / ADIT_MSEC : 0);
	else
		agent_json_null(j, name);
}

void agent_json_raw(struct agent_json *j, const char *name, const char *json)
{
	begin(j, name);
	fputs(json, j->out);
}
