/* SPDX-License-Identifier: ISC */
/* agent_api_test.c - requests of the control API: every action, role and limit, and what is malformed */
#include <arpa/inet.h>
#include <netinet/in.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/socket.h>
#include <unistd.h>

#include "agent/api.h"
#include "agent/control.h"
#include "agent/rates.h"
#include "support/made_up_agent.h"

static struct made_up_agent *m;
static struct agent_rates *rates;
static struct agent_pending pending;
static char *reply;
static adit_time now;

static int set_up(void **state)
{
	(void)state;
	m = made_up_new(3);
	rates = agent_rates_new();
	now = 1000 * ADIT_SEC;
	return !m || !rates;
}

static int tear_down(void **state)
{
	(void)state;
	free(reply);
	reply = NULL;
	agent_rates_free(rates);
	agent_job_forget(&m->a);
	made_up_free(m);
	return 0;
}

/* The reply's line, without its newline; "" when it comes later. */
static const char *ask_len(enum agent_role role, const char *line, size_t line_len)
{
	struct agent_call c = { .agent = &m->a, .caller = { 1000, 42, role }, .role = role, .rates = rates,
				.now = now, .pending = &pending };
	enum agent_api_result r;
	size_t len;
	FILE *out;

	free(reply);
	out = open_memstream(&reply, &len);
	assert_non_null(out);
	pending.kind = AGENT_PENDING_NONE;
	r = agent_api_line(&c, line, line_len, out);
	fclose(out);
	assert_int_equal(r == AGENT_API_LATER, pending.kind != AGENT_PENDING_NONE);
	if (r == AGENT_API_DONE || len) {
		assert_true(len > 1 && reply[len - 1] == '\n' && strlen(reply) == len);
		assert_ptr_equal(strchr(reply, '\n'), reply + len - 1); /* one line */
		reply[len - 1] = '\0';
	}
	return reply;
}

static const char *ask(enum agent_role role, const char *line)
{
	return ask_len(role, line, strlen(line));
}

/* What a pending job answers when it is over, at `at`. */
static const char *job_answers(adit_time at)
{
	size_t len;
	FILE *out;

	free(reply);
	out = open_memstream(&reply, &len);
	assert_non_null(out);
	assert_int_equal(pending.kind, AGENT_PENDING_JOB);
	while (!agent_api_job_over(&m->a, &pending, at, out)) {
		struct epoll_event ev;
		struct adit_watch *w;

		assert_int_equal(epoll_wait(m->a.epoll_fd, &ev, 1, 10000), 1);
		w = ev.data.ptr;
		w->ready(w, ev.events);
	}
	fclose(out);
	return reply;
}

#define has(text, part) assert_non_null(strstr(text, part))
#define has_not(text, part) assert_null(strstr(text, part))

/* --- the form of requests ------------------------------------------------------------ */

