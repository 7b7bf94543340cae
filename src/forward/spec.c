/* SPDX-License-Identifier: ISC */
/*
 * spec.c - services as people write them on a command line
 *
 * DOC: a specification is cut at its colons into at most five parts, brackets
 * holding an IPv6 address together; what each part is follows from how many
 * there are and which of them are numbers. So "8080:host:80" and
 * "localhost:8080:host:80:udp" need no guess, and a message names the part
 * that is wrong and where it begins.
 */
#include "forward/spec.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

#define PARTS_MAX 5

struct part {
	const char *p;
	size_t len;
	bool bracketed; /* p and len are what stands inside */
};

/* A specification being read. */
struct spec {
	struct adit_forward_reader *rd;
	const struct adit_forward_origin *at;
	const char *key, *text;
	struct part part[PARTS_MAX];
	unsigned cnt;
};

struct ports {
	uint16_t first, last;
};

bool adit_forward_number(const char *text, unsigned long max, unsigned long *ret)
{
	char *end;

	if (text[0] < '0' || text[0] > '9')
		return false;
	errno = 0;
	*ret = strtoul(text, &end, 10);
	return !errno && !*end && *ret <= max;
}

/* --- parts ---------------------------------------------------------------- */

static struct adit_forward_origin origin(const struct spec *s, const char *p)
{
	struct adit_forward_origin o = *s->at;

	o.col += (unsigned)(p - s->text);
	return o;
}

#define spec_error(s, where, ...)                                                \
	do {                                                                     \
		struct adit_forward_origin origin_ = origin(s, where);           \
		adit_forward_error((s)->rd, &origin_, (s)->key, __VA_ARGS__);    \
	} while (0)

static bool is_digits(const struct part *p)
{
	for (size_t i = 0; i < p->len; i++)
		if ((p->p[i] < '0' || p->p[i] > '9') && p->p[i] != '-')
			return false;
	return p->len > 0 && !p->bracketed;
}

/* Cuts at colons outside of brackets. False after an error. */
static bool cut(struct spec *s, const char *text)
{
	const char *p = text;

	s->cnt = 0;
	for (;;) {
		struct part *part = &s->part[s->cnt];

		if (s->cnt == PARTS_MAX) {
			spec_error(s, p, "too many parts (an IPv6 address stands in brackets, like [fd00::1])");
			return false;
		}
		*part = (struct part){ .p = p, .bracketed = *p == '[' };
		if (part->bracketed) {
			part->p++;
			part->len = strcspn(part->p, "]");
			p = part->p + part->len;
			if (*p != ']' || (p[1] && p[1] != ':')) {
				spec_error(s, part->p - 1, "the bracket is not closed (write [ADDRESS]:PORT)");
				return false;
			}
			p++;
		} else {
			part->len = strcspn(p, ":");
			p += part->len;
		}
		s->cnt++;
		if (!*p)
			return true;
		p++;
	}
}

static bool copy_part(const struct part *p, char *buf, size_t size)
{
	if (p->len >= size)
		return false;
	memcpy(buf, p->p, p->len);
	buf[p->len] = '\0';
	return true;
}

static bool read_port(struct spec *s, const struct part *p, const char *text, uint16_t *ret)
{
	unsigned long n;

	if (!adit_forward_number(text, 65535, &n)) {
		spec_error(s, p->p, "\"%s\" is not a port (0 to 65535)", text);
		return false;
	}
	*ret = (uint16_t)n;
	return true;
}

/* PORT or PORT-PORT */
static bool read_ports(struct spec *s, const struct part *p, struct ports *ret)
{
	char text[24], *dash;

	if (!p->len || p->bracketed || !copy_part(p, text, sizeof(text))) {
		spec_error(s, p->p, "a port is missing here (0 to 65535)");
		return false;
	}
	dash = strchr(text, '-');
	if (dash)
		*dash = '\0';
	if (!read_port(s, p, text, &ret->first))
		return false;
	ret->last = ret->first;
	if (dash && !read_port(s, p, dash + 1, &ret->last))
		return false;
	if (ret->last < ret->first || (dash && !ret->first)) {
		spec_error(s, p->p, "%s-%s is not a range of ports (write the smaller one first)", text, dash + 1);
		return false;
	}
	return true;
}

/* --- hosts ---------------------------------------------------------------- */

