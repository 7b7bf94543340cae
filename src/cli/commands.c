/* SPDX-License-Identifier: ISC */
/*
 * commands.c - the command table. To add a command: a line here, its section
 * in man/adit.1; help and completion follow by themselves, and the lint suite
 * compares the table with the manual.
 */
#include <stddef.h>

#include "agent/commands.h"
#include "agent/doctor.h"
#include "cli/cli.h"
#include "device/device.h"
#include "forward/forward.h"
#include "forward/run.h"
#include "statictun/statictun.h"

static const struct adit_option no_options[] = { { 0 } };

static const struct adit_option device_options[] = {
	{ "-f, --foreground", NULL, "stay in the foreground and log to standard error" },
	{ 0 },
};

static const struct adit_option show_options[] = {
	{ "--json", NULL, "print JSON; its schema field is raised when a field changes its meaning" },
	{ "--rate", NULL, "measure for a second and show rates" },
	{ 0 },
};

static const struct adit_option up_options[] = {
	{ "--dry-run", NULL, "print what would be done to this machine, and do nothing" },
	{ 0 },
};

static const struct adit_option run_options[] = {
	{ "-c, --config", "FILE", "the configuration: a file of wg-quick or wireproxy" },
	{ 0 },
};

static const struct adit_option demo_options[] = {
	{ "--json", NULL, "print only JSON, at the end" },
	{ 0 },
};

static const struct adit_option forward_options[] = {
	{ "-c, --config", "FILE", "a wireproxy or wg-quick file; default /etc/wireproxy/wireproxy.conf, ~/.config/wireproxy.conf" },
	{ "-r, --remote", "FORWARD", "a reverse forward: listen inside, connect here" },
	{ "--socks5", "[USER:PASSWORD@]ADDRESS:PORT", "a SOCKS5 proxy" },
	{ "--http", "[USER:PASSWORD@]ADDRESS:PORT", "an HTTP proxy" },
	{ "--mixed", "[USER:PASSWORD@]ADDRESS:PORT", "both on one port" },
	{ "--sni", "ADDRESS:PORT", "TLS connections by the name they ask for" },
	{ "--stdio", "HOST:PORT", "one connection for standard input and output (ssh ProxyCommand)" },
	{ "--udp-timeout", "SECONDS", "forget a client's UDP port that is idle for so long (60; 0 never)" },
	{ "--udp-unreplied", "SECONDS", "the same before the first answer (30)" },
	{ "--udp-pool", "PORTS", "UDP ports inside for all clients together (16384)" },
	{ "--udp-per-client", "PORTS", "and for one client address (1024)" },
	{ "--memory", "MIB", "ceiling of connection buffers: 16, 64 (default) or 256" },
	{ "-i, --info", "ADDRESS:PORT", "serve /metrics, /readyz and /healthz by HTTP" },
	{ "--control", "PATH", "the Unix socket that status asks" },
	{ "--json", NULL, "of status: print JSON" },
	{ "--backend", "stack|kernel", "whose TCP: our own (default), or the kernel's in a namespace" },
	{ "--no-sandbox", NULL, "keep every right" },
	{ "-d, --daemon", NULL, "go into the background once all is ready" },
	{ "-s, --silent", NULL, "log nothing but what stops the program" },
	{ "-n, --configtest", NULL, "check the configuration and do nothing" },
	{ "-v, --version", NULL, "print the version" },
	{ "--private-key", "KEY", "ours; a file is safer" },
	{ "--private-key-file", "FILE", "ours" },
	{ "--preshared-key", "KEY", "of the peer" },
	{ "--endpoint-public-key", "KEY", "of the peer" },
	{ "--endpoint-addr", "HOST:PORT", "where the peer is" },
	{ "--endpoint-bind-addr", "ADDRESS:PORT", "our own UDP address" },
	{ "--source-peer-ip", "ADDRESS", "ours inside; several with commas" },
	{ "--keep-alive", "SECONDS", "persistent keepalive" },
	{ "--max-transmission-unit", "BYTES", "MTU inside (1420)" },
	{ "--log", "LEVEL", "off, error, warn, info (default), debug" },
	{ "--pcap", "FILE", "capture the packets inside" },
	{ 0 },
};

static const struct adit_option static_options[] = {
	{ "-c, --config", "FILE", "the configuration, TOML or (named *.json) JSON" },
	{ "--network", "NAME", "which of the networks in the file; IFACE chooses too" },
	{ "--check", NULL, "check the configuration and do nothing" },
	{ "--state-dir", "FOLDER", "where wire v1 keeps its counts; default /var/lib/adit" },
	{ "--json", NULL, "of status: print JSON" },
	{ 0 },
};

static const struct adit_option check_options[] = {
	{ "--json", NULL, "print JSON: every message with its file, line, column and key" },
	{ 0 },
};

