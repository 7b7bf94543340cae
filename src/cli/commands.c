/* SPDX-License-Identifier: ISC */
/*
 * commands.c - the command table. To add a command: a line here, its section
 * in man/adit.1; help and completion follow by themselves, and the lint suite
 * compares the table with the manual.
 */
#include <stddef.h>

#include "agent/bundle.h"
#include "agent/doctor.h"
#include "agent/commands.h"
#include "agent/agent.h"
#include "agent/client.h"
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
	{ "--hooks", NULL, "run PreUp and PostUp, and later PreDown and PostDown" },
	{ "--confirm", "TIME", "undo it all unless it is confirmed within TIME (60s, 5m)" },
	{ "--confirmed", NULL, "confirm what another adit up --confirm waits for" },
	{ "--state-dir", "FOLDER", "where plans in force are kept (/var/lib/adit)" },
	{ 0 },
};

static const struct adit_option down_options[] = {
	{ "--hooks", NULL, "run PreDown and PostDown, also where up ran none" },
	{ "--state-dir", "FOLDER", "where plans in force are kept (/var/lib/adit)" },
	{ 0 },
};

static const struct adit_option save_options[] = {
	{ "--state-dir", "FOLDER", "where plans in force are kept (/var/lib/adit)" },
	{ 0 },
};

