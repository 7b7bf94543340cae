/* SPDX-License-Identifier: ISC */
/* doctor.c - `adit doctor [NETWORK]`: what keeps tunnels from working here, and what to do */
#include "agent/doctor.h"

#include <errno.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/exit.h"
#include "host/keeper.h"
#include "host/print.h"

static const struct {
	const char *name;
	void (*look)(struct agent_doctor *d);
} checks[] = {
	{ "tun", agent_doctor_tun },
	{ "kernel", agent_doctor_offloads },
	{ "memory", agent_doctor_memory },
	{ "clock", agent_doctor_clock },
	{ "state", agent_doctor_state },
	{ "forwarding", agent_doctor_forwarding },
	{ "rp_filter", agent_doctor_rp_filter },
	{ "firewall", agent_doctor_firewall },
	{ "others", agent_doctor_others },
	{ "dns", agent_doctor_dns },
	{ "endpoints", agent_doctor_endpoints },
};

static const char *const level_names[] = { "ok", "warning", "problem" };

/* --- findings ------------------------------------------------------------------------ */

static void add(struct agent_doctor *d, enum agent_doctor_level level, const char *fix, const char *fmt, va_list ap)
{
	struct agent_doctor_finding *f = realloc(d->finding, (d->cnt + 1) * sizeof(*f));

	if (!f) {
		d->no_memory = true;
		return;
	}
	d->finding = f;
	f += d->cnt++;
	f->check = d->check;
	f->level = level;
	vsnprintf(f->text, sizeof(f->text), fmt, ap);
	snprintf(f->fix, sizeof(f->fix), "%s", fix);
}

void agent_doctor_ok(struct agent_doctor *d, const char *fmt, ...)
{
	va_list ap;

	va_start(ap, fmt);
	add(d, AGENT_DOCTOR_OK, "", fmt, ap);
	va_end(ap);
}

void agent_doctor_bad(struct agent_doctor *d, enum agent_doctor_level level, const char *fix, const char *fmt, ...)
{
	va_list ap;

	va_start(ap, fmt);
	add(d, level, fix, fmt, ap);
	va_end(ap);
}

static enum agent_doctor_level worst(const struct agent_doctor *d)
{
	enum agent_doctor_level level = AGENT_DOCTOR_OK;
	size_t i;

	for (i = 0; i < d->cnt; i++)
		if (d->finding[i].level > level)
			level = d->finding[i].level;
	return level;
}

/* --- printing -------------------------------------------------------------------------- */

static void print_json(FILE *out, const struct agent_doctor *d)
{
	size_t i;

	fprintf(out, "{\"schema\":1,\"level\":\"%s\",\"findings\":[", level_names[worst(d)]);
	for (i = 0; i < d->cnt; i++) {
		fprintf(out, "%s{\"check\":\"%s\",\"level\":\"%s\"", i ? "," : "", d->finding[i].check,
			level_names[d->finding[i].level]);
		adit_json_member(out, "text", d->finding[i].text);
		adit_json_member(out, "fix", d->finding[i].fix);
		fputc('}', out);
	}
	fputs("]}\n", out);
}

static void print_text(const struct agent_doctor *d)
{
	static const char *const styles[] = { "\x1b[32m", "\x1b[33m", "\x1b[31m" };
	bool colours = isatty(STDOUT_FILENO) && !getenv("NO_COLOR");
	unsigned n[3] = { 0, 0, 0 };
	size_t i;

	for (i = 0; i < d->cnt; i++) {
		const struct agent_doctor_finding *f = &d->finding[i];

		n[f->level]++;
		printf("%s%-8s%s %-11s%s\n", colours ? styles[f->level] : "", level_names[f->level], colours ? "\x1b[0m" : "",
		       f->check, f->text);
		if (*f->fix)
			printf("%20s-> %s\n", "", f->fix);
	}
	printf("\n%u problem%s, %u warning%s\n", n[AGENT_DOCTOR_PROBLEM], n[AGENT_DOCTOR_PROBLEM] == 1 ? "" : "s",
	       n[AGENT_DOCTOR_WARNING], n[AGENT_DOCTOR_WARNING] == 1 ? "" : "s");
}

