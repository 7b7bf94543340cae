/* SPDX-License-Identifier: ISC */
/* settings_same.c - do two descriptions make the same network? (places and order of files do not matter) */
#include <string.h>

#include "agent/settings.h"
#include "forward/config.h"
#include "statictun/settings.h"

static bool same_text(const char *a, const char *b)
{
	return a && b ? !strcmp(a, b) : a == b;
}

static bool same_secret(const uint8_t *a, const uint8_t *b)
{
	return a && b ? adit_equal(a, b, ADIT_KEY_LEN) : a == b;
}

static bool same_prefixes(const struct adit_prefix *a, size_t a_cnt, const struct adit_prefix *b, size_t b_cnt)
{
	if (a_cnt != b_cnt)
		return false;
	for (size_t i = 0; i < a_cnt; i++)
		if (!adit_prefix_equal(&a[i], &b[i]))
			return false;
	return true;
}

static bool same_addrs(const struct adit_addr *a, size_t a_cnt, const struct adit_addr *b, size_t b_cnt)
{
	if (a_cnt != b_cnt)
		return false;
	for (size_t i = 0; i < a_cnt; i++)
		if (!adit_addr_equal(&a[i], &b[i]))
			return false;
	return true;
}

static bool same_texts(char *const *a, size_t a_cnt, char *const *b, size_t b_cnt)
{
	if (a_cnt != b_cnt)
		return false;
	for (size_t i = 0; i < a_cnt; i++)
		if (strcmp(a[i], b[i]) != 0)
			return false;
	return true;
}

/* --- wireguard ---------------------------------------------------------------------------- */

bool agent_peer_same(const struct agent_peer *a, const struct agent_peer *b)
{
	if (!same_text(a->name, b->name) || memcmp(a->public_key, b->public_key, ADIT_KEY_LEN) != 0 ||
	    !same_secret(a->psk, b->psk) || !same_text(a->psk_path, b->psk_path) ||
	    a->endpoint_cnt != b->endpoint_cnt || a->keepalive != b->keepalive ||
	    a->expect_rx_secs != b->expect_rx_secs)
		return false;
	for (size_t i = 0; i < a->endpoint_cnt; i++)
		if (a->endpoints[i].port != b->endpoints[i].port ||
		    strcmp(a->endpoints[i].host, b->endpoints[i].host) != 0)
			return false;
	return same_prefixes(a->allowed, a->allowed_cnt, b->allowed, b->allowed_cnt);
}

static bool same_peers(const struct agent_network_settings *a, const struct agent_network_settings *b)
{
	if (a->peer_cnt != b->peer_cnt)
		return false;
	for (size_t i = 0; i < a->peer_cnt; i++)
		if (!agent_peer_same(&a->peers[i], &b->peers[i]))
			return false;
	return true;
}

static bool same_tunnel(const struct agent_network_settings *a, const struct agent_network_settings *b)
{
	return !strcmp(a->ifname, b->ifname) && same_secret(a->private_key, b->private_key) &&
	       same_text(a->private_key_path, b->private_key_path) &&
	       same_prefixes(a->addresses, a->address_cnt, b->addresses, b->address_cnt) && a->mtu == b->mtu &&
	       a->listen_port == b->listen_port && a->fwmark == b->fwmark &&
	       adit_addr_equal(&a->bind_address, &b->bind_address) && !strcmp(a->bind_interface, b->bind_interface) &&
	       same_peers(a, b);
}

static bool same_machine(const struct agent_network_settings *a, const struct agent_network_settings *b)
{
	return a->table == b->table && a->table_number == b->table_number && a->metric == b->metric &&
	       same_addrs(a->dns, a->dns_cnt, b->dns, b->dns_cnt) &&
	       same_texts(a->dns_domains, a->dns_domain_cnt, b->dns_domains, b->dns_domain_cnt) &&
	       a->dns_default_route == b->dns_default_route &&
	       same_prefixes(a->exclude, a->exclude_cnt, b->exclude, b->exclude_cnt) &&
	       a->killswitch == b->killswitch && a->killswitch_dns == b->killswitch_dns && a->lan == b->lan &&
	       a->forward == b->forward && a->masquerade == b->masquerade && a->mss_clamp == b->mss_clamp &&
	       same_texts(a->hooks, a->hook_cnt, b->hooks, b->hook_cnt);
}

