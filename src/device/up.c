/* SPDX-License-Identifier: ISC */
/*
 * up.c - `adit up FILE.conf|NAME`
 *
 * DOC: up reads the file, resolves endpoints and makes the whole plan before
 * it touches anything. Then: the record (up_record.c), PreUp hooks, device
 * process, keys and peers over its socket, the plan (journalled, applied and
 * verified by host/keeper.h), PostUp hooks. A failure or a signal anywhere after
 * the record is written undoes it all. In the end the plan is left to its device:
 * nothing of `adit up` goes on running, but where it waits to be confirmed.
 */
#include "device/device.h"

#include <errno.h>
#include <netinet/in.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <time.h>
#include <unistd.h>

#include "base/exit.h"
#include "device/netplan.h"
#include "device/uapi_socket.h"
#include "device/up_device.h"
#include "device/up_internal.h"

/* What `adit up` is about. */
struct wanted {
	const struct adit_quickconf *conf;
	struct adit_path *endpoints;
	struct adit_plan plan;
	uint32_t mark;
};

/* --- is the way free? -------------------------------------------------------- */

static int try_port(uint16_t port)
{
	struct sockaddr_in6 any6 = { .sin6_family = AF_INET6, .sin6_port = htons(port) };
	struct sockaddr_in any4 = { .sin_family = AF_INET, .sin_port = htons(port) };
	int one = 1, r = 0, fd = socket(AF_INET, SOCK_DGRAM | SOCK_CLOEXEC, 0);

	if (fd >= 0 && bind(fd, (struct sockaddr *)&any4, sizeof(any4)) < 0)
		r = -errno;
	if (fd >= 0)
		close(fd);
	fd = r ? -1 : socket(AF_INET6, SOCK_DGRAM | SOCK_CLOEXEC, 0);
	if (fd < 0)
		return r;
	setsockopt(fd, IPPROTO_IPV6, IPV6_V6ONLY, &one, sizeof(one));
	if (bind(fd, (struct sockaddr *)&any6, sizeof(any6)) < 0)
		r = -errno;
	close(fd);
	return r;
}

/* The device opens its port only when it comes up; say now what would fail
 * then. A process that was killed holds its sockets for a moment longer. */
static int check_port(struct up *up, const struct adit_quickconf *conf)
{
	int r = 0, tries;

	if (!conf->has_listen_port || !conf->listen_port)
		return 0;
	for (tries = 0; (r = try_port(conf->listen_port)) == -EADDRINUSE && tries < 10 && !up_interrupted();
	     tries++)
		nanosleep(&(struct timespec){ 0, 50 * 1000 * 1000 }, NULL);
	return r == -EADDRINUSE ? up_fail(up, "ListenPort %u is in use by another program (ss -ulpn names it)",
					  conf->listen_port) :
				  0;
}

/* Undoes what a killed process left (*cleared); refuses what is up. found: a plan, now adopted. */
static int clear_old(struct up *up, const struct up_record *record, bool found, bool *cleared)
{
	struct adit_link link;
	bool there = adit_link_find(up->nl, up->name, &link) == 0;
	bool alive = adit_uapi_alive(up->name);
	char err[256];

	if (!found && !(record->found && !record->done && alive && !up_is_stranger(up, record)))
		return 0;
	if (there && alive && (record->done || !record->found)) {
		adit_keeper_leave(up->keeper, up->name, err, sizeof(err));
		return up_fail(up, "is up already (adit show %s; adit down %s)", up->name, up->name);
	}
	if (alive && !there) {
		adit_keeper_leave(up->keeper, up->name, err, sizeof(err));
		return 0; /* said below */
	}
	fprintf(stderr, "%s: %s: undoing what a killed process left first\n", up->command, up->name);
	*cleared = true;
	return up_take_down(up);
}

static int check_name(struct up *up, const struct up_record *record, bool *cleared)
{
	struct adit_link link;
	char err[256];
	int r = adit_keeper_adopt(up->keeper, up->name, err, sizeof(err)), status;

	if (r && r != -ENOENT)
		return up_fail(up, "%s", err);
	status = clear_old(up, record, !r, cleared);
	if (status)
		return status;
	if (adit_link_find(up->nl, up->name, &link) == 0)
		return up_fail(up, "there is an interface of this name, and adit up did not make it");
	if (adit_uapi_alive(up->name))
		return up_fail(up, "a device of this name runs, perhaps in another network namespace");
	return 0;
}

/* --- from the first change to the last ------------------------------------------ */

static int bring_up(struct up *up, const struct wanted *want)
{
	char err[512];
	int r = adit_up_start(up->name, up->lock_fd);

	if (r == -EPERM || r == -ECHILD) { /* it said why */
		up_fail(up, "the device did not start");
		return r == -EPERM ? ADIT_EXIT_DENIED : ADIT_EXIT_FAILED;
	}
	if (r)
		return up_fail_errno(up, "cannot start the device", r);
	r = adit_up_configure(up->name, want->conf, want->endpoints, want->mark);
	if (r)
		return up_fail_errno(up, "the device refused its configuration", r);
	r = adit_keeper_apply(up->keeper, &want->plan, err, sizeof(err));
	return r ? up_fail(up, "%s", err) : 0;
}

