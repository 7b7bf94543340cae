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

#define FOLDERS_MAX 8
#define FOLDER_LEN  1024

struct paths {
	const char **list;
	unsigned cnt;
};

/* Of the files that we open ourselves, where there is no helper: each may be another of its name by then. */
struct folders {
	char text[FOLDERS_MAX][FOLDER_LEN];
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

static void add_file(struct paths *p, struct folders *f, const char *path)
{
	char *text = f->text[f->cnt];

	add_path(p, path);
	if (!path || !path[0] || f->cnt == FOLDERS_MAX || !adit_filename_folder(path, text, FOLDER_LEN))
		return;
	for (unsigned i = 0; i < f->cnt; i++)
		if (!strcmp(f->text[i], text))
			return;
	add_path(p, text);
	f->cnt++;
}

static void add_keys_of(struct paths *p, struct folders *f, const struct agent_network_settings *s)
{
	add_file(p, f, s->private_key_path);
	for (size_t i = 0; i < s->peer_cnt; i++)
		add_file(p, f, s->peers[i].psk_path);
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
	char control[128], http[128], text[200];
	struct folders folders = { .cnt = 0 };
	struct sandbox_report report;
	int r = helper_rights_drop(helper_privileged(a->helper) ? a->config->user : "", err, err_len);

	if (r)
		return r;
	for (size_t i = 0; i < sizeof(readable) / sizeof(readable[0]); i++)
		add_path(&reads, readable[i]);
	if (!helper_privileged(a->helper)) /* then we open the files ourselves */
		add_file(&reads, &folders, a->config_path);
	for (const struct agent_network_settings *s = a->config->networks; s; s = s->next)
		if (s->fwd)
			add_files_of(&reads, s->fwd);
	for (const struct agent_network_settings *s = a->config->networks; s && !helper_privileged(a->helper); s = s->next)
		add_keys_of(&reads, &folders, s);
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
