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
done_testing
