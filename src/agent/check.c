/* SPDX-License-Identifier: ISC */
/* check.c - `adit check [FILE] [--json]`: everything that is wrong with a configuration, at once */
#include <errno.h>
#include <netinet/in.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "agent/commands.h"
#include "agent/settings.h"
#include "agent/words.h"
#include "base/exit.h"
#include "host/keyfile.h"
#include "host/print.h"

/* --- what reading asks this machine --------------------------------------------------- */

static const char *judge_key(void *user, const char *path, uint8_t ret[ADIT_KEY_LEN])
{
	(void)user;
	return adit_keyfile_read(path, ret);
}

/* Of the route there, without sending anything. */
static unsigned path_mtu(void *user, const struct adit_addr *to)
{
	struct sockaddr_in in4 = { .sin_family = AF_INET, .sin_port = htons(9) };
	struct sockaddr_in6 in6 = { .sin6_family = AF_INET6, .sin6_port = htons(9) };
	bool v6 = to->family == 6;
	int fd = socket(v6 ? AF_INET6 : AF_INET, SOCK_DGRAM | SOCK_CLOEXEC, 0), mtu = 0;
	socklen_t len = sizeof(mtu);

	(void)user;
	if (fd < 0)
		return 0;
	memcpy(&in4.sin_addr, to->bytes, 4);
	memcpy(&in6.sin6_addr, to->bytes, 16);
	if (connect(fd, v6 ? (struct sockaddr *)&in6 : (struct sockaddr *)&in4, v6 ? sizeof(in6) : sizeof(in4)) ||
	    getsockopt(fd, v6 ? IPPROTO_IPV6 : IPPROTO_IP, v6 ? IPV6_MTU : IP_MTU, &mtu, &len))
		mtu = 0;
	close(fd);
	return mtu > 0 ? (unsigned)mtu : 0;
}

const struct agent_opener agent_opener_check = { .key = judge_key, .path_mtu = path_mtu };

/* --- output ---------------------------------------------------------------------------- */

static void print_line(void *user, const char *msg)
{
	(void)user;
	puts(msg);
}

static void print_item(FILE *out, const struct adit_conf_error *e, const char *comma)
{
	fprintf(out, "%s{\"severity\":\"%s\"", comma, e->warning ? "warning" : "error");
	adit_json_member(out, "file", e->file);
	adit_json_number(out, "line", e->pos.line);
	adit_json_number(out, "column", e->pos.col);
	adit_json_member(out, "key", e->key);
	adit_json_member(out, "message", e->text);
	fputc('}', out);
}

/* {"schema":1,"file":...,"ok":...,"items":[...]} and a newline. */
static void print_json(FILE *out, const char *path, struct adit_conf_errors *errors)
{
	fprintf(out, "{\"schema\":1");
	adit_json_member(out, "file", path);
	fprintf(out, ",\"ok\":%s", errors->cnt || errors->no_memory ? "false" : "true");
	adit_json_number(out, "errors", errors->cnt);
	adit_json_number(out, "warnings", errors->warn_cnt);
	fprintf(out, ",\"items\":[");
	adit_conf_errors_sort(errors);
	for (size_t i = 0; i < errors->item_cnt; i++)
		print_item(out, &errors->item[i], i ? "," : "");
	fprintf(out, "]}\n");
}

static void print_verdict(const char *path, const struct agent_config *config, const struct adit_conf_errors *errors)
{
	if (config)
		printf("%s: no errors; %zu network%s in %zu file%s\n", path, config->network_cnt,
		       config->network_cnt == 1 ? "" : "s", config->file_cnt, config->file_cnt == 1 ? "" : "s");
	else
		fprintf(stderr, "adit check: %zu error%s%s\n", errors->cnt, errors->cnt == 1 ? "" : "s",
			errors->no_memory ? ", and no memory for all of them" : "");
}

int adit_check_main(int argc, char **argv)
{
	struct agent_words w = { "check", "[FILE] [--json]", argc, argv, 1, false, false };
	struct adit_conf_errors errors = { 0 };
	struct agent_config *config;
	const char *path = NULL, *word;
	bool json = false, ok;

	while ((word = agent_word(&w))) {
		if (agent_word_is(&w, word, "--json", NULL))
			json = true;
		else if (agent_word_operand(&w, word) && path)
			agent_word_wrong(&w, "one file at a time: ", word);
		else
			path = word;
	}
	if (w.wrong)
		return ADIT_EXIT_USAGE;
	path = path ? path : AGENT_CONFIG_PATH;
	config = agent_config_read(path, &agent_opener_check, &errors);
	if (json)
		print_json(stdout, path, &errors);
	else
		adit_conf_errors_report(&errors, print_line, NULL);
	if (!json)
		print_verdict(path, config, &errors);
	ok = config;
	agent_config_free(config);
	adit_conf_errors_fini(&errors);
	if (fflush(stdout))
		return ADIT_EXIT_FAILED;
	return ok ? ADIT_EXIT_OK : ADIT_EXIT_CONFIG;
}
