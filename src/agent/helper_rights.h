/* SPDX-License-Identifier: ISC */
/* helper_rights.h - what the helper keeps of root's rights, and what the network process gives up */
#ifndef ADIT_AGENT_HELPER_RIGHTS_H
#define ADIT_AGENT_HELPER_RIGHTS_H

#include <stddef.h>

/* The helper: the machine's network, low ports, others' files for reading; nothing by exec. 0 or -errno. */
int helper_rights_keep(void);
/* Later, when it knows what it is for: files are changed below `folders` (NULL ends them) and the
 * machine's own only, and calls it has no use for fail. 0, or -errno with a sentence. */
int helper_rights_confine(const char *const *folders, char *err, size_t err_len);
/* The network process: from now on it is `user` ("": it stays), with no capability. 0 or -errno with a sentence. */
int helper_rights_drop(const char *user, char *err, size_t err_len);

#endif
