/* SPDX-License-Identifier: ISC */
/* control.c - the agent's sockets for those who ask, and their life */
#include "agent/control.h"

#include <errno.h>
#include <stdlib.h>

struct agent_control {
	struct agent *agent;
};

int agent_control_init(struct agent *a)
{
	a->control = calloc(1, sizeof(*a->control));
	if (!a->control)
		return -ENOMEM;
	a->control->agent = a;
	return 0;
}

void agent_control_fini(struct agent *a)
{
	free(a->control);
	a->control = NULL;
}

adit_time agent_control_due(const struct agent *a)
{
	(void)a;
	return ADIT_NEVER;
}

void agent_control_tick(struct agent *a, adit_time now)
{
	(void)a;
	(void)now;
}

bool agent_control_idle(const struct agent *a)
{
	(void)a;
	return true;
}
