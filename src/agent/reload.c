/* SPDX-License-Identifier: ISC */
/*
 * reload.c - a new configuration for an agent that runs
 *
 * DOC: by difference, and back
 *
 * Every network is one of: same (not touched), changed (by difference, or closed and
 * opened where that does not go), added, removed. Removed ones go last, so that a
 * reload that fails has not ended them; but first where what they lead is wanted by
 * others. What was done is kept in a list; when a step fails, it is taken back in
 * reverse order, and the old configuration is in force as before. Where two networks
 * exchange addresses, one of them is closed for a moment: a route has one link.
 */
#include <errno.h>
#include <stddef.h>
#include <stdlib.h>
#include <string.h>

#include "agent/agent.h"
#include "agent/control.h"
#include "agent/overlap.h"
#include "host/process.h"
#include "tunnel/tunnel.h"

enum act { SAME, CHANGE, ADD, REMOVE };

struct step {
	enum act act;
	const struct agent_network_settings *old, *new; /* NULL: it was not, it shall not be */
	struct agent_network *n;   /* NULL: not yet, or no more */
	bool done;
	bool ran, wanted;          /* before */
	bool opened_anew;          /* closed, and opened with the new settings */
	bool gave_way;             /* closed until another has what it led */
};

struct reload {
	struct agent *a;
	struct agent_config *new;
	struct step *step;
	size_t cnt;
};

/* --- what there is to do ------------------------------------------------------------------- */

static bool names_key_files(const struct agent_network_settings *s)
{
	if (s->private_key_path)
		return true;
	for (size_t i = 0; i < s->peer_cnt; i++)
		if (s->peers[i].psk_path)
			return true;
	return false;
}

/* Other keys may stand in the same files. */
static enum act judge(const struct agent_network_settings *old, const struct agent_network_settings *new)
{
	if (!old)
		return ADD;
	if (!new)
		return REMOVE;
	if (old->type != new->type || !agent_network_same(old, new) || old->enable != new->enable)
		return CHANGE;
	return old->type == AGENT_WIREGUARD && names_key_files(new) ? CHANGE : SAME;
}

static void add_step(struct reload *r, const struct agent_network_settings *old,
		     const struct agent_network_settings *new)
{
	struct step *s = &r->step[r->cnt++];

	*s = (struct step){ .act = judge(old, new), .old = old, .new = new };
	if (old)
		s->n = agent_find(r->a, old->name);
	s->ran = s->n && s->n->impl;
	s->wanted = s->n && s->n->wanted;
}

static int compare(struct reload *r)
{
	const struct agent_network_settings *s;
	size_t most = 1;

	for (s = r->new->networks; s; s = s->next)
		most++;
	for (s = r->a->config->networks; s; s = s->next)
		most++;
	r->step = calloc(most, sizeof(*r->step));
	if (!r->step)
		return -ENOMEM;
	for (s = r->new->networks; s; s = s->next)
		add_step(r, agent_config_find(r->a->config, s->name), s);
	for (s = r->a->config->networks; s; s = s->next)
		if (!agent_config_find(r->new, s->name))
			add_step(r, s, NULL);
	return 0;
}

/* --- saying it -------------------------------------------------------------------------------- */

static const struct agent_peer *find_peer(const struct agent_network_settings *s, const uint8_t key[ADIT_KEY_LEN])
{
	for (size_t i = 0; i < s->peer_cnt; i++)
		if (!memcmp(s->peers[i].public_key, key, ADIT_KEY_LEN))
			return &s->peers[i];
	return NULL;
}

static void print_peers(FILE *out, const struct agent_network_settings *old, const struct agent_network_settings *new)
{
	char key[ADIT_KEY_BASE64_LEN + 1];

	for (size_t i = 0; i < new->peer_cnt; i++) {
		const struct agent_peer *was = find_peer(old, new->peers[i].public_key);

		adit_key_to_base64(key, new->peers[i].public_key);
		if (!was)
			fprintf(out, "  peer %s %s: added\n", key, new->peers[i].name);
		else if (!agent_peer_same(was, &new->peers[i]))
			fprintf(out, "  peer %s %s: changed\n", key, new->peers[i].name);
	}
	for (size_t i = 0; i < old->peer_cnt; i++) {
		if (find_peer(new, old->peers[i].public_key))
			continue;
		adit_key_to_base64(key, old->peers[i].public_key);
		fprintf(out, "  peer %s %s: removed\n", key, old->peers[i].name);
	}
}

