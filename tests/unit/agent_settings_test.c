/* SPDX-License-Identifier: ISC */
/*
 * agent_settings_test.c - the agent's configuration: what is said about broken
 * ones, each message with its place, in order, and no other; what good ones
 * mean. The broken ones stand in tests/config/agent-*.txt.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "agent/settings_internal.h"
#include "agent/tree_print.h"
#include "forward/config.h"
#include "statictun/settings.h"
#include "support/memory_files.h"

#define TEXT_MAX 65536

/* Written <priv> and so on in the lists. */
static const struct {
	const char *name, *text;
} words[] = {
	{ "<priv>", "AQEBAQEBAQEBAQEBAQEBAQEBAQEBAQEBAQEBAQEBAQE=" },
	{ "<own>", "pOCSkrZRwni5dyxWn1+puxPZBrRqtoyd+dwrRAn4ogk=" },
	{ "<pub>", "zo060cy2M+x7cMF4FKXHbs0CloUFDTRHRboFhw5YfVk=" },
	{ "<pub2>", "Xf7dO2vUf2+ijuFdlp1bsOpTd01Ii9r53xxuASSz7yI=" },
	{ "<pub3>", "rAGyIJ6GNU+4UyN7XeD0+rE8f8v0M6YcAZNpYX/s8Qs=" },
	{ "<psk>", "CQkJCQkJCQkJCQkJCQkJCQkJCQkJCQkJCQkJCQkJCQk=" },
	{ "<low>", "AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA=" },
};

/* "= wg" stands for these lines. */
static const struct {
	const char *name, *text;
} pieces[] = {
	{ "wg", "[network.a]\nprivate_key = \"<priv>\"\n" },
	{ "peer", "[[network.a.peers]]\npublic_key = \"<pub>\"\n" },
	{ "forward", "[network.a]\ntype = \"forward\"\nprivate_key = \"<priv>\"\naddresses = [\"10.0.0.2/32\"]\n" },
	{ "static", "[network.a]\ntype = \"static\"\nsecret = \"<priv>\"\n" },
	{ "line", "[network.a.peers]\n\"10.0.0.2\" = { pub_key = \"<pub>\", sock_addr = \"192.0.2.2:1194\" }\n" },
	{ "quick", "[Interface]\nPrivateKey = <priv>\n" },
};

struct text {
	char p[TEXT_MAX];
	size_t len;
};

/* A configuration and what must be said about it. */
struct document {
	struct memory_files files;
	struct text text[MEMORY_FILES_MAX];
	struct text expected, said;
	unsigned line; /* in the list */
};

/* --- the lists ------------------------------------------------------------------------ */

static void add(struct text *t, const char *p, size_t len)
{
	assert_true(t->len + len < sizeof(t->p));
	memcpy(t->p + t->len, p, len);
	t->len += len;
	t->p[t->len] = '\0';
}

static void add_words(struct text *t, const char *p)
{
	unsigned byte;

	while (*p) {
		size_t i = 0;
		char c;

		while (i < sizeof(words) / sizeof(words[0]) && strncmp(p, words[i].name, strlen(words[i].name)) != 0)
			i++;
		if (i < sizeof(words) / sizeof(words[0])) {
			add(t, words[i].text, strlen(words[i].text));
			p += strlen(words[i].name);
		} else if (sscanf(p, "<<%2x>>", &byte) == 1) {
			c = (char)byte;
			add(t, &c, 1);
			p += 6;
		} else {
			add(t, p++, 1);
		}
	}
}

static struct text *begin_file(struct document *d, const char *name, mode_t mode)
{
	struct memory_file *f = &d->files.file[d->files.cnt];

	assert_true(d->files.cnt < MEMORY_FILES_MAX);
	snprintf(f->name, sizeof(f->name), "%s", name);
	f->mode = mode;
	return &d->text[d->files.cnt++];
}

static struct text *last_file(struct document *d)
{
	return d->files.cnt ? &d->text[d->files.cnt - 1] : begin_file(d, "x.toml", 0600);
}

static void add_piece(struct document *d, const char *name)
{
	for (size_t i = 0; i < sizeof(pieces) / sizeof(pieces[0]); i++) {
		if (!strcmp(name, pieces[i].name)) {
			add_words(last_file(d), pieces[i].text);
			return;
		}
	}
	fail_msg("no piece %s", name);
}

