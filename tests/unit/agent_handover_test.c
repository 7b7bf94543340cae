/* SPDX-License-Identifier: ISC */
/* agent_handover_test.c - what one agent hands to the next: messages, descriptors in their order, lent sockets */
#include <errno.h>
#include <fcntl.h>
#include <netinet/in.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cmocka.h>

#include "agent/handover_message.h"
#include "agent/lender.h"
#include "pktio/udp.h"

static ino_t inode(int fd)
{
	struct stat st;

	assert_int_equal(fstat(fd, &st), 0);
	return st.st_ino;
}

static int udp_socket(uint16_t *port)
{
	const struct adit_udp_bind any = { 0 };
	int fd = adit_udp_make(AF_INET, &any, true, port);

	assert_true(fd >= 0);
	return fd;
}

/* Two threads, the second without IPv6. */
static void test_ends_travel(void **state)
{
	struct handover_message m = { .version = HANDOVER_VERSION, .kind = HANDOVER_NETWORK, .open = 1, .sessions = 1 }, got;
	struct adit_tunnel_ends ends = { .threads = 2 }, left;
	int pair[2], fd[HANDOVER_FDS_MAX], came[HANDOVER_FDS_MAX], null = open("/dev/null", O_RDONLY);
	unsigned cnt;

	(void)state;
	for (int i = 0; i < 2; i++) {
		ends.tun[i] = socket(AF_UNIX, SOCK_DGRAM, 0);
		ends.udp[i][0] = socket(AF_UNIX, SOCK_DGRAM, 0);
		ends.udp[i][1] = i ? -1 : socket(AF_UNIX, SOCK_DGRAM, 0);
	}
	cnt = handover_pack(&m, &ends, fd);
	assert_int_equal(cnt, 5);
	fd[cnt++] = null;
	assert_int_equal(handover_fds(&m), cnt);
	assert_int_equal(socketpair(AF_UNIX, SOCK_SEQPACKET, 0, pair), 0);
	assert_int_equal(handover_send(pair[0], &m, fd, cnt), 0);
	assert_int_equal(handover_recv(pair[1], &got, came, &cnt), 1);
	assert_int_equal(cnt, 6);
	handover_unpack(&got, came, &left);
	assert_int_equal(left.threads, 2);
	for (int i = 0; i < 2; i++) {
		assert_int_equal(inode(left.tun[i]), inode(ends.tun[i]));
		assert_int_equal(inode(left.udp[i][0]), inode(ends.udp[i][0]));
	}
	assert_int_equal(inode(left.udp[0][1]), inode(ends.udp[0][1]));
	assert_int_equal(left.udp[1][1], -1);
	while (cnt--)
		close(came[cnt]);
	close(pair[0]);
	assert_int_equal(handover_recv(pair[1], &got, came, &cnt), 0);
	close(pair[1]);
}

static void spoil(struct handover_message *m, int how)
{
	switch (how) {
	case 0: m->version++; break;
	case 1: m->kind = HANDOVER_KIND_CNT; break;
	case 2: m->threads = ADIT_TUNNEL_THREADS_MAX + 1; break;
	case 3: m->udp[0] = 4; break;
	case 4: memset(m->name, 'x', sizeof(m->name)); break;
	case 5: memset(m->ifname, 'x', sizeof(m->ifname)); break;
	case 6: m->threads = 2; break;
	case 7: m->sessions = 1; break;
	case 8: m->kind = HANDOVER_ALL; break;
	case 9: m->open = 0; break;
	case 10: m->wanted = 2; break;
	case 11: m->enable = 2; break;
	}
}

/* And no descriptor of it stays open. */
static void test_message_that_is_none(void **state)
{
	int pair[2], fd[HANDOVER_FDS_MAX], probe;
	struct handover_message got;
	unsigned cnt;

	(void)state;
	assert_int_equal(socketpair(AF_UNIX, SOCK_SEQPACKET, 0, pair), 0);
	probe = dup(0);
	close(probe);
	for (int how = 0; how <= 12; how++) {
		struct handover_message m = { .version = HANDOVER_VERSION, .kind = HANDOVER_NETWORK, .open = 1, .threads = 1 };
		const int one = 0;

		spoil(&m, how);
		assert_int_equal(handover_send(pair[0], &m, &one, 1), 0);
		if (how == 12)
			assert_int_equal(handover_recv(pair[1], &got, fd, &cnt), 1);
		else if (handover_recv(pair[1], &got, fd, &cnt) != -EBADMSG)
			fail_msg("case %d was taken", how);
		if (how == 12)
			close(fd[0]);
	}
	assert_int_equal(dup(0), probe);
	close(probe);
	close(pair[0]);
	close(pair[1]);
}

/* A socket that was left is lent again and again; another port is not it. */
static void test_sockets_are_lent(void **state)
{
	struct helper_config cfg = { .config_path = "/nonexistent" };
	struct adit_udp_bind bind = { .shared = true };
	uint16_t port = 0, same = 0, other;
	const struct adit_rights *rights;
	struct agent_lender *l;
	struct helper *h;
	int fds[2], first, second;
	char err[256];

	(void)state;
	assert_int_equal(helper_start(&h, &cfg, err, sizeof(err)), 0);
	l = agent_lender_of(h, "office");
	assert_ptr_equal(l, agent_lender_of(h, "office"));
	rights = helper_network_rights(h, "office");
	fds[0] = udp_socket(&port);
	fds[1] = udp_socket(&port);
	l->ends = (struct adit_tunnel_ends){ .threads = 2, .tun = { -1, -1 }, .udp = { { fds[0], -1 }, { fds[1], -1 } } };
	first = rights->udp(rights->user, AF_INET, &bind, false, &same); /* a look at the port */
	assert_int_equal(same, port);
	assert_int_equal(inode(first), inode(fds[0]));
	close(first);
	first = rights->udp(rights->user, AF_INET, &bind, true, &same);
	assert_int_equal(inode(first), inode(fds[0]));
	bind.join = true;
	second = rights->udp(rights->user, AF_INET, &bind, true, &same);
	assert_int_equal(inode(second), inode(fds[1]));
	bind.join = false;
	other = (uint16_t)(port == 65535 ? 1024 : port + 1);
	close(second);
	second = rights->udp(rights->user, AF_INET, &bind, true, &other);
	assert_true(second < 0 || inode(second) != inode(first)); /* nor are the others kept, which are in its way */
	if (second >= 0)
		close(second);
	agent_lender_release(l);
	assert_int_equal(fcntl(fds[0], F_GETFD), -1);
	second = rights->udp(rights->user, AF_INET, &bind, true, &same);
	assert_true(second >= 0 && inode(second) != inode(first)); /* the helper's */
	close(second);
	close(first);
	helper_end(h, false);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_ends_travel),
		cmocka_unit_test(test_message_that_is_none),
		cmocka_unit_test(test_sockets_are_lent),
	};

	return cmocka_run_group_tests_name("agent_handover", tests, NULL, NULL);
}
