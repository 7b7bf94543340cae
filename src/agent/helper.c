/* SPDX-License-Identifier: ISC */
/*
 * helper.c - the helper as the network process sees it. Without rights there is no
 * other process: the server's functions are called here.
 */
#include "agent/helper.h"

#include <errno.h>
#include <fcntl.h>
#include <linux/capability.h>
#include <poll.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include "agent/helper_job.h"
#include "agent/helper_message.h"
#include "agent/helper_rights.h"
#include "agent/helper_server.h"
#include "agent/lender.h"
#include "base/time.h"
#include "host/keyfile.h"

#define END_MS   10000 /* how long it may take to undo everything */
#define TEXT_MAX (16u << 20)

struct helper {
	pthread_mutex_t mutex; /* a request and its answer: data threads ask for sockets */
	int sock;              /* -1: no helper, or it is gone */
	int events_fd;
	pid_t pid;
	struct helper_server *here; /* without rights; else NULL */
	struct agent_lender *lenders;
};

/* --- asking ---------------------------------------------------------------------- */

static int ask_helper(struct helper *h, struct helper_message *m, int fd, int *ret)
{
	int r = h->sock < 0 ? -EPIPE : helper_message_send(h->sock, m, fd);

	if (!r)
		r = helper_message_recv(h->sock, m, ret);
	if (r == 1)
		return m->op == HELPER_ANSWER ? m->result : -EPROTO;
	snprintf(m->text, sizeof(m->text), "the helper process is gone");
	return -EPIPE;
}

/* 0 or -errno, with the sentence in m->text. *ret: the descriptor of the answer, or -1. */
static int ask(struct helper *h, struct helper_message *m, int fd, int *ret)
{
	int dummy, r;

	if (!ret)
		ret = &dummy;
	*ret = -1;
	pthread_mutex_lock(&h->mutex);
	if (h->here) {
		*ret = helper_server_answer(h->here, m, fd);
		r = m->result;
	} else {
		r = ask_helper(h, m, fd, ret);
	}
	pthread_mutex_unlock(&h->mutex);
	if (ret == &dummy && dummy >= 0)
		close(dummy);
	return r;
}

static int ask_fd(struct helper *h, struct helper_message *m, char *err, size_t err_len)
{
	int fd, r = ask(h, m, -1, &fd);

	if (!r && fd < 0) {
		r = -EPROTO;
		snprintf(m->text, sizeof(m->text), "the helper process sent no descriptor");
	}
	if (r && err)
		snprintf(err, err_len, "%s", m->text);
	return r ? r : fd;
}

/* False: it is too long. */
static bool set_path(struct helper_message *m, const char *path)
{
	return snprintf(m->path, sizeof(m->path), "%s", path) < (int)sizeof(m->path);
}

static void set_name(struct helper_message *m, const char *name)
{
	snprintf(m->name, sizeof(m->name), "%s", name);
}

static int say(int r, const struct helper_message *m, char *err, size_t err_len)
{
	if (r)
		snprintf(err, err_len, "%s", m->text);
	return r;
}

/* --- life ----------------------------------------------------------------------------- */

static bool has_net_admin(void)
{
	struct __user_cap_header_struct header = { .version = _LINUX_CAPABILITY_VERSION_3 };
	struct __user_cap_data_struct caps[_LINUX_CAPABILITY_U32S_3];

	return syscall(SYS_capget, &header, caps) == 0 && caps[0].effective & (1u << CAP_NET_ADMIN);
}

/* Somebody may be waiting for the other end of a pipe. */
static void let_go(bool all)
{
	int null = open("/dev/null", O_RDWR | O_CLOEXEC);

	for (int fd = 0; null >= 0 && fd < (all ? 3 : 2); fd++)
		dup2(null, fd);
	if (null > 2)
		close(null);
	(void)!chdir("/");
}