static const struct adit_option cleanup_options[] = {
	{ "--keep-killswitch", NULL, "leave killswitches: nothing leaves in the clear" },
	{ "--dry-run", NULL, "print what would be undone, and do nothing" },
	{ "--state-dir", "FOLDER", "where plans in force are kept (/var/lib/adit)" },
	{ "--json", NULL, "print JSON" },
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
	{ "--memory", "MIB", "ceiling of what connections may take: 16, 64 (default) or 256" },
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

static const struct adit_option doctor_options[] = {
	{ "-c, --config", "FILE", "the agent's configuration, or a wg-quick file; default /etc/adit/adit.toml" },
	{ "--state-dir", "FOLDER", "where plans in force are kept (/var/lib/adit)" },
	{ "--json", NULL, "print JSON" },
	{ 0 },
};

static const struct adit_option bundle_options[] = {
	{ "-o, --output", "FILE", "write it there, with mode 0600; default: standard output" },
	{ "-c, --config", "FILE", "the agent's configuration; default /etc/adit/adit.toml" },
	{ "--control", "PATH", "the agent's socket; default $ADIT_CONTROL, /run/adit/control.sock" },
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

static const struct adit_option agent_options[] = {
	{ "-c, --config", "FILE", "the configuration; default /etc/adit/adit.toml" },
	{ "--state-dir", "FOLDER", "where changes of this machine are journalled; default as configured, /var/lib/adit" },
	{ "--dry-run", NULL, "print what would be done to this machine, and do nothing" },
	{ "--confirm", "TIME", "undo everything and end unless it is confirmed within this time (60s)" },
	{ "--replace", NULL, "take the networks over from the agent that runs; connections live on" },
	{ 0 },
};

static const struct adit_option start_options[] = {
	{ "-c, --config", "FILE", "the configuration; default /etc/adit/adit.toml" },
	{ "--wait", "SECONDS", "how long to wait for networks to be up (15)" },
	{ "--state-dir", "FOLDER", "where changes of this machine are journalled; default as configured, /var/lib/adit" },
	{ 0 },
};

#define JSON_OPTION    { "--json", NULL, "print JSON, as doc/api describes it" }
#define CONTROL_OPTION { "--control", "PATH", "the agent's socket; default $ADIT_CONTROL, /run/adit/control.sock" }

static const struct adit_option ask_options[] = { /* of commands that ask the agent */
	JSON_OPTION,
	CONTROL_OPTION,
	{ 0 },
};

static const struct adit_option status_options[] = {
	JSON_OPTION,
	{ "--names", NULL, "print the networks' names alone" },
	CONTROL_OPTION,
	{ 0 },
};

static const struct adit_option connect_options[] = {
	{ "--wait", NULL, "return when it is up, or when it cannot be" },
	{ "--timeout", "SECONDS", "wait no longer than this (30)" },
	JSON_OPTION,
	CONTROL_OPTION,
	{ 0 },
};

static const struct adit_option disconnect_options[] = {
	{ "--wait", NULL, "return when it is down, which it does anyway" },
	JSON_OPTION,
	CONTROL_OPTION,
	{ 0 },
};

static const struct adit_option wait_options[] = {
	{ "--down", NULL, "wait until it is down" },
	{ "--timeout", "SECONDS", "wait no longer than this (a day)" },
	JSON_OPTION,
	CONTROL_OPTION,
	{ 0 },
};

static const struct adit_option reload_options[] = {
	{ "--dry-run", NULL, "print what would change, and change nothing" },
	JSON_OPTION,
	CONTROL_OPTION,
	{ 0 },
};

static const struct adit_option events_options[] = {
	{ "-f, --follow", NULL, "go on with what happens from now" },
	{ "--since", "NUMBER", "those after the event of this number" },
	{ "--json", NULL, "print JSON; with --follow an object a line" },
	CONTROL_OPTION,
	{ 0 },
};

static const struct adit_option capture_options[] = {
	{ "-w, --write", "FILE", "write there; default: standard output, for a pipe" },
	{ "--duration", "SECONDS", "end after this time" },
	{ "--count", "PACKETS", "end after so many" },
	{ "--keylog", "FILE", "write the keys of WireGuard's handshakes there, for Wireshark" },
	CONTROL_OPTION,
	{ 0 },
};

static const struct adit_option top_options[] = {
	{ "--interval", "SECONDS", "between two looks (1)" },
	CONTROL_OPTION,
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
			 "and MTU, sets DNS, and adds routes for the allowed IPs; for default routes also the rules\n"
			 "that wg-quick makes. NAME means /etc/wireguard/NAME.conf. The kernel's own WireGuard is\n"
			 "never used. Every mistake in the file is named with its line and column. Hooks are named\n"
			 "and not run. If a step fails, all is undone.",
		.example = "adit up ./office.conf\nadit up --confirm 60s office",
		.complete = "file",
		.options = up_options,
		.run = adit_up_main,
	},
	{
		.name = "down",
		.topic = "WireGuard interfaces",
		.synopsis = "[--hooks] FILE.conf|NAME",
		.summary = "undo what up did",
		.about = "Takes the routes and the interface away and ends the device; also after one of the\n"
			 "two was killed. DNS, rules and sysctls are as before. Where the file says SaveConfig, it\n"
			 "gets what ran.",
		.example = "adit down office",
		.complete = "file",
		.options = down_options,
		.run = adit_down_main,
	},
	{
		.name = "save",
		.topic = "WireGuard interfaces",
		.synopsis = "FILE.conf|NAME",
		.summary = "write what runs back into its wg-quick file",
		.about = "Keys, peers, addresses and MTU as they are now; the rest as the file has it. Comments\n"
			 "are lost. The file is replaced whole, with mode 0600.",
		.example = "adit save office",
		.complete = "file",
		.options = save_options,
		.run = adit_save_main,
	},
	{
		.name = "strip",
		.topic = "WireGuard interfaces",
		.synopsis = "FILE.conf|NAME",
		.summary = "print a wg-quick file without what wg(8) does not know",
		.about = "For wg setconf and wg syncconf.",
		.example = "adit strip office > office.wg && wg syncconf office office.wg",
		.complete = "file",
		.options = no_options,
		.run = adit_strip_main,
	},
	{
		.name = "cleanup",
		.topic = "WireGuard interfaces",
		.synopsis = "[--dry-run] [--json]",
		.summary = "undo what killed processes left on this machine",
		.about = "Undoes the plans of adit up and adit agent whose processes were killed, and what carries\n"
			 "their mark where the plan is lost: routes and rules of protocol 97, tables of nftables\n"
			 "named adit, resolv.conf. What belongs to a process that runs is left alone. A second one\n"
			 "does nothing.",
		.example = "adit cleanup --dry-run\nadit cleanup --keep-killswitch",
		.complete = "none",
		.options = cleanup_options,
		.run = adit_cleanup_main,
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
		.complete = "status",
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
		.complete = "program",
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
		.complete = "status",
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
		.complete = "config",
		.options = check_options,
		.run = adit_check_main,
	},
	{
		.name = "config",
		.topic = "Configuration",
		.synopsis = "show [FILE]",
		.summary = "print the values in force, and where each comes from",
		.about = "What FILE (/etc/adit/adit.toml), its drop-ins, the wg-quick files it names and the\n"
			 "defaults make together. Keys and passwords are not shown.",
		.example = "adit config show --origin\nadit config show ./adit.toml --json | jq .network",
		.complete = "show config",
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
		.complete = "conf",
		.options = import_options,
		.run = adit_import_main,
	},
	{
		.name = "export",
		.topic = "Configuration",
		.synopsis = "NETWORK [-c FILE]",
		.summary = "print a network as a wg-quick file or a QR code",
		.about = "With its keys, also those in files of their own. What such a file cannot say is named\n"
			 "on standard error.",
		.example = "(umask 077; adit export office > office.conf)\nadit export phone --qr",
		.complete = "network",
		.options = export_options,
		.run = adit_export_main,
	},
	{
		.name = "agent",
		.topic = "Many networks: the agent",
		.synopsis = "[-c FILE] [--dry-run]",
		.summary = "run the networks of a configuration, in the foreground",
		.about = "Starts every enabled network of FILE and serves the control socket until SIGTERM, which\n"
			 "undoes all that was changed on this machine. SIGHUP reads FILE again and changes only\n"
			 "what differs. It is two processes: one opens devices and changes the machine, the other\n"
			 "has the networks and no right. Networks of type forward need no root. Every mistake in\n"
			 "FILE is named with its line and column, and the status is 78. adit.toml(5) has every key.",
		.example = "adit agent -c office.toml",
		.complete = "none",
		.options = agent_options,
		.run = adit_agent_main,
	},
	{
		.name = "start",
		.topic = "Many networks: the agent",
		.synopsis = "[--config FILE]",
		.summary = "start the agent in the background",
		.about = "Returns when every enabled network is up, or says which is not and why: then the status\n"
			 "is 3, and the agent goes on trying. adit stop ends it and undoes everything.",
		.example = "adit start --config office.toml && adit status",
		.complete = "none",
		.options = start_options,
		.run = adit_start_main,
	},
	{
		.name = "stop",
		.topic = "Many networks: the agent",
		.synopsis = "[--json]",
		.summary = "end the agent, and undo all it did",
		.about =  "Returns when every network is down and this machine is as it was before.\n"
			 "The status is 5 when no agent runs.",
		.example = "adit stop",
		.complete = "none",
		.options = ask_options,
		.run = adit_stop_main,
	},
	{
		.name = "status",
		.topic = "Many networks: the agent",
		.synopsis = "[NETWORK] [--json]",
		.summary = "show the agent's networks: state, rates, loss, reasons",
		.about =  "A table of networks and their peers: state and for how long, age of the handshake, when\n"
			 "it was last heard, rates over ten seconds, loss, endpoint, and what is wrong. The status\n"
			 "is 0 when every network that shall run is up, 3 when one is not or when none shall, 5\n"
			 "when no agent runs.",
		.example = "adit status\nadit status office --json | jq '.networks[0].reason'",
		.complete = "network",
		.options = status_options,
		.run = adit_status_main,
	},
	{
		.name = "connect",
		.topic = "Many networks: the agent",
		.synopsis = "NETWORK [--wait]",
		.summary = "start a network",
		.about =  "Starts a network of the agent, which tries on until disconnect. With --wait it returns\n"
			 "when the network is up: status 0; or when it is not in time, with the reason: status 3.",
		.example = "adit connect office --wait --timeout 10",
		.complete = "network",
		.options = connect_options,
		.run = adit_connect_main,
	},
	{
		.name = "disconnect",
		.topic = "Many networks: the agent",
		.synopsis = "NETWORK [--json]",
		.summary = "stop a network, and undo what it changed",
		.about =  "Returns when the network is down and its addresses, routes and DNS are gone.",
		.example = "adit disconnect office",
		.complete = "network",
		.options = disconnect_options,
		.run = adit_disconnect_main,
	},
	{
		.name = "reload",
		.topic = "Many networks: the agent",
		.synopsis = "[--dry-run] [--json]",
		.summary = "read the configuration again, and change what differs",
		.about =  "Peers and networks that are as before lose nothing. When the configuration is wrong\n"
			 "(status 78) or a step fails, what ran goes on as it was. --dry-run says what would change.",
		.example = "adit reload --dry-run && adit reload",
		.complete = "none",
		.options = reload_options,
		.run = adit_reload_main,
	},
	{
		.name = "peers",
		.topic = "Many networks: the agent",
		.synopsis = "NETWORK [--json]",
		.summary = "show all peers of a network",
		.about =  "The table of status for one network, with every peer.",
		.example = "adit peers office\nadit peers office --json | jq -r '.peers[] | select(.reason != \"ok\").name'",
		.complete = "network",
		.options = ask_options,
		.run = adit_peers_main,
	},
	{
		.name = "events",
		.topic = "Many networks: the agent",
		.synopsis = "[NETWORK] [--follow]",
		.summary = "show what happened, and what happens",
		.about =  "The last thousand events: states and their reasons, peers, reloads, what others changed on\n"
			 "this machine and what was mended, who asked for what. Every event has a number; --since\n"
			 "goes on after one.",
		.example = "adit events office --follow\nadit events --since 120 --json",
		.complete = "network",
		.options = events_options,
		.run = adit_events_main,
	},
	{
		.name = "wait",
		.topic = "Many networks: the agent",
		.synopsis = "NETWORK [--down] [--json]",
		.summary = "wait until a network is up, or down",
		.about =  "The status is 3 when it is not in time, with the reason.",
		.example = "adit wait office --timeout 60 && curl http://intranet/",
		.complete = "network",
		.options = wait_options,
		.run = adit_wait_main,
	},
	{
		.name = "top",
		.topic = "Many networks: the agent",
		.synopsis = "[--interval SECONDS]",
		.summary = "watch networks and peers live",
		.about =  "The busiest peers first, with a line of the last minutes' traffic for every network. Keys:\n"
			 "q quits, arrows and page keys scroll. Not on a terminal, it prints one table.",
		.example = "adit top",
		.complete = "none",
		.options = top_options,
		.run = adit_top_main,
	},
	{
		.name = "capture",
		.topic = "Many networks: the agent",
		.synopsis = "NETWORK [-w FILE]",
		.summary = "record the packets inside a network, as pcapng",
		.about = "Both directions, as tcpdump and Wireshark read them, until Ctrl-C; a dropped packet has the\n"
			 "reason as its comment. It takes root; the agent notes who does it, and its status shows it for\n"
			 "as long as it goes on.",
		.example = "adit capture office -w office.pcapng --duration 60\nadit capture office | tcpdump -n -r -",
		.complete = "network",
		.options = capture_options,
		.run = adit_capture_main,
	},
	{
		.name = "log",
		.topic = "Many networks: the agent",
		.synopsis = "[LEVEL] [--json]",
		.summary = "show or set how much the agent logs",
		.about =  "LEVEL is off, error, warning, info or debug; it holds until the agent ends.",
		.example = "adit log debug",
		.complete = "off error warning info debug",
		.options = ask_options,
		.run = adit_log_main,
	},
	{
		.name = "confirm",
		.topic = "Many networks: the agent",
		.synopsis = "[--json]",
		.summary = "keep what adit agent --confirm did",
		.about =  "Without it, an agent that was started with --confirm undoes everything and ends.",
		.example = "adit agent --confirm 60s -c office.toml & sleep 5; adit confirm",
		.complete = "none",
		.options = ask_options,
		.run = adit_confirm_main,
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
		.synopsis = "[-c FILE] [NETWORK]",
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
		.name = "bundle",
		.topic = "About adit",
		.synopsis = "[-o FILE]",
		.summary = "gather what a report of a fault needs, without secrets",
		.about = "Version, kernel, configuration, status, peers, drops, the last events, what doctor says,\n"
			 "links, routes and rules. Keys, addresses, and names of networks, peers, hosts and users are\n"
			 "replaced, each by the same word everywhere. It works without an agent, too; as root it sees\n"
			 "more. Nothing is sent anywhere: look through it before you give it away.",
		.example = "adit bundle -o report.txt",
		.complete = "none",
		.options = bundle_options,
		.run = adit_bundle_main,
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
