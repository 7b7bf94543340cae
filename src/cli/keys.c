/* SPDX-License-Identifier: ISC */
/* keys.c - `adit genkey`, `genpsk`, `pubkey`: byte for byte what wg(8) reads and writes */
#include <ctype.h>
#include <errno.h>
#include <fcntl.h>
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

/* Whole and on the disk, or not there. */
static int write_key(int fd, const uint8_t key[ADIT_KEY_LEN])
{
	char text[ADIT_KEY_BASE64_LEN + 1];
	ssize_t n;

	adit_key_to_base64(text, key);
	text[ADIT_KEY_BASE64_LEN] = '\n';
	n = write(fd, text, sizeof(text));
	adit_wipe(text, sizeof(text));
	if (n == (ssize_t)sizeof(text) && !fsync(fd))
		return 0;
	return n < 0 || n == (ssize_t)sizeof(text) ? -errno : -ENOSPC;
}

/* A new file that only its owner may use: one that is there may hold the only copy of a key. */
static int save_key(const char *command, const char *path, const uint8_t key[ADIT_KEY_LEN])
{
	int fd = open(path, O_WRONLY | O_CREAT | O_EXCL | O_NOFOLLOW | O_CLOEXEC, 0600);
	int r = fd < 0 ? -errno : write_key(fd, key);

	if (fd >= 0 && close(fd) && !r)
		r = -errno;
	if (r && fd >= 0)
		unlink(path);
	if (r == -EEXIST)
		fprintf(stderr, "adit %s: %s is there already and is never overwritten\n", command, path);
	else if (r)
		fprintf(stderr, "adit %s: %s: %s\n", command, path, strerror(-r));
	return r ? ADIT_EXIT_FAILED : ADIT_EXIT_OK;
}

/* The FILE of "-o FILE"; NULL: standard output. */
static int read_output(int argc, char **argv, const char **path)
{
	*path = NULL;
	if (argc == 3 && (!strcmp(argv[1], "-o") || !strcmp(argv[1], "--output")))
		*path = argv[2];
	if (argc < 2 || (*path && **path))
		return 0;
	fprintf(stderr, "adit %s: takes -o FILE and nothing else\nUsage: adit %s [-o FILE] (adit %s --help says more)\n",
		argv[0], argv[0], argv[0]);
	return ADIT_EXIT_USAGE;
}

static int generate(int argc, char **argv, bool private_key)
{
	uint8_t key[ADIT_KEY_LEN];
	const char *path;
	int r = read_output(argc, argv, &path);

	if (r)
		return r;
	/* A key in a stdio buffer would outlive us wiping ours. */
	setvbuf(stdout, NULL, _IONBF, 0);
	if (!path)
		warn_if_readable();
	adit_random(key, sizeof(key));
	if (private_key)
		adit_x25519_clamp(key);
	r = path ? save_key(argv[0], path, key) : print_key(argv[0], key);
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
