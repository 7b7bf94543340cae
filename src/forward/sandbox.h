/* SPDX-License-Identifier: ISC */
/*
 * sandbox.h - what a program of ours gives up once it has everything it needs:
 * capabilities, new privileges by exec, system calls, files. Each step that
 * this machine cannot do is left out and named.
 */
#ifndef ADIT_FORWARD_SANDBOX_H
#define ADIT_FORWARD_SANDBOX_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define SANDBOX_PATHS_MAX 24
#define SANDBOX_PORTS_MAX 64

struct sandbox_config {
	/* Files and folders that are opened later: reload reads the configuration
	 * again, the resolver /etc/resolv.conf. What is not there now is left out.
	 * NULL ends a list. write: also made, renamed and removed below a folder. */
	const char *read[SANDBOX_PATHS_MAX];
	const char *write[SANDBOX_PATHS_MAX];
	/* When not empty, TCP is bound to these ports only, or connected to these only (Linux 6.7). */
	uint16_t tcp_bind[SANDBOX_PORTS_MAX], tcp_connect[SANDBOX_PORTS_MAX];
	unsigned tcp_bind_cnt, tcp_connect_cnt;
	bool network;   /* keeps the right to set a mark and to bind low ports, when it is there */
	bool processes; /* may wait for and signal processes that are there (adit run) */
	/*
	 * Runs programs, which may do what is left to us. Every file may be read and
	 * executed; `write` may be changed in any way. Calls that change a kernel or look
	 * into other processes fail.
	 */
	bool programs;
	uint32_t keep;  /* capabilities that stay, a bit each */
};

struct sandbox_report {
	bool capabilities;   /* it has none */
	bool no_new_privs;
	bool seccomp;
	unsigned landlock;   /* ABI in use, 0 = none */
	char why[160];       /* what is missing and why, or "" */
};

/*
 * For this thread and those it starts later: call it before there are others.
 * Sockets and files that are open stay open. A call that is not on the list
 * fails with EPERM. Returns 0, or -errno when nothing could be given up;
 * *ret says what was.
 */
int sandbox_enter(const struct sandbox_config *cfg, struct sandbox_report *ret);
/* "seccomp, landlock 4, no capabilities, no new privileges". Returns buf. */
char *sandbox_describe(const struct sandbox_report *r, char *buf, size_t len);

#endif
