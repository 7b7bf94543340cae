/* SPDX-License-Identifier: ISC */
/* log.c - log lines of a forwarder */
#include "forward/log.h"

#include <pthread.h>
#include <stdarg.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <syslog.h>
#include <time.h>
#include <unistd.h>

#include "host/process.h"

#define LINE_MAX_LEN 1024
#define BURST        50 /* debug lines at once */
#define PER_SECOND   20

static struct {
	_Atomic int level;
	bool journal, terminal;
	void (*sink)(int priority, const char *text); /* or NULL */
	pthread_mutex_t mutex; /* of the rest */
	unsigned tokens, suppressed;
	time_t filled;
} logging = { .level = ADIT_FORWARD_LOG_INFO, .mutex = PTHREAD_MUTEX_INITIALIZER, .tokens = BURST };

static _Thread_local struct {
	char *buf;
	size_t size;
} kept;

static const struct {
	const char *name;
	int priority;
} levels[] = {
	[ADIT_FORWARD_LOG_OFF] = { "off", LOG_ERR },
	[ADIT_FORWARD_LOG_ERROR] = { "error", LOG_ERR },
	[ADIT_FORWARD_LOG_WARNING] = { "warning", LOG_WARNING },
	[ADIT_FORWARD_LOG_INFO] = { "info", LOG_INFO },
	[ADIT_FORWARD_LOG_DEBUG] = { "debug", LOG_DEBUG },
};

void adit_forward_log_init(void)
{
	logging.journal = getenv("JOURNAL_STREAM") != NULL;
	logging.terminal = isatty(STDERR_FILENO);
}

void adit_forward_log_level(enum adit_forward_log_level level)
{
	atomic_store(&logging.level, (int)level);
}

void adit_forward_log_set_sink(void (*sink)(int priority, const char *text))
{
	logging.sink = sink;
}

void adit_forward_log_keep(char *buf, size_t size)
{
	kept.buf = buf;
	kept.size = size;
	if (buf)
		buf[0] = '\0';
}

static void write_line(enum adit_forward_log_level level, const char *text)
{
	char line[LINE_MAX_LEN + 64], when[32] = "";
	time_t now = time(NULL);
	struct tm tm;
	int n;

	if (logging.sink) {
		logging.sink(levels[level].priority, text);
		return;
	}
	if (adit_process_detached()) {
		syslog(levels[level].priority, "%s", text);
		return;
	}
	if (logging.journal) {
		n = snprintf(line, sizeof(line), "<%d>%s\n", levels[level].priority, text);
	} else {
		if (!logging.terminal && gmtime_r(&now, &tm))
			strftime(when, sizeof(when), "%Y-%m-%dT%H:%M:%SZ ", &tm);
		n = snprintf(line, sizeof(line), "%s%s: %s\n", when, levels[level].name, text);
	}
	if (n >= (int)sizeof(line))
		n = (int)sizeof(line) - 1;
	if (write(STDERR_FILENO, line, (size_t)n) < 0) /* one call, so that lines of two threads do not mix */
		return;
}

/* Under the mutex. False: too many of late. */
static bool may_debug(void)
{
	char text[64];
	time_t now = time(NULL);

	if (now != logging.filled) {
		unsigned more = now > logging.filled && now - logging.filled < BURST ?
					(unsigned)(now - logging.filled) * PER_SECOND : BURST;

		logging.tokens = logging.tokens + more > BURST ? BURST : logging.tokens + more;
		logging.filled = now;
	}
	if (!logging.tokens) {
		logging.suppressed++;
		return false;
	}
	logging.tokens--;
	if (logging.suppressed) {
		snprintf(text, sizeof(text), "%u lines were left out", logging.suppressed);
		logging.suppressed = 0;
		write_line(ADIT_FORWARD_LOG_DEBUG, text);
	}
	return true;
}

void adit_forward_log(enum adit_forward_log_level level, const char *fmt, ...)
{
	char text[LINE_MAX_LEN];
	bool may;
	va_list ap;

	if ((int)level > atomic_load_explicit(&logging.level, memory_order_relaxed))
		return;
	if (level == ADIT_FORWARD_LOG_DEBUG) {
		pthread_mutex_lock(&logging.mutex);
		may = may_debug();
		pthread_mutex_unlock(&logging.mutex);
		if (!may)
			return;
	}
	va_start(ap, fmt);
	vsnprintf(text, sizeof(text), fmt, ap);
	va_end(ap);
	write_line(level, text);
	if (level == ADIT_FORWARD_LOG_ERROR && kept.buf && !kept.buf[0])
		snprintf(kept.buf, kept.size, "%s", text);
}
