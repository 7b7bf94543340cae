/* SPDX-License-Identifier: ISC */
/* dns_resolved.c - DNS servers by systemd-resolved, over D-Bus */
#include "host/dns_backend.h"

#include <errno.h>
#include <limits.h>
#include <net/if.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#ifdef ADIT_HAVE_SYSTEMD
#include <sys/socket.h>

#include "host/bus.h"

#define SERVICE   "org.freedesktop.resolve1"
#define PATH      "/org/freedesktop/resolve1"
#define MANAGER   SERVICE ".Manager"
#define LINK      SERVICE ".Link"
#define TIMEOUT_US (5 * 1000 * 1000u)

static bool is_gone(const sd_bus_error *e)
{
	return adit_sd.sd_bus_error_has_name_(e, SERVICE ".NoSuchLink") ||
	       adit_sd.sd_bus_error_has_name_(e, SD_BUS_ERROR_SERVICE_UNKNOWN) ||
	       adit_sd.sd_bus_error_has_name_(e, SD_BUS_ERROR_NAME_HAS_NO_OWNER);
}

/* --- its methods, for one link -------------------------------------------------- */

static int new_call(sd_bus *bus, sd_bus_message **m, const char *method, unsigned index)
{
	int32_t i = (int32_t)index;
	int r = adit_sd.sd_bus_message_new_method_call_(bus, m, SERVICE, PATH, MANAGER, method);

	return r < 0 ? r : adit_sd.sd_bus_message_append_basic_(*m, 'i', &i);
}

static int append_server(sd_bus_message *m, const struct adit_addr *addr)
{
	int32_t family = addr->family == 6 ? AF_INET6 : AF_INET;
	int r = adit_sd.sd_bus_message_open_container_(m, 'r', "iay");

	if (r >= 0)
		r = adit_sd.sd_bus_message_append_basic_(m, 'i', &family);
	if (r >= 0)
		r = adit_sd.sd_bus_message_append_array_(m, 'y', addr->bytes, addr->family == 6 ? 16 : 4);
	return r < 0 ? r : adit_sd.sd_bus_message_close_container_(m);
}

static int append_servers(sd_bus_message *m, const struct adit_dns *dns)
{
	int r = adit_sd.sd_bus_message_open_container_(m, 'a', "(iay)");
	size_t i;

	for (i = 0; i < dns->server_cnt && r >= 0; i++)
		r = append_server(m, &dns->server[i]);
	return r < 0 ? r : adit_sd.sd_bus_message_close_container_(m);
}

/* Of all names, when it shall be asked about all: else every default link would be asked, too. */
static int append_domains(sd_bus_message *m, const struct adit_dns *dns)
{
	int r = adit_sd.sd_bus_message_open_container_(m, 'a', "(sb)");
	size_t i;

	for (i = 0; i < dns->domain_cnt && r >= 0; i++)
		r = adit_sd.sd_bus_message_append_(m, "(sb)", dns->domain[i].name, (int)dns->domain[i].routed);
	if (r >= 0 && dns->default_route)
		r = adit_sd.sd_bus_message_append_(m, "(sb)", ".", 1);
	return r < 0 ? r : adit_sd.sd_bus_message_close_container_(m);
}

static int append_default(sd_bus_message *m, const struct adit_dns *dns)
{
	int yes = dns->default_route;

	return adit_sd.sd_bus_message_append_basic_(m, 'b', &yes);
}

static const struct {
	const char *method;
	int (*append)(sd_bus_message *m, const struct adit_dns *dns);
} settings[] = {
	{ "SetLinkDNS", append_servers },
	{ "SetLinkDomains", append_domains },
	{ "SetLinkDefaultRoute", append_default },
};

static int call(sd_bus *bus, const char *method, unsigned index,
		int (*append)(sd_bus_message *m, const struct adit_dns *dns), const struct adit_dns *dns, char *err,
		size_t err_len)
{
	sd_bus_error e = SD_BUS_ERROR_NULL;
	sd_bus_message *m = NULL;
	int r = new_call(bus, &m, method, index);

	if (r >= 0 && append)
		r = append(m, dns);
	if (r >= 0)
		r = adit_sd.sd_bus_call_(bus, m, 0, &e, NULL);
	if (r < 0) {
		snprintf(err, err_len, "systemd-resolved: %s for %s: %s", method, dns->ifname,
			 e.message ? e.message : strerror(-r));
		if (is_gone(&e))
			r = -ENOENT;
	}
	adit_sd.sd_bus_error_free_(&e);
	adit_sd.sd_bus_message_unref_(m);
	return r < 0 ? r : 0;
}

