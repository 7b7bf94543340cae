/* SPDX-License-Identifier: ISC */
/* agent_networks_test.c - the life of networks, with a made-up kind and a virtual clock */
#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include <errno.h>
#include <linux/netlink.h>
#include <linux/rtnetlink.h>
#include <sys/epoll.h>
#include <unistd.h>

#include "agent/agent.h"
#include "agent/moves.h"

/* --- what the networks stand on ----------------------------------------------------- */

static adit_time now;
static unsigned events;
static struct agent_event last_event;

adit_time __wrap_adit_tunnel_now(void);
adit_time __wrap_adit_tunnel_now(void)
{
	return now;
}

void agent_event_add(struct agent_events *e, const struct agent_event *event)
{
	(void)e;
	last_event = *event;
	events++;
}

/* The helper: what is asked of it is done, or refused. */
static unsigned undone;
static char undone_name[ADIT_IFNAME_LEN];
static int undo_result;

int helper_undo(struct helper *h, const char *name, char *err, size_t err_len)
{
	(void)h;
	snprintf(undone_name, sizeof(undone_name), "%s", name);
	if (undo_result)
		snprintf(err, err_len, "the lock is taken");
	else
		undone++;
	return undo_result;
}

/* --- the made-up kind ----------------------------------------------------------------- */

struct toy {
	int open_result;
	enum agent_reason open_reason;
	enum agent_state state; /* that look enters */
	enum agent_reason reason;
	bool lose; /* by look */
	unsigned opened, closed, looked, moved;
};

static struct toy *toy_of(struct agent_network *n)
{
	static struct toy toys[4];

	return &toys[n->settings->name[0] - 'a'];
}

/* What it has in force, named after it: a killswitch, or nothing that blocks. */
static struct adit_plan toy_plan(const struct agent_network *n)
{
	const struct adit_step guard = { .kind = ADIT_STEP_GUARD };
	struct adit_plan plan;

	adit_plan_init(&plan, n->settings->name);
	if (n->settings->killswitch)
		assert_int_equal(adit_plan_add(&plan, &guard), 0);
	return plan;
}

static void toy_hold(struct agent_network *n)
{
	if (!n->holds)
		n->held = toy_plan(n);
	n->holds = true;
}

static int toy_open(struct agent_network *n, enum agent_reason *reason, char *err, size_t err_len)
{
	struct toy *t = toy_of(n);

	t->opened++;
	if (t->open_result) {
		*reason = t->open_reason;
		snprintf(err, err_len, "toy %s does not open", n->settings->name);
		if (n->settings->killswitch)
			toy_hold(n);
		return t->open_result;
	}
	if (n->holds)
		adit_plan_fini(&n->held);
	n->impl = t;
	network_enter(n, AGENT_HANDSHAKING, AGENT_OK, NULL);
	return 0;
}

static void toy_close(struct agent_network *n)
{
	struct adit_plan plan = toy_plan(n);

	toy_of(n)->closed++;
	n->impl = NULL;
	if (n->wanted && n->settings->killswitch) {
		adit_plan_fini(&plan);
		toy_hold(n);
	} else {
		network_undo(n, &plan);
	}
}

static adit_time toy_look(struct agent_network *n, adit_time at)
{
	struct toy *t = n->impl;

	t->looked++;
	if (t->lose)
		network_lost(n, AGENT_TUN, "gone");
	else
		network_enter(n, t->state, t->reason, NULL);
	return at + ADIT_SEC;
}

static void toy_moved(struct agent_network *n, adit_time at)
{
	(void)at;
	toy_of(n)->moved++;
}

static int toy_snapshot(struct agent_network *n, struct agent_snapshot *ret)
{
	(void)n;
	ret->mtu = 1420;
	ret->service = calloc(1, sizeof(*ret->service));
	ret->service[ret->service_cnt++] = strdup("one");
	return 0;
}

