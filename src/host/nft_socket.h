/* SPDX-License-Identifier: ISC */
/* nft_socket.h - the sockets to nftables: dumps, and batches that take effect at once or not at all */
#ifndef ADIT_HOST_NFT_SOCKET_H
#define ADIT_HOST_NFT_SOCKET_H

#include <libmnl/libmnl.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "host/nft.h"

/* Forgets the last error's words; 0, or why there is no socket. */
int nft_ready(struct adit_nft *nft);
void nft_say(struct adit_nft *nft, const char *fmt, ...) __attribute__((format(printf, 2, 3)));
uint32_t nft_port(const struct adit_nft *nft);

/*
 * A dump: put, where not NULL, adds attributes to the request; each gets the answers
 * and returns MNL_CB_OK or MNL_CB_ERROR. Asked anew when the tables changed
 * meanwhile, after restart(user). 0 or -errno.
 */
struct nft_dump {
	uint16_t type; /* NFT_MSG_GET... */
	void (*put)(struct nlmsghdr *h, const void *what);
	const void *what;
	int (*each)(const struct nlmsghdr *h, void *user);
	void (*restart)(void *user);
	void *user;
};
int nft_dump(struct adit_nft *nft, const struct nft_dump *d);

struct nft_batch {
	char *buf;
	size_t len, cap;
	size_t last;        /* where the last message begins */
	const char **about; /* of each message, for errors */
	size_t cnt, about_cap;
	uint32_t seq; /* of the batch's begin */
	int error;
};

void nft_batch_begin(struct adit_nft *nft, struct nft_batch *b);
/* A message's header; NULL after an error. about: a string that outlives the batch. End it with nft_batch_put. */
struct nlmsghdr *nft_batch_next(struct nft_batch *b, uint16_t type, uint16_t flags, const char *about);
void nft_batch_put(struct nft_batch *b, const struct nlmsghdr *h);
/* All of it or nothing; frees the batch. 0 or -errno with detail. */
int nft_batch_run(struct adit_nft *nft, struct nft_batch *b);

/* What the kernel was asked once and answered. */
enum nft_answer { NFT_NOT_ASKED, NFT_YES, NFT_NO };
enum nft_answer *nft_keeping(struct adit_nft *nft);

#endif