/* A name of DNS, as far as one may say without asking. */
static bool is_name(const char *text)
{
	for (; *text; text++)
		if (!strchr("abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789.-_", *text) &&
		    (unsigned char)*text < 0x80)
			return false;
	return true;
}

static bool all_numeric(const char *text)
{
	return text[strspn(text, "0123456789.")] == '\0';
}

/* An address or a name to connect to. */
static bool read_host(struct spec *s, const struct part *p, char ret[256])
{
	struct adit_addr a;
	bool ok = p->len && copy_part(p, ret, 256);

	if (ok && p->bracketed)
		ok = !adit_addr_parse(&a, ret) && a.family == 6;
	else if (ok)
		ok = is_name(ret) && (!all_numeric(ret) || !adit_addr_parse(&a, ret));
	if (!ok)
		spec_error(s, p->p, p->len ? "not an address and not a name (IPv6 stands in brackets)" :
					     "a host is missing here (an address or a name)");
	return ok;
}

/* An address of this machine, or of ours inside. */
static bool read_local(struct spec *s, const struct part *p, bool names, struct adit_addr *ret)
{
	char text[256];

	if (!p->bracketed && (!p->len || (p->len == 1 && *p->p == '*'))) {
		ret->family = 0; /* all addresses */
		return true;
	}
	if (!copy_part(p, text, sizeof(text))) {
		spec_error(s, p->p, "the address is too long");
		return false;
	}
	if (!adit_addr_parse(ret, text))
		return true;
	if (names && !strcasecmp(text, "localhost"))
		return !adit_addr_parse(ret, "127.0.0.1");
	if (names && !p->bracketed && is_name(text) && !all_numeric(text) && s->rd->lookup &&
	    !s->rd->lookup(s->rd->user, text, ret))
		return true;
	spec_error(s, p->p, "\"%s\" is not an address of this machine to listen on%s", text,
		   names ? " (a number, or a name that resolves)" : " (write the number)");
	return false;
}

static bool read_path(struct spec *s, const char *p, size_t len, char *ret, size_t size)
{
	if (!len || p[0] != '/') {
		spec_error(s, p, "a Unix socket's path begins with a slash (unix:/path)");
		return false;
	}
	if (len >= size) {
		spec_error(s, p, "the path is too long for a Unix socket (at most %zu bytes)", size - 1);
		return false;
	}
	memcpy(ret, p, len);
	ret[len] = '\0';
	return true;
}

/* --- a forward ------------------------------------------------------------ */

/* Either or both, in the order written. */
struct protocols {
	bool udp[2];
	unsigned cnt;
};

static bool read_protocols(struct spec *s, const struct part *p, struct protocols *ret)
{
	const char *at = p->p, *end = p->p + p->len;

	for (;;) {
		size_t len = 0;

		while (at + len < end && at[len] != ',')
			len++;
		if (len != 3 || (strncasecmp(at, "tcp", 3) && strncasecmp(at, "udp", 3)) || p->bracketed) {
			spec_error(s, at, "\"%.*s\" is not a protocol (TCP, UDP, or TCP,UDP)",
				   (int)(len > 20 ? 20 : len), at);
			return false;
		}
		if (ret->cnt < 2)
			ret->udp[ret->cnt++] = !strncasecmp(at, "udp", 3);
		at += len;
		if (at == end)
			return true;
		at++;
	}
}

static enum relay_kind kind_of(bool remote, bool udp)
{
	if (remote)
		return udp ? RELAY_REMOTE_UDP : RELAY_REMOTE_TCP;
	return udp ? RELAY_UDP : RELAY_TCP;
}

static void add_forwards(struct spec *s, bool remote, const struct adit_addr *host, const char *path, struct ports from,
			 const char *to_host, struct ports to, const struct protocols *protocols)
{
	for (unsigned i = 0; i < protocols->cnt; i++) {
		for (unsigned k = 0; k <= (unsigned)(from.last - from.first); k++) {
			struct relay_service_config c;

			relay_service_defaults(&c, kind_of(remote, protocols->udp[i]));
			c.listen.addr = *host;
			c.listen.port = (uint16_t)(from.first + k);
			snprintf(c.listen_path, sizeof(c.listen_path), "%s", path);
			snprintf(c.target.host, sizeof(c.target.host), "%s", to_host);
			c.target.port = (uint16_t)(to.first + k);
			if (!adit_forward_add_service(s->rd, s->at, &c))
				return;
		}
	}
}

