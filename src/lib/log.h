/* SPDX-License-Identifier: ISC */
/* log.h - a library prints nothing: what opening a network has to say goes to its caller's text */
#ifndef ADIT_LIB_LOG_H
#define ADIT_LIB_LOG_H

#include <stddef.h>

/* Lines of this thread are collected in buf from now on; NULL: no more. */
void lib_log_collect(char *buf, size_t len);
void lib_log_add(const char *line);

#endif
