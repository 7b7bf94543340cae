/* SPDX-License-Identifier: ISC */
/*
 * control.c - a line of the control API: whatever it holds, the reply is one line
 * of JSON that our own strict reader takes, and nothing is done for who may not.
 * The first byte says who asks.
 */
#include <string.h>

#include "agent/api.h"
#include "config/config.h"
#include "fuzz.h"
#include "support/made_up_agent.h"

static struct made_up_agent *m;
static struct agent_rates *rates;

static void check_reply(const char *text, size_t len, bool may_be_empty)
{
	struct adit_conf_errors errors = { 0 };
	struct adit_conf *doc = NULL;

	if (!len && may_be_empty)
		return;
	MUST(len > 1 && text[len - 1] == '\n' && memchr(text, '\n', len) == text + len - 1);
	MUST(!adit_conf_read_json(&doc, &errors, "reply", text, len, NULL));
	MUST(adit_conf_get(doc->root, "id") && adit_conf_get(doc->root, "ok"));
	MUST((adit_conf_get(doc->root, "result") != NULL) != (adit_conf_get(doc->root, "error") != NULL));
	adit_conf_free(doc);
	adit_conf_errors_fini(&errors);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct agent_pending pending = { .kind = AGENT_PENDING_NONE };
	struct agent_call c = { .caller = { 1000, 1, AGENT_ROLE_NONE }, .now = 1000 * ADIT_SEC, .pending = &pending };
	enum agent_api_result r;
	unsigned before;
	uint64_t generation;
	uint8_t *line;
	char *text = NULL;
	size_t len;
	FILE *out;

	if (!m) {
		m = made_up_new(3);
		rates = agent_rates_new();
	}
	MUST(m && rates);
	if (!size || size > AGENT_LINE_MAX)
		return 0;
	c.agent = &m->a;
	c.rates = rates;
	c.role = (enum agent_role)(data[0] & 3);
	line = fuzz_copy(data + 1, size - 1);
	out = open_memstream(&text, &len);
	MUST(out);
	before = m->peers_added + m->peers_removed + m->reloads;
	generation = m->a.generation;
	r = agent_api_line(&c, (const char *)line, size - 1, out);
	fclose(out);
	check_reply(text, len, r == AGENT_API_LATER);
	MUST((r == AGENT_API_LATER) == (pending.kind != AGENT_PENDING_NONE));
	if (c.role < AGENT_ROLE_ADMIN)
		MUST(!m->a.ending && before == m->peers_added + m->peers_removed + m->reloads && generation == m->a.generation);
	m->a.ending = false;
	free(text);
	free(line);
	return 0;
}