#define TOY { .open = toy_open, .close = toy_close, .look = toy_look, .moved = toy_moved, \
	      .snapshot = toy_snapshot }
const struct agent_network_ops agent_wireguard_ops = TOY, agent_forward_ops = TOY, agent_static_ops = TOY;

/* --- the agent ---------------------------------------------------------------------------- */

struct lab {
	struct agent a;
	struct agent_config config;
	struct agent_network_settings s[3];
	struct agent_network *n[3];
};

static void lab_init(struct lab *l, unsigned enabled)
{
	memset(l, 0, sizeof(*l));
	now = 1000 * ADIT_SEC;
	events = 0;
	l->a.epoll_fd = epoll_create1(0);
	l->a.config = &l->config;
	for (unsigned i = 0; i < 3; i++) {
		l->s[i].name[0] = (char)('a' + i);
		l->s[i].enable = i < enabled;
		l->s[i].next = i < 2 ? &l->s[i + 1] : NULL;
	}
	l->config.networks = l->s;
	assert_int_equal(agent_networks_init(&l->a), 0);
	for (unsigned i = 0; i < 3; i++) {
		char name[2] = { (char)('a' + i), '\0' };

		l->n[i] = agent_find(&l->a, name);
		assert_non_null(l->n[i]);
		*toy_of(l->n[i]) = (struct toy){ .state = AGENT_UP, .reason = AGENT_OK };
	}
}

static void lab_fini(struct lab *l)
{
	agent_networks_fini(&l->a);
	assert_null(l->a.networks);
	close(l->a.epoll_fd);
}

/* Runs ticks as they fall due, until `until`. */
static void run(struct lab *l, adit_time until)
{
	for (unsigned i = 0; i < 10000; i++) {
		adit_time due = agent_networks_due(&l->a);

		if (due > until)
			break;
		now = due > now ? due : now;
		agent_networks_tick(&l->a, now);
	}
	now = until;
}

static void test_names(void **state)
{
	(void)state;
	for (unsigned i = 0; i < AGENT_REASON_CNT; i++) {
		assert_non_null(agent_reason_name(i));
		assert_true(strlen(agent_reason_name(i)) < sizeof(last_event.reason));
		assert_true(strlen(agent_reason_sentence(i)) > 5);
		for (unsigned k = 0; k < i; k++)
			assert_string_not_equal(agent_reason_name(i), agent_reason_name(k));
	}
	for (unsigned i = 0; i < AGENT_STATE_CNT; i++)
		assert_true(strlen(agent_state_name(i)) < sizeof(last_event.state));
}

static void test_enabled_ones_start(void **state)
{
	struct toy *toy;
	struct lab l;

	(void)state;
	lab_init(&l, 2);
	assert_null(agent_find(&l.a, "d"));
	run(&l, now + ADIT_SEC / 10);
	assert_int_equal(l.n[0]->state, AGENT_UP);
	assert_int_equal(l.n[1]->state, AGENT_UP);
	assert_int_equal(l.n[2]->state, AGENT_DOWN);
	assert_int_equal(l.n[2]->reason, AGENT_NOT_ASKED);
	assert_int_equal(toy_of(l.n[2])->opened, 0);
	assert_int_equal(l.n[0]->entered[AGENT_UP], 1);
	assert_int_equal(events, 4); /* handshaking, up: of two */
	run(&l, now + 10 * ADIT_SEC);
	assert_in_range(toy_of(l.n[0])->looked, 10, 12);
	assert_int_equal(events, 4);
	toy = toy_of(l.n[0]);
	lab_fini(&l);
	assert_int_equal(toy->closed, 1);
}

