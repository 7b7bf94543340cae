/* SPDX-License-Identifier: ISC */
/* agent_files_test.c - the agent's configuration on disk: drop-ins and who masks whom, key files of all kinds */
#include <errno.h>
#include <fcntl.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cmocka.h>

#include "agent/commands.h"
#include "agent/settings.h"

#define KEY "AQEBAQEBAQEBAQEBAQEBAQEBAQEBAQEBAQEBAQEBAQE=\n"

static char dir[] = "/tmp/adit-agent-files-XXXXXX";

static int make_dir(void **state)
{
	(void)state;
	return !mkdtemp(dir) || chdir(dir);
}

static int remove_dir(void **state)
{
	char command[80];

	(void)state;
	snprintf(command, sizeof(command), "rm -rf %s", dir);
	return chdir("/") || system(command);
}

static void write_file(const char *path, const char *text, mode_t mode)
{
	int fd = open(path, O_WRONLY | O_CREAT | O_TRUNC, 0600);

	assert_true(fd >= 0);
	assert_int_equal(write(fd, text, strlen(text)), (ssize_t)strlen(text));
	assert_int_equal(fchmod(fd, mode), 0);
	close(fd);
}

static void make_folder(const char *path)
{
	assert_int_equal(mkdir(path, 0755), 0);
}

/* --- drop-ins --------------------------------------------------------------------------- */

static void expect_names(const char *const *dirs, const char *expected)
{
	char said[1024] = "", **names = NULL;
	int n = agent_drop_ins_in(dirs, &names);

	assert_true(n >= 0);
	for (int i = 0; i < n; i++)
		snprintf(said + strlen(said), sizeof(said) - strlen(said), "%s%s", i ? " " : "", names[i]);
	agent_names_free(names, (size_t)n);
	assert_string_equal(said, expected);
}

static void masks(void **state)
{
	static const char *const dirs[] = { "lib", "run", "etc", NULL }, *const none[] = { "nowhere", NULL };

	(void)state;
	expect_names(none, "");
	make_folder("lib");
	make_folder("run");
	make_folder("etc");
	expect_names(dirs, "");
	write_file("lib/50-b.toml", "", 0644);
	write_file("lib/10-a.toml", "", 0644);
	write_file("lib/notes.txt", "", 0644);
	write_file("lib/.hidden.toml", "", 0644);
	write_file("lib/.toml", "", 0644);
	expect_names(dirs, "lib/10-a.toml lib/50-b.toml");
	write_file("etc/20-c.toml", "", 0644);
	expect_names(dirs, "lib/10-a.toml etc/20-c.toml lib/50-b.toml"); /* by name, whatever the folder */
	write_file("run/50-b.toml", "", 0644);
	expect_names(dirs, "lib/10-a.toml etc/20-c.toml run/50-b.toml");
	write_file("etc/50-b.toml", "", 0644);
	expect_names(dirs, "lib/10-a.toml etc/20-c.toml etc/50-b.toml");
	assert_int_equal(symlink("/dev/null", "etc/10-a.toml"), 0);
	expect_names(dirs, "etc/20-c.toml etc/50-b.toml");
}

/* What others could put there would run with our rights. */
static void strangers(void **state)
{
	static const char *const dirs[] = { "open", NULL };
	char **names = NULL;

	(void)state;
	make_folder("open");
	expect_names(dirs, "");
	assert_int_equal(chmod("open", 0777), 0);
	assert_int_equal(agent_drop_ins_in(dirs, &names), -EPERM);
	assert_int_equal(chmod("open", 0775), 0);
	assert_int_equal(agent_drop_ins_in(dirs, &names), -EPERM);
	assert_int_equal(chmod("open", 0755), 0);
	if (geteuid() != 0)
		skip();
	assert_int_equal(chown("open", 65534, 65534), 0);
	assert_int_equal(agent_drop_ins_in(dirs, &names), -EPERM);
}

static unsigned mtu_of(const char *path)
{
	struct adit_conf_errors errors = { 0 };
	struct agent_config *config = agent_config_read(path, NULL, &errors);
	unsigned mtu = config && config->networks ? config->networks->mtu : 0;

	agent_config_free(config);
	adit_conf_errors_fini(&errors);
	return mtu;
}

/* conf.d beside the file, and only there; a wg-quick file has none. */
static void beside(void **state)
{
	(void)state;
	make_folder("one");
	make_folder("one/conf.d");
	write_file("one/x.toml", "[network.a]\nprivate_key_path = \"k\"\nmtu = 1400\n", 0644);
	write_file("one/q.conf", "[Interface]\nPrivateKey = " KEY "MTU = 1350\n", 0600);
	assert_int_equal(mtu_of("one/x.toml"), 1400);
	write_file("one/conf.d/1.toml", "[network.a]\nmtu = 1300\n", 0644);
	write_file("one/conf.d/2.toml", "[network.a]\nmetric = 1\n", 0644);
	assert_int_equal(mtu_of("one/x.toml"), 1300);
	assert_int_equal(mtu_of("one/q.conf"), 1350);
	assert_int_equal(chdir("one"), 0);
	assert_int_equal(mtu_of("x.toml"), 1300);
	assert_int_equal(chdir(".."), 0);
	write_file("one/conf.d/3.toml", "[network.a]\nmtu = 1\n", 0644);
	assert_int_equal(mtu_of("one/x.toml"), 0);
	assert_int_equal(unlink("one/conf.d/3.toml"), 0);
	assert_int_equal(chmod("one/conf.d", 0777), 0);
	assert_int_equal(mtu_of("one/x.toml"), 0); /* refused */
}

