/* SPDX-License-Identifier: ISC */
/* space.c - a user, network and mount namespace with a TUN in it (user_namespaces(7), network_namespaces(7)) */
#include "forward/space.h"

#include <errno.h>
#include <fcntl.h>
#include <sched.h>
#include <stdio.h>
#include <string.h>
#include <sys/mount.h>
#include <sys/prctl.h>
#include <unistd.h>

#include "host/netlink.h"
#include "pktio/tun.h"

/* --- namespaces ----------------------------------------------------------- */

static int write_file(const char *path, const char *text)
{
	int fd = open(path, O_WRONLY | O_CLOEXEC), r;

	if (fd < 0)
		return -errno;
	r = write(fd, text, strlen(text)) < 0 ? -errno : 0;
	close(fd);
	return r;
}

/* Everybody is who he was: one user and one group, each mapped to itself. */
static int map_ids(uid_t uid, gid_t gid)
{
	char map[48];
	int r;

	r = write_file("/proc/self/setgroups", "deny");
	if (r && r != -ENOENT)
		return r;
	snprintf(map, sizeof(map), "%u %u 1", gid, gid);
	r = write_file("/proc/self/gid_map", map);
	if (r)
		return r;
	snprintf(map, sizeof(map), "%u %u 1", uid, uid);
	return write_file("/proc/self/uid_map", map);
}

static int enter_user(char *err, size_t err_len)
{
	uid_t uid = geteuid();
	gid_t gid = getegid();
	int r, dumpable;

	if (unshare(CLONE_NEWUSER) < 0)
		return space_why(SPACE_USER, -errno, err, err_len);
	/* The maps of a process that nobody may read are root's. */
	dumpable = prctl(PR_GET_DUMPABLE);
	prctl(PR_SET_DUMPABLE, 1, 0, 0, 0);
	r = map_ids(uid, gid);
	prctl(PR_SET_DUMPABLE, dumpable, 0, 0, 0);
	return r ? space_why(SPACE_MAP, r, err, err_len) : 0;
}

static int enter(char *err, size_t err_len)
{
	int r;

	if (unshare(CLONE_NEWNET | CLONE_NEWNS) == 0)
		return 0;
	if (errno != EPERM)
		return space_why(SPACE_NET, -errno, err, err_len);
	r = enter_user(err, err_len);
	if (r)
		return r;
	return unshare(CLONE_NEWNET | CLONE_NEWNS) < 0 ? space_why(SPACE_NET, -errno, err, err_len) : 0;
}

/* --- the network inside --------------------------------------------------- */

static int set_address(struct adit_netlink *nl, unsigned index, const struct adit_addr *addr)
{
	struct adit_prefix p = { .addr = *addr, .len = addr->family == 4 ? 32 : 128 };

	return adit_addr_add(nl, index, &p);
}

/* What no peer may have has no route: it fails at once, as it should. */
static int set_routes(struct adit_netlink *nl, unsigned index, const struct adit_forward_peer *peer)
{
	size_t i;
	int r = 0;

	for (i = 0; i < peer->allowed_cnt && !r; i++) {
		const struct adit_route route = { .dst = peer->allowed[i], .table = ADIT_TABLE_MAIN, .index = index };

		r = adit_route_add(nl, &route);
		if (r == -EEXIST) /* of another peer too; or the same as an address of ours */
			r = 0;
	}
	return r;
}

static int bring_up(struct adit_netlink *nl, const char *name, unsigned mtu, unsigned *index)
{
	struct adit_link link;
	int r = adit_link_find(nl, name, &link);

	*index = link.index;
	if (!r && mtu) {
		adit_link_no_link_local(nl, link.index);
		r = adit_link_set_mtu(nl, link.index, mtu);
	}
	return r ? r : adit_link_set_up(nl, link.index);
}

static int configure(const struct adit_forward_config *cfg, unsigned mtu, char *err, size_t err_len)
{
	const char *what = "loopback";
	struct adit_netlink *nl;
	unsigned index = 0;
	int r = adit_netlink_open(&nl);
	size_t i;

	if (r) {
		snprintf(err, err_len, "netlink: %s", strerror(-r));
		return r;
	}
	r = bring_up(nl, "lo", 0, &index);
	if (!r) {
		what = "the TUN";
		r = bring_up(nl, SPACE_IFNAME, mtu, &index);
	}
	for (i = 0; i < cfg->address_cnt && !r; i++) {
		what = cfg->address[i].family == 6 ? "an IPv6 address" : "an address";
		r = set_address(nl, index, &cfg->address[i]);
	}
	for (i = 0; i < cfg->peer_cnt && !r; i++) {
		what = "the routes";
		r = set_routes(nl, index, &cfg->peer[i]);
	}
	if (r)
		snprintf(err, err_len, "cannot set up %s inside: %s (%s)", what, strerror(-r), adit_netlink_detail(nl));
	adit_netlink_close(nl);
	return r;
}

/* So that ping(8) works, whose privileges do not reach here. */
static void allow_ping(void)
{
	char range[48];

	snprintf(range, sizeof(range), "%u %u", getegid(), getegid());
	write_file("/proc/sys/net/ipv4/ping_group_range", range);
}

int space_enter(const struct adit_forward_config *cfg, unsigned mtu, char *err, size_t err_len)
{
	char name[ADIT_IFNAME_LEN] = SPACE_IFNAME;
	struct adit_tun tun;
	int r = enter(err, err_len);

	if (r)
		return r;
	/* Mounts made outside later come in; ours do not go out. */
	if (mount(NULL, "/", NULL, MS_REC | MS_SLAVE, NULL) < 0)
		return space_why(SPACE_MOUNT, -errno, err, err_len);
	r = adit_tun_open(&tun, name, false, ADIT_OFFLOAD_ALL, err, err_len);
	if (r)
		return space_why(SPACE_TUN, r, err, err_len);
	r = configure(cfg, mtu, err, err_len);
	if (!r)
		r = space_files(cfg, err, err_len);
	if (r) {
		adit_tun_close(&tun);
		return r;
	}
	allow_ping();
	return tun.inner.fd;
}