/* One that fails does not stop the others, and is tried again less and less often. */
static void test_back_off(void **state)
{
	struct lab l;
	adit_time begin;
	unsigned early;

	(void)state;
	lab_init(&l, 3);
	begin = now;
	toy_of(l.n[1])->open_result = -EADDRINUSE;
	toy_of(l.n[1])->open_reason = AGENT_PORT_TAKEN;
	run(&l, begin + 4 * ADIT_SEC);
	assert_int_equal(l.n[0]->state, AGENT_UP);
	assert_int_equal(l.n[2]->state, AGENT_UP);
	assert_int_equal(l.n[1]->state, AGENT_ERROR);
	assert_int_equal(l.n[1]->reason, AGENT_PORT_TAKEN);
	assert_string_equal(l.n[1]->why, "toy b does not open");
	early = toy_of(l.n[1])->opened;
	assert_in_range(early, 3, 5); /* 0, 0.5, 1.5, 3.5 s; a quarter more or less */
	run(&l, begin + 600 * ADIT_SEC);
	assert_in_range(toy_of(l.n[1])->opened - early, 600 / 38, 600 / 22 + 5);
	assert_int_equal(l.n[1]->entered[AGENT_ERROR], 1); /* one event, however often */
	toy_of(l.n[1])->open_result = 0;
	run(&l, now + 40 * ADIT_SEC);
	assert_int_equal(l.n[1]->state, AGENT_UP);
	assert_int_equal(l.n[1]->failures, 0);
	lab_fini(&l);
}

static void test_back_off_times(void **state)
{
	static const adit_time want[] = { 500, 500, 1000, 2000, 4000, 8000, 16000, 30000, 30000 };

	(void)state;
	for (unsigned i = 0; i < sizeof(want) / sizeof(want[0]); i++) {
		adit_time w = want[i] * ADIT_MSEC;

		assert_true(network_back_off(i, 0) == w - w / 4);
		assert_true(network_back_off(i, UINT32_MAX) <= w + w / 4);
		assert_true(network_back_off(i, UINT32_MAX) > w + w / 4 - ADIT_MSEC);
	}
	assert_true(network_back_off(1u << 31, 0) == 30 * ADIT_SEC - 30 * ADIT_SEC / 4);
}

static void test_connect_and_disconnect(void **state)
{
	struct lab l;
	char err[256];

	(void)state;
	lab_init(&l, 0);
	assert_true(agent_networks_due(&l.a) == ADIT_NEVER);
	assert_int_equal(agent_connect(&l.a, l.n[0], err, sizeof(err)), 0);
	assert_int_equal(l.n[0]->state, AGENT_HANDSHAKING);
	assert_int_equal(agent_connect(&l.a, l.n[0], err, sizeof(err)), 0); /* it is already */
	assert_int_equal(toy_of(l.n[0])->opened, 1);
	assert_int_equal(agent_disconnect(&l.a, l.n[0], err, sizeof(err)), 0);
	assert_int_equal(l.n[0]->state, AGENT_DOWN);
	assert_true(agent_networks_due(&l.a) == ADIT_NEVER);

	toy_of(l.n[1])->open_result = -EIO;
	toy_of(l.n[1])->open_reason = AGENT_HOST;
	assert_int_equal(agent_connect(&l.a, l.n[1], err, sizeof(err)), -EIO);
	assert_string_equal(err, "toy b does not open");
	assert_true(agent_networks_due(&l.a) < now + ADIT_SEC);
	assert_int_equal(agent_disconnect(&l.a, l.n[1], err, sizeof(err)), 0);
	assert_true(agent_networks_due(&l.a) == ADIT_NEVER);
	run(&l, now + 100 * ADIT_SEC);
	assert_int_equal(toy_of(l.n[1])->opened, 1);
	lab_fini(&l);
}

