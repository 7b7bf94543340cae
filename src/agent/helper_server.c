/* SPDX-License-Identifier: ISC */
/*
 * helper_server.c - the privileged end: what is asked for is judged, and done
 *
 * DOC: what a stranger at the other end could do
 *
 * It has a network process' rights already: the keys, the tunnels. Beyond those it
 * gets UDP sockets and TUN devices of new names; steps of plans upon those TUNs, and
 * rules, unreachable routes, guards, forwarding and src_valid_mark turned on; the files
 * that the configuration names. It cannot have another file, another interface, a program,
 * nor hold up the helper: plans have limits, programs and the bus a time, and who does not
 * take his answers is taken for gone.
 */
#include "agent/helper_server.h"

#include <errno.h>
#include <fcntl.h>
#include <linux/if_tun.h>
#include <net/if.h>
#include <netinet/in.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <unistd.h>

#include "agent/helper_files.h"
#include "agent/helper_job.h"
#include "agent/helper_rights.h"
#include "agent/settings.h"
#include "base/filename.h"
#include "device/uapi_socket.h"
#include "host/keeper.h"
#include "host/service.h"
#include "pktio/tun.h"
#include "pktio/udp.h"

#define FOLDERS_MAX 12
#define STEP_TEXT_MAX (1u << 20)

static int fail(struct helper_message *m, int r, const char *what)
{
	snprintf(m->text, sizeof(m->text), "%s: %s", what, strerror(-r));
	return r;
}

static int refuse(struct helper_message *m, const char *why)
{
	return helper_refuse(m, -EPERM, why);
}

static void tell(void *user, const char *plan, const char *what, const char *text)
{
	const struct helper_server *s = user;
	struct helper_message m = { .op = HELPER_EVENT };

	if (s->events_fd < 0)
		return;
	snprintf(m.name, sizeof(m.name), "%s", plan);
	snprintf(m.what, sizeof(m.what), "%s", what);
	snprintf(m.text, sizeof(m.text), "%s", text);
	(void)helper_message_send(s->events_fd, &m, -1); /* who does not read loses some */
}

/* --- the start ---------------------------------------------------------------------- */

/* What others have in force is no news. */
static void tell_undone(void *user, const char *plan, const char *what, const char *text)
{
	if (strcmp(what, "left"))
		tell(user, plan, what, text);
}

static int begin(struct helper_server *s, struct helper_message *m)
{
	struct adit_cleanup c = { .state_dir = m->path, .keep_guards = true, .report = tell_undone, .user = s };
	int r;

	if (s->keeper || m->path[0] != '/')
		return refuse(m, "the state directory is said once, absolute");
	if (strlen(m->path) >= sizeof(s->state_dir))
		return refuse(m, "the state directory's name is too long");
	strcpy(s->state_dir, m->path);
	r = adit_keeper_cleanup(&c, m->text, sizeof(m->text));
	if (r)
		tell(s, "", "broken", m->text);
	return adit_keeper_new(&s->keeper, m->path, m->text, sizeof(m->text));
}

static int own(struct helper_server *s, struct helper_message *m)
{
	struct stat st;

	if (s->confined)
		return refuse(m, "only at the start");
	if (lstat(m->path, &st) < 0 || !S_ISSOCK(st.st_mode))
		return refuse(m, "not a socket");
	return helper_names_add(&s->sockets, m->path);
}

/* The folder of what may have to be made or removed; not the root, which would be everything. */
static void add_folder_of(char **list, size_t *cnt, const char *path)
{
	char folder[HELPER_PATH_LEN];

	if (*cnt < FOLDERS_MAX && adit_filename_folder(path, folder, sizeof(folder)) && folder[1] &&
	    (list[*cnt] = strdup(folder)))
		(*cnt)++;
}

