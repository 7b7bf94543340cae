/* SPDX-License-Identifier: ISC */
/*
 * initiator.c - a black box that is many peers at once, for the tests
 *
 *   initiator keys COUNT
 *       prints lines: PRIVATE PUBLIC (base64)
 *   initiator connect ADDRESS PORT DEVICE_PUBLIC INNER_TARGET < lines: PRIVATE INNER_ADDRESS
 *       is all these peers from one socket: for each a handshake, an ICMP echo request through the
 *       tunnel, and its answer. One line of JSON: peers, handshakes, answers.
 *   initiator session ...
 *       the same, and then for each peer a line in hex of what the device must keep secret: the key it
 *       receives with, the key it sends with, and the chaining key from which both came.
 *
 * It shares no code with the program under test: Noise_IKpsk2 is written out here once more, over
 * OpenSSL, for an initiator without a PSK. At most WINDOW peers are under way at a time, so that the
 * device is rarely under load: there is no cookie here, only another try a second later.
 */
#include <arpa/inet.h>
#include <openssl/evp.h>
#include <openssl/rand.h>
#include <poll.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <time.h>
#include <unistd.h>

#define WINDOW   64
#define TRIES    20
#define RETRY_MS 1000
#define ECHO_LEN 96 /* an IPv4 echo of 84 bytes, padded */

struct peer {
	uint8_t priv[32], pub[32], ephemeral[32], ck[32], h[32], send[32], recv[32];
	uint32_t inner, device_index;
	unsigned tries;
	int64_t sent_ms;
	enum { IDLE, INITIATED, ASKED, ANSWERED, FAILED } state;
};

static struct peer *peers;
static unsigned peer_cnt, handshakes, answers;
static uint8_t device[32];
static uint32_t target;
static int fd;

static _Noreturn void die(const char *what)
{
	fprintf(stderr, "initiator: %s\n", what);
	exit(1);
}

static int64_t now_ms(void)
{
	struct timespec ts;

	clock_gettime(CLOCK_MONOTONIC, &ts);
	return ts.tv_sec * INT64_C(1000) + ts.tv_nsec / 1000000;
}

/* ---- cryptography ---- */

/* HASH of up to two parts */
static void hash(uint8_t out[32], const void *a, size_t a_len, const void *b, size_t b_len)
{
	EVP_MD_CTX *c = EVP_MD_CTX_new();

	if (!c || EVP_DigestInit_ex(c, EVP_blake2s256(), NULL) != 1 || EVP_DigestUpdate(c, a, a_len) != 1 ||
	    EVP_DigestUpdate(c, b, b_len) != 1 || EVP_DigestFinal_ex(c, out, NULL) != 1)
		die("BLAKE2s");
	EVP_MD_CTX_free(c);
}

static void hmac(uint8_t out[32], const uint8_t key[32], const void *in, size_t len)
{
	uint8_t inner[64], outer[64], t[32];
	unsigned i;

	for (i = 0; i < 64; i++) {
		inner[i] = (uint8_t)((i < 32 ? key[i] : 0) ^ 0x36);
		outer[i] = (uint8_t)((i < 32 ? key[i] : 0) ^ 0x5c);
	}
	hash(t, inner, 64, in, len);
	hash(out, outer, 64, t, 32);
}

/* HKDF with up to three outputs; unwanted ones are NULL. out1 may be ck. */
static void kdf(uint8_t *out1, uint8_t *out2, uint8_t *out3, const uint8_t ck[32], const void *in, size_t len)
{
	uint8_t prk[32], block[33], first[32];

	hmac(prk, ck, in, len);
	block[0] = 1;
	hmac(first, prk, block, 1);
	memcpy(block, first, 32);
	block[32] = 2;
	if (out2) {
		hmac(out2, prk, block, 33);
		memcpy(block, out2, 32);
		block[32] = 3;
	}
	if (out3)
		hmac(out3, prk, block, 33);
	memcpy(out1, first, 32);
}

static void base_point(uint8_t pub[32], const uint8_t priv[32])
{
	EVP_PKEY *k = EVP_PKEY_new_raw_private_key(EVP_PKEY_X25519, NULL, priv, 32);
	size_t len = 32;

	if (!k || EVP_PKEY_get_raw_public_key(k, pub, &len) != 1)
		die("X25519");
	EVP_PKEY_free(k);
}

