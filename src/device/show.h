/* SPDX-License-Identifier: ISC */
/*
 * show.h - what `adit show` knows of a device, read from its UAPI socket, and
 * the two ways to print it. What a device does not say (another program's, or
 * a counter that is zero) is zero here; ours says `version`.
 */
#ifndef ADIT_DEVICE_SHOW_H
#define ADIT_DEVICE_SHOW_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/drop.h"
#include "crypto/keytext.h"
#include "tunnel/tunnel.h"

struct adit_show_device {
	const char *name;
	char version[16]; /* of adit; empty: another program */
	char public_key[ADIT_KEY_BASE64_LEN + 1]; /* empty: no private key */
	uint16_t listen_port;
	uint32_t fwmark;
	bool up;
	unsigned mtu, threads;
	char aead[24];
	unsigned offloads_probed, offloads_used;
	uint64_t rx_bytes, tx_bytes, rx_datagrams, tx_datagrams, rx_calls, tx_calls, tun_reads, tun_writes;
	uint64_t icmp_errors;
	uint64_t thread_packets[ADIT_TUNNEL_THREADS_MAX];
	unsigned thread_cnt;
	char notes[ADIT_NOTES_MAX][ADIT_NOTE_LEN];
	unsigned note_cnt;
	uint64_t drops[ADIT_DROP_CNT];
	uint64_t sessions, handshakes_in, handshakes_out, initiations_sent, cookies_sent, handshake_queue;
	bool under_load;
};

struct adit_show_peer {
	char public_key[ADIT_KEY_BASE64_LEN + 1];
	bool has_psk;
	char endpoint[80]; /* empty: none */
	int64_t handshake_sec; /* wall clock; 0 = never */
	uint64_t rx_bytes, tx_bytes;
	unsigned keepalive;
	char *allowed; /* zero-terminated strings one after another, and an empty one */
	size_t allowed_len, allowed_cap;
	bool session, black_hole;
	uint64_t handshake_age_ms, last_rx_age_ms, last_tx_age_ms; /* 0 = never or not said */
	uint64_t rx_packets, tx_packets, rx_lost, rx_reordered, handshake_attempts;
	bool has_rates;
	double rx_rate, tx_rate; /* bytes a second */
};

/* A device is printed as it is read, so that a million peers need no memory. */
struct adit_show_printer {
	void (*begin)(void);
	void (*device)(const struct adit_show_device *d, bool first);
	void (*peer)(const struct adit_show_device *d, const struct adit_show_peer *p, bool first);
	void (*device_end)(const struct adit_show_device *d);
	void (*end)(void);
};

extern const struct adit_show_printer adit_show_text, adit_show_json;

/* Reads a device and prints it. r: two readings a second apart give rates.
 * 0 or -errno; nothing has been printed when the device does not answer. */
int adit_show_device(const char *ifname, const struct adit_show_printer *printer, bool rates, bool first);

/* 0..1 of the data messages sent to us that never came. */
double adit_show_loss(const struct adit_show_peer *p);

#endif