static int bring_up_with_hooks(struct up *up, const struct wanted *want)
{
	char err[256];
	int status = up_hooks_run(up, want->conf, ADIT_QUICK_PRE_UP, true);

	if (!status)
		status = up_interrupted() ? up_fail(up, "interrupted") : bring_up(up, want);
	if (!status)
		status = up_hooks_run(up, want->conf, ADIT_QUICK_POST_UP, true);
	if (!status && up_interrupted())
		status = up_fail(up, "interrupted");
	if (!status && adit_keeper_leave(up->keeper, up->name, err, sizeof(err)))
		status = up_fail(up, "%s", err);
	return status;
}

static int make_plan(struct up *up, struct wanted *want)
{
	int status = up_make_plan(up, want->conf, want->endpoints, &want->plan);

	if (!status)
		want->mark = want->conf->fwmark ? want->conf->fwmark : adit_netplan_mark(&want->plan);
	return status;
}

/* What was left of a killed one was in the way of the first plan: its rules, its table. */
static int make_way(struct up *up, struct wanted *want, const struct up_record *old)
{
	bool cleared = false;
	int status = check_name(up, old, &cleared);

	if (!status && cleared) {
		adit_plan_fini(&want->plan);
		status = make_plan(up, want);
	}
	return status ? status : check_port(up, want->conf);
}

/* With the record's lock. *clean: nothing of it is left. */
static int bring_up_or_undo(struct up *up, struct wanted *want, const struct up_record *old, bool *clean)
{
	struct up_record record = { .hooks = up->hooks };
	int status = make_way(up, want, old), r;

	*clean = !old->found;
	if (status)
		return status;
	record.mark = want->conf->fwmark ? 0 : want->mark;
	snprintf(record.file, sizeof(record.file), "%s", up->file);
	r = up_record_write(up, &record);
	*clean = true;
	if (r)
		return up_fail_errno(up, "cannot write what adit down needs to know", r);
	status = bring_up_with_hooks(up, want);
	record.done = true;
	if (!status && (r = up_record_write(up, &record)))
		status = up_fail_errno(up, "cannot write what adit down needs to know", r);
	if (status)
		*clean = up_take_down(up) == 0;
	else
		*clean = false;
	return status;
}

/* --- the whole -------------------------------------------------------------------- */

static void print_result(const struct up *up, const struct wanted *want)
{
	char buf[ADIT_PREFIX_STRLEN];
	const struct adit_plan *plan = &want->plan;
	size_t i, routes = 0;
	unsigned mtu = 0;

	printf("%s is up", up->name);
	for (i = 0; i < plan->cnt; i++) {
		if (plan->steps[i].kind == ADIT_STEP_ADDR)
			printf(", %s", adit_prefix_format(&plan->steps[i].prefix, buf));
		if (plan->steps[i].kind == ADIT_STEP_MTU)
			mtu = plan->steps[i].mtu;
		routes += plan->steps[i].kind == ADIT_STEP_ROUTE;
	}
	printf(", MTU %u, %zu peer%s, %zu route%s\n", mtu, want->conf->peer_cnt,
	       want->conf->peer_cnt == 1 ? "" : "s", routes, routes == 1 ? "" : "s");
}

static int carry_out(struct up *up, struct wanted *want)
{
	struct up_record old;
	bool clean = false;
	int status, r;

	up_block_signals();
	status = up_record_lock(up, &old);
	if (status)
		return status;
	adit_keeper_set_stop(up->keeper, up_interrupted);
	status = bring_up_or_undo(up, want, &old, &clean);
	up_record_unlock(up, clean);
	if (status)
		return status;
	print_result(up, want);
	if (!up->confirm_secs)
		return 0;
	up_close_host(up);
	r = up_confirm(up);
	if (r < 0) {
		status = up_fail_errno(up, "cannot wait to be confirmed", r);
		up_down(up);
		return status;
	}
	return r;
}

/* Nothing is changed yet here: Ctrl-C simply ends the program. */
static int up_with(struct up *up, const struct adit_quickconf *conf)
{
	struct wanted want = { .conf = conf };
	int status = up_check_config(up, conf);

	if (!status)
		status = up_resolve(up, conf, &want.endpoints);
	if (!status)
		status = up_open_host(up);
	if (!status)
		status = make_plan(up, &want);
	if (!status) {
		up_hooks_list(up, conf, false);
		if (up->dry_run)
			adit_plan_print(stdout, &want.plan);
		else
			status = carry_out(up, &want);
		adit_plan_fini(&want.plan);
	}
	free(want.endpoints);
	return status;
}

static int confirm_other(const struct up *up)
{
	if (!up_confirm_end(up))
		return up_fail(up, "nothing of this name waits to be confirmed");
	printf("%s stays up\n", up->name);
	return 0;
}

int adit_up_main(int argc, char **argv)
{
	struct adit_quickconf *conf = NULL;
	struct up up = { 0 };
	int status = up_read_arguments(&up, argc, argv, "adit up",
				       UP_DRY_RUN | UP_HOOKS | UP_CONFIRM | UP_STATE_DIR);

	if (status)
		return status;
	if (up.confirmed)
		return confirm_other(&up);
	if (access(up.file, F_OK) == 0)
		status = up_real_path(&up);
	if (!status)
		status = up_read_config(&up, &conf);
	if (!status)
		status = up_with(&up, conf);
	adit_quickconf_free(conf);
	up_close_host(&up);
	return status;
}
