/* SPDX-License-Identifier: ISC */
/* netstack_time_wait_test.c - what TIME-WAIT answers, lets in anew, and how long it lasts */
#include "netstack_lab.h"

#include "netstack/time_wait.h"

static const int families[] = { 4, 6 };
#define FOR_BOTH(f) for (const int *fp = families; fp < families + 2; fp++) for (int f = *fp, once = 1; once; once = 0)

static const struct time_wait_info with_ts = {
	.snd_nxt = 5000, .rcv_nxt = 9000, .ts_recent = 700, .ts_offset = 11, .rcv_wnd = 512, .timestamps = true,
};

static uint8_t options[12];

static struct tcp_segment segment(int f, uint8_t flags, uint32_t seq, uint32_t len)
{
	return (struct tcp_segment){
		.local = { *lab_us(f), 80 }, .remote = { *lab_peer(f), 4000 }, .flags = flags, .seq = seq, .ack = 5000,
		.len = len, .options = options,
	};
}

static struct tcp_segment stamped(int f, uint8_t flags, uint32_t seq, uint32_t len, uint32_t tsval)
{
	struct tcp_segment s = segment(f, flags, seq, len);

	memcpy(options, "\1\1\10\12", 4);
	adit_put_be32(options + 4, tsval);
	s.options_len = 12;
	return s;
}

static void add(struct lab *lab, int f, const struct time_wait_info *info)
{
	struct tcp_segment s = segment(f, 0, 0, 0);

	time_wait_add(lab->ns, &s.local, &s.remote, info, lab->now);
}

static size_t count(const struct lab *lab)
{
	return adit_map_size(&lab->ns->time_wait);
}

static void test_answers(void **state)
{
	enum { QUIET, ACK };
	static const struct {
		uint8_t flags;
		uint32_t seq, len, tsval; /* tsval 0: without */
		int answer;
		enum adit_drop drop;
	} cases[] = {
		{ ADIT_TCP_ACK, 9000, 0, 700, QUIET, ADIT_DROP_NONE },
		{ ADIT_TCP_ACK, 9000, 0, 0, QUIET, ADIT_DROP_NONE },
		{ ADIT_TCP_ACK | ADIT_TCP_FIN, 8999, 0, 700, ACK, ADIT_DROP_NONE }, /* our last ACK was lost */
		{ ADIT_TCP_ACK | ADIT_TCP_FIN, 8899, 100, 700, ACK, ADIT_DROP_NONE },
		{ ADIT_TCP_ACK | ADIT_TCP_FIN, 9000, 0, 700, ACK, ADIT_DROP_out_of_window },
		{ ADIT_TCP_ACK, 9000, 10, 700, ACK, ADIT_DROP_out_of_window },
		{ ADIT_TCP_ACK, 1000, 0, 700, ACK, ADIT_DROP_out_of_window },
		{ ADIT_TCP_ACK, 9000, 0, 699, ACK, ADIT_DROP_paws },
		{ ADIT_TCP_RST, 9000, 0, 0, QUIET, ADIT_DROP_bad_rst }, /* RFC 1337 */
		{ ADIT_TCP_RST | ADIT_TCP_ACK, 9000, 0, 800, QUIET, ADIT_DROP_bad_rst },
		{ ADIT_TCP_SYN | ADIT_TCP_ACK, 99999, 0, 800, ACK, ADIT_DROP_out_of_window },
		{ ADIT_TCP_SYN, 99999, 0, 699, ACK, ADIT_DROP_paws }, /* an old duplicate */
		{ ADIT_TCP_SYN, 9000, 0, 0, ACK, ADIT_DROP_out_of_window },
		{ ADIT_TCP_SYN, 8000, 0, 700, ACK, ADIT_DROP_out_of_window },
	};
	struct lab lab;
	uint32_t floor = 0;

	(void)state;
	lab_start(&lab, NULL);
	FOR_BOTH(f) {
		for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
			struct tcp_segment s = cases[i].tsval
				? stamped(f, cases[i].flags, cases[i].seq, cases[i].len, cases[i].tsval)
				: segment(f, cases[i].flags, cases[i].seq, cases[i].len);
			uint64_t before = lab_all_drops(&lab);

			add(&lab, f, &with_ts);
			tcp_double.acks = 0;
			assert_true(time_wait_in(lab.ns, &s, &floor, lab.now));
			assert_int_equal(tcp_double.acks, cases[i].answer);
			assert_int_equal(lab_all_drops(&lab) - before, cases[i].drop != ADIT_DROP_NONE);
			if (cases[i].drop)
				assert_int_equal(lab.ns->last_drop, cases[i].drop);
			if (cases[i].answer) {
				assert_int_equal(tcp_double.info.snd_nxt, 5000);
				assert_int_equal(tcp_double.info.rcv_nxt, 9000);
				assert_int_equal(tcp_double.info.ts_recent, 700);
				assert_int_equal(tcp_double.info.ts_offset, 11);
				assert_int_equal(tcp_double.info.rcv_wnd, 512);
				assert_true(tcp_double.info.timestamps);
				assert_true(ip_same_endpoint(&tcp_double.local, &s.local));
			}
			assert_int_equal(count(&lab), (f == 6) + 1u);
			assert_int_equal(floor, 0);
		}
	}
	lab_end(&lab);
}