/*
 * A key that stands in a file is put in its place when the network is started,
 * so it says nothing here: the name of the file was compared.
 */

/* --- forward -------------------------------------------------------------------------------- */

static bool same_forward_peer(const struct adit_forward_peer *a, const struct adit_forward_peer *b, bool psk_in_file)
{
	bool psk = psk_in_file || (a->has_psk == b->has_psk && adit_equal(a->psk, b->psk, ADIT_KEY_LEN));

	return psk && !memcmp(a->public_key, b->public_key, ADIT_KEY_LEN) && a->keepalive == b->keepalive &&
	       !strcmp(a->endpoint_host, b->endpoint_host) && a->endpoint_port == b->endpoint_port &&
	       same_prefixes(a->allowed, a->allowed_cnt, b->allowed, b->allowed_cnt);
}

static bool same_forward_lists(const struct agent_network_settings *n, const struct adit_forward_config *a,
			       const struct adit_forward_config *b)
{
	if (a->peer_cnt != b->peer_cnt || a->service_cnt != b->service_cnt || a->dns_cnt != b->dns_cnt)
		return false;
	for (size_t i = 0; i < a->peer_cnt; i++)
		if (!same_forward_peer(&a->peer[i], &b->peer[i], i < n->peer_cnt && n->peers[i].psk_path))
			return false;
	for (size_t i = 0; i < a->service_cnt; i++)
		if (!relay_service_equal(&a->service[i], &b->service[i]))
			return false;
	for (size_t i = 0; i < a->dns_cnt; i++)
		if (!adit_endpoint_equal(&a->dns[i], &b->dns[i]))
			return false;
	return same_addrs(a->address, a->address_cnt, b->address, b->address_cnt) &&
	       same_addrs(a->alive, a->alive_cnt, b->alive, b->alive_cnt);
}

static bool same_forward(const struct agent_network_settings *n, const struct adit_forward_config *a,
			 const struct adit_forward_config *b)
{
	if (!a || !b)
		return a == b;
	return (n->private_key_path || adit_equal(a->private_key, b->private_key, ADIT_KEY_LEN)) && !strcmp(a->search, b->search) &&
	       a->family == b->family && a->mtu == b->mtu && a->listen_port == b->listen_port &&
	       adit_addr_equal(&a->bind_addr, &b->bind_addr) && a->fwmark == b->fwmark &&
	       a->alive_interval == b->alive_interval && a->backend == b->backend &&
	       a->memory_mib == b->memory_mib && same_forward_lists(n, a, b);
}

/* --- static ---------------------------------------------------------------------------------- */

static bool same_fixed(const struct agent_network_settings *n, const struct statictun_network *a,
		       const struct statictun_network *b)
{
	if (!a || !b)
		return a == b;
	if (a->wire != b->wire || a->port != b->port || !adit_addr_equal(&a->bind, &b->bind) ||
	    (!n->private_key_path && !adit_equal(a->secret, b->secret, ADIT_KEY_LEN)) || a->roaming != b->roaming ||
	    a->peer_timeout != b->peer_timeout || a->peer_cnt != b->peer_cnt)
		return false;
	for (size_t i = 0; i < a->peer_cnt; i++) {
		const struct statictun_peer *x = &a->peers[i], *y = &b->peers[i];

		if (!same_prefixes(&x->prefix, 1, &y->prefix, 1) ||
		    memcmp(x->public_key, y->public_key, ADIT_KEY_LEN) != 0 || !adit_path_equal(&x->endpoint, &y->endpoint))
			return false;
	}
	return true;
}

bool agent_network_same(const struct agent_network_settings *a, const struct agent_network_settings *b)
{
	return !strcmp(a->name, b->name) && a->type == b->type && a->enable == b->enable && same_tunnel(a, b) &&
	       same_machine(a, b) && same_forward(a, a->fwd, b->fwd) && same_fixed(a, a->fixed, b->fixed);
}
