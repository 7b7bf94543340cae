/* SPDX-License-Identifier: ISC */
/*
 * handshakes.c - how many handshakes a second does a device answer?
 *
 *   handshakes UAPI-SOCKET ADDRESS PORT PID SECONDS
 *
 * It gives the device a private key and PEERS peers over its UAPI socket, and
 * then, as all these peers, keeps WINDOW initiations on their way. A first
 * pass over all peers lets the device compute its static-static secrets, which
 * belong to configuration; then initiations are counted for SECONDS.
 *
 * A responder does, for each handshake: es, ee, se (three multiplications of
 * a point that came from outside) and its ephemeral key (one of the base
 * point). So X25519 alone allows 1 / (3 * variable + base) handshakes a second
 * on one core; both are measured here. `of_x25519` is that time divided by the
 * CPU time the device spent on a handshake, system calls included, so that a
 * program with more threads gains nothing by them.
 *
 * Our own ephemeral key stays the same, which the device cannot notice, and
 * spares the core that it may need. One response in VERIFY_EVERY is checked to
 * its end; a device cannot answer any of them without having done the work.
 */
#include <arpa/inet.h>
#include <dirent.h>
#include <errno.h>
#include <poll.h>
#include <sodium.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <time.h>
#include <unistd.h>

#include "crypto/crypto.h"

#define PEERS        4096
#define WINDOW       64
#define VERIFY_EVERY 64
#define SILENCE_MS   300 /* then what is on its way counts as lost */

#define INITIATION_LEN 148
#define RESPONSE_LEN   92
#define COOKIE_LEN     64

struct peer {
	uint8_t priv[32], pub[32], ss[32];
	uint8_t ck[32], h[32]; /* after the latest initiation */
	uint8_t mac1[16];
};

static struct adit_crypto *crypto;
static struct peer peers[PEERS];
static uint8_t device_priv[32], device_pub[32], ephemeral[32], ephemeral_pub[32], es[32];
static uint8_t ck0[32], h0[32], mac1_key[32], cookie_key[32], cookie[16];
static bool have_cookie;
static uint32_t stamp = 1;

static _Noreturn void die(const char *what)
{
	fprintf(stderr, "handshakes: %s: %s\n", what, strerror(errno));
	exit(1);
}

static double clock_seconds(clockid_t which)
{
	struct timespec ts;

	clock_gettime(which, &ts);
	return (double)ts.tv_sec + (double)ts.tv_nsec / 1e9;
}

static double seconds(void)
{
	return clock_seconds(CLOCK_MONOTONIC);
}

static void hex(char out[65], const uint8_t key[32])
{
	for (int i = 0; i < 32; i++)
		snprintf(out + 2 * i, 3, "%02x", key[i]);
}

static void new_key(uint8_t priv[32], uint8_t pub[32])
{
	adit_random(priv, 32);
	adit_x25519_clamp(priv);
	adit_x25519_public(crypto, pub, priv);
}

static void make_keys(void)
{
	static const char construction[] = "Noise_IKpsk2_25519_ChaChaPoly_BLAKE2s";
	static const char identifier[] = "WireGuard v1 zx2c4 Jason@zx2c4.com";

	new_key(device_priv, device_pub);
	new_key(ephemeral, ephemeral_pub);
	if (!adit_x25519(crypto, es, ephemeral, device_pub))
		die("X25519");
	for (int i = 0; i < PEERS; i++) {
		new_key(peers[i].priv, peers[i].pub);
		if (!adit_x25519(crypto, peers[i].ss, peers[i].priv, device_pub))
			die("X25519");
	}
	adit_hash(crypto, ck0, construction, sizeof(construction) - 1, NULL, 0);
	adit_hash(crypto, h0, ck0, 32, identifier, sizeof(identifier) - 1);
	adit_hash(crypto, h0, h0, 32, device_pub, 32);
	adit_hash(crypto, mac1_key, "mac1----", 8, device_pub, 32);
	adit_hash(crypto, cookie_key, "cookie--", 8, device_pub, 32);
}

static void configure(const char *path, int port)
{
	struct sockaddr_un sa = { .sun_family = AF_UNIX };
	int fd = socket(AF_UNIX, SOCK_STREAM, 0);
	char key[65], reply[256];
	size_t n = 0;
	FILE *f;

	snprintf(sa.sun_path, sizeof(sa.sun_path), "%s", path);
	if (fd < 0 || connect(fd, (struct sockaddr *)&sa, sizeof(sa)) || !(f = fdopen(fd, "r+")))
		die(path);
	hex(key, device_priv);
	fprintf(f, "set=1\nprivate_key=%s\nlisten_port=%d\nreplace_peers=true\n", key, port);
	for (int i = 0; i < PEERS; i++) {
		hex(key, peers[i].pub);
		fprintf(f, "public_key=%s\nallowed_ip=10.200.%d.%d/32\n", key, i / 256, i % 256);
	}
	fprintf(f, "\n");
	if (fflush(f))
		die(path);
	while (n < sizeof(reply) - 1 && read(fd, reply + n, 1) == 1 &&
	       (n++ < 2 || memcmp(reply + n - 2, "\n\n", 2)))
		;
	reply[n] = 0;
	if (strcmp(reply, "errno=0\n\n")) {
		fprintf(stderr, "handshakes: the device refused its configuration: %s\n", reply);
		exit(1);
	}
	fclose(f);
}

