/* SPDX-License-Identifier: ISC */
#include "base/filename.h"

#include <stdio.h>
#include <string.h>

const char *adit_filename_last(const char *path)
{
	const char *slash = strrchr(path, '/');

	return slash ? slash + 1 : path;
}

bool adit_filename_folder(const char *path, char *ret, size_t size)
{
	const char *slash = strrchr(path, '/');

	if (!slash)
		return snprintf(ret, size, ".") < (int)size;
	return snprintf(ret, size, "%.*s", slash == path ? 1 : (int)(slash - path), path) < (int)size;
}

bool adit_filename_beside(const char *file, const char *name, char *ret, size_t size)
{
	int folder = name[0] == '/' ? 0 : (int)(adit_filename_last(file) - file);

	return snprintf(ret, size, "%.*s%s", folder, file, name) < (int)size;
}
