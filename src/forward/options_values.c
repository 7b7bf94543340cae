/* SPDX-License-Identifier: ISC */
/* options_values.c - the options of `adit forward`, and what each does with its value */
#include "forward/options_internal.h"

#include <stdio.h>
#include <string.h>

#include "base/quicktext.h"
#include "crypto/crypto.h"
#include "forward/file.h"
#include "forward/spec.h"

/* --- values of onetun's ------------------------------------------------------ */

static bool read_key(struct adit_forward_options *o, const char *v, uint8_t ret[ADIT_FORWARD_KEY_LEN])
{
	struct slice s = quick_trim((struct slice){ v, strlen(v) });

	if (quick_key(ret, s))
		return true;
	option_error(o, "not a key (44 characters of base64; adit genkey and adit pubkey print them)");
	return false;
}

static bool from_argument(const struct adit_forward_options *o)
{
	return !strcmp(o->at.name, ARGUMENT);
}

static void read_private_key(struct adit_forward_options *o, const char *v)
{
	if (from_argument(o))
		option_warning(o, "others may have seen the key in the list of processes "
			       "(use --private-key-file, or ONETUN_PRIVATE_KEY)");
	if (read_key(o, v, o->rd->cfg->private_key))
		o->rd->cfg->has_private_key = true;
}

/* The background's folder is another. */
static void read_absolute(struct adit_forward_options *o, const char *v, char ret[ADIT_FORWARD_PATH_LEN])
{
	int n;

	if (v[0] == '/' || !o->cwd[0])
		n = snprintf(ret, ADIT_FORWARD_PATH_LEN, "%s", v);
	else
		n = snprintf(ret, ADIT_FORWARD_PATH_LEN, "%s/%s", o->cwd, v);
	if (!v[0] || n < 0 || n >= ADIT_FORWARD_PATH_LEN) {
		option_error(o, "the path is %s", v[0] ? "too long" : "empty");
		ret[0] = '\0';
	}
}

static void read_private_key_file(struct adit_forward_options *o, const char *v)
{
	struct adit_forward_config *cfg = o->rd->cfg;

	if (cfg->has_private_key && from_argument(o)) {
		option_error(o, "there is a private key already (give one of the two)");
		return;
	}
	read_absolute(o, v, cfg->key_file);
	if (cfg->key_file[0] &&
	    adit_forward_read_key_file(o->rd, &o->at, o->opt->name, cfg->key_file, cfg->private_key))
		cfg->has_private_key = true;
}

static void read_psk(struct adit_forward_options *o, const char *v)
{
	if (from_argument(o))
		option_warning(o, "others may have seen the key in the list of processes "
			       "(use ONETUN_PRESHARED_KEY)");
	o->peer.has_psk = read_key(o, v, o->peer.psk);
}

static void read_public_key(struct adit_forward_options *o, const char *v)
{
	o->peer.has_public_key = read_key(o, v, o->peer.public_key);
}

static void read_endpoint(struct adit_forward_options *o, const char *v)
{
	struct relay_target t;

	if (!adit_forward_spec_target(o->rd, &o->at, o->opt->name, v, false, &t))
		return;
	memcpy(o->peer.endpoint_host, t.host, sizeof(o->peer.endpoint_host));
	o->peer.endpoint_port = t.port;
}

static void read_bind(struct adit_forward_options *o, const char *v)
{
	struct adit_endpoint e;

	if (!adit_forward_spec_listen(o->rd, &o->at, o->opt->name, v, &e, NULL, 0))
		return;
	o->rd->cfg->listen_port = e.port;
	if (e.addr.family && !adit_is_zero(e.addr.bytes, sizeof(e.addr.bytes)))
		o->rd->cfg->bind_addr = e.addr;
}

/* onetun takes one address, we take a list: one of each family. */
static void read_source(struct adit_forward_options *o, const char *v)
{
	struct adit_forward_config *cfg = o->rd->cfg;
	struct slice list = { v, strlen(v) }, s;
	char text[ADIT_PREFIX_STRLEN];
	struct adit_prefix p;

	while (quick_next_item(&list, &s)) {
		if (!quick_copy(s, text, sizeof(text)) || adit_prefix_parse(&p, text))
			option_error(o, "\"%.60s\" is not an IP address", v);
		else if (cfg->address_cnt == ADIT_FORWARD_ADDRESSES)
			option_error(o, "more than %u addresses", ADIT_FORWARD_ADDRESSES);
		else
			cfg->address[cfg->address_cnt++] = p.addr;
	}
}

