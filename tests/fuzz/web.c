/* SPDX-License-Identifier: ISC */
/*
 * web.c - a request of HTTP to the agent: the answer is well-formed and as long as
 * it says, comes whatever way the request is cut, and a request that is answered
 * with more than a refusal had a Host of this machine.
 */
#include <string.h>
#include <strings.h>

#include "agent/http.h"
#include "base/http1.h"
#include "fuzz.h"
#include "support/made_up_agent.h"

static struct made_up_agent *m;
static struct agent_rates *rates;

/* What is answered to the first len bytes; NULL: it wants more. */
static char *answer(const uint8_t *request, size_t size, bool end, size_t *len)
{
	struct agent_http h = { .agent = &m->a, .rates = rates };
	char *text = NULL;
	FILE *out = open_memstream(&text, len);
	bool done;

	MUST(out);
	done = agent_http_answer(&h, (const char *)request, size, end, out);
	fclose(out);
	if (done)
		return text;
	MUST(!*len);
	free(text);
	return NULL;
}

static unsigned check_answer(const char *text, size_t len)
{
	struct adit_http1_head head;

	adit_http1_head_init(&head, true, NULL);
	MUST(adit_http1_head_read(&head, text, len) == ADIT_HTTP1_DONE);
	MUST(head.has_length && (head.len + head.length == len || head.len == len));
	MUST(head.status == 200 || head.status >= 400);
	return head.status;
}

static bool names_us(const uint8_t *p, size_t size)
{
	for (size_t i = 0; i + 3 < size; i++)
		if (!strncasecmp((const char *)p + i, "127.", 4) || !strncasecmp((const char *)p + i, "[::1", 4) ||
		    (i + 8 < size && !strncasecmp((const char *)p + i, "localhost", 9)) || p[i] == '[')
			return true;
	return false;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	uint8_t *request;
	size_t len, part;
	char *whole, *cut = NULL;
	unsigned status;

	if (!m) {
		m = made_up_new(3);
		rates = agent_rates_new();
		MUST(m && rates);
		m->config.page = true;
	}
	if (!size || size > 8192)
		return 0;
	request = fuzz_copy(data, size);
	whole = answer(request, size, true, &len);
	MUST(whole);
	status = check_answer(whole, len);
	if (status == 200)
		MUST(names_us(request, size));
	for (part = 1; part < size && !cut; part += 1 + part / 3)
		cut = answer(request, part, false, &len);
	if (cut)
		MUST(check_answer(cut, len) == status || status == 400);
	free(cut);
	free(whole);
	free(request);
	return 0;
}
