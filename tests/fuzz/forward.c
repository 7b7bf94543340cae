/* SPDX-License-Identifier: ISC */
/*
 * forward.c - what adit forward reads: a configuration file, forward
 * specifications, proxies, log levels. Every message has its place, an error
 * leaves no service half made, and no password stands in a message.
 */
#include <stdbool.h>
#include <string.h>

#include "forward/config.h"
#include "forward/settings.h"
#include "forward/spec.h"
#include "fuzz.h"

#define SECRET "s3cr3t-of-the-environment"

struct report {
	unsigned errors, lines;
	size_t cols;
	bool open; /* the input itself has the secret */
};

static void on_report(void *user, bool error, const char *msg)
{
	struct report *r = user;
	unsigned line = 0, col = 0;

	r->errors += error;
	MUST(strlen(msg) < 1400 && (r->open || !strstr(msg, SECRET)));
	MUST(sscanf(msg, "f.conf:%u:%u:", &line, &col) == 2);
	MUST(line >= 1 && line <= r->lines && col >= 1 && col <= r->cols);
}

static const char *variable(void *user, const char *name)
{
	(void)user;
	return !strcmp(name, "S") ? SECRET : NULL;
}

static void check_services(const struct adit_forward_config *cfg, bool open)
{
	char text[640];

	MUST(cfg->service_cnt <= ADIT_FORWARD_SERVICES_MAX);
	MUST(cfg->address_cnt <= ADIT_FORWARD_ADDRESSES && cfg->dns_cnt <= ADIT_FORWARD_DNS);
	MUST(cfg->alive_cnt <= ADIT_FORWARD_ALIVE);
	for (size_t i = 0; i < cfg->service_cnt; i++) {
		const struct relay_service_config *s = &cfg->service[i];

		MUST(memchr(s->target.host, 0, sizeof(s->target.host)) && memchr(s->username, 0, sizeof(s->username)));
		MUST(memchr(s->password, 0, sizeof(s->password)) && memchr(s->listen_path, 0, sizeof(s->listen_path)));
		MUST(!s->listen_path[0] || s->listen_path[0] == '/');
		relay_service_describe(s, text, sizeof(text));
		MUST(open || strcmp(s->password, SECRET) != 0 || !strstr(text, SECRET));
	}
}

static void read_any(struct adit_forward_reader *rd, unsigned kind, const char *text, size_t len)
{
	const struct adit_forward_origin at = { "f.conf", 1, 1 };
	enum adit_forward_log_level level;
	struct relay_target target;

	switch (kind % 6) {
	case 0:
		adit_forward_settings(rd, "f.conf", text, len, NULL, kind & 64);
		return;
	case 1:
		adit_forward_spec(rd, &at, "F", text, false);
		return;
	case 2:
		adit_forward_spec(rd, &at, "F", text, true);
		return;
	case 3:
		adit_forward_spec_proxy(rd, &at, "F", text, RELAY_MIXED);
		return;
	case 4:
		MUST(adit_forward_spec_target(rd, &at, "F", text, true, &target) == !rd->errors);
		return;
	default:
		if (!adit_forward_log_level_parse(&level, text))
			MUST(level <= ADIT_FORWARD_LOG_DEBUG);
		return;
	}
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct report report = { .lines = 1, .cols = size + 1 };
	struct adit_forward_config cfg;
	struct adit_forward_reader rd = { .cfg = &cfg, .report = on_report, .env = variable, .user = &report };
	char *text, *string;

	if (!size)
		return 0;
	text = (char *)fuzz_copy(data + 1, size - 1); /* a file is not terminated */
	string = malloc(size);
	MUST(string);
	memcpy(string, data + 1, size - 1);
	string[size - 1] = '\0';
	for (size_t i = 0; i < size - 1; i++)
		report.lines += text[i] == '\n';
	report.open = memmem(text, size - 1, "s3cr", 4) != NULL;
	adit_forward_config_init(&cfg);
	read_any(&rd, data[0], data[0] % 6 ? string : text, size - 1);
	MUST(rd.errors == report.errors);
	if (data[0] % 6 && rd.errors)
		MUST(cfg.service_cnt == 0 || cfg.service_cnt == ADIT_FORWARD_SERVICES_MAX);
	check_services(&cfg, report.open);
	if (!(data[0] % 6) && !rd.errors)
		adit_forward_config_check(&rd, "f.conf");
	adit_forward_config_fini(&cfg);
	free(string);
	free(text);
	return 0;
}
