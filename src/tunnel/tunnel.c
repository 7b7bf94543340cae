/* SPDX-License-Identifier: ISC */
/*
 * tunnel.c - a tunnel put together, and the control side's calls
 *
 * DOC: threads
 *
 * Each data thread owns a queue of the TUN and a pair of sockets and carries
 * its packets to completion. They share the core, whose begin and done calls
 * are made under the hold; sealing and opening happen outside it. With one
 * thread (the default up to two cores: faster than two, since a packet stays
 * in one cache) the hold is never contended but by control. With several, the
 * sockets share the port, a session's datagrams are steered to one socket by
 * the low bits of its receiver index, and the kernel gives a flow of the TUN
 * to the queue that last wrote to it: so a flow stays on one thread.
 */
#include "tunnel/tunnel.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/eventfd.h>
#include <sys/epoll.h>
#include <sys/timerfd.h>
#include <time.h>
#include <unistd.h>

#include "tunnel/tunnel_internal.h"

enum { MTU_DEFAULT = 1420 };

/* --- what the core calls -------------------------------------------------- */

void adit_core_random(void *user, void *buf, size_t len)
{
	(void)user;
	adit_random(buf, len);
}

void adit_core_wall(void *user, struct adit_wall *ret)
{
	struct timespec ts;

	(void)user;
	clock_gettime(CLOCK_REALTIME, &ts);
	ret->sec = ts.tv_sec;
	ret->nsec = (uint32_t)ts.tv_nsec;
}

adit_time adit_tunnel_now(void)
{
	struct timespec ts;

	clock_gettime(CLOCK_BOOTTIME, &ts);
	return ts.tv_sec * ADIT_SEC + ts.tv_nsec;
}

/* --- making --------------------------------------------------------------- */

static int fail(int r, char *err, size_t err_len, const char *what)
{
	if (!err[0])
		snprintf(err, err_len, "%s: %s", what, strerror(-r));
	return r;
}

static unsigned default_threads(void)
{
	long cpus = sysconf(_SC_NPROCESSORS_ONLN);

	if (cpus <= 2)
		return 1;
	return cpus / 2 > ADIT_TUNNEL_THREADS_MAX ? ADIT_TUNNEL_THREADS_MAX : (unsigned)cpus / 2;
}

/* Somebody else opens it; what it can do is asked here all the same. */
static int lent_tun(struct adit_data *d, const struct adit_tunnel_config *cfg, char *err, size_t err_len)
{
	struct adit_tunnel *t = d->tunnel;
	int fd = t->rights->tun(t->rights->user, t->ifname, t->threads > 1, err, err_len), r;

	if (fd < 0)
		return fd;
	r = adit_tun_adopt(&d->tun, fd, t->ifname, cfg->offloads, err, err_len);
	if (r < 0)
		close(fd);
	return r;
}

static int open_tun(struct adit_data *d, const struct adit_tunnel_config *cfg, char *err, size_t err_len)
{
	struct adit_tunnel *t = d->tunnel;

	d->inner = &d->tun.inner;
	if (cfg->inner) {
		d->inner = cfg->inner;
		return 0;
	}
	if (cfg->tun_fd >= 0)
		return adit_tun_adopt(&d->tun, cfg->tun_fd, t->ifname, cfg->offloads, err, err_len);
	if (t->rights)
		return lent_tun(d, cfg, err, err_len);
	return adit_tun_open(&d->tun, t->ifname, t->threads > 1, cfg->offloads, err, err_len);
}