static void dh(uint8_t out[32], const uint8_t priv[32], const uint8_t pub[32])
{
	EVP_PKEY *a = EVP_PKEY_new_raw_private_key(EVP_PKEY_X25519, NULL, priv, 32);
	EVP_PKEY *b = EVP_PKEY_new_raw_public_key(EVP_PKEY_X25519, NULL, pub, 32);
	EVP_PKEY_CTX *c = a ? EVP_PKEY_CTX_new(a, NULL) : NULL;
	size_t len = 32;

	if (!b || !c || EVP_PKEY_derive_init(c) != 1 || EVP_PKEY_derive_set_peer(c, b) != 1 ||
	    EVP_PKEY_derive(c, out, &len) != 1)
		die("X25519");
	EVP_PKEY_CTX_free(c);
	EVP_PKEY_free(a);
	EVP_PKEY_free(b);
}

/* ChaCha20-Poly1305; the tag follows the text. Opening returns false for a wrong tag. */
static bool aead(bool seal, uint8_t *out, const uint8_t *in, size_t len, const uint8_t key[32], uint64_t counter,
		 const uint8_t *aad, size_t aad_len)
{
	EVP_CIPHER_CTX *c = EVP_CIPHER_CTX_new();
	uint8_t nonce[12] = { 0 };
	size_t text = seal ? len : len - 16;
	bool good;
	int n;

	memcpy(nonce + 4, &counter, 8); /* little-endian hosts only, like the rest of the lab */
	good = c && EVP_CipherInit_ex(c, EVP_chacha20_poly1305(), NULL, key, nonce, seal) == 1 &&
	       (seal || EVP_CIPHER_CTX_ctrl(c, EVP_CTRL_AEAD_SET_TAG, 16, (void *)(in + text)) == 1) &&
	       (!aad_len || EVP_CipherUpdate(c, NULL, &n, aad, (int)aad_len) == 1) &&
	       EVP_CipherUpdate(c, out, &n, in, (int)text) == 1 && EVP_CipherFinal_ex(c, out + text, &n) == 1 &&
	       (!seal || EVP_CIPHER_CTX_ctrl(c, EVP_CTRL_AEAD_GET_TAG, 16, out + text) == 1);
	EVP_CIPHER_CTX_free(c);
	return good;
}

/* keyed BLAKE2s-128 by hand: OpenSSL has it as a MAC */
static void mac1(uint8_t out[16], const uint8_t *message, size_t len)
{
	uint8_t key[32];
	size_t n = 0;

	hash(key, "mac1----", 8, device, 32);
	size_t size = 16;
	OSSL_PARAM params[] = { OSSL_PARAM_construct_size_t("size", &size), OSSL_PARAM_construct_end() };
	if (!EVP_Q_mac(NULL, "BLAKE2SMAC", NULL, NULL, params, key, 32, message, len, out, 16, &n) || n != 16)
		die("BLAKE2s with key");
}

/* ---- the handshake ---- */

static void mix_hash(struct peer *p, const void *in, size_t len)
{
	hash(p->h, p->h, 32, in, len);
}

static void tai64n(uint8_t out[12])
{
	struct timespec ts;
	uint64_t sec;
	uint32_t nsec;

	clock_gettime(CLOCK_REALTIME, &ts);
	sec = htobe64((UINT64_C(1) << 62) + 10 + (uint64_t)ts.tv_sec);
	nsec = htonl((uint32_t)ts.tv_nsec);
	memcpy(out, &sec, 8);
	memcpy(out + 8, &nsec, 4);
}

static void initiate(struct peer *p)
{
	uint8_t m[148] = { 1 }, e[32], secret[32], key[32], stamp[12];
	uint32_t index = (uint32_t)(p - peers);

	memcpy(m + 4, &index, 4);
	hash(p->ck, "Noise_IKpsk2_25519_ChaChaPoly_BLAKE2s", 37, NULL, 0);
	hash(p->h, p->ck, 32, "WireGuard v1 zx2c4 Jason@zx2c4.com", 34);
	mix_hash(p, device, 32);
	if (RAND_bytes(p->ephemeral, 32) != 1)
		die("random");
	base_point(e, p->ephemeral);
	memcpy(m + 8, e, 32);
	mix_hash(p, e, 32);
	kdf(p->ck, NULL, NULL, p->ck, e, 32);
	dh(secret, p->ephemeral, device);
	kdf(p->ck, key, NULL, p->ck, secret, 32);
	aead(true, m + 40, p->pub, 32, key, 0, p->h, 32);
	mix_hash(p, m + 40, 48);
	dh(secret, p->priv, device);
	kdf(p->ck, key, NULL, p->ck, secret, 32);
	tai64n(stamp);
	aead(true, m + 88, stamp, 12, key, 0, p->h, 32);
	mix_hash(p, m + 88, 28);
	mac1(m + 116, m, 116);
	send(fd, m, sizeof(m), 0);
	p->state = INITIATED;
	p->sent_ms = now_ms();
	p->tries++;
}

