/* SPDX-License-Identifier: ISC */
/* seeds.h - a simulator's scenario under many seeds; who fails or crashes says how to run it again */
#ifndef ADIT_TESTS_SEEDS_H
#define ADIT_TESTS_SEEDS_H

#include <stdbool.h>
#include <stdint.h>

/* program: what a person types. Catches crashes. */
void seeds_init(const char *program);
/* Before each run, so that a crash can say its seed, too. */
void seeds_begin(const char *scenario, uint64_t seed);
void seeds_failed(const char *scenario, uint64_t seed, const char *message);
/* Runs seeds from, from + 1, ... and ends after five failures. One line of TAP. */
bool seeds_many(bool (*run)(const void *arg, uint64_t seed), const void *arg, const char *scenario, uint64_t from,
		uint64_t cnt, unsigned number);

#endif
