/* SPDX-License-Identifier: ISC */
/*
 * nft_match.c - what a rule looks at and does, as the kernel's expressions: load
 * into a register, compare, and so on; the first that fails ends the rule.
 * Packets are in network order, meta and conntrack in the machine's.
 */
#include "host/nft_table.h"

#include <errno.h>
#include <linux/netfilter/nf_conntrack_common.h>
#include <linux/netfilter/nf_nat.h>
#include <linux/rtnetlink.h>
#include <string.h>

#define REG NFT_REG_1

/* The next expression of the rule begun last; NULL after an error. */
static struct nftnl_expr *add(struct nft_table *t, const char *name)
{
	struct nftnl_expr *e;

	if (t->error || !t->rule_cnt)
		return NULL;
	e = nftnl_expr_alloc(name);
	if (e)
		nftnl_rule_add_expr(t->rule[t->rule_cnt - 1], e);
	else
		t->error = -ENOMEM;
	return e;
}

static void compare(struct nft_table *t, bool equal, const void *data, uint32_t len)
{
	struct nftnl_expr *e = add(t, "cmp");

	if (!e)
		return;
	nftnl_expr_set_u32(e, NFTNL_EXPR_CMP_SREG, REG);
	nftnl_expr_set_u32(e, NFTNL_EXPR_CMP_OP, equal ? NFT_CMP_EQ : NFT_CMP_NEQ);
	if (nftnl_expr_set(e, NFTNL_EXPR_CMP_DATA, data, len) < 0)
		t->error = -ENOMEM;
}

/* (register & mask), in place. */
static void mask(struct nft_table *t, const void *bits, uint32_t len)
{
	static const uint8_t zero[16];
	struct nftnl_expr *e = add(t, "bitwise");

	if (!e)
		return;
	nftnl_expr_set_u32(e, NFTNL_EXPR_BITWISE_SREG, REG);
	nftnl_expr_set_u32(e, NFTNL_EXPR_BITWISE_DREG, REG);
	nftnl_expr_set_u32(e, NFTNL_EXPR_BITWISE_LEN, len);
	if (nftnl_expr_set(e, NFTNL_EXPR_BITWISE_MASK, bits, len) < 0 ||
	    nftnl_expr_set(e, NFTNL_EXPR_BITWISE_XOR, zero, len) < 0)
		t->error = -ENOMEM;
}

static void load_meta(struct nft_table *t, uint32_t key)
{
	struct nftnl_expr *e = add(t, "meta");

	if (!e)
		return;
	nftnl_expr_set_u32(e, NFTNL_EXPR_META_KEY, key);
	nftnl_expr_set_u32(e, NFTNL_EXPR_META_DREG, REG);
}

static void load_ct(struct nft_table *t, uint32_t key)
{
	struct nftnl_expr *e = add(t, "ct");

	if (!e)
		return;
	nftnl_expr_set_u32(e, NFTNL_EXPR_CT_KEY, key);
	nftnl_expr_set_u32(e, NFTNL_EXPR_CT_DREG, REG);
}

static void load_packet(struct nft_table *t, uint32_t reg, uint32_t base, uint32_t offset, uint32_t len)
{
	struct nftnl_expr *e = add(t, "payload");

	if (!e)
		return;
	nftnl_expr_set_u32(e, NFTNL_EXPR_PAYLOAD_BASE, base);
	nftnl_expr_set_u32(e, NFTNL_EXPR_PAYLOAD_OFFSET, offset);
	nftnl_expr_set_u32(e, NFTNL_EXPR_PAYLOAD_LEN, len);
	nftnl_expr_set_u32(e, NFTNL_EXPR_PAYLOAD_DREG, reg);
}

static void put(struct nft_table *t, uint32_t reg, const void *data, uint32_t len)
{
	struct nftnl_expr *e = add(t, "immediate");

	if (!e)
		return;
	nftnl_expr_set_u32(e, NFTNL_EXPR_IMM_DREG, reg);
	if (nftnl_expr_set(e, NFTNL_EXPR_IMM_DATA, data, len) < 0)
		t->error = -ENOMEM;
}

/* --- what it looks at ------------------------------------------------------- */

static void match_ifname(struct nft_table *t, uint32_t key, bool is, const char *ifname)
{
	char name[ADIT_IFNAME_LEN] = { 0 };

	memcpy(name, ifname, strnlen(ifname, sizeof(name) - 1));
	load_meta(t, key);
	compare(t, is, name, sizeof(name));
}

void nft_match_iif(struct nft_table *t, bool is, const char *ifname)
{
	match_ifname(t, NFT_META_IIFNAME, is, ifname);
}

void nft_match_oif(struct nft_table *t, bool is, const char *ifname)
{
	match_ifname(t, NFT_META_OIFNAME, is, ifname);
}

