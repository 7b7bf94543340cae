/* SPDX-License-Identifier: ISC */
/* version.c - `adit version [-v]` */
#include <openssl/crypto.h>
#include <sodium.h>
#include <string.h>
#include <sys/utsname.h>
#include <unistd.h>

#include "cli/cli.h"
#include "crypto/crypto.h"

static void ciphers(void)
{
	struct adit_aead_info info[8];
	size_t cnt = adit_crypto_backends(info, sizeof(info) / sizeof(info[0])), i;

	printf("ChaCha20-Poly1305, sealing 1420-byte packets on one core, measured now:\n");
	for (i = 0; i < cnt && i < sizeof(info) / sizeof(info[0]); i++) {
		printf("  %-10s %-12s %-10s ", info[i].name, info[i].version, info[i].arch);
		if (info[i].bytes_per_s > 0)
			printf("%6.2f GB/s%s\n", info[i].bytes_per_s / 1e9, info[i].chosen ? "  chosen" : "");
		else
			printf("not usable here\n");
	}
}

static void verbose(void)
{
	struct utsname u;

	printf("build:   %s\n", ADIT_BUILD);
	printf("library: %s\n", OpenSSL_version(OPENSSL_VERSION));
	printf("library: libsodium %s\n", sodium_version_string());
	if (uname(&u) == 0)
		printf("kernel:  %s %s %s\n", u.sysname, u.release, u.machine);
	printf("tun:     %s\n", access("/dev/net/tun", F_OK) == 0 ?
	       "/dev/net/tun is there; `adit show` says which offloads a device found" :
	       "/dev/net/tun is missing: `modprobe tun`, or give the container that device");
	ciphers();
}

int adit_version_main(int argc, char **argv)
{
	bool more = argc == 2 && (!strcmp(argv[1], "-v") || !strcmp(argv[1], "--verbose"));

	if (argc > 1 && !more) {
		fprintf(stderr, "adit version: unknown argument %s\nUsage: adit version [-v]\n", argv[1]);
		return ADIT_EXIT_USAGE;
	}
	printf("adit %s\n", ADIT_VERSION);
	if (more)
		verbose();
	return fflush(stdout) ? ADIT_EXIT_FAILED : ADIT_EXIT_OK;
}
