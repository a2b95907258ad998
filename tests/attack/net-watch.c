/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* net-watch - which of net-forge's frames come in by a link, in the namespace of the caller.
 *
 *   net-watch LINK [SECONDS]
 *
 * Prints "ready" when it listens, then the kind of each frame, and ends with the one of kind "end" (status 0), or after
 * SECONDS (30) without it (status 1). Frames of one sender come in their order, so whatever was let through before the
 * end has been printed. */

#include <errno.h>
#include <linux/if_packet.h>
#include <net/ethernet.h>
#include <net/if.h>
#include <arpa/inet.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <time.h>

static void die(const char *what)
{
	fprintf(stderr, "net-watch: %s: %s\n", what, strerror(errno));
	exit(2);
}

int main(int argc, char **argv)
{
	static const char mark[] = "forged ";
	struct sockaddr_ll name = { .sll_family = AF_PACKET, .sll_protocol = htons(ETH_P_ALL) }, from;
	struct packet_mreq all = { .mr_type = PACKET_MR_PROMISC };
	struct timeval patience = { .tv_usec = 200000 };
	time_t until = time(NULL) + (argc > 2 ? atoi(argv[2]) : 30);
	int fd = socket(AF_PACKET, SOCK_RAW, 0);

	if (argc < 2)
		return 2;
	name.sll_ifindex = all.mr_ifindex = (int)if_nametoindex(argv[1]);
	if (fd < 0 || !name.sll_ifindex || bind(fd, (struct sockaddr *)&name, sizeof(name)) < 0 ||
	    setsockopt(fd, SOL_PACKET, PACKET_ADD_MEMBERSHIP, &all, sizeof(all)) < 0 ||
	    setsockopt(fd, SOL_SOCKET, SO_RCVTIMEO, &patience, sizeof(patience)) < 0)
		die(argv[1]);
	setvbuf(stdout, NULL, _IOLBF, 0);
	puts("ready");
	while (time(NULL) < until) {
		char data[2048], *at;
		socklen_t len = sizeof(from);
		ssize_t n = recvfrom(fd, data, sizeof(data) - 1, 0, (struct sockaddr *)&from, &len);

		if (n < 0 && errno != EAGAIN && errno != EINTR)
			die("receive");
		if (n <= 0 || from.sll_pkttype == PACKET_OUTGOING)
			continue;
		data[n] = '\0';
		at = memmem(data, (size_t)n, mark, sizeof(mark) - 1);
		if (!at)
			continue;
		at += sizeof(mark) - 1;
		printf("%.*s\n", (int)strcspn(at, ";"), at);
		if (strncmp(at, "end;", 4) == 0)
			return 0;
	}
	return 1;
}
