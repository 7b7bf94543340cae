/* SPDX-License-Identifier: ISC */
/* bundle_hide.c - takes keys, addresses and names out of text that goes to strangers */
#include "agent/bundle_hide.h"

#include <ctype.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

#include "base/addr.h"

#define HEX      "0123456789abcdefABCDEF"
#define DIGITS   "0123456789"
#define LETTERS  "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz"
#define BASE64   LETTERS DIGITS "+/"
#define KEY_LEN  43 /* of base64, without its '=' */
#define HEX_LEN  32
#define BUCKETS  4096u

struct hidden {
	struct hidden *next;
	enum agent_hidden kind;
	unsigned number;
	bool shy; /* hidden only where nothing but a name can stand */
	char text[];
};

struct agent_hide {
	struct hidden *bucket[BUCKETS];
	unsigned cnt[AGENT_HIDE_KINDS];
	bool failed;
};

static const char *const kinds[AGENT_HIDE_KINDS] = {
	[AGENT_HIDE_KEY] = "key",	   [AGENT_HIDE_MAC] = "mac",
	[AGENT_HIDE_V4] = "ipv4",	   [AGENT_HIDE_V4_PRIVATE] = "ipv4-private",
	[AGENT_HIDE_V6] = "ipv6",	   [AGENT_HIDE_V6_ULA] = "ipv6-local",
	[AGENT_HIDE_V6_LINK] = "ipv6-link", [AGENT_HIDE_HOST] = "host",
	[AGENT_HIDE_NETWORK] = "network",  [AGENT_HIDE_PEER] = "peer",
	[AGENT_HIDE_LINK] = "link",	   [AGENT_HIDE_USER] = "user",
	[AGENT_HIDE_NAME] = "name",
};

/* --- pseudonyms ------------------------------------------------------------------ */

struct agent_hide *agent_hide_new(void)
{
	return calloc(1, sizeof(struct agent_hide));
}

void agent_hide_free(struct agent_hide *h)
{
	for (size_t i = 0; h && i < BUCKETS; i++) {
		while (h->bucket[i]) {
			struct hidden *next = h->bucket[i]->next;

			free(h->bucket[i]);
			h->bucket[i] = next;
		}
	}
	free(h);
}

bool agent_hide_failed(const struct agent_hide *h)
{
	return h->failed;
}

static struct hidden **place(struct agent_hide *h, const char *text, size_t len)
{
	uint32_t sum = 2166136261u;
	struct hidden **at;

	for (size_t i = 0; i < len; i++)
		sum = (sum ^ (uint8_t)tolower((unsigned char)text[i])) * 16777619u;
	for (at = &h->bucket[sum % BUCKETS]; *at; at = &(*at)->next)
		if (!strncasecmp((*at)->text, text, len) && !(*at)->text[len])
			break;
	return at;
}

static const struct hidden *hide(struct agent_hide *h, enum agent_hidden kind, const char *text, size_t len)
{
	struct hidden **at = place(h, text, len);

	if (*at)
		return *at;
	*at = calloc(1, sizeof(**at) + len + 1);
	if (!*at) {
		h->failed = true;
		return NULL;
	}
	(*at)->kind = kind;
	(*at)->number = ++h->cnt[kind];
	memcpy((*at)->text, text, len);
	return *at;
}

static void print_hidden(FILE *out, const struct hidden *hidden)
{
	if (hidden)
		fprintf(out, "%s-%u", kinds[hidden->kind], hidden->number);
}

/* --- words -------------------------------------------------------------------------- */

/* What stands in configurations, paths and answers anyway, and tells nothing about anybody. */
static bool is_ours(const char *word, size_t len)
{
	static const char *const words[] = {
		"adit", "agent", "allow", "any", "auto", "block", "bin", "com", "conf", "control", "daemon", "debug", "default",
		"dev", "dns", "error", "etc", "false", "file", "forward", "hidden", "home", "http", "https", "info", "json", "key",
		"keys", "lib", "localhost", "main", "mixed", "network", "nobody", "no", "none", "null", "off", "on", "open", "opt",
		"peer", "peers", "private", "proc", "psk", "public", "refuse", "resolvconf", "resolved", "root", "run", "share",
		"sni", "sock", "socket", "socks5", "srv", "stack", "state", "static", "status", "sys", "tcp", "tmp", "toml", "true",
		"txt", "udp", "unix", "up", "user", "usr", "var", "warning", "wireguard", "yes",
	};

	for (size_t i = 0; i < sizeof(words) / sizeof(words[0]); i++)
		if (strlen(words[i]) == len && !strncasecmp(words[i], word, len))
			return true;
	return false;
}

