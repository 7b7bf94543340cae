/* SPDX-License-Identifier: ISC */
/* forward_config_test.c - what adit forward reads: good input, and every error with its position */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <cmocka.h>

#include "base/exit.h"
#include "forward/config.h"
#include "forward/options.h"
#include "forward/settings.h"
#include "forward/spec.h"

#define KEY1 "AQIDBAUGBwgJCgsMDQ4PEBESExQVFhcYGRobHB0eHyA=" /* 1, 2, 3 ... 32 */
#define KEY2 "AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAE="
#define HEAD "[Interface]\nPrivateKey = " KEY1 "\nAddress = 10.0.0.2/32\n"
#define PEER "[Peer]\nPublicKey = " KEY2 "\nEndpoint = 192.0.2.1:51820\n"
#define ARGS_MAX 64

/* A reading: what came out, and what was said. */
struct reading {
	struct adit_forward_config cfg;
	char errors[8192], warnings[4096], services[8192];
	int status;
	const char *const *env; /* name, value, ... NULL */
};

static void collect(void *user, bool error, const char *msg)
{
	struct reading *r = user;
	char *to = error ? r->errors : r->warnings;
	size_t size = error ? sizeof(r->errors) : sizeof(r->warnings), len = strlen(to);

	assert_true(len + strlen(msg) + 2 < size);
	snprintf(to + len, size - len, "%s\n", msg);
}

static const char *variable(void *user, const char *name)
{
	const struct reading *r = user;

	for (const char *const *e = r->env; e && *e; e += 2)
		if (!strcmp(e[0], name))
			return e[1];
	return NULL;
}

static int look_up(void *user, const char *name, struct adit_addr *ret)
{
	(void)user;
	return strcmp(name, "here.example") ? -1 : adit_addr_parse(ret, "192.0.2.9");
}

static void begin(struct reading *r, struct adit_forward_reader *rd)
{
	adit_forward_config_init(&r->cfg);
	r->errors[0] = r->warnings[0] = r->services[0] = '\0';
	*rd = (struct adit_forward_reader){ .cfg = &r->cfg, .report = collect, .env = variable, .lookup = look_up,
					    .user = r };
}

static void describe(struct reading *r)
{
	char text[640];

	for (size_t i = 0; i < r->cfg.service_cnt; i++) {
		size_t len = strlen(r->services);

		relay_service_describe(&r->cfg.service[i], text, sizeof(text));
		snprintf(r->services + len, sizeof(r->services) - len, "%s\n", text);
	}
}

static void read_spec(struct reading *r, const char *text, bool remote)
{
	struct adit_forward_origin at = { "a", 1, 1 };
	struct adit_forward_reader rd;

	begin(r, &rd);
	adit_forward_spec(&rd, &at, "F", text, remote);
	describe(r);
}

static void read_text(struct reading *r, const char *text)
{
	struct adit_forward_reader rd;

	begin(r, &rd);
	adit_forward_settings(&rd, "x.conf", text, strlen(text), NULL, false);
	if (!rd.errors)
		adit_forward_config_check(&rd, "x.conf");
	describe(r);
}

/* A command line as a shell would cut it, without quotes. */
static void read_line(struct reading *r, const char *line)
{
	struct adit_forward_options *o;
	struct adit_forward_reader rd;
	char copy[4096], *argv[ARGS_MAX], *save;
	int argc = 0;

	assert_true(strlen(line) < sizeof(copy));
	strcpy(copy, line);
	for (char *p = strtok_r(copy, " ", &save); p && argc < ARGS_MAX - 1; p = strtok_r(NULL, " ", &save))
		argv[argc++] = p;
	argv[argc] = NULL;
	begin(r, &rd);
	assert_int_equal(adit_forward_options_new(&o, argc, argv), 0);
	for (int i = 1; i < argc; i++) /* nothing secret is left where ps looks */
		assert_null(strstr(argv[i], KEY1));
	r->status = adit_forward_options_read(o, &rd);
	describe(r);
	adit_forward_options_free(o);
}

static void done(struct reading *r)
{
	adit_forward_config_fini(&r->cfg);
}

/* --- forwards ------------------------------------------------------------------- */