static void test_states_and_events(void **state)
{
	struct lab l;
	adit_time since;

	(void)state;
	lab_init(&l, 1);
	run(&l, now + ADIT_SEC);
	since = l.n[0]->since;
	toy_of(l.n[0])->reason = AGENT_MTU; /* the state stays, the reason is news */
	run(&l, now + 2 * ADIT_SEC);
	assert_true(l.n[0]->since == since);
	assert_string_equal(last_event.reason, "mtu");
	assert_string_equal(last_event.state, "up");
	toy_of(l.n[0])->state = AGENT_STALE;
	toy_of(l.n[0])->reason = AGENT_NO_DATA;
	run(&l, now + 2 * ADIT_SEC);
	assert_true(l.n[0]->since > since);
	assert_string_equal(last_event.network, "a");
	assert_string_equal(last_event.state, "stale");
	assert_string_equal(last_event.kind, "state");
	assert_non_null(strstr(last_event.text, "was up"));
	lab_fini(&l);
}

/* A TUN that is gone comes back within a second; with a killswitch what blocks stays meanwhile. */
static void test_lost(void **state)
{
	struct lab l;
	char err[64];

	(void)state;
	lab_init(&l, 1);
	run(&l, now + ADIT_SEC);
	toy_of(l.n[0])->lose = true;
	agent_networks_tick(&l.a, l.n[0]->look_at);
	assert_int_equal(l.n[0]->state, AGENT_ERROR);
	assert_int_equal(l.n[0]->reason, AGENT_TUN);
	assert_null(l.n[0]->impl);
	toy_of(l.n[0])->lose = false;
	run(&l, now + ADIT_SEC);
	assert_int_equal(l.n[0]->state, AGENT_UP);

	l.s[0].killswitch = true;
	toy_of(l.n[0])->lose = true;
	agent_networks_tick(&l.a, l.n[0]->look_at);
	assert_int_equal(l.n[0]->state, AGENT_BLOCKED);
	assert_true(l.n[0]->holds);
	toy_of(l.n[0])->open_result = -EIO;
	run(&l, now + 10 * ADIT_SEC);
	assert_int_equal(l.n[0]->state, AGENT_BLOCKED);
	undone = 0;
	assert_int_equal(agent_disconnect(&l.a, l.n[0], err, sizeof(err)), 0);
	assert_int_equal(undone, 1);
	assert_false(l.n[0]->holds);
	lab_fini(&l);
}

/* What cannot be undone is in force, so the network is not down: it says so, and it is tried again. */
static void test_not_undone(void **state)
{
	struct lab l;
	char err[256];
	unsigned told;

	(void)state;
	lab_init(&l, 2);
	l.s[0].killswitch = true;
	run(&l, now + ADIT_SEC);
	undone = 0;
	undo_result = -EBUSY;
	assert_int_equal(agent_disconnect(&l.a, l.n[0], err, sizeof(err)), -EBUSY);
	assert_non_null(strstr(err, "the lock is taken"));
	assert_int_equal(l.n[0]->state, AGENT_BLOCKED);
	assert_int_equal(l.n[0]->reason, AGENT_HOST);
	assert_non_null(strstr(l.n[0]->warning, "in force still"));
	assert_true(agent_plan_is_anothers(l.n[1], "a"));
	assert_int_equal(agent_disconnect(&l.a, l.n[1], err, sizeof(err)), -EBUSY);
	assert_int_equal(l.n[1]->state, AGENT_ERROR); /* it blocks nothing */

	told = events;
	assert_int_equal(agent_disconnect(&l.a, l.n[0], err, sizeof(err)), -EBUSY);
	run(&l, now + 60 * ADIT_SEC);
	assert_int_equal(events, told); /* once, however often */
	assert_true(l.n[0]->failures > 3 && l.n[1]->failures > 3);
	undo_result = 0;
	assert_int_equal(agent_disconnect(&l.a, l.n[0], err, sizeof(err)), 0);
	assert_int_equal(l.n[0]->state, AGENT_DOWN);
	assert_string_equal(l.n[0]->warning, "");
	assert_int_equal(undone, 1);
	run(&l, now + 60 * ADIT_SEC); /* the other one by itself */
	assert_int_equal(l.n[1]->state, AGENT_DOWN);
	assert_false(l.n[1]->holds);
	assert_int_equal(undone, 2);
	assert_true(agent_networks_due(&l.a) == ADIT_NEVER);
	lab_fini(&l);
}