static bool in_word(unsigned char c)
{
	return isalnum(c) || c == '_' || c == '-' || c >= 0x80;
}

static size_t word_len(const char *p)
{
	size_t n = 0;

	while (in_word((unsigned char)p[n]))
		n++;
	return n;
}

/* Words with dots between them. */
static size_t dotted_len(const char *p)
{
	size_t n = word_len(p);

	while (n && p[n] == '.' && in_word((unsigned char)p[n + 1]))
		n += 1 + word_len(p + n + 1);
	return n;
}

static bool has_letter(const char *p, size_t len)
{
	for (size_t i = 0; i < len; i++)
		if (isalpha((unsigned char)p[i]) || (unsigned char)p[i] >= 0x80)
			return true;
	return false;
}

/* In running text it may be any word, number or letter. */
static bool is_shy(const char *word, size_t len)
{
	return len < 2 || !has_letter(word, len) || is_ours(word, len);
}

void agent_hide_learn(struct agent_hide *h, enum agent_hidden kind, const char *text)
{
	while (*text) {
		size_t dotted = dotted_len(text), len = word_len(text);

		if (len < dotted && has_letter(text, dotted))
			hide(h, kind, text, dotted);
		if (len && !is_shy(text, len))
			hide(h, kind, text, len);
		text += len ? len : 1;
	}
}

static const struct hidden *hide_name(struct agent_hide *h, enum agent_hidden kind, const char *text, size_t len, bool shy)
{
	bool is_new = !*place(h, text, len);
	const struct hidden *ret = hide(h, kind, text, len);

	if (ret && is_new)
		(*place(h, text, len))->shy = shy;
	return ret;
}

void agent_hide_learn_name(struct agent_hide *h, enum agent_hidden kind, const char *text)
{
	bool shy = false;

	agent_hide_learn(h, kind, text);
	for (const char *p = text; *p; p += word_len(p) ? word_len(p) : 1)
		shy |= word_len(p) && is_shy(p, word_len(p));
	if (shy)
		hide_name(h, kind, text, strlen(text), true);
}

void agent_hide_learn_link(struct agent_hide *h, const char *name)
{
	static const char *const usual[] = { "lo", "eth", "wg", "tun", "tap", "adit", "veth", "br", "docker", "virbr", "bond", "ppp",
					     "wwan", "wlan", "sit", "dummy" };
	size_t len;

	for (size_t i = 0; i < sizeof(usual) / sizeof(usual[0]); i++) {
		len = strlen(usual[i]);
		if (!strncmp(name, usual[i], len) && strspn(name + len, DIGITS) == strlen(name + len))
			return;
	}
	/* enp3s0, wlp2s0, eno1 */
	if ((!strncmp(name, "en", 2) || !strncmp(name, "wl", 2)) && strspn(name + 2, "opsfdn" DIGITS) == strlen(name + 2))
		return;
	agent_hide_learn_name(h, AGENT_HIDE_LINK, name);
}

/* --- what is known by its looks: each returns how much of p it has printed, 0 = not its kind ----- */

static size_t print_key(struct agent_hide *h, FILE *out, const char *p)
{
	size_t hex = strspn(p, HEX), base64 = strspn(p, BASE64), plain = word_len(p);
	size_t len = 0;

	if (base64 >= KEY_LEN && p[base64] == '=')
		len = base64 + strspn(p + base64, "=");
	else if (hex >= HEX_LEN && !in_word((unsigned char)p[hex]))
		len = hex;
	else if (plain >= KEY_LEN - 3 && strspn(p, BASE64 "_-") >= plain && strcspn(p, DIGITS) < plain)
		len = plain;
	if (len)
		print_hidden(out, hide(h, AGENT_HIDE_KEY, p, len));
	return len;
}

static enum agent_hidden kind_of(const struct adit_addr *a)
{
	const uint8_t *b = a->bytes;

	if (a->family == 4)
		return b[0] == 10 || (b[0] == 172 && (b[1] & 0xf0) == 16) || (b[0] == 192 && b[1] == 168) ||
		       (b[0] == 100 && (b[1] & 0xc0) == 64) || (b[0] == 169 && b[1] == 254) ? AGENT_HIDE_V4_PRIVATE : AGENT_HIDE_V4;
	return (b[0] & 0xfe) == 0xfc ? AGENT_HIDE_V6_ULA : b[0] == 0xfe && (b[1] & 0xc0) == 0x80 ? AGENT_HIDE_V6_LINK :
	       AGENT_HIDE_V6;
}

