/* SPDX-License-Identifier: ISC */
/* log.c - lines for the program that owns the relay */
#include <errno.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include "relay/internal.h"

void relay_log(struct adit_relay *r, enum relay_log_level level, const char *fmt, ...)
{
	char line[512];
	va_list ap;

	if (!r->cfg.log)
		return;
	va_start(ap, fmt);
	vsnprintf(line, sizeof(line), fmt, ap);
	va_end(ap);
	r->cfg.log(r->cfg.user, level, line);
}

const char *relay_error_text(int error)
{
	switch (error) {
	case -ENOENT:
		return "no such name";
	case -EACCES:
		return "prohibited on the way";
	case -EADDRNOTAVAIL:
		return "no port is free, or no address of that family is ours";
	default:
		return strerror(-error);
	}
}
