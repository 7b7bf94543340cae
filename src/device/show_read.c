/* SPDX-License-Identifier: ISC */
/* show_read.c - UAPI lines into the structs of show.h, handed to a printer as they come */
#include "device/show.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "device/uapi_client.h"

/* A first reading, for rates: what each peer had then. */
struct sample {
	uint8_t key[ADIT_KEY_LEN];
	uint64_t rx_bytes, tx_bytes;
};

struct samples {
	struct sample *s;
	size_t cnt, cap;
	size_t hint; /* the order is the same in both readings, but for changes */
	struct timespec at;
};

struct reading {
	const struct adit_show_printer *printer; /* NULL: sample only */
	bool first_device;
	struct adit_show_device d;
	struct adit_show_peer p;
	uint8_t peer_key[ADIT_KEY_LEN];
	size_t peer_cnt;
	bool in_peer, printed;
	struct samples *rates;
	double seconds;
};

double adit_show_loss(const struct adit_show_peer *p)
{
	uint64_t all = p->rx_packets + p->rx_lost;

	return all ? (double)p->rx_lost / (double)all : 0;
}

/* --- peers ---------------------------------------------------------------- */

static int sample_add(struct samples *s, const struct reading *r)
{
	if (s->cnt == s->cap) {
		size_t cap = s->cap ? 2 * s->cap : 64;
		struct sample *p = realloc(s->s, cap * sizeof(*p));

		if (!p)
			return -ENOMEM;
		s->s = p;
		s->cap = cap;
	}
	memcpy(s->s[s->cnt].key, r->peer_key, ADIT_KEY_LEN);
	s->s[s->cnt].rx_bytes = r->p.rx_bytes;
	s->s[s->cnt++].tx_bytes = r->p.tx_bytes;
	return 0;
}

static void rates(struct reading *r)
{
	struct samples *s = r->rates;
	size_t i, at;

	for (i = 0; i < s->cnt; i++) {
		at = (s->hint + i) % s->cnt;
		if (memcmp(s->s[at].key, r->peer_key, ADIT_KEY_LEN) != 0)
			continue;
		s->hint = at + 1;
		if (r->p.rx_bytes < s->s[at].rx_bytes || r->p.tx_bytes < s->s[at].tx_bytes)
			return; /* removed and added in between */
		r->p.has_rates = true;
		r->p.rx_rate = (double)(r->p.rx_bytes - s->s[at].rx_bytes) / r->seconds;
		r->p.tx_rate = (double)(r->p.tx_bytes - s->s[at].tx_bytes) / r->seconds;
		return;
	}
}

static int end_peer(struct reading *r)
{
	if (!r->in_peer)
		return 0;
	r->in_peer = false;
	r->peer_cnt++;
	if (!r->printer)
		return sample_add(r->rates, r);
	if (r->rates)
		rates(r);
	r->printer->peer(&r->d, &r->p, r->peer_cnt == 1);
	return 0;
}

static void print_device(struct reading *r)
{
	if (r->printer && !r->printed)
		r->printer->device(&r->d, r->first_device);
	r->printed = true;
}

static int begin_peer(struct reading *r, const char *value)
{
	char *allowed = r->p.allowed;
	size_t cap = r->p.allowed_cap;
	int res = end_peer(r);

	if (res)
		return res;
	print_device(r);
	memset(&r->p, 0, sizeof(r->p));
	r->p.allowed = allowed;
	r->p.allowed_cap = cap;
	if (allowed)
		*allowed = 0;
	r->in_peer = true;
	if (!adit_key_from_hex(r->peer_key, value, strlen(value)))
		return -EPROTO;
	adit_key_to_base64(r->p.public_key, r->peer_key);
	return 0;
}

static int add_allowed(struct adit_show_peer *p, const char *value)
{
	size_t len = strlen(value) + 1;

	if (p->allowed_len + len + 1 > p->allowed_cap) {
		size_t cap = 2 * (p->allowed_cap + len + 64);
		char *a = realloc(p->allowed, cap);

		if (!a)
			return -ENOMEM;
		p->allowed = a;
		p->allowed_cap = cap;
	}
	memcpy(p->allowed + p->allowed_len, value, len);
	p->allowed_len += len;
	p->allowed[p->allowed_len] = 0;
	return 0;
}

