/* SPDX-License-Identifier: ISC */
/* doctor_system.c - what tunnels take of the kernel: TUN devices, offloads, memory, a clock, room on disk */
#include "agent/doctor.h"

#include <errno.h>
#include <fcntl.h>
#include <linux/if_tun.h>
#include <net/if.h>
#include <netinet/in.h>
#include <netinet/udp.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/mman.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/statvfs.h>
#include <sys/timex.h>
#include <sys/utsname.h>
#include <time.h>
#include <unistd.h>

#ifndef TUN_F_USO4
#define TUN_F_USO4 0x20
#define TUN_F_USO6 0x40
#endif

#define TUN_DEVICE "/dev/net/tun"
#define PAST       1700000000 /* November 2023: this program is younger */
#define HOUR       3600
#define STATE_ROOM (1u << 20)

/* --- TUN ------------------------------------------------------------------------- */

static void tun_denied(struct agent_doctor *d, int r, const char *what)
{
	if (r == EPERM && geteuid() != 0)
		agent_doctor_bad(d, AGENT_DOCTOR_WARNING, "run adit doctor as root to see the rest; without root there is adit forward",
				 "%s takes root, or CAP_NET_ADMIN", what);
	else if (r == EPERM)
		agent_doctor_bad(d, AGENT_DOCTOR_PROBLEM, "give the container or the service CAP_NET_ADMIN; without it there is adit forward",
				 "%s is not allowed, although we are root: CAP_NET_ADMIN is missing", what);
	else
		agent_doctor_bad(d, AGENT_DOCTOR_PROBLEM, "see the kernel's log (dmesg)", "%s: %s", what, strerror(r));
}

static void look_at_tun(struct agent_doctor *d, int fd)
{
	struct ifreq ifr = { .ifr_flags = IFF_TUN | IFF_NO_PI | IFF_VNET_HDR };

	/* It goes with its descriptor. */
	snprintf(ifr.ifr_name, sizeof(ifr.ifr_name), "adoc%%d");
	if (ioctl(fd, TUNSETIFF, &ifr) < 0) {
		tun_denied(d, errno, "making a TUN device");
		return;
	}
	if (ioctl(fd, TUNSETOFFLOAD, TUN_F_CSUM | TUN_F_TSO4 | TUN_F_TSO6) < 0)
		agent_doctor_bad(d, AGENT_DOCTOR_WARNING, "", "TUN devices work, but take no TCP super-packets: throughput will be low");
	else if (ioctl(fd, TUNSETOFFLOAD, TUN_F_CSUM | TUN_F_TSO4 | TUN_F_TSO6 | TUN_F_USO4 | TUN_F_USO6) < 0)
		agent_doctor_ok(d, "TUN devices work, with TCP super-packets (UDP ones need Linux 6.2)");
	else
		agent_doctor_ok(d, "TUN devices work, with TCP and UDP super-packets");
}

void agent_doctor_tun(struct agent_doctor *d)
{
	int fd = open(TUN_DEVICE, O_RDWR | O_CLOEXEC);

	if (fd >= 0) {
		look_at_tun(d, fd);
		close(fd);
	} else if (errno == ENOENT || errno == ENODEV || errno == ENXIO) {
		agent_doctor_bad(d, AGENT_DOCTOR_PROBLEM, "modprobe tun; for a container, --device " TUN_DEVICE "; without it there is adit forward",
				 "there is no " TUN_DEVICE " (%s)", strerror(errno));
	} else if (errno == EPERM && geteuid() == 0) {
		agent_doctor_bad(d, AGENT_DOCTOR_PROBLEM, "for a container, --device " TUN_DEVICE "; for a service, DeviceAllow=" TUN_DEVICE,
				 TUN_DEVICE " may not be opened, although we are root: the device is not allowed here");
	} else if (errno == EACCES || errno == EPERM) {
		tun_denied(d, EPERM, "opening " TUN_DEVICE);
	} else {
		tun_denied(d, errno, "opening " TUN_DEVICE);
	}
}

void agent_doctor_offloads(struct agent_doctor *d)
{
	int fd = socket(AF_INET, SOCK_DGRAM | SOCK_CLOEXEC, 0), size = 1200, on = 1;
	bool gso, gro;
	struct utsname uts;

	uname(&uts);
	if (fd < 0) {
		agent_doctor_bad(d, AGENT_DOCTOR_PROBLEM, "", "no UDP socket can be opened: %s", strerror(errno));
		return;
	}
	gso = setsockopt(fd, IPPROTO_UDP, UDP_SEGMENT, &size, sizeof(size)) == 0;
	gro = setsockopt(fd, IPPROTO_UDP, UDP_GRO, &on, sizeof(on)) == 0;
	close(fd);
	if (gso && gro)
		agent_doctor_ok(d, "Linux %s sends and receives many datagrams at once", uts.release);
	else
		agent_doctor_bad(d, AGENT_DOCTOR_WARNING, "a kernel from 5.0 on has both", "Linux %s lacks %s%s%s: throughput will be low",
				 uts.release, gso ? "" : "UDP_SEGMENT", !gso && !gro ? " and " : "", gro ? "" : "UDP_GRO");
}

/* --- memory for keys --------------------------------------------------------------- */

