/* SPDX-License-Identifier: ISC */
/* demo_print.c - the demo's output: lines as it goes, a picture at the end; or JSON */
#include "device/demo_script.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/utsname.h>
#include <unistd.h>

#include "base/drop.h"
#include "pktio/offload.h"

#define BAR_LEN 32

static struct {
	bool json;     /* nothing but JSON, at the end */
	bool terminal; /* colours, and a bar that moves */
} out;

static const char *colour(const char *code)
{
	return out.terminal ? code : "";
}

#define BOLD  colour("\033[1m")
#define GREEN colour("\033[32m")
#define RED   colour("\033[31m")
#define DIM   colour("\033[2m")
#define PLAIN colour("\033[0m")

static double ms(int64_t ns)
{
	return (double)ns / 1e6;
}

static double bit_per_s(uint64_t bytes, int64_t ns)
{
	return ns > 0 ? (double)bytes * 8e9 / (double)ns : 0;
}

static const char *rate(double bits, char buf[24])
{
	if (bits >= 1e9)
		snprintf(buf, 24, "%.2f Gbit/s", bits / 1e9);
	else
		snprintf(buf, 24, "%.1f Mbit/s", bits / 1e6);
	return buf;
}

/* --- as it goes ----------------------------------------------------------- */

void demo_print_begin(bool json)
{
	const char *term = getenv("TERM");

	out.json = json;
	out.terminal = !json && isatty(STDOUT_FILENO) && !getenv("NO_COLOR") && term &&
		       strcmp(term, "dumb") != 0;
	if (json)
		return;
	printf("%sadit demo%s: two hosts in namespaces of their own; this machine's network is not "
	       "touched\n\n",
	       BOLD, PLAIN);
	fflush(stdout);
}

static void step(const char *name)
{
	printf("  %sok%s  %-12s ", GREEN, PLAIN, name);
}

void demo_print_setup(const struct demo_facts *f)
{
	char offloads[ADIT_OFFLOAD_STRLEN];

	if (out.json)
		return;
	step("devices");
	printf("wg0 on each, ChaCha20-Poly1305 by %s, %u thread%s, offloads %s%s\n", f->aead,
	       f->tunnel[0].threads, f->tunnel[0].threads == 1 ? "" : "s",
	       adit_offload_format(f->tunnel[0].offloads_used, offloads),
	       f->privileged ? "" : ", without root");
	fflush(stdout);
}

void demo_print_handshake(const struct demo_facts *f)
{
	if (out.json)
		return;
	step("handshake");
	printf("%.1f ms\n", ms(f->handshake_ns));
	fflush(stdout);
}

void demo_print_ping(const struct demo_facts *f)
{
	if (out.json)
		return;
	step("ping");
	printf("%d of %d, mean %.3f ms (bare link %.3f ms)\n", DEMO_PINGS, DEMO_PINGS,
	       ms(f->ping_ns[DEMO_INSIDE]), ms(f->ping_ns[DEMO_BARE]));
	fflush(stdout);
}

void demo_print_page(const struct demo_facts *f)
{
	if (out.json)
		return;
	step("HTTP page");
	printf("%" PRIu64 " bytes in %.2f ms (bare link %.2f ms)\n", f->page_bytes[DEMO_INSIDE],
	       ms(f->page_ns[DEMO_INSIDE]), ms(f->page_ns[DEMO_BARE]));
	step("on the link");
	printf("its words are in %u of %u frames (without the tunnel in %u of %u)\n", f->clear[DEMO_INSIDE],
	       f->frames[DEMO_INSIDE], f->clear[DEMO_BARE], f->frames[DEMO_BARE]);
	fflush(stdout);
}

void demo_print_forward(const struct demo_facts *f)
{
	if (out.json)
		return;
	step("rootless");
	printf("%" PRIu64 " bytes in %.2f ms by adit forward, without a TUN: %s\n", f->page_bytes[DEMO_ROOTLESS],
	       ms(f->page_ns[DEMO_ROOTLESS]), f->confined);
	fflush(stdout);
}