/* --- the command ------------------------------------------------------------------------ */

struct options {
	struct agent_doctor_options doctor;
	bool json;
};

static int usage(const char *text, const char *what)
{
	fprintf(stderr, "adit doctor: %s%s\nUsage: adit doctor [-c FILE] [--state-dir FOLDER] [--json] [NETWORK] (adit doctor --help says more)\n",
		text, what);
	return ADIT_EXIT_USAGE;
}

static int read_options(struct options *o, int argc, char **argv)
{
	struct agent_doctor_options *d = &o->doctor;
	int i;

	for (i = 1; i < argc; i++) {
		const char **value = NULL;

		if (!strcmp(argv[i], "--json"))
			o->json = true;
		else if (!strcmp(argv[i], "-c") || !strcmp(argv[i], "--config"))
			value = &d->config;
		else if (!strcmp(argv[i], "--state-dir"))
			value = &d->state_dir;
		else if (argv[i][0] == '-')
			return usage("unknown option ", argv[i]);
		else if (d->network)
			return usage("one network only: too much is ", argv[i]);
		else
			d->network = argv[i];
		if (value && !argv[++i])
			return usage("a value is missing after ", argv[i - 1]);
		if (value)
			*value = argv[i];
	}
	d->config_given = d->config != NULL;
	if (!d->config)
		d->config = AGENT_CONFIG_PATH;
	return 0;
}

static void read_config(struct agent_doctor *d, const struct agent_doctor_options *o)
{
	struct adit_conf_errors errors = { 0 };
	struct agent_config *config;
	char fix[300];

	d->check = "config";
	if (access(o->config, R_OK) < 0) {
		if (o->config_given) /* else: no agent is set up here, or it is not for us to read */
			agent_doctor_bad(d, AGENT_DOCTOR_PROBLEM, "adit doctor -c FILE", "%s cannot be read: %s", o->config, strerror(errno));
		return;
	}
	config = agent_config_read(o->config, NULL, &errors);
	snprintf(fix, sizeof(fix), "adit check %s", o->config);
	if (!config) {
		agent_doctor_bad(d, AGENT_DOCTOR_PROBLEM, fix, "%s has mistakes: its networks are not looked at", o->config);
	} else {
		agent_doctor_ok(d, "%s can be read", o->config);
		d->no_memory |= agent_doctor_add_config(d, config, o->network) != 0;
		if (!o->state_dir)
			snprintf(d->state_dir, sizeof(d->state_dir), "%s", config->state_dir);
	}
	agent_config_free(config);
	adit_conf_errors_fini(&errors);
}

/* False: there is nothing of that name. */
static bool look(struct agent_doctor *d, const struct agent_doctor_options *o)
{
	size_t i;

	snprintf(d->state_dir, sizeof(d->state_dir), "%s", adit_state_dir(o->state_dir));
	adit_netlink_open(&d->nl);
	read_config(d, o);
	d->no_memory |= agent_doctor_add_running(d, o->network) != 0;
	if (o->network && !d->network_cnt && worst(d) != AGENT_DOCTOR_PROBLEM)
		return false;
	for (i = 0; i < sizeof(checks) / sizeof(checks[0]); i++) {
		d->check = checks[i].name;
		checks[i].look(d);
	}
	return true;
}

static int examine(FILE *out, const struct agent_doctor_options *o, bool json)
{
	struct agent_doctor d = { 0 };
	int status;

	if (!look(&d, o)) {
		status = usage("there is no network, and no device that runs, called ", o->network);
	} else {
		if (json)
			print_json(out, &d);
		else
			print_text(&d);
		status = worst(&d) == AGENT_DOCTOR_PROBLEM || d.no_memory ? ADIT_EXIT_FAILED : ADIT_EXIT_OK;
	}
	agent_doctor_fini(&d);
	return fflush(out) ? ADIT_EXIT_FAILED : status;
}

int agent_doctor_json(FILE *out, const struct agent_doctor_options *o)
{
	return examine(out, o, true);
}

int adit_doctor_main(int argc, char **argv)
{
	struct options o = { 0 };
	int status = read_options(&o, argc, argv);

	return status ? status : examine(stdout, &o.doctor, o.json);
}