static void good_forwards(void **state)
{
	static const struct {
		const char *text;
		bool remote;
		const char *want;
	} cases[] = {
		/* those of onetun's manual and tests */
		{ "127.0.0.1:8080:192.168.4.1:8081:TCP,UDP", false,
		  "tcp 127.0.0.1:8080 -> 192.168.4.1:8081\nudp 127.0.0.1:8080 -> 192.168.4.1:8081\n" },
		{ "127.0.0.1:8080:192.168.4.1:8081:TCP", false, "tcp 127.0.0.1:8080 -> 192.168.4.1:8081\n" },
		{ "0.0.0.0:8080:192.168.4.1:8081", false, "tcp 0.0.0.0:8080 -> 192.168.4.1:8081\n" },
		{ "[::1]:8080:192.168.4.1:8081", false, "tcp [::1]:8080 -> 192.168.4.1:8081\n" },
		{ "8080:192.168.4.1:8081", false, "tcp 127.0.0.1:8080 -> 192.168.4.1:8081\n" },
		{ "8080:192.168.4.1:8081:TCP", false, "tcp 127.0.0.1:8080 -> 192.168.4.1:8081\n" },
		{ "localhost:8080:192.168.4.1:8081:TCP", false, "tcp 127.0.0.1:8080 -> 192.168.4.1:8081\n" },
		{ "localhost:8080:peer.intranet:8081:TCP", false, "tcp 127.0.0.1:8080 -> peer.intranet:8081\n" },
		{ "127.0.0.1:8080:192.168.4.2:8080:UDP,TCP", false,
		  "udp 127.0.0.1:8080 -> 192.168.4.2:8080\ntcp 127.0.0.1:8080 -> 192.168.4.2:8080\n" },
		{ "8080:localhost:8081:TCP,UDP", true,
		  "remote tcp *:8080 -> localhost:8081\nremote udp *:8080 -> localhost:8081\n" },
		{ "8080:[::1]:8081:TCP", true, "remote tcp *:8080 -> [::1]:8081\n" },
		{ "8080:google.com:80", true, "remote tcp *:8080 -> google.com:80\n" },
		/* ours */
		{ "[::1]:8081:[fd09::2]:80", false, "tcp [::1]:8081 -> [fd09::2]:80\n" },
		{ "*:80:10.0.0.1:80:udp", false, "udp *:80 -> 10.0.0.1:80\n" },
		{ ":80:10.0.0.1:80", false, "tcp *:80 -> 10.0.0.1:80\n" },
		{ "here.example:80:10.0.0.1:80", false, "tcp 192.0.2.9:80 -> 10.0.0.1:80\n" },
		{ "8000-8002:h:9000-9002", false, "tcp 127.0.0.1:8000 -> h:9000\ntcp 127.0.0.1:8001 -> h:9001\n"
		  "tcp 127.0.0.1:8002 -> h:9002\n" },
		{ "[::1]:1-1:h:2-2:UDP", false, "udp [::1]:1 -> h:2\n" },
		{ "unix:/run/x.sock:10.0.0.1:80", false, "tcp unix:/run/x.sock -> 10.0.0.1:80\n" },
		{ "unix:/x:[fd00::1]:80", false, "tcp unix:/x -> [fd00::1]:80\n" },
		{ "8080:unix:/run/y.sock", true, "remote tcp *:8080 -> unix:/run/y.sock\n" },
		{ "10.0.0.2:8080:unix:/y", true, "remote tcp 10.0.0.2:8080 -> unix:/y\n" },
		{ "10.0.0.2:53:127.0.0.1:53:UDP", true, "remote udp 10.0.0.2:53 -> 127.0.0.1:53\n" },
		{ "0:10.0.0.1:65535", false, "tcp 127.0.0.1:0 -> 10.0.0.1:65535\n" },
		{ "80:10.0.0.1:80:TCP,TCP", false, "tcp 127.0.0.1:80 -> 10.0.0.1:80\n" },
	};

	(void)state;
	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		struct reading r = { 0 };

		read_spec(&r, cases[i].text, cases[i].remote);
		assert_string_equal(r.errors, "");
		assert_string_equal(r.services, cases[i].want);
		done(&r);
	}
}

static void bad_forwards(void **state)
{
	static const struct {
		const char *text;
		bool remote;
		const char *want;
	} cases[] = {
		{ "", false, "a:1:1: F: not a forward (write [HOST:]PORT:DST:PORT[:TCP,UDP], like 127.0.0.1:8080:10.0.0.2:80)\n" },
		{ "80", false, "a:1:1: F: not a forward (write [HOST:]PORT:DST:PORT[:TCP,UDP], like 127.0.0.1:8080:10.0.0.2:80)\n" },
		{ "80:h:80:TCP:x", false, "a:1:1: F: not a forward (write [HOST:]PORT:DST:PORT[:TCP,UDP], like 127.0.0.1:8080:10.0.0.2:80)\n" },
		{ "a:1:b:2:TCP:x", false, "a:1:13: F: too many parts (an IPv6 address stands in brackets, like [fd00::1])\n" },
		{ "70000:h:80", false, "a:1:1: F: \"70000\" is not a port (0 to 65535)\n" },
		{ "127.0.0.1:99999:h:80", false, "a:1:11: F: \"99999\" is not a port (0 to 65535)\n" },
		{ "80:h:x", false, "a:1:6: F: \"x\" is not a port (0 to 65535)\n" },
		{ "80:h:", false, "a:1:6: F: a port is missing here (0 to 65535)\n" },
		{ "80::80", false, "a:1:4: F: a host is missing here (an address or a name)\n" },
		{ "80:300.1.1.1:80", false, "a:1:4: F: not an address and not a name (IPv6 stands in brackets)\n" },
		{ "80:[10.0.0.1]:80", false, "a:1:5: F: not an address and not a name (IPv6 stands in brackets)\n" },
		{ "80:[::1:80", false, "a:1:4: F: the bracket is not closed (write [ADDRESS]:PORT)\n" },
		{ "80:[::1]x:80", false, "a:1:4: F: the bracket is not closed (write [ADDRESS]:PORT)\n" },
		{ "80:h:80:SCTP", false, "a:1:9: F: \"SCTP\" is not a protocol (TCP, UDP, or TCP,UDP)\n" },
		{ "80:h:80:TCP,", false, "a:1:13: F: \"\" is not a protocol (TCP, UDP, or TCP,UDP)\n" },
		{ "away.example:80:h:80", false, "a:1:1: F: \"away.example\" is not an address of this machine to "
		  "listen on (a number, or a name that resolves)\n" },
		{ "90-80:h:90-80", false, "a:1:1: F: 90-80 is not a range of ports (write the smaller one first)\n" },
		{ "80-90:h:80", false, "a:1:9: F: the two ranges have 11 and 1 ports (make them equally long)\n" },
		{ "unix:x:h:80", false, "a:1:6: F: a Unix socket's path begins with a slash (unix:/path)\n" },
		{ "unix:/x", false, "a:1:8: F: where to? (write unix:/PATH:DST:PORT)\n" },
		{ "unix:/x:h:80:UDP", false, "a:1:9: F: a destination is DST:PORT here (a Unix socket carries TCP only)\n" },
		{ "unix:/x:h:80", true, "a:1:1: F: a reverse forward listens inside, on a port\n" },
		{ "80-81:unix:/x", true, "a:1:1: F: one port leads to one socket\n" },
		{ "here.example:80:h:80", true, "a:1:1: F: \"here.example\" is not an address of this machine to "
		  "listen on (write the number)\n" },
	};

	(void)state;
	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		struct reading r = { 0 };

		read_spec(&r, cases[i].text, cases[i].remote);
		assert_string_equal(r.errors, cases[i].want);
		assert_string_equal(r.services, "");
		done(&r);
	}
}

