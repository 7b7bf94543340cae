/* SPDX-License-Identifier: ISC */
/* shield.c - when a data thread puts its sockets' shield up */
#include "tunnel/shield.h"

#include "pktio/udp_shield.h"
#include "tunnel/tunnel_internal.h"

#define LOOK_DOWN (50 * ADIT_MSEC) /* how often it is looked at */
#define LOOK_UP	  (500 * ADIT_MSEC)
#define FLOOD	  20000 /* strangers' datagrams a second */
#define CALM	  10000

/* What is dropped before any peer has been found to be its sender. */
static const enum adit_drop strange[] = {
	ADIT_DROP_short,	   ADIT_DROP_bad_type,	   ADIT_DROP_bad_length,   ADIT_DROP_unknown_index,
	ADIT_DROP_unknown_source,  ADIT_DROP_unknown_limited, ADIT_DROP_rate_limited, ADIT_DROP_unknown_peer,
	ADIT_DROP_bad_handshake,
};

struct view {
	uint64_t strangers;
	struct adit_path known[ADIT_SHIELD_KNOWN];
	unsigned known_cnt; /* more than there is room for: no shield */
};

static void look(struct adit_data *d, struct view *v, adit_time now)
{
	const struct adit_engine *e = &d->tunnel->engine;
	uint64_t drops[ADIT_DROP_CNT] = { 0 };

	adit_hold_data(&d->tunnel->engine.hold);
	e->core->drops(e->state, drops, now);
	v->known_cnt = e->core->known(e->state, v->known, ADIT_SHIELD_KNOWN);
	adit_hold_release(&d->tunnel->engine.hold);
	v->strangers = 0;
	for (unsigned i = 0; i < sizeof(strange) / sizeof(strange[0]); i++)
		v->strangers += drops[strange[i]];
}

static void lower(struct adit_data *d)
{
	adit_udp_unshield(&d->udp);
	d->shield.up = false;
}

static void judge(struct adit_data *d, const struct view *v, uint64_t a_second)
{
	struct adit_shield *s = &d->shield;

	if (s->up && (a_second * ADIT_SHIELD_PASS < CALM || v->known_cnt > ADIT_SHIELD_KNOWN)) {
		lower(d);
	} else if (s->up || (a_second >= FLOOD && v->known_cnt <= ADIT_SHIELD_KNOWN)) {
		s->up = adit_udp_shield(&d->udp, v->known, v->known_cnt) == 0; /* peers may have moved */
		if (!s->up)
			lower(d);
	}
}

static void count_refused(struct adit_data *d)
{
	uint32_t refused = adit_udp_refused(&d->udp), more = refused - d->shield.refused;

	/* sockets that were opened anew begin with 0 */
	if (d->shield.up && more && more < UINT32_MAX / 2)
		adit_worker_drop(&d->worker, ADIT_DROP_flood_refused, more);
	d->shield.refused = refused;
}

void adit_shield_turn(struct adit_data *d, adit_time now)
{
	struct adit_shield *s = &d->shield;
	adit_time passed = now - s->checked;
	struct view v;

	if (!d->tunnel->engine.core->known || passed < (s->up ? LOOK_UP : LOOK_DOWN))
		return;
	look(d, &v, now);
	count_refused(d);
	judge(d, &v, (v.strangers - s->strangers) * ADIT_SEC / (uint64_t)passed);
	s->checked = now;
	s->strangers = v.strangers;
}

adit_time adit_shield_due(const struct adit_data *d)
{
	return d->shield.up ? d->shield.checked + LOOK_UP : ADIT_NEVER;
}
