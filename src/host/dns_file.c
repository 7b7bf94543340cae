/* SPDX-License-Identifier: ISC */
/* dns_file.c - DNS servers by writing /etc/resolv.conf ourselves, where nobody else does */
#include "host/dns_backend.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#include "host/dns_marked.h"
#include "host/dns_place.h"

/* The file as it stands, and how we see it: ours, or what would be kept in ours. */
struct resolv {
	struct adit_dns_place place;
	struct adit_dns_marked marked;
	bool ours;
};

static int out_of_memory(char *err, size_t err_len)
{
	snprintf(err, err_len, "out of memory");
	return -ENOMEM;
}

static void resolv_close(struct resolv *f)
{
	adit_dns_marked_free(&f->marked);
	adit_dns_place_close(&f->place);
}

static int keep_old(struct resolv *f)
{
	f->marked.had_old = f->place.there;
	f->marked.old_len = f->place.len;
	f->marked.old = malloc(f->place.len + 1);
	if (!f->marked.old)
		return -ENOMEM;
	if (f->place.len)
		memcpy(f->marked.old, f->place.text, f->place.len);
	return 0;
}

static int resolv_open(struct resolv *f, char *err, size_t err_len)
{
	int r;

	memset(&f->marked, 0, sizeof(f->marked));
	r = adit_dns_place_open(&f->place, err, err_len);
	if (r)
		return r;
	r = f->place.there ? adit_dns_marked_read(&f->marked, f->place.text, f->place.len) : -EBADMSG;
	f->ours = !r;
	if (r == -EBADMSG)
		r = keep_old(f);
	if (r) {
		resolv_close(f);
		return out_of_memory(err, err_len);
	}
	return 0;
}

/* With a link in it ours, with none the old one. */
static int put_back(struct resolv *f, char *err, size_t err_len)
{
	if (!f->marked.had_old)
		return adit_dns_place_remove(&f->place, err, err_len);
	return adit_dns_place_put(&f->place, f->marked.old, f->marked.old_len, err, err_len);
}

static int put(struct resolv *f, char *err, size_t err_len)
{
	size_t len;
	char *text;
	int r = 0;

	if (!f->marked.link_cnt)
		return put_back(f, err, err_len);
	text = adit_dns_marked_text(&f->marked, &len);
	if (!text)
		return out_of_memory(err, err_len);
	if (!f->ours || len != f->place.len || memcmp(text, f->place.text, len))
		r = adit_dns_place_put(&f->place, text, len, err, err_len);
	free(text);
	return r;
}

/* What a process was killed at, writing in place. */
static int finish_cut(struct resolv *f, char *err, size_t err_len)
{
	if (!f->place.cut || f->ours)
		return 0;
	return adit_dns_place_put(&f->place, f->place.text, f->place.len, err, err_len);
}

static int set(const struct adit_dns *dns, char *err, size_t err_len)
{
	struct resolv f;
	int r = resolv_open(&f, err, err_len);

	if (r)
		return r;
	r = adit_dns_marked_set(&f.marked, dns);
	r = r ? out_of_memory(err, err_len) : put(&f, err, err_len);
	resolv_close(&f);
	return r;
}

static int not_ours(const struct resolv *f, const char *ifname, char *err, size_t err_len)
{
	snprintf(err, err_len, "%s does not hold the settings of %s (any more): somebody else has written it; left alone",
		 f->place.path, ifname);
	return -ESTALE;
}

static int unset(const struct adit_dns *dns, char *err, size_t err_len)
{
	struct adit_dns *link;
	struct resolv f;
	int r = resolv_open(&f, err, err_len);

	if (r == -ENOENT)
		return 0;
	if (r)
		return r;
	link = f.ours ? adit_dns_marked_find(&f.marked, dns->ifname) : NULL;
	if (link) {
		adit_dns_marked_remove(&f.marked, link);
		r = put(&f, err, err_len);
	} else if (f.place.cut) {
		r = finish_cut(&f, err, err_len);
	} else if (!f.ours && f.place.there) {
		r = not_ours(&f, dns->ifname, err, err_len);
	}
	resolv_close(&f);
	return r;
}

static bool settings_equal(const struct adit_dns *a, const struct adit_dns *b)
{
	char *text[2] = { NULL, NULL };
	const struct adit_dns *const dns[2] = { a, b };
	bool equal;
	int i;

	for (i = 0; i < 2; i++) {
		size_t len;
		FILE *out = open_memstream(&text[i], &len);

		if (out) {
			adit_dns_print(out, dns[i]);
			fclose(out);
		}
	}
	equal = text[0] && text[1] && !strcmp(text[0], text[1]);
	free(text[0]);
	free(text[1]);
	return equal;
}

static int intact(const struct adit_dns *dns, char *err, size_t err_len)
{
	const struct adit_dns *link;
	struct resolv f;
	int r = resolv_open(&f, err, err_len);

	if (r)
		return r;
	link = f.ours ? adit_dns_marked_find(&f.marked, dns->ifname) : NULL;
	if (!f.ours)
		r = not_ours(&f, dns->ifname, err, err_len);
	else if (link && settings_equal(link, dns))
		r = 1;
	else
		snprintf(err, err_len, "%s has other settings of %s", f.place.path, dns->ifname);
	resolv_close(&f);
	return r;
}

static int leftovers(bool (*keep)(void *user, const char *ifname), void *user, char *err, size_t err_len)
{
	struct resolv f;
	size_t i, cnt;
	int r = resolv_open(&f, err, err_len);

	if (r)
		return r == -ENOENT ? 0 : r;
	cnt = f.ours ? f.marked.link_cnt : 0;
	for (i = cnt; i-- > 0;)
		if (!keep || !keep(user, f.marked.link[i].ifname))
			adit_dns_marked_remove(&f.marked, &f.marked.link[i]);
	if (f.ours && f.marked.link_cnt < cnt) {
		r = put(&f, err, err_len);
		r = r ? r : 1;
	} else if (f.place.cut) {
		r = finish_cut(&f, err, err_len);
		r = r ? r : 1;
	}
	resolv_close(&f);
	return r;
}

static const char *unfit(const char **why)
{
	struct stat st;

	if (stat(ADIT_RESOLV_CONF, &st) < 0 ? errno != ENOENT || lstat(ADIT_RESOLV_CONF, &st) == 0 :
					      !S_ISREG(st.st_mode))
		return ADIT_RESOLV_CONF " is no file";
	*why = "nobody else is asked here about DNS servers, so " ADIT_RESOLV_CONF " is written";
	return NULL;
}

const struct adit_dns_ops adit_dns_file = { "file", set, unset, intact, leftovers, unfit };