/* sock[0], events[0] are ours, [1] the helper's. */
static int fork_helper(struct helper *h, const struct helper_config *cfg, const int sock[2], const int events[2])
{
	h->pid = fork();
	if (h->pid < 0)
		return -errno;
	if (!h->pid) {
		close(sock[0]);
		close(events[0]);
		prctl(PR_SET_NAME, "adit-helper", 0, 0, 0);
		helper_rights_keep();
		if (cfg->left)
			close_range(ADIT_SERVICE_FDS, ADIT_SERVICE_FDS + cfg->left - 1, 0);
		let_go(cfg->background);
		helper_server_run(cfg->config_path, sock[1], events[1]);
	}
	close(sock[1]);
	close(events[1]);
	h->sock = sock[0];
	h->events_fd = events[0];
	return 0;
}

static void close_pair(const int fd[2])
{
	for (int i = 0; i < 2; i++)
		if (fd[i] >= 0)
			close(fd[i]);
}

static int start_process(struct helper *h, const struct helper_config *cfg)
{
	int sock[2] = { -1, -1 }, events[2] = { -1, -1 }, r;

	if (socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0, sock) < 0 ||
	    socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC | SOCK_NONBLOCK, 0, events) < 0)
		r = -errno;
	else
		r = fork_helper(h, cfg, sock, events);
	if (r) {
		close_pair(sock);
		close_pair(events);
	}
	return r;
}

static int start_here(struct helper *h, const char *config_path)
{
	h->here = calloc(1, sizeof(*h->here));
	if (!h->here)
		return -ENOMEM;
	helper_server_init(h->here, config_path, -1);
	return 0;
}

int helper_start(struct helper **ret, const struct helper_config *cfg, char *err, size_t err_len)
{
	struct helper *h = calloc(1, sizeof(*h));
	int r = -ENOMEM;

	if (h) {
		pthread_mutex_init(&h->mutex, NULL);
		h->sock = h->events_fd = -1;
		r = has_net_admin() ? start_process(h, cfg) : start_here(h, cfg->config_path);
	}
	if (r) {
		snprintf(err, err_len, "cannot start the helper process: %s", strerror(-r));
		free(h);
		return r;
	}
	*ret = h;
	return 0;
}

static int64_t now_ms(void)
{
	struct timespec ts;

	clock_gettime(CLOCK_MONOTONIC, &ts);
	return (int64_t)ts.tv_sec * 1000 + ts.tv_nsec / 1000000;
}

/* Until its end of the events is closed: that is its end as a process. */
static void wait_for_end(struct helper *h)
{
	int64_t end = now_ms() + END_MS, left = END_MS;
	struct pollfd p = { .fd = h->events_fd, .events = POLLIN };
	struct helper_event e;
	bool ended = false;

	while (!ended && left > 0 && poll(&p, 1, (int)left) > 0) {
		while (helper_next(h, &e, &ended))
			if (!strcmp(e.what, "broken"))
				fprintf(stderr, "adit agent: not undone: %s\n", e.text);
		left = end - now_ms();
	}
}

void helper_end(struct helper *h, bool keep)
{
	struct helper_message m = { .op = HELPER_END, .flag = keep };

	if (!h)
		return;
	(void)ask(h, &m, -1, NULL);
	if (h->here)
		helper_server_fini(h->here);
	else
		wait_for_end(h);
	if (h->sock >= 0)
		close(h->sock);
	if (h->events_fd >= 0)
		close(h->events_fd);
	if (h->pid > 0)
		waitpid(h->pid, NULL, WNOHANG); /* a sandbox may forbid it, and nobody misses it */
	agent_lenders_free(h->lenders);
	pthread_mutex_destroy(&h->mutex);
	free(h->here);
	free(h);
}

bool helper_privileged(const struct helper *h)
{
	return !h->here;
}

int helper_begin(struct helper *h, const char *state_dir, char *err, size_t err_len)
{
	struct helper_message m = { .op = HELPER_BEGIN };

	if (h->here)
		return 0; /* nothing of the machine can be changed */
	if (!set_path(&m, state_dir)) {
		snprintf(err, err_len, "the state directory's name is too long");
		return -ENAMETOOLONG;
	}
	return say(ask(h, &m, -1, NULL), &m, err, err_len);
}

