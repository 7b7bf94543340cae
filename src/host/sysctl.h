/* SPDX-License-Identifier: ISC */
/*
 * sysctl.h - settings of the kernel's network, as steps of a plan
 *
 *	net/ipv4/ip_forward 1 0 net/ipv4/conf/eth0/forwarding=1
 *
 * Path, value, what it was. Then what else the kernel changes with it, where that
 * would not be as before once this is: forwarding for all sets every interface's.
 */
#ifndef ADIT_HOST_SYSCTL_H
#define ADIT_HOST_SYSCTL_H

#include <stdbool.h>
#include <stddef.h>

#define ADIT_SYSCTL_PATH_LEN  128
#define ADIT_SYSCTL_VALUE_LEN 32

struct adit_sysctl {
	char path[ADIT_SYSCTL_PATH_LEN];
	char value[ADIT_SYSCTL_VALUE_LEN], was[ADIT_SYSCTL_VALUE_LEN];
	const char *sides; /* in the text: the rest of it, or "" */
};
/* 0, or -EINVAL: not of that form, or not below net/. */
int adit_sysctl_parse(struct adit_sysctl *ret, const char *text);

/* A single word. 0 or -errno (-ENOENT: its interface is gone, or the kernel lacks it). */
int adit_sysctl_read(const char *path, char value[ADIT_SYSCTL_VALUE_LEN]);
int adit_sysctl_write(const char *path, const char *value);

/* The text for setting path to value now, with what it is and the sides. malloc'd; NULL with *err -errno. */
char *adit_sysctl_text(const char *path, const char *value, int *err);
/* As it was, if it has our value still (or is as it was already, from an undo that was cut short). 0 or -errno. */
int adit_sysctl_undo(const struct adit_sysctl *s);

#endif