/* A message of the configuration itself stands without its name. */
static void on_report(void *user, const char *msg)
{
	struct document *d = user;
	const char *name = d->files.file[0].name;
	size_t n = strlen(name);

	msg += !strncmp(msg, name, n) && msg[n] == ':' ? n + 1 : 0;
	add(&d->said, msg, strlen(msg));
	add(&d->said, "\n", 1);
}

static struct agent_config *read_document(struct document *d, struct adit_conf_errors *errors)
{
	struct agent_opener opener = memory_opener(&d->files);

	for (size_t i = 0; i < d->files.cnt; i++) {
		d->files.file[i].text = d->text[i].p;
		d->files.file[i].len = d->text[i].len;
	}
	return agent_config_read(d->files.file[0].name, &opener, errors);
}

static void check(struct document *d)
{
	struct adit_conf_errors errors = { 0 };
	struct agent_config *config = read_document(d, &errors);
	bool wrong = errors.cnt;

	adit_conf_errors_report(&errors, on_report, d);
	if (strcmp(d->said.p, d->expected.p) != 0)
		fail_msg("document in line %u:\n%s--- said:\n%s--- expected:\n%s", d->line, d->text[0].p, d->said.p,
			 d->expected.p);
	assert_int_equal(wrong, !config);
	agent_config_free(config);
	adit_conf_errors_fini(&errors);
}

/* One line of a list: true when a document ends here. */
static bool take_line(struct document *d, char *line)
{
	char name[64] = "";
	unsigned mode = 0600;

	if (line[0] == '>') {
		add_words(last_file(d), line[1] ? line + 2 : "");
		add(last_file(d), "\n", 1);
	} else if (line[0] == '=') {
		add_piece(d, line + 2);
	} else if (line[0] == '@') {
		sscanf(line, "@ %63s %o", name, &mode);
		begin_file(d, name, (mode_t)mode);
	} else if (line[0] == '!') {
		add(&d->expected, line + 2, strlen(line + 2));
		add(&d->expected, "\n", 1);
	} else if (line[0] != '#' && line[0]) {
		fail_msg("what is this? %s", line);
	}
	return !line[0] && d->files.cnt;
}

static struct document doc;

static unsigned check_all(const char *path)
{
	FILE *f = fopen(path, "r");
	char line[2048];
	unsigned number = 0, cnt = 0;

	assert_non_null(f);
	memset(&doc, 0, sizeof(doc));
	while (fgets(line, sizeof(line), f)) {
		line[strcspn(line, "\n")] = '\0';
		number++;
		if (!doc.files.cnt)
			doc.line = number;
		if (!take_line(&doc, line))
			continue;
		if (!doc.expected.len)
			fail_msg("%s:%u: the document says nothing that is expected", path, doc.line);
		check(&doc);
		memset(&doc, 0, sizeof(doc));
		cnt++;
	}
	assert_int_equal(doc.files.cnt, 0); /* the list ends with an empty line */
	fclose(f);
	return cnt;
}

static void broken(void **state)
{
	unsigned cnt = 0;

	(void)state;
	cnt += check_all(CONFIG_DATA "/agent-agent.txt");
	cnt += check_all(CONFIG_DATA "/agent-network.txt");
	cnt += check_all(CONFIG_DATA "/agent-peer.txt");
	cnt += check_all(CONFIG_DATA "/agent-machine.txt");
	cnt += check_all(CONFIG_DATA "/agent-forward.txt");
	cnt += check_all(CONFIG_DATA "/agent-static.txt");
	cnt += check_all(CONFIG_DATA "/agent-quick.txt");
	cnt += check_all(CONFIG_DATA "/agent-cross.txt");
	cnt += check_all(CONFIG_DATA "/agent-json.txt");
	assert_true(cnt >= 300);
}

/* --- what good ones mean ------------------------------------------------------------------ */

static void put(struct text *t, const char *fmt, ...) __attribute__((format(printf, 2, 3)));
static void put(struct text *t, const char *fmt, ...)
{
	char line[2048];
	va_list ap;

	va_start(ap, fmt);
	vsnprintf(line, sizeof(line), fmt, ap);
	va_end(ap);
	add(t, line, strlen(line));
}

static void put_prefixes(struct text *t, const char *name, const struct adit_prefix *list, size_t cnt)
{
	char buf[ADIT_PREFIX_STRLEN];

	for (size_t i = 0; i < cnt; i++)
		put(t, "%s%s", i ? "," : name, adit_prefix_format(&list[i], buf));
}

