/* SPDX-License-Identifier: ISC */
/*
 * watch.h - what a stack must never do, seen from the wire, whatever the
 * other side does: its window's right edge and its ACKs never go back, no
 * byte beyond the other's window and no segment larger than its MSS leaves,
 * nothing is acknowledged that was not sent, timestamps do not go back
 */
#ifndef ADIT_TESTS_NETSIM_WATCH_H
#define ADIT_TESTS_NETSIM_WATCH_H

#include "world.h"

/* A packet as a stack sent it. */
void watch_sent(struct world *w, const uint8_t *ip, uint32_t len);
void watch_free(struct world *w);

#endif
