/* SPDX-License-Identifier: ISC */
/* tree_print.h - values of a configuration's tree as TOML and as JSON */
#ifndef ADIT_AGENT_TREE_PRINT_H
#define ADIT_AGENT_TREE_PRINT_H

#include <stdio.h>

#include "config/config.h"

/* A value in one line; tables in braces. */
void agent_print_toml(FILE *out, const struct adit_conf_node *node);
void agent_print_json(FILE *out, const struct adit_conf_node *node);
/* A key, in quotes where it needs them. */
void agent_print_toml_key(FILE *out, const char *key);
void agent_print_toml_text(FILE *out, const char *text, size_t len);

#endif