static void too_many_forwards(void **state)
{
	struct reading r = { 0 };

	(void)state;
	read_spec(&r, "1-5000:h:1-5000", false);
	assert_int_equal(r.cfg.service_cnt, ADIT_FORWARD_SERVICES_MAX);
	assert_non_null(strstr(r.errors, "a:1:1: more than 4096 services"));
	done(&r);
}

static void same_place(void **state)
{
	struct reading r = { 0 };

	(void)state;
	read_text(&r, HEAD PEER "[Socks5]\nBindAddress = 127.0.0.1:1080\n[http]\nBindAddress = 127.0.0.1:1080\n"
		  "[UDPProxyTunnel]\nBindAddress = 127.0.0.1:1080\nTarget = h:1\n"
		  "[Socks5]\nBindAddress = 127.0.0.1:1080\n");
	assert_string_equal(r.errors, "x.conf:9:2: listens where \"socks5 127.0.0.1:1080\" does already "
			    "(choose another port)\n");
	done(&r);
}

/* --- command lines ----------------------------------------------------------------- */

#define NETWORK "--endpoint-addr 140.30.3.182:51820 --endpoint-public-key " KEY2 " --private-key " KEY1 \
		" --source-peer-ip 192.168.4.3 "

static void onetun_line(void **state)
{
	struct reading r = { 0 };

	(void)state;
	read_line(&r, "forward 127.0.0.1:8080:192.168.4.2:8080 " NETWORK "--keep-alive 10");
	assert_string_equal(r.errors, "");
	assert_int_equal(r.status, 0);
	assert_string_equal(r.warnings, "argument:7:1: warning: --private-key: others may have seen the key in the "
			    "list of processes (use --private-key-file, or ONETUN_PRIVATE_KEY)\n");
	assert_string_equal(r.services, "tcp 127.0.0.1:8080 -> 192.168.4.2:8080\n");
	assert_int_equal(r.cfg.private_key[31], 32);
	assert_int_equal(r.cfg.address_cnt, 1);
	assert_int_equal(r.cfg.peer_cnt, 1);
	assert_int_equal(r.cfg.peer[0].public_key[31], 1);
	assert_string_equal(r.cfg.peer[0].endpoint_host, "140.30.3.182");
	assert_int_equal(r.cfg.peer[0].endpoint_port, 51820);
	assert_int_equal(r.cfg.peer[0].keepalive, 10);
	assert_int_equal(r.cfg.peer[0].allowed_cnt, 2); /* everything */
	assert_int_equal(r.cfg.family, RELAY_FAMILY_4);
	done(&r);
}

static void all_options(void **state)
{
	struct reading r = { 0 };

	(void)state;
	read_line(&r, "forward --log warn,onetun=debug --max-transmission-unit=1400 --pcap wg.pcap -r 8000:localhost:80 "
		  "--socks5 u:p@x@1080 --mixed=[::1]:1081 --http :3128 --sni 4443 --stdio h:22 -i localhost:9080 -dn "
		  "--endpoint-bind-addr 192.0.2.5:30000 --preshared-key=" KEY2 " --memory 16 --control /run/c.sock "
		  "--udp-timeout 7 --udp-pool 100 --udp-per-client 10 --udp-unreplied 3 --backend stack --no-sandbox "
		  NETWORK "9:h:9:UDP");
	assert_string_equal(r.errors, "");
	assert_string_equal(r.services, "remote tcp *:8000 -> localhost:80\nsocks5 127.0.0.1:1080\n"
			    "socks5+http [::1]:1081\nhttp *:3128\nsni 127.0.0.1:4443\nstdio -> h:22\n"
			    "udp 127.0.0.1:9 -> h:9\n");
	assert_string_equal(r.cfg.service[1].username, "u");
	assert_string_equal(r.cfg.service[1].password, "p@x");
	assert_int_equal(r.cfg.service[6].udp_timeout, 7);
	assert_int_equal(r.cfg.service[6].udp_unreplied, 3);
	assert_int_equal(r.cfg.service[6].udp_pool, 100);
	assert_int_equal(r.cfg.service[6].udp_per_client, 10);
	assert_int_equal(r.cfg.mtu, 1400);
	assert_int_equal(r.cfg.log_level, ADIT_FORWARD_LOG_DEBUG);
	assert_string_equal(r.cfg.pcap, "wg.pcap");
	assert_int_equal(r.cfg.listen_port, 30000);
	assert_int_equal(r.cfg.bind_addr.bytes[3], 5);
	assert_int_equal(r.cfg.info.port, 9080);
	assert_int_equal(r.cfg.memory_mib, 16);
	assert_int_equal(r.cfg.backend, ADIT_FORWARD_STACK);
	assert_true(r.cfg.daemon && r.cfg.test && r.cfg.no_sandbox && r.cfg.peer[0].has_psk);
	assert_string_equal(r.cfg.control, "/run/c.sock");
	done(&r);
	read_line(&r, "forward --backend kernel " NETWORK "9:h:9");
	assert_string_equal(r.errors, "");
	assert_int_equal(r.cfg.backend, ADIT_FORWARD_KERNEL);
	done(&r);
}