static void malformed(void **state)
{
	static const struct { const char *line, *code; } cases[] = {
		{ "", "bad_request" }, { "x", "bad_request" }, { "{", "bad_request" }, { "[]", "bad_request" },
		{ "1", "bad_request" }, { "null", "bad_request" }, { "{}", "bad_request" },
		{ "{\"action\":1}", "bad_request" }, { "{\"action\":\"status\"} {}", "bad_request" },
		{ "{\"action\":\"status\",}", "bad_request" }, { "{\"action\":\"status\",\"action\":\"status\"}", "bad_request" },
		{ "{\"action\":\"status\",\"Action\":\"status\"}", "bad_request" },
		{ "{\"action\":\"status\",\"extra\":1}", "bad_request" },
		{ "{\"action\":\"status\",\"timeout_ms\":1}", "bad_request" },
		{ "{\"action\":\"status\",\"v\":2}", "bad_request" }, { "{\"action\":\"status\",\"v\":\"1\"}", "bad_request" },
		{ "{\"action\":\"status\",\"id\":[]}", "bad_request" }, { "{\"action\":\"status\",\"id\":1.5}", "bad_request" },
		{ "{\"action\":\"status\",\"id\":\"aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa\"}", "bad_request" },
		{ "{\"action\":\"status\",\"network\":7}", "bad_request" },
		{ "{\"action\":\"status\",\"network\":\"a\\u0000b\"}", "bad_request" },
		{ "{\"action\":\"status\",\"network\":\"nowhere\"}", "unknown_network" },
		{ "{\"action\":\"connect\"}", "bad_request" }, { "{\"action\":\"stauts\"}", "unknown_action" },
		{ "{\"action\":\"connect\",\"network\":\"web\",\"wait\":1}", "bad_request" },
		{ "{\"action\":\"connect\",\"network\":\"web\",\"timeout_ms\":0}", "bad_request" },
		{ "{\"action\":\"wait\",\"network\":\"web\",\"state\":\"sideways\"}", "bad_request" },
		{ "{\"action\":\"status\",\"network\":\"\xff\"}", "bad_request" },
		{ "{\"action\":\"status\",\"network\":\"\xc0\xaf\"}", "bad_request" },
		{ "{\"action\":\"status\",\"network\":\"\\ud800\"}", "bad_request" },
		{ "{\"action\":\"status\",\"network\":\"a\tb\"}", "bad_request" },
	};
	char want[64];

	(void)state;
	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		const char *r = ask(AGENT_ROLE_ADMIN, cases[i].line);

		snprintf(want, sizeof(want), "\"error\":{\"code\":\"%s\"", cases[i].code);
		if (!strstr(r, want))
			fail_msg("%s: %s", cases[i].line, r);
		has(r, "\"ok\":false");
	}
	has(ask(AGENT_ROLE_ADMIN, "{\"action\":\"stauts\"}"), "did you mean \\\"status\\\"?");
	has(ask_len(AGENT_ROLE_ADMIN, "{\"action\":\"status\"}\0", 20), "bad_request");
}

static void depth(void **state)
{
	char line[256];

	(void)state;
	for (unsigned depth_of = 2; depth_of < 40; depth_of++) {
		size_t n = (size_t)snprintf(line, sizeof(line), "{\"action\":\"peer.add\",\"network\":\"office\",\"peer\":");

		for (unsigned i = 1; i < depth_of; i++)
			line[n++] = '[';
		for (unsigned i = 1; i < depth_of; i++)
			line[n++] = ']';
		line[n++] = '}';
		has(ask_len(AGENT_ROLE_ADMIN, line, n), "bad_request");
		if (depth_of > AGENT_DEPTH_MAX)
			has(reply, "deep");
		else
			has_not(reply, "deep");
	}
}

static void ids(void **state)
{
	(void)state;
	has(ask(AGENT_ROLE_ADMIN, "{\"id\":\"1\",\"action\":\"hello\"}"), "{\"id\":\"1\",\"ok\":true,\"result\":{");
	has(ask(AGENT_ROLE_ADMIN, "{\"id\":-7,\"action\":\"hello\"}"), "{\"id\":-7,\"ok\":true");
	has(ask(AGENT_ROLE_ADMIN, "{\"action\":\"hello\"}"), "{\"id\":null,\"ok\":true");
	has(ask(AGENT_ROLE_ADMIN, "{\"id\":\"q\\\"\xc3\xa9\\n\",\"action\":\"hello\"}"), "{\"id\":\"q\\\"\xc3\xa9\\u000a\",");
	/* A request with a fault still says which it was, where that was read. */
	has(ask(AGENT_ROLE_ADMIN, "{\"id\":\"9\",\"action\":\"nothing\"}"), "{\"id\":\"9\",\"ok\":false");
	has(ask(AGENT_ROLE_ADMIN, "{\"id\":\"9\",\"action\":\"hello\",\"x\":}"), "{\"id\":\"9\",\"ok\":false");
}

/* --- roles ----------------------------------------------------------------------------- */

