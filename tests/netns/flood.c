/* SPDX-License-Identifier: ISC */
/*
 * flood.c - a bounded flood of UDP datagrams at a fixed rate, for the tests
 *
 *   flood random ADDRESS PORT RATE SECONDS
 *   flood initiation ADDRESS PORT RATE SECONDS PUBLIC_KEY_BASE64
 *   flood spoofed ADDRESS PORT RATE SECONDS [HEX]
 *
 * `random` sends random bytes of random lengths; `initiation` sends handshake
 * initiations that are garbage but for a valid mac1, so that the receiver has
 * to do a Diffie-Hellman for each or ask for a cookie. Whatever comes back is
 * counted. One line of JSON: what was sent and what was received. Everything
 * comes from one socket, as from one flooder; but what is `spoofed` comes from
 * random addresses of 10.66.0.0/16 (IPv4; takes root), and its answers are for
 * the caller to see. It is HEX over and over, or random bytes.
 */
#include <arpa/inet.h>
#include <errno.h>
#include <fcntl.h>
#include <netinet/ip.h>
#include <netinet/udp.h>
#include <openssl/core_names.h>
#include <openssl/evp.h>
#include <openssl/rand.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <time.h>
#include <unistd.h>

#define BATCH     32
#define MAX_RATE  100000
#define MAX_TIME  120
#define INITIATION_LEN 148
#define MAC1_AT   116

struct totals {
	uint64_t sent, sent_bytes, received, received_bytes, cookies, refused;
};

static uint8_t mac1_key[32];
static EVP_MAC_CTX *mac;

static _Noreturn void die(const char *what)
{
	fprintf(stderr, "flood: %s: %s\n", what, errno ? strerror(errno) : "failed");
	exit(1);
}

static double now(void)
{
	struct timespec ts;

	clock_gettime(CLOCK_MONOTONIC, &ts);
	return (double)ts.tv_sec + (double)ts.tv_nsec / 1e9;
}

/* xorshift: bytes that need only look random, fast */
static uint64_t noise(void)
{
	static uint64_t s;

	if (!s && RAND_bytes((unsigned char *)&s, sizeof(s)) != 1)
		die("random seed");
	s ^= s << 13;
	s ^= s >> 7;
	s ^= s << 17;
	return s;
}

static void fill(uint8_t *p, size_t len)
{
	for (; len >= 8; p += 8, len -= 8) {
		uint64_t v = noise();

		memcpy(p, &v, 8);
	}
	while (len--)
		*p++ = (uint8_t)noise();
}

/* mac1 key = HASH("mac1----" || public key) */
static void prepare_mac1(const char *base64)
{
	uint8_t pub[33], text[8 + 32] = "mac1----";
	unsigned len;
	size_t mac_len = 16;
	OSSL_PARAM params[] = { OSSL_PARAM_construct_size_t(OSSL_MAC_PARAM_SIZE, &mac_len), OSSL_PARAM_END };
	EVP_MAC *algorithm = EVP_MAC_fetch(NULL, "BLAKE2SMAC", NULL);

	errno = 0;
	if (strlen(base64) != 44 || EVP_DecodeBlock(pub, (const uint8_t *)base64, 44) != 33)
		die("public key");
	memcpy(text + 8, pub, 32);
	if (EVP_Digest(text, sizeof(text), mac1_key, &len, EVP_blake2s256(), NULL) != 1)
		die("BLAKE2s");
	mac = algorithm ? EVP_MAC_CTX_new(algorithm) : NULL;
	if (!mac || EVP_MAC_init(mac, mac1_key, sizeof(mac1_key), params) != 1)
		die("BLAKE2s with key");
}

static size_t make_initiation(uint8_t *p)
{
	size_t len;

	fill(p, MAC1_AT);
	memcpy(p, "\1\0\0\0", 4);
	memset(p + MAC1_AT, 0, INITIATION_LEN - MAC1_AT);
	errno = 0;
	if (EVP_MAC_init(mac, NULL, 0, NULL) != 1 || EVP_MAC_update(mac, p, MAC1_AT) != 1 ||
	    EVP_MAC_final(mac, p + MAC1_AT, &len, 16) != 1)
		die("mac1");
	return INITIATION_LEN;
}

static size_t make_random(uint8_t *p)
{
	size_t len = 1 + noise() % 1400;

	fill(p, len);
	if (len >= 4 && noise() % 2) /* half of them begin like a message */
		memcpy(p, (uint8_t[4]){ (uint8_t)(1 + noise() % 4), 0, 0, 0 }, 4);
	return len;
}

/* --- from any address ----------------------------------------------------- */

static struct {
	uint8_t body[1400];
	size_t len; /* 0 = random */
	struct in_addr to;
	uint16_t port;
} spoof;

static int prepare_spoof(const char *address, const char *port, const char *hex)
{
	int fd = socket(AF_INET, SOCK_RAW | SOCK_NONBLOCK, IPPROTO_RAW);
	unsigned v;

	errno = 0;
	if (fd < 0 || inet_pton(AF_INET, address, &spoof.to) != 1)
		die("raw socket");
	spoof.port = htons((uint16_t)atoi(port));
	while (hex && spoof.len < sizeof(spoof.body) && sscanf(hex + 2 * spoof.len, "%2x", &v) == 1)
		spoof.body[spoof.len++] = (uint8_t)v;
	return fd;
}