static const struct adit_option config_options[] = {
	{ "--origin", NULL, "say of each value where it stands, or that it is the default" },
	{ "--json", NULL, "print JSON" },
	{ 0 },
};

static const struct adit_option import_options[] = {
	{ "--name", "NAME", "of the network; default: the file's" },
	{ 0 },
};

static const struct adit_option export_options[] = {
	{ "-c, --config", "FILE", "the configuration; default /etc/adit/adit.toml" },
	{ "--wg-quick", NULL, "a wg-quick file, with the keys in it (the default)" },
	{ "--qr", NULL, "the same as a QR code, for a telephone" },
	{ "--invert", NULL, "the QR code for dark letters on a light ground" },
	{ 0 },
};

static const struct adit_option key_options[] = {
	{ "-o, --output", "FILE", "write it there, into a new file of mode 0600" },
	{ 0 },
};

static const struct adit_option doctor_options[] = {
	{ "-c, --config", "FILE", "the agent's configuration, or a wg-quick file; default /etc/adit/adit.toml" },
	{ "--state-dir", "DIR", "where plans in force are kept (/var/lib/adit)" },
	{ "--json", NULL, "print JSON" },
	{ 0 },
};

static const struct adit_option version_options[] = {
	{ "-v, --verbose", NULL, "also the build, the libraries, and every cipher backend with its measured speed" },
	{ 0 },
};

#define DEVICE_ENVIRONMENT                                                                       \
	"Environment:\n"                                                                         \
	"  LOG_LEVEL             silent, error (default), verbose\n"                             \
	"  ADIT_THREADS          data threads, 1 to 16; by default 1 on up to two cores\n"       \
	"  ADIT_OFFLOAD          kernel offloads: \"-tso,-gso\" without these, \"gso,gro\" only these,\n" \
	"                        all, none; known are tso, uso, gso, gro, csum\n"                \
	"  ADIT_AEAD             ipsec-mb or openssl; by default the faster one\n"               \
	"  ADIT_STRICT_CHECKSUM  1: verify and compute every inner checksum\n"                   \
	"  WG_PROCESS_FOREGROUND 1: as -f\n"                                                     \
	"  WG_TUN_FD, WG_UAPI_FD descriptors to use instead of opening our own"