static void every_action_by_every_role(void **state)
{
	char line[400];
	unsigned actions = 0;

	(void)state;
	m->network[0].n.wanted = true;
	for (const struct agent_action *a = agent_actions; a->name; a++, actions++) {
		for (enum agent_role role = AGENT_ROLE_NONE; role <= AGENT_ROLE_ADMIN; role++) {
			uint64_t events = m->a.events.last;

			snprintf(line, sizeof(line), "{\"action\":\"%s\"%s%s%s}", a->name,
				 a->network == AGENT_NEEDS_NETWORK ? ",\"network\":\"office\"" : "",
				 !strcmp(a->name, "peer.add") ? ",\"peer\":{\"public_key\":"
				 "\"AgAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA=\"}" : "",
				 !strcmp(a->name, "peer.remove") ? ",\"public_key\":"
				 "\"AQAAAQAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA=\"" : "");
			now += AGENT_REFUSAL_EVERY;
			ask(role, line);
			if (pending.kind == AGENT_PENDING_JOB)
				job_answers(now);
			if (role < a->role) {
				for (int again = 0; again < 3; again++)
					has(ask(role, line), "\"code\":\"denied\"");
				assert_int_equal(m->a.events.last, events + 1); /* the attempt is on record, once */
			} else if (!strstr(reply, "\"ok\":true")) {
				fail_msg("%s: %s", line, reply);
			}
			if (!strcmp(a->name, "disconnect"))
				ask(AGENT_ROLE_ADMIN, "{\"action\":\"connect\",\"network\":\"office\"}");
		}
	}
	assert_true(actions >= 16);
	assert_true(m->a.ending);
}

static void changes_are_noted(void **state)
{
	const struct agent_event *e;

	(void)state;
	ask(AGENT_ROLE_OPERATOR, "{\"action\":\"connect\",\"network\":\"web\"}");
	e = &m->a.events.ring[m->a.events.last % AGENT_EVENTS_KEPT];
	assert_string_equal(e->kind, "control");
	assert_string_equal(e->network, "web");
	assert_string_equal(e->text, "connect by uid 1000, pid 42 (operator)");
}

static void observers_see_no_endpoints(void **state)
{
	(void)state;
	has(ask(AGENT_ROLE_OPERATOR, "{\"action\":\"status\"}"), "192.0.2.1:51820");
	has(reply, "198.51.100.7");
	has_not(ask(AGENT_ROLE_OBSERVER, "{\"action\":\"status\"}"), "192.0.2.");
	has_not(reply, "198.51.100.7");
	has_not(reply, "example.com");
	has(reply, "\"why\":\"initiations are sent");
	has_not(ask(AGENT_ROLE_OBSERVER, "{\"action\":\"events.subscribe\",\"since\":0,\"follow\":false}"), "198.51.100.7");
	has(reply, "\"text\":\"initiations to ... are sent and nothing comes back\"");
	has(ask(AGENT_ROLE_OPERATOR, "{\"action\":\"events.subscribe\",\"since\":0,\"follow\":false}"), "198.51.100.7");
	made_up_enter(&m->network[2].n, AGENT_UP, AGENT_OK, "peer a1 moved from [2001:db8::1]:5 to vpn.example.com:51820 (roamed)");
	ask(AGENT_ROLE_OBSERVER, "{\"action\":\"events.subscribe\",\"since\":0,\"follow\":false,\"snapshot\":false}");
	has(reply, "\"text\":\"peer a1 moved from ... to ... (roamed)\"");
	made_up_enter(&m->network[2].n, AGENT_ERROR, AGENT_DNS_FAILED, "vpn.example.com: there is no such name. See /etc/resolv.conf (1.5s)");
	ask(AGENT_ROLE_OBSERVER, "{\"action\":\"events.subscribe\",\"since\":0,\"follow\":false,\"snapshot\":false}");
	has(reply, "\"text\":\"... there is no such name. See /etc/resolv.conf (1.5s)\"");
	snprintf(m->network[2].n.warning, sizeof(m->network[2].n.warning), "the route to 198.51.100.9, of gw.example.com, is gone");
	has(ask(AGENT_ROLE_OPERATOR, "{\"action\":\"status\"}"), "of gw.example.com, is gone");
	has(ask(AGENT_ROLE_OBSERVER, "{\"action\":\"status\"}"), "\"warning\":\"the route to ..., of ..., is gone\"");
}

static void roles(void **state)
{
	const struct agent_role_rules rules = { .owner = 500, .operators = 10, .observers = 20 };
	const struct agent_role_rules nobody = { 500, AGENT_NO_GROUP, AGENT_NO_GROUP };
	const gid_t operators[] = { 1, 10, 20 }, observers[] = { 1, 20 }, none[] = { 1, 2, AGENT_NO_GROUP };

	(void)state;
	assert_int_equal(agent_role_of(&rules, 0, none, 1), AGENT_ROLE_ADMIN);
	assert_int_equal(agent_role_of(&rules, 500, none, 1), AGENT_ROLE_ADMIN);
	assert_int_equal(agent_role_of(&rules, 501, operators, 3), AGENT_ROLE_OPERATOR);
	assert_int_equal(agent_role_of(&rules, 501, observers, 2), AGENT_ROLE_OBSERVER);
	assert_int_equal(agent_role_of(&rules, 501, none, 3), AGENT_ROLE_NONE);
	assert_int_equal(agent_role_of(&rules, 65534, operators, 3), AGENT_ROLE_NONE);
	assert_int_equal(agent_role_of(&nobody, 501, none, 3), AGENT_ROLE_NONE);
}

