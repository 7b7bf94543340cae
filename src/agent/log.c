/* SPDX-License-Identifier: ISC */
/* log.c - where the agent's lines go (systemd's JOURNAL_NATIVE_PROTOCOL) */
#include "agent/log.h"

#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <syslog.h>
#include <time.h>
#include <unistd.h>

#include "agent/events.h"
#include "host/process.h"

static struct {
	pthread_mutex_t mutex; /* threads log */
	int journal;           /* connected datagram socket, or -1 */
	bool background;
	struct agent_log_bucket bucket;
} logger = { .mutex = PTHREAD_MUTEX_INITIALIZER, .journal = -1 };

bool agent_log_passes(struct agent_log_bucket *b, adit_time now, unsigned *dropped)
{
	*dropped = 0;
	if (!b->since)
		b->room = AGENT_LOG_BURST;
	else
		b->room += (double)(now - b->since) / ADIT_SEC * AGENT_LOG_RATE;
	if (b->room > AGENT_LOG_BURST)
		b->room = AGENT_LOG_BURST;
	b->since = now;
	if (b->room < 1) {
		b->dropped++;
		return false;
	}
	b->room -= 1;
	*dropped = b->dropped;
	b->dropped = 0;
	return true;
}

/* --- journald --------------------------------------------------------------------- */

/* What an entry is about, to be searched for by number. */
static const struct {
	const char *kind, *id;
} message_ids[] = {
	{ "state", "5f1d3b0f7a0a4b0e9d2c86a1e4c7d901" }, { "peer", "5f1d3b0f7a0a4b0e9d2c86a1e4c7d902" },
	{ "reload", "5f1d3b0f7a0a4b0e9d2c86a1e4c7d903" }, { "host", "5f1d3b0f7a0a4b0e9d2c86a1e4c7d904" },
	{ "dns", "5f1d3b0f7a0a4b0e9d2c86a1e4c7d905" }, { "agent", "5f1d3b0f7a0a4b0e9d2c86a1e4c7d906" },
	{ "control", "5f1d3b0f7a0a4b0e9d2c86a1e4c7d907" },
};

/* One line: a newline would begin another field. */
static size_t add_field(char *buf, size_t size, size_t at, const char *name, const char *value)
{
	size_t n = strlen(name), len = strlen(value), i;

	if (!len || at + n + len + 2 > size)
		return at;
	memcpy(buf + at, name, n);
	at += n;
	buf[at++] = '=';
	for (i = 0; i < len; i++)
		buf[at++] = value[i] == '\n' ? ' ' : value[i];
	buf[at++] = '\n';
	return at;
}

size_t agent_log_entry(char *buf, size_t size, int priority, const char *text, const struct agent_event *event)
{
	const char level[2] = { (char)('0' + priority), '\0' };
	char seq[24];
	size_t at = add_field(buf, size, 0, "PRIORITY", level);

	at = add_field(buf, size, at, "SYSLOG_IDENTIFIER", "adit");
	at = add_field(buf, size, at, "MESSAGE", text);
	if (!event)
		return at;
	snprintf(seq, sizeof(seq), "%llu", (unsigned long long)event->seq);
	for (size_t i = 0; i < sizeof(message_ids) / sizeof(message_ids[0]); i++)
		if (!strcmp(event->kind, message_ids[i].kind))
			at = add_field(buf, size, at, "MESSAGE_ID", message_ids[i].id);
	at = add_field(buf, size, at, "ADIT_EVENT", event->kind);
	at = add_field(buf, size, at, "ADIT_SEQ", seq);
	at = add_field(buf, size, at, "ADIT_NETWORK", event->network);
	at = add_field(buf, size, at, "ADIT_PEER", event->peer);
	at = add_field(buf, size, at, "ADIT_STATE", event->state);
	return add_field(buf, size, at, "ADIT_REASON", event->reason);
}