static bool only_keys(const struct step *s)
{
	return s->act == CHANGE && s->old->type == s->new->type && agent_network_same(s->old, s->new) &&
	       s->old->enable == s->new->enable;
}

static void print_step(FILE *out, const struct step *s)
{
	static const char *const words[] = { [SAME] = "unchanged", [CHANGE] = "changed", [ADD] = "added",
					     [REMOVE] = "removed" };
	fprintf(out, "network %s: %s\n", s->new ? s->new->name : s->old->name,
		only_keys(s) ? "unchanged, its key files are read again" : words[s->act]);
	if (s->act == CHANGE && s->old->type == AGENT_WIREGUARD && s->new->type == AGENT_WIREGUARD)
		print_peers(out, s->old, s->new);
}

static void print_steps(const struct reload *r, FILE *out)
{
	for (size_t i = 0; i < r->cnt; i++)
		print_step(out, &r->step[i]);
}

/* --- the agent's own keys ---------------------------------------------------------------------- */

#define KEY(name) { #name, offsetof(struct agent_config, name), sizeof(((struct agent_config *)0)->name) }

/* Those of the start, when there were rights to make sockets and to become another user. */
static const struct {
	const char *name;
	size_t at, size;
} fixed[] = {
	KEY(control_socket), KEY(status_socket), KEY(http_socket), KEY(state_dir), KEY(user), KEY(operators), KEY(observers),
};

#undef KEY

#define FIXED_CNT (sizeof(fixed) / sizeof(fixed[0]))

/* Does the file say what is not in force? */
static bool waits(const struct reload *r, size_t i)
{
	if (r->a->state_dir_given && !strcmp(fixed[i].name, "state_dir"))
		return false;
	return strcmp((const char *)r->new + fixed[i].at, (const char *)r->a->config + fixed[i].at) != 0;
}

static void print_own(const struct reload *r, FILE *out)
{
	const struct agent_config *old = r->a->config, *new = r->new;

	if (old->log_level != new->log_level)
		fputs("agent: log_level: changed\n", out);
	if (!adit_endpoint_equal(&old->metrics, &new->metrics))
		fputs("agent: metrics: changed\n", out);
	if (old->page != new->page)
		fputs("agent: page: changed\n", out);
	for (size_t i = 0; i < FIXED_CNT; i++)
		if (waits(r, i))
			fprintf(out, "agent: %s: needs a restart\n", fixed[i].name);
}

/* --- doing it ---------------------------------------------------------------------------------- */

static void rename_error(const struct step *s, char *err, size_t err_len)
{
	char why[300];

	snprintf(why, sizeof(why), "%.290s", err);
	snprintf(err, err_len, "network %s: %s", s->new ? s->new->name : s->old->name, why);
}

/* Nothing leaves in between where both have a killswitch. */
static bool blocks_on(const struct step *s)
{
	return s->old->type == s->new->type && s->old->killswitch && s->new->killswitch;
}

/* Closes it and opens it with other settings; on failure it is as before, or tried again. */
static int open_anew(struct step *s, const struct agent_network_settings *to,
		     const struct agent_network_settings *back, char *err, size_t err_len)
{
	struct agent *a = s->n->agent;
	bool keep = blocks_on(s);
	char ignored[256];
	int r;

	agent_network_shut(s->n, keep);
	agent_network_retype(s->n, to);
	r = agent_connect(a, s->n, err, err_len);
	if (!r)
		return 0;
	agent_network_shut(s->n, keep);
	agent_network_retype(s->n, back);
	agent_connect(a, s->n, ignored, sizeof(ignored));
	return r;
}