void nft_match_family(struct nft_table *t, uint8_t family)
{
	uint8_t proto = family == 4 ? NFPROTO_IPV4 : NFPROTO_IPV6;

	load_meta(t, NFT_META_NFPROTO);
	compare(t, true, &proto, sizeof(proto));
}

void nft_match_proto(struct nft_table *t, uint8_t proto)
{
	load_meta(t, NFT_META_L4PROTO);
	compare(t, true, &proto, sizeof(proto));
}

void nft_match_mark(struct nft_table *t, uint32_t mark)
{
	load_meta(t, NFT_META_MARK);
	compare(t, true, &mark, sizeof(mark));
}

void nft_match_ct_mark(struct nft_table *t, uint32_t mark)
{
	load_ct(t, NFT_CT_MARK);
	compare(t, true, &mark, sizeof(mark));
}

void nft_match_answers(struct nft_table *t)
{
	const uint32_t bits = NF_CT_STATE_BIT(IP_CT_ESTABLISHED) | NF_CT_STATE_BIT(IP_CT_RELATED), none = 0;

	load_ct(t, NFT_CT_STATE);
	mask(t, &bits, sizeof(bits));
	compare(t, false, &none, sizeof(none));
}

/* Where the addresses stand in the headers. */
static uint32_t addr_offset(uint8_t family, bool src)
{
	if (family == 4)
		return src ? 12 : 16;
	return src ? 8 : 24;
}

static void match_prefix(struct nft_table *t, bool src, const struct adit_prefix *p)
{
	uint32_t len = p->addr.family == 4 ? 4 : 16, i;
	struct adit_prefix masked = *p;
	uint8_t bits[16];

	nft_match_family(t, p->addr.family);
	if (!p->len)
		return;
	for (i = 0; i < len; i++)
		bits[i] = p->len >= 8 * (i + 1) ? 0xff :
			  p->len <= 8 * i       ? 0 :
						  (uint8_t)(0xff << (8 * (i + 1) - p->len));
	adit_prefix_mask(&masked);
	load_packet(t, REG, NFT_PAYLOAD_NETWORK_HEADER, addr_offset(p->addr.family, src), len);
	if (p->len < 8 * len)
		mask(t, bits, len);
	compare(t, true, masked.addr.bytes, len);
}

void nft_match_src(struct nft_table *t, const struct adit_prefix *p)
{
	match_prefix(t, true, p);
}

void nft_match_dst(struct nft_table *t, const struct adit_prefix *p)
{
	match_prefix(t, false, p);
}

static void match_port(struct nft_table *t, uint32_t offset, uint16_t port)
{
	uint16_t wire = htons(port);

	load_packet(t, REG, NFT_PAYLOAD_TRANSPORT_HEADER, offset, sizeof(wire));
	compare(t, true, &wire, sizeof(wire));
}

void nft_match_sport(struct nft_table *t, uint16_t port)
{
	match_port(t, 0, port);
}

void nft_match_dport(struct nft_table *t, uint16_t port)
{
	match_port(t, 2, port);
}

void nft_match_byte(struct nft_table *t, uint32_t base, uint32_t offset, uint8_t bits, uint8_t value)
{
	load_packet(t, REG, base, offset, 1);
	if (bits != 0xff)
		mask(t, &bits, 1);
	compare(t, true, &value, 1);
}

void nft_match_not_local_src(struct nft_table *t)
{
	const uint32_t local = RTN_LOCAL;
	struct nftnl_expr *e = add(t, "fib");

	if (!e)
		return;
	nftnl_expr_set_u32(e, NFTNL_EXPR_FIB_FLAGS, NFTA_FIB_F_SADDR);
	nftnl_expr_set_u32(e, NFTNL_EXPR_FIB_RESULT, NFT_FIB_RESULT_ADDRTYPE);
	nftnl_expr_set_u32(e, NFTNL_EXPR_FIB_DREG, REG);
	compare(t, false, &local, sizeof(local));
}

void nft_match_endpoints(struct nft_table *t, const struct adit_endpoint *endpoints, size_t cnt)
{
	uint8_t family = endpoints->addr.family;
	uint32_t len = family == 4 ? 4 : 16, id = nft_endpoint_set(t, endpoints, cnt);
	struct nftnl_expr *e;

	nft_match_family(t, family);
	load_packet(t, REG, NFT_PAYLOAD_NETWORK_HEADER, addr_offset(family, false), len);
	/* The place behind the address, by the name that the kernel gives it, too. */
	load_packet(t, family == 4 ? NFT_REG32_01 : NFT_REG_2, NFT_PAYLOAD_TRANSPORT_HEADER, 2, 2);
	e = add(t, "lookup");
	if (!e)
		return;
	nftnl_expr_set_u32(e, NFTNL_EXPR_LOOKUP_SREG, REG);
	nftnl_expr_set_str(e, NFTNL_EXPR_LOOKUP_SET, "__set%d");
	nftnl_expr_set_u32(e, NFTNL_EXPR_LOOKUP_SET_ID, id);
}

