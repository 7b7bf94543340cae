/* SPDX-License-Identifier: ISC */
/* keyfile_test.c - which files are taken for key files */
#include <fcntl.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <unistd.h>

#include <cmocka.h>

#include "host/keyfile.h"

#define KEY "AQIDBAUGBwgJCgsMDQ4PEBESExQVFhcYGRobHB0eHyA="

static char dir[] = "/tmp/adit-keyfile-XXXXXX";

static int make_dir(void **state)
{
	(void)state;
	return !mkdtemp(dir) || chdir(dir);
}

static int remove_dir(void **state)
{
	static const char *const names[] = { "key", "link", "dangling", "folder-link", "pipe", "socket", "d/key" };

	(void)state;
	for (size_t i = 0; i < sizeof(names) / sizeof(names[0]); i++)
		unlink(names[i]);
	rmdir("d");
	return chdir("/") || rmdir(dir);
}

static void write_key(const char *path, const char *text, mode_t mode)
{
	int fd = open(path, O_WRONLY | O_CREAT | O_TRUNC, 0600);

	assert_true(fd >= 0);
	assert_int_equal(write(fd, text, strlen(text)), (ssize_t)strlen(text));
	assert_int_equal(fchmod(fd, mode), 0);
	close(fd);
}

/* wrong: the beginning of what must be said, or NULL for a good file */
static void expect(const char *path, const char *wrong)
{
	uint8_t key[ADIT_KEYFILE_KEY_LEN] = { 0xff };
	const char *why = adit_keyfile_read(path, key);

	if (!wrong) {
		assert_null(why);
		for (unsigned i = 0; i < sizeof(key); i++)
			assert_int_equal(key[i], i + 1);
		return;
	}
	assert_non_null(why);
	assert_int_equal(strncmp(why, wrong, strlen(wrong)), 0);
	assert_int_equal(key[0], 0xff); /* untouched */
}

static void modes(void **state)
{
	static const mode_t loose[] = { 0644, 0640, 0604, 0620, 0602, 0610, 0601, 0666, 0444, 0777 };

	(void)state;
	for (size_t i = 0; i < sizeof(loose) / sizeof(loose[0]); i++) {
		write_key("key", KEY "\n", loose[i]);
		expect("key", "others than its owner may use it (chmod 600)");
	}
	write_key("key", KEY "\n", 0600);
	expect("key", NULL);
	assert_int_equal(chmod("key", 0400), 0);
	expect("key", NULL);
}

static void contents(void **state)
{
	static const char *const bad[] = { "", "\n", "AQID\n", KEY " x\n", KEY KEY "\n", "# " KEY "\n" };
	static const char *const good[] = { KEY, KEY "\r\n", "\n\t " KEY " \n\n" };
	char text[5000];

	(void)state;
	for (size_t i = 0; i < sizeof(good) / sizeof(good[0]); i++) {
		write_key("key", good[i], 0600);
		expect("key", NULL);
	}
	for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++) {
		write_key("key", bad[i], 0600);
		expect("key", "it holds no key");
	}
	memset(text, '\n', sizeof(text) - 1);
	text[sizeof(text) - 1] = '\0';
	memcpy(text, KEY, strlen(KEY));
	write_key("key", text, 0600);
	expect("key", "it is too long for a key");
}

/* It is what the name opens to that counts: the mode of a symlink says nothing. */
static void symlinks(void **state)
{
	(void)state;
	assert_int_equal(mkdir("d", 0755), 0);
	write_key("d/key", KEY "\n", 0600);
	assert_int_equal(symlink("d/key", "link"), 0);
	assert_int_equal(symlink("d", "folder-link"), 0);
	assert_int_equal(symlink("nowhere", "dangling"), 0);
	expect("link", NULL);
	expect("folder-link/key", NULL);
	expect("dangling", "No such file");
	assert_int_equal(chmod("d/key", 0644), 0);
	expect("link", "others than its owner");
}

/* None of these may be waited for. */
static void not_files(void **state)
{
	struct sockaddr_un sun = { .sun_family = AF_UNIX, .sun_path = "socket" };
	int fd = socket(AF_UNIX, SOCK_STREAM, 0);

	(void)state;
	assert_int_equal(mkfifo("pipe", 0600), 0);
	assert_int_equal(bind(fd, (struct sockaddr *)&sun, sizeof(sun)), 0);
	alarm(20);
	expect("pipe", "it is not a plain file");
	expect("socket", "it is not a plain file");
	expect("/dev/zero", "it is not a plain file");
	expect(".", "Is a directory");
	expect("absent", "No such file");
	alarm(0);
	close(fd);
}

static void owners(void **state)
{
	(void)state;
	if (geteuid() != 0)
		skip();
	write_key("key", KEY "\n", 0600);
	assert_int_equal(chown("key", 65534, 65534), 0);
	expect("key", "it belongs to somebody else");
	assert_int_equal(seteuid(65534), 0);
	expect("./key", "Permission denied"); /* the folder is root's */
	assert_int_equal(seteuid(0), 0);
	assert_int_equal(chmod(".", 0755), 0);
	assert_int_equal(seteuid(65534), 0);
	expect("key", NULL); /* its own */
	assert_int_equal(seteuid(0), 0);
	assert_int_equal(chown("key", 0, 0), 0);
	expect("key", NULL);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(modes),     cmocka_unit_test(contents), cmocka_unit_test(symlinks),
		cmocka_unit_test(not_files), cmocka_unit_test(owners),
	};

	return cmocka_run_group_tests(tests, make_dir, remove_dir);
}