static int change(struct step *s, char *err, size_t err_len)
{
	struct agent_network *n = s->n;
	int r = -EOPNOTSUPP;

	if (!n->impl) { /* nothing runs: it is tried with the new ones */
		agent_network_shut(n, blocks_on(s));
		agent_network_retype(n, s->new);
		if (n->wanted)
			n->retry_at = adit_tunnel_now();
		return 0;
	}
	if (s->old->type == s->new->type)
		r = n->ops->change(n, s->new, err, err_len);
	if (!r) {
		n->settings = s->new;
		return 0;
	}
	if (r != -EOPNOTSUPP)
		return r;
	r = open_anew(s, s->new, s->old, err, err_len);
	s->opened_anew = !r;
	return r;
}

static int change_enable(struct step *s, char *err, size_t err_len)
{
	struct agent *a = s->n->agent;
	int r;

	if (s->old->enable == s->new->enable || s->new->enable == s->n->wanted)
		return 0;
	if (!s->new->enable)
		return agent_disconnect(a, s->n, err, err_len);
	r = agent_connect(a, s->n, err, err_len);
	if (r)
		agent_disconnect(a, s->n, (char[8]){ "" }, 8);
	return r;
}

static int add(struct reload *r, struct step *s, char *err, size_t err_len)
{
	int e;

	s->n = agent_network_add(r->a, s->new);
	if (!s->n)
		return -ENOMEM;
	if (!s->new->enable)
		return 0;
	e = agent_connect(r->a, s->n, err, err_len);
	if (e) {
		agent_network_remove(r->a, s->n);
		s->n = NULL;
	}
	return e;
}

static void undo_change(struct step *s)
{
	char ignored[256];

	if (s->n->wanted != s->wanted) {
		if (s->wanted)
			agent_connect(s->n->agent, s->n, ignored, sizeof(ignored));
		else
			agent_disconnect(s->n->agent, s->n, ignored, sizeof(ignored));
	}
	if (s->n->impl && !s->opened_anew && !s->n->ops->change(s->n, s->old, ignored, sizeof(ignored))) {
		s->n->settings = s->old;
		return;
	}
	agent_network_shut(s->n, blocks_on(s));
	agent_network_retype(s->n, s->old);
	if (s->wanted)
		agent_connect(s->n->agent, s->n, ignored, sizeof(ignored));
}

static void put_back(struct reload *r, struct step *s)
{
	char ignored[256];

	s->n = agent_network_add(r->a, s->old);
	if (!s->n)
		return;
	s->n->wanted = s->wanted;
	s->n->retry_at = ADIT_NEVER;
	if (s->wanted)
		agent_connect(r->a, s->n, ignored, sizeof(ignored));
}

static int do_step(struct reload *r, struct step *s, char *err, size_t err_len)
{
	int e = 0;

	err[0] = '\0';
	switch (s->act) {
	case SAME:
		return 0;
	case CHANGE:
		e = change(s, err, err_len);
		if (!e) {
			e = change_enable(s, err, err_len);
			if (e)
				undo_change(s);
		}
		break;
	case ADD:
		e = add(r, s, err, err_len);
		break;
	case REMOVE:
		agent_network_remove(r->a, s->n);
		s->n = NULL;
		break;
	}
	s->done = !e;
	if (e && !err[0])
		snprintf(err, err_len, "%s", strerror(-e));
	return e;
}

static void undo_step(struct reload *r, struct step *s)
{
	if (!s->done)
		return;
	s->done = false;
	switch (s->act) {
	case SAME:
		break;
	case CHANGE:
		undo_change(s);
		break;
	case ADD:
		agent_network_remove(r->a, s->n);
		s->n = NULL;
		break;
	case REMOVE:
		put_back(r, s);
		break;
	}
}

/* --- the order ----------------------------------------------------------------------------------- */

/* Is what this one leads wanted by another? */
static bool in_the_way(const struct reload *r, const struct step *gone)
{
	for (size_t i = 0; i < r->cnt; i++)
		if (r->step[i].new && r->step[i].act != SAME && agent_overlap_between(gone->old, r->step[i].new))
			return true;
	return false;
}

