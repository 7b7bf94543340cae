/* SPDX-License-Identifier: ISC */
/*
 * up_save.c - the running state back into its wg-quick file: `adit save`, and
 * `adit down` where the file says SaveConfig = true. The device says its keys and
 * peers, the link its addresses and MTU; the rest is taken over from the file.
 */
#include "device/device.h"

#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/exit.h"
#include "crypto/crypto.h"
#include "crypto/keytext.h"
#include "device/uapi_client.h"
#include "device/up_device.h"
#include "device/up_internal.h"
#include "host/replace.h"

struct save {
	const struct up *up;
	const struct adit_quickconf *conf;
	struct adit_link link;
	uint32_t chosen_mark; /* not the file's: chosen again next time */
	FILE *f;
	uint8_t private_key[ADIT_KEY_LEN];
	uint64_t listen_port, fwmark;
	bool device_done; /* its lines are written: peers follow */
	bool first_allowed;
	uint64_t keepalive; /* of the peer being written */
	char endpoint[80];
};

/* --- what wg-quick knows ------------------------------------------------------ */

static void write_address(void *user, unsigned index, const struct adit_prefix *addr)
{
	char buf[ADIT_PREFIX_STRLEN];
	struct save *s = user;

	if (index == s->link.index)
		fprintf(s->f, "Address = %s\n", adit_prefix_format(addr, buf));
}

static void write_extras(const struct save *s, enum adit_quick_extra_kind kind)
{
	size_t i;

	for (i = 0; i < s->conf->extra_cnt; i++)
		if (s->conf->extra[i].kind == kind)
			fprintf(s->f, "%s = %s\n", adit_quick_extra_name(kind), s->conf->extra[i].value);
}

static int write_interface(struct save *s)
{
	int r;

	fputs("[Interface]\n", s->f);
	r = adit_addr_list(s->up->nl, write_address, s);
	if (r)
		return r;
	write_extras(s, ADIT_QUICK_DNS);
	if (s->conf->mtu)
		fprintf(s->f, "MTU = %u\n", s->link.mtu);
	if (s->conf->table == ADIT_QUICK_TABLE_OFF)
		fputs("Table = off\n", s->f);
	else if (s->conf->table == ADIT_QUICK_TABLE_NUMBER)
		fprintf(s->f, "Table = %" PRIu32 "\n", s->conf->table_number);
	write_extras(s, ADIT_QUICK_SAVE_CONFIG);
	write_extras(s, ADIT_QUICK_PRE_UP);
	write_extras(s, ADIT_QUICK_POST_UP);
	write_extras(s, ADIT_QUICK_PRE_DOWN);
	write_extras(s, ADIT_QUICK_POST_DOWN);
	return 0;
}

/* --- what the device says -------------------------------------------------------- */

static void write_key(FILE *f, const char *name, const uint8_t key[ADIT_KEY_LEN])
{
	char text[ADIT_KEY_BASE64_LEN + 1];

	if (adit_is_zero(key, ADIT_KEY_LEN))
		return;
	adit_key_to_base64(text, key);
	fprintf(f, "%s = %s\n", name, text);
	adit_wipe(text, sizeof(text));
}

static void end_device(struct save *s)
{
	if (s->device_done)
		return;
	s->device_done = true;
	if (s->listen_port)
		fprintf(s->f, "ListenPort = %" PRIu64 "\n", s->listen_port);
	if (s->fwmark && (s->conf->fwmark || s->fwmark != s->chosen_mark))
		fprintf(s->f, "FwMark = 0x%" PRIx64 "\n", s->fwmark);
	/* What the device has lost is not lost in the file, too. */
	write_key(s->f, "PrivateKey",
		  adit_is_zero(s->private_key, ADIT_KEY_LEN) ? s->conf->private_key : s->private_key);
}

static void end_peer(struct save *s)
{
	if (!s->first_allowed)
		fputc('\n', s->f);
	s->first_allowed = true;
	if (s->endpoint[0])
		fprintf(s->f, "Endpoint = %s\n", s->endpoint);
	if (s->keepalive)
		fprintf(s->f, "PersistentKeepalive = %" PRIu64 "\n", s->keepalive);
	s->endpoint[0] = '\0';
	s->keepalive = 0;
}

