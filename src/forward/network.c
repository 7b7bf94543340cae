/* SPDX-License-Identifier: ISC */
/* network.c - a stack, a tunnel and a relay put together (DOC in network.h) */
#include "forward/network.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/eventfd.h>
#include <time.h>
#include <unistd.h>

#include "forward/kernel.h"
#include "forward/log.h"
#include "wg/wg.h"

#define HOLD_PEERS  256
#define MTU_DEFAULT 1420
#define MIB         ((size_t)1 << 20)
#define GIVE_BACK   ((size_t)32 << 10)
#define CAPTURE_FLUSH (200 * ADIT_MSEC)

/* --- the guest ---------------------------------------------------------------- */

static struct adit_forward_network *network_of(struct adit_guest *g)
{
	return (struct adit_forward_network *)((char *)g - offsetof(struct adit_forward_network, guest));
}

static void flush_capture(struct adit_forward_network *n, adit_time now);

/* Flow buffers lie between other things in the heap, whose pages stay with us
 * unless the control thread asks for them: whenever half of what was in use is
 * free, which the stack frees bit by bit within seconds. */
static void watch_memory(struct adit_forward_network *n)
{
	size_t used = n->budget.used;

	if (used >= n->most) {
		n->most = used;
	} else if (used <= n->most / 2 && n->most - used >= GIVE_BACK) {
		n->most = used;
		atomic_store(&n->gives_back, true);
		network_notify(n);
	}
}

static int guest_turn(struct adit_guest *g, bool ready, adit_time now)
{
	struct adit_forward_network *n = network_of(g);
	int r;

	flush_capture(n, now);
	r = adit_relay_turn(n->relay, ready, now);
	watch_memory(n);
	return r;
}

static void guest_received(struct adit_guest *g, adit_time now)
{
	adit_relay_received(network_of(g)->relay, now);
}

static adit_time guest_deadline(struct adit_guest *g)
{
	return adit_relay_deadline(network_of(g)->relay);
}

static const struct adit_guest_ops guest_ops = {
	.turn = guest_turn, .received = guest_received, .deadline = guest_deadline
};

/* --- from the data thread -------------------------------------------------------- */

void network_notify(struct adit_forward_network *n)
{
	const uint64_t one = 1;

	if (write(n->notify_fd, &one, sizeof(one)) < 0)
		return; /* it is readable already */
}

static void log_line(void *user, enum relay_log_level level, const char *line)
{
	static const enum adit_forward_log_level levels[] = {
		[RELAY_LOG_ERROR] = ADIT_FORWARD_LOG_ERROR,
		[RELAY_LOG_WARNING] = ADIT_FORWARD_LOG_WARNING,
		[RELAY_LOG_INFO] = ADIT_FORWARD_LOG_INFO,
		[RELAY_LOG_DEBUG] = ADIT_FORWARD_LOG_DEBUG,
	};

	(void)user;
	adit_forward_log(levels[level], "%s", line);
}

static void stdio_ended(void *user, int error)
{
	struct adit_forward_network *n = user;

	atomic_store(&n->stdio_error, error);
	atomic_store(&n->stdio_ended, true);
	network_notify(n);
}

static void stack_random(void *user, void *buf, size_t len)
{
	(void)user;
	adit_random(buf, len);
}

/* --- capture ---------------------------------------------------------------------- */

static void log_capture(void *user, const char *line)
{
	(void)user;
	adit_forward_log(ADIT_FORWARD_LOG_ERROR, "%s", line);
}

static void trace(void *user, bool out, enum adit_drop drop, const struct iovec *iov, int cnt, adit_time now)
{
	struct adit_forward_network *n = user;
	const struct adit_pcapng_packet packet = { .direction = out ? ADIT_PCAPNG_OUT : ADIT_PCAPNG_IN,
						   .wall_ns = now + n->wall, .iov = iov, .iov_cnt = (unsigned)cnt,
						   .comment = drop ? adit_drop_name(drop) : NULL };

	adit_pcapng_write(n->capture, &packet);
}

/* What was captured is in the file a moment later, if the thread turns; else when more comes. */
static void flush_capture(struct adit_forward_network *n, adit_time now)
{
	if (!n->capture || now - n->capture_flush < CAPTURE_FLUSH)
		return;
	adit_pcapng_flush(n->capture);
	n->capture_flush = now;
}

static int open_capture(struct adit_forward_network *n, const char *path, adit_time now)
{
	const struct adit_pcapng_config c = { .path = path, .program = "adit " ADIT_VERSION, .log = log_capture };
	struct timespec wall;
	int r = adit_pcapng_open(&n->capture, &c);

	if (!r)
		r = adit_pcapng_interface(n->capture, "inside");
	clock_gettime(CLOCK_REALTIME, &wall);
	n->wall = wall.tv_sec * ADIT_SEC + wall.tv_nsec - now;
	return r < 0 ? r : 0;
}