static int begin(sd_bus **bus, const struct adit_dns *dns, unsigned *index, char *err, size_t err_len)
{
	int r;

	*index = if_nametoindex(dns->ifname);
	if (!*index) {
		snprintf(err, err_len, "DNS of %s: there is no such link", dns->ifname);
		return -ENODEV;
	}
	r = adit_bus_open(bus, TIMEOUT_US);
	if (r)
		snprintf(err, err_len, "systemd-resolved: the system's D-Bus: %s", strerror(-r));
	return r;
}

static int set(const struct adit_dns *dns, char *err, size_t err_len)
{
	sd_bus_error e = SD_BUS_ERROR_NULL;
	sd_bus *bus = NULL;
	char ignored[8];
	unsigned index;
	size_t i;
	int r = begin(&bus, dns, &index, err, err_len);

	if (r)
		return r;
	for (i = 0; i < sizeof(settings) / sizeof(settings[0]) && !r; i++)
		r = call(bus, settings[i].method, index, settings[i].append, dns, err, err_len);
	if (r)
		call(bus, "RevertLink", index, NULL, dns, ignored, sizeof(ignored));
	else /* names that had no answer before may have one now */
		adit_sd.sd_bus_call_method_(bus, SERVICE, PATH, MANAGER, "FlushCaches", &e, NULL, "");
	adit_sd.sd_bus_error_free_(&e);
	adit_sd.sd_bus_flush_close_unref_(bus);
	return r;
}

static int unset(const struct adit_dns *dns, char *err, size_t err_len)
{
	sd_bus *bus = NULL;
	unsigned index;
	int r = begin(&bus, dns, &index, err, err_len);

	if (r == -ENODEV || r == -ENOPKG || r == -ENOENT || r == -ECONNREFUSED)
		return 0; /* no link, no library, no bus: then no settings */
	if (r)
		return r;
	r = call(bus, "RevertLink", index, NULL, dns, err, err_len);
	adit_sd.sd_bus_flush_close_unref_(bus);
	return r == -ENOENT ? 0 : r;
}

/* --- what it has ---------------------------------------------------------------- */

static bool is_server(const struct adit_dns *dns, int family, const void *bytes, size_t len)
{
	size_t i;

	for (i = 0; i < dns->server_cnt; i++)
		if ((dns->server[i].family == 6) == (family == AF_INET6) &&
		    len == (family == AF_INET6 ? 16u : 4u) && !memcmp(dns->server[i].bytes, bytes, len))
			return true;
	return false;
}

/* How many servers the property has, and how many of them are ours. */
static int count_servers(sd_bus_message *m, const struct adit_dns *dns, size_t *ours, size_t *all)
{
	int r = adit_sd.sd_bus_message_enter_container_(m, 'a', "(iay)");

	*ours = *all = 0;
	while (r >= 0 && (r = adit_sd.sd_bus_message_enter_container_(m, 'r', "iay")) > 0) {
		const void *bytes;
		size_t len;
		int32_t family;

		r = adit_sd.sd_bus_message_read_(m, "i", &family);
		if (r >= 0)
			r = adit_sd.sd_bus_message_read_array_(m, 'y', &bytes, &len);
		if (r >= 0) {
			++*all;
			*ours += is_server(dns, family, bytes, len);
			r = adit_sd.sd_bus_message_exit_container_(m);
		}
	}
	return r < 0 ? r : 0;
}

