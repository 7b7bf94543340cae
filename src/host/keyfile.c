/* SPDX-License-Identifier: ISC */
/* keyfile.c - files that hold keys */
#include "host/keyfile.h"

#include <errno.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/quicktext.h"

#define KEYFILE_MAX 4096 /* a key and generous blanks */

const char *adit_keyfile_problem(const struct adit_textfile *file)
{
	if (file->mode & (S_IRWXG | S_IRWXO))
		return "others than its owner may use it (chmod 600)";
	if (file->owner != 0 && file->owner != geteuid())
		return "it belongs to somebody else (chown it to root, or to who runs adit)";
	return NULL;
}

static bool is_blank(char c)
{
	return c == ' ' || c == '\t' || c == '\r' || c == '\n';
}

static const char *key_in(const struct adit_textfile *file, uint8_t ret[ADIT_KEYFILE_KEY_LEN])
{
	struct slice s = { file->p, file->len };
	uint8_t key[ADIT_KEYFILE_KEY_LEN];
	bool ok;

	while (s.len && is_blank(s.p[s.len - 1]))
		s.len--;
	while (s.len && is_blank(s.p[0])) {
		s.p++;
		s.len--;
	}
	ok = quick_key(key, s);
	if (ok)
		memcpy(ret, key, sizeof(key));
	quick_wipe(key, sizeof(key));
	return ok ? NULL : "it holds no key (44 characters of base64; adit genkey makes one)";
}

/* r: what reading it came to. Frees the text. */
static const char *judge(struct adit_textfile *file, int r, uint8_t ret[ADIT_KEYFILE_KEY_LEN])
{
	const char *why;

	if (r)
		why = r == -EINVAL ? "it is not a plain file" : r == -EFBIG ? "it is too long for a key" : strerror(-r);
	else
		why = adit_keyfile_problem(file);
	if (!why)
		why = key_in(file, ret);
	adit_textfile_free(file);
	return why;
}

const char *adit_keyfile_read(const char *path, uint8_t ret[ADIT_KEYFILE_KEY_LEN])
{
	struct adit_textfile file;
	int r = adit_textfile_read(&file, path, KEYFILE_MAX, true);

	return judge(&file, r, ret);
}

const char *adit_keyfile_take(int fd, uint8_t ret[ADIT_KEYFILE_KEY_LEN])
{
	struct adit_textfile file = { 0 };
	int r = fd < 0 ? fd : adit_textfile_take(&file, fd, KEYFILE_MAX, true);

	return judge(&file, r, ret);
}
