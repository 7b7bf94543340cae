/* SPDX-License-Identifier: ISC */
/* plan.c - changes to the machine as plain data, and their text form */
#include "host/plan.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static const char *const kind_names[ADIT_STEP_KINDS] = {
	[ADIT_STEP_TUN] = "tun",
	[ADIT_STEP_MTU] = "mtu",
	[ADIT_STEP_ADDR] = "addr",
	[ADIT_STEP_UP] = "up",
	[ADIT_STEP_ROUTE] = "route",
	[ADIT_STEP_UNREACHABLE] = "unreachable",
	[ADIT_STEP_RULE] = "rule",
	[ADIT_STEP_SYSCTL] = "sysctl",
	[ADIT_STEP_GUARD] = "guard",
	[ADIT_STEP_REPLIES] = "replies",
	[ADIT_STEP_GATEWAY] = "gateway",
	[ADIT_STEP_DNS] = "dns",
};

bool adit_ifname_valid(const char *name)
{
	size_t len = strlen(name);

	if (!len || len >= ADIT_IFNAME_LEN || !strcmp(name, ".") || !strcmp(name, ".."))
		return false;
	return strspn(name, "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789_=+.-") == len;
}

void adit_plan_init(struct adit_plan *plan, const char *name)
{
	memset(plan, 0, sizeof(*plan));
	snprintf(plan->name, sizeof(plan->name), "%s", name);
}

void adit_plan_fini(struct adit_plan *plan)
{
	size_t i;

	for (i = 0; i < plan->cnt; i++)
		free(plan->steps[i].text);
	free(plan->steps);
	memset(plan, 0, sizeof(*plan));
}

int adit_plan_add(struct adit_plan *plan, const struct adit_step *step)
{
	char *text = NULL;

	if (plan->cnt == ADIT_PLAN_STEPS_MAX)
		return -E2BIG;
	if (plan->cnt == plan->cap) {
		size_t cap = plan->cap ? plan->cap * 2 : 16;
		struct adit_step *steps = realloc(plan->steps, cap * sizeof(*steps));

		if (!steps)
			return -ENOMEM;
		plan->steps = steps;
		plan->cap = cap;
	}
	if (step->text && !(text = strdup(step->text)))
		return -ENOMEM;
	plan->steps[plan->cnt] = *step;
	plan->steps[plan->cnt++].text = text;
	return 0;
}

int adit_plan_copy(struct adit_plan *ret, const struct adit_plan *plan)
{
	size_t i;
	int r = 0;

	adit_plan_init(ret, plan->name);
	for (i = 0; i < plan->cnt && !r; i++)
		r = adit_plan_add(ret, &plan->steps[i]);
	if (r)
		adit_plan_fini(ret);
	return r;
}

static bool text_equal(const char *a, const char *b)
{
	return a && b ? !strcmp(a, b) : a == b;
}

/* Of a sysctl: its path. */
static bool first_word_equal(const char *a, const char *b)
{
	size_t n = strcspn(a, " ");

	return n == strcspn(b, " ") && !strncmp(a, b, n);
}

bool adit_step_same(const struct adit_step *a, const struct adit_step *b)
{
	if (a->kind != b->kind)
		return false;
	switch ((enum adit_step_kind)a->kind) {
	case ADIT_STEP_ADDR:
		return !strcmp(a->ifname, b->ifname) && adit_prefix_equal(&a->prefix, &b->prefix);
	case ADIT_STEP_ROUTE:
	case ADIT_STEP_UNREACHABLE:
		return adit_prefix_equal(&a->prefix, &b->prefix) && a->table == b->table &&
		       a->metric == b->metric && !strcmp(a->ifname, b->ifname);
	case ADIT_STEP_RULE:
		return adit_step_equal(a, b);
	case ADIT_STEP_SYSCTL:
		return first_word_equal(a->text, b->text);
	default:
		return !strcmp(a->ifname, b->ifname);
	}
}

bool adit_step_equal(const struct adit_step *a, const struct adit_step *b)
{
	return a->kind == b->kind && a->invert == b->invert && a->suppress == b->suppress &&
	       !strcmp(a->ifname, b->ifname) && adit_prefix_equal(&a->prefix, &b->prefix) &&
	       a->table == b->table && a->metric == b->metric && a->mtu == b->mtu && a->mark == b->mark &&
	       a->priority == b->priority && text_equal(a->text, b->text);
}

/* --- text ------------------------------------------------------------------ */

static void print_rule(FILE *out, const struct adit_step *s)
{
	char prefix[ADIT_PREFIX_STRLEN];

	fprintf(out, " %u %u %u %s%u %d %s", s->prefix.addr.family, s->priority, s->table, s->invert ? "!" : "",
		s->mark, s->suppress, adit_prefix_format(&s->prefix, prefix));
}

