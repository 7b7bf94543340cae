/* SPDX-License-Identifier: ISC */
/* pcapng.c - section header, interface description and enhanced packet blocks (draft-ietf-opsawg-pcapng) */
#include "pktio/pcapng.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

enum {
	BUFFER = 256 << 10,
	SNAPLEN = 65536,
	COMMENT_MAX = 512,
	BLOCK_SECTION = 0x0a0d0d0a,
	BLOCK_INTERFACE = 1,
	BLOCK_PACKET = 6,
	BYTE_ORDER_MAGIC = 0x1a2b3c4d,
	LINKTYPE_RAW = 101, /* IPv4 or IPv6, by the version field */
	OPT_END = 0,
	OPT_COMMENT = 1,
	OPT_PACKET_FLAGS = 2,
	OPT_IF_NAME = 2,
	OPT_SECTION_PROGRAM = 4,
	OPT_IF_TSRESOL = 9,
	/* header and trailer, six fields, packet, comment and flags with their padding, end of options */
	PACKET_MAX = 32 + SNAPLEN + 8 + COMMENT_MAX + 16,
};

struct adit_pcapng {
	int fd;
	bool stopped;
	unsigned interfaces;
	struct adit_pcapng_stats n;
	void (*log)(void *user, const char *line);
	void *user;
	char path[256];
	size_t len;
	size_t block; /* where the block that is being written began */
	uint8_t buf[BUFFER];
};

/* --- writing -------------------------------------------------------------- */

static void stop(struct adit_pcapng *p, int e)
{
	char line[512];

	p->stopped = true;
	p->len = 0;
	if (!p->log)
		return;
	snprintf(line, sizeof(line), "capture %s ends here: %s%s", p->path, strerror(e),
		 e == ENOSPC || e == EDQUOT ? " (make room and start it again)" : "");
	p->log(p->user, line);
}

void adit_pcapng_flush(struct adit_pcapng *p)
{
	size_t done = 0;

	while (done < p->len) {
		ssize_t n = write(p->fd, p->buf + done, p->len - done);

		if (n < 0 && errno == EINTR)
			continue;
		if (n < 0) {
			stop(p, errno);
			return;
		}
		done += (size_t)n;
	}
	p->len = 0;
}

static bool make_room(struct adit_pcapng *p, size_t len)
{
	if (p->len + len > BUFFER)
		adit_pcapng_flush(p);
	return !p->stopped;
}

static void put(struct adit_pcapng *p, const void *bytes, size_t len)
{
	memcpy(p->buf + p->len, bytes, len);
	p->len += len;
}

static void put32(struct adit_pcapng *p, uint32_t v)
{
	put(p, &v, sizeof(v));
}

static void put16(struct adit_pcapng *p, uint16_t v)
{
	put(p, &v, sizeof(v));
}

static void pad(struct adit_pcapng *p)
{
	while ((p->len - p->block) % 4)
		p->buf[p->len++] = 0;
}

static void put_option(struct adit_pcapng *p, uint16_t code, const void *value, size_t len)
{
	put16(p, code);
	put16(p, (uint16_t)len);
	put(p, value, len);
	pad(p);
}

static void begin_block(struct adit_pcapng *p, uint32_t type)
{
	p->block = p->len;
	put32(p, type);
	put32(p, 0); /* its length, when it is known */
}

static void end_block(struct adit_pcapng *p, bool options)
{
	uint32_t len;

	if (options)
		put32(p, OPT_END);
	len = (uint32_t)(p->len - p->block) + 4;
	put32(p, len);
	memcpy(p->buf + p->block + 4, &len, sizeof(len));
}

/* --- blocks --------------------------------------------------------------- */

static void put_section(struct adit_pcapng *p, const char *program)
{
	begin_block(p, BLOCK_SECTION);
	put32(p, BYTE_ORDER_MAGIC);
	put16(p, 1);
	put16(p, 0);
	put32(p, 0xffffffff); /* how long the section gets is not known: -1 in 64 bits */
	put32(p, 0xffffffff);
	if (program)
		put_option(p, OPT_SECTION_PROGRAM, program, strnlen(program, 256));
	end_block(p, program);
}

