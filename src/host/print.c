/* SPDX-License-Identifier: ISC */
/* print.c - pieces of what status commands print */
#include "host/print.h"

#include <inttypes.h>

/* --- text ------------------------------------------------------------------- */

void adit_print_bytes(FILE *out, uint64_t v)
{
	static const char *const units[] = { "B", "KiB", "MiB", "GiB", "TiB" };
	double d = (double)v;
	unsigned i = 0;

	while (d >= 1024 && i < 4) {
		d /= 1024;
		i++;
	}
	fprintf(out, i ? "%.2f %s" : "%.0f %s", d, units[i]);
}

void adit_print_age(FILE *out, adit_time now, adit_time at)
{
	int64_t s = (now - at) / ADIT_SEC;

	if (!at)
		fprintf(out, "never");
	else if (s < 120)
		fprintf(out, "%" PRId64 " s ago", s);
	else if (s < 7200)
		fprintf(out, "%" PRId64 " min ago", s / 60);
	else
		fprintf(out, "%" PRId64 " h ago", s / 3600);
}

/* --- JSON ------------------------------------------------------------------- */

void adit_json_string(FILE *out, const char *text)
{
	fputc('"', out);
	for (; *text; text++) {
		unsigned char c = (unsigned char)*text;

		if (c == '"' || c == '\\')
			fprintf(out, "\\%c", c);
		else if (c < 0x20 || c >= 0x7f)
			fprintf(out, "\\u%04x", c);
		else
			fputc(c, out);
	}
	fputc('"', out);
}

void adit_json_member(FILE *out, const char *name, const char *text)
{
	fprintf(out, ",\"%s\":", name);
	adit_json_string(out, text);
}

void adit_json_number(FILE *out, const char *name, uint64_t v)
{
	fprintf(out, ",\"%s\":%" PRIu64, name, v);
}

void adit_json_age(FILE *out, const char *name, adit_time now, adit_time at)
{
	if (at)
		fprintf(out, ",\"%s\":%" PRId64, name, (now - at) / ADIT_MSEC);
	else
		fprintf(out, ",\"%s\":null", name);
}

void adit_json_drops(FILE *out, const uint64_t drops[ADIT_DROP_CNT])
{
	const char *comma = "";

	fprintf(out, ",\"drops\":{");
	for (unsigned i = 0; i < ADIT_DROP_CNT; i++) {
		if (!drops[i])
			continue;
		fprintf(out, "%s\"%s\":%" PRIu64, comma, adit_drop_name((enum adit_drop)i), drops[i]);
		comma = ",";
	}
	fprintf(out, "}");
}

void adit_metric_head(FILE *out, const char *name, const char *type, const char *help)
{
	fprintf(out, "# HELP %s %s\n# TYPE %s %s\n", name, help, name, type);
}

void adit_metric_label(FILE *out, const char *name, const char *text)
{
	fprintf(out, "%s=\"", name);
	for (; *text; text++) {
		if (*text == '"' || *text == '\\')
			fputc('\\', out);
		fputc(*text == '\n' ? ' ' : *text, out);
	}
	fputc('"', out);
}
