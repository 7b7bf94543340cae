/* SPDX-License-Identifier: ISC */
/*
 * main.c - runs the simulator.
 *
 *   sim                      every scenario, every seed of `make test` (TAP)
 *   sim SEED                 one random story again, with a trace
 *   sim NAME [SEED]          one scenario, with a trace
 *   sim random FROM COUNT    many random stories
 *   sim seeds FILE           a file of `NAME SEED` lines that once failed
 */
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "../support/seeds.h"
#include "world.h"

#define RANDOM_SEEDS 300

static const struct scenario random_scenario = { "random", scenario_random, RANDOM_SEEDS };
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
	if (!strcmp(name, "random"))
		return &random_scenario;
	for (size_t i = 0; i < scenario_cnt; i++) {
		if (!strcmp(name, scenarios[i].name))
			return &scenarios[i];
	}
	return NULL;
}

static int run_seeds(const char *path)
{
	char line[200], name[100];
	unsigned cnt = 0, failed = 0;
	uint64_t seed;
	FILE *f = fopen(path, "r");

	if (!f) {
		perror(path);
		return 1;
	}
	while (fgets(line, sizeof(line), f)) {
		if (line[0] == '#' || sscanf(line, "%99s %" SCNu64, name, &seed) != 2)
			continue;
		cnt++;
		if (!find(name) || !run_one(find(name), seed, false)) {
			printf("not ok %u - %s %" PRIu64 "\n", cnt, name, seed);
			failed++;
		} else {
			printf("ok %u - %s %" PRIu64 "\n", cnt, name, seed);
		}
	}
	fclose(f);
	printf("1..%u\n", cnt);
	return failed > 0;
}

static int run_all(void)
{
	unsigned failed = 0, number = 0;

	printf("1..%zu\n", scenario_cnt + 1);
	for (size_t i = 0; i < scenario_cnt; i++)
		failed += !run_many(&scenarios[i], 1, scenarios[i].seeds, ++number);
	failed += !run_many(&random_scenario, 1, random_scenario.seeds, ++number);
	return failed > 0;
}

int main(int argc, char **argv)
{
	const struct scenario *s;
	char *end;

	seeds_init("sim");
	if (argc == 1)
		return run_all();
	if (argc == 3 && !strcmp(argv[1], "seeds"))
		return run_seeds(argv[2]);
	if (argc == 4 && (s = find(argv[1]))) {
		printf("1..1\n");
		return !run_many(s, strtoull(argv[2], NULL, 0), strtoull(argv[3], NULL, 0), 1);
	}
	s = find(argv[1]);
	if (s)
		return !run_one(s, argc > 2 ? strtoull(argv[2], NULL, 0) : 1, true);
	if (strtoull(argv[1], &end, 0) > 0 && !*end)
		return !run_one(&random_scenario, strtoull(argv[1], NULL, 0), true);
	fprintf(stderr, "usage: sim [SEED | NAME [SEED] | NAME FROM COUNT | seeds FILE]\n");
	return 2;
}
