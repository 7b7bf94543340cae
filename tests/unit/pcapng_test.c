/* SPDX-License-Identifier: ISC */
/* pcapng_test.c - what was written is read back, by a reader of the test's own and by tcpdump */
#include <stdarg.h>
#include <stddef.h>
#include <setjmp.h>
#include <stdint.h>
#include <cmocka.h>

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <signal.h>
#include <unistd.h>

#include "pktio/pcapng.h"

#define AT INT64_C(1700000000123456789)

static char path[64];
static unsigned lines;
static char said[512];

static void log_line(void *user, const char *line)
{
	(void)user;
	lines++;
	snprintf(said, sizeof(said), "%s", line);
}

static int set_up(void **state)
{
	int fd;

	(void)state;
	strcpy(path, "/tmp/adit-pcapng-XXXXXX");
	fd = mkstemp(path);
	assert_true(fd >= 0);
	close(fd);
	lines = 0;
	return 0;
}

static int tear_down(void **state)
{
	(void)state;
	return unlink(path);
}

static struct adit_pcapng *open_file(void)
{
	const struct adit_pcapng_config cfg = { .path = path, .program = "adit test", .log = log_line };
	struct adit_pcapng *p;

	assert_int_equal(adit_pcapng_open(&p, &cfg), 0);
	return p;
}

/* 192.0.2.1.1000 > 192.0.2.2.9: UDP, 4 bytes of data */
static const uint8_t udp[32] = {
	0x45, 0, 0, 32, 0, 1, 0, 0, 64, 17, 0xf6, 0xc9, 192, 0, 2, 1, 192, 0, 2, 2,
	0x03, 0xe8, 0x00, 0x09, 0, 12, 0, 0, 'a', 'b', 'c', 'd',
};

static void write_udp(struct adit_pcapng *p, unsigned interface, enum adit_pcapng_direction d, const char *comment)
{
	uint8_t copy[32];
	struct iovec iov[2] = { { copy, 20 }, { copy + 20, 12 } };
	struct adit_pcapng_packet packet = {
		.interface = interface, .direction = d, .wall_ns = AT, .comment = comment, .iov = iov, .iov_cnt = 2,
	};

	memcpy(copy, udp, sizeof(copy));
	adit_pcapng_write(p, &packet);
}

/* --- the test's own reader ------------------------------------------------ */

struct option {
	uint16_t code, len;
	const uint8_t *value;
};

static uint32_t u32(const uint8_t *p)
{
	uint32_t v;

	memcpy(&v, p, 4);
	return v;
}

/* The option in [at, end), or one with value NULL. */
static struct option find_option(const uint8_t *at, const uint8_t *end, uint16_t code)
{
	struct option o = { 0 };

	while (end - at >= 4) {
		memcpy(&o.code, at, 2);
		memcpy(&o.len, at + 2, 2);
		o.value = at + 4;
		if (!o.code) {
			assert_ptr_equal(at + 4, end);
			break;
		}
		assert_true(o.value + o.len <= end);
		if (o.code == code)
			return o;
		at += 4 + (o.len + 3) / 4 * 4;
	}
	return (struct option){ 0 };
}

static uint8_t file[1 << 20];

static size_t read_file(void)
{
	int fd = open(path, O_RDONLY);
	ssize_t n = read(fd, file, sizeof(file));

	assert_true(n >= 0);
	close(fd);
	return (size_t)n;
}

/* The next block: checks both lengths, moves on. */
static const uint8_t *next_block(size_t *pos, size_t len, uint32_t type, const uint8_t **end)
{
	const uint8_t *b = file + *pos;
	uint32_t n;

	assert_true(*pos + 12 <= len);
	assert_int_equal(u32(b), type);
	n = u32(b + 4);
	assert_int_equal(n % 4, 0);
	assert_true(*pos + n <= len);
	assert_int_equal(u32(b + n - 4), n);
	*pos += n;
	*end = b + n - 4;
	return b + 8;
}

static void check_packet(size_t *pos, size_t len, unsigned interface, uint32_t flags, const char *comment)
{
	const uint8_t *end, *b = next_block(pos, len, 6, &end);
	struct option o;

	assert_int_equal(u32(b), interface);
	assert_true(((uint64_t)u32(b + 4) << 32 | u32(b + 8)) == (uint64_t)AT);
	assert_int_equal(u32(b + 12), sizeof(udp));
	assert_int_equal(u32(b + 16), sizeof(udp));
	assert_memory_equal(b + 20, udp, sizeof(udp));
	o = find_option(b + 20 + sizeof(udp), end, 1);
	assert_int_equal(o.value != NULL, comment != NULL);
	if (comment) {
		assert_int_equal(o.len, strlen(comment));
		assert_memory_equal(o.value, comment, o.len);
	}
	o = find_option(b + 20 + sizeof(udp), end, 2);
	assert_int_equal(o.value ? u32(o.value) : 0, flags);
}

