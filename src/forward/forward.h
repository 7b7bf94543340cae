/* SPDX-License-Identifier: ISC */
/* forward.h - bodies of the commands that need no right: `adit forward` (`adit run` is in run.h) */
#ifndef ADIT_FORWARD_FORWARD_H
#define ADIT_FORWARD_FORWARD_H

/* `adit forward ...`, `adit forward status ...`; argv[0] is the command's name. Returns an enum adit_exit. */
int adit_forward_main(int argc, char **argv);

#endif
