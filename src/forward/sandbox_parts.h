/* SPDX-License-Identifier: ISC */
/* sandbox_parts.h - the parts of sandbox_enter, in their order */
#ifndef ADIT_FORWARD_SANDBOX_PARTS_H
#define ADIT_FORWARD_SANDBOX_PARTS_H

#include "forward/sandbox.h"

/* The ABI in use (above 0), or -errno: -ENOSYS, -EOPNOTSUPP where there is no Landlock. */
int sandbox_landlock(const struct sandbox_config *cfg);
/* 0 or -errno; -ENOSYS when built without libseccomp, or with a sanitizer. */
int sandbox_calls(const struct sandbox_config *cfg);

#endif
