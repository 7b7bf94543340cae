/* SPDX-License-Identifier: ISC */
/*
 * helper.h - the privileged helper process, as the network process sees it
 *
 * DOC: two processes
 *
 * The helper keeps what takes rights: it opens TUN devices and marked sockets and
 * hands the descriptors over, reads configuration and key files, applies, mends and
 * undoes plans (host/keeper.h), and keeps their journals. It has CAP_NET_ADMIN,
 * CAP_NET_RAW, CAP_NET_BIND_SERVICE and the files; no byte of a network reaches it. The network
 * process has the cores, the control API and no capability.
 *
 * Messages go over a SOCK_SEQPACKET pair, a request and its answer at a time
 * (helper_message.h); a plan travels as a sealed memfd, a file as the descriptor it
 * was opened to. The helper checks everything it is asked as if a stranger asked
 * (helper_server.c); a file is opened when it is the configuration, one of its
 * drop-ins, or named in one of those that were opened.
 *
 * When the network process ends without a word, the helper undoes every plan but
 * those with a killswitch, and ends. When the helper ends, the network process ends.
 *
 * Without rights there is no second process: the same is done here, as far as one
 * may (networks of type forward need nothing more).
 */
#ifndef ADIT_AGENT_HELPER_H
#define ADIT_AGENT_HELPER_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/addr.h"
#include "crypto/crypto.h"
#include "host/plan.h"
#include "host/service.h"
#include "host/textfile.h"
#include "pktio/rights.h"

struct helper;

struct helper_config {
	const char *config_path; /* absolute: it and its drop-ins may be read */
	bool background;         /* it lets go of the terminal at once */
	unsigned left;           /* descriptors that the service manager left to the network process */
};

/* Forks the helper (where this process has CAP_NET_ADMIN); call it while there is one
 * thread. 0 or -errno with a sentence. */
int helper_start(struct helper **ret, const struct helper_config *cfg, char *err, size_t err_len);
/* Asks it to undo everything in force (unless `keep`), and waits for its end. NULL is fine. */
void helper_end(struct helper *h, bool keep);

/* Is there a helper, so that the machine can be changed? */
bool helper_privileged(const struct helper *h);
/* Once, when the configuration is known: where journals are. Undoes what killed agents left
 * there, but killswitches; what it did comes as events. */
int helper_begin(struct helper *h, const char *state_dir, char *err, size_t err_len);
/* A Unix socket's file that the helper shall remove at the end, which we may not: only
 * until helper_confined, which is said when rights are dropped. */
int helper_own_socket(struct helper *h, const char *path);
int helper_confined(struct helper *h);

/* For adit_tunnel_config.rights: TUN and UDP sockets of the helper. Valid until helper_end. */
const struct adit_rights *helper_rights(struct helper *h);
/* The same, and first what was left to the network of that name (inherit.h). */
const struct adit_rights *helper_network_rights(struct helper *h, const char *network);
/* A TUN that was left to us is one of ours from now on. */
int helper_adopt(struct helper *h, int tun_fd);

/* All below: any thread's; blocking; 0 or -errno with one sentence in err. */

/* A TUN with virtio headers, of that name ("%d" is the kernel's to fill). Returns a descriptor.
 * multi: with several queues; one more of it when it is there. */
int helper_tun(struct helper *h, char name[ADIT_IFNAME_LEN], bool multi, char *err, size_t err_len);
/* The listening UAPI socket of our TUN of that name; the helper removes the file at helper_uapi_close. */
int helper_uapi(struct helper *h, const char *ifname, char *err, size_t err_len);
void helper_uapi_close(struct helper *h, const char *ifname);

struct helper_socket {
	struct adit_addr bind;  /* family 4 or 6; all zero bytes = any */
	uint16_t port;          /* 0 = the kernel's choice; written back */
	uint32_t mark;
	uint8_t reuse;          /* SO_REUSEPORT */
	char device[ADIT_IFNAME_LEN]; /* SO_BINDTODEVICE; "" = none */
};
/* A bound UDP socket with its mark and large buffers (IPv6: IPV6_V6ONLY); not otherwise set up.
 * Returns a descriptor. */
int helper_udp(struct helper *h, struct helper_socket *s, char *err, size_t err_len);
/* Gives one another mark. */
int helper_mark(struct helper *h, int fd, uint32_t mark);
/* An unbound, non-blocking one for the resolver outside the tunnel; family AF_INET or AF_INET6, type
 * SOCK_DGRAM or SOCK_STREAM. Returns a descriptor. */
int helper_marked(struct helper *h, int family, int type, uint32_t mark);

/* The configuration's file, a drop-in, or a wg-quick file or key file that it names. */
int helper_read(struct helper *h, struct adit_textfile *ret, const char *path);
/* *names: absolute paths in their order, ended by NULL, all malloc'd. Returns their number. */
int helper_drop_ins(struct helper *h, char ***names);
/* agent_opener's functions; user is the helper. */
int helper_open(void *helper, struct adit_textfile *ret, const char *path);
int helper_open_drop_ins(void *helper, const char *path, char ***names);
/* The key in a file; *problem says what is wrong with it. */
int helper_key(struct helper *h, const char *path, uint8_t key[ADIT_KEY_LEN], char *err, size_t err_len);

/* By difference from what is in force under the plan's name: all of it, or nothing changed. */
int helper_apply(struct helper *h, const struct adit_plan *plan, char *err, size_t err_len);
/* The plan of that name, in force and left by a process that has ended: ours from now on. -ENOENT: there is none. */
int helper_take_plan(struct helper *h, const char *name, struct adit_plan *ret, char *err, size_t err_len);
int helper_undo(struct helper *h, const char *name, char *err, size_t err_len);

/* "doctor" or "cleanup", done by a child of the helper, and not waited for. Returns a descriptor from
 * which one JSON object is read, until its end; -EBUSY: one at a time. */
struct helper_job {
	const char *what;
	const char *network; /* the doctor's; "" = all */
	bool dry_run, keep_guards; /* cleanup's */
};
int helper_job(struct helper *h, const struct helper_job *job, char *err, size_t err_len);

/* What the service manager says of us (host/service.h); -ENOENT: there is none. */
int helper_service(struct helper *h, struct adit_service *ret);

/* Readable when the helper has something to tell, or has ended. */
int helper_fd(const struct helper *h);
/* The next thing it tells: it mended what somebody deleted ("mended"), or could not
 * ("broken"), or leaves it alone ("trampled": DNS). False when there is none now;
 * *ended: the helper is gone. */
struct helper_event {
	char plan[ADIT_IFNAME_LEN];
	char what[12]; /* as host/keeper.h; "undone" of helper_begin */
	char text[256];
};
bool helper_next(struct helper *h, struct helper_event *ret, bool *ended);

#endif
