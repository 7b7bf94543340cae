/* SPDX-License-Identifier: ISC */
/*
 * handshake.c - a script of what two devices do and what the network does to
 * them, run in the simulator, whose observers judge every step (sim/wire.c,
 * sim/flow.c). Two bytes of input are one step. In the end the network is
 * whole again, and both must be able to talk within 45 s.
 */
#include "fuzz.h"
#include "sim/world.h"
#include "story.h"

#define STEPS_MAX 100

static void down_up(struct world *w, struct node *n)
{
	while (adit_wg_down(n->wg, 1, w->now) > 0)
		;
	wire_forget_initiations(w, n->id);
	while (adit_wg_up(n->wg, 1, w->now) > 0)
		;
	node_touch(n);
}

static void remove_add(struct node *n, uint8_t arg)
{
	node_remove(n, !n->id);
	node_add(n, !n->id, arg & 1);
}

/* A successor takes the session over, if there is one. */
static void hand_over(struct world *w, struct node *n)
{
	uint8_t key[ADIT_KEY_LEN] = { 5 }, buf[ADIT_WG_EXPORT_MAX];
	int len;

	drive_finish(&n->d, w->now);
	len = adit_wg_session_export(n->wg, node_peer(n, !n->id), key, buf, w->now);
	node_stop(n);
	node_start(n);
	node_add(n, !n->id, true);
	if (len > 0)
		MUST(adit_wg_session_import(n->wg, key, buf, (size_t)len, w->now) == 0);
	node_touch(n);
}

static void step(struct world *w, uint8_t op, uint8_t arg)
{
	unsigned a = op >> 7;
	struct node *n = &w->nodes[a];
	struct adit_wg_peer *peer = node_peer(n, !a);

	switch (op & 15) {
	case 0:
	case 1:
	case 2:
		flow_send(w, a, !a, 1 + (arg & 7), (arg & 0xf8) * 5u);
		break;
	case 3:
	case 4:
	case 5:
		world_run(w, story_duration(arg));
		break;
	case 6:
		story_set_link(w, arg);
		break;
	case 7:
		story_replay(w, arg);
		break;
	case 8:
		node_psk(n, !a, arg);
		break;
	case 9:
		remove_add(n, arg);
		break;
	case 10:
		node_roam(n);
		break;
	case 11:
		adit_wg_peer_handshake(n->wg, peer, w->now);
		node_touch(n);
		break;
	case 12:
		adit_wg_peer_set_keepalive(n->wg, peer, arg, w->now);
		node_touch(n);
		break;
	case 13:
		down_up(w, n);
		break;
	case 14:
		if (arg & 1)
			node_rekey(n);
		else
			n->wall_step += (int8_t)arg * 86400ll;
		break;
	case 15:
		if (arg & 1)
			hand_over(w, n);
		else
			n->work_max = arg & 2 ? WORK_ALL : 1;
		break;
	}
}

static void talk(struct world *w, unsigned rounds)
{
	for (; rounds > 0; rounds--) {
		flow_send(w, 0, 1, 1, 100);
		flow_send(w, 1, 0, 1, 100);
		world_run(w, 3 * ADIT_SEC);
	}
}

static void check_recovered(struct world *w)
{
	adit_time since;

	world_run(w, 3 * ADIT_SEC);
	story_set_link(w, 0);
	for (unsigned a = 0; a < 2; a++) {
		w->nodes[a].work_max = WORK_ALL;
		node_psk(&w->nodes[a], !a, 0);
		node_endpoint(&w->nodes[a], !a, 0);
	}
	talk(w, 15);
	since = w->now;
	talk(w, 1);
	if (flow_missing(w, 0, 1, since) || flow_missing(w, 1, 0, since))
		sim_fail(w, "45 s after all was well they cannot talk");
}

static void run_script(struct world *w, const uint8_t *data, size_t size)
{
	enum { NEITHER, CLOCKS, SUCCESSORS } kind = NEITHER;

	for (size_t i = 0; i + 1 < size && i < 2 * STEPS_MAX; i += 2) {
		bool clock = (data[i] & 15) == 14 && !(data[i + 1] & 1);
		bool successor = (data[i] & 15) == 15 && data[i + 1] & 1;

		/* A successor whose clock is behind sends timestamps that fall, which
		 * no implementation survives: one or the other. */
		if ((clock && kind == SUCCESSORS) || (successor && kind == CLOCKS))
			continue;
		if (clock || successor)
			kind = clock ? CLOCKS : SUCCESSORS;
		step(w, data[i], data[i + 1]);
	}
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	static struct world w;

	world_init(&w, "fuzz", size > 0 ? data[0] : 0, false);
	if (setjmp(w.failed)) {
		fprintf(stderr, "%s\n", w.message);
		abort();
	}
	w.capture = true;
	w.interleave = size > 0 && data[0] & 1;
	world_nodes(&w, 2);
	world_pair(&w, 0, 1);
	story_set_link(&w, 0);
	if (size > 0)
		run_script(&w, data + 1, size - 1);
	check_recovered(&w);
	world_fini(&w);
	return 0;
}
