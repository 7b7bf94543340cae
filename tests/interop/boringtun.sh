#!/bin/bash
# SPDX-License-Identifier: ISC
#
# boringtun.sh - against boringtun (topology in matrix.sh)
. "$(dirname "$0")/../netns/lib.sh"
. "$(dirname "$0")/matrix.sh"
ready boringtun
handshakes boringtun
figures boringtun "${ADIT_SECONDS:-1}" "${ADIT_MB:-20}"
sizes
counters boringtun no
keepalive boringtun
asked boringtun
mtu_change
under_traffic
# Its sockets, one for each peer, keep a source address that is gone: it can roam without them only.
begin adit "$PEER -f --disable-drop-privileges --disable-connected-udp ${W}b"
roaming
done_testing
