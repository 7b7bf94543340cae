/* SPDX-License-Identifier: ISC */
/* json.h - what the parts of the JSON reader share (json.c, json_scalar.c) */
#ifndef ADIT_CONFIG_JSON_H
#define ADIT_CONFIG_JSON_H

#include "config/reader.h"

/* May it be a part of a word or a number, so that both end before it? */
bool json_in_word(char c);
/* Reads the string at the cursor; false after a fault, behind the string or at the line's end. */
bool json_string(struct conf_reader *rd, struct conf_buf *ret);
void json_number(struct conf_reader *rd, struct adit_conf_node *node);

#endif
