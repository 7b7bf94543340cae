/* SPDX-License-Identifier: ISC */
/*
 * agent.c - `adit agent` and `adit start`
 *
 * DOC: a run
 *
 *   the helper process is forked         one thread, no secrets yet, all rights
 *   what systemd kept for us is taken    its store: store.h
 *   the configuration is read            through the helper
 *   control sockets are opened           nobody else serves them: one agent each
 *   the helper begins                    undoes what killed agents left
 *   rights are dropped, the sandbox      for all threads that come
 *   networks are started                 one a turn of the loop
 *   ... events, signals, requests ...
 *   networks are closed                  newest last; each plan is undone
 *   the helper undoes what is left, ends
 */
#include "agent/agent.h"

#include <errno.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/resource.h>
#include <sys/signalfd.h>
#include <unistd.h>

#include "agent/confine.h"
#include "agent/control.h"
#include "agent/handover.h"
#include "agent/log.h"
#include "agent/notify.h"
#include "agent/options.h"
#include "agent/store.h"
#include "base/exit.h"
#include "forward/log.h"
#include "host/process.h"
#include "tunnel/tunnel.h"

struct program {
	struct agent agent;
	struct agent_options options;
	struct agent_notify notify;
	struct adit_watch signals, helper;
	bool waits; /* whoever said `adit start` is to be answered */
	adit_time wait_until;
	const char *end; /* why it ends, or NULL */
	int status;
};

static int fail(const struct program *p, int status, const char *why)
{
	fprintf(stderr, "adit %s: %s\n", p->options.background ? "start" : "agent", why);
	return status;
}

static void end(struct program *p, int status, const char *why)
{
	if (p->end)
		return;
	p->end = why;
	p->status = status;
	p->agent.ending = true;
}

static void add_event(struct agent *a, const char *kind, const char *network, const char *state, const char *text)
{
	struct agent_event e = { 0 };

	snprintf(e.kind, sizeof(e.kind), "%s", kind);
	snprintf(e.network, sizeof(e.network), "%s", network);
	snprintf(e.state, sizeof(e.state), "%s", state);
	snprintf(e.text, sizeof(e.text), "%s", text);
	agent_event_add(&a->events, &e);
}

/* --- what the loop waits for -------------------------------------------------------- */

static void log_error(void *user, const char *msg)
{
	(void)user;
	adit_log_error("%s", msg);
}

static void reload(struct program *p)
{
	struct adit_conf_errors errors = { 0 };
	char err[256] = "";
	int r;

	agent_notify_reloading();
	r = agent_reload(&p->agent, false, NULL, &errors, err, sizeof(err));
	adit_conf_errors_report(&errors, log_error, NULL);
	adit_conf_errors_fini(&errors);
	if (r)
		adit_log_error("not reloaded, going on as before: %s", err[0] ? err : "the configuration is wrong");
	agent_notify_reloaded(&p->notify);
}

static void signalled(struct adit_watch *w, uint32_t events)
{
	struct program *p = adit_container_of(w, struct program, signals);
	struct signalfd_siginfo info;

	(void)events;
	if (read(w->fd, &info, sizeof(info)) != sizeof(info))
		return;
	if (info.ssi_signo == SIGHUP) {
		reload(p);
		return;
	}
	if (info.ssi_signo == SIGTERM)
		agent_store_give(&p->agent);
	end(p, ADIT_EXIT_OK, agent_handover_gone(&p->agent) ? "to be started again" : "ended by a signal");
}

/* What the helper mended or could not; the network it belongs to shows it. */
static void host_event(struct agent *a, const struct helper_event *e)
{
	struct agent_network *n = a->networks;
	char text[256];

	while (n && strcmp(n->ifname, e->plan))
		n = n->next;
	if (n && e->plan[0] && (!strcmp(e->what, "broken") || !strcmp(e->what, "trampled")))
		snprintf(n->warning, sizeof(n->warning), "%s: %.230s", e->what, e->text);
	snprintf(text, sizeof(text), "%s: %.240s", e->what, e->text);
	add_event(a, "host", n && e->plan[0] ? n->settings->name : "", e->what, text);
}