/* From now on plans, sockets and files as before, and little else. What could not be given up is told. */
static int confine(struct helper_server *s)
{
	char *folders[FOLDERS_MAX + 1] = { NULL };
	const char *name;
	size_t cnt = 0;
	char err[256];

	s->confined = true;
	if (s->events_fd < 0) /* the network process itself */
		return 0;
	if (s->state_dir[0] && access(s->state_dir, F_OK))
		add_folder_of(folders, &cnt, s->state_dir);
	else if (s->state_dir[0] && (folders[cnt] = strdup(s->state_dir)))
		cnt++;
	for (size_t i = 0; (name = helper_names_at(s->sockets, i)); i++)
		add_folder_of(folders, &cnt, name);
	if (helper_rights_confine((const char *const *)folders, err, sizeof(err)))
		tell(s, "", "sandbox", err);
	while (cnt)
		free(folders[--cnt]);
	return 0;
}

/* --- descriptors -------------------------------------------------------------------- */

/* "wg0", or a pattern with one "%d". */
static bool may_be_tun(const char *name)
{
	const char *percent = strchr(name, '%');
	char plain[ADIT_IFNAME_LEN];

	if (!percent)
		return adit_ifname_valid(name);
	snprintf(plain, sizeof(plain), "%.*s0%s", (int)(percent - name), name, percent[1] ? percent + 2 : "");
	return percent[1] == 'd' && adit_ifname_valid(plain);
}

static int make_tun(struct helper_server *s, struct helper_message *m, int *ret)
{
	bool there = if_nametoindex(m->name), ours = there && helper_tuns_has(&s->tuns, m->name);
	struct adit_tun tun;
	int r;

	if (!may_be_tun(m->name))
		return refuse(m, "no name of an interface");
	/* Another program's persistent TUN could be attached to. */
	if (there && !(m->flag && ours)) {
		snprintf(m->text, sizeof(m->text), "the name %s is in use by another interface: choose another", m->name);
		return -EBUSY;
	}
	r = adit_tun_open(&tun, m->name, m->flag, 0, m->text, sizeof(m->text));
	if (r)
		return r;
	/* A name that was ours until now may have become another one's. */
	r = ours && !helper_tuns_has(&s->tuns, m->name) ? -EBUSY : helper_tuns_add(&s->tuns, m->name);
	if (r) {
		adit_tun_close(&tun);
		return fail(m, r, "cannot remember the interface");
	}
	*ret = tun.inner.fd;
	return 0;
}

/* Somebody may have moved it to another network namespace, where its name says nothing. */
static bool is_elsewhere(int tun_fd)
{
	struct stat its, ours;
	int fd = ioctl(tun_fd, TUNGETDEVNETNS);
	bool other = fd >= 0 && !fstat(fd, &its) && !stat("/proc/self/ns/net", &ours) && its.st_ino != ours.st_ino;

	if (fd >= 0)
		close(fd);
	return other;
}

/* Whoever has the descriptor has the interface. */
static int adopt_tun(struct helper_server *s, struct helper_message *m, int fd)
{
	struct ifreq ifr = { 0 };
	int r;

	if (s->confined)
		return refuse(m, "only at the start");
	if (fd < 0 || ioctl(fd, TUNGETIFF, &ifr) < 0)
		return refuse(m, "not a TUN");
	memcpy(m->name, ifr.ifr_name, sizeof(m->name));
	m->name[sizeof(m->name) - 1] = '\0';
	r = is_elsewhere(fd) ? -ENODEV : helper_tuns_add(&s->tuns, m->name);
	return r == -ENODEV ? 0 : r; /* not to be had from here: what is asked for on it will be refused */
}

static int make_udp(struct helper_message *m, int *ret)
{
	struct helper_socket *a = &m->socket;
	struct adit_udp_bind bind = { .addr = a->bind, .mark = a->mark };
	static const struct adit_addr any = { 0 };
	int family = a->bind.family == 6 ? AF_INET6 : AF_INET;

	if (!a->bind.family)
		return refuse(m, "a socket has a family");
	if (!memcmp(a->bind.bytes, any.bytes, sizeof(any.bytes)))
		bind.addr = any;
	memcpy(bind.device, a->device, sizeof(bind.device));
	*ret = adit_udp_make(family, &bind, a->reuse, &a->port);
	return *ret < 0 ? fail(m, *ret, "cannot open a UDP socket") : 0;
}

