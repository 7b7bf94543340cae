/* SPDX-License-Identifier: ISC */
/*
 * run.h - the processes of `adit run`
 *
 * DOC:
 *	adit run             the tunnel: its UDP sockets are outside; passes signals on
 *	  `- keeper          user, network and mount namespace with the TUN
 *	       `- COMMAND    and what it starts
 *
 * All are in the caller's process group, so what the terminal sends reaches
 * COMMAND by itself; a shell that takes the terminal for itself does so as
 * anywhere. What somebody else sends to adit run is passed on to COMMAND. The
 * keeper waits for COMMAND, tells when it ends, and when it stops or goes on
 * does the same with adit run, which is what the caller's shell looks at.
 * Orphans become the keeper's children, so at the end, or when adit run is
 * gone, it can end them all; when the keeper itself is killed, adit run does.
 */
#ifndef ADIT_FORWARD_RUN_H
#define ADIT_FORWARD_RUN_H

#include <signal.h>
#include <sys/types.h>

#include "forward/config.h"

int adit_run_main(int argc, char **argv);

enum run_exit {
	RUN_FAILED = 125,     /* ours */
	RUN_NOT_EXECUTABLE = 126,
	RUN_NOT_FOUND = 127,
	RUN_SIGNAL = 128,     /* plus the signal */
};

/* What the keeper says. With RUN_READY comes the TUN's descriptor. */
enum run_news { RUN_READY, RUN_REFUSED, RUN_STARTED, RUN_ENDED };

struct run_message {
	enum run_news news;
	int value;      /* pid, wait status, -errno */
	char text[400]; /* RUN_REFUSED */
};

struct run_keeper {
	const struct adit_forward_config *cfg;
	unsigned mtu;
	char *const *command;
	sigset_t mask; /* as the caller had it: COMMAND's */
	int control;   /* SOCK_SEQPACKET; a byte from adit run starts COMMAND, its end ends all */
};
_Noreturn void run_keeper(const struct run_keeper *k);
/* Ends every child, and what becomes a child by that. */
void run_end_children(void);

struct run_job {
	pid_t keeper, command; /* command 0: not started */
	int control;
	int signals;           /* signalfd(2) of everything */
	int terminal;          /* or -1 */
	bool foreground;       /* we had the terminal when we began */
};
int run_job_init(struct run_job *j);
/* Until COMMAND ends. Returns its wait status, or -errno: the keeper is gone. */
int run_job_wait(struct run_job *j);
/* Gives the terminal back and leaves as COMMAND did. */
_Noreturn void run_job_leave(struct run_job *j, int status);

/* The tunnel behind the TUN (run_tunnel.c). */
struct run_tunnel;
unsigned run_tunnel_mtu(const struct adit_forward_config *cfg);
/* Names of endpoints are looked up outside, and again when a peer does not answer. */
int run_tunnel_start(struct run_tunnel **ret, const struct adit_forward_config *cfg, int tun_fd, unsigned mtu,
		     char *err, size_t err_len);
void run_tunnel_free(struct run_tunnel *t);

#endif
