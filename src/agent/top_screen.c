/* SPDX-License-Identifier: ISC */
/* top_screen.c - adit top's screen, line by line, cut to the terminal */
#include "agent/top.h"

#include <stdlib.h>
#include <string.h>

#include "agent/client.h"
#include "agent/show.h"

#define SPARK_MAX 75

/* Where drawing stands. */
struct pen {
	FILE *out;
	const struct agent_screen *s;
	unsigned col, line;
};

static void put(struct pen *p, enum agent_colour colour, const char *text)
{
	const char *at = text;

	if (colour != AGENT_PLAIN)
		fputs(agent_show_colour(p->s->colours, colour), p->out);
	for (; *at && p->col < p->s->width; p->col++) {
		if ((unsigned char)*at < 0x20 || *at == 0x7f)
			fputc('?', p->out);
		else
			fputc(*at, p->out);
		for (at++; (*at & 0xc0) == 0x80; at++)
			fputc(*at, p->out);
	}
	if (colour != AGENT_PLAIN)
		fputs(agent_show_colour(p->s->colours, AGENT_PLAIN), p->out);
}

/* In a column of that width: to the left of it, or (below 0) to the right. */
static void put_cell(struct pen *p, enum agent_colour colour, const char *text, int width)
{
	int n = (int)agent_show_width(text), blanks = (width < 0 ? -width : width) - n;
	char pad[64];

	snprintf(pad, sizeof(pad), "%*s", blanks > 0 ? (blanks > 60 ? 60 : blanks) : 0, "");
	if (width < 0)
		put(p, AGENT_PLAIN, pad);
	put(p, colour, text);
	if (width > 0)
		put(p, AGENT_PLAIN, pad);
}

static bool end_line(struct pen *p)
{
	if (p->s->colours)
		fputs("\033[K", p->out);
	p->line++;
	if (p->line < p->s->height)
		fputs(p->s->colours ? "\r\n" : "\n", p->out);
	else if (!p->s->colours)
		fputs("\n", p->out);
	p->col = 0;
	return p->line < p->s->height;
}

/* --- networks -------------------------------------------------------------------------- */

static double value_at(const struct adit_conf_node *item)
{
	return item->kind == ADIT_CONF_INTEGER ? (double)item->u.integer :
	       item->kind == ADIT_CONF_FLOAT ? item->u.number : 0;
}

/* The last minutes, both directions together, scaled to the highest. */
static void sparkline(struct pen *p, const struct adit_conf_node *history, unsigned width)
{
	static const char *const bars[] = { " ", "▁", "▂", "▃", "▄", "▅", "▆", "▇", "█" };
	static const char *const plain[] = { " ", ".", ".", ":", ":", "|", "|", "#", "#" };
	const struct adit_conf_node *tx = adit_conf_first(adit_conf_get(history, "tx"));
	double v[SPARK_MAX] = { 0 }, most = 0;
	size_t cnt = adit_conf_count(adit_conf_get(history, "rx")), i = 0;

	if (width > SPARK_MAX)
		width = SPARK_MAX;
	adit_conf_each(adit_conf_get(history, "rx"), rx) {
		if (!tx)
			break;
		if (width + i >= cnt) /* the last `width` of them */
			v[i + width - cnt] = value_at(rx) + value_at(tx);
		tx = tx->next;
		i++;
	}
	for (i = 0; i < width; i++)
		most = v[i] > most ? v[i] : most;
	for (i = 0; i < width; i++) {
		unsigned bar = most > 0 && v[i] > 0 ? (unsigned)(v[i] / most * 7.999) + 1 : 0;

		put(p, AGENT_GREEN, p->s->utf8 ? bars[bar] : plain[bar]);
	}
}

static const struct adit_conf_node *named(const struct adit_conf_node *list, const char *name)
{
	adit_conf_each(list, n)
		if (!strcmp(agent_reply_text(n, "name"), name))
			return n;
	return NULL;
}