static void the_kernel_says_who(void **state)
{
	const struct agent_role_rules rules = { .owner = geteuid(), .operators = AGENT_NO_GROUP,
						.observers = AGENT_NO_GROUP };
	struct agent_caller caller;
	int pair[2];

	(void)state;
	assert_int_equal(socketpair(AF_UNIX, SOCK_STREAM, 0, pair), 0);
	assert_int_equal(agent_caller_of(&caller, pair[0], &rules), 0);
	assert_int_equal(caller.uid, geteuid());
	assert_int_equal(caller.pid, getpid());
	assert_int_equal(caller.role, geteuid() == 65534 ? AGENT_ROLE_NONE : AGENT_ROLE_ADMIN);
	close(pair[0]);
	close(pair[1]);
	assert_int_not_equal(agent_caller_of(&caller, pair[0], &rules), 0);
	assert_int_equal(caller.role, AGENT_ROLE_NONE);
}

/* --- actions --------------------------------------------------------------------------- */

static void status(void **state)
{
	(void)state;
	ask(AGENT_ROLE_ADMIN, "{\"action\":\"status\"}");
	has(reply, "\"name\":\"office\",\"type\":\"wireguard\"");
	has(reply, "\"name\":\"web\",\"type\":\"forward\"");
	has(reply, "\"state\":\"handshaking\",\"reason\":\"no_reply\"");
	has(reply, "\"drops\":{");
	ask(AGENT_ROLE_ADMIN, "{\"action\":\"status\",\"network\":\"home\",\"peers\":false}");
	has_not(reply, "office");
	has_not(reply, "\"peers\"");
	has(ask(AGENT_ROLE_ADMIN, "{\"action\":\"peers\",\"network\":\"office\"}"), "\"name\":\"laptop-2\"");
	has(ask(AGENT_ROLE_ADMIN, "{\"action\":\"metrics\"}"), "wireguard_sent_bytes_total{interface=\\\"wg0\\\"");
}

static void jobs(void **state)
{
	struct agent_pending first;

	(void)state;
	assert_string_equal(ask(AGENT_ROLE_OPERATOR, "{\"id\":\"d\",\"action\":\"doctor\",\"network\":\"office\"}"), "");
	first = pending;
	/* One at a time, also when its caller does not wait. */
	has(ask(AGENT_ROLE_ADMIN, "{\"action\":\"cleanup\"}"), "\"code\":\"busy\"");
	has(reply, "\"retryable\":true");
	pending = first;
	has(job_answers(pending.deadline), "{\"id\":\"d\",\"ok\":false,\"error\":{\"code\":\"timeout\"");
	has(job_answers(now), "{\"id\":\"d\",\"ok\":true,\"result\":{\"schema\":1,\"level\":\"warning\"");
	assert_string_equal(m->a.events.ring[m->a.events.last % AGENT_EVENTS_KEPT].text, "doctor has ended");
	/* What was cut short is no answer, and what nobody fetched is not the next one's. */
	m->job_says = "{\"schema\":1,\"dry_run\":false,\"changes\":[";
	ask(AGENT_ROLE_ADMIN, "{\"id\":\"c\",\"action\":\"cleanup\",\"dry_run\":true}");
	has(job_answers(now), "{\"id\":\"c\",\"ok\":false,\"error\":{\"code\":\"failed\"");
	pending = first;
	has(job_answers(now), "\"code\":\"failed\"");
}