/* --- lines ---------------------------------------------------------------- */

static void copy(char *to, size_t size, const char *value)
{
	snprintf(to, size, "%s", value);
}

/* "tso uso" */
static unsigned offload_set(const char *value)
{
	char word[8], *to = word;
	unsigned set = 0, one;
	const char *bad;

	for (;; value++) {
		if (*value && *value != ' ' && *value != ',') {
			if (to < word + sizeof(word) - 1)
				*to++ = *value;
			continue;
		}
		*to = 0;
		to = word;
		if (*word && strcmp(word, "none") != 0 && !adit_offload_parse(&one, word, &bad))
			set |= one;
		if (!*value)
			return set;
	}
}

static int private_key(struct reading *r, char *value)
{
	uint8_t key[ADIT_KEY_LEN], public_key[ADIT_KEY_LEN];
	int res = 0;

	if (!adit_key_from_hex(key, value, strlen(value)))
		return -EPROTO;
	if (!adit_is_zero(key, sizeof(key))) {
		res = adit_public_key(public_key, key);
		if (!res)
			adit_key_to_base64(r->d.public_key, public_key);
	}
	adit_wipe(key, sizeof(key));
	adit_wipe(value, strlen(value));
	return res;
}

static void drop_line(struct adit_show_device *d, const char *name, uint64_t v)
{
	enum adit_drop i;

	for (i = ADIT_DROP_NONE + 1; i < ADIT_DROP_CNT; i++)
		if (!strcmp(name, adit_drop_name(i)))
			d->drops[i] = v;
}

struct field {
	const char *key;
	size_t offset, size;
};
#define DEVICE(key, field) { key, offsetof(struct adit_show_device, field), sizeof(((struct adit_show_device *)0)->field) }
#define PEER(key, field) { key, offsetof(struct adit_show_peer, field), sizeof(((struct adit_show_peer *)0)->field) }

static const struct field device_fields[] = {
	DEVICE("listen_port", listen_port), DEVICE("fwmark", fwmark), DEVICE("adit_up", up),
	DEVICE("adit_mtu", mtu), DEVICE("adit_threads", threads), DEVICE("adit_rx_bytes", rx_bytes),
	DEVICE("adit_tx_bytes", tx_bytes), DEVICE("adit_rx_datagrams", rx_datagrams),
	DEVICE("adit_tx_datagrams", tx_datagrams), DEVICE("adit_rx_calls", rx_calls),
	DEVICE("adit_tx_calls", tx_calls), DEVICE("adit_tun_reads", tun_reads),
	DEVICE("adit_tun_writes", tun_writes), DEVICE("adit_icmp_errors", icmp_errors),
	DEVICE("adit_sessions", sessions), DEVICE("adit_handshakes_in", handshakes_in),
	DEVICE("adit_handshakes_out", handshakes_out), DEVICE("adit_initiations_sent", initiations_sent),
	DEVICE("adit_cookies_sent", cookies_sent), DEVICE("adit_handshake_queue", handshake_queue),
	DEVICE("adit_under_load", under_load), { 0 },
};

static const struct field peer_fields[] = {
	PEER("last_handshake_time_sec", handshake_sec), PEER("rx_bytes", rx_bytes), PEER("tx_bytes", tx_bytes),
	PEER("persistent_keepalive_interval", keepalive), PEER("adit_session", session),
	PEER("adit_black_hole", black_hole), PEER("adit_last_handshake_age_ms", handshake_age_ms),
	PEER("adit_last_rx_age_ms", last_rx_age_ms), PEER("adit_last_tx_age_ms", last_tx_age_ms),
	PEER("adit_rx_packets", rx_packets), PEER("adit_tx_packets", tx_packets), PEER("adit_rx_lost", rx_lost),
	PEER("adit_rx_reordered", rx_reordered), PEER("adit_handshake_attempts", handshake_attempts), { 0 },
};

