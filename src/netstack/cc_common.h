/* SPDX-License-Identifier: ISC */
/* cc_common.h - what cc.c lends to the congestion controls */
#ifndef ADIT_NETSTACK_CC_COMMON_H
#define ADIT_NETSTACK_CC_COMMON_H

#include "netstack/cc.h"

uint32_t cc_initial_window(const struct cc *cc);
/* At most cc->max, at least one segment. */
uint32_t cc_clamp(const struct cc *cc, uint64_t wnd);
/* At least two segments, as every ssthresh. */
uint32_t cc_at_least_two(const struct cc *cc, uint64_t wnd);
/* Everything, for undo; and back: cwnd is not lowered by it. false: nothing to undo. */
void cc_remember(struct cc *cc);
bool cc_restore(struct cc *cc);
/* Grows cwnd by what was delivered, up to ssthresh; returns what is left. */
uint32_t cc_slow_start_growth(struct cc *cc, uint32_t delivered);
/* amount / whole; the remainder is kept for the next time. */
uint32_t cc_share(uint64_t amount, uint32_t whole, uint32_t *rest);
void cc_decay(struct cc *cc, adit_time idle, adit_time rto);

/* --- cc_hystart.c (RFC 9406) -------------------------------------------------------- */

void hystart_init(struct cc_hystart *h);
/* An ACK in slow start. Returns by how many bytes cwnd may grow for it; *done:
 * slow start is over. */
uint32_t hystart_on_ack(struct cc_hystart *h, const struct cc_ack *ack, bool *done);

#endif
