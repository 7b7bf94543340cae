/* SPDX-License-Identifier: ISC */
/* up_file.c - a wg-quick file, from disk to memory */
#include "device/up_internal.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/exit.h"

#define FILE_MAX (512u << 20)

static void print_report(void *user, const char *msg)
{
	(void)user;
	fprintf(stderr, "%s\n", msg);
}

static int read_whole(int fd, struct adit_text *text)
{
	for (;;) {
		ssize_t n;

		if (text->len > FILE_MAX)
			return -EFBIG;
		if (!adit_text_reserve(text, 65536))
			return -ENOMEM;
		n = read(fd, text->p + text->len, 65536);
		if (n < 0 && errno == EINTR)
			continue;
		if (n <= 0)
			return n ? -errno : 0;
		text->len += (size_t)n;
	}
}

int up_read_text(const struct up *up, struct adit_text *ret)
{
	struct stat st;
	int fd = open(up->file, O_RDONLY | O_CLOEXEC);
	int r = fd < 0 || fstat(fd, &st) < 0 ? -errno : 0;

	if (!r && (st.st_mode & 0004))
		fprintf(stderr, "%s: warning: it holds keys and everybody can read it (chmod 600 %s)\n",
			up->file, up->file);
	if (!r)
		r = read_whole(fd, ret);
	if (fd >= 0)
		close(fd);
	if (!r)
		return 0;
	fprintf(stderr, "%s: %s: %s\n", up->command, up->file, strerror(-r));
	return r == -EACCES ? ADIT_EXIT_DENIED : ADIT_EXIT_FAILED;
}

int up_read_config(const struct up *up, struct adit_quickconf **ret)
{
	struct adit_text text = { 0 };
	int status = up_read_text(up, &text);

	if (!status)
		switch (adit_quickconf_parse(ret, up->file, text.p, text.len, print_report, NULL)) {
		case 0:
			break;
		case -EINVAL:
			status = ADIT_EXIT_CONFIG;
			break;
		default:
			status = up_fail(up, "no memory for %s", up->file);
		}
	adit_text_fini(&text);
	return status;
}

int up_real_path(struct up *up)
{
	char *real = realpath(up->file, NULL);
	int r = real ? 0 : -errno;

	if (!r && strlen(real) >= sizeof(up->file))
		r = -ENAMETOOLONG;
	if (!r)
		strcpy(up->file, real);
	free(real);
	return r ? up_fail_errno(up, up->file, r) : 0;
}
