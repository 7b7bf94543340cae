/* SPDX-License-Identifier: ISC */
/*
 * tun_linux.c - TUN with IFF_VNET_HDR: the kernel hands over and takes
 * super-packets of up to 64 KiB with their checksums left out
 * (Documentation/networking/tuntap.rst, linux/virtio_net.h)
 */
#include "pktio/tun.h"

#include <assert.h>
#include <errno.h>
#include <fcntl.h>
#include <linux/if.h>
#include <linux/if_tun.h>
#include <linux/virtio_net.h>
#include <stdio.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/socket.h>
#include <unistd.h>

#include "base/inet.h"

/* newer than some headers that we build with */
#ifndef TUN_F_USO4
#define TUN_F_USO4 0x20
#define TUN_F_USO6 0x40
#endif
#ifndef VIRTIO_NET_HDR_GSO_UDP_L4
#define VIRTIO_NET_HDR_GSO_UDP_L4 5
#endif

static struct adit_tun *to_tun(struct adit_inner *in)
{
	return (struct adit_tun *)in;
}

/* The kernel's hdr_len may cover more than headers, so it is computed. */
static int read_gso_header(struct adit_inner_meta *meta, const struct virtio_net_hdr *h, const uint8_t *pkt,
			   size_t contiguous)
{
	bool ip6 = adit_ip_version(pkt) == 6;

	if (h->csum_start + 20u > contiguous || !meta->needs_csum)
		return -EINVAL;
	switch (h->gso_type & ~VIRTIO_NET_HDR_GSO_ECN) {
	case VIRTIO_NET_HDR_GSO_TCPV4:
	case VIRTIO_NET_HDR_GSO_TCPV6:
		meta->gso_kind = ip6 ? ADIT_SUPER_TCP6 : ADIT_SUPER_TCP4;
		meta->hdr_len = (uint16_t)(h->csum_start + (pkt[h->csum_start + 12] >> 4) * 4);
		break;
	case VIRTIO_NET_HDR_GSO_UDP_L4:
		meta->gso_kind = ip6 ? ADIT_SUPER_UDP6 : ADIT_SUPER_UDP4;
		meta->hdr_len = (uint16_t)(h->csum_start + ADIT_UDP_HDR);
		break;
	default:
		return -EINVAL;
	}
	meta->gso_size = h->gso_size;
	return 0;
}

static ssize_t tun_read(struct adit_inner *in, struct adit_inner_meta *meta, uint8_t *buf)
{
	size_t head = to_tun(in)->vnet_hdr ? sizeof(struct virtio_net_hdr) : 0;
	ssize_t n = read(in->fd, buf - head, head + ADIT_INNER_MAX);
	struct virtio_net_hdr h;

	if (n < 0)
		return -errno;
	memset(meta, 0, sizeof(*meta));
	if (!head)
		return n > 0 ? n : -EAGAIN;
	n -= (ssize_t)head;
	if (n < ADIT_IP4_HDR)
		return -EINVAL;
	memcpy(&h, buf - head, sizeof(h));
	if (h.flags & VIRTIO_NET_HDR_F_NEEDS_CSUM) {
		meta->needs_csum = true;
		meta->csum_start = h.csum_start;
		meta->csum_offset = h.csum_offset;
	}
	if (h.gso_type != VIRTIO_NET_HDR_GSO_NONE && read_gso_header(meta, &h, buf, (size_t)n) < 0)
		return -EINVAL;
	return n;
}

static uint8_t vnet_gso_type(enum adit_super_kind kind)
{
	switch (kind) {
	case ADIT_SUPER_TCP4:
		return VIRTIO_NET_HDR_GSO_TCPV4;
	case ADIT_SUPER_TCP6:
		return VIRTIO_NET_HDR_GSO_TCPV6;
	case ADIT_SUPER_UDP4:
	case ADIT_SUPER_UDP6:
		return VIRTIO_NET_HDR_GSO_UDP_L4;
	}
	return VIRTIO_NET_HDR_GSO_NONE;
}

static int tun_write(struct adit_inner *in, const struct adit_inner_meta *meta, struct iovec *iov, int cnt)
{
	struct virtio_net_hdr h = { 0 };

	if (to_tun(in)->vnet_hdr) {
		if (meta->needs_csum) {
			h.flags = VIRTIO_NET_HDR_F_NEEDS_CSUM;
			h.csum_start = meta->csum_start;
			h.csum_offset = meta->csum_offset;
		}
		if (meta->gso_size) {
			h.gso_type = vnet_gso_type(meta->gso_kind);
			h.gso_size = meta->gso_size;
			h.hdr_len = meta->hdr_len;
		}
		iov[0].iov_base = memcpy((uint8_t *)iov[0].iov_base - sizeof(h), &h, sizeof(h));
		iov[0].iov_len += sizeof(h);
	}
	return writev(in->fd, iov, cnt) < 0 ? -errno : 0;
}

static_assert(sizeof(struct virtio_net_hdr) == ADIT_INNER_HEAD, "the kernel's header fits in front of a packet");

static const struct adit_inner_ops tun_ops = { .read = tun_read, .write = tun_write };

/* Turns on what the kernel has of the allowed offloads, asking step by step:
 * TUNSETOFFLOAD refuses the whole set when it does not know one of them. */
