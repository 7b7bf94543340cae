/* SPDX-License-Identifier: ISC */
/* handover_take.c - an agent that takes over the networks of the one before it */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/time.h>
#include <sys/un.h>
#include <unistd.h>

#include "agent/handover_internal.h"
#include "agent/lender.h"
#include "host/process.h"
#include "wg/wg.h"

#define PATIENCE_SECS 15 /* its threads may be busy, its helper too */
#define RELEASE_AFTER (10 * ADIT_SEC)

/* --- taking --------------------------------------------------------------------------- */

static void close_all(const int *fd, unsigned cnt)
{
	while (cnt)
		close(fd[--cnt]);
}

static int add_left(struct agent_handover *h, const struct handover_message *m, int sessions)
{
	struct agent_left *l = calloc(1, sizeof(*l));

	if (!l)
		return -ENOMEM;
	memcpy(l->name, m->name, sizeof(l->name));
	l->wanted = m->wanted;
	l->enable = m->enable;
	l->sessions = sessions;
	l->next = h->left;
	h->left = l;
	return 0;
}

/* Descriptors are owned by the lender then, and the file of sessions by us. */
static int take_network(struct agent_handover *h, const struct handover_message *m, const int *fd, unsigned cnt)
{
	struct agent_lender *l = agent_lender_of(h->agent->helper, m->name);
	struct adit_tunnel_ends ends;
	int r = l && !l->ends.threads ? add_left(h, m, m->open && m->sessions ? fd[cnt - 1] : -1) : -EBADMSG;

	if (r) {
		close_all(fd, cnt);
		return r;
	}
	if (!m->open)
		return 0;
	handover_unpack(m, fd, &ends);
	l->ends = ends;
	memcpy(l->ifname, m->ifname, sizeof(l->ifname));
	return helper_adopt(h->agent->helper, ends.tun[0]);
}

static int take_all(struct agent_handover *h, handover_next *next, void *from)
{
	struct handover_message m;
	int fd[HANDOVER_FDS_MAX], r;
	unsigned cnt;

	while ((r = next(from, &m, fd, &cnt)) == 1) {
		if (m.kind == HANDOVER_ALL)
			return 0;
		if (m.kind != HANDOVER_NETWORK)
			return -EBADMSG;
		r = take_network(h, &m, fd, cnt);
		if (r)
			return r;
	}
	return r ? r : -EPIPE;
}

static void release_all(struct agent *a)
{
	for (struct agent_lender *l = *helper_lenders(a->helper); l; l = l->next)
		agent_lender_release(l);
	agent_handover_forget(a->handover);
}

int agent_handover_use(struct agent_handover *h, const uint8_t key[ADIT_KEY_LEN], handover_next *next, void *from)
{
	int r = -ENOMEM;

	h->key = adit_secret_alloc(ADIT_KEY_LEN);
	if (h->key) {
		memcpy(h->key, key, ADIT_KEY_LEN);
		r = take_all(h, next, from);
	}
	h->release_at = adit_tunnel_now() + RELEASE_AFTER;
	if (r)
		release_all(h->agent);
	return r;
}

/* It ends as a process, and the connection with it. */
static int wait_for_end(int sock)
{
	char c;
	ssize_t n = recv(sock, &c, 1, 0);

	return n < 0 && errno != ECONNRESET ? -errno : 0;
}

static int received(void *from, struct handover_message *m, int fd[HANDOVER_FDS_MAX], unsigned *cnt)
{
	return handover_recv(*(int *)from, m, fd, cnt);
}

static int converse(struct agent_handover *h, int sock)
{
	struct handover_message m = { .version = HANDOVER_VERSION, .kind = HANDOVER_ASK };
	int r;

	memcpy(m.key, h->key, sizeof(m.key));
	r = handover_send(sock, &m, NULL, 0);
	adit_wipe(m.key, sizeof(m.key));
	if (!r)
		r = take_all(h, received, &sock);
	m.kind = HANDOVER_TAKEN;
	if (!r)
		r = handover_send(sock, &m, NULL, 0);
	return r ? r : wait_for_end(sock);
}

static int connect_to(const char *control_socket)
{
	const struct timeval patience = { PATIENCE_SECS, 0 };
	struct sockaddr_un sa;
	int r = agent_handover_address(&sa, control_socket), fd;

	if (r)
		return r;
	fd = socket(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0);
	if (fd < 0)
		return -errno;
	setsockopt(fd, SOL_SOCKET, SO_RCVTIMEO, &patience, sizeof(patience));
	setsockopt(fd, SOL_SOCKET, SO_SNDTIMEO, &patience, sizeof(patience));
	if (connect(fd, (struct sockaddr *)&sa, sizeof(sa)) < 0) {
		r = errno == ECONNREFUSED ? -ENOENT : -errno;
		close(fd);
		return r;
	}
	return fd;
}

