/* SPDX-License-Identifier: ISC */
/* scenario.h - the named stories, by file, and what they share */
#ifndef ADIT_TESTS_SIM_SCENARIO_H
#define ADIT_TESTS_SIM_SCENARIO_H

#include "world.h"

/* Both send a packet a second for that long, then the packets on the way arrive. */
void talk_both(struct world *w, unsigned a, unsigned b, unsigned seconds);
/* Two nodes, each other's peers. */
void two_nodes(struct world *w);
#define EXPECT_ALL_ARRIVED(w, from, to, since) EXPECT_INT(w, flow_missing(w, from, to, since), ==, 0)

/* scenario_session.c: handshakes, keys, timers, order */
void scenario_order(struct world *w);
void scenario_bad_link(struct world *w);
void scenario_simultaneous(struct world *w);
void scenario_rotation(struct world *w);
void scenario_bytes(struct world *w);
void scenario_idle(struct world *w);
void scenario_persistent(struct world *w);
void scenario_give_up(struct world *w);
void scenario_new_handshake(struct world *w);
void scenario_staged(struct world *w);
void scenario_clock_steps(struct world *w);
void scenario_sleep(struct world *w);
void scenario_ecn(struct world *w);
void scenario_window(struct world *w);
void scenario_super(struct world *w);

/* scenario_attack.c: replay, garbage, floods, spoofing */
void scenario_replay(struct world *w);
void scenario_replay_cookie(struct world *w);
void scenario_garbage(struct world *w);
void scenario_flood(struct world *w);
void scenario_rate_limit(struct world *w);
void scenario_spoof(struct world *w);
void scenario_initiation_flood(struct world *w);

/* scenario_config.c: what an operator does, roaming, restart, many peers */
void scenario_roaming(struct world *w);
void scenario_psk(struct world *w);
void scenario_remove_add(struct world *w);
void scenario_remove_begun(struct world *w);
void scenario_private_key(struct world *w);
void scenario_own_key(struct world *w);
void scenario_down_up(struct world *w);
void scenario_restart(struct world *w);
void scenario_export(struct world *w);
void scenario_export_refused(struct world *w);
void scenario_endpoints(struct world *w);
void scenario_allowed_moves(struct world *w);
void scenario_star(struct world *w);
void scenario_many(struct world *w);

/* scenario_static.c: the static tunnel, each story for both formats or for the one it is about */
void scenario_static_v1_order(struct world *w);
void scenario_static_v2_order(struct world *w);
void scenario_static_v1_bad_link(struct world *w);
void scenario_static_v2_bad_link(struct world *w);
void scenario_static_v1_restart(struct world *w);
void scenario_static_v2_restart(struct world *w);
void scenario_static_v1_clock(struct world *w);
void scenario_static_v2_clock(struct world *w);
void scenario_static_v1_reflect(struct world *w);
void scenario_static_v2_reflect(struct world *w);
void scenario_static_v2_replay(struct world *w);
void scenario_static_v1_flood(struct world *w);
void scenario_static_v2_flood(struct world *w);
void scenario_static_v1_roaming(struct world *w);
void scenario_static_v2_roaming(struct world *w);
void scenario_static_v1_fixed(struct world *w);
void scenario_static_v2_fixed(struct world *w);
void scenario_static_v1_spoof(struct world *w);
void scenario_static_v2_spoof(struct world *w);

#endif
