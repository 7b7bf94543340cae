/* SPDX-License-Identifier: ISC */
/* drop.c - the table of drop reasons as text */
#include "base/drop.h"

#include <assert.h>

struct reason {
	const char *name, *direction, *text;
};

static const struct reason reasons[ADIT_DROP_CNT] = {
	[ADIT_DROP_NONE] = { "none", "", "not dropped" },
#define REASON(name, direction, text) [ADIT_DROP_##name] = { #name, #direction, text },
	ADIT_DROPS(REASON)
#undef REASON
};

static const struct reason *reason(enum adit_drop drop)
{
	assert(drop < ADIT_DROP_CNT);
	return &reasons[drop];
}

const char *adit_drop_name(enum adit_drop drop)
{
	return reason(drop)->name;
}

const char *adit_drop_direction(enum adit_drop drop)
{
	return reason(drop)->direction;
}

const char *adit_drop_text(enum adit_drop drop)
{
	return reason(drop)->text;
}