static void variables(void **state)
{
	static const char *const env[] = {
		"ONETUN_PRIVATE_KEY", KEY1, "ONETUN_ENDPOINT_PUBLIC_KEY", KEY2, "ONETUN_PRESHARED_KEY", KEY2,
		"ONETUN_ENDPOINT_ADDR", "vpn.example.com:51820", "ONETUN_ENDPOINT_BIND_ADDR", "0.0.0.0:30000",
		"ONETUN_SOURCE_PEER_IP", "fd09::3", "ONETUN_KEEP_ALIVE", "25", "ONETUN_MTU", "1300", "ONETUN_LOG", "debug",
		"ONETUN_PCAP", "x.pcap", "ONETUN_PORT_FORWARD_1", "8080:h:80", "ONETUN_PORT_FORWARD_2", "8081:h:81:UDP",
		"ONETUN_PORT_FORWARD_4", "8083:h:83", "ONETUN_REMOTE_PORT_FORWARD_1", "9000:localhost:90", NULL,
	};
	struct reading r = { .env = env };

	(void)state;
	read_line(&r, "forward");
	assert_string_equal(r.errors, "");
	assert_string_equal(r.warnings, ""); /* a key in the environment is no key in the list of processes */
	/* the third is missing, so the fourth does not count */
	assert_string_equal(r.services, "tcp 127.0.0.1:8080 -> h:80\nudp 127.0.0.1:8081 -> h:81\n"
			    "remote tcp *:9000 -> localhost:90\n");
	assert_int_equal(r.cfg.mtu, 1300);
	assert_int_equal(r.cfg.peer[0].keepalive, 25);
	assert_int_equal(r.cfg.listen_port, 30000);
	assert_int_equal(r.cfg.bind_addr.family, 0);
	assert_int_equal(r.cfg.family, RELAY_FAMILY_6);
	assert_true(r.cfg.peer[0].has_psk);
	done(&r);
	read_line(&r, "forward --keep-alive 5 --log=off 1:h:1");
	assert_int_equal(r.cfg.peer[0].keepalive, 5); /* an argument wins */
	assert_int_equal(r.cfg.log_level, ADIT_FORWARD_LOG_OFF);
	assert_int_equal(r.cfg.service_cnt, 4);
	done(&r);
}

static void bad_lines(void **state)
{
	static const char *const bad_env[] = { "ONETUN_MTU", "12", "ONETUN_PORT_FORWARD_1", "80:h:x", "HOME", "/nonexistent", NULL };
	static const char *const home[] = { "HOME", "/nonexistent", NULL };
	static const struct {
		const char *line, *want;
		int status;
		const char *const *env;
	} cases[] = {
		{ "forward --endpoint-adr 1.2.3.4:5",
		  "argument:1:1: unknown option --endpoint-adr (did you mean --endpoint-addr?)\n", ADIT_EXIT_USAGE, home },
		{ "forward --zzz", "argument:1:1: unknown option --zzz (adit forward --help lists them)\n", ADIT_EXIT_USAGE, home },
		{ "forward -sx", "argument:1:3: unknown option -x (adit forward --help lists them)\n", ADIT_EXIT_USAGE, home },
		{ "forward 80:h:80 --keep-alive", "argument:2:1: --keep-alive: its value is missing\n", ADIT_EXIT_USAGE, home },
		{ "forward --memory=17 --keep-alive 70000", "argument:1:10: --memory: \"17\" is not a memory profile (16, 64 or 256 MiB)\n"
		  "argument:3:1: --keep-alive: \"70000\" is not a number from 0 to 65535\n", ADIT_EXIT_USAGE, home },
		{ "forward --backend=kernel --pcap=x 1:h:1 " NETWORK, "argument:1:1: --backend: the kernel's has no --pcap (leave one "
		  "of the two out)\n", ADIT_EXIT_USAGE, home },
		{ "forward --daemon=yes", "argument:1:10: --daemon: takes no value\n", ADIT_EXIT_USAGE, home },
		{ "forward --endpoint-addr 1.2.3.4 --endpoint-addr 1.2.3.4:5",
		  "argument:2:1: --endpoint-addr: \"1.2.3.4\" is not a destination (write HOST:PORT)\n"
		  "argument:4:1: --endpoint-addr: stands twice (remove one)\n", ADIT_EXIT_USAGE, home },
		{ "forward --preshared-key abc", "argument:2:1: --preshared-key: not a key (44 characters of base64; "
		  "adit genkey and adit pubkey print them)\n", ADIT_EXIT_USAGE, home },
		{ "forward 80:h:80", "argument:1:1: which network? (-c FILE, or --endpoint-addr and its like; "
		  "adit forward --help has examples)\n", ADIT_EXIT_USAGE, home },
		{ "forward 80:h:80 --source-peer-ip 10.0.0.2", "argument:1:1: --endpoint-public-key is missing (or "
		  "ONETUN_ENDPOINT_PUBLIC_KEY)\nargument:1:1: --endpoint-addr is missing (or ONETUN_ENDPOINT_ADDR)\n",
		  ADIT_EXIT_USAGE, home },
		{ "forward " NETWORK, "argument:1:1: nothing to forward (like 127.0.0.1:8080:10.0.0.2:80, or "
		  "--socks5 127.0.0.1:1080)\n", ADIT_EXIT_USAGE, home },
		{ "forward " NETWORK "-r 10.0.0.9:80:h:80", "argument:1:1: \"remote tcp 10.0.0.9:80 -> h:80\" listens on an "
		  "address that is not ours inside (leave it out)\n", ADIT_EXIT_USAGE, home },
		{ "forward " NETWORK, "ONETUN_MTU:1:1: --max-transmission-unit: \"12\" is not a number from 576 to 65535\n"
		  "ONETUN_PORT_FORWARD_1:1:6: PORT_FORWARD: \"x\" is not a port (0 to 65535)\n", ADIT_EXIT_USAGE, bad_env },
		{ "forward -c /nonexistent/x.conf --socks5 u@1080", "argument:4:1: --socks5: a user and a password are wanted "
		  "before the @ (USER:PASSWORD@)\n", ADIT_EXIT_USAGE, home },
		{ "forward -c /nonexistent/x.conf --keep-alive 3", "argument:1:1: --keep-alive: belongs to a network without "
		  "a file (write it into the file of -c)\n/nonexistent/x.conf:1:1: No such file or directory\n",
		  ADIT_EXIT_CONFIG, home },
	};

	(void)state;
	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		struct reading r = { .env = cases[i].env };

		read_line(&r, cases[i].line);
		assert_string_equal(r.errors, cases[i].want);
		assert_int_equal(r.status, cases[i].status);
		done(&r);
	}
}