static bool is_ip_socket(int fd)
{
	int family = 0, type = 0;
	socklen_t len = sizeof(int);

	return fd >= 0 && !getsockopt(fd, SOL_SOCKET, SO_DOMAIN, &family, &len) &&
	       !getsockopt(fd, SOL_SOCKET, SO_TYPE, &type, &len) && (family == AF_INET || family == AF_INET6) &&
	       (type == SOCK_DGRAM || type == SOCK_STREAM);
}

static int set_mark(struct helper_message *m, int fd)
{
	int mark = (int)m->socket.mark;

	if (!is_ip_socket(fd))
		return refuse(m, "only IP sockets have marks");
	return setsockopt(fd, SOL_SOCKET, SO_MARK, &mark, sizeof(mark)) < 0 ? fail(m, -errno, "cannot set the mark") : 0;
}

static int make_marked(struct helper_message *m, int *ret)
{
	int type = (m->flag ? SOCK_STREAM : SOCK_DGRAM) | SOCK_CLOEXEC | SOCK_NONBLOCK, r;
	int fd = socket(m->socket.bind.family == 6 ? AF_INET6 : AF_INET, type, 0);

	if (fd < 0)
		return fail(m, -errno, "cannot open a socket");
	r = m->socket.mark ? set_mark(m, fd) : 0;
	if (r)
		close(fd);
	else
		*ret = fd;
	return r;
}

static int make_uapi(struct helper_server *s, struct helper_message *m, int *ret)
{
	int fd;

	if (!helper_tuns_has(&s->tuns, m->name))
		return refuse(m, "that interface is not ours");
	fd = adit_uapi_listen(m->name, m->text, sizeof(m->text));
	if (fd < 0)
		return fd;
	*ret = fd;
	return helper_names_add(&s->uapis, m->name);
}

static int close_uapi(struct helper_server *s, struct helper_message *m)
{
	char path[ADIT_UAPI_PATH_LEN];

	if (!helper_names_has(s->uapis, m->name))
		return -ENOENT;
	unlink(adit_uapi_socket_path(m->name, path));
	helper_names_remove(s->uapis, m->name);
	return 0;
}

/* --- files ------------------------------------------------------------------------------ */

static void forget_drop_ins(struct helper_server *s)
{
	for (int i = 0; i < s->drop_in_cnt; i++)
		free(s->drop_ins[i]);
	free(s->drop_ins);
	s->drop_ins = NULL;
	s->drop_in_cnt = 0;
}

/* What is the configuration itself. */
static int add_config(struct helper_server *s, const char *path)
{
	int r = helper_names_add(&s->configs, path);

	return r ? r : helper_names_add(&s->files, path);
}

static int next_drop_in(struct helper_server *s, struct helper_message *m)
{
	int r;

	if (m->number == 0) {
		forget_drop_ins(s);
		r = agent_drop_ins(s->config_path, &s->drop_ins);
		if (r < 0)
			return fail(m, r, "cannot list the drop-ins");
		s->drop_in_cnt = r;
	}
	if (m->number >= (uint32_t)s->drop_in_cnt)
		return -ENOENT;
	if (snprintf(m->path, sizeof(m->path), "%s", s->drop_ins[m->number]) >= (int)sizeof(m->path))
		return -ENAMETOOLONG;
	return add_config(s, m->path);
}

/* After the start a file that only such a file names is opened, but what it names is not: a chain
 * ends at files which the configuration itself names. */
static int remember_file(struct helper_server *s, const char *path)
{
	if (s->confined && !helper_files_name(s->configs, path))
		return 0;
	return helper_names_add(&s->files, path);
}