static void enable_offloads(struct adit_tun *tun, unsigned allowed)
{
	unsigned tso = TUN_F_CSUM | TUN_F_TSO4 | TUN_F_TSO6 | TUN_F_TSO_ECN, set = 0;

	tun->inner.offloads = 0;
	if (!tun->vnet_hdr || !(allowed & ADIT_OFFLOAD_CSUM))
		return;
	if (ioctl(tun->inner.fd, TUNSETOFFLOAD, (unsigned long)TUN_F_CSUM) < 0)
		return;
	tun->inner.offloads |= ADIT_OFFLOAD_CSUM;
	set = TUN_F_CSUM;
	if (allowed & ADIT_OFFLOAD_TSO && ioctl(tun->inner.fd, TUNSETOFFLOAD, (unsigned long)(set | tso)) == 0) {
		tun->inner.offloads |= ADIT_OFFLOAD_TSO;
		set |= tso;
	}
	if (allowed & ADIT_OFFLOAD_USO &&
	    ioctl(tun->inner.fd, TUNSETOFFLOAD, (unsigned long)(set | TUN_F_USO4 | TUN_F_USO6)) == 0)
		tun->inner.offloads |= ADIT_OFFLOAD_USO;
	else
		(void)ioctl(tun->inner.fd, TUNSETOFFLOAD, (unsigned long)set);
}

static int open_error(int e, const char *name, char *err, size_t len)
{
	switch (e) {
	case ENOENT:
	case ENODEV:
	case ENXIO:
		snprintf(err, len,
			 "/dev/net/tun is missing: load the module (modprobe tun), or make the node "
			 "(mkdir -p /dev/net && mknod /dev/net/tun c 10 200)");
		break;
	case EPERM:
	case EACCES:
		snprintf(err, len, "not allowed to create the interface %s: run as root or with CAP_NET_ADMIN", name);
		break;
	case EBUSY:
		snprintf(err, len, "the name %s is in use by another interface: choose another", name);
		break;
	default:
		snprintf(err, len, "cannot create the interface %s: %s", name, strerror(e));
	}
	return -e;
}

int adit_tun_open(struct adit_tun *tun, char name[ADIT_IFNAME_LEN], bool multi, unsigned offloads, char *err,
		  size_t err_len)
{
	struct ifreq ifr = { 0 };
	int fd = open("/dev/net/tun", O_RDWR | O_CLOEXEC | O_NONBLOCK);

	if (fd < 0)
		return open_error(errno, name, err, err_len);
	snprintf(ifr.ifr_name, sizeof(ifr.ifr_name), "%s", name);
	ifr.ifr_flags = (short)(IFF_TUN | IFF_NO_PI | IFF_VNET_HDR | (multi ? IFF_MULTI_QUEUE : 0));
	if (ioctl(fd, TUNSETIFF, &ifr) < 0) {
		int e = errno == EINVAL ? EBUSY : errno; /* EINVAL: it exists and is no such TUN */

		close(fd);
		return open_error(e, name, err, err_len);
	}
	snprintf(name, ADIT_IFNAME_LEN, "%s", ifr.ifr_name);
	*tun = (struct adit_tun){ .inner = { .ops = &tun_ops, .fd = fd }, .vnet_hdr = true };
	enable_offloads(tun, offloads);
	return 0;
}

int adit_tun_adopt(struct adit_tun *tun, int fd, char name[ADIT_IFNAME_LEN], unsigned offloads, char *err,
		   size_t err_len)
{
	struct ifreq ifr = { 0 };
	int flags = fcntl(fd, F_GETFL);

	if (flags < 0 || fcntl(fd, F_SETFL, flags | O_NONBLOCK) < 0) {
		int e = errno;

		snprintf(err, err_len, "descriptor %d given as the TUN cannot be used: %s", fd, strerror(e));
		return -e;
	}
	*tun = (struct adit_tun){ .inner = { .ops = &tun_ops, .fd = fd } };
	if (ioctl(fd, TUNGETIFF, &ifr) == 0) {
		tun->vnet_hdr = ifr.ifr_flags & IFF_VNET_HDR;
		snprintf(name, ADIT_IFNAME_LEN, "%s", ifr.ifr_name);
	}
	enable_offloads(tun, offloads);
	return 0;
}

void adit_tun_close(struct adit_tun *tun)
{
	if (tun->inner.ops)
		close(tun->inner.fd);
	tun->inner.ops = NULL;
}

int adit_tun_state(const struct adit_tun *tun)
{
	struct ifreq ifr = { 0 };

	/* a write of nothing is refused for its length when the interface is up, and before that when it is down or gone */
	if (write(tun->inner.fd, "", 0) >= 0 || errno == EINVAL)
		return 0;
	if (errno == EBADFD || ioctl(tun->inner.fd, TUNGETIFF, &ifr) < 0)
		return -EBADFD;
	return -EIO;
}

int adit_tun_set_mtu(const char *name, unsigned mtu)
{
	struct ifreq ifr = { 0 };
	int fd = socket(AF_INET, SOCK_DGRAM | SOCK_CLOEXEC, 0), r = 0;

	if (fd < 0)
		return -errno;
	snprintf(ifr.ifr_name, sizeof(ifr.ifr_name), "%s", name);
	ifr.ifr_mtu = (int)mtu;
	if (ioctl(fd, SIOCSIFMTU, &ifr) < 0)
		r = -errno;
	close(fd);
	return r;
}
