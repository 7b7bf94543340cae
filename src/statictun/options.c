/* SPDX-License-Identifier: ISC */
/* options.c - the arguments of `adit static`, and which network of a file they mean */
#include "statictun/options.h"

#include <stdio.h>
#include <string.h>

#include "base/exit.h"
#include "statictun/counts.h"

static int usage(const char *text, const char *what)
{
	fprintf(stderr, "adit static: %s%s\nUsage: adit static -c FILE [IFACE] | status [IFACE] (adit static --help says more)\n",
		text, what);
	return ADIT_EXIT_USAGE;
}

/* "-c FILE", "-cFILE", "--config FILE", "--config=FILE": 1 when it was this one, -1 when its value is missing. */
static int value_of(const char *brief, const char *name, int argc, char **argv, int *i, const char **ret)
{
	const char *arg = argv[*i];
	size_t len = strlen(name);

	if (brief && !strncmp(arg, brief, 2) && arg[2]) {
		*ret = arg + 2;
		return 1;
	}
	if (!strncmp(arg, name, len) && arg[len] == '=') {
		*ret = arg + len + 1;
		return 1;
	}
	if (strcmp(arg, name) && (!brief || strcmp(arg, brief)))
		return 0;
	if (*i + 1 == argc)
		return -1;
	*ret = argv[++*i];
	return 1;
}

static int read_argument(struct statictun_options *o, int argc, char **argv, int *i)
{
	const char *arg = argv[*i];
	int r = value_of("-c", "--config", argc, argv, i, &o->config);

	if (!r)
		r = value_of(NULL, "--network", argc, argv, i, &o->network);
	if (!r)
		r = value_of(NULL, "--state-dir", argc, argv, i, &o->state_dir);
	if (r)
		return r < 0 ? usage("a value is missing after ", arg) : 0;
	if (!strcmp(arg, "--json"))
		o->json = true;
	else if (!strcmp(arg, "--check"))
		o->check = true;
	else if (arg[0] == '-')
		return usage("unknown option ", arg);
	else if (o->ifname)
		return usage("one interface only: too much is ", arg);
	else if (!adit_ifname_valid(arg))
		return usage("not a name for an interface: ", arg);
	else
		o->ifname = arg;
	return 0;
}

int statictun_options_read(struct statictun_options *o, int argc, char **argv)
{
	int i, r = 0;

	*o = (struct statictun_options){ .state_dir = STATICTUN_STATE_DIR };
	i = argc > 1 && !strcmp(argv[1], "status") ? 2 : 1;
	o->status = i == 2;
	for (; !r && i < argc; i++)
		r = read_argument(o, argc, argv, &i);
	if (r)
		return r;
	if (o->status && (o->config || o->network || o->check))
		return usage("status knows an interface and --json only", "");
	if (!o->status && !o->config)
		return usage("which configuration? (-c FILE)", "");
	if (o->json && !o->status)
		return usage("--json is for status", "");
	return 0;
}

/* --- which network --------------------------------------------------------------- */

static bool is_meant(const struct statictun_options *o, const struct statictun_network *net)
{
	if (o->network)
		return !strcmp(net->name, o->network);
	return !o->ifname || !strcmp(net->ifname, o->ifname);
}

/* The one that has no interface yet, if there is only one. */
static struct statictun_network *nameless(struct statictun_network *networks)
{
	struct statictun_network *found = NULL, *net;

	for (net = networks; net; net = net->next) {
		if (net->ifname[0])
			continue;
		if (found)
			return NULL;
		found = net;
	}
	return found;
}

static void say_which(const struct statictun_options *o, const struct statictun_network *networks, const char *text)
{
	const struct statictun_network *net;

	fprintf(stderr, "adit static: %s: %s; it has", o->config, text);
	for (net = networks; net; net = net->next)
		fprintf(stderr, "%s %s%s%s", net == networks ? "" : ",", net->name[0] ? net->name : "one network",
			net->ifname[0] ? " on " : "", net->ifname);
	fprintf(stderr, "\n");
}

struct statictun_network *statictun_options_choose(const struct statictun_options *o,
						    struct statictun_network *networks)
{
	struct statictun_network *found = NULL, *net;

	for (net = networks; net; net = net->next) {
		if (!is_meant(o, net))
			continue;
		if (found) {
			say_which(o, networks, "which of its networks? (IFACE or --network NAME)");
			return NULL;
		}
		found = net;
	}
	if (!found && o->ifname && !o->network)
		found = nameless(networks);
	if (found && !found->ifname[0] && o->ifname)
		strcpy(found->ifname, o->ifname);
	if (!found)
		say_which(o, networks, o->network ? "no static network of that name" : "no static network on that interface");
	else if (o->ifname && strcmp(found->ifname, o->ifname))
		say_which(o, networks, "that network is on another interface");
	else
		return found;
	return NULL;
}