int helper_own_socket(struct helper *h, const char *path)
{
	struct helper_message m = { .op = HELPER_OWN };

	return set_path(&m, path) ? ask(h, &m, -1, NULL) : -ENAMETOOLONG;
}

int helper_confined(struct helper *h)
{
	struct helper_message m = { .op = HELPER_CONFINED };

	return ask(h, &m, -1, NULL);
}

/* --- descriptors ------------------------------------------------------------------------ */

int helper_tun(struct helper *h, char name[ADIT_IFNAME_LEN], bool multi, char *err, size_t err_len)
{
	struct helper_message m = { .op = HELPER_TUN, .flag = multi };
	int fd;

	set_name(&m, name);
	fd = ask_fd(h, &m, err, err_len);
	if (fd >= 0)
		memcpy(name, m.name, ADIT_IFNAME_LEN);
	return fd;
}

int helper_adopt(struct helper *h, int tun_fd)
{
	struct helper_message m = { .op = HELPER_ADOPT };

	return ask(h, &m, tun_fd, NULL);
}

struct agent_lender **helper_lenders(struct helper *h)
{
	return &h->lenders;
}

int helper_udp(struct helper *h, struct helper_socket *s, char *err, size_t err_len)
{
	struct helper_message m = { .op = HELPER_UDP, .socket = *s };
	int fd = ask_fd(h, &m, err, err_len);

	if (fd >= 0)
		s->port = m.socket.port;
	return fd;
}

int helper_mark(struct helper *h, int fd, uint32_t mark)
{
	struct helper_message m = { .op = HELPER_MARK, .socket.mark = mark };

	return ask(h, &m, fd, NULL);
}

int helper_marked(struct helper *h, int family, int type, uint32_t mark)
{
	struct helper_message m = { .op = HELPER_MARKED, .flag = type == SOCK_STREAM, .socket.mark = mark };

	m.socket.bind.family = family == AF_INET6 ? 6 : 4;
	return ask_fd(h, &m, NULL, 0);
}

int helper_uapi(struct helper *h, const char *ifname, char *err, size_t err_len)
{
	struct helper_message m = { .op = HELPER_UAPI };

	set_name(&m, ifname);
	return ask_fd(h, &m, err, err_len);
}

void helper_uapi_close(struct helper *h, const char *ifname)
{
	struct helper_message m = { .op = HELPER_UAPI_CLOSE };

	set_name(&m, ifname);
	(void)ask(h, &m, -1, NULL);
}

/* --- files --------------------------------------------------------------------------------- */

static int open_file(struct helper *h, const char *path)
{
	struct helper_message m = { .op = HELPER_READ };

	return set_path(&m, path) ? ask_fd(h, &m, NULL, 0) : -ENAMETOOLONG;
}

int helper_read(struct helper *h, struct adit_textfile *ret, const char *path)
{
	int fd = open_file(h, path);

	*ret = (struct adit_textfile){ 0 };
	return fd < 0 ? fd : adit_textfile_take(ret, fd, TEXT_MAX, true);
}

int helper_key(struct helper *h, const char *path, uint8_t key[ADIT_KEY_LEN], char *err, size_t err_len)
{
	int fd = open_file(h, path);
	const char *why = adit_keyfile_take(fd, key);

	if (!why)
		return 0;
	snprintf(err, err_len, "%s: %s", path, why);
	return fd < 0 ? fd : -EINVAL;
}

static void free_names(char **names, size_t cnt)
{
	for (size_t i = 0; i < cnt; i++)
		free(names[i]);
	free(names);
}