/* --- files ------------------------------------------------------------------------- */

/* The values of wireproxy's sample file and of its section on several peers. */
static void wireproxy_sample(void **state)
{
	struct reading r = { 0 };

	(void)state;
	read_text(&r, "# a comment\n[Interface]\n"
		  "Address = 10.200.200.2/32 # The subnet should be /32 and /128 for IPv4 and v6 respectively\n"
		  "# MTU = 1420 (optional)\n"
		  "PrivateKey = uCTIK+56CPyCvwJxmU5dBfuyJvPuSXAq1FzHdnIxe1Q=\n"
		  "# PrivateKey = $MY_WIREGUARD_PRIVATE_KEY # Alternatively, reference environment variables\n"
		  "DNS = 10.200.200.1\n\n[Peer]\n"
		  "PublicKey = QP+A67Z2UBrMgvNIdHv8gPel5URWNLS4B3ZQ2hQIZlg=\n"
		  "# PresharedKey = UItQuvLsyh50ucXHfjF0bbR4IIpVBd74lwKc8uIPXXs= (optional)\n"
		  "Endpoint = my.ddns.example.com:51820\n# PersistentKeepalive = 25 (optional)\n\n"
		  "[TCPClientTunnel]\nBindAddress = 127.0.0.1:25565\nTarget = play.cubecraft.net:25565\n\n"
		  "[TCPServerTunnel]\nListenPort = 3422\nTarget = localhost:25545\n\n"
		  "[STDIOTunnel]\nTarget = ssh.myserver.net:22\n\n"
		  "[Socks5]\nBindAddress = 127.0.0.1:25344\n#Username = ...\n#Password = ...\n\n"
		  "[http]\nBindAddress = 127.0.0.1:25345\n#CertFile = ...\n#KeyFile = ...\n\n"
		  "[SNI]\nBindAddress = 0.0.0.0:443\n\n"
		  "[UDPProxyTunnel]\nBindAddress = 127.0.0.1:53\nTarget = 1.1.1.1:53\n"
		  "InactivityTimeout = 30 # If its set to 0, it will never timeout\n\n"
		  "[Resolve]\nResolveStrategy = auto \n");
	assert_string_equal(r.errors, "");
	assert_string_equal(r.warnings, "");
	assert_string_equal(r.services, "tcp 127.0.0.1:25565 -> play.cubecraft.net:25565\n"
			    "remote tcp *:3422 -> localhost:25545\nstdio -> ssh.myserver.net:22\n"
			    "socks5 127.0.0.1:25344\nhttp 127.0.0.1:25345\nsni 0.0.0.0:443\n"
			    "udp 127.0.0.1:53 -> 1.1.1.1:53\n");
	assert_int_equal(r.cfg.address_cnt, 1);
	assert_int_equal(r.cfg.dns_cnt, 1);
	assert_int_equal(r.cfg.dns[0].addr.bytes[1], 200);
	assert_string_equal(r.cfg.peer[0].endpoint_host, "my.ddns.example.com");
	assert_int_equal(r.cfg.peer[0].allowed_cnt, 2);
	assert_int_equal(r.cfg.service[6].udp_timeout, 30);
	assert_int_equal(r.cfg.family, RELAY_FAMILY_4);
	done(&r);
}