static void put_addr(struct text *t, const char *name, const struct adit_addr *a)
{
	char buf[ADIT_ADDR_STRLEN];

	if (a->family)
		put(t, "%s%s", name, adit_addr_format(a, buf));
}

static void put_number(struct text *t, const char *name, uint64_t v, uint64_t unset)
{
	if (v != unset)
		put(t, " %s=%llu", name, (unsigned long long)v);
}

static void put_text(struct text *t, const char *name, const char *v, const char *unset)
{
	if (v && strcmp(v, unset) != 0)
		put(t, " %s=%s", name, v);
}

static void put_agent(struct text *t, const struct agent_config *c)
{
	char buf[ADIT_ENDPOINT_STRLEN];

	put(t, "agent:");
	put_text(t, "control_socket", c->control_socket, "/run/adit/control.sock");
	put_text(t, "status_socket", c->status_socket, "");
	put_text(t, "http_socket", c->http_socket, "");
	if (c->metrics.port)
		put(t, " metrics=%s", adit_endpoint_format(&c->metrics, buf));
	put_number(t, "page", c->page, 0);
	put_text(t, "state_dir", c->state_dir, "/var/lib/adit");
	put_text(t, "user", c->user, "");
	put_text(t, "operators", c->operators, "");
	put_text(t, "observers", c->observers, "");
	put_number(t, "log_level", c->log_level, 3);
	put(t, "\n");
}

static void put_peer(struct text *t, const struct agent_peer *p)
{
	put(t, "  peer %s %s:%u:", p->name[0] ? p->name : "-", p->at.file, p->at.pos.line);
	for (size_t i = 0; i < p->endpoint_cnt; i++)
		put(t, "%s%s|%u", i ? "," : " endpoint=", p->endpoints[i].host, p->endpoints[i].port);
	put_prefixes(t, " allowed=", p->allowed, p->allowed_cnt);
	put_number(t, "keepalive", p->keepalive, 0);
	put_number(t, "expect_rx", p->expect_rx_secs, 0);
	put_number(t, "psk", p->psk ? p->psk[0] : 0, 0);
	put_text(t, "psk_path", p->psk_path, "");
	put(t, "\n");
}

static void put_machine(struct text *t, const struct agent_network_settings *n)
{
	if (n->table == AGENT_TABLE_OFF)
		put(t, " table=off");
	put_number(t, "table", n->table_number, 0);
	put_number(t, "metric", n->metric, 0);
	for (size_t i = 0; i < n->dns_cnt; i++)
		put_addr(t, i ? "," : " dns=", &n->dns[i]);
	for (size_t i = 0; i < n->dns_domain_cnt; i++)
		put(t, "%s%s", i ? "," : " domains=", n->dns_domains[i]);
	put_number(t, "dns_default_route", n->dns_default_route, n->dns_cnt > 0);
	put_prefixes(t, " exclude=", n->exclude, n->exclude_cnt);
	put_number(t, "killswitch", n->killswitch, 0);
	put_number(t, "killswitch_dns", n->killswitch_dns, 0);
	put_number(t, "lan_block", n->lan == AGENT_LAN_BLOCK, 0);
	put_number(t, "forward", n->forward, 0);
	put_number(t, "masquerade", n->masquerade, 0);
	put_number(t, "mss_clamp", n->mss_clamp, 0);
	for (size_t i = 0; i < n->hook_cnt; i++)
		put(t, " [%s]", n->hooks[i]);
}

static void put_forward(struct text *t, const struct adit_forward_config *f)
{
	char buf[640];

	put(t, "  forward:");
	for (unsigned i = 0; i < f->address_cnt; i++)
		put_addr(t, i ? "," : " addresses=", &f->address[i]);
	for (unsigned i = 0; i < f->dns_cnt; i++)
		put_addr(t, i ? "," : " dns=", &f->dns[i].addr);
	put_text(t, "search", f->search, "");
	put_number(t, "mtu", f->mtu, 0);
	put_number(t, "listen_port", f->listen_port, 0);
	put_addr(t, " bind=", &f->bind_addr);
	put_number(t, "fwmark", f->fwmark, 0);
	put_number(t, "memory", f->memory_mib, 0);
	put_number(t, "kernel", f->backend == ADIT_FORWARD_KERNEL, 0);
	for (unsigned i = 0; i < f->alive_cnt; i++)
		put_addr(t, i ? "," : " alive=", &f->alive[i]);
	put_number(t, "interval", f->alive_interval, 0);
	put_number(t, "key", f->private_key[0], 1);
	put(t, "\n");
	for (size_t i = 0; i < f->peer_cnt; i++) {
		put(t, "  forward peer: key=%u psk=%u %s|%u keepalive=%u", f->peer[i].public_key[0], f->peer[i].psk[0],
		    f->peer[i].endpoint_host, f->peer[i].endpoint_port, f->peer[i].keepalive);
		put_prefixes(t, " allowed=", f->peer[i].allowed, f->peer[i].allowed_cnt);
		put(t, "\n");
	}
	for (size_t i = 0; i < f->service_cnt; i++) {
		const struct relay_service_config *s = &f->service[i];

		put(t, "  service: %s%s udp %u %u %u %u\n", relay_service_describe(s, buf, sizeof(buf)),
		    s->password[0] ? " (password)" : "", s->udp_timeout, s->udp_unreplied, s->udp_pool, s->udp_per_client);
	}
}

