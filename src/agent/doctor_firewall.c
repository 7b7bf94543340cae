/* SPDX-License-Identifier: ISC */
/* doctor_firewall.c - chains of nftables, and of iptables on top of it, that drop what they do not name */
#include "agent/doctor.h"

#include <arpa/inet.h>
#include <errno.h>
#include <libmnl/libmnl.h>
#include <linux/netfilter.h>
#include <linux/netfilter/nf_tables.h>
#include <linux/netfilter/nfnetlink.h>
#include <string.h>

/* Where in a packet's way; the numbers are the kernel's. */
static const char *const hooks[] = { "prerouting", "input", "forward", "output", "postrouting" };

struct chains {
	unsigned dropping[5]; /* by hook */
	unsigned seen, ours;
	char names[5][160];
};

static bool is_ours(const char *table)
{
	return !strcmp(table, "adit") || !strncmp(table, "adit-", 5);
}

static const char *family_name(unsigned family)
{
	return family == NFPROTO_INET ? "inet" : family == NFPROTO_IPV4 ? "ip" : family == NFPROTO_IPV6 ? "ip6" : "other";
}

struct chain {
	const char *table, *name;
	int hook; /* -1: not a base chain */
	bool drops;
};

static int hook_attr(const struct nlattr *attr, void *user)
{
	struct chain *c = user;

	if (mnl_attr_get_type(attr) == NFTA_HOOK_HOOKNUM && mnl_attr_validate(attr, MNL_TYPE_U32) == 0)
		c->hook = (int)ntohl(mnl_attr_get_u32(attr));
	return MNL_CB_OK;
}

static int chain_attr(const struct nlattr *attr, void *user)
{
	struct chain *c = user;

	switch (mnl_attr_get_type(attr)) {
	case NFTA_CHAIN_TABLE:
		c->table = mnl_attr_get_str(attr);
		break;
	case NFTA_CHAIN_NAME:
		c->name = mnl_attr_get_str(attr);
		break;
	case NFTA_CHAIN_HOOK:
		mnl_attr_parse_nested(attr, hook_attr, c);
		break;
	case NFTA_CHAIN_POLICY:
		c->drops = ntohl(mnl_attr_get_u32(attr)) == NF_DROP;
		break;
	}
	return MNL_CB_OK;
}

static int see_chain(const struct nlmsghdr *msg, void *user)
{
	const struct nfgenmsg *nfg = mnl_nlmsg_get_payload(msg);
	struct chain c = { "", "", -1, false };
	struct chains *all = user;
	char *names;

	mnl_attr_parse(msg, sizeof(*nfg), chain_attr, &c);
	all->seen++;
	if (is_ours(c.table)) {
		all->ours++;
		return MNL_CB_OK;
	}
	if (!c.drops || c.hook < 0 || c.hook > 4 || nfg->nfgen_family == NFPROTO_NETDEV ||
	    nfg->nfgen_family == NFPROTO_BRIDGE || nfg->nfgen_family == NFPROTO_ARP)
		return MNL_CB_OK;
	names = all->names[c.hook];
	snprintf(names + strlen(names), sizeof(all->names[0]) - strlen(names), "%s%s %s %s", *names ? ", " : "",
		 family_name(nfg->nfgen_family), c.table, c.name);
	all->dropping[c.hook]++;
	return MNL_CB_OK;
}

static int exchange(struct mnl_socket *nl, struct chains *ret)
{
	char buf[16384] __attribute__((aligned(8)));
	struct nlmsghdr *msg = mnl_nlmsg_put_header(buf);
	struct nfgenmsg *nfg;
	unsigned port = mnl_socket_get_portid(nl);
	ssize_t n;
	int r = MNL_CB_OK;

	msg->nlmsg_type = NFNL_SUBSYS_NFTABLES << 8 | NFT_MSG_GETCHAIN;
	msg->nlmsg_flags = NLM_F_REQUEST | NLM_F_DUMP;
	msg->nlmsg_seq = 1;
	nfg = mnl_nlmsg_put_extra_header(msg, sizeof(*nfg));
	nfg->nfgen_family = NFPROTO_UNSPEC;
	nfg->version = NFNETLINK_V0;
	if (mnl_socket_sendto(nl, msg, msg->nlmsg_len) < 0)
		return -errno;
	while (r > MNL_CB_STOP) {
		n = mnl_socket_recvfrom(nl, buf, sizeof(buf));
		if (n < 0)
			return -errno;
		r = mnl_cb_run(buf, (size_t)n, 1, port, see_chain, ret);
		if (r < 0)
			return -errno;
	}
	return 0;
}

static int list_chains(struct chains *ret)
{
	struct mnl_socket *nl = mnl_socket_open(NETLINK_NETFILTER);
	int r;

	if (!nl)
		return -errno;
	r = mnl_socket_bind(nl, 0, MNL_SOCKET_AUTOPID) < 0 ? -errno : exchange(nl, ret);
	mnl_socket_close(nl);
	return r;
}

/* What iptables-legacy has is in another place, and cannot be seen from here. */
static void look_at_legacy(struct agent_doctor *d)
{
	static const char *const files[] = { "/proc/net/ip_tables_names", "/proc/net/ip6_tables_names" };
	char name[32];
	size_t i;
	FILE *f;

	for (i = 0; i < 2; i++) {
		f = fopen(files[i], "re");
		if (f && fgets(name, sizeof(name), f)) {
			name[strcspn(name, "\n")] = '\0';
			agent_doctor_bad(d, AGENT_DOCTOR_WARNING, "iptables-legacy -S; ip6tables-legacy -S",
					 "old iptables are in use (table %s), which are not looked into here", name);
			fclose(f);
			return;
		}
		if (f)
			fclose(f);
	}
}

static bool any(const struct agent_doctor *d, bool (*wanted)(const struct agent_doctor_network *n))
{
	size_t i;

	for (i = 0; i < d->network_cnt; i++)
		if (wanted(&d->network[i]))
			return true;
	return false;
}

static bool forwards(const struct agent_doctor_network *n)
{
	return n->gateway;
}

static bool listens(const struct agent_doctor_network *n)
{
	return n->listens;
}

void agent_doctor_firewall(struct agent_doctor *d)
{
	static const char *const fix[] = {
		"", "let UDP to the networks' listen_port in", "let the gateway's interface through",
		"let UDP to the peers' endpoints out", "",
	};
	struct chains all = { 0 };
	unsigned hook, said = 0;
	int r = list_chains(&all);

	if (r == -EPERM)
		agent_doctor_bad(d, AGENT_DOCTOR_WARNING, "run adit doctor as root", "the firewall may not be looked at");
	else if (r)
		agent_doctor_bad(d, AGENT_DOCTOR_WARNING, "modprobe nf_tables: killswitch and gateways need it",
				 "nftables cannot be asked: %s", strerror(-r));
	if (r)
		return;
	for (hook = 0; hook < 5; hook++) {
		if (!all.dropping[hook] || (hook == NF_INET_LOCAL_IN && d->network_cnt && !any(d, listens)) ||
		    (hook == NF_INET_FORWARD && !any(d, forwards)))
			continue;
		agent_doctor_bad(d, AGENT_DOCTOR_WARNING, fix[hook], "what no rule allows is dropped at %s (%s)", hooks[hook],
				 all.names[hook]);
		said++;
	}
	look_at_legacy(d);
	if (!said)
		agent_doctor_ok(d, "no chain of others drops what a tunnel needs; %u chain%s, %u of ours", all.seen,
				all.seen == 1 ? "" : "s", all.ours);
}