adit_time network_pause(struct adit_forward_network *n)
{
	if (n->started)
		adit_tunnel_pause(n->tunnel);
	return adit_tunnel_now();
}

void network_resume(struct adit_forward_network *n)
{
	if (n->started)
		adit_tunnel_resume(n->tunnel);
}

/* --- making ---------------------------------------------------------------------- */

static int say(const char *what, int r)
{
	adit_forward_log(ADIT_FORWARD_LOG_ERROR, "%s: %s", what, strerror(-r));
	return r;
}

/* The inside is the kernel's where that was asked for; our stack is idle then. */
static int make_stack(struct adit_forward_network *n, const struct adit_forward_config *cfg, adit_time now)
{
	const struct adit_netstack_ops ops = { .random = stack_random, .trace = n->capture ? trace : NULL };
	struct adit_netstack_config c = { .mtu = cfg->mtu ? cfg->mtu : MTU_DEFAULT, .budget = &n->budget,
					  .trust_checksums = false };
	unsigned mib = cfg->memory_mib ? cfg->memory_mib : 64;
	int r;

	/* The rest is for what is not buffers: the data thread's own, and what the allocator cannot give out again. */
	n->budget.limit = mib * MIB / 4 * 3;
	if (mib == 16)
		c.flow_max = MIB / 4;
	r = adit_netstack_new(&n->ns, &c, &ops, n, now);
	for (unsigned i = 0; i < cfg->address_cnt && !r && !n->kernel; i++)
		r = adit_netstack_add_address(n->ns, &cfg->address[i]);
	return r;
}

static int make_relay(struct adit_forward_network *n, const struct adit_forward_config *cfg, adit_time now)
{
	const struct adit_relay_config c = { .ns = n->ns, .dns = cfg->dns, .dns_cnt = cfg->dns_cnt,
					     .search = cfg->search[0] ? cfg->search : NULL, .family = cfg->family,
					     .log = log_line, .stdio_ended = stdio_ended, .user = n };
	int r = adit_relay_new(&n->relay, &c, now);

	if (r)
		return r;
	n->guest.ops = &guest_ops;
	n->guest.fd = adit_relay_fd(n->relay);
	adit_stack_inner_init(&n->inner, n->ns, &n->guest);
	alive_init(&n->alive, adit_relay_loop(n->relay), cfg, now);
	return endpoints_init(&n->endpoints, n);
}

static int make_kernel(struct adit_forward_network *n, const struct adit_forward_config *cfg)
{
	char err[512] = "";
	int r = kernel_backend_open(&n->kernel, cfg, err, sizeof(err));

	if (r)
		adit_forward_log(ADIT_FORWARD_LOG_ERROR, "%s", err[0] ? err : strerror(-r));
	return r;
}

static void set_identity(struct adit_forward_network *n, const struct adit_forward_config *cfg)
{
	adit_time now = adit_tunnel_now();
	struct adit_wg *wg;

	adit_tunnel_lock(n->tunnel);
	wg = adit_tunnel_core(n->tunnel);
	adit_wg_set_private_key(wg, cfg->private_key, now);
	while (adit_wg_private_key_continue(wg, HOLD_PEERS, now))
		;
	adit_wg_public_key(wg, n->public_key);
	adit_tunnel_unlock(n->tunnel);
}

static const char *advice_for(int error)
{
	switch (-error) {
	case EADDRINUSE:
		return " (ss -ulpn names who has it)";
	case EACCES:
		return " (ports below 1024 take a right: choose a higher one)";
	case EADDRNOTAVAIL:
		return " (ip address lists what this machine has)";
	}
	return "";
}

static int set_port(struct adit_forward_network *n, const struct adit_addr *bind, uint16_t port)
{
	struct adit_endpoint at = { .addr = *bind, .port = port };
	int r = adit_tunnel_set_port(n->tunnel, port);
	char text[ADIT_ENDPOINT_STRLEN] = "port";

	if (!r)
		return 0;
	if (bind->family)
		adit_endpoint_format(&at, text);
	else
		snprintf(text, sizeof(text), "port %u", port);
	adit_forward_log(ADIT_FORWARD_LOG_ERROR, "UDP %s: %s%s", text, strerror(-r), advice_for(r));
	return r;
}

static int set_mark(struct adit_forward_network *n, uint32_t fwmark)
{
	int r = adit_tunnel_set_fwmark(n->tunnel, fwmark);

	return r ? say("FwMark (this takes CAP_NET_ADMIN; leave it out, or run as root)", r) : 0;
}

