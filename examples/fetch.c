/* SPDX-License-Identifier: ISC */
/* fetch.c - a page through a WireGuard network: libadit dials, libcurl speaks HTTP on the descriptor.
 * cc fetch.c $(pkg-config --cflags --libs adit libcurl) && ./a.out office.conf intranet:80 http://intranet/ */
#include <adit/adit.h>
#include <curl/curl.h>
#include <stdio.h>
#include <unistd.h>

static int curls;

/* libcurl 7.88 connects even a descriptor that is said to be connected: a
 * datagram socket does that without a packet, and ours takes its place. */
static curl_socket_t open_socket(void *ours, curlsocktype purpose, struct curl_sockaddr *addr)
{
	return (void)ours, (void)purpose, curls = socket(addr->family, SOCK_DGRAM | SOCK_CLOEXEC, 0);
}

static int connected(void *ours, char *ip, char *local_ip, int port, int local_port)
{
	(void)ip, (void)local_ip, (void)port, (void)local_port;
	return dup2(*(int *)ours, curls) < 0 ? CURL_PREREQFUNC_ABORT : CURL_PREREQFUNC_OK;
}

int main(int argc, char **argv)
{
	struct adit_options options = { .size = sizeof(options), .config_file = argc > 1 ? argv[1] : NULL };
	struct adit *net;
	char err[1024];
	CURL *curl = curl_easy_init();
	CURLcode r;
	int fd;

	if (argc != 4 || !curl)
		return fprintf(stderr, "usage: fetch CONFIGURATION HOST:PORT URL\n"), 2;
	if (adit_open(&net, &options, err, sizeof(err)) < 0)
		return fprintf(stderr, "%s\n", err), 1;
	fd = adit_dial(net, "tcp", argv[2], 10000);
	curl_easy_setopt(curl, CURLOPT_URL, argv[3]);
	curl_easy_setopt(curl, CURLOPT_CONNECT_TO, curl_slist_append(NULL, "::127.0.0.1:")); /* no look-up, no route */
	curl_easy_setopt(curl, CURLOPT_OPENSOCKETFUNCTION, open_socket);
	curl_easy_setopt(curl, CURLOPT_PREREQFUNCTION, connected);
	curl_easy_setopt(curl, CURLOPT_PREREQDATA, &fd);
	r = fd < 0 ? CURLE_COULDNT_CONNECT : curl_easy_perform(curl);
	if (r)
		fprintf(stderr, "%s: %s\n", argv[3], curl_easy_strerror(r));
	curl_easy_cleanup(curl);
	adit_close(net);
	return r ? 1 : 0;
}
