/* SPDX-License-Identifier: ISC */
/*
 * options.c - the command line of `adit forward`
 *
 * DOC: one row of a table for each option, with the function that reads its
 * value and the variable that stands for it when it is not given. Variables
 * are looked at only where no configuration file is named: then the network is
 * described by onetun's options.
 */
#include "forward/options.h"

#include <errno.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/exit.h"
#include "base/quicktext.h"
#include "crypto/crypto.h"
#include "forward/file.h"
#include "forward/spec.h"

#define ARGUMENT "argument"

struct option;

struct adit_forward_options {
	int cnt;
	char **arg;
	bool *secret; /* arg[i] is in secret memory */
	char cwd[PATH_MAX]; /* as it was at first; "" = unknown */
	char file[ADIT_FORWARD_PATH_LEN];

	/* while reading */
	struct adit_forward_reader *rd;
	const struct option *opt;
	struct adit_forward_origin at;
	uint64_t seen; /* bit per row of the option table */
	struct adit_forward_peer peer;
	bool own_network; /* described by options, not by a file */
	bool version, silent;
	long udp_timeout, udp_unreplied, udp_pool, udp_per_client; /* -1 = not given */
};

/* Of whom: only onetun's may stand for a network. */
enum whose { OURS, NETWORK };

struct option {
	const char *name;
	char letter;
	bool flag; /* takes no value */
	bool repeats;
	bool secret; /* the whole value, or what stands before an @ */
	enum whose whose;
	const char *variable;
	void (*read)(struct adit_forward_options *o, const char *value);
};

#define option_error(o, ...)   adit_forward_error((o)->rd, &(o)->at, (o)->opt->name, __VA_ARGS__)
#define option_warning(o, ...) adit_forward_warning((o)->rd, &(o)->at, (o)->opt->name, __VA_ARGS__)

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

	if (adit_forward_number(v, 256, &n) && (n == 16 || n == 64 || n == 256))
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

