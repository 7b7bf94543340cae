/* SPDX-License-Identifier: ISC */
/* lookup.c - an endpoint's name to its path, by the machine's resolver */
#include "pktio/lookup.h"

#include <errno.h>
#include <netdb.h>
#include <netinet/in.h>
#include <string.h>

static int path_of(struct adit_path *ret, const struct sockaddr *sa)
{
	struct adit_path path = { 0 };

	if (sa->sa_family == AF_INET) {
		const struct sockaddr_in *in = (const void *)sa;

		path.kind = ADIT_PATH_UDP4;
		path.port = ntohs(in->sin_port);
		memcpy(path.addr, &in->sin_addr, 4);
	} else if (sa->sa_family == AF_INET6) {
		const struct sockaddr_in6 *in6 = (const void *)sa;

		path.kind = ADIT_PATH_UDP6;
		path.port = ntohs(in6->sin6_port);
		path.scope = in6->sin6_scope_id;
		memcpy(path.addr, &in6->sin6_addr, 16);
	} else {
		return EAI_FAMILY;
	}
	*ret = path;
	return 0;
}

int adit_lookup(struct adit_path *ret, const char *host, const char *port)
{
	const struct addrinfo hints = { .ai_socktype = SOCK_DGRAM, .ai_protocol = IPPROTO_UDP };
	struct addrinfo *list;
	int r = getaddrinfo(host, port, &hints, &list);

	if (r)
		return r;
	r = path_of(ret, list->ai_addr);
	freeaddrinfo(list);
	return r;
}

const char *adit_lookup_error(int code)
{
	return code == EAI_SYSTEM ? strerror(errno) : gai_strerror(code);
}
