/* SPDX-License-Identifier: ISC */
/* up_cleanup.h - what a killed `adit up` left beside its journal */
#ifndef ADIT_DEVICE_UP_CLEANUP_H
#define ADIT_DEVICE_UP_CLEANUP_H

#include "host/keeper.h"

/*
 * After adit_keeper_cleanup, and told of like it: TUNs that had no journal yet,
 * records and sockets of what is gone. What is up, or being brought up or down,
 * is left alone. 0 or -errno.
 */
int adit_up_cleanup(const struct adit_cleanup *c);

#endif