static void helper_told(struct adit_watch *w, uint32_t events)
{
	struct program *p = adit_container_of(w, struct program, helper);
	struct helper_event e;
	bool ended;

	(void)events;
	while (helper_next(p->agent.helper, &e, &ended))
		host_event(&p->agent, &e);
	if (ended)
		end(p, ADIT_EXIT_FAILED, "the helper process is gone");
}

static adit_time earlier(adit_time a, adit_time b)
{
	return a < b ? a : b;
}

static int timeout_ms(const struct program *p, adit_time now)
{
	adit_time due = earlier(agent_networks_due(&p->agent), agent_control_due(&p->agent));

	due = earlier(due, earlier(agent_notify_due(&p->notify), p->agent.confirm_by));
	due = earlier(due, agent_handover_due(&p->agent));
	if (p->waits)
		due = earlier(due, p->wait_until);
	if (due == ADIT_NEVER)
		return -1;
	return due <= now ? 0 : (int)earlier((due - now) / ADIT_MSEC + 1, 60000);
}

/* --- adit start: its caller waits ----------------------------------------------------- */

static void say_why(const struct agent *a)
{
	for (const struct agent_network *n = a->networks; n; n = n->next)
		if (n->wanted && n->state != AGENT_UP)
			fprintf(stderr, "adit start: %s: %s: %s\n", n->settings->name, agent_state_name(n->state), n->why);
	fprintf(stderr, "The agent goes on trying: adit status shows how it goes, adit stop ends it.\n");
}

static void answer_caller(struct program *p, adit_time now)
{
	struct agent_tally t;

	agent_tally_take(&t, &p->agent);
	if (t.up == t.wanted) {
		adit_process_leave(ADIT_EXIT_OK);
	} else if (now >= p->wait_until || (t.up + t.failed == t.wanted && p->notify.ready)) {
		say_why(&p->agent);
		adit_process_leave(ADIT_EXIT_NOT_CONNECTED);
	} else {
		return;
	}
	p->waits = false;
}

bool agent_confirm(struct agent *a)
{
	bool waited = a->confirm_by != ADIT_NEVER;

	a->confirm_by = ADIT_NEVER;
	if (waited)
		add_event(a, "agent", "", "confirmed", "the changes of this machine are confirmed");
	return waited;
}

/* --- the loop ---------------------------------------------------------------------------- */

static void tick(struct program *p)
{
	adit_time now = adit_tunnel_now();

	if (agent_handover_gone(&p->agent)) {
		end(p, ADIT_EXIT_OK, "another agent took over");
		return;
	}
	agent_networks_tick(&p->agent, now);
	agent_handover_tick(&p->agent, now);
	agent_control_tick(&p->agent, now);
	agent_notify_tick(&p->notify, &p->agent, now);
	if (p->waits)
		answer_caller(p, now);
	if (p->agent.confirm_by <= now)
		end(p, ADIT_EXIT_FAILED, "nobody confirmed the changes: all is undone");
	if (p->agent.ending && !p->end && agent_control_idle(&p->agent))
		end(p, ADIT_EXIT_OK, "shut down on request");
}

static void serve(struct program *p)
{
	struct epoll_event ev[1]; /* one: what it leads to may end another */

	tick(p);
	while (!p->end) {
		int n = epoll_wait(p->agent.epoll_fd, ev, 1, timeout_ms(p, adit_tunnel_now()));

		if (n > 0) {
			struct adit_watch *w = ev[0].data.ptr;

			w->ready(w, ev[0].events);
		}
		tick(p);
	}
}

/* --- start ----------------------------------------------------------------------------------- */

static void print_error(void *user, const char *msg)
{
	(void)user;
	fprintf(stderr, "%s\n", msg);
}

static int read_config(struct program *p)
{
	const struct agent_opener opener = { .open = helper_open, .drop_ins = helper_open_drop_ins,
					     .user = p->agent.helper };
	struct adit_conf_errors errors = { 0 };

	p->agent.config = agent_config_read(p->options.config, &opener, &errors);
	adit_conf_errors_report(&errors, print_error, NULL);
	if (errors.no_memory)
		fprintf(stderr, "%s: out of memory\n", p->options.config);
	adit_conf_errors_fini(&errors);
	if (!p->agent.config)
		return ADIT_EXIT_CONFIG;
	p->agent.state_dir_given = p->options.state_dir[0];
	if (p->agent.state_dir_given)
		memcpy(p->agent.config->state_dir, p->options.state_dir, sizeof(p->agent.config->state_dir));
	p->agent.generation = 1;
	return 0;
}

