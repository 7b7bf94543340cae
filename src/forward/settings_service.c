/* SPDX-License-Identifier: ISC */
/* settings_service.c - keys of the sections that make a forward or a proxy */
#include "forward/settings_internal.h"

#include "forward/spec.h"

static void read_bind(struct settings_reading *r, const struct setting_value *v)
{
	char text[300];

	if (!setting_text(r, v, text, sizeof(text)) ||
	    !adit_forward_spec_listen(r->rd, &v->at, r->key->name, text, &r->service.listen, r->service.listen_path,
				      sizeof(r->service.listen_path)))
		return;
	if (r->section == UDP_PROXY && r->service.listen_path[0])
		setting_error(r, v, "a Unix socket carries TCP only");
}

static void read_inside_port(struct settings_reading *r, const struct setting_value *v)
{
	uint32_t n;

	if (setting_number(r, v, 65535, &n))
		r->service.listen.port = (uint16_t)n;
}

static void read_target(struct settings_reading *r, const struct setting_value *v)
{
	char text[300];

	if (setting_text(r, v, text, sizeof(text)))
		adit_forward_spec_target(r->rd, &v->at, r->key->name, text, r->section == TCP_SERVER,
					 &r->service.target);
}

static void read_timeout(struct settings_reading *r, const struct setting_value *v)
{
	uint32_t n;

	if (setting_number(r, v, 86400 * 7, &n))
		r->service.udp_timeout = n;
}

static void read_unreplied(struct settings_reading *r, const struct setting_value *v)
{
	uint32_t n;

	if (setting_number(r, v, 86400 * 7, &n))
		r->service.udp_unreplied = n;
}

static void read_pool(struct settings_reading *r, const struct setting_value *v)
{
	uint32_t n;

	if (!setting_number(r, v, 64511, &n))
		return;
	if (!n)
		setting_error(r, v, "a pool has at least one port");
	else
		r->service.udp_pool = n;
}

static void read_per_client(struct settings_reading *r, const struct setting_value *v)
{
	uint32_t n;

	if (!setting_number(r, v, 64511, &n))
		return;
	if (!n)
		setting_error(r, v, "a client needs at least one port");
	else
		r->service.udp_per_client = n;
}

static void read_username(struct settings_reading *r, const struct setting_value *v)
{
	setting_text(r, v, r->service.username, sizeof(r->service.username));
}

static void read_password(struct settings_reading *r, const struct setting_value *v)
{
	setting_text(r, v, r->service.password, sizeof(r->service.password));
}

static void read_cert(struct settings_reading *r, const struct setting_value *v)
{
	setting_text(r, v, r->service.cert_file, sizeof(r->service.cert_file));
}

static void read_cert_key(struct settings_reading *r, const struct setting_value *v)
{
	setting_text(r, v, r->service.key_file, sizeof(r->service.key_file));
}

/* To pass this over would send into the tunnel what was meant to stay out. */
static void read_domains(struct settings_reading *r, const struct setting_value *v)
{
	setting_error(r, v, "choosing by name what goes through the tunnel is not supported (everything does)");
}

const struct setting settings_service[] = {
	{ "ListenPort", TCP_SERVER | UDP_SERVER, 0, read_inside_port },
	{ "BindAddress", LISTENS, 0, read_bind },
	{ "Target", TARGETS, 0, read_target },
	{ "InactivityTimeout", DATAGRAM, 0, read_timeout },
	{ "UnrepliedTimeout", DATAGRAM, 0, read_unreplied },
	{ "PortPool", UDP_PROXY, 0, read_pool },
	{ "PortsPerClient", UDP_PROXY, 0, read_per_client },
	{ "Username", PASSWORD, 0, read_username },
	{ "Password", PASSWORD, 0, read_password },
	{ "CertFile", HTTP | MIXED, 0, read_cert },
	{ "KeyFile", HTTP | MIXED, 0, read_cert_key },
	{ "TunnelDomains", SOCKS5 | HTTP | SNI, LIST, read_domains },
	{ "LogDomains", SOCKS5 | HTTP | SNI, 0, setting_nothing },
	{ .name = NULL },
};
