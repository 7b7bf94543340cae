/* SPDX-License-Identifier: ISC */
/* stack_inner.c - our own TCP/IP stack as the inside of a tunnel */
#include "tunnel/stack_inner.h"

#include <errno.h>

#include "pktio/offload.h"

static struct adit_stack_inner *stack_of(struct adit_inner *in)
{
	return (struct adit_stack_inner *)in;
}

static void begin(struct adit_inner *in, adit_time now)
{
	stack_of(in)->now = now;
}

static int write_packet(struct adit_inner *in, const struct adit_inner_meta *meta, struct iovec *iov, int cnt)
{
	struct adit_stack_inner *s = stack_of(in);

	adit_netstack_in(s->ns, iov, cnt, meta->gso_size, s->now);
	return 0;
}

static void received(struct adit_inner *in)
{
	struct adit_stack_inner *s = stack_of(in);

	if (s->guest)
		s->guest->ops->received(s->guest, s->now);
	else
		adit_netstack_in_end(s->ns, s->now);
}

static ssize_t read_lent(struct adit_inner *in, uint8_t *buf, struct adit_super *super)
{
	struct adit_stack_inner *s = stack_of(in);
	uint32_t len;

	switch (adit_netstack_out(s->ns, buf, &len, super, s->now)) {
	case ADIT_OUT_PACKET:
		return (ssize_t)len;
	case ADIT_OUT_SUPER:
		return 0;
	case ADIT_OUT_NONE:
		break;
	}
	return -EAGAIN;
}

static void reachable(struct adit_inner *in)
{
	struct adit_stack_inner *s = stack_of(in);

	adit_netstack_path_up(s->ns, s->now);
}

static const struct adit_inner_ops ops = {
	.write = write_packet,
	.begin = begin,
	.received = received,
	.read_lent = read_lent,
	.reachable = reachable,
};

void adit_stack_inner_init(struct adit_stack_inner *s, struct adit_netstack *ns, struct adit_guest *guest)
{
	*s = (struct adit_stack_inner){
		.inner = { .ops = &ops, .fd = -1, .offloads = ADIT_OFFLOAD_TSO | ADIT_OFFLOAD_USO | ADIT_OFFLOAD_CSUM },
		.ns = ns,
		.guest = guest,
	};
}
