/* SPDX-License-Identifier: ISC */
/* demo_script.h - what the demo does, what it found, and how that is shown */
#ifndef ADIT_DEVICE_DEMO_SCRIPT_H
#define ADIT_DEVICE_DEMO_SCRIPT_H

#include <stdbool.h>
#include <stdint.h>

#include "device/demo_host.h"

/* Index of everything that is measured twice; the page a third time. */
enum { DEMO_BARE, DEMO_INSIDE, DEMO_ROOTLESS };

struct demo_facts {
	bool privileged;    /* or in a user namespace */
	const char *failed; /* the step, or NULL */
	char why[320];
	int64_t handshake_ns;
	int64_t ping_ns[2], ping_best_ns[2];
	uint64_t page_bytes[3];
	int64_t page_ns[3];
	unsigned frames[3], clear[3];
	char confined[96]; /* what `adit forward` says of its own rights */
	uint64_t stream_bytes[2];
	int64_t stream_ns[2];
	struct adit_tunnel_stats tunnel[2]; /* of host 1 and 2; aead is in the next field */
	char aead[32];
	int64_t total_ns;
};

/* Runs it all in the calling process and its two children, with output as it
 * goes. Returns an enum adit_exit. */
int demo_script(struct demo_facts *facts, bool json);

/* demo_print.c */
void demo_print_begin(bool json);
void demo_print_setup(const struct demo_facts *f);
void demo_print_handshake(const struct demo_facts *f);
void demo_print_ping(const struct demo_facts *f);
void demo_print_page(const struct demo_facts *f);
void demo_print_forward(const struct demo_facts *f);
/* Called often while a stream runs; does nothing but on a terminal. */
void demo_print_progress(int which, int64_t ns, int64_t limit_ns, uint64_t bytes);
void demo_print_stream(const struct demo_facts *f, int which);
/* The picture, or the JSON text; also after a failure. */
void demo_print_end(const struct demo_facts *f);

#endif