static void mix_encrypt(struct peer *p, uint8_t *out, const uint8_t *plain, size_t len,
			const uint8_t secret[32])
{
	uint8_t key[32];

	adit_kdf(crypto, p->ck, key, NULL, p->ck, secret, 32);
	adit_aead_seal(crypto, out, plain, len, p->h, 32, 0, key);
	adit_hash(crypto, p->h, p->h, 32, out, len + ADIT_TAG_LEN);
}

static void put_u32le(uint8_t *p, uint32_t v)
{
	for (int i = 0; i < 4; i++)
		p[i] = (uint8_t)(v >> 8 * i);
}

static uint32_t get_u32le(const uint8_t *p)
{
	return p[0] | (uint32_t)p[1] << 8 | (uint32_t)p[2] << 16 | (uint32_t)p[3] << 24;
}

/* Builds the next initiation of a peer; its index says which peer it was. */
static void initiation(uint8_t msg[INITIATION_LEN], uint32_t index)
{
	struct peer *p = &peers[index];
	uint8_t tai64n[12] = { 0x40 };

	for (int i = 0; i < 4; i++) /* seconds that only grow; the device compares, no more */
		tai64n[4 + i] = (uint8_t)((0x60000000u + stamp) >> (24 - 8 * i));
	memset(msg, 0, INITIATION_LEN);
	msg[0] = 1;
	put_u32le(msg + 4, index);
	memcpy(msg + 8, ephemeral_pub, 32);
	adit_hash(crypto, p->h, h0, 32, ephemeral_pub, 32);
	adit_kdf(crypto, p->ck, NULL, NULL, ck0, ephemeral_pub, 32);
	mix_encrypt(p, msg + 40, p->pub, 32, es);
	mix_encrypt(p, msg + 88, tai64n, 12, p->ss);
	adit_mac(crypto, p->mac1, mac1_key, 32, msg, 116, NULL, 0);
	memcpy(msg + 116, p->mac1, 16);
	if (have_cookie)
		adit_mac(crypto, msg + 132, cookie, 16, msg, 132, NULL, 0);
}

/* The rest of the handshake, as the initiator does it. */
static bool response_is_right(const uint8_t msg[RESPONSE_LEN], const struct peer *from)
{
	static const uint8_t no_psk[32];
	struct peer p = *from;
	uint8_t dh[32], tau[32], key[32], nothing[1];

	adit_hash(crypto, p.h, p.h, 32, msg + 12, 32);
	adit_kdf(crypto, p.ck, NULL, NULL, p.ck, msg + 12, 32);
	if (!adit_x25519(crypto, dh, ephemeral, msg + 12))
		return false;
	adit_kdf(crypto, p.ck, NULL, NULL, p.ck, dh, 32);
	if (!adit_x25519(crypto, dh, p.priv, msg + 12))
		return false;
	adit_kdf(crypto, p.ck, NULL, NULL, p.ck, dh, 32);
	adit_kdf(crypto, p.ck, tau, key, p.ck, no_psk, 32);
	adit_hash(crypto, p.h, p.h, 32, tau, 32);
	return adit_aead_open(crypto, nothing, msg + 44, 16, p.h, 32, 0, key);
}

struct count {
	unsigned long answered, lost, cookies, verified;
};

static void receive(const uint8_t *msg, ssize_t len, struct count *c, unsigned *flying)
{
	uint32_t index;

	if (len == RESPONSE_LEN && msg[0] == 2 && (index = get_u32le(msg + 8)) < PEERS) {
		if (c->answered++ % VERIFY_EVERY == 0) {
			c->verified++;
			if (!response_is_right(msg, &peers[index])) {
				fprintf(stderr, "handshakes: a response is not authentic\n");
				exit(1);
			}
		}
	} else if (len == COOKIE_LEN && msg[0] == 3 && (index = get_u32le(msg + 4)) < PEERS) {
		c->cookies++;
		if (adit_xaead_open(cookie, msg + 32, 32, peers[index].mac1, 16, msg + 8, cookie_key))
			have_cookie = true;
	} else {
		return;
	}
	if (*flying)
		--*flying;
}