int adit_pcapng_interface(struct adit_pcapng *p, const char *name)
{
	const uint8_t nanoseconds = 9;
	size_t len = strnlen(name, 64);

	if (!make_room(p, 128))
		return -EIO;
	begin_block(p, BLOCK_INTERFACE);
	put16(p, LINKTYPE_RAW);
	put16(p, 0);
	put32(p, SNAPLEN);
	put_option(p, OPT_IF_NAME, name, len);
	put_option(p, OPT_IF_TSRESOL, &nanoseconds, 1);
	end_block(p, true);
	return (int)p->interfaces++;
}

static size_t put_gathered(struct adit_pcapng *p, const struct iovec *iov, unsigned cnt)
{
	size_t left = SNAPLEN, begin = p->len;

	for (unsigned i = 0; i < cnt && left; i++) {
		size_t n = iov[i].iov_len < left ? iov[i].iov_len : left;

		put(p, iov[i].iov_base, n);
		left -= n;
	}
	return p->len - begin;
}

static void put_packet_options(struct adit_pcapng *p, const struct adit_pcapng_packet *packet)
{
	uint32_t flags = packet->direction;

	if (packet->comment)
		put_option(p, OPT_COMMENT, packet->comment, strnlen(packet->comment, COMMENT_MAX));
	if (flags)
		put_option(p, OPT_PACKET_FLAGS, &flags, sizeof(flags));
}

void adit_pcapng_write(struct adit_pcapng *p, const struct adit_pcapng_packet *packet)
{
	uint64_t at = (uint64_t)packet->wall_ns;
	uint32_t len[2] = { 0, 0 };
	size_t where;

	if (p->stopped || !make_room(p, PACKET_MAX)) {
		p->n.lost++;
		return;
	}
	for (unsigned i = 0; i < packet->iov_cnt; i++)
		len[1] += (uint32_t)packet->iov[i].iov_len;
	begin_block(p, BLOCK_PACKET);
	put32(p, packet->interface);
	put32(p, (uint32_t)(at >> 32));
	put32(p, (uint32_t)at);
	where = p->len;
	put(p, len, sizeof(len));
	len[0] = (uint32_t)put_gathered(p, packet->iov, packet->iov_cnt);
	memcpy(p->buf + where, len, sizeof(len)); /* captured, and on the wire */
	pad(p);
	put_packet_options(p, packet);
	end_block(p, packet->comment || packet->direction);
	p->n.packets++;
}

/* --- life ----------------------------------------------------------------- */

int adit_pcapng_open(struct adit_pcapng **ret, const struct adit_pcapng_config *cfg)
{
	bool standard = !strcmp(cfg->path, "-");
	struct adit_pcapng *p = malloc(sizeof(*p));
	int r;

	if (!p)
		return -ENOMEM;
	memset(p, 0, offsetof(struct adit_pcapng, buf));
	p->log = cfg->log;
	p->user = cfg->user;
	snprintf(p->path, sizeof(p->path), "%s", standard ? "to standard output" : cfg->path);
	p->fd = standard ? fcntl(STDOUT_FILENO, F_DUPFD_CLOEXEC, 3) :
			   open(cfg->path, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC | O_NOCTTY, 0600);
	if (p->fd < 0) {
		r = -errno;
		free(p);
		return r;
	}
	put_section(p, cfg->program);
	*ret = p;
	return 0;
}

void adit_pcapng_close(struct adit_pcapng *p)
{
	if (!p)
		return;
	if (!p->stopped)
		adit_pcapng_flush(p);
	close(p->fd);
	free(p);
}

bool adit_pcapng_stopped(const struct adit_pcapng *p)
{
	return p->stopped;
}

void adit_pcapng_get_stats(const struct adit_pcapng *p, struct adit_pcapng_stats *ret)
{
	*ret = p->n;
}