const struct adit_command adit_commands[] = {
	{
		.name = "device",
		.topic = "WireGuard interfaces",
		.synopsis = "[-f] IFACE",
		.summary = "run a WireGuard interface in user space",
		.about = "Makes the interface IFACE and serves it until it is deleted, its socket file is\n"
			 "removed, or a signal ends it. It is configured with wg(8), as any other WireGuard\n"
			 "interface. Without -f it goes into the background once the interface is ready.\n"
			 "adit-wg is the same program, for WG_QUICK_USERSPACE_IMPLEMENTATION.\n\n"
			 DEVICE_ENVIRONMENT,
		.example = "adit device wg0\nwg setconf wg0 wg0.conf && ip link set wg0 up",
		.complete = "none",
		.options = device_options,
		.run = adit_device_main,
	},
	{
		.name = "up",
		.topic = "WireGuard interfaces",
		.synopsis = "[--dry-run] FILE.conf|NAME",
		.summary = "bring a wg-quick file up, in user space",
		.about = "Starts a device named after the file, configures it, gives it the file's addresses\n"
			 "and MTU, and adds routes for the allowed IPs. NAME means /etc/wireguard/NAME.conf.\n"
			 "The kernel's own WireGuard is never used. Every mistake in the file is named with its\n"
			 "line and column; hooks, DNS and default routes are refused. If a step fails, all is\n"
			 "undone.",
		.example = "adit up ./office.conf\nadit up office",
		.complete = "file",
		.options = up_options,
		.run = adit_up_main,
	},
	{
		.name = "down",
		.topic = "WireGuard interfaces",
		.synopsis = "FILE.conf|NAME",
		.summary = "undo what up did",
		.about = "Takes the routes and the interface away and ends the device; also after one of the\n"
			 "two was killed.",
		.example = "adit down office",
		.complete = "file",
		.options = no_options,
		.run = adit_down_main,
	},
	{
		.name = "show",
		.topic = "WireGuard interfaces",
		.synopsis = "[IFACE] [--json] [--rate]",
		.summary = "show interfaces, peers, and what is wrong with them",
		.about = "Like wg show, and besides: when each peer was last heard, loss, dropped packets by\n"
			 "reason, offloads and cipher in use, fall-backs, suspected black holes. Without IFACE\n"
			 "all user-space interfaces are shown, those of other programs with what they tell.\n"
			 "Colours appear on a terminal unless NO_COLOR is set. The status is 3 when IFACE\n"
			 "is not there.",
		.example = "adit show wg0\nadit show --json | jq '.interfaces[].peers[].last_rx_age_ms'",
		.complete = "iface",
		.options = show_options,
		.run = adit_show_main,
	},
	{
		.name = "forward",
		.topic = "WireGuard without root",
		.synopsis = "[-c FILE] [FORWARD ...]",
		.summary = "forward ports into and out of a WireGuard network",
		.about = "Joins a WireGuard network with a TCP/IP stack of its own: no interface, no right of\n"
			 "root, nothing of this machine is changed. FORWARD is [HOST:]PORT:DST:PORT[:TCP,UDP],\n"
			 "as onetun takes it, with ranges (8000-8010) and Unix sockets (unix:/PATH:DST:PORT).\n"
			 "Command lines and ONETUN_ variables of onetun, and files of wireproxy, work as they\n"
			 "are. SIGHUP reads the configuration again and changes only what differs.\n"
			 "adit forward status shows what a forwarder does. adit-forward(1) tells all.",
		.example = "adit forward -c office.conf 8080:10.0.0.2:80 --socks5 127.0.0.1:1080\n"
			   "adit forward 127.0.0.1:8080:10.9.0.2:80 --endpoint-addr vpn.example.com:51820 \\\n"
			   "    --endpoint-public-key KEY --private-key-file my.key --source-peer-ip 10.9.0.3",
		.complete = "file",
		.options = forward_options,
		.run = adit_forward_main,
	},
	{
		.name = "run",
		.topic = "WireGuard without root",
		.synopsis = "-c FILE -- COMMAND ...",
		.summary = "run a program inside a WireGuard network",
		.about = "COMMAND has a network of its own, with the tunnel and nothing else in it, and the\n"
			 "tunnel's DNS; user, files, terminal, signals, job control and exit status are as\n"
			 "ever. It takes user namespaces and /dev/net/tun; where they are forbidden it says why.\n"
			 "Its own failures are 125, a COMMAND that cannot be executed 126, not found 127.",
		.example = "adit run -c office.conf -- curl http://intranet/\nadit run -c office.conf -- bash",
		.complete = "file",
		.options = run_options,
		.run = adit_run_main,
	},
	{
		.name = "static",
		.topic = "Fixed peers, without WireGuard",
		.synopsis = "-c FILE [IFACE]",
		.summary = "run an encrypted tunnel between fixed peers",
		.about = "Makes a TUN with its addresses, and carries its packets over UDP to the peers in the\n"
			 "table of FILE; SIGINT and SIGTERM end it and leave nothing behind. There is no forward\n"
			 "secrecy: who may ever lose a key is better served by device. adit static status shows\n"
			 "peers, addresses, counters and drops by reason. Every mistake in FILE is named with its\n"
			 "line and column, and the status is 78. adit-static(1) tells all.\n\n"
			 "LOG_LEVEL (verbose by default), ADIT_THREADS, ADIT_OFFLOAD, ADIT_AEAD and\n"
			 "ADIT_STRICT_CHECKSUM mean what they mean to device.",
		.example = "cat >lab.toml <<END\n"
			   "secret_path = \"/etc/adit/lab.key\"\n"
			   "addresses = [\"10.0.0.1/24\"]\n"
			   "[peers]\n"
			   "\"10.0.0.2\" = { pub_key = \"KEY\", sock_addr = \"192.0.2.2:1194\" }\n"
			   "END\n"
			   "adit static -c lab.toml tun0",
		.complete = "iface",
		.options = static_options,
		.run = adit_static_main,
	},
	{
		.name = "check",
		.topic = "Configuration",
		.synopsis = "[FILE] [--json]",
		.summary = "say everything that is wrong with a configuration",
		.about = "Reads FILE (/etc/adit/adit.toml; TOML, *.json, or a wg-quick file *.conf) and its\n"
			 "drop-ins, looks at the key files it names, and prints every mistake at once, each as\n"
			 "FILE:LINE:COLUMN: KEY: what is wrong (what to do). Changes nothing and never waits.\n"
			 "The status is 78 when there is a mistake; warnings alone leave it 0. adit.toml(5) tells\n"
			 "of every key.",
		.example = "adit check ./adit.toml\nadit check --json | jq '.items[].message'",
		.complete = "file",
		.options = check_options,
		.run = adit_check_main,
	},
	{
		.name = "config",
		.topic = "Configuration",
		.synopsis = "show [FILE] [--origin] [--json]",
		.summary = "print the values in force, and where each comes from",
		.about = "What FILE (/etc/adit/adit.toml), its drop-ins, the wg-quick files it names and the\n"
			 "defaults make together. Keys and passwords are not shown.",
		.example = "adit config show --origin\nadit config show ./adit.toml --json | jq .network",
		.complete = "file",
		.options = config_options,
		.run = adit_config_main,
	},
	{
		.name = "import",
		.topic = "Configuration",
		.synopsis = "FILE.conf [--name NAME]",
		.summary = "turn a wg-quick file into TOML",
		.about = "Prints the network with its keys, so keep the result to yourself. Hooks are listed as\n"
			 "comments and not taken over.",
		.example = "(umask 077; adit import office.conf > /etc/adit/conf.d/office.toml)",
		.complete = "file",
		.options = import_options,
		.run = adit_import_main,
	},
	{
		.name = "export",
		.topic = "Configuration",
		.synopsis = "NETWORK [-c FILE] [--wg-quick|--qr] [--invert]",
		.summary = "print a network as a wg-quick file or a QR code",
		.about = "With its keys, also those in files of their own. What such a file cannot say is named\n"
			 "on standard error.",
		.example = "adit export office > office.conf\nadit export phone --qr",
		.complete = "file",
		.options = export_options,
		.run = adit_export_main,
	},
	{
		.name = "genkey",
		.topic = "Keys",
		.synopsis = "[-o FILE]",
		.summary = "make a private key",
		.about = "Prints a new private key in base64, as wg genkey does. Warns when it goes to a file\n"
			 "that others may read. With -o it goes into a new file that only you may read; one that\n"
			 "is there is never overwritten.",
		.example = "adit genkey -o office.key",
		.complete = "none",
		.options = key_options,
		.run = adit_genkey_main,
	},
	{
		.name = "pubkey",
		.topic = "Keys",
		.synopsis = "",
		.summary = "derive the public key from a private key",
		.about = "Reads a private key in base64 from standard input and prints its public key.",
		.example = "adit pubkey < office.key",
		.complete = "none",
		.options = no_options,
		.run = adit_pubkey_main,
	},
	{
		.name = "genpsk",
		.topic = "Keys",
		.synopsis = "[-o FILE]",
		.summary = "make a preshared key",
		.about = "Prints 32 random bytes in base64, as wg genpsk does. -o as in genkey.",
		.example = "adit genpsk -o office.psk",
		.complete = "none",
		.options = key_options,
		.run = adit_genpsk_main,
	},
	{
		.name = "doctor",
		.topic = "About adit",
		.synopsis = "[-c FILE] [--json] [NETWORK]",
		.summary = "look for what keeps tunnels from working here",
		.about = "Looks at TUN devices, kernel, memory, clock, state, forwarding, reverse path filters,\n"
			 "firewall, other tunnels, DNS, and the way to each endpoint: its firewall, its port, and\n"
			 "how large packets may be. Says what is wrong and what to do, and changes nothing. It\n"
			 "looks at the networks of the agent's configuration and at devices that run; NETWORK is\n"
			 "one of them. As root it sees all. The status is 1 when there is a problem.",
		.example = "adit doctor\nadit doctor office\nadit doctor -c /etc/wireguard/office.conf",
		.complete = "iface",
		.options = doctor_options,
		.run = adit_doctor_main,
	},
	{
		.name = "demo",
		.topic = "About adit",
		.synopsis = "[--json]",
		.summary = "two hosts, a tunnel and a page through it, in seconds",
		.about = "Makes two hosts in namespaces of its own, a device in each, and shows a handshake, a\n"
			 "ping, a page fetched and a timed transfer through the tunnel next to the bare link.\n"
			 "Needs no configuration and no other program, and leaves nothing behind.",
		.example = "adit demo",
		.complete = "none",
		.options = demo_options,
		.run = adit_demo_main,
	},
	{
		.name = "version",
		.topic = "About adit",
		.synopsis = "[-v]",
		.summary = "print the version",
		.about = "With -v also the build, the libraries, the kernel, and every cipher backend with its\n"
			 "speed as measured now, and which one is chosen.",
		.example = "adit version -v",
		.complete = "none",
		.options = version_options,
		.run = adit_version_main,
	},
	{
		.name = "completion",
		.topic = "About adit",
		.synopsis = "bash|zsh|fish",
		.summary = "print the completion script of a shell",
		.about = "It is installed with the program; this is for a shell or a place of your own.",
		.example = "source <(adit completion bash)",
		.complete = "bash zsh fish",
		.options = no_options,
		.run = adit_completion_main,
	},
	{
		.name = "help",
		.topic = "About adit",
		.synopsis = "[COMMAND]",
		.summary = "print what adit can do, or all about one command",
		.about = "The same as COMMAND --help. The manual pages are adit(1), adit-forward(1),\n"
			 "adit-static(1), adit-device(8), adit-wg(8).",
		.example = "adit help show",
		.complete = "command",
		.options = no_options,
		.run = adit_help_main,
	},
	{ 0 },
};