static bool consume_response(struct peer *p, const uint8_t *m)
{
	uint8_t secret[32], tau[32], key[32], nothing[16];
	static const uint8_t psk[32];

	mix_hash(p, m + 12, 32);
	kdf(p->ck, NULL, NULL, p->ck, m + 12, 32);
	dh(secret, p->ephemeral, m + 12);
	kdf(p->ck, NULL, NULL, p->ck, secret, 32);
	dh(secret, p->priv, m + 12);
	kdf(p->ck, NULL, NULL, p->ck, secret, 32);
	kdf(p->ck, tau, key, p->ck, psk, 32);
	mix_hash(p, tau, 32);
	if (!aead(false, nothing, m + 44, 16, key, 0, p->h, 32))
		return false;
	kdf(p->send, p->recv, NULL, p->ck, NULL, 0);
	memcpy(&p->device_index, m + 4, 4);
	return true;
}

/* ---- data ---- */

static uint16_t checksum(const uint8_t *p, size_t len)
{
	uint32_t sum = 0;
	size_t i;

	for (i = 0; i + 1 < len; i += 2)
		sum += (uint32_t)p[i] << 8 | p[i + 1];
	sum = (sum >> 16) + (sum & 0xffff);
	return htons((uint16_t)~(sum + (sum >> 16)));
}

static void ask(struct peer *p, uint64_t counter)
{
	uint8_t packet[ECHO_LEN] = { 0x45, 0, 0, 84, 0, 0, 0, 0, 64, 1 }, m[16 + ECHO_LEN + 16] = { 4 };
	uint16_t sum;

	memcpy(packet + 12, &p->inner, 4);
	memcpy(packet + 16, &target, 4);
	sum = checksum(packet, 20);
	memcpy(packet + 10, &sum, 2);
	packet[20] = 8;
	sum = checksum(packet + 20, 64);
	memcpy(packet + 22, &sum, 2);
	memcpy(m + 4, &p->device_index, 4);
	memcpy(m + 8, &counter, 8);
	aead(true, m + 16, packet, ECHO_LEN, p->send, counter, NULL, 0);
	send(fd, m, sizeof(m), 0);
	p->state = ASKED;
	p->sent_ms = now_ms();
}

/* An echo reply from the target to this peer? */
static bool answered(struct peer *p, const uint8_t *m, size_t len)
{
	uint8_t packet[2048];
	uint64_t counter;

	memcpy(&counter, m + 8, 8);
	return aead(false, packet, m + 16, len - 16, p->recv, counter, NULL, 0) && len >= 16 + 84 + 16 &&
	       packet[0] == 0x45 && packet[9] == 1 && packet[20] == 0 && !memcmp(packet + 12, &target, 4) &&
	       !memcmp(packet + 16, &p->inner, 4);
}

/* Returns how many peers this datagram has brought to their end. */
static unsigned receive(const uint8_t *m, size_t len)
{
	uint32_t index;
	struct peer *p;

	if (len < 12)
		return 0;
	memcpy(&index, m + (m[0] == 2 ? 8 : 4), 4);
	if (index >= peer_cnt)
		return 0;
	p = &peers[index];
	if (m[0] == 2 && len == 92 && p->state == INITIATED && consume_response(p, m)) {
		handshakes++;
		p->tries = 1;
		ask(p, 0);
	} else if (m[0] == 4 && len >= 32 && len <= 2000 && p->state == ASKED && answered(p, m, len)) {
		p->state = ANSWERED;
		answers++;
		return 1;
	}
	return 0;
}

