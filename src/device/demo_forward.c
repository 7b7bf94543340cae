/* SPDX-License-Identifier: ISC */
/*
 * demo_forward.c - host A runs `adit forward`: a third member of the network
 * that is a process with no rights. Where user 65534 exists it runs as that
 * one; in the user namespace of a demo without root there is only one user.
 */
#include "device/demo_host.h"

#include <arpa/inet.h>
#include <errno.h>
#include <fcntl.h>
#include <grp.h>
#include <linux/capability.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include "crypto/keytext.h"

#define NOBODY	   65534
#define PATIENCE_MS 5000

static const char ready[] = "sandbox: "; /* its last line before it serves */

/* The child: gives every right away, then is `adit forward`. */
static _Noreturn void become_forward(int program, int log, const char *const argv[], const char *const envp[])
{
	struct __user_cap_header_struct head = { .version = _LINUX_CAPABILITY_VERSION_3 };
	struct __user_cap_data_struct none[2] = { { 0 } };
	int null = open("/dev/null", O_RDWR | O_CLOEXEC);

	if (dup2(null, 0) < 0 || dup2(null, 1) < 0 || dup2(log, 2) < 0)
		_exit(1);
	/* Refused in a user namespace of one user, who has no more rights than the demo's caller. */
	if (setgroups(0, NULL) || setresgid(NOBODY, NOBODY, NOBODY) || setresuid(NOBODY, NOBODY, NOBODY))
		errno = 0;
	prctl(PR_SET_PDEATHSIG, SIGKILL);
	if (prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) < 0 || syscall(SYS_capset, &head, none) < 0)
		_exit(1);
	syscall(SYS_execveat, program, "", argv, envp, AT_EMPTY_PATH);
	dprintf(2, "cannot start this program again: %s\n", strerror(errno));
	_exit(1);
}

static int start(struct demo_host *h, const char *const argv[], const char *const envp[], int log[2])
{
	int program = open("/proc/self/exe", O_PATH | O_CLOEXEC);

	if (program < 0)
		return -errno;
	h->forward_pid = fork();
	if (!h->forward_pid)
		become_forward(program, log[1], argv, envp);
	close(program);
	return h->forward_pid < 0 ? -errno : 0;
}

/* Reads what it says until it serves. The rest of that line goes to why, or what it said last. */
static int hear_ready(int log, struct demo_answer *a)
{
	struct pollfd p = { .fd = log, .events = POLLIN };
	char said[2048], *line, *end;
	size_t len = 0;
	ssize_t n = 1;

	said[0] = '\0';
	while (n > 0 && len + 1 < sizeof(said) && poll(&p, 1, PATIENCE_MS) > 0) {
		n = read(log, said + len, sizeof(said) - 1 - len);
		len += n > 0 ? (size_t)n : 0;
		said[len] = '\0';
		line = strstr(said, ready);
		end = line ? strchr(line, '\n') : NULL;
		if (end) {
			snprintf(a->why, sizeof(a->why), "%.*s", (int)(end - line - (int)sizeof(ready) + 1),
				 line + sizeof(ready) - 1);
			return 0;
		}
	}
	while (len && said[len - 1] == '\n')
		said[--len] = '\0';
	line = strrchr(said, '\n');
	snprintf(a->why, sizeof(a->why), "adit forward: %s", len ? (line ? line + 1 : said) : "said nothing");
	return -EIO;
}

/* A fresh key pair: the private one in base64. */
static int make_key(char text[ADIT_KEY_BASE64_LEN + 1], uint8_t public_key[ADIT_KEY_LEN])
{
	uint8_t private_key[ADIT_KEY_LEN];
	int r;

	adit_random(private_key, sizeof(private_key));
	adit_x25519_clamp(private_key);
	r = adit_public_key(public_key, private_key);
	adit_key_to_base64(text, private_key);
	adit_wipe(private_key, sizeof(private_key));
	return r;
}

int demo_forward(struct demo_host *h, const struct demo_ask *ask, struct demo_answer *a)
{
	char local[64], endpoint[32], inside[INET_ADDRSTRLEN], outside[INET_ADDRSTRLEN];
	char far_key[ADIT_KEY_BASE64_LEN + 1], key[ADIT_KEY_BASE64_LEN + 1], source[INET_ADDRSTRLEN], env[96];
	const char *const argv[] = { "adit", "forward", "--endpoint-addr", endpoint, "--endpoint-public-key", far_key,
			       "--source-peer-ip", source, local, NULL };
	const char *const envp[] = { env, NULL };
	const uint32_t from = demo_address(DEMO_GUEST, true), to = demo_address(3 - h->number, true),
		       at = demo_address(3 - h->number, false);
	int log[2], r = make_key(key, a->key);

	snprintf(env, sizeof(env), "ONETUN_PRIVATE_KEY=%s", key);
	adit_key_to_base64(far_key, ask->key);
	snprintf(endpoint, sizeof(endpoint), "%s:%u", inet_ntop(AF_INET, &at, outside, sizeof(outside)), DEMO_PORT);
	snprintf(local, sizeof(local), "127.0.0.1:%u:%s:%u", DEMO_FORWARD_PORT,
		 inet_ntop(AF_INET, &to, inside, sizeof(inside)), DEMO_HTTP_PORT);
	inet_ntop(AF_INET, &from, source, sizeof(source));
	if (!r && pipe2(log, O_CLOEXEC) < 0)
		r = -errno;
	if (r)
		return demo_why(a, "adit forward", -r);
	r = start(h, argv, envp, log);
	adit_wipe(env, sizeof(env));
	adit_wipe(key, sizeof(key));
	close(log[1]);
	r = r ? demo_why(a, "adit forward", -r) : hear_ready(log[0], a);
	close(log[0]);
	return r;
}

void demo_forward_stop(struct demo_host *h)
{
	if (h->forward_pid <= 0)
		return;
	kill(h->forward_pid, SIGKILL);
	waitpid(h->forward_pid, NULL, 0);
	h->forward_pid = 0;
}
