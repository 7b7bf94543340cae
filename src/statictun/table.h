/* SPDX-License-Identifier: ISC */
/* table.h - the table of peers in a configuration: inner address or prefix to key and address */
#ifndef ADIT_STATICTUN_TABLE_H
#define ADIT_STATICTUN_TABLE_H

#include "statictun/keys.h"

/* `peers` of a network whose other keys are known, into net->peers. */
void statictun_read_table(struct statictun_keys *k, struct adit_conf_errors *errors,
			  const struct adit_conf_node *table, struct statictun_network *net);

#endif
