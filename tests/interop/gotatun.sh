#!/bin/bash
# SPDX-License-Identifier: ISC
#
# gotatun.sh - against gotatun (topology in matrix.sh)
. "$(dirname "$0")/../netns/lib.sh"
. "$(dirname "$0")/matrix.sh"
ready gotatun
handshakes gotatun
figures gotatun "${ADIT_SECONDS:-1}" "${ADIT_MB:-20}"
sizes
mtu_change
roaming
counters gotatun yes
keepalive gotatun
asked gotatun
begin adit gotatun
under_traffic
done_testing
