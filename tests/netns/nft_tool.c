/* SPDX-License-Identifier: ISC */
/*
 * nft_tool.c - host/nft.h's steps, driven by lines: what the keeper would do, one
 * thing at a time. Each line is answered by "ok", "yes", "no", or an error.
 *
 *	set STEP       a guard, replies or a gateway, as a plan's line
 *	unset STEP
 *	intact STEP    of a guard: with all others that are set
 *	keep STEP      a guard is remembered, and nothing is done
 *	changed        did somebody else touch a table?
 *	wait           as changed, but waits for it
 *	keeps          can the kernel keep the killswitch?
 *	tables         names, one a line, then ok
 *	delete TABLE
 *	sleep          until killed
 */
#include <errno.h>
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "host/gateway.h"
#include "host/guard.h"
#include "host/replies.h"

#define GUARDS_MAX 16

static struct adit_nft *nft;
static struct adit_step guards[GUARDS_MAX];
static size_t guard_cnt;

static void answer(int r)
{
	if (r)
		printf("%s: %s\n", strerror(-r), adit_nft_detail(nft));
	else
		puts("ok");
}

static size_t guard_at(const struct adit_step *step)
{
	size_t i;

	for (i = 0; i < guard_cnt; i++)
		if (!strcmp(guards[i].ifname, step->ifname))
			break;
	return i;
}

static void keep_guard(const struct adit_step *step)
{
	size_t i = guard_at(step);

	if (i == GUARDS_MAX)
		exit(1);
	if (i < guard_cnt)
		free(guards[i].text);
	else
		guard_cnt++;
	guards[i] = *step;
	guards[i].text = step->text ? strdup(step->text) : NULL;
}

static void drop_guard(const struct adit_step *step)
{
	size_t i = guard_at(step);

	if (i == guard_cnt)
		return;
	free(guards[i].text);
	guards[i] = guards[--guard_cnt];
}

static const struct adit_step *const *all_guards(void)
{
	static const struct adit_step *all[GUARDS_MAX];
	size_t i;

	for (i = 0; i < guard_cnt; i++)
		all[i] = &guards[i];
	return all;
}

static int set(const struct adit_step *s)
{
	if (s->kind == ADIT_STEP_GUARD) {
		keep_guard(s);
		return adit_guard_set(nft, all_guards(), guard_cnt);
	}
	return s->kind == ADIT_STEP_REPLIES ? adit_replies_set(nft, s) : adit_gateway_set(nft, s);
}

static int unset(const struct adit_step *s)
{
	if (s->kind == ADIT_STEP_GUARD) {
		drop_guard(s);
		return adit_guard_set(nft, all_guards(), guard_cnt);
	}
	return s->kind == ADIT_STEP_REPLIES ? adit_replies_unset(nft, s) : adit_gateway_unset(nft, s);
}

static void intact(const struct adit_step *s)
{
	int r;

	if (s->kind == ADIT_STEP_GUARD)
		r = adit_guard_intact(nft, all_guards(), guard_cnt);
	else
		r = s->kind == ADIT_STEP_REPLIES ? adit_replies_intact(nft, s) : adit_gateway_intact(nft, s);
	if (r < 0)
		answer(r);
	else
		puts(r ? "yes" : "no");
}

static void with_step(const char *word, const char *line)
{
	struct adit_step s = { 0 };

	if (adit_step_parse(&s, line) ||
	    (s.kind != ADIT_STEP_GUARD && s.kind != ADIT_STEP_REPLIES && s.kind != ADIT_STEP_GATEWAY)) {
		puts("not a step of nftables");
		free(s.text);
		return;
	}
	if (!strcmp(word, "set"))
		answer(set(&s));
	else if (!strcmp(word, "unset"))
		answer(unset(&s));
	else if (!strcmp(word, "intact"))
		intact(&s);
	else if (!strcmp(word, "keep")) {
		keep_guard(&s);
		puts("ok");
	} else
		puts("what?");
	free(s.text);
}

static void found(void *user, const char *table)
{
	(void)user;
	puts(table);
}

static void obey(char *line)
{
	char *rest = strchr(line, ' ');
	struct pollfd p = { adit_nft_fd(nft), POLLIN, 0 };

	if (rest)
		*rest++ = '\0';
	if (!strcmp(line, "changed"))
		puts(adit_nft_changed(nft) ? "yes" : "no");
	else if (!strcmp(line, "wait")) {
		while (poll(&p, 1, 20000) > 0)
			if (adit_nft_changed(nft)) {
				puts("yes");
				return;
			}
		puts("no");
	} else if (!strcmp(line, "keeps"))
		puts(adit_nft_keeps(nft) ? "yes" : "no");
	else if (!strcmp(line, "tables"))
		answer(adit_nft_tables(nft, found, NULL));
	else if (!strcmp(line, "delete") && rest)
		answer(adit_nft_delete(nft, rest));
	else if (!strcmp(line, "sleep"))
		for (;;)
			pause();
	else
		with_step(line, rest ? rest : "");
}

int main(void)
{
	char line[65536];

	setvbuf(stdout, NULL, _IOLBF, 0);
	if (adit_nft_open(&nft))
		return 1;
	while (fgets(line, sizeof(line), stdin)) {
		line[strcspn(line, "\n")] = '\0';
		obey(line);
	}
	while (guard_cnt)
		free(guards[--guard_cnt].text);
	adit_nft_close(nft);
	return 0;
}