/* RFC 6191: which SYN begins something new. */
static void test_reuse(void **state)
{
	static const struct {
		bool timestamps; /* of the old connection */
		uint32_t seq, tsval;
		bool reuse;
	} cases[] = {
		{ true, 1, 701, true },    { true, 9001, 701, true }, { true, 9001, 700, true }, { true, 9000, 700, false },
		{ true, 9001, 0, true },   { true, 9000, 0, false },  { true, 9001, 699, false },
		{ false, 9001, 50, true }, { false, 8999, 50, false }, { false, 9001, 0, true }, { false, 8999, 0, false },
	};
	struct lab lab;

	(void)state;
	lab_start(&lab, NULL);
	FOR_BOTH(f) {
		for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
			struct time_wait_info info = with_ts;
			struct tcp_segment s = cases[i].tsval ? stamped(f, ADIT_TCP_SYN, cases[i].seq, 0, cases[i].tsval)
							      : segment(f, ADIT_TCP_SYN, cases[i].seq, 0);
			uint32_t floor = 0;

			info.timestamps = cases[i].timestamps;
			add(&lab, f, &info);
			assert_true(time_wait_in(lab.ns, &s, &floor, lab.now) == !cases[i].reuse);
			assert_int_equal(floor, cases[i].reuse ? 5000 : 0);
			assert_int_equal(count(&lab), cases[i].reuse ? 0 : 1);
			assert_false(cases[i].reuse && time_wait_in(lab.ns, &s, &floor, lab.now));
			time_wait_forget(lab.ns, &s.local, &s.remote);
		}
	}
	lab_end(&lab);
}

/* RFC 1337, and the one RST that counts: a peer that was started anew denies what its SYN was told of. */
static void test_denied(void **state)
{
	struct lab lab;

	(void)state;
	lab_start(&lab, NULL);
	FOR_BOTH(f) {
		struct tcp_segment syn = stamped(f, ADIT_TCP_SYN, 1, 0, 300), rst = segment(f, ADIT_TCP_RST, 9000, 0);
		struct tcp_segment other = segment(f, ADIT_TCP_RST, 9001, 0);
		uint32_t floor = 0;

		add(&lab, f, &with_ts);
		assert_true(time_wait_in(lab.ns, &rst, &floor, lab.now));
		assert_int_equal(count(&lab), 1);
		assert_true(time_wait_in(lab.ns, &syn, &floor, lab.now));
		assert_true(time_wait_in(lab.ns, &other, &floor, lab.now));
		assert_int_equal(count(&lab), 1);
		assert_true(time_wait_in(lab.ns, &rst, &floor, lab.now));
		assert_int_equal(count(&lab), 0);
	}
	lab_end(&lab);
}

/* Options that lead nowhere are read to their end and no further. */
static void test_bad_options(void **state)
{
	static const char *const bad[] = { "\10", "\10\12\1", "\10\0\0\0", "\2\377\0\0", "\0\10\12\1", "\1\1\1\10" };
	struct lab lab;

	(void)state;
	lab_start(&lab, NULL);
	add(&lab, 4, &with_ts);
	for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++) {
		size_t len = i < 2 ? strlen(bad[i]) : 4;
		uint8_t *copy = malloc(len);
		struct tcp_segment s = segment(4, ADIT_TCP_ACK, 9000, 0);
		uint32_t floor;

		memcpy(copy, bad[i], len);
		s.options = copy;
		s.options_len = (unsigned)len;
		assert_true(time_wait_in(lab.ns, &s, &floor, lab.now));
		free(copy);
	}
	assert_int_equal(tcp_double.acks, 0);
	lab_end(&lab);
}

