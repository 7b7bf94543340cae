/* SPDX-License-Identifier: ISC */
/* reason.c - why a network or a peer is not well: names and sentences, one table */
#include "agent/reason.h"

#include <assert.h>

static const struct {
	const char *name, *sentence;
} table[AGENT_REASON_CNT] = {
	[AGENT_OK] = { "ok", "all is well" },
	[AGENT_NOT_ASKED] = { "not_asked", "it is not enabled, or was disconnected (adit connect starts it)" },
	[AGENT_NO_REPLY] = { "no_reply", "initiations are sent and nothing comes back: the peer does not run or does not "
			     "know our public key, its public key is another one, or a firewall drops UDP on the way" },
	[AGENT_ICMP_UNREACHABLE] = { "icmp_unreachable", "the endpoint's machine or a router on the way says that nobody "
				     "is there: is the peer running, and is this its address and port?" },
	[AGENT_BAD_MAC1] = { "bad_mac1", "handshakes come that are not for our public key: somebody has an old key of ours" },
	[AGENT_UNKNOWN_PEER] = { "unknown_peer", "somebody calls whose public key is not configured here" },
	[AGENT_KEY_MISMATCH] = { "key_mismatch", "answers come that our keys do not open: the preshared key differs, or "
				 "the peer's public key is another one" },
	[AGENT_REPLAYED_TIMESTAMP] = { "replayed_timestamp", "initiations come that are older than one before: the "
				       "peer's clock was set back, or somebody replays what was recorded" },
	[AGENT_CLOCK_SUSPECT] = { "clock_suspect", "the clock of this machine was set back, or is far off: peers take "
				  "no handshake that is older than the last one (set the clock)" },
	[AGENT_MTU] = { "mtu", "small packets pass and large ones do not: lower the MTU" },
	[AGENT_DNS_FAILED] = { "dns_failed", "the endpoint's name has no address" },
	[AGENT_NO_DATA] = { "no_data", "handshakes pass, but no data comes back: a firewall lets small packets alone "
			    "pass, or the peer does not have our address among its allowed IPs" },
	[AGENT_NO_ROUTE] = { "no_route", "this machine has no way to the endpoint: is it connected to a network?" },
	[AGENT_PORT_TAKEN] = { "port_taken", "another program has the UDP port (ss -ulpn names it)" },
	[AGENT_KEY_FILE] = { "key_file", "the key file is missing, or others may read it" },
	[AGENT_TUN] = { "tun", "the TUN device cannot be made, or is gone" },
	[AGENT_HOST] = { "host", "a change of this machine failed" },
	[AGENT_OVERLAP] = { "overlap", "another network has these addresses" },
	[AGENT_STATE_DIR] = { "state_dir", "the journal of changes cannot be written" },
	[AGENT_DENIED] = { "denied", "a right is missing" },
	[AGENT_NO_MEMORY] = { "no_memory", "memory is short" },
	[AGENT_INTERNAL] = { "internal", "something failed that should not" },
};

const char *agent_reason_name(enum agent_reason reason)
{
	assert((unsigned)reason < AGENT_REASON_CNT);
	return table[reason].name;
}

const char *agent_reason_sentence(enum agent_reason reason)
{
	assert((unsigned)reason < AGENT_REASON_CNT);
	return table[reason].sentence;
}
