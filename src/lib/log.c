/* SPDX-License-Identifier: ISC */
/*
 * log.c - takes the place of the forwarder's log: lines of the thread that
 * opens a network are collected for it, all others go nowhere.
 */
#include "lib/log.h"

#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include "forward/log.h"

static _Thread_local struct {
	char *buf;
	size_t len;
} collected;

void lib_log_collect(char *buf, size_t len)
{
	collected.buf = len ? buf : NULL;
	collected.len = len;
	if (collected.buf)
		buf[0] = '\0';
}

void lib_log_add(const char *line)
{
	size_t used;

	if (!collected.buf)
		return;
	used = strlen(collected.buf);
	snprintf(collected.buf + used, collected.len - used, "%s%s", used ? "\n" : "", line);
}

void adit_forward_log(enum adit_forward_log_level level, const char *fmt, ...)
{
	char line[512];
	va_list ap;

	if (level != ADIT_FORWARD_LOG_ERROR || !collected.buf)
		return;
	va_start(ap, fmt);
	vsnprintf(line, sizeof(line), fmt, ap);
	va_end(ap);
	lib_log_add(line);
}
