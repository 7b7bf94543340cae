/* SPDX-License-Identifier: ISC */
/* device.h - bodies of the commands that make a WireGuard interface */
#ifndef ADIT_DEVICE_DEVICE_H
#define ADIT_DEVICE_DEVICE_H

#include <stdbool.h>
#include <stdio.h>

/* All: argv[0] is the command's name; return an enum adit_exit (base/exit.h). */

/* `adit device [-f] IFACE`, and adit-wg. */
int adit_device_main(int argc, char **argv);
/* `adit show [IFACE] [--json]` */
int adit_show_main(int argc, char **argv);
/* `adit up FILE.conf|NAME`, and down, save, strip */
int adit_up_main(int argc, char **argv);
int adit_down_main(int argc, char **argv);
int adit_save_main(int argc, char **argv);
int adit_strip_main(int argc, char **argv);
/* `adit cleanup` */
int adit_cleanup_main(int argc, char **argv);
/* What its --json prints; 0 or -errno. */
int adit_cleanup_json(FILE *out, const char *state_dir, bool keep_guards, bool dry_run);
/* `adit demo` */
int adit_demo_main(int argc, char **argv);

#endif