static void wireproxy_peers(void **state)
{
	struct reading r = { 0 };

	(void)state;
	read_text(&r, "[Interface]\nListenPort = 5400\nAddress = 10.254.254.40/32\nPrivateKey = " KEY1 "\n\n"
		  "[Peer]\nEndpoint = 192.168.0.204:51820\nPublicKey = " KEY2 "\nAllowedIPs = 10.254.254.100/32\n"
		  "PersistentKeepalive = 25\n\n[Peer]\nPublicKey = " KEY1 "\n"
		  "AllowedIPs = 10.254.254.1/32, fdee:1337:c000:d00d::1/128\n# Note there is no Endpoint defined here.\n"
		  "[TCPServerTunnel]\nListenPort = 5000\nTarget = service-one.servicenet:5000\n\n"
		  "[TCPServerTunnel]\nListenPort = 5001\nTarget = service-two.servicenet:5001\n");
	assert_string_equal(r.errors, "");
	assert_int_equal(r.cfg.listen_port, 5400);
	assert_int_equal(r.cfg.peer_cnt, 2);
	assert_int_equal(r.cfg.peer[0].keepalive, 25);
	assert_int_equal(r.cfg.peer[1].allowed_cnt, 2);
	assert_string_equal(r.cfg.peer[1].endpoint_host, "");
	assert_int_equal(r.cfg.service_cnt, 2);
	done(&r);
}

/* Three from wireproxy's own tests, and a file as wg-quick has it. */
static void other_files(void **state)
{
	static const char many[] = "\n[Interface]\nPrivateKey = mBsVDahr1XIu9PPd17UmsDdB6E53nvmS47NbNqQCiFM=\n"
		"Address = 100.96.0.190,2606:B300:FFFF:fe8a:2ac6:c7e8:b021:6f5f/128\nDNS = 198.18.0.1,198.18.0.2\n\n"
		"[Peer]\nPublicKey = SHnh4C2aDXhp1gjIqceGhJrhOLSeNYcqWLKcYnzj00U=\nAllowedIPs = 0.0.0.0/0,::/0\n"
		"Endpoint = 192.200.144.22:51820";
	static const char subnet[] = "\n[Interface]\nPrivateKey = LAr1aNSNF9d0MjwUgAVC4020T0N/E5NUtqVv5EnsSz0=\n"
		"Address = 10.5.0.2/23\nDNS = 1.1.1.1\n\n[Peer]\nPublicKey = e8LKAc+f9xEzq9Ar7+MfKRrs+gZ/4yzvpRJLRJ/VJ1w=\n"
		"AllowedIPs = 0.0.0.0/0, ::/0\nEndpoint = 94.140.11.15:51820\nPersistentKeepalive = 25";
	static const char quick[] = "\xef\xbb\xbf[interface]\r\nprivatekey=" KEY1 "\r\nADDRESS=10.0.0.2/24, fd00::2/64\r\n"
		"Table = off\r\nSaveConfig = true\r\nFwMark = 0x10\r\nDNS = 10.0.0.1, corp.example, fd00::1, lab.example\r\n"
		"[peer]\r\nPUBLICKEY=" KEY2 "\r\nEndpoint=[2001:db8::1]:1\r\nPersistentKeepalive = off\r\n";
	struct reading r = { 0 };

	(void)state;
	read_text(&r, many);
	assert_string_equal(r.errors, "");
	assert_int_equal(r.cfg.address_cnt, 2);
	assert_int_equal(r.cfg.dns_cnt, 2);
	assert_int_equal(r.cfg.family, RELAY_FAMILY_AUTO);
	done(&r);
	read_text(&r, subnet);
	assert_string_equal(r.errors, "");
	assert_int_equal(r.cfg.address[0].bytes[3], 2);
	done(&r);
	read_text(&r, quick);
	assert_string_equal(r.errors, "");
	assert_string_equal(r.warnings, "");
	assert_int_equal(r.cfg.dns_cnt, 2);
	assert_string_equal(r.cfg.search, "corp.example lab.example");
	assert_int_equal(r.cfg.fwmark, 16);
	assert_string_equal(r.cfg.peer[0].endpoint_host, "2001:db8::1");
	done(&r);
}

static void values(void **state)
{
	static const char *const env[] = { "MYKEY", KEY1, "PW", "a#b;c", NULL };
	struct reading r = { .env = env };

	(void)state;
	read_text(&r, "[Interface]\nPrivateKey = $MYKEY\nAddress: 10.0.0.2\nAddress = 10.0.0.3 ; more\n"
		  "CheckAlive = 10.0.0.1, fd00::1\nCheckAliveInterval = 3\n" PEER
		  "[Socks5]\nBindAddress = :1080\nUsername = \"a b\"\nPassword = $PW\n"
		  "[http]\nBindAddress = *:8080\nUsername = $$x\nPassword = `a#b`\nCertFile = /c\nKeyFile = /k\n"
		  "[Mixed]\nBindAddress = unix:/run/m\n"
		  "[UDPServerTunnel]\nListenPort = 53\nTarget = 127.0.0.1:53\n"
		  "[UDPProxyTunnel]\nBindAddress = 127.0.0.1:54\nTarget = h:54\nPortPool = 100\nPortsPerClient = 5\n"
		  "UnrepliedTimeout = 9\n[Resolve]\nResolveStrategy = IPv6\n");
	assert_string_equal(r.errors, "");
	assert_string_equal(r.warnings, "");
	assert_string_equal(r.services, "socks5 *:1080\nhttp *:8080\nsocks5+http unix:/run/m\n"
			    "remote udp *:53 -> 127.0.0.1:53\nudp 127.0.0.1:54 -> h:54\n");
	assert_string_equal(r.cfg.service[0].username, "a b");
	assert_string_equal(r.cfg.service[0].password, "a#b;c");
	assert_string_equal(r.cfg.service[1].username, "$x");
	assert_string_equal(r.cfg.service[1].password, "a#b");
	assert_string_equal(r.cfg.service[1].cert_file, "/c");
	assert_int_equal(r.cfg.service[4].udp_timeout, 0);
	assert_int_equal(r.cfg.service[4].udp_unreplied, 9);
	assert_int_equal(r.cfg.service[4].udp_pool, 100);
	assert_int_equal(r.cfg.service[4].udp_per_client, 5);
	assert_int_equal(r.cfg.address_cnt, 2);
	assert_int_equal(r.cfg.alive_cnt, 2);
	assert_int_equal(r.cfg.alive_interval, 3);
	assert_int_equal(r.cfg.family, RELAY_FAMILY_6);
	done(&r);
}