static int check_rights(const struct program *p)
{
	if (helper_privileged(p->agent.helper))
		return 0;
	for (const struct agent_network_settings *s = p->agent.config->networks; s; s = s->next) {
		if (s->type == AGENT_FORWARD)
			continue;
		fprintf(stderr, "adit %s: network \"%s\" changes this machine: run as root or with CAP_NET_ADMIN "
			"(networks of type \"forward\" need no right)\n", p->options.background ? "start" : "agent", s->name);
		return ADIT_EXIT_DENIED;
	}
	return 0;
}

static void raise_limits(void)
{
	struct rlimit lim;

	if (getrlimit(RLIMIT_NOFILE, &lim) || lim.rlim_cur == lim.rlim_max)
		return;
	lim.rlim_cur = lim.rlim_max;
	setrlimit(RLIMIT_NOFILE, &lim);
}

static int watch(struct program *p, struct adit_watch *w, int fd, void (*ready)(struct adit_watch *, uint32_t))
{
	*w = (struct adit_watch){ fd, ready };
	return fd < 0 ? -errno : adit_watch_add(p->agent.epoll_fd, w, EPOLLIN);
}

static int open_watches(struct program *p)
{
	sigset_t set;
	int r;

	adit_process_block_signals(&set);
	p->agent.epoll_fd = epoll_create1(EPOLL_CLOEXEC);
	if (p->agent.epoll_fd < 0)
		return -errno;
	r = watch(p, &p->signals, signalfd(-1, &set, SFD_CLOEXEC | SFD_NONBLOCK), signalled);
	if (!r && helper_fd(p->agent.helper) >= 0)
		r = watch(p, &p->helper, helper_fd(p->agent.helper), helper_told);
	return r;
}

/* So that their files are removed at the end, where we may not. */
static void give_sockets_to_helper(const struct agent *a)
{
	const char *const paths[] = { a->config->control_socket, a->config->status_socket, a->config->http_socket };

	for (size_t i = 0; i < sizeof(paths) / sizeof(paths[0]); i++)
		if (paths[i][0])
			(void)helper_own_socket(a->helper, paths[i]);
}

static int open_control(struct program *p)
{
	char err[512];
	int r = agent_control_init(&p->agent, err, sizeof(err));

	if (r)
		return fail(p, r == -EACCES || r == -EPERM ? ADIT_EXIT_DENIED : ADIT_EXIT_FAILED, err);
	give_sockets_to_helper(&p->agent);
	r = agent_handover_listen(&p->agent);
	if (r)
		adit_log_warning("nobody will be able to take over from this agent: %s", strerror(-r));
	return 0;
}

/* The one before us has plans in force until its end: the helper begins while it lives, and leaves them. */
static int take_over(struct program *p, char *err, size_t err_len)
{
	int r = helper_begin(p->agent.helper, p->agent.config->state_dir, err, err_len);

	if (r || !p->options.replace)
		return r;
	r = agent_handover_take(&p->agent, p->agent.config->control_socket, err, err_len);
	if (r != -ENOENT)
		return r;
	adit_log_info("no agent runs that could be replaced");
	return 0;
}

/* Everything up to networks that will be started by the loop. */
static int set_up(struct program *p)
{
	struct agent *a = &p->agent;
	char err[512] = "";
	int r = open_watches(p), status;

	if (!r && p->options.replace)
		r = take_over(p, err, sizeof(err));
	if (r)
		return fail(p, ADIT_EXIT_FAILED, err[0] ? err : strerror(-r));
	status = open_control(p);
	if (status)
		return status;
	if (!p->options.replace)
		r = take_over(p, err, sizeof(err));
	if (!r)
		r = agent_networks_init(a);
	if (!r)
		agent_handover_wanted(a);
	if (!r)
		r = agent_confine(a, err, sizeof(err));
	return r ? fail(p, ADIT_EXIT_FAILED, err[0] ? err : strerror(-r)) : 0;
}

