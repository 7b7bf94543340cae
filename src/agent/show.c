/* SPDX-License-Identifier: ISC */
/* show.c - the status as tables that people read */
#include "agent/show.h"

#include <inttypes.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "agent/client.h"

#define PEERS_SHOWN 20

/* --- cells ------------------------------------------------------------------------ */

char *agent_show_age(char buf[AGENT_CELL], int64_t ms)
{
	int64_t s = ms / 1000;

	if (ms < 0)
		snprintf(buf, AGENT_CELL, "never");
	else if (s < 120)
		snprintf(buf, AGENT_CELL, "%" PRId64 " s", s);
	else if (s < 7200)
		snprintf(buf, AGENT_CELL, "%" PRId64 " min", s / 60);
	else if (s < 172800)
		snprintf(buf, AGENT_CELL, "%" PRId64 " h", s / 3600);
	else
		snprintf(buf, AGENT_CELL, "%" PRId64 " d", s / 86400);
	return buf;
}

char *agent_show_bytes(char buf[AGENT_CELL], double v)
{
	static const char *const units[] = { "B", "KiB", "MiB", "GiB", "TiB", "PiB" };
	unsigned i = 0;

	if (v < 0)
		return snprintf(buf, AGENT_CELL, "-"), buf;
	for (; v >= 1000 && i < 5; i++)
		v /= 1024;
	snprintf(buf, AGENT_CELL, i && v < 99.95 ? "%.1f %s" : "%.0f %s", v, units[i]);
	return buf;
}

char *agent_show_rate(char buf[AGENT_CELL], double v)
{
	agent_show_bytes(buf, v);
	if (v >= 0)
		strcat(buf, "/s");
	return buf;
}

bool agent_show_colours(FILE *out)
{
	const char *no = getenv("NO_COLOR"), *term = getenv("TERM");

	return isatty(fileno(out)) && !(no && *no) && !(term && !strcmp(term, "dumb"));
}

const char *agent_show_colour(bool on, enum agent_colour colour)
{
	static const char *const codes[] = { "\033[0m", "\033[32m", "\033[33m", "\033[31m", "\033[2m", "\033[1m" };

	return on ? codes[colour] : "";
}

enum agent_colour agent_show_state_colour(const char *state)
{
	return !strcmp(state, "up") ? AGENT_GREEN : !strcmp(state, "down") ? AGENT_GREY :
	       !strcmp(state, "error") || !strcmp(state, "blocked") ? AGENT_RED : AGENT_YELLOW;
}

size_t agent_show_width(const char *text)
{
	size_t n = 0;

	for (; *text; text++)
		n += (*text & 0xc0) != 0x80;
	return n;
}

/* Text that came from elsewhere: nothing that moves a terminal's cursor. */
static void put_plain(FILE *out, const char *text)
{
	for (; *text; text++)
		fputc((unsigned char)*text < 0x20 || *text == 0x7f ? '?' : *text, out);
}

/* --- a table of peers ---------------------------------------------------------------- */

enum { NAME, HANDSHAKE, HEARD, DOWN, UP, LOSS, ENDPOINT, COLUMNS };
static const char *const heads[COLUMNS] = { "PEER", "HANDSHAKE", "HEARD", "RECEIVED", "SENT", "LOSS", "ENDPOINT" };

static void cells_of(const struct adit_conf_node *p, char cell[COLUMNS][AGENT_CELL], const char **name,
		     const char **endpoint)
{
	double loss = agent_reply_real(p, "loss", -1);

	*name = agent_reply_text(p, "name");
	if (!**name) {
		snprintf(cell[NAME], AGENT_CELL, "%.12s...", agent_reply_text(p, "public_key"));
		*name = cell[NAME];
	}
	agent_show_age(cell[HANDSHAKE], agent_reply_number(p, "handshake_age_ms", -1));
	agent_show_age(cell[HEARD], agent_reply_number(p, "last_rx_age_ms", -1));
	agent_show_rate(cell[DOWN], agent_reply_real(adit_conf_get(p, "rx_rate"), "10s", -1));
	agent_show_rate(cell[UP], agent_reply_real(adit_conf_get(p, "tx_rate"), "10s", -1));
	if (loss < 0)
		snprintf(cell[LOSS], AGENT_CELL, "-");
	else
		snprintf(cell[LOSS], AGENT_CELL, "%.1f%%", loss * 100);
	*endpoint = agent_reply_text(p, "endpoint");
	if (!**endpoint)
		*endpoint = agent_reply_text(p, "configured_endpoint");
	if (!**endpoint)
		*endpoint = "-";
}

static void measure(const struct adit_conf_node *peers, size_t most, size_t width[COLUMNS])
{
	char cell[COLUMNS][AGENT_CELL];
	const char *name, *endpoint;
	size_t shown = 0;

	for (unsigned i = 0; i < COLUMNS; i++)
		width[i] = strlen(heads[i]);
	adit_conf_each(peers, p) {
		if (shown++ == most)
			break;
		cells_of(p, cell, &name, &endpoint);
		if (agent_show_width(name) > width[NAME])
			width[NAME] = agent_show_width(name) > 32 ? 32 : agent_show_width(name);
		for (unsigned i = HANDSHAKE; i <= LOSS; i++)
			if (strlen(cell[i]) > width[i])
				width[i] = strlen(cell[i]);
	}
}

static void put_left(FILE *out, const char *text, size_t width)
{
	size_t n = agent_show_width(text);

	put_plain(out, text);
	fprintf(out, "%*s", n < width ? (int)(width - n) : 0, "");
}