static int open_file(struct helper_server *s, struct helper_message *m, int *ret)
{
	struct stat st;
	int r, fd;

	if (m->path[0] != '/')
		return refuse(m, "not an absolute path");
	if (!helper_names_has(s->files, m->path) && !helper_files_name(s->files, m->path))
		return refuse(m, "the configuration does not name that file");
	fd = open(m->path, O_RDONLY | O_CLOEXEC | O_NOCTTY | O_NONBLOCK);
	if (fd < 0)
		return errno == ENXIO ? -EINVAL : -errno; /* a socket */
	r = fstat(fd, &st) < 0 ? -errno : S_ISDIR(st.st_mode) ? -EISDIR : S_ISREG(st.st_mode) ? 0 : -EINVAL;
	if (!r)
		r = remember_file(s, m->path);
	if (r)
		close(fd);
	else
		*ret = fd;
	return r;
}

/* --- plans ------------------------------------------------------------------------------ */

/* Those that netplan makes; what they were the keeper finds out by itself. */
static bool sysctl_allowed(const char *text)
{
	static const char *const turned_on[] = { "net/ipv4/ip_forward 1 ", "net/ipv6/conf/all/forwarding 1 ",
						 "net/ipv4/conf/all/src_valid_mark 1 " };
	bool found = false;

	for (size_t i = 0; text && i < sizeof(turned_on) / sizeof(turned_on[0]); i++)
		found |= !strncmp(text, turned_on[i], strlen(turned_on[i]));
	return found;
}

/* known: whose name was asked for last, so that a plan of a million routes asks the kernel once. */
static bool is_ours(const struct helper_server *s, const char *ifname, const char **known)
{
	if (*known && !strcmp(*known, ifname))
		return true;
	if (!helper_tuns_has(&s->tuns, ifname))
		return false;
	*known = ifname;
	return true;
}

static bool step_allowed(const struct helper_server *s, const struct adit_step *step, const char **known)
{
	if (step->text && strlen(step->text) > STEP_TEXT_MAX)
		return false;
	switch ((enum adit_step_kind)step->kind) {
	case ADIT_STEP_TUN:
	case ADIT_STEP_MTU:
	case ADIT_STEP_ADDR:
	case ADIT_STEP_UP:
	case ADIT_STEP_ROUTE:
	case ADIT_STEP_REPLIES:
	case ADIT_STEP_GATEWAY:
	case ADIT_STEP_DNS:
		return is_ours(s, step->ifname, known);
	case ADIT_STEP_UNREACHABLE: /* what only takes away, and may have to stand before there is a TUN */
	case ADIT_STEP_RULE:
	case ADIT_STEP_GUARD:
		return !step->ifname[0] || adit_ifname_valid(step->ifname);
	case ADIT_STEP_SYSCTL:
		return sysctl_allowed(step->text);
	case ADIT_STEP_KINDS:
		break;
	}
	return false;
}

static int judge_plan(const struct helper_server *s, const struct adit_plan *plan, struct helper_message *m)
{
	char line[ADIT_STEP_STRLEN];
	const char *known = NULL;

	for (size_t i = 0; i < plan->cnt; i++) {
		if (step_allowed(s, &plan->steps[i], &known))
			continue;
		snprintf(m->text, sizeof(m->text), "the helper refuses the step \"%.200s\"",
			 adit_step_format(&plan->steps[i], line));
		return -EPERM;
	}
	return 0;
}

static void count_plan(struct helper_limits *sum, const struct adit_plan *plan)
{
	sum->plans++;
	sum->steps += plan->cnt;
	for (size_t i = 0; i < plan->cnt; i++)
		sum->text += plan->steps[i].text ? strlen(plan->steps[i].text) : 0;
}

/* Would there be too much in force with this one? */
static int judge_size(const struct helper_server *s, const struct adit_plan *plan, struct helper_message *m)
{
	const struct helper_limits *most = &s->limits;
	struct helper_limits sum = { 0 };
	const struct adit_plan *other;

	count_plan(&sum, plan);
	for (size_t i = 0; (other = adit_keeper_plan_at(s->keeper, i)); i++)
		if (strcmp(other->name, plan->name))
			count_plan(&sum, other);
	if (sum.plans <= most->plans && sum.steps <= most->steps && sum.text <= most->text)
		return 0;
	snprintf(m->text, sizeof(m->text), "the helper keeps at most %zu plans, of %zu steps and %zu bytes of text together",
		 most->plans, most->steps, most->text);
	return -E2BIG;
}