static void connect_and_wait(void **state)
{
	char *text = NULL;
	size_t len;
	FILE *out;

	(void)state;
	m->connect_takes_time = true;
	assert_string_equal(ask(AGENT_ROLE_ADMIN, "{\"id\":\"c\",\"action\":\"connect\",\"network\":\"web\",\"wait\":true}"), "");
	assert_int_equal(pending.kind, AGENT_PENDING_STATE);
	out = open_memstream(&text, &len);
	assert_false(agent_api_state_over(&m->a, &pending, 1000 * ADIT_SEC, out));
	assert_int_equal(ftell(out), 0);
	made_up_enter(&m->network[2].n, AGENT_UP, AGENT_OK, NULL);
	assert_true(agent_api_state_over(&m->a, &pending, 1000 * ADIT_SEC, out));
	fflush(out);
	has(text, "{\"id\":\"c\",\"ok\":true,\"result\":{\"network\":\"web\",\"state\":\"up\"");
	rewind(out);
	made_up_enter(&m->network[2].n, AGENT_HANDSHAKING, AGENT_NO_REPLY, NULL);
	assert_true(agent_api_state_over(&m->a, &pending, 1031 * ADIT_SEC, out));
	fflush(out);
	has(text, "\"code\":\"timeout\"");
	has(text, "no_reply");
	rewind(out);
	made_up_enter(&m->network[2].n, AGENT_ERROR, AGENT_TUN, NULL);
	assert_true(agent_api_state_over(&m->a, &pending, 1000 * ADIT_SEC, out));
	fflush(out);
	has(text, "\"code\":\"not_connected\"");
	fclose(out);
	free(text);
	m->connect_fails = true;
	has(ask(AGENT_ROLE_ADMIN, "{\"action\":\"connect\",\"network\":\"web\"}"), "the TUN device cannot be made");
	assert_string_equal(ask(AGENT_ROLE_ADMIN, "{\"action\":\"wait\",\"network\":\"office\",\"state\":\"down\"}"), "");
	has(ask(AGENT_ROLE_ADMIN, "{\"action\":\"wait\",\"network\":\"office\"}"), "\"state\":\"up\"");
}

static void capture(void **state)
{
	static const char line[] = "{\"action\":\"capture\",\"network\":\"office\"}";
	struct agent_network *n = agent_find(&m->a, "office");

	(void)state;
	ask(AGENT_ROLE_ADMIN, line);
	assert_int_equal(pending.kind, AGENT_PENDING_CAPTURE);
	n->impl = NULL; /* blocked: its name stays, and there is no tunnel */
	made_up_enter(n, AGENT_BLOCKED, AGENT_PORT_TAKEN, NULL);
	assert_true(n->ifname[0]);
	has(ask(AGENT_ROLE_ADMIN, line), "\"code\":\"not_connected\"");
	has(reply, "office is blocked");
	agent_disconnect(&m->a, n, NULL, 0);
	has(ask(AGENT_ROLE_ADMIN, line), "adit connect starts it");
	n->ifname[0] = '\0';
	n->impl = n;
	has(ask(AGENT_ROLE_ADMIN, line), "\"code\":\"unsupported\"");
}

static void reload(void **state)
{
	(void)state;
	ask(AGENT_ROLE_ADMIN, "{\"action\":\"reload\",\"dry_run\":true}");
	has(reply, "\"dry_run\":true,\"generation\":1,\"changes\":[\"office: peer vpn-server");
	has(ask(AGENT_ROLE_ADMIN, "{\"action\":\"reload\"}"), "\"generation\":2");
	has(ask(AGENT_ROLE_ADMIN, "{\"action\":\"reload\",\"if_generation\":1}"), "\"code\":\"conflict\"");
	assert_int_equal(m->reloads, 2);
	m->reload_result = -EINVAL;
	ask(AGENT_ROLE_ADMIN, "{\"action\":\"reload\",\"if_generation\":2}");
	has(reply, "\"code\":\"config\"");
	has(reply, "{\"file\":\"adit.toml\",\"line\":3,\"col\":5,\"key\":\"network.office.mtu\"");
	ask(AGENT_ROLE_ADMIN, "{\"action\":\"check\"}");
	has(reply, "\"ok\":true,\"result\":{\"valid\":false,\"problems\":[{\"file\":\"adit.toml\"");
	m->reload_result = -EADDRINUSE;
	has(ask(AGENT_ROLE_ADMIN, "{\"action\":\"reload\"}"), "port 51820 is taken");
	has(reply, "\"retryable\":true");
}