/* unix:/PATH:DST:PORT */
static void from_unix(struct spec *s)
{
	const struct protocols tcp = { .cnt = 1 };
	const struct ports none = { 0, 0 };
	const struct adit_addr any = { 0 };
	const char *path = s->text + 5;
	size_t len = strcspn(path, ":");
	char listen[108], host[256];
	struct ports to;

	if (!read_path(s, path, len, listen, sizeof(listen)))
		return;
	if (!path[len]) {
		spec_error(s, path + len, "where to? (write unix:/PATH:DST:PORT)");
		return;
	}
	if (!cut(s, path + len + 1))
		return;
	if (s->cnt != 2)
		spec_error(s, path + len + 1, "a destination is DST:PORT here (a Unix socket carries TCP only)");
	else if (read_host(s, &s->part[0], host) && read_ports(s, &s->part[1], &to)) {
		if (to.first != to.last)
			spec_error(s, s->part[1].p, "one socket leads to one port");
		else
			add_forwards(s, false, &any, listen, none, host, to, &tcp);
	}
}

/* [HOST:]PORT:unix:/PATH */
static void to_unix(struct spec *s, const char *mark)
{
	const struct protocols tcp = { .cnt = 1 };
	struct adit_addr host = { 0 };
	char head[300], target[256] = "unix:";
	size_t len = (size_t)(mark - s->text);
	const char *whole = s->text;
	struct ports from;
	bool ok;

	if (len >= sizeof(head) || !read_path(s, mark + 6, strlen(mark + 6), target + 5, 108)) {
		if (len >= sizeof(head))
			spec_error(s, whole, "too long");
		return;
	}
	memcpy(head, whole, len);
	head[len] = '\0';
	s->text = head;
	ok = cut(s, head);
	if (ok && s->cnt > 2) {
		spec_error(s, head, "write [HOST:]PORT:unix:/PATH");
		ok = false;
	}
	if (ok && s->cnt == 2)
		ok = read_local(s, &s->part[0], false, &host);
	ok = ok && read_ports(s, &s->part[s->cnt - 1], &from);
	if (ok && from.first != from.last) {
		spec_error(s, s->part[s->cnt - 1].p, "one port leads to one socket");
		ok = false;
	}
	s->text = whole;
	if (ok)
		add_forwards(s, true, &host, "", from, target, (struct ports){ 0, 0 }, &tcp);
}

/* [HOST:]PORT:DST:PORT[:PROTOCOLS] in s->part */
static void from_parts(struct spec *s, bool remote)
{
	struct protocols protocols = { 0 };
	struct adit_addr host = { .family = 4, .bytes = { 127, 0, 0, 1 } };
	bool first_is_port = s->cnt && is_digits(&s->part[0]);
	unsigned skip = first_is_port ? 0 : 1;
	const struct part *from = &s->part[skip], *dst = from + 1, *to = from + 2, *proto = from + 3;
	struct ports here, there;
	char target[256];

	if (remote)
		host = (struct adit_addr){ 0 };
	if (s->cnt < skip + 3 || s->cnt > skip + 4) {
		spec_error(s, s->text, "not a forward (write [HOST:]PORT:DST:PORT[:TCP,UDP], like "
			   "127.0.0.1:8080:10.0.0.2:80)");
		return;
	}
	if (skip && !read_local(s, &s->part[0], !remote, &host))
		return;
	if (!read_ports(s, from, &here) || !read_host(s, dst, target) || !read_ports(s, to, &there))
		return;
	if (s->cnt == skip + 3) {
		protocols.cnt = 1;
	} else if (!read_protocols(s, proto, &protocols)) {
		return;
	}
	if (here.last - here.first != there.last - there.first) {
		spec_error(s, to->p, "the two ranges have %d and %d ports (make them equally long)",
			   here.last - here.first + 1, there.last - there.first + 1);
		return;
	}
	add_forwards(s, remote, &host, "", here, target, there, &protocols);
}

