/* SPDX-License-Identifier: ISC */
/* socks5.c - SOCKS5 messages: a message found is found alike with fewer and more bytes behind it, and within its bounds */
#include <errno.h>
#include <string.h>

#include "fuzz.h"
#include "relay/socks5.h"

static void check_addr(const struct socks5_addr *a)
{
	MUST(memchr(a->host, 0, sizeof(a->host)) && a->host[0]);
	MUST(a->is_name == (a->addr.family == 0));
	MUST(a->addr.family == 0 || a->addr.family == 4 || a->addr.family == 6);
}

static int read_one(unsigned kind, const uint8_t *p, size_t len)
{
	char user[256], password[256];
	struct socks5_addr to;
	uint64_t methods;
	uint8_t command;
	int r;

	switch (kind & 3) {
	case 0:
		r = socks5_read_greeting(p, len, &methods);
		MUST(r <= SOCKS5_GREETING_MAX);
		return r;
	case 1:
		r = socks5_read_auth(p, len, user, password);
		MUST(r <= SOCKS5_AUTH_MAX);
		if (r > 0)
			MUST(3 + strlen(user) + strlen(password) == (size_t)r);
		return r;
	case 2:
		r = socks5_read_request(p, len, &command, &to);
		MUST(r <= SOCKS5_REQUEST_MAX);
		break;
	default:
		r = socks5_read_udp(p, len, &to);
		MUST(r != 0 && r <= SOCKS5_REQUEST_MAX);
		break;
	}
	if (r > 0)
		check_addr(&to);
	return r;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	unsigned kind;
	int whole;

	if (size < 1)
		return 0;
	kind = data[0];
	whole = read_one(kind, data + 1, size - 1);
	MUST(whole >= 0 || whole == -EPROTO || whole == -EAFNOSUPPORT || whole == -EOPNOTSUPP);
	MUST(whole <= (int)size - 1);
	for (size_t len = 0; len < size && len < SOCKS5_AUTH_MAX + 1; len++) {
		uint8_t *cut = fuzz_copy(data + 1, len);
		int r = read_one(kind, cut, len);

		if (whole > 0 && len >= (size_t)whole)
			MUST(r == whole);
		else if (whole > 0)
			MUST(r == 0 || (kind & 3) == 3);
		free(cut);
	}
	return 0;
}
