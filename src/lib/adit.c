/* SPDX-License-Identifier: ISC */
/* adit.c - a network of libadit: opened, watched over, closed */
#include <adit/adit.h>

#include <errno.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/eventfd.h>
#include <unistd.h>

#include "forward/file.h"
#include "forward/settings.h"
#include "lib/lib.h"
#include "lib/log.h"
#include "wg/wg.h"

const char *adit_version(void)
{
	return ADIT_VERSION;
}

/* --- configuration ----------------------------------------------------------------------- */

static void report(void *user, bool error, const char *msg)
{
	(void)user;
	if (error)
		lib_log_add(msg);
}

/* What a program may have and a library may not. */
static int check(const struct adit_forward_config *cfg)
{
	const unsigned mib = cfg->memory_mib;

	for (size_t i = 0; i < cfg->service_cnt; i++) {
		if (cfg->service[i].kind == RELAY_STDIO) {
			lib_log_add("[STDIOTunnel]: standard input and output are the program's (dial instead)");
			return -EINVAL;
		}
	}
	if (!mib || adit_forward_is_memory_profile(mib))
		return 0;
	lib_log_add("memory_mib is not 16, 64 or 256");
	return -EINVAL;
}

static int read_config(struct adit_forward_config *cfg, const struct adit_options *o)
{
	struct adit_forward_reader rd = { .cfg = cfg, .report = report };
	int r = 0;

	if (o->config_text)
		adit_forward_settings(&rd, "configuration", o->config_text, strlen(o->config_text), NULL, false);
	else
		r = adit_forward_read_file(&rd, o->config_file);
	if (r == 0 && !rd.errors)
		adit_forward_config_check(&rd, o->config_text ? "configuration" : o->config_file);
	if (rd.no_memory)
		return -ENOMEM;
	if (r == 0 && rd.errors)
		r = -EINVAL;
	snprintf(cfg->pcap, sizeof(cfg->pcap), "%s", o->capture_file ? o->capture_file : "");
	cfg->memory_mib = o->memory_mib;
	return r ? r : check(cfg);
}

/* --- the control thread: endpoints' names ---------------------------------------------------- */

static int sleep_ms(adit_time due)
{
	adit_time left = due - adit_tunnel_now();

	if (due == ADIT_NEVER)
		return -1;
	return left <= 0 ? 0 : left > 3600 * ADIT_SEC ? 3600000 : (int)(left / ADIT_MSEC) + 1;
}

static void *control(void *arg)
{
	struct adit *net = arg;
	struct adit_forward_network *n = net->network;
	struct pollfd p[2] = { { .fd = net->stop_fd, .events = POLLIN }, { .fd = n->notify_fd, .events = POLLIN } };
	uint64_t count;

	for (;;) {
		poll(p, 2, sleep_ms(endpoints_due(&n->endpoints)));
		if (p[0].revents)
			return NULL;
		if (p[1].revents && read(n->notify_fd, &count, sizeof(count)) < 0 && errno != EAGAIN)
			return NULL;
		endpoints_work(&n->endpoints, adit_tunnel_now());
	}
}

static int start_control(struct adit *net)
{
	sigset_t all, old;
	int r;

	net->stop_fd = eventfd(0, EFD_CLOEXEC);
	if (net->stop_fd < 0)
		return -errno;
	sigfillset(&all);
	pthread_sigmask(SIG_SETMASK, &all, &old);
	r = -pthread_create(&net->control, NULL, control, net);
	pthread_sigmask(SIG_SETMASK, &old, NULL);
	if (r < 0) {
		close(net->stop_fd);
		net->stop_fd = -1;
	}
	return r;
}

/* --- open and close ----------------------------------------------------------------------------- */

static void end(struct adit *net)
{
	const uint64_t one = 1;
	adit_time now;

	if (net->stop_fd >= 0) {
		if (write(net->stop_fd, &one, sizeof(one)) == sizeof(one))
			pthread_join(net->control, NULL);
		close(net->stop_fd);
	}
	if (net->network) {
		now = network_pause(net->network);
		lib_listeners_end(net, now);
		lib_datagrams_end(net, NULL, now);
		lib_streams_abort(net, now);
		network_resume(net->network);
		network_free(net->network);
	}
	adit_forward_config_fini(&net->cfg);
	free(net);
}

static int start(struct adit *net, const struct adit_options *o)
{
	int r = read_config(&net->cfg, o);

	if (r == 0)
		r = network_new(&net->network, &net->cfg);
	adit_forward_config_forget_keys(&net->cfg);
	if (r == 0)
		r = network_start(net->network);
	return r ? r : start_control(net);
}

int adit_open(struct adit **ret, const struct adit_options *o, char *err, size_t err_len)
{
	struct adit *net;
	int r;

	if (!ret || !o || o->size < sizeof(*o) || !o->config_file == !o->config_text)
		return -EINVAL;
	net = calloc(1, sizeof(*net));
	if (!net)
		return -ENOMEM;
	net->stop_fd = -1;
	adit_list_init(&net->datagrams);
	adit_list_init(&net->streams);
	adit_list_init(&net->listeners);
	adit_list_init(&net->incoming);
	adit_forward_config_init(&net->cfg);
	lib_log_collect(err, err_len);
	r = start(net, o);
	lib_log_collect(NULL, 0);
	if (r < 0) {
		if (err && err_len && !err[0])
			snprintf(err, err_len, "%s", strerror(-r));
		end(net);
		return r;
	}
	*ret = net;
	return 0;
}

void adit_close(struct adit *net)
{
	if (net)
		end(net);
}

/* --- facts -------------------------------------------------------------------------------------- */

static int64_t newest_handshake_age(struct adit *net, uint32_t *peers)
{
	struct adit_wg_cursor c = { 0 };
	struct adit_wg_peer_info info;
	struct adit_wg_peer *peer;
	adit_time newest = 0;
	struct adit_wg *wg;

	adit_tunnel_lock(net->network->tunnel);
	wg = adit_tunnel_core(net->network->tunnel);
	adit_wg_cursor_open(wg, &c);
	while ((peer = adit_wg_cursor_next(wg, &c))) {
		adit_wg_peer_info(wg, peer, &info);
		if (info.last_handshake_at > newest)
			newest = info.last_handshake_at;
		++*peers;
	}
	adit_wg_cursor_close(wg, &c);
	adit_tunnel_unlock(net->network->tunnel);
	adit_wipe(&info, sizeof(info));
	return newest ? (adit_tunnel_now() - newest) / ADIT_MSEC : -1;
}

int adit_stats(struct adit *net, struct adit_stats *ret)
{
	struct adit_stats s = { .size = sizeof(s) };
	struct adit_netstack_stats ns;
	struct adit_tunnel_stats t;

	if (!net || !ret || ret->size < sizeof(*ret))
		return -EINVAL;
	network_pause(net->network);
	adit_netstack_stats(net->network->ns, &ns);
	network_resume(net->network);
	adit_tunnel_stats(net->network->tunnel, &t);
	s.rx_bytes = t.rx_bytes;
	s.tx_bytes = t.tx_bytes;
	s.rx_packets = ns.packets_in;
	s.tx_packets = ns.packets_out;
	for (unsigned i = 0; i < ADIT_DROP_CNT; i++)
		s.dropped += t.drops[i] + ns.drops[i];
	s.retransmitted = ns.retransmitted_bytes;
	s.handshake_age_ms = newest_handshake_age(net, &s.peers);
	s.connections = atomic_load(&net->connections);
	s.memory = ns.memory_used;
	*ret = s;
	return 0;
}
