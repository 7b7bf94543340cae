/* SPDX-License-Identifier: ISC */
/*
 * threads.c - two cores, two data threads each, and an operator's thread: for
 * TSan, and for what only threads can break. begin and done are called under
 * the device's lock, seal and open outside of it, done in the order of begin
 * by tickets. The clock is virtual and runs some ten thousand times too fast,
 * so that keys are renewed all the time; the operator adds and removes another
 * peer, sets preshared keys and lists peers meanwhile.
 *
 *   worker: plain packets -> out_begin | seal | out_done -> the other's queue
 *           own queue     -> in_begin  | open | in_done  -> counted, checked
 */
#include <pthread.h>
#include <sched.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/bytes.h"
#include "rng.h"
#include "wg/wg.h"

#define WORKERS     2
#define ROUNDS      10000 /* trains a worker sends */
#define TRAIN       8
#define LEN         200
#define STRIDE      (208 + ADIT_WG_OVERHEAD)
#define QUEUE_MAX   64
#define STEP        (20 * ADIT_MSEC) /* the clock goes on by this with every train */

#define must(cond) ((cond) ? (void)0 : abort())

struct message {
	uint32_t len, stride;
	uint8_t bytes[];
};

struct device {
	struct adit_wg *wg;
	struct adit_crypto *crypto; /* the owner's: used under the lock */
	struct device *other;
	unsigned id;
	uint8_t priv[ADIT_KEY_LEN], pub[ADIT_KEY_LEN];
	pthread_mutex_t lock;
	pthread_cond_t turn;
	uint64_t next_ticket, turn_of[2]; /* out, in: order of begin is order of done */
	uint64_t tickets[2];
	struct rng rng;
	uint32_t number;        /* of the next packet; under the lock */
	uint8_t *seen;          /* packets that came; under the lock */
	unsigned delivered, sessions;

	pthread_mutex_t queue_lock;
	struct message *queue[QUEUE_MAX];
	unsigned queue_first, queue_cnt;
};

static struct device devices[2];
static atomic_llong clock_ns = 1000 * ADIT_SEC;
static atomic_uint running;

static adit_time now(void)
{
	return atomic_load(&clock_ns);
}

static void op_random(void *user, void *buf, size_t len)
{
	struct device *d = user;

	rng_fill(&d->rng, buf, len);
}

static void op_wall(void *user, struct adit_wall *ret)
{
	(void)user;
	ret->sec = 1700000000 + now() / ADIT_SEC;
	ret->nsec = (uint32_t)(now() % ADIT_SEC);
}

static void push(struct device *d, const uint8_t *bytes, size_t len, size_t stride)
{
	struct message *m = malloc(sizeof(*m) + len);

	must(m);
	m->len = (uint32_t)len;
	m->stride = (uint32_t)stride;
	memcpy(m->bytes, bytes, len);
	pthread_mutex_lock(&d->queue_lock);
	if (d->queue_cnt < QUEUE_MAX) {
		d->queue[(d->queue_first + d->queue_cnt++) % QUEUE_MAX] = m;
		m = NULL;
	}
	pthread_mutex_unlock(&d->queue_lock);
	free(m); /* full: lost */
}

static struct message *pop(struct device *d)
{
	struct message *m = NULL;

	pthread_mutex_lock(&d->queue_lock);
	if (d->queue_cnt > 0) {
		m = d->queue[d->queue_first];
		d->queue_first = (d->queue_first + 1) % QUEUE_MAX;
		d->queue_cnt--;
	}
	pthread_mutex_unlock(&d->queue_lock);
	return m;
}

static void op_send(void *user, const struct adit_path *path, const uint8_t *msg, size_t len, uint8_t tos)
{
	struct device *d = user;

	(void)tos;
	if (path->port == 1 + d->other->id)
		push(d->other, msg, len, len);
}

static void op_event(void *user, enum adit_wg_event event, const uint8_t public_key[ADIT_KEY_LEN],
		     const struct adit_path *path)
{
	struct device *d = user;

	(void)public_key;
	(void)path;
	d->sessions += event == ADIT_WG_SESSION;
}

static const struct adit_wg_ops ops = { .random = op_random, .wall = op_wall, .send = op_send, .event = op_event };

/* 10.0.ID.1 */
static struct adit_path path_to(unsigned id)
{
	return (struct adit_path){ .kind = ADIT_PATH_UDP4, .port = (uint16_t)(1 + id), .addr = { 127, 0, 0, 1 } };
}

static void make_packet(uint8_t *p, unsigned from, unsigned to, uint32_t number)
{
	memset(p, (int)number, LEN);
	memcpy(p, (uint8_t[]){ 0x45, 0, 0, LEN, 0, 0, 0, 0, 64, 253, 0, 0, 10, 0, (uint8_t)from, 1, 10, 0, (uint8_t)to, 1 },
	       20);
	adit_put_be32(p + 20, number);
}