static void peers(void **state)
{
	static const char *const wrong[] = {
		"{}", "1", "{\"public_key\":\"short\"}", "{\"public_key\":1}", "{\"name\":\"x\"}",
		"{\"public_key\":\"AgAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA=\",\"private_key\":\"x\"}",
		"{\"public_key\":\"AgAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA=\",\"endpoint\":\"host\"}",
		"{\"public_key\":\"AgAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA=\",\"endpoint\":\"host:0\"}",
		"{\"public_key\":\"AgAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA=\",\"endpoint\":\"host:65536\"}",
		"{\"public_key\":\"AgAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA=\",\"endpoint\":\"::1:5\"}",
		"{\"public_key\":\"AgAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA=\",\"endpoint\":[\"a:1\",2]}",
		"{\"public_key\":\"AgAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA=\",\"endpoint\":\":5\"}",
		"{\"public_key\":\"AgAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA=\",\"allowed_ips\":\"10.0.0.0/8\"}",
		"{\"public_key\":\"AgAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA=\",\"allowed_ips\":[\"10.0.0.0/33\"]}",
		"{\"public_key\":\"AgAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA=\",\"persistent_keepalive_secs\":65536}",
		"{\"public_key\":\"AgAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA=\",\"preshared_key\":\"SECRETSECRET\"}",
	};
	char line[400];

	(void)state;
	for (size_t i = 0; i < sizeof(wrong) / sizeof(wrong[0]); i++) {
		snprintf(line, sizeof(line), "{\"action\":\"peer.add\",\"network\":\"office\",\"peer\":%s}", wrong[i]);
		ask(AGENT_ROLE_ADMIN, line);
		if (!strstr(reply, "bad_request"))
			fail_msg("%s: %s", line, reply);
		has_not(reply, "SECRET");
	}
	assert_int_equal(m->peers_added, 0);
	has(ask(AGENT_ROLE_ADMIN, "{\"action\":\"peer.add\",\"network\":\"office\",\"peer\":{\"public_key\":"
		"\"AgAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA=\",\"endpoint\":[\"vpn.example.com:1\",\"[2001:db8::1]:2\"],"
		"\"allowed_ips\":[\"10.0.0.0/8\",\"fd00::/8\"],\"persistent_keepalive_secs\":25,\"name\":\"new\"}}"),
	    "\"public_key\":\"AgAAAA");
	assert_int_equal(m->peers_added, 1);
	assert_int_equal(m->last_peer.endpoint_cnt, 2);
	assert_int_equal(m->last_peer.allowed_cnt, 2);
	assert_int_equal(m->last_peer.keepalive, 25);
	has(ask(AGENT_ROLE_ADMIN, "{\"action\":\"peer.remove\",\"network\":\"office\",\"public_key\":"
		"\"AgAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA=\"}"), "\"code\":\"not_found\"");
	has(ask(AGENT_ROLE_ADMIN, "{\"action\":\"peer.remove\",\"network\":\"office\"}"), "bad_request");
}

static void events(void **state)
{
	struct agent_pending p;
	char *text = NULL;
	size_t len;
	bool more;
	FILE *out;

	(void)state;
	ask(AGENT_ROLE_ADMIN, "{\"id\":1,\"action\":\"events.subscribe\"}");
	has(reply, "{\"id\":1,\"ok\":true,\"result\":{\"seq\":2,\"follow\":true,\"snapshot\":{\"schema\":1");
	p = pending;
	made_up_enter(&m->network[2].n, AGENT_UP, AGENT_OK, "hello");
	out = open_memstream(&text, &len);
	agent_api_events_next(&m->a, &p, AGENT_ROLE_ADMIN, out, &more);
	fflush(out);
	has(text, "{\"id\":1,\"event\":{\"seq\":3,");
	assert_false(more);
	rewind(out);
	for (unsigned i = 0; i < AGENT_EVENTS_KEPT + 10; i++)
		made_up_enter(&m->network[2].n, AGENT_UP, AGENT_OK, "again");
	agent_api_events_next(&m->a, &p, AGENT_ROLE_ADMIN, out, &more);
	fflush(out);
	assert_true(more);
	has(text, "{\"id\":1,\"lagged\":true}\n{\"id\":1,\"event\":{\"seq\":14,");
	fclose(out);
	free(text);
	has(ask(AGENT_ROLE_ADMIN, "{\"action\":\"events.subscribe\",\"follow\":false,\"since\":5,\"snapshot\":false}"), "\"lagged\":true");
	ask(AGENT_ROLE_ADMIN, "{\"action\":\"events.subscribe\",\"follow\":false,\"since\":99999999}");
	has(reply, "\"events\":[],\"lagged\":false");
	ask(AGENT_ROLE_ADMIN, "{\"action\":\"events.subscribe\",\"network\":\"home\",\"follow\":false,\"since\":0}");
	has(reply, "\"events\":[],\"lagged\":true");
}

