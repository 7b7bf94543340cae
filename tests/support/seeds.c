/* SPDX-License-Identifier: ISC */
/* seeds.c - a simulator's scenario under many seeds */
#include "seeds.h"

#include <inttypes.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

static const char *program;
static char crash_note[160];

static void crashed(int sig)
{
	ssize_t r = write(STDOUT_FILENO, crash_note, strlen(crash_note));

	(void)r;
	signal(sig, SIG_DFL);
	raise(sig);
}

void seeds_init(const char *name)
{
	program = name;
	setvbuf(stdout, NULL, _IOLBF, 0);
	signal(SIGABRT, crashed);
	signal(SIGSEGV, crashed);
}

void seeds_begin(const char *scenario, uint64_t seed)
{
	snprintf(crash_note, sizeof(crash_note), "# CRASH in %s, again with: %s %s %" PRIu64 "\n", scenario, program,
		 scenario, seed);
}

void seeds_failed(const char *scenario, uint64_t seed, const char *message)
{
	printf("# FAILED %s: %s\n# again with: %s %s %" PRIu64 "\n", scenario, message, program, scenario, seed);
}

bool seeds_many(bool (*run)(const void *arg, uint64_t seed), const void *arg, const char *scenario, uint64_t from,
		uint64_t cnt, unsigned number)
{
	unsigned failed = 0;

	for (uint64_t seed = from; seed < from + cnt && failed < 5; seed++)
		failed += !run(arg, seed);
	printf("%s %u - %s (%" PRIu64 " seeds)\n", failed ? "not ok" : "ok", number, scenario, cnt);
	fflush(stdout);
	return failed == 0;
}
