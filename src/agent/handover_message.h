/* SPDX-License-Identifier: ISC */
/* handover_message.h - what two agents say to each other while one takes over */
#ifndef ADIT_AGENT_HANDOVER_MESSAGE_H
#define ADIT_AGENT_HANDOVER_MESSAGE_H

#include "agent/network.h"
#include "tunnel/tunnel.h"

#define HANDOVER_VERSION 2
#define HANDOVER_FDS_MAX (3 * ADIT_TUNNEL_THREADS_MAX + 1)

enum handover_kind {
	HANDOVER_ASK,     /* key */
	HANDOVER_NETWORK, /* name, wanted, enable; open: ifname, threads, udp, descriptors: TUN queues, sockets, sessions */
	HANDOVER_ALL,
	HANDOVER_TAKEN,
	HANDOVER_KIND_CNT,
};

struct handover_message {
	uint32_t version, kind;
	uint8_t key[ADIT_KEY_LEN]; /* sessions are sealed under it */
	char name[AGENT_NAME_LEN];
	char ifname[ADIT_IFNAME_LEN];
	uint8_t wanted, enable; /* does it run; was it to be, by the file */
	uint8_t open;
	uint8_t threads;
	uint8_t udp[ADIT_TUNNEL_THREADS_MAX]; /* 1: IPv4, 2: IPv6 socket of that thread follows */
	uint8_t sessions; /* 1: a file of them follows */
};

/* 0 or -errno. */
int handover_send(int sock, const struct handover_message *m, const int *fd, unsigned cnt);
/* 1; 0: the other end is gone; -EBADMSG; -errno. *cnt: how many descriptors came, all close-on-exec. */
int handover_recv(int sock, struct handover_message *m, int fd[HANDOVER_FDS_MAX], unsigned *cnt);
/* Every string ends, every number is one of its kind. */
bool handover_valid(const struct handover_message *m);
/* How many descriptors a valid message comes with. */
unsigned handover_fds(const struct handover_message *m);

/* A tunnel's ends as a message's, in this order: TUNs; each thread's sockets. Returns how many. */
unsigned handover_pack(struct handover_message *m, const struct adit_tunnel_ends *ends, int fd[HANDOVER_FDS_MAX]);
void handover_unpack(const struct handover_message *m, const int fd[HANDOVER_FDS_MAX], struct adit_tunnel_ends *ret);

#endif
