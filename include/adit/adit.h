/* SPDX-License-Identifier: ISC */
/*
 * adit.h - libadit: reach into a WireGuard network from your own program,
 * without root, without a TUN, without touching the machine.
 *
 *   struct adit *net;
 *   char err[512];
 *   int fd;
 *
 *   if (adit_open(&net, &(struct adit_options){ .size = sizeof(struct adit_options),
 *                                               .config_file = "office.conf" }, err, sizeof(err)) < 0)
 *           errx(1, "%s", err);
 *   fd = adit_dial(net, "tcp", "intranet:80", 10000);
 *   ... read(fd), write(fd), poll(fd), close(fd) ...
 *   adit_close(net);
 *
 * DOC: descriptors
 *
 * What adit_dial and adit_accept return are real descriptors: one end of a
 * local socket pair whose other end the library serves. They work with any
 * event loop and any library (curl, OpenSSL, libuv). Close them with close():
 * what was written still goes, and what comes then is answered with a reset.
 * TCP comes as a stream; shutdown(fd, SHUT_WR) sends FIN inside while reading
 * goes on. A local socket pair knows no reset: one inside is the end of file
 * here (ECONNRESET where the library had not taken all that was written), and
 * EPIPE for who goes on writing. UDP comes as SOCK_SEQPACKET: one send is one
 * datagram, one receive is one datagram; an empty one ends the connection.
 *
 * DOC: threads
 *
 * A network has two threads of its own, with every signal blocked. All calls
 * may be made from any thread, several at once; those with a timeout block
 * the calling thread only. adit_close must be the last call on a network.
 * No signal handler is installed, nothing printed, and nothing ever ends the
 * process. Several networks may be open at once.
 *
 * DOC: errors
 *
 * Calls return 0 or a descriptor, or a negative errno: -ECONNREFUSED,
 * -ETIMEDOUT, -EHOSTUNREACH, -ENETUNREACH, -ENOENT (no such name), -EINVAL
 * (an argument), -EADDRINUSE and -EADDRNOTAVAIL (of adit_listen), -EMFILE,
 * -ENOMEM. adit_open also says in words what is wrong.
 */
#ifndef ADIT_H
#define ADIT_H

#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>

#ifdef __cplusplus
extern "C" {
#endif

#define ADIT_PUBLIC __attribute__((visibility("default")))

struct adit;
struct adit_listener;

struct adit_options {
	size_t size; /* sizeof(struct adit_options): so that it may grow */
	/* One of the two: a wg-quick file (hooks and Table are ignored), or one
	 * for `adit forward`, whose forwards are then served as well, but for
	 * [STDIOTunnel]; a value $NAME is an error, no variable is looked at. */
	const char *config_file;
	const char *config_text;
	unsigned memory_mib; /* ceiling of flow buffers: 16, 64 or 256; 0 = 64 */
	/* Packets inside go to this pcapng file (made with mode 0600, or emptied);
	 * what was dropped carries its reason as a comment. NULL: no capture. */
	const char *capture_file;
};

/* "0.1.0" of the library in use. Static storage. */
ADIT_PUBLIC const char *adit_version(void);

/*
 * Reads the configuration and starts the network. It returns at once: the
 * handshake happens when something is sent. On failure *ret is untouched, and
 * err (may be NULL) holds one line per fault, as NAME:LINE:COL: KEY: what is
 * wrong (what to do). Keys are wiped from the library's memory by adit_close;
 * config_text stays yours.
 */
ADIT_PUBLIC int adit_open(struct adit **ret, const struct adit_options *options, char *err, size_t err_len);
/* Ends connections with resets, wipes keys, joins the threads. Descriptors
 * that you hold stay yours to close. NULL is fine. */
ADIT_PUBLIC void adit_close(struct adit *net);

/*
 * Connects to address, "HOST:PORT" or "[V6]:PORT", inside the network; network
 * is "tcp", "tcp4", "tcp6", "udp", "udp4" or "udp6". Names are looked up by the
 * DNS servers of the configuration, inside; "tcp" tries all their addresses,
 * the others the first one that fits. timeout_ms bounds it all; the library's
 * own limit is 30 s (-1 = no other). Returns a blocking, close-on-exec
 * descriptor that you own.
 */
ADIT_PUBLIC int adit_dial(struct adit *net, const char *network, const char *address, int timeout_ms);

/*
 * Waits for connections from inside to address: ":PORT" for all of our
 * addresses, or "ADDRESS:PORT"; port 0 takes a free one (adit_listener_port).
 * network is as for adit_dial; with a digit, senders of that family alone.
 * With "udp", each sender is a connection of its own; it ends when it was
 * silent for 60 s. At most 128 connections wait to be accepted. *ret is yours
 * until adit_listener_close.
 */
ADIT_PUBLIC int adit_listen(struct adit *net, struct adit_listener **ret, const char *network, const char *address);
/*
 * The next connection, as adit_dial's descriptors; -ETIMEDOUT after timeout_ms
 * (-1 = never, 0 = only one that waits). peer (may be NULL) gets the sender's
 * "ADDRESS:PORT".
 */
ADIT_PUBLIC int adit_accept(struct adit_listener *listener, int timeout_ms, char *peer, size_t peer_len);
/* Readable while a connection waits; for poll(), not for read(). The listener's. */
ADIT_PUBLIC int adit_listener_fd(const struct adit_listener *listener);
ADIT_PUBLIC uint16_t adit_listener_port(const struct adit_listener *listener);
/* Connections that nobody accepted are reset; accepted ones go on. */
ADIT_PUBLIC void adit_listener_close(struct adit_listener *listener);

/*
 * A name's addresses by the network's DNS, as text (at most `max`, each up to
 * 45 bytes and a NUL). Returns how many there are, at most max.
 */
#define ADIT_ADDRESS_LEN 46
ADIT_PUBLIC int adit_lookup(struct adit *net, const char *name, char (*addresses)[ADIT_ADDRESS_LEN], unsigned max,
			    int timeout_ms);

struct adit_stats {
	size_t size;                  /* sizeof(struct adit_stats), given by you */
	uint64_t rx_bytes, tx_bytes;  /* encrypted, on the wire */
	uint64_t rx_packets, tx_packets; /* inside */
	uint64_t dropped;             /* packets, for all reasons */
	uint64_t retransmitted;       /* bytes TCP sent again */
	int64_t handshake_age_ms;     /* of the newest handshake of any peer; -1 = none yet */
	uint32_t peers, connections;
	size_t memory;                /* bytes of flow buffers now */
};
ADIT_PUBLIC int adit_stats(struct adit *net, struct adit_stats *stats);

#ifdef __cplusplus
}
#endif

#endif