static void rate_cell(struct pen *p, const struct adit_conf_node *n, const char *key, int width)
{
	char cell[AGENT_CELL];
	double v = agent_reply_real(adit_conf_get(n, key), "1s", -1);

	if (v < 0)
		v = agent_reply_real(adit_conf_get(n, key), "10s", -1);
	put_cell(p, AGENT_PLAIN, agent_show_rate(cell, v), width);
}

/* The word first: the sentence may have to be cut, which is marked. */
static void put_reason(struct pen *p, const char *reason, const char *why)
{
	char text[512], *end = text;
	size_t room;

	snprintf(text, sizeof(text), "%s%s%s", reason, *why ? ": " : "", why);
	room = p->s->width > p->col ? p->s->width - p->col : 0;
	if (agent_show_width(text) <= room || !room) {
		put(p, AGENT_YELLOW, text);
		return;
	}
	for (size_t n = 1; n < room; n++)
		for (end++; (*end & 0xc0) == 0x80; end++)
			;
	*end = '\0';
	put(p, AGENT_YELLOW, text);
	put(p, AGENT_YELLOW, p->s->utf8 ? "…" : ">");
}

static bool draw_networks(struct pen *p, const struct adit_conf_node *status, const struct adit_conf_node *history)
{
	char age[AGENT_CELL], text[64];

	put_cell(p, AGENT_GREY, "NETWORK", 16);
	put_cell(p, AGENT_GREY, " STATE", 20);
	put_cell(p, AGENT_GREY, "RECEIVED", -12);
	put_cell(p, AGENT_GREY, "SENT", -12);
	put_cell(p, AGENT_GREY, "  TRAFFIC", 1);
	if (!end_line(p))
		return false;
	adit_conf_each(adit_conf_get(status, "networks"), n) {
		const char *state = agent_reply_text(n, "state"), *reason = agent_reply_text(n, "reason");

		put_cell(p, AGENT_BOLD, agent_reply_text(n, "name"), 16);
		snprintf(text, sizeof(text), " %s %s", state, agent_show_age(age, agent_reply_number(n, "since_ms", 0)));
		put_cell(p, agent_show_state_colour(state), text, 20);
		rate_cell(p, n, "rx_rate", -12);
		rate_cell(p, n, "tx_rate", -12);
		put(p, AGENT_PLAIN, "  ");
		if (strcmp(reason, "ok") != 0 && strcmp(state, "down") != 0)
			put_reason(p, reason, agent_reply_text(n, "why"));
		else if (p->s->width > p->col)
			sparkline(p, named(adit_conf_get(history, "networks"), agent_reply_text(n, "name")),
				  p->s->width - p->col);
		if (!end_line(p))
			return false;
	}
	return end_line(p);
}

/* --- peers ------------------------------------------------------------------------------ */

struct row {
	const struct adit_conf_node *peer;
	const char *network;
	double rate;
};

static int by_rate(const void *a, const void *b)
{
	const struct row *x = a, *y = b;

	return x->rate > y->rate ? -1 : x->rate < y->rate ? 1 : x < y ? -1 : 1;
}

static struct row *collect(const struct adit_conf_node *status, size_t *cnt)
{
	struct row *rows;
	size_t n = 0;

	*cnt = 0;
	adit_conf_each(adit_conf_get(status, "networks"), net)
		*cnt += adit_conf_count(adit_conf_get(net, "peers"));
	rows = calloc(*cnt ? *cnt : 1, sizeof(*rows));
	if (!rows)
		return NULL;
	adit_conf_each(adit_conf_get(status, "networks"), net)
		adit_conf_each(adit_conf_get(net, "peers"), p)
			rows[n++] = (struct row){ p, agent_reply_text(net, "name"),
						  agent_reply_real(adit_conf_get(p, "rx_rate"), "10s", 0) +
							  agent_reply_real(adit_conf_get(p, "tx_rate"), "10s", 0) };
	qsort(rows, *cnt, sizeof(*rows), by_rate);
	return rows;
}