/* Sends again what got no answer. Returns how many gave up. */
static unsigned retry(unsigned from, unsigned to)
{
	unsigned gave_up = 0;
	int64_t now = now_ms();

	for (; from < to; from++) {
		struct peer *p = &peers[from];

		if ((p->state != INITIATED && p->state != ASKED) || now - p->sent_ms < RETRY_MS)
			continue;
		if (p->tries >= TRIES) {
			p->state = FAILED;
			gave_up++;
		} else if (p->state == INITIATED) {
			initiate(p);
		} else {
			ask(p, p->tries++);
		}
	}
	return gave_up;
}

static void connect_all(void)
{
	unsigned next = 0, done = 0, oldest = 0;

	while (done < peer_cnt) {
		struct pollfd poller = { .fd = fd, .events = POLLIN };
		uint8_t m[4096];
		ssize_t n;

		for (; next < peer_cnt && next - done < WINDOW; next++)
			initiate(&peers[next]);
		poll(&poller, 1, 100);
		while ((n = recv(fd, m, sizeof(m), MSG_DONTWAIT)) > 0)
			done += receive(m, (size_t)n);
		while (oldest < next && peers[oldest].state >= ANSWERED)
			oldest++;
		done += retry(oldest, next);
	}
}

static void decode(uint8_t out[32], const char *text)
{
	uint8_t bytes[33];

	if (strlen(text) != 44 || EVP_DecodeBlock(bytes, (const uint8_t *)text, 44) != 33)
		die("a key is 44 characters of base64");
	memcpy(out, bytes, 32);
}

static void read_peers(void)
{
	char key[64], inner[64];
	unsigned room = 0;

	while (scanf("%63s %63s", key, inner) == 2) {
		if (peer_cnt == room) {
			room = room ? 2 * room : 1024;
			peers = realloc(peers, room * sizeof(*peers));
			if (!peers)
				die("memory");
		}
		memset(&peers[peer_cnt], 0, sizeof(*peers));
		decode(peers[peer_cnt].priv, key);
		base_point(peers[peer_cnt].pub, peers[peer_cnt].priv);
		if (inet_pton(AF_INET, inner, &peers[peer_cnt].inner) != 1)
			die("an inner address is IPv4");
		peer_cnt++;
	}
}

static void print_keys(unsigned count)
{
	uint8_t priv[32], pub[32];
	char text[2][48];

	while (count--) {
		if (RAND_bytes(priv, 32) != 1)
			die("random");
		priv[0] &= 248;
		priv[31] = (uint8_t)((priv[31] & 127) | 64);
		base_point(pub, priv);
		EVP_EncodeBlock((uint8_t *)text[0], priv, 32);
		EVP_EncodeBlock((uint8_t *)text[1], pub, 32);
		printf("%s %s\n", text[0], text[1]);
	}
}

static void print_hex(const uint8_t key[32], char after)
{
	for (unsigned i = 0; i < 32; i++)
		printf("%02x", key[i]);
	putchar(after);
}

static void print_sessions(void)
{
	for (unsigned i = 0; i < peer_cnt; i++) {
		print_hex(peers[i].send, ' ');
		print_hex(peers[i].recv, ' ');
		print_hex(peers[i].ck, '\n');
	}
}

int main(int argc, char **argv)
{
	struct sockaddr_in to = { .sin_family = AF_INET };

	if (argc == 3 && !strcmp(argv[1], "keys")) {
		print_keys((unsigned)atoi(argv[2]));
		return 0;
	}
	if (argc != 6 || (strcmp(argv[1], "connect") && strcmp(argv[1], "session"))) {
		fprintf(stderr, "usage: initiator keys COUNT | connect|session ADDRESS PORT DEVICE_PUBLIC INNER_TARGET\n");
		return 2;
	}
	to.sin_port = htons((uint16_t)atoi(argv[3]));
	fd = socket(AF_INET, SOCK_DGRAM, 0);
	if (fd < 0 || inet_pton(AF_INET, argv[2], &to.sin_addr) != 1 || inet_pton(AF_INET, argv[5], &target) != 1 ||
	    connect(fd, (struct sockaddr *)&to, sizeof(to)))
		die("cannot reach the device's address");
	decode(device, argv[4]);
	read_peers();
	connect_all();
	if (!strcmp(argv[1], "session"))
		print_sessions();
	printf("{\"peers\":%u,\"handshakes\":%u,\"answers\":%u}\n", peer_cnt, handshakes, answers);
	return answers == peer_cnt ? 0 : 1;
}
