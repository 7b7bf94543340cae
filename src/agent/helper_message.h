/* SPDX-License-Identifier: ISC */
/*
 * helper_message.h - what the network process and its helper say to each other:
 * one message of one size, a descriptor may come with it. Both ends are the same
 * program; what comes is checked before anything of it is used.
 */
#ifndef ADIT_AGENT_HELPER_MESSAGE_H
#define ADIT_AGENT_HELPER_MESSAGE_H

#include <stdbool.h>

#include "agent/helper.h"

#define HELPER_PATH_LEN 1024
#define HELPER_TEXT_LEN 512

/* What is asked for, with the fields it uses besides op; the answer's are behind ->. All
 * answers have result and, where that is not 0, text. */
enum helper_op {
	HELPER_BEGIN,      /* path: state directory */
	HELPER_OWN,        /* path */
	HELPER_CONFINED,
	HELPER_TUN,        /* name, flag: multi -> name, descriptor */
	HELPER_UDP,        /* socket -> socket.port, descriptor */
	HELPER_MARK,       /* socket.mark, descriptor */
	HELPER_MARKED,     /* socket.bind.family, socket.mark, flag: stream -> descriptor */
	HELPER_UAPI,       /* name -> descriptor */
	HELPER_UAPI_CLOSE, /* name */
	HELPER_ADOPT,      /* descriptor of a TUN that we were left -> name */
	HELPER_READ,       /* path -> descriptor */
	HELPER_DROP_INS,   /* number -> path; -ENOENT: there are no more */
	HELPER_APPLY,      /* name, descriptor of the plan's text */
	HELPER_PLAN,       /* name: of a plan whose owner is dead -> descriptor of its text */
	HELPER_UNDO,       /* name */
	HELPER_JOB,        /* what, path, number (helper_job.h) -> descriptor of what it writes */
	HELPER_SERVICE,    /* -> flag: it is to be started again; number: of descriptors that its manager keeps */
	HELPER_END,        /* flag: keep what is in force */
	HELPER_ANSWER,
	HELPER_EVENT,      /* name: plan, what, text; by the other pair of sockets */
	HELPER_OP_CNT,
};

struct helper_message {
	uint32_t op;
	int32_t result;
	uint32_t number;
	uint8_t flag; /* 0 or 1 */
	char name[ADIT_IFNAME_LEN];
	char what[12];
	struct helper_socket socket;
	char path[HELPER_PATH_LEN];
	char text[HELPER_TEXT_LEN];
};

/* Every string ends, every number is one of its kind. */
bool helper_message_valid(const struct helper_message *m);

/* Makes m the answer that says why not; returns r. */
int helper_refuse(struct helper_message *m, int r, const char *why);
/* fd -1: none. 0 or -errno. */
int helper_message_send(int sock, const struct helper_message *m, int fd);
/* 1; 0: the other end is gone; -EBADMSG: what came is no message; -errno. *fd is -1 when none came. */
int helper_message_recv(int sock, struct helper_message *ret, int *fd);

/* A plan as the descriptor of its text, which nobody can change any more; -errno. */
int helper_plan_pack(const struct adit_plan *plan);
/* Reads one, at most that many bytes; 0 or -errno (-EINVAL: not a plan). Fills an uninitialised plan. */
int helper_plan_unpack(struct adit_plan *ret, const char *name, int fd);
#define HELPER_PLAN_MAX (256u << 20)

#endif