static void draw_peer(struct pen *p, const struct row *r)
{
	const char *name = agent_reply_text(r->peer, "name"), *reason = agent_reply_text(r->peer, "reason");
	bool well = !strcmp(reason, "ok");
	double loss = agent_reply_real(r->peer, "loss", -1);
	char cell[AGENT_CELL], short_key[16];

	snprintf(short_key, sizeof(short_key), "%.12s...", agent_reply_text(r->peer, "public_key"));
	put_cell(p, well ? AGENT_PLAIN : AGENT_YELLOW, *name ? name : short_key, 22);
	put_cell(p, AGENT_GREY, r->network, 14);
	put_cell(p, AGENT_PLAIN, agent_show_age(cell, agent_reply_number(r->peer, "handshake_age_ms", -1)), -10);
	put_cell(p, AGENT_PLAIN, agent_show_age(cell, agent_reply_number(r->peer, "last_rx_age_ms", -1)), -9);
	rate_cell(p, r->peer, "rx_rate", -13);
	rate_cell(p, r->peer, "tx_rate", -13);
	if (loss < 0)
		snprintf(cell, sizeof(cell), "-");
	else
		snprintf(cell, sizeof(cell), "%.1f%%", loss * 100);
	put_cell(p, AGENT_PLAIN, cell, -8);
	put(p, AGENT_PLAIN, "  ");
	put(p, well ? AGENT_PLAIN : AGENT_YELLOW, well ? agent_reply_text(r->peer, "endpoint") : reason);
}

static void draw_peers(struct pen *p, struct agent_screen *s, const struct row *rows, size_t cnt)
{
	size_t room = s->height - p->line - 1, i;

	put_cell(p, AGENT_GREY, "PEER", 22);
	put_cell(p, AGENT_GREY, "NETWORK", 14);
	put_cell(p, AGENT_GREY, "HANDSHAKE", -10);
	put_cell(p, AGENT_GREY, "HEARD", -9);
	put_cell(p, AGENT_GREY, "RECEIVED", -13);
	put_cell(p, AGENT_GREY, "SENT", -13);
	put_cell(p, AGENT_GREY, "LOSS", -8);
	put_cell(p, AGENT_GREY, "  ENDPOINT", 1);
	if (!end_line(p))
		return;
	if (s->scroll + room > cnt)
		s->scroll = cnt > room ? cnt - room : 0;
	for (i = s->scroll; i < cnt; i++) {
		draw_peer(p, &rows[i]);
		if (!end_line(p))
			return;
	}
}

/* --- all of it ---------------------------------------------------------------------------- */

static bool draw_head(struct pen *p, const struct adit_conf_node *status, size_t peers)
{
	char text[128], age[AGENT_CELL];
	unsigned up = 0;

	adit_conf_each(adit_conf_get(status, "networks"), n)
		up += !strcmp(agent_reply_text(n, "state"), "up");
	snprintf(text, sizeof(text), "adit %s  runs for %s  %u of %zu networks up  %zu peers",
		 agent_reply_text(status, "version"), agent_show_age(age, agent_reply_number(status, "uptime_ms", 0)), up,
		 adit_conf_count(adit_conf_get(status, "networks")), peers);
	put(p, AGENT_BOLD, text);
	if (p->s->colours)
		put(p, AGENT_GREY, "  q quits");
	return end_line(p) && end_line(p);
}

void agent_screen_draw(FILE *out, struct agent_screen *s, const struct adit_conf_node *status,
		       const struct adit_conf_node *history)
{
	struct pen p = { .out = out, .s = s };
	size_t cnt;
	struct row *rows = collect(status, &cnt);

	if (!rows || !s->height || !s->width) {
		free(rows);
		return;
	}
	if (s->colours)
		fputs("\033[H", out);
	if (draw_head(&p, status, cnt) && draw_networks(&p, status, history))
		draw_peers(&p, s, rows, cnt);
	if (s->colours)
		fputs("\033[J", out);
	free(rows);
}

void agent_screen_print(FILE *out, const struct adit_conf_node *status, const struct adit_conf_node *history)
{
	struct agent_screen s = { .width = 160, .height = 1u << 30 };

	agent_screen_draw(out, &s, status, history);
}