/* --- key files ---------------------------------------------------------------------------- */

static void keep_line(void *user, const char *msg)
{
	snprintf(user, 600, "%s", msg);
}

/* What is said about the only network, whose key is in `path`; "" = nothing. */
static void expect_key(const char *path, const char *expected)
{
	struct adit_conf_errors errors = { 0 };
	struct agent_config *config;
	char text[200], said[600] = "";

	snprintf(text, sizeof(text), "[network.a]\nprivate_key_path = \"%s\"\n", path);
	write_file("k.toml", text, 0644);
	config = agent_config_read("k.toml", &agent_opener_check, &errors);
	adit_conf_errors_report(&errors, keep_line, said);
	assert_string_equal(said, expected);
	assert_int_equal(!config, *expected != 0);
	agent_config_free(config);
	adit_conf_errors_fini(&errors);
}

#define AT "k.toml:2:20: network.a.private_key_path: "

static void key_files(void **state)
{
	(void)state;
	write_file("good", KEY, 0600);
	expect_key("good", "");
	write_file("strict", KEY, 0400);
	expect_key("strict", "");
	write_file("loose", KEY, 0644);
	expect_key("loose", AT "loose: others than its owner may use it (chmod 600)");
	write_file("group", KEY, 0640);
	expect_key("group", AT "group: others than its owner may use it (chmod 600)");
	assert_int_equal(mkfifo("fifo", 0600), 0);
	expect_key("fifo", AT "fifo: it is not a plain file"); /* at once: nobody ever writes there */
	assert_int_equal(symlink("good", "link"), 0);
	expect_key("link", "");
	assert_int_equal(symlink("link", "link-to-link"), 0);
	expect_key("link-to-link", "");
	assert_int_equal(symlink("loose", "loose-link"), 0);
	expect_key("loose-link", AT "loose-link: others than its owner may use it (chmod 600)");
	assert_int_equal(symlink("fifo", "fifo-link"), 0);
	expect_key("fifo-link", AT "fifo-link: it is not a plain file");
	assert_int_equal(symlink("nothing", "dangling"), 0);
	expect_key("dangling", AT "dangling: No such file or directory");
	assert_int_equal(symlink("round", "round"), 0);
	expect_key("round", AT "round: Too many levels of symbolic links");
	make_folder("folder");
	expect_key("folder", AT "folder: Is a directory");
	expect_key("none", AT "none: No such file or directory");
	expect_key("good/x", AT "good/x: Not a directory");
	write_file("empty", "", 0600);
	expect_key("empty", AT "empty: it holds no key (44 characters of base64; adit genkey makes one)");
	write_file("text", "secret\n", 0600);
	expect_key("text", AT "text: it holds no key (44 characters of base64; adit genkey makes one)");
	write_file("blanks", " \n" KEY "\n\n", 0600);
	expect_key("blanks", "");
}

static void owners(void **state)
{
	(void)state;
	if (geteuid() != 0)
		skip();
	write_file("theirs", KEY, 0600);
	assert_int_equal(chown("theirs", 65534, 65534), 0);
	expect_key("theirs", AT "theirs: it belongs to somebody else (chown it to root, or to who runs adit)");
	assert_int_equal(symlink("theirs", "their-link"), 0);
	expect_key("their-link", AT "their-link: it belongs to somebody else (chown it to root, or to who runs adit)");
}

/* --- the configuration itself ---------------------------------------------------------------- */

static void expect_file(const char *path, const char *expected)
{
	struct adit_conf_errors errors = { 0 };
	char said[600] = "";

	assert_null(agent_config_read(path, NULL, &errors));
	adit_conf_errors_report(&errors, keep_line, said);
	assert_string_equal(said, expected);
	adit_conf_errors_fini(&errors);
}

static void kinds_of_files(void **state)
{
	(void)state;
	assert_int_equal(mkfifo("x.toml", 0600), 0);
	expect_file("x.toml", "x.toml:1:1: not a plain file");
	expect_file("none.toml", "none.toml:1:1: No such file or directory");
	make_folder("f.toml");
	expect_file("f.toml", "f.toml:1:1: Is a directory");
	write_file("c.toml", "[network.a]\nconfig = \"x.toml\"\n", 0600);
	expect_file("c.toml", "c.toml:2:10: network.a.config: x.toml: not a plain file");
	assert_int_equal(symlink("/dev/zero", "zero.toml"), 0);
	expect_file("zero.toml", "zero.toml:1:1: not a plain file");
}

/* A key in the configuration: the file is judged as a key file is. */
static void inline_keys(void **state)
{
	static const char text[] = "[network.a]\nprivate_key = \"AQEBAQEBAQEBAQEBAQEBAQEBAQEBAQEBAQEBAQEBAQE=\"\nmtu = 1400\n";

	(void)state;
	write_file("i.toml", text, 0600);
	assert_int_equal(mtu_of("i.toml"), 1400);
	assert_int_equal(symlink("i.toml", "j.toml"), 0);
	assert_int_equal(mtu_of("j.toml"), 1400);
	assert_int_equal(chmod("i.toml", 0640), 0);
	expect_file("j.toml", "j.toml:2:15: network.a.private_key: the file holds a key, and others than its owner may use it (chmod 600)");
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(masks),	  cmocka_unit_test(strangers),	    cmocka_unit_test(beside),
		cmocka_unit_test(key_files),  cmocka_unit_test(owners),	    cmocka_unit_test(kinds_of_files),
		cmocka_unit_test(inline_keys),
	};

	return cmocka_run_group_tests(tests, make_dir, remove_dir);
}