/* The kernel fills in the IP header's length, id and checksum; UDP's is not needed. */
static size_t make_spoofed(uint8_t *p)
{
	struct iphdr ip = { .version = 4, .ihl = 5, .ttl = 64, .protocol = IPPROTO_UDP, .daddr = spoof.to.s_addr };
	struct udphdr udp = { .dest = spoof.port };
	uint64_t from = noise();
	size_t len = spoof.len;

	if (len)
		memcpy(p + 28, spoof.body, len);
	else
		len = make_random(p + 28);
	ip.saddr = htonl(0x0a420000 | (from & 0xffff));
	udp.source = htons((uint16_t)(1024 + (from >> 16) % 60000));
	udp.len = htons((uint16_t)(8 + len));
	memcpy(p, &ip, 20);
	memcpy(p + 20, &udp, 8);
	return 28 + len;
}

static int dial(const char *address, const char *port)
{
	struct sockaddr_in v4 = { .sin_family = AF_INET, .sin_port = htons((uint16_t)atoi(port)) };
	struct sockaddr_in6 v6 = { .sin6_family = AF_INET6, .sin6_port = htons((uint16_t)atoi(port)) };
	bool six = strchr(address, ':') != NULL;
	int fd = socket(six ? AF_INET6 : AF_INET, SOCK_DGRAM | SOCK_NONBLOCK, 0);

	if (fd < 0)
		die("socket");
	errno = 0;
	if (inet_pton(six ? AF_INET6 : AF_INET, address, six ? (void *)&v6.sin6_addr : (void *)&v4.sin_addr) != 1)
		die(address);
	if (connect(fd, six ? (struct sockaddr *)&v6 : (struct sockaddr *)&v4, six ? sizeof(v6) : sizeof(v4)))
		die("connect");
	return fd;
}

static void receive(int fd, struct totals *t)
{
	uint8_t reply[2048];
	ssize_t n;

	while ((n = recv(fd, reply, sizeof(reply), MSG_DONTWAIT)) >= 0) {
		t->received++;
		t->received_bytes += (uint64_t)n;
		t->cookies += n == 64 && reply[0] == 3;
	}
	t->refused += errno == ECONNREFUSED;
}

static void burst(int fd, unsigned count, size_t (*make)(uint8_t *p), struct totals *t)
{
	static uint8_t buffer[BATCH][1500];
	struct sockaddr_in to = { .sin_family = AF_INET, .sin_addr = spoof.to };
	struct mmsghdr messages[BATCH] = { 0 };
	struct iovec parts[BATCH];
	unsigned i;
	int n;

	for (i = 0; i < count; i++) {
		parts[i].iov_base = buffer[i];
		parts[i].iov_len = make(buffer[i]);
		messages[i].msg_hdr.msg_iov = &parts[i];
		messages[i].msg_hdr.msg_iovlen = 1;
		if (spoof.port) {
			messages[i].msg_hdr.msg_name = &to;
			messages[i].msg_hdr.msg_namelen = sizeof(to);
		}
	}
	n = sendmmsg(fd, messages, count, 0);
	t->refused += n < 0 && errno == ECONNREFUSED; /* an ICMP error of an earlier one */
	for (i = 0; n > 0 && i < (unsigned)n; i++) {
		t->sent++;
		t->sent_bytes += parts[i].iov_len;
	}
}

int main(int argc, char **argv)
{
	bool initiation = argc > 1 && !strcmp(argv[1], "initiation");
	bool spoofed = argc > 1 && !strcmp(argv[1], "spoofed");
	size_t (*make)(uint8_t *) = initiation ? make_initiation : spoofed ? make_spoofed : make_random;
	struct totals t = { 0 };
	double start, at, rate, seconds;
	int fd;

	if ((argc != (initiation ? 7 : 6) && !(spoofed && argc == 7)) ||
	    (!initiation && !spoofed && strcmp(argv[1], "random"))) {
		fprintf(stderr, "usage: flood random|initiation|spoofed ADDRESS PORT RATE SECONDS [PUBLIC_KEY|HEX]\n");
		return 2;
	}
	rate = atof(argv[4]);
	seconds = atof(argv[5]);
	if (rate <= 0 || rate > MAX_RATE || seconds <= 0 || seconds > MAX_TIME) {
		fprintf(stderr, "flood: rate up to %d a second, time up to %d s\n", MAX_RATE, MAX_TIME);
		return 2;
	}
	if (initiation)
		prepare_mac1(argv[6]);
	fd = spoofed ? prepare_spoof(argv[2], argv[3], argv[6]) : dial(argv[2], argv[3]);
	start = now();
	while ((at = now() - start) < seconds) {
		double behind = at * rate - (double)(t.sent + t.refused);

		if (behind >= 1)
			burst(fd, behind < BATCH ? (unsigned)behind : BATCH, make, &t);
		receive(fd, &t);
		if (behind < BATCH)
			nanosleep(&(struct timespec){ .tv_nsec = 500000 }, NULL);
	}
	nanosleep(&(struct timespec){ .tv_nsec = 200000000 }, NULL);
	receive(fd, &t);
	printf("{\"sent\":%llu,\"sent_bytes\":%llu,\"received\":%llu,\"received_bytes\":%llu,\"cookies\":%llu,\"refused\":%llu}\n",
	       (unsigned long long)t.sent, (unsigned long long)t.sent_bytes, (unsigned long long)t.received,
	       (unsigned long long)t.received_bytes, (unsigned long long)t.cookies, (unsigned long long)t.refused);
	return 0;
}