void agent_doctor_memory(struct agent_doctor *d)
{
	const size_t len = 64 << 10;
	struct rlimit lim = { 0, 0 };
	void *p = mmap(NULL, len, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
	int r = p == MAP_FAILED ? errno : mlock(p, len) < 0 ? errno : 0;

	if (p != MAP_FAILED)
		munmap(p, len);
	getrlimit(RLIMIT_MEMLOCK, &lim);
	if (r)
		agent_doctor_bad(d, AGENT_DOCTOR_PROBLEM, "ulimit -l unlimited, or LimitMEMLOCK=infinity of the service",
				 "memory for keys cannot be locked (%s; the limit is %llu bytes): keys may be swapped to disk",
				 strerror(r), (unsigned long long)lim.rlim_cur);
	else if (lim.rlim_cur == RLIM_INFINITY)
		agent_doctor_ok(d, "memory for keys can be locked, without limit");
	else
		agent_doctor_ok(d, "memory for keys can be locked; %llu KiB without root", (unsigned long long)lim.rlim_cur >> 10);
}

/* --- the clock ------------------------------------------------------------------------ */

/* Something that was written later than now: the clock was set back, or has not been set yet. */
static const char *from_the_future(const struct agent_doctor *d, time_t now, time_t *when)
{
	const char *const marks[] = { "/var/lib/systemd/timesync/clock", d->state_dir, "/etc/adit", "/var/log", "/etc" };
	struct stat st;
	size_t i;

	for (i = 0; i < sizeof(marks) / sizeof(marks[0]); i++) {
		if (*marks[i] && stat(marks[i], &st) == 0 && st.st_mtime > now + HOUR) {
			*when = st.st_mtime;
			return marks[i];
		}
	}
	return NULL;
}

static int64_t clock_ms(clockid_t clock)
{
	struct timespec ts;

	clock_gettime(clock, &ts);
	return (int64_t)ts.tv_sec * 1000 + ts.tv_nsec / 1000000;
}

/* How much the wall clock went apart from the monotonic one in a moment, in ms. */
static int64_t wander(void)
{
	int64_t wall = clock_ms(CLOCK_REALTIME), mono = clock_ms(CLOCK_MONOTONIC);

	nanosleep(&(struct timespec){ 0, 100 * 1000 * 1000 }, NULL);
	return clock_ms(CLOCK_REALTIME) - wall - (clock_ms(CLOCK_MONOTONIC) - mono);
}

void agent_doctor_clock(struct agent_doctor *d)
{
	const char *fix = "set it (timedatectl, chronyc makestep): a peer refuses handshakes that are older than the last one";
	struct timex tx = { 0 };
	time_t now = time(NULL), when = 0;
	const char *file = from_the_future(d, now, &when);
	int64_t apart = wander();
	char text[32];
	int state;

	strftime(text, sizeof(text), "%Y-%m-%d %H:%M UTC", gmtime(&now));
	if (now < PAST)
		agent_doctor_bad(d, AGENT_DOCTOR_PROBLEM, fix, "the clock says %s, which is long past", text);
	else if (file)
		agent_doctor_bad(d, AGENT_DOCTOR_PROBLEM, fix, "the clock says %s, but %s was written %lld h later: it was set back",
				 text, file, (long long)(when - now) / HOUR);
	else if (apart > 50 || apart < -50)
		agent_doctor_bad(d, AGENT_DOCTOR_WARNING, fix, "the clock went %lld ms apart from the monotonic one within 100 ms",
				 (long long)apart);
	else if ((state = adjtimex(&tx)) == TIME_ERROR || (tx.status & STA_UNSYNC))
		agent_doctor_bad(d, AGENT_DOCTOR_WARNING, "run a time service (systemd-timesyncd, chrony), if the host does not keep the clock",
				 "the clock says %s; nothing here keeps it right", text);
	else
		agent_doctor_ok(d, "the clock says %s and is kept right%s", text, state < 0 ? " (as far as we may look)" : "");
}

/* --- the state directory -------------------------------------------------------------- */

void agent_doctor_state(struct agent_doctor *d)
{
	struct statvfs fs;
	struct stat st;

	if (stat(d->state_dir, &st) < 0) {
		agent_doctor_ok(d, "%s is not there yet: it is made with the first change to the machine", d->state_dir);
	} else if (!S_ISDIR(st.st_mode)) {
		agent_doctor_bad(d, AGENT_DOCTOR_PROBLEM, "remove it", "%s is not a folder", d->state_dir);
	} else if (st.st_mode & 0022) {
		agent_doctor_bad(d, AGENT_DOCTOR_PROBLEM, "chmod go-w it", "others may write in %s, which says what root undoes", d->state_dir);
	} else if (statvfs(d->state_dir, &fs) == 0 && (fs.f_flag & ST_RDONLY)) {
		agent_doctor_bad(d, AGENT_DOCTOR_PROBLEM, "mount it writable, or choose another with --state-dir",
				 "%s is read-only: no change to the machine can be noted, so none is made", d->state_dir);
	} else if (statvfs(d->state_dir, &fs) == 0 && (unsigned long long)fs.f_bavail * fs.f_frsize < STATE_ROOM) {
		agent_doctor_bad(d, AGENT_DOCTOR_PROBLEM, "make room", "the disk of %s is full: no change to the machine can be noted, so none is made",
				 d->state_dir);
	} else {
		agent_doctor_ok(d, "%s can take what is to be undone", d->state_dir);
	}
}