static bool number(struct adit_forward_options *o, const char *v, unsigned long min, unsigned long max,
		   unsigned long *ret)
{
	if (adit_forward_number(v, max, ret) && *ret >= min)
		return true;
	option_error(o, "\"%.40s\" is not a number from %lu to %lu", v, min, max);
	return false;
}

static void read_keepalive(struct adit_forward_options *o, const char *v)
{
	unsigned long n;

	if (number(o, v, 0, 65535, &n))
		o->peer.keepalive = (uint16_t)n;
}

static void read_mtu(struct adit_forward_options *o, const char *v)
{
	unsigned long n;

	if (number(o, v, 576, 65535, &n))
		o->rd->cfg->mtu = (unsigned)n;
}

static void read_log(struct adit_forward_options *o, const char *v)
{
	if (adit_forward_log_level_parse(&o->rd->cfg->log_level, v))
		option_error(o, "\"%.60s\" is not a log level (off, error, warn, info, debug)", v);
}

static void read_path(struct adit_forward_options *o, const char *v, char *ret, size_t size)
{
	if (!v[0] || strlen(v) >= size)
		option_error(o, "the path is %s", v[0] ? "too long" : "empty");
	else
		snprintf(ret, size, "%s", v);
}

static void read_pcap(struct adit_forward_options *o, const char *v)
{
	read_path(o, v, o->rd->cfg->pcap, sizeof(o->rd->cfg->pcap));
}

static void read_remote(struct adit_forward_options *o, const char *v)
{
	adit_forward_spec(o->rd, &o->at, o->opt->name, v, true);
}

/* --- values of wireproxy's and ours ------------------------------------------- */

static void read_config(struct adit_forward_options *o, const char *v)
{
	read_absolute(o, v, o->file);
}

static void set_silent(struct adit_forward_options *o, const char *v)
{
	(void)v;
	o->silent = o->rd->quiet = true;
}

static void set_daemon(struct adit_forward_options *o, const char *v)
{
	(void)v;
	o->rd->cfg->daemon = true;
}

static void set_test(struct adit_forward_options *o, const char *v)
{
	(void)v;
	o->rd->cfg->test = true;
}

static void set_version(struct adit_forward_options *o, const char *v)
{
	(void)v;
	o->version = true;
}

static void set_no_sandbox(struct adit_forward_options *o, const char *v)
{
	(void)v;
	o->rd->cfg->no_sandbox = true;
}

static void read_info(struct adit_forward_options *o, const char *v)
{
	struct adit_forward_config *cfg = o->rd->cfg;

	if (!adit_forward_spec_listen(o->rd, &o->at, o->opt->name, v, &cfg->info, NULL, 0))
		return;
	if (!cfg->info.port)
		option_error(o, "a port from 1 to 65535 is wanted");
	snprintf(cfg->info_host, sizeof(cfg->info_host), "%s", v);
}

static void read_control(struct adit_forward_options *o, const char *v)
{
	read_path(o, v, o->rd->cfg->control, sizeof(o->rd->cfg->control));
}

static void read_socks5(struct adit_forward_options *o, const char *v)
{
	adit_forward_spec_proxy(o->rd, &o->at, o->opt->name, v, RELAY_SOCKS5);
}

static void read_http(struct adit_forward_options *o, const char *v)
{
	adit_forward_spec_proxy(o->rd, &o->at, o->opt->name, v, RELAY_HTTP);
}

static void read_mixed(struct adit_forward_options *o, const char *v)
{
	adit_forward_spec_proxy(o->rd, &o->at, o->opt->name, v, RELAY_MIXED);
}

static void read_sni(struct adit_forward_options *o, const char *v)
{
	adit_forward_spec_proxy(o->rd, &o->at, o->opt->name, v, RELAY_SNI);
}

static void read_stdio(struct adit_forward_options *o, const char *v)
{
	struct relay_service_config c;

	relay_service_defaults(&c, RELAY_STDIO);
	if (adit_forward_spec_target(o->rd, &o->at, o->opt->name, v, false, &c.target))
		adit_forward_add_service(o->rd, &o->at, &c);
}

static void read_udp_timeout(struct adit_forward_options *o, const char *v)
{
	unsigned long n;

	if (number(o, v, 0, 86400 * 7, &n))
		o->udp_timeout = (long)n;
}

