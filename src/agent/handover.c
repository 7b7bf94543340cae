/* SPDX-License-Identifier: ISC */
/* handover.c - an agent that gives its networks to the one after it */
#include "agent/handover_internal.h"

#include <errno.h>
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/mman.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <unistd.h>

#include "host/process.h"
#include "wg/wg.h"

#define SLICE       256  /* peers in one hold */
#define PATIENCE_MS 5000 /* nothing moves meanwhile */

struct agent_handover *agent_handover_of(struct agent *a)
{
	if (!a->handover) {
		a->handover = calloc(1, sizeof(*a->handover));
		if (a->handover) {
			a->handover->agent = a;
			a->handover->listener.fd = a->handover->conn.fd = -1;
			a->handover->release_at = ADIT_NEVER;
		}
	}
	return a->handover;
}

int agent_handover_address(struct sockaddr_un *sa, const char *control_socket)
{
	*sa = (struct sockaddr_un){ .sun_family = AF_UNIX };
	return snprintf(sa->sun_path, sizeof(sa->sun_path), "%s.next", control_socket) < (int)sizeof(sa->sun_path)
		? 0 : -ENAMETOOLONG;
}

/* --- sessions ------------------------------------------------------------------------ */

static int write_sessions(struct adit_tunnel *t, struct adit_wg_cursor *c, const uint8_t key[ADIT_KEY_LEN], FILE *out)
{
	struct adit_wg *wg = adit_tunnel_core(t);
	uint8_t buf[ADIT_WG_EXPORT_MAX];
	struct adit_wg_peer *peer = NULL;

	adit_tunnel_lock(t);
	for (unsigned i = 0; i < SLICE && (peer = adit_wg_cursor_next(wg, c)); i++) {
		int n = adit_wg_session_export(wg, peer, key, buf, adit_tunnel_now());

		if (n > 0 && (fputc(n & 255, out) == EOF || fputc(n >> 8, out) == EOF ||
			      fwrite(buf, 1, (size_t)n, out) != (size_t)n))
			peer = NULL;
	}
	adit_tunnel_unlock(t);
	return peer != NULL;
}

/* A file of them: length, little-endian; sealed session. -1: none could be written. */
static int sessions_of(struct adit_tunnel *t, const uint8_t key[ADIT_KEY_LEN])
{
	int fd = memfd_create("adit-sessions", MFD_CLOEXEC), copy = fd < 0 ? -1 : dup(fd);
	FILE *out = copy < 0 ? NULL : fdopen(copy, "w");
	struct adit_wg_cursor c;

	if (!out) {
		if (copy >= 0)
			close(copy);
		return fd;
	}
	adit_tunnel_lock(t);
	adit_wg_cursor_open(adit_tunnel_core(t), &c);
	adit_tunnel_unlock(t);
	while (write_sessions(t, &c, key, out))
		;
	adit_tunnel_lock(t);
	adit_wg_cursor_close(adit_tunnel_core(t), &c);
	adit_tunnel_unlock(t);
	fclose(out);
	return fd;
}

/* --- giving ---------------------------------------------------------------------------- */

static struct adit_tunnel *tunnel_of(struct agent_network *n)
{
	if (!n->impl || !n->ops->tunnel || n->settings->type == AGENT_FORWARD)
		return NULL;
	return n->ops->tunnel(n);
}

static int give_network(struct agent_network *n, const uint8_t key[ADIT_KEY_LEN], handover_give *give, void *to)
{
	struct handover_message m = { .version = HANDOVER_VERSION, .kind = HANDOVER_NETWORK, .wanted = n->wanted,
				      .enable = n->settings->enable };
	struct adit_tunnel *t = tunnel_of(n);
	int fd[HANDOVER_FDS_MAX], sessions = -1, r;
	struct adit_tunnel_ends ends;
	unsigned cnt = 0;

	snprintf(m.name, sizeof(m.name), "%s", n->settings->name);
	if (t) {
		m.open = 1;
		snprintf(m.ifname, sizeof(m.ifname), "%s", adit_tunnel_ifname(t));
		adit_tunnel_ends(t, &ends);
		cnt = handover_pack(&m, &ends, fd);
		if (n->settings->type == AGENT_WIREGUARD)
			sessions = sessions_of(t, key);
		if (sessions >= 0) {
			m.sessions = 1;
			fd[cnt++] = sessions;
		}
	}
	r = give(to, &m, fd, cnt);
	if (sessions >= 0)
		close(sessions);
	return r;
}