/* Sends as long as `until` is ahead and fewer than `most` were sent, and waits for what is on its way. */
static struct count drive(int fd, double until, unsigned long most)
{
	struct pollfd pfd = { .fd = fd, .events = POLLIN };
	static uint32_t next;
	struct count c = { 0 };
	unsigned flying = 0;
	unsigned long sent = 0;
	uint8_t msg[256];
	ssize_t n;

	while (seconds() < until && (sent < most || flying)) {
		while (flying < WINDOW && sent < most) {
			initiation(msg, next);
			if (send(fd, msg, INITIATION_LEN, 0) != INITIATION_LEN && errno != ECONNREFUSED)
				die("send");
			flying++;
			sent++;
			next = (next + 1) % PEERS;
			stamp += next == 0;
		}
		if (poll(&pfd, 1, SILENCE_MS) == 0) {
			c.lost += flying;
			flying = 0;
		}
		while ((n = recv(fd, msg, sizeof(msg), MSG_DONTWAIT)) > 0)
			receive(msg, n, &c, &flying);
	}
	return c;
}

/* CPU time of all threads of a process, in seconds. */
static double cpu_of(const char *pid)
{
	char path[64], file[400];
	unsigned long long ns, sum = 0;
	struct dirent *e;
	DIR *d;

	snprintf(path, sizeof(path), "/proc/%.10s/task", pid);
	if (!(d = opendir(path)))
		die(path);
	while ((e = readdir(d))) {
		snprintf(file, sizeof(file), "%s/%s/schedstat", path, e->d_name);
		FILE *f = e->d_name[0] == '.' ? NULL : fopen(file, "r");

		if (f && fscanf(f, "%llu", &ns) == 1)
			sum += ns;
		if (f)
			fclose(f);
	}
	closedir(d);
	return (double)sum / 1e9;
}

/* CPU seconds of one multiplication, of a received point or of the base point, by the fastest packaged
 * library (libsodium: no key objects around it), whatever the programs under test use. */
static double x25519_seconds(bool base)
{
	double began = clock_seconds(CLOCK_PROCESS_CPUTIME_ID), now = began;
	uint8_t out[32];
	unsigned n = 0;

	for (; now - began < 0.2; n++, now = clock_seconds(CLOCK_PROCESS_CPUTIME_ID)) {
		if (base ? crypto_scalarmult_base(out, ephemeral) :
			   crypto_scalarmult(out, ephemeral, device_pub))
			die("X25519");
	}
	return (now - began) / n;
}

int main(int argc, char **argv)
{
	struct sockaddr_in sa = { .sin_family = AF_INET };
	double variable, base, cpu, began, wall, each;
	struct count warm, c;
	int fd;

	if (argc != 6) {
		fprintf(stderr, "usage: handshakes UAPI-SOCKET ADDRESS PORT PID SECONDS\n");
		return 2;
	}
	if (adit_crypto_new(&crypto, "openssl"))
		die("crypto");
	make_keys();
	configure(argv[1], atoi(argv[3]));
	sa.sin_port = htons((uint16_t)atoi(argv[3]));
	fd = socket(AF_INET, SOCK_DGRAM, 0);
	if (inet_pton(AF_INET, argv[2], &sa.sin_addr) != 1 || fd < 0 ||
	    connect(fd, (struct sockaddr *)&sa, sizeof(sa)))
		die(argv[2]);
	variable = x25519_seconds(false) / 2;
	base = x25519_seconds(true) / 2;
	warm = drive(fd, seconds() + 10, PEERS);
	cpu = cpu_of(argv[4]);
	began = seconds();
	c = drive(fd, began + atof(argv[5]), -1UL);
	wall = seconds() - began;
	cpu = cpu_of(argv[4]) - cpu;
	variable += x25519_seconds(false) / 2; /* before and after: machines drift */
	base += x25519_seconds(true) / 2;
	if (!c.answered) {
		fprintf(stderr,
			"handshakes: nothing was answered (%lu and %lu cookie replies in the first pass)\n",
			warm.answered, warm.cookies);
		return 1;
	}
	each = cpu / (double)c.answered;
	printf("{\"per_second\": %.1f, \"answered\": %lu, \"verified\": %lu, \"lost\": %lu, "
	       "\"cookie_replies\": %lu, "
	       "\"seconds\": %.3f, \"cpu_us_each\": %.2f, \"x25519_variable_us\": %.2f, \"x25519_base_us\": "
	       "%.2f, "
	       "\"x25519_allows\": %.1f, \"of_x25519\": %.4f, \"first_pass_answered\": %lu}\n",
	       (double)c.answered / wall, c.answered, c.verified, c.lost, c.cookies, wall, each * 1e6,
	       variable * 1e6, base * 1e6, 1 / (3 * variable + base), (3 * variable + base) / each,
	       warm.answered);
	adit_crypto_free(crypto);
	return 0;
}