/* Under the lock: each once, and whole. */
static void deliver(struct device *d, const uint8_t *p, size_t len)
{
	uint8_t want[LEN];
	uint32_t number = adit_get_be32(p + 20);

	make_packet(want, d->other->id, d->id, number);
	if (len != LEN || memcmp(p, want, LEN) != 0 || d->seen[number]) {
		printf("not ok - packet %u is wrong (%zu bytes, %02x..) or came twice\n", number, len, p[0]);
		fflush(stdout);
		abort();
	}
	d->seen[number] = 1;
	d->delivered++;
}

/* Waits until it is this ticket's turn; under the lock. */
static void wait_turn(struct device *d, int way, uint64_t ticket)
{
	while (d->turn_of[way] != ticket)
		pthread_cond_wait(&d->turn, &d->lock);
}

static void end_turn(struct device *d, int way)
{
	d->turn_of[way]++;
	pthread_cond_broadcast(&d->turn);
}

/* Between begin and done, without the lock. The caller holds it before and after. */
static void outside(struct device *d, struct adit_crypto *c, struct adit_train *t, int way)
{
	uint64_t ticket = d->tickets[way]++;

	pthread_mutex_unlock(&d->lock);
	if (way == 0)
		adit_wg_seal(c, t);
	else
		adit_wg_open(c, t);
	pthread_mutex_lock(&d->lock);
	wait_turn(d, way, ticket);
}

static void finish_out(struct device *d, struct adit_train *t)
{
	adit_wg_out_done(d->wg, t, now());
	if (t->cnt > 0)
		push(d->other, t->wire, adit_train_bytes(t), t->stride);
	end_turn(d, 0);
}

static void turn(struct device *d, struct adit_crypto *c, uint8_t *wire)
{
	struct adit_train t;

	adit_wg_work(d->wg, 16, now());
	if (adit_wg_deadline(d->wg) <= now())
		adit_wg_tick(d->wg, now());
	for (memset(&t, 0, sizeof(t)); adit_wg_staged_next(d->wg, &t, wire, ADIT_WIRE_MAX, now()) == ADIT_SEAL;
	     memset(&t, 0, sizeof(t))) {
		outside(d, c, &t, 0);
		finish_out(d, &t);
	}
}

static void send_train(struct device *d, struct adit_crypto *c)
{
	uint8_t wire[TRAIN * STRIDE];
	struct adit_train t = { .wire = wire, .cnt = TRAIN, .stride = STRIDE, .last_len = STRIDE };

	for (unsigned k = 0; k < TRAIN; k++) {
		t.len[k] = LEN;
		make_packet(wire + k * STRIDE + ADIT_WG_HEAD, d->id, d->other->id, d->number++);
	}
	if (adit_wg_out_begin(d->wg, &t, now()) == ADIT_SEAL) {
		outside(d, c, &t, 0);
		finish_out(d, &t);
	}
}

static void receive(struct device *d, struct adit_crypto *c, struct message *m)
{
	struct adit_path from = path_to(d->other->id);
	struct adit_train t = { 0 };

	adit_train_in(&t, m->bytes, m->len, m->stride, &from, 0);
	while (adit_wg_in_begin(d->wg, &t, now()) == ADIT_OPEN) {
		outside(d, c, &t, 1);
		adit_wg_in_done(d->wg, &t, now());
		for (unsigned k = 0; k < t.cnt; k++) {
			if (t.len[k] > 0)
				deliver(d, t.wire + k * t.stride + ADIT_WG_HEAD, t.len[k]);
		}
		end_turn(d, 1);
	}
}

static void *worker(void *arg)
{
	struct device *d = arg;
	struct adit_crypto *c;
	uint8_t *wire = malloc(ADIT_WIRE_MAX);
	struct message *m;

	must(wire && adit_crypto_new(&c, NULL) == 0);
	for (int k = 0; k < ROUNDS; k++) {
		atomic_fetch_add(&clock_ns, STEP);
		m = pop(d);
		pthread_mutex_lock(&d->lock);
		if (m)
			receive(d, c, m);
		turn(d, c, wire);
		send_train(d, c);
		pthread_mutex_unlock(&d->lock);
		free(m);
		sched_yield();
	}
	free(wire);
	adit_crypto_free(c);
	atomic_fetch_sub(&running, 1);
	return NULL;
}

/* Only device 0 knows where the other is: it begins. */
static void connect_to_other(struct device *d)
{
	struct adit_prefix prefix = { .addr = { 4, { 10, 0, (uint8_t)d->other->id, 0 } }, .len = 24 };
	struct adit_path path = path_to(d->other->id);
	struct adit_wg_peer *peer;

	must(adit_wg_peer_add(d->wg, &peer, d->other->pub, now()) == 0);
	must(adit_wg_peer_allow(d->wg, peer, &prefix) == 0);
	if (d->id == 0)
		adit_wg_peer_set_endpoint(d->wg, peer, &path);
}