static int data_init(struct adit_data *d, struct adit_tunnel *t, unsigned id, const struct adit_tunnel_config *cfg,
		     char *err, size_t err_len)
{
	int r;

	d->tunnel = t;
	d->id = id;
	r = open_tun(d, cfg, err, err_len);
	if (r < 0)
		return r;
	r = adit_crypto_new(&d->crypto, cfg->aead);
	if (r < 0)
		return fail(r, err, err_len, "cannot set up ChaCha20-Poly1305");
	r = adit_udp_init(&d->udp, cfg->offloads, &t->engine.notes);
	d->udp.rights = t->rights;
	if (r == 0)
		r = adit_worker_init(&d->worker, &t->engine, d->inner, &d->udp.outer, d->crypto);
	if (r < 0)
		return fail(r, err, err_len, "cannot allocate buffers");
	d->epoll_fd = epoll_create1(EPOLL_CLOEXEC);
	d->wake_fd = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
	if (d->epoll_fd < 0 || d->wake_fd < 0)
		return fail(-errno, err, err_len, "cannot wait for events");
	adit_data_watch(d, d->wake_fd, ADIT_WATCH_WAKE);
	d->worker.guest = cfg->guest;
	if (cfg->guest)
		adit_data_watch(d, cfg->guest->fd, ADIT_READY_GUEST);
	return cfg->inner ? 0 : adit_data_watch(d, d->tun.inner.fd, ADIT_READY_INNER);
}

static void data_fini(struct adit_data *d)
{
	adit_worker_fini(&d->worker);
	adit_crypto_free(d->crypto);
	adit_udp_fini(&d->udp);
	if (d->tun.inner.fd >= 0)
		adit_tun_close(&d->tun);
	if (d->epoll_fd >= 0)
		close(d->epoll_fd);
	if (d->wake_fd >= 0)
		close(d->wake_fd);
}

/* The link tells its MTU and state; a bare descriptor has none and is up. */
static int watch_link(struct adit_tunnel *t, const struct adit_tunnel_config *cfg, char *err, size_t err_len)
{
	int r;

	if (cfg->inner || cfg->tun_elsewhere || !t->ifname[0]) {
		t->link = (struct adit_link){ .fd = -1, .up = true, .mtu = cfg->mtu ? cfg->mtu : MTU_DEFAULT };
		return 0;
	}
	if (cfg->tun_fd < 0 && !t->rights)
		adit_tun_set_mtu(t->ifname, cfg->mtu ? cfg->mtu : MTU_DEFAULT);
	r = adit_link_open(&t->link, t->ifname);
	if (r < 0)
		return fail(r, err, err_len, "cannot follow the interface's state");
	return adit_data_watch(&t->data[0], t->link.fd, ADIT_WATCH_LINK);
}

static struct adit_tunnel *alloc_tunnel(const struct adit_tunnel_config *cfg)
{
	struct adit_tunnel *t = calloc(1, sizeof(*t));
	pthread_condattr_t attr;

	if (!t)
		return NULL;
	t->bind = cfg->bind;
	t->rights = cfg->rights;
	snprintf(t->bind_device, sizeof(t->bind_device), "%s", cfg->bind_device ? cfg->bind_device : "");
	t->threads = cfg->threads ? cfg->threads : default_threads();
	if (t->threads > ADIT_TUNNEL_THREADS_MAX)
		t->threads = ADIT_TUNNEL_THREADS_MAX;
	if (cfg->tun_fd >= 0 || cfg->inner || cfg->guest)
		t->threads = 1; /* one descriptor is one queue; a stack has one owner */
	t->data = calloc(t->threads, sizeof(*t->data));
	if (!t->data) {
		free(t);
		return NULL;
	}
	for (unsigned i = 0; i < t->threads; i++)
		t->data[i].epoll_fd = t->data[i].wake_fd = t->data[i].tun.inner.fd = -1;
	pthread_mutex_init(&t->engine.hold.mutex, NULL);
	pthread_mutex_init(&t->config, NULL);
	pthread_mutex_init(&t->gate.mutex, NULL);
	pthread_condattr_init(&attr);
	pthread_cond_init(&t->gate.changed, &attr);
	pthread_condattr_destroy(&attr);
	adit_notes_init(&t->engine.notes);
	adit_list_init(&t->engine.taps.all);
	t->engine.core = cfg->core;
	t->engine.strict = cfg->strict_checksums;
	t->armed = ADIT_NEVER;
	t->link.fd = t->timer_fd = t->gone_fd = -1;
	snprintf(t->ifname, sizeof(t->ifname), "%s", cfg->ifname ? cfg->ifname : "");
	return t;
}

