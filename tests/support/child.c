/* SPDX-License-Identifier: ISC */
/* child.c - a program that runs while the relay lab does */
#include "child.h"

#include <fcntl.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#define LIMIT 60 /* s */

static void start(struct child *c, const char *const argv[])
{
	int pipe_fd[2];

	*c = (struct child){ .status = -1 };
	if (pipe2(pipe_fd, O_CLOEXEC) < 0)
		abort();
	c->pid = fork();
	if (c->pid < 0)
		abort();
	if (c->pid == 0) {
		dup2(pipe_fd[1], 1);
		execvp(argv[0], (char *const *)argv);
		_exit(127);
	}
	close(pipe_fd[1]);
	c->out = pipe_fd[0];
	fcntl(c->out, F_SETFL, O_NONBLOCK);
}

static void read_out(struct child *c)
{
	char buf[65536];
	ssize_t n;

	while ((n = read(c->out, buf, sizeof(buf))) > 0) {
		c->text = realloc(c->text, c->len + (size_t)n + 1);
		if (!c->text)
			abort();
		memcpy(c->text + c->len, buf, (size_t)n);
		c->len += (size_t)n;
		c->text[c->len] = '\0';
	}
}

int child_run(struct relay_lab *l, struct child *c, const char *const argv[])
{
	time_t until = time(NULL) + LIMIT;

	start(c, argv);
	while (c->status < 0) {
		int status;

		relay_lab_step(l);
		read_out(c);
		if (waitpid(c->pid, &status, WNOHANG) == c->pid)
			c->status = WIFEXITED(status) ? WEXITSTATUS(status) : 128 + WTERMSIG(status);
		else if (time(NULL) > until)
			kill(c->pid, SIGKILL);
		if (l->quiet > 10)
			usleep(200);
	}
	read_out(c);
	close(c->out);
	if (!c->text)
		c->text = calloc(1, 1);
	return c->status;
}
