/* SPDX-License-Identifier: ISC */
/* scenarios.c - the list, and what the stories share */
#include "netstack/stack.h"
#include "scenario.h"

#define ENTRY(name, seeds) { #name, scenario_##name, seeds }

const struct scenario scenarios[] = {
	ENTRY(hello, 8),
	ENTRY(both_ways, 8),
	ENTRY(half_close, 4),
	ENTRY(half_close_back, 4),
	ENTRY(simultaneous_close, 4),
	ENTRY(refused, 2),
	ENTRY(fin_lost, 8),
	ENTRY(syn_lost, 6),
	ENTRY(abort, 8),
	ENTRY(linger, 8),
	ENTRY(backlog, 4),
	ENTRY(syn_flood, 4),
	ENTRY(keepalive, 4),
	ENTRY(user_timeout, 4),
	ENTRY(connect_timeout, 2),
	ENTRY(port_reuse, 4),
	ENTRY(restart, 4),
	ENTRY(zero_window, 4),
	ENTRY(zero_window_update_lost, 4),
	ENTRY(zero_window_forever, 2),
	ENTRY(slow_reader, 4),
	ENTRY(tiny_writes, 4),
	ENTRY(blackhole, 4),
	ENTRY(blackhole_again, 4),
	ENTRY(path_mtu, 6),
	ENTRY(ecn, 4),
	ENTRY(corrupt, 8),
	ENTRY(duplicates, 4),
	ENTRY(burst, 8),
	ENTRY(outage, 8),
	ENTRY(tail_loss, 4),
	ENTRY(blind_reset, 8),
	ENTRY(blind_syn, 8),
	ENTRY(blind_data, 8),
	ENTRY(challenge_limit, 8),
	ENTRY(paws, 8),
	ENTRY(timestamp_echo, 8),
	ENTRY(out_of_window, 8),
	ENTRY(sack_blocks, 8),
	ENTRY(odd_while_closing, 8),
	ENTRY(syn_sent, 16),
	ENTRY(syn_received, 16),
	ENTRY(syn_held, 16),
	ENTRY(simultaneous_open, 16),
	ENTRY(simultaneous_open_stacks, 16),
	ENTRY(closing, 16),
	ENTRY(fin_again, 16),
	ENTRY(fin_early, 16),
	ENTRY(time_wait, 16),
	ENTRY(data_after_close, 16),
	ENTRY(fin_wait_2, 16),
	ENTRY(nobody, 16),
	ENTRY(mss, 14),
	ENTRY(bad_options, 14),
	ENTRY(scale, 14),
	ENTRY(window_shrink, 14),
	ENTRY(window_of_old_segment, 14),
	ENTRY(window_probes, 14),
	ENTRY(window_closes, 14),
	ENTRY(duplicate_acks, 14),
	ENTRY(isn, 14),
	ENTRY(delayed_ack, 8),
	ENTRY(nagle, 8),
	ENTRY(reneging, 8),
	ENTRY(lying_sack, 8),
	ENTRY(icmp_connect, 16),
	ENTRY(icmp_connect_soft, 16),
	ENTRY(icmp_established, 16),
	ENTRY(icmp_forged_too_big, 16),
	ENTRY(icmp_too_big, 16),
	ENTRY(bad_checksums, 4),
	ENTRY(bad_lengths, 4),
	ENTRY(bad_sources, 4),
	ENTRY(not_ours, 4),
	ENTRY(fragments, 4),
	ENTRY(bad_fragments, 4),
	ENTRY(udp_zero_checksum, 4),
	ENTRY(traceroute, 4),
	ENTRY(icmp_limits, 4),
	ENTRY(udp, 4),
	ENTRY(ping, 4),
	ENTRY(lost_twice, 8),
	ENTRY(recovery_ends, 8),
	ENTRY(limited_transmit, 8),
	ENTRY(held_timestamp, 8),
	ENTRY(idle_window, 8),
	ENTRY(ecn_again, 8),
	ENTRY(fin_beyond, 8),
	ENTRY(shutdown_queued, 8),
	ENTRY(close_early, 8),
	ENTRY(refusing_receiver, 8),
	ENTRY(jumbo_update, 8),
	ENTRY(path_mtu_rises, 2),
	ENTRY(idle_flows, 1),
	ENTRY(shared_budget, 2),
	ENTRY(near, 2),
	ENTRY(newcomer, 2),
	ENTRY(tiny_budget, 4),
	ENTRY(random, 25),
	ENTRY(matrix_20m, 32),
	ENTRY(matrix_1g, 32),
	ENTRY(reorder, 10),
};
const size_t scenario_cnt = sizeof(scenarios) / sizeof(scenarios[0]);

void two_hosts(struct world *w, const struct adit_netstack_config *cfg)
{
	for (int i = 0; i < 2; i++)
		world_host(w, cfg)->merge = w->seed / 2 % 2;
}

/* TIME-WAIT is over after a minute. */
void expect_silence(struct world *w)
{
	uint64_t packets = 0;

	world_run(w, 70 * ADIT_SEC);
	for (unsigned i = 0; i < w->hosts; i++) {
		struct adit_netstack_stats s;

		if (!w->host[i].ns)
			continue;
		s = host_stats(&w->host[i]);
		EXPECT_INT(w, s.tcp_flows, ==, 0);
		EXPECT_INT(w, s.time_wait, ==, 0);
		/* tables: TIME-WAIT and path MTUs */
		EXPECT_INT(w, s.memory_used, <=, w->host[i].ns->pmtu ? 34000 : 1000);
		EXPECT_INT(w, adit_netstack_deadline(w->host[i].ns), ==, ADIT_NEVER);
		packets += s.packets_out;
	}
	world_run(w, 3600 * ADIT_SEC);
	for (unsigned i = 0; i < w->hosts; i++)
		packets -= w->host[i].ns ? host_stats(&w->host[i]).packets_out : 0;
	EXPECT_INT(w, packets, ==, 0);
}
