/* SPDX-License-Identifier: ISC */
/*
 * top.c - adit top: asks once an interval and draws; the terminal is as before at
 * the end, whatever ends it (but kill -9)
 */
#include "agent/top.h"

#include <errno.h>
#include <langinfo.h>
#include <locale.h>
#include <poll.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <termios.h>
#include <time.h>
#include <unistd.h>

#include "agent/client.h"
#include "agent/show.h"

static volatile sig_atomic_t ended, resized;

static void on_signal(int nr)
{
	if (nr == SIGWINCH)
		resized = 1;
	else
		ended = 1;
}

/* --- terminal ----------------------------------------------------------------------- */

struct terminal {
	struct termios before;
	bool raw;
};

static bool terminal_open(struct terminal *t)
{
	struct sigaction sa = { .sa_handler = on_signal };
	static const int signals[] = { SIGINT, SIGTERM, SIGHUP, SIGQUIT, SIGWINCH };
	struct termios raw;

	for (size_t i = 0; i < sizeof(signals) / sizeof(signals[0]); i++)
		sigaction(signals[i], &sa, NULL);
	if (!isatty(STDIN_FILENO) || tcgetattr(STDIN_FILENO, &t->before))
		return false;
	raw = t->before;
	raw.c_lflag &= ~(tcflag_t)(ICANON | ECHO);
	raw.c_cc[VMIN] = 0;
	raw.c_cc[VTIME] = 0;
	t->raw = !tcsetattr(STDIN_FILENO, TCSANOW, &raw);
	fputs("\033[?1049h\033[?25l", stdout); /* a screen of our own, no cursor */
	return true;
}

static void terminal_close(const struct terminal *t)
{
	fputs("\033[0m\033[?25h\033[?1049l", stdout);
	fflush(stdout);
	if (t->raw)
		tcsetattr(STDIN_FILENO, TCSANOW, &t->before);
}

static void terminal_size(struct agent_screen *s)
{
	struct winsize w;

	s->width = 80;
	s->height = 24;
	if (!ioctl(STDOUT_FILENO, TIOCGWINSZ, &w) && w.ws_col && w.ws_row) {
		s->width = w.ws_col;
		s->height = w.ws_row;
	}
}

/* --- keys ------------------------------------------------------------------------------ */

static void scroll(struct agent_screen *s, long by)
{
	long at = (long)s->scroll + by;

	s->scroll = at < 0 ? 0 : (size_t)at;
}

/* True: something is to be drawn anew. */
static bool handle_keys(struct agent_screen *s)
{
	static const struct { const char *key; int lines; int pages; } moves[] = {
		{ "\033[A", -1, 0 }, { "\033[B", 1, 0 }, { "k", -1, 0 }, { "j", 1, 0 },
		{ "\033[5~", 0, -1 }, { "\033[6~", 0, 1 }, { " ", 0, 1 },
	};
	char keys[64];
	ssize_t n = read(STDIN_FILENO, keys, sizeof(keys) - 1);

	if (n <= 0) {
		ended |= n == 0 || errno == EIO;
		return false;
	}
	keys[n] = '\0';
	for (const char *k = keys; *k;) {
		size_t i, len = 1;

		if (*k == 'q' || *k == 'Q' || *k == 3)
			ended = 1;
		for (i = 0; i < sizeof(moves) / sizeof(moves[0]); i++) {
			if (strncmp(k, moves[i].key, strlen(moves[i].key)) != 0)
				continue;
			scroll(s, moves[i].lines + moves[i].pages * (long)(s->height / 2));
			len = strlen(moves[i].key);
		}
		k += len;
	}
	return true;
}

/* --- asking ----------------------------------------------------------------------------- */

static int ask(struct agent_client *c, const char *action, struct adit_conf **doc)
{
	char *result = NULL;
	int r = agent_client_send(c, action, "");

	if (!r)
		r = agent_client_reply(c, &result, doc);
	free(result);
	return r;
}

/* What is to be drawn; NULL until the first replies. */
struct news {
	struct adit_conf *status, *history;
};

static int get_news(struct agent_client *c, struct news *ret)
{
	struct adit_conf *status, *history;
	int r = ask(c, "status", &status);

	if (r)
		return r;
	r = ask(c, "history", &history);
	if (r) {
		adit_conf_free(status);
		return r;
	}
	adit_conf_free(ret->status);
	adit_conf_free(ret->history);
	*ret = (struct news){ status, history };
	return 0;
}

/* --- the loop ----------------------------------------------------------------------------- */

static int64_t now_ms(void)
{
	struct timespec ts;

	clock_gettime(CLOCK_MONOTONIC, &ts);
	return ts.tv_sec * INT64_C(1000) + ts.tv_nsec / 1000000;
}

static void draw(struct agent_screen *s, const struct news *n)
{
	char *text = NULL;
	size_t len;
	FILE *f = open_memstream(&text, &len);

	if (!f)
		return;
	terminal_size(s);
	agent_screen_draw(f, s, agent_reply_result(n->status), agent_reply_result(n->history));
	if (!fclose(f))
		fwrite(text, 1, len, stdout); /* at once: no flicker */
	fflush(stdout);
	free(text);
}

/* Waits for a key, a signal, or until `until`. */
static bool wait_for_keys(struct agent_screen *s, int64_t until)
{
	struct pollfd p = { .fd = STDIN_FILENO, .events = POLLIN };
	int64_t left = until - now_ms();
	int n = poll(&p, 1, left > 0 ? (int)left : 0);

	return n > 0 && handle_keys(s);
}

static int watch(struct agent_client *c, int64_t interval_ms)
{
	struct agent_screen s = { .colours = true, .utf8 = !strcmp(nl_langinfo(CODESET), "UTF-8") };
	struct news news = { 0 };
	int64_t next = 0;
	int r = 0;

	while (!ended) {
		bool fresh = now_ms() >= next;

		if (fresh) {
			r = get_news(c, &news);
			if (r)
				break;
			next = now_ms() + interval_ms;
		}
		if (fresh || resized) {
			resized = 0;
			draw(&s, &news);
		}
		if (wait_for_keys(&s, next) && !ended)
			draw(&s, &news);
	}
	adit_conf_free(news.status);
	adit_conf_free(news.history);
	return r;
}

static int print_once(struct agent_client *c)
{
	struct news news = { 0 };
	int r = get_news(c, &news);

	if (!r)
		agent_screen_print(stdout, agent_reply_result(news.status), agent_reply_result(news.history));
	adit_conf_free(news.status);
	adit_conf_free(news.history);
	return !r && fflush(stdout) ? ADIT_EXIT_FAILED : r;
}

int adit_top_main(int argc, char **argv)
{
	struct terminal t = { 0 };
	struct agent_args a;
	struct agent_client c;
	int64_t interval = 1000;
	int r = agent_args_read(&a, argc, argv, AGENT_ARG_INTERVAL, "[--interval SECONDS]");

	if (!r && a.interval)
		interval = agent_args_ms(a.interval);
	if (interval < 100) {
		fprintf(stderr, "adit top: --interval takes seconds, 0.1 or more\n");
		r = ADIT_EXIT_USAGE;
	}
	if (!r)
		r = agent_client_open(&c, &a);
	if (r)
		return r;
	setlocale(LC_CTYPE, "");
	if (isatty(STDOUT_FILENO) && terminal_open(&t)) {
		r = watch(&c, interval);
		terminal_close(&t);
	} else {
		r = print_once(&c);
	}
	agent_client_close(&c);
	return r;
}