static int hex_key(struct save *s, const char *name, const char *value)
{
	uint8_t key[ADIT_KEY_LEN];

	if (!adit_key_from_hex(key, value, strlen(value)))
		return -EPROTO;
	write_key(s->f, name, key);
	adit_wipe(key, sizeof(key));
	return 0;
}

static int begin_peer(struct save *s, const char *value)
{
	if (s->device_done)
		end_peer(s);
	else
		end_device(s);
	s->first_allowed = true;
	fputs("\n[Peer]\n", s->f);
	return hex_key(s, "PublicKey", value);
}

static int device_line(struct save *s, const char *key, const char *value)
{
	if (!strcmp(key, "private_key"))
		return adit_key_from_hex(s->private_key, value, strlen(value)) ? 0 : -EPROTO;
	if (!strcmp(key, "listen_port"))
		s->listen_port = strtoull(value, NULL, 10);
	else if (!strcmp(key, "fwmark"))
		s->fwmark = strtoull(value, NULL, 0);
	return 0;
}

static int take_line(void *user, const char *key, char *value)
{
	struct save *s = user;

	if (!strcmp(key, "public_key"))
		return begin_peer(s, value);
	if (!s->device_done)
		return device_line(s, key, value);
	if (!strcmp(key, "preshared_key"))
		return hex_key(s, "PresharedKey", value);
	if (!strcmp(key, "endpoint")) {
		snprintf(s->endpoint, sizeof(s->endpoint), "%s", value);
	} else if (!strcmp(key, "persistent_keepalive_interval")) {
		s->keepalive = strtoull(value, NULL, 10);
	} else if (!strcmp(key, "allowed_ip")) {
		fprintf(s->f, "%s%s", s->first_allowed ? "AllowedIPs = " : ", ", value);
		s->first_allowed = false;
	}
	return 0;
}

static int write_all(FILE *f, const void *what)
{
	struct save *s = (struct save *)what;
	bool peers;
	int r;

	s->f = f;
	r = write_interface(s);
	if (!r)
		r = adit_uapi_get(s->up->name, take_line, s);
	if (r)
		return r;
	peers = s->device_done;
	end_device(s);
	if (peers)
		end_peer(s);
	return 0;
}

/* --- the two ways to it --------------------------------------------------------------- */

int up_save(const struct up *up, const struct adit_quickconf *conf, uint32_t chosen_mark)
{
	struct save *s = calloc(1, sizeof(*s));
	int r = s ? 0 : -ENOMEM;

	if (!r) {
		s->up = up;
		s->conf = conf;
		s->chosen_mark = chosen_mark;
		s->first_allowed = true;
		r = adit_link_find(up->nl, up->name, &s->link);
	}
	if (!r)
		r = adit_file_replace(up->file, write_all, s);
	if (s)
		adit_wipe(s, sizeof(*s));
	free(s);
	/* killed a moment ago, its socket still takes connections */
	if (r == -ECONNRESET || r == -ECONNREFUSED || r == -EPIPE || r == -ENOENT || r == -ENODEV)
		return -ESRCH;
	return r ? up_fail_errno(up, "cannot save the running state; the file is as it was", r) : 0;
}

static int check_device(const struct up *up, const struct up_record *record)
{
	int made = adit_up_made(up->name);

	if (made == -ESRCH)
		return up_fail(up, "is not up (no WireGuard device of this name answers)");
	if (!made || (made < 0 && !record->found))
		return up_fail(up, "adit up did not make this interface; the file is as it was");
	return 0;
}

int adit_save_main(int argc, char **argv)
{
	struct adit_quickconf *conf = NULL;
	struct up up = { 0 };
	struct up_record record;
	int status = up_read_arguments(&up, argc, argv, "adit save", UP_STATE_DIR);

	if (!status)
		status = up_real_path(&up);
	if (!status)
		status = up_read_config(&up, &conf);
	if (!status) {
		up_record_look(&up, &record);
		status = check_device(&up, &record);
	}
	if (!status)
		status = up_open_host(&up);
	if (!status) {
		status = up_save(&up, conf, record.mark);
		if (status == -ESRCH)
			status = up_fail(&up, "is not up (its WireGuard device has just ended)");
	}
	up_close_host(&up);
	adit_quickconf_free(conf);
	return status;
}