static void put_peer(FILE *out, const struct adit_conf_node *p, const size_t width[COLUMNS], bool colours,
		     const char *indent)
{
	char cell[COLUMNS][AGENT_CELL];
	const char *name, *endpoint, *reason = agent_reply_text(p, "reason");
	bool well = !strcmp(reason, "ok");

	cells_of(p, cell, &name, &endpoint);
	fprintf(out, "%s%s", indent, well ? "" : agent_show_colour(colours, AGENT_YELLOW));
	put_left(out, name, width[NAME]);
	for (unsigned i = HANDSHAKE; i <= LOSS; i++)
		fprintf(out, "  %*s", (int)width[i], cell[i]);
	fputs("  ", out);
	put_plain(out, endpoint);
	if (!well)
		fprintf(out, "  %s", reason);
	fprintf(out, "%s\n", well ? "" : agent_show_colour(colours, AGENT_PLAIN));
}

size_t agent_show_peers(FILE *out, const struct adit_conf_node *with_peers, bool colours, const char *indent,
			size_t most)
{
	const struct adit_conf_node *peers = adit_conf_get(with_peers, "peers");
	size_t width[COLUMNS], shown = 0, cnt = adit_conf_count(peers);

	if (!cnt)
		return 0;
	measure(peers, most, width);
	fprintf(out, "%s%s%-*s", indent, agent_show_colour(colours, AGENT_GREY), (int)width[NAME], heads[NAME]);
	for (unsigned i = HANDSHAKE; i <= LOSS; i++)
		fprintf(out, "  %*s", (int)width[i], heads[i]);
	fprintf(out, "  %s%s\n", heads[ENDPOINT], agent_show_colour(colours, AGENT_PLAIN));
	adit_conf_each(peers, p) {
		if (shown++ == most)
			return cnt - most;
		put_peer(out, p, width, colours, indent);
	}
	return 0;
}

/* --- networks -------------------------------------------------------------------------- */

static void put_facts(FILE *out, const struct adit_conf_node *n)
{
	const struct adit_conf_node *keylog = adit_conf_get(n, "keylog");
	const char *ifname = agent_reply_text(n, "interface");
	char rx[AGENT_CELL], tx[AGENT_CELL];

	if (*ifname)
		fprintf(out, "  %s", ifname);
	adit_conf_each(adit_conf_get(n, "addresses"), a)
		fprintf(out, "  %s", a->kind == ADIT_CONF_STRING ? a->u.string.p : "");
	if (!strcmp(agent_reply_text(n, "state"), "down"))
		return;
	fprintf(out, "  %s received, %s sent", agent_show_bytes(rx, agent_reply_real(n, "rx_bytes", 0)),
		agent_show_bytes(tx, agent_reply_real(n, "tx_bytes", 0)));
	if (agent_reply_bool(n, "killswitch"))
		fprintf(out, "  killswitch");
	if (agent_reply_number(n, "captures", 0))
		fprintf(out, "  packets are captured");
	if (keylog && keylog->kind == ADIT_CONF_TABLE)
		fprintf(out, "  keys are logged by uid %lld", (long long)agent_reply_number(keylog, "uid", 0));
}

static void put_line(FILE *out, const char *what, const char *text)
{
	if (!*text)
		return;
	fprintf(out, "  %s: ", what);
	put_plain(out, text);
	fputc('\n', out);
}

static void put_network(FILE *out, const struct adit_conf_node *n, bool colours, size_t name_width)
{
	const char *state = agent_reply_text(n, "state"), *reason = agent_reply_text(n, "reason");
	int64_t retry = agent_reply_number(n, "retry_in_ms", -1);
	char age[AGENT_CELL];
	size_t left;

	fputs(agent_show_colour(colours, AGENT_BOLD), out);
	put_left(out, agent_reply_text(n, "name"), name_width);
	fprintf(out, "%s  %s%s%s %s", agent_show_colour(colours, AGENT_PLAIN),
		agent_show_colour(colours, agent_show_state_colour(state)), state,
		agent_show_colour(colours, AGENT_PLAIN), agent_show_age(age, agent_reply_number(n, "since_ms", 0)));
	put_facts(out, n);
	fputc('\n', out);
	if (strcmp(reason, "ok") != 0 && (strcmp(state, "down") != 0 || agent_reply_bool(n, "wanted")))
		put_line(out, reason, agent_reply_text(n, "why"));
	if (retry >= 0)
		fprintf(out, "  tried again in %s\n", agent_show_age(age, retry));
	put_line(out, "warning", agent_reply_text(n, "warning"));
	put_line(out, "dns", agent_reply_text(n, "dns"));
	left = agent_show_peers(out, n, colours, "  ", PEERS_SHOWN);
	if (left)
		fprintf(out, "  %zu more: adit peers %s\n", left, agent_reply_text(n, "name"));
	adit_conf_each(adit_conf_get(n, "services"), s)
		put_line(out, "service", s->kind == ADIT_CONF_STRING ? s->u.string.p : "");
}

void agent_show_status(FILE *out, const struct adit_conf_node *result, bool colours)
{
	const struct adit_conf_node *networks = adit_conf_get(result, "networks");
	size_t width = 0;
	bool first = true;

	adit_conf_each(networks, n)
		if (agent_show_width(agent_reply_text(n, "name")) > width)
			width = agent_show_width(agent_reply_text(n, "name"));
	if (!adit_conf_count(networks))
		fprintf(out, "no networks: the configuration has none ([network.NAME] makes one)\n");
	adit_conf_each(networks, n) {
		if (!first)
			fputc('\n', out);
		first = false;
		put_network(out, n, colours, width);
	}
}

bool agent_show_connected(const struct adit_conf_node *result)
{
	bool any = false;

	adit_conf_each(adit_conf_get(result, "networks"), n) {
		bool up = !strcmp(agent_reply_text(n, "state"), "up");

		any |= up;
		if (agent_reply_bool(n, "wanted") && !up)
			return false;
	}
	return any;
}
