/* SPDX-License-Identifier: ISC */
/* scenario.h - the named stories, by file */
#ifndef ADIT_TESTS_NETSIM_SCENARIO_H
#define ADIT_TESTS_NETSIM_SCENARIO_H

#include "stream.h"
#include "world.h"

struct scenario {
	const char *name;
	void (*run)(struct world *w);
	unsigned seeds; /* of `make test` */
};

extern const struct scenario scenarios[];
extern const size_t scenario_cnt;

/* Two hosts; `merge` chooses whether what arrives is merged, by the seed. */
void two_hosts(struct world *w, const struct adit_netstack_config *cfg);
/* What must hold when all is over: nothing due, no connection, no memory. */
void expect_silence(struct world *w);

/* matrix.c */
void scenario_matrix_20m(struct world *w);
void scenario_matrix_1g(struct world *w);
void scenario_reorder(struct world *w);
int golden(struct world *w, const char *path);

/* scenario_life.c */
void scenario_hello(struct world *w);
void scenario_both_ways(struct world *w);
void scenario_half_close(struct world *w);
void scenario_half_close_back(struct world *w);
void scenario_simultaneous_close(struct world *w);
void scenario_refused(struct world *w);
void scenario_fin_lost(struct world *w);
void scenario_syn_lost(struct world *w);
void scenario_abort(struct world *w);
void scenario_linger(struct world *w);
void scenario_backlog(struct world *w);
void scenario_syn_flood(struct world *w);
void scenario_keepalive(struct world *w);
void scenario_user_timeout(struct world *w);
void scenario_connect_timeout(struct world *w);
void scenario_port_reuse(struct world *w);
void scenario_restart(struct world *w);

/* scenario_path.c */
void scenario_blackhole(struct world *w);
void scenario_blackhole_again(struct world *w);
void scenario_path_mtu(struct world *w);
void scenario_ecn(struct world *w);
void scenario_corrupt(struct world *w);
void scenario_duplicates(struct world *w);
void scenario_burst(struct world *w);
void scenario_outage(struct world *w);
void scenario_tail_loss(struct world *w);

/* scenario_recovery.c */
void scenario_lost_twice(struct world *w);
void scenario_recovery_ends(struct world *w);
void scenario_limited_transmit(struct world *w);
void scenario_held_timestamp(struct world *w);
void scenario_idle_window(struct world *w);
void scenario_ecn_again(struct world *w);
void scenario_fin_beyond(struct world *w);
void scenario_shutdown_queued(struct world *w);
void scenario_close_early(struct world *w);
void scenario_refusing_receiver(struct world *w);
void scenario_jumbo_update(struct world *w);
void scenario_path_mtu_rises(struct world *w);

/* scenario_window.c */
void scenario_zero_window(struct world *w);
void scenario_zero_window_update_lost(struct world *w);
void scenario_zero_window_forever(struct world *w);
void scenario_slow_reader(struct world *w);
void scenario_tiny_writes(struct world *w);

/* scenario_scale.c */
void scenario_idle_flows(struct world *w);
void scenario_shared_budget(struct world *w);
void scenario_near(struct world *w);
void scenario_newcomer(struct world *w);
void scenario_tiny_budget(struct world *w);

/* random.c */
void scenario_random(struct world *w);

/* scenario_attack.c */
void scenario_blind_reset(struct world *w);
void scenario_blind_syn(struct world *w);
void scenario_blind_data(struct world *w);
void scenario_challenge_limit(struct world *w);
void scenario_paws(struct world *w);
void scenario_timestamp_echo(struct world *w);
void scenario_out_of_window(struct world *w);
void scenario_sack_blocks(struct world *w);
void scenario_odd_while_closing(struct world *w);

/* scenario_state.c */
void scenario_syn_sent(struct world *w);
void scenario_syn_received(struct world *w);
void scenario_syn_held(struct world *w);
void scenario_simultaneous_open(struct world *w);
void scenario_simultaneous_open_stacks(struct world *w);
void scenario_closing(struct world *w);
void scenario_fin_again(struct world *w);
void scenario_fin_early(struct world *w);
void scenario_time_wait(struct world *w);
void scenario_data_after_close(struct world *w);
void scenario_fin_wait_2(struct world *w);
void scenario_nobody(struct world *w);

/* scenario_sender.c */
void scenario_mss(struct world *w);
void scenario_bad_options(struct world *w);
void scenario_scale(struct world *w);
void scenario_window_shrink(struct world *w);
void scenario_window_of_old_segment(struct world *w);
void scenario_window_probes(struct world *w);
void scenario_window_closes(struct world *w);
void scenario_duplicate_acks(struct world *w);
void scenario_isn(struct world *w);
void scenario_delayed_ack(struct world *w);
void scenario_nagle(struct world *w);
void scenario_reneging(struct world *w);
void scenario_lying_sack(struct world *w);

/* scenario_icmp.c */
void scenario_icmp_connect(struct world *w);
void scenario_icmp_connect_soft(struct world *w);
void scenario_icmp_established(struct world *w);
void scenario_icmp_forged_too_big(struct world *w);
void scenario_icmp_too_big(struct world *w);

/* scenario_ip.c */
void scenario_bad_checksums(struct world *w);
void scenario_bad_lengths(struct world *w);
void scenario_bad_sources(struct world *w);
void scenario_not_ours(struct world *w);
void scenario_fragments(struct world *w);
void scenario_bad_fragments(struct world *w);
void scenario_udp_zero_checksum(struct world *w);
void scenario_traceroute(struct world *w);
void scenario_icmp_limits(struct world *w);
void scenario_udp(struct world *w);
void scenario_ping(struct world *w);

#endif
