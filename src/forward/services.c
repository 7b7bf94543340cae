/* SPDX-License-Identifier: ISC */
/* services.c - the relay's services made those of a configuration, by difference */
#include <errno.h>
#include <string.h>

#include "forward/kernel.h"
#include "forward/log.h"
#include "forward/network.h"

static bool is_wanted(const struct adit_forward_config *cfg, const struct relay_service_config *s)
{
	for (size_t i = 0; i < cfg->service_cnt; i++)
		if (relay_service_equal(&cfg->service[i], s))
			return true;
	return false;
}

static bool is_running(struct adit_relay *r, const struct relay_service_config *c)
{
	struct relay_service *s = NULL;

	while ((s = adit_relay_next(r, s)))
		if (relay_service_equal(relay_service_config_of(s), c))
			return true;
	return false;
}

/* Stops listening where nobody wants it; connections that are there go on. */
static void remove_unwanted(struct adit_forward_network *n, const struct adit_forward_config *cfg, adit_time now)
{
	struct relay_service *s = adit_relay_next(n->relay, NULL), *next;
	char text[640];

	for (; s; s = next) {
		next = adit_relay_next(n->relay, s);
		if (is_wanted(cfg, relay_service_config_of(s)))
			continue;
		adit_forward_log(ADIT_FORWARD_LOG_INFO, "%s: no longer served",
				 relay_service_describe(relay_service_config_of(s), text, sizeof(text)));
		adit_relay_remove(n->relay, s, false, now);
	}
}

static int add(struct adit_forward_network *n, const struct relay_service_config *c, adit_time now)
{
	char err[512] = "", text[640];
	struct relay_service *s;
	int r = n->kernel ? kernel_backend_add(n->kernel, c, err, sizeof(err)) :
			    adit_relay_add(n->relay, &s, c, err, sizeof(err), now);

	relay_service_describe(c, text, sizeof(text));
	if (r)
		adit_forward_log(ADIT_FORWARD_LOG_ERROR, "%s: %s", text, err[0] ? err : strerror(-r));
	else
		adit_forward_log(ADIT_FORWARD_LOG_INFO, "%s", text);
	return r;
}

unsigned network_set_services(struct adit_forward_network *n, const struct adit_forward_config *cfg, int *first)
{
	adit_time now = network_pause(n);
	unsigned failed = 0;

	*first = 0;
	remove_unwanted(n, cfg, now);
	for (size_t i = 0; i < cfg->service_cnt; i++) {
		int r = is_running(n->relay, &cfg->service[i]) ? 0 : add(n, &cfg->service[i], now);

		failed += r != 0;
		if (r && !*first)
			*first = r;
	}
	network_resume(n);
	return failed;
}
