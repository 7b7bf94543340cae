/* SPDX-License-Identifier: ISC */
/*
 * made_up_server.c - serves the control API, HTTP and the status page over invented
 * networks: made_up_server [--control PATH] [--status PATH] [--http ADDRESS:PORT]
 * [--http-socket PATH] [--no-page] [--peers N] [--networks N]. SIGTERM ends it.
 */
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <time.h>

#include "agent/control.h"
#include "host/process.h"
#include "support/made_up_agent.h"

static volatile sig_atomic_t ended;

static void on_signal(int nr)
{
	(void)nr;
	ended = 1;
}

static adit_time time_now(void)
{
	struct timespec ts;

	clock_gettime(CLOCK_BOOTTIME, &ts);
	return ts.tv_sec * ADIT_SEC + ts.tv_nsec;
}

static int wait_ms(const struct agent *a, adit_time now)
{
	adit_time due = agent_control_due(a);

	return due <= now ? 0 : due - now > ADIT_SEC ? 1000 : (int)((due - now) / ADIT_MSEC) + 1;
}

/* As the agent's own loop: one event a turn, then what is due. */
static void serve(struct agent *a)
{
	while (!ended && !(a->ending && agent_control_idle(a))) {
		struct epoll_event ev;
		int n = epoll_wait(a->epoll_fd, &ev, 1, wait_ms(a, time_now()));

		if (n > 0) {
			struct adit_watch *w = ev.data.ptr;

			w->ready(w, ev.events);
		}
		if (agent_control_due(a) <= time_now())
			agent_control_tick(a, time_now());
	}
}

static unsigned peers_wanted(int argc, char **argv)
{
	for (int i = 1; i + 1 < argc; i++)
		if (!strcmp(argv[i], "--peers"))
			return (unsigned)atoi(argv[i + 1]);
	return 3;
}

static void configure(struct made_up_agent *m, int argc, char **argv)
{
	struct agent_config *c = &m->config;

	c->page = true;
	for (int i = 1; i < argc; i++) {
		const char *v = i + 1 < argc ? argv[i + 1] : "";

		if (!strcmp(argv[i], "--no-page"))
			c->page = false;
		else if (!strcmp(argv[i], "--control"))
			snprintf(c->control_socket, sizeof(c->control_socket), "%s", v);
		else if (!strcmp(argv[i], "--status"))
			snprintf(c->status_socket, sizeof(c->status_socket), "%s", v);
		else if (!strcmp(argv[i], "--operators"))
			snprintf(c->operators, sizeof(c->operators), "%s", v);
		else if (!strcmp(argv[i], "--observers"))
			snprintf(c->observers, sizeof(c->observers), "%s", v);
		else if (!strcmp(argv[i], "--http-socket"))
			snprintf(c->http_socket, sizeof(c->http_socket), "%s", v);
		else if (!strcmp(argv[i], "--http") && adit_endpoint_parse(&c->metrics, v))
			exit(2);
		else if (!strcmp(argv[i], "--slow-connect"))
			m->connect_takes_time = true;
		else if (!strcmp(argv[i], "--none"))
			m->a.networks = NULL;
	}
}

int main(int argc, char **argv)
{
	struct made_up_agent *m = made_up_new(peers_wanted(argc, argv));
	struct sigaction sa = { .sa_handler = on_signal };
	char err[512];

	if (!m)
		return 1;
	adit_log_init("made-up", ADIT_LOG_INFO);
	sigaction(SIGTERM, &sa, NULL);
	sigaction(SIGINT, &sa, NULL);
	signal(SIGPIPE, SIG_IGN);
	configure(m, argc, argv);
	if (agent_control_init(&m->a, err, sizeof(err))) {
		fprintf(stderr, "%s\n", err);
		return 1;
	}
	puts("ready");
	fflush(stdout);
	serve(&m->a);
	agent_control_fini(&m->a);
	made_up_free(m);
	return 0;
}
