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
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "scenario.h"

static struct world world;
static char crash_note[160];

/* A crash must say its seed, too. */
static void crashed(int sig)
{
	ssize_t r = write(STDOUT_FILENO, crash_note, strlen(crash_note));

	(void)r;
	signal(sig, SIG_DFL);
	raise(sig);
}

static bool run_one(const struct scenario *s, uint64_t seed, bool trace)
{
	struct world *w = &world;

	snprintf(crash_note, sizeof(crash_note), "# CRASH in %s, again with: netsim %s %" PRIu64 "\n", s->name, s->name,
		 seed);
	world_init(w, s->name, seed, trace);
	if (setjmp(w->failed)) {
		printf("# FAILED %s: %s\n# again with: netsim %s %" PRIu64 "\n", s->name, w->message, s->name, seed);
		return false; /* leaks the world: after a failure it cannot be trusted */
	}
	s->run(w);
	world_fini(w);
	return true;
}

/* A scenario under many seeds: one line of TAP. */
static bool run_many(const struct scenario *s, uint64_t from, uint64_t cnt, unsigned number)
{
	unsigned failed = 0;

	for (uint64_t seed = from; seed < from + cnt && failed < 5; seed++)
		failed += !run_one(s, seed, false);
	printf("%s %u - %s (%" PRIu64 " seeds)\n", failed ? "not ok" : "ok", number, s->name, cnt);
	fflush(stdout);
	return failed == 0;
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

	setvbuf(stdout, NULL, _IOLBF, 0);
	signal(SIGABRT, crashed);
	signal(SIGSEGV, crashed);
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