static int apply(struct helper_server *s, struct helper_message *m, int fd)
{
	struct adit_plan plan;
	int r;

	if (!s->keeper || fd < 0 || !adit_ifname_valid(m->name))
		return refuse(m, "no plan");
	r = helper_plan_unpack(&plan, m->name, fd);
	if (r)
		return fail(m, r, "the plan cannot be read");
	r = judge_plan(s, &plan, m);
	if (!r)
		r = judge_size(s, &plan, m);
	if (!r)
		r = adit_keeper_apply(s->keeper, &plan, m->text, sizeof(m->text));
	adit_plan_fini(&plan);
	return r;
}

/* Ours from now on: it is undone when nobody says otherwise. */
static int take_plan(struct helper_server *s, struct helper_message *m, int *ret)
{
	int r;

	if (!s->keeper || !adit_ifname_valid(m->name))
		return refuse(m, "no plan");
	if (s->confined || !helper_tuns_has(&s->tuns, m->name))
		return refuse(m, "only at the start, of a TUN that we were left");
	r = adit_keeper_adopt(s->keeper, m->name, m->text, sizeof(m->text));
	if (r)
		return r;
	*ret = helper_plan_pack(adit_keeper_plan(s->keeper, m->name));
	return *ret < 0 ? fail(m, *ret, "cannot write the plan down") : 0;
}

static int undo(struct helper_server *s, struct helper_message *m)
{
	if (!s->keeper || !adit_ifname_valid(m->name))
		return refuse(m, "no plan");
	return adit_keeper_undo(s->keeper, m->name, m->text, sizeof(m->text));
}

static int look_at_service(struct helper_message *m)
{
	struct adit_service service;
	int r = adit_service_look(&service);

	m->flag = service.restarts;
	m->number = service.stored;
	return r ? fail(m, r, "the service manager cannot be asked") : 0;
}

static void remove_sockets(struct helper_server *s)
{
	char path[ADIT_UAPI_PATH_LEN];
	const char *name;
	struct stat st;

	for (size_t i = 0; (name = helper_names_at(s->uapis, i)); i++)
		unlink(adit_uapi_socket_path(name, path));
	for (size_t i = 0; (name = helper_names_at(s->sockets, i)); i++)
		if (lstat(name, &st) == 0 && S_ISSOCK(st.st_mode))
			unlink(name);
	helper_names_free(s->uapis);
	helper_names_free(s->sockets);
	s->uapis = s->sockets = NULL;
}

/* What is kept is a successor's, who serves sockets of the same names as soon as the network process has ended:
 * so they are removed before that one has its answer. */
static int end(struct helper_server *s, const struct helper_message *m)
{
	s->ending = true;
	s->keep = m->flag;
	if (s->keep)
		remove_sockets(s);
	return 0;
}

/* --- requests ------------------------------------------------------------------------------ */

static int serve(struct helper_server *s, struct helper_message *m, int fd, int *ret)
{
	switch ((enum helper_op)m->op) {
	case HELPER_BEGIN:
		return begin(s, m);
	case HELPER_OWN:
		return own(s, m);
	case HELPER_CONFINED:
		return confine(s);
	case HELPER_TUN:
		return make_tun(s, m, ret);
	case HELPER_UDP:
		return make_udp(m, ret);
	case HELPER_MARK:
		return set_mark(m, fd);
	case HELPER_MARKED:
		return make_marked(m, ret);
	case HELPER_UAPI:
		return make_uapi(s, m, ret);
	case HELPER_UAPI_CLOSE:
		return close_uapi(s, m);
	case HELPER_ADOPT:
		return adopt_tun(s, m, fd);
	case HELPER_READ:
		return open_file(s, m, ret);
	case HELPER_DROP_INS:
		return next_drop_in(s, m);
	case HELPER_APPLY:
		return apply(s, m, fd);
	case HELPER_PLAN:
		return take_plan(s, m, ret);
	case HELPER_UNDO:
		return undo(s, m);
	case HELPER_JOB:
		return helper_job_start(s, m, ret);
	case HELPER_SERVICE:
		return look_at_service(m);
	case HELPER_END:
		return end(s, m);
	case HELPER_ANSWER:
	case HELPER_EVENT:
	case HELPER_OP_CNT:
		break;
	}
	return refuse(m, "nothing that can be asked for");
}

