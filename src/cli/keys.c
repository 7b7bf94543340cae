/* SPDX-License-Identifier: ISC */
/* keys.c - `adit genkey`, `genpsk`, `pubkey`: byte for byte what wg(8) reads and writes */
#include <ctype.h>
#include <errno.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "cli/cli.h"
#include "crypto/crypto.h"
#include "crypto/keytext.h"

static int no_arguments(int argc, char **argv)
{
	if (argc < 2)
		return 0;
	fprintf(stderr, "adit %s: takes no arguments\nUsage: adit %s (adit %s --help says more)\n", argv[0], argv[0],
		argv[0]);
	return ADIT_EXIT_USAGE;
}

static int print_key(const char *command, const uint8_t key[ADIT_KEY_LEN])
{
	char text[ADIT_KEY_BASE64_LEN + 1];
	int bad;

	adit_key_to_base64(text, key);
	bad = puts(text) == EOF || fflush(stdout);
	adit_wipe(text, sizeof(text));
	if (bad) {
		fprintf(stderr, "adit %s: cannot write the key: %s\n", command, strerror(errno));
		return ADIT_EXIT_FAILED;
	}
	return ADIT_EXIT_OK;
}

static void warn_if_readable(void)
{
	struct stat st;

	if (fstat(STDOUT_FILENO, &st) == 0 && S_ISREG(st.st_mode) && (st.st_mode & S_IRWXO))
		fprintf(stderr, "Warning: writing to a file that others may use; set the umask to 077 and try again.\n");
}

static int generate(int argc, char **argv, bool private_key)
{
	uint8_t key[ADIT_KEY_LEN];
	int r = no_arguments(argc, argv);

	if (r)
		return r;
	/* A key in a stdio buffer would outlive us wiping ours. */
	setvbuf(stdout, NULL, _IONBF, 0);
	warn_if_readable();
	adit_random(key, sizeof(key));
	if (private_key)
		adit_x25519_clamp(key);
	r = print_key(argv[0], key);
	adit_wipe(key, sizeof(key));
	return r;
}

int adit_genkey_main(int argc, char **argv)
{
	return generate(argc, argv, true);
}

int adit_genpsk_main(int argc, char **argv)
{
	return generate(argc, argv, false);
}

/* 44 characters, then nothing but white space. */
static bool read_key(uint8_t key[ADIT_KEY_LEN])
{
	char text[ADIT_KEY_BASE64_LEN];
	bool ok = fread(text, 1, sizeof(text), stdin) == sizeof(text);
	int c;

	while (ok && (c = getchar()) != EOF)
		ok = isspace(c) || !c;
	ok = adit_key_from_base64(key, text, sizeof(text)) && ok;
	adit_wipe(text, sizeof(text));
	return ok;
}

int adit_pubkey_main(int argc, char **argv)
{
	uint8_t key[ADIT_KEY_LEN], public_key[ADIT_KEY_LEN];
	int r = no_arguments(argc, argv);

	if (r)
		return r;
	setvbuf(stdin, NULL, _IONBF, 0);
	if (!read_key(key)) {
		fprintf(stderr, "adit pubkey: this is not a key: 44 characters of base64 are expected on standard input\n");
		adit_wipe(key, sizeof(key));
		return ADIT_EXIT_FAILED;
	}
	r = adit_public_key(public_key, key);
	if (r)
		fprintf(stderr, "adit pubkey: the cryptographic library does not work: %s\n", strerror(-r));
	else
		r = print_key(argv[0], public_key);
	adit_wipe(key, sizeof(key));
	return r ? ADIT_EXIT_FAILED : ADIT_EXIT_OK;
}
