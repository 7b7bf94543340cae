/* SPDX-License-Identifier: ISC */
/* udp_shield.c - the kernel refuses what strangers send, while they flood (classic BPF on the sockets) */
#include "pktio/udp_shield.h"

#include <errno.h>
#include <linux/filter.h>
#include <linux/sock_diag.h>
#include <string.h>
#include <sys/socket.h>

#include "base/bytes.h"

enum {
	SOURCE4 = 12, /* in the IP header */
	SOURCE6 = 8,
	CODE_MAX = ADIT_SHIELD_KNOWN * 9 + 4,
};

struct code {
	struct sock_filter op[CODE_MAX];
	unsigned short len;
};

static void add(struct code *c, uint16_t code, uint8_t otherwise, uint32_t k)
{
	c->op[c->len++] = (struct sock_filter){ .code = code, .jf = otherwise, .k = k };
}

static void load(struct code *c, uint32_t at)
{
	add(c, BPF_LD | BPF_W | BPF_ABS, 0, (uint32_t)SKF_NET_OFF + at);
}

/* All of the words are equal: it passes; else on behind this peer. */
static void pass_source(struct code *c, uint32_t at, const uint8_t *addr, unsigned words)
{
	for (unsigned i = 0; i < words; i++) {
		load(c, at + 4 * i);
		add(c, BPF_JMP | BPF_JEQ | BPF_K, (uint8_t)(2 * (words - i) - 1), adit_get_be32(addr + 4 * i));
	}
	add(c, BPF_RET | BPF_K, 0, UINT32_MAX);
}

static void compile(struct code *c, enum adit_outer_side side, const struct adit_path *known, unsigned cnt)
{
	bool six = side == ADIT_OUTER_6;

	c->len = 0;
	for (unsigned i = 0; i < cnt; i++)
		if (known[i].kind == (six ? ADIT_PATH_UDP6 : ADIT_PATH_UDP4))
			pass_source(c, six ? SOURCE6 : SOURCE4, known[i].addr, six ? 4 : 1);
	add(c, BPF_LD | BPF_W | BPF_ABS, 0, (uint32_t)(SKF_AD_OFF + SKF_AD_RANDOM));
	c->op[c->len++] = (struct sock_filter){ .code = BPF_JMP | BPF_JSET | BPF_K, .jt = 1, .k = ADIT_SHIELD_PASS - 1 };
	add(c, BPF_RET | BPF_K, 0, UINT32_MAX);
	add(c, BPF_RET | BPF_K, 0, 0);
}

int adit_udp_shield(struct adit_udp *u, const struct adit_path *known, unsigned cnt)
{
	struct code c;
	int r = 0;

	if (cnt > ADIT_SHIELD_KNOWN)
		return -E2BIG;
	for (int side = 0; side < ADIT_OUTER_SIDES; side++) {
		struct sock_fprog prog = { .filter = c.op };

		if (u->outer.fd[side] < 0)
			continue;
		compile(&c, (enum adit_outer_side)side, known, cnt);
		prog.len = c.len;
		if (setsockopt(u->outer.fd[side], SOL_SOCKET, SO_ATTACH_FILTER, &prog, sizeof(prog)) < 0)
			r = -errno;
	}
	return r;
}

void adit_udp_unshield(struct adit_udp *u)
{
	int none = 0;

	for (int side = 0; side < ADIT_OUTER_SIDES; side++)
		if (u->outer.fd[side] >= 0)
			setsockopt(u->outer.fd[side], SOL_SOCKET, SO_DETACH_FILTER, &none, sizeof(none));
}

uint32_t adit_udp_refused(const struct adit_udp *u)
{
	uint32_t sum = 0;

	for (int side = 0; side < ADIT_OUTER_SIDES; side++) {
		uint32_t info[SK_MEMINFO_VARS] = { 0 };
		socklen_t len = sizeof(info);

		if (u->outer.fd[side] >= 0 &&
		    getsockopt(u->outer.fd[side], SOL_SOCKET, SO_MEMINFO, info, &len) == 0)
			sum += info[SK_MEMINFO_DROPS];
	}
	return sum;
}
