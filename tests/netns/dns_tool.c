/* SPDX-License-Identifier: ISC */
/*
 * dns_tool.c - one step of DNS at a time, as the keeper takes it
 *
 *   dns_tool backend
 *   dns_tool set|unset|intact IFNAME TEXT
 *   dns_tool leftovers [IFNAME ...]     all but these
 *
 * Prints the function's answer ("1", "0", "-ESTALE") and its sentence.
 */
#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "host/dns.h"

static char **kept;

static bool keep(void *user, const char *ifname)
{
	char **name;

	(void)user;
	for (name = kept; *name; name++)
		if (!strcmp(*name, ifname))
			return true;
	return false;
}

static int print(int r, const char *err)
{
	printf("%s%s %s\n", r < 0 ? "-" : "", r < 0 ? strerrorname_np(-r) : r ? "1" : "0", err);
	return r < 0;
}

int main(int argc, char **argv)
{
	struct adit_step step = { .kind = ADIT_STEP_DNS };
	char err[256] = "";

	if (argc == 2 && !strcmp(argv[1], "backend")) {
		printf("%s %s\n", adit_dns_backend(), adit_dns_backend_why());
		return 0;
	}
	if (argc >= 2 && !strcmp(argv[1], "leftovers")) {
		kept = argv + 2;
		return print(adit_dns_leftovers(keep, NULL, err, sizeof(err)), err);
	}
	if (argc != 4)
		return 2;
	snprintf(step.ifname, sizeof(step.ifname), "%s", argv[2]);
	step.text = argv[3];
	if (!strcmp(argv[1], "set"))
		return print(adit_dns_set(&step, err, sizeof(err)), err);
	if (!strcmp(argv[1], "unset"))
		return print(adit_dns_unset(&step, err, sizeof(err)), err);
	return print(adit_dns_intact(&step, err, sizeof(err)), err);
}
