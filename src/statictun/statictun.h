/* SPDX-License-Identifier: ISC */
/* statictun.h - body of the command `adit static` */
#ifndef ADIT_STATICTUN_STATICTUN_H
#define ADIT_STATICTUN_STATICTUN_H

/* argv[0] is the command's name; returns an enum adit_exit (base/exit.h). */
int adit_static_main(int argc, char **argv);

#endif