/* JOURNAL_STREAM=DEVICE:INODE of what the service manager gave as standard error. */
static bool is_journal(int fd)
{
	const char *stream = getenv("JOURNAL_STREAM");
	unsigned long long dev, ino;
	struct stat st;

	return stream && sscanf(stream, "%llu:%llu", &dev, &ino) == 2 && fstat(fd, &st) == 0 &&
	       st.st_dev == (dev_t)dev && st.st_ino == (ino_t)ino;
}

static int connect_journal(const char *path)
{
	struct sockaddr_un sa = { .sun_family = AF_UNIX };
	int fd;

	if (strlen(path) >= sizeof(sa.sun_path))
		return -1;
	strcpy(sa.sun_path, path);
	fd = socket(AF_UNIX, SOCK_DGRAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
	if (fd >= 0 && connect(fd, (struct sockaddr *)&sa, sizeof(sa)) < 0) {
		close(fd);
		fd = -1;
	}
	return fd;
}

/* --- lines -------------------------------------------------------------------------- */

static void write_line(int priority, const char *text, const struct agent_event *event)
{
	char entry[2048];

	if (logger.journal >= 0) {
		size_t len = agent_log_entry(entry, sizeof(entry), priority, text, event);

		if (send(logger.journal, entry, len, MSG_NOSIGNAL) >= 0)
			return;
	}
	if (logger.background || adit_process_detached())
		syslog(priority, "%s", text);
	if (!adit_process_detached() && (!logger.background || priority <= LOG_ERR))
		fprintf(stderr, "adit: %s\n", text);
}

static void log_line(int priority, const char *text, const struct agent_event *event)
{
	struct timespec ts;
	unsigned dropped;
	char lost[64];

	clock_gettime(CLOCK_MONOTONIC, &ts);
	pthread_mutex_lock(&logger.mutex);
	if (agent_log_passes(&logger.bucket, ts.tv_sec * ADIT_SEC + ts.tv_nsec + 1, &dropped)) {
		if (dropped) {
			snprintf(lost, sizeof(lost), "%u lines were left out: too many at once", dropped);
			write_line(LOG_WARNING, lost, NULL);
		}
		write_line(priority, text, event);
	}
	pthread_mutex_unlock(&logger.mutex);
}

static void sink(int priority, const char *text)
{
	log_line(priority, text, NULL);
}

void agent_log_line(int priority, const char *text)
{
	static const int last[] = { [ADIT_LOG_SILENT] = LOG_EMERG, [ADIT_LOG_ERROR] = LOG_ERR,
				    [ADIT_LOG_WARNING] = LOG_WARNING, [ADIT_LOG_INFO] = LOG_INFO,
				    [ADIT_LOG_DEBUG] = LOG_DEBUG };

	if (priority <= last[adit_log_level()])
		log_line(priority, text, NULL);
}

void agent_log_init(const char *journal, bool background)
{
	logger.background = background;
	if (background)
		openlog("adit", LOG_NDELAY | LOG_PID, LOG_DAEMON);
	logger.journal = is_journal(STDERR_FILENO) ? connect_journal(journal) : -1;
	adit_log_set_sink(sink);
}

void agent_log_fini(void)
{
	adit_log_set_sink(NULL);
	if (logger.journal >= 0)
		close(logger.journal);
	logger.journal = -1;
}

static enum adit_log_level level_of(const struct agent_event *e)
{
	static const char *const bad[] = { "error", "blocked", "stale", "broken", "mended", "trampled", "refused" };

	for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++)
		if (!strcmp(e->state, bad[i]))
			return ADIT_LOG_WARNING;
	return ADIT_LOG_INFO;
}

void agent_log_event(const struct agent_event *e)
{
	enum adit_log_level level = level_of(e);
	char text[512];

	if (adit_log_level() < level)
		return;
	snprintf(text, sizeof(text), "%s%s%s%.12s%s%s", e->network, e->network[0] ? ": " : "", e->peer[0] ? "peer " : "",
		 e->peer, e->peer[0] ? ": " : "", e->text[0] ? e->text : e->state);
	log_line(level == ADIT_LOG_WARNING ? LOG_WARNING : LOG_INFO, text, e);
}