static void put_fixed(struct text *t, const struct statictun_network *f)
{
	char buf[ADIT_PATH_STRLEN];

	put(t, "  static: v%u port=%u", f->wire == ADIT_STATIC_V1 ? 1 : 2, f->port);
	put_number(t, "key", f->secret[0], 1);
	put_number(t, "roaming", f->roaming, 0);
	put_number(t, "timeout", f->peer_timeout, 0);
	for (size_t i = 0; i < f->peer_cnt; i++) {
		put_prefixes(t, " ", &f->peers[i].prefix, 1);
		put(t, "=%s", adit_path_format(&f->peers[i].endpoint, buf));
	}
	put(t, "\n");
}

static void put_network(struct text *t, const struct agent_network_settings *n)
{
	static const char *const types[] = { "wireguard", "forward", "static" };

	put(t, "%s %s %s:%u:%u:", n->name, types[n->type], n->at.file, n->at.pos.line, n->at.pos.col);
	put_number(t, "enable", n->enable, 0);
	put_text(t, "ifname", n->ifname, "");
	put_number(t, "key", n->private_key ? n->private_key[0] : 0, 1);
	put_text(t, "key_path", n->private_key_path, "");
	put_prefixes(t, " addresses=", n->addresses, n->address_cnt);
	put_number(t, "mtu", n->mtu, 0);
	put_number(t, "listen_port", n->listen_port, 0);
	put_number(t, "fwmark", n->fwmark, 0);
	put_addr(t, " bind=", &n->bind_address);
	put_text(t, "bind_interface", n->bind_interface, "");
	put_machine(t, n);
	put(t, "\n");
	for (size_t i = 0; i < n->peer_cnt; i++)
		put_peer(t, &n->peers[i]);
	if (n->fwd)
		put_forward(t, n->fwd);
	if (n->fixed)
		put_fixed(t, n->fixed);
}

static void put_config(struct text *t, const struct agent_config *config)
{
	put_agent(t, config);
	for (const struct agent_network_settings *n = config->networks; n; n = n->next)
		put_network(t, n);
}

/* The same in JSON is the same. */
static void print_tree(void *user, const struct agent_reading *rd, const struct adit_conf_node *root)
{
	(void)rd;
	agent_print_json(user, root);
}

static void check_as_json(struct document *d, const struct agent_config *config)
{
	struct memory_files toml = d->files, json = { .cnt = 1 };
	struct agent_opener opener = memory_opener(&toml), other = memory_opener(&json);
	struct adit_conf_errors errors = { 0 };
	struct agent_config *again;
	char *text = NULL;
	size_t len = 0;
	FILE *out = open_memstream(&text, &len);
	struct agent_look look = { false, print_tree, out };

	assert_non_null(out);
	agent_config_free(agent_config_look(toml.file[0].name, &opener, &errors, &look));
	fclose(out);
	strcpy(json.file[0].name, "x.json");
	json.file[0].mode = 0600;
	json.file[0].text = text;
	json.file[0].len = len;
	again = agent_config_read("x.json", &other, &errors);
	assert_int_equal(errors.cnt, 0);
	assert_non_null(again);
	for (const struct agent_network_settings *n = config->networks; n; n = n->next) {
		assert_non_null(agent_config_find(again, n->name));
		if (!agent_network_same(n, agent_config_find(again, n->name)))
			fail_msg("document in line %u: network %s is another one in JSON: %s", d->line, n->name, text);
	}
	assert_string_equal(config->control_socket, again->control_socket);
	assert_int_equal(config->network_cnt, again->network_cnt);
	agent_config_free(again);
	adit_conf_errors_fini(&errors);
	free(text);
}

