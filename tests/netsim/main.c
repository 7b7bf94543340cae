/* SPDX-License-Identifier: ISC */
/*
 * main.c - runs the simulator of the TCP/IP stack.
 *
 *   netsim                     every scenario, every seed of `make test` (TAP)
 *   netsim NAME [SEED]         one again, with a trace
 *   netsim NAME FROM COUNT     many seeds of one
 *   netsim table               throughput over round-trip time and loss
 *   netsim golden FILE         ... compared with what is written there (TAP)
 */
#include <stdlib.h>
#include <string.h>

#include "../support/seeds.h"
#include "scenario.h"

static struct world world;

static bool run_one(const struct scenario *s, uint64_t seed, bool trace)
{
	struct world *w = &world;

	seeds_begin(s->name, seed);
	world_init(w, s->name, seed, trace);
	if (setjmp(w->failed)) {
		seeds_failed(s->name, seed, w->message);
		return false; /* leaks the world: after a failure it cannot be trusted */
	}
	s->run(w);
	world_fini(w);
	return true;
}

static bool run_quietly(const void *s, uint64_t seed)
{
	return run_one(s, seed, false);
}

static bool run_many(const struct scenario *s, uint64_t from, uint64_t cnt, unsigned number)
{
	return seeds_many(run_quietly, s, s->name, from, cnt, number);
}

static const struct scenario *find(const char *name)
{
	for (size_t i = 0; i < scenario_cnt; i++) {
		if (!strcmp(name, scenarios[i].name))
			return &scenarios[i];
	}
	return NULL;
}

static int run_all(void)
{
	unsigned failed = 0;

	printf("1..%zu\n", scenario_cnt);
	for (size_t i = 0; i < scenario_cnt; i++)
		failed += !run_many(&scenarios[i], 1, scenarios[i].seeds, (unsigned)i + 1);
	return failed > 0;
}

/* The table on its own, or against a file. */
static int run_table(const char *path)
{
	struct world *w = &world;
	int r;

	world_init(w, "table", 1, false);
	if (setjmp(w->failed)) {
		printf("not ok 1 - table: %s\n1..1\n", w->message);
		return 1;
	}
	r = golden(w, path);
	return r;
}

int main(int argc, char **argv)
{
	const struct scenario *s;

	seeds_init("netsim");
	if (argc == 1)
		return run_all();
	if (!strcmp(argv[1], "table") || (argc == 3 && !strcmp(argv[1], "golden")))
		return run_table(argc == 3 ? argv[2] : NULL);
	s = find(argv[1]);
	if (s && argc == 4) {
		printf("1..1\n");
		return !run_many(s, strtoull(argv[2], NULL, 0), strtoull(argv[3], NULL, 0), 1);
	}
	if (s && argc <= 3)
		return !run_one(s, argc > 2 ? strtoull(argv[2], NULL, 0) : 1, true);
	fprintf(stderr, "usage: netsim [NAME [SEED] | NAME FROM COUNT | table | golden FILE]\n");
	return 2;
}
