/* SPDX-License-Identifier: ISC */
/* replace.c - a file that is whole at any moment: the old one, or the new one */
#include "host/replace.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <string.h>
#include <unistd.h>

#include "base/filename.h"

static int sync_folder(const char *path)
{
	char dir[PATH_MAX];
	int fd, r = 0;

	if (!adit_filename_folder(path, dir, sizeof(dir)))
		return -ENAMETOOLONG;
	fd = open(dir, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	if (fd < 0)
		return -errno;
	if (fsync(fd) < 0 && errno != EINVAL)
		r = -errno;
	close(fd);
	return r;
}

static int write_to_disk(int fd, int (*write)(FILE *f, const void *what), const void *what)
{
	FILE *f = fdopen(fd, "w");
	int r;

	if (!f) {
		r = -errno;
		close(fd);
		return r;
	}
	errno = 0;
	r = write(f, what);
	if (!r && (fflush(f) || ferror(f) || fsync(fileno(f)) < 0))
		r = errno ? -errno : -EIO;
	if (fclose(f) && !r)
		r = -errno;
	return r;
}

int adit_file_replace_by(const char *path, const char *aside, int (*write)(FILE *f, const void *what),
			 const void *what)
{
	int fd, r;

	fd = open(aside, O_WRONLY | O_CREAT | O_TRUNC | O_NOFOLLOW | O_CLOEXEC, 0600);
	if (fd < 0)
		return -errno;
	r = write_to_disk(fd, write, what);
	if (!r && rename(aside, path) < 0)
		r = -errno;
	if (r)
		unlink(aside);
	return r ? r : sync_folder(path);
}

int adit_file_replace(const char *path, int (*write)(FILE *f, const void *what), const void *what)
{
	char aside[PATH_MAX];

	if (snprintf(aside, sizeof(aside), "%s.new", path) >= (int)sizeof(aside))
		return -ENAMETOOLONG;
	return adit_file_replace_by(path, aside, write, what);
}