int agent_handover_take(struct agent *a, const char *control_socket, char *err, size_t err_len)
{
	struct agent_handover *h = agent_handover_of(a);
	int r = -ENOMEM, sock;

	if (h)
		h->key = adit_secret_alloc(ADIT_KEY_LEN);
	if (!h || !h->key)
		return r;
	adit_random(h->key, ADIT_KEY_LEN);
	sock = connect_to(control_socket);
	if (sock < 0) {
		snprintf(err, err_len, "cannot reach the agent at %s: %s", control_socket, strerror(-sock));
		return sock;
	}
	r = converse(h, sock);
	close(sock);
	if (r)
		snprintf(err, err_len, "the agent at %s does not hand over: %s", control_socket, strerror(-r));
	h->release_at = adit_tunnel_now() + RELEASE_AFTER;
	return r;
}

/* --- using ------------------------------------------------------------------------------- */

static struct agent_left *left_to(struct agent *a, const char *name)
{
	struct agent_left *l = a->handover ? a->handover->left : NULL;

	while (l && strcmp(l->name, name))
		l = l->next;
	return l;
}

/* Whose interface gets another name: a killswitch stays until there is the new one (wireguard.c). */
static bool goes_on(const struct agent_network *n, const char *ifname)
{
	return n && n->wanted && (n->settings->type == AGENT_WIREGUARD || !network_named_otherwise(n, ifname));
}

/* The plan in force is where a network's own begins: the same table, the same mark. */
static void take_plans(struct agent *a)
{
	char err[512];

	for (struct agent_lender *l = *helper_lenders(a->helper); l; l = l->next) {
		struct agent_network *n = agent_find(a, l->network);
		struct adit_plan plan;

		if (!l->ends.threads || helper_take_plan(a->helper, l->ifname, &plan, err, sizeof(err)))
			continue;
		if (n && !n->holds && (n->settings->type == AGENT_WIREGUARD || !goes_on(n, l->ifname))) {
			n->held = plan;
			n->holds = true;
		} else {
			adit_plan_fini(&plan);
		}
		if (goes_on(n, l->ifname))
			continue;
		/* It is no more what the file wants. */
		if (!n)
			(void)helper_undo(a->helper, l->ifname, err, sizeof(err));
		else if (!n->wanted)
			(void)agent_disconnect(a, n, err, sizeof(err));
		agent_lender_release(l);
	}
}

void agent_handover_wanted(struct agent *a)
{
	for (struct agent_network *n = a->networks; n; n = n->next) {
		const struct agent_left *l = left_to(a, n->settings->name);

		if (l && l->enable == n->settings->enable && n->wanted != l->wanted) {
			n->wanted = l->wanted;
			n->retry_at = l->wanted ? 0 : ADIT_NEVER;
		}
	}
	take_plans(a);
}

static unsigned read_sessions(const struct agent_handover *h, struct adit_tunnel *t, FILE *in)
{
	struct adit_wg *wg = adit_tunnel_core(t);
	uint8_t buf[ADIT_WG_EXPORT_MAX];
	unsigned cnt = 0;
	int lo, hi;

	while ((lo = fgetc(in)) != EOF && (hi = fgetc(in)) != EOF) {
		size_t n = (size_t)(lo | hi << 8);

		if (n > sizeof(buf) || fread(buf, 1, n, in) != n)
			break;
		adit_tunnel_lock(t);
		cnt += adit_wg_session_import(wg, h->key, buf, n, adit_tunnel_now()) == 0;
		adit_tunnel_unlock(t);
	}
	return cnt;
}

unsigned agent_handover_sessions(struct agent_network *n, struct adit_tunnel *t)
{
	struct agent_left *l = left_to(n->agent, n->settings->name);
	unsigned cnt = 0;
	FILE *in;

	if (!l || l->sessions < 0)
		return 0;
	/* Once: a session must not be imported twice. */
	in = lseek(l->sessions, 0, SEEK_SET) == 0 ? fdopen(l->sessions, "r") : NULL;
	if (in) {
		cnt = read_sessions(n->agent->handover, t, in);
		fclose(in);
	} else {
		close(l->sessions);
	}
	l->sessions = -1;
	adit_log_info("%s: %u session%s taken over", l->name, cnt, cnt == 1 ? "" : "s");
	return cnt;
}

/* --- the end of it ------------------------------------------------------------------------- */

void agent_handover_forget(struct agent_handover *h)
{
	while (h->left) {
		struct agent_left *l = h->left;

		h->left = l->next;
		if (l->sessions >= 0)
			close(l->sessions);
		free(l);
	}
	adit_secret_free(h->key, ADIT_KEY_LEN);
	h->key = NULL;
	h->release_at = ADIT_NEVER;
}

adit_time agent_handover_due(const struct agent *a)
{
	return a->handover ? a->handover->release_at : ADIT_NEVER;
}

void agent_handover_tick(struct agent *a, adit_time now)
{
	if (agent_handover_due(a) <= now)
		release_all(a);
}
