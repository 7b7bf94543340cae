/* SPDX-License-Identifier: ISC */
/*
 * null_core.h - the smallest core behind the tunnel's face: no keys, one
 * peer, a header of 16 bytes that carries the packet's length. It proves
 * that the tunnel needs nothing of WireGuard.
 */
#ifndef ADIT_TESTS_NULL_CORE_H
#define ADIT_TESTS_NULL_CORE_H

#include "tunnel/core.h"

struct null_core {
	struct adit_path peer;
	unsigned begun, done, trains_in;
	enum adit_drop refuse; /* drop every train with this reason */
	unsigned mtu;
};

extern const struct adit_core null_core;

#endif