static void bad_files(void **state)
{
	static const struct {
		const char *text, *want;
	} cases[] = {
		{ "", "x.conf:1:1: there is no private key (PrivateKey, or --private-key-file; adit genkey makes one)\n"
		  "x.conf:1:1: we have no address inside (Address, or --source-peer-ip)\n"
		  "x.conf:1:1: there is no peer (a [Peer] section, or --endpoint-public-key)\n" },
		{ "[Interface]\nPrivateKey = abc\nAddress = 10.0.0.300\n  MTU = 12\nListenPort=65536\nFwMark = x\n",
		  "x.conf:2:14: PrivateKey: a key has 44 characters, this one has 3 (see adit genkey, adit pubkey)\n"
		  "x.conf:3:11: Address: \"10.0.0.300\" is not an IP address (like 10.0.0.2/32 or fd00::2)\n"
		  "x.conf:4:9: MTU: 12 is too small (576 to 65535; 1420 suits most networks)\n"
		  "x.conf:5:12: ListenPort: \"65536\" is not a number from 0 to 65535\n"
		  "x.conf:6:10: FwMark: \"x\" is not a mark (a number of 32 bits, 0x for hexadecimal, or off)\n" },
		{ "[Interface]\nPrivateKey = $NOT_SET\nDNS = 10.0.0.1, a/b\nCheckAlive = h\nCheckAliveInterval = 0\n",
		  "x.conf:2:14: PrivateKey: the variable NOT_SET is not set\n"
		  "x.conf:3:17: DNS: neither the address of a DNS server nor a domain to search\n"
		  "x.conf:4:14: CheckAlive: \"h\" is not an IP address (like 10.0.0.1)\n"
		  "x.conf:5:22: CheckAliveInterval: an interval of 0 seconds is none (5 is usual)\n" },
		{ HEAD "[Peer]\nPublicKey = " KEY2 "\nEndpoint = a:b\nAllowedIPs = 10.0.0.0/8, 10.0.0.0/33\n"
		  "PersistentKeepalive = yes\n[Peer]\nEndpoint = h:1\n",
		  "x.conf:6:14: Endpoint: \"b\" is not a port (0 to 65535)\n"
		  "x.conf:7:26: AllowedIPs: \"10.0.0.0/33\" is not an IP address with a prefix length (like 10.0.0.0/24)\n"
		  "x.conf:8:23: PersistentKeepalive: \"yes\" is not a number from 0 to 65535\n"
		  "x.conf:9:2: [Peer]: has no PublicKey\n" },
		{ HEAD PEER "[Socks5]\nPasswrod = x\n[http]\nBindAddress = 127.0.0.1:1\nCertFile = x\n[TCPClientTunnel]\n"
		  "BindAddress = 127.0.0.1:2\n[TCPServerTunnel]\nTarget = h:1\n[SNI]\n",
		  "x.conf:8:1: Passwrod: unknown key (did you mean Password?)\n"
		  "x.conf:7:2: [Socks5]: has no BindAddress\n"
		  "x.conf:9:2: [http]: has no KeyFile\n"
		  "x.conf:12:2: [TCPClientTunnel]: has no Target\n"
		  "x.conf:14:2: [TCPServerTunnel]: has no ListenPort\n"
		  "x.conf:16:2: [SNI]: has no BindAddress\n" },
		{ HEAD PEER "[UDPProxyTunnel]\nBindAddress = unix:/x\nTarget = h:0\nInactivityTimeout = -1\n"
		  "[Resolve]\nResolveStrategy = ipv5\n",
		  "x.conf:8:15: BindAddress: a Unix socket carries TCP only\n"
		  "x.conf:9:12: Target: not a port to connect to (1 to 65535)\n"
		  "x.conf:10:21: InactivityTimeout: \"-1\" is not a number from 0 to 604800\n"
		  "x.conf:12:19: ResolveStrategy: \"ipv5\" is not a strategy (auto, ipv4, ipv6)\n" },
		{ HEAD PEER "[Socks5\nBindAddress\n[Socks5] x\n[Socks5]\nBindAddress = `127.0.0.1:1\nTunnelDomains = x\n",
		  "x.conf:7:1: the bracket of a section is not closed\n"
		  "x.conf:8:1: neither a section nor KEY = VALUE\n"
		  "x.conf:9:9: something stands behind a section\n"
		  "x.conf:11:15: the backquote is not closed on this line\n"
		  "x.conf:12:17: TunnelDomains: choosing by name what goes through the tunnel is not supported (everything does)\n"
		  "x.conf:10:2: [Socks5]: has no BindAddress\n" },
		{ HEAD PEER "[Interface]\nMTU = 1000\n", "x.conf:7:2: [Interface]: stands twice (join the two)\n" },
		{ HEAD "Address = fd00::2\nMTU = 1279\n" PEER PEER,
		  "x.conf:1:1: peers 1 and 2 have the same public key (join them)\n"
		  "x.conf:1:1: MTU: IPv6 needs at least 1280, and we have an IPv6 address\n" },
		{ "WGConfig = y.conf\n", "x.conf:1:12: WGConfig: an imported file cannot import another one\n" },
		{ HEAD PEER "[Socks5]\nBindAddress =\n", "x.conf:8:14: BindAddress: has no value\n" },
	};

	(void)state;
	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		struct reading r = { 0 };

		read_text(&r, cases[i].text);
		assert_string_equal(r.errors, cases[i].want);
		done(&r);
	}
}

