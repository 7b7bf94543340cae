/* SPDX-License-Identifier: ISC */
/*
 * pcapng.h - packets to a file that tcpdump and Wireshark read (the pcapng
 * format, draft-ietf-opsawg-pcapng): raw IP, times in nanoseconds, and a comment on a packet that
 * was dropped. Buffered: a packet costs a copy. Owned by one thread.
 */
#ifndef ADIT_PKTIO_PCAPNG_H
#define ADIT_PKTIO_PCAPNG_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/uio.h>

struct adit_pcapng;

struct adit_pcapng_config {
	const char *path;    /* made with mode 0600, or emptied; "-" is standard output */
	const char *program; /* "adit 0.1.0": stands in the file's header; may be NULL */
	/* A line, once, when writing fails (a full disk): nothing is written after that. May be NULL. */
	void (*log)(void *user, const char *line);
	void *user;
};

int adit_pcapng_open(struct adit_pcapng **ret, const struct adit_pcapng_config *cfg);
/* Writes what is left. NULL is fine. */
void adit_pcapng_close(struct adit_pcapng *p);
/* Where packets pass, e.g. "inside". Returns its number, from 0, or -errno. */
int adit_pcapng_interface(struct adit_pcapng *p, const char *name);

enum adit_pcapng_direction { ADIT_PCAPNG_UNKNOWN, ADIT_PCAPNG_IN, ADIT_PCAPNG_OUT };

struct adit_pcapng_packet {
	unsigned interface;
	enum adit_pcapng_direction direction;
	int64_t wall_ns;     /* since 1970 */
	const char *comment; /* why it was dropped; NULL = none */
	const struct iovec *iov;
	unsigned iov_cnt;
};

/* A whole IP packet, gathered. Beyond 65,536 bytes it is cut, and its true length noted. */
void adit_pcapng_write(struct adit_pcapng *p, const struct adit_pcapng_packet *packet);
/* Writes what waits in the buffer: call it when time passes, so that a reader sees it. */
void adit_pcapng_flush(struct adit_pcapng *p);
/* Writing failed, and it said so. */
bool adit_pcapng_stopped(const struct adit_pcapng *p);

struct adit_pcapng_stats {
	uint64_t packets; /* in the file, or in the buffer */
	uint64_t lost;    /* after writing had failed */
};
void adit_pcapng_get_stats(const struct adit_pcapng *p, struct adit_pcapng_stats *ret);

#endif