static int set_up(struct adit_tunnel *t, const struct adit_tunnel_config *cfg, char *err, size_t err_len)
{
	int r;

	t->timer_fd = timerfd_create(CLOCK_BOOTTIME, TFD_CLOEXEC | TFD_NONBLOCK);
	t->gone_fd = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
	if (t->timer_fd < 0 || t->gone_fd < 0)
		return fail(-errno, err, err_len, "cannot wait for events");
	for (unsigned i = 0; i < t->threads; i++) {
		r = data_init(&t->data[i], t, i, cfg, err, err_len);
		if (r < 0)
			return fail(r, err, err_len, "cannot set up a data thread");
	}
	adit_data_watch(&t->data[0], t->timer_fd, ADIT_WATCH_TIMER);
	t->probed = t->data[0].inner->offloads | (cfg->offloads & (ADIT_OFFLOAD_GSO | ADIT_OFFLOAD_GRO));
	r = watch_link(t, cfg, err, err_len);
	if (r < 0)
		return r;
	atomic_store(&t->engine.mtu, t->link.mtu);
	r = adit_crypto_new(&t->engine.crypto, cfg->aead);
	if (r == 0)
		r = cfg->core->create(&t->engine.state, &t->engine, t->engine.crypto, adit_tunnel_now());
	if (r < 0)
		return fail(r, err, err_len, "cannot set up the core");
	cfg->core->set_mtu(t->engine.state, t->link.mtu);
	return 0;
}

int adit_tunnel_new(struct adit_tunnel **ret, const struct adit_tunnel_config *cfg, char *err, size_t err_len)
{
	struct adit_tunnel *t = alloc_tunnel(cfg);
	int r;

	err[0] = '\0';
	if (!t)
		return fail(-ENOMEM, err, err_len, "cannot allocate the tunnel");
	r = set_up(t, cfg, err, err_len);
	if (r < 0) {
		adit_tunnel_free(t);
		return r;
	}
	*ret = t;
	return 0;
}

int adit_tunnel_start(struct adit_tunnel *t, char *err, size_t err_len)
{
	int r = 0;

	err[0] = '\0';
	pthread_mutex_lock(&t->config); /* no change before all are there */
	if (t->link.up) /* not left to the threads: who has started it may send at once */
		adit_tunnel_go_up(t);
	for (unsigned i = 0; i < t->threads && r == 0; i++)
		r = adit_data_start(&t->data[i]);
	pthread_mutex_unlock(&t->config);
	return r < 0 ? fail(r, err, err_len, "cannot start a data thread") : 0;
}

static void stop_threads(struct adit_tunnel *t)
{
	atomic_store(&t->stop, true);
	for (unsigned i = 0; i < t->threads; i++) {
		if (t->data[i].started)
			adit_tunnel_wake(&t->data[i]);
	}
	for (unsigned i = 0; i < t->threads; i++) {
		if (t->data[i].started)
			pthread_join(t->data[i].thread, NULL);
		t->data[i].started = false;
	}
}

void adit_tunnel_free(struct adit_tunnel *t)
{
	if (!t)
		return;
	stop_threads(t);
	if (t->engine.state)
		t->engine.core->destroy(t->engine.state);
	adit_crypto_free(t->engine.crypto);
	for (unsigned i = 0; i < t->threads; i++)
		data_fini(&t->data[i]);
	adit_link_close(&t->link);
	if (t->timer_fd >= 0)
		close(t->timer_fd);
	if (t->gone_fd >= 0)
		close(t->gone_fd);
	adit_notes_fini(&t->engine.notes);
	pthread_cond_destroy(&t->gate.changed);
	pthread_mutex_destroy(&t->gate.mutex);
	pthread_mutex_destroy(&t->config);
	pthread_mutex_destroy(&t->engine.hold.mutex);
	free(t->data);
	free(t);
}

/* --- control -------------------------------------------------------------- */

const char *adit_tunnel_ifname(const struct adit_tunnel *t)
{
	return t->ifname;
}

int adit_tunnel_gone_fd(const struct adit_tunnel *t)
{
	return t->gone_fd;
}

void adit_tunnel_lock(struct adit_tunnel *t)
{
	adit_hold_control(&t->engine.hold);
}