static void file_warnings(void **state)
{
	struct reading r = { 0 };

	(void)state;
	read_text(&r, HEAD "PostUp = iptables -A x; y # z\nJc = 5\nPrivateKey = " KEY2 "\nCheckAliveInterval = 5\n" PEER
		  "[Amnezia]\nFoo = 1\n[Socks5]\nBindAddress = 127.0.0.1:1\nPassword = a#b\nUsername = u\nTarget = h:1\n");
	assert_string_equal(r.errors, "");
	assert_string_equal(r.warnings,
			    "x.conf:4:10: warning: PostUp: hooks are not run: nothing of this machine is changed\n"
			    "x.conf:5:1: warning: Jc: unknown key, passed over\n"
			    "x.conf:6:1: warning: PrivateKey: stands twice in this section; the first one counts\n"
			    "x.conf:1:2: warning: CheckAliveInterval without CheckAlive does nothing\n"
			    "x.conf:11:2: warning: [Amnezia]: unknown section, passed over\n"
			    "x.conf:15:12: warning: Password: ends where # or ; begins a comment (put it in backquotes if "
			    "that belongs to it)\n"
			    "x.conf:17:1: warning: Target: has no meaning in this section, passed over\n");
	assert_int_equal(r.cfg.private_key[31], 32);
	assert_string_equal(r.cfg.service[0].password, "a");
	done(&r);
}

static void bad_variable(void **state)
{
	static const char *const env[] = { "HIDDEN", "hunter2:xyz", NULL };
	struct reading r = { .env = env };

	(void)state;
	read_text(&r, HEAD PEER "[Socks5]\nBindAddress = $HIDDEN\n");
	assert_string_equal(r.errors, "x.conf:8:15: BindAddress: what the variable HIDDEN holds does not fit here\n");
	done(&r);
}

/* WGConfig, from the folder of the file; its own services are not taken. */
static void imports(void **state)
{
	char folder[] = "/tmp/adit-forward-test.XXXXXX", path[64], line[200];
	static const char *const home[] = { "HOME", "/nonexistent", NULL };
	struct reading r = { .env = home };
	FILE *f;

	(void)state;
	assert_non_null(mkdtemp(folder));
	snprintf(path, sizeof(path), "%s/wg.conf", folder);
	f = fopen(path, "w");
	fputs(HEAD PEER "[Socks5]\nBindAddress = 127.0.0.1:1\n", f);
	fclose(f);
	snprintf(path, sizeof(path), "%s/main.conf", folder);
	f = fopen(path, "w");
	fputs("WGConfig = wg.conf\n[http]\nBindAddress = 127.0.0.1:2\n", f);
	fclose(f);
	snprintf(line, sizeof(line), "forward -c %s 3:h:3", path);
	read_line(&r, line);
	assert_string_equal(r.errors, "");
	assert_string_equal(r.services, "tcp 127.0.0.1:3 -> h:3\nhttp 127.0.0.1:2\n");
	assert_int_equal(r.cfg.private_key[31], 32);
	assert_int_equal(r.cfg.peer_cnt, 1);
	done(&r);
	unlink(path);
	snprintf(path, sizeof(path), "%s/wg.conf", folder);
	unlink(path);
	rmdir(folder);
}

static void log_levels(void **state)
{
	enum adit_forward_log_level level;

	(void)state;
	assert_int_equal(adit_forward_log_level_parse(&level, "info"), 0);
	assert_int_equal(level, ADIT_FORWARD_LOG_INFO);
	assert_int_equal(adit_forward_log_level_parse(&level, "warn,onetun::tunnel=TRACE/x"), 0);
	assert_int_equal(level, ADIT_FORWARD_LOG_DEBUG);
	assert_int_equal(adit_forward_log_level_parse(&level, "off"), 0);
	assert_int_equal(level, ADIT_FORWARD_LOG_OFF);
	assert_int_equal(adit_forward_log_level_parse(&level, ""), -22);
	assert_int_equal(adit_forward_log_level_parse(&level, "loud"), -22);
	assert_int_equal(adit_forward_log_level_parse(&level, "info,,warn"), -22);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(good_forwards), cmocka_unit_test(bad_forwards), cmocka_unit_test(too_many_forwards),
		cmocka_unit_test(same_place),	 cmocka_unit_test(onetun_line),	 cmocka_unit_test(all_options),
		cmocka_unit_test(variables),	 cmocka_unit_test(bad_lines),	 cmocka_unit_test(wireproxy_sample),
		cmocka_unit_test(wireproxy_peers), cmocka_unit_test(other_files), cmocka_unit_test(values),
		cmocka_unit_test(bad_files),	 cmocka_unit_test(file_warnings), cmocka_unit_test(imports),
		cmocka_unit_test(log_levels),	 cmocka_unit_test(bad_variable),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
