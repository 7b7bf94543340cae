/* SPDX-License-Identifier: ISC */
/* doctor_dns.c - the way names are looked up: who sets the servers, and whether they answer */
#include "agent/doctor.h"

#include <arpa/inet.h>
#include <errno.h>
#include <net/if.h>
#include <poll.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "host/dns.h"

#define RESOLV_CONF "/etc/resolv.conf"
#define SERVERS_MAX 3 /* more are not asked by the C library either */
#define WAIT_MS     1000

static int socket_to(const struct adit_addr *addr, uint16_t port)
{
	struct sockaddr_in sin = { .sin_family = AF_INET, .sin_port = htons(port) };
	struct sockaddr_in6 sin6 = { .sin6_family = AF_INET6, .sin6_port = htons(port) };
	bool six = addr->family == 6;
	int fd = socket(six ? AF_INET6 : AF_INET, SOCK_DGRAM | SOCK_CLOEXEC, 0), r;

	if (fd < 0)
		return -errno;
	memcpy(&sin.sin_addr, addr->bytes, 4);
	memcpy(&sin6.sin6_addr, addr->bytes, 16);
	r = six ? connect(fd, (struct sockaddr *)&sin6, sizeof(sin6)) : connect(fd, (struct sockaddr *)&sin, sizeof(sin));
	if (r < 0) {
		r = -errno;
		close(fd);
		return r;
	}
	return fd;
}

/* Who serves the root: every resolver knows. Two tries. 0 or -errno. */
static int ask(int fd)
{
	static const unsigned char query[] = { 'a', 'd', 1, 0, 0, 1, 0, 0, 0, 0, 0, 0, 0, 0, 2, 0, 1 };
	struct pollfd p = { .fd = fd, .events = POLLIN };
	unsigned char answer[512];
	int try;

	for (try = 0; try < 2; try++) {
		if (send(fd, query, sizeof(query), MSG_NOSIGNAL) < 0)
			return -errno;
		if (poll(&p, 1, WAIT_MS) <= 0)
			continue;
		if (recv(fd, answer, sizeof(answer), 0) < 0)
			return -errno;
		return 0;
	}
	return -ETIMEDOUT;
}

static bool look_at_server(struct agent_doctor *d, const char *text)
{
	const char *fix = "correct " RESOLV_CONF ", or what writes it; endpoints can be given as addresses";
	struct adit_addr addr;
	int fd, r;

	if (adit_addr_parse(&addr, text))
		return true; /* with a zone: rare, and not for us to judge */
	fd = socket_to(&addr, 53);
	if (fd < 0) {
		agent_doctor_bad(d, AGENT_DOCTOR_PROBLEM, fix, "there is no way to the DNS server %s: %s", text, strerror(-fd));
		return false;
	}
	r = ask(fd);
	close(fd);
	if (r == -EPERM)
		agent_doctor_bad(d, AGENT_DOCTOR_PROBLEM, "let UDP to port 53 out", "the firewall lets nothing out to the DNS server %s", text);
	else if (r)
		agent_doctor_bad(d, AGENT_DOCTOR_WARNING, fix, "the DNS server %s does not answer: %s", text, strerror(-r));
	return !r;
}

static void look_at_servers(struct agent_doctor *d)
{
	FILE *f = fopen(RESOLV_CONF, "re");
	char line[512], word[64], good[160] = "", orphan[ADIT_IFNAME_LEN] = "";
	unsigned n = 0;

	while (f && fgets(line, sizeof(line), f)) {
		if (sscanf(line, "#+ %15s", word) == 1 && !if_nametoindex(word))
			memcpy(orphan, word, sizeof(orphan));
		if (sscanf(line, "nameserver %63s", word) != 1 || n++ >= SERVERS_MAX)
			continue;
		if (look_at_server(d, word))
			snprintf(good + strlen(good), sizeof(good) - strlen(good), "%s%s", *good ? ", " : "", word);
	}
	if (f)
		fclose(f);
	if (orphan[0])
		agent_doctor_bad(d, AGENT_DOCTOR_PROBLEM, "adit cleanup", RESOLV_CONF " still has the servers of %s, which is gone", orphan);
	if (!n)
		agent_doctor_bad(d, AGENT_DOCTOR_WARNING, "name one in " RESOLV_CONF, RESOLV_CONF " names no DNS server");
	else if (*good)
		agent_doctor_ok(d, "DNS servers answer: %s", good);
}

static void look_at_networks(struct agent_doctor *d)
{
	char addr[ADIT_ADDR_STRLEN];
	size_t i, k;

	for (i = 0; i < d->network_cnt; i++) {
		const struct agent_doctor_network *n = &d->network[i];

		for (k = 0; k < n->dns_cnt; k++)
			if (!agent_doctor_allows(n, &n->dns[k]))
				agent_doctor_bad(d, AGENT_DOCTOR_WARNING, "add it to the allowed_ips of the peer that leads there",
						 "the DNS server %s of %s is outside its allowed IPs: it is not asked through the tunnel",
						 adit_addr_format(&n->dns[k], addr), n->name);
	}
}

void agent_doctor_dns(struct agent_doctor *d)
{
	const char *backend = adit_dns_backend();

	if (!strcmp(backend, "none"))
		agent_doctor_bad(d, AGENT_DOCTOR_WARNING, "make " RESOLV_CONF " a file, or start systemd-resolved",
				 "a network's DNS servers cannot be set: %s", adit_dns_backend_why());
	else
		agent_doctor_ok(d, "a network's DNS servers are set by way of %s: %s", backend, adit_dns_backend_why());
	look_at_servers(d);
	look_at_networks(d);
}
