/* SPDX-License-Identifier: ISC */
/* counts.c - v1: how many packets each key has sealed, on disk */
#include "statictun/counts.h"

#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <unistd.h>

#include "crypto/keytext.h"
#include "host/replace.h"

#define FIRST_LINE "adit static v1 counts 1\n"

struct statictun_count {
	struct statictun_count *next;
	uint8_t key[ADIT_KEY_LEN];
	uint64_t count;
};

static bool key_equal(const void *item, const void *key)
{
	return !memcmp(((const struct statictun_count *)item)->key, key, ADIT_KEY_LEN);
}

static struct statictun_count *find(const struct statictun_counts *c, const uint8_t key[ADIT_KEY_LEN])
{
	return adit_map_find(&c->by_key, adit_shorthash(key, ADIT_KEY_LEN, c->zero), key);
}

uint64_t statictun_counts_get(const struct statictun_counts *c, const uint8_t peer[ADIT_KEY_LEN])
{
	const struct statictun_count *n = find(c, peer);

	return n ? n->count : 0;
}

int statictun_counts_set(struct statictun_counts *c, const uint8_t peer[ADIT_KEY_LEN], uint64_t count)
{
	struct statictun_count *n = find(c, peer);

	if (!n) {
		n = calloc(1, sizeof(*n));
		if (!n || adit_map_insert(&c->by_key, adit_shorthash(peer, ADIT_KEY_LEN, c->zero), n)) {
			free(n);
			return -ENOMEM;
		}
		memcpy(n->key, peer, ADIT_KEY_LEN);
		*c->tail = n;
		c->tail = &n->next;
	}
	n->count = count;
	return 0;
}

/* --- reading ------------------------------------------------------------------- */

/* "KEY COUNT\n", and nothing else. */
static int read_line(struct statictun_counts *c, const char *line)
{
	uint8_t key[ADIT_KEY_LEN];
	const char *digits = line + ADIT_KEY_BASE64_LEN + 1;
	uint64_t count;
	char *end;

	if (strlen(line) < ADIT_KEY_BASE64_LEN + 3 || digits[-1] != ' ' || digits[0] < '0' || digits[0] > '9' ||
	    !adit_key_from_base64(key, line, ADIT_KEY_BASE64_LEN) || find(c, key))
		return -EBADMSG;
	errno = 0;
	count = strtoull(digits, &end, 10);
	if (errno || strcmp(end, "\n"))
		return -EBADMSG;
	return statictun_counts_set(c, key, count);
}

static int read_file(struct statictun_counts *c)
{
	FILE *f = fopen(c->path, "re");
	char line[128];
	int r = 0;

	if (!f)
		return errno == ENOENT ? 0 : -errno;
	if (!fgets(line, sizeof(line), f) || strcmp(line, FIRST_LINE))
		r = -EBADMSG;
	while (!r && fgets(line, sizeof(line), f))
		r = read_line(c, line);
	if (!r && ferror(f))
		r = -EIO;
	fclose(f);
	return r;
}

/* --- writing ------------------------------------------------------------------- */

static int write_lines(FILE *f, const void *what)
{
	const struct statictun_counts *c = what;
	char key[ADIT_KEY_BASE64_LEN + 1];
	const struct statictun_count *n;

	fputs(FIRST_LINE, f);
	for (n = c->first; n; n = n->next) {
		adit_key_to_base64(key, n->key);
		fprintf(f, "%s %" PRIu64 "\n", key, n->count);
	}
	return 0;
}

int statictun_counts_store(struct statictun_counts *c)
{
	return adit_file_replace(c->path, write_lines, c);
}

/* --- open, close ----------------------------------------------------------------- */

static int fail(struct statictun_counts *c, int r, char *err, size_t err_len)
{
	if (r == -EBUSY)
		snprintf(err, err_len, "%s: another program counts this key now: two tunnels of wire v1 need two keys",
			 c->path);
	else if (r == -EBADMSG)
		snprintf(err, err_len, "%s is damaged, so nobody knows how many packets this key has sealed: make a new "
			 "key (or restore the file, if a copy is newer than the last packet)", c->path);
	else
		snprintf(err, err_len, "cannot keep the count of sealed packets in %s: %s (--state-dir chooses another "
			 "place)", c->path, strerror(-r));
	statictun_counts_close(c);
	return r;
}

static int take_lock(struct statictun_counts *c)
{
	char path[PATH_MAX + 8];

	snprintf(path, sizeof(path), "%s.lock", c->path);
	c->lock_fd = open(path, O_RDWR | O_CREAT | O_CLOEXEC | O_NOFOLLOW, 0600);
	if (c->lock_fd < 0)
		return -errno;
	if (flock(c->lock_fd, LOCK_EX | LOCK_NB) == 0)
		return 0;
	return errno == EWOULDBLOCK ? -EBUSY : -errno;
}

int statictun_counts_open(struct statictun_counts *c, const char *dir, const uint8_t own[ADIT_KEY_LEN], char *err,
			  size_t err_len)
{
	char name[ADIT_KEY_HEX_LEN + 1] = "";
	int r;

	memset(c, 0, sizeof(*c));
	c->lock_fd = -1;
	c->tail = &c->first;
	adit_map_init(&c->by_key, key_equal);
	adit_key_to_hex(name, own);
	if (snprintf(c->path, sizeof(c->path), "%s/static-v1-%.32s", dir, name) >= (int)sizeof(c->path))
		return fail(c, -ENAMETOOLONG, err, err_len);
	r = mkdir(dir, 0700) < 0 && errno != EEXIST ? -errno : take_lock(c);
	if (!r)
		r = read_file(c);
	return r ? fail(c, r, err, err_len) : 0;
}

void statictun_counts_close(struct statictun_counts *c)
{
	while (c->first) {
		struct statictun_count *next = c->first->next;

		free(c->first);
		c->first = next;
	}
	adit_map_fini(&c->by_key);
	if (c->lock_fd >= 0)
		close(c->lock_fd);
	c->lock_fd = -1;
}
