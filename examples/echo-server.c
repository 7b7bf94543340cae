/* SPDX-License-Identifier: ISC */
/* echo-server.c - a service inside a WireGuard network: says back what it hears, one connection at a time.
 * cc echo-server.c $(pkg-config --cflags --libs adit) && ./a.out office.conf tcp :7 */
#include <adit/adit.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

static void echo(int fd)
{
	char buf[65536];
	ssize_t n;

	while ((n = read(fd, buf, sizeof(buf))) > 0 && write(fd, buf, (size_t)n) == n)
		;
	close(fd); /* what is written arrives before the end does */
}

int main(int argc, char **argv)
{
	struct adit_options options = { .size = sizeof(options), .config_file = argc > 1 ? argv[1] : NULL };
	struct adit_listener *listener;
	struct adit *net;
	char err[1024], peer[64];
	int fd, r;

	if (argc != 4)
		return fprintf(stderr, "usage: echo-server CONFIGURATION tcp|udp [ADDRESS]:PORT\n"), 2;
	if (adit_open(&net, &options, err, sizeof(err)) < 0)
		return fprintf(stderr, "%s\n", err), 1;
	r = adit_listen(net, &listener, argv[2], argv[3]);
	if (r < 0)
		return fprintf(stderr, "%s: %s\n", argv[3], strerror(-r)), 1;
	printf("listening on port %u\n", adit_listener_port(listener));
	fflush(stdout);
	while ((fd = adit_accept(listener, -1, peer, sizeof(peer))) >= 0) {
		printf("%s\n", peer);
		fflush(stdout);
		echo(fd);
	}
	adit_listener_close(listener);
	adit_close(net);
	return 0;
}