/* Everybody's: unspecified, loopback, multicast, halves of everything, fe80:: itself. */
static bool is_everybodys(const struct adit_addr *a)
{
	static const uint8_t zero[16];
	const uint8_t *b = a->bytes;

	if (a->family == 4)
		return !memcmp(b + 1, zero, 3) ? b[0] == 0 || b[0] == 128 || b[0] >= 224 : b[0] == 127 || b[0] >= 224;
	return b[0] == 0xff || !memcmp(b + 1, zero, 15) || (!memcmp(b, zero, 15) && b[15] == 1) ||
	       (b[0] == 0xfe && b[1] == 0x80 && !memcmp(b + 2, zero, 14));
}

static bool print_addr(struct agent_hide *h, FILE *out, const char *p, size_t len)
{
	char text[ADIT_ADDR_STRLEN], clean[ADIT_ADDR_STRLEN];
	struct adit_addr a;

	if (len >= sizeof(text))
		return false;
	memcpy(text, p, len);
	text[len] = '\0';
	if (adit_addr_parse(&a, text))
		return false;
	if (is_everybodys(&a)) {
		fwrite(p, 1, len, out);
	} else {
		adit_addr_format(&a, clean);
		print_hidden(out, hide(h, kind_of(&a), clean, strlen(clean)));
	}
	return true;
}

static size_t print_mac(struct agent_hide *h, FILE *out, const char *p)
{
	size_t i;

	for (i = 0; i < 17; i++)
		if (i % 3 == 2 ? p[i] != ':' : !isxdigit((unsigned char)p[i]))
			return 0;
	if (in_word((unsigned char)p[17]) || p[17] == ':')
		return 0;
	if (strncmp(p, "00:00:00:00:00:00", 17) && strncasecmp(p, "ff:ff:ff:ff:ff:ff", 17))
		print_hidden(out, hide(h, AGENT_HIDE_MAC, p, 17));
	else
		fwrite(p, 1, 17, out);
	return 17;
}

static size_t print_address(struct agent_hide *h, FILE *out, const char *p)
{
	size_t v6 = strspn(p, HEX ":"), v4 = strspn(p, DIGITS "."), len;

	if (memchr(p, ':', v6)) {
		len = strspn(p, HEX ":.");
		while (len && p[len - 1] == '.')
			len--;
		/* "fd00::1:" ends a clause, and "::" ends an address */
		for (; len > 2; len = len > v6 ? v6 : len - 1) {
			if (print_addr(h, out, p, len))
				return len;
			if (p[len - 1] != ':' && len <= v6)
				break;
		}
		if (v6 == 2 && print_addr(h, out, p, 2))
			return 2;
	}
	while (v4 && p[v4 - 1] == '.')
		v4--;
	return v4 >= 7 && print_addr(h, out, p, v4) ? v4 : 0;
}

/* The last part of a host's name is a word, and not how files of this machine end. */
static bool looks_like_host(const char *p, size_t len)
{
	static const char *const ends[] = { "c", "conf", "gz", "h", "journal", "json", "key", "lock", "log", "md", "new", "pcapng",
					    "psk", "service", "sh", "so", "sock", "socket", "toml", "txt", "rp_filter" };
	const char *end = p + len, *last = end;

	while (last > p && last[-1] != '.')
		last--;
	if (last == p || end - last < 2 || !has_letter(p, len) || !strncmp(p, "net.ipv", 7) || memchr(last, '_', (size_t)(end - last)))
		return false;
	for (size_t i = 0; i < sizeof(ends) / sizeof(ends[0]); i++)
		if (strlen(ends[i]) == (size_t)(end - last) && !strncmp(ends[i], last, (size_t)(end - last)))
			return false;
	return isalpha((unsigned char)*last);
}

static bool print_known(struct agent_hide *h, FILE *out, const char *p, size_t len)
{
	const struct hidden *known = *place(h, p, len);

	if (!known || known->shy)
		return false;
	print_hidden(out, known);
	return true;
}

/* Words behind which a name stands. */
static bool follows_kind(const char *begin, const char *p)
{
	static const char *const before[] = { "network ", "networks ", "peer ", "dev " };

	for (size_t i = 0; i < sizeof(before) / sizeof(before[0]); i++) {
		size_t len = strlen(before[i]);

		if ((size_t)(p - begin) >= len && !memcmp(p - len, before[i], len) &&
		    ((size_t)(p - begin) == len || !in_word((unsigned char)p[-(ptrdiff_t)len - 1])))
			return true;
	}
	return false;
}

static size_t print_shy(struct agent_hide *h, FILE *out, const char *p, size_t len)
{
	const struct hidden *known = *place(h, p, len);

	if (!known || !known->shy)
		return 0;
	print_hidden(out, known);
	return len;
}

