/* SPDX-License-Identifier: ISC */
/* keeper_internal.h - what the keeper's files share (keeper*.c) */
#ifndef ADIT_HOST_KEEPER_INTERNAL_H
#define ADIT_HOST_KEEPER_INTERNAL_H

#include "base/time.h"
#include "host/apply.h"
#include "host/events.h"
#include "host/keeper.h"

#define KEEPER_DIR_LEN 200

/* How often a step was made again, and whether it is being left alone. */
struct keeper_step {
	adit_time since; /* of the count */
	adit_time rest;  /* not touched until then; 0 = now */
	unsigned mends;
	bool said;       /* that it is broken, trampled or gone */
};

struct keeper_plan {
	struct adit_plan plan;
	struct keeper_step *steps; /* as many */
	int lock_fd;
};

struct adit_keeper {
	char dir[KEEPER_DIR_LEN];
	struct adit_netlink *nl;
	struct adit_host host;
	struct adit_events events;
	struct keeper_plan **plans; /* in the order they came */
	size_t cnt;
	int lock_fd;
	unsigned lock_depth;
	adit_time looked; /* when the machine was read last */
	bool (*stop)(void);
};

struct keeper_plan *keeper_find(const struct adit_keeper *k, const char *name);
/* With a sentence where it fails. */
int keeper_lock(struct adit_keeper *k, char *err, size_t err_len);
/* Takes the plan and the lock over. 0 or -ENOMEM: then both are still the caller's. */
int keeper_add(struct adit_keeper *k, struct adit_plan *plan, int lock_fd);
/* Listens to what the plans in force depend on, from now on. */
void keeper_listen(struct adit_keeper *k);

/* Plans in force but one: the keeper's own (k may be NULL), and those in the folder. */
struct keeper_others {
	struct adit_plan *disk;
	size_t disk_cnt;
	const struct adit_plan **all;
	size_t cnt;
};
int keeper_others_load(struct keeper_others *ret, const char *dir, const struct adit_keeper *k, const char *but);
void keeper_others_fini(struct keeper_others *o);
void keeper_others_lend(const struct keeper_others *o, struct adit_host *h);

/* Of a journal that is not current only what is in files is left. */
int keeper_after_boot(struct adit_plan *plan);
bool keeper_guarded(const struct adit_plan *plan);
/* Undoes all but the guards; what is left is the plan and its journal then. 0 or the first failure. */
int keeper_undo_but_guards(struct adit_host *h, const char *dir, struct adit_plan *plan, char *err,
			   size_t err_len);

/* Says so, and where to undo it. Returns -EXDEV. */
int keeper_elsewhere(const char *name, char *err, size_t err_len);
/* Into err. Returns r. */
int keeper_fail(int r, char *err, size_t err_len, const char *fmt, ...) __attribute__((format(printf, 4, 5)));

#endif
