#!/bin/bash
# SPDX-License-Identifier: ISC
#
# wireguard-go.sh - against wireguard-go (topology in matrix.sh)
. "$(dirname "$0")/../netns/lib.sh"
. "$(dirname "$0")/matrix.sh"
ready wireguard-go
handshakes wireguard-go
figures wireguard-go "${ADIT_SECONDS:-2}" "${ADIT_MB:-50}"
sizes
mtu_change
roaming
counters wireguard-go yes
keepalive wireguard-go
asked wireguard-go
begin adit wireguard-go
under_traffic
done_testing