void agent_handover_pause(struct agent_handover *h, bool pause)
{
	for (struct agent_network *n = h->agent->networks; n; n = n->next) {
		struct adit_tunnel *t = tunnel_of(n);

		if (t && pause)
			adit_tunnel_pause(t);
		else if (t)
			adit_tunnel_resume(t);
	}
	h->paused = pause;
}

int agent_handover_give_all(struct agent_handover *h, const uint8_t key[ADIT_KEY_LEN], handover_give *give, void *to)
{
	const struct handover_message all = { .version = HANDOVER_VERSION, .kind = HANDOVER_ALL };
	int r = 0;

	agent_handover_pause(h, true);
	for (struct agent_network *n = h->agent->networks; n && !r; n = n->next)
		r = give_network(n, key, give, to);
	return r ? r : give(to, &all, NULL, 0);
}

static int send_to(void *to, const struct handover_message *m, const int *fd, unsigned cnt)
{
	return handover_send(((struct agent_handover *)to)->conn.fd, m, fd, cnt);
}

static void hang_up(struct agent_handover *h)
{
	close(h->conn.fd);
	h->conn.fd = -1;
	if (h->paused)
		agent_handover_pause(h, false);
}

static bool next_message(struct agent_handover *h, enum handover_kind kind, struct handover_message *m)
{
	struct pollfd p = { .fd = h->conn.fd, .events = POLLIN };
	int fd[HANDOVER_FDS_MAX];
	unsigned cnt;

	return poll(&p, 1, PATIENCE_MS) > 0 && handover_recv(h->conn.fd, m, fd, &cnt) == 1 && m->kind == kind;
}

/* In one go: nothing else may touch tunnels that stand still. */
static void asked(struct adit_watch *w, uint32_t events)
{
	struct agent_handover *h = adit_container_of(w, struct agent_handover, conn);
	struct handover_message m;
	bool given;

	(void)events;
	given = next_message(h, HANDOVER_ASK, &m);
	if (given) {
		adit_log_info("another agent takes over");
		given = !agent_handover_give_all(h, m.key, send_to, h);
	}
	adit_wipe(&m, sizeof(m));
	if (given && next_message(h, HANDOVER_TAKEN, &m)) {
		epoll_ctl(h->agent->epoll_fd, EPOLL_CTL_DEL, w->fd, NULL);
		h->gone = true;
		return;
	}
	adit_log_warning("the agent that wanted to take over is gone; going on");
	hang_up(h);
}

static bool may_ask(int fd)
{
	struct ucred cred;
	socklen_t len = sizeof(cred);

	return !getsockopt(fd, SOL_SOCKET, SO_PEERCRED, &cred, &len) && (cred.uid == 0 || cred.uid == geteuid());
}

static void somebody_comes(struct adit_watch *w, uint32_t events)
{
	struct agent_handover *h = adit_container_of(w, struct agent_handover, listener);
	int fd = accept4(w->fd, NULL, NULL, SOCK_CLOEXEC);

	(void)events;
	if (fd < 0)
		return;
	if (h->conn.fd >= 0 || !may_ask(fd)) {
		close(fd);
		return;
	}
	h->conn = (struct adit_watch){ fd, asked };
	if (adit_watch_add(h->agent->epoll_fd, &h->conn, EPOLLIN))
		hang_up(h);
}

int agent_handover_listen(struct agent *a)
{
	struct agent_handover *h = agent_handover_of(a);
	struct sockaddr_un sa;
	int r = h ? agent_handover_address(&sa, a->config->control_socket) : -ENOMEM, fd;
	mode_t mask;

	if (r)
		return r;
	fd = socket(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
	if (fd < 0)
		return -errno;
	unlink(sa.sun_path); /* the control socket is ours: nobody serves this one */
	mask = umask(0177);
	r = bind(fd, (struct sockaddr *)&sa, sizeof(sa)) < 0 || listen(fd, 1) < 0 ? -errno : 0;
	umask(mask);
	h->listener = (struct adit_watch){ fd, somebody_comes };
	if (!r)
		r = adit_watch_add(a->epoll_fd, &h->listener, EPOLLIN);
	if (!r)
		(void)helper_own_socket(a->helper, sa.sun_path);
	return r;
}

bool agent_handover_gone(const struct agent *a)
{
	return a->handover && a->handover->gone;
}

void agent_handover_fini(struct agent *a)
{
	struct agent_handover *h = a->handover;
	struct sockaddr_un sa;

	if (!h)
		return;
	if (h->listener.fd >= 0) {
		close(h->listener.fd);
		if (!agent_handover_address(&sa, a->config->control_socket))
			unlink(sa.sun_path);
	}
	if (h->conn.fd >= 0)
		close(h->conn.fd);
	agent_handover_forget(h);
	free(h);
	a->handover = NULL;
}