void adit_tunnel_unlock(struct adit_tunnel *t)
{
	bool due = t->engine.core->deadline(t->engine.state) < t->armed;

	adit_crypto_forget(t->engine.crypto);
	adit_hold_release(&t->engine.hold);
	for (unsigned i = 0; i < t->threads; i++) {
		struct adit_worker *w = &t->data[i].worker;
		bool used = atomic_load_explicit(&w->used_keys, memory_order_relaxed);

		atomic_store_explicit(&w->forget_now, used, memory_order_relaxed);
		if (used || (due && i == 0))
			adit_tunnel_wake(&t->data[i]);
	}
}

void adit_tunnel_pause(struct adit_tunnel *t)
{
	pthread_mutex_lock(&t->config);
	adit_gate_close(t, NULL);
}

void adit_tunnel_resume(struct adit_tunnel *t)
{
	adit_gate_open(t);
	pthread_mutex_unlock(&t->config);
}

void adit_tunnel_ends(const struct adit_tunnel *t, struct adit_tunnel_ends *ret)
{
	ret->threads = t->threads;
	for (unsigned i = 0; i < t->threads; i++) {
		ret->tun[i] = t->data[i].inner->fd;
		ret->udp[i][0] = t->data[i].udp.outer.fd[ADIT_OUTER_4];
		ret->udp[i][1] = t->data[i].udp.outer.fd[ADIT_OUTER_6];
	}
}

void adit_tunnel_ask(struct adit_tunnel *t)
{
	for (unsigned i = 0; i < t->threads; i++) {
		atomic_fetch_add(&t->data[i].asked, 1);
		adit_tunnel_wake(&t->data[i]);
	}
}

bool adit_tunnel_answered(const struct adit_tunnel *t)
{
	for (unsigned i = 0; i < t->threads; i++)
		if (atomic_load(&t->data[i].answered) != atomic_load(&t->data[i].asked))
			return false;
	return true;
}

void *adit_tunnel_core(struct adit_tunnel *t)
{
	return t->engine.state;
}

/* --- statistics ----------------------------------------------------------- */

static void add_worker(struct adit_tunnel_stats *s, const struct adit_data *d)
{
	const struct adit_worker_counters *n = &d->worker.n;

	for (unsigned i = 0; i < ADIT_DROP_CNT; i++)
		s->drops[i] += atomic_load_explicit(&n->drops[i], memory_order_relaxed);
	s->rx_bytes += atomic_load_explicit(&n->rx_bytes, memory_order_relaxed);
	s->tx_bytes += atomic_load_explicit(&n->tx_bytes, memory_order_relaxed);
	s->rx_datagrams += atomic_load_explicit(&n->rx_datagrams, memory_order_relaxed);
	s->tx_datagrams += atomic_load_explicit(&n->tx_datagrams, memory_order_relaxed);
	s->rx_calls += atomic_load_explicit(&n->rx_calls, memory_order_relaxed);
	s->tx_calls += atomic_load_explicit(&n->tx_calls, memory_order_relaxed);
	s->tun_reads += atomic_load_explicit(&n->tun_reads, memory_order_relaxed);
	s->tun_writes += atomic_load_explicit(&n->tun_writes, memory_order_relaxed);
	s->icmp_errors += atomic_load_explicit(&d->udp.icmp_errors, memory_order_relaxed);
	s->thread_packets[d->id] = atomic_load_explicit(&n->packets, memory_order_relaxed);
}

void adit_tunnel_stats(struct adit_tunnel *t, struct adit_tunnel_stats *s)
{
	memset(s, 0, sizeof(*s));
	s->threads = t->threads;
	s->mtu = atomic_load(&t->engine.mtu);
	s->up = atomic_load(&t->up);
	s->aead = adit_crypto_aead_name(t->data[0].crypto);
	s->offloads_probed = t->probed;
	s->offloads_used = t->data[0].inner->offloads | atomic_load(&t->data[0].udp.offloads);
	for (unsigned i = 0; i < t->threads; i++)
		add_worker(s, &t->data[i]);
	adit_hold_control(&t->engine.hold);
	t->engine.core->drops(t->engine.state, s->drops, adit_tunnel_now());
	adit_hold_release(&t->engine.hold);
	s->note_cnt = adit_notes_get(&t->engine.notes, s->notes);
}
