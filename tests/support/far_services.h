/* SPDX-License-Identifier: ISC */
/*
 * far_services.h - what programs find on the far stack of the relay lab:
 * a web server (80, 8080), a name server (53), raw echo (7, 443) over TCP, and
 * over UDP echo (7) and one that answers with 4 kB (4000)
 *
 *   /hello      6 bytes            /big?N     N bytes of relay_lab_byte
 *   /chunked    in chunks          /until     ended by closing
 *   /echo       the request's body /head      the request's head, as it came
 *   /continue   100 first          /early     answers 413 before the body
 *   /none       204                /cached    304
 *   /drop       closes unanswered  /reset     the same with RST
 *   /half       ends too early     /ws        101, then echo
 *   /once       answers, then closes what it said it would keep
 *   /hang       no answer          /twice     two lengths
 */
#ifndef ADIT_TESTS_FAR_SERVICES_H
#define ADIT_TESTS_FAR_SERVICES_H

#include "base/list.h"
#include "relay_lab.h"

struct far_services {
	struct relay_lab *lab;
	struct adit_list conns;
	unsigned web_conns, web_requests; /* so far */
	unsigned dns_udp, dns_tcp;        /* queries so far */
	unsigned open;                    /* TCP connections that are there */
	bool dns_deaf;
};

/* Takes lab->far_event and lab->user. */
void far_services_init(struct far_services *f, struct relay_lab *l);
/* Before the lab goes. */
void far_services_fini(struct far_services *f);

#endif