static const char *stream_name(int which)
{
	return which == DEMO_INSIDE ? "TCP inside" : "TCP bare";
}

void demo_print_progress(int which, int64_t ns, int64_t limit_ns, uint64_t bytes)
{
	char bar[BAR_LEN + 1], speed[24];
	int64_t full = ns < limit_ns ? ns * BAR_LEN / limit_ns : BAR_LEN;

	if (!out.terminal)
		return;
	memset(bar, '.', BAR_LEN);
	memset(bar, '#', (size_t)full);
	bar[BAR_LEN] = '\0';
	printf("\r  ..  %-12s [%s] %-14s", stream_name(which), bar, rate(bit_per_s(bytes, ns), speed));
	fflush(stdout);
}

void demo_print_stream(const struct demo_facts *f, int which)
{
	char speed[24];

	if (out.json)
		return;
	if (out.terminal)
		printf("\r\033[K");
	step(stream_name(which));
	printf("%s: %.2f GB in %.2f s\n", rate(bit_per_s(f->stream_bytes[which], f->stream_ns[which]), speed),
	       (double)f->stream_bytes[which] / 1e9, (double)f->stream_ns[which] / 1e9);
	fflush(stdout);
}

/* --- picture -------------------------------------------------------------- */

static void picture(const struct demo_facts *f)
{
	char bare[24], inside[24];

	rate(bit_per_s(f->stream_bytes[DEMO_BARE], f->stream_ns[DEMO_BARE]), bare);
	rate(bit_per_s(f->stream_bytes[DEMO_INSIDE], f->stream_ns[DEMO_INSIDE]), inside);
	printf("\n       %shost A%s                                          %shost B%s\n", BOLD, PLAIN, BOLD,
	       PLAIN);
	printf("  +----------------+                               +----------------+\n");
	printf("  |  %swg0%s 10.9.0.1  |%s==%s %-12s %9.3f ms %s===%s|  %swg0%s 10.9.0.2  |  the tunnel\n",
	       GREEN, PLAIN, GREEN, PLAIN, inside, ms(f->ping_ns[DEMO_INSIDE]), GREEN, PLAIN, GREEN, PLAIN);
	printf("  |       |        |                               |       |        |\n");
	printf("  | eth0 192.0.2.1 |%s--%s %-12s %9.3f ms %s---%s| eth0 192.0.2.2 |  the bare link\n", DIM,
	       PLAIN, bare, ms(f->ping_ns[DEMO_BARE]), DIM, PLAIN);
	printf("  +----------------+                               +----------------+\n");
}

static uint64_t print_drops(const struct demo_facts *f, bool json)
{
	uint64_t all = 0, n;
	int drop;

	for (drop = 1; drop < ADIT_DROP_CNT; drop++) {
		n = f->tunnel[0].drops[drop] + f->tunnel[1].drops[drop];
		if (n && json)
			printf("%s\"%s\": %" PRIu64, all ? ", " : "", adit_drop_name((enum adit_drop)drop),
			       n);
		else if (n)
			printf("%s%s %" PRIu64, all ? ", " : "", adit_drop_name((enum adit_drop)drop), n);
		all += n;
	}
	return all;
}

static void summary(const struct demo_facts *f)
{
	picture(f);
	printf("\n  host A sent %" PRIu64 " datagrams in %" PRIu64 " system calls; dropped: ",
	       f->tunnel[0].tx_datagrams, f->tunnel[0].tx_calls);
	if (!print_drops(f, false))
		printf("none");
	printf("\n  Took %.1f s. Nothing of it stays on this machine.\n", (double)f->total_ns / 1e9);
}

/* --- JSON ----------------------------------------------------------------- */

