/* SPDX-License-Identifier: ISC */
/* show.c - `adit show [IFACE] [--json] [--rate]` */
#include "device/show.h"

#include <errno.h>
#include <net/if.h>
#include <stdio.h>
#include <string.h>

#include "base/exit.h"
#include "device/device.h"
#include "device/uapi_client.h"
#include "device/uapi_socket.h"

struct show {
	const struct adit_show_printer *printer;
	const char *ifname; /* NULL: all */
	bool rates;
	bool names; /* names only: for shell completion */
	unsigned shown;
	int result;
};

static bool not_there(int r)
{
	return r == -ENOENT || r == -ECONNREFUSED;
}

/* Says what is wrong and what to do; returns the exit status. */
static int complain(const char *ifname, int r)
{
	if (not_there(r) && if_nametoindex(ifname))
		fprintf(stderr, "adit show: no user-space WireGuard device answers for %s; if the kernel drives this "
			"interface, use `wg show %s`\n", ifname, ifname);
	else if (not_there(r))
		fprintf(stderr, "adit show: no device named %s runs; `adit device %s` starts one\n", ifname, ifname);
	else if (r == -EACCES || r == -EPERM)
		fprintf(stderr, "adit show: not allowed to ask %s: run as root\n", ifname);
	else
		fprintf(stderr, "adit show: %s: %s\n", ifname, strerror(-r));
	if (not_there(r))
		return ADIT_EXIT_NOT_CONNECTED;
	return r == -EACCES || r == -EPERM ? ADIT_EXIT_DENIED : ADIT_EXIT_FAILED;
}

static int show_one(void *user, const char *ifname)
{
	struct show *s = user;
	int r;

	if (s->names) {
		if (adit_uapi_alive(ifname))
			printf("%s\n", ifname);
		return 0;
	}
	r = adit_show_device(ifname, s->printer, s->rates, s->shown == 0);
	if (!r)
		s->shown++;
	else if (s->ifname || !not_there(r)) /* a stale socket among all is no news */
		s->result = complain(ifname, r);
	return 0;
}

static int usage(const char *what, const char *arg)
{
	fprintf(stderr, "adit show: %s%s\nUsage: adit show [IFACE] [--json] [--rate] (adit show --help says more)\n",
		what, arg);
	return ADIT_EXIT_USAGE;
}

static int read_arguments(struct show *s, int argc, char **argv)
{
	const char *problem;
	int i;

	for (i = 1; i < argc; i++) {
		if (!strcmp(argv[i], "--json"))
			s->printer = &adit_show_json;
		else if (!strcmp(argv[i], "--rate"))
			s->rates = true;
		else if (!strcmp(argv[i], "--names"))
			s->names = true;
		else if (argv[i][0] == '-')
			return usage("unknown option ", argv[i]);
		else if (s->ifname)
			return usage("one interface, or none for all; too much: ", argv[i]);
		else
			s->ifname = argv[i];
	}
	problem = s->ifname ? adit_ifname_problem(s->ifname) : NULL;
	return problem ? usage(problem, "") : 0;
}

int adit_show_main(int argc, char **argv)
{
	struct show s = { .printer = &adit_show_text };
	int r = read_arguments(&s, argc, argv);

	if (r)
		return r;
	if (!s.names)
		s.printer->begin();
	if (s.ifname)
		show_one(&s, s.ifname);
	else
		r = adit_uapi_each(show_one, &s);
	if (!s.names)
		s.printer->end();
	if (r)
		s.result = complain(ADIT_UAPI_DIR, r);
	if (fflush(stdout) || ferror(stdout))
		return ADIT_EXIT_FAILED;
	return s.result;
}