static void read_udp_unreplied(struct adit_forward_options *o, const char *v)
{
	unsigned long n;

	if (number(o, v, 0, 86400 * 7, &n))
		o->udp_unreplied = (long)n;
}

static void read_udp_pool(struct adit_forward_options *o, const char *v)
{
	unsigned long n;

	if (number(o, v, 1, 64511, &n))
		o->udp_pool = (long)n;
}

static void read_udp_per_client(struct adit_forward_options *o, const char *v)
{
	unsigned long n;

	if (number(o, v, 1, 64511, &n))
		o->udp_per_client = (long)n;
}

static void read_memory(struct adit_forward_options *o, const char *v)
{
	unsigned long n;

	if (adit_forward_number(v, 256, &n) && adit_forward_is_memory_profile(n))
		o->rd->cfg->memory_mib = (unsigned)n;
	else
		option_error(o, "\"%.20s\" is not a memory profile (16, 64 or 256 MiB)", v);
}

static void read_backend(struct adit_forward_options *o, const char *v)
{
	if (!strcmp(v, "stack"))
		o->rd->cfg->backend = ADIT_FORWARD_STACK;
	else if (!strcmp(v, "kernel"))
		o->rd->cfg->backend = ADIT_FORWARD_KERNEL;
	else
		option_error(o, "\"%.40s\" is not a backend (stack, kernel)", v);
}

/* --- the table ----------------------------------------------------------------- */

const struct forward_option forward_options[] = {
	{ "--config", 'c', .read = read_config },
	{ "--remote", 'r', .repeats = true, .read = read_remote },
	{ "--socks5", .repeats = true, .secret = true, .read = read_socks5 },
	{ "--http", .repeats = true, .secret = true, .read = read_http },
	{ "--mixed", .repeats = true, .secret = true, .read = read_mixed },
	{ "--sni", .repeats = true, .read = read_sni },
	{ "--stdio", .read = read_stdio },
	{ "--udp-timeout", .read = read_udp_timeout },
	{ "--udp-unreplied", .read = read_udp_unreplied },
	{ "--udp-pool", .read = read_udp_pool },
	{ "--udp-per-client", .read = read_udp_per_client },
	{ "--memory", .read = read_memory },
	{ "--info", 'i', .read = read_info },
	{ "--control", .read = read_control },
	{ "--backend", .read = read_backend },
	{ "--no-sandbox", .flag = true, .read = set_no_sandbox },
	{ "--daemon", 'd', .flag = true, .read = set_daemon },
	{ "--silent", 's', .flag = true, .read = set_silent },
	{ "--configtest", 'n', .flag = true, .read = set_test },
	{ "--version", 'v', .flag = true, .read = set_version },
	{ "--private-key", .secret = true, .whose = NETWORK, .variable = "ONETUN_PRIVATE_KEY", .read = read_private_key },
	{ "--private-key-file", .whose = NETWORK, .variable = "ONETUN_PRIVATE_KEY_FILE", .read = read_private_key_file },
	{ "--endpoint-public-key", .whose = NETWORK, .variable = "ONETUN_ENDPOINT_PUBLIC_KEY", .read = read_public_key },
	{ "--preshared-key", .secret = true, .whose = NETWORK, .variable = "ONETUN_PRESHARED_KEY", .read = read_psk },
	{ "--endpoint-addr", .whose = NETWORK, .variable = "ONETUN_ENDPOINT_ADDR", .read = read_endpoint },
	{ "--endpoint-bind-addr", .whose = NETWORK, .variable = "ONETUN_ENDPOINT_BIND_ADDR", .read = read_bind },
	{ "--source-peer-ip", .whose = NETWORK, .variable = "ONETUN_SOURCE_PEER_IP", .read = read_source },
	{ "--keep-alive", .whose = NETWORK, .variable = "ONETUN_KEEP_ALIVE", .read = read_keepalive },
	{ "--max-transmission-unit", .variable = "ONETUN_MTU", .read = read_mtu },
	{ "--log", .variable = "ONETUN_LOG", .read = read_log },
	{ "--pcap", .variable = "ONETUN_PCAP", .read = read_pcap },
};
const size_t forward_option_cnt = sizeof(forward_options) / sizeof(forward_options[0]);
_Static_assert(sizeof(forward_options) / sizeof(forward_options[0]) <= FORWARD_OPTIONS_MAX, "a bit each");

bool forward_option_is_key(const struct forward_option *opt)
{
	return opt->read == read_private_key || opt->read == read_private_key_file;
}