static void test_lifetime(void **state)
{
	struct tcp_segment fin = segment(4, ADIT_TCP_ACK | ADIT_TCP_FIN, 8999, 0);
	uint32_t floor;
	struct lab lab;

	(void)state;
	lab_start(&lab, NULL);
	add(&lab, 4, &with_ts);
	lab.now += 20 * ADIT_SEC;
	add(&lab, 6, &with_ts);
	lab.now += 39 * ADIT_SEC;
	adit_netstack_tick(lab.ns, lab.now);
	assert_int_equal(count(&lab), 2);
	assert_true(time_wait_in(lab.ns, &fin, &floor, lab.now)); /* 60 s from now */
	lab.now += 2 * ADIT_SEC;
	adit_netstack_tick(lab.ns, lab.now);
	assert_int_equal(count(&lab), 2);
	lab.now += 20 * ADIT_SEC; /* the one that came later goes first */
	adit_netstack_tick(lab.ns, lab.now);
	assert_int_equal(count(&lab), 1);
	lab.now += 37 * ADIT_SEC;
	adit_netstack_tick(lab.ns, lab.now);
	assert_int_equal(count(&lab), 1);
	lab.now += ADIT_SEC + 2 * ADIT_MSEC;
	adit_netstack_tick(lab.ns, lab.now);
	assert_int_equal(count(&lab), 0);
	assert_true(adit_netstack_deadline(lab.ns) == ADIT_NEVER);
	assert_true(lab.budget.used < 2048); /* the table's head; the blocks have gone */
	lab_end(&lab);
}

/* As many as there may be, and then the oldest make room; memory is as promised. */
static void test_cap(void **state)
{
	struct adit_endpoint l = { us4, 80 }, r = { peer6, 4000 };
	struct lab lab;

	(void)state;
	lab_start(&lab, NULL);
	l.addr = us6;
	for (uint32_t i = 0; i < TIME_WAIT_MAX + 1000; i++) {
		adit_put_be32(r.addr.bytes + 4, i);
		time_wait_add(lab.ns, &l, &r, &with_ts, lab.now);
		lab.now += ADIT_MSEC / 10;
	}
	assert_int_equal(count(&lab), TIME_WAIT_MAX);
	assert_in_range(lab.budget.used, TIME_WAIT_MAX * 64, TIME_WAIT_MAX * 64 + 4096);
	for (uint32_t i = 0; i < TIME_WAIT_MAX + 1000; i += 100) {
		adit_put_be32(r.addr.bytes + 4, i);
		assert_int_equal(time_wait_port(lab.ns, &l, &r, lab.now) != TIME_WAIT_FREE, i >= 1000);
	}
	/* an address goes, and what was of it */
	time_wait_forget_address(lab.ns, &us4);
	assert_int_equal(count(&lab), TIME_WAIT_MAX);
	time_wait_forget_address(lab.ns, &us6);
	assert_int_equal(count(&lab), 0);
	lab.now += 61 * ADIT_SEC;
	adit_netstack_tick(lab.ns, lab.now);
	assert_true(lab.budget.used < 2048);
	lab_end(&lab);
}

/* Short of memory there are fewer; with none at all there is no TIME-WAIT, and nothing worse. */
static void test_no_memory(void **state)
{
	struct adit_endpoint l = { us4, 80 }, r = { peer4, 4000 };
	struct lab lab;

	(void)state;
	lab_start(&lab, NULL);
	lab.budget.limit = 100;
	time_wait_add(lab.ns, &l, &r, &with_ts, lab.now);
	assert_int_equal(count(&lab), 0);
	lab.budget.limit = 100000;
	for (uint16_t i = 0; i < 5000; i++) {
		r.port = (uint16_t)(i + 1);
		time_wait_add(lab.ns, &l, &r, &with_ts, lab.now);
		time_wait_add(lab.ns, &l, &r, &with_ts, lab.now); /* again: instead of the first */
	}
	assert_in_range(count(&lab), 500, 1024);
	assert_true(lab.budget.used <= lab.budget.limit);
	assert_int_equal(time_wait_port(lab.ns, &l, &r, lab.now), TIME_WAIT_TAKEN); /* the newest */
	lab_end(&lab);
}

/* Two that answer each other's answers stop soon. */
static void test_answer_limit(void **state)
{
	struct tcp_segment s = segment(4, ADIT_TCP_ACK, 1, 0);
	uint32_t floor;
	struct lab lab;

	(void)state;
	lab_start(&lab, NULL);
	add(&lab, 4, &with_ts);
	for (int i = 0; i < 5000; i++)
		assert_true(time_wait_in(lab.ns, &s, &floor, lab.now));
	assert_int_equal(tcp_double.acks, 1000);
	lab_end(&lab);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_answers), cmocka_unit_test(test_reuse), cmocka_unit_test(test_bad_options),
		cmocka_unit_test(test_lifetime), cmocka_unit_test(test_cap), cmocka_unit_test(test_no_memory),
		cmocka_unit_test(test_answer_limit), cmocka_unit_test(test_denied),
	};

	return cmocka_run_group_tests_name("netstack_time_wait", tests, NULL, NULL);
}
