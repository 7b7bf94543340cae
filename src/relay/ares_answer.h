/* SPDX-License-Identifier: ISC */
/* ares_answer.h - what c-ares answers, in our words */
#ifndef ADIT_RELAY_ARES_ANSWER_H
#define ADIT_RELAY_ARES_ANSWER_H

#include <ares.h>

#include "base/addr.h"

/* 0, -ENOENT (no such name, or no address), -ETIMEDOUT, -EINVAL, -ENOMEM, -ECANCELED, -EHOSTUNREACH (no server). */
int relay_ares_error(int status);
/* Adds the node's address to the list of *cnt, which has room, unless it is there. */
void relay_ares_add(struct adit_addr *list, unsigned *cnt, const struct ares_addrinfo_node *n);

#endif
