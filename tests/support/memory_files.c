/* SPDX-License-Identifier: ISC */
/* memory_files.c - the files of a configuration in memory */
#include "support/memory_files.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

static int open_file(void *user, struct adit_textfile *ret, const char *path)
{
	const struct memory_files *files = user;
	size_t i = 0;
	void *p;

	while (i < files->cnt && strcmp(files->file[i].name, path) != 0)
		i++;
	if (i == files->cnt)
		return -ENOENT;
	p = mmap(NULL, files->file[i].len + 1, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
	if (p == MAP_FAILED)
		return -ENOMEM;
	memcpy(p, files->file[i].text, files->file[i].len);
	*ret = (struct adit_textfile){ .p = p, .len = files->file[i].len, .cap = files->file[i].len + 1,
				       .mode = S_IFREG | files->file[i].mode, .owner = geteuid() };
	return 0;
}

static int drop_ins(void *user, const char *path, char ***names)
{
	const struct memory_files *files = user;
	int cnt = 0;

	(void)path;
	*names = calloc(MEMORY_FILES_MAX, sizeof(**names));
	if (!*names)
		return -ENOMEM;
	for (size_t i = 1; i < files->cnt; i++) {
		if (strncmp(files->file[i].name, "conf.d/", 7) != 0)
			continue;
		(*names)[cnt] = strdup(files->file[i].name);
		if (!(*names)[cnt++]) {
			agent_names_free(*names, (size_t)cnt);
			return -ENOMEM;
		}
	}
	return cnt;
}

static const char *read_key(void *user, const char *path, uint8_t ret[ADIT_KEY_LEN])
{
	size_t n = strlen(path);

	(void)user;
	if (n < 8 || strcmp(path + n - 8, "good.key") != 0)
		return "No such file or directory";
	memset(ret, 1, ADIT_KEY_LEN);
	return NULL;
}

static unsigned path_mtu(void *user, const struct adit_addr *to)
{
	static const uint8_t net[3] = { 192, 0, 2 };

	(void)user;
	return to->family == 4 && !memcmp(to->bytes, net, 3) ? 1400 : 0;
}

struct agent_opener memory_opener(struct memory_files *files)
{
	return (struct agent_opener){ open_file, drop_ins, read_key, path_mtu, files };
}