/* One that is no more: its name stays until it is undone, or is another's. */
static void test_removed_and_not_undone(void **state)
{
	struct lab l;
	char err[256];

	(void)state;
	lab_init(&l, 2);
	run(&l, now + ADIT_SEC);
	undone = 0;
	undo_result = -EBUSY;
	agent_network_remove(&l.a, l.n[0]);
	assert_null(agent_find(&l.a, "a"));
	agent_network_remove(&l.a, l.n[1]);
	run(&l, now + 60 * ADIT_SEC);
	assert_int_equal(undone, 0);
	undo_result = 0;
	assert_int_equal(agent_connect(&l.a, l.n[2], err, sizeof(err)), 0);
	snprintf(l.n[2]->ifname, sizeof(l.n[2]->ifname), "a");
	run(&l, now + 60 * ADIT_SEC);
	assert_int_equal(undone, 1);
	assert_string_equal(undone_name, "b");
	assert_null(l.a.leftovers);
	lab_fini(&l);
}

/* Only WireGuard goes on from a plan that is in force. */
static void test_another_kind_undoes_first(void **state)
{
	struct lab l;
	char err[256];

	(void)state;
	lab_init(&l, 1);
	l.s[0].type = AGENT_STATIC;
	run(&l, now + ADIT_SEC);
	undo_result = -EBUSY;
	assert_int_equal(agent_disconnect(&l.a, l.n[0], err, sizeof(err)), -EBUSY);
	assert_int_equal(agent_connect(&l.a, l.n[0], err, sizeof(err)), -EBUSY);
	assert_int_equal(l.n[0]->state, AGENT_ERROR);
	assert_int_equal(l.n[0]->reason, AGENT_HOST);
	undo_result = 0;
	run(&l, now + 60 * ADIT_SEC);
	assert_int_equal(l.n[0]->state, AGENT_UP);
	lab_fini(&l);
}

/* Plans go by the interface's name, of those that run and of those that block. */
static void test_plans_of_others(void **state)
{
	struct lab l;

	(void)state;
	lab_init(&l, 2);
	run(&l, now + ADIT_SEC);
	snprintf(l.n[0]->ifname, sizeof(l.n[0]->ifname), "adit0");
	assert_true(agent_plan_is_anothers(l.n[1], "adit0"));
	assert_true(agent_plan_is_anothers(l.n[2], "adit0"));
	assert_false(agent_plan_is_anothers(l.n[0], "adit0"));
	assert_false(agent_plan_is_anothers(l.n[1], "adit1"));

	l.s[0].killswitch = true;
	toy_of(l.n[0])->lose = true;
	toy_of(l.n[0])->open_result = -EIO;
	agent_networks_tick(&l.a, l.n[0]->look_at);
	assert_true(l.n[0]->holds);
	snprintf(l.n[0]->held.name, sizeof(l.n[0]->held.name), "adit0");
	assert_true(agent_plan_is_anothers(l.n[1], "adit0"));
	assert_false(agent_plan_is_anothers(l.n[0], "adit0"));

	toy_of(l.n[2])->open_result = -EIO; /* one that did not open has no interface */
	snprintf(l.n[2]->ifname, sizeof(l.n[2]->ifname), "adit2");
	assert_int_equal(agent_connect(&l.a, l.n[2], (char[64]){ "" }, 64), -EIO);
	assert_string_equal(l.n[2]->ifname, "");
	lab_fini(&l);
}

static void test_moved(void **state)
{
	struct lab l;

	(void)state;
	lab_init(&l, 2);
	toy_of(l.n[1])->open_result = -EIO;
	run(&l, now + 100 * ADIT_SEC);
	agent_networks_moved(&l.a, now);
	assert_int_equal(toy_of(l.n[0])->moved, 1);
	assert_int_equal(toy_of(l.n[1])->moved, 0);
	assert_true(l.n[1]->retry_at == now); /* not in half a minute */
	lab_fini(&l);
}

