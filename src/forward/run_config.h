/* SPDX-License-Identifier: ISC */
/* run_config.h - the file of `adit run`: wg-quick's or wireproxy's; services in it are not used */
#ifndef ADIT_FORWARD_RUN_CONFIG_H
#define ADIT_FORWARD_RUN_CONFIG_H

#include "forward/config.h"

/* 0, or run's exit status after every mistake was named on standard error. */
int adit_run_read(struct adit_forward_config *cfg, const char *file);

#endif