/* What a configuration says that has nothing but a key. */
static struct agent_config *plain_config(const char *piece)
{
	struct adit_conf_errors errors = { 0 };
	struct document *d = calloc(1, sizeof(*d));
	struct agent_config *config;

	assert_non_null(d);
	add_piece(d, piece);
	config = read_document(d, &errors);
	assert_non_null(config);
	adit_conf_errors_fini(&errors);
	free(d);
	return config;
}

static void check_good(struct document *d, const struct agent_config *plain)
{
	struct adit_conf_errors errors = { 0 };
	struct agent_config *config = read_document(d, &errors);
	const struct agent_network_settings *n;

	adit_conf_errors_report(&errors, on_report, d);
	if (config)
		put_config(&d->said, config);
	if (strcmp(d->said.p, d->expected.p) != 0)
		fail_msg("document in line %u:\n%s--- said:\n%s--- expected:\n%s", d->line, d->text[0].p, d->said.p,
			 d->expected.p);
	assert_non_null(config);
	for (n = config->networks; n; n = n->next)
		assert_true(agent_network_same(n, n));
	n = agent_config_find(config, "a");
	if (n && agent_network_same(n, plain->networks))
		fail_msg("document in line %u: its network is taken for one without its settings", d->line);
	if (d->files.cnt == 1 && !strcmp(d->files.file[0].name, "x.toml"))
		check_as_json(d, config);
	agent_config_free(config);
	adit_conf_errors_fini(&errors);
}

static void good(void **state)
{
	FILE *f = fopen(CONFIG_DATA "/agent-good.txt", "r");
	struct agent_config *plain = plain_config("wg");
	char line[2048];
	unsigned number = 0, cnt = 0;

	(void)state;
	assert_non_null(f);
	memset(&doc, 0, sizeof(doc));
	while (fgets(line, sizeof(line), f)) {
		line[strcspn(line, "\n")] = '\0';
		number++;
		if (!doc.files.cnt)
			doc.line = number;
		if (!take_line(&doc, line))
			continue;
		check_good(&doc, plain);
		memset(&doc, 0, sizeof(doc));
		cnt++;
	}
	assert_int_equal(doc.files.cnt, 0);
	assert_true(cnt >= 60);
	agent_config_free(plain);
	fclose(f);
}

/* Without memory for one more, or with many networks, nothing breaks. */
static void many(void **state)
{
	struct document *d = calloc(1, sizeof(*d));
	struct adit_conf_errors errors = { 0 };
	struct agent_opener opener;
	struct agent_config *config;
	char *text = NULL;
	size_t len = 0;
	FILE *out = open_memstream(&text, &len);

	(void)state;
	assert_non_null(d);
	assert_non_null(out);
	for (unsigned i = 0; i <= AGENT_NETWORKS_MAX; i++)
		fprintf(out, "[network.n%u]\nprivate_key_path = \"/good.key\"\n", i);
	fclose(out);
	begin_file(d, "x.toml", 0600);
	d->files.file[0].text = text;
	d->files.file[0].len = len;
	opener = memory_opener(&d->files);
	config = agent_config_read("x.toml", &opener, &errors);
	assert_null(config);
	adit_conf_errors_report(&errors, on_report, d);
	assert_string_equal(d->said.p, "2049:10: network.n1024: there are more than 1024 networks\n");
	adit_conf_errors_fini(&errors);
	free(text);
	free(d);
}

/* --- a network that runs ---------------------------------------------------------------------- */