static void print_step(FILE *out, const struct adit_step *s)
{
	char prefix[ADIT_PREFIX_STRLEN];

	fprintf(out, "%s %s", kind_names[s->kind], s->ifname);
	switch ((enum adit_step_kind)s->kind) {
	case ADIT_STEP_MTU:
		fprintf(out, " %u", s->mtu);
		break;
	case ADIT_STEP_ADDR:
		fprintf(out, " %s", adit_prefix_format(&s->prefix, prefix));
		break;
	case ADIT_STEP_ROUTE:
	case ADIT_STEP_UNREACHABLE:
		fprintf(out, " %s %u", adit_prefix_format(&s->prefix, prefix), s->table);
		if (s->metric)
			fprintf(out, " %u", s->metric);
		break;
	case ADIT_STEP_RULE:
		print_rule(out, s);
		break;
	case ADIT_STEP_GUARD:
	case ADIT_STEP_REPLIES:
		fprintf(out, " %u", s->mark);
		break;
	default:
		break;
	}
	if (s->text)
		fprintf(out, " %s", s->text);
}

void adit_step_print(FILE *out, const struct adit_step *step)
{
	print_step(out, step);
	fputc('\n', out);
}

void adit_plan_print(FILE *out, const struct adit_plan *plan)
{
	for (size_t i = 0; i < plan->cnt; i++)
		adit_step_print(out, &plan->steps[i]);
}

char *adit_step_format(const struct adit_step *step, char buf[ADIT_STEP_STRLEN])
{
	FILE *out = fmemopen(buf, ADIT_STEP_STRLEN, "w");

	buf[0] = '\0';
	if (out) {
		print_step(out, step);
		fclose(out);
	}
	buf[ADIT_STEP_STRLEN - 1] = '\0';
	return buf;
}

static bool read_u32(const char *text, uint32_t *ret)
{
	unsigned long long v;
	char *end;

	if (text[0] < '0' || text[0] > '9')
		return false;
	errno = 0;
	v = strtoull(text, &end, 10);
	if (errno || *end || v > UINT32_MAX)
		return false;
	*ret = (uint32_t)v;
	return true;
}

/* Takes the next word of a line off its front; NULL at the end. */
static char *next_word(char **line)
{
	char *word = *line, *end;

	if (!word || !*word)
		return NULL;
	end = strchr(word, ' ');
	if (end)
		*end++ = '\0';
	*line = end;
	return *word ? word : NULL;
}

static bool read_prefix(char **line, struct adit_prefix *ret)
{
	char *word = next_word(line);

	return word && adit_prefix_parse(ret, word) == 0;
}

static bool next_u32(char **line, uint32_t *ret)
{
	char *word = next_word(line);

	return word && read_u32(word, ret);
}

static bool parse_rule(struct adit_step *s, char **line)
{
	uint32_t family;
	char *mark, *suppress, *end;
	long v;

	if (!next_u32(line, &family) || !next_u32(line, &s->priority) || !next_u32(line, &s->table) ||
	    !(mark = next_word(line)) || !(suppress = next_word(line)) || !read_prefix(line, &s->prefix))
		return false;
	s->invert = *mark == '!';
	errno = 0;
	v = strtol(suppress, &end, 10);
	if (errno || *end || v < -1 || v > 128)
		return false;
	s->suppress = (int16_t)v;
	return read_u32(mark + s->invert, &s->mark) && s->prefix.addr.family == family;
}

/* What follows the interface's name; the rest of the line is left in *line. */
static bool parse_fields(struct adit_step *s, char **line)
{
	switch ((enum adit_step_kind)s->kind) {
	case ADIT_STEP_TUN:
	case ADIT_STEP_UP:
		return true;
	case ADIT_STEP_MTU:
		return next_u32(line, &s->mtu);
	case ADIT_STEP_ADDR:
		return read_prefix(line, &s->prefix);
	case ADIT_STEP_ROUTE:
	case ADIT_STEP_UNREACHABLE:
		return read_prefix(line, &s->prefix) && next_u32(line, &s->table) &&
		       (!*line || next_u32(line, &s->metric));
	case ADIT_STEP_RULE:
		return parse_rule(s, line);
	case ADIT_STEP_GUARD:
	case ADIT_STEP_REPLIES:
		return next_u32(line, &s->mark);
	case ADIT_STEP_SYSCTL:
	case ADIT_STEP_GATEWAY:
	case ADIT_STEP_DNS:
		return *line && **line;
	case ADIT_STEP_KINDS:
		break;
	}
	return false;
}

static bool takes_text(enum adit_step_kind kind)
{
	return kind >= ADIT_STEP_SYSCTL;
}

static int parse_step(struct adit_step *step, char *line)
{
	char *word = next_word(&line);
	size_t kind;

	for (kind = 0; word && kind < ADIT_STEP_KINDS; kind++)
		if (!strcmp(word, kind_names[kind]))
			break;
	if (!word || kind == ADIT_STEP_KINDS)
		return -EINVAL;
	step->kind = (uint8_t)kind;
	word = next_word(&line);
	if (!word || !adit_ifname_valid(word))
		return -EINVAL;
	strcpy(step->ifname, word);
	if (!parse_fields(step, &line))
		return -EINVAL;
	if (!line || !*line)
		return line ? -EINVAL : 0;
	if (!takes_text(step->kind))
		return -EINVAL;
	step->text = strdup(line);
	return step->text ? 0 : -ENOMEM;
}

int adit_step_parse(struct adit_step *ret, const char *line)
{
	struct adit_step step = { 0 };
	char *copy = strdup(line);
	int r = copy ? parse_step(&step, copy) : -ENOMEM;

	free(copy);
	if (!r)
		*ret = step;
	return r;
}
