/* SPDX-License-Identifier: ISC */
/* helper_tuns.c - the TUN devices that are the helper's */
#include "agent/helper_tuns.h"

#include <errno.h>
#include <net/if.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static bool is_there(const struct helper_tun *t)
{
	return if_nametoindex(t->name) == t->index;
}

bool helper_tuns_has(const struct helper_tuns *set, const char *name)
{
	for (size_t i = 0; i < set->cnt; i++)
		if (!strcmp(set->item[i].name, name))
			return is_there(&set->item[i]);
	return false;
}

static void drop_gone(struct helper_tuns *set)
{
	size_t cnt = 0;

	for (size_t i = 0; i < set->cnt; i++)
		if (is_there(&set->item[i]))
			set->item[cnt++] = set->item[i];
	set->cnt = cnt;
}

int helper_tuns_add(struct helper_tuns *set, const char *name)
{
	unsigned index = if_nametoindex(name);
	struct helper_tun *item;

	if (!index)
		return -ENODEV;
	drop_gone(set);
	if (helper_tuns_has(set, name))
		return 0;
	item = realloc(set->item, (set->cnt + 1) * sizeof(*item));
	if (!item)
		return -ENOMEM;
	set->item = item;
	item += set->cnt++;
	item->index = index;
	snprintf(item->name, sizeof(item->name), "%s", name);
	return 0;
}

void helper_tuns_free(struct helper_tuns *set)
{
	free(set->item);
	*set = (struct helper_tuns){ 0 };
}