/* Keys that were read from their files when it was started make it no other; anything else does. */
static void keys_in_place(void **state)
{
	static const char text[] = "[network.f]\ntype = \"forward\"\nprivate_key_path = \"/good.key\"\n"
				   "addresses = [\"10.0.0.2/32\"]\nsocks5 = \"1\"\n[[network.f.peers]]\n"
				   "public_key = \"<pub>\"\npreshared_key_path = \"/good.key\"\n"
				   "[network.s]\ntype = \"static\"\nsecret_path = \"/good.key\"\n[network.s.peers]\n"
				   "\"10.0.0.2\" = { pub_key = \"<pub>\", sock_addr = \"192.0.2.2:1194\" }\n";
	struct document *d = calloc(1, sizeof(*d));
	struct adit_conf_errors errors = { 0 };
	struct agent_config *one, *two;
	struct agent_network_settings *f, *s;

	(void)state;
	assert_non_null(d);
	add_words(last_file(d), text);
	one = read_document(d, &errors);
	two = read_document(d, &errors);
	assert_true(one && two);
	f = agent_config_find(one, "f");
	s = agent_config_find(one, "s");
	memset(f->fwd->private_key, 1, ADIT_KEY_LEN);
	memset(f->fwd->peer[0].psk, 1, ADIT_KEY_LEN);
	f->fwd->has_private_key = f->fwd->peer[0].has_psk = true;
	memset(s->fixed->secret, 1, ADIT_KEY_LEN);
	assert_true(agent_network_same(f, agent_config_find(two, "f")));
	assert_true(agent_network_same(agent_config_find(two, "f"), f));
	assert_true(agent_network_same(s, agent_config_find(two, "s")));
	f->fwd->mtu++;
	s->fixed->port++;
	assert_false(agent_network_same(f, agent_config_find(two, "f")));
	assert_false(agent_network_same(s, agent_config_find(two, "s")));
	agent_config_free(one);
	agent_config_free(two);
	adit_conf_errors_fini(&errors);
	free(d);
}

/* --- the examples ------------------------------------------------------------------------- */

static struct agent_config *read_example(const char *path)
{
	struct adit_conf_errors errors = { 0 };
	struct agent_config *config = agent_config_read(path, NULL, &errors);

	memset(&doc, 0, sizeof(doc));
	adit_conf_errors_report(&errors, on_report, &doc);
	assert_string_equal(doc.said.p, "");
	assert_non_null(config);
	adit_conf_errors_fini(&errors);
	return config;
}

/* Nothing is wrong with them, and the two are one. */
static void examples(void **state)
{
	struct agent_config *toml = read_example(EXAMPLES "/agent.toml"), *json = read_example(EXAMPLES "/agent.json");

	(void)state;
	assert_int_equal(toml->network_cnt, 4);
	assert_int_equal(json->network_cnt, 4);
	for (const struct agent_network_settings *n = toml->networks; n; n = n->next) {
		assert_non_null(agent_config_find(json, n->name));
		assert_true(agent_network_same(n, agent_config_find(json, n->name)));
	}
	assert_true(adit_endpoint_equal(&toml->metrics, &json->metrics));
	assert_true(toml->page && json->page);
	agent_config_free(toml);
	agent_config_free(json);
}

/* --- the manual -------------------------------------------------------------------------- */

/* The text about a key, from ".It Cm KEY" to the next item; from *from on. NULL: there is none. */
static char *manual_item(const char *page, const char *key, const char **from)
{
	char begin[80];
	size_t n = (size_t)snprintf(begin, sizeof(begin), "\n.It Cm %s", key);
	const char *p = *from ? *from : page, *end;

	while ((p = strstr(p, begin)) && p[n] != '\n' && p[n] != ' ')
		p++;
	if (!p)
		return NULL;
	end = strstr(p + 1, "\n.It ");
	*from = p + 1;
	return end ? strndup(p, (size_t)(end - p)) : strdup(p);
}

/* Every key stands there, with what holds without it. */
static bool in_manual(const char *page, const struct agent_key *key)
{
	const char *from = NULL;
	char unset[100], *item;
	bool found = false;

	snprintf(unset, sizeof(unset), "\nDefault: %s.", key->unset ? key->unset : "");
	while (!found && (item = manual_item(page, key->name, &from))) {
		found = !key->unset || strstr(item, unset);
		free(item);
	}
	return found;
}

static void manual(void **state)
{
	static char page[65536];
	FILE *f = fopen(MANUAL, "r");
	size_t n;

	(void)state;
	assert_non_null(f);
	n = fread(page, 1, sizeof(page) - 1, f);
	fclose(f);
	assert_true(n > 1000 && n < sizeof(page) - 1);
	for (size_t i = 0; agent_keys_all[i]; i++)
		for (const struct agent_key *k = agent_keys_all[i]; k->name; k++)
			if (!(k->where & AT_QUICK) && !in_manual(page, k))
				fail_msg("adit.toml(5) does not have %s with its default %s", k->name, k->unset ? k->unset : "(none)");
}

int main(void)
{
	const struct CMUnitTest tests[] = { cmocka_unit_test(broken), cmocka_unit_test(good), cmocka_unit_test(many),
					    cmocka_unit_test(keys_in_place), cmocka_unit_test(examples), cmocka_unit_test(manual) };

	return cmocka_run_group_tests(tests, NULL, NULL);
}
