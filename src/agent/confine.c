/* SPDX-License-Identifier: ISC */
/* confine.c - the network process gives up what it needs no longer */
#include "agent/confine.h"

#include <stdio.h>
#include <string.h>

#include "agent/helper_rights.h"
#include "base/filename.h"
#include "forward/config.h"
#include "forward/sandbox.h"
#include "host/process.h"

/* What a reload and a look at the machine read; files of the configuration come through the helper. */
static const char *const readable[] = {
	"/etc/resolv.conf", "/etc/hosts", "/etc/nsswitch.conf", "/etc/passwd", "/etc/group", "/run/systemd/resolve",
	"/proc/net", "/proc/sys/net", "/proc/sys/kernel", "/sys/class/net", "/sys/devices/virtual/net", "/dev/null",
};

struct paths {
	const char **list;
	unsigned cnt;
};

static void add_path(struct paths *p, const char *path)
{
	if (path && path[0] && p->cnt < SANDBOX_PATHS_MAX - 1)
		p->list[p->cnt++] = path;
}

static void add_folder(struct paths *p, const char *path, char *buf, size_t size)
{
	if (path[0] && adit_filename_folder(path, buf, size))
		add_path(p, buf);
}

static void add_files_of(struct paths *p, const struct adit_forward_config *fwd)
{
	for (size_t i = 0; i < fwd->service_cnt; i++) {
		add_path(p, fwd->service[i].cert_file);
		add_path(p, fwd->service[i].key_file);
	}
}

int agent_confine(struct agent *a, char *err, size_t err_len)
{
	struct sandbox_config c = { 0 };
	struct paths reads = { c.read, 0 }, writes = { c.write, 0 };
	char config[4096], control[128], http[128], text[200];
	struct sandbox_report report;
	int r = helper_rights_drop(helper_privileged(a->helper) ? a->config->user : "", err, err_len);

	if (r)
		return r;
	for (size_t i = 0; i < sizeof(readable) / sizeof(readable[0]); i++)
		add_path(&reads, readable[i]);
	if (!helper_privileged(a->helper)) /* then we open the files ourselves */
		add_folder(&reads, a->config_path, config, sizeof(config));
	for (const struct agent_network_settings *s = a->config->networks; s; s = s->next)
		if (s->fwd)
			add_files_of(&reads, s->fwd);
	add_path(&writes, "/dev/null");
	if (!helper_privileged(a->helper)) { /* else it removes the sockets at the end */
		add_folder(&writes, a->config->control_socket, control, sizeof(control));
		add_folder(&writes, a->config->http_socket, http, sizeof(http));
	}
	if (sandbox_enter(&c, &report))
		adit_log_warning("not sandboxed: %s", report.why);
	else
		adit_log_info("sandbox: %s", sandbox_describe(&report, text, sizeof(text)));
	return helper_confined(a->helper);
}
