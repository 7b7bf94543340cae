/* SPDX-License-Identifier: ISC */
/* run.c - `adit run -c FILE -- COMMAND...`: a program inside the tunnel, without root (DOC in run.h) */
#include "forward/run.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

#include "forward/fdpass.h"
#include "forward/run_config.h"
#include "forward/sandbox.h"
#include "host/process.h"

struct run {
	const char *file;
	struct adit_forward_config cfg;
	struct run_keeper keeper;
	struct run_job job;
	struct run_tunnel *tunnel;
};

static int say(const char *what, const char *why)
{
	fprintf(stderr, "adit run: %s%s%s\n", what, why ? ": " : "", why ? why : "");
	return RUN_FAILED;
}

/* --- arguments ------------------------------------------------------------ */

static int usage(const char *what, const char *word)
{
	fprintf(stderr, "adit run: %s%s\nUsage: adit run -c FILE -- COMMAND [ARGUMENT...] (adit run --help says more)\n",
		what, word);
	return RUN_FAILED;
}

/* Options end at "--" or at the first word that is none: the rest is COMMAND's. */
static int read_arguments(struct run *run, int argc, char **argv)
{
	int i;

	for (i = 1; i < argc && argv[i][0] == '-'; i++) {
		const char *a = argv[i];

		if (!strcmp(a, "--")) {
			i++;
			break;
		}
		if (!strncmp(a, "--config=", 9))
			run->file = a + 9;
		else if (strcmp(a, "-c") && strcmp(a, "--config"))
			return usage("unknown option ", a);
		else if (++i == argc)
			return usage("which file? nothing follows ", a);
		else
			run->file = argv[i];
	}
	if (!run->file)
		return usage("which configuration? (-c FILE)", "");
	if (i >= argc)
		return usage("which command?", "");
	run->keeper.command = argv + i;
	return 0;
}

/* --- start ---------------------------------------------------------------- */

static int start_keeper(struct run *run)
{
	int pair[2];

	if (socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0, pair) < 0)
		return say("cannot make a pair of sockets", strerror(errno));
	fflush(NULL);
	run->job.keeper = fork();
	if (run->job.keeper < 0)
		return say("cannot start a process", strerror(errno));
	if (!run->job.keeper) {
		close(pair[0]);
		run->keeper.control = pair[1];
		adit_forward_config_forget_keys(&run->cfg);
		run_keeper(&run->keeper);
	}
	close(pair[1]);
	run->job.control = pair[0];
	return 0;
}

/* The TUN's descriptor, or -1 and it has been said why. */
static int await_tun(struct run *run)
{
	struct run_message m = { .news = RUN_REFUSED };
	int fd = -1;

	if (fdpass_recv(run->job.control, &m, sizeof(m), &fd) != (ssize_t)sizeof(m)) {
		say("the process inside ended too early", NULL);
		return -1;
	}
	if (m.news == RUN_READY && fd >= 0)
		return fd;
	say(m.text, NULL);
	return -1;
}

static int start_tunnel(struct run *run, int tun)
{
	const struct sandbox_config sandbox = {
		.processes = true,
		.network = run->cfg.fwmark || (run->cfg.listen_port && run->cfg.listen_port < 1024),
	};
	struct sandbox_report report;
	char err[512] = "";
	int r;

	/* After the fork: COMMAND keeps its limits and its rights. */
	adit_process_protect();
	sandbox_enter(&sandbox, &report); /* what this machine has of it */
	r = run_tunnel_start(&run->tunnel, &run->cfg, tun, run->keeper.mtu, err, sizeof(err));
	adit_forward_config_forget_keys(&run->cfg);
	return r ? say(err[0] ? err : "the tunnel does not start", err[0] ? NULL : strerror(-r)) : 0;
}

/* Up to a running COMMAND. */
static int start(struct run *run)
{
	sigset_t all;
	int r, tun;

	r = adit_run_read(&run->cfg, run->file);
	if (r)
		return r;
	run->keeper.cfg = &run->cfg;
	run->keeper.mtu = run_tunnel_mtu(&run->cfg);
	sigfillset(&all);
	sigprocmask(SIG_BLOCK, &all, &run->keeper.mask);
	prctl(PR_SET_CHILD_SUBREAPER, 1);
	r = run_job_init(&run->job);
	if (r)
		return say("cannot read signals", strerror(-r));
	r = start_keeper(run);
	if (r)
		return r;
	tun = await_tun(run);
	if (tun < 0)
		return RUN_FAILED;
	r = start_tunnel(run, tun);
	if (!r && send(run->job.control, "", 1, MSG_NOSIGNAL) != 1)
		r = say("the process inside is gone", NULL);
	return r;
}

int adit_run_main(int argc, char **argv)
{
	struct run run = { .job = { .control = -1 } };
	int r = read_arguments(&run, argc, argv);
	int status = 0;

	if (r)
		return r;
	adit_forward_config_init(&run.cfg);
	r = start(&run);
	if (!r) {
		status = run_job_wait(&run.job);
		if (status == -ESRCH)
			r = RUN_SIGNAL + SIGKILL;
		else if (status < 0)
			r = RUN_FAILED;
	}
	/* Without the keeper COMMAND has nobody else; with it, this waits for the keeper. */
	if (run.job.control >= 0)
		close(run.job.control);
	run_end_children();
	run_tunnel_free(run.tunnel);
	adit_forward_config_fini(&run.cfg);
	if (r == RUN_SIGNAL + SIGKILL)
		say("the process that keeps the namespace was killed", NULL);
	if (!r)
		run_job_leave(&run.job, status);
	return r;
}