/* Another peer comes and goes, preshared keys change, peers are listed. */
static void *operator_thread(void *arg)
{
	struct device *d = arg;
	uint8_t key[ADIT_KEY_LEN] = { 9, 1 }, psk[ADIT_KEY_LEN] = { 0 };
	struct adit_prefix prefix = { .addr = { 4, { 10, 0, 9, 0 } }, .len = 24 };
	struct adit_path path = path_to(9);
	struct adit_wg_peer *peer;
	struct adit_wg_peer_info info;
	struct adit_wg_cursor cursor;
	struct adit_wg_stats stats;

	for (unsigned k = 0; atomic_load(&running) > 0; k++) {
		for (adit_time until = now() + ADIT_SEC; now() < until && atomic_load(&running) > 0;)
			sched_yield();
		pthread_mutex_lock(&d->lock);
		adit_x25519_clamp(key);
		key[1] = (uint8_t)k;
		if (adit_wg_peer_add(d->wg, &peer, key, now()) == 0) {
			adit_wg_peer_set_endpoint(d->wg, peer, &path);
			must(adit_wg_peer_allow(d->wg, peer, &prefix) == 0);
			adit_wg_peer_handshake(d->wg, peer, now());
		}
		adit_wg_peer_set_psk(d->wg, adit_wg_peer_find(d->wg, d->other->pub), psk);
		pthread_mutex_unlock(&d->lock);
		pthread_mutex_lock(&d->lock);
		adit_wg_cursor_open(d->wg, &cursor);
		while ((peer = adit_wg_cursor_next(d->wg, &cursor)))
			adit_wg_peer_info(d->wg, peer, &info);
		adit_wg_cursor_close(d->wg, &cursor);
		adit_wg_stats(d->wg, &stats, now());
		peer = adit_wg_peer_find(d->wg, key);
		if (peer)
			adit_wg_peer_remove(d->wg, peer, now());
		if (k % 50 == 49) { /* the real one, too: under traffic, from between begin and done */
			adit_wg_peer_remove(d->wg, adit_wg_peer_find(d->wg, d->other->pub), now());
			connect_to_other(d);
		}
		pthread_mutex_unlock(&d->lock);
	}
	return NULL;
}

static void start(unsigned id)
{
	struct device *d = &devices[id];

	d->id = id;
	d->other = &devices[!id];
	d->rng.state = 77 + id;
	pthread_mutex_init(&d->lock, NULL);
	pthread_mutex_init(&d->queue_lock, NULL);
	pthread_cond_init(&d->turn, NULL);
	d->seen = calloc((WORKERS * ROUNDS + 1) * TRAIN, 1);
	must(d->seen && adit_crypto_new(&d->crypto, NULL) == 0);
	rng_fill(&d->rng, d->priv, sizeof(d->priv));
	adit_x25519_clamp(d->priv);
	adit_x25519_public(d->crypto, d->pub, d->priv);
	must(adit_wg_new(&d->wg, &ops, d, d->crypto, now()) == 0);
	adit_wg_set_private_key(d->wg, d->priv, now());
	while (adit_wg_private_key_continue(d->wg, 256, now()) > 0)
		;
	while (adit_wg_up(d->wg, 256, now()) > 0)
		;
}

/* The first session, before there are threads. */
static void meet(void)
{
	uint8_t *wire = malloc(ADIT_WIRE_MAX);
	struct message *m;

	must(wire);
	for (int k = 0; k < 10; k++) {
		struct device *d = &devices[k % 2];

		pthread_mutex_lock(&d->lock);
		if (k == 0)
			send_train(d, d->crypto);
		while ((m = pop(d))) {
			receive(d, d->crypto, m);
			free(m);
		}
		turn(d, d->crypto, wire);
		pthread_mutex_unlock(&d->lock);
	}
	must(devices[1].delivered == TRAIN);
	free(wire);
}

static void stop(struct device *d)
{
	struct message *m;

	adit_wg_free(d->wg);
	adit_crypto_free(d->crypto);
	free(d->seen);
	while ((m = pop(d)))
		free(m);
}

int main(void)
{
	pthread_t workers[2 * WORKERS], operators[2];
	bool ok;

	printf("1..1\n");
	start(0);
	start(1);
	connect_to_other(&devices[0]);
	connect_to_other(&devices[1]);
	meet();
	atomic_store(&running, 2 * WORKERS);
	for (int k = 0; k < 2 * WORKERS; k++)
		must(pthread_create(&workers[k], NULL, worker, &devices[k % 2]) == 0);
	for (int k = 0; k < 2; k++)
		must(pthread_create(&operators[k], NULL, operator_thread, &devices[k]) == 0);
	for (int k = 0; k < 2 * WORKERS; k++)
		pthread_join(workers[k], NULL);
	for (int k = 0; k < 2; k++)
		pthread_join(operators[k], NULL);
	printf("# %u and %u packets, %u and %u sessions\n", devices[0].delivered, devices[1].delivered,
	       devices[0].sessions, devices[1].sessions);
	/* The scheduler decides how much gets through; with none the test would show nothing. */
	ok = devices[0].delivered > 0 && devices[1].delivered > 0 && devices[0].sessions > 1;
	printf("%s 1 - threads\n", ok ? "ok" : "not ok");
	stop(&devices[0]);
	stop(&devices[1]);
	return !ok;
}