/* --- what it does ----------------------------------------------------------- */

void nft_set_mark(struct nft_table *t, uint32_t mark)
{
	struct nftnl_expr *e;

	put(t, REG, &mark, sizeof(mark));
	e = add(t, "meta");
	if (!e)
		return;
	nftnl_expr_set_u32(e, NFTNL_EXPR_META_KEY, NFT_META_MARK);
	nftnl_expr_set_u32(e, NFTNL_EXPR_META_SREG, REG);
}

void nft_save_mark(struct nft_table *t)
{
	struct nftnl_expr *e;

	load_meta(t, NFT_META_MARK);
	e = add(t, "ct");
	if (!e)
		return;
	nftnl_expr_set_u32(e, NFTNL_EXPR_CT_KEY, NFT_CT_MARK);
	nftnl_expr_set_u32(e, NFTNL_EXPR_CT_SREG, REG);
}

/* The route's maximum, both ways, into option 2; the kernel only ever lowers it. */
void nft_clamp_mss(struct nft_table *t)
{
	struct nftnl_expr *e = add(t, "rt");

	if (e) {
		nftnl_expr_set_u32(e, NFTNL_EXPR_RT_KEY, NFT_RT_TCPMSS);
		nftnl_expr_set_u32(e, NFTNL_EXPR_RT_DREG, REG);
	}
	e = add(t, "byteorder");
	if (e) {
		nftnl_expr_set_u32(e, NFTNL_EXPR_BYTEORDER_SREG, REG);
		nftnl_expr_set_u32(e, NFTNL_EXPR_BYTEORDER_DREG, REG);
		nftnl_expr_set_u32(e, NFTNL_EXPR_BYTEORDER_OP, NFT_BYTEORDER_HTON);
		nftnl_expr_set_u32(e, NFTNL_EXPR_BYTEORDER_LEN, 2);
		nftnl_expr_set_u32(e, NFTNL_EXPR_BYTEORDER_SIZE, 2);
	}
	e = add(t, "exthdr");
	if (e) {
		nftnl_expr_set_u32(e, NFTNL_EXPR_EXTHDR_SREG, REG);
		nftnl_expr_set_u8(e, NFTNL_EXPR_EXTHDR_TYPE, 2);
		nftnl_expr_set_u32(e, NFTNL_EXPR_EXTHDR_OFFSET, 2);
		nftnl_expr_set_u32(e, NFTNL_EXPR_EXTHDR_LEN, 2);
		nftnl_expr_set_u32(e, NFTNL_EXPR_EXTHDR_OP, NFT_EXTHDR_OP_TCPOPT);
	}
}

void nft_masquerade(struct nft_table *t, uint16_t low, uint16_t high)
{
	uint16_t from = htons(low), to = htons(high);
	struct nftnl_expr *e;

	if (low) {
		put(t, NFT_REG_1, &from, sizeof(from));
		put(t, NFT_REG_2, &to, sizeof(to));
	}
	e = add(t, "masq");
	if (!e || !low)
		return;
	nftnl_expr_set_u32(e, NFTNL_EXPR_MASQ_FLAGS, NF_NAT_RANGE_PROTO_SPECIFIED); /* or the ports mean nothing */
	nftnl_expr_set_u32(e, NFTNL_EXPR_MASQ_REG_PROTO_MIN, NFT_REG_1);
	nftnl_expr_set_u32(e, NFTNL_EXPR_MASQ_REG_PROTO_MAX, NFT_REG_2);
}

void nft_reject(struct nft_table *t, uint32_t type, uint8_t code)
{
	struct nftnl_expr *e = add(t, "reject");

	if (!e)
		return;
	nftnl_expr_set_u32(e, NFTNL_EXPR_REJECT_TYPE, type);
	nftnl_expr_set_u8(e, NFTNL_EXPR_REJECT_CODE, code);
}

void nft_verdict(struct nft_table *t, int verdict, const char *chain)
{
	struct nftnl_expr *e = add(t, "immediate");

	if (!e)
		return;
	nftnl_expr_set_u32(e, NFTNL_EXPR_IMM_DREG, NFT_REG_VERDICT);
	nftnl_expr_set_u32(e, NFTNL_EXPR_IMM_VERDICT, (uint32_t)verdict);
	if (chain)
		nftnl_expr_set_str(e, NFTNL_EXPR_IMM_CHAIN, chain);
}