void adit_forward_spec(struct adit_forward_reader *rd, const struct adit_forward_origin *at, const char *key,
		       const char *text, bool remote)
{
	struct spec s = { .rd = rd, .at = at, .key = key, .text = text };
	const char *mark = strstr(text, ":unix:");

	if (!strncmp(text, "unix:", 5)) {
		if (remote)
			spec_error(&s, text, "a reverse forward listens inside, on a port");
		else
			from_unix(&s);
	} else if (mark && remote) {
		to_unix(&s, mark);
	} else if (cut(&s, text)) {
		from_parts(&s, remote);
	}
}

/* --- where to connect, where to listen -------------------------------------- */

bool adit_forward_spec_target(struct adit_forward_reader *rd, const struct adit_forward_origin *at, const char *key,
			      const char *text, bool unix_too, struct relay_target *ret)
{
	struct spec s = { .rd = rd, .at = at, .key = key, .text = text };
	struct ports port;

	memset(ret, 0, sizeof(*ret));
	if (unix_too && !strncmp(text, "unix:", 5)) {
		memcpy(ret->host, "unix:", 6);
		return read_path(&s, text + 5, strlen(text + 5), ret->host + 5, 108);
	}
	if (!cut(&s, text))
		return false;
	if (s.cnt != 2) {
		spec_error(&s, text, "\"%.60s\" is not a destination (write HOST:PORT)", text);
		return false;
	}
	if (!read_host(&s, &s.part[0], ret->host) || !read_ports(&s, &s.part[1], &port))
		return false;
	if (!port.first || port.first != port.last) {
		spec_error(&s, s.part[1].p, "not a port to connect to (1 to 65535)");
		return false;
	}
	ret->port = port.first;
	return true;
}

bool adit_forward_spec_listen(struct adit_forward_reader *rd, const struct adit_forward_origin *at, const char *key,
			      const char *text, struct adit_endpoint *ret, char *path, size_t path_len)
{
	struct spec s = { .rd = rd, .at = at, .key = key, .text = text };
	struct ports port;

	*ret = (struct adit_endpoint){ .addr = { .family = 4, .bytes = { 127, 0, 0, 1 } } };
	if (path)
		path[0] = '\0';
	if (path && !strncmp(text, "unix:", 5)) {
		*ret = (struct adit_endpoint){ 0 };
		return read_path(&s, text + 5, strlen(text + 5), path, path_len);
	}
	if (!cut(&s, text))
		return false;
	if (s.cnt > 2 || !text[0]) {
		spec_error(&s, text, "not a place to listen (write [HOST:]PORT)");
		return false;
	}
	if (s.cnt == 2 && !read_local(&s, &s.part[0], true, &ret->addr))
		return false;
	if (!read_ports(&s, &s.part[s.cnt - 1], &port))
		return false;
	if (port.first != port.last) {
		spec_error(&s, s.part[s.cnt - 1].p, "one port is wanted here");
		return false;
	}
	ret->port = port.first;
	return true;
}

/* USER:PASSWORD@ in front. The password may hold an @; the last one counts. */
static const char *read_user(struct spec *s, const char *text, struct relay_service_config *c)
{
	const char *end = strrchr(text, '@'), *colon;

	if (!end || !strncmp(text, "unix:/", 6))
		return text;
	colon = memchr(text, ':', (size_t)(end - text));
	if (!colon || colon == text) {
		spec_error(s, text, "a user and a password are wanted before the @ (USER:PASSWORD@)");
		return NULL;
	}
	if (colon - text > 255 || end - colon - 1 > 255) {
		spec_error(s, text, "a user and a password have at most 255 bytes each");
		return NULL;
	}
	memcpy(c->username, text, (size_t)(colon - text));
	memcpy(c->password, colon + 1, (size_t)(end - colon - 1));
	return end + 1;
}

void adit_forward_spec_proxy(struct adit_forward_reader *rd, const struct adit_forward_origin *at, const char *key,
			     const char *text, enum relay_kind kind)
{
	struct spec s = { .rd = rd, .at = at, .key = key, .text = text };
	struct adit_forward_origin place = *at;
	struct relay_service_config c;
	const char *listen = text;

	relay_service_defaults(&c, kind);
	if (kind != RELAY_SNI)
		listen = read_user(&s, text, &c);
	if (!listen)
		return;
	place.col += (unsigned)(listen - text);
	if (adit_forward_spec_listen(rd, &place, key, listen, &c.listen, c.listen_path, sizeof(c.listen_path)))
		adit_forward_add_service(rd, at, &c);
}