/* Closes the first of those that wait. False: none of them runs. */
static bool give_way(struct reload *r)
{
	for (size_t i = 0; i < r->cnt; i++) {
		struct step *s = &r->step[i];

		if (s->act != CHANGE || s->done || !s->n->impl)
			continue;
		agent_network_shut(s->n, blocks_on(s));
		agent_network_retype(s->n, s->new);
		s->gave_way = s->opened_anew = s->done = true;
		return true;
	}
	return false;
}

static bool will_run(const struct step *s)
{
	return s->new && (s->act == ADD || s->old->enable != s->new->enable ? s->new->enable : s->wanted);
}

/* Those that gave way run again, but for those that shall not run any more. */
static int reopen(struct reload *r, char *err, size_t err_len)
{
	for (size_t i = 0; i < r->cnt; i++) {
		struct step *s = &r->step[i];
		int e = 0;

		if (s->gave_way)
			e = (will_run(s) ? agent_connect : agent_disconnect)(r->a, s->n, err, err_len);
		s->gave_way = false;
		if (e) {
			rename_error(s, err, err_len);
			return e;
		}
	}
	return 0;
}

/* Steps of this kind that are not done. One that finds its addresses with another network waits for that one to
 * let go of them. */
static int do_all(struct reload *r, enum act act, bool (*only)(const struct reload *, const struct step *),
		  char *err, size_t err_len)
{
	size_t stuck = r->cnt + 1, before;
	int e = 0;

	do {
		before = stuck;
		stuck = 0;
		for (size_t i = 0; i < r->cnt; i++) {
			struct step *s = &r->step[i];

			if (s->act != act || s->done || (only && !only(r, s)))
				continue;
			e = do_step(r, s, err, err_len);
			if (e == -EEXIST)
				stuck++;
			else if (e) {
				rename_error(s, err, err_len);
				return e;
			}
		}
	} while (stuck && (stuck < before || (act == CHANGE && give_way(r))));
	if (!stuck)
		return reopen(r, err, err_len);
	for (size_t i = 0; i < r->cnt; i++) { /* once more, for its sentence */
		struct step *s = &r->step[i];

		if (s->act != act || s->done || (only && !only(r, s)))
			continue;
		e = do_step(r, s, err, err_len);
		rename_error(s, err, err_len);
		break;
	}
	return e ? e : -EEXIST;
}

/* What cannot be in the end is found before anything is done. */
static int check_overlaps(const struct reload *r, char *err, size_t err_len)
{
	for (size_t i = 0; i < r->cnt; i++) {
		for (size_t k = 0; k < r->cnt; k++) {
			const struct step *a = &r->step[i], *b = &r->step[k];

			if (k == i || a->act == SAME || !will_run(a) || !will_run(b) ||
			    !agent_overlap_between(a->new, b->new))
				continue;
			snprintf(err, err_len, "networks %.60s and %.60s have the same prefix among their allowed_ips: "
				 "give one of them another table or metric, or narrower allowed_ips", a->new->name,
				 b->new->name);
			return -EEXIST;
		}
	}
	return 0;
}

/* Two that exchange what they lead are judged by what both will be. */
static void announce(struct reload *r, bool on)
{
	for (size_t i = 0; i < r->cnt; i++)
		if (r->step[i].n)
			r->step[i].n->coming = on ? r->step[i].new : NULL;
}

static int apply(struct reload *r, char *err, size_t err_len)
{
	int e;

	announce(r, true);
	e = do_all(r, REMOVE, in_the_way, err, err_len);
	if (!e)
		e = do_all(r, CHANGE, NULL, err, err_len);
	if (!e)
		e = do_all(r, ADD, NULL, err, err_len);
	announce(r, false);
	if (!e)
		return do_all(r, REMOVE, NULL, err, err_len);
	for (size_t i = r->cnt; i-- > 0;)
		if (r->step[i].act != REMOVE)
			undo_step(r, &r->step[i]);
	for (size_t i = r->cnt; i-- > 0;)
		undo_step(r, &r->step[i]);
	return e;
}

