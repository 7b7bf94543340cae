/* SPDX-License-Identifier: ISC */
/* sockets.c - the tunnel's port and mark, and its going up and down with the link */
#include <errno.h>
#include <string.h>

#include "tunnel/tunnel_internal.h"

enum { SLICE = 256 };

static void watch_sockets(struct adit_data *d)
{
	if (d->udp.outer.fd[ADIT_OUTER_4] >= 0)
		adit_data_watch(d, d->udp.outer.fd[ADIT_OUTER_4], ADIT_READY_OUTER4);
	if (d->udp.outer.fd[ADIT_OUTER_6] >= 0)
		adit_data_watch(d, d->udp.outer.fd[ADIT_OUTER_6], ADIT_READY_OUTER6);
}

int adit_sockets_open(struct adit_tunnel *t, uint16_t port)
{
	struct adit_udp_bind b = { .port = port, .addr = t->bind, .mark = t->mark, .shared = t->threads > 1 };

	memcpy(b.device, t->bind_device, sizeof(b.device));
	for (unsigned i = 0; i < t->threads; i++) {
		int r;

		b.join = i > 0;
		r = adit_udp_open(&t->data[i].udp, &b);
		if (r < 0) {
			/* the first one failed: what was open stays so; a later one cannot be undone */
			if (i > 0)
				adit_sockets_close(t);
			return r;
		}
		watch_sockets(&t->data[i]);
	}
	if (t->threads > 1 && t->engine.core->data_type)
		adit_udp_steer(&t->data[0].udp, t->engine.core->data_type, t->threads);
	t->port = b.port;
	adit_hold_control(&t->engine.hold);
	t->engine.core->set_port(t->engine.state, b.port);
	adit_hold_release(&t->engine.hold);
	return 0;
}

void adit_sockets_close(struct adit_tunnel *t)
{
	for (unsigned i = 0; i < t->threads; i++)
		adit_udp_close(&t->data[i].udp);
}

void adit_tunnel_go_up(struct adit_tunnel *t)
{
	int r = adit_sockets_open(t, t->port), more;

	if (r < 0) {
		adit_notes_add(&t->engine.notes, "socket: cannot use port %u: %s", t->port, strerror(-r));
		return;
	}
	atomic_store(&t->up, true);
	do {
		adit_hold_control(&t->engine.hold);
		more = t->engine.core->up(t->engine.state, SLICE, adit_tunnel_now());
		adit_hold_release(&t->engine.hold);
	} while (more > 0);
}

void adit_tunnel_go_down(struct adit_tunnel *t)
{
	int more;

	do {
		adit_hold_control(&t->engine.hold);
		more = t->engine.core->down(t->engine.state, SLICE, adit_tunnel_now());
		adit_hold_release(&t->engine.hold);
	} while (more > 0);
	adit_sockets_close(t);
	atomic_store(&t->up, false);
}

/* While down nothing is bound, but a port that is taken is found at once. */
static int try_port(struct adit_tunnel *t, uint16_t port)
{
	struct adit_udp_bind b = { .port = port, .addr = t->bind };
	struct adit_udp probe;
	int r = adit_udp_init(&probe, 0, &t->engine.notes);

	if (r < 0)
		return r;
	probe.rights = t->rights;
	memcpy(b.device, t->bind_device, sizeof(b.device));
	r = adit_udp_open(&probe, &b);
	adit_udp_fini(&probe);
	return r;
}

int adit_tunnel_set_port(struct adit_tunnel *t, uint16_t port)
{
	int r = 0;

	pthread_mutex_lock(&t->config);
	if (port && port == t->port) {
		pthread_mutex_unlock(&t->config);
		return 0;
	}
	adit_gate_close(t, NULL);
	if (atomic_load(&t->up))
		r = adit_sockets_open(t, port);
	else if (port || t->bind.family || t->bind_device[0])
		r = try_port(t, port);
	if (r == 0 && !atomic_load(&t->up))
		t->port = port;
	adit_gate_open(t);
	pthread_mutex_unlock(&t->config);
	return r;
}

int adit_tunnel_rebind(struct adit_tunnel *t)
{
	int r = 0;

	pthread_mutex_lock(&t->config);
	adit_gate_close(t, NULL);
	if (atomic_load(&t->up)) {
		adit_sockets_close(t);
		r = adit_sockets_open(t, t->port);
	}
	adit_gate_open(t);
	pthread_mutex_unlock(&t->config);
	return r;
}

unsigned adit_tunnel_unreachable(struct adit_tunnel *t, const struct adit_path *path, int *error)
{
	unsigned cnt = 0;

	for (unsigned i = 0; i < t->threads; i++)
		cnt += adit_udp_unreachable(&t->data[i].udp, path, error);
	return cnt;
}

uint16_t adit_tunnel_port(struct adit_tunnel *t)
{
	uint16_t port;

	pthread_mutex_lock(&t->config);
	port = t->port;
	pthread_mutex_unlock(&t->config);
	return port;
}

int adit_tunnel_set_fwmark(struct adit_tunnel *t, uint32_t mark)
{
	int r = 0;

	pthread_mutex_lock(&t->config);
	adit_gate_close(t, NULL);
	for (unsigned i = 0; i < t->threads && r == 0; i++)
		r = adit_udp_set_mark(&t->data[i].udp, mark);
	if (r == 0)
		t->mark = mark;
	adit_gate_open(t);
	pthread_mutex_unlock(&t->config);
	return r;
}

uint32_t adit_tunnel_fwmark(struct adit_tunnel *t)
{
	uint32_t mark;

	pthread_mutex_lock(&t->config);
	mark = t->mark;
	pthread_mutex_unlock(&t->config);
	return mark;
}