static void test_snapshot(void **state)
{
	struct agent_snapshot s;
	struct lab l;

	(void)state;
	lab_init(&l, 1);
	assert_int_equal(agent_snapshot_take(&s, l.n[0]), 0);
	assert_ptr_equal(s.network, l.n[0]);
	assert_int_equal(s.mtu, 0);
	agent_snapshot_free(&s);
	run(&l, now + ADIT_SEC);
	assert_int_equal(agent_snapshot_take(&s, l.n[0]), 0);
	assert_int_equal(s.mtu, 1420);
	agent_snapshot_free(&s);
	lab_fini(&l);
}

/* --- what netlink tells --------------------------------------------------------------------- */

static bool seven_is_ours(void *user, unsigned ifindex)
{
	(void)user;
	return ifindex == 7;
}

struct route_message {
	struct nlmsghdr h;
	struct rtmsg rt;
	struct rtattr a;
	uint32_t oif;
};

static bool judge_route(unsigned protocol, unsigned table, uint32_t oif)
{
	struct route_message m = {
		.h = { .nlmsg_len = sizeof(m), .nlmsg_type = RTM_NEWROUTE },
		.rt = { .rtm_family = 2, .rtm_protocol = (unsigned char)protocol, .rtm_table = (unsigned char)table },
		.a = { .rta_len = RTA_LENGTH(4), .rta_type = RTA_OIF }, .oif = oif,
	};

	return agent_moves_judge(&m, sizeof(m), seven_is_ours, NULL);
}

static bool judge_link(unsigned type, int index)
{
	struct {
		struct nlmsghdr h;
		struct ifinfomsg i;
	} m = { .h = { .nlmsg_len = sizeof(m), .nlmsg_type = (uint16_t)type }, .i = { .ifi_index = index } };

	return agent_moves_judge(&m, sizeof(m), seven_is_ours, NULL);
}

static void test_netlink(void **state)
{
	static const char short_message[sizeof(struct nlmsghdr)] __attribute__((aligned(4))) = { 16, 0, 0, 0, RTM_NEWADDR };

	(void)state;
	assert_true(judge_route(RTPROT_DHCP, RT_TABLE_MAIN, 2));
	assert_true(judge_route(RTPROT_KERNEL, RT_TABLE_MAIN, 2));
	assert_false(judge_route(RTPROT_KERNEL, RT_TABLE_MAIN, 7));
	assert_false(judge_route(97, RT_TABLE_MAIN, 2));
	assert_false(judge_route(RTPROT_KERNEL, RT_TABLE_LOCAL, 2));
	assert_true(judge_link(RTM_NEWLINK, 2));
	assert_true(judge_link(RTM_DELLINK, 2));
	assert_false(judge_link(RTM_NEWLINK, 7));
	assert_false(judge_link(RTM_NEWRULE, 2));
	assert_false(agent_moves_judge(short_message, sizeof(short_message), seven_is_ours, NULL));
	assert_false(agent_moves_judge(short_message, 7, seven_is_ours, NULL));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_names),
		cmocka_unit_test(test_enabled_ones_start),
		cmocka_unit_test(test_back_off),
		cmocka_unit_test(test_back_off_times),
		cmocka_unit_test(test_connect_and_disconnect),
		cmocka_unit_test(test_states_and_events),
		cmocka_unit_test(test_lost),
		cmocka_unit_test(test_not_undone),
		cmocka_unit_test(test_removed_and_not_undone),
		cmocka_unit_test(test_another_kind_undoes_first),
		cmocka_unit_test(test_plans_of_others),
		cmocka_unit_test(test_moved),
		cmocka_unit_test(test_snapshot),
		cmocka_unit_test(test_netlink),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