/* What stays as it is looks at the new settings from now on. Where memory is short, it is opened anew. */
static void adopt_one(struct step *s)
{
	if (s->n->impl && s->n->ops->adopt(s->n, s->new)) {
		agent_network_shut(s->n, s->new->killswitch);
		s->n->retry_at = adit_tunnel_now();
	}
	agent_network_retype(s->n, s->new);
}

/* The networks' order is that of the files. */
static void adopt(struct reload *r)
{
	struct agent_network **at = &r->a->networks;

	for (size_t i = 0; i < r->cnt; i++)
		if (r->step[i].act == SAME && r->step[i].n)
			adopt_one(&r->step[i]);
	for (size_t i = 0; i < r->cnt; i++) {
		if (!r->step[i].n)
			continue;
		*at = r->step[i].n;
		at = &r->step[i].n->next;
	}
	*at = NULL;
}

static void tell(struct agent *a, const char *text)
{
	struct agent_event ev = { .kind = "reload" };

	snprintf(ev.text, sizeof(ev.text), "%.250s", text);
	agent_event_add(&a->events, &ev);
}

/* What cannot be changed stays as it is in force, and is said with each reload until the file says the same again. */
static void keep_fixed(struct reload *r)
{
	char names[160] = "", text[250];

	for (size_t i = 0; i < FIXED_CNT; i++) {
		size_t len = strlen(names);

		if (waits(r, i))
			snprintf(names + len, sizeof(names) - len, "%s%s", len ? ", " : "", fixed[i].name);
		memcpy((char *)r->new + fixed[i].at, (const char *)r->a->config + fixed[i].at, fixed[i].size);
	}
	if (!names[0])
		return;
	snprintf(text, sizeof(text), "a change of %s takes effect when the agent is started again", names);
	tell(r->a, text);
}

static void adopt_own(struct reload *r)
{
	if (r->new->log_level != r->a->config->log_level) /* else `adit log` has the last word */
		adit_log_set_level((enum adit_log_level)r->new->log_level);
	keep_fixed(r);
}

static void succeed(struct reload *r)
{
	unsigned cnt[4] = { 0 };
	char text[120];

	for (size_t i = 0; i < r->cnt; i++)
		cnt[only_keys(&r->step[i]) ? SAME : r->step[i].act]++;
	agent_config_free(r->a->config);
	r->a->config = r->new;
	r->new = NULL;
	r->a->generation++;
	snprintf(text, sizeof(text), "generation %llu: %u networks added, %u changed, %u removed, %u as before",
		 (unsigned long long)r->a->generation, cnt[ADD], cnt[CHANGE], cnt[REMOVE], cnt[SAME]);
	tell(r->a, text);
}

/* The difference to what runs: printed, and carried out. */
static int carry_out(struct reload *r, bool dry_run, FILE *out, char *err, size_t err_len)
{
	int e = compare(r);

	if (!e && out) {
		print_own(r, out);
		print_steps(r, out);
	}
	if (e || dry_run)
		return e;
	e = check_overlaps(r, err, err_len);
	if (!e)
		e = agent_control_prepare(r->a, r->new, err, err_len);
	if (!e)
		e = apply(r, err, err_len);
	agent_control_settle(r->a, !e);
	if (e)
		return e;
	adopt(r);
	adopt_own(r);
	succeed(r);
	return 0;
}

int agent_reload(struct agent *a, bool dry_run, FILE *out, struct adit_conf_errors *errors, char *err, size_t err_len)
{
	const struct agent_opener opener = { .open = helper_open, .drop_ins = helper_open_drop_ins, .user = a->helper };
	struct reload r = { .a = a };
	char text[300];
	int e = -EINVAL;

	err[0] = '\0';
	r.new = agent_config_read(a->config_path, &opener, errors);
	if (r.new)
		e = carry_out(&r, dry_run, out, err, err_len);
	else
		snprintf(err, err_len, "%s is wrong", a->config_path);
	if (e && !err[0])
		snprintf(err, err_len, "%s", strerror(-e));
	if (e && !dry_run) {
		snprintf(text, sizeof(text), "failed, what ran still runs: %.200s", err);
		tell(a, text);
	}
	free(r.step);
	agent_config_free(r.new);
	return e;
}