static uint16_t free_port(int *holder)
{
	struct sockaddr_in sin = { .sin_family = AF_INET, .sin_addr.s_addr = htonl(INADDR_LOOPBACK) };
	socklen_t len = sizeof(sin);

	*holder = socket(AF_INET, SOCK_STREAM, 0);
	assert_int_equal(bind(*holder, (struct sockaddr *)&sin, len), 0);
	assert_int_equal(listen(*holder, 1), 0);
	assert_int_equal(getsockname(*holder, (struct sockaddr *)&sin, &len), 0);
	return ntohs(sin.sin_port);
}

static bool listens(uint16_t port)
{
	struct sockaddr_in sin = { .sin_family = AF_INET, .sin_addr.s_addr = htonl(INADDR_LOOPBACK), .sin_port = htons(port) };
	int fd = socket(AF_INET, SOCK_STREAM, 0), r = connect(fd, (struct sockaddr *)&sin, sizeof(sin));

	close(fd);
	return !r;
}

static void http_moves(void **state)
{
	struct agent_config next = { .metrics = { .addr = { .family = 4, .bytes = { 127, 0, 0, 1 } } } };
	char folder[] = "/tmp/adit-api-XXXXXX", err[256] = "";
	uint16_t port[2];
	int holder[2];

	(void)state;
	for (int i = 0; i < 2; i++)
		port[i] = free_port(&holder[i]);
	assert_non_null(mkdtemp(folder));
	snprintf(m->config.control_socket, sizeof(m->config.control_socket), "%s/run/control.sock", folder);
	assert_int_equal(agent_control_init(&m->a, err, sizeof(err)), 0);
	agent_control_tick(&m->a, 1000 * ADIT_SEC);
	assert_true(agent_control_idle(&m->a));
	/* Taken: nothing changes, and it is said. */
	next.metrics.port = port[0];
	assert_int_equal(agent_control_prepare(&m->a, &next, err, sizeof(err)), -EADDRINUSE);
	has(err, "127.0.0.1:");
	agent_control_settle(&m->a, false);
	close(holder[0]);
	/* Free: both listen until one is given up. */
	assert_int_equal(agent_control_prepare(&m->a, &next, err, sizeof(err)), 0);
	agent_control_settle(&m->a, true);
	assert_true(listens(port[0]));
	close(holder[1]);
	next.metrics.port = port[1];
	assert_int_equal(agent_control_prepare(&m->a, &next, err, sizeof(err)), 0);
	assert_true(listens(port[0]) && listens(port[1]));
	agent_control_settle(&m->a, false);
	assert_true(listens(port[0]) && !listens(port[1]));
	assert_int_equal(agent_control_prepare(&m->a, &next, err, sizeof(err)), 0);
	agent_control_settle(&m->a, true);
	assert_true(!listens(port[0]) && listens(port[1]));
	next.metrics.port = 0;
	assert_int_equal(agent_control_prepare(&m->a, &next, err, sizeof(err)), 0);
	agent_control_settle(&m->a, true);
	assert_false(listens(port[1]));
	agent_control_fini(&m->a);
	assert_int_not_equal(access(m->config.control_socket, F_OK), 0);
	*strrchr(m->config.control_socket, '/') = '\0';
	assert_int_equal(rmdir(m->config.control_socket), 0);
	assert_int_equal(rmdir(folder), 0);
}

/* --- rates ----------------------------------------------------------------------------- */

