/* SPDX-License-Identifier: ISC */
/*
 * dns_zone.h - answers of a small name server for tests
 *
 *   a.test      A 10.9.0.2, AAAA fd09::2     four.test, six.test  one of them
 *   alias.test  CNAME a.test                 big.test             40 addresses: truncated over UDP
 *   short.test  A with TTL 1                 in.search.test       A 10.9.0.2
 *   fail.test   SERVFAIL                     silent.test          no answer; all else does not exist
 */
#ifndef ADIT_TESTS_DNS_ZONE_H
#define ADIT_TESTS_DNS_ZONE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define DNS_MESSAGE_MAX 4096

/* Returns the answer's length; 0: none is given. */
size_t dns_zone_answer(const uint8_t *query, size_t len, bool tcp, uint8_t ret[DNS_MESSAGE_MAX]);

#endif