static int make_tunnel(struct adit_forward_network *n, const struct adit_forward_config *cfg)
{
	struct adit_tunnel_config c = { .core = &adit_core_wg, .tun_fd = -1, .guest = &n->guest,
					.mtu = cfg->mtu ? cfg->mtu : MTU_DEFAULT, .threads = 1, .bind = cfg->bind_addr,
					.offloads = ADIT_OFFLOAD_ALL, .rights = n->rights };
	char err[512] = "";
	int r;

	if (n->kernel) {
		c.tun_fd = kernel_backend_tun(n->kernel);
		c.tun_elsewhere = true;
	} else {
		c.inner = &n->inner.inner;
	}
	r = adit_tunnel_new(&n->tunnel, &c, err, sizeof(err));
	if (r) {
		adit_forward_log(ADIT_FORWARD_LOG_ERROR, "%s", err[0] ? err : strerror(-r));
		return r;
	}
	set_identity(n, cfg);
	r = cfg->listen_port || cfg->bind_addr.family ? set_port(n, &cfg->bind_addr, cfg->listen_port) : 0;
	return !r && cfg->fwmark ? set_mark(n, cfg->fwmark) : r;
}

static int set_up(struct adit_forward_network *n, const struct adit_forward_config *cfg)
{
	adit_time now = adit_tunnel_now();
	int r, first;

	if (cfg->pcap[0] && cfg->backend == ADIT_FORWARD_STACK) {
		r = open_capture(n, cfg->pcap, now);
		if (r)
			return say(cfg->pcap, r);
	}
	n->notify_fd = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
	if (n->notify_fd < 0)
		return say("cannot wait for events", -errno);
	if (cfg->backend == ADIT_FORWARD_KERNEL) {
		r = make_kernel(n, cfg);
		if (r)
			return r;
	}
	r = make_stack(n, cfg, now);
	if (r)
		return say("cannot make the network inside", r);
	r = make_relay(n, cfg, now);
	if (r)
		return say("cannot make the relay", r);
	r = make_tunnel(n, cfg);
	if (r)
		return r;
	if (network_set_peers(n, NULL, cfg))
		return -EINVAL;
	network_set_services(n, cfg, &first);
	return first;
}

int network_new(struct adit_forward_network **ret, const struct adit_forward_config *cfg)
{
	return network_new_with(ret, cfg, NULL);
}

int network_new_with(struct adit_forward_network **ret, const struct adit_forward_config *cfg,
		     const struct adit_rights *rights)
{
	struct adit_forward_network *n = calloc(1, sizeof(*n));
	int r;

	if (!n)
		return -ENOMEM;
	n->notify_fd = -1;
	n->rights = rights;
	r = set_up(n, cfg);
	if (r) {
		network_free(n);
		return r;
	}
	*ret = n;
	return 0;
}

int network_start(struct adit_forward_network *n)
{
	char err[512] = "";
	int r = adit_tunnel_start(n->tunnel, err, sizeof(err));

	if (r)
		adit_forward_log(ADIT_FORWARD_LOG_ERROR, "%s", err[0] ? err : strerror(-r));
	else
		n->started = true;
	return r;
}

/* Connections are reset on both sides, and there is a moment for that to leave. */
void network_stop(struct adit_forward_network *n)
{
	const struct timespec moment = { 0, 20 * 1000 * 1000 };
	struct relay_service *s;
	adit_time now = network_pause(n);

	while ((s = adit_relay_next(n->relay, NULL)))
		adit_relay_remove(n->relay, s, true, now);
	network_resume(n);
	nanosleep(&moment, NULL);
}

void network_free(struct adit_forward_network *n)
{
	adit_time now;

	if (!n)
		return;
	adit_tunnel_free(n->tunnel); /* ends the data thread: all is ours from here on */
	n->started = false;
	now = adit_tunnel_now();
	endpoints_fini(&n->endpoints);
	alive_fini(&n->alive);
	adit_relay_free(n->relay, now);
	adit_netstack_free(n->ns);
	adit_pcapng_close(n->capture);
	kernel_backend_close(n->kernel);
	if (n->notify_fd >= 0)
		close(n->notify_fd);
	adit_wipe(n, sizeof(*n));
	free(n);
}

/* --- reload ------------------------------------------------------------------------- */

static bool same_alive(const struct adit_forward_config *a, const struct adit_forward_config *b)
{
	if (a->alive_cnt != b->alive_cnt || a->alive_interval != b->alive_interval)
		return false;
	for (unsigned i = 0; i < a->alive_cnt; i++)
		if (!adit_addr_equal(&a->alive[i], &b->alive[i]))
			return false;
	return true;
}

