/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* net-scan - which TCP ports of an address answer, from the namespace of the caller.
 *
 *   net-scan MILLISECONDS ADDRESS[%LINK] FIRST-LAST...
 *
 * Prints those that accept a connection within that time. Static, as net-forge. */

#include <arpa/inet.h>
#include <errno.h>
#include <net/if.h>
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <time.h>
#include <unistd.h>

#define AT_ONCE 4096

static union {
	struct sockaddr any;
	struct sockaddr_in v4;
	struct sockaddr_in6 v6;
} target;

static int read_address(char *text)
{
	char *link = strchr(text, '%');

	if (link)
		*link++ = '\0';
	if (inet_pton(AF_INET, text, &target.v4.sin_addr) == 1) {
		target.any.sa_family = AF_INET;
		return 0;
	}
	target.v6.sin6_scope_id = link ? if_nametoindex(link) : 0;
	target.any.sa_family = AF_INET6;
	return inet_pton(AF_INET6, text, &target.v6.sin6_addr) == 1 ? 0 : -1;
}

/* -1: it is decided already. */
static int begin(int port)
{
	int fd = socket(target.any.sa_family, SOCK_STREAM | SOCK_NONBLOCK, 0);

	if (fd < 0) {
		perror("net-scan: socket");
		exit(2);
	}
	if (target.any.sa_family == AF_INET)
		target.v4.sin_port = htons((uint16_t)port);
	else
		target.v6.sin6_port = htons((uint16_t)port);
	if (connect(fd, &target.any, target.any.sa_family == AF_INET ? sizeof(target.v4) : sizeof(target.v6)) == 0)
		printf("%d\n", port);
	else if (errno == EINPROGRESS)
		return fd;
	close(fd);
	return -1;
}

static int now_ms(void)
{
	struct timespec now;

	clock_gettime(CLOCK_MONOTONIC, &now);
	return (int)(now.tv_sec % 1000000 * 1000 + now.tv_nsec / 1000000);
}

static void scan(int patience_ms, int first, int last)
{
	static struct pollfd fds[AT_ONCE];
	int n = last - first + 1, until = now_ms() + patience_ms, left;

	for (int i = 0; i < n; i++)
		fds[i] = (struct pollfd){ .fd = begin(first + i), .events = POLLOUT };
	while ((left = until - now_ms()) > 0 && poll(fds, (nfds_t)n, left) > 0) {
		for (int i = 0; i < n; i++) {
			int failed = 0;
			socklen_t len = sizeof(failed);

			if (fds[i].fd < 0 || !fds[i].revents)
				continue;
			getsockopt(fds[i].fd, SOL_SOCKET, SO_ERROR, &failed, &len);
			if (!failed)
				printf("%d\n", first + i);
			close(fds[i].fd);
			fds[i].fd = -1;
		}
	}
	for (int i = 0; i < n; i++)
		if (fds[i].fd >= 0)
			close(fds[i].fd);
}

int main(int argc, char **argv)
{
	struct rlimit files = { AT_ONCE + 64, AT_ONCE + 64 };

	if (argc < 4 || atoi(argv[1]) <= 0 || read_address(argv[2]) < 0)
		return 2;
	setrlimit(RLIMIT_NOFILE, &files);
	for (int i = 3; i < argc; i++) {
		int first, last;

		if (sscanf(argv[i], "%d-%d", &first, &last) != 2 || first < 1 || last > 65535 || last < first ||
		    last - first >= AT_ONCE)
			return 2;
		scan(atoi(argv[1]), first, last);
	}
	return 0;
}
