/* SPDX-License-Identifier: ISC */
/* textfile.c - a whole file in memory that may hold keys */
#include "host/textfile.h"

#include <errno.h>
#include <fcntl.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/quicktext.h"

#define LOCK_MAX (1u << 20)

void adit_textfile_free(struct adit_textfile *t)
{
	if (!t->p)
		return;
	quick_wipe(t->p, t->len);
	munmap(t->p, t->cap);
	*t = (struct adit_textfile){ 0 };
}

static int read_whole(int fd, struct adit_textfile *t)
{
	while (t->len < t->cap) {
		ssize_t n = read(fd, t->p + t->len, t->cap - t->len);

		if (n < 0 && errno == EINTR)
			continue;
		if (n <= 0)
			return n ? -errno : 0;
		t->len += (size_t)n;
	}
	return -EFBIG;
}

static int allocate(struct adit_textfile *t, const struct stat *st, size_t max)
{
	/* its length means nothing for a pipe, and a file may grow meanwhile */
	t->cap = S_ISREG(st->st_mode) && (size_t)st->st_size < max ? (size_t)st->st_size + 1 : max + 1;
	t->p = mmap(NULL, t->cap, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);
	if (t->p == MAP_FAILED) {
		t->p = NULL;
		return -ENOMEM;
	}
	madvise(t->p, t->cap, MADV_DONTDUMP);
	if (t->cap <= LOCK_MAX)
		(void)mlock(t->p, t->cap); /* best effort */
	return 0;
}

int adit_textfile_take(struct adit_textfile *ret, int fd, size_t max, bool plain)
{
	struct stat st;
	int r;

	*ret = (struct adit_textfile){ 0 };
	r = fstat(fd, &st) < 0 ? -errno : S_ISDIR(st.st_mode) ? -EISDIR : 0;
	if (!r && plain && !S_ISREG(st.st_mode))
		r = -EINVAL;
	if (!r) {
		ret->mode = st.st_mode;
		ret->owner = st.st_uid;
		r = allocate(ret, &st, max);
	}
	if (!r)
		r = read_whole(fd, ret);
	close(fd);
	return r;
}

int adit_textfile_read(struct adit_textfile *ret, const char *path, size_t max, bool plain)
{
	/* O_NONBLOCK: opening a pipe that nobody writes would wait */
	int fd = open(path, O_RDONLY | O_CLOEXEC | O_NOCTTY | (plain ? O_NONBLOCK : 0));

	*ret = (struct adit_textfile){ 0 };
	if (fd < 0)
		return errno == ENXIO ? -EINVAL : -errno; /* a socket */
	return adit_textfile_take(ret, fd, max, plain);
}
