/* SPDX-License-Identifier: ISC */
/* dns_marked.c - resolv.conf with our mark, and the file before inside it */
#include "host/dns_marked.h"

#include <errno.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#define MARK     "# adit "
#define MARK_LEN (sizeof(MARK) - 1)
#define SUM_LEN  16

/* FNV-1a: against edits, not against an adversary (who may write this file is root). */
static uint64_t sum_of(const char *text, size_t len)
{
	uint64_t sum = 0xcbf29ce484222325u;
	size_t i;

	for (i = 0; i < len; i++)
		sum = (sum ^ (uint8_t)text[i]) * 0x100000001b3u;
	return sum;
}

void adit_dns_marked_free(struct adit_dns_marked *m)
{
	free(m->link);
	free(m->old);
	memset(m, 0, sizeof(*m));
}

struct adit_dns *adit_dns_marked_find(const struct adit_dns_marked *m, const char *ifname)
{
	size_t i;

	for (i = 0; i < m->link_cnt; i++)
		if (!strcmp(m->link[i].ifname, ifname))
			return &m->link[i];
	return NULL;
}

int adit_dns_marked_set(struct adit_dns_marked *m, const struct adit_dns *dns)
{
	struct adit_dns *link = adit_dns_marked_find(m, dns->ifname);

	if (!link) {
		link = realloc(m->link, (m->link_cnt + 1) * sizeof(*link));
		if (!link)
			return -ENOMEM;
		m->link = link;
		link += m->link_cnt++;
	}
	*link = *dns;
	return 0;
}

void adit_dns_marked_remove(struct adit_dns_marked *m, struct adit_dns *link)
{
	size_t at = (size_t)(link - m->link);

	m->link_cnt--;
	memmove(link, link + 1, (m->link_cnt - at) * sizeof(*link));
}

/* --- writing ----------------------------------------------------------------- */

struct line {
	const char *p;
	size_t len;
	bool whole; /* with its newline */
};

static bool next_line(const char **text, const char *end, struct line *ret)
{
	const char *newline;

	if (*text == end)
		return false;
	newline = memchr(*text, '\n', (size_t)(end - *text));
	ret->p = *text;
	ret->whole = newline != NULL;
	ret->len = (size_t)((newline ? newline : end) - *text);
	*text = newline ? newline + 1 : end;
	return true;
}

static bool has_key(const struct line *line, const char *key)
{
	size_t len = strlen(key);

	return line->len > len && !memcmp(line->p, key, len) && (line->p[len] == ' ' || line->p[len] == '\t');
}

/* What of the file before still holds beside our settings. */
static void print_kept(FILE *out, const struct adit_dns_marked *m, bool servers, bool search)
{
	const char *text = m->old;
	struct line line;

	while (text && next_line(&text, m->old + m->old_len, &line)) {
		if (memchr(line.p, '\0', line.len))
			continue;
		if (has_key(&line, "options") || has_key(&line, "sortlist") ||
		    (servers && has_key(&line, "nameserver")) ||
		    (search && (has_key(&line, "search") || has_key(&line, "domain"))))
			fprintf(out, "%.*s\n", (int)line.len, line.p);
	}
}

static void print_settings(FILE *out, const struct adit_dns_marked *m)
{
	const struct adit_dns **ordered = calloc(m->link_cnt + 1, sizeof(*ordered));
	size_t i, n = 0, defaults;
	bool searched = false;

	if (!ordered)
		return; /* the caller finds no end */
	for (i = 0; i < m->link_cnt; i++)
		if (m->link[i].default_route)
			ordered[n++] = &m->link[i];
	defaults = n;
	for (i = 0; i < m->link_cnt; i++)
		if (!m->link[i].default_route)
			ordered[n++] = &m->link[i];
	for (i = 0; i < n; i++) {
		size_t k;

		adit_dns_print_servers(out, ordered[i]);
		for (k = 0; k < ordered[i]->domain_cnt; k++)
			searched = searched || !ordered[i]->domain[k].routed;
	}
	adit_dns_print_search(out, ordered, n);
	print_kept(out, m, !defaults, !defaults && !searched);
	free(ordered);
}