/* Who takes over has a supervised process' place. */
static void tell_manager(const struct program *p)
{
	char text[32];

	snprintf(text, sizeof(text), "MAINPID=%d", (int)getpid());
	if (p->options.replace)
		adit_process_notify(text);
}

static void run(struct program *p)
{
	adit_time now = adit_tunnel_now();

	p->status = set_up(p);
	if (!p->status) {
		agent_notify_init(&p->notify, now);
		p->waits = p->options.background;
		p->wait_until = now + p->options.wait_secs * ADIT_SEC;
		if (p->options.confirm_secs)
			p->agent.confirm_by = now + p->options.confirm_secs * ADIT_SEC;
		add_event(&p->agent, "agent", "", "started", "the agent is started");
		tell_manager(p);
		serve(p);
		if (!agent_handover_gone(&p->agent))
			adit_process_notify("STOPPING=1");
		add_event(&p->agent, "agent", "", "ends", p->end);
	}
	if (!agent_handover_gone(&p->agent))
		agent_networks_fini(&p->agent);
	agent_control_fini(&p->agent);
}

/* --- a dry run -------------------------------------------------------------------------------- */

static int print_plan(struct agent_network *n, char *err, size_t err_len)
{
	struct adit_plan plan;
	int r;

	if (!n->ops->plan)
		return 0;
	r = n->ops->plan(n, &plan, err, err_len);
	if (r)
		return r;
	adit_plan_print(stdout, &plan);
	adit_plan_fini(&plan);
	return 0;
}

static int print_plans(struct program *p)
{
	int status = ADIT_EXIT_OK;

	for (struct agent_network_settings *s = p->agent.config->networks; s; s = s->next) {
		struct agent_network *n = s->enable ? agent_network_add(&p->agent, s) : NULL;
		char err[512] = "";

		if (!n)
			continue;
		printf("# %s\n", s->name);
		if (print_plan(n, err, sizeof(err)))
			status = fail(p, ADIT_EXIT_FAILED, err);
	}
	return status;
}

/* --- the process ------------------------------------------------------------------------------ */

static int with_helper(struct program *p)
{
	int status = read_config(p);

	if (!status)
		status = check_rights(p);
	if (status)
		return status;
	adit_log_set_level((enum adit_log_level)p->agent.config->log_level);
	if (p->options.dry_run)
		return print_plans(p);
	run(p);
	return p->status;
}

static int start(struct program *p)
{
	struct helper_config cfg = { .config_path = p->options.config, .background = p->options.background };
	char err[256];
	int r, status;

	if (p->options.background) {
		r = adit_process_background();
		if (r)
			return fail(p, ADIT_EXIT_FAILED, strerror(-r));
	}
	raise_limits();
	adit_process_protect();
	adit_log_init("adit", ADIT_LOG_INFO);
	cfg.left = adit_service_left();
	r = helper_start(&p->agent.helper, &cfg, err, sizeof(err));
	if (r)
		return fail(p, ADIT_EXIT_FAILED, err);
	agent_log_init(AGENT_JOURNAL, p->options.background);
	adit_forward_log_set_sink(agent_log_line);
	adit_forward_log_level(ADIT_FORWARD_LOG_DEBUG); /* the level in force decides */
	agent_store_take(&p->agent, cfg.left);
	status = with_helper(p);
	helper_end(p->agent.helper, agent_handover_gone(&p->agent));
	agent_handover_fini(&p->agent);
	agent_config_free(p->agent.config);
	agent_log_fini();
	return status;
}

static int run_agent(bool background, int argc, char **argv)
{
	static struct program p; /* the ring of events is large */
	int status;

	p.agent.epoll_fd = p.signals.fd = p.helper.fd = -1;
	p.agent.confirm_by = ADIT_NEVER;
	p.agent.started = adit_tunnel_now();
	status = agent_options_read(&p.options, background, argc, argv);
	if (status)
		return status;
	p.agent.config_path = p.options.config;
	status = start(&p);
	adit_process_detach(status ? status : ADIT_EXIT_FAILED); /* of a start that nobody answered yet */
	return status;
}

int adit_agent_main(int argc, char **argv)
{
	return run_agent(false, argc, argv);
}

int adit_start_main(int argc, char **argv)
{
	return run_agent(true, argc, argv);
}
