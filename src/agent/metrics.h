/* SPDX-License-Identifier: ISC */
/*
 * metrics.h - all networks in Prometheus' text format 0.0.4. The names of
 * WireGuard's figures are those of prometheus_wireguard_exporter, so that its
 * dashboards show data; what it has no name for begins with adit_.
 */
#ifndef ADIT_AGENT_METRICS_H
#define ADIT_AGENT_METRICS_H

#include "agent/agent.h"

/* As malloc'd text. 0 or -ENOMEM. Snapshots are taken first, then written: no device is held meanwhile. */
int agent_metrics_text(struct agent *a, char **ret, size_t *len);

#endif
