/* SPDX-License-Identifier: ISC */
/*
 * bundle_hide.h - takes keys, addresses and names out of text that goes to strangers
 *
 * DOC: pseudonyms
 *
 * Whatever is hidden becomes KIND-NUMBER, the same for the same thing everywhere in
 * the text: a reader sees that two routes lead to one address, and not to which. Keys,
 * addresses, MACs and host names are known by their looks; names that look like any
 * other word have to be learned first. What is no secret stays: 0.0.0.0, loopback,
 * multicast, prefix lengths, ports. In doubt something is hidden.
 */
#ifndef ADIT_AGENT_BUNDLE_HIDE_H
#define ADIT_AGENT_BUNDLE_HIDE_H

#include <stdio.h>

#include "config/config.h"

enum agent_hidden {
	AGENT_HIDE_KEY,
	AGENT_HIDE_MAC,
	AGENT_HIDE_V4,
	AGENT_HIDE_V4_PRIVATE,
	AGENT_HIDE_V6,
	AGENT_HIDE_V6_ULA,
	AGENT_HIDE_V6_LINK,
	AGENT_HIDE_HOST,
	AGENT_HIDE_NETWORK,
	AGENT_HIDE_PEER,
	AGENT_HIDE_LINK,
	AGENT_HIDE_USER,
	AGENT_HIDE_NAME,
	AGENT_HIDE_KINDS,
};

struct agent_hide;

struct agent_hide *agent_hide_new(void); /* NULL: no memory */
void agent_hide_free(struct agent_hide *h);

/* This text, and each word of it that is not one of the program's own, is hidden from now on. */
void agent_hide_learn(struct agent_hide *h, enum agent_hidden kind, const char *text);
/* A name: what of it the call above leaves out, a letter or a number or a word of the program's own, is hidden
 * where a name stands: as a key of "network" and as value of "name" and its like in JSON, behind "peer" and "network". */
void agent_hide_learn_name(struct agent_hide *h, enum agent_hidden kind, const char *text);
/* A link's name, unless it is one that kernels and we give by ourselves (eth0, wg1). */
void agent_hide_learn_link(struct agent_hide *h, const char *name);

/* bundle_words.c: the names in what `adit config show --json` printed, and in replies of the agent. */
void agent_hide_learn_config(struct agent_hide *h, const struct adit_conf_node *root);
void agent_hide_learn_reply(struct agent_hide *h, const struct adit_conf_node *root);
/* Of this machine and whoever sits before it. */
void agent_hide_learn_machine(struct agent_hide *h);

/* Prints it without what is to be hidden. */
void agent_hide_text(struct agent_hide *h, FILE *out, const char *text);
/* What was printed cannot be trusted: memory ran out on the way. */
bool agent_hide_failed(const struct agent_hide *h);

#endif
