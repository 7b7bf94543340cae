/* SPDX-License-Identifier: ISC */
/* address.c - "tcp6" and "host:port" as libadit's callers write them */
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "lib/lib.h"

bool lib_parse_network(const char *text, bool *udp, enum relay_family *family)
{
	if (!text || (strncmp(text, "tcp", 3) != 0 && strncmp(text, "udp", 3) != 0))
		return false;
	*udp = text[0] == 'u';
	*family = RELAY_FAMILY_AUTO;
	if (text[3] == '\0')
		return true;
	*family = text[3] == '4' ? RELAY_FAMILY_4 : RELAY_FAMILY_6;
	return (text[3] == '4' || text[3] == '6') && text[4] == '\0';
}

int lib_parse_address(const char *text, struct relay_target *ret)
{
	const char *colon = text ? strrchr(text, ':') : NULL;
	const char *host = text;
	char *end;
	size_t len;
	unsigned long port;

	if (!colon || colon[1] < '0' || colon[1] > '9')
		return -EINVAL;
	port = strtoul(colon + 1, &end, 10);
	if (*end || port > 65535)
		return -EINVAL;
	len = (size_t)(colon - text);
	if (len && host[0] == '[') {
		if (host[len - 1] != ']')
			return -EINVAL;
		host++;
		len -= 2;
	} else if (memchr(host, ':', len)) {
		return -EINVAL; /* an IPv6 address stands in brackets */
	}
	if (len >= sizeof(ret->host))
		return -EINVAL;
	memcpy(ret->host, host, len);
	ret->host[len] = '\0';
	ret->port = (uint16_t)port;
	return 0;
}
