/* SPDX-License-Identifier: ISC */
/*
 * metrics.h - all networks in Prometheus' text format 0.0.4. The names of
 * WireGuard's figures are those of prometheus_wireguard_exporter, so that its
 * dashboards show data; what it has no name for begins with adit_.
 */
#ifndef ADIT_AGENT_METRICS_H
#define ADIT_AGENT_METRICS_H

#include "agent/agent.h"

/* 0 or -ENOMEM. Snapshots are taken first, then written: no device is held meanwhile. */
int agent_metrics_write(FILE *out, struct agent *a);

#endif