static void set_field(const struct field *f, void *to, const char *key, const char *value)
{
	uint64_t v = strtoull(value, NULL, 0);

	for (; f->key; f++) {
		char *at = (char *)to + f->offset;

		if (strcmp(f->key, key) != 0)
			continue;
		if (f->size == 8)
			*(uint64_t *)(void *)at = v;
		else if (f->size == 4)
			*(uint32_t *)(void *)at = (uint32_t)v;
		else if (f->size == 2)
			*(uint16_t *)(void *)at = (uint16_t)v;
		else
			*(bool *)(void *)at = v != 0;
		return;
	}
}

static int device_line(struct reading *r, const char *key, char *value)
{
	struct adit_show_device *d = &r->d;

	if (!strcmp(key, "private_key"))
		return private_key(r, value);
	if (!strcmp(key, "adit_version"))
		copy(d->version, sizeof(d->version), value);
	else if (!strcmp(key, "adit_aead"))
		copy(d->aead, sizeof(d->aead), value);
	else if (!strcmp(key, "adit_offloads_probed"))
		d->offloads_probed = offload_set(value);
	else if (!strcmp(key, "adit_offloads_used"))
		d->offloads_used = offload_set(value);
	else if (!strcmp(key, "adit_note") && d->note_cnt < ADIT_NOTES_MAX)
		copy(d->notes[d->note_cnt++], ADIT_NOTE_LEN, value);
	else if (!strcmp(key, "adit_thread_packets") && d->thread_cnt < ADIT_TUNNEL_THREADS_MAX)
		d->thread_packets[d->thread_cnt++] = strtoull(value, NULL, 10);
	else if (!strncmp(key, "adit_drop_", 10))
		drop_line(d, key + 10, strtoull(value, NULL, 10));
	else
		set_field(device_fields, d, key, value);
	return 0;
}

static int peer_line(struct reading *r, const char *key, char *value)
{
	struct adit_show_peer *p = &r->p;

	if (!strcmp(key, "allowed_ip"))
		return add_allowed(p, value);
	if (!strcmp(key, "endpoint"))
		copy(p->endpoint, sizeof(p->endpoint), value);
	else if (!strcmp(key, "preshared_key"))
		p->has_psk = value[strspn(value, "0")] != 0;
	else
		set_field(peer_fields, p, key, value);
	return 0;
}

static int take_line(void *user, const char *key, char *value)
{
	struct reading *r = user;

	if (!strcmp(key, "public_key"))
		return begin_peer(r, value);
	return r->in_peer ? peer_line(r, key, value) : device_line(r, key, value);
}

/* --- a device ------------------------------------------------------------- */

static int read_device(struct reading *r)
{
	int res = adit_uapi_get(r->d.name, take_line, r);

	if (!res)
		res = end_peer(r);
	free(r->p.allowed);
	if (!r->printer || (res && !r->printed))
		return res;
	print_device(r);
	r->printer->device_end(&r->d);
	return res;
}

static double seconds_since(const struct timespec *then)
{
	struct timespec now;

	clock_gettime(CLOCK_MONOTONIC, &now);
	return (double)(now.tv_sec - then->tv_sec) + (double)(now.tv_nsec - then->tv_nsec) / 1e9;
}

int adit_show_device(const char *ifname, const struct adit_show_printer *printer, bool with_rates, bool first)
{
	struct samples samples = { 0 };
	struct reading before = { .d.name = ifname, .rates = &samples };
	struct reading r = { .printer = printer, .d.name = ifname, .first_device = first };
	int res;

	if (with_rates) {
		clock_gettime(CLOCK_MONOTONIC, &samples.at);
		res = read_device(&before);
		if (res)
			goto out;
		nanosleep(&(struct timespec){ .tv_sec = 1 }, NULL);
		r.rates = &samples;
		r.seconds = seconds_since(&samples.at);
	}
	res = read_device(&r);
out:
	free(samples.s);
	return res;
}