int helper_server_answer(struct helper_server *s, struct helper_message *m, int fd)
{
	int ret = -1;

	m->text[0] = '\0';
	m->result = serve(s, m, fd, &ret);
	if (m->result && !m->text[0])
		snprintf(m->text, sizeof(m->text), "%s", strerror(-m->result));
	m->op = HELPER_ANSWER;
	return m->result ? -1 : ret;
}

void helper_server_init(struct helper_server *s, const char *config_path, int events_fd)
{
	*s = (struct helper_server){ .events_fd = events_fd,
				     .limits = { AGENT_NETWORKS_MAX, 2 * ADIT_PLAN_STEPS_MAX, 64u << 20 } };
	snprintf(s->config_path, sizeof(s->config_path), "%s", config_path);
	(void)add_config(s, config_path);
}

void helper_server_fini(struct helper_server *s)
{
	remove_sockets(s);
	forget_drop_ins(s);
	helper_tuns_free(&s->tuns);
	helper_names_free(s->files);
	helper_names_free(s->configs);
	adit_keeper_free(s->keeper);
}

/* --- the process ------------------------------------------------------------------------------ */

/* False: the other end is gone, or does what no program of ours does: it asks for more before it has read what
 * was answered, until no answer has room. */
static bool take_request(struct helper_server *s, int sock)
{
	static struct helper_message m;
	int fd, answer, r = helper_message_recv(sock, &m, &fd);

	if (r <= 0)
		return r == -EAGAIN;
	answer = helper_server_answer(s, &m, fd);
	if (fd >= 0)
		close(fd);
	r = helper_message_send(sock, &m, answer);
	if (answer >= 0)
		close(answer);
	return !r;
}

static void ignore_signals(void)
{
	static const int ignored[] = { SIGINT, SIGTERM, SIGHUP, SIGPIPE, SIGQUIT, SIGUSR1, SIGUSR2, SIGTSTP };
	sigset_t none;

	/* They are the network process': it says when this one is to end. */
	for (size_t i = 0; i < sizeof(ignored) / sizeof(ignored[0]); i++)
		signal(ignored[i], SIG_IGN);
	signal(SIGCHLD, SIG_DFL);
	sigemptyset(&none);
	sigprocmask(SIG_SETMASK, &none, NULL);
}

_Noreturn void helper_server_run(const char *config_path, int sock, int events_fd)
{
	struct helper_server s;
	char err[512] = "";
	int r = 0;

	ignore_signals();
	fcntl(sock, F_SETFL, O_NONBLOCK);
	helper_server_init(&s, config_path, events_fd);
	while (!s.ending) {
		struct pollfd p[2] = { { .fd = sock, .events = POLLIN },
				       { .fd = s.keeper ? adit_keeper_fd(s.keeper) : -1, .events = POLLIN } };

		if (poll(p, 2, -1) < 0)
			continue;
		helper_job_look(&s);
		if (p[1].revents)
			adit_keeper_look(s.keeper, tell, &s);
		if (p[0].revents && !take_request(&s, sock))
			break;
	}
	if (s.keeper && s.keep)
		r = adit_keeper_leave_all(s.keeper, err, sizeof(err));
	else if (s.keeper)
		r = adit_keeper_undo_all(s.keeper, !s.ending, err, sizeof(err));
	if (r)
		tell(&s, "", "broken", err);
	helper_server_fini(&s);
	_exit(r ? 1 : 0);
}