/* One part of p: a name that is known, an address in a file's name, or a word between hyphens. */
static size_t print_part(struct agent_hide *h, FILE *out, const char *p)
{
	size_t len = word_len(p), plain = 0;

	if (len && print_known(h, out, p, len))
		return len;
	len = print_address(h, out, p);
	if (len)
		return len;
	while (in_word((unsigned char)p[plain]) && p[plain] != '-')
		plain++;
	if (!plain || !print_known(h, out, p, plain))
		fwrite(p, 1, plain ? plain : 1, out);
	return plain ? plain : 1;
}

static size_t print_word(struct agent_hide *h, FILE *out, const char *p)
{
	static const char table[] = "network.";
	size_t len = dotted_len(p), at = 0;

	if (print_known(h, out, p, len))
		return len;
	if (len > sizeof(table) - 1 && !strncmp(p, table, sizeof(table) - 1)) { /* a key of the configuration */
		const char *name = p + sizeof(table) - 1;
		size_t n = word_len(name);

		fwrite(table, 1, sizeof(table) - 1, out);
		print_hidden(out, hide_name(h, AGENT_HIDE_NETWORK, name, n, is_shy(name, n)));
		at = sizeof(table) - 1 + n;
	} else if (looks_like_host(p, len)) {
		print_hidden(out, hide(h, AGENT_HIDE_HOST, p, len));
		return len;
	}
	while (at < len)
		at += print_part(h, out, p + at);
	return at;
}

/* \n and the like in JSON do not belong to the word behind them. */
static size_t print_escape(FILE *out, const char *p)
{
	size_t n = p[0] != '\\' || !p[1] ? 0 : p[1] == 'u' && strlen(p) > 6 ? 6 : 2;

	fwrite(p, 1, n, out);
	return n;
}

/* --- names in JSON ---------------------------------------------------------------- */

struct json_place {
	bool inside;  /* of a string */
	char key[12]; /* the last one, cut off */
	unsigned depth, networks; /* braces, and those around the keys of "network"; 0 = not there */
};

static bool is_name(const struct json_place *at, bool key)
{
	static const char *const keys[] = { "name", "network", "networks", "interface", "peer" };

	if (key)
		return at->networks && at->depth == at->networks;
	for (size_t i = 0; i < sizeof(keys) / sizeof(keys[0]); i++)
		if (!strcmp(at->key, keys[i]))
			return true;
	return false;
}

/* p is behind the mark that opens a string. Prints it if it is a shy name. */
static size_t print_string(struct agent_hide *h, FILE *out, const char *p, struct json_place *at)
{
	size_t len = strcspn(p, "\"\\\n");
	bool key = p[len] == '"' && p[len + 1 + strspn(p + len + 1, " ")] == ':';
	size_t done = p[len] == '"' && is_name(at, key) ? print_shy(h, out, p, len) : 0;

	if (key)
		snprintf(at->key, sizeof(at->key), "%.*s", (int)(len < sizeof(at->key) ? len : sizeof(at->key)), p);
	return done;
}

/* A mark of JSON; in other text what it says of the place does no harm. */
static size_t print_mark(struct agent_hide *h, FILE *out, const char *p, struct json_place *at)
{
	switch (*p) {
	case '"':
		at->inside = !at->inside;
		break;
	case '\n':
		at->inside = false;
		break;
	case '{':
		at->depth += !at->inside;
		if (!at->inside && !at->networks && !strcmp(at->key, "network"))
			at->networks = at->depth;
		break;
	case '}':
		if (!at->inside && at->depth == at->networks)
			at->networks = 0;
		at->depth -= !at->inside && at->depth;
		at->key[0] = '\0';
		break;
	}
	fputc(*p, out);
	return 1 + (*p == '"' && at->inside ? print_string(h, out, p + 1, at) : 0);
}

void agent_hide_text(struct agent_hide *h, FILE *out, const char *text)
{
	const char *begin = text;
	struct json_place at = { 0 };
	size_t n;

	while (*text) {
		if (text[0] == '/' && !strncmp(text, "/home/", 6) && (n = word_len(text + 6)) > 0)
			hide(h, AGENT_HIDE_USER, text + 6, n);
		n = print_escape(out, text);
		if (!n)
			n = print_key(h, out, text);
		if (!n)
			n = print_mac(h, out, text);
		if (!n)
			n = print_address(h, out, text);
		if (!n && follows_kind(begin, text))
			n = print_shy(h, out, text, word_len(text));
		if (!n && in_word((unsigned char)*text))
			n = print_word(h, out, text);
		if (!n)
			n = print_mark(h, out, text, &at);
		text += n;
	}
}
