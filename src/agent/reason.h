/* SPDX-License-Identifier: ISC */
/* reason.h - why a network or a peer is not well, each with a sentence a person can act on */
#ifndef ADIT_AGENT_REASON_H
#define ADIT_AGENT_REASON_H

/* name, sentence: one table (reason.c); the names stand in JSON, metrics and the manual. */
enum agent_reason {
	AGENT_OK,                 /* ok */
	AGENT_NOT_ASKED,          /* not_asked: it is not enabled, or was disconnected */
	AGENT_NO_REPLY,           /* no_reply: initiations are sent, nothing comes back */
	AGENT_ICMP_UNREACHABLE,   /* icmp_unreachable: the endpoint's machine or a router says no */
	AGENT_BAD_MAC1,           /* bad_mac1: messages come that are not for our public key */
	AGENT_UNKNOWN_PEER,       /* unknown_peer: somebody calls whose key is not configured */
	AGENT_KEY_MISMATCH,       /* key_mismatch: answers come that our keys do not open (peer's or preshared key) */
	AGENT_REPLAYED_TIMESTAMP, /* replayed_timestamp: the peer's clock, or ours, was set back */
	AGENT_CLOCK_SUSPECT,      /* clock_suspect: our wall clock stepped */
	AGENT_MTU,                /* mtu: small packets pass, large ones do not */
	AGENT_DNS_FAILED,         /* dns_failed: the endpoint's name has no address */
	AGENT_NO_DATA,            /* no_data: handshakes pass, data does not come back */
	AGENT_NO_ROUTE,           /* no_route: there is no way to the endpoint */
	AGENT_PORT_TAKEN,         /* port_taken */
	AGENT_KEY_FILE,           /* key_file: it is missing, or others may read it */
	AGENT_TUN,                /* tun: the TUN device cannot be made, or is gone */
	AGENT_HOST,               /* host: a change of the machine failed */
	AGENT_OVERLAP,            /* overlap: another network has these addresses */
	AGENT_STATE_DIR,          /* state_dir: the journal cannot be written */
	AGENT_DENIED,             /* denied: a right is missing */
	AGENT_NO_MEMORY,          /* no_memory */
	AGENT_INTERNAL,           /* internal */
	AGENT_REASON_CNT,
};

const char *agent_reason_name(enum agent_reason reason);
const char *agent_reason_sentence(enum agent_reason reason);

#endif