static void json_string(const char *s)
{
	putchar('"');
	for (; *s; s++) {
		if (*s == '"' || *s == '\\')
			putchar('\\');
		if ((unsigned char)*s >= 0x20)
			putchar(*s);
	}
	putchar('"');
}

static void json_pair(const char *name, const char *format, double bare, double inside)
{
	printf(",\n  \"%s\": {\"bare\": ", name);
	printf(format, bare);
	printf(", \"tunnel\": ");
	printf(format, inside);
	printf("}");
}

static void json_results(const struct demo_facts *f)
{
	printf(",\n  \"handshake_ms\": %.3f", ms(f->handshake_ns));
	json_pair("ping_ms", "%.4f", ms(f->ping_ns[0]), ms(f->ping_ns[1]));
	json_pair("ping_best_ms", "%.4f", ms(f->ping_best_ns[0]), ms(f->ping_best_ns[1]));
	json_pair("page_bytes", "%.0f", (double)f->page_bytes[0], (double)f->page_bytes[1]);
	json_pair("page_ms", "%.3f", ms(f->page_ns[0]), ms(f->page_ns[1]));
	json_pair("page_frames", "%.0f", f->frames[0], f->frames[1]);
	json_pair("page_frames_in_clear", "%.0f", f->clear[0], f->clear[1]);
	json_pair("tcp_bytes", "%.0f", (double)f->stream_bytes[0], (double)f->stream_bytes[1]);
	json_pair("tcp_seconds", "%.3f", (double)f->stream_ns[0] / 1e9, (double)f->stream_ns[1] / 1e9);
	json_pair("tcp_bits_per_second", "%.0f", bit_per_s(f->stream_bytes[0], f->stream_ns[0]),
		  bit_per_s(f->stream_bytes[1], f->stream_ns[1]));
	printf(",\n  \"forward\": {\"page_bytes\": %" PRIu64 ", \"page_ms\": %.3f, \"page_frames\": %u, "
	       "\"page_frames_in_clear\": %u, \"confined\": ",
	       f->page_bytes[2], ms(f->page_ns[2]), f->frames[2], f->clear[2]);
	json_string(f->confined);
	printf("}");
	printf(",\n  \"tx_datagrams\": %" PRIu64 ",\n  \"tx_calls\": %" PRIu64 ",\n  \"drops\": {",
	       f->tunnel[0].tx_datagrams, f->tunnel[0].tx_calls);
	print_drops(f, true);
	printf("}");
}

static void json(const struct demo_facts *f)
{
	char offloads[ADIT_OFFLOAD_STRLEN];
	struct utsname kernel = { 0 };

	uname(&kernel);
	printf("{\n  \"schema\": 1,\n  \"ok\": %s,\n  \"version\": \"%s\",\n  \"kernel\": ",
	       f->failed ? "false" : "true", ADIT_VERSION);
	json_string(kernel.release);
	printf(",\n  \"machine\": ");
	json_string(kernel.machine);
	printf(",\n  \"processors\": %ld,\n  \"privileged\": %s,\n  \"aead\": ",
	       sysconf(_SC_NPROCESSORS_ONLN), f->privileged ? "true" : "false");
	json_string(f->aead);
	printf(",\n  \"threads\": %u,\n  \"offloads\": ", f->tunnel[0].threads);
	json_string(adit_offload_format(f->tunnel[0].offloads_used, offloads));
	if (f->failed) {
		printf(",\n  \"failed\": ");
		json_string(f->failed);
		printf(",\n  \"why\": ");
		json_string(f->why);
	} else {
		json_results(f);
	}
	printf(",\n  \"seconds\": %.3f\n}\n", (double)f->total_ns / 1e9);
}

void demo_print_end(const struct demo_facts *f)
{
	if (out.json)
		json(f);
	else if (!f->failed)
		summary(f);
	else
		printf("%s  %sfailed%s  %s: %s\n", out.terminal ? "\r\033[K" : "", RED, PLAIN, f->failed,
		       f->why);
}