static bool has_address(const struct adit_forward_config *cfg, const struct adit_addr *a)
{
	for (unsigned i = 0; i < cfg->address_cnt; i++)
		if (adit_addr_equal(&cfg->address[i], a))
			return true;
	return false;
}

/* While the data thread stands still. */
static unsigned set_addresses(struct adit_forward_network *n, const struct adit_forward_config *old,
			      const struct adit_forward_config *cfg, adit_time now)
{
	unsigned failed = 0;

	for (unsigned i = 0; i < old->address_cnt; i++)
		if (!has_address(cfg, &old->address[i]))
			adit_netstack_remove_address(n->ns, &old->address[i], now);
	for (unsigned i = 0; i < cfg->address_cnt; i++) {
		int r = adit_netstack_add_address(n->ns, &cfg->address[i]);

		if (r && r != -EEXIST)
			failed += say("Address", r) != 0;
	}
	return failed;
}

static void say_restart(const char *what, bool differs)
{
	if (differs)
		adit_forward_log(ADIT_FORWARD_LOG_WARNING, "%s: the change takes a restart", what);
}

static bool same_services(const struct adit_forward_config *a, const struct adit_forward_config *b)
{
	if (a->service_cnt != b->service_cnt)
		return false;
	for (size_t i = 0; i < a->service_cnt; i++)
		if (!relay_service_equal(&a->service[i], &b->service[i]))
			return false;
	return true;
}

static void name_what_stays(const struct adit_forward_config *old, const struct adit_forward_config *cfg)
{
	say_restart("--pcap", strcmp(old->pcap, cfg->pcap) != 0);
	say_restart("ListenPort, removed", old->listen_port && !cfg->listen_port);
	say_restart("MTU", old->mtu != cfg->mtu);
	say_restart("DNS", old->dns_cnt != cfg->dns_cnt || strcmp(old->search, cfg->search) != 0 ||
		    memcmp(old->dns, cfg->dns, cfg->dns_cnt * sizeof(cfg->dns[0])) != 0);
	say_restart("ResolveStrategy", old->family != cfg->family);
	say_restart("--memory", old->memory_mib != cfg->memory_mib);
	say_restart("--backend", old->backend != cfg->backend);
	say_restart("forwards of --backend kernel", cfg->backend == ADIT_FORWARD_KERNEL && !same_services(old, cfg));
}

static unsigned set_inside(struct adit_forward_network *n, const struct adit_forward_config *old,
			   const struct adit_forward_config *cfg)
{
	adit_time now = network_pause(n);
	unsigned failed = n->kernel ? 0 : set_addresses(n, old, cfg, now);

	if (!same_alive(old, cfg)) {
		alive_fini(&n->alive);
		alive_init(&n->alive, adit_relay_loop(n->relay), cfg, now);
	}
	network_resume(n);
	return failed;
}

static bool same_identity(struct adit_forward_network *n, const struct adit_forward_config *cfg)
{
	uint8_t key[ADIT_KEY_LEN], mine[ADIT_KEY_LEN];
	bool same;

	memcpy(mine, cfg->private_key, sizeof(mine));
	adit_x25519_clamp(mine);
	adit_tunnel_lock(n->tunnel);
	same = adit_wg_private_key(adit_tunnel_core(n->tunnel), key) && adit_equal(key, mine, sizeof(key));
	adit_tunnel_unlock(n->tunnel);
	adit_wipe(key, sizeof(key));
	adit_wipe(mine, sizeof(mine));
	return same;
}

/* What failed in a reload before differs from what the tunnel has, not from old: it is tried again. */
static unsigned change_outside(struct adit_forward_network *n, const struct adit_forward_config *cfg)
{
	unsigned failed = 0;

	if (cfg->listen_port && cfg->listen_port != adit_tunnel_port(n->tunnel))
		failed += set_port(n, &cfg->bind_addr, cfg->listen_port) != 0;
	if (cfg->fwmark != adit_tunnel_fwmark(n->tunnel))
		failed += set_mark(n, cfg->fwmark) != 0;
	return failed;
}

unsigned network_reload(struct adit_forward_network *n, const struct adit_forward_config *old,
			const struct adit_forward_config *cfg)
{
	unsigned failed;
	int first;

	name_what_stays(old, cfg);
	if (!same_identity(n, cfg))
		set_identity(n, cfg);
	failed = change_outside(n, cfg);
	failed += set_inside(n, old, cfg);
	failed += network_set_peers(n, old, cfg);
	if (!n->kernel)
		failed += network_set_services(n, cfg, &first);
	return failed;
}