static void test_read_back(void **state)
{
	struct adit_pcapng *p = open_file();
	const uint8_t *b, *end;
	struct option o;
	size_t len, pos = 0;

	(void)state;
	assert_int_equal(adit_pcapng_interface(p, "inside"), 0);
	assert_int_equal(adit_pcapng_interface(p, "outside"), 1);
	write_udp(p, 0, ADIT_PCAPNG_UNKNOWN, NULL);
	write_udp(p, 1, ADIT_PCAPNG_IN, NULL);
	write_udp(p, 0, ADIT_PCAPNG_OUT, "no_peer: no peer has an allowed IP for the destination");
	assert_int_equal(read_file(), 0); /* it waits for the flush */
	adit_pcapng_flush(p);
	len = read_file();
	b = next_block(&pos, len, 0x0a0d0d0a, &end);
	assert_int_equal(u32(b), 0x1a2b3c4d);
	o = find_option(b + 16, end, 4);
	assert_memory_equal(o.value, "adit test", 9);
	b = next_block(&pos, len, 1, &end);
	assert_int_equal(u32(b), 101);
	assert_memory_equal(find_option(b + 8, end, 2).value, "inside", 6);
	assert_int_equal(*find_option(b + 8, end, 9).value, 9);
	b = next_block(&pos, len, 1, &end);
	assert_memory_equal(find_option(b + 8, end, 2).value, "outside", 7);
	check_packet(&pos, len, 0, 0, NULL);
	check_packet(&pos, len, 1, 1, NULL);
	check_packet(&pos, len, 0, 2, "no_peer: no peer has an allowed IP for the destination");
	assert_int_equal(pos, len);
	adit_pcapng_close(p);
	assert_int_equal(read_file(), len);
}

static void test_many_and_long(void **state)
{
	static uint8_t big[70000] = { 0x45 };
	struct iovec iov = { big, sizeof(big) };
	const struct adit_pcapng_packet packet = { .wall_ns = AT, .iov = &iov, .iov_cnt = 1 };
	struct adit_pcapng *p = open_file();
	struct adit_pcapng_stats n;
	const uint8_t *b, *end;
	size_t len, pos = 0;
	int i;

	(void)state;
	adit_pcapng_interface(p, "inside");
	for (i = 0; i < 10; i++) /* more than the buffer holds */
		adit_pcapng_write(p, &packet);
	adit_pcapng_get_stats(p, &n);
	adit_pcapng_close(p);
	assert_int_equal(n.packets, 10);
	assert_int_equal(n.lost, 0);
	len = read_file();
	next_block(&pos, len, 0x0a0d0d0a, &end);
	next_block(&pos, len, 1, &end);
	for (i = 0; i < 10; i++) {
		b = next_block(&pos, len, 6, &end);
		assert_int_equal(u32(b + 12), 65536);
		assert_int_equal(u32(b + 16), 70000);
	}
	assert_int_equal(pos, len);
}

static void test_mode(void **state)
{
	struct adit_pcapng *p;
	struct stat st;

	(void)state;
	unlink(path);
	p = open_file();
	adit_pcapng_close(p);
	assert_int_equal(stat(path, &st), 0);
	assert_int_equal(st.st_mode & 07777, 0600);
}

static void test_full_disk(void **state)
{
	const struct adit_pcapng_config cfg = { .path = "/dev/full", .log = log_line };
	struct adit_pcapng *p;
	struct adit_pcapng_stats n;

	(void)state;
	assert_int_equal(adit_pcapng_open(&p, &cfg), 0);
	adit_pcapng_interface(p, "inside");
	write_udp(p, 0, ADIT_PCAPNG_IN, NULL);
	assert_false(adit_pcapng_stopped(p));
	adit_pcapng_flush(p);
	assert_true(adit_pcapng_stopped(p));
	write_udp(p, 0, ADIT_PCAPNG_IN, NULL);
	adit_pcapng_flush(p);
	write_udp(p, 0, ADIT_PCAPNG_IN, NULL);
	adit_pcapng_get_stats(p, &n);
	assert_int_equal(n.packets, 1);
	assert_int_equal(n.lost, 2);
	assert_int_equal(lines, 1);
	assert_non_null(strstr(said, "/dev/full"));
	assert_non_null(strstr(said, strerror(ENOSPC)));
	assert_true(adit_pcapng_interface(p, "more") < 0);
	adit_pcapng_close(p);
}

static void test_no_file(void **state)
{
	const struct adit_pcapng_config cfg = { .path = "/nonexistent/file" };
	struct adit_pcapng *p = NULL;

	(void)state;
	assert_int_equal(adit_pcapng_open(&p, &cfg), -ENOENT);
	assert_null(p);
}

static void test_tcpdump(void **state)
{
	struct adit_pcapng *p = open_file();
	char command[160], line[256], text[2048] = "";
	FILE *f;

	(void)state;
	if (system("command -v tcpdump >/dev/null 2>&1"))
		skip();
	adit_pcapng_interface(p, "inside");
	write_udp(p, 0, ADIT_PCAPNG_OUT, "a drop");
	write_udp(p, 0, ADIT_PCAPNG_IN, NULL);
	adit_pcapng_close(p);
	snprintf(command, sizeof(command), "TZ=UTC tcpdump -n -tt --nano -r %s 2>/dev/null", path);
	f = popen(command, "r");
	assert_non_null(f);
	while (fgets(line, sizeof(line), f))
		strcat(text, line);
	assert_int_equal(pclose(f), 0);
	assert_string_equal(strtok(text, "\n"),
			    "1700000000.123456789 IP 192.0.2.1.1000 > 192.0.2.2.9: UDP, length 4");
	assert_non_null(strtok(NULL, "\n"));
	assert_null(strtok(NULL, "\n"));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(test_read_back, set_up, tear_down),
		cmocka_unit_test_setup_teardown(test_many_and_long, set_up, tear_down),
		cmocka_unit_test_setup_teardown(test_mode, set_up, tear_down),
		cmocka_unit_test_setup_teardown(test_full_disk, set_up, tear_down),
		cmocka_unit_test_setup_teardown(test_no_file, set_up, tear_down),
		cmocka_unit_test_setup_teardown(test_tcpdump, set_up, tear_down),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
