/* SPDX-License-Identifier: ISC */
/*
 * store.h - an agent that is restarted by systemd leaves its networks to the one
 * after it, in the manager's store of descriptors
 *
 * DOC: how it goes
 *
 * Asked to end by SIGTERM, the agent asks the manager over D-Bus whether its unit is
 * being restarted: the signal does not tell, and what `systemctl stop` leaves behind
 * nobody would take. Then its threads stand still, and what handover.h sends to a
 * living successor goes into the store: each descriptor under a name of its own,
 * "adit-0" and so on, and the messages in a file in memory, "adit-state". Plans stay
 * in force as long as their TUNs are there, also for `adit cleanup` in between. When
 * the store then has not got everything, it is emptied, and all is undone as ever.
 *
 * The store is used once. Its next owner empties the file before it believes a word
 * of it, for whoever else may have that file, and has the manager forget the rest.
 * So while an agent runs there is nothing in the store, and one that is killed leaves
 * nothing that could be older than what it sent. What is not whole is not used at
 * all: its TUNs go, and what belonged to them is undone before networks are started.
 */
#ifndef ADIT_AGENT_STORE_H
#define ADIT_AGENT_STORE_H

#include "agent/agent.h"

/* Leaves all networks to the next one, if there is to be one: then agent_handover_gone. */
void agent_store_give(struct agent *a);

/* Takes over what was left, that many descriptors, before helper_begin: that undoes what is not taken. */
void agent_store_take(struct agent *a, unsigned cnt);

#endif
