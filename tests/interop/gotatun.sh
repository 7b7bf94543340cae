#!/bin/bash
# SPDX-License-Identifier: ISC
#
# gotatun.sh - against gotatun, the shortest of the three (topology in matrix.sh)
. "$(dirname "$0")/../netns/lib.sh"
. "$(dirname "$0")/matrix.sh"
ready gotatun
handshakes gotatun
figures gotatun "${ADIT_SECONDS:-1}" "${ADIT_MB:-20}"
sizes
done_testing