static const struct option options[] = {
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
#define OPTION_CNT (sizeof(options) / sizeof(options[0]))

static const struct option positional = { "PORT_FORWARD", .repeats = true };

/* --- the arguments, kept ------------------------------------------------------- */

static const struct option *find_long(const char *arg, const char **value)
{
	size_t len = strcspn(arg, "=");

	for (size_t i = 0; i < OPTION_CNT; i++) {
		if (strlen(options[i].name) == len && !strncmp(options[i].name, arg, len)) {
			*value = arg[len] ? arg + len + 1 : NULL;
			return &options[i];
		}
	}
	return NULL;
}

/* How many bytes of an option's value nobody shall see. */
static size_t secret_len(const struct option *opt, const char *value)
{
	const char *at;

	if (!opt || !opt->secret)
		return 0;
	if (opt->whose == NETWORK)
		return strlen(value);
	at = strrchr(value, '@');
	return at ? (size_t)(at - value) : 0;
}

static char *keep(const char *text, bool secret)
{
	char *copy = secret ? adit_secret_alloc(strlen(text) + 1) : malloc(strlen(text) + 1);

	return copy ? strcpy(copy, text) : NULL;
}

int adit_forward_options_new(struct adit_forward_options **ret, int argc, char **argv)
{
	struct adit_forward_options *o = calloc(1, sizeof(*o));
	const struct option *before = NULL;
	bool failed;

	if (!o)
		return -ENOMEM;
	if (!getcwd(o->cwd, sizeof(o->cwd)))
		o->cwd[0] = '\0';
	o->arg = calloc((size_t)argc + 1, sizeof(*o->arg));
	o->secret = calloc((size_t)argc + 1, sizeof(*o->secret));
	failed = !o->arg || !o->secret;
	for (int i = 1; i < argc && !failed; i++) {
		const char *value = NULL;
		const struct option *opt = before ? NULL : find_long(argv[i], &value);
		size_t hidden;

		if (before)
			value = argv[i];
		hidden = value ? secret_len(before ? before : opt, value) : 0;
		o->secret[o->cnt] = hidden > 0 && strlen(argv[i]) < 1024; /* no secret of ours is longer */
		o->arg[o->cnt] = keep(argv[i], o->secret[o->cnt]);
		failed = !o->arg[o->cnt];
		o->cnt += !failed;
		memset(argv[i] + (value ? value - argv[i] : 0), 'x', hidden);
		before = opt && !opt->flag && !value ? opt : NULL;
	}
	if (failed) {
		adit_forward_options_free(o);
		return -ENOMEM;
	}
	*ret = o;
	return 0;
}

void adit_forward_options_free(struct adit_forward_options *o)
{
	if (!o)
		return;
	for (int i = 0; i < o->cnt; i++) {
		if (o->secret[i])
			adit_secret_free(o->arg[i], strlen(o->arg[i]) + 1);
		else
			free(o->arg[i]);
	}
	adit_wipe(&o->peer, sizeof(o->peer));
	free(o->arg);
	free(o->secret);
	free(o);
}

const char *adit_forward_options_file(const struct adit_forward_options *o)
{
	return o->file;
}

bool adit_forward_options_version(const struct adit_forward_options *o)
{
	return o->version;
}

/* --- reading ------------------------------------------------------------------- */

static struct adit_forward_origin argument(int i, size_t col)
{
	return (struct adit_forward_origin){ ARGUMENT, (unsigned)i + 1, (unsigned)col + 1 };
}

static void apply(struct adit_forward_options *o, const struct option *opt, const char *value)
{
	uint64_t bit = UINT64_C(1) << (opt - options);

	o->opt = opt;
	if (!opt->repeats && o->seen & bit && !opt->flag)
		option_error(o, "stands twice (remove one)");
	else if (opt->flag && value)
		option_error(o, "takes no value");
	else
		opt->read(o, value);
	o->seen |= bit;
	o->own_network |= opt->whose == NETWORK;
}

/* Returns whether what follows is its value: then it is no forward. */
static bool unknown(struct adit_forward_options *o, const char *arg)
{
	struct slice s = { arg, strcspn(arg, "=") };
	const struct option *best = NULL;
	unsigned least = 5;

	for (size_t i = 0; i < OPTION_CNT && s.len < 30; i++) {
		unsigned d = quick_distance(s, options[i].name);

		if (d < least && d * 3 <= strlen(options[i].name)) {
			least = d;
			best = &options[i];
		}
	}
	if (best)
		adit_forward_error(o->rd, &o->at, NULL, "unknown option %.*s (did you mean %s?)", (int)s.len, s.p,
				   best->name);
	else
		adit_forward_error(o->rd, &o->at, NULL, "unknown option %.*s (adit forward --help lists them)",
				   (int)(s.len > 40 ? 40 : s.len), s.p);
	return best && !best->flag && !arg[s.len];
}

/* The value that follows, or NULL after an error. */
static const char *next_value(struct adit_forward_options *o, const struct option *opt, int *i)
{
	if (*i + 1 < o->cnt) {
		o->at = argument(++*i, 0);
		return o->arg[*i];
	}
	adit_forward_error(o->rd, &o->at, opt->name, "its value is missing");
	return NULL;
}

/* -sd, -c FILE, -cFILE, -c=FILE */
static void read_letters(struct adit_forward_options *o, int *i)
{
	const char *arg = o->arg[*i], *p;

	for (p = arg + 1; *p; p++) {
		const struct option *opt = NULL;
		const char *value = NULL;

		for (size_t k = 0; k < OPTION_CNT && !opt; k++)
			if (options[k].letter == *p)
				opt = &options[k];
		o->at = argument(*i, (size_t)(p - arg));
		if (!opt) {
			adit_forward_error(o->rd, &o->at, NULL, "unknown option -%c (adit forward --help lists them)", *p);
			return;
		}
		if (opt->flag) {
			apply(o, opt, NULL);
			continue;
		}
		if (p[1]) {
			value = p + 1 + (p[1] == '=');
			o->at = argument(*i, (size_t)(value - arg));
		} else {
			value = next_value(o, opt, i);
		}
		if (value)
			apply(o, opt, value);
		return;
	}
}

static void read_long(struct adit_forward_options *o, int *i)
{
	const char *arg = o->arg[*i], *value;
	const struct option *opt = find_long(arg, &value);

	o->at = argument(*i, 0);
	if (!opt) {
		*i += unknown(o, arg);
		return;
	}
	if (value)
		o->at = argument(*i, (size_t)(value - arg));
	else if (!opt->flag)
		value = next_value(o, opt, i);
	if (value || opt->flag)
		apply(o, opt, value);
}

static void read_positional(struct adit_forward_options *o, int i)
{
	o->at = argument(i, 0);
	o->opt = &positional;
	adit_forward_spec(o->rd, &o->at, positional.name, o->arg[i], false);
}

static void read_arguments(struct adit_forward_options *o)
{
	bool ended = false;

	for (int i = 0; i < o->cnt; i++) {
		const char *arg = o->arg[i];

		if (!ended && !strcmp(arg, "--"))
			ended = true;
		else if (!ended && arg[0] == '-' && arg[1] == '-')
			read_long(o, &i);
		else if (!ended && arg[0] == '-' && arg[1])
			read_letters(o, &i);
		else
			read_positional(o, i);
	}
}

/* --- variables ------------------------------------------------------------------- */

static const char *variable(struct adit_forward_options *o, const char *name)
{
	return o->rd->env ? o->rd->env(o->rd->user, name) : NULL;
}

/* PREFIX1, PREFIX2 ... until one is not set. */
static void read_numbered(struct adit_forward_options *o, const char *prefix, bool remote)
{
	char name[64];
	const char *v;

	for (unsigned n = 1; n <= ADIT_FORWARD_SERVICES_MAX; n++) {
		snprintf(name, sizeof(name), "%s%u", prefix, n);
		v = variable(o, name);
		if (!v)
			return;
		o->at = (struct adit_forward_origin){ name, 1, 1 };
		adit_forward_spec(o->rd, &o->at, remote ? "--remote" : positional.name, v, remote);
	}
}

static void read_variables(struct adit_forward_options *o)
{
	for (size_t i = 0; i < OPTION_CNT; i++) {
		const struct option *opt = &options[i];
		const char *v = opt->variable ? variable(o, opt->variable) : NULL;

		if (!v || o->seen >> i & 1)
			continue;
		/* Of the two that bring the key, an argument wins. */
		if ((opt->read == read_private_key || opt->read == read_private_key_file) &&
		    o->rd->cfg->has_private_key)
			continue;
		o->at = (struct adit_forward_origin){ opt->variable, 1, 1 };
		apply(o, opt, v);
	}
	read_numbered(o, "ONETUN_PORT_FORWARD_", false);
	read_numbered(o, "ONETUN_REMOTE_PORT_FORWARD_", true);
}

/* --- the whole -------------------------------------------------------------------- */

/* Where wireproxy looks for its file. */
static bool find_default(struct adit_forward_options *o)
{
	const char *home = variable(o, "HOME");

	snprintf(o->file, sizeof(o->file), "/etc/wireproxy/wireproxy.conf");
	if (!access(o->file, F_OK))
		return true;
	o->file[0] = '\0';
	if (!home)
		return false;
	snprintf(o->file, sizeof(o->file), "%.3000s/.config/wireproxy.conf", home);
	if (!access(o->file, F_OK))
		return true;
	o->file[0] = '\0';
	return false;
}

static void refuse_network_options(struct adit_forward_options *o)
{
	struct adit_forward_origin at = { ARGUMENT, 1, 1 };

	for (size_t i = 0; i < OPTION_CNT; i++)
		if (o->seen >> i & 1 && options[i].whose == NETWORK)
			adit_forward_error(o->rd, &at, options[i].name,
					   "belongs to a network without a file (write it into the file of -c)");
}

static void add_network(struct adit_forward_options *o)
{
	static const char *const wanted[] = { "--endpoint-public-key", "--endpoint-addr" };
	struct adit_forward_origin at = { ARGUMENT, 1, 1 };
	const struct adit_addr *bind = &o->rd->cfg->bind_addr;
	struct adit_forward_peer *peer;
	struct adit_addr a;

	for (size_t i = 0; i < OPTION_CNT; i++)
		for (size_t k = 0; k < 2; k++)
			if (!strcmp(options[i].name, wanted[k]) && !(o->seen >> i & 1))
				adit_forward_error(o->rd, &at, NULL, "%s is missing (or %s)", wanted[k],
						   options[i].variable);
	if (!adit_addr_parse(&a, o->peer.endpoint_host) && bind->family && bind->family != a.family)
		adit_forward_error(o->rd, &at, "--endpoint-bind-addr", "of another family than --endpoint-addr");
	peer = adit_forward_add_peer(o->rd);
	if (peer)
		*peer = o->peer;
}

/* What the command line says of UDP holds for all services. */
static void apply_udp(struct adit_forward_options *o)
{
	for (size_t i = 0; i < o->rd->cfg->service_cnt; i++) {
		struct relay_service_config *s = &o->rd->cfg->service[i];

		if (o->udp_timeout >= 0)
			s->udp_timeout = (unsigned)o->udp_timeout;
		if (o->udp_unreplied >= 0)
			s->udp_unreplied = (unsigned)o->udp_unreplied;
		if (o->udp_pool >= 0)
			s->udp_pool = (unsigned)o->udp_pool;
		if (o->udp_per_client >= 0)
			s->udp_per_client = (unsigned)o->udp_per_client;
	}
}

static int read_network(struct adit_forward_options *o)
{
	int r = 0;

	if (o->file[0]) {
		refuse_network_options(o);
		r = adit_forward_read_file(o->rd, o->file);
		return r == -EACCES || r == -EPERM ? ADIT_EXIT_DENIED : 0;
	}
	read_variables(o);
	if (o->own_network)
		add_network(o);
	else if (find_default(o))
		r = adit_forward_read_file(o->rd, o->file);
	else
		return ADIT_EXIT_USAGE;
	return r == -EACCES || r == -EPERM ? ADIT_EXIT_DENIED : 0;
}

static void begin(struct adit_forward_options *o, struct adit_forward_reader *rd)
{
	o->rd = rd;
	o->seen = 0;
	o->own_network = o->version = o->silent = false;
	o->file[0] = '\0';
	o->udp_timeout = o->udp_unreplied = o->udp_pool = o->udp_per_client = -1;
	memset(&o->peer, 0, sizeof(o->peer));
}

int adit_forward_options_read(struct adit_forward_options *o, struct adit_forward_reader *rd)
{
	struct adit_forward_config *cfg = rd->cfg;
	struct adit_forward_origin top = { ARGUMENT, 1, 1 };
	int status;

	begin(o, rd);
	read_arguments(o);
	if (o->version && !rd->errors)
		return 0;
	if (rd->errors)
		return ADIT_EXIT_USAGE;
	status = read_network(o);
	if (status == ADIT_EXIT_USAGE)
		adit_forward_error(rd, &top, NULL, "which network? (-c FILE, or --endpoint-addr and its like; "
				   "adit forward --help has examples)");
	if (!rd->errors) {
		adit_forward_config_check(rd, o->file[0] ? o->file : ARGUMENT);
		if (!cfg->service_cnt && !cfg->info.port)
			adit_forward_error(rd, &top, NULL, "nothing to forward (like 127.0.0.1:8080:10.0.0.2:80, "
					   "or --socks5 127.0.0.1:1080)");
	}
	apply_udp(o);
	if (o->silent)
		cfg->log_level = ADIT_FORWARD_LOG_OFF;
	adit_wipe(&o->peer, sizeof(o->peer));
	if (rd->no_memory)
		return ADIT_EXIT_FAILED;
	if (!rd->errors)
		return 0;
	return status ? status : o->file[0] ? ADIT_EXIT_CONFIG : ADIT_EXIT_USAGE;
}