static int read_servers(sd_bus *bus, const struct adit_dns *dns, unsigned index, size_t *ours, size_t *all, char *err,
			size_t err_len)
{
	sd_bus_message *link = NULL, *property = NULL;
	sd_bus_error e = SD_BUS_ERROR_NULL;
	const char *path;
	int r = adit_sd.sd_bus_call_method_(bus, SERVICE, PATH, MANAGER, "GetLink", &e, &link, "i", (int32_t)index);

	if (r >= 0)
		r = adit_sd.sd_bus_message_read_(link, "o", &path);
	if (r >= 0)
		r = adit_sd.sd_bus_get_property_(bus, SERVICE, path, LINK, "DNS", &e, &property, "a(iay)");
	if (r >= 0)
		r = count_servers(property, dns, ours, all);
	if (r < 0)
		snprintf(err, err_len, "systemd-resolved: settings of %s: %s", dns->ifname,
			 e.message ? e.message : strerror(-r));
	adit_sd.sd_bus_error_free_(&e);
	adit_sd.sd_bus_message_unref_(property);
	adit_sd.sd_bus_message_unref_(link);
	return r;
}

static int intact(const struct adit_dns *dns, char *err, size_t err_len)
{
	size_t ours = 0, all = 0;
	sd_bus *bus = NULL;
	unsigned index;
	int r = begin(&bus, dns, &index, err, err_len);

	if (r)
		return r;
	r = read_servers(bus, dns, index, &ours, &all, err, err_len);
	adit_sd.sd_bus_flush_close_unref_(bus);
	if (r)
		return r;
	if (ours == all && all == dns->server_cnt)
		return 1;
	if (!all) {
		snprintf(err, err_len, "systemd-resolved has forgotten the servers of %s", dns->ifname);
		return 0;
	}
	snprintf(err, err_len, "somebody gave %s other servers in systemd-resolved; left alone", dns->ifname);
	return -ESTALE;
}

/* --- is it in use? --------------------------------------------------------------- */

static bool has_owner(void)
{
	sd_bus_error e = SD_BUS_ERROR_NULL;
	sd_bus_message *m = NULL;
	sd_bus *bus = NULL;
	int owned = 0;

	if (adit_bus_open(&bus, TIMEOUT_US))
		return false;
	if (adit_sd.sd_bus_call_method_(bus, "org.freedesktop.DBus", "/org/freedesktop/DBus", "org.freedesktop.DBus",
				   "NameHasOwner", &e, &m, "s", SERVICE) < 0 ||
	    adit_sd.sd_bus_message_read_(m, "b", &owned) < 0)
		owned = 0;
	adit_sd.sd_bus_error_free_(&e);
	adit_sd.sd_bus_message_unref_(m);
	adit_sd.sd_bus_flush_close_unref_(bus);
	return owned;
}

static bool any_line(const char *path, bool (*wanted)(const char *line))
{
	FILE *f = fopen(path, "re");
	char line[512];
	bool found = false;

	while (f && !found && fgets(line, sizeof(line), f))
		found = wanted(line);
	if (f)
		fclose(f);
	return found;
}

static bool names_stub(const char *line)
{
	char word[64];

	return sscanf(line, "nameserver %63s", word) == 1 && (!strcmp(word, "127.0.0.53") || !strcmp(word, "127.0.0.54"));
}

static bool names_nss_module(const char *line)
{
	return !strncmp(line, "hosts:", 6) && strstr(line, " resolve");
}

static const char *unfit(const char **why)
{
	char real[PATH_MAX];

	if (!any_line(ADIT_RESOLV_CONF, names_stub) && !any_line("/etc/nsswitch.conf", names_nss_module) &&
	    !(realpath(ADIT_RESOLV_CONF, real) && !strncmp(real, "/run/systemd/resolve/", 21)))
		return "programs here do not ask systemd-resolved (see " ADIT_RESOLV_CONF ")";
	if (!has_owner())
		return "systemd-resolved is not on the system's D-Bus";
	*why = "systemd-resolved runs, and programs here ask it";
	return NULL;
}

#else /* built without libsystemd's headers */

static int set(const struct adit_dns *dns, char *err, size_t err_len)
{
	snprintf(err, err_len, "DNS of %s: this adit was built without systemd-resolved", dns->ifname);
	return -EOPNOTSUPP;
}

static int unset(const struct adit_dns *dns, char *err, size_t err_len)
{
	return set(dns, err, err_len);
}

static int intact(const struct adit_dns *dns, char *err, size_t err_len)
{
	return set(dns, err, err_len);
}

static const char *unfit(const char **why)
{
	(void)why;
	return "this adit was built without systemd-resolved";
}

#endif

/* What is left of a killed process went with its link. */
const struct adit_dns_ops adit_dns_resolved = { "resolved", set, unset, intact, NULL, unfit };
