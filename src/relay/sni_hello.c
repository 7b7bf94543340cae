/* SPDX-License-Identifier: ISC */
/* sni_hello.c - the name a TLS client asks for, out of its ClientHello */
#include "relay/sni_hello.h"

#include <string.h>

#include "base/addr.h"
#include "base/reader.h"

enum {
	RECORD_HANDSHAKE = 22,
	RECORD_HDR = 5,
	RECORD_MAX = 16384,
	CLIENT_HELLO = 1,
	EXT_SERVER_NAME = 0,
	NAME_HOST = 0,
	NAME_MAX_LEN = 253,
};

const uint8_t sni_alert_unrecognized_name[SNI_ALERT_LEN] = { 21, 3, 3, 0, 2, 2, 112 };

/* A vector with a length in front of it, as a reader of its own. */
static void vector(struct adit_reader *r, struct adit_reader *ret, size_t len)
{
	const uint8_t *p = adit_rd_bytes(r, len);

	adit_rd_init(ret, p, p ? len : 0);
}

static bool copy_name(char name[256], const uint8_t *p, size_t len)
{
	struct adit_addr addr;

	if (!p || len == 0 || len > NAME_MAX_LEN)
		return false;
	for (size_t i = 0; i < len; i++) {
		char c = (char)p[i];

		if (c >= 'A' && c <= 'Z')
			c = (char)(c + 32);
		if (!((c >= 'a' && c <= 'z') || (c >= '0' && c <= '9') || c == '-' || c == '_' || c == '.'))
			return false;
		name[i] = c;
	}
	name[len] = '\0';
	return name[0] != '.' && name[0] != '-' && adit_addr_parse(&addr, name) != 0;
}

static enum sni_result read_server_name(struct adit_reader *ext, char name[256])
{
	struct adit_reader list;

	vector(ext, &list, adit_rd_be16(ext));
	while (list.left > 0) {
		uint8_t type = adit_rd_u8(&list);
		uint16_t len = adit_rd_be16(&list);
		const uint8_t *p = adit_rd_bytes(&list, len);

		if (!p)
			return SNI_BAD;
		if (type == NAME_HOST)
			return copy_name(name, p, len) ? SNI_NAME : SNI_NO_NAME;
	}
	return adit_rd_ok(ext) ? SNI_NO_NAME : SNI_BAD;
}

/* The body of a ClientHello message. */
static enum sni_result read_hello(struct adit_reader *r, char name[256])
{
	struct adit_reader exts, ext;

	adit_rd_bytes(r, 2 + 32); /* version, random */
	adit_rd_bytes(r, adit_rd_u8(r)); /* session */
	adit_rd_bytes(r, adit_rd_be16(r)); /* cipher suites */
	adit_rd_bytes(r, adit_rd_u8(r)); /* compression */
	if (!adit_rd_ok(r))
		return SNI_BAD;
	if (r->left == 0) /* extensions may be left out before TLS 1.3 */
		return SNI_NO_NAME;
	vector(r, &exts, adit_rd_be16(r));
	if (!adit_rd_ok(r))
		return SNI_BAD;
	while (exts.left > 0) {
		uint16_t type = adit_rd_be16(&exts);

		vector(&exts, &ext, adit_rd_be16(&exts));
		if (!adit_rd_ok(&exts))
			return SNI_BAD;
		if (type == EXT_SERVER_NAME)
			return read_server_name(&ext, name);
	}
	return SNI_NO_NAME;
}

/* Joins the handshake bytes of the records that are here. Returns false when it is not TLS. */
static bool join_records(const uint8_t *buf, size_t len, uint8_t *ret, size_t *ret_len)
{
	size_t off = 0, have, n;

	*ret_len = 0;
	while (len - off > 0) {
		if (buf[off] != RECORD_HANDSHAKE || (len - off > 1 && buf[off + 1] != 3))
			return false;
		if (len - off < RECORD_HDR)
			break;
		n = adit_get_be16(buf + off + 3);
		if (n == 0 || n > RECORD_MAX)
			return false;
		off += RECORD_HDR;
		have = len - off < n ? len - off : n;
		memcpy(ret + *ret_len, buf + off, have);
		*ret_len += have;
		off += have;
		/* What follows the message is the server's affair. */
		if (*ret_len >= 4 && *ret_len >= 4 + (adit_get_be32(ret) & 0xffffff))
			break;
	}
	return true;
}

enum sni_result sni_hello_read(const uint8_t *buf, size_t len, char name[256])
{
	uint8_t message[SNI_HELLO_MAX];
	struct adit_reader r;
	size_t got, want;

	if (len > SNI_HELLO_MAX)
		len = SNI_HELLO_MAX;
	if (!join_records(buf, len, message, &got) || (got > 0 && message[0] != CLIENT_HELLO))
		return SNI_BAD;
	if (got >= 4) {
		want = adit_get_be32(message) & 0xffffff;
		if (want > SNI_HELLO_MAX - 4 - RECORD_HDR)
			return SNI_BAD;
		if (got >= 4 + want) {
			adit_rd_init(&r, message + 4, want);
			return read_hello(&r, name);
		}
	}
	return len == SNI_HELLO_MAX ? SNI_BAD : SNI_MORE;
}
