/* SPDX-License-Identifier: ISC */
/* ares_answer.c - what c-ares answers, in our words */
#include "relay/ares_answer.h"

#include <errno.h>
#include <netinet/in.h>
#include <string.h>

int relay_ares_error(int status)
{
	switch (status) {
	case ARES_SUCCESS:
		return 0;
	case ARES_ENOTFOUND:
	case ARES_ENODATA:
		return -ENOENT;
	case ARES_ETIMEOUT:
		return -ETIMEDOUT;
	case ARES_EBADNAME:
	case ARES_EBADQUERY:
		return -EINVAL;
	case ARES_ENOMEM:
		return -ENOMEM;
	case ARES_ECANCELLED:
	case ARES_EDESTRUCTION:
		return -ECANCELED;
	}
	return -EHOSTUNREACH; /* no server that would answer */
}

void relay_ares_add(struct adit_addr *list, unsigned *cnt, const struct ares_addrinfo_node *n)
{
	struct adit_addr *to = &list[*cnt];

	memset(to, 0, sizeof(*to));
	if (n->ai_family == AF_INET) {
		to->family = 4;
		memcpy(to->bytes, &((const struct sockaddr_in *)(const void *)n->ai_addr)->sin_addr, 4);
	} else {
		to->family = 6;
		memcpy(to->bytes, &((const struct sockaddr_in6 *)(const void *)n->ai_addr)->sin6_addr, 16);
	}
	for (unsigned i = 0; i < *cnt; i++)
		if (adit_addr_equal(&list[i], to))
			return;
	++*cnt;
}
