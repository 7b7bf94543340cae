/* SPDX-License-Identifier: ISC */
/* environment.h - what the environment says about a tunnel, for every program that has one */
#ifndef ADIT_TUNNEL_ENVIRONMENT_H
#define ADIT_TUNNEL_ENVIRONMENT_H

#include "tunnel/tunnel.h"

/* ADIT_THREADS, ADIT_STRICT_CHECKSUM, ADIT_OFFLOAD and ADIT_AEAD. 0, or -EINVAL with one sentence in err. */
int adit_tunnel_environment(struct adit_tunnel_config *cfg, char *err, size_t err_len);

#endif
