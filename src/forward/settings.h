/* SPDX-License-Identifier: ISC */
/*
 * settings.h - reader of configuration files: wireproxy's, and wg-quick's,
 * which are a part of them. Beyond wireproxy's there are [Mixed] (SOCKS5 and
 * HTTP on one port), [UDPServerTunnel] (a reverse forward of datagrams), and in
 * [UDPProxyTunnel] the keys UnrepliedTimeout, PortPool and PortsPerClient.
 *
 * What is read differently from wireproxy: a key that nearly is one of ours is
 * an error (a misspelt Password would leave a proxy open), one nobody knows a
 * warning; a repeated list adds to the first; a single value that stands twice
 * is taken from its first line, with a warning.
 */
#ifndef ADIT_FORWARD_SETTINGS_H
#define ADIT_FORWARD_SETTINGS_H

#include "forward/config.h"

/* What a WGConfig line asks for; set by who can open files (file.h). */
struct adit_forward_import {
	/* Reads the file PATH as a part of this one; false after an error. */
	bool (*read)(struct adit_forward_import *self, struct adit_forward_reader *rd,
		     const struct adit_forward_origin *at, const char *path);
};

/* Reads a whole text into rd->cfg. import may be NULL: WGConfig is an error then.
 * as_import: only [Interface] and [Peer] are taken, the rest is passed over. */
void adit_forward_settings(struct adit_forward_reader *rd, const char *name, const char *text, size_t len,
			   struct adit_forward_import *import, bool as_import);

#endif
