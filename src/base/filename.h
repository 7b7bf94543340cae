/* SPDX-License-Identifier: ISC */
/* filename.h - the parts of a file's name, as text: nothing is looked up, no "..", no link is resolved */
#ifndef ADIT_BASE_FILENAME_H
#define ADIT_BASE_FILENAME_H

#include <stdbool.h>
#include <stddef.h>

/* What follows the last slash; all of it where there is none. Stands in path. */
const char *adit_filename_last(const char *path);
/* The folder: "/etc/adit" -> "/etc", "/etc" -> "/", "adit" -> ".". False: longer than size, and cut. */
bool adit_filename_folder(const char *path, char *ret, size_t size);
/* A name that stands in a file, as one that we can open: relative, it is beside that file. False: longer than size, and cut. */
bool adit_filename_beside(const char *file, const char *name, char *ret, size_t size);

#endif
