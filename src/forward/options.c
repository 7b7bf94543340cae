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
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/exit.h"
#include "base/quicktext.h"
#include "crypto/crypto.h"
#include "forward/file.h"
#include "forward/options_internal.h"
#include "forward/spec.h"

static const struct forward_option positional = { "PORT_FORWARD", .repeats = true };

/* --- the arguments, kept ------------------------------------------------------- */

static const struct forward_option *find_long(const char *arg, const char **value)
{
	size_t len = strcspn(arg, "=");

	for (size_t i = 0; i < forward_option_cnt; i++) {
		if (strlen(forward_options[i].name) == len && !strncmp(forward_options[i].name, arg, len)) {
			*value = arg[len] ? arg + len + 1 : NULL;
			return &forward_options[i];
		}
	}
	return NULL;
}

/* How many bytes of an option's value nobody shall see. */
static size_t secret_len(const struct forward_option *opt, const char *value)
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
	const struct forward_option *before = NULL;
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
		const struct forward_option *opt = before ? NULL : find_long(argv[i], &value);
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

static void apply(struct adit_forward_options *o, const struct forward_option *opt, const char *value)
{
	uint64_t bit = UINT64_C(1) << (opt - forward_options);

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
	const struct forward_option *best = NULL;
	unsigned least = 5;

	for (size_t i = 0; i < forward_option_cnt && s.len < 30; i++) {
		unsigned d = quick_distance(s, forward_options[i].name);

		if (d < least && d * 3 <= strlen(forward_options[i].name)) {
			least = d;
			best = &forward_options[i];
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
static const char *next_value(struct adit_forward_options *o, const struct forward_option *opt, int *i)
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
		const struct forward_option *opt = NULL;
		const char *value = NULL;

		for (size_t k = 0; k < forward_option_cnt && !opt; k++)
			if (forward_options[k].letter == *p)
				opt = &forward_options[k];
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
	const struct forward_option *opt = find_long(arg, &value);

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
	for (size_t i = 0; i < forward_option_cnt; i++) {
		const struct forward_option *opt = &forward_options[i];
		const char *v = opt->variable ? variable(o, opt->variable) : NULL;

		if (!v || o->seen >> i & 1)
			continue;
		/* Of the two that bring the key, an argument wins. */
		if (forward_option_is_key(opt) && o->rd->cfg->has_private_key)
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

	for (size_t i = 0; i < forward_option_cnt; i++)
		if (o->seen >> i & 1 && forward_options[i].whose == NETWORK)
			adit_forward_error(o->rd, &at, forward_options[i].name,
					   "belongs to a network without a file (write it into the file of -c)");
}

static void add_network(struct adit_forward_options *o)
{
	static const char *const wanted[] = { "--endpoint-public-key", "--endpoint-addr" };
	struct adit_forward_origin at = { ARGUMENT, 1, 1 };
	const struct adit_addr *bind = &o->rd->cfg->bind_addr;
	struct adit_forward_peer *peer;
	struct adit_addr a;

	for (size_t i = 0; i < forward_option_cnt; i++)
		for (size_t k = 0; k < 2; k++)
			if (!strcmp(forward_options[i].name, wanted[k]) && !(o->seen >> i & 1))
				adit_forward_error(o->rd, &at, NULL, "%s is missing (or %s)", wanted[k],
						   forward_options[i].variable);
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

/* Pings and captures are our own stack's. */
static void check_backend(struct adit_forward_options *o)
{
	const struct adit_forward_origin at = { ARGUMENT, 1, 1 };
	const struct adit_forward_config *cfg = o->rd->cfg;

	if (cfg->backend == ADIT_FORWARD_KERNEL && (cfg->alive_cnt || cfg->pcap[0]))
		adit_forward_error(o->rd, &at, "--backend", "the kernel's has no %s (leave one of the two out)",
				   cfg->alive_cnt ? "CheckAlive" : "--pcap");
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
		check_backend(o);
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