static void print_old(FILE *out, const struct adit_dns_marked *m)
{
	const char *text = m->old;
	struct line line;

	if (!m->had_old)
		fputs("#!\n", out);
	while (m->had_old && text && next_line(&text, m->old + m->old_len, &line)) {
		fputs(line.whole ? "#= " : "#~ ", out);
		fwrite(line.p, 1, line.len, out);
		fputc('\n', out);
	}
}

static char *body_text(const struct adit_dns_marked *m, size_t *len)
{
	char *text = NULL;
	FILE *out = open_memstream(&text, len);
	size_t i;

	if (!out)
		return NULL;
	fputs("# A change to this file is kept, and then the file before is not put back.\n", out);
	for (i = 0; i < m->link_cnt; i++) {
		fprintf(out, "#+ %s ", m->link[i].ifname);
		adit_dns_print(out, &m->link[i]);
		fputc('\n', out);
	}
	print_settings(out, m);
	print_old(out, m);
	if (fclose(out)) {
		free(text);
		return NULL;
	}
	return text;
}

char *adit_dns_marked_text(const struct adit_dns_marked *m, size_t *len)
{
	size_t body_len;
	char *body = body_text(m, &body_len), *text = NULL;
	FILE *out = body ? open_memstream(&text, len) : NULL;

	if (out) {
		fprintf(out, MARK "%016llx: written by adit, which puts the file before, kept below, back later\n",
			(unsigned long long)sum_of(body, body_len));
		fwrite(body, 1, body_len, out);
		if (fclose(out)) {
			free(text);
			text = NULL;
		}
	}
	free(body);
	return text;
}

/* --- reading ----------------------------------------------------------------- */

/* What stands below the first line, when that has our mark and the right sum. */
static const char *body_of(const char *text, size_t len)
{
	const char *newline = len ? memchr(text, '\n', len) : NULL;
	char sum[SUM_LEN + 1];

	if (!newline || (size_t)(newline - text) < MARK_LEN + SUM_LEN || memcmp(text, MARK, MARK_LEN))
		return NULL;
	newline++;
	snprintf(sum, sizeof(sum), "%016llx",
		 (unsigned long long)sum_of(newline, len - (size_t)(newline - text)));
	return memcmp(text + MARK_LEN, sum, SUM_LEN) ? NULL : newline;
}

static int read_link(struct adit_dns_marked *m, const struct line *line)
{
	char text[8192], err[128], *words;
	struct adit_dns dns;

	if (line->len - 3 >= sizeof(text))
		return -EBADMSG;
	memcpy(text, line->p + 3, line->len - 3);
	text[line->len - 3] = '\0';
	words = strchr(text, ' ');
	if (!words)
		return -EBADMSG;
	*words++ = '\0';
	if (!adit_ifname_valid(text) || adit_dns_parse(&dns, text, words, err, sizeof(err)))
		return -EBADMSG;
	return adit_dns_marked_set(m, &dns);
}

static int read_lines(struct adit_dns_marked *m, const char *text, const char *end)
{
	struct line line;
	int r = 0;

	m->had_old = true;
	while (!r && next_line(&text, end, &line)) {
		if (line.len == 2 && !memcmp(line.p, "#!", 2))
			m->had_old = false;
		else if (line.len < 3 || line.p[0] != '#' || line.p[2] != ' ')
			continue;
		else if (line.p[1] == '+')
			r = read_link(m, &line);
		else if (line.p[1] == '=' || line.p[1] == '~') {
			memcpy(m->old + m->old_len, line.p + 3, line.len - 3);
			m->old_len += line.len - 3;
			if (line.p[1] == '=')
				m->old[m->old_len++] = '\n';
		}
	}
	return r;
}

int adit_dns_marked_read(struct adit_dns_marked *ret, const char *text, size_t len)
{
	const char *body = body_of(text, len);
	struct adit_dns_marked m = { 0 };
	int r;

	if (!body)
		return -EBADMSG;
	m.old = malloc(len); /* more than is in it */
	if (!m.old)
		return -ENOMEM;
	r = read_lines(&m, body, text + len);
	if (r)
		adit_dns_marked_free(&m);
	else
		*ret = m;
	return r;
}
