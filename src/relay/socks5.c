/* SPDX-License-Identifier: ISC */
/* socks5.c - SOCKS version 5 as bytes (RFC 1928, RFC 1929) */
#include "relay/socks5.h"

#include <errno.h>
#include <string.h>

#include "base/reader.h"

/* What a reader has taken of `len` bytes; too few: more may come. */
static int taken(const struct adit_reader *r, size_t len)
{
	return adit_rd_ok(r) ? (int)(len - r->left) : 0;
}

int socks5_read_greeting(const uint8_t *p, size_t len, uint64_t *methods)
{
	struct adit_reader r;
	const uint8_t *list;
	uint8_t cnt;

	if (len > 0 && p[0] != SOCKS5_VERSION)
		return -EPROTO;
	adit_rd_init(&r, p, len);
	adit_rd_u8(&r);
	cnt = adit_rd_u8(&r);
	list = adit_rd_bytes(&r, cnt);
	if (!list)
		return 0;
	*methods = 0;
	for (unsigned i = 0; i < cnt; i++)
		if (list[i] < 64)
			*methods |= UINT64_C(1) << list[i];
	return taken(&r, len);
}

/* A string with its length in front. Returns false when it holds a NUL. */
static bool read_string(struct adit_reader *r, char ret[256])
{
	uint8_t len = adit_rd_u8(r);

	adit_rd_copy(r, ret, len);
	ret[len] = '\0';
	return !adit_rd_ok(r) || strlen(ret) == len;
}

int socks5_read_auth(const uint8_t *p, size_t len, char user[256], char password[256])
{
	struct adit_reader r;
	bool plain;

	if (len > 0 && p[0] != SOCKS5_AUTH_VERSION)
		return -EPROTO;
	adit_rd_init(&r, p, len);
	adit_rd_u8(&r);
	plain = read_string(&r, user);
	plain = read_string(&r, password) && plain;
	return plain ? taken(&r, len) : -EPROTO;
}

static int read_name(struct adit_reader *r, struct socks5_addr *to)
{
	if (!read_string(r, to->host))
		return -EPROTO;
	if (!adit_rd_ok(r))
		return 0;
	for (const char *c = to->host; *c; c++)
		if ((unsigned char)*c <= 0x20 || *c == 0x7f)
			return -EPROTO;
	if (to->host[0] == '\0')
		return -EPROTO;
	to->is_name = adit_addr_parse(&to->addr, to->host) != 0;
	return 0;
}

/* Type, address and port. */
static int read_addr(struct adit_reader *r, struct socks5_addr *to)
{
	uint8_t type = adit_rd_u8(r);
	char text[ADIT_ADDR_STRLEN];
	int e = 0;

	memset(to, 0, sizeof(*to));
	if (!adit_rd_ok(r))
		return 0;
	if (type == SOCKS5_NAME) {
		e = read_name(r, to);
	} else if (type == SOCKS5_IP4 || type == SOCKS5_IP6) {
		to->addr.family = type == SOCKS5_IP4 ? 4 : 6;
		adit_rd_copy(r, to->addr.bytes, type == SOCKS5_IP4 ? 4 : 16);
		memcpy(to->host, adit_addr_format(&to->addr, text), sizeof(text));
	} else {
		e = -EAFNOSUPPORT;
	}
	to->port = adit_rd_be16(r);
	return e;
}

int socks5_read_request(const uint8_t *p, size_t len, uint8_t *command, struct socks5_addr *to)
{
	struct adit_reader r;
	int e;

	if (len > 0 && p[0] != SOCKS5_VERSION)
		return -EPROTO;
	adit_rd_init(&r, p, len);
	adit_rd_u8(&r);
	*command = adit_rd_u8(&r);
	adit_rd_u8(&r); /* reserved; some clients put something there */
	e = read_addr(&r, to);
	return e ? e : taken(&r, len);
}

int socks5_read_udp(const uint8_t *p, size_t len, struct socks5_addr *to)
{
	struct adit_reader r;
	uint8_t frag;
	int e;

	adit_rd_init(&r, p, len);
	adit_rd_be16(&r);
	frag = adit_rd_u8(&r);
	e = read_addr(&r, to);
	if (!adit_rd_ok(&r) && e != -EAFNOSUPPORT)
		return -EPROTO;
	if (frag)
		return -EOPNOTSUPP;
	return e ? e : taken(&r, len);
}

static size_t write_addr(uint8_t *p, const struct adit_endpoint *e)
{
	static const struct adit_endpoint none;
	size_t n = e && e->addr.family == 6 ? 16 : 4;

	if (!e)
		e = &none;
	p[0] = n == 16 ? SOCKS5_IP6 : SOCKS5_IP4;
	memcpy(p + 1, e->addr.bytes, n);
	adit_put_be16(p + 1 + n, e->port);
	return 1 + n + 2;
}

size_t socks5_write_reply(uint8_t ret[SOCKS5_REPLY_MAX], enum socks5_reply reply, const struct adit_endpoint *bound)
{
	ret[0] = SOCKS5_VERSION;
	ret[1] = (uint8_t)reply;
	ret[2] = 0;
	return 3 + write_addr(ret + 3, bound);
}

size_t socks5_write_udp(uint8_t ret[SOCKS5_UDP_HDR_MAX], const struct adit_endpoint *from)
{
	memset(ret, 0, 3);
	return 3 + write_addr(ret + 3, from);
}

enum socks5_reply socks5_reply_of(int error)
{
	switch (-error) {
	case 0:
		return SOCKS5_SUCCEEDED;
	case ECONNREFUSED:
		return SOCKS5_REFUSED;
	case ENETUNREACH:
	case EADDRNOTAVAIL: /* we have no address of that family inside */
		return SOCKS5_NET_UNREACHABLE;
	case EHOSTUNREACH:
	case ENOENT: /* no such name */
		return SOCKS5_HOST_UNREACHABLE;
	case ETIMEDOUT:
	case ETIME:
		return SOCKS5_TTL_EXPIRED;
	case EACCES:
	case EPERM:
		return SOCKS5_NOT_ALLOWED;
	case EAFNOSUPPORT:
		return SOCKS5_BAD_ADDRESS;
	}
	return SOCKS5_FAILURE;
}

bool relay_secret_equal(const char *a, const char *b)
{
	char x[256] = "", y[256] = "";
	volatile unsigned differ = strlen(a) != strlen(b);

	memcpy(x, a, strnlen(a, sizeof(x) - 1));
	memcpy(y, b, strnlen(b, sizeof(y) - 1));
	for (size_t i = 0; i < sizeof(x); i++)
		differ |= (unsigned)(x[i] ^ y[i]);
	explicit_bzero(x, sizeof(x));
	explicit_bzero(y, sizeof(y));
	return differ == 0;
}