int helper_drop_ins(struct helper *h, char ***ret)
{
	char **names = calloc(1, sizeof(*names));
	size_t cnt = 0;
	int r = names ? 0 : -ENOMEM;

	while (!r) {
		struct helper_message m = { .op = HELPER_DROP_INS, .number = (uint32_t)cnt };
		char **grown;

		r = ask(h, &m, -1, NULL);
		if (r)
			break;
		grown = realloc(names, (cnt + 2) * sizeof(*names));
		if (!grown || !(grown[cnt] = strdup(m.path)))
			r = -ENOMEM;
		names = grown ? grown : names;
		if (!r)
			names[++cnt] = NULL;
	}
	if (r == -ENOENT) {
		*ret = names;
		return (int)cnt;
	}
	free_names(names, cnt);
	return r;
}

int helper_open(void *helper, struct adit_textfile *ret, const char *path)
{
	return helper_read(helper, ret, path);
}

int helper_open_drop_ins(void *helper, const char *path, char ***names)
{
	(void)path; /* the helper knows whose */
	return helper_drop_ins(helper, names);
}

/* --- plans ------------------------------------------------------------------------------------ */

int helper_apply(struct helper *h, const struct adit_plan *plan, char *err, size_t err_len)
{
	struct helper_message m = { .op = HELPER_APPLY };
	int fd = helper_plan_pack(plan), r;

	if (fd < 0) {
		snprintf(err, err_len, "cannot write the plan down: %s", strerror(-fd));
		return fd;
	}
	set_name(&m, plan->name);
	r = ask(h, &m, fd, NULL);
	close(fd);
	return say(r, &m, err, err_len);
}

int helper_take_plan(struct helper *h, const char *name, struct adit_plan *ret, char *err, size_t err_len)
{
	struct helper_message m = { .op = HELPER_PLAN };
	int fd, r;

	set_name(&m, name);
	fd = ask_fd(h, &m, err, err_len);
	if (fd < 0)
		return fd;
	r = helper_plan_unpack(ret, name, fd);
	close(fd);
	if (r)
		snprintf(err, err_len, "the plan %s cannot be read: %s", name, strerror(-r));
	return r;
}

int helper_undo(struct helper *h, const char *name, char *err, size_t err_len)
{
	struct helper_message m = { .op = HELPER_UNDO };

	set_name(&m, name);
	return say(ask(h, &m, -1, NULL), &m, err, err_len);
}

int helper_job(struct helper *h, const struct helper_job *job, char *err, size_t err_len)
{
	struct helper_message m = { .op = HELPER_JOB, .number = (job->dry_run ? HELPER_JOB_DRY_RUN : 0) |
								(job->keep_guards ? HELPER_JOB_KEEP_GUARDS : 0) };

	snprintf(m.what, sizeof(m.what), "%s", job->what);
	if (!set_path(&m, job->network))
		return -ENAMETOOLONG;
	return ask_fd(h, &m, err, err_len);
}

int helper_service(struct helper *h, struct adit_service *ret)
{
	struct helper_message m = { .op = HELPER_SERVICE };
	int r = getenv("NOTIFY_SOCKET") ? ask(h, &m, -1, NULL) : -ENOENT;

	*ret = (struct adit_service){ .restarts = m.flag, .stored = m.number };
	return r;
}

/* --- events ------------------------------------------------------------------------------------- */

int helper_fd(const struct helper *h)
{
	return h->events_fd;
}

bool helper_next(struct helper *h, struct helper_event *ret, bool *ended)
{
	struct helper_message m;
	int fd, r;

	*ended = false;
	if (h->events_fd < 0)
		return false;
	r = helper_message_recv(h->events_fd, &m, &fd);
	if (fd >= 0)
		close(fd);
	if (r == 1 && m.op == HELPER_EVENT) {
		memcpy(ret->plan, m.name, sizeof(ret->plan));
		memcpy(ret->what, m.what, sizeof(ret->what));
		snprintf(ret->text, sizeof(ret->text), "%.255s", m.text);
		return true;
	}
	*ended = r != -EAGAIN && r != -EINTR;
	return false;
}