static void rates_of_a_steady_flow(void **state)
{
	struct agent_snapshot_peer peer = { .key = "k" };
	struct agent_snapshot s = { .network = &m->network[0].n, .peer = &peer, .peer_cnt = 1 };
	struct agent_rate r[AGENT_WINDOW_CNT], h[AGENT_HISTORY_POINTS];
	unsigned i, known = 0;

	(void)state;
	for (i = 0; i < 400; i++) {
		s.now = (1000 + i) * ADIT_SEC;
		peer.rx_bytes = s.rx_bytes = 5000 * i;
		peer.tx_bytes = s.tx_bytes = 700 * i;
		agent_rates_network(rates, &s, r);
		assert_true(i ? r[AGENT_WINDOW_60S].rx == 5000 : r[AGENT_WINDOW_60S].rx < 0);
		agent_rates_note(rates, &s);
	}
	s.now += ADIT_SEC / 2;
	peer.rx_bytes = s.rx_bytes += 2500;
	peer.tx_bytes = s.tx_bytes += 350;
	agent_rates_network(rates, &s, r);
	for (i = 0; i < AGENT_WINDOW_CNT; i++)
		assert_true(r[i].rx == 5000 && r[i].tx == 700);
	agent_rates_peer(rates, &s, 0, r);
	for (i = 0; i < AGENT_WINDOW_CNT; i++)
		assert_true(r[i].rx == 5000 && r[i].tx == 700);
	agent_rates_history(rates, "office", s.now, h);
	for (i = 0; i < AGENT_HISTORY_POINTS; i++)
		if (h[i].rx >= 0) {
			assert_true(h[i].rx == 5000 && h[i].tx == 700);
			known++;
		}
	assert_true(known >= AGENT_HISTORY_POINTS - 2);
}

static void rates_after_a_restart(void **state)
{
	struct agent_snapshot s = { .network = &m->network[0].n, .now = 10 * ADIT_SEC, .rx_bytes = 1000000 };
	struct agent_rate r[AGENT_WINDOW_CNT];

	(void)state;
	agent_rates_note(rates, &s);
	s.now += 2 * ADIT_SEC;
	s.rx_bytes = 10; /* counts from 0 again */
	agent_rates_network(rates, &s, r);
	assert_true(r[0].rx < 0);
	agent_rates_note(rates, &s);
	s.now += ADIT_SEC;
	s.rx_bytes = 110;
	agent_rates_network(rates, &s, r);
	assert_true(r[0].rx == 100);
	agent_rates_forget(rates, s.now + 1);
	agent_rates_network(rates, &s, r);
	assert_true(r[0].rx < 0);
}

static void rates_of_peers_that_move(void **state)
{
	struct agent_snapshot_peer peer[3] = { { .key = "a" }, { .key = "b" }, { .key = "c" } };
	struct agent_snapshot s = { .network = &m->network[0].n, .peer = peer, .peer_cnt = 3, .now = ADIT_SEC };
	struct agent_rate r[AGENT_WINDOW_CNT];

	(void)state;
	agent_rates_note(rates, &s);
	s.now += ADIT_SEC;
	memcpy(peer[0].key, "b", 2); /* a is gone, c stands before b's old place */
	memcpy(peer[1].key, "c", 2);
	s.peer_cnt = 2;
	peer[0].rx_bytes = 100;
	peer[1].rx_bytes = 300;
	agent_rates_peer(rates, &s, 0, r);
	assert_true(r[0].rx < 0); /* not noted in this place */
	agent_rates_note(rates, &s);
	s.now += ADIT_SEC;
	peer[0].rx_bytes = 200;
	peer[1].rx_bytes = 600;
	agent_rates_peer(rates, &s, 0, r);
	assert_true(r[AGENT_WINDOW_1S].rx == 100 && r[AGENT_WINDOW_60S].rx == 100);
	agent_rates_peer(rates, &s, 1, r);
	assert_true(r[AGENT_WINDOW_1S].rx == 300);
}

#define T(f) cmocka_unit_test_setup_teardown(f, set_up, tear_down)

int main(void)
{
	const struct CMUnitTest tests[] = {
		T(malformed), T(depth), T(ids), T(every_action_by_every_role), T(changes_are_noted),
		T(observers_see_no_endpoints), T(roles), T(the_kernel_says_who), T(status), T(jobs), T(connect_and_wait),
		T(reload), T(capture), T(peers), T(events), T(http_moves), T(rates_of_a_steady_flow), T(rates_after_a_restart),
		T(rates_of_peers_that_move),
	};

	return cmocka_run_group_tests_name("agent_api", tests, NULL, NULL);
}
